//! A compiled, immutable policy: rules, and the ready answers that decisions point to.

use std::fmt;

use http::HeaderValue;

use crate::answer::{Answer, AnswerId, Edit, Op, ResponseHeader, Value};
use crate::builder::PolicyBuilder;
use crate::decision::Action;
use crate::document;
use crate::header::HeaderSet;
use crate::method::MethodSet;
use crate::origin_set::{Match, OriginSet};
use crate::problem::{BuildError, Problem};

/// A compiled CORS policy: immutable, safe to share between any number of threads.
///
/// Building checks everything; afterwards nothing can fail. [`Policy::evaluate`] neither allocates
/// nor locks. Put it into an [`std::sync::Arc`] to share it.
#[derive(Clone)]
pub struct Policy {
    pub(crate) rule: Rule,
    answers: Box<[Answer]>,
    warnings: Box<[Problem]>,
}

/// Who may do what: the origins a rule is for, and what it allows them.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) any_origin: bool,
    pub(crate) origins: OriginSet,
    pub(crate) methods: MethodSet,
    pub(crate) headers: HeaderSet,
    pub(crate) allow_credentials: bool,
    /// What was configured, canonical and in order, for the document.
    pub(crate) config: RuleConfig,
}

/// The lists of a rule as its canonical document has them.
#[derive(Clone, Debug)]
pub(crate) struct RuleConfig {
    pub(crate) allow_methods: Vec<Box<str>>,
    pub(crate) allow_headers: Vec<Box<str>>,
    pub(crate) expose_headers: Vec<Box<str>>,
    pub(crate) max_age: Option<u32>,
}

impl Rule {
    pub(crate) fn new(
        any_origin: bool,
        mut origins: OriginSet,
        allow_methods: Vec<Box<str>>,
        allow_headers: Vec<Box<str>>,
        expose_headers: Vec<Box<str>>,
        allow_credentials: bool,
        max_age: Option<u32>,
    ) -> Self {
        origins.shrink();
        let any = |names: &[Box<str>]| names.iter().any(|name| **name == *"*");
        Rule {
            any_origin,
            origins,
            methods: MethodSet::new(any(&allow_methods), named(&allow_methods)),
            headers: HeaderSet::new(any(&allow_headers), named(&allow_headers)),
            allow_credentials,
            config: RuleConfig { allow_methods, allow_headers, expose_headers, max_age },
        }
    }

    /// Whether any method is allowed and the requested one must be sent back, since `*` means
    /// nothing to browsers when credentials are sent (Fetch, "CORS-preflight fetch", step 7.7).
    fn echoes_method(&self) -> bool {
        self.allow_credentials && self.methods.any()
    }

    /// The same for request headers.
    pub(crate) fn echoes_headers(&self) -> bool {
        self.allow_credentials && self.headers.any()
    }

