//! Generators: valid policies of the whole language over small pools, so that matches are frequent,
//! and requests that try to get past them.

pub mod lookalike;
pub mod origin;
pub mod policy;
pub mod request;
pub mod script;

pub use policy::policy;
pub use request::{Request, request};
pub use script::script;
