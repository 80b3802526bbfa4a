//! Ceilings of the service, each with its unit and reason. Those of the protocols are in `rtsp/limits.rs` and
//! `rtp/limits.rs`; some stand beside the one piece of code that they are for.

use std::time::Duration;

/// Spare frame buffers kept for each camera: the one being written, the newest, and two that slow
/// viewers may still be sending.
pub const POOLED_BUFFERS_MAX: usize = 4;

/// Pixels of a side of a picture; the JPEG format itself ends at 65,535, no camera comes near this.
pub const PICTURE_SIDE_MAX_PIXELS: usize = 16_384;

/// Pixels of a picture, about 64 million: the largest sensors of cameras for computers have so many
/// (9152x6944). A browser takes four bytes for each, whatever is in the JPEG: 16384x16384 of one grey
/// have 130 kB as a file and 1 GB as a picture.
pub const PICTURE_MAX_PIXELS: usize = 64_000_000;

/// Bytes of one JPEG from a camera. A 4K picture at the best quality has about 6 MB.
pub const JPEG_MAX_BYTES: usize = 32 << 20;

/// A camera is closed this long after its last viewer has gone.
pub const LINGER: Duration = Duration::from_secs(5);

/// A camera that was asked for a single picture is kept open for this long after it, for the next: the
/// page asks an idle camera every 10 s (`STILL_IDLE_MS` in src/http/page/share.js), Home Assistant too.
/// Cameras have few sessions, and some write each into a log of their own.
pub const LINGER_STILL: Duration = Duration::from_secs(30);

/// A camera that is open and gives no picture for this long is lost.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A camera stands still where no picture is published for so many times its longest recent distance
/// between pictures,
pub const STANDSTILL_DISTANCES: u32 = 3;

/// but at least for this long: at ordinary rates, as long as a camera may be silent,
pub const STANDSTILL_MIN: Duration = SILENCE_MAX;

/// and at most for this long, which no source leaves to others.
pub const STANDSTILL_MAX: Duration = Duration::from_secs(30);

/// The same where only one picture has come and the camera's rate is not known: longer than one in ten
/// seconds, after which network cameras are given up anyhow.
pub const STANDSTILL_FIRST_MAX: Duration = Duration::from_secs(12);

/// How often it is looked whether pictures are published.
pub const STANDSTILL_LOOK: Duration = Duration::from_secs(1);

/// A look that comes later than this says nothing: this machine slept or was stopped, and the camera is
/// not to blame for it.
pub const STANDSTILL_LATE: Duration = Duration::from_secs(2);

/// A camera that has stood still for this long is opened anew: the sources have given up by then, if
/// they can.
pub const STANDSTILL_REOPEN: Duration = Duration::from_secs(45);

/// How long a key picture is waited for without a word: cameras send one each one to two seconds.
pub const KEY_WAIT_SAID: Duration = Duration::from_secs(2);

/// The first wait before a lost camera is tried again; it doubles up to [`RETRY_SOON_MAX`], and
/// after [`RETRY_SOON`] up to [`RETRY_MAX`].
pub const RETRY_MIN: Duration = Duration::from_millis(500);

/// The longest wait while a camera may be restarting: somebody stands before it and waits.
pub const RETRY_SOON_MAX: Duration = Duration::from_secs(2);

/// As long as the waits come to less than this together, the camera may be restarting: after a power
/// cut, or for a new firmware, that takes one to two minutes.
pub const RETRY_SOON: Duration = Duration::from_mins(2);

/// The longest wait before a lost camera is tried again. A plugged-in device is tried at once.
pub const RETRY_MAX: Duration = Duration::from_secs(8);

/// A camera that was open and gave pictures for less than this long has not shown that it works: the
/// waits go on growing. Else one that resets each connection after a picture is hammered for ever.
pub const STEADY_MIN: Duration = Duration::from_secs(10);

/// A lost camera that nobody watches is kept open for this long to show a picture. Network cameras
/// may send a key picture each 10 s only.
pub const PROVE_MAX: Duration = Duration::from_secs(30);

