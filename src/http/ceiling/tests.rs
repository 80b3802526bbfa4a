use super::*;
use crate::clock::Hand;
use crate::config::PasswordHash;
use futures_lite::future::{block_on, poll_once};
use std::time::Duration;

struct Scene {
    ceiling: Rc<Ceiling>,
    hand: Hand,
}

/// A ceiling with the default of 256 places, 128 for each address.
fn scene(asks_password: bool) -> Scene {
    small(256, 128, asks_password)
}

fn small(max: usize, per_address_max: usize, asks_password: bool) -> Scene {
    let (clock, hand) = Clock::manual();
    let password_hash = asks_password.then(|| PasswordHash::of_cheaply("right"));
    let config = config::Http {
        connections_max: max,
        connections_per_address_max: per_address_max,
        password_hash,
        ..config::Http::default()
    };
    let limits = Limits::of(&config);
    Scene { ceiling: Ceiling::new(limits, clock, Arc::default()), hand }
}

impl Scene {
    fn enter(&self, address: &str) -> Result<Place, String> {
        let place = self.ceiling.enter(address.parse().unwrap(), false);
        self.hand.advance(Duration::from_millis(1));
        place
    }

    fn fill(&self, address: &str, count: usize) -> Vec<Place> {
        (0..count).map(|_| self.enter(address).unwrap()).collect()
    }

    fn streams(&self, address: &str, count: usize) -> Vec<Place> {
        let open = |_| {
            let place = self.enter(address).unwrap();
            place.begin_stream().unwrap();
            place
        };
        (0..count).map(open).collect()
    }

    fn known(&self, address: &str, count: usize) -> Vec<Place> {
        let open = |_| {
            let place = self.enter(address).unwrap();
            place.show_password().unwrap();
            place
        };
        (0..count).map(open).collect()
    }

    fn count(&self) -> usize {
        self.ceiling.places.borrow().taken.len()
    }
}

fn is_gone(place: &Place) -> bool {
    block_on(poll_once(place.evicted())).is_some()
}

fn left(places: &[Place]) -> usize {
    places.iter().filter(|place| !is_gone(place)).count()
}

const GUEST: &str = "192.0.2.99";

#[test]
fn places_are_bounded_overall_and_by_address() {
    let scene = small(4, 2, false);
    let held = scene.streams("192.0.2.1", 1);
    let _second = scene.streams("::ffff:192.0.2.1", 1);
    assert!(scene.enter("192.0.2.1").unwrap_err().contains("one address"));
    drop(held);
    let _third = scene.streams("192.0.2.1", 1);
    let _v6 = scene.streams("2001:db8::1", 1);
    let _other_of_the_64 = scene.streams("2001:db8::2", 1);
    assert_eq!(scene.count(), 4);
    assert!(scene.enter("192.0.2.1").unwrap_err().contains("one address"));
    assert!(scene.enter("2001:db8::3").unwrap_err().contains("one address"));
}

#[test]
fn this_machine_has_no_limit_of_its_own() {
    let scene = small(9, 1, false);
    let places = scene.streams("127.0.0.1", 9);
    assert!(scene.enter("127.0.0.1").unwrap_err().contains("all 9"));
    drop(places);
    assert_eq!((scene.count(), scene.ceiling.places.borrow().counted()), (0, (0, 0)));
}

#[test]
fn issue_10_number_3_idle_connections_of_both_families_shut_out_no_client() {
    for asks_password in [false, true] {
        let scene = scene(asks_password);
        let v4 = scene.fill("192.0.2.1", 128);
        let v6 = scene.fill("fe80::1", 128);
        let guest = scene.enter(GUEST).unwrap();
        assert_eq!((scene.count(), left(&v4), left(&v6)), (256, 127, 128), "the oldest of the oldest");
        assert!(is_gone(&v4[0]));
        // Its neighbours on the same link get in, too.
        let neighbour = scene.enter("fe80::2").unwrap();
        assert_eq!(left(&v6), 127);
        assert!(!is_gone(&guest) && !is_gone(&neighbour));
    }
}

