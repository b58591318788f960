//! CORS rules of S3 buckets, as AWS S3 and Zenko CloudServer evaluate them.
//!
//! [`Policy::from_s3`](crate::Policy::from_s3) reads a `CORSConfiguration`, as XML or as JSON, and makes an ordinary
//! [`Policy`](crate::Policy) of it, with S3's own matching: the first rule that matches origin, method and all
//! requested headers decides. What S3 refuses is refused with its code and message ([`S3Error`]).
//!
//! ```
//! use corsac::s3::{Dialect, S3Options};
//! use corsac::{Policy, Request};
//!
//! let xml = "<CORSConfiguration><CORSRule>
//!     <AllowedOrigin>https://*.example.com</AllowedOrigin>
//!     <AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader>
//! </CORSRule></CORSConfiguration>";
//! let policy = Policy::from_s3(xml, S3Options { dialect: Dialect::Zenko, strict: false })?;
//!
//! let mut request = Request::new("OPTIONS");
//! request
//!     .header("Origin", "https://app.example.com")
//!     .header("Access-Control-Request-Method", "PUT");
//! assert_eq!(policy.evaluate(&request).status(), 200);
//!
//! let error = Policy::from_s3("<CORSConfiguration/>", S3Options::default()).unwrap_err();
//! assert_eq!(error.s3_code(), Some("MalformedXML"));
//! # Ok::<(), corsac::BuildError>(())
//! ```
//!
//! `core/docs/s3.md` says what differs between the dialects, and where corsac chooses for itself.

mod answer;
mod configuration;
mod convert;
mod error;
mod evaluate;
mod glob;
mod json;
mod warnings;
mod xml;

use std::fmt;

use crate::hash_key::HashKey;
use crate::origin_set::OriginSet;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::problem::{BuildError, Problem, Quoted};

pub use configuration::{Configuration, Rule};
pub use convert::Conversion;
pub use error::{BodyOptions, ResourceType, S3Error};
pub(crate) use evaluate::S3Rules;
pub use json::JsonForm;

/// Bytes of a configuration: those of the XML, also where JSON was read.
pub const MAX_CONFIGURATION_BYTES: usize = 65_536;

/// Bytes of a configuration in JSON, white space counted, before it is read at all.
pub const MAX_JSON_BYTES: usize = 4 * MAX_CONFIGURATION_BYTES;

/// The status of a preflight that makes no sense.
pub(crate) const BAD_REQUEST_STATUS: u16 = 400;

/// The tokens of `Vary` that S3 sends, in its order.
pub(crate) const VARY: [&str; 3] =
    ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"];

/// Whose S3 it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Zenko CloudServer.
    #[default]
    Zenko,
    /// AWS S3.
    Aws,
}

impl Dialect {
    /// Both.
    pub const ALL: [Dialect; 2] = [Dialect::Zenko, Dialect::Aws];

    /// The name, the same in every language: `zenko`, `aws`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Zenko => "zenko",
            Dialect::Aws => "aws",
        }
    }

    /// The dialect of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a configuration is understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct S3Options {
    /// Whose S3 it is.
    pub dialect: Dialect,
    /// S3 to the byte. Without it the `Vary` that S3 forgets is sent, and the grammar of `Origin` is checked first.
    pub strict: bool,
}

impl S3Options {
    /// Options with the dialect of this name.
    ///
    /// # Errors
    /// There is no dialect of this name.
    pub fn new(dialect: impl AsRef<[u8]>, strict: bool) -> Result<S3Options, BuildError> {
        let name = String::from_utf8_lossy(dialect.as_ref());
        match Dialect::from_name(&name) {
            Some(dialect) => Ok(S3Options { dialect, strict }),
            None => {
                let message = format!("{} is no dialect of S3, write \"zenko\" or \"aws\"", Quoted(&name));
                let problems = vec![Problem::new("unknown-value", "dialect", Some(&name), message, 0)];
                Err(BuildError { problems, unreported: 0, s3: None })
            }
        }
    }
}

/// Reads a configuration and makes a policy of it.
pub(crate) fn read(text: &[u8], options: S3Options) -> Result<Policy, BuildError> {
    let (configuration, warnings) = Configuration::read(text, options.dialect)?;
    // A policy of one rule for everyone, as far as the native evaluation is concerned.
    let (mut origins, own_origins) = match (HashKey::random(), HashKey::random()) {
        (Ok(a), Ok(b)) => (OriginSet::new(a), OriginSet::new(b)),
        (Err(error), _) | (_, Err(error)) => {
            let message = format!("the system gave no random bytes: {error}");
            let problems = vec![Problem::new("no-randomness", "", None, message, 0)];
            return Err(BuildError { problems, unreported: 0, s3: None });
        }
    };
    origins.begin_rule();
    if let Ok(everyone) = Pattern::parse("*") {
        origins.insert(&everyone);
    }
    Ok(Policy::of_s3(origins, own_origins, S3Rules::new(configuration, options), warnings))
}
