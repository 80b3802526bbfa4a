//! Parses the headers before a picture's compressed data, and between its scans.
//!
//! A head is accepted if libjpeg-turbo, the decoder of Chromium and Firefox, would begin to decode it:
//! `tests/jpeg_heads.rs` compares the two on some thousand heads with a single error. Sections are those of
//! ITU-T T.81.

use super::huffman::{TableId, Tables, are_dc_values, is_code};
use super::segment::{SOI, Segment, marker};
use super::{Damaged, JpegInfo};
use crate::limits;

/// Maximum components of a picture that browsers show: grey, Y'CbCr or RGB, CMYK or YCCK.
const COMPONENTS_MAX: usize = 4;

/// Maximum blocks of an MCU in a scan of more than one component (B.2.3).
const MCU_BLOCKS_MAX: u8 = 10;

/// The last coefficient of a block.
const COEFFICIENT_MAX: u8 = 63;

/// The lowest bit that a progressive scan may leave to later ones, as in G.1.1.1.2.
const POINT_TRANSFORM_MAX: u8 = 13;

/// The headers before the compressed data. Offsets count from SOI.
#[derive(Debug)]
pub(super) struct Head {
    pub frame: Frame,
    pub tables: TablesSoFar,
    /// Huffman tables defined before the first scan.
    pub defined: Tables,
    /// A scan needs standard tables that the picture does not define.
    pub needs_standard: bool,
    /// The first scan does not contain the whole picture: others follow.
    pub has_more_scans: bool,
    /// There are bytes between segments that belong to none.
    pub has_strays: bool,
    /// Offset of the SOS segment, where tables can be inserted.
    pub tables_at: usize,
    /// Offset of the compressed data.
    pub data_at: usize,
}

