//! Drives the sans-IO session with sockets: wait, feed, drain.

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_lite::future::{or, pending, poll_fn};
use smol::io::{AsyncRead, AsyncWrite};

use super::ports::{Ports, Received};
use crate::camera::lost::NetworkLost;
use crate::clock::{Clock, Monotonic};
use crate::config::network::Fingerprint;
use crate::rtsp::{self, Endpoint, Event, Input, Output, Session};
use crate::source::connect::{self, Connection, Destination};
use crate::turn::Turn;

/// Bytes of the largest datagram.
const DATAGRAM_MAX_BYTES: usize = 64 << 10;

/// Unsent bytes for a camera that does not read: a request has 300, a receiver report 50.
const UNSENT_MAX_BYTES: usize = 64 << 10;

/// How long sending the last bytes of an ended session, mostly a TEARDOWN, may take.
const LAST_WORDS_MAX: Duration = Duration::from_millis(500);

/// Why a session is over.
#[derive(Debug)]
pub enum End {
    /// Closed on request.
    Closed,
    /// The session failed.
    Session(rtsp::Error),
    /// The connection failed.
    Network(NetworkLost),
}

/// Runs sessions on sockets, one at a time.
pub struct SessionDriver<'a> {
    clock: &'a Clock,
    fingerprint: Option<Fingerprint>,
    connection: Option<Connection>,
    /// The camera's address, kept after it closes the connection.
    peer: Option<IpAddr>,
    /// The address of the camera that redirected to the current one.
    redirected_from: Option<IpAddr>,
    ports: Option<Ports>,
    /// Receive buffer for datagrams, allocated with the ports.
    datagram: Vec<u8>,
    unsent: Vec<u8>,
    is_flushed: bool,
}

enum Heard {
    Bytes(usize),
    Closed,
    Datagram(Received),
    Time,
    Quit,
}

impl<'a> SessionDriver<'a> {
    /// `fingerprint` pins the certificate of `rtsps://` cameras.
    pub fn new(clock: &'a Clock, fingerprint: Option<Fingerprint>) -> Self {
        Self {
            clock,
            fingerprint,
            connection: None,
            peer: None,
            redirected_from: None,
            ports: None,
            datagram: Vec::new(),
            unsent: Vec::new(),
            is_flushed: true,
        }
    }

    /// Runs a session to its end and passes its events to `event`. Closes it once `quit` is ready.
    pub async fn run(
        &mut self,
        session: &mut Session,
        quit: impl Future<Output = ()>,
        mut event: impl FnMut(&Session, Event),
    ) -> End {
        let mut quit = pin!(quit);
        let mut is_closing = false;
        let mut turn = Turn::new(self.clock);
        loop {
            let deadline = loop {
                match session.poll_output() {
                    Output::Connect(to) => match or(self.connect(&to), unwanted(&mut quit)).await {
                        Ok(()) => session.handle_input(Input::Connected, self.clock.now()),
                        Err(end) => return end,
                    },
                    Output::Send(bytes) => self.send(&bytes),
                    Output::OpenUdp => {
                        let opened = self.open_ports();
                        session.handle_input(opened, self.clock.now());
                    }
                    Output::SendDatagram { channel, port, bytes } => {
                        if let Some(ports) = &self.ports {
                            ports.send(channel, port, &bytes);
                        }
                    }
                    Output::Event(it) => {
                        // One read may hold a thousand small pictures.
                        turn.step().await;
                        event(session, it);
                    }
                    Output::Timeout(deadline) => break deadline,
                    Output::Ended(end) => {
                        self.last_words().await;
                        return end.map_or_else(End::Session, |()| End::Closed);
                    }
                }
            };
            let quit = async {
                if is_closing {
                    return pending().await;
                }
                (&mut quit).await;
                Heard::Quit
            };
            let heard = or(quit, self.wait(session.room(), deadline)).await;
            let now = self.clock.now();
            match heard {
                Heard::Bytes(bytes) => session.handle_input(Input::Received(bytes), now),
                Heard::Datagram(Received { channel, from_port, bytes }) => {
                    let bytes = &self.datagram[..bytes];
                    session.handle_input(Input::Datagram { channel, from_port, bytes }, now);
                }
                Heard::Closed => {
                    self.connection = None;
                    session.handle_input(Input::Closed, now);
                }
                Heard::Time => session.handle_input(Input::Timeout, now),
                Heard::Quit => {
                    is_closing = true;
                    session.handle_input(Input::Close, now);
                }
            }
            // A camera that never pauses must not starve the other tasks.
            turn.step().await;
        }
    }

