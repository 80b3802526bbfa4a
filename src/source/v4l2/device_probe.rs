//! Queries nodes one after another and skips those that hang.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::{Event, listener};
use futures_lite::future::or;

use crate::clock::Clock;
use crate::offload::BlockingPool;

/// A node that has not answered within this time is skipped. uvcvideo gives a camera 5 s.
const ANSWER_MAX: Duration = Duration::from_secs(6);

/// Concurrent queries: the current one, and those that hang.
static NODES: BlockingPool = BlockingPool::new("ask a device", 16);

/// A node's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// It answered.
    Said(T),
    /// It has not answered.
    Hangs,
}

/// Remembers which nodes were asked and have not answered.
#[derive(Debug, Default)]
pub struct DeviceProbe {
    /// Nodes with a query under way, and whether they were skipped.
    asked: Mutex<BTreeMap<PathBuf, bool>>,
    /// A skipped node has answered, and `late_answer` has not returned for it yet.
    is_late: AtomicBool,
    late: Event,
}

impl DeviceProbe {
    /// Queries each node. A skipped one is not queried again before it has answered.
    pub async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        nodes: &[PathBuf],
        clock: &Clock,
        ask: impl Fn(&Path) -> T + Clone + Send + 'static,
    ) -> Vec<Answer<T>> {
        let mut answers = Vec::with_capacity(nodes.len());
        for node in nodes {
            let Some(asked) = self.ask(node) else {
                answers.push(Answer::Hangs);
                continue;
            };
            let ask = ask.clone();
            let answer = async {
                match NODES.run(move || ask(&asked.node)).await {
                    Ok(answer) => Answer::Said(answer),
                    Err(error) => {
                        log::warn!("cannot query {}: {error}", node.display());
                        Answer::Hangs
                    }
                }
            };
            let too_late = async {
                clock.sleep(ANSWER_MAX).await;
                if let Some(is_passed_over) = self.asked().get_mut(node) {
                    *is_passed_over = true;
                    log::warn!("{}: no answer for {} s", node.display(), ANSWER_MAX.as_secs());
                }
                Answer::Hangs
            };
            answers.push(or(answer, too_late).await);
        }
        answers
    }

    /// Returns once a skipped node has answered.
    pub async fn late_answer(&self) {
        loop {
            listener!(self.late => late);
            if self.is_late.swap(false, Ordering::SeqCst) {
                return;
            }
            late.await;
        }
    }

    fn ask(self: &Arc<Self>, node: &Path) -> Option<Asked> {
        let mut asked = self.asked();
        if asked.contains_key(node) {
            return None;
        }
        asked.insert(node.to_owned(), false);
        Some(Asked { node: node.to_owned(), by: self.clone() })
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<PathBuf, bool>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A query under way; dropped with its answer.
struct Asked {
    node: PathBuf,
    by: Arc<DeviceProbe>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.by.asked().remove(&self.node) == Some(true) {
            self.by.is_late.store(true, Ordering::SeqCst);
            self.by.late.notify(usize::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures_lite::future::{poll_once, yield_now};

    #[test]
    fn a_node_that_hangs_is_skipped_until_it_answers() {
        let (clock, hand) = Clock::manual();
        let (release, held) = smol::channel::bounded::<()>(1);
        let calls = Arc::new(DeviceProbe::default());
        let nodes = ["/dev/video0", "/dev/video1", "/dev/video2"].map(PathBuf::from);
        let ask = move |node: &Path| {
            if node.ends_with("video1") {
                let _ = held.recv_blocking();
            }
            node.to_owned()
        };
        let said = |number: usize| Answer::Said(nodes[number].clone());
        smol::block_on(async {
            for _ in 0..2 {
                let mut calling = Box::pin(calls.call(&nodes, &clock, ask.clone()));
                // The second time the hanging node is not queried, so no time passes.
                let answers = loop {
                    match poll_once(&mut calling).await {
                        Some(answers) => break answers,
                        None if calls.asked().get(&nodes[1]) == Some(&false) => hand.advance(ANSWER_MAX),
                        None => yield_now().await,
                    }
                };
                assert_eq!(answers, [said(0), Answer::Hangs, said(2)]);
            }
            drop(release);
            calls.late_answer().await;
            assert_eq!(calls.call(&nodes, &clock, ask).await, [said(0), said(1), said(2)]);
        });
    }
}
