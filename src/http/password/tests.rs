use super::*;
use crate::clock::Hand;
use crate::limits::{PASSWORD_FREE_TRIES, PASSWORD_WAIT_MAX};
use futures_lite::future::poll_once;
use smol::block_on;

/// One or two turns.
const A_TURN: Duration = Duration::from_millis(200);

const HERE: &str = "192.0.2.1";
const THERE: &str = "192.0.2.2";

fn guard() -> (Guard, Hand) {
    let (clock, hand) = Clock::manual();
    let hash = PasswordHash::of_cheaply("right");
    (Guard::with_known(Some(hash), clock, Known::default()), hand)
}

/// One request on its own connection, with as much time as it needs; also returns how long it took.
fn timed(guard: &Guard, hand: &Hand, username: &str, password: &str, address: &str) -> (Verdict, Duration) {
    timed_beside(std::future::pending(), guard, hand, username, password, address)
}

/// Like [`timed`], while `others` proceed: one of them may be the leader.
fn timed_beside(
    others: impl Future<Output = (Verdict, Duration)>,
    guard: &Guard,
    hand: &Hand,
    username: &str,
    password: &str,
    address: &str,
) -> (Verdict, Duration) {
    let begin = guard.clock.now();
    let credentials = Credentials::new(username, password);
    let proof = Proof::default();
    let admitted = guard.admit(Some(&credentials), address.parse().unwrap(), &proof);
    let admitted = async { (admitted.await, guard.clock.now().since(begin)) };
    block_on(or(or(admitted, others), async {
        loop {
            // A check runs on a thread: time passes only while the guard waits for time. During the check it
            // does, until the next turn could begin, so each check may cost one turn.
            let due = guard.turns.borrow().next(&guard.wrongs.borrow(), guard.clock.now());
            if let Next::At(moment) = due {
                hand.advance(moment.since(guard.clock.now()));
            }
            futures_lite::future::yield_now().await;
        }
    }))
}

fn admit(guard: &Guard, hand: &Hand, username: &str, password: &str, address: &str) -> Verdict {
    timed(guard, hand, username, password, address).0
}

#[test]
fn names_and_passwords() {
    let (guard, hand) = guard();
    let proof = Proof::default();
    assert_eq!(block_on(guard.admit(None, HERE.parse().unwrap(), &proof)), Verdict::Who);
    let admit = |username: &str, password: &str| admit(&guard, &hand, username, password, HERE);
    assert_eq!(admit("viewer", "wrong"), Verdict::Wrong);
    assert_eq!(admit("root", "right"), Verdict::Wrong);
    assert_eq!(admit("viewer", "right"), Verdict::Welcome);
    assert_eq!(admit("admin", "right"), Verdict::Welcome);
    assert_eq!(admit("root", "right"), Verdict::Wrong, "also when the password is known");
    assert_eq!(admit("admin", "wrong"), Verdict::Wrong);
    assert_eq!(admit("admin", &"x".repeat(PASSWORD_MAX_BYTES + 1)), Verdict::Wrong);
    let open = Guard::with_known(None, Clock::manual().0, Known::default());
    assert_eq!(block_on(open.admit(None, HERE.parse().unwrap(), &proof)), Verdict::Welcome);
}

#[test]
fn a_forgotten_client_with_the_old_password_slows_down_no_other() {
    let (guard, hand) = guard();
    let (verdict, waited) = timed(&guard, &hand, "admin", "old", HERE);
    assert!(verdict == Verdict::Wrong && waited < A_TURN, "{verdict:?} after {waited:?}");
    for _ in 0..1000 {
        assert_eq!(timed(&guard, &hand, "admin", "old", HERE), (Verdict::Wrong, Duration::ZERO));
    }
    let (verdict, waited) = timed(&guard, &hand, "admin", "right", HERE);
    assert!(verdict == Verdict::Welcome && waited < A_TURN, "{verdict:?} after {waited:?}");
}

