//! Places for connections: how many there are, and whose place a newcomer gets when all are taken.
//!
//! A place is *held* by a connection that carries a stream or, if a password is set, has shown it. All others
//! are *lent*: to connections that send nothing, or a head byte by byte, or half a body, that do not read
//! their answer, or that rest between two requests. When places run out, lent ones are taken back. If none is
//! lent, addresses with many connections give way to those with few.
//!
//! Addresses count twice: alone, and by the network that one host may have to itself (a /64 of IPv6, RFC
//! 6177). A neighbour with any number of addresses in a home's /64 is one network to the ceiling and to all
//! others. Within the network, addresses are weighed against each other, so that one of them does not shut
//! out the rest of the home. A neighbour with both families is two networks: together they may take all
//! places, and then give way to a third.

mod places;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use event_listener::Event;

use crate::clock::{Clock, Monotonic};
use crate::config;
use crate::health::HttpMeter;
use crate::limits;
pub(super) use places::counted_as;
use places::{Places, Search, Taken};

/// Counts connections against their ceilings.
#[derive(Debug)]
pub struct Ceiling {
    limits: Cell<Limits>,
    clock: Clock,
    meter: Arc<HttpMeter>,
    places: RefCell<Places>,
    log: RefCell<EvictionLog>,
}

/// Numbers of places.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    max: usize,
    per_address_max: usize,
    /// Places that may be held; the rest is for clients that have yet to show the password.
    held_max: usize,
    asks_password: bool,
}

impl Limits {
    /// The limits of a configuration.
    pub fn of(config: &config::Http) -> Self {
        let (max, per_address_max) = (config.connections_max, config.connections_per_address_max);
        let asks_password = config.password_hash.is_some();
        let is_shared = asks_password && max >= limits::KEPT_PLACES_FROM;
        let kept = if is_shared { (max / limits::KEPT_PLACES_SHARE).max(1) } else { 0 };
        Self { max, per_address_max, held_max: max - kept, asks_password }
    }
}

/// Evictions since the last log line about them, and when that was written.
#[derive(Debug, Default)]
struct EvictionLog {
    unlogged: u64,
    last: Option<Monotonic>,
}

/// A connection's place; freed when dropped.
#[derive(Debug)]
pub struct Place {
    ceiling: Rc<Ceiling>,
    number: u64,
    evicted: Rc<Event>,
}

impl Ceiling {
    /// A ceiling with these limits; `meter` counts connections and evictions.
    pub fn new(limits: Limits, clock: Clock, meter: Arc<HttpMeter>) -> Rc<Self> {
        meter.set_connections_max(limits.max);
        let (places, log) = Default::default();
        Rc::new(Self { limits: Cell::new(limits), clock, meter, places, log })
    }

    /// Changes the limits. Connections beyond them stay until they end or their places are needed.
    pub fn set(&self, limits: Limits) {
        self.meter.set_connections_max(limits.max);
        self.limits.set(limits);
    }

    /// Ends every connection.
    pub fn evict_all(&self) {
        let mut places = self.places.borrow_mut();
        let numbers: Vec<u64> = places.taken.keys().copied().collect();
        for number in numbers {
            if let Some(taken) = places.remove(number) {
                taken.evicted.notify(usize::MAX);
            }
        }
        self.meter.set_connections(0);
    }

    /// A place for a connection from this address, evicting another if necessary. A trusted proxy's
    /// connections count for the clients whose requests they carry.
    ///
    /// # Errors
    /// Which limit is reached.
    pub fn enter(self: &Rc<Self>, address: IpAddr, is_proxy: bool) -> Result<Place, String> {
        let address = address.to_canonical();
        let mut places = self.places.borrow_mut();
        let search = Search { newcomer: address, within: None, own: None };
        if !is_proxy {
            self.make_room_in_network(&mut places, search)?;
        }
        if places.taken.len() >= self.limits.get().max {
            let full = || format!("all {} connections are taken", self.limits.get().max);
            let victim = self.victim(&places, search).ok_or_else(full)?;
            self.evict(&mut places, victim, address);
        }
        let evicted = Rc::new(Event::new());
        let number = places.add(Taken::new(address, self.clock.now(), evicted.clone()));
        self.meter.set_connections(places.taken.len());
        Ok(Place { ceiling: self.clone(), number, evicted })
    }

    /// Makes room for one more connection in the newcomer's network.
    fn make_room_in_network(&self, places: &mut Places, search: Search) -> Result<(), String> {
        let address = search.newcomer;
        // This machine's own addresses have no limit: a reverse proxy on it carries all clients.
        if address.is_loopback() || places.in_network(address) < self.limits.get().per_address_max {
            return Ok(());
        }
        let search = Search { within: Some(counted_as(address)), ..search };
        let full =
            || format!("all {} connections for one address are taken", self.limits.get().per_address_max);
        let victim = self.victim(places, search).ok_or_else(full)?;
        self.evict(places, victim, address);
        Ok(())
    }

