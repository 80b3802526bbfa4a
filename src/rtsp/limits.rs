//! Ceilings of the RTSP layer, each with its unit and reason.

use std::time::Duration;

/// Bytes of a message up to its empty line. Real ones have less than 1 KiB.
pub const HEAD_MAX_BYTES: usize = 16 << 10;

/// Headers of one message; more are passed over.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a message's body. Session descriptions have 300 to 2,000.
pub const BODY_MAX_BYTES: usize = 64 << 10;

/// Bytes received and not yet understood: the largest message, or interleaved packet (64 KiB and
/// 4), fits.
pub const BUFFER_MAX_BYTES: usize = HEAD_MAX_BYTES + BODY_MAX_BYTES;

/// Bytes of a URL that a camera gives.
pub const URL_MAX_BYTES: usize = 2048;

/// Media of a session description that are looked at; cameras have one to four.
pub const MEDIA_MAX: usize = 16;

/// Formats of one media that are looked at.
pub const FORMATS_MAX: usize = 32;

/// Characters of the Server header that are kept. Real ones have up to 60.
pub const SERVER_MAX_CHARS: usize = 80;

/// Redirects followed before a camera gave a picture.
pub const REDIRECTS_MAX: u32 = 5;

/// Connections opened anew because the camera closes them after a challenge.
pub const RECONNECTS_MAX: u32 = 2;

/// Times that one request is sent again with a newer nonce because the camera called the one
/// before stale.
pub const STALE_NONCES_MAX: u32 = 2;

/// Requests without an answer that are remembered. Some cameras never answer keep-alives.
pub const PENDING_MAX: usize = 8;

/// Bytes of access units that wait to be polled: two of the largest. Those of one input have far
/// less, unless the camera is hostile.
pub const QUEUED_UNITS_MAX_BYTES: usize = 16 << 20;

/// How long a connection may take to come up.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How long an answer may take. Some cameras need 5 s to wake an encoder up.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

/// No datagram for this long after play: a firewall, or a camera that only pretends to do UDP.
pub const UDP_SILENCE_MAX: Duration = Duration::from_secs(3);

/// No packet for this long: the camera is gone, or its encoder is.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

/// The time-out of a session that does not name one (RFC 2326 12.37).
pub const SESSION_TIMEOUT: Duration = Duration::from_mins(1);

/// Keep-alives are sent at least this often, whatever the camera's time-out: some name one and
/// keep another.
pub const KEEP_ALIVE_MAX: Duration = Duration::from_secs(30);

/// Keep-alives are sent at most this often: half the shortest time-out that can be named.
pub const KEEP_ALIVE_MIN: Duration = Duration::from_millis(500);

/// How long the answer to a teardown is waited for.
pub const TEARDOWN_MAX: Duration = Duration::from_millis(500);
