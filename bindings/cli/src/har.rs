//! Recorded exchanges: HAR files as the developer tools of browsers export them.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read};

use corsac::browser::{Answer, Hop, Profile, Response, ScriptRequest, is_safelisted_header};
use corsac::explain::{Explanation, Question, explain as explain_question};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::Failure;
use crate::explained::{Explained, Note, Told, word};

/// The part of HAR 1.2 that CORS is about.
#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(deserialize_with = "of_interest")]
    entries: Vec<Entry>,
}

/// Of what may be a long recording, the entries that CORS is about.
fn of_interest<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Entry>, D::Error> {
    struct OfInterest;
    impl<'de> Visitor<'de> for OfInterest {
        type Value = Vec<Entry>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = list.next_element::<Entry>()? {
                // A request that failed with its preflight is recorded without the headers that were never sent.
                if entry.foreign_page().is_some() || entry.was_blocked() {
                    entries.push(entry);
                }
            }
            Ok(entries)
        }
    }
    list.deserialize_seq(OfInterest)
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
    #[serde(default)]
    response: Option<Recorded>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    cookies: Vec<serde::de::IgnoredAny>,
    #[serde(default, rename = "postData")]
    post_data: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
struct Recorded {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default, rename = "redirectURL")]
    redirect_url: Option<String>,
    /// Chromium's word for why there is no response.
    #[serde(default, rename = "_error")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

/// Explains every exchange of a recording that crosses origins, one after the other.
pub(crate) fn explain(file: impl Read, reads: &[String]) -> Result<impl Iterator<Item = Told>, Failure> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    if file.fill_buf().is_ok_and(|start| start.starts_with(b"\xef\xbb\xbf")) {
        file.consume(3);
    }
    let file: File = serde_json::from_reader(file).map_err(|error| format!("no HAR file: {error}"))?;
    let recording = Recording::new(file.log.entries);
    if recording.entries.iter().all(|entry| entry.foreign_page().is_none()) {
        return Err("no exchange of it crosses origins (a request that does has an Origin header)".to_owned());
    }
    let reads = reads.to_vec();
    Ok(recording.questions().map(move |mut asked| {
        asked.question.reads.clone_from(&reads);
        tell(asked)
    }))
}

/// What is asked about an exchange of a recording.
struct Asked {
    question: Question,
    /// Whether the browser is recorded to have refused the response.
    was_blocked: bool,
}

fn tell(asked: Asked) -> Told {
    let Asked { mut question, was_blocked } = asked;
    let url = question.request.url.clone();
    let of =
        |question: &Question| explain_question(question, None).map_err(|error| format!("{url}: {error}"));
    let mut explanation = of(&question)?;
    let mut notes = Vec::new();
    // Without cookies a recording does not tell the credentials mode, but for what came of it.
    if was_blocked && !is_blocked(&explanation) && question.request.credentials != "include" {
        question.request.credentials = "include".to_owned();
        let with = of(&question)?;
        if !is_blocked(&with) {
            question.request.credentials = "same-origin".to_owned();
            notes.push(Note {
                code: "blocked-for-another-reason",
                cause: "The browser failed the request, and its CORS headers let it pass.".to_owned(),
                fix: "Look for another cause: the connection, a blocker, a Content-Security-Policy."
                    .to_owned(),
            });
        } else {
            explanation = with;
            notes.push(Note {
                code: "credentials-assumed",
                cause: "The recording holds no cookies, but the browser refused what it lets a request without credentials read: the request had credentials.".to_owned(),
                fix: "Export the recording with sensitive data to be sure.".to_owned(),
            });
        }
    }
    Ok(Explained { question, explanation, notes })
}

/// Whether a browser refuses, as far as is known.
fn is_blocked(explanation: &Explanation) -> bool {
    explanation.profiles.iter().any(|of| word(&of.outcome) == "blocked")
}

/// The entries of a recording, by what they ask for.
struct Recording {
    entries: Vec<Entry>,
    used: Vec<bool>,
    /// Preflights by URL and method.
    preflights: HashMap<(String, String), VecDeque<usize>>,
    /// Other requests by URL.
    requests: HashMap<String, VecDeque<usize>>,
}

