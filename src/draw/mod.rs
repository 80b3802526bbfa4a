//! Drawing: the test card, and the cards that stand in for a lost camera.
//!
//! Everything is drawn straight into planar 4:2:0, as the encoder takes it.

mod canvas;
mod colour;
mod text;

pub use canvas::{Area, Canvas};
pub use colour::Colour;
pub use text::Font;
