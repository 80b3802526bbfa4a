//! The standard Huffman tables, for cameras whose JPEGs carry none.

/// The id of a table: its class (0 for DC, 1 for AC) and its destination (T.81, B.2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableId {
    /// 0 for DC coefficients, 1 for AC.
    pub class: u8,
    /// 0 to 3; baseline has 0 (luma by custom) and 1 (chroma).
    pub destination: u8,
}

/// A set of Huffman tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tables(u8);

impl Tables {
    /// Adds a table; false if no such table can exist.
    pub(super) fn add(&mut self, id: TableId) -> bool {
        let exists = id.class <= 1 && id.destination <= 3;
        if exists {
            self.0 |= id.bit();
        }
        exists
    }

    /// The four typical ones of T.81, K.3.
    pub(super) const STANDARD: Self = Self(0b0011_0011);

    /// Adds or removes a table.
    pub(super) fn set(&mut self, id: TableId, is_in: bool) {
        self.0 = if is_in { self.0 | id.bit() } else { self.0 & !id.bit() };
    }

    /// Whether the two sets have a table in common.
    pub(super) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn contains(self, id: TableId) -> bool {
        self.0 & id.bit() != 0
    }

    /// Whether this set contains every table of the other.
    pub(super) fn holds_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The tables of either set.
    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl TableId {
    fn bit(self) -> u8 {
        1 << (4 * self.class + self.destination)
    }
}

/// Whether these counts of codes of 1 to 16 bits form a prefix code (T.81, C.2): shorter codes leave room for
/// longer ones, and the code of all ones stays unused.
pub(super) fn is_code(counts: &[u8; 16]) -> bool {
    let taken: u32 = counts.iter().zip(0..).map(|(count, i)| u32::from(*count) << (15 - i)).sum();
    taken < 1 << 16
}

/// Whether these can be lengths of DC differences, in bits (T.81, F.1.2.1.1; 12 to 15 belong to deeper
/// samples, and decoders accept them).
pub(super) fn are_dc_values(values: &[u8]) -> bool {
    values.iter().all(|value| *value <= 15)
}

/// The four typical tables of T.81, K.3, each as a whole DHT segment.
pub(super) const STANDARD: [(TableId, &[u8]); 4] = [
    (TableId { class: 0, destination: 0 }, &segment::<33>(0x00, DC_LUMA_LENGTHS, &DC_VALUES)),
    (TableId { class: 1, destination: 0 }, &segment::<183>(0x10, AC_LUMA_LENGTHS, &AC_LUMA_VALUES)),
    (TableId { class: 0, destination: 1 }, &segment::<33>(0x01, DC_CHROMA_LENGTHS, &DC_VALUES)),
    (TableId { class: 1, destination: 1 }, &segment::<183>(0x11, AC_CHROMA_LENGTHS, &AC_CHROMA_VALUES)),
];

/// All of them in one DHT segment, which RTP/JPEG omits (RFC 2435 section 4.1).
pub fn standard_segment() -> Vec<u8> {
    let tables = STANDARD.iter().flat_map(|(_, segment)| &segment[4..]);
    let mut segment = vec![0xff, 0xc4, 0, 0];
    segment.extend(tables);
    let length = (segment.len() - 2) as u16;
    segment[2..4].copy_from_slice(&length.to_be_bytes());
    segment
}

/// Marker, length, class and destination, counts of codes of 1 to 16 bits, values (T.81, B.2.4.2).
const fn segment<const BYTES: usize>(id: u8, lengths: [u8; 16], values: &[u8]) -> [u8; BYTES] {
    assert!(BYTES == 2 + 2 + 1 + 16 + values.len());
    let mut segment = [0; BYTES];
    segment[0] = 0xff;
    segment[1] = 0xc4;
    segment[3] = (BYTES - 2) as u8;
    segment[4] = id;
    let mut i = 0;
    while i < 16 {
        segment[5 + i] = lengths[i];
        i += 1;
    }
    i = 0;
    while i < values.len() {
        segment[21 + i] = values[i];
        i += 1;
    }
    segment
}

/// Table K.3.
const DC_LUMA_LENGTHS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
/// Table K.4.
const DC_CHROMA_LENGTHS: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
/// Tables K.3 and K.4: the categories of differences in order of size.
const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// Table K.5.
const AC_LUMA_LENGTHS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
/// Table K.5: runs of zeros in the high digit, size of the coefficient in the low one.
const AC_LUMA_VALUES: [u8; 162] = [
    0x01, 0x02, // 2 bits
    0x03, // 3 bits
    0x00, 0x04, 0x11, // 4 bits
    0x05, 0x12, 0x21, // 5 bits
    0x31, 0x41, // 6 bits
    0x06, 0x13, 0x51, 0x61, // 7 bits
    0x07, 0x22, 0x71, // 8 bits
    0x14, 0x32, 0x81, 0x91, 0xa1, // 9 bits
    0x08, 0x23, 0x42, 0xb1, 0xc1, // 10 bits
    0x15, 0x52, 0xd1, 0xf0, // 11 bits
    0x24, 0x33, 0x62, 0x72, // 12 bits
    0x82, // 15 bits
    0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, // 16 bits
    0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, //
    0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, //
    0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, //
    0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, //
    0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, //
    0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, //
    0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, //
    0xfa,
];

/// Table K.6.
const AC_CHROMA_LENGTHS: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119];
/// Table K.6.
const AC_CHROMA_VALUES: [u8; 162] = [
    0x00, 0x01, // 2 bits
    0x02, // 3 bits
    0x03, 0x11, // 4 bits
    0x04, 0x05, 0x21, 0x31, // 5 bits
    0x06, 0x12, 0x41, 0x51, // 6 bits
    0x07, 0x61, 0x71, // 7 bits
    0x13, 0x22, 0x32, 0x81, // 8 bits
    0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, // 9 bits
    0x09, 0x23, 0x33, 0x52, 0xf0, // 10 bits
    0x15, 0x62, 0x72, 0xd1, // 11 bits
    0x0a, 0x16, 0x24, 0x34, // 12 bits
    0xe1, // 14 bits
    0x25, 0xf1, // 15 bits
    0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, // 16 bits
    0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, //
    0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, //
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, //
    0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, //
    0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, //
    0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, //
    0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];
