//! Ceilings of the service, each with its unit and reason. Those of the protocols are in `rtsp/limits.rs` and
//! `rtp/limits.rs`; others stand beside the one piece of code that they concern.

use std::time::Duration;

/// Spare frame buffers kept for each camera: the one being written, the newest, and two that slow
/// viewers may still be sending.
pub const POOLED_BUFFERS_MAX: usize = 4;

/// Pixels of a picture's side; the JPEG format ends at 65,535, and no camera comes near this.
pub const PICTURE_SIDE_MAX_PIXELS: usize = 16_384;

/// Pixels of a picture, about 64 million: as many as the largest sensors of cameras for computers
/// (9152x6944). A browser needs four bytes for each, whatever the JPEG holds: 16384x16384 of one grey are a
/// file of 130 kB and a picture of 1 GB.
pub const PICTURE_MAX_PIXELS: usize = 64_000_000;

/// Bytes of one JPEG from a camera. A 4K picture at the best quality has about 6 MB.
pub const JPEG_MAX_BYTES: usize = 32 << 20;

/// How long a camera stays open after its last viewer has left.
pub const LINGER: Duration = Duration::from_secs(5);

/// How long a camera stays open after a request for a single picture, for the next one: the page polls an
/// idle camera every 10 s (`STILL_IDLE_MS` in src/http/page/share.js), and so does Home Assistant. Cameras
/// have few sessions, and some log each.
pub const LINGER_STILL: Duration = Duration::from_secs(30);

/// How long an open camera may give no picture before it is lost.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A camera stands still if no picture is published for so many times its longest recent interval between
/// pictures,
pub const STANDSTILL_DISTANCES: u32 = 3;

/// but at least for this long: at ordinary rates, as long as any camera may be silent,
pub const STANDSTILL_MIN: Duration = SILENCE_MAX;

/// and at most for this long, for every source.
pub const STANDSTILL_MAX: Duration = Duration::from_secs(30);

/// The same after only one picture, when the rate is unknown: longer than one in ten seconds, after which
/// network cameras are given up anyhow.
pub const STANDSTILL_FIRST_MAX: Duration = Duration::from_secs(12);

/// How often to check whether pictures are published.
pub const STANDSTILL_LOOK: Duration = Duration::from_secs(1);

/// A check later than this does not count: this machine slept or was stopped, not the camera.
pub const STANDSTILL_LATE: Duration = Duration::from_secs(2);

/// A camera that has stood still for this long is reopened: sources that can give up have done so by then.
pub const STANDSTILL_REOPEN: Duration = Duration::from_secs(45);

/// How long a key picture may be awaited before it is reported: cameras send one every one to two seconds.
pub const KEY_WAIT_SAID: Duration = Duration::from_secs(2);

/// The first wait before a lost camera is retried; it doubles up to [`RETRY_SOON_MAX`], and after
/// [`RETRY_SOON`] up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(500);

/// The longest wait while a camera may be restarting: its owner may be waiting in front of it.
pub const RETRY_SOON_MAX: Duration = Duration::from_secs(2);

/// While the waits add up to less than this, the camera may be restarting: after a power cut or a firmware
/// update that takes one to two minutes.
pub const RETRY_SOON: Duration = Duration::from_mins(2);

/// The longest wait before a lost camera is retried. A plugged-in device is tried at once.
pub const RETRY_MAX: Duration = Duration::from_secs(8);

/// A camera that was open and gave pictures for less than this has not shown that it works: the waits keep
/// growing. Otherwise a camera that resets each connection after one picture would be retried fast for ever.
pub const STEADY_MIN: Duration = Duration::from_secs(10);

/// How long an unwatched lost camera stays open to show a picture. Network cameras may send a key picture
/// only every 10 s.
pub const PROVE_MAX: Duration = Duration::from_secs(30);

/// The longest wait that a camera may ask for (`Retry-After`).
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);