impl Recording {
    fn new(entries: Vec<Entry>) -> Self {
        let (mut preflights, mut requests) =
            (HashMap::<_, VecDeque<_>>::new(), HashMap::<_, VecDeque<_>>::new());
        for (index, entry) in entries.iter().enumerate() {
            let url = entry.request.url.clone();
            match entry.header("Access-Control-Request-Method").filter(|_| entry.is_preflight()) {
                Some(method) => preflights.entry((url, method.to_owned())).or_default().push_back(index),
                None => requests.entry(url).or_default().push_back(index),
            }
        }
        Self { used: vec![false; entries.len()], entries, preflights, requests }
    }

    /// One question for each request, in order, then one for each preflight whose request is not recorded.
    fn questions(mut self) -> impl Iterator<Item = Asked> {
        let (count, mut index) = (self.entries.len(), 0);
        std::iter::from_fn(move || {
            while index < 2 * count {
                let (at, want_preflights) = (index % count, index >= count);
                index += 1;
                let is_preflight = self.entries.get(at).is_some_and(Entry::is_preflight);
                if is_preflight != want_preflights || !self.take(at) {
                    continue;
                }
                let asked = if is_preflight {
                    self.entries.get(at).and_then(lone_preflight)
                } else {
                    self.question(at)
                };
                if asked.is_some() {
                    return asked;
                }
            }
            None
        })
    }

    /// Marks an entry as used; false if it is already.
    fn take(&mut self, index: usize) -> bool {
        self.used.get_mut(index).is_some_and(|used| !std::mem::replace(used, true))
    }

    /// The question about an entry, with its preflight and the redirects that follow.
    fn question(&mut self, index: usize) -> Option<Asked> {
        let mut at = index;
        let mut question = None;
        let mut hops = Vec::new();
        loop {
            let preflight = self.preflight_of(at);
            let preflight = preflight.and_then(|preflight| self.entries.get(preflight));
            let entry = self.entries.get(at)?;
            if question.is_none() {
                let page = entry.foreign_page().or_else(|| preflight?.foreign_page())?;
                let asked = preflight.and_then(|entry| entry.header("Access-Control-Request-Headers"));
                question = Some(Question::new(&page, entry.script(asked.unwrap_or_default())));
            }
            hops.push(Hop::new(&entry.request.url, preflight.and_then(Entry::answer), entry.answer()));
            let Some(next) = entry.redirected_to().and_then(|url| self.next_to(&url, at)) else { break };
            at = next;
        }
        let mut question = question?;
        question.server_hops = hops;
        let was_blocked = self.entries.get(at).is_some_and(Entry::was_blocked);
        Some(Asked { question, was_blocked })
    }

    fn preflight_of(&mut self, index: usize) -> Option<usize> {
        let request = &self.entries.get(index)?.request;
        let found = self.preflights.get_mut(&(request.url.clone(), request.method.clone()))?.pop_front()?;
        self.take(found);
        Some(found)
    }

    /// The first request of this URL after that one.
    fn next_to(&mut self, url: &str, after: usize) -> Option<usize> {
        let list = self.requests.get_mut(url)?;
        while let Some(next) = list.pop_front() {
            if next > after && self.used.get_mut(next).is_some_and(|used| !std::mem::replace(used, true)) {
                return Some(next);
            }
        }
        None
    }
}

