//! Inputs and outputs of a session.

use crate::auth::Scheme;
use crate::clock::Monotonic;
use crate::rtp::{self, Encoding, Format, Picture};
use crate::rtsp::{Description, Error, Transport};

/// Options of a session.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The transport to request first.
    pub transport: Transport,
    /// Whether to try the other if the camera refuses it (461).
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
    /// Whether to use TLS.
    pub tls: bool,
    /// Whether the current camera redirects here. Unless it is there itself, that must not be loopback or
    /// link-local, which can be checked only after resolution.
    pub is_redirect: bool,
}

/// One of a pair of UDP ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UdpChannel {
    /// The even one.
    Rtp,
    /// The one after it.
    Rtcp,
}

/// An event outside of the session.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The connection for [`Output::Connect`] is established.
    Connected,
    /// So many bytes were read into [`room`](super::Session::room).
    Received(usize),
    /// Bytes of the connection in another place, to be copied.
    Bytes(&'a [u8]),
    /// The camera closed or reset the connection.
    Closed,
    /// The ports for [`Output::OpenUdp`]: `rtp_port`, and the next one for RTCP.
    UdpOpened {
        /// Our port for RTP.
        rtp_port: u16,
    },
    /// No ports are available.
    UdpUnavailable,
    /// A datagram from the camera's address.
    Datagram {
        /// Our port that received it.
        channel: UdpChannel,
        /// The camera's port.
        from_port: u16,
        /// The packet.
        bytes: &'a [u8],
    },
    /// The moment of [`Output::Timeout`] has come. Harmless at any other time.
    Timeout,
    /// No viewers: tear down.
    Close,
}

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Close the connection and ports, if any, and connect; then [`Input::Connected`].
    Connect(Endpoint),
    /// Write to the connection.
    Send(Vec<u8>),
    /// Bind a pair of UDP ports, the first even, on the connection's local address; then
    /// [`Input::UdpOpened`] or [`Input::UdpUnavailable`].
    OpenUdp,
    /// Send from one of our ports to the camera's.
    SendDatagram {
        /// Our port.
        channel: UdpChannel,
        /// The camera's port.
        port: u16,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// An event to report.
    Event(Event),
    /// Wait for an input, or until this moment, which is [`Input::Timeout`].
    Timeout(Monotonic),
    /// The session has ended; `Ok` after [`Input::Close`]. Write pending bytes, then close the connection.
    Ended(Result<(), Error>),
}

/// An event to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The camera's description arrived.
    Described(Description),
    /// The camera plays, over this transport.
    Playing(Transport),
    /// A coded picture.
    Picture(Picture),
    /// Pictures have come since then, but a key picture that they need has not; reported once, after
    /// [`KEY_WAIT_SAID`](crate::limits::KEY_WAIT_SAID).
    AwaitingKey(Monotonic),
}

/// Counts invalid or unexpected input that was ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes skipped as garbage.
    pub garbage_bytes: u64,
    /// Packets on unassigned channels, or before any was assigned.
    pub stray_channels: u64,
    /// Responses without a request.
    pub stray_responses: u64,
    /// Requests from the camera, all answered.
    pub server_requests: u64,
    /// Invalid media in the description.
    pub media_skipped: u64,
    /// Bytes moved to the beginning of the receive buffer, because an element was incomplete when the room
    /// ran out.
    pub moved_bytes: u64,
}

/// How far a session is, or got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Connecting.
    Connecting,
    /// Waiting for the answer to a request of this method.
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

/// The state of a session, for health and `probe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How far it is, or got.
    pub step: Step,
    /// The camera's Server header, truncated to [`SERVER_MAX_CHARS`](crate::rtsp::limits::SERVER_MAX_CHARS).
    pub server: Option<String>,
    /// The target of the camera's redirect, as HOST:PORT.
    pub redirected_to: Option<String>,
    /// The transport in use.
    pub transport: Transport,
    /// The authentication scheme, if the camera requires any.
    pub authentication: Option<Scheme>,
    /// How the pictures are coded.
    pub encoding: Option<Encoding>,
    /// Profile and size, once known.
    pub format: Option<Format>,
    /// Ignored input.
    pub ignored: Counters,
    /// Counters of packets.
    pub packets: rtp::Counters,
    /// The error of the last bad packet.
    pub last_packet_error: Option<rtp::Error>,
}