/// The longest wait that a camera may ask for (`Retry-After`).
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);

/// The wait before a camera is tried again whose pictures take more memory than there is.
pub const RETRY_TOO_LARGE: Duration = Duration::from_mins(1);

/// The wait before a lost camera that nobody watches is tried again: it is opened only for health.
pub const RETRY_UNWATCHED: Duration = Duration::from_mins(1);

/// The wait before a camera is tried again that did not accept user and password, whoever watches.
/// Cameras lock an account after five to seven wrong passwords within half an hour.
pub const RETRY_PATIENT: Duration = Duration::from_mins(7);

/// How often a missing device is looked for while somebody watches, for machines where the kernel
/// does not tell (inotify on /dev does everywhere else, at once).
pub const PRESENCE_WATCHED: Duration = Duration::from_millis(500);

/// The same while nobody watches.
pub const PRESENCE_UNWATCHED: Duration = Duration::from_secs(5);

/// Viewers of a lost camera get a card this often.
pub const CARD_INTERVAL: Duration = Duration::from_secs(1);

/// Cameras of one configuration.
pub const CAMERAS_MAX: usize = 64;

/// Bytes of a camera's name.
pub const NAME_MAX_BYTES: usize = 48;

/// Addresses to listen on in one configuration.
pub const LISTEN_MAX: usize = 64;

/// Formats, sizes of one format, and intervals of one size that a V4L2 driver is asked for. Cameras list
/// up to 10, 40 and 12; a driver that repeats itself has no end.
pub const DRIVER_FORMATS_MAX: u32 = 64;

/// See [`DRIVER_FORMATS_MAX`].
pub const DRIVER_SIZES_MAX: u32 = 256;

/// See [`DRIVER_FORMATS_MAX`].
pub const DRIVER_INTERVALS_MAX: u32 = 128;

/// Sizes and intervals of all formats together. A camera with every size at every rate has about 1500.
pub const DRIVER_QUESTIONS_MAX: u32 = 8192;

/// How many times in a row a V4L2 driver may fail to give a buffer (EIO) before the camera is lost. With
/// [`DRIVER_PAUSE`] between them, half a second: a cable that was touched.
pub const DRIVER_ERRORS_MAX: u32 = 25;

/// The pause after a driver that said a buffer was ready gave none: a frame interval or so, for it may go
/// on saying so for as long as it is out of order.
pub const DRIVER_PAUSE: Duration = Duration::from_millis(20);

/// Frames per second that may be asked for.
pub const FPS_MAX: u32 = 240;

/// HTTP connections at a time, where nothing is configured.
pub const CONNECTIONS_DEFAULT: usize = 256;

/// HTTP connections at a time from one address, where nothing is configured. This machine's own
/// addresses are not counted: a reverse proxy on it brings everybody.
pub const CONNECTIONS_PER_ADDRESS_DEFAULT: usize = 128;

/// Where a password is set, one in so many places is kept for connections that have yet to show it:
/// else those that have shown it could take all, and nobody could come in to show it. 16 of 256.
pub const KEPT_PLACES_SHARE: usize = 16;

/// No place is kept of fewer than this many: one would be missed.
pub const KEPT_PLACES_FROM: usize = 8;

/// When places run out, a connection without a request keeps its place this long against clients that
/// have more connections. A request comes a round trip after its connection, on a bad Wi-Fi a second.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(2);

/// The same while its request is answered: a password takes a small machine a second, a picture of a
/// camera that has to be opened some more.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Connections that are closed for newcomers are logged at most this often: under a flood there are
/// thousands a second.
pub const EVICTIONS_LOGGED_EVERY: Duration = Duration::from_secs(1);

/// The most HTTP connections that may be configured.
pub const CONNECTIONS_MAX: usize = 10_000;

/// How long one task may go on doing what succeeds at once before the others run. With many such tasks
/// this, times their number, is how late an ordinary request is looked at.
pub const TURN_MAX: Duration = Duration::from_micros(250);

