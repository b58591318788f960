//! One CORS policy, compiled once, answered identically everywhere.
//!
//! A browser lets a page read another origin's response only if the response's CORS headers allow
//! it; before a risky request it asks with an `OPTIONS` preflight (Fetch, "CORS protocol"). corsac
//! decides both: a [`Policy`] is built once and checks everything then; [`Policy::evaluate`] takes
//! the facts of a request and gives a [`Decision`]: what it was, what to do, why, and which headers
//! of the response change.
//!
//! - [`Policy`], from a [document](Policy::from_json) or a [builder](Policy::builder)
//! - [`Request`], or any other [`Facts`], such as [`http::request::Parts`]
//! - [`Decision`], with its [`Reason`] and [`HeaderEdit`]s
//! - [`PolicyCell`], a policy that can be replaced while threads use it
//! - [`BuildError`], every [`Problem`] of a configuration at once
//! - [`s3`], the CORS configuration of a bucket as a policy
//!
//! # Answer a request
//! ```
//! use corsac::{Action, Policy, Request};
//!
//! let policy = Policy::from_json(r#"{
//!     "allow_origins": ["https://app.example.com"],
//!     "allow_methods": ["PUT"],
//!     "allow_headers": ["content-type"]
//! }"#)?;
//!
//! let mut request = Request::new("OPTIONS");
//! request
//!     .header("Origin", "https://app.example.com")
//!     .header("Access-Control-Request-Method", "PUT");
//!
//! let decision = policy.evaluate(&request);
//! assert!(decision.allowed());
//! assert_eq!((decision.action(), decision.status()), (Action::Respond, 204));
//! for edit in decision.headers() {
//!     println!("{} {}: {:?}", edit.op, edit.name(), edit.value);
//! }
//! # Ok::<(), corsac::BuildError>(())
//! ```
//!
//! # With the types of the crate `http`
//! ```
//! let policy = corsac::Policy::builder().allow_origin("https://*.example.com").build()?;
//! let request = http::Request::get("/").header("origin", "https://app.example.com").body(()).unwrap();
//! let mut response = http::Response::new("hello");
//! policy.evaluate(&request).apply(response.headers_mut());
//! assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
//! # Ok::<(), corsac::BuildError>(())
//! ```
//!
//! # Costs
//! A decision allocates nothing and takes time linear in the facts, whatever the number of origins;
//! no policy grows a decision beyond [`limits::MAX_EDITS`] edits. Every limit is in [`limits`].

#![forbid(unsafe_code)]

mod answer;
#[cfg(feature = "explain")]
pub mod browser;
mod builder;
mod bytes;
mod cell;
mod decision;
#[cfg(feature = "explain")]
mod difference;
mod document;
mod draft;
mod evaluate;
#[cfg(feature = "explain")]
pub mod explain;
mod guards;
mod hash_key;
mod header;
mod http_apply;
mod http_facts;
mod key;
pub mod limits;
mod log_line;
mod method;
mod origin;
mod origin_set;
mod pattern;
mod policy;
mod problem;
mod reason;
mod request;
pub mod s3;
mod steps;
mod sync;
mod words;

pub use answer::{Answer, AnswerId, Edit, HeaderEdit, HeaderEdits, Op, ResponseHeader, Value};
pub use builder::PolicyBuilder;
pub use cell::{PolicyCell, PolicyReader};
pub use decision::{Action, Decision, Kind, Verdict};
#[cfg(feature = "explain")]
pub use difference::{Difference, Differences, Subject};
pub use guards::PUBLIC_SUFFIX_LIST;
pub use policy::Policy;
pub use problem::{BuildError, Problem};
pub use reason::Reason;
pub use request::{Fact, Facts, HeaderLine, Request, RequestHeaders};

/// The version of the library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
