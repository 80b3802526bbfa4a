//! Uncompressed pictures to JPEG.
