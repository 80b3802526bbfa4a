//! Decides who may see the cameras: HTTP Basic (RFC 7617) against the one configured password.
//!
//! Checking a password is slow by design. It runs beside the main thread, one at a time. Passwords found
//! right or wrong are recognised by a keyed digest, so that a page's thirty requests per second, and a
//! forgotten client's old password, cost nothing.
//!
//! Guessing is slowed down for each address separately, but never refused: an owner may share the address of
//! an attacker (behind a proxy, in a household), and then waits at most [`limits::PASSWORD_WAIT_MAX`] for a
//! turn. Until then the right password gets the same answer as a wrong one, or guesses could be judged as
//! fast as they are sent. Three ways lead past the queue: a connection that has given the right password
//! before, an address that gave it and does not guess, and an address with free tries left.

mod known;
mod neighbours;
mod turns;
mod wrongs;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event_listener::Event;
use futures_lite::future::or;
use sha2::{Digest as _, Sha256};

use crate::auth::Credentials;
use crate::clock::Clock;
use crate::config::PasswordHash;
use crate::config::password::PASSWORD_MAX_BYTES;
#[cfg(doc)]
use crate::limits;
use crate::limits::KNOWN_ADDRESSES_WRITE_MAX;
use crate::offload::BlockingPool;
use crate::random::Random;
use known::Known;
use neighbours::Neighbours;
use turns::{Next, Turns};
use wrongs::Wrongs;

/// The user names that are accepted, both with the same password.
const USERS: [&str; 2] = ["viewer", "admin"];

/// One check at a time: each takes a core and the memory that the hash requires. A check continues after its
/// client is gone.
static CHECKS: BlockingPool = BlockingPool::new("password", 1);

/// A keyed digest of user name and password.
type Digest = [u8; 32];

/// Guards the cameras.
#[derive(Debug)]
pub struct Guard {
    hash: Option<PasswordHash>,
    clock: Clock,
    /// Known to this process alone. Without the key the digests reveal nothing; it is never written.
    key: [u64; 4],
    /// Digest of the right password, once it was given.
    right: Cell<Option<Digest>>,
    wrongs: RefCell<Wrongs>,
    known: RefCell<Known>,
    neighbours: Neighbours,
    turns: RefCell<Turns<Rc<Waiter>>>,
    /// Whether a waiting request leads: it gives the turns for all.
    is_led: Cell<bool>,
    /// The queue changed: the next turn may be sooner.
    change: Event,
}

/// What a connection has shown: after the right password, requests with the same one pass. Only those of the
/// same client, as a proxy may carry several on one connection.
#[derive(Debug, Default)]
pub struct Proof(Cell<Option<(Digest, IpAddr)>>);

/// A waiting request.
#[derive(Debug)]
struct Waiter {
    password: String,
    ruling: Cell<Option<Ruling>>,
    ruled: Event,
}

/// The result of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ruling {
    Right,
    Wrong,
    /// The check could not run.
    Failed,
}

/// The guard's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Authorised.
    Welcome,
    /// Credentials are missing.
    Who,
    /// Wrong user name or password.
    Wrong,
    /// Retry after this time: this machine could not check the password.
    Later(Duration),
}

impl Guard {
    /// A guard that requires this password, or admits every client.
    pub fn new(hash: Option<PasswordHash>, clock: Clock) -> Self {
        Self::with_known(hash, clock, Known::of_environment())
    }

    fn with_known(hash: Option<PasswordHash>, clock: Clock, known: Known) -> Self {
        let mut random = Random::seeded();
        Self {
            hash,
            clock,
            key: std::array::from_fn(|_| random.number()),
            right: Cell::default(),
            wrongs: RefCell::default(),
            known: RefCell::new(known),
            neighbours: Neighbours::default(),
            turns: RefCell::new(Turns::new()),
            is_led: Cell::default(),
            change: Event::new(),
        }
    }

    /// Whether to admit a request from this address, on a connection that has shown this much.
    pub async fn admit(&self, credentials: Option<&Credentials>, address: IpAddr, proof: &Proof) -> Verdict {
        let Some(hash) = &self.hash else { return Verdict::Welcome };
        let Some(credentials) = credentials else { return Verdict::Who };
        let digest = self.digest(credentials);
        let address = self.neighbours.counted(address, self.clock.now());
        if proof.0.get() == Some((digest, address)) && self.right.get() == Some(digest) {
            return Verdict::Welcome;
        }
        let may_be_right =
            USERS.contains(&credentials.username()) && credentials.password().len() <= PASSWORD_MAX_BYTES;
        if !may_be_right || self.wrongs.borrow().has(&digest) {
            self.count_wrong(address, digest);
            return Verdict::Wrong;
        }
        let ruling = match self.right.get() {
            Some(right) if self.may_pass_by(address) => Ruling::of(right == digest),
            _ => self.wait(hash, credentials, digest, address).await,
        };
        match ruling {
            Ruling::Right => {
                proof.0.set(Some((digest, address)));
                self.remember(address).await;
                Verdict::Welcome
            }
            Ruling::Wrong => {
                self.wrongs.borrow_mut().remember(digest);
                self.count_wrong(address, digest);
                Verdict::Wrong
            }
            Ruling::Failed => Verdict::Later(Duration::from_secs(1)),
        }
    }

