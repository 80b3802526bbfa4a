//! What a viewer wants of a picture, and which variant that is.

use crate::encode::resize::{Step, step_for};

/// Quality of smaller pictures where none is asked for: at the size at which they are shown, more is not seen.
const QUALITY_DEFAULT: u8 = 80;

/// What a viewer asks for: pictures at least so wide, of this quality. Never larger than the camera's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In pixels.
    pub width: Option<u32>,
    /// JPEG quality, 1 to 100.
    pub quality: Option<u8>,
}

/// One way to make other pictures of a camera's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Width of the camera's pictures, in pixels.
    pub width: u32,
    /// By how much the sides are divided.
    pub step: Step,
    /// JPEG quality; `None` leaves whole pictures as they are.
    pub quality: Option<u8>,
}

impl Wanted {
    /// The variant for pictures of this width.
    pub fn variant(&self, width: u32) -> Variant {
        let step = self.width.map_or(Step::Whole, |wanted| step_for(width as usize, wanted as usize));
        let by_step = (step != Step::Whole).then_some(QUALITY_DEFAULT);
        Variant { width, step, quality: self.quality.or(by_step) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_as_wide_as_wanted_and_less_than_twice() {
        for width in [1, 2, 64, 641, 1280, 1920, 3840] {
            for wanted in 1..2 * width {
                let variant = Wanted { width: Some(wanted), quality: None }.variant(width);
                let given = variant.step.scaled(width as usize) as u32;
                assert!(given >= wanted.min(width), "{wanted} of {width}: {given}");
                let is_least = variant.step == Step::Eighth || given < 2 * wanted + 2;
                assert!(is_least || given == width, "{wanted} of {width}: {given}");
            }
        }
    }

    #[test]
    fn whole_pictures_are_left_alone_unless_another_quality_is_wanted() {
        let of = |width, quality| Wanted { width, quality }.variant(640).quality;
        assert_eq!((of(None, None), of(Some(640), None), of(Some(321), None)), (None, None, None));
        assert_eq!(
            (of(Some(320), None), of(None, Some(5)), of(Some(320), Some(5))),
            (Some(80), Some(5), Some(5))
        );
    }
}
