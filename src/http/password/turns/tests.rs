//! The queue under attack, in simulated time.

use super::*;
use crate::limits::PASSWORD_WAIT_MAX;
use std::time::Duration;

const OWNER: &str = "192.0.2.1";

fn address(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from_bits(0xc633_6400 + number).into()
}

/// A number as a digest; 0 is the right password.
fn digest(number: u64) -> Digest {
    let mut digest = Digest::default();
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

struct World {
    turns: Turns<()>,
    wrongs: Wrongs,
    now: Monotonic,
    /// The duration of one check.
    check: Duration,
    passwords: u64,
    checked: u64,
}

impl World {
    fn new(check: Duration) -> Self {
        let now = Monotonic::since_zero(Duration::from_secs(1000));
        let (turns, wrongs) = (Turns::new(), Wrongs::default());
        Self { turns, wrongs, now, check, passwords: 0, checked: 0 }
    }

    /// An attacker's next password.
    fn attack(&mut self, from: IpAddr, is_known: bool) {
        self.passwords += 1;
        self.turns.enter(from, digest(self.passwords), is_known, ());
    }

    /// Proceeds to the end of the next check, or until nothing is due; returns whom it was for.
    fn step(&mut self) -> Option<Waiting<()>> {
        match self.turns.next(&self.wrongs, self.now) {
            Next::Turn(id) => {
                self.turns.begin(id, self.now);
                let digest = self.turns.get(id).unwrap().digest;
                self.now = self.now + self.check;
                self.checked += 1;
                let served = self.turns.take(&digest).remove(0);
                if digest != self::digest(0) {
                    self.wrongs.remember(digest);
                    self.wrongs.count(served.address, digest, self.now);
                }
                Some(served)
            }
            Next::At(moment) => {
                assert!(moment > self.now, "it would turn in a circle");
                self.now = moment;
                None
            }
            Next::Nothing => None,
        }
    }

    /// Attackers at these addresses hold a connection each, and send the next password at once, on it or on a
    /// new one. Returns how long an owner waits who arrives when they have been at it for a while.
    fn owner_waits(&mut self, attackers: &[IpAddr], owner: IpAddr, is_known: bool) -> Duration {
        for attacker in attackers {
            self.attack(*attacker, is_known && *attacker == owner);
        }
        for _ in 0..(attackers.len() * 10).min(1000) {
            if let Some(served) = self.step() {
                self.attack(served.address, served.is_known);
            }
        }
        let begin = self.now;
        self.turns.enter(owner, digest(0), is_known, ());
        loop {
            match self.step() {
                Some(served) if served.digest == digest(0) => return self.now.since(begin),
                Some(served) => self.attack(served.address, served.is_known),
                None => {}
            }
            assert!(self.now.since(begin) < Duration::from_hours(1), "the owner never gets a turn");
        }
    }
}

#[test]
fn the_right_password_has_its_turn_in_time_despite_other_tries() {
    let owner: IpAddr = OWNER.parse().unwrap();
    let (mut worst, check) = (Duration::ZERO, Duration::ZERO);
    for number in [1_u32, 2, 7, 31, 127, 255] {
        let at_owners: Vec<_> = (0..number).map(|_| owner).collect();
        let at_one: Vec<_> = (0..number).map(|_| address(1)).collect();
        let at_many: Vec<_> = (0..number).map(address).collect();
        let half: Vec<_> =
            (0..number).map(|number| if number % 2 == 0 { owner } else { address(number) }).collect();
        for attackers in [&at_owners, &at_one, &at_many, &half] {
            for is_known in [false, true] {
                let waited = World::new(check).owner_waits(attackers, owner, is_known);
                assert!(waited <= PASSWORD_WAIT_MAX, "{number} attackers: {waited:?}");
                worst = worst.max(waited);
            }
        }
        // Ten seconds of one attacker cost an owner at another address no more than a turn.
        let waited = World::new(check).owner_waits(&at_one, owner, false);
        assert!(waited < Duration::from_secs(11), "{number}: {waited:?}");
    }
    println!("longest wait of a right password: {worst:?}");
}

/// A check takes half a second, and there was no login since the start.
#[test]
fn a_known_address_does_not_wait_for_others_checks() {
    let owner: IpAddr = OWNER.parse().unwrap();
    let check = Duration::from_millis(500);
    let many: Vec<_> = (0..255).map(address).collect();
    let known = World::new(check).owner_waits(&many, owner, true);
    assert!(known <= 3 * check, "{known:?}");
    let unknown = World::new(check).owner_waits(&many, owner, false);
    assert!(unknown <= 257 * check, "each of the others had one check: {unknown:?}");
    // With known addresses only, strangers still get turns in between.
    let mut world = World::new(check);
    for _ in 0..50 {
        world.attack(address(1), true);
    }
    let stranger = world.owner_waits(&[], owner, false);
    assert!(stranger <= 2 * check, "{stranger:?}");
}

#[test]
fn guesses_of_one_address_are_slow() {
    for connections in [1, 4, 128] {
        let mut world = World::new(Duration::ZERO);
        for _ in 0..connections {
            world.attack(address(1), false);
        }
        let begin = world.now;
        while world.now.since(begin) < Duration::from_hours(1) {
            if let Some(served) = world.step() {
                world.attack(served.address, false);
            }
        }
        let per_second = world.checked as f64 / 3600.0;
        println!("{connections} connections: {per_second:.2} guesses a second");
        let allowed = (f64::from(connections) / 10.0).max(1.0 / 8.0) * 1.1;
        assert!(per_second <= allowed, "{connections}: {per_second}");
    }
}

#[test]
fn leaving_frees_the_place_and_equal_passwords_are_checked_once() {
    let mut world = World::new(Duration::ZERO);
    let here = address(1);
    let first = world.turns.enter(here, digest(1), false, ());
    world.turns.enter(here, digest(2), false, ());
    world.turns.enter(address(2), digest(2), false, ());
    world.turns.leave(first);
    world.turns.leave(first);
    assert_eq!((world.turns.len(), world.turns.first().map(|it| it.digest)), (2, Some(digest(2))));
    assert_eq!(world.turns.take(&digest(2)).len(), 2);
    assert!(world.turns.by_address.is_empty());
    assert_eq!(world.turns.next(&world.wrongs, world.now), Next::Nothing);
}
