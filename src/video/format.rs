//! How video is coded.

/// The supported codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

impl Codec {
    /// The common name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
        }
    }
}

/// The format of the pictures, from a sequence parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// How they are coded.
    pub codec: Codec,
    /// profile_idc (H.264 annex A), general_profile_idc (H.265 annex A).
    pub profile: u8,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Format {
    /// The profile's name, if it is one that cameras use.
    pub const fn profile_name(&self) -> Option<&'static str> {
        Some(match (self.codec, self.profile) {
            (Codec::H264, 66) => "Baseline",
            (Codec::H264, 77) | (Codec::H265, 1) => "Main",
            (Codec::H264, 88) => "Extended",
            (Codec::H264, 100) => "High",
            (Codec::H264, 110) => "High 10",
            (Codec::H264, 122) => "High 4:2:2",
            (Codec::H264, 244) => "High 4:4:4",
            (Codec::H265, 2) => "Main 10",
            (Codec::H265, 3) => "Main Still Picture",
            (Codec::H265, 4) => "Range Extensions",
            _ => return None,
        })
    }
}
