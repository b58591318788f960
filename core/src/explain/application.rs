//! A server behind a policy: the evaluator answers, and what it forwards an application answers.

use http::{HeaderMap, HeaderName, HeaderValue};

use url::Url;

use super::{DecisionNote, ExchangeNote, Question};
use crate::browser::{Answer, Response, WireRequest};
use crate::{Action, Policy, Request};

/// A policy, and the application behind it.
pub(super) struct Application<'a> {
    policy: &'a Policy,
    response: Response,
    /// The origin that this server has.
    origin: Option<String>,
}

impl<'a> Application<'a> {
    pub(super) fn new(policy: &'a Policy, question: &Question) -> Self {
        let response = question.application.clone().unwrap_or_else(|| Response::new(200, Vec::new()));
        let origin = Url::parse(&question.request.url).ok().map(|url| url.origin().ascii_serialization());
        Self { policy, response, origin }
    }

    /// The response; none from another server than the first.
    pub(super) fn answer(&self, wire: &WireRequest) -> Option<Answer> {
        if Some(wire.url.origin().ascii_serialization()) != self.origin {
            return None;
        }
        let lines = lines(&wire.headers, &wire.url);
        let request = request(&wire.method, &lines);
        let decision = self.policy.evaluate(&request);
        // Responses after a redirect to itself would go round and round.
        let response = match decision.action() {
            Action::Respond => Response::new(decision.status(), Vec::new()),
            _ if wire.hop > 0 => Response::new(200, Vec::new()),
            _ => self.response.clone(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &response.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&bytes(value)))
            {
                headers.append(name, value);
            }
        }
        decision.apply(&mut headers);
        let lines = headers.iter().map(|(name, value)| (spelled(name), text(value.as_bytes())));
        Some(Answer::Response(Response::new(response.status, lines.collect())))
    }
}

/// What the policy decided of exchanges that it answered.
pub(super) fn decisions(policy: &Policy, exchanges: &[ExchangeNote]) -> Vec<DecisionNote> {
    let mut decisions = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.status.is_some()) {
        let Ok(url) = Url::parse(&exchange.url) else { continue };
        let lines = lines(&exchange.request_headers, &url);
        let request = request(&exchange.method, &lines);
        let decision = policy.evaluate(&request);
        decisions.push(DecisionNote {
            preflight: exchange.preflight,
            allowed: decision.allowed(),
            reason: decision.reason().name(),
            rule: decision.rule(),
            rule_name: decision.rule_name().map(str::to_owned),
            line: decision.to_string(),
        });
    }
    decisions
}

/// Header lines as they go over the wire, Host included.
fn lines<'h>(headers: &'h [(String, String)], url: &Url) -> Vec<(&'h str, Vec<u8>)> {
    let mut lines: Vec<(&str, Vec<u8>)> =
        headers.iter().map(|(name, value)| (name.as_str(), bytes(value))).collect();
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    lines.push(("Host", host.into_bytes()));
    lines
}

fn request<'r>(method: &'r str, lines: &'r [(&str, Vec<u8>)]) -> Request<'r> {
    let mut request = Request::new(method);
    for (name, value) in lines {
        request.header(name, value);
    }
    request
}

/// A header name as people write it: `Access-Control-Allow-Origin`.
fn spelled(name: &HeaderName) -> String {
    let mut start = true;
    name.as_str()
        .chars()
        .map(|letter| {
            let spelled = if start { letter.to_ascii_uppercase() } else { letter };
            start = letter == '-';
            spelled
        })
        .collect()
}

/// The bytes of a text that has one character for each.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

/// A text that has one character for each byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}
