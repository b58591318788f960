//! Every engine against the vectors in `tests/vectors`: the vectors, what an engine has to do, and
//! the comparison.

#![allow(missing_docs, reason = "a test suite has no public face")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "in a test a panic is a failure with a place"
)]

pub mod compare;
pub mod engine;
pub mod vectors;