    fn allow_origin_edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        if self.any_origin {
            edits.push(text(ResponseHeader::AllowOrigin, "*"));
        } else {
            edits.push(Edit { op: Op::Set, header: ResponseHeader::AllowOrigin, value: Value::Origin });
        }
        if self.allow_credentials {
            edits.push(text(ResponseHeader::AllowCredentials, "true"));
        }
        edits
    }

    fn expose_edits(&self) -> Vec<Edit> {
        let names = &self.config.expose_headers;
        let star = names.iter().filter(|name| ***name == *"*");
        let value = list(star.map(|name| &**name).chain(named(names)));
        if value.is_empty() { Vec::new() } else { vec![text(ResponseHeader::ExposeHeaders, &value)] }
    }

    fn method_edits(&self) -> Vec<Edit> {
        const SAFELISTED: [&str; 3] = ["GET", "HEAD", "POST"];
        let header = ResponseHeader::AllowMethods;
        if self.echoes_method() {
            return vec![
                text(header, &list(SAFELISTED)),
                Edit { op: Op::Add, header, value: Value::RequestMethod },
            ];
        }
        let configured = named(&self.config.allow_methods);
        let value = if self.methods.any() {
            // Firefox caches only what is named, so the usual methods are named beside the wildcard.
            list(["*"].into_iter().chain(SAFELISTED).chain(["PUT", "PATCH", "DELETE"]).chain(configured))
        } else {
            list(SAFELISTED.into_iter().chain(configured))
        };
        vec![text(header, &value)]
    }

    fn header_edits(&self) -> Vec<Edit> {
        let header = ResponseHeader::AllowHeaders;
        if self.echoes_headers() {
            return vec![Edit { op: Op::Set, header, value: Value::RequestHeaders }];
        }
        let configured = named(&self.config.allow_headers);
        let value = if self.headers.any() {
            // The wildcard does not cover Authorization (Fetch, "CORS non-wildcard request-header name").
            list(["*", "authorization"].into_iter().chain(configured))
        } else {
            list(configured)
        };
        if value.is_empty() { Vec::new() } else { vec![text(header, &value)] }
    }

    fn preflight_edits(&self, method_refused: bool) -> Vec<Edit> {
        let mut edits = Vec::new();
        if self.echoes_method() || self.echoes_headers() {
            edits.push(vary("Access-Control-Request-Method"));
            edits.push(vary("Access-Control-Request-Headers"));
        }
        edits.extend(self.allow_origin_edits());
        edits.extend(self.method_edits());
        if !(method_refused && self.echoes_headers()) {
            edits.extend(self.header_edits());
        }
        if let Some(seconds) = self.config.max_age {
            edits.push(Edit {
                op: Op::Set,
                header: ResponseHeader::MaxAge,
                value: Value::Text(HeaderValue::from(seconds)),
            });
        }
        edits
    }
}

/// The names of a list, without `*`.
fn named(names: &[Box<str>]) -> impl Iterator<Item = &str> {
    names.iter().map(|name| &**name).filter(|name| *name != "*")
}

/// Joins names by `,`, each once.
fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut joined: Vec<&str> = Vec::new();
    for name in names {
        if !joined.contains(&name) {
            joined.push(name);
        }
    }
    joined.join(",")
}

fn text(header: ResponseHeader, value: &str) -> Edit {
    // Values are made of tokens, commas and digits, all of which header values may hold.
    let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""));
    Edit { op: Op::Set, header, value: Value::Text(value) }
}

fn vary(token: &'static str) -> Edit {
    Edit { op: Op::Vary, header: ResponseHeader::Vary, value: Value::Text(HeaderValue::from_static(token)) }
}

impl AnswerId {
    /// For requests without `Origin`.
    pub(crate) const NOT_CORS: AnswerId = AnswerId(0);
    /// For actual requests that are refused or of the same origin.
    pub(crate) const REFUSED: AnswerId = AnswerId(1);
    /// For preflights that learn nothing of the policy.
    pub(crate) const FORBIDDEN: AnswerId = AnswerId(2);
    /// For actual requests that the rule allows.
    pub(crate) const ACTUAL: AnswerId = AnswerId(3);
    /// For preflights that the rule allows, or refuses for a header.
    pub(crate) const PREFLIGHT: AnswerId = AnswerId(4);
    /// For preflights that the rule refuses for their method.
    pub(crate) const PREFLIGHT_METHOD_REFUSED: AnswerId = AnswerId(5);

    /// What to do with this answer, and the status: known without a look at the policy.
    #[inline]
    pub(crate) const fn action(self) -> (Action, u16) {
        match self {
            AnswerId::NOT_CORS | AnswerId::REFUSED | AnswerId::ACTUAL => (Action::Forward, 0),
            AnswerId::PREFLIGHT | AnswerId::PREFLIGHT_METHOD_REFUSED => (Action::Respond, PREFLIGHT_STATUS),
            AnswerId(_) => (Action::Respond, FORBIDDEN_STATUS),
        }
    }
}

/// The status of an answered preflight.
pub(crate) const PREFLIGHT_STATUS: u16 = 204;
/// The status of a preflight that learns nothing of the policy.
pub(crate) const FORBIDDEN_STATUS: u16 = 403;

