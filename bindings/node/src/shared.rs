//! Policies and cells that the threads of a process share, by an id that nobody can guess.
//!
//! A registry of the process holds what is shared until it is released, whatever becomes of the thread
//! that shared it. Each thread has functions of its own for a policy, and they hold it too.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use corsac::Policy;

/// A policy that can be replaced by any thread.
#[derive(Clone, Debug)]
pub(crate) struct SharedCell(Arc<Mutex<Shared>>);

/// A policy, and how its problems name things, which only JavaScript knows.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) policy: Arc<Policy>,
    pub(crate) style: u32,
}

#[derive(Default)]
struct Registry {
    policies: HashMap<String, Shared>,
    cells: HashMap<String, SharedCell>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    // What is done under the lock is done as a whole.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a policy under an id from now on.
pub(crate) fn share_policy(id: String, shared: Shared) {
    registry().policies.insert(id, shared);
}

/// The policy that is shared under an id.
pub(crate) fn policy(id: &str) -> Option<Shared> {
    registry().policies.get(id).cloned()
}

/// Holds a cell under an id from now on.
pub(crate) fn share_cell(id: String, cell: &SharedCell) {
    registry().cells.insert(id, cell.clone());
}

/// The cell that is shared under an id.
pub(crate) fn cell(id: &str) -> Option<SharedCell> {
    registry().cells.get(id).cloned()
}

/// Holds what is shared under an id no longer. Returns whether there was something.
pub(crate) fn release(id: &str) -> bool {
    let (policy, cell) = {
        let mut registry = registry();
        (registry.policies.remove(id), registry.cells.remove(id))
    };
    // A large policy is freed here, behind the lock.
    policy.is_some() || cell.is_some()
}

impl SharedCell {
    pub(crate) fn new(shared: Shared) -> Self {
        SharedCell(Arc::new(Mutex::new(shared)))
    }

    fn current(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self) -> Shared {
        self.current().clone()
    }

    pub(crate) fn store(&self, shared: Shared) {
        let old = std::mem::replace(&mut *self.current(), shared);
        // Freed here, behind the lock.
        drop(old);
    }
}
