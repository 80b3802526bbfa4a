//! The taken places, and the search for one to take back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;

use event_listener::Event;

use crate::clock::Monotonic;
use crate::limits;

/// The taken places.
#[derive(Debug, Default)]
pub struct Places {
    /// In order of arrival.
    pub taken: BTreeMap<u64, Taken>,
    arrived: u64,
    by_network: HashMap<IpAddr, usize>,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place.
#[derive(Debug)]
pub struct Taken {
    /// The client's address.
    pub address: IpAddr,
    /// Whether it carries a stream.
    pub has_stream: bool,
    /// Whether it has shown the password.
    pub has_shown_password: bool,
    /// Whether one of its requests is being answered.
    pub is_answered: bool,
    /// When it arrived, or had its last request or answer.
    pub since: Monotonic,
    /// Notified when the place goes to another.
    pub evicted: Rc<Event>,
}

/// The kind of place to search for.
#[derive(Debug, Clone, Copy)]
pub struct Search {
    /// For a connection of this client.
    pub newcomer: IpAddr,
    /// In this network alone.
    pub within: Option<IpAddr>,
    /// Except this place, which the newcomer has already.
    pub own: Option<u64>,
}

impl Taken {
    /// A connection that has just arrived.
    pub fn new(address: IpAddr, now: Monotonic, evicted: Rc<Event>) -> Self {
        Self {
            address,
            has_stream: false,
            has_shown_password: false,
            is_answered: false,
            since: now,
            evicted,
        }
    }
}

impl Places {
    /// The number of connections from the network of this address.
    pub fn in_network(&self, address: IpAddr) -> usize {
        self.by_network.get(&counted_as(address)).copied().unwrap_or(0)
    }

    fn of_address(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).copied().unwrap_or(0)
    }

    /// Takes a place; returns its number.
    pub fn add(&mut self, taken: Taken) -> u64 {
        self.arrived += 1;
        self.count(taken.address);
        self.taken.insert(self.arrived, taken);
        self.arrived
    }

    /// Frees a place.
    pub fn remove(&mut self, number: u64) -> Option<Taken> {
        let taken = self.taken.remove(&number)?;
        self.uncount(taken.address);
        Some(taken)
    }

    /// Counts a proxy's connection for another client, which has shown nothing yet.
    pub fn pass_on(&mut self, number: u64, client: IpAddr) {
        let Some(mut taken) = self.remove(number) else { return };
        self.count(client);
        (taken.address, taken.has_shown_password) = (client, false);
        self.taken.insert(number, taken);
    }

    fn count(&mut self, address: IpAddr) {
        *self.by_network.entry(counted_as(address)).or_insert(0) += 1;
        *self.by_address.entry(address).or_insert(0) += 1;
    }

    fn uncount(&mut self, address: IpAddr) {
        let by_key = [(&mut self.by_network, counted_as(address)), (&mut self.by_address, address)];
        for (counts, key) in by_key {
            let Some(count) = counts.get_mut(&key) else { continue };
            *count -= 1;
            if *count == 0 {
                counts.remove(&key);
            }
        }
    }

    fn candidates(&self, search: Search) -> impl Iterator<Item = (&u64, &Taken)> {
        self.taken.iter().filter(move |(number, taken)| {
            Some(**number) != search.own
                && search.within.is_none_or(|network| counted_as(taken.address) == network)
        })
    }

    /// The connections of a place's network, and of its address.
    fn crowd(&self, taken: &Taken) -> (usize, usize) {
        (self.in_network(taken.address), self.of_address(taken.address))
    }

    /// The lent place to take back: in the network with the most connections, of the address with the most,
    /// one that rests before one being answered, oldest first.
    ///
    /// A client with fewer connections than the newcomer's keeps its place for a while, to send its request
    /// and get the answer: otherwise a client that reconnects fast enough would shut it out. With
    /// `spares_equals` this includes a client with as many, such as another connection of the same browser.
    pub fn lent(
        &self,
        search: Search,
        now: Monotonic,
        spares_equals: bool,
        is_lent: impl Fn(&Taken) -> bool,
    ) -> Option<u64> {
        let mine = (self.in_network(search.newcomer), self.of_address(search.newcomer));
        let is_spared = |taken: &Taken| {
            let (network, alone) = self.crowd(taken);
            let (theirs, mine) = if counted_as(taken.address) == counted_as(search.newcomer) {
                (alone, mine.1)
            } else {
                (network, mine.0)
            };
            let patience = if taken.is_answered { limits::ANSWER_PATIENCE } else { limits::REQUEST_PATIENCE };
            (theirs < mine || spares_equals && theirs == mine) && now.since(taken.since) < patience
        };
        self.candidates(search)
            .filter(|(_, taken)| is_lent(taken) && !is_spared(taken))
            .min_by_key(|(number, taken)| {
                (Reverse(self.crowd(taken)), taken.is_answered, taken.since, **number)
            })
            .map(|(number, _)| *number)
    }

    /// The held place that has rested between two requests for the longest time.
    pub fn resting(&self, search: Search, is_held: impl Fn(&Taken) -> bool) -> Option<u64> {
        self.candidates(search)
            .filter(|(_, taken)| is_held(taken) && !taken.has_stream && !taken.is_answered)
            .min_by_key(|(number, taken)| (taken.since, **number))
            .map(|(number, _)| *number)
    }

    /// The held place that goes to a newcomer with fewer connections: the newest of the address with the
    /// most, in the network with the most, as long as these keep as many as the newcomer's will have.
    pub fn crowding(&self, search: Search, is_held: impl Fn(&Taken) -> bool) -> Option<u64> {
        let own = search.own.and_then(|own| self.taken.get(&own));
        let is_counted = own.is_some_and(|own| own.address == search.newcomer);
        let more = usize::from(!is_counted);
        let mine = (self.in_network(search.newcomer) + more, self.of_address(search.newcomer) + more);
        let is_crowding = |taken: &Taken| {
            let (network, alone) = self.crowd(taken);
            let is_neighbour = counted_as(taken.address) == counted_as(search.newcomer);
            if is_neighbour { alone > mine.1 } else { network > mine.0 }
        };
        self.candidates(search)
            .filter(|(_, taken)| is_held(taken) && is_crowding(taken))
            .max_by_key(|(number, taken)| (self.crowd(taken), **number))
            .map(|(number, _)| *number)
    }

    /// Connections by network and by address.
    #[cfg(test)]
    pub fn counted(&self) -> (usize, usize) {
        (self.by_network.len(), self.by_address.len())
    }
}

/// The network that counts as one client: a host may have a whole /64 of IPv6 addresses to itself. An IPv4
/// address counts alone, in either notation.
pub(in crate::http) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}
