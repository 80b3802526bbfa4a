//! Which slot of the timeline a picture is decoded in, and which it is shown in.
//!
//! Where pictures are shown as they are decoded, that is the same slot. Otherwise they are shown as many
//! slots after their place in display order as the stream needs (its depth), so that none is due before
//! it is decoded. Places are counted from the last picture that counting began at, in steps of the picture
//! order count. A picture that was lost delays those after it by a slot, until counting begins anew. What a
//! stream does not say is learnt from what does not fit: that costs the pictures up to the next key picture,
//! once.

use super::Unplayable;
use crate::video::Codec;

/// Pictures that a decoder keeps, by which a picture can be decoded ahead of its turn (H.264 A.3.1, H.265
/// A.4.2).
const DEPTH_MAX: u64 = 16;

/// Pictures after which the step between counts is believed rather than supposed.
const STEP_PICTURES_MIN: u32 = 8;

/// What is known of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ordering {
    /// Its picture order count, if it has one.
    pub count: Option<i64>,
    /// Counting begins anew with it.
    pub restarts: bool,
    /// A decoder can begin with it.
    pub is_start: bool,
    /// By how many pictures the stream says it is reordered, if it does.
    pub depth: Option<u8>,
}

/// Slots of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// It is decoded here, after all pictures before it.
    pub decode: u64,
    /// It is shown here: not before it is decoded, and in nobody else's slot.
    pub display: u64,
    /// It is shown before the last start.
    pub is_leading: bool,
}

/// Places the pictures of a stream.
#[derive(Debug)]
pub(super) struct Order {
    /// The next slot to decode in, and the first after all in which a picture is shown.
    next: u64,
    free: u64,
    /// What was learnt: depth, and pictures that are shown before the one that counting began at.
    depth: u64,
    leading: u64,
    step: Step,
    epoch: Option<Epoch>,
}

/// From one picture that counting begins at to the next.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    /// Count and slot of the first picture.
    base: i64,
    slot: u64,
    /// The first slot that no picture before it is shown in.
    floor: u64,
    /// Pictures that are shown before the first are left out.
    is_cut: bool,
    depth: u64,
    step: i64,
    /// The slot of the last start.
    start: u64,
    highest: i64,
}

impl Order {
    pub fn new(codec: Codec) -> Self {
        let step = Step::new(codec);
        Self { next: 0, free: 0, depth: 0, leading: 0, step, epoch: None }
    }

    /// What follows is of another codec, and nothing that was learnt holds.
    pub fn change_codec(&mut self, codec: Codec) {
        *self = Self { next: self.next, free: self.free, ..Self::new(codec) };
    }

    /// What follows begins with a start; pictures in between are missing.
    pub fn interrupt(&mut self) {
        self.epoch = None;
    }

    /// The slots of the next picture in decoding order; `None` if it is to be left out, as it refers to
    /// pictures that are missing. After an error, the next picture is a start.
    pub fn place(&mut self, picture: Ordering) -> Result<Option<Place>, Unplayable> {
        if picture.depth == Some(0) {
            return Ok(Some(self.as_decoded()));
        }
        let placed = match picture.count {
            Some(count) => self.place_by_count(picture, count),
            None => Err(Unplayable::Reordered),
        };
        if placed.is_err() {
            self.interrupt();
        }
        placed
    }

    fn as_decoded(&mut self) -> Place {
        let slot = self.next.max(self.free);
        self.take(slot, slot, false)
    }

    fn take(&mut self, decode: u64, display: u64, is_leading: bool) -> Place {
        self.next = decode + 1;
        self.free = self.free.max(display + 1);
        Place { decode, display, is_leading }
    }

