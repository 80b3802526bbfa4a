//! How an operator wants a camera's pictures: turned, for a camera that is mounted sideways or behind a mirror,
//! and cropped.

use std::fmt;
use std::str::FromStr;

use super::Turn;
use crate::limits;

/// What is to be done to each picture, in this order: rotate, then mirror, then crop what is seen then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Clockwise.
    pub rotate: Rotation,
    /// Which sides are exchanged.
    pub mirror: Option<Mirror>,
    /// The part that is kept; all of it without.
    pub crop: Option<Crop>,
}

impl Orientation {
    /// Pictures as the camera gives them.
    pub const NONE: Self = Self { rotate: Rotation::None, mirror: None, crop: None };

    /// Rotation and mirror as one turn.
    pub const fn turn(&self) -> Turn {
        let (transposed, mirrored, flipped) = match self.rotate {
            Rotation::None => (false, false, false),
            Rotation::Quarter => (true, true, false),
            Rotation::Half => (false, true, true),
            Rotation::ThreeQuarters => (true, false, true),
        };
        match self.mirror {
            None => Turn { transposed, mirrored, flipped },
            Some(Mirror::Horizontal) => Turn { transposed, mirrored: !mirrored, flipped },
            Some(Mirror::Vertical) => Turn { transposed, mirrored, flipped: !flipped },
        }
    }

    /// The part that is kept of a picture of this width and height after it is turned.
    ///
    /// # Errors
    /// Where the picture does not hold the crop.
    pub fn kept(&self, (width, height): (usize, usize)) -> Result<Crop, CropBeyond> {
        let crop = self.crop.unwrap_or(Crop { x: 0, y: 0, width, height });
        let holds = |start: usize, len: usize, side| len > 0 && start.saturating_add(len) <= side;
        if holds(crop.x, crop.width, width) && holds(crop.y, crop.height, height) {
            Ok(crop)
        } else {
            Err(CropBeyond { crop, width, height, is_turned: self.turn().transposed })
        }
    }

    /// Width and height, to the pixel, that are left of a picture of these.
    ///
    /// # Errors
    /// Where the picture does not hold the crop.
    pub fn size_of(&self, (width, height): (usize, usize)) -> Result<(usize, usize), CropBeyond> {
        let turned = if self.turn().transposed { (height, width) } else { (width, height) };
        self.kept(turned).map(|kept| (kept.width, kept.height))
    }
}

/// Clockwise, in quarters of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// As the camera gives it.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

impl Rotation {
    /// The rotation of so many degrees clockwise.
    ///
    /// # Errors
    /// [`OrientationError::Rotation`] for others than 0, 90, 180 and 270.
    pub fn from_degrees(degrees: i64) -> Result<Self, OrientationError> {
        match degrees {
            0 => Ok(Self::None),
            90 => Ok(Self::Quarter),
            180 => Ok(Self::Half),
            270 => Ok(Self::ThreeQuarters),
            _ => Err(OrientationError::Rotation),
        }
    }
}

impl FromStr for Rotation {
    type Err = OrientationError;

    fn from_str(text: &str) -> Result<Self, OrientationError> {
        text.parse().map_err(|_| OrientationError::Rotation).and_then(Self::from_degrees)
    }
}

/// Which sides are exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirror {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
}

impl FromStr for Mirror {
    type Err = OrientationError;

    fn from_str(text: &str) -> Result<Self, OrientationError> {
        match text {
            "horizontal" => Ok(Self::Horizontal),
            "vertical" => Ok(Self::Vertical),
            _ => Err(OrientationError::Mirror),
        }
    }
}

/// A rectangle of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// From the left edge.
    pub x: usize,
    /// From the top edge.
    pub y: usize,
    /// At least 1.
    pub width: usize,
    /// At least 1.
    pub height: usize,
}

impl FromStr for Crop {
    type Err = OrientationError;

    fn from_str(text: &str) -> Result<Self, OrientationError> {
        let number = |text: &str| {
            let text = text.trim();
            // `parse` takes a sign.
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<usize>().ok()).flatten()
        };
        let numbers: Option<Vec<usize>> = text.split(',').map(number).collect();
        let Some(&[x, y, width, height]) = numbers.as_deref() else {
            return Err(OrientationError::Crop);
        };
        let side_max = limits::PICTURE_SIDE_MAX_PIXELS;
        let fits = |start: usize, len: usize| len > 0 && start.saturating_add(len) <= side_max;
        if !fits(x, width) || !fits(y, height) {
            return Err(OrientationError::CropSize);
        }
        Ok(Self { x, y, width, height })
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { x, y, width, height } = self;
        write!(f, "{x},{y},{width},{height}")
    }
}

/// A setting that cannot be read. In words it is what is allowed: the text itself may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrientationError {
    /// Not one of four angles.
    Rotation,
    /// Not one of two words.
    Mirror,
    /// Not four numbers.
    Crop,
    /// Empty, or beyond [`limits::PICTURE_SIDE_MAX_PIXELS`].
    CropSize,
}

