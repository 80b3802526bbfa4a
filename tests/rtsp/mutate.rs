//! Damages the bytes from cameras, reproducibly.

use crate::replay::{Feed, Replay};
use crate::transcript::{Transcript, What};

/// xorshift64: good enough to choose what to damage.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

/// Plays the camera's part with some bytes flipped, cut, repeated or inserted.
pub fn run(transcript: &Transcript, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let feed = if dice.roll(4) == 0 { Feed::Bytes } else { Feed::SplitAt(1 + dice.roll(40)) };
    let mut replay = Replay::new(transcript, feed);
    for step in &transcript.steps {
        let times = [1, 1, 1, 1, 0, 2][dice.roll(6)];
        for _ in 0..times {
            match &step.what {
                What::Bytes(bytes) => replay.input(&What::Bytes(damage(bytes, &mut dice))),
                What::Datagram(channel, port, bytes) => {
                    replay.datagram(*channel, *port, &damage(bytes, &mut dice));
                }
                other => replay.input(other),
            }
        }
    }
}

fn damage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, [0, 0xff, b'$', b'\n', b'=', b';'][dice.roll(6)]),
            2 => {
                let piece = bytes[at..bytes.len().min(at + dice.roll(60))].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                bytes.drain(at..bytes.len().min(at + dice.roll(8)));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = dice.roll(256) as u8;
                }
            }
        }
    }
    bytes
}