/// The wait before retrying a camera whose pictures exceed the memory budget.
pub const RETRY_TOO_LARGE: Duration = Duration::from_mins(1);

/// The wait before retrying a lost camera without viewers: it is opened only for health.
pub const RETRY_UNWATCHED: Duration = Duration::from_mins(1);

/// The wait before retrying a camera that refused user name and password, with or without viewers. Cameras
/// lock an account after five to seven wrong passwords within half an hour.
pub const RETRY_PATIENT: Duration = Duration::from_mins(7);

/// How often to look for a missing device that has viewers, for machines without inotify events on /dev;
/// elsewhere they arrive at once.
pub const PRESENCE_WATCHED: Duration = Duration::from_millis(500);

/// The same without viewers.
pub const PRESENCE_UNWATCHED: Duration = Duration::from_secs(5);

/// How often viewers of a lost camera get a card.
pub const CARD_INTERVAL: Duration = Duration::from_secs(1);

/// Cameras of one configuration.
pub const CAMERAS_MAX: usize = 64;

/// Bytes of a camera's name.
pub const NAME_MAX_BYTES: usize = 48;

/// Addresses to listen on in one configuration.
pub const LISTEN_MAX: usize = 64;

/// Formats, sizes of one format, and intervals of one size to query from a V4L2 driver. Cameras list up to
/// 10, 40 and 12; a driver that repeats itself never ends.
pub const DRIVER_FORMATS_MAX: u32 = 64;

/// See [`DRIVER_FORMATS_MAX`].
pub const DRIVER_SIZES_MAX: u32 = 256;

/// See [`DRIVER_FORMATS_MAX`].
pub const DRIVER_INTERVALS_MAX: u32 = 128;

/// Sizes and intervals of all formats together. A camera with every size at every rate has about 1500.
pub const DRIVER_QUESTIONS_MAX: u32 = 8192;

/// How many times in a row a V4L2 driver may fail to dequeue a buffer (EIO) before the camera is lost. With
/// [`DRIVER_PAUSE`] between them, half a second: a cable that was touched.
pub const DRIVER_ERRORS_MAX: u32 = 25;

/// The pause after a driver announced a buffer but gave none: about a frame interval, for it may repeat that
/// until it recovers.
pub const DRIVER_PAUSE: Duration = Duration::from_millis(20);

/// The highest frame rate that can be requested.
pub const FPS_MAX: u32 = 240;

/// Default ceiling of concurrent HTTP connections.
pub const CONNECTIONS_DEFAULT: usize = 256;

/// Default ceiling of concurrent HTTP connections from one address. This machine's own addresses do not
/// count: a reverse proxy on it carries all clients.
pub const CONNECTIONS_PER_ADDRESS_DEFAULT: usize = 128;

/// With a password set, one in so many places is reserved for connections that have yet to show it: otherwise
/// those that have could take all, and no other client could log in. 16 of 256.
pub const KEPT_PLACES_SHARE: usize = 16;

/// Below this many places none is reserved.
pub const KEPT_PLACES_FROM: usize = 8;

/// When places run out, how long a connection without a request keeps its place against clients with more
/// connections. A request comes a round trip after its connection, on bad Wi-Fi a second.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(2);

/// The same while its request is answered: a small machine needs a second for a password, and some more for a
/// picture of a camera that must be opened.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Evictions are logged at most this often: in a flood there are thousands per second.
pub const EVICTIONS_LOGGED_EVERY: Duration = Duration::from_secs(1);

/// The highest configurable ceiling of HTTP connections.
pub const CONNECTIONS_MAX: usize = 10_000;

/// How long one task may continue with operations that succeed at once before the others run. This times the
/// number of such tasks is the delay of an ordinary request.
pub const TURN_MAX: Duration = Duration::from_micros(250);

/// The same in reads, writes and pictures, for a manual or coarse clock.
pub const TURN_OPERATIONS_MAX: u32 = 16;

