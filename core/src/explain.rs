//! Why a browser lets a script read a response, or does not, and what to change.
//!
//! [`explain`] plays a described request of a script through the [model of the browser](crate::browser), against a policy
//! or against responses that were observed, and tells every step, what the consoles of Chromium and Firefox print, and
//! hints: what is wrong, and the repair. It is never on the request path and changes no decision.
//!
//! ```
//! use corsac::Policy;
//! use corsac::explain::{Question, explain};
//!
//! let policy = Policy::from_json(r#"{"allow_origins": ["https://example.com"], "allow_methods": ["PUT"]}"#)?;
//! let question = Question::from_json(r#"{
//!     "page_origin": "https://www.example.com",
//!     "request": {"url": "https://api.example.com/items", "method": "PUT"}
//! }"#)?;
//! let explanation = explain(&question, Some(&policy))?;
//! assert!(!explanation.readable());
//! let hint = &explanation.hints[0];
//! assert_eq!((hint.code, hint.path.as_deref()), ("origin-differs-in-www", Some("allow_origins[0]")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod application;
mod bucket;
mod hints;
mod observed;
mod origins;
mod policy;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use url::Url;

use self::application::Application;
use crate::Policy;
use crate::browser::{
    Answer, Exchange, ExchangeError, Hop, Outcome, PreflightCache, Profile, Response, ScriptRequest, Server,
    WireRequest, fetch, to_json,
};

/// A script's request that is to be explained: against a policy, or against responses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Question {
    /// The serialized origin of the page, or `null`.
    pub page_origin: String,
    /// What the script asks for.
    pub request: ScriptRequest,
    /// The names of response headers that the script wants to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
    /// What the application behind a policy answers. Default: status 200 without headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Response>,
    /// Responses that were observed, where nothing is redirected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// Responses that were observed, hop by hop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_hops: Vec<Hop>,
}

impl Question {
    /// A question about a request on a page of this origin.
    #[must_use]
    pub fn new(page_origin: &str, request: ScriptRequest) -> Self {
        Self {
            page_origin: page_origin.to_owned(),
            request,
            reads: Vec::new(),
            application: None,
            server: None,
            server_hops: Vec::new(),
        }
    }

    /// Reads a question from JSON.
    ///
    /// # Errors
    ///
    /// JSON that is none, unknown keys, and values that make no sense.
    pub fn from_json(text: &str) -> Result<Self, ExchangeError> {
        let question: Self =
            serde_json::from_str(text).map_err(|error| ExchangeError::new(error.to_string()))?;
        question.exchange().check()?;
        Ok(question)
    }

    fn exchange(&self) -> Exchange {
        Exchange {
            server: self.server.clone(),
            server_hops: self.server_hops.clone(),
            ..Exchange::new(&self.page_origin, self.request.clone(), Server::default())
        }
    }
}

/// What a browser does with a script's request, why, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// What comes of it in each profile: the standard, Chromium, Firefox.
    pub profiles: Vec<ProfileOutcome>,
    /// What the policy decided, request by request, if there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionNote>,
    /// What crossed the wire as the standard has it.
    pub exchanges: Vec<ExchangeNote>,
    /// What is wrong and what to do, the cause of a failure first.
    pub hints: Vec<Hint>,
}

/// What comes of a request in one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProfileOutcome {
    /// Whose behaviour this is.
    pub profile: Profile,
    /// What comes of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// One decision of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DecisionNote {
    /// Whether it was about a preflight.
    pub preflight: bool,
    /// Whether the policy allowed it.
    pub allowed: bool,
    /// The reason's name.
    pub reason: &'static str,
    /// The index of the rule that decided.
    pub rule: Option<u32>,
    /// The name of the rule that decided.
    pub rule_name: Option<String>,
    /// The decision as one line for a log.
    pub line: String,
}

/// One request and its response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExchangeNote {
    /// How many redirects came before.
    pub hop: usize,
    /// Whether it is a preflight.
    pub preflight: bool,
    /// The method on the wire.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The request's header lines, as far as they matter.
    pub request_headers: Vec<(String, String)>,
    /// The response's status; none if no response is known.
    pub status: Option<u16>,
    /// The response's header lines.
    pub response_headers: Vec<(String, String)>,
}

/// Something that is wrong, or could be better, with its repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Hint {
    /// Its stable name.
    pub code: &'static str,
    /// Whether it is the cause of a failure, or a remark beside it.
    pub is_cause: bool,
    /// What is wrong: one sentence.
    pub cause: String,
    /// What to do: one sentence.
    pub fix: String,
    /// Where in the policy document, if there is a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What to write there: a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Explanation {
    /// Whether script gets the response in every profile.
    #[must_use]
    pub fn readable(&self) -> bool {
        self.profiles.iter().all(|of| of.outcome.allowed())
    }

    /// What comes of it in one profile.
    #[must_use]
    pub fn outcome(&self, profile: Profile) -> Option<&Outcome> {
        self.profiles.iter().find(|of| of.profile == profile).map(|of| &of.outcome)
    }

    /// The outcome that hints are about: the first that failed, or else the standard's.
    #[must_use]
    pub fn telling(&self) -> Option<&ProfileOutcome> {
        self.profiles.iter().find(|of| !of.outcome.allowed()).or(self.profiles.first())
    }
}