impl Head {
    /// Walks the segments up to the first SOS (B.2.1). `data` begins with SOI.
    pub fn read(data: &[u8]) -> Result<Self, Damaged> {
        let mut tables = TablesSoFar::default();
        let mut frame = None;
        let mut offset = SOI.len();
        let mut has_strays = false;
        loop {
            let segment = Segment::next(data, offset)?;
            has_strays |= segment.is_stray || segment.begin != offset;
            offset = segment.end;
            if segment.is_stray || tables.take(&segment)? {
                continue;
            }
            match segment.marker {
                marker::SOF0..=marker::SOF2 if frame.is_none() => frame = Some(Frame::read(&segment)?),
                marker::SOS => {
                    let frame = frame.ok_or(Damaged::NoFrameHeader)?;
                    let scan = Scan::read(&segment, &frame)?;
                    return Ok(Self {
                        needs_standard: tables.check(&segment, &frame, &scan)?,
                        has_more_scans: frame.is_progressive || scan.count < frame.count,
                        defined: tables.huffman,
                        frame,
                        tables,
                        has_strays,
                        tables_at: segment.begin,
                        data_at: segment.end,
                    });
                }
                process @ marker::SOF0..=marker::SOF15 if frame.is_none() => {
                    return Err(Damaged::Process { marker: process });
                }
                misplaced => return Err(Damaged::Misplaced { marker: misplaced, offset: segment.begin }),
            }
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Component {
    id: u8,
    /// Horizontal and vertical sampling factors, 4 at most.
    sampling: (u8, u8),
    quantization: u8,
}

/// A frame header (B.2.2).
#[derive(Debug)]
pub(super) struct Frame {
    pub info: JpegInfo,
    pub is_progressive: bool,
    components: [Component; COMPONENTS_MAX],
    count: usize,
}

impl Frame {
    /// Precision, number of lines, samples per line, number of components, and three bytes for each. The
    /// standard allows zero lines if the number follows the scan; no camera does that, and few viewers could
    /// read it.
    fn read(segment: &Segment<'_>) -> Result<Self, Damaged> {
        let &[precision, y1, y0, x1, x0, count, ref each @ ..] = segment.content else {
            return Err(segment.impossible());
        };
        let count = usize::from(count);
        if count == 0 || each.len() != 3 * count {
            return Err(segment.impossible());
        }
        if precision != 8 {
            return Err(segment.illegal("browsers show 8 bits a sample only"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(segment.illegal("browsers show 1, 3 or 4 components only"));
        }
        let info = size(u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]))?;
        let mut components = [Component::default(); COMPONENTS_MAX];
        for (component, [id, sampling, quantization]) in components.iter_mut().zip(each.as_chunks().0) {
            let sampling = (sampling >> 4, sampling & 15);
            *component = Component { id: *id, sampling, quantization: *quantization };
        }
        let frame = Self { info, is_progressive: segment.marker == marker::SOF2, components, count };
        if frame.has_sampling() { Ok(frame) } else { Err(segment.illegal("impossible sampling factors")) }
    }

    fn components(&self) -> &[Component] {
        &self.components[..self.count]
    }

    /// Decoders scale colour up by integer factors only.
    fn has_sampling(&self) -> bool {
        let each = || self.components().iter().map(|component| component.sampling);
        let columns = each().map(|sampling| sampling.0).max().unwrap_or(0);
        let rows = each().map(|sampling| sampling.1).max().unwrap_or(0);
        each().all(|(h, v)| (1..=4).contains(&h) && (1..=4).contains(&v) && columns % h == 0 && rows % v == 0)
    }
}

fn size(width: u16, height: u16) -> Result<JpegInfo, Damaged> {
    let possible = 1..=limits::PICTURE_SIDE_MAX_PIXELS;
    if !possible.contains(&usize::from(width)) || !possible.contains(&usize::from(height)) {
        return Err(Damaged::Size { width, height });
    }
    if usize::from(width) * usize::from(height) > limits::PICTURE_MAX_PIXELS {
        return Err(Damaged::Pixels { width, height });
    }
    Ok(JpegInfo { width: width.into(), height: height.into() })
}

/// A scan header (B.2.3).
#[derive(Debug)]
pub(super) struct Scan {
    /// Indices of its components in the frame header, and their DC and AC tables.
    components: [(usize, u8, u8); COMPONENTS_MAX],
    count: usize,
    /// First and last coefficient.
    band: (u8, u8),
    /// The bit that the previous scan ended with, zero in a first scan; and the bit that this one ends with.
    bits: (u8, u8),
}

impl Scan {
    /// Reads the number of components, two bytes for each, and three more.
    pub fn read(segment: &Segment<'_>, frame: &Frame) -> Result<Self, Damaged> {
        let Some((&count, rest)) = segment.content.split_first() else { return Err(segment.impossible()) };
        let count = usize::from(count);
        if !(1..=COMPONENTS_MAX).contains(&count) || rest.len() != 2 * count + 3 {
            return Err(segment.impossible());
        }
        let (names, last) = rest.split_at(2 * count);
        let mut components = [(0, 0, 0); COMPONENTS_MAX];
        for (i, [id, tables]) in names.as_chunks().0.iter().enumerate() {
            // In the order of the frame header: libjpeg-turbo does not find one that comes early.
            let place = (i..frame.count).find(|place| frame.components[*place].id == *id);
            let place = place.filter(|place| components[..i].iter().all(|before| before.0 != *place));
            let place = place.ok_or_else(|| segment.illegal("a component that the frame does not have"))?;
            components[i] = (place, tables >> 4, tables & 15);
        }
        let &[first, last, bits] = last else { return Err(segment.impossible()) };
        let scan = Self { components, count, band: (first, last), bits: (bits >> 4, bits & 15) };
        if frame.is_progressive && !scan.is_progression() {
            return Err(segment.illegal("impossible progression"));
        }
        if scan.count > 1 && scan.blocks(frame) > MCU_BLOCKS_MAX {
            return Err(segment.illegal("too many blocks in an MCU"));
        }
        Ok(scan)
    }

    fn components(&self) -> &[(usize, u8, u8)] {
        &self.components[..self.count]
    }

    fn blocks(&self, frame: &Frame) -> u8 {
        let blocks = |(place, _, _): &(usize, u8, u8)| {
            let (h, v) = frame.components[*place].sampling;
            h * v
        };
        self.components().iter().map(blocks).sum()
    }

    /// G.1.1.1: DC and AC in separate scans, AC of one component at a time, and one bit after the other.
    fn is_progression(&self) -> bool {
        let ((first, last), (high, low)) = (self.band, self.bits);
        let is_band =
            if first == 0 { last == 0 } else { (first..=COEFFICIENT_MAX).contains(&last) && self.count == 1 };
        is_band && (high == 0 || low + 1 == high) && low <= POINT_TRANSFORM_MAX
    }

    /// The Huffman tables that it uses; `None` if one of them does not exist in the standard.
    fn used(&self, frame: &Frame) -> Option<Tables> {
        let mut used = Tables::default();
        let (dc, ac) = match (frame.is_progressive, self.band.0, self.bits.0) {
            (false, _, _) => (true, true),
            (true, 0, 0) => (true, false),
            (true, 0, _) => (false, false),
            (true, _, _) => (false, true),
        };
        for &(_, dc_table, ac_table) in self.components() {
            let known_dc = !dc || used.add(TableId { class: 0, destination: dc_table });
            let known_ac = !ac || used.add(TableId { class: 1, destination: ac_table });
            (known_dc && known_ac).then_some(())?;
        }
        Some(used)
    }
}

/// The tables defined so far.
#[derive(Debug, Default)]
pub(super) struct TablesSoFar {
    huffman: Tables,
    /// Those that no decoder accepts once a scan uses them.
    wrong: Tables,
    /// One bit for each destination of quantization tables.
    quantization: u8,
}

impl TablesSoFar {
    /// Reads a segment that may be anywhere; false if it is of another kind.
    pub fn take(&mut self, segment: &Segment<'_>) -> Result<bool, Damaged> {
        let is_whole = match segment.marker {
            marker::DHT => self.huffman(segment)?,
            marker::DQT => self.quantization(segment)?,
            marker::DAC => is_conditioning(segment)?,
            marker::DRI => segment.content.len() == 2,
            marker::DNL | marker::APP0..=marker::APP15 | marker::COM => true,
            _ => return Ok(false),
        };
        if is_whole { Ok(true) } else { Err(segment.impossible()) }
    }

    /// B.2.4.2: any number of tables, each with its id, 16 counts of codes, and the values. False if the last
    /// one is truncated.
    fn huffman(&mut self, segment: &Segment<'_>) -> Result<bool, Damaged> {
        let mut content = segment.content;
        while let Some((&name, rest)) = content.split_first() {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else { return Ok(false) };
            let count: usize = counts.iter().copied().map(usize::from).sum();
            let Some((values, rest)) = rest.split_at_checked(count) else { return Ok(false) };
            content = rest;
            let id = TableId { class: name >> 4, destination: name & 15 };
            if count > 256 || !self.huffman.add(id) {
                return Err(segment.illegal("an impossible huffman table"));
            }
            self.wrong.set(id, !is_code(counts) || (id.class == 0 && !are_dc_values(values)));
        }
        Ok(true)
    }

    /// B.2.4.1: any number of tables, each with its id and 64 values of one or two bytes. False if the last
    /// one is truncated.
    fn quantization(&mut self, segment: &Segment<'_>) -> Result<bool, Damaged> {
        let mut content = segment.content;
        while let Some((&name, rest)) = content.split_first() {
            let bytes = if name >> 4 == 0 { 64 } else { 128 };
            let Some((_, rest)) = rest.split_at_checked(bytes) else { return Ok(false) };
            content = rest;
            if name & 15 > 3 {
                return Err(segment.illegal("an impossible quantization table"));
            }
            self.quantization |= 1 << (name & 15);
        }
        Ok(true)
    }

    /// Whether a scan lacks tables that the standard defines; an error if decoders cannot decode it.
    pub fn check(&self, segment: &Segment<'_>, frame: &Frame, scan: &Scan) -> Result<bool, Damaged> {
        for &(place, _, _) in scan.components() {
            let table = frame.components[place].quantization;
            if table > 3 || self.quantization & 1 << table == 0 {
                return Err(segment.illegal("a quantization table is missing"));
            }
        }
        let used = scan.used(frame).ok_or_else(|| segment.illegal("an impossible huffman table"))?;
        if self.wrong.intersects(used) {
            return Err(segment.illegal("a huffman table that is not a valid code"));
        }
        if self.huffman.holds_all(used) {
            return Ok(false);
        }
        // T.81 suggests none for progressive pictures, and decoders do not add them.
        if frame.is_progressive || !self.huffman.union(Tables::STANDARD).holds_all(used) {
            return Err(Damaged::NoTable);
        }
        Ok(true)
    }
}

/// B.2.4.3, for arithmetic coding. Accepted pictures do not use it, but decoders read it.
fn is_conditioning(segment: &Segment<'_>) -> Result<bool, Damaged> {
    let (pairs, odd) = segment.content.as_chunks();
    for [name, value] in pairs {
        if *name > 31 || (*name < 16 && value & 15 > value >> 4) {
            return Err(segment.illegal("impossible conditioning"));
        }
    }
    Ok(odd.is_empty())
}
