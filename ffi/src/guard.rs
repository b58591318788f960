//! The guard that every function runs in: no panic leaves the library, and none prints.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

static HOOK: Once = Once::new();

/// Runs `body` and gives its result, or `failed` if it panics.
#[inline]
pub(crate) fn guard<T>(failed: T, body: impl FnOnce() -> T) -> T {
    if !HOOK.is_completed() {
        silence_panics();
    }
    // Nothing that a body was changing is looked at after a panic: results are written at its end,
    // and a builder that was interrupted is refused.
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "forced-panic")]
        forced::panic_if_asked();
        body()
    }))
    .unwrap_or(failed)
}

/// A library does not write to its host's standard error. Replaces the panic hook of this copy of
/// the standard library, which is the library's own in `libcorsac`.
#[cold]
fn silence_panics() {
    HOOK.call_once(|| set_hook(Box::new(|_| {})));
}

/// For Rust programs that link this crate as a Rust library, and so share its panic hook: keeps
/// theirs. To be called before any function of the C ABI.
pub fn keep_panic_hook() {
    HOOK.call_once(|| {});
}

#[cfg(feature = "forced-panic")]
pub use forced::force_panics;

#[cfg(feature = "forced-panic")]
mod forced {
    use std::sync::atomic::{AtomicBool, Ordering};

    static FORCED: AtomicBool = AtomicBool::new(false);

    /// Makes every guarded body panic from now on, or no longer. For tests.
    pub fn force_panics(force: bool) {
        FORCED.store(force, Ordering::SeqCst);
    }

    #[allow(clippy::panic, reason = "what this feature is for")]
    pub(super) fn panic_if_asked() {
        if FORCED.load(Ordering::SeqCst) {
            panic!("a test asked for this");
        }
    }
}
