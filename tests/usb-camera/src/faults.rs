//! Faults of a camera, and the commands that set them.

use std::str::FromStr;
use std::time::Duration;

/// An operator's command to the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Pull the cable.
    Unplug,
    /// Put the cable in again, with the same serial number or the given one.
    Plug(Serial),
    /// Set a fault.
    Fault(Fault),
    /// End every fault.
    Ok,
    /// Report the state.
    Status,
    /// Pull the cable and exit.
    Quit,
}

/// The serial number of a camera that is plugged in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serial {
    /// Unchanged.
    Same,
    /// This camera has none.
    None,
    /// Another one.
    New(String),
}

/// One fault. "Every Nth" refers to the frame number; 0 ends the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Send no video for a while; control requests are answered.
    Stall(Duration),
    /// Answer nothing at all for a while, like crashed firmware.
    Hang(Duration),
    /// Cut every Nth frame in half.
    Truncate(u32),
    /// Send every Nth frame without data.
    Zero(u32),
    /// Set the error bit in the payload headers of every Nth frame.
    Error(u32),
    /// Send every Nth frame as noise of the same length.
    Garbage(u32),
    /// Omit the Huffman tables from each JPEG, as many cameras do.
    NoDht(bool),
    /// Send at most this many frames a second, whatever was negotiated (0: as negotiated).
    MaxFps(u32),
    /// Send this many zero bytes after each JPEG's end.
    Padding(usize),
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Command, String> {
        let mut words = line.split_whitespace();
        let name = words.next().ok_or("empty command")?;
        let argument = words.next();
        if let Some(surplus) = words.next() {
            return Err(format!("one argument too many in {line:?}: {surplus:?}"));
        }
        let fault = match name {
            "unplug" => return Ok(Command::Unplug),
            "plug" => return Ok(Command::Plug(serial(argument))),
            "ok" => return Ok(Command::Ok),
            "status" => return Ok(Command::Status),
            "quit" => return Ok(Command::Quit),
            "stall" => Fault::Stall(seconds(name, argument)?),
            "hang" => Fault::Hang(seconds(name, argument)?),
            "truncate" => Fault::Truncate(number(name, argument)?),
            "zero" => Fault::Zero(number(name, argument)?),
            "err" => Fault::Error(number(name, argument)?),
            "garbage" => Fault::Garbage(number(name, argument)?),
            "nodht" => Fault::NoDht(number::<u8>(name, argument)? != 0),
            "maxfps" => Fault::MaxFps(number(name, argument)?),
            "padding" => Fault::Padding(number(name, argument)?),
            _ => return Err(format!("unknown command {name:?}")),
        };
        Ok(Command::Fault(fault))
    }
}

fn serial(argument: Option<&str>) -> Serial {
    match argument {
        None => Serial::Same,
        Some("-") => Serial::None,
        Some(serial) => Serial::New(serial.to_owned()),
    }
}

fn number<T: FromStr>(name: &str, argument: Option<&str>) -> Result<T, String> {
    let text = argument.ok_or_else(|| format!("{name} needs a number"))?;
    text.parse().map_err(|_| format!("{name} needs a number, not {text:?}"))
}

fn seconds(name: &str, argument: Option<&str>) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(name, argument)?).map_err(|error| format!("{name}: {error}"))
}

/// The faults that are set. Times are of CLOCK_MONOTONIC.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    stalled_until: Duration,
    hung_until: Duration,
    truncate_every: u32,
    zero_every: u32,
    error_every: u32,
    garbage_every: u32,
    no_dht: bool,
    fps_max: u32,
    padding_bytes: usize,
}

impl Faults {
    /// Sets one fault in addition to the others.
    pub fn set(&mut self, fault: Fault, now: Duration) {
        match fault {
            Fault::Stall(time) => self.stalled_until = now + time,
            Fault::Hang(time) => self.hung_until = now + time,
            Fault::Truncate(every) => self.truncate_every = every,
            Fault::Zero(every) => self.zero_every = every,
            Fault::Error(every) => self.error_every = every,
            Fault::Garbage(every) => self.garbage_every = every,
            Fault::NoDht(on) => self.no_dht = on,
            Fault::MaxFps(fps) => self.fps_max = fps,
            Fault::Padding(bytes) => self.padding_bytes = bytes,
        }
    }

    /// Plugging in restarts the camera's firmware.
    pub fn end_stall_and_hang(&mut self) {
        (self.stalled_until, self.hung_until) = (Duration::ZERO, Duration::ZERO);
    }

    /// When video continues.
    pub fn silent_until(&self) -> Duration {
        self.stalled_until.max(self.hung_until)
    }

    /// Whether requests stay unanswered.
    pub fn is_hung(&self, now: Duration) -> bool {
        now < self.hung_until
    }

    /// Whether JPEGs have their Huffman tables.
    pub fn has_dht(&self) -> bool {
        !self.no_dht
    }

    /// Whether the headers of this frame get the error bit.
    pub fn has_error_bit(&self, sequence: u32) -> bool {
        is_nth(sequence, self.error_every)
    }

    /// The shortest frame interval that this camera can sustain.
    pub fn interval_min(&self) -> Duration {
        Duration::from_secs(1).checked_div(self.fps_max).unwrap_or(Duration::ZERO)
    }

    /// Pads the frame, and damages it if its number is due.
    pub fn spoil(&self, sequence: u32, frame: &mut Vec<u8>) {
        frame.resize(frame.len() + self.padding_bytes, 0);
        if is_nth(sequence, self.zero_every) {
            frame.clear();
        }
        if is_nth(sequence, self.truncate_every) {
            frame.truncate(frame.len() / 2);
        }
        if is_nth(sequence, self.garbage_every) {
            let mut state = sequence;
            frame.fill_with(|| noise(&mut state));
        }
    }
}

fn is_nth(sequence: u32, every: u32) -> bool {
    sequence.checked_rem(every) == Some(0)
}

/// A linear congruential generator (Numerical Recipes); its high bits are random enough for noise.
pub(crate) fn noise(state: &mut u32) -> u8 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 24) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed_and_mistakes_named() {
        assert_eq!("truncate 5".parse(), Ok(Command::Fault(Fault::Truncate(5))));
        assert_eq!("stall 1.5\n".parse(), Ok(Command::Fault(Fault::Stall(Duration::from_millis(1500)))));
        assert_eq!("plug".parse(), Ok(Command::Plug(Serial::Same)));
        assert_eq!("plug -".parse(), Ok(Command::Plug(Serial::None)));
        assert_eq!("plug B2".parse(), Ok(Command::Plug(Serial::New("B2".into()))));
        assert_eq!("explode".parse::<Command>(), Err("unknown command \"explode\"".into()));
        assert_eq!("zero x".parse::<Command>(), Err("zero needs a number, not \"x\"".into()));
        assert!("stall -1".parse::<Command>().is_err());
    }

    #[test]
    fn every_nth_frame_is_damaged() {
        let mut faults = Faults::default();
        faults.set(Fault::Truncate(2), Duration::ZERO);
        let lengths: Vec<_> = (1..=4)
            .map(|sequence| {
                let mut frame = vec![7; 10];
                faults.spoil(sequence, &mut frame);
                frame.len()
            })
            .collect();
        assert_eq!(lengths, [10, 5, 10, 5]);
    }
}