/// The interval between pipelined requests, those that arrive before the previous answer is sent, over all
/// connections: a thousand per second are more than any honest client pipelines, and all that clients without
/// a pause get together.
pub const PIPELINED_INTERVAL: Duration = Duration::from_millis(1);

/// How long tasks run before sockets, timers, signals and the service manager's watchdog are polled, which
/// costs two microseconds.
pub const PASS_MAX: Duration = Duration::from_millis(2);

/// The same in tasks.
pub const PASS_TASKS_MAX: u32 = 200;

/// The maximum age of the machine's state in health. Reading it takes dozens of files, and processor time
/// over a shorter interval means nothing.
pub const SYSTEM_HEALTH_AGE_MAX: Duration = Duration::from_millis(200);

/// Wrong passwords that an address may try before it is slowed down: people mistype.
pub const PASSWORD_FREE_TRIES: u32 = 5;

/// An address that has tried no new wrong password for this long starts over.
pub const PASSWORD_FORGIVEN_AFTER: Duration = Duration::from_mins(10);

/// The first wait between two tries of a slowed address.
pub const PASSWORD_SLOWED_MIN: Duration = Duration::from_secs(1);

/// The longest such wait: a person with the right password may be behind it.
pub const PASSWORD_SLOWED_MAX: Duration = Duration::from_secs(8);

/// All waiting requests of a slowed address get their turn within this time: the more wait, the shorter the
/// interval. So an attacker with 128 connections gets 13 guesses per second.
pub const PASSWORD_ADDRESS_WAIT_MAX: Duration = Duration::from_secs(10);

/// The least interval between turns of all addresses together.
pub const PASSWORD_TURN_MIN: Duration = Duration::from_millis(60);

/// Turns come faster if needed for all waiting requests to get one within this time.
pub const PASSWORD_TURNS_WAIT_MAX: Duration = Duration::from_secs(10);

/// The longest wait of the right password for its turn, whoever else is trying: its address's own queue, and
/// twice the common queue, as every other turn is for known addresses. Before the first login since the
/// start, each turn also takes the time of a check (0.05 s on a PC, half a second on a small board).
pub const PASSWORD_WAIT_MAX: Duration = Duration::from_secs(30);

/// Wrong tries of all addresses together after which unknown addresses get no more free tries: a neighbour on
/// the link may have any number of addresses.
pub const PASSWORD_NEWCOMERS_MAX: f64 = 64.0;

/// How many of them are forgotten per second.
pub const PASSWORD_NEWCOMERS_PER_SECOND: f64 = 1.0;

/// Passwords known to be wrong, 32 bytes each.
pub const PASSWORD_WRONG_MAX: usize = 4096;

/// Wrong passwords to remember for each address, so that each counts once.
pub const PASSWORD_WRONG_PER_ADDRESS_MAX: usize = 16;

/// Addresses with wrong tries to remember; the one idle for longest is forgotten first.
pub const PASSWORD_ADDRESSES_MAX: usize = 1024;

/// Addresses that gave the right password, remembered across restarts. The oldest is forgotten first.
pub const KNOWN_ADDRESSES_MAX: usize = 64;

/// How long an answer waits for such an address to be written.
pub const KNOWN_ADDRESSES_WRITE_MAX: Duration = Duration::from_millis(100);

/// How long removed cameras may take to close their devices; the others go on without one that hangs.
pub const REMOVAL_MAX: Duration = Duration::from_secs(3);

/// How long streams and devices may take to close after the request to shut down; the kernel cleans up after
/// a driver that hangs.
pub const SHUTDOWN_MAX: Duration = Duration::from_millis(800);

/// Bytes of a request's head: 16 KiB of cookies, which browsers send to all ports of a host whichever program
/// set them (servers commonly accept 8 KiB per line, Node.js 16 KiB in all), the longest request line, and
/// the rest of a browser's headers.
pub const REQUEST_HEAD_MAX_BYTES: usize = 32 << 10;

