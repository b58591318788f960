//! The policy document: JSON text in, JSON text out.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