#[test]
fn the_right_password_is_never_refused_and_never_answered_sooner_than_a_wrong_one() {
    for has_logged_in in [false, true] {
        let (guard, hand) = guard();
        if has_logged_in {
            assert_eq!(admit(&guard, &hand, "admin", "right", THERE), Verdict::Welcome);
        }
        for number in 0..PASSWORD_FREE_TRIES {
            assert_eq!(admit(&guard, &hand, "admin", &format!("guess {number}"), HERE), Verdict::Wrong);
        }
        // Both wait for the same second.
        let (wrong, wrong_took) = timed(&guard, &hand, "admin", "one more", HERE);
        let (right, right_took) = timed(&guard, &hand, "admin", "right", HERE);
        assert_eq!((wrong, right), (Verdict::Wrong, Verdict::Welcome));
        assert!(
            wrong_took >= Duration::from_secs(1) && right_took + A_TURN >= wrong_took,
            "{wrong_took:?} {right_took:?}"
        );
        // Alone, with no guesses meanwhile, the next connection does not wait.
        let (again, again_took) = timed(&guard, &hand, "admin", "right", HERE);
        assert!(again == Verdict::Welcome && again_took < A_TURN, "{again_took:?}");
        // And others never did.
        let (other, other_took) = timed(&guard, &hand, "admin", "right", THERE);
        assert!(other == Verdict::Welcome && other_took < A_TURN, "{other_took:?}");
    }
}

#[test]
fn a_connection_that_has_shown_the_password_does_not_wait() {
    let (guard, hand) = guard();
    let (proof, address) = (Proof::default(), HERE.parse().unwrap());
    let right = Credentials::new("admin", "right");
    assert_eq!(block_on(guard.admit(Some(&right), address, &proof)), Verdict::Welcome);
    for number in 0..20 {
        admit(&guard, &hand, "admin", &format!("guess {number}"), HERE);
    }
    let now = |credentials: &Credentials, proof: &Proof| {
        block_on(poll_once(guard.admit(Some(credentials), address, proof)))
    };
    assert_eq!(now(&right, &proof), Some(Verdict::Welcome));
    assert_eq!(now(&right, &Proof::default()), None, "another connection waits");
    let other =
        block_on(poll_once(guard.admit(Some(&Credentials::new("admin", "guess y")), address, &proof)));
    assert_eq!(other, None);
    assert_eq!(now(&Credentials::new("admin", "guess x"), &proof), None, "so does another password");
    assert_eq!(guard.turns.borrow().len(), 0, "who hangs up gives the place up");
}

/// 63 connections from one address guess without pause, before and after the owner logs in.
#[test]
fn the_owner_gets_in_despite_attackers_at_the_same_address() {
    for has_logged_in in [false, true] {
        let (guard, hand) = guard();
        if has_logged_in {
            assert_eq!(admit(&guard, &hand, "admin", "right", THERE), Verdict::Welcome);
        }
        let guard = Rc::new(guard);
        let executor = smol::LocalExecutor::new();
        for attacker in 0..63 {
            let guard = guard.clone();
            executor
                .spawn(async move {
                    for number in 0.. {
                        let guess = Credentials::new("admin", format!("guess {attacker} {number}"));
                        let verdict =
                            guard.admit(Some(&guess), HERE.parse().unwrap(), &Proof::default()).await;
                        assert_eq!(verdict, Verdict::Wrong);
                    }
                })
                .detach();
        }
        let owner = async {
            guard.clock.sleep(Duration::from_secs(30)).await;
            let begin = guard.clock.now();
            let right = Credentials::new("viewer", "right");
            let verdict = guard.admit(Some(&right), HERE.parse().unwrap(), &Proof::default()).await;
            (verdict, guard.clock.now().since(begin))
        };
        let time = async {
            loop {
                let due = guard.turns.borrow().next(&guard.wrongs.borrow(), guard.clock.now());
                if !matches!(due, Next::Turn(_)) {
                    hand.advance(Duration::from_millis(20));
                }
                futures_lite::future::yield_now().await;
            }
        };
        let (verdict, waited) = block_on(executor.run(or(owner, time)));
        assert_eq!(verdict, Verdict::Welcome);
        assert!(waited <= PASSWORD_WAIT_MAX, "{waited:?}");
    }
}