/// Bytes of a request line. RFC 9112, section 3, recommends 8000; async-h1 refuses heads of 8192.
pub const REQUEST_LINE_MAX_BYTES: usize = 8000;

/// Header lines of a request. Browsers send about twenty, a chain of proxies some more.
pub const REQUEST_HEADERS_MAX: usize = 100;

/// Host names in the configuration (`http.hosts`). Each request with another host compares them.
pub const HOSTS_MAX: usize = 64;

/// Reverse proxies and their networks in the configuration (`http.trusted_proxies`). Each request compares
/// them.
pub const TRUSTED_PROXIES_MAX: usize = 64;

/// How long a request's head may take from its first byte.
pub const REQUEST_HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// How long an idle connection is kept.
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A client that accepts no byte for this long is dropped.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(10);

/// Time for each part of a stream and each answer beyond what its bytes need at [`TAKE_RATE_MIN`]: a radio
/// link may fail for a while.
pub const TAKE_GRACE: Duration = Duration::from_secs(20);

/// The least rate of a client, in bytes per second. A link of 50 kB/s carries five such viewers, or a picture
/// of 6 MB in two of the ten minutes that it may take.
pub const TAKE_RATE_MIN: usize = 10_000;

/// Bytes of pictures that slow clients may hold together, an eighth of the smallest board's memory: ten of
/// the largest 4K pictures, or two hundred of 300 kB.
pub const HELD_MAX_BYTES: usize = 64 << 20;

/// A snapshot request authorised later than this after its arrival has waited for a password turn; its time
/// starts then.
pub const SNAPSHOT_PROMPT: Duration = Duration::from_millis(100);

/// Time limit for a snapshot. OctoPrint and others give up after 5 s, and then show a time-out instead of the
/// reason.
pub const SNAPSHOT_TIME_MAX: Duration = Duration::from_secs(4);

/// Time limit for drawing a card in answer to a snapshot, after which the reason is sent as JSON: together
/// with [`SNAPSHOT_TIME_MAX`] less than 5 s.
pub const SNAPSHOT_CARD_TIME_MAX: Duration = Duration::from_millis(700);

/// Pictures of a camera that wait for the relay's check. More than a burst of a few means that this machine
/// is too slow, and only the newest matter.
pub const RELAYED_PICTURES_MAX: usize = 4;

/// How long the publishing thread may send a frame to viewers. Any longer and it would fall behind its
/// camera; the serving thread does the rest.
pub const DELIVERY_MAX: Duration = Duration::from_millis(2);

/// Unsent bytes of a stream that the kernel may hold for a viewer (`TCP_NOTSENT_LOWAT`). With 4096, a viewer
/// that reads 400 kB/s sees 129 kB pictures 0.44 s old, 0.33 s of it their transfer; with 131072, 0.65 s;
/// without, 5.5 s and more. Fast viewers do not notice.
pub const UNSENT_MAX_BYTES: u32 = 4096;

/// The kernel's queue of connections that wait to be accepted.
pub const ACCEPT_BACKLOG: i32 = 512;

/// The lowest rate that a viewer may request, in frames per second.
pub const VIEWER_FPS_MIN: f64 = 0.1;

/// Bytes to discard from a client that was answered before its request was read.
pub const DRAIN_MAX_BYTES: usize = 64 << 10;

/// The same, in time.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// Concurrent answers to connections over the ceiling; more are closed without an answer.
pub const REFUSALS_MAX: usize = 64;

/// Encoder threads of one camera. More would only compete for memory bandwidth.
pub const ENCODERS_MAX: usize = 4;

/// Maximum derived tracks of all cameras together: each has a thread, a decoder and an encoder. This allows
/// two sizes of each camera.
pub const DERIVED_TRACKS_MAX: usize = 2 * CAMERAS_MAX;

/// How long a derived track outlives its last viewer: a reloaded page is back within this.
pub const DERIVED_LINGER: Duration = Duration::from_secs(2);
