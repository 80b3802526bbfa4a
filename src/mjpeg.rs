//! Checks and mends the JPEG pictures that a camera gives.
