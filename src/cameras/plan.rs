//! The source that a supervisor is to run, which may change meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use event_listener::{Event, listener};

use crate::config::Picture;
use crate::source::Source;
use crate::source::publisher::Publisher;

/// One camera's source, and the picture settings for it.
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
    /// The number of the current source.
    version: u64,
    /// The publisher of the open source.
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

    /// The picture settings.
    pub fn picture(&self) -> Picture {
        self.current().picture.clone()
    }

    /// Remembers the publisher, so that later changes reach the open source.
    pub fn opened(&self, publisher: &Arc<Publisher>) {
        let mut current = self.current();
        current.publisher = Arc::downgrade(publisher);
        // The settings may have changed since the publisher was made.
        publisher.change(&current.picture);
    }

    /// Changes settings that an open source can take: quality, orientation and rate.
    pub fn change(&self, picture: Picture) {
        let mut current = self.current();
        if let Some(publisher) = current.publisher.upgrade() {
            publisher.change(&picture);
        }
        current.picture = picture;
    }

    /// Replaces the source; the supervisor then closes the old one.
    pub fn replace(&self, source: Source, picture: Picture) {
        let mut current = self.current();
        (current.source, current.picture) = (Arc::new(source), picture);
        current.version += 1;
        drop(current);
        self.replaced.notify(usize::MAX);
    }

    /// Returns once the source of this number has been replaced.
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
