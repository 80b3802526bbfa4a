//! Turns: how much one task may do before the others run.
//!
//! One thread runs every connection and every camera's supervisor. A read or write that succeeds at once does
//! not suspend its task, so a client that sends request after request, or a camera that never pauses, would
//! keep that thread to itself. Three rules divide it:
//!
//! - A loop that reads, writes or publishes counts its operations with a [`Turn`] and yields when its
//!   turn is over.
//! - Clients whose next request arrives before the answer queue at a [`Turnstile`]: however many there
//!   are, one of their requests is served in each [`limits::PIPELINED_INTERVAL`].
//! - [`run`] ends a pass of the executor after [`limits::PASS_MAX`], so that sockets, timers, signals and
//!   the service manager's watchdog get attention even while tasks are always ready.

use futures_lite::future::{or, yield_now};
use smol::LocalExecutor;
use smol::lock::Mutex;

use crate::clock::{Clock, Monotonic};
use crate::limits;

/// Runs `main` together with the executor's tasks.
///
/// [`LocalExecutor::run`] does the same, but checks `main` and the sockets only after 200 tasks, however long
/// these take.
pub async fn run<T>(executor: &LocalExecutor<'_>, clock: &Clock, main: impl Future<Output = T>) -> T {
    let tasks = async {
        loop {
            executor.tick().await;
            let until = clock.now() + limits::PASS_MAX;
            let mut left = limits::PASS_TASKS_MAX;
            while left > 0 && clock.now() < until && executor.try_tick() {
                left -= 1;
            }
            yield_now().await;
        }
    };
    or(main, tasks).await
}

/// What a loop may do in one turn: [`limits::TURN_OPERATIONS_MAX`] operations, or what fits into
/// [`limits::TURN_MAX`].
#[derive(Debug)]
pub struct Turn {
    clock: Clock,
    until: Monotonic,
    operations_left: u32,
    waits: u64,
}

impl Turn {
    /// A turn that starts now.
    pub fn new(clock: &Clock) -> Self {
        let mut turn = Self { clock: clock.clone(), until: clock.now(), operations_left: 0, waits: 0 };
        turn.begin();
        turn
    }

    fn begin(&mut self) {
        self.until = self.clock.now() + limits::TURN_MAX;
        self.operations_left = limits::TURN_OPERATIONS_MAX;
    }

    /// Notes that the task has just waited, which let the others run: its next turn starts.
    pub fn waited(&mut self) {
        self.waits += 1;
        self.begin();
    }

    /// How often the task has waited for the other side.
    pub fn waits(&self) -> u64 {
        self.waits
    }

    /// Call before each operation that may succeed at once. Yields if the turn is over.
    pub async fn step(&mut self) {
        if self.operations_left == 0 || self.clock.now() >= self.until {
            yield_now().await;
            self.begin();
        }
        self.operations_left -= 1;
    }
}

/// Admits one of the queued tasks in each [`limits::PIPELINED_INTERVAL`].
#[derive(Debug, Default)]
pub struct Turnstile(Mutex<()>);

impl Turnstile {
    /// Queues for the next slot.
    pub async fn pass(&self, clock: &Clock) {
        // The lock goes to the first to ask once it is free: the next in the queue asks now.
        yield_now().await;
        let _place = self.0.lock().await;
        clock.sleep(limits::PIPELINED_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    /// The cost of one busy operation.
    const OPERATION: Duration = Duration::from_micros(100);

    #[test]
    fn a_turn_ends_by_time_or_by_operations() {
        let (clock, hand) = Clock::manual();
        let executor = LocalExecutor::new();
        let longest = Rc::new(Cell::new(0_u32));
        for cost in [Duration::ZERO, OPERATION] {
            let (clock, hand, done) = (clock.clone(), hand.clone(), longest.clone());
            let busy = executor.spawn(async move {
                let mut turn = Turn::new(&clock);
                for _ in 0..10_000 {
                    turn.step().await;
                    hand.advance(cost);
                    done.set(done.get() + 1);
                }
            });
            let mut seen = Vec::new();
            while executor.try_tick() {
                seen.push(longest.replace(0));
            }
            assert!(busy.is_finished());
            let most = match cost {
                Duration::ZERO => u128::from(limits::TURN_OPERATIONS_MAX),
                cost => limits::TURN_MAX.as_nanos().div_ceil(cost.as_nanos()),
            };
            assert_eq!(u128::from(*seen.iter().max().unwrap()), most, "{cost:?} an operation");
        }
    }

    #[test]
    fn waiting_starts_a_turn() {
        let (clock, hand) = Clock::manual();
        let mut turn = Turn::new(&clock);
        hand.advance(limits::TURN_MAX);
        turn.waited();
        assert!(smol::block_on(futures_lite::future::poll_once(turn.step())).is_some());
        assert_eq!(turn.waits(), 1);
        hand.advance(limits::TURN_MAX);
        assert!(smol::block_on(futures_lite::future::poll_once(turn.step())).is_none());
    }

    /// However many tasks are always busy, they cost the others one operation at a time, once per interval.
    #[test]
    fn tasks_at_the_turnstile_delay_the_others_by_one_operation_per_interval() {
        for hurried in [1, 32, 250] {
            let (clock, hand) = Clock::manual();
            let executor = LocalExecutor::new();
            let turnstile = Rc::new(Turnstile::default());
            let served = Rc::new(RefCell::new(vec![0_u32; hurried]));
            for number in 0..hurried {
                let (turnstile, served) = (turnstile.clone(), served.clone());
                let (clock, hand) = (clock.clone(), hand.clone());
                let serve = async move {
                    loop {
                        turnstile.pass(&clock).await;
                        hand.advance(OPERATION);
                        served.borrow_mut()[number] += 1;
                    }
                };
                executor.spawn(serve).detach();
            }
            let begin = clock.now();
            let mut longest = Duration::ZERO;
            smol::block_on(run(&executor, &clock, async {
                for _ in 0..hurried * 200 {
                    let before = clock.now();
                    yield_now().await;
                    longest = longest.max(clock.now().since(before));
                    hand.advance(OPERATION);
                }
            }));
            assert!((OPERATION..=OPERATION * 2).contains(&longest), "{hurried} in a hurry: {longest:?}");
            let served = served.borrow();
            let intervals = clock.now().since(begin).div_duration_f64(limits::PIPELINED_INTERVAL) as u32;
            let all: u32 = served.iter().sum();
            assert!((intervals / 2..=intervals).contains(&all), "{all} in {intervals} intervals");
            let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
            assert!(*least >= 1 && most - least <= 1, "{hurried}: {least} to {most} each");
        }
    }

    #[test]
    fn the_main_future_and_timers_run_despite_tasks_that_never_wait() {
        let (clock, hand) = Clock::manual();
        let executor = LocalExecutor::new();
        for _ in 0..40 {
            let (clock, hand) = (clock.clone(), hand.clone());
            let busy = async move {
                let mut turn = Turn::new(&clock);
                loop {
                    turn.step().await;
                    hand.advance(OPERATION);
                }
            };
            executor.spawn(busy).detach();
        }
        let mut longest = Duration::ZERO;
        smol::block_on(run(&executor, &clock, async {
            for _ in 0..100 {
                let before = clock.now();
                yield_now().await;
                longest = longest.max(clock.now().since(before));
            }
        }));
        // The last task of a pass may start just before its end.
        assert!(longest <= limits::PASS_MAX + limits::TURN_MAX * 2, "{longest:?}");
        assert!(longest >= OPERATION, "the tasks ran too");
    }
}
