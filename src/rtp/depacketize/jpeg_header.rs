//! Writes the head of a JPEG file for the scan data that RTP/JPEG carries. RFC 2435 appendix B,
//! ITU-T T.81 annex B.

use super::jpeg_extension::Segments;
use crate::mjpeg;

/// Quantization tables as sent: one or more, luminance first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    /// Bit n: table n has 16-bit values.
    pub precision: u8,
    /// The tables, one after the other, in zigzag order.
    pub bytes: Vec<u8>,
}

impl Tables {
    /// The values of table `n`, and whether they have 16 bits.
    fn table(&self, n: u8) -> Option<(bool, &[u8])> {
        let wide = |table: u8| self.precision >> table & 1 == 1;
        let length = |table: u8| if wide(table) { 128 } else { 64 };
        let begin: usize = (0..n).map(length).sum();
        Some((wide(n), self.bytes.get(begin..begin + length(n))?))
    }
}

/// The contents of the head.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// Width and height in pixels.
    pub size: (u16, u16),
    /// Type 1 (4:2:0): chrominance is halved vertically too; otherwise only horizontally.
    pub is_420: bool,
    /// Minimum coded units between restart markers, 0 for none.
    pub restart_interval: u16,
    /// Quantization tables.
    pub tables: &'a Tables,
    /// Segments that override all of the above.
    pub segments: &'a Segments,
}

/// Writes everything from SOI to SOS; `None` without a whole luminance table.
pub(super) fn write(head: &Head<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.extend([0xff, 0xd8]);
    let (luma_wide, luma) = head.tables.table(0).unwrap_or_default();
    if !head.segments.quantization.is_empty() {
        out.extend(&head.segments.quantization);
    } else if luma.is_empty() {
        return None;
    } else {
        // One table alone serves all components.
        let (chroma_wide, chroma) = head.tables.table(1).unwrap_or((luma_wide, luma));
        write_quantization(out, 0, luma_wide, luma);
        write_quantization(out, 1, chroma_wide, chroma);
    }
    write_frame(out, head);
    if head.segments.huffman.is_empty() {
        out.extend(mjpeg::standard_segment());
    } else {
        out.extend(&head.segments.huffman);
    }
    if !head.segments.restart.is_empty() {
        out.extend(&head.segments.restart);
    } else if head.restart_interval > 0 {
        let [high, low] = head.restart_interval.to_be_bytes();
        out.extend([0xff, 0xdd, 0, 4, high, low]);
    }
    write_scan(out, &head.segments.frame);
    Some(())
}

fn write_quantization(out: &mut Vec<u8>, id: u8, wide: bool, values: &[u8]) {
    out.extend([0xff, 0xdb, 0, 3 + values.len() as u8, u8::from(wide) << 4 | id]);
    out.extend(values);
}

/// ITU-T T.81 section B.2.2.
fn write_frame(out: &mut Vec<u8>, head: &Head<'_>) {
    if !head.segments.frame.is_empty() {
        out.extend(&head.segments.frame);
        return;
    }
    let ([w1, w0], [h1, h0]) = (head.size.0.to_be_bytes(), head.size.1.to_be_bytes());
    // Baseline allows 8-bit tables only: with wider ones, the frame is extended sequential.
    let marker = if matches!(head.tables.precision & 3, 0) { 0xc0 } else { 0xc1 };
    let sampling = if head.is_420 { 0x22 } else { 0x21 };
    out.extend([0xff, marker, 0, 17, 8, h1, h0, w1, w0, 3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1]);
}

/// ITU-T T.81 section B.2.3, for the components of `frame`, or of the frame written in its place.
fn write_scan(out: &mut Vec<u8>, frame: &[u8]) {
    let components: Vec<u8> = match frame.get(10..) {
        Some(components) => components.chunks_exact(3).map(|component| component[0]).collect(),
        None => vec![1, 2, 3],
    };
    out.extend([0xff, 0xda, 0, 6 + 2 * components.len() as u8, components.len() as u8]);
    for (n, id) in components.into_iter().enumerate() {
        out.extend([id, if n == 0 { 0x00 } else { 0x11 }]);
    }
    out.extend([0, 63, 0]);
}
