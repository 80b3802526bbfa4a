//! One session with one camera. RFC 2326.

mod answers;
mod interface;
mod media;
mod requests;
mod server_requests;
mod setup;

use std::collections::VecDeque;
use std::time::Duration;

use rtsp_types::Message;
use url::Url;

use super::limits::{
    CONNECT_MAX, KEEP_ALIVE_MAX, KEEP_ALIVE_MIN, RECONNECTS_MAX, SESSION_TIMEOUT, TEARDOWN_MAX,
};
use super::reader::{Element, Reader};
use super::{Credentials, Error, Failed, Media, Target, Transport};
use crate::auth::Authenticator;
use crate::clock::Monotonic;
use crate::random::Random;
use crate::rtp::Receiver;
pub use interface::{Counters, Endpoint, Event, Input, Options, Output, Status, Step, UdpChannel};
use media::Path;
use requests::Pending;

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting {
        until: Monotonic,
    },
    /// A request is sent, or about to be.
    Negotiating,
    Playing {
        since: Monotonic,
    },
    TearingDown {
        until: Monotonic,
    },
    Ended,
}

/// One session with one camera; see the [module](super).
#[derive(Debug)]
pub struct Session {
    /// The user's target, to which the credentials belong.
    origin: Target,
    target: Target,
    credentials: Option<Credentials>,
    transport: Transport,
    /// Whether another transport is left to try.
    may_change_transport: bool,
    random: Random,
    state: State,
    /// How far the session got; the state forgets it at the end.
    step: Step,
    server: Option<String>,
    outputs: VecDeque<Output>,
    /// Bytes of pictures in the outputs.
    queued_bytes: usize,
    ended: Option<Result<(), Error>>,
    reader: Reader,
    cseq: u32,
    pending: VecDeque<Pending>,
    authenticator: Option<Authenticator>,
    redirects: u32,
    reconnects: u32,
    has_get_parameter: bool,
    /// The URL of the whole session, and of the media in use.
    aggregate_url: Url,
    media_url: Url,
    media: Option<Media>,
    our_rtp_port: u16,
    id: Option<String>,
    timeout: Duration,
    path: Option<Path>,
    receiver: Option<Receiver>,
    keep_alive_due: Option<Monotonic>,
    said_awaiting: bool,
    counters: Counters,
}

impl Session {
    /// Starts a session; the first output is [`Output::Connect`].
    pub fn new(target: Target, credentials: Option<Credentials>, options: Options, now: Monotonic) -> Self {
        let mut session = Self {
            origin: target.clone(),
            credentials,
            transport: options.transport,
            may_change_transport: options.may_change,
            random: Random::new(options.seed),
            state: State::Ended,
            step: Step::Connecting,
            server: None,
            outputs: VecDeque::new(),
            queued_bytes: 0,
            ended: None,
            reader: Reader::default(),
            cseq: 0,
            pending: VecDeque::new(),
            authenticator: None,
            redirects: 0,
            reconnects: 0,
            has_get_parameter: false,
            aggregate_url: target.url().clone(),
            media_url: target.url().clone(),
            target,
            media: None,
            our_rtp_port: 0,
            id: None,
            timeout: SESSION_TIMEOUT,
            path: None,
            receiver: None,
            keep_alive_due: None,
            said_awaiting: false,
            counters: Counters::default(),
        };
        session.connect(false, now);
        session
    }

    /// Handles an input. Drain [`poll_output`](Self::poll_output) afterwards.
    pub fn handle_input(&mut self, input: Input<'_>, now: Monotonic) {
        if self.state == State::Ended {
            return;
        }
        match input {
            Input::Connected => self.connected(now),
            Input::Received(bytes) => self.received(bytes, now),
            Input::Bytes(bytes) => self.bytes(bytes, now),
            Input::Closed => self.closed(now),
            Input::UdpOpened { rtp_port } => self.udp_opened(rtp_port, now),
            Input::UdpUnavailable => self.try_other_transport(now),
            Input::Datagram { channel, from_port, bytes } => self.datagram(channel, from_port, bytes, now),
            Input::Timeout => {}
            Input::Close => self.close(now),
        }
        self.let_time_pass(now);
    }

