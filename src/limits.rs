//! Every ceiling of the service, with its unit and the reason for it.

use std::time::Duration;

/// Spare frame buffers kept for each camera: the one being written, the newest, and two that slow
/// viewers may still be sending.
pub const POOLED_BUFFERS_MAX: usize = 4;

/// Pixels of a side of a picture; the JPEG format itself ends at 65,535, no camera comes near this.
pub const PICTURE_SIDE_MAX_PIXELS: usize = 16_384;

/// Bytes of one JPEG from a camera. A 4K picture at the best quality has about 6 MB.
pub const JPEG_MAX_BYTES: usize = 32 << 20;

/// A camera that nobody watches any more is closed after this long.
pub const LINGER: Duration = Duration::from_secs(5);

/// A camera that is open and gives no picture for this long is lost.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);

/// The first wait before a lost camera is tried again; it doubles up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(500);

/// The longest wait before a lost camera is tried again. A plugged-in device is tried at once.
pub const RETRY_MAX: Duration = Duration::from_secs(8);
