//! A policy that can be replaced while threads use it, as a handle.

use std::sync::Arc;

use corsac::PolicyCell;

use crate::guard::guard;
use crate::memory::{put, shared};
use crate::policy::corsac_policy;

/// A policy that can be replaced while any number of threads use it.
///
/// Its policies are numbered: the generation of the first is 1, and each stored one has the next
/// number, so 0 is none. Every function but corsac_cell_free takes a pointer to const, so all threads may
/// store and load at once. A thread that wants to pay one atomic load while nothing changes keeps a
/// policy of its own:
///
///   // At first policy is NULL and generation 0; at the end the thread frees policy.
///   if (generation != corsac_cell_generation(cell)) {
///     corsac_policy_free(policy);
///     policy = corsac_cell_load(cell, &generation);
///   }
pub struct corsac_cell {
    cell: PolicyCell<corsac_policy>,
}

impl std::fmt::Debug for corsac_cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cell.fmt(f)
    }
}

// A const handle may be used by any number of threads at once (rule 2).
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<corsac_cell>();
};

/// A reference of the cell's own to a policy.
///
/// # Safety
/// The pointer is NULL or a live handle.
unsafe fn clone(policy: *const corsac_policy) -> Option<Arc<corsac_policy>> {
    if policy.is_null() {
        return None;
    }
    // SAFETY: promised by the caller, and every handle came from an Arc. The reference that
    // `from_raw` takes over is the one that is counted here.
    unsafe {
        Arc::increment_strong_count(policy);
        Some(Arc::from_raw(policy))
    }
}

/// A cell with its first policy, yours to free. It has a reference of its own to the policy; yours
/// stays yours. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_cell_new(policy: *const corsac_policy) -> *mut corsac_cell {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        unsafe { clone(policy) }.map_or(std::ptr::null_mut(), |policy| {
            Box::into_raw(Box::new(corsac_cell { cell: PolicyCell::holding(policy) }))
        })
    })
}

/// Replaces the policy of a cell, which has a reference of its own to the new one; yours stays
/// yours. If either is NULL, nothing changes.
///
/// Loads that begin after this returned give the new policy or a later one. Who loaded the old one
/// keeps it. Locks for as long as it takes to exchange a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_cell_store(cell: *const corsac_cell, policy: *const corsac_policy) {
    guard((), || {
        // SAFETY: the caller promised live handles or NULL (rule 1).
        if let (Ok(cell), Some(policy)) = unsafe { (shared(cell), clone(policy)) } {
            cell.cell.store(policy);
        }
    });
}

/// The policy of a cell as it is now, yours to free; generation gets its number. The two belong
/// together. NULL and 0 for NULL. generation may be NULL if you don't want to know.
///
/// The policy outlives its replacement, and the cell. Takes a read lock for as long as it takes to
/// count a reference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_cell_load(
    cell: *const corsac_cell,
    generation: *mut u64,
) -> *const corsac_policy {
    // SAFETY: the caller promised memory for the out-parameter, or NULL (rule 4).
    unsafe { put(generation, 0) };
    guard(std::ptr::null(), || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        let Ok(cell) = (unsafe { shared(cell) }) else { return std::ptr::null() };
        let (policy, number) = cell.cell.load_with_generation();
        // SAFETY: as for the out-parameter above.
        unsafe { put(generation, number) };
        Arc::into_raw(policy)
    })
}

/// The generation of a cell as it is now: one atomic load, with acquire ordering. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_cell_generation(cell: *const corsac_cell) -> u64 {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    guard(0, || unsafe { shared(cell) }.map_or(0, |cell| cell.cell.generation()))
}

/// Frees a cell, once no other thread uses it. Policies that were loaded live on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_cell_free(cell: *mut corsac_cell) {
    guard((), || {
        if !cell.is_null() {
            // SAFETY: the caller promised a handle that this library gave, and to free it once (rule 1).
            drop(unsafe { Box::from_raw(cell) });
        }
    });
}