    fn is_held(&self, taken: &Taken) -> bool {
        if self.limits.get().asks_password { taken.has_shown_password } else { taken.has_stream }
    }

    /// The place that goes to a newcomer: a lent one; else, without a password to tell clients apart, one of
    /// an address with many; at last one lent to an equal a moment ago.
    fn victim(&self, places: &Places, search: Search) -> Option<u64> {
        let held = |taken: &Taken| self.is_held(taken);
        let lent = |spares_equals| places.lent(search, self.clock.now(), spares_equals, |taken| !held(taken));
        let crowding = || (!self.limits.get().asks_password).then(|| places.crowding(search, held)).flatten();
        lent(true).or_else(crowding).or_else(|| lent(false))
    }

    fn evict(&self, places: &mut Places, number: u64, newcomer: IpAddr) {
        let Some(taken) = places.remove(number) else { return };
        taken.evicted.notify(usize::MAX);
        self.meter.count_evicted();
        let now = self.clock.now();
        let mut log = self.log.borrow_mut();
        log.unlogged += 1;
        if log.last.is_none_or(|then| now.since(then) >= limits::EVICTIONS_LOGGED_EVERY) {
            log::debug!(
                "{}: closed for {newcomer} after {} s, because all places are taken ({} closed since the last \
                 such line)",
                taken.address,
                now.since(taken.since).as_secs(),
                log.unlogged
            );
            *log = EvictionLog { unlogged: 0, last: Some(now) };
        }
    }
}

impl Place {
    /// Notes a request of this client.
    ///
    /// # Errors
    /// Which limit the client has reached, if a proxy carries it.
    pub fn begin_answer(&self, client: IpAddr) -> Result<(), String> {
        let mut places = self.ceiling.places.borrow_mut();
        let Some(taken) = places.taken.get_mut(&self.number) else { return Ok(()) };
        (taken.is_answered, taken.since) = (true, self.ceiling.clock.now());
        if taken.address == client {
            return Ok(());
        }
        let search = Search { newcomer: client, within: None, own: Some(self.number) };
        self.ceiling.make_room_in_network(&mut places, search)?;
        places.pass_on(self.number, client);
        Ok(())
    }

    /// Notes that the answer is sent: the connection is idle.
    pub fn end_answer(&self) {
        if let Some(taken) = self.ceiling.places.borrow_mut().taken.get_mut(&self.number) {
            (taken.is_answered, taken.since) = (false, self.ceiling.clock.now());
        }
    }

    /// Notes that the password was shown. If one is set, the place is held from now on.
    ///
    /// # Errors
    /// If too many places are held.
    pub fn show_password(&self) -> Result<(), String> {
        self.hold(|taken| taken.has_shown_password = true)
    }

    /// Notes that a stream starts. If no password is set, the place is held from now on.
    ///
    /// # Errors
    /// If too many places are held.
    pub fn begin_stream(&self) -> Result<(), String> {
        self.hold(|taken| taken.has_stream = true)
    }

    fn hold(&self, note: impl FnOnce(&mut Taken)) -> Result<(), String> {
        let ceiling = &self.ceiling;
        let mut places = ceiling.places.borrow_mut();
        let Some(taken) = places.taken.get_mut(&self.number) else { return Ok(()) };
        let (address, was_held) = (taken.address, ceiling.is_held(taken));
        let before = (taken.has_stream, taken.has_shown_password);
        note(taken);
        if was_held || !ceiling.is_held(taken) {
            return Ok(());
        }
        let held = |taken: &Taken| ceiling.is_held(taken);
        if places.taken.values().filter(|taken| held(taken)).count() > ceiling.limits.get().held_max {
            let search = Search { newcomer: address, within: None, own: Some(self.number) };
            let victim = places.resting(search, held).or_else(|| places.crowding(search, held));
            let Some(victim) = victim else {
                if let Some(taken) = places.taken.get_mut(&self.number) {
                    (taken.has_stream, taken.has_shown_password) = before;
                }
                return Err(format!("all {} connections are taken", ceiling.limits.get().held_max));
            };
            ceiling.evict(&mut places, victim, address);
        }
        Ok(())
    }

    /// Returns once the place has gone to a newcomer.
    pub async fn evicted(&self) {
        loop {
            let evicted = self.evicted.listen();
            if !self.ceiling.places.borrow().taken.contains_key(&self.number) {
                return;
            }
            evicted.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.ceiling.places.borrow_mut();
        places.remove(self.number);
        self.ceiling.meter.set_connections(places.taken.len());
    }
}

#[cfg(test)]
mod tests;
