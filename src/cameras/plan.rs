//! What a supervisor is to keep going, which may change while it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use event_listener::{Event, listener};

use crate::config::Picture;
use crate::source::Source;
use crate::source::publisher::Publisher;

/// The source of one camera and what pictures to ask it for.
#[derive(Debug)]
pub struct Plan {
    current: Mutex<Current>,
    /// The source was replaced.
    replaced: Event,
}

#[derive(Debug)]
struct Current {
    source: Arc<Source>,
    picture: Picture,
    /// Counts the sources.
    version: u64,
    /// Of the source that is open.
    publisher: Weak<Publisher>,
}

impl Plan {
    /// A plan with its first source.
    pub fn new(source: Source, picture: Picture) -> Arc<Self> {
        let current = Current { source: Arc::new(source), picture, version: 0, publisher: Weak::new() };
        Arc::new(Self { current: Mutex::new(current), replaced: Event::new() })
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The source, and its number.
    pub fn source(&self) -> (Arc<Source>, u64) {
        let current = self.current();
        (current.source.clone(), current.version)
    }

    /// What to ask for.
    pub fn picture(&self) -> Picture {
        self.current().picture.clone()
    }

    /// Notes who publishes, so that later changes reach the open source.
    pub fn opened(&self, publisher: &Arc<Publisher>) {
        let mut current = self.current();
        current.publisher = Arc::downgrade(publisher);
        // It may have changed since the publisher was made.
        publisher.change(&current.picture);
    }

    /// Changes what an open source need not be opened anew for: quality and rate.
    pub fn change(&self, picture: Picture) {
        let mut current = self.current();
        if let Some(publisher) = current.publisher.upgrade() {
            publisher.change(&picture);
        }
        current.picture = picture;
    }

    /// Puts another source in the place of this one, which is then closed.
    pub fn replace(&self, source: Source, picture: Picture) {
        let mut current = self.current();
        (current.source, current.picture) = (Arc::new(source), picture);
        current.version += 1;
        drop(current);
        self.replaced.notify(usize::MAX);
    }

    /// Returns once the source is another than the one of this number.
    pub async fn replaced(&self, version: u64) {
        while self.current().version == version {
            listener!(self.replaced => replaced);
            if self.current().version != version {
                return;
            }
            replaced.await;
        }
    }
}
