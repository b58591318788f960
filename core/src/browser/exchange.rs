//! An exchange described as data: the page, the script's request, and what the server answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::syntax::is_token;

/// An exchange that cannot be simulated because its description makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeError(pub(super) String);

impl ExchangeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExchangeError {}

/// A page's request and the server's answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exchange {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A topic for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Where the script runs, for people: what counts is its origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The serialized origin of the page: `https://app.example.com`, or `null` for an opaque one (a sandboxed frame, a
    /// `data:` URL, a `file:` page).
    pub page_origin: String,
    /// What the script asks for.
    pub request: ScriptRequest,
    /// What the server answers where nothing is redirected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// What the servers answer, hop by hop, where requests are redirected; in place of `server`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_hops: Vec<Hop>,
}

/// What a script asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ScriptRequest {
    /// What makes the request: `fetch` (default), `xhr`, `image`, `script`, `font`, `stylesheet`, `media`,
    /// `event-source` or `beacon`.
    #[serde(default = "fetch_api")]
    pub api: String,
    /// Its absolute URL.
    pub url: String,
    /// Its method, as the script gives it. Default: `GET`.
    #[serde(default = "get_method")]
    pub method: String,
    /// The header lines that the script sets, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Its credentials mode: `omit`, `same-origin` (default) or `include`.
    #[serde(default = "same_origin")]
    pub credentials: String,
    /// Its mode: `cors` (default), `no-cors` or `same-origin`.
    #[serde(default = "cors_mode")]
    pub mode: String,
    /// Its redirect mode: `follow` (default), `error` or `manual`.
    #[serde(default = "follow")]
    pub redirect: String,
    /// Its cache mode: `default`, `no-store`, `reload`, `no-cache`, `force-cache` or `only-if-cached`.
    #[serde(default = "default_cache")]
    pub cache: String,
    /// Its body, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The Content-Type that its body brings along where the script sets none; empty for none. A body that is a
    /// string brings `text/plain;charset=UTF-8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implied_content_type: Option<String>,
    /// The type of a body that is a Blob; for people.
    #[serde(default, rename = "blobType", skip_serializing_if = "Option::is_none")]
    pub blob_type: Option<String>,
    /// Whether the body is a URLSearchParams; for people.
    #[serde(default, skip_serializing_if = "is_false")]
    pub usp: bool,
    /// Whether the body is a FormData; for people.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fd: bool,
    /// Whether the body is an ArrayBuffer; for people.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ab: bool,
    /// Whether the body is a stream, which always needs a preflight.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stream: bool,
    /// Whether script listens to upload progress when it sends (`xhr` only), which needs a preflight.
    #[serde(default, rename = "uploadListener", skip_serializing_if = "is_false")]
    pub upload_listener: bool,
    /// Its referrer policy, if it is not the page's.
    #[serde(default, rename = "referrerPolicy", skip_serializing_if = "Option::is_none")]
    pub referrer_policy: Option<String>,
}

fn fetch_api() -> String {
    "fetch".to_owned()
}
fn get_method() -> String {
    "GET".to_owned()
}
fn same_origin() -> String {
    "same-origin".to_owned()
}
fn cors_mode() -> String {
    "cors".to_owned()
}
fn follow() -> String {
    "follow".to_owned()
}
fn default_cache() -> String {
    "default".to_owned()
}
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl ScriptRequest {
    /// A `fetch()` of this URL with this method, and defaults for everything else.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            api: fetch_api(),
            url: url.to_owned(),
            method: method.to_owned(),
            headers: Vec::new(),
            credentials: same_origin(),
            mode: cors_mode(),
            redirect: follow(),
            cache: default_cache(),
            body: None,
            implied_content_type: None,
            blob_type: None,
            usp: false,
            fd: false,
            ab: false,
            stream: false,
            upload_listener: false,
            referrer_policy: None,
        }
    }
}

/// The answers of a server that does not redirect.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Server {
    /// To the preflight, if there is one.
    #[serde(default)]
    pub preflight: Option<Answer>,
    /// To the request itself.
    #[serde(default)]
    pub actual: Option<Answer>,
}

/// The answers to one of several requests, of which each is redirected to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Hop {
    /// The URL that is asked, without a fragment. A URL that is asked again is answered again, by the hop at that place
    /// if there are several.
    pub url: String,
    /// To the preflight, if there is one.
    #[serde(default)]
    pub preflight: Option<Answer>,
    /// To the request itself.
    #[serde(default)]
    pub actual: Option<Answer>,
}

/// What comes back: a response, or `"connection-dropped"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Answer {
    /// A response.
    Response(Response),
    /// Nothing, with the reason: only `connection-dropped` so far.
    Nothing(Nothing),
}

impl Answer {
    /// A connection that ended before a response.
    #[must_use]
    pub const fn dropped() -> Self {
        Self::Nothing(Nothing::ConnectionDropped)
    }
}

impl Hop {
    /// The answers to the request of this URL, and to its preflight.
    #[must_use]
    pub fn new(url: &str, preflight: Option<Answer>, actual: Option<Answer>) -> Self {
        Self { url: url.to_owned(), preflight, actual }
    }
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Nothing {
    /// The connection ended before a response.
    ConnectionDropped,
}

/// A response's status and header lines.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Response {
    /// From 200 to 599.
    pub status: u16,
    /// Name and value of each line, in order; one character of a value is one byte.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

impl Response {
    /// A response with this status and these header lines.
    #[must_use]
    pub fn new(status: u16, headers: Vec<(String, String)>) -> Self {
        Self { status, headers }
    }
}

/// Exchanges one after another, which share a browser's preflight cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sequence {
    /// The exchanges, in the order of their times.
    pub steps: Vec<SequenceStep>,
}