impl Policy {
    pub(crate) fn new(rule: Rule, warnings: Vec<Problem>) -> Self {
        // A constant answer is the same for everyone, so it goes out on every response and no
        // cache needs to know the origin (Fetch, "CORS protocol and HTTP caches").
        let constant = rule.any_origin;
        let varying = || if constant { Vec::new() } else { vec![vary("Origin")] };
        let with = |more: Vec<Edit>| {
            let mut edits = varying();
            edits.extend(more);
            edits
        };
        let granted = || {
            let mut edits = rule.allow_origin_edits();
            edits.extend(rule.expose_edits());
            edits
        };
        let not_cors = with(if constant { granted() } else { Vec::new() });
        let answers = Box::new([
            Answer::new(AnswerId::NOT_CORS, not_cors),
            Answer::new(AnswerId::REFUSED, varying()),
            Answer::new(AnswerId::FORBIDDEN, vec![vary("Origin")]),
            Answer::new(AnswerId::ACTUAL, with(granted())),
            Answer::new(AnswerId::PREFLIGHT, with(rule.preflight_edits(false))),
            Answer::new(AnswerId::PREFLIGHT_METHOD_REFUSED, with(rule.preflight_edits(true))),
        ]);
        Policy { rule, answers, warnings: warnings.into() }
    }

    /// Starts a policy that is made by calls.
    #[must_use]
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::new()
    }

    /// Reads a policy document: one JSON object in UTF-8.
    ///
    /// Costs time linear in the text. A million origins take about 15 bytes each beside their text.
    ///
    /// # Errors
    /// Every problem of the document, each with path, line and column.
    pub fn from_json(document: impl AsRef<[u8]>) -> Result<Policy, BuildError> {
        document::read(document.as_ref())
    }

    /// The canonical document: JSON text without white space. A policy built from it is equal, and
    /// has the same text.
    #[must_use]
    pub fn document(&self) -> String {
        document::write(self)
    }

    /// What is worth a look but stopped nothing, in the order of the document.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The ready answers, by [`AnswerId::index`].
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The answer of a verdict of this policy.
    #[must_use]
    #[inline]
    pub fn answer(&self, id: AnswerId) -> &Answer {
        // An id of another policy with more answers gets the one that grants nothing.
        static NOTHING: std::sync::LazyLock<Answer> =
            std::sync::LazyLock::new(|| Answer::new(AnswerId::FORBIDDEN, vec![vary("Origin")]));
        self.answers.get(id.index()).unwrap_or_else(|| &NOTHING)
    }

    /// Whether `origin` may read responses, for WebSocket handshakes and CSRF checks.
    ///
    /// With `credentials`, which is right whenever cookies decide who somebody is, only if the
    /// deciding rule allows them. An origin that is absent or malformed is refused, even where
    /// everybody may read: a handshake carries cookies whatever the policy says.
    #[must_use]
    pub fn allows_origin<O: AsRef<[u8]>>(&self, origin: Option<O>, credentials: bool) -> bool {
        let Some(origin) = origin else { return false };
        let origin = origin.as_ref();
        let matched = match self.rule.origins.find(origin) {
            Match::Matched => true,
            Match::Unmatched | Match::UnmatchedNull => self.rule.any_origin,
            Match::Malformed => false,
        };
        matched && (self.rule.allow_credentials || !credentials)
    }

    /// The bytes that the policy holds on the heap, to a good approximation.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let names = |names: &[Box<str>]| names.iter().map(|name| 2 * (name.len() + 16)).sum::<usize>();
        let config = &self.rule.config;
        let values = self.answers.iter().flat_map(Answer::edits).map(|edit| match &edit.value {
            Value::Text(value) => value.len() + size_of::<Edit>(),
            _ => size_of::<Edit>(),
        });
        size_of::<Policy>()
            + self.rule.origins.heap_bytes()
            + names(&config.allow_methods)
            + names(&config.allow_headers)
            + names(&config.expose_headers)
            + values.sum::<usize>()
    }
}

impl PartialEq for Policy {
    /// Policies are equal if their canonical documents are.
    fn eq(&self, other: &Self) -> bool {
        self.document() == other.document()
    }
}

impl Eq for Policy {}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.document()).finish()
    }
}