impl Entry {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.request.headers.iter().find(|pair| pair.name.eq_ignore_ascii_case(name));
        found.map(|pair| pair.value.as_str())
    }

    fn is_preflight(&self) -> bool {
        self.request.method == "OPTIONS" && self.header("Access-Control-Request-Method").is_some()
    }

    /// The origin of the page, if this request is for another one.
    fn foreign_page(&self) -> Option<String> {
        let target = Url::parse(&self.request.url).ok()?;
        if !matches!(target.scheme(), "http" | "https") {
            return None;
        }
        let page = self.header("Origin")?.to_owned();
        (page != target.origin().ascii_serialization()).then_some(page)
    }

    /// What came back; none if the recording does not tell.
    fn answer(&self) -> Option<Answer> {
        let recorded = self.response.as_ref()?;
        let status = u16::try_from(recorded.status).ok().filter(|status| (100..=999).contains(status));
        let Some(status) = status else {
            let error = recorded.error.as_deref().unwrap_or_default();
            // What is blocked for CORS is ERR_FAILED, and its response is kept back.
            let no_response = error.contains("ERR_CONNECTION")
                || error.contains("ERR_EMPTY")
                || error.contains("ERR_NAME")
                || error.contains("ERR_CERT")
                || error.contains("ERR_SSL")
                || error.contains("ERR_TIMED_OUT");
            return no_response.then(Answer::dropped);
        };
        let clean = |pair: &Pair| (pair.name.clone(), latin1(&pair.value));
        // HTTP/2's own lines begin with a colon; Chromium joins repeated lines by line feeds.
        let mut headers = Vec::new();
        for pair in recorded.headers.iter().filter(|pair| !pair.name.starts_with(':')) {
            let (name, value) = clean(pair);
            headers.extend(value.split('\n').map(|value| (name.clone(), value.replace(['\r', '\0'], ""))));
        }
        Some(Answer::Response(Response::new(status, headers)))
    }

    /// Whether the browser refused the response: what it says about CORS, and about other blockers.
    fn was_blocked(&self) -> bool {
        let error = self.response.as_ref().and_then(|response| response.error.as_deref());
        error.is_some_and(|error| error.contains("ERR_FAILED"))
    }

    /// Where the response redirects to.
    fn redirected_to(&self) -> Option<String> {
        let target = self.response.as_ref()?.redirect_url.as_deref().filter(|url| !url.is_empty())?;
        let joined = Url::parse(&self.request.url).and_then(|url| url.join(target));
        Some(joined.map_or_else(|_| target.to_owned(), String::from))
    }

    /// The request as the script made it; `asked`: the preflight's Access-Control-Request-Headers, which names what
    /// looks as if the browser had added it.
    fn script(&self, asked: &str) -> ScriptRequest {
        let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let mut script = ScriptRequest::new(&self.request.method, &self.request.url);
        let is_asked = |name: &str| asked.iter().any(|other| other.eq_ignore_ascii_case(name));
        let own =
            self.request.headers.iter().filter(|pair| is_asked(&pair.name) || !is_browsers_own(&pair.name));
        script.headers = own.map(|pair| (pair.name.clone(), latin1(&pair.value))).collect();
        for name in asked {
            if self.header(name).is_none() {
                script.headers.push((name.to_owned(), unsafe_value(name).to_owned()));
            }
        }
        // Recordings leave cookies out unless they are asked for: what is there proves them, what is not says nothing.
        if !self.request.cookies.is_empty() || self.header("Cookie").is_some() {
            script.credentials = "include".to_owned();
        }
        if self.request.post_data.is_some() && !matches!(self.request.method.as_str(), "GET" | "HEAD") {
            script.body = Some(String::new());
            if self.header("Content-Type").is_none() {
                script.implied_content_type = Some(String::new());
            }
        }
        script
    }
}

/// The question about a preflight whose request the recording lacks, because it was never sent.
fn lone_preflight(entry: &Entry) -> Option<Asked> {
    let page = entry.foreign_page()?;
    let mut script = ScriptRequest::new(entry.header("Access-Control-Request-Method")?, &entry.request.url);
    for name in entry.header("Access-Control-Request-Headers").unwrap_or_default().split(',') {
        let name = name.trim();
        if !name.is_empty() {
            script.headers.push((name.to_owned(), unsafe_value(name).to_owned()));
        }
    }
    let mut question = Question::new(&page, script);
    question.server_hops.push(Hop::new(&entry.request.url, entry.answer(), None));
    Some(Asked { question, was_blocked: false })
}

/// A value that asks for a preflight, as the true one did.
fn unsafe_value(name: &str) -> &'static str {
    let value = "application/json";
    if is_safelisted_header(Profile::Standard, name, value) { "\"" } else { value }
}

