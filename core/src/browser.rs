//! The browser's half of the CORS protocol: what a browser sends for a script's request, and whether the script may
//! read what comes back.
//!
//! Written from the Fetch standard, and ignorant of the evaluator: the two are compared in tests. [`Profile`] says
//! whose behaviour is modelled: the standard's, or that of a browser where it differs.
//!
//! ```
//! use corsac::browser::{Exchange, Profile, simulate};
//!
//! let exchange = Exchange::from_json(r#"{
//!     "page_origin": "https://app.example.com",
//!     "request": {"url": "https://api.example.com/items", "method": "PUT"},
//!     "server": {"preflight": {"status": 404, "headers": []}}
//! }"#)?;
//! let outcome = simulate(&exchange, Profile::Chromium)?;
//! assert!(!outcome.allowed());
//! assert_eq!(outcome.failure.as_deref(), Some("preflight-acao-missing"));
//! assert!(outcome.console[0].contains("No 'Access-Control-Allow-Origin' header is present"));
//! # Ok::<(), corsac::browser::ExchangeError>(())
//! ```
//!
//! Strings that hold header values have one character a byte (U+0000 to U+00FF), as in Fetch's isomorphic strings.

mod cache;
mod check;
mod console;
mod exchange;
mod failure;
mod fetch;
mod profile;
mod safelist;
mod script;
mod syntax;

pub use cache::PreflightCache;
pub use check::CheckFailure;
pub use exchange::{
    Answer, Exchange, ExchangeError, Hop, Response, ScriptRequest, Sequence, SequenceStep, Server,
};
pub use failure::Failure;
pub use fetch::{
    Outcome, Preflight, SentPreflight, SentRequest, Step, WireRequest, fetch, simulate, simulate_json,
    simulate_sequence, simulate_sequence_json,
};
pub(crate) use fetch::{is_redirect, to_json};
pub use profile::Profile;
pub use safelist::{is_safelisted_header, is_safelisted_method, unsafe_header_names};
