//! Reads the bits of a NAL unit. ITU-T H.264 and H.265, sections 7.2, 7.3.1 and 9.

/// Bits of a raw byte sequence payload, past emulation prevention bytes.
#[derive(Debug, Clone)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Position in bits.
    at: usize,
}

impl Bits {
    /// Reads what follows the NAL unit header, at most `max_bytes` of it.
    pub fn new(payload: &[u8], max_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(payload.len().min(max_bytes));
        let mut zeros = 0;
        for &byte in payload.iter().take(max_bytes) {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    /// One bit.
    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// An unsigned integer of at most 32 bits, the highest first.
    pub fn u(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0_u64;
        for _ in 0..bits {
            value = value << 1 | u64::from(self.flag()?);
        }
        Some(value as u32)
    }

    /// Skips bits.
    pub fn skip(&mut self, bits: usize) -> Option<()> {
        self.at = self.at.checked_add(bits)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// An unsigned Exp-Golomb code (9.1).
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.u(zeros)?;
        Some(((1_u64 << zeros) - 1 + u64::from(rest)) as u32)
    }

    /// A signed Exp-Golomb code (9.1.1).
    pub fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) } as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000], 8);
        assert_eq!([bits.ue(), bits.ue(), bits.ue(), bits.ue()], [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(bits.ue(), Some(4));
        assert_eq!(bits.ue(), None);
        let mut bits = Bits::new(&[0b0100_1100], 8);
        assert_eq!([bits.se(), bits.se()], [Some(1), Some(-1)]);
    }

    #[test]
    fn emulation_prevention_is_skipped() {
        let mut bits = Bits::new(&[0, 0, 3, 1, 0, 0, 3], 8);
        assert_eq!(bits.u(24), Some(1));
        assert_eq!(bits.u(16), Some(0));
        assert_eq!(bits.flag(), None);
    }

    #[test]
    fn endless_zeros_end() {
        assert_eq!(Bits::new(&[0; 100], 100).ue(), None);
        assert_eq!(Bits::new(&[0xff], 1).skip(9), None);
    }
}
