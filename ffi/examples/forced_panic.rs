//! The library with one function more, which makes every other one panic: for tests of programs in C.

pub use corsac_ffi::*;

/// Makes every function panic from now on, or no longer.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_force_panics(force: bool) {
    force_panics(force);
}
