//! The CORS check, which every response to a CORS request has to pass, preflights included, whatever its status.

use super::syntax::{Line, get, list, split, values};

/// Why a response does not pass the CORS check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckFailure {
    /// No Access-Control-Allow-Origin.
    Missing,
    /// Access-Control-Allow-Origin holds several values, on one line or on several.
    Multiple {
        /// All of them, joined.
        value: String,
        /// Whether they came on several lines.
        several_lines: bool,
    },
    /// Access-Control-Allow-Origin is not the request's origin.
    Mismatch {
        /// What it is.
        value: String,
    },
    /// Access-Control-Allow-Origin is `*` and the request has credentials.
    WildcardWithCredentials,
    /// The request has credentials and Access-Control-Allow-Credentials is not exactly `true`.
    CredentialsNotTrue {
        /// What it is; empty if it is absent.
        value: String,
    },
}

impl CheckFailure {
    /// Its stable name: `acao-missing`, `acao-multiple`, `acao-mismatch`, `acao-wildcard-with-credentials` or
    /// `acac-not-true`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Missing => "acao-missing",
            Self::Multiple { .. } => "acao-multiple",
            Self::Mismatch { .. } => "acao-mismatch",
            Self::WildcardWithCredentials => "acao-wildcard-with-credentials",
            Self::CredentialsNotTrue { .. } => "acac-not-true",
        }
    }
}

/// Fetch, "CORS check", for a request with this serialized origin; `credentials`: its credentials mode is `include`.
pub(super) fn cors_check(origin: &str, credentials: bool, headers: &[Line]) -> Result<(), CheckFailure> {
    let Some(value) = get(headers, "Access-Control-Allow-Origin") else { return Err(CheckFailure::Missing) };
    if value == "*" {
        return if credentials { Err(CheckFailure::WildcardWithCredentials) } else { Ok(()) };
    }
    if value != origin {
        return Err(if value.contains([',', ' ']) {
            let several_lines = values(headers, "Access-Control-Allow-Origin").count() > 1;
            CheckFailure::Multiple { value, several_lines }
        } else {
            CheckFailure::Mismatch { value }
        });
    }
    if !credentials {
        return Ok(());
    }
    match get(headers, "Access-Control-Allow-Credentials") {
        Some(value) if value == "true" => Ok(()),
        value => Err(CheckFailure::CredentialsNotTrue { value: value.unwrap_or_default() }),
    }
}

/// Fetch, "TAO check".
pub(super) fn timing_check(origin: &str, headers: &[Line]) -> bool {
    split(headers, "Timing-Allow-Origin").iter().any(|value| value == "*" || value == origin)
}

/// The lower-case names of the headers that script sees of a response that passed the CORS check, sorted (Fetch,
/// "CORS-safelisted response-header name" and "CORS-exposed header-name list").
pub(super) fn exposed(credentials: bool, headers: &[Line]) -> Vec<String> {
    const SAFELISTED: [&str; 7] = [
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    ];
    // A list that cannot be parsed exposes nothing.
    let listed = list(headers, "Access-Control-Expose-Headers").ok().flatten().unwrap_or_default();
    let all = !credentials && listed.iter().any(|name| name == "*");
    visible(headers, |name| {
        all || SAFELISTED.contains(&name) || listed.iter().any(|other| other.eq_ignore_ascii_case(name))
    })
}

/// The lower-case names that `is_visible` admits, sorted; cookies are never visible (Fetch, "forbidden
/// response-header name").
pub(super) fn visible(headers: &[Line], is_visible: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> = headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| !matches!(name.as_str(), "set-cookie" | "set-cookie2") && is_visible(name))
        .collect();
    names.sort();
    names.dedup();
    names
}
