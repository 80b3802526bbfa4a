//! Unpredictable numbers, from a seed that comes from outside.

use std::hash::{BuildHasher, Hasher, RandomState};

use sha2::{Digest, Sha256};

/// Generates client nonces and SSRCs. The same seed gives the same numbers, for tests.
#[derive(Clone)]
pub struct Random {
    seed: u64,
    given: u64,
}

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, given: 0 }
    }

    /// An unpredictable sequence.
    pub fn seeded() -> Self {
        Self::new(RandomState::new().build_hasher().finish())
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.given += 1;
        let hash = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(self.given.to_be_bytes());
        u64::from_be_bytes(hash.finalize()[..8].try_into().unwrap_or_default())
    }
}

/// A seed that differs each time. The standard library draws it from the kernel, for its hash maps.
pub fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
