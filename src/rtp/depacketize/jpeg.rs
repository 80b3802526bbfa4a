//! JPEG: assembles files from RTP payloads, without decoding. RFC 2435.

use std::collections::HashMap;

use super::jpeg_extension::Segments;
use super::jpeg_header::{self, Head, Tables};
use super::{Begin, jpeg_tables};
use crate::clock::Monotonic;
use crate::rtp::limits::{JPEG_CACHED_TABLES_MAX, JPEG_SCAN_MAX_BYTES, JPEG_TABLES_MAX_BYTES};
use crate::rtp::{Error, Format, Gap, JpegPicture, Packet};

/// The Q value whose tables may change with every picture and are always in band.
const Q_DYNAMIC: u8 = 255;

/// The depacketizer of RFC 2435: types 0, 1, 64 and 65.
#[derive(Debug, Default)]
pub struct Jpeg {
    picture: Option<Picture>,
    /// In-band tables by Q. Cameras send them with the first picture only.
    cached: HashMap<u8, Tables>,
    /// Width and height in pixels that the SDP announced.
    announced: Option<(u32, u32)>,
    ready: Option<JpegPicture>,
    format: Option<Format>,
    dropped: u64,
    copied_bytes: u64,
}

/// A picture being received.
#[derive(Debug)]
struct Picture {
    timestamp: u32,
    arrived: Monotonic,
    data: Vec<u8>,
    head_bytes: usize,
}

/// The headers in front of the scan data. RFC 2435 sections 3.1, 3.1.7 and 3.1.8.
#[derive(Debug, PartialEq, Eq)]
struct Header<'a> {
    offset: usize,
    kind: u8,
    q: u8,
    /// Width and height in blocks of eight pixels.
    blocks: (u8, u8),
    restart_interval: u16,
    /// Precision and tables, if they are in band.
    tables: Option<(u8, &'a [u8])>,
    scan: &'a [u8],
}

/// How a stream begins if this is its first payload: every picture stands alone. RFC 2435 section 3.1.
pub(super) fn begin(payload: &[u8]) -> Begin {
    match payload {
        [_, 0, 0, 0, ..] => Begin::Key,
        [_, _, _, _, ..] => Begin::Other,
        _ => Begin::Unknown,
    }
}

impl Jpeg {
    /// Begins. `announced` is the size in pixels that the SDP gives (`a=framesize` or
    /// `a=x-dimensions`), for pictures of more than 2040 pixels.
    pub fn new(announced: Option<(u32, u32)>) -> Self {
        Self { announced, ..Self::default() }
    }

    /// Takes the next packet in order; `gap` counts the packets missing before it.
    pub fn push(&mut self, packet: &Packet<'_>, gap: Gap, arrived: Monotonic) -> Result<(), Error> {
        if gap != Gap::None {
            self.drop_picture();
        } else if self.picture.as_ref().is_some_and(|picture| picture.timestamp != packet.timestamp) {
            self.complete(); // No marker: the next picture ends this one.
        }
        let result = self.payload(packet, arrived);
        if result.is_err() {
            self.drop_picture();
        }
        if packet.marker {
            self.complete();
        }
        result
    }

    /// Takes the next complete picture.
    pub fn pull(&mut self) -> Option<JpegPicture> {
        self.ready.take()
    }

    /// The size, once a picture has begun.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Pictures dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes copied to assemble pictures.
    pub fn copied_bytes(&self) -> u64 {
        self.copied_bytes
    }

    fn payload(&mut self, packet: &Packet<'_>, arrived: Monotonic) -> Result<(), Error> {
        if packet.payload.is_empty() {
            return Ok(());
        }
        let header = Header::parse(packet)?;
        if header.offset == 0 {
            if self.picture.is_some() {
                self.complete(); // Neither a marker nor a new timestamp.
            }
            self.picture = Some(self.begin(packet, &header, arrived)?);
        }
        let Some(picture) = &mut self.picture else {
            // The beginning was lost and is counted there, or the picture began before the session.
            return Ok(());
        };
        let expected = picture.data.len() - picture.head_bytes;
        if header.offset != expected {
            return Err(Error::FragmentOffset { sequence: packet.sequence, offset: header.offset, expected });
        }
        if expected + header.scan.len() > JPEG_SCAN_MAX_BYTES {
            return Err(Error::UnitTooLarge { timestamp: packet.timestamp, max: JPEG_SCAN_MAX_BYTES });
        }
        picture.data.extend_from_slice(header.scan);
        self.copied_bytes += header.scan.len() as u64;
        Ok(())
    }

