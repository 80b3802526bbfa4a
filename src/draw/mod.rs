//! Drawing: the test card, and the cards for lost cameras.
//!
//! Everything is drawn directly as planar 4:2:0, the encoder's input.

mod canvas;
mod colour;
mod lost_card;
mod shape;
mod test_card;
mod text;
mod time_of_day;

pub use canvas::{Area, Canvas};
pub use colour::Colour;
pub use lost_card::lost_card;
pub use test_card::TestCard;
pub use text::Font;

/// The side that sizes are derived from, in pixels: a picture's height, or less if the picture is narrower
/// than 4:3, so that text fits the width of an upright picture too.
fn base_side(width: usize, height: usize) -> usize {
    height.min(width * 3 / 4)
}

/// This number of pixels, rounded down to an even one: the start of a chroma sample.
const fn even(pixels: usize) -> usize {
    pixels - pixels % 2
}