/// The leader hangs up, and so does its successor.
#[test]
fn turns_continue_when_a_client_hangs_up() {
    let (guard, hand) = guard();
    for number in 0..PASSWORD_FREE_TRIES {
        admit(&guard, &hand, "admin", &format!("try {number}"), HERE);
    }
    let credentials: Vec<_> = (0..4)
        .map(|number| (Credentials::new("admin", format!("guess {number}")), Proof::default()))
        .collect();
    let mut waiting: Vec<_> = credentials
        .iter()
        .map(|(guess, proof)| Box::pin(guard.admit(Some(guess), HERE.parse().unwrap(), proof)))
        .collect();
    let right = Credentials::new("admin", "right");
    let proof = Proof::default();
    let mut owner = Box::pin(guard.admit(Some(&right), HERE.parse().unwrap(), &proof));
    block_on(async {
        for one in &mut waiting {
            assert_eq!(poll_once(one).await, None);
        }
        assert_eq!(poll_once(&mut owner).await, None);
        // The first one leads; the others have been polled, and wait to be called.
        drop(waiting);
        let time = async {
            loop {
                hand.advance(Duration::from_millis(20));
                futures_lite::future::yield_now().await;
            }
        };
        assert_eq!(or(owner, time).await, Verdict::Welcome);
    });
}

#[test]
fn an_address_that_logged_in_before_a_restart_goes_first() {
    let folder = std::env::temp_dir().join(format!("pinhole-restart-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let start = || {
        let (clock, hand) = Clock::manual();
        let hash = PasswordHash::of_cheaply("right");
        (Guard::with_known(Some(hash), clock, Known::at(Some(&folder))), hand)
    };
    let (before, hand) = start();
    assert_eq!(admit(&before, &hand, "admin", "right", HERE), Verdict::Welcome);
    drop(before);
    let (after, hand) = start();
    // Others are there first, and none has had a turn.
    let guesses: Vec<_> = (0..50)
        .map(|number| (Credentials::new("admin", format!("guess {number}")), Proof::default()))
        .collect();
    let mut waiting: Vec<_> = guesses
        .iter()
        .enumerate()
        .map(|(number, (guess, proof))| {
            let address = std::net::Ipv4Addr::from_bits(0xc633_6400 + number as u32).into();
            Box::pin(after.admit(Some(guess), address, proof))
        })
        .collect();
    block_on(async {
        for one in &mut waiting {
            // The first check may be done by then.
            let _ = poll_once(one).await;
        }
    });
    drop(waiting.remove(0));
    let executor = smol::LocalExecutor::new();
    let _others: Vec<_> = waiting.into_iter().map(|one| executor.spawn(one)).collect();
    let others = executor.run(std::future::pending());
    let (verdict, waited) = timed_beside(others, &after, &hand, "admin", "right", HERE);
    assert_eq!(verdict, Verdict::Welcome);
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    let stored: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(stored.len(), 1);
    assert_eq!(std::fs::read_to_string(&stored[0]).unwrap(), format!("{HERE}\n"), "nothing of the password");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn authorization_headers_of_browsers() {
    assert_eq!(basic("Basic YWRtaW46YTpi"), Some(Credentials::new("admin", "a:b")));
    assert_eq!(basic("basic  dmlld2VyOsO8"), Some(Credentials::new("viewer", "ü")));
    for other in ["", "Basic", "Basic ???", "Bearer YWRtaW46YTpi", "Basic YWRtaW4=", "Basic //8="] {
        assert_eq!(basic(other), None, "{other}");
    }
}