#[test]
fn issue_10_number_3_a_request_every_8_s_keeps_no_place() {
    let scene = scene(true);
    let attackers = [scene.fill("192.0.2.1", 128), scene.fill("fe80::1", 128)].concat_all();
    for _ in 0..10 {
        for place in &attackers {
            place.begin_answer(if is_v6(place) { "fe80::1" } else { "192.0.2.1" }.parse().unwrap()).unwrap();
            place.end_answer();
        }
        scene.hand.advance(Duration::from_secs(8));
        let guest = scene.enter(GUEST).unwrap();
        assert_eq!(scene.count(), 256);
        drop(guest);
    }
}

#[test]
fn issue_10_number_3_reconnecting_takes_no_place_from_addresses_with_fewer() {
    let scene = scene(false);
    let mut v4 = scene.fill("192.0.2.1", 128);
    let mut v6 = scene.fill("fe80::1", 128);
    let guest = scene.enter(GUEST).unwrap();
    for _ in 0..1000 {
        v4.extend(scene.enter("192.0.2.1"));
        v6.extend(scene.enter("fe80::1"));
    }
    assert!(!is_gone(&guest), "it had no chance yet to send its request");
    guest.begin_answer(GUEST.parse().unwrap()).unwrap();
    for _ in 0..4000 {
        v4.extend(scene.enter("192.0.2.1"));
        v6.extend(scene.enter("fe80::1"));
    }
    assert!(!is_gone(&guest), "nor to be answered");
    guest.begin_stream().unwrap();
    scene.hand.advance(Duration::from_mins(10));
    for _ in 0..1000 {
        v4.extend(scene.enter("192.0.2.1"));
        v6.extend(scene.enter("fe80::1"));
    }
    assert!(!is_gone(&guest), "a stream stays");
}

#[test]
fn issue_10_number_3_streams_of_one_neighbour_give_way_to_others() {
    let scene = scene(false);
    let v4 = scene.streams("192.0.2.1", 128);
    let v6 = scene.streams("fe80::1", 128);
    let mut guests = Vec::new();
    for n in 2..=41 {
        guests.extend(scene.streams(&format!("192.0.2.{n}"), 1));
        guests.extend(scene.streams(&format!("fe80::{n}"), 1));
    }
    assert_eq!((left(&guests), left(&v4) + left(&v6), scene.count()), (80, 176, 256));
    assert!(!is_gone(&v4[0]) && is_gone(&v4[127]), "the newest go");
    assert!(scene.enter("192.0.2.1").is_err(), "and do not come back");
    assert!(scene.enter("fe80::1").is_err());
}

#[test]
fn a_browser_that_opens_several_connections_keeps_them() {
    let scene = scene(false);
    let _crowd = [scene.streams("192.0.2.1", 128), scene.streams("fe80::1", 128)];
    let browser = scene.fill(GUEST, 6);
    assert_eq!(left(&browser), 6);
}

#[test]
fn viewers_with_one_stream_each_do_not_push_each_other_out() {
    let scene = small(3, 3, false);
    let viewers: Vec<_> = (1..=3).flat_map(|n| scene.streams(&format!("192.0.2.{n}"), 1)).collect();
    assert!(scene.enter(GUEST).unwrap_err().contains("all 3 connections are taken"));
    assert_eq!(left(&viewers), 3);
    // Nor does an address with two push out one of two.
    let scene = small(4, 3, false);
    let viewers = [scene.streams("192.0.2.1", 2), scene.streams("192.0.2.2", 2)].concat_all();
    assert!(scene.enter("192.0.2.2").is_err());
    let _one = scene.streams(GUEST, 1);
    assert!(scene.enter(GUEST).is_err(), "two for 1, one each for 2 and 99");
    assert_eq!(left(&viewers), 3);
}

#[test]
fn many_addresses_of_one_network_count_as_one() {
    let scene = scene(false);
    let many: Vec<_> = (1..=128).flat_map(|n| scene.streams(&format!("2001:db8::{n:x}"), 1)).collect();
    let v4 = scene.streams("192.0.2.1", 128);
    let guests = scene.streams(GUEST, 80);
    assert_eq!((left(&guests), left(&many) + left(&v4)), (80, 176));
    // Within the network, an address with many gives way to its neighbours.
    let scene = small(256, 128, false);
    let one = scene.streams("2001:db8::1", 128);
    let neighbours: Vec<_> = (2..=64).flat_map(|n| scene.streams(&format!("2001:db8::{n:x}"), 1)).collect();
    assert_eq!((left(&one), left(&neighbours), scene.count()), (65, 63, 128));
}