/// The same in reads, writes and pictures, where time stands still or the clock is coarse.
pub const TURN_OPERATIONS_MAX: u32 = 16;

/// Time between two requests that were there before the one before them was answered, over all
/// connections: a thousand a second are more than any honest client pipelines, and all that clients
/// without a pause get together.
pub const PIPELINED_INTERVAL: Duration = Duration::from_millis(1);

/// How long tasks run one after the other before sockets, timers, signals and the service manager's
/// watchdog are looked at, which costs two microseconds.
pub const PASS_MAX: Duration = Duration::from_millis(2);

/// The same in tasks.
pub const PASS_TASKS_MAX: u32 = 200;

/// Health shows the machine's state as it was at most this long ago. Asking for it takes dozens of
/// files, and a share of processor time over less says nothing.
pub const SYSTEM_HEALTH_AGE_MAX: Duration = Duration::from_millis(200);

/// Wrong passwords that an address may try before its tries are slowed down: people mistype.
pub const PASSWORD_FREE_TRIES: u32 = 5;

/// An address that has tried no new wrong password for this long begins anew.
pub const PASSWORD_FORGIVEN_AFTER: Duration = Duration::from_mins(10);

/// The wait between two tries of an address that is slowed down, at first.
pub const PASSWORD_SLOWED_MIN: Duration = Duration::from_secs(1);

/// The longest such wait: a person with the right password may be behind it.
pub const PASSWORD_SLOWED_MAX: Duration = Duration::from_secs(8);

/// All that wait of one slowed address have their turn within this time: the more connections wait, the
/// shorter the waits between them. An attacker who holds 128 connections gets 13 guesses a second so.
pub const PASSWORD_ADDRESS_WAIT_MAX: Duration = Duration::from_secs(10);

/// The least time from one password's turn to the next, all addresses together.
pub const PASSWORD_TURN_MIN: Duration = Duration::from_millis(60);

/// Turns come faster where that is needed for all that wait to have one within this time.
pub const PASSWORD_TURNS_WAIT_MAX: Duration = Duration::from_secs(10);

/// The longest time that the right password waits for its turn, whoever else tries what: its address's own
/// queue, and twice that of all, as every other turn is for the lane of known addresses. Until somebody has
/// logged in since the start, each turn also takes the time of a check (0.05 s on a PC, half a second on a
/// small board).
pub const PASSWORD_WAIT_MAX: Duration = Duration::from_secs(30);

/// Wrong tries, all addresses together, after which addresses that never gave the right password have no
/// free tries any more: somebody on the same link may have any number of addresses.
pub const PASSWORD_NEWCOMERS_MAX: f64 = 64.0;

/// So many of them are forgotten each second.
pub const PASSWORD_NEWCOMERS_PER_SECOND: f64 = 1.0;

/// Passwords known to be wrong, 32 bytes each.
pub const PASSWORD_WRONG_MAX: usize = 4096;

/// Wrong passwords that are remembered for each address, so that each counts once.
pub const PASSWORD_WRONG_PER_ADDRESS_MAX: usize = 16;

/// Addresses whose wrong tries are remembered; the one that tried longest ago is forgotten first.
pub const PASSWORD_ADDRESSES_MAX: usize = 1024;

/// Addresses that gave the right password, which are remembered over a restart. The oldest is forgotten
/// first.
pub const KNOWN_ADDRESSES_MAX: usize = 64;

/// How long an answer waits for such an address to be written down.
pub const KNOWN_ADDRESSES_WRITE_MAX: Duration = Duration::from_millis(100);

/// Cameras that are removed from the configuration close their devices within this time; one that hangs is
/// left to itself, so that the others change all the same.
pub const REMOVAL_MAX: Duration = Duration::from_secs(3);

/// Streams end and devices close within this time of the request to shut down; what has not by then
/// (a driver that hangs) is left to the kernel.
pub const SHUTDOWN_MAX: Duration = Duration::from_millis(800);

