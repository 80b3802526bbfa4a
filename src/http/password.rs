//! Who may see the cameras: HTTP Basic (RFC 7617) against the one password of the configuration.
//!
//! Checking a password is meant to be slow. It is done aside from the main thread, by one at a time,
//! and what was found right is known again by a keyed digest, so that a page's thirty requests a
//! second cost nothing. Guessing is slowed down for each address apart; who knows the password never
//! notices.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use smol::lock::Mutex;

use super::ceiling::counted_as;
use crate::auth::Credentials;
use crate::clock::{Clock, Monotonic};
use crate::config::PasswordHash;
use crate::offload::Lane;
use crate::random::Random;

/// The user names that are accepted, both with the same password.
const USERS: [&str; 2] = ["viewer", "admin"];

/// Passwords that wait to be checked; more are told to come back. One check takes a small machine
/// half a second.
const WAITING_MAX: usize = 8;

/// One check at a time: each takes a core and the memory that the hash asks for. A check goes on when the
/// client that sent the password is gone.
static CHECKS: Lane = Lane::new("password", 1);

/// Wrong passwords that an address may try at once: people mistype.
const FREE_TRIES: u32 = 5;

/// The longest wait between two tries of one address. The wait begins with a second and doubles.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// An address that has not tried for this long begins anew.
const FORGIVEN_AFTER: Duration = Duration::from_mins(10);

/// Addresses whose wrong tries are remembered; the one that tried longest ago is forgotten first.
const ADDRESSES_MAX: usize = 1024;

/// Keeps the door.
#[derive(Debug)]
pub struct Guard {
    hash: Option<PasswordHash>,
    clock: Clock,
    /// Known to this process alone: digests tell nothing to who does not have it.
    key: [u64; 4],
    /// Digest of the right password, once somebody gave it.
    right: Cell<Option<[u8; 32]>>,
    failures: RefCell<HashMap<IpAddr, Failures>>,
    /// Held while a password is checked.
    checking: Mutex<()>,
    waiting: Cell<usize>,
}

/// Wrong tries of one address.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Monotonic,
}

/// What the guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Come in.
    Welcome,
    /// Who are you?
    Who,
    /// Not with this name and password.
    Wrong,
    /// Not before this time has passed.
    Later(Duration),
}

impl Guard {
    /// A guard who asks for this password, or lets everybody in.
    pub fn new(hash: Option<PasswordHash>, clock: Clock) -> Self {
        let mut random = Random::seeded();
        Self {
            hash,
            clock,
            key: std::array::from_fn(|_| random.number()),
            right: Cell::default(),
            failures: RefCell::default(),
            checking: Mutex::new(()),
            waiting: Cell::default(),
        }
    }

    /// Whether somebody from this address may come in.
    pub async fn admit(&self, credentials: Option<&Credentials>, address: IpAddr) -> Verdict {
        let Some(hash) = &self.hash else { return Verdict::Welcome };
        let Some(credentials) = credentials else { return Verdict::Who };
        let is_user = USERS.contains(&credentials.username());
        let digest = self.digest(credentials.password());
        if is_user && self.right.get() == Some(digest) {
            return Verdict::Welcome;
        }
        let address = counted_as(address);
        if let Some(wait) = self.wait(address) {
            return Verdict::Later(wait);
        }
        if self.waiting.get() >= WAITING_MAX {
            return Verdict::Later(Duration::from_secs(1));
        }
        let _place = Waiting::new(&self.waiting);
        let _turn = self.checking.lock().await;
        // Much may have happened meanwhile.
        if is_user && self.right.get() == Some(digest) {
            return Verdict::Welcome;
        }
        if let Some(wait) = self.wait(address) {
            return Verdict::Later(wait);
        }
        let (hash, password) = (hash.clone(), credentials.password().to_owned());
        let is_right = match CHECKS.run(move || hash.is_of(&password)).await {
            Ok(is_right) => is_right,
            Err(error) => {
                log::error!("a password cannot be checked: {error}");
                return Verdict::Later(Duration::from_secs(1));
            }
        };
        if is_user && is_right {
            self.right.set(Some(digest));
            self.failures.borrow_mut().remove(&address);
            return Verdict::Welcome;
        }
        log::warn!("{address}: wrong user name or password");
        self.count_failure(address);
        Verdict::Wrong
    }

    /// Keyed as in RFC 2104, but for the padding, which a digest inside a digest does not need.
    fn digest(&self, password: &str) -> [u8; 32] {
        let keyed =
            || self.key.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part.to_ne_bytes()));
        let inner = keyed().chain_update(password).finalize();
        keyed().chain_update(inner).finalize().into()
    }

    /// How long an address still has to wait.
    fn wait(&self, address: IpAddr) -> Option<Duration> {
        let failures = *self.failures.borrow().get(&address)?;
        let over = failures.count.checked_sub(FREE_TRIES)?;
        let wait = Duration::from_secs(1 << over.min(16)).min(WAIT_MAX);
        let left = wait.saturating_sub(self.clock.now().since(failures.last));
        (!left.is_zero()).then_some(left)
    }

    fn count_failure(&self, address: IpAddr) {
        let now = self.clock.now();
        let mut all = self.failures.borrow_mut();
        all.retain(|_, failures| now.since(failures.last) < FORGIVEN_AFTER);
        if all.len() >= ADDRESSES_MAX
            && !all.contains_key(&address)
            && let Some(oldest) =
                all.iter().min_by_key(|(_, failures)| failures.last).map(|(address, _)| *address)
        {
            all.remove(&oldest);
        }
        let failures = all.entry(address).or_insert(Failures { count: 0, last: now });
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }
}

