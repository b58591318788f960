//! The secret that keys the hashes of one policy, so that nobody can prepare colliding origins.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use once_cell::sync::OnceCell;

use crate::steps::step;

/// The part of the secret that all policies of the process share; made on first use, which may fail.
static SHARED: OnceCell<SharedSeed> = OnceCell::new();

/// The key of one policy.
#[derive(Clone, Copy)]
pub(crate) struct HashKey {
    own: u64,
    shared: &'static SharedSeed,
}

impl HashKey {
    /// A key from the operating system's randomness.
    pub(crate) fn random() -> Result<HashKey, getrandom::Error> {
        let shared = SHARED.get_or_try_init(|| getrandom::u64().map(SharedSeed::from_u64))?;
        Ok(HashKey { own: getrandom::u64()?, shared })
    }

    #[inline]
    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        step();
        let mut hasher = FoldHasher::with_seed(self.own, self.shared);
        hasher.write(bytes);
        hasher.finish()
    }

    /// Goes on from one hash with another.
    #[inline]
    pub(crate) fn chain(&self, hash: u64, next: u64) -> u64 {
        step();
        let mut hasher = FoldHasher::with_seed(self.own, self.shared);
        hasher.write_u64(hash);
        hasher.write_u64(next);
        hasher.finish()
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(secret)")
    }
}
