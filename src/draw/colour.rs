//! Colours, given as RGB and stored in the encoder's form.

/// A colour as full-range Y'CbCr (JFIF: Rec. 601 matrix, all of 0 to 255).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Luma.
    pub y: u8,
    /// Blue difference; 128 is neutral.
    pub cb: u8,
    /// Red difference; 128 is neutral.
    pub cr: u8,
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    /// Full white.
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    /// Background of every card and panel: a calm, nearly black blue.
    pub const NIGHT: Self = Self::rgb(17, 22, 30);
    /// Static shapes on [`Self::NIGHT`].
    pub const SLATE: Self = Self::rgb(52, 62, 77);
    /// Secondary text.
    pub const MIST: Self = Self::rgb(157, 169, 186);
    /// Primary text.
    pub const PAPER: Self = Self::rgb(241, 244, 248);
    /// Moving parts and warnings.
    pub const AMBER: Self = Self::rgb(255, 179, 64);

    /// The 75 % colour bars, brightest first, as in SMPTE EG 1.
    pub const BARS: [Self; 8] = [
        Self::rgb(191, 191, 191),
        Self::rgb(191, 191, 0),
        Self::rgb(0, 191, 191),
        Self::rgb(0, 191, 0),
        Self::rgb(191, 0, 191),
        Self::rgb(191, 0, 0),
        Self::rgb(0, 0, 191),
        Self::BLACK,
    ];

    /// The colour of full-range RGB.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self {
            y: weigh([299_000, 587_000, 114_000], [red, green, blue], 0),
            cb: weigh([-168_736, -331_264, 500_000], [red, green, blue], 128),
            cr: weigh([500_000, -418_688, -81_312], [red, green, blue], 128),
        }
    }

    /// The grey of this luma.
    pub const fn grey(luma: u8) -> Self {
        Self { y: luma, cb: 128, cr: 128 }
    }
}

/// One row of the JFIF matrix: weights in millionths, rounded to the nearest sample.
const fn weigh(millionths: [i32; 3], rgb: [u8; 3], offset: i32) -> u8 {
    let [red, green, blue] = [rgb[0] as i32, rgb[1] as i32, rgb[2] as i32];
    let sum = millionths[0] * red + millionths[1] * green + millionths[2] * blue;
    let sample = (sum + offset * 1_000_000 + 500_000) / 1_000_000;
    // Pure blue and pure red come to 255.5.
    if sample > 255 { 255 } else { sample as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rgb_converts_as_in_jfif() {
        let samples = |colour: Colour| [colour.y, colour.cb, colour.cr];
        assert_eq!(samples(Colour::WHITE), [255, 128, 128]);
        assert_eq!(samples(Colour::BLACK), [0, 128, 128]);
        assert_eq!(samples(Colour::rgb(255, 0, 0)), [76, 85, 255]);
        assert_eq!(samples(Colour::rgb(0, 255, 0)), [150, 44, 21]);
        assert_eq!(samples(Colour::rgb(0, 0, 255)), [29, 255, 107]);
        assert_eq!(Colour::rgb(90, 90, 90), Colour::grey(90));
    }

    #[test]
    fn each_bar_is_darker_than_the_one_before() {
        assert!(Colour::BARS.is_sorted_by(|one, next| one.y > next.y));
    }
}
