//! The model of the browser as the properties use it: one URL, no redirects, bytes in place of text.

use corsac::browser::{Answer, PreflightCache, Response as ModelResponse, ScriptRequest, WireRequest, fetch};

pub use corsac::browser::Profile;

use crate::Line;

/// The credentials mode of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    Omit,
    SameOrigin,
    Include,
}

/// A `fetch()` of a script.
#[derive(Clone, Debug)]
pub struct Script {
    /// The origin of the page, serialized.
    pub page: Vec<u8>,
    /// The origin of the URL, serialized.
    pub target: String,
    pub method: String,
    pub headers: Vec<Line>,
    pub credentials: Credentials,
    /// Whether somebody listens to upload progress: then there always is a preflight.
    pub listens: bool,
}

/// A request as it goes to the server.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    pub lines: Vec<Line>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub lines: Vec<Line>,
}

/// What the script gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Readable,
    /// A network error, and why.
    Failed(String),
    /// Refused before anything was sent, or no browser's doing.
    Impossible,
}

#[derive(Debug)]
pub struct Browser {
    profile: Profile,
    cache: PreflightCache,
    /// Seconds since whenever.
    pub now: u64,
}

impl Browser {
    pub fn new(profile: Profile) -> Browser {
        Browser { profile, cache: PreflightCache::new(profile), now: 0 }
    }

    pub fn fetch(&mut self, script: &Script, server: &mut dyn FnMut(&Sent) -> Response) -> Outcome {
        let mut request = ScriptRequest::new(&script.method, &format!("{}/", script.target));
        request.headers = script.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
        request.credentials = match script.credentials {
            Credentials::Omit => "omit",
            Credentials::SameOrigin => "same-origin",
            Credentials::Include => "include",
        }
        .to_owned();
        if script.listens {
            request.api = "xhr".to_owned();
            request.upload_listener = true;
        }
        let answer = |wire: &WireRequest| {
            let response = server(&sent(script, wire));
            let lines = response.lines.iter().map(|(name, value)| (text(name), text(value))).collect();
            Some(Answer::Response(ModelResponse::new(response.status, lines)))
        };
        let page = text(&script.page);
        match fetch(&page, &request, self.profile, &mut self.cache, self.now * 1000, answer) {
            Err(_) => Outcome::Impossible,
            Ok(outcome) if outcome.allowed() => Outcome::Readable,
            Ok(outcome) if outcome.requests.is_empty() && outcome.preflights.is_empty() => {
                Outcome::Impossible
            }
            Ok(outcome) => Outcome::Failed(outcome.failure.unwrap_or_default()),
        }
    }
}

/// The request with the lines that the browser itself adds.
fn sent(script: &Script, wire: &WireRequest) -> Sent {
    let authority = script.target.split_once("://").map_or("", |(_, authority)| authority);
    let mut lines: Vec<Line> = vec![(b"Host".to_vec(), authority.into())];
    lines.extend(wire.headers.iter().map(|(name, value)| (name.clone().into_bytes(), bytes(value))));
    // Only to trustworthy URLs (Fetch Metadata, "set the Sec-Fetch-Site header").
    if script.target.starts_with("https:") {
        let site = if script.page == script.target.as_bytes() { "same-origin" } else { "cross-site" };
        lines.push((b"Sec-Fetch-Site".to_vec(), site.into()));
    }
    if !wire.preflight && script.credentials == Credentials::Include {
        lines.push((b"Cookie".to_vec(), b"id=1".to_vec()));
    }
    Sent { method: wire.method.clone(), lines }
}

/// One character for each byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}
