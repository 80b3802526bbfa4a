//! Drawing: the test card, and the cards that stand in for a lost camera.
