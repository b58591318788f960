//! The C ABI of corsac: the functions of `include/corsac.h`, which is generated from this crate.
//!
//! The rules at the top of that header are what a caller promises, and what every `unsafe` block
//! here relies on. Memory of the caller is read and written in [`memory`] and nowhere else, except
//! for the fields of the two structs that a caller owns. Every function runs in one [`guard`].

#![allow(non_camel_case_types, reason = "the names of corsac.h")]
#![allow(clippy::missing_safety_doc, reason = "the rules at the top of corsac.h hold for every function")]

mod builder;
mod cell;
mod decision;
mod errors;
mod guard;
mod memory;
mod names;
mod policy;
mod ready;
mod request;
mod s3;
mod types;

pub use builder::*;
pub use cell::*;
pub use decision::*;
pub use errors::*;
#[cfg(feature = "forced-panic")]
pub use guard::force_panics;
pub use guard::keep_panic_hook;
pub use names::*;
pub use policy::*;
pub use request::*;
pub use s3::*;
pub use types::*;
