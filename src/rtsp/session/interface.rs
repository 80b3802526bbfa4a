//! What goes into a session and what comes out.

use crate::auth::Scheme;
use crate::clock::Monotonic;
use crate::rtp::{self, Encoding, Format, Picture};
use crate::rtsp::{Description, Error, Transport};

/// How to talk to a camera.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What to ask for first.
    pub transport: Transport,
    /// Whether the other is tried where the camera refuses it (461).
    pub may_change: bool,
    /// Random, for nonces and SSRCs.
    pub seed: u64,
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name, or address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// By TLS.
    pub tls: bool,
    /// The camera of the connection there is sends us here. From elsewhere, that must not be loopback or
    /// a link-local address, which only who resolves the name can tell.
    pub is_redirect: bool,
}

/// Which of a pair of UDP ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UdpChannel {
    /// The even one.
    Rtp,
    /// The one after it.
    Rtcp,
}

/// What happened outside.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The connection that [`Output::Connect`] asked for is up.
    Connected,
    /// So many bytes of the connection were read into [`room`](super::Session::room).
    Received(usize),
    /// Bytes of the connection that lie elsewhere; they are copied.
    Bytes(&'a [u8]),
    /// The connection was closed or reset by the camera.
    Closed,
    /// The ports that [`Output::OpenUdp`] asked for: `rtp_port`, and the one after it for RTCP.
    UdpOpened {
        /// Our port for RTP.
        rtp_port: u16,
    },
    /// There are no such ports.
    UdpUnavailable,
    /// A datagram from the camera's address.
    Datagram {
        /// Which of our ports it came to.
        channel: UdpChannel,
        /// The camera's port.
        from_port: u16,
        /// The packet.
        bytes: &'a [u8],
    },
    /// The moment of [`Output::Timeout`] has come. Harmless at any other.
    Timeout,
    /// Nobody watches any more: tear down.
    Close,
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Close the connection and the ports there are, and connect; then [`Input::Connected`].
    Connect(Endpoint),
    /// Write to the connection.
    Send(Vec<u8>),
    /// Bind a pair of UDP ports, the first even, on the connection's local address; then
    /// [`Input::UdpOpened`] or [`Input::UdpUnavailable`].
    OpenUdp,
    /// Send from one of our ports to this port of the camera.
    SendDatagram {
        /// Which of our ports.
        channel: UdpChannel,
        /// The camera's port.
        port: u16,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Something to know.
    Event(Event),
    /// Nothing more to do until an input, or this moment, which is [`Input::Timeout`].
    Timeout(Monotonic),
    /// The session is over; after `Ok`, because of [`Input::Close`]. Write what was sent before,
    /// then close the connection.
    Ended(Result<(), Error>),
}

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The camera described what it offers.
    Described(Description),
    /// The camera plays, over this transport.
    Playing(Transport),
    /// A coded picture.
    Picture(Picture),
    /// Pictures come since then, and all of them need a key picture that does not; said once, after
    /// [`KEY_WAIT_SAID`](crate::limits::KEY_WAIT_SAID).
    AwaitingKey(Monotonic),
}

/// What was ignored because it was wrong or not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes of the connection that were part of nothing.
    pub garbage_bytes: u64,
    /// Packets on channels that were not assigned, or before any was.
    pub stray_channels: u64,
    /// Responses to no request.
    pub stray_responses: u64,
    /// Requests of the camera, all answered.
    pub server_requests: u64,
    /// Media of the description that do not parse.
    pub media_skipped: u64,
    /// Bytes that were moved to the beginning of the receive buffer, because what they began had not
    /// come whole where there was no more room.
    pub moved_bytes: u64,
}

/// How far a session has come, or how far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A connection is being made.
    Connecting,
    /// The answer to a request of this method is waited for.
    Asking(&'static str),
    /// The camera plays.
    Playing,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Asking(method) => f.write_str(method),
            Self::Playing => f.write_str("playing"),
        }
    }
}

/// What is known about a session, for health and `probe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How far it has come, or came.
    pub step: Step,
    /// What the camera calls its server, cut after
    /// [`SERVER_MAX_CHARS`](crate::rtsp::limits::SERVER_MAX_CHARS).
    pub server: Option<String>,
    /// Where the camera sent us to, as HOST:PORT.
    pub redirected_to: Option<String>,
    /// The transport in use.
    pub transport: Transport,
    /// How the camera knows us, where it asked who we are.
    pub authentication: Option<Scheme>,
    /// How the pictures are coded.
    pub encoding: Option<Encoding>,
    /// Profile and size, once known.
    pub format: Option<Format>,
    /// What was ignored.
    pub ignored: Counters,
    /// What happened to the packets.
    pub packets: rtp::Counters,
    /// What was wrong with the last bad packet.
    pub last_packet_error: Option<rtp::Error>,
}
