//! Ceilings of the RTSP layer, each with its unit and reason.

use std::time::Duration;

/// Bytes of a message up to its empty line. Real ones have less than 1 KiB.
pub const HEAD_MAX_BYTES: usize = 16 << 10;

/// Headers of one message; the rest is ignored.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a message's body. Session descriptions have 300 to 2,000.
pub const BODY_MAX_BYTES: usize = 64 << 10;

/// Bytes received and not yet parsed: the largest message or interleaved packet (64 KiB and 4) fits.
pub const BUFFER_MAX_BYTES: usize = HEAD_MAX_BYTES + BODY_MAX_BYTES;

/// Bytes of a URL from a camera.
pub const URL_MAX_BYTES: usize = 2048;

/// Media of a session description to parse; cameras have one to four.
pub const MEDIA_MAX: usize = 16;

/// Formats of one media to parse.
pub const FORMATS_MAX: usize = 32;

/// Characters of the Server header to keep. Real ones have up to 60.
pub const SERVER_MAX_CHARS: usize = 80;

/// Redirects to follow before the first picture.
pub const REDIRECTS_MAX: u32 = 5;

/// Reconnections to a camera that closes the connection after a challenge.
pub const RECONNECTS_MAX: u32 = 2;

/// How often one request is sent again with a newer nonce, because the camera called the last one stale.
pub const STALE_NONCES_MAX: u32 = 2;

/// Unanswered requests to remember. Some cameras never answer keep-alives.
pub const PENDING_MAX: usize = 8;

/// Bytes of access units that wait to be polled: two of the largest. One input yields far less, unless the
/// camera is hostile.
pub const QUEUED_UNITS_MAX_BYTES: usize = 16 << 20;

/// How long connecting may take.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How long an answer may take. Some cameras need 5 s to wake up an encoder.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How long no datagram may arrive after PLAY: a firewall, or a camera that only pretends to support UDP.
pub const UDP_SILENCE_MAX: Duration = Duration::from_secs(3);

/// How long no packet may arrive: the camera or its encoder is gone.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

/// The default session time-out (RFC 2326 12.37).
pub const SESSION_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest keep-alive interval, whatever the camera's time-out: some state one and apply another.
pub const KEEP_ALIVE_MAX: Duration = Duration::from_secs(30);

/// The shortest keep-alive interval: half the shortest time-out that can be stated.
pub const KEEP_ALIVE_MIN: Duration = Duration::from_millis(500);

/// How long to wait for the answer to TEARDOWN.
pub const TEARDOWN_MAX: Duration = Duration::from_millis(500);
