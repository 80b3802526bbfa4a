//! Writes boxes. ISO/IEC 14496-12 section 4.2.

/// Appends a box with the content that `write` appends.
pub(super) fn boxed(out: &mut Vec<u8>, kind: [u8; 4], write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind);
    write(out);
    // Those that are written so are small; a picture's data has its size before it is written.
    let size = (out.len() - begin) as u32;
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
}

/// The same, with a version and flags in front of the content.
pub(super) fn full(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    version: u8,
    flags: u32,
    write: impl FnOnce(&mut Vec<u8>),
) {
    boxed(out, kind, |out| {
        u32(out, u32::from(version) << 24 | flags);
        write(out);
    });
}

/// Appends a number.
pub(super) fn u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends a number.
pub(super) fn u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends numbers.
pub(super) fn u32s(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        u32(out, *number);
    }
}

/// Appends zeros, for what is reserved or not said.
pub(super) fn zeros(out: &mut Vec<u8>, bytes: usize) {
    out.resize(out.len() + bytes, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_in_boxes_have_their_sizes() {
        let mut out = vec![7];
        boxed(&mut out, *b"moov", |out| {
            full(out, *b"mvhd", 1, 2, |out| u16(out, 3));
            zeros(out, 1);
        });
        assert_eq!(out, b"\x07\0\0\0\x17moov\0\0\0\x0emvhd\x01\0\0\x02\0\x03\0");
    }
}
