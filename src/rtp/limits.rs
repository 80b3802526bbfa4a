//! Ceilings of the RTP layer, each with its unit and reason.

use std::time::Duration;

use crate::video::ACCESS_UNIT_MAX_BYTES;

/// Packets held back while an earlier one is missing. A 4K key frame has about 700 packets, a
/// network that reorders by more than a tenth of that is broken.
pub const REORDER_PACKETS_MAX: usize = 64;

/// Bytes held back while an earlier packet is missing: every held packet at its largest would be
/// 4 MiB, cameras send 1,500 (Tapo: up to 10,000) bytes.
pub const REORDER_BYTES_MAX: usize = 1 << 20;

/// How long a missing packet is waited for. Only a lost packet costs this latency; a live picture
/// should not be later than two frames for it.
pub const REORDER_WAIT: Duration = Duration::from_millis(60);

/// Sequence numbers a source may jump ahead before it counts as restarted (RFC 3550 A.1).
pub const DROPOUT_MAX_PACKETS: u16 = 3000;

/// Sequence numbers a packet may be late before it counts as a restart (RFC 3550 A.1).
pub const MISORDER_MAX_PACKETS: u16 = 100;

/// A source that said nothing for this long gives way to another SSRC.
pub const SSRC_SILENCE: Duration = Duration::from_secs(1);

/// A source that begins with a key picture is taken once the one before was quiet for one and a half
/// times its distance between pictures, but at least this long: what came in one burst is no order.
pub const SSRC_QUIET_MIN: Duration = Duration::from_millis(50);

/// Timestamp units that a new SSRC may be ahead of the one that it continues: 11 s of video.
pub const SSRC_CONTINUED_MAX_TICKS: u32 = 1 << 20;

/// After so many sources taken for their key pictures, each rightly, a camera is believed at once.
pub const SSRC_CHANGES_TRUSTED: u32 = 2;

/// Bytes held back of sources that may be the camera's: the largest key picture, and what follows it
/// within [`SSRC_SILENCE`].
pub const SSRC_HELD_MAX_BYTES: usize = 2 * ACCESS_UNIT_MAX_BYTES;

/// Packets held back of such sources: as many as make up those bytes, at 1 kB each.
pub const SSRC_HELD_MAX_PACKETS: usize = SSRC_HELD_MAX_BYTES >> 10;

/// Sources remembered that others were taken for. One that speaks again was left by mistake.
pub const SSRCS_LEFT_MAX: usize = 4;

/// Sources remembered as strangers': other sessions of the same camera, one or two.
pub const SSRCS_STRANGE_MAX: usize = 8;

/// After the camera's goodbye (RTCP BYE), another source of it is waited for so long: cameras that
/// change their SSRC may say goodbye for each.
pub const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// Where the announced payload type never came for this long, another one is believed. Below the 3 s
/// after which UDP is given up.
pub const PAYLOAD_TYPE_SILENCE: Duration = Duration::from_secs(2);

/// Bytes of the scan data of one RFC 2435 picture: its fragment offset has 24 bits.
pub const JPEG_SCAN_MAX_BYTES: usize = 1 << 24;

/// Access units that wait to be pulled. One packet completes at most two.
pub const UNITS_READY_MAX: usize = 4;

/// How long a key picture is waited for before a camera that takes such requests (RFC 4585) is asked for
/// one, and before it is asked again: most send one each second or two.
pub const KEY_REQUEST_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of the quantization tables of one picture: four of 16 bits (ITU-T T.81 B.2.4.1).
pub const JPEG_TABLES_MAX_BYTES: usize = 4 * 128;

/// RFC 2435 quantization tables remembered, one for each Q of 128 to 254.
pub const JPEG_CACHED_TABLES_MAX: usize = 127;

/// The first receiver report goes out this long after play: some cameras stop after 5 s without.
pub const REPORT_FIRST: Duration = Duration::from_secs(1);

/// Time between receiver reports (RFC 3550 6.2: at least 5 s on average).
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);
