//! One picture: `moof` and `mdat`. ISO/IEC 14496-12 sections 8.1.1 and 8.8.

use super::Unplayable;
use super::boxes::{boxed, full, u32, u32s};

/// The only track.
pub(super) const TRACK_ID: u32 = 1;

/// Bytes of `moof`, and with the head of `mdat`: what a fragment costs beside its picture.
const MOOF_BYTES: u32 = 104;
const OVERHEAD_BYTES: usize = MOOF_BYTES as usize + 8;

/// Bytes of the length before each NAL unit.
const LENGTH_BYTES: usize = 4;

/// `tf_flags`: offsets count from `moof`. ISO/IEC 14496-12 section 8.8.7.
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

/// `tr_flags`: where the data begin; duration, size, flags and composition offset of each sample.
/// ISO/IEC 14496-12 section 8.8.8.
const TRUN_FLAGS: u32 = 0x00_0f01;

/// Sample flags: depends on no other; depends on others, and is none to begin with.
/// ISO/IEC 14496-12 section 8.8.3.1.
const SYNC_SAMPLE: u32 = 0x0200_0000;
const OTHER_SAMPLE: u32 = 0x0101_0000;

/// What a fragment is to a viewer that begins, or goes on after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Begin here: an IDR picture (H.264) or IRAP picture (H.265). Streams of H.264 with open groups of
    /// pictures, or that refresh themselves bit by bit, may have no other than their first.
    Here,
    /// Leave it out if you began with the last that said [`Here`](Self::Here): it is shown before that, and
    /// may refer to pictures that you do not have.
    NotAfterLast,
    /// Do not begin here.
    No,
}

/// `moof` and `mdat` of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The boxes.
    pub bytes: Vec<u8>,
    /// What it is to a viewer that begins.
    pub start: Start,
    /// When it is decoded, in units of [`TIMESCALE_HZ`](super::TIMESCALE_HZ) since the first picture.
    pub decode_time: u64,
    /// How long it stays the newest, in the same units.
    pub duration: u32,
    /// How long after it was decoded it is shown, in the same units.
    pub composition_offset: i32,
}

/// When a picture is decoded and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub decode: u64,
    pub duration: u32,
    pub offset: i32,
}

impl Fragment {
    /// Of a picture's NAL units. The only memory that is taken is that of the bytes, and no more of it.
    pub(super) fn new(
        sequence_number: u32,
        times: Times,
        start: Start,
        nal_units: &[&[u8]],
    ) -> Result<Self, Unplayable> {
        let bytes = nal_units.iter().map(|nal| LENGTH_BYTES + nal.len()).sum::<usize>();
        let sample = u32::try_from(bytes).map_err(|_| Unplayable::TooLarge)?;
        let mdat = sample.checked_add(8).ok_or(Unplayable::TooLarge)?;
        let mut out = Vec::with_capacity(OVERHEAD_BYTES + bytes);
        moof(&mut out, sequence_number, times, start, sample);
        debug_assert_eq!(out.len(), MOOF_BYTES as usize);
        u32(&mut out, mdat);
        out.extend_from_slice(b"mdat");
        for nal in nal_units {
            u32(&mut out, nal.len() as u32);
            out.extend_from_slice(nal);
        }
        let Times { decode: decode_time, duration, offset: composition_offset } = times;
        Ok(Self { bytes: out, start, decode_time, duration, composition_offset })
    }
}

fn moof(out: &mut Vec<u8>, sequence_number: u32, times: Times, start: Start, sample: u32) {
    let flags = if start == Start::Here { SYNC_SAMPLE } else { OTHER_SAMPLE };
    boxed(out, *b"moof", |out| {
        full(out, *b"mfhd", 0, 0, |out| u32(out, sequence_number));
        boxed(out, *b"traf", |out| {
            full(out, *b"tfhd", 0, DEFAULT_BASE_IS_MOOF, |out| u32(out, TRACK_ID));
            full(out, *b"tfdt", 1, 0, |out| out.extend_from_slice(&times.decode.to_be_bytes()));
            // Version 1: composition offsets are signed.
            full(out, *b"trun", 1, TRUN_FLAGS, |out| {
                u32s(out, &[1, OVERHEAD_BYTES as u32, times.duration, sample, flags]);
                out.extend_from_slice(&times.offset.to_be_bytes());
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_box_by_box() {
        let times = Times { decode: 0x1_0000_0002, duration: 3600, offset: -1 };
        let fragment = Fragment::new(7, times, Start::Here, &[b"\x65abc", b"\x65d"]).unwrap();
        let golden = b"\0\0\0\x68moof\
            \0\0\0\x10mfhd\0\0\0\0\0\0\0\x07\
            \0\0\0\x50traf\
            \0\0\0\x10tfhd\0\x02\0\0\0\0\0\x01\
            \0\0\0\x14tfdt\x01\0\0\0\0\0\0\x01\0\0\0\x02\
            \0\0\0\x24trun\x01\0\x0f\x01\0\0\0\x01\0\0\0\x70\0\0\x0e\x10\0\0\0\x0e\x02\0\0\0\xff\xff\xff\xff\
            \0\0\0\x16mdat\0\0\0\x04\x65abc\0\0\0\x02\x65d";
        assert_eq!(fragment.bytes, golden);
        assert_eq!(fragment.bytes.capacity(), golden.len());
        let other = Fragment::new(8, times, Start::No, &[b"\x41"]).unwrap();
        assert_eq!(other.bytes[96..100], OTHER_SAMPLE.to_be_bytes());
    }
}