    /// The next output. [`Output::Timeout`] and [`Output::Ended`] are the last.
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            if let Output::Event(Event::Picture(picture)) = &output {
                self.queued_bytes -= picture.bytes();
            }
            return output;
        }
        match &self.ended {
            Some(end) => Output::Ended(end.clone()),
            None => Output::Timeout(self.deadline()),
        }
    }

    /// Pictures that arrived incomplete, or refer to one that did.
    pub fn units_dropped(&self) -> u64 {
        self.receiver.as_ref().map_or(0, Receiver::units_dropped)
    }

    /// Room for the next bytes of the connection, never empty; then [`Input::Received`].
    pub fn room(&mut self) -> &mut [u8] {
        self.reader.room()
    }

    /// The state for health and `probe`.
    pub fn status(&self) -> Status {
        Status {
            step: self.step,
            server: self.server.clone(),
            redirected_to: (self.target != self.origin).then(|| self.target.address()),
            transport: self.transport,
            authentication: self.authenticator.as_ref().map(Authenticator::scheme),
            encoding: self.media.as_ref().and_then(|media| media.pictures),
            format: self.receiver.as_ref().and_then(Receiver::format),
            ignored: Counters {
                garbage_bytes: self.reader.garbage_bytes,
                moved_bytes: self.reader.moved_bytes,
                ..self.counters.clone()
            },
            packets: self.receiver.as_ref().map(Receiver::counters).unwrap_or_default(),
            last_packet_error: self.receiver.as_ref().and_then(|receiver| receiver.last_error().cloned()),
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Forgets the connection, and requests one to the current target.
    fn connect(&mut self, is_redirect: bool, now: Monotonic) {
        self.reader.reset();
        self.pending.clear();
        (self.id, self.path, self.receiver, self.keep_alive_due) = (None, None, None, None);
        self.our_rtp_port = 0;
        self.state = State::Connecting { until: now + CONNECT_MAX };
        self.step = Step::Connecting;
        self.outputs.push_back(Output::Connect(Endpoint {
            host: self.target.host().to_owned(),
            port: self.target.port(),
            tls: self.target.is_tls(),
            is_redirect,
        }));
    }

    fn connected(&mut self, now: Monotonic) {
        if let State::Connecting { .. } = self.state {
            self.state = State::Negotiating;
            self.send_options(now);
        }
    }

    fn bytes(&mut self, mut bytes: &[u8], now: Monotonic) {
        while !bytes.is_empty() && self.is_connected() {
            let room = self.room();
            let (now_taken, rest) = bytes.split_at(bytes.len().min(room.len()));
            room[..now_taken.len()].copy_from_slice(now_taken);
            self.received(now_taken.len(), now);
            bytes = rest;
        }
    }

    fn received(&mut self, bytes: usize, now: Monotonic) {
        // Take the reader out, so that its bytes can be passed to the session.
        let mut reader = std::mem::take(&mut self.reader);
        reader.received(bytes);
        while self.is_connected()
            && let Some(element) = reader.pull(|channel| self.is_assigned(channel))
        {
            self.element(element, now);
        }
        if !self.is_connected() {
            reader.reset();
        }
        self.reader = reader;
    }

    fn is_connected(&self) -> bool {
        !matches!(self.state, State::Connecting { .. } | State::Ended)
    }

    fn element(&mut self, element: Element<'_>, now: Monotonic) {
        match element {
            Element::Packet { channel, bytes } => self.interleaved(channel, bytes, now),
            Element::Message(Message::Response(response)) => self.response(&response, None, now),
            Element::Bodiless(Message::Response(response), bytes) => {
                self.response(&response, Some(bytes), now);
            }
            Element::Message(Message::Request(request)) | Element::Bodiless(Message::Request(request), _) => {
                self.server_request(&request);
            }
            Element::HeadTooLong => self.head_too_long(now),
            Element::Message(Message::Data(_)) | Element::Bodiless(Message::Data(_), _) => {}
        }
    }

    /// Some cameras close the connection with the challenge: the answer goes over a new one.
    fn closed(&mut self, now: Monotonic) {
        match self.state {
            State::TearingDown { .. } => self.end(Ok(())),
            State::Negotiating
                if self.reconnects < RECONNECTS_MAX
                    && self.pending.iter().any(Pending::is_authorized_again) =>
            {
                self.reconnects += 1;
                self.connect(false, now);
            }
            State::Playing { .. } => self.end(Err(Failed::Closed { during: "play" }.into())),
            State::Connecting { .. } => self.end(Err(Failed::Closed { during: "connect" }.into())),
            State::Negotiating => {
                let during = self.pending.front().map_or("setup", Pending::name);
                self.end(Err(Failed::Closed { during }.into()));
            }
            State::Ended => {}
        }
    }

    fn close(&mut self, now: Monotonic) {
        if self.id.is_none() {
            return self.end(Ok(()));
        }
        if !matches!(self.state, State::TearingDown { .. }) {
            self.send_teardown(now);
            self.state = State::TearingDown { until: now + TEARDOWN_MAX };
        }
    }

    /// Ends for a reason, with a teardown if the camera keeps a session.
    fn fail(&mut self, error: impl Into<Error>, now: Monotonic) {
        if matches!(self.state, State::TearingDown { .. }) {
            return self.end(Ok(()));
        }
        if self.id.is_some() {
            self.send_teardown(now);
        }
        self.end(Err(error.into()));
    }

    fn end(&mut self, end: Result<(), Error>) {
        self.state = State::Ended;
        self.ended.get_or_insert(end);
    }

    /// Performs the actions that are due.
    fn let_time_pass(&mut self, now: Monotonic) {
        match self.state {
            State::Connecting { until } if now >= until => {
                self.end(Err(Failed::ConnectTimeout(CONNECT_MAX).into()));
            }
            State::TearingDown { until } if now >= until => self.end(Ok(())),
            State::Negotiating | State::Playing { .. } => {
                self.check_answers(now);
                self.check_silence(now);
                if self.keep_alive_due.is_some_and(|due| now >= due) {
                    self.send_keep_alive(now);
                }
                self.drain_receiver(now);
                self.check_goodbye(now);
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Monotonic {
        let far = Monotonic::since_zero(Duration::MAX);
        match self.state {
            State::Connecting { until } | State::TearingDown { until } => until,
            State::Ended => far,
            State::Negotiating | State::Playing { .. } => {
                let deadlines = [
                    self.answer_deadline(),
                    self.silence_deadline(),
                    self.keep_alive_due,
                    self.receiver_deadline(),
                    self.goodbye_deadline(),
                ];
                deadlines.into_iter().flatten().min().unwrap_or(far)
            }
        }
    }

    /// Half the session's time-out, within limits.
    fn keep_alive_interval(&self) -> Duration {
        (self.timeout / 2).clamp(KEEP_ALIVE_MIN, KEEP_ALIVE_MAX)
    }
}

#[cfg(test)]
mod tests;
