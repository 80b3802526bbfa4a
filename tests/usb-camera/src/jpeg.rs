//! A baseline JPEG encoder (ITU-T T.81) for pictures built block by block.
//!
//! It has no cosine transform: a picture is given as quantised coefficients. That suffices for a test
//! pattern, and the same input gives the same bytes on every machine.

/// The coefficients of one 8x8 block in zigzag order: DC, then some AC; the rest is zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) dc: i16,
    pub(crate) ac: &'a [i16],
}

/// The quantisation step. With 8, a DC coefficient is the block's mean minus 128.
const QUANTISER: u8 = 8;

/// T.81 Annex K.3.3 in the form of DHT segments: codes of each length, then the symbols. A decoder assumes
/// these tables if a camera omits DHT.
struct HuffmanSpec {
    counts: [u8; 16],
    symbols: &'static [u8],
}

const DC_SYMBOLS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

const LUMA_DC: HuffmanSpec =
    HuffmanSpec { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: &DC_SYMBOLS };
const CHROMA_DC: HuffmanSpec =
    HuffmanSpec { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: &DC_SYMBOLS };

#[rustfmt::skip]
const LUMA_AC: HuffmanSpec = HuffmanSpec {
    counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
    symbols: &[
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
        0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
        0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
        0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
        0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
        0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
        0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
        0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
        0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
};

#[rustfmt::skip]
const CHROMA_AC: HuffmanSpec = HuffmanSpec {
    counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
    symbols: &[
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
        0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
        0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
        0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
        0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
        0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
        0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
        0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
        0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
};

/// Codes by symbol: (code, bits). T.81 Annex C.
struct HuffmanCodes([(u16, u8); 256]);

impl HuffmanCodes {
    fn new(spec: &HuffmanSpec) -> HuffmanCodes {
        let mut codes = [(0, 0); 256];
        let mut symbols = spec.symbols.iter();
        let mut code = 0;
        for (length, &count) in (1..).zip(&spec.counts) {
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                codes[usize::from(symbol)] = (code, length);
                code += 1;
            }
            code <<= 1;
        }
        HuffmanCodes(codes)
    }
}

/// Writes the segments before the scan.
pub(crate) fn write_head(out: &mut Vec<u8>, (width, height): (u16, u16), comment: &str, with_dht: bool) {
    out.extend_from_slice(&[0xff, 0xd8]);
    segment(out, 0xfe, &[comment.as_bytes()]);
    segment(out, 0xdb, &[&[0], &[QUANTISER; 64]]);
    // Baseline, 8 bits, three components, luma twice as wide as chroma (4:2:2, as in cameras).
    let components = [3, 1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0];
    segment(out, 0xc0, &[&[8], &height.to_be_bytes(), &width.to_be_bytes(), &components]);
    if with_dht {
        for (id, spec) in [(0x00, &LUMA_DC), (0x10, &LUMA_AC), (0x01, &CHROMA_DC), (0x11, &CHROMA_AC)] {
            segment(out, 0xc4, &[&[id], &spec.counts, spec.symbols]);
        }
    }
    segment(out, 0xda, &[&[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]]);
}

/// Writes a marker, the length of the data, and the fields.
fn segment(out: &mut Vec<u8>, marker: u8, fields: &[&[u8]]) {
    let length = 2 + fields.iter().map(|field| field.len()).sum::<usize>();
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&(length as u16).to_be_bytes());
    for field in fields {
        out.extend_from_slice(field);
    }
}

/// The entropy-coded scan, T.81 Annex F.1.
pub(crate) struct Scan<'a> {
    bits: BitWriter<'a>,
    luma: (HuffmanCodes, HuffmanCodes),
    chroma: (HuffmanCodes, HuffmanCodes),
    last_dc: [i16; 3],
}

impl<'a> Scan<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Scan<'a> {
        Scan {
            bits: BitWriter { out, pending: 0, count: 0 },
            luma: (HuffmanCodes::new(&LUMA_DC), HuffmanCodes::new(&LUMA_AC)),
            chroma: (HuffmanCodes::new(&CHROMA_DC), HuffmanCodes::new(&CHROMA_AC)),
            last_dc: [0; 3],
        }
    }

    /// Writes the next block of component 0 (Y), 1 (Cb) or 2 (Cr).
    pub(crate) fn block(&mut self, component: usize, block: Block) {
        const END_OF_BLOCK: usize = 0x00;
        let (dc, ac) = if component == 0 { &self.luma } else { &self.chroma };
        let difference = block.dc - self.last_dc[component];
        self.last_dc[component] = block.dc;
        let size = size_of(difference);
        self.bits.write_code(dc.0[usize::from(size)]);
        self.bits.write_value(difference, size);
        let mut zeros = 0;
        for &value in block.ac {
            if value == 0 {
                zeros += 1;
                continue;
            }
            let size = size_of(value);
            debug_assert!(zeros < 16, "longer runs of zeros need the ZRL symbol");
            self.bits.write_code(ac.0[usize::from(zeros << 4 | size)]);
            self.bits.write_value(value, size);
            zeros = 0;
        }
        self.bits.write_code(ac.0[END_OF_BLOCK]);
    }

    /// Ends the scan and the picture.
    pub(crate) fn finish(mut self) {
        // T.81 F.1.2.3: the last byte is filled with ones.
        self.bits.write(0x7f, 7);
        self.bits.out.extend_from_slice(&[0xff, 0xd9]);
    }
}

/// The number of bits of a value's magnitude (T.81 table F.1, SSSS).
fn size_of(value: i16) -> u8 {
    (16 - value.unsigned_abs().leading_zeros()) as u8
}

struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u32,
    count: u8,
}

impl BitWriter<'_> {
    fn write_code(&mut self, (code, length): (u16, u8)) {
        self.write(u32::from(code), length);
    }

    /// Negative values are written as their ones' complement (T.81 F.1.2.1).
    fn write_value(&mut self, value: i16, size: u8) {
        let bits = i32::from(value) - i32::from(value < 0);
        self.write(bits as u32 & ((1 << size) - 1), size);
    }

    fn write(&mut self, bits: u32, length: u8) {
        self.pending = self.pending << length | bits;
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.pending >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xff {
                // T.81 B.1.1.5: a zero byte distinguishes data from a marker.
                self.out.push(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_annex_k() {
        // T.81 tables K.3 and K.5.
        let dc = HuffmanCodes::new(&LUMA_DC);
        assert_eq!((dc.0[0], dc.0[5], dc.0[11]), ((0b00, 2), (0b110, 3), (0b1_1111_1110, 9)));
        let ac = HuffmanCodes::new(&LUMA_AC);
        assert_eq!((ac.0[0x00], ac.0[0x01], ac.0[0xfa]), ((0b1010, 4), (0b00, 2), (0xfffe, 16)));
    }

    #[test]
    fn sizes_of_values() {
        assert_eq!([0, 1, -1, 2, -3, 255].map(size_of), [0, 1, 1, 2, 2, 8]);
    }
}
