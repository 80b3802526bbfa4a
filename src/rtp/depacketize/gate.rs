//! Lets access units pass that can be decoded.

/// Whether units pass.
#[derive(Debug)]
pub(super) enum Gate {
    /// Units are withheld until a key unit.
    Closed,
    /// Units pass; leading ones not yet, where they refer to what was lost.
    Open { skip_leading: bool },
}

/// What a unit is, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traits {
    /// Decoding can begin with it.
    pub key: bool,
    /// It consists of intra slices alone.
    pub intra: bool,
    /// It may refer to pictures before the key picture that it follows.
    pub leading: bool,
}

impl Gate {
    /// Whether a unit may pass, and whether it is the first after others were missing.
    pub fn admit(&mut self, unit: Traits) -> Option<bool> {
        match self {
            // Some encoders send neither IDR pictures nor recovery points after the first picture. A
            // picture that refers to what was before one of intra slices is noticed by the decoder.
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
