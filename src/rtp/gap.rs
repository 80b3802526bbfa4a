//! Packets that are missing.

/// How many packets are missing before one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gap {
    /// None.
    #[default]
    None,
    /// Exactly one. It was of one picture, which mostly is known.
    One,
    /// More, or nobody knows how many: whole pictures may be missing.
    More,
}

impl Gap {
    /// A gap of so many packets.
    pub fn of(packets: u64) -> Self {
        match packets {
            0 => Self::None,
            1 => Self::One,
            _ => Self::More,
        }
    }
}