/// Bytes of a request's head: 16 KiB of cookies, which browsers send to all ports of a host whichever
/// program set them (servers commonly take 8 KiB a line, Node.js 16 KiB in all), the longest request
/// line, and the rest of a browser's headers.
pub const REQUEST_HEAD_MAX_BYTES: usize = 32 << 10;

/// Bytes of a request line. RFC 9112, section 3, recommends to take 8000; async-h1 refuses heads of 8192.
pub const REQUEST_LINE_MAX_BYTES: usize = 8000;

/// Header lines of a request. Browsers send about twenty, a chain of proxies some more.
pub const REQUEST_HEADERS_MAX: usize = 100;

/// Host names that may be configured (`http.hosts`). Each request with another host compares them.
pub const HOSTS_MAX: usize = 64;

/// Reverse proxies and networks of them that may be configured (`http.trusted_proxies`). Each request
/// compares them.
pub const TRUSTED_PROXIES_MAX: usize = 64;

/// A request's head must have come whole within this time of its first byte.
pub const REQUEST_HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// A connection without a request is kept this long.
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A client that takes no byte for this long is dropped.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(10);

/// Each part of a stream and each answer must be taken within this time and the time that its bytes
/// need at [`TAKE_RATE_MIN`]: a radio link may break down for a while.
pub const TAKE_GRACE: Duration = Duration::from_secs(20);

/// Bytes per second that a client must take at least. A link of 50 kB/s carries five such viewers, or
/// a picture of 6 MB in two of the ten minutes that it may take.
pub const TAKE_RATE_MIN: usize = 10_000;

/// Bytes of pictures that slow clients may hold together, an eighth of the smallest board's memory: ten
/// of the largest 4K pictures, or two hundred of 300 kB.
pub const HELD_MAX_BYTES: usize = 64 << 20;

/// A request for a snapshot that was let in later than this after it came has waited for its password's
/// turn; its time begins then.
pub const SNAPSHOT_PROMPT: Duration = Duration::from_millis(100);

/// A snapshot must be there within this time of its request. OctoPrint and others give up after 5 s,
/// and then show a time-out of their own instead of the reason.
pub const SNAPSHOT_TIME_MAX: Duration = Duration::from_secs(4);

/// A card that answers a snapshot is drawn within this time, or the reason goes out as JSON: together
/// with [`SNAPSHOT_TIME_MAX`] less than 5 s.
pub const SNAPSHOT_CARD_TIME_MAX: Duration = Duration::from_millis(700);

/// Pictures of a camera that wait to be checked beside the executor. More than a burst of a few means that
/// this machine is too slow, and the newest is wanted.
pub const RELAYED_PICTURES_MAX: usize = 4;

/// How long the thread that publishes a frame goes on sending it to viewers. Beyond that it would
/// fall behind its camera; the serving thread does the rest.
pub const DELIVERY_MAX: Duration = Duration::from_millis(2);

/// Bytes of a stream that the kernel may hold unsent for a viewer (`TCP_NOTSENT_LOWAT`). With 4096,
/// a viewer that reads 400 kB/s sees 129 kB pictures 0.44 s old, of which 0.33 s are their
/// transfer; with 131072, 0.65 s; without, 5.5 s and more. Fast viewers do not notice.
pub const UNSENT_MAX_BYTES: u32 = 4096;

/// The kernel's queue of connections that wait to be accepted.
pub const ACCEPT_BACKLOG: i32 = 512;

/// The rate that one viewer may ask for, frames per second.
pub const VIEWER_FPS_MIN: f64 = 0.1;

/// Bytes read away from a client that was answered without its request having been read.
pub const DRAIN_MAX_BYTES: usize = 64 << 10;

/// The same, in time.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// Connections over the ceiling that are being told so at a time; more are closed without a word.
pub const REFUSALS_MAX: usize = 64;

/// Encoder threads of one camera. More would only fight over the memory's bandwidth.
pub const ENCODERS_MAX: usize = 4;
