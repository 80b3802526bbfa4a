//! Cameras that speak RTSP: runs a session of [`crate::rtsp`] on sockets and delivers its pictures to the
//! publisher.

mod delivery;
mod driver;
mod ports;
mod reason;
mod report;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_lite::future::or;

pub use driver::{End, SessionDriver};
pub use report::Report;

use super::coded::CodedDelivery;
use super::publisher::Publisher;
use crate::camera::lost::{Lost, NetworkLost};
use crate::camera::stop::Stop;
use crate::clock::Clock;
use crate::config::network::TransportChoice;
use crate::config::{Network, Picture, SourceUrl};
use crate::random;
use crate::rtsp::{Event, Options, Session, Target, Transport};
use delivery::Delivery;

/// How often to check whether decoding has failed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long data may arrive without a complete picture: longer than any camera's key frame interval, except
/// for cameras that send a key frame only to a new client.
const NO_PICTURE_MAX: Duration = Duration::from_secs(30);

/// One camera that speaks RTSP.
#[derive(Debug)]
pub struct Source {
    name: String,
    url: SourceUrl,
    picture: Picture,
    network: Network,
    /// No datagram arrived last time.
    udp_is_silent: AtomicBool,
    report: Mutex<Report>,
}

impl Source {
    /// A source that connects to this URL.
    pub fn new(name: &str, url: &SourceUrl, picture: &Picture, network: &Network) -> Self {
        Self {
            name: name.to_owned(),
            url: url.clone(),
            picture: picture.clone(),
            network: network.clone(),
            udp_is_silent: AtomicBool::new(false),
            report: Mutex::default(),
        }
    }

    /// What the camera has reported so far.
    pub fn report(&self) -> Report {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        let transport = self.first_transport();
        match self.play(transport, publisher, clock, stop).await {
            // No datagram arrived: mostly a firewall. UDP is not tried again.
            Err(Lost::Network(NetworkLost::NoDatagrams { seconds })) => {
                log::warn!(
                    "camera {}: no datagram within {seconds} s; a firewall may hold them back, going on over TCP",
                    self.name
                );
                self.udp_is_silent.store(true, Ordering::Relaxed);
                self.play(Transport::Tcp, publisher, clock, stop).await
            }
            ended => ended,
        }
    }

    fn first_transport(&self) -> Transport {
        match self.network.transport {
            TransportChoice::Udp if !self.udp_is_silent.load(Ordering::Relaxed) => Transport::Udp,
            _ => Transport::Tcp,
        }
    }

    /// Runs one session.
    async fn play(
        &self,
        transport: Transport,
        publisher: &Arc<Publisher>,
        clock: &Clock,
        stop: &Stop,
    ) -> Result<(), Lost> {
        let (target, credentials) = Target::parse(self.url.expose().as_str())
            .map_err(|error| Lost::Unsupported(error.to_string()))?;
        let may_change = !target.is_tls() && self.network.transport != TransportChoice::Tcp;
        let options = Options { transport, may_change, seed: random::seed() };
        let mut session = Session::new(target, credentials, options, clock.now());
        let video = Arc::new(CodedDelivery::new(publisher, clock, &self.picture));
        let delivery = Mutex::new(Delivery::new(publisher, &video));
        let lock = || delivery.lock().unwrap_or_else(PoisonError::into_inner);
        self.update(|report| *report = Report::default());
        let mut driver = SessionDriver::new(clock, self.network.tls_fingerprint);
        let no_picture = Cell::new(None);
        let failed = async {
            loop {
                if let Some(lost) = lock().failure() {
                    return lost;
                }
                clock.sleep(LOOK_EVERY).await;
            }
        };
        let quiet = async { delivery::no_picture(publisher.quiet(NO_PICTURE_MAX).await) };
        let ended = or(video.follow(), or(failed, quiet));
        let quit = or(stop.requested(), async { no_picture.set(Some(ended.await)) });
        publisher.expect();
        let ended =
            driver.run(&mut session, quit, |session, event| self.event(session, event, &mut lock())).await;
        self.update(|report| report.status = Some(session.status()));
        match ended {
            End::Closed => no_picture.take().map_or(Ok(()), Err),
            End::Session(error) => Err(NetworkLost::from(error).into()),
            End::Network(lost) => Err(lost.into()),
        }
    }

    fn event(&self, session: &Session, event: Event, delivery: &mut Delivery) {
        match event {
            Event::Described(description) => self.update(|report| report.description = Some(description)),
            Event::Playing(transport) => {
                log::debug!("camera {}: it plays over {transport}", self.name);
                self.update(|report| report.transport = Some(transport));
            }
            Event::AwaitingKey(since) => {
                log::info!(
                    "camera {}: pictures come, but they need a key picture; waiting for one",
                    self.name
                );
                self.update(|report| report.status = Some(session.status()));
                delivery.awaiting_key(since);
            }
            Event::Picture(picture) => {
                delivery.count_dropped(session.units_dropped());
                delivery.picture(picture);
            }
        }
    }

    fn update(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
