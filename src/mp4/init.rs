//! What stands before all fragments: `ftyp` and `moov`. ISO/IEC 14496-12 sections 4.3 and 8.2 to 8.8.

use super::TIMESCALE_HZ;
use super::boxes::{boxed, full, u16, u32, u32s, zeros};
use super::configuration::{codecs, record, record_box, sample_entry};
use super::fragment::TRACK_ID;
use crate::video::parameter_sets::ParameterSets;
use crate::video::sps::Sequence;

/// A transformation that changes nothing. ISO/IEC 14496-12 section 6.2.2.
const UNITY_MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Brand of files whose offsets count from `moof` and may be signed. ISO/IEC 14496-12 annex E.
const BRAND: [u8; 4] = *b"iso6";

/// "und": no language. ISO/IEC 14496-12 section 8.4.2.
const LANGUAGE: u16 = 0x55c4;

/// 72 dots per inch, which nobody reads. ISO/IEC 14496-12 section 12.1.3.
const RESOLUTION: u32 = 0x48_0000;

/// What a viewer is sent before fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitSegment {
    bytes: Vec<u8>,
    codecs: String,
    width: u16,
    height: u16,
}

impl InitSegment {
    /// Of a stream's parameter sets, and the one among them that its pictures refer to; `None` where some
    /// are missing, or the pictures are larger than a sample entry can say.
    pub(super) fn new(sets: &ParameterSets, sequence: &Sequence) -> Option<Self> {
        let (width, height) = (sequence.format.width, sequence.format.height);
        let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
        let (record, codecs) = (record(sets, sequence)?, codecs(sets, sequence)?);
        let video = Video { sequence, record: &record, width, height };
        let mut bytes = Vec::with_capacity(1024);
        boxed(&mut bytes, *b"ftyp", |out| {
            out.extend_from_slice(&BRAND);
            u32(out, 0);
            out.extend_from_slice(&BRAND);
            out.extend_from_slice(b"mp41");
        });
        boxed(&mut bytes, *b"moov", |out| video.moov(out));
        Some(Self { bytes, codecs, width, height })
    }

    /// `ftyp` and `moov`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The codec with profile and level, as in `avc1.640028` or `hvc1.1.6.L93.B0`. RFC 6381.
    pub fn codecs(&self) -> &str {
        &self.codecs
    }

    /// What `Content-Type` and `MediaSource.isTypeSupported` name it.
    pub fn content_type(&self) -> String {
        format!("video/mp4; codecs=\"{}\"", self.codecs)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }
}

/// What the boxes are made of.
struct Video<'a> {
    sequence: &'a Sequence,
    record: &'a [u8],
    width: u16,
    height: u16,
}

impl Video<'_> {
    fn moov(&self, out: &mut Vec<u8>) {
        full(out, *b"mvhd", 0, 0, |out| {
            u32s(out, &[0, 0, TIMESCALE_HZ, 0, 0x1_0000]); // no dates, no duration; rate 1
            u16(out, 0x100); // volume 1
            zeros(out, 10);
            u32s(out, &UNITY_MATRIX);
            zeros(out, 24);
            u32(out, TRACK_ID + 1);
        });
        boxed(out, *b"trak", |out| {
            self.tkhd(out);
            boxed(out, *b"mdia", |out| self.mdia(out));
        });
        boxed(out, *b"mvex", |out| {
            // Each fragment says everything itself.
            full(out, *b"trex", 0, 0, |out| u32s(out, &[TRACK_ID, 1, 0, 0, 0]));
        });
    }

    fn tkhd(&self, out: &mut Vec<u8>) {
        let (across, down) = self.sequence.pixel_aspect.unwrap_or((1, 1));
        let shown = (u64::from(self.width) << 16) * u64::from(across) / u64::from(down.max(1));
        // Enabled, in the movie.
        full(out, *b"tkhd", 0, 3, |out| {
            u32s(out, &[0, 0, TRACK_ID, 0, 0]);
            zeros(out, 16); // layer, alternate group, volume
            u32s(out, &UNITY_MATRIX);
            u32s(out, &[u32::try_from(shown).unwrap_or(u32::MAX), u32::from(self.height) << 16]);
        });
    }

    fn mdia(&self, out: &mut Vec<u8>) {
        full(out, *b"mdhd", 0, 0, |out| {
            u32s(out, &[0, 0, TIMESCALE_HZ, 0]);
            u16(out, LANGUAGE);
            u16(out, 0);
        });
        full(out, *b"hdlr", 0, 0, |out| {
            u32(out, 0);
            out.extend_from_slice(b"vide");
            zeros(out, 13); // no name
        });
        boxed(out, *b"minf", |out| {
            full(out, *b"vmhd", 0, 1, |out| zeros(out, 8));
            boxed(out, *b"dinf", |out| {
                full(out, *b"dref", 0, 0, |out| {
                    u32(out, 1);
                    full(out, *b"url ", 0, 1, |_| {}); // in this very file
                });
            });
            boxed(out, *b"stbl", |out| self.stbl(out));
        });
    }

    fn stbl(&self, out: &mut Vec<u8>) {
        full(out, *b"stsd", 0, 0, |out| {
            u32(out, 1);
            self.sample_entry(out);
        });
        // All samples are in fragments.
        full(out, *b"stts", 0, 0, |out| u32(out, 0));
        full(out, *b"stsc", 0, 0, |out| u32(out, 0));
        full(out, *b"stsz", 0, 0, |out| u32s(out, &[0, 0]));
        full(out, *b"stco", 0, 0, |out| u32(out, 0));
    }

    /// ISO/IEC 14496-12 section 12.1.3, 14496-15 sections 5.4.2.1 and 8.4.1.1.
    fn sample_entry(&self, out: &mut Vec<u8>) {
        let codec = self.sequence.format.codec;
        boxed(out, sample_entry(codec), |out| {
            zeros(out, 6);
            u16(out, 1); // data_reference_index
            zeros(out, 16);
            u16(out, self.width);
            u16(out, self.height);
            u32s(out, &[RESOLUTION, RESOLUTION, 0]);
            u16(out, 1); // frame_count
            zeros(out, 32); // no name
            u16(out, 0x18); // colour, no alpha
            u16(out, u16::MAX);
            boxed(out, record_box(codec), |out| out.extend_from_slice(self.record));
            if let Some((across, down)) = self.sequence.pixel_aspect {
                boxed(out, *b"pasp", |out| u32s(out, &[u32::from(across), u32::from(down)]));
            }
        });
    }
}
