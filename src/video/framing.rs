//! Converts the NAL units of files to access units in byte stream format.
//!
//! MP4 and MKV put a length before each NAL unit, and parameter sets into a separate record (ISO/IEC
//! 14496-15); decoders of live streams want start codes (annex B of both standards) and the parameter sets
//! with each key picture.

use super::nal::{self, START_CODE};
use super::{Codec, PADDING_BYTES, UnitBytes};

/// How a file stores its NAL units.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// Bytes of the length before each NAL unit, 1 to 4; `None` if there are start codes.
    length_bytes: Option<usize>,
    /// Parameter sets, with start codes.
    parameter_sets: Vec<u8>,
}

impl Framing {
    /// Reads the codec's extra data from a file; `None` if it is damaged.
    pub fn read(codec: Codec, extra: &[u8]) -> Option<Self> {
        if extra.is_empty() || extra.starts_with(&START_CODE) || extra.starts_with(&START_CODE[1..]) {
            return Some(Self { length_bytes: None, parameter_sets: extra.to_vec() });
        }
        match codec {
            Codec::H264 => avc_record(extra),
            Codec::H265 => hevc_record(extra),
        }
    }

    /// A picture's NAL units in byte stream format, after the parameter sets if it is a key picture that
    /// lacks them. Truncated NAL units are left out.
    pub fn unit(&self, codec: Codec, data: &[u8], is_key: bool) -> UnitBytes {
        let room = self.parameter_sets.len() + data.len() + self.growth(data) + PADDING_BYTES;
        let mut out = Vec::with_capacity(room);
        if is_key && !self.nal_units(data).any(|nal| is_sequence_set(codec, nal)) {
            out.extend_from_slice(&self.parameter_sets);
        }
        self.nal_units(data)
            .filter(|nal| !nal::is_left_out(codec, nal))
            .for_each(|nal| append(&mut out, nal));
        out.into()
    }

    /// Bytes by which a picture grows in byte stream format, at most.
    fn growth(&self, data: &[u8]) -> usize {
        let each = START_CODE.len() - self.length_bytes.unwrap_or(START_CODE.len() - 1);
        each * self.nal_units(data).count()
    }

    fn nal_units<'a>(&self, data: &'a [u8]) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        match self.length_bytes {
            Some(length_bytes) => Box::new(counted_all(data, length_bytes)),
            None => Box::new(nal::all(data)),
        }
    }
}

fn append(out: &mut Vec<u8>, nal: &[u8]) {
    if !nal.is_empty() {
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(nal);
    }
}

/// Splits off a NAL unit that follows its length of `length_bytes` bytes.
fn counted(bytes: &[u8], length_bytes: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(length_bytes)?;
    let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// The NAL units that follow their lengths, up to the first truncated one.
fn counted_all(mut bytes: &[u8], length_bytes: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (nal, rest) = counted(bytes, length_bytes)?;
        bytes = rest;
        Some(nal)
    })
}

fn is_sequence_set(codec: Codec, nal: &[u8]) -> bool {
    nal.first().is_some_and(|header| match codec {
        Codec::H264 => header & 0x1f == 7,
        Codec::H265 => header >> 1 & 0x3f == 33,
    })
}

/// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1.2).
fn avc_record(record: &[u8]) -> Option<Framing> {
    let [1, _, _, _, lengths, sequence_sets, rest @ ..] = record else { return None };
    let mut parameter_sets = Vec::new();
    let mut rest = append_sets(rest, sequence_sets & 0x1f, &mut parameter_sets)?;
    if let Some((picture_sets, sets)) = rest.split_first() {
        rest = sets;
        append_sets(rest, *picture_sets, &mut parameter_sets)?;
    }
    Some(Framing { length_bytes: Some(usize::from(lengths & 3) + 1), parameter_sets })
}

/// HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1.2).
fn hevc_record(record: &[u8]) -> Option<Framing> {
    let (head, mut rest) = record.split_first_chunk::<23>()?;
    let mut parameter_sets = Vec::new();
    for _ in 0..head[22] {
        let ([_, high, low], sets) = rest.split_first_chunk::<3>()?;
        let count = u16::from_be_bytes([*high, *low]);
        rest = append_sets(sets, u8::try_from(count).ok()?, &mut parameter_sets)?;
    }
    Some(Framing { length_bytes: Some(usize::from(head[21] & 3) + 1), parameter_sets })
}

fn append_sets<'a>(mut bytes: &'a [u8], count: u8, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    for _ in 0..count {
        let (set, rest) = counted(bytes, 2)?;
        append(out, set);
        bytes = rest;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_start_codes_and_key_pictures_get_their_parameter_sets() {
        let record = [1, 0x64, 0, 0x1f, 0xfd, 0xe1, 0, 2, 0x67, 9, 1, 0, 1, 0x68];
        let framing = Framing::read(Codec::H264, &record).unwrap();
        assert_eq!(framing.length_bytes, Some(2));
        assert_eq!(framing.unit(Codec::H264, &[0, 2, 0x41, 7, 0, 9, 1], false)[..], [0, 0, 0, 1, 0x41, 7]);
        let key = [0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65];
        assert_eq!(framing.unit(Codec::H264, &[0, 1, 0x65], true)[..], key);
        let with_sets = framing.unit(Codec::H264, &[0, 1, 0x67, 0, 1, 0x65], true);
        assert_eq!(with_sets[..], [0, 0, 0, 1, 0x67, 0, 0, 0, 1, 0x65]);
    }

    #[test]
    fn h265_records() {
        let mut record = vec![1; 23];
        (record[21], record[22]) = (0xfc | 3, 2);
        record.extend([0xa0, 0, 1, 0, 1, 0x40, 0xa1, 0, 1, 0, 2, 0x42, 5]);
        let framing = Framing::read(Codec::H265, &record).unwrap();
        assert_eq!(framing.length_bytes, Some(4));
        assert_eq!(framing.parameter_sets, [0, 0, 0, 1, 0x40, 0, 0, 0, 1, 0x42, 5]);
        assert_eq!(framing.unit(Codec::H265, &[0, 0, 0, 1, 0x42], true)[..], [0, 0, 0, 1, 0x42]);
    }

    #[test]
    fn start_codes_stay_and_damaged_records_are_detected() {
        let framing = Framing::read(Codec::H264, &[0, 0, 0, 1, 0x67]).unwrap();
        assert_eq!(
            framing.unit(Codec::H264, &[0, 0, 1, 0x65], true)[..],
            [0, 0, 0, 1, 0x67, 0, 0, 0, 1, 0x65]
        );
        assert_eq!(Framing::read(Codec::H264, &[]), Some(Framing::default()));
        for codec in [Codec::H264, Codec::H265] {
            assert_eq!(Framing::read(codec, &[1, 2, 3]), None);
            assert_eq!(Framing::read(codec, &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), None);
        }
    }

    #[test]
    fn a_picture_is_copied_once_into_memory_that_a_decoder_can_take() {
        let framing = Framing { length_bytes: Some(1), parameter_sets: vec![0, 0, 0, 1, 0x67, 1] };
        let pictures: [(&[u8], bool); 2] = [(&[1, 0x41, 1, 0x41, 1, 0x41], false), (&[2, 0x65, 9], true)];
        for (data, is_key) in pictures {
            let room = framing.unit(Codec::H264, data, is_key).into_padded();
            assert!(
                room.len() <= room.capacity() && room.capacity() < room.len() + 16,
                "{}",
                room.capacity()
            );
        }
        // Supplemental information is left out of H.265.
        let unit = framing.unit(Codec::H265, &[2, 39 << 1, 1, 2, 0x02, 1], false);
        assert_eq!(unit[..], [0, 0, 0, 1, 0x02, 1]);
    }
}