    async fn connect(&mut self, to: &Endpoint) -> Result<(), End> {
        if to.is_redirect
            && let Some(peer) = self.peer
        {
            self.redirected_from = Some(peer);
        }
        (self.connection, self.ports) = (None, None);
        self.unsent.clear();
        let Endpoint { host, port, tls, .. } = to;
        let to = Destination {
            host,
            port: *port,
            tls: *tls,
            fingerprint: self.fingerprint,
            redirected_from: self.redirected_from,
        };
        let connection = connect::connect(&to, self.clock).await.map_err(End::Network)?;
        self.peer = Some(connection.peer().ip());
        self.connection = Some(connection);
        Ok(())
    }

    fn open_ports(&mut self) -> Input<'static> {
        let opened = self.connection.as_ref().map(|it| Ports::open(it.local().ip(), it.peer()));
        match opened {
            Some(Ok(ports)) => {
                let rtp_port = ports.rtp_port();
                self.ports = Some(ports);
                self.datagram.resize(DATAGRAM_MAX_BYTES, 0);
                Input::UdpOpened { rtp_port }
            }
            Some(Err(error)) => {
                log::debug!("no pair of UDP ports: {error}");
                Input::UdpUnavailable
            }
            None => Input::UdpUnavailable,
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        // A camera that does not read falls silent, which ends the session.
        if self.unsent.len() + bytes.len() <= UNSENT_MAX_BYTES {
            self.unsent.extend_from_slice(bytes);
            self.is_flushed = false;
        }
    }

    async fn wait(&mut self, room: &mut [u8], deadline: Monotonic) -> Heard {
        let clock = self.clock;
        let time = async {
            clock.sleep_until(deadline).await;
            Heard::Time
        };
        or(poll_fn(|context| self.poll(context, room)), time).await
    }

    fn poll(&mut self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<Heard> {
        // A failed write shows in the next read.
        let _ = self.poll_send(context);
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(read) = Pin::new(connection).poll_read(context, room)
        {
            return Poll::Ready(match read {
                Ok(0) | Err(_) => Heard::Closed,
                Ok(bytes) => Heard::Bytes(bytes),
            });
        }
        match &mut self.ports {
            Some(ports) => ports.poll(context, &mut self.datagram).map(Heard::Datagram),
            None => Poll::Pending,
        }
    }

    /// Ready once everything is sent.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(()) };
        while !self.unsent.is_empty() {
            match Pin::new(&mut *connection).poll_write(context, &self.unsent) {
                Poll::Ready(Ok(bytes)) => {
                    self.unsent.drain(..bytes);
                }
                Poll::Ready(Err(_)) => self.unsent.clear(),
                Poll::Pending => return Poll::Pending,
            }
        }
        if !self.is_flushed {
            self.is_flushed = Pin::new(connection).poll_flush(context).is_ready();
        }
        if self.is_flushed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Sends what is left, mostly a TEARDOWN, and closes the sockets.
    async fn last_words(&mut self) {
        let clock = self.clock;
        let sent = poll_fn(|context| self.poll_send(context));
        or(sent, clock.sleep(LAST_WORDS_MAX)).await;
        (self.connection, self.ports) = (None, None);
    }
}

async fn unwanted(quit: impl Future<Output = ()>) -> Result<(), End> {
    quit.await;
    Err(End::Closed)
}
