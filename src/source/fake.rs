//! A source for tests of other modules, with a ledger of open sources.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::publisher::Publisher;
use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::clock::Clock;

/// How often each source was opened, and how often it is open.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<String, Entry>>>);

/// One source in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entry {
    /// How often it was opened.
    pub opened: u64,
    /// How often it is open now.
    pub open: u64,
}

impl Ledger {
    fn opened(&self, what: &str) {
        let mut ledger = self.0.lock().unwrap();
        let entry = ledger.entry(what.to_owned()).or_default();
        entry.opened += 1;
        entry.open += 1;
        assert_eq!(entry.open, 1, "{what} is open already");
    }

    fn closed(&self, what: &str) {
        self.0.lock().unwrap().entry(what.to_owned()).or_default().open -= 1;
    }

    /// The entry of one source.
    pub fn of(&self, what: &str) -> Entry {
        self.0.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    /// Everything that is open.
    pub fn open(&self) -> Vec<String> {
        let ledger = self.0.lock().unwrap();
        ledger.iter().filter(|(_, entry)| entry.open > 0).map(|(what, _)| what.clone()).collect()
    }
}

/// Publishes one picture when it is opened.
#[derive(Debug)]
pub struct Source {
    /// Its name in the ledger.
    pub what: String,
    /// The ledger to enter itself in.
    pub ledger: Ledger,
}

impl Source {
    /// Stays open until `stop` is requested.
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        self.ledger.opened(&self.what);
        let mut jpeg = publisher.buffer();
        jpeg.extend_from_slice(self.what.as_bytes());
        publisher.publish(jpeg, clock.now(), 4, 2);
        stop.requested().await;
        self.ledger.closed(&self.what);
        Ok(())
    }
}