impl fmt::Display for OrientationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotation => f.write_str("must be 0, 90, 180 or 270, in degrees clockwise"),
            Self::Mirror => f.write_str("must be \"horizontal\" or \"vertical\""),
            Self::Crop => f.write_str("must be \"X,Y,WIDTH,HEIGHT\" in pixels, as in \"10,20,640,480\""),
            Self::CropSize => write!(
                f,
                "must be at least 1 pixel wide and high and end within {} pixels",
                limits::PICTURE_SIDE_MAX_PIXELS
            ),
        }
    }
}

impl std::error::Error for OrientationError {}

/// A picture that does not hold the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CropBeyond {
    /// What was to be kept.
    pub crop: Crop,
    /// Width of the turned picture in pixels.
    pub width: usize,
    /// Height of the turned picture in pixels.
    pub height: usize,
    /// Whether that is the camera's width.
    pub is_turned: bool,
}

impl fmt::Display for CropBeyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { crop, width, height, is_turned } = self;
        let after = if *is_turned { " (after rotation)" } else { "" };
        write!(f, "crop {crop} lies outside of the camera's {width}x{height} pixels{after}")
    }
}

impl std::error::Error for CropBeyond {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        assert_eq!("0".parse(), Ok(Rotation::None));
        assert_eq!("90".parse(), Ok(Rotation::Quarter));
        assert_eq!("180".parse(), Ok(Rotation::Half));
        assert_eq!("270".parse(), Ok(Rotation::ThreeQuarters));
        assert_eq!("horizontal".parse(), Ok(Mirror::Horizontal));
        assert_eq!("vertical".parse(), Ok(Mirror::Vertical));
        let crop = Crop { x: 10, y: 20, width: 640, height: 480 };
        assert_eq!("10,20,640,480".parse(), Ok(crop));
        assert_eq!(" 10, 20 ,640,480 ".parse(), Ok(crop));
        assert_eq!(crop.to_string(), "10,20,640,480");
    }

    #[test]
    fn mistakes_say_what_is_allowed() {
        for text in ["45", "left", "-90", "90.0", ""] {
            assert_eq!(text.parse::<Rotation>(), Err(OrientationError::Rotation), "{text}");
        }
        assert_eq!(OrientationError::Rotation.to_string(), "must be 0, 90, 180 or 270, in degrees clockwise");
        assert_eq!("both".parse::<Mirror>(), Err(OrientationError::Mirror));
        for text in ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,", "+1,2,3,4", "-1,2,3,4", "1;2;3;4"] {
            assert_eq!(text.parse::<Crop>(), Err(OrientationError::Crop), "{text}");
        }
        for text in ["0,0,0,1", "0,0,1,0", "16384,0,1,1", "0,1,1,16384", "18446744073709551615,0,1,1"] {
            assert_eq!(text.parse::<Crop>(), Err(OrientationError::CropSize), "{text}");
        }
    }

    #[test]
    fn rotation_and_mirror_are_one_turn() {
        let turn = |rotate, mirror| Orientation { rotate, mirror, crop: None }.turn();
        let expected = |transposed, mirrored, flipped| Turn { transposed, mirrored, flipped };
        assert_eq!(turn(Rotation::None, None), Turn::NONE);
        assert_eq!(turn(Rotation::Quarter, None), expected(true, true, false));
        assert_eq!(turn(Rotation::Half, None), expected(false, true, true));
        assert_eq!(turn(Rotation::ThreeQuarters, None), expected(true, false, true));
        assert_eq!(turn(Rotation::None, Some(Mirror::Horizontal)), expected(false, true, false));
        assert_eq!(turn(Rotation::None, Some(Mirror::Vertical)), expected(false, false, true));
        assert_eq!(turn(Rotation::Half, Some(Mirror::Horizontal)), expected(false, false, true));
        assert_eq!(turn(Rotation::Quarter, Some(Mirror::Horizontal)), expected(true, false, false));
    }

    #[test]
    fn a_crop_must_lie_within_the_picture() {
        let crop = Crop { x: 10, y: 20, width: 640, height: 480 };
        let orientation = Orientation { crop: Some(crop), ..Orientation::default() };
        assert_eq!(orientation.kept((650, 500)), Ok(crop));
        let beyond = orientation.kept((649, 500)).unwrap_err();
        assert_eq!(beyond.to_string(), "crop 10,20,640,480 lies outside of the camera's 649x500 pixels");
        let sideways = Orientation { rotate: Rotation::Quarter, ..orientation };
        assert_eq!(sideways.size_of((500, 650)), Ok((640, 480)));
        assert_eq!(
            sideways.size_of((650, 500)).unwrap_err().to_string(),
            "crop 10,20,640,480 lies outside of the camera's 500x650 pixels (after rotation)"
        );
        assert!(orientation.kept((650, 499)).is_err());
        let huge = Crop { x: usize::MAX, y: 0, width: usize::MAX, height: 1 };
        assert!(Orientation { crop: Some(huge), ..Orientation::default() }.kept((650, 499)).is_err());
        let all = Crop { x: 0, y: 0, width: 3, height: 2 };
        assert_eq!(Orientation::default().kept((3, 2)), Ok(all));
        assert_eq!(Orientation::default(), Orientation::NONE);
    }
}
