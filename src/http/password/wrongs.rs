//! Wrong passwords: which were tried, from where, and how far that slows an address down.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::Digest;
use crate::clock::Monotonic;
use crate::limits::{
    PASSWORD_ADDRESS_WAIT_MAX, PASSWORD_ADDRESSES_MAX, PASSWORD_FORGIVEN_AFTER, PASSWORD_FREE_TRIES,
    PASSWORD_NEWCOMERS_MAX, PASSWORD_NEWCOMERS_PER_SECOND, PASSWORD_SLOWED_MAX, PASSWORD_SLOWED_MIN,
    PASSWORD_WRONG_MAX, PASSWORD_WRONG_PER_ADDRESS_MAX,
};

/// After so many wrong passwords, the wait between two of them doubles.
const DOUBLES_AFTER: u32 = 8;

/// Wrong passwords, and the addresses that tried them.
#[derive(Debug, Default)]
pub struct Wrongs {
    /// Digests of passwords found wrong: they need no further check.
    digests: HashSet<Digest>,
    /// The same, in order of discovery.
    order: VecDeque<Digest>,
    addresses: HashMap<IpAddr, Tries>,
    /// Recent wrong tries of all addresses together, as a leaky bucket.
    newcomers: f64,
    leaked: Option<Monotonic>,
}

/// Wrong tries from one address.
#[derive(Debug)]
struct Tries {
    count: u32,
    /// When the last new one was tried.
    last: Monotonic,
    /// The last ones, so that each counts once.
    digests: VecDeque<Digest>,
}

impl Wrongs {
    /// Whether a password is known to be wrong.
    pub fn has(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }

    /// Remembers a wrong password.
    pub fn remember(&mut self, digest: Digest) {
        if !self.digests.insert(digest) {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > PASSWORD_WRONG_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.digests.remove(&oldest);
        }
    }

    /// Counts a try, unless the address made it before: a client that still has the old password repeats it
    /// for ever. Returns the number of tries, if this one is new.
    pub fn count(&mut self, address: IpAddr, digest: Digest, now: Monotonic) -> Option<u32> {
        self.make_room(address, now);
        let tries =
            self.addresses.entry(address).or_insert(Tries { count: 0, last: now, digests: VecDeque::new() });
        if tries.digests.contains(&digest) {
            return None;
        }
        if tries.digests.len() == PASSWORD_WRONG_PER_ADDRESS_MAX {
            tries.digests.pop_front();
        }
        tries.digests.push_back(digest);
        tries.count = tries.count.saturating_add(1);
        tries.last = now;
        let count = tries.count;
        self.leak(now);
        // However many there were, it empties within minutes of the last one.
        self.newcomers = (self.newcomers + 1.0).min(2.0 * PASSWORD_NEWCOMERS_MAX);
        Some(count)
    }

    /// Whether an address may try without waiting.
    pub fn is_free(&self, address: IpAddr, now: Monotonic) -> bool {
        self.addresses
            .get(&address)
            .is_none_or(|tries| tries.count < PASSWORD_FREE_TRIES || is_forgiven(tries, now))
    }

    /// Whether addresses that never gave the right password may try without waiting. Otherwise many addresses
    /// would mean endless free tries.
    pub fn are_newcomers_free(&mut self, now: Monotonic) -> bool {
        self.leak(now);
        self.newcomers < PASSWORD_NEWCOMERS_MAX
    }

    /// When the next try of an address is due, given the number already waiting.
    pub fn due(&self, address: IpAddr, waiting: usize, now: Monotonic) -> Monotonic {
        let Some(tries) = self.addresses.get(&address).filter(|tries| !is_forgiven(tries, now)) else {
            return now;
        };
        let Some(over) = tries.count.checked_sub(PASSWORD_FREE_TRIES) else { return now };
        let slowed = PASSWORD_SLOWED_MIN.saturating_mul(1 << (over / DOUBLES_AFTER).min(8));
        let share = PASSWORD_ADDRESS_WAIT_MAX / u32::try_from(waiting.max(1)).unwrap_or(u32::MAX);
        tries.last + slowed.min(PASSWORD_SLOWED_MAX).min(share)
    }

