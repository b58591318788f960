//! The library `libcorsac`: what `corsac-ffi` exports, shared and static.

pub use corsac_ffi::*;
