//! Drawing: the test card, and the cards that stand in for a lost camera.
//!
//! Everything is drawn straight into planar 4:2:0, as the encoder takes it.

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

/// The side that sizes are derived from, in pixels: a picture's height, or less where the picture is
/// narrower than 4:3, so that text also fits the width of an upright picture.
fn base_side(width: usize, height: usize) -> usize {
    height.min(width * 3 / 4)
}

/// The even number of pixels at or below this one: where a chroma sample begins.
const fn even(pixels: usize) -> usize {
    pixels - pixels % 2
}