    fn make_room(&mut self, address: IpAddr, now: Monotonic) {
        if self.addresses.get(&address).is_some_and(|tries| is_forgiven(tries, now)) {
            self.addresses.remove(&address);
        }
        if self.addresses.len() < PASSWORD_ADDRESSES_MAX || self.addresses.contains_key(&address) {
            return;
        }
        let oldest = self.addresses.iter().min_by_key(|(_, tries)| tries.last).map(|(address, _)| *address);
        oldest.map(|oldest| self.addresses.remove(&oldest));
    }

    fn leak(&mut self, now: Monotonic) {
        let since = self.leaked.map_or(Duration::ZERO, |leaked| now.since(leaked));
        self.leaked = Some(now);
        self.newcomers = (self.newcomers - since.as_secs_f64() * PASSWORD_NEWCOMERS_PER_SECOND).max(0.0);
    }
}

fn is_forgiven(tries: &Tries, now: Monotonic) -> bool {
    now.since(tries.last) >= PASSWORD_FORGIVEN_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_secs(seconds))
    }

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    fn digest(number: u64) -> Digest {
        let mut digest = Digest::default();
        digest[..8].copy_from_slice(&number.to_le_bytes());
        digest
    }

    #[test]
    fn a_repeated_wrong_password_counts_once_for_each_address() {
        let mut wrongs = Wrongs::default();
        for _ in 0..1000 {
            wrongs.count(address(1), digest(1), at(0));
        }
        assert!(wrongs.is_free(address(1), at(0)));
        for number in 1..=u64::from(PASSWORD_FREE_TRIES) {
            assert!(wrongs.is_free(address(1), at(0)), "{number}");
            wrongs.count(address(1), digest(number), at(0));
        }
        assert!(!wrongs.is_free(address(1), at(0)) && wrongs.is_free(address(2), at(0)));
        assert!(wrongs.is_free(address(1), at(0) + PASSWORD_FORGIVEN_AFTER));
    }

    #[test]
    fn waits_grow_and_are_shared_by_an_addresss_requests() {
        let mut wrongs = Wrongs::default();
        for number in 0..u64::from(PASSWORD_FREE_TRIES) {
            wrongs.count(address(1), digest(number), at(0));
        }
        assert_eq!(wrongs.due(address(1), 1, at(0)), at(0) + PASSWORD_SLOWED_MIN);
        for number in 0..500 {
            wrongs.count(address(1), digest(100 + number), at(0));
        }
        assert_eq!(wrongs.due(address(1), 1, at(0)), at(0) + PASSWORD_SLOWED_MAX);
        assert_eq!(wrongs.due(address(1), 100, at(0)), at(0) + PASSWORD_ADDRESS_WAIT_MAX / 100);
        assert_eq!(wrongs.due(address(2), 100, at(0)), at(0));
    }

    #[test]
    fn memory_is_bounded() {
        let mut wrongs = Wrongs::default();
        for number in 0..20_000 {
            wrongs.remember(digest(number));
            wrongs.count(address(number as u32), digest(number), at(number / 100));
            wrongs.count(address(0), digest(number), at(number / 100));
        }
        assert_eq!((wrongs.digests.len(), wrongs.order.len()), (PASSWORD_WRONG_MAX, PASSWORD_WRONG_MAX));
        assert!(wrongs.addresses.len() <= PASSWORD_ADDRESSES_MAX);
        assert!(wrongs.addresses.values().all(|it| it.digests.len() <= PASSWORD_WRONG_PER_ADDRESS_MAX));
        assert!(wrongs.has(&digest(19_999)) && !wrongs.has(&digest(0)));
        assert!(!wrongs.are_newcomers_free(at(200)), "many addresses, each with free tries");
        assert!(wrongs.are_newcomers_free(at(200) + Duration::from_mins(3)));
    }
}
