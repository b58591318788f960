//! The library `libcorsac`, shared and static: the functions of `corsac.h`.

pub use corsac_ffi::*;
