//! What the fuzz targets do with their bytes. The same bodies run on stable, over the kept inputs, in
//! `core/tests/fuzz_replay.rs` and `ffi/tests/fuzz_replay.rs`.

pub mod bodies;
pub mod c_abi;
