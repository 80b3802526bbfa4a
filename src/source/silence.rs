//! How long a camera has given no good picture, and what it sent instead.

use std::time::Duration;

use crate::clock::Monotonic;

/// The time since the last good picture, or since the wait for the first began.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// `None` while the source is being opened, however long that takes.
    since: Option<Monotonic>,
    instead: Instead,
    damaged: u64,
    damage: String,
    key_awaited: Option<Monotonic>,
}

#[derive(Debug, Default)]
enum Instead {
    #[default]
    Nothing,
    Other(String),
    TooLong(&'static str, usize),
}

/// A time without a good picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// How long.
    pub time: Duration,
    /// What came instead.
    pub instead: What,
}

/// What came instead of a good picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Nothing.
    Nothing,
    /// Damaged pictures.
    Damaged {
        /// How many.
        pictures: u64,
        /// The defect of the last one.
        last: String,
    },
    /// Something other than pictures, such as `video/x-h264`.
    Other(String),
    /// Something that exceeds its ceiling.
    TooLong {
        /// What it is.
        what: &'static str,
        /// Its ceiling, in bytes.
        max_bytes: usize,
    },
    /// Pictures that depend on a key picture that never came, for so long.
    NoKey(Duration),
}

impl Silence {
    /// A good picture came, or the wait for one starts again.
    pub fn end(&mut self, now: Monotonic) {
        (self.since, self.damaged, self.key_awaited) = (Some(now), 0, None);
        if !matches!(self.instead, Instead::Nothing) {
            self.instead = Instead::Nothing;
        }
    }

    pub fn damaged(&mut self, damage: String) {
        self.damaged += 1;
        self.damage = damage;
    }

    pub fn other(&mut self, offered: String) {
        self.instead = Instead::Other(offered);
    }

    pub fn too_long(&mut self, what: &'static str, max_bytes: usize) {
        if !matches!(self.instead, Instead::Other(_)) {
            self.instead = Instead::TooLong(what, max_bytes);
        }
    }

    pub fn await_key(&mut self, since: Option<Monotonic>) {
        self.key_awaited = since;
    }

    pub fn since(&self) -> Option<Monotonic> {
        self.since
    }

    pub fn quiet(&self, now: Monotonic) -> Quiet {
        let instead = match (&self.instead, self.key_awaited, self.damaged) {
            (Instead::Other(offered), ..) => What::Other(offered.clone()),
            (_, Some(since), _) => What::NoKey(now.since(since)),
            (Instead::TooLong(what, max_bytes), None, 0) => What::TooLong { what, max_bytes: *max_bytes },
            (Instead::Nothing, None, 0) => What::Nothing,
            (_, None, pictures) => What::Damaged { pictures, last: self.damage.clone() },
        };
        Quiet { time: self.since.map_or(Duration::ZERO, |since| now.since(since)), instead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_reason_wins_and_a_good_picture_clears_it() {
        let at = |seconds| Monotonic::since_zero(Duration::from_secs(seconds));
        let mut silence = Silence::default();
        assert_eq!(silence.quiet(at(9)).time, Duration::ZERO, "it is being opened");
        silence.end(at(1));
        assert_eq!(silence.quiet(at(4)), Quiet { time: Duration::from_secs(3), instead: What::Nothing });
        silence.too_long("a picture", 9);
        assert_eq!(silence.quiet(at(4)).instead, What::TooLong { what: "a picture", max_bytes: 9 });
        silence.damaged("no end".to_owned());
        let damaged = What::Damaged { pictures: 1, last: "no end".to_owned() };
        assert_eq!(silence.quiet(at(4)).instead, damaged);
        silence.await_key(Some(at(2)));
        assert_eq!(silence.quiet(at(4)).instead, What::NoKey(Duration::from_secs(2)));
        silence.other("text/html".to_owned());
        assert_eq!(silence.quiet(at(4)).instead, What::Other("text/html".to_owned()));
        silence.end(at(5));
        assert_eq!(silence.quiet(at(5)), Quiet { time: Duration::ZERO, instead: What::Nothing });
    }
}