    fn begin(
        &mut self,
        packet: &Packet<'_>,
        header: &Header<'_>,
        arrived: Monotonic,
    ) -> Result<Picture, Error> {
        let sequence = packet.sequence;
        let segments = Segments::read(packet.extension).unwrap_or_default();
        let (width, height) =
            segments.size().or_else(|| self.size(header)).ok_or(Error::NoPictureSize { sequence })?;
        let no_tables = Error::NoQuantizationTables { sequence, q: header.q };
        let tables = match self.tables(header) {
            None if segments.quantization.is_empty() => return Err(no_tables),
            tables => tables.unwrap_or(Tables { precision: 0, bytes: Vec::new() }),
        };
        let mut data = Vec::new();
        let head = Head {
            size: (width as u16, height as u16),
            is_420: header.kind & 1 == 1,
            restart_interval: header.restart_interval,
            tables: &tables,
            segments: &segments,
        };
        jpeg_header::write(&head, &mut data).ok_or(no_tables)?;
        self.format = Some(Format::Jpeg { width, height });
        Ok(Picture { timestamp: packet.timestamp, arrived, head_bytes: data.len(), data })
    }

    /// The size in pixels. The header has eight bits for blocks of eight pixels: larger pictures have zero
    /// there, or the low bits of the number.
    fn size(&self, header: &Header<'_>) -> Option<(u32, u32)> {
        let blocks = (u32::from(header.blocks.0), u32::from(header.blocks.1));
        let fits = |pixels: u32, blocks: u32| blocks == 0 || (pixels.div_ceil(8) & 0xff) == blocks;
        match self.announced {
            Some((width, height))
                if (1..=65_535).contains(&width)
                    && (1..=65_535).contains(&height)
                    && fits(width, blocks.0)
                    && fits(height, blocks.1) =>
            {
                Some((width, height))
            }
            _ if blocks.0 == 0 || blocks.1 == 0 => None,
            _ => Some((blocks.0 * 8, blocks.1 * 8)),
        }
    }

    /// The tables in band, cached or computed. RFC 2435 section 3.1.8.
    fn tables(&mut self, header: &Header<'_>) -> Option<Tables> {
        if header.q < 128 {
            let bytes = jpeg_tables::quantization(header.q)?.concat();
            return Some(Tables { precision: 0, bytes });
        }
        match header.tables {
            Some((precision, bytes)) if !bytes.is_empty() => {
                let tables =
                    Tables { precision, bytes: bytes[..bytes.len().min(JPEG_TABLES_MAX_BYTES)].to_vec() };
                if header.q != Q_DYNAMIC && self.cached.len() < JPEG_CACHED_TABLES_MAX {
                    self.cached.insert(header.q, tables.clone());
                }
                Some(tables)
            }
            _ => self.cached.get(&header.q).cloned(),
        }
    }

    fn complete(&mut self) {
        let Some(picture) = self.picture.take() else { return };
        let mut data = picture.data;
        if data.len() == picture.head_bytes {
            self.dropped += 1;
            return;
        }
        if !data.ends_with(&[0xff, 0xd9]) {
            data.extend([0xff, 0xd9]);
        }
        let (timestamp, arrived) = (picture.timestamp, picture.arrived);
        let picture = JpegPicture { data, timestamp, arrived };
        // Only the newest picture matters to a caller that does not pull.
        self.dropped += u64::from(self.ready.replace(picture).is_some());
    }

    fn drop_picture(&mut self) {
        self.dropped += u64::from(self.picture.take().is_some());
    }
}

impl<'a> Header<'a> {
    /// RFC 2435 sections 3.1 (main header), 3.1.7 (restart marker header, types 64 to 127) and
    /// 3.1.8 (quantization table header, in the first packet of a picture, Q of 128 and more).
    fn parse(packet: &Packet<'a>) -> Result<Self, Error> {
        let sequence = packet.sequence;
        let take = |what, rest: &'a [u8], need: usize| {
            rest.split_at_checked(need).ok_or(Error::PayloadTooShort {
                what,
                sequence,
                bytes: rest.len(),
                need,
            })
        };
        let (main, mut rest) = take("jpeg header", packet.payload, 8)?;
        let offset = u32::from_be_bytes([0, main[1], main[2], main[3]]) as usize;
        let (kind, q) = (main[4], main[5]);
        if !matches!(kind, 0 | 1 | 64 | 65) {
            return Err(Error::Packetization { codec: "jpeg", sequence, kind });
        }
        let mut restart_interval = 0;
        if kind >= 64 {
            let (restart, tail) = take("jpeg restart header", rest, 4)?;
            restart_interval = u16::from_be_bytes([restart[0], restart[1]]);
            rest = tail;
        }
        let mut tables = None;
        if q >= 128 && offset == 0 {
            let (head, tail) = take("jpeg quantization header", rest, 4)?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (bytes, tail) = take("jpeg quantization tables", tail, length)?;
            tables = Some((head[1], bytes));
            rest = tail;
        }
        Ok(Self { offset, kind, q, blocks: (main[6], main[7]), restart_interval, tables, scan: rest })
    }
}

#[cfg(test)]
mod tests;