    fn place_by_count(&mut self, picture: Ordering, count: i64) -> Result<Option<Place>, Unplayable> {
        let depth = u64::from(picture.depth.unwrap_or(0)).max(self.depth);
        match self.epoch {
            Some(_) if picture.restarts => Ok(Some(self.begin(count, depth, false))),
            None => Ok(Some(self.begin(count, depth, !picture.restarts))),
            Some(epoch) => {
                self.step.see(count);
                if epoch.is_cut && count < epoch.base {
                    return Ok(None);
                }
                let place =
                    if epoch.depth == 0 { self.after_all(epoch, count)? } else { self.among(epoch, count)? };
                if let (true, Some(epoch)) = (picture.is_start, &mut self.epoch) {
                    epoch.start = place.display;
                }
                Ok(Some(place))
            }
        }
    }

    fn begin(&mut self, base: i64, depth: u64, is_cut: bool) -> Place {
        let leading = if is_cut { 0 } else { self.leading };
        let (step, floor) = (self.step.begin(base), self.free);
        let slot = (self.next + depth).max(self.free) + leading;
        let decode = self.next.max(slot - depth - leading);
        self.epoch = Some(Epoch { base, slot, floor, is_cut, depth, step, start: slot, highest: base });
        self.take(decode, slot, false)
    }

    /// The place of a picture of a stream of which it is not known that it is reordered.
    fn after_all(&mut self, epoch: Epoch, count: i64) -> Result<Place, Unplayable> {
        if count <= epoch.highest {
            self.depth = 1;
            return Err(Unplayable::Reordered);
        }
        self.epoch = Some(Epoch { highest: count, ..epoch });
        Ok(self.as_decoded())
    }

    /// The place of a picture of a stream that is reordered.
    fn among(&mut self, epoch: Epoch, count: i64) -> Result<Place, Unplayable> {
        let distance = count.saturating_sub(epoch.base);
        if distance % epoch.step != 0 {
            return Err(Unplayable::Reordered);
        }
        let decode = self.next;
        let display = epoch.slot.saturating_add_signed(distance / epoch.step);
        if display < epoch.floor {
            self.leading = (self.leading + epoch.floor - display).min(DEPTH_MAX);
            return Err(Unplayable::Reordered);
        }
        if display < decode {
            self.depth = (epoch.depth + decode - display).min(DEPTH_MAX);
            return Err(Unplayable::Reordered);
        }
        if display > decode + epoch.depth + self.leading + DEPTH_MAX {
            return Err(Unplayable::Reordered);
        }
        Ok(self.take(decode, display, display < epoch.start))
    }
}

/// The difference between the counts of two pictures, one of which is shown after the other.
#[derive(Debug)]
struct Step {
    usual: i64,
    /// The greatest that all counts are multiples of; 0 as long as there were none.
    divisor: i64,
    pictures: u32,
    last: i64,
}

impl Step {
    /// Most encoders count fields in H.264, pictures in H.265.
    const fn new(codec: Codec) -> Self {
        let usual = match codec {
            Codec::H264 => 2,
            Codec::H265 => 1,
        };
        Self { usual, divisor: 0, pictures: 0, last: 0 }
    }

    fn see(&mut self, count: i64) {
        let (mut a, mut b) = (count.saturating_sub(self.last).saturating_abs(), self.divisor);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        self.divisor = a;
        self.pictures = self.pictures.saturating_add(1);
        self.last = count;
    }

