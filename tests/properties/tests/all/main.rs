//! All property tests, as one program, since linking each on its own takes longer than running it.

#![allow(missing_docs, reason = "a test suite has no public face")]

mod browser;
mod comparison;
mod hostile;
mod language;
mod long;
mod properties;
mod s3;
mod vectors;
