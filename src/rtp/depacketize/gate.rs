//! Passes access units that can be decoded and withholds the others.

/// Whether units pass.
#[derive(Debug)]
pub(super) enum Gate {
    /// Units are withheld until a key unit.
    Closed,
    /// Units pass, except leading ones that refer to lost pictures.
    Open { skip_leading: bool },
}

/// The traits of a unit that decide whether it passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traits {
    /// Decoding can begin with it.
    pub key: bool,
    /// It consists of intra slices alone.
    pub intra: bool,
    /// It may refer to pictures before the key picture that precedes it.
    pub leading: bool,
}

impl Gate {
    /// Whether a unit may pass; if so, whether it is the first after missing ones.
    pub fn admit(&mut self, unit: Traits) -> Option<bool> {
        match self {
            // Some encoders send neither IDR pictures nor recovery points after the first picture. If a later
            // picture refers to one before these intra slices, the decoder notices.
            Self::Closed if unit.key || unit.intra => {
                *self = Self::Open { skip_leading: true };
                Some(true)
            }
            Self::Closed => None,
            Self::Open { skip_leading } => {
                *skip_leading &= !unit.key;
                (!(*skip_leading && unit.leading)).then_some(false)
            }
        }
    }
}