    /// Counting begins with this one: the step until it begins again.
    fn begin(&mut self, count: i64) -> i64 {
        self.last = count;
        let is_known = self.pictures >= STEP_PICTURES_MIN || self.divisor % self.usual != 0;
        if is_known && self.divisor > 0 { self.divisor } else { self.usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(count: i64, depth: Option<u8>) -> Ordering {
        Ordering { count: Some(count), restarts: count == 0, is_start: count == 0, depth }
    }

    /// Slots of pictures with these counts: decoding and display; `None` where a picture was refused.
    fn places(codec: Codec, depth: Option<u8>, counts: &[i64]) -> Vec<Option<(u64, u64)>> {
        let mut order = Order::new(codec);
        let mut is_running = false;
        let places = counts.iter().map(|count| {
            is_running |= *count == 0;
            let place = if is_running { order.place(picture(*count, depth)).ok().flatten() } else { None };
            is_running = place.is_some();
            place.map(|it| (it.decode, it.display))
        });
        places.collect()
    }

    fn some(places: &[(u64, u64)]) -> Vec<Option<(u64, u64)>> {
        places.iter().copied().map(Some).collect()
    }

    #[test]
    fn as_decoded_unless_the_stream_says_otherwise() {
        let plain = some(&[(0, 0), (1, 1), (2, 2), (3, 3)]);
        assert_eq!(places(Codec::H264, Some(0), &[0, 8, 2, 4]), plain);
        assert_eq!(places(Codec::H264, None, &[0, 2, 4, 0]), plain);
        assert_eq!(places(Codec::H264, None, &[0, 1, 5, 6]), plain);
    }

    #[test]
    fn pictures_are_shown_in_their_order_and_never_before_they_are_decoded() {
        // I P B b b, I P B b b.
        let counts = [0, 8, 4, 2, 6, 0, 8, 4, 2, 6];
        let shown = [(0, 2), (1, 6), (2, 4), (3, 3), (4, 5), (5, 7), (6, 11), (7, 9), (8, 8), (9, 10)];
        assert_eq!(places(Codec::H264, Some(2), &counts), some(&shown));
    }

    #[test]
    fn depth_is_learnt_where_the_stream_does_not_say_it() {
        let gop = [0, 8, 4, 2, 6];
        let places = places(Codec::H264, None, &gop.repeat(4));
        assert_eq!(places[..5], [Some((0, 0)), Some((1, 1)), None, None, None]);
        assert!(places[15..].iter().all(Option::is_some), "{places:?}");
        let mut shown: Vec<u64> = places.iter().flatten().map(|(_, display)| *display).collect();
        shown.sort_unstable();
        assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(places.iter().flatten().all(|(decode, display)| display >= decode));
    }

    #[test]
    fn the_step_is_learnt() {
        let gop = [0, 2, 1, 4, 3, 6, 5, 8, 7, 9];
        let places = places(Codec::H264, Some(1), &gop.repeat(2));
        assert_eq!(places[2], None);
        let shown: Vec<u64> = places[10..].iter().map(|it| it.unwrap().1).collect();
        let first = shown[0];
        assert_eq!(shown.iter().map(|it| (it - first) as i64).collect::<Vec<_>>(), gop);
    }

    #[test]
    fn what_is_shown_before_a_start_is_left_out_after_a_gap_and_marked_otherwise() {
        let mut order = Order::new(Codec::H265);
        let start = |count| Ordering { count: Some(count), restarts: false, is_start: true, depth: Some(1) };
        let other = |count| Ordering { is_start: false, ..start(count) };
        let first = order.place(start(100)).unwrap().unwrap();
        assert_eq!(order.place(other(99)), Ok(None));
        let trailing = order.place(other(101)).unwrap().unwrap();
        assert_eq!((trailing.display - first.display, trailing.is_leading), (1, false));
        assert!(order.place(start(103)).unwrap().is_some());
        assert!(order.place(other(102)).unwrap().unwrap().is_leading);
    }

    #[test]
    fn leading_pictures_of_a_restart_are_learnt() {
        let gop = [0, -1, 2, 1];
        let places = places(Codec::H265, Some(1), &gop.repeat(3));
        assert_eq!(places[0], Some((0, 1)));
        assert!(places[8..].iter().all(Option::is_some), "{places:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        let mut order = Order::new(Codec::H264);
        for count in [0, i64::MAX, 0, i64::MIN, 0, 1 << 40, 2, 0, 3, 3, 3] {
            let _ = order.place(picture(count, Some(16)));
            assert!(order.free <= order.next + 3 * DEPTH_MAX);
        }
        assert_eq!(order.place(Ordering { count: None, ..picture(0, None) }), Err(Unplayable::Reordered));
    }
}