/// One exchange of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SequenceStep {
    /// When it starts, in milliseconds.
    #[serde(default)]
    pub at: u64,
    /// What happens.
    pub exchange: Exchange,
}

impl Exchange {
    /// An exchange of one request.
    #[must_use]
    pub fn new(page_origin: &str, request: ScriptRequest, server: Server) -> Self {
        Self {
            id: None,
            group: None,
            context: None,
            page_origin: page_origin.to_owned(),
            request,
            server: Some(server),
            server_hops: Vec::new(),
        }
    }

    /// Reads an exchange from JSON.
    ///
    /// # Errors
    ///
    /// JSON that is none, unknown keys, and values that make no sense, with what to write instead.
    pub fn from_json(text: &str) -> Result<Self, ExchangeError> {
        let exchange: Self = serde_json::from_str(text).map_err(|error| ExchangeError(error.to_string()))?;
        exchange.check()?;
        Ok(exchange)
    }

    /// Says what makes no sense in it.
    pub(crate) fn check(&self) -> Result<(), ExchangeError> {
        if self.server.is_some() && !self.server_hops.is_empty() {
            return wrong("server_hops", "stands in place of `server`: leave one of them out");
        }
        self.request.check()?;
        let answers = self.server.iter().flat_map(|server| [&server.preflight, &server.actual]);
        let hops = self.server_hops.iter().flat_map(|hop| [&hop.preflight, &hop.actual]);
        for answer in answers.chain(hops).flatten() {
            let Answer::Response(response) = answer else { continue };
            if !(100..=999).contains(&response.status) {
                return wrong("status", "write a number from 200 to 599");
            }
            lines("headers of a response", &response.headers)?;
        }
        Ok(())
    }

    /// The answer to the request of this hop, to this URL.
    pub(crate) fn answer(&self, hop: usize, url: &str, preflight: bool) -> Option<Answer> {
        let of = |first: &Option<Answer>, second: &Option<Answer>| {
            if preflight { first.clone() } else { second.clone() }
        };
        match &self.server {
            Some(server) if hop == 0 => of(&server.preflight, &server.actual),
            Some(_) => None,
            None => {
                let at = |hop: &&Hop| hop.url == url;
                let hop =
                    self.server_hops.get(hop).filter(at).or_else(|| self.server_hops.iter().find(at))?;
                of(&hop.preflight, &hop.actual)
            }
        }
    }
}

impl Sequence {
    /// Reads a sequence from JSON: `{"steps": [{"at": 0, "exchange": {...}}, ...]}`.
    ///
    /// # Errors
    ///
    /// As [`Exchange::from_json`].
    pub fn from_json(text: &str) -> Result<Self, ExchangeError> {
        let sequence: Self = serde_json::from_str(text).map_err(|error| ExchangeError(error.to_string()))?;
        for (index, step) in sequence.steps.iter().enumerate() {
            step.exchange.check().map_err(|error| ExchangeError(format!("steps[{index}]: {error}")))?;
        }
        Ok(sequence)
    }
}

impl ScriptRequest {
    pub(super) fn check(&self) -> Result<(), ExchangeError> {
        const APIS: [&str; 9] =
            ["fetch", "xhr", "image", "script", "font", "stylesheet", "media", "event-source", "beacon"];
        one_of("request.api", &self.api, &APIS)?;
        one_of("request.credentials", &self.credentials, &["omit", "same-origin", "include"])?;
        one_of("request.mode", &self.mode, &["cors", "no-cors", "same-origin"])?;
        one_of("request.redirect", &self.redirect, &["follow", "error", "manual"])?;
        one_of(
            "request.cache",
            &self.cache,
            &["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
        )?;
        bytes("request.headers", &self.headers)
    }
}

fn wrong<T>(path: &str, message: &str) -> Result<T, ExchangeError> {
    Err(ExchangeError(format!("{path}: {message}")))
}

fn one_of(path: &str, value: &str, values: &[&str]) -> Result<(), ExchangeError> {
    if values.contains(&value) {
        return Ok(());
    }
    wrong(path, &format!("{value:?} is none of {}", values.join(", ")))
}

/// Response headers as they can come over the wire.
fn lines(path: &str, headers: &[(String, String)]) -> Result<(), ExchangeError> {
    if let Some((name, _)) = headers.iter().find(|(name, _)| !is_token(name)) {
        return wrong(path, &format!("{name:?} is no header name"));
    }
    bytes(path, headers)?;
    match headers.iter().find(|(_, value)| value.contains(['\0', '\r', '\n'])) {
        Some((name, _)) => {
            wrong(path, &format!("the value of {name} holds NUL, CR or LF, which no header value does"))
        }
        None => Ok(()),
    }
}

fn bytes(path: &str, headers: &[(String, String)]) -> Result<(), ExchangeError> {
    match headers.iter().find(|(_, value)| value.chars().any(|character| character > '\u{ff}')) {
        Some((name, _)) => wrong(
            path,
            &format!("the value of {name} holds a character above U+00FF: write one character for each byte"),
        ),
        None => Ok(()),
    }
}
