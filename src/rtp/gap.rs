//! Missing packets.

/// How many packets are missing before the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gap {
    /// None.
    #[default]
    None,
    /// Exactly one. It belonged to one picture, and usually that picture is known.
    One,
    /// More than one, or an unknown number: whole pictures may be missing.
    More,
}

impl Gap {
    /// The gap for this many missing packets.
    pub fn of(packets: u64) -> Self {
        match packets {
            0 => Self::None,
            1 => Self::One,
            _ => Self::More,
        }
    }
}
