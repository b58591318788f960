//! The C ABI, whose functions all panic in every process that is forked from the first.

pub use corsac_ffi::*;

/// Runs before the first function could be called, in nginx when it loads the module.
#[used]
#[unsafe(link_section = ".init_array")]
static INIT: extern "C" fn() = init;

extern "C" fn init() {
    // SAFETY: the handler only writes to an atomic.
    unsafe { libc::pthread_atfork(None, None, Some(child)) };
}

unsafe extern "C" fn child() {
    force_panics(true);
}

/// Named by the linker's arguments, so that this object is linked.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_panics_in_workers() {}
