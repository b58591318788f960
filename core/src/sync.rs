//! What [`crate::cell`] is made of, named once so that its model (`tests/cell_model.rs`) can put
//! loom's in place of it.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Arc, RwLock};
