//! HTTP: requests in, pages, pictures and streams out.
//!
//! async-h1 (named only in `head` and `answer`) decodes requests and encodes ordinary answers; a stream takes
//! over the socket after its head is written.

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
mod mp4;
mod page;
mod part_heads;
mod password;
mod route;
mod routes;
mod snapshot;
mod socket;
mod stream;
mod syntax;
mod viewer_socket;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::camera::stop::Stop;
use crate::cameras::registry::Registry;
use crate::clock::Clock;
use crate::config;
use crate::derived::Derived;
use crate::health::Health;
use crate::turn::Turnstile;
use ceiling::{Ceiling, Limits};
use held::Held;
use host::Hosts;
use password::Guard;

/// Parses arbitrary bytes as a request head: for fuzzing.
#[doc(hidden)]
pub fn read_request(head: &[u8]) {
    if let Ok(request) = smol::block_on(head::decode(head, Clock::kernel().now())) {
        let _ = route::Route::parse(&request.path, &request.query);
    }
}

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    rules: RefCell<Rc<Rules>>,
    registry: Arc<Registry>,
    derived: Arc<Derived>,
    health: Rc<Health>,
    clock: Clock,
    shutdown: Stop,
    ceiling: Rc<Ceiling>,
    /// For connections whose next request arrives before the answer is sent.
    pipelined: Turnstile,
    held: Arc<Held>,
}

/// The rules for requests, from the configuration. Replaced as a whole when it changes; a request keeps those
/// that it started with.
#[derive(Debug)]
struct Rules {
    config: config::Http,
    guard: Rc<Guard>,
    hosts: Hosts,
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
        let ceiling = Ceiling::new(Limits::of(&config), clock.clone(), health.http.clone());
        let guard = Rc::new(Guard::new(config.password_hash.clone(), clock.clone()));
        let hosts = Hosts::new(config.hosts.clone(), clock.clone());
        let rules = RefCell::new(Rc::new(Rules { config, guard, hosts }));
        let (pipelined, held) = Default::default();
        let derived = Derived::new(clock.clone());
        Self { rules, registry, derived, health, clock, shutdown, ceiling, pipelined, held }
    }

    /// The current rules.
    fn rules(&self) -> Rc<Rules> {
        self.rules.borrow().clone()
    }

    /// Takes over a changed configuration, except for the addresses. If the password changed, or the service
    /// is closed, every connection ends: viewers must be authorised anew.
    pub fn apply(&self, config: config::Http) {
        let before = self.rules();
        if before.config == config {
            return;
        }
        self.ceiling.set(Limits::of(&config));
        let is_another_door =
            before.config.password_hash != config.password_hash || before.config.closed != config.closed;
        let guard = if before.config.password_hash == config.password_hash {
            before.guard.clone()
        } else {
            Rc::new(Guard::new(config.password_hash.clone(), self.clock.clone()))
        };
        let hosts = Hosts::new(config.hosts.clone(), self.clock.clone());
        *self.rules.borrow_mut() = Rc::new(Rules { config, guard, hosts });
        if is_another_door {
            self.ceiling.evict_all();
        }
    }
}