/// Headers that the browser adds to what script sets.
fn is_browsers_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(':')
        || name.starts_with("sec-")
        || name.starts_with("access-control-request-")
        || matches!(
            name.as_str(),
            "accept"
                | "accept-language"
                | "accept-encoding"
                | "origin"
                | "referer"
                | "user-agent"
                | "connection"
                | "host"
                | "dnt"
                | "te"
                | "priority"
                | "pragma"
                | "cache-control"
                | "cookie"
                | "content-length"
                | "if-none-match"
                | "if-modified-since"
                | "upgrade-insecure-requests"
        )
}

/// One character for each byte: recordings hold text, whose bytes are UTF-8.
fn latin1(value: &str) -> String {
    if value.chars().all(|character| character <= '\u{ff}') {
        value.to_owned()
    } else {
        value.bytes().map(char::from).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "in a test a panic is a failure with a place"
    )]

    use super::{Explained, Failure};

    fn explain(bytes: &[u8]) -> Result<Vec<Explained>, Failure> {
        super::explain(bytes, &[])?.collect()
    }

    fn har(entries: &str) -> Vec<u8> {
        format!("\u{feff}{{\"log\": {{\"version\": \"1.2\", \"entries\": [{entries}]}}}}").into_bytes()
    }

    const PREFLIGHT: &str = r#"{"request": {"method": "OPTIONS", "url": "https://api.example.com/a", "headers": [
        {"name": "Origin", "value": "https://app.example.com"}, {"name": "Access-Control-Request-Method", "value": "PUT"},
        {"name": "Access-Control-Request-Headers", "value": "content-type"}]},
        "response": {"status": 404, "headers": [{"name": "server", "value": "nginx"}]}}"#;
    const PUT: &str = r#"{"request": {"method": "PUT", "url": "https://api.example.com/a", "headers": [
        {"name": "Origin", "value": "https://app.example.com"}, {"name": "content-type", "value": "application/json"}],
        "postData": {"text": "{}"}}, "response": {"status": 0, "headers": [], "_error": "net::ERR_FAILED"}}"#;

    #[test]
    fn a_preflight_belongs_to_the_request_of_the_same_url() {
        let explained = explain(&har(&format!("{PUT}, {PREFLIGHT}"))).unwrap();
        assert_eq!(explained.len(), 1);
        assert_eq!(explained[0].explanation.hints[0].code, "preflight-without-route");
    }

    #[test]
    fn a_preflight_alone_is_explained_too() {
        let explained = explain(&har(PREFLIGHT)).unwrap();
        assert_eq!(explained[0].explanation.hints[0].code, "preflight-without-route");
    }

    #[test]
    fn what_was_refused_though_it_reads_well_had_credentials() {
        let star = r#"{"request": {"method": "GET", "url": "https://api.example.com/a", "headers": [
            {"name": "Origin", "value": "https://app.example.com"}]}, "response": {"status": 200,
            "headers": [{"name": "access-control-allow-origin", "value": "*"}], "_error": "net::ERR_FAILED"}}"#;
        let explained = explain(&har(star)).unwrap();
        assert_eq!(explained[0].explanation.hints[0].code, "any-origin-with-credentials");
        assert_eq!(explained[0].notes[0].code, "credentials-assumed");
        let passed = star.replace("net::ERR_FAILED", "");
        assert!(explain(&har(&passed)).unwrap()[0].explanation.readable());
    }

    #[test]
    fn a_preflight_tells_which_headers_the_script_set() {
        let preflight =
            PREFLIGHT.replace("404", "204").replace("content-type", "accept,x-token").replace("PUT", "GET");
        let get = PUT.replace("PUT", "GET").replace("content-type", "accept");
        let explained = explain(&har(&format!("{preflight}, {get}"))).unwrap();
        let names: Vec<&str> =
            explained[0].question.request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["accept", "x-token"]);
    }

    #[test]
    fn a_recording_without_cross_origin_requests_is_told_so() {
        assert!(explain(&har("")).err().unwrap().contains("crosses origins"));
        assert!(explain(b"{\"log\": 1}").err().unwrap().contains("no HAR file"));
        assert!(explain(b"\xff\xfe").err().unwrap().contains("no HAR file"));
    }
}
