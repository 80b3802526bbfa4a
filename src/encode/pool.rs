//! Encoder threads, for pictures that take longer to encode than the camera's picture interval.
//!
//! A picture goes to an idle thread or is dropped: nothing queues, so no picture is later than the time of
//! its own encoding. Encoded pictures are delivered in the order of capture.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::Encoded;
use super::alter::AlterError;
use crate::frame::{BufferPool, FrameBuffer};

/// Encodes the bytes of one captured buffer; returns width and height.
pub type Encode = Box<dyn FnMut(&[u8], &mut FrameBuffer) -> Result<(usize, usize), AlterError> + Send>;

/// Takes what was encoded, or why it was not, with what was handed in beside the bytes.
pub type Deliver<T> = Arc<dyn Fn(Result<Encoded, AlterError>, T) + Send + Sync>;

/// Threads that encode pictures in parallel. `T` accompanies each picture to its delivery.
pub struct EncoderPool<T> {
    shared: Arc<Shared<T>>,
    threads: Vec<JoinHandle<()>>,
    handed_in: u64,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// Pictures for idle threads to take: never more than there are such threads.
    jobs: VecDeque<Job<T>>,
    idle: usize,
    /// The number of the next picture to deliver.
    turn: u64,
    closed: bool,
    /// Memory of finished pictures.
    spare: Vec<Vec<u8>>,
}

struct Job<T> {
    number: u64,
    bytes: Vec<u8>,
    with: T,
}

impl<T: Send + 'static> EncoderPool<T> {
    /// Starts a thread for each of `encoders`.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(encoders: Vec<Encode>, pool: &BufferPool, deliver: &Deliver<T>) -> std::io::Result<Self> {
        let state =
            State { jobs: VecDeque::new(), idle: encoders.len(), turn: 0, closed: false, spare: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mut started = Self { shared, threads: Vec::new(), handed_in: 0 };
        for encode in encoders {
            let (shared, pool, deliver) = (started.shared.clone(), pool.clone(), deliver.clone());
            let thread = std::thread::Builder::new().name("encode".to_owned());
            started.threads.push(thread.spawn(move || work(&shared, encode, &pool, &deliver))?);
        }
        Ok(started)
    }

    /// Gives a copy of a picture to an idle thread; false if none is idle.
    pub fn hand_in(&mut self, bytes: &[u8], with: T) -> bool {
        let mut state = self.shared.lock();
        if state.idle == 0 {
            return false;
        }
        state.idle -= 1;
        let mut copy = state.spare.pop().unwrap_or_default();
        drop(state);
        // The driver needs its buffer back before the picture is encoded.
        copy.clear();
        copy.extend_from_slice(bytes);
        let mut state = self.shared.lock();
        state.jobs.push_back(Job { number: self.handed_in, bytes: copy, with });
        self.handed_in += 1;
        drop(state);
        self.shared.changed.notify_all();
        true
    }
}

impl<T> Drop for EncoderPool<T> {
    /// Waits for the pictures being encoded.
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("an encoder thread ended in a panic");
            }
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next picture; `None` once the pool is closed.
    fn next_job(&self) -> Option<Job<T>> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.wait(state);
        }
    }
}

fn work<T>(shared: &Shared<T>, mut encode: Encode, pool: &BufferPool, deliver: &Deliver<T>) {
    while let Some(Job { number, bytes, with }) = shared.next_job() {
        let mut out = pool.take();
        let result = encode(&bytes, &mut out).map(|size| (out, size));
        let mut state = shared.lock();
        while state.turn != number {
            state = shared.wait(state);
        }
        // Under the lock, so that the next picture cannot overtake.
        deliver(result, with);
        state.turn += 1;
        state.idle += 1;
        state.spare.push(bytes);
        drop(state);
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn pictures_are_encoded_in_parallel_delivered_in_order_and_never_queued() {
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let to = delivered.clone();
        let deliver: Deliver<u32> = Arc::new(move |result: Result<Encoded, AlterError>, with| {
            to.lock().unwrap().push((result.is_ok_and(|(jpeg, _)| &*jpeg == b"picture"), with));
        });
        // Each thread finishes only when both threads and the test have reached the barrier.
        let barrier = Arc::new(Barrier::new(3));
        let encoder = || -> Encode {
            let barrier = barrier.clone();
            Box::new(move |bytes, out| {
                barrier.wait();
                out.extend_from_slice(bytes);
                Ok((1, 1))
            })
        };
        let mut encoders =
            EncoderPool::start(vec![encoder(), encoder()], &BufferPool::default(), &deliver).unwrap();
        for round in 0..50 {
            for number in [2 * round, 2 * round + 1] {
                // The threads of the previous round may not be idle yet.
                while !encoders.hand_in(b"picture", number) {
                    std::thread::yield_now();
                }
            }
            assert!(!encoders.hand_in(b"picture", 999), "both are busy");
            barrier.wait();
        }
        drop(encoders);
        let expected: Vec<_> = (0..100).map(|number| (true, number)).collect();
        assert_eq!(*delivered.lock().unwrap(), expected);
    }
}