/// A place among those who wait; given up with it, also by a client that hangs up.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The user name and password in the value of an Authorization header.
pub fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Credentials::new(username, password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Hand;
    use smol::block_on;

    const HERE: &str = "192.0.2.1";

    fn guard() -> (Guard, Hand) {
        let (clock, hand) = Clock::manual();
        (Guard::new(Some(PasswordHash::of("right").unwrap()), clock), hand)
    }

    fn admit(guard: &Guard, username: &str, password: &str, address: &str) -> Verdict {
        let credentials = Credentials::new(username, password);
        block_on(guard.admit(Some(&credentials), address.parse().unwrap()))
    }

    #[test]
    fn names_and_passwords() {
        let (guard, _hand) = guard();
        assert_eq!(block_on(guard.admit(None, HERE.parse().unwrap())), Verdict::Who);
        assert_eq!(admit(&guard, "viewer", "wrong", HERE), Verdict::Wrong);
        assert_eq!(admit(&guard, "root", "right", HERE), Verdict::Wrong);
        assert_eq!(admit(&guard, "viewer", "right", HERE), Verdict::Welcome);
        assert_eq!(admit(&guard, "admin", "right", HERE), Verdict::Welcome);
        assert_eq!(admit(&guard, "root", "right", HERE), Verdict::Wrong, "also when the password is known");
        assert_eq!(admit(&guard, "admin", "wrong", HERE), Verdict::Wrong);
        let open = Guard::new(None, Clock::manual().0);
        assert_eq!(block_on(open.admit(None, HERE.parse().unwrap())), Verdict::Welcome);
    }

    #[test]
    fn guessing_is_slowed_for_its_address_alone() {
        let (guard, hand) = guard();
        for _ in 0..FREE_TRIES {
            assert_eq!(admit(&guard, "admin", "guess", HERE), Verdict::Wrong);
        }
        assert_eq!(admit(&guard, "admin", "guess", HERE), Verdict::Later(Duration::from_secs(1)));
        assert_eq!(admit(&guard, "admin", "right", HERE), Verdict::Later(Duration::from_secs(1)));
        assert_eq!(admit(&guard, "admin", "guess", "192.0.2.2"), Verdict::Wrong);
        hand.advance(Duration::from_secs(1));
        assert_eq!(admit(&guard, "admin", "guess", HERE), Verdict::Wrong);
        assert_eq!(admit(&guard, "admin", "guess", HERE), Verdict::Later(Duration::from_secs(2)));
        assert_eq!(admit(&guard, "admin", "right", "192.0.2.2"), Verdict::Welcome);
        assert_eq!(admit(&guard, "admin", "right", HERE), Verdict::Welcome, "who knows it does not wait");
        hand.advance(FORGIVEN_AFTER);
        assert_eq!(admit(&guard, "admin", "guess", HERE), Verdict::Wrong);
    }

    #[test]
    fn the_wait_and_the_memory_are_bounded() {
        let (guard, _hand) = guard();
        let address = |number: usize| IpAddr::from(std::net::Ipv4Addr::from_bits(number as u32));
        for number in 0..ADDRESSES_MAX + 9 {
            guard.count_failure(address(number));
        }
        assert_eq!(guard.failures.borrow().len(), ADDRESSES_MAX);
        for _ in 0..100 {
            guard.count_failure(address(ADDRESSES_MAX));
        }
        assert_eq!(guard.wait(address(ADDRESSES_MAX)), Some(WAIT_MAX));
    }

    #[test]
    fn only_so_many_wait_to_be_checked() {
        let (guard, _hand) = guard();
        block_on(async {
            let turn = guard.checking.lock().await;
            let credentials: Vec<_> =
                (0..=WAITING_MAX).map(|n| Credentials::new("admin", n.to_string())).collect();
            let mut waiting: Vec<_> =
                credentials.iter().map(|it| Box::pin(guard.admit(Some(it), HERE.parse().unwrap()))).collect();
            let mut verdicts = Vec::new();
            for one in &mut waiting {
                verdicts.push(futures_lite::future::poll_once(one).await);
            }
            assert_eq!(verdicts.pop(), Some(Some(Verdict::Later(Duration::from_secs(1)))));
            assert!(verdicts.iter().all(Option::is_none));
            drop(waiting);
            assert_eq!(guard.waiting.get(), 0);
            drop(turn);
        });
    }

    #[test]
    fn what_browsers_send() {
        assert_eq!(basic("Basic YWRtaW46YTpi"), Some(Credentials::new("admin", "a:b")));
        assert_eq!(basic("basic  dmlld2VyOsO8"), Some(Credentials::new("viewer", "ü")));
        for other in ["", "Basic", "Basic ???", "Bearer YWRtaW46YTpi", "Basic YWRtaW4=", "Basic //8="] {
            assert_eq!(basic(other), None, "{other}");
        }
    }
}
