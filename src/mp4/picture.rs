//! An access unit taken apart: what goes into its sample, and what does not.

use super::Unplayable;
use crate::video::nal::{self, Nal};
use crate::video::parameter_sets::ParameterSets;
use crate::video::{AccessUnit, Codec};

/// NAL units of one access unit. A slice for each row of macroblocks of 4K makes 144.
pub const NAL_UNITS_MAX: usize = 1024;

/// Room for the NAL units of ordinary pictures.
const NAL_UNITS_USUAL: usize = 8;

/// What an access unit consists of.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// What its sample has: slices and supplemental information, in their order.
    pub nal_units: Vec<&'a [u8]>,
    /// Its first slice.
    pub first_slice: &'a [u8],
    /// Parameter sets that came with it.
    pub sets: ParameterSets,
    /// A browser can begin with it: an IDR or IRAP picture. It cannot with a recovery point: Chromium 156
    /// throws away all up to the next IDR picture, and none waits until the picture is whole.
    pub is_start: bool,
}

impl<'a> Picture<'a> {
    pub fn read(unit: &'a AccessUnit) -> Result<Self, Unplayable> {
        let mut nal_units = Vec::with_capacity(NAL_UNITS_USUAL);
        let mut sets = ParameterSets::default();
        let (mut first_slice, mut is_start) = (None, unit.is_key);
        for nal in nal::all(&unit.data) {
            match nal::classify(unit.codec, nal) {
                Nal::ParameterSet(kind, id, _) => {
                    sets.insert(kind, id, nal);
                    continue;
                }
                Nal::Slice(slice) => {
                    first_slice.get_or_insert(nal);
                    is_start &= slice.key;
                }
                Nal::RecoveryPoint | Nal::Other if !is_kept(unit.codec, nal) => continue,
                Nal::RecoveryPoint | Nal::Other => {}
            }
            if nal_units.len() == NAL_UNITS_MAX {
                return Err(Unplayable::TooLarge);
            }
            nal_units.push(nal);
        }
        let first_slice = first_slice.ok_or(Unplayable::Damaged)?;
        Ok(Self { nal_units, first_slice, sets, is_start })
    }

    /// It refers to pictures before the last key picture in decoding order (RASL).
    pub fn is_leading(&self, codec: Codec) -> bool {
        matches!(nal::classify(codec, self.first_slice), Nal::Slice(slice) if slice.leading)
    }
}

/// Whether a NAL unit that is neither slice nor parameter set goes into the sample: supplemental
/// information, and the other partitions of a slice. Delimiters, ends and filler have no place there
/// (ISO/IEC 14496-15 sections 5.3.2 and 8.3.2), unspecified types are of the camera's maker.
fn is_kept(codec: Codec, nal: &[u8]) -> bool {
    let header = nal.first().copied().unwrap_or_default();
    match codec {
        Codec::H264 => matches!(header & 0x1f, 3 | 4 | 6),
        Codec::H265 => matches!(header >> 1 & 0x3f, 39 | 40) && !nal::is_left_out(codec, nal),
    }
}