    /// Whether an address need not wait for a turn when the digest settles the check.
    fn may_pass_by(&self, address: IpAddr) -> bool {
        let now = self.clock.now();
        let mut wrongs = self.wrongs.borrow_mut();
        wrongs.is_free(address, now)
            && (self.known.borrow_mut().has(address) || wrongs.are_newcomers_free(now))
    }

    async fn remember(&self, address: IpAddr) {
        let save = self.known.borrow_mut().add(address);
        if let Some(save) = save {
            // A card that hangs does not delay the answer; the writing thread continues.
            or(save.run(), self.clock.sleep(KNOWN_ADDRESSES_WRITE_MAX)).await;
        }
    }

    fn count_wrong(&self, address: IpAddr, digest: Digest) {
        let count = self.wrongs.borrow_mut().count(address, digest, self.clock.now());
        // Days of guessing must not fill the log.
        match count {
            Some(count @ 1..=10) => log::warn!("{address}: wrong user name or password ({count} so far)"),
            Some(count) if count.is_power_of_two() => {
                log::warn!("{address}: {count} different wrong user names or passwords");
            }
            _ => {}
        }
    }

    /// Waits for a turn.
    async fn wait(
        &self,
        hash: &PasswordHash,
        credentials: &Credentials,
        digest: Digest,
        address: IpAddr,
    ) -> Ruling {
        let waiter = Rc::new(Waiter {
            password: credentials.password().to_owned(),
            ruling: Cell::default(),
            ruled: Event::new(),
        });
        let is_known = self.known.borrow_mut().has(address);
        let id = self.turns.borrow_mut().enter(address, digest, is_known, waiter.clone());
        let _place = Place { guard: self, id };
        self.change.notify(1);
        loop {
            if let Some(ruling) = waiter.ruling.get() {
                return ruling;
            }
            if self.is_led.get() {
                let ruled = waiter.ruled.listen();
                if waiter.ruling.get().is_none() && self.is_led.get() {
                    ruled.await;
                }
            } else {
                self.lead(hash, &waiter).await;
            }
        }
    }

    /// Gives turns to all waiting requests, until its own has come.
    async fn lead(&self, hash: &PasswordHash, own: &Waiter) {
        self.is_led.set(true);
        let _led = Led(self);
        while own.ruling.get().is_none() {
            let change = self.change.listen();
            let next = self.turns.borrow().next(&self.wrongs.borrow(), self.clock.now());
            match next {
                Next::Nothing => return,
                Next::At(moment) => or(self.clock.sleep_until(moment), change).await,
                Next::Turn(id) => self.turn(hash, id).await,
            }
        }
    }

    /// Calls a waiting request to lead, if none does.
    fn call_leader(&self) {
        if !self.is_led.get()
            && let Some(first) = self.turns.borrow().first()
        {
            first.more.ruled.notify(usize::MAX);
        }
    }

    async fn turn(&self, hash: &PasswordHash, id: u64) {
        self.turns.borrow_mut().begin(id, self.clock.now());
        let Some((digest, waiter)) =
            self.turns.borrow().get(id).map(|waiting| (waiting.digest, waiting.more.clone()))
        else {
            return;
        };
        let ruling = match self.right.get() {
            Some(right) => Ruling::of(right == digest),
            None => check(hash, waiter.password.clone()).await,
        };
        match ruling {
            Ruling::Right => self.right.set(Some(digest)),
            Ruling::Wrong => self.wrongs.borrow_mut().remember(digest),
            Ruling::Failed => {}
        }
        for waiting in self.turns.borrow_mut().take(&digest) {
            if ruling == Ruling::Wrong {
                // Now, not when the waiting task runs: the address's next turn depends on it.
                self.count_wrong(waiting.address, digest);
            }
            waiting.more.ruling.set(Some(ruling));
            waiting.more.ruled.notify(usize::MAX);
        }
    }

    /// Keyed as in RFC 2104, but without the padding, which a digest inside a digest does not need. Both user
    /// names are one, as they share a password.
    fn digest(&self, credentials: &Credentials) -> Digest {
        let keyed =
            || self.key.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part.to_ne_bytes()));
        let user = Some(credentials.username()).filter(|user| !USERS.contains(user));
        let inner = keyed()
            .chain_update(user.unwrap_or_default().len().to_ne_bytes())
            .chain_update(user.unwrap_or_default())
            .chain_update(credentials.password())
            .finalize();
        keyed().chain_update(inner).finalize().into()
    }
}

async fn check(hash: &PasswordHash, password: String) -> Ruling {
    let hash = hash.clone();
    match CHECKS.run(move || hash.is_of(&password)).await {
        Ok(is_right) => Ruling::of(is_right),
        Err(error) => {
            log::error!("a password cannot be checked: {error}");
            Ruling::Failed
        }
    }
}

impl Ruling {
    const fn of(is_right: bool) -> Self {
        if is_right { Self::Right } else { Self::Wrong }
    }
}

/// A place in the queue; freed with the connection.
struct Place<'a> {
    guard: &'a Guard,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.guard.turns.borrow_mut().leave(self.id);
        self.guard.change.notify(1);
        // It may have been called to lead.
        self.guard.call_leader();
    }
}

/// Leads; another takes over when this one has had its turn or hung up.
struct Led<'a>(&'a Guard);

impl Drop for Led<'_> {
    fn drop(&mut self) {
        self.0.is_led.set(false);
        self.0.call_leader();
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
mod tests;
