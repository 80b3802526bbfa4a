//! Ceilings of the RTP layer, each with its unit and reason.

use std::time::Duration;

use crate::video::ACCESS_UNIT_MAX_BYTES;

/// Packets held back while an earlier one is missing. A 4K key frame has about 700 packets; a network that
/// reorders by more than a tenth of that is broken.
pub const REORDER_PACKETS_MAX: usize = 64;

/// Bytes held back while an earlier packet is missing. All held packets at the maximum size would take 4 MiB,
/// but cameras send packets of 1,500 bytes (Tapo: up to 10,000).
pub const REORDER_BYTES_MAX: usize = 1 << 20;

/// How long to wait for a missing packet. Only a lost packet costs this latency, which should not exceed two
/// frames of a live picture.
pub const REORDER_WAIT: Duration = Duration::from_millis(60);

/// Sequence numbers that a source may jump ahead before it counts as restarted (RFC 3550 A.1).
pub const DROPOUT_MAX_PACKETS: u16 = 3000;

/// Sequence numbers that a packet may be late before it counts as a restart (RFC 3550 A.1).
pub const MISORDER_MAX_PACKETS: u16 = 100;

/// After this much silence, a source gives way to another SSRC.
pub const SSRC_SILENCE: Duration = Duration::from_secs(1);

/// A source that begins with a key picture is accepted once the previous one was quiet for one and a half
/// times its picture interval, but at least this long: within one burst, order means nothing.
pub const SSRC_QUIET_MIN: Duration = Duration::from_millis(50);

/// Timestamp units by which a new SSRC may be ahead of the one that it continues: 11 s of video.
pub const SSRC_CONTINUED_MAX_TICKS: u32 = 1 << 20;

/// After this many correct changes of source at key pictures, a camera's next change is accepted at once.
pub const SSRC_CHANGES_TRUSTED: u32 = 2;

/// Bytes held back of sources that may be the camera's: the largest key picture, and the packets that follow
/// it within [`SSRC_SILENCE`].
pub const SSRC_HELD_MAX_BYTES: usize = 2 * ACCESS_UNIT_MAX_BYTES;

/// Packets held back of such sources: that many bytes at 1 kB each.
pub const SSRC_HELD_MAX_PACKETS: usize = SSRC_HELD_MAX_BYTES >> 10;

/// Replaced sources to remember. If one sends again, replacing it was a mistake.
pub const SSRCS_LEFT_MAX: usize = 4;

/// Foreign sources to remember: other sessions of the same camera, one or two.
pub const SSRCS_STRANGE_MAX: usize = 8;

/// How long to wait for another source after the camera's goodbye (RTCP BYE): cameras that change their SSRC
/// may say goodbye for each.
pub const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// If the announced payload type does not arrive for this long, another one is accepted. Shorter than the 3 s
/// after which UDP is given up.
pub const PAYLOAD_TYPE_SILENCE: Duration = Duration::from_secs(2);

/// Bytes of the scan data of one RFC 2435 picture: the fragment offset has 24 bits.
pub const JPEG_SCAN_MAX_BYTES: usize = 1 << 24;

/// Access units waiting to be pulled. One packet completes at most two.
pub const UNITS_READY_MAX: usize = 4;

/// How long to wait for a key picture before requesting one from a camera that supports it (RFC 4585), and
/// before asking again: most cameras send one every second or two.
pub const KEY_REQUEST_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of the quantization tables of one picture: four of 16 bits (ITU-T T.81 B.2.4.1).
pub const JPEG_TABLES_MAX_BYTES: usize = 4 * 128;

/// RFC 2435 quantization tables remembered, one for each Q of 128 to 254.
pub const JPEG_CACHED_TABLES_MAX: usize = 127;

/// When the first receiver report goes out after PLAY: some cameras stop after 5 s without one.
pub const REPORT_FIRST: Duration = Duration::from_secs(1);

/// Time between receiver reports (RFC 3550 6.2: at least 5 s on average).
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);
