//! HTTP: requests in, pages, pictures and streams out.
//!
//! async-h1 (named only in `head` and `answer`) decodes requests and encodes ordinary answers;
//! a stream takes the socket over after its head has been written.

mod answer;
mod api;
mod backlog;
mod ceiling;
mod client;
mod closed;
mod connection;
mod controls;
mod head;
mod held;
mod host;
pub mod listen;
mod outlet;
mod pace;
mod page;
mod part_heads;
mod password;
mod route;
mod snapshot;
mod socket;
mod stream;
mod syntax;

use std::rc::Rc;
use std::sync::Arc;

use crate::camera::stop::Stop;
use crate::cameras::registry::Registry;
use crate::clock::Clock;
use crate::config;
use crate::health::Health;
use crate::turn::Turnstile;
use ceiling::Ceiling;
use held::Held;
use host::Hosts;
use password::Guard;

/// Reads arbitrary bytes as the head of a request: for fuzzing.
#[doc(hidden)]
pub fn read_request(head: &[u8]) {
    if let Ok(request) = smol::block_on(head::decode(head, Clock::kernel().now())) {
        let _ = route::Route::parse(&request.path, &request.query);
    }
}

/// What every connection shares.
#[derive(Debug)]
pub struct Server {
    config: config::Http,
    registry: Arc<Registry>,
    health: Rc<Health>,
    clock: Clock,
    shutdown: Stop,
    ceiling: Rc<Ceiling>,
    guard: Guard,
    hosts: Hosts,
    /// For connections whose next request is there as soon as they are answered.
    pipelined: Turnstile,
    held: Arc<Held>,
}

impl Server {
    /// A server for these cameras; its connections end when `shutdown` is requested.
    pub fn new(
        config: config::Http,
        registry: Arc<Registry>,
        health: Rc<Health>,
        clock: Clock,
        shutdown: Stop,
    ) -> Self {
        let ceiling = Ceiling::new(
            config.connections_max,
            config.connections_per_address_max,
            config.password_hash.is_some(),
            clock.clone(),
            health.http.clone(),
        );
        let guard = Guard::new(config.password_hash.clone(), clock.clone());
        let hosts = Hosts::new(config.hosts.clone(), clock.clone());
        let (pipelined, held) = Default::default();
        Self { config, registry, health, clock, shutdown, ceiling, guard, hosts, pipelined, held }
    }
}