/// Explains a request: against this policy, or else against the question's own responses.
///
/// # Errors
///
/// A question that makes no sense: a page origin that is none, responses beside a policy, neither of them.
pub fn explain(question: &Question, policy: Option<&Policy>) -> Result<Explanation, ExchangeError> {
    let observed = question.server.is_some() || !question.server_hops.is_empty();
    let exchange = question.exchange();
    exchange.check()?;
    match (policy, observed) {
        (Some(_), true) => {
            Err(ExchangeError::new("server: a policy answers already: leave the responses out"))
        }
        (None, false) => Err(ExchangeError::new("server: give the responses, or a policy that answers")),
        (Some(policy), false) => {
            let application = Application::new(policy, question);
            let mut explanation = play(question, &mut |request| application.answer(request))?;
            explanation.decisions = application::decisions(policy, &explanation.exchanges);
            explanation.hints = hints::find(question, Some(policy), &explanation);
            Ok(explanation)
        }
        (None, true) => explain_with(question, |request| {
            exchange.answer(request.hop, request.url.as_str(), request.preflight)
        }),
    }
}

/// [`explain`] from JSON to JSON: a [`Question`] in, an [`Explanation`] out, with `readable` beside its own keys.
///
/// # Errors
///
/// As [`Question::from_json`] and [`explain`].
pub fn explain_json(question: &str, policy: Option<&Policy>) -> Result<String, ExchangeError> {
    to_json(&Told::new(&explain(&Question::from_json(question)?, policy)?))
}

/// An explanation with what is reckoned from it.
#[derive(Serialize)]
struct Told<'a> {
    readable: bool,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

impl<'a> Told<'a> {
    fn new(explanation: &'a Explanation) -> Self {
        Self { readable: explanation.readable(), explanation }
    }
}

/// Explains a request whose responses somebody gives as they are asked for, such as a live server.
///
/// The browsers that are modelled may ask for the same request again.
///
/// # Errors
///
/// A question that makes no sense.
pub fn explain_with(
    question: &Question,
    mut answer: impl FnMut(&WireRequest) -> Option<Answer>,
) -> Result<Explanation, ExchangeError> {
    let mut explanation = play(question, &mut answer)?;
    explanation.hints = hints::find(question, None, &explanation);
    Ok(explanation)
}

/// Plays the request in every profile.
fn play(
    question: &Question,
    answer: &mut dyn FnMut(&WireRequest) -> Option<Answer>,
) -> Result<Explanation, ExchangeError> {
    if let Some(canonical) = canonical_origin(&question.page_origin) {
        return Err(ExchangeError::new(format!(
            "page_origin: a browser sends {canonical} for {:?}: write that",
            question.page_origin
        )));
    }
    let mut explanation =
        Explanation { profiles: Vec::new(), decisions: Vec::new(), exchanges: Vec::new(), hints: Vec::new() };
    for profile in Profile::ALL {
        let mut exchanges = Vec::new();
        let mut cache = PreflightCache::new(profile);
        let outcome = fetch(&question.page_origin, &question.request, profile, &mut cache, 0, |request| {
            let answer = answer(request);
            exchanges.push(note(request, answer.as_ref()));
            answer
        })?;
        // The standard's exchange, unless that of a browser fails where the standard does not.
        let failed_before = explanation.profiles.iter().any(|of: &ProfileOutcome| !of.outcome.allowed());
        if profile == Profile::Standard || (!failed_before && !outcome.allowed()) {
            explanation.exchanges = exchanges;
        }
        explanation.profiles.push(ProfileOutcome { profile, outcome });
    }
    Ok(explanation)
}

/// How a browser serializes the origin of an address of http or https; none if it is written so already.
#[must_use]
pub fn canonical_origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let origin = url.origin().ascii_serialization();
    (origin != address).then_some(origin)
}

fn note(request: &WireRequest, answer: Option<&Answer>) -> ExchangeNote {
    let response = match answer {
        Some(Answer::Response(response)) => Some(response),
        _ => None,
    };
    ExchangeNote {
        hop: request.hop,
        preflight: request.preflight,
        method: request.method.clone(),
        url: request.url.to_string(),
        request_headers: request.headers.clone(),
        status: response.map(|response| response.status),
        response_headers: response.map(|response| response.headers.clone()).unwrap_or_default(),
    }
}
