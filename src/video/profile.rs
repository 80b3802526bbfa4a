//! Profile, tier and level of H.265, as containers and codecs strings repeat them.

use super::bits::Bits;

/// Bytes of a sequence parameter set that are looked at, behind its header: 13, and emulation prevention.
const LOOK_BYTES: usize = 24;

/// The general part of profile_tier_level, and the two fields before it. ITU-T H.265 sections 7.3.2.2.1
/// and 7.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct General {
    /// Temporal sub-layers, 1 to 8 (sps_max_sub_layers_minus1).
    pub sub_layers: u8,
    /// sps_temporal_id_nesting_flag.
    pub nested: bool,
    /// general_profile_space.
    pub space: u8,
    /// general_tier_flag: high rather than main.
    pub high_tier: bool,
    /// general_profile_idc.
    pub profile: u8,
    /// general_profile_compatibility_flag, that of profile 0 in the highest bit.
    pub compatibility: u32,
    /// The 48 bits from general_progressive_source_flag on.
    pub constraints: [u8; 6],
    /// general_level_idc: thirty times the level.
    pub level: u8,
}

impl General {
    /// Reads a sequence parameter set with its header.
    pub fn read(nal: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(nal.get(2..)?, LOOK_BYTES);
        bits.skip(4)?; // sps_video_parameter_set_id
        let (sub_layers, nested) = (bits.u(3)? as u8 + 1, bits.flag()?);
        let (space, high_tier, profile) = (bits.u(2)? as u8, bits.flag()?, bits.u(5)? as u8);
        let compatibility = bits.u(32)?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = bits.u(8)? as u8;
        }
        let level = bits.u(8)? as u8;
        Some(Self { sub_layers, nested, space, high_tier, profile, compatibility, constraints, level })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_profile_of_level_4() {
        let sps = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
            0x00, 0x78, 0xa0,
        ];
        let general = General {
            sub_layers: 1,
            nested: true,
            space: 0,
            high_tier: false,
            profile: 1,
            compatibility: 0x6000_0000,
            constraints: [0x90, 0, 0, 0, 0, 0],
            level: 120,
        };
        assert_eq!(General::read(&sps), Some(general));
        assert_eq!(General::read(&sps[..12]), None);
    }
}