#[test]
fn resting_places_go_before_answered_ones_and_both_before_streams() {
    let scene = small(3, 3, false);
    let (stream, answered, resting) = (scene.streams(GUEST, 1), scene.fill(GUEST, 1), scene.fill(GUEST, 1));
    answered[0].begin_answer(GUEST.parse().unwrap()).unwrap();
    let first = scene.enter(GUEST).unwrap();
    assert!(is_gone(&resting[0]) && !is_gone(&answered[0]));
    first.begin_answer(GUEST.parse().unwrap()).unwrap();
    let _second = scene.enter(GUEST).unwrap();
    assert!(is_gone(&answered[0]) && !is_gone(&stream[0]), "an answer that is not read is no excuse");
}

#[test]
fn clients_that_have_shown_the_password_keep_their_places() {
    let scene = scene(true);
    let known = scene.known("192.0.2.1", 100);
    let more = scene.known("192.0.2.2", 128);
    let attackers = scene.fill("fe80::1", 128);
    assert_eq!((left(&known) + left(&more), left(&attackers), scene.count()), (228, 28, 256));
    // Among them, places are shared like without a password.
    known.iter().chain(&more).for_each(|place| place.begin_stream().unwrap());
    let mut guests = Vec::new();
    for _ in 0..30 {
        guests.extend(scene.known(GUEST, 1));
        guests.last().unwrap().begin_stream().unwrap();
    }
    let held = left(&known) + left(&more) + left(&guests);
    assert_eq!((held, left(&guests)), (240, 30), "16 are kept for those who have yet to show it");
    assert!(scene.enter("198.51.100.1").is_ok());
}

#[test]
fn showing_the_password_when_all_places_are_held_takes_a_resting_one() {
    let scene = small(8, 8, true);
    let known = scene.known("192.0.2.1", 7);
    known[1..].iter().for_each(|place| place.begin_stream().unwrap());
    let guest = scene.enter("192.0.2.1").unwrap();
    guest.show_password().unwrap();
    assert!(is_gone(&known[0]));
    guest.begin_stream().unwrap();
    let last = scene.enter("192.0.2.1").unwrap();
    assert_eq!(last.show_password().unwrap_err(), "all 7 connections are taken");
    assert!(scene.enter(GUEST).is_ok() && is_gone(&last), "who was refused holds nothing");
}

#[test]
fn a_proxys_connections_count_for_its_clients() {
    let scene = small(10, 2, false);
    let proxy: IpAddr = "10.0.0.1".parse().unwrap();
    let places: Vec<_> = (0..5).map(|_| scene.ceiling.enter(proxy, true).unwrap()).collect();
    let client = |place: &Place, address: &str| place.begin_answer(address.parse().unwrap());
    for (n, place) in places[..4].iter().enumerate() {
        client(place, if n < 2 { "192.0.2.1" } else { "192.0.2.2" }).unwrap();
        place.begin_stream().unwrap();
    }
    assert!(client(&places[4], "192.0.2.1").unwrap_err().contains("one address"));
    client(&places[4], "192.0.2.3").unwrap();
    assert_eq!(scene.ceiling.places.borrow().in_network("192.0.2.1".parse().unwrap()), 2);
    drop(places);
    assert_eq!(scene.ceiling.places.borrow().counted(), (0, 0));
}

#[test]
fn evictions_are_counted() {
    let scene = small(1, 1, false);
    let _places: Vec<_> = (1..=5).map(|n| scene.enter(&format!("192.0.2.{n}")).unwrap()).collect();
    assert_eq!(scene.ceiling.log.borrow().unlogged, 3, "one line a second");
}

fn is_v6(place: &Place) -> bool {
    place.ceiling.places.borrow().taken.get(&place.number).is_some_and(|taken| taken.address.is_ipv6())
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Place>;
}

impl ConcatAll for [Vec<Place>; 2] {
    fn concat_all(self) -> Vec<Place> {
        self.into_iter().flatten().collect()
    }
}
