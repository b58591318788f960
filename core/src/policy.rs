//! A compiled, immutable policy: rules, and the ready answers that decisions point to.

use std::fmt;

use http::HeaderValue;

use crate::answer::{Answer, AnswerId, Edit, Op, ResponseHeader, Value};
use crate::builder::PolicyBuilder;
use crate::document;
use crate::guards::Danger;
use crate::header::HeaderSet;
use crate::method::MethodSet;
use crate::origin_set::{Match, OriginSet, RuleIndex};
use crate::problem::{BuildError, Problem};
use crate::s3::{self, S3Options, S3Rules};

/// A compiled CORS policy: immutable, safe to share between any number of threads.
///
/// Building checks everything; afterwards nothing can fail. [`Policy::evaluate`] neither allocates
/// nor locks. Put it into an [`std::sync::Arc`] to share it.
#[derive(Clone)]
pub struct Policy {
    pub(crate) origins: OriginSet,
    /// The server's own origins; empty if requests tell.
    pub(crate) own_origins: OriginSet,
    pub(crate) rules: Box<[Rule]>,
    pub(crate) settings: Settings,
    answers: Box<[Answer]>,
    /// The answer that grants nothing, for an id of another policy.
    nothing: Answer,
    warnings: Box<[Problem]>,
    warnings_unreported: usize,
    /// The rules of a bucket, which then decide in place of `origins` and `rules`.
    pub(crate) s3: Option<Box<S3Rules>>,
}

/// What holds for the whole policy.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The status of an answered preflight.
    pub(crate) preflight_status: u16,
    /// Whether refused requests that are no preflights are answered 403.
    pub(crate) forbid_refused: bool,
    /// Whether CORS headers of the application stay where the answer sets none.
    pub(crate) keep_foreign_headers: bool,
    /// Whether the document has `rules`.
    pub(crate) in_list: bool,
    /// Of the document, beside `rules`.
    pub(crate) name: Option<Box<str>>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) schema: Option<Box<str>>,
    pub(crate) expect_allow: Vec<Box<str>>,
    pub(crate) expect_refuse: Vec<Box<str>>,
    pub(crate) acknowledged: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            preflight_status: 204,
            forbid_refused: false,
            keep_foreign_headers: false,
            in_list: false,
            name: None,
            description: None,
            schema: None,
            expect_allow: Vec::new(),
            expect_refuse: Vec::new(),
            acknowledged: Vec::new(),
        }
    }
}

/// Who may see the timing of responses (Resource Timing, "Timing-Allow-Origin").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimingAllowOrigin {
    #[default]
    Nobody,
    /// Whoever may read the response.
    Reader,
    Everyone,
}

/// What a rule allows the origins that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) any_origin: bool,
    pub(crate) methods: MethodSet,
    pub(crate) headers: HeaderSet,
    pub(crate) allow_credentials: bool,
    /// What was configured, canonical and in order, for the document.
    pub(crate) config: RuleConfig,
}

/// A rule as its canonical document has it.
#[derive(Clone, Debug)]
pub(crate) struct RuleConfig {
    pub(crate) allow_methods: Vec<Box<str>>,
    pub(crate) allow_headers: Vec<Box<str>>,
    pub(crate) expose_headers: Vec<Box<str>>,
    pub(crate) max_age: Option<u32>,
    pub(crate) timing_allow_origin: TimingAllowOrigin,
    pub(crate) dangerously_allow: Vec<Danger>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) description: Option<Box<str>>,
}

impl Rule {
    pub(crate) fn new(any_origin: bool, allow_credentials: bool, config: RuleConfig) -> Self {
        let any = |names: &[Box<str>]| names.iter().any(|name| **name == *"*");
        Rule {
            any_origin,
            methods: MethodSet::new(any(&config.allow_methods), named(&config.allow_methods)),
            headers: HeaderSet::new(any(&config.allow_headers), named(&config.allow_headers)),
            allow_credentials,
            config,
        }
    }

    /// A rule of S3, of which only the name counts here.
    fn of_s3(rule: &s3::Rule) -> Self {
        let config = RuleConfig {
            allow_methods: Vec::new(),
            allow_headers: Vec::new(),
            expose_headers: Vec::new(),
            max_age: None,
            timing_allow_origin: TimingAllowOrigin::Nobody,
            dangerously_allow: Vec::new(),
            name: rule.id().map(Into::into),
            description: None,
        };
        Rule::new(false, false, config)
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

    /// What a response that scripts may read carries.
    fn actual_edits(&self) -> Vec<Edit> {
        let mut edits = self.allow_origin_edits();
        edits.extend(self.expose_edits());
        match self.config.timing_allow_origin {
            TimingAllowOrigin::Nobody => {}
            TimingAllowOrigin::Reader if !self.any_origin => {
                edits.push(Edit {
                    op: Op::Set,
                    header: ResponseHeader::TimingAllowOrigin,
                    value: Value::Origin,
                });
            }
            TimingAllowOrigin::Reader | TimingAllowOrigin::Everyone => {
                edits.push(text(ResponseHeader::TimingAllowOrigin, "*"));
            }
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

/// What S3 sends of a rule, on responses that scripts may read and on answers to preflights alike.
fn s3_edits(rule: &s3::Rule, options: S3Options, preflight: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    if rule.allows_any_origin() {
        edits.push(text(ResponseHeader::AllowOrigin, "*"));
    } else {
        edits.push(Edit { op: Op::Set, header: ResponseHeader::AllowOrigin, value: Value::Origin });
        edits.push(text(ResponseHeader::AllowCredentials, "true"));
    }
    edits.push(text(ResponseHeader::AllowMethods, &rule.allowed_methods().join(", ")));
    if preflight {
        edits.push(Edit { op: Op::Set, header: ResponseHeader::AllowHeaders, value: Value::RequestHeaders });
    }
    if let Some(seconds) = rule.sent_max_age(options.dialect) {
        let value = Value::Text(HeaderValue::from(seconds));
        edits.push(Edit { op: Op::Set, header: ResponseHeader::MaxAge, value });
    }
    if !rule.expose_headers().is_empty() {
        edits.push(text(ResponseHeader::ExposeHeaders, &rule.expose_headers().join(", ")));
    }
    edits
}

fn vary(token: &'static str) -> Edit {
    Edit { op: Op::Vary, header: ResponseHeader::Vary, value: Value::Text(HeaderValue::from_static(token)) }
}

impl AnswerId {
    /// For requests without `Origin`.
    pub(crate) const NOT_CORS: AnswerId = AnswerId(0);
    /// For requests of the server's own pages.
    pub(crate) const SAME_ORIGIN: AnswerId = AnswerId(1);
    /// For actual requests that are refused.
    pub(crate) const REFUSED: AnswerId = AnswerId(2);
    /// For preflights that learn nothing of the policy.
    pub(crate) const FORBIDDEN: AnswerId = AnswerId(3);
    /// The answers of the rules begin here, three of each.
    const RULES: u16 = 4;

    /// For actual requests that a rule allows.
    #[inline]
    pub(crate) const fn actual(rule: RuleIndex) -> AnswerId {
        AnswerId(AnswerId::RULES + 3 * rule)
    }

    /// For preflights that a rule allows, or refuses for a header.
    #[inline]
    pub(crate) const fn preflight(rule: RuleIndex) -> AnswerId {
        AnswerId(AnswerId::RULES + 3 * rule + 1)
    }

    /// For preflights that a rule refuses for their method.
    #[inline]
    pub(crate) const fn preflight_method_refused(rule: RuleIndex) -> AnswerId {
        AnswerId(AnswerId::RULES + 3 * rule + 2)
    }

    /// For preflights that make no sense to S3, of a policy of so many rules.
    pub(crate) const fn bad_request(rules: usize) -> AnswerId {
        AnswerId(AnswerId::RULES + 3 * rules as u16)
    }
}

/// The status of what is refused by the server itself.
pub(crate) const FORBIDDEN_STATUS: u16 = 403;

impl Policy {
    pub(crate) fn new(
        origins: OriginSet,
        own_origins: OriginSet,
        rules: Box<[Rule]>,
        settings: Settings,
        (warnings, warnings_unreported): (Vec<Problem>, usize),
    ) -> Self {
        // A constant answer is the same for everyone, so it goes out on every response and no
        // cache needs to know the origin (Fetch, "CORS protocol and HTTP caches").
        let constant = rules.first().filter(|_| origins.is_constant());
        let varying = |more: Vec<Edit>| {
            let mut edits = if constant.is_some() { Vec::new() } else { vec![vary("Origin")] };
            edits.extend(more);
            edits
        };
        let not_cors = match constant {
            Some(rule) => rule.actual_edits(),
            // Images and scripts carry no Origin, and their timing is what everyone may see.
            None if rules
                .iter()
                .all(|rule| rule.config.timing_allow_origin == TimingAllowOrigin::Everyone) =>
            {
                vec![text(ResponseHeader::TimingAllowOrigin, "*")]
            }
            None => Vec::new(),
        };
        let keep = settings.keep_foreign_headers;
        let forward = |edits| Answer::forward(edits, keep);
        // In the order of the ids.
        let mut answers = vec![
            forward(varying(not_cors)),
            forward(varying(Vec::new())),
            if settings.forbid_refused {
                Answer::respond(FORBIDDEN_STATUS, varying(Vec::new()))
            } else {
                forward(varying(Vec::new()))
            },
            Answer::respond(FORBIDDEN_STATUS, vec![vary("Origin")]),
        ];
        for rule in &rules {
            answers.push(forward(varying(rule.actual_edits())));
            for method_refused in [false, true] {
                let edits = varying(rule.preflight_edits(method_refused));
                answers.push(Answer::respond(settings.preflight_status, edits));
            }
        }
        let nothing = Answer::respond(FORBIDDEN_STATUS, vec![vary("Origin")]);
        Policy {
            origins,
            own_origins,
            rules,
            settings,
            answers: answers.into(),
            nothing,
            warnings: warnings.into(),
            warnings_unreported,
            s3: None,
        }
    }

    /// A policy of S3 rules. `origins` has one rule, for any origin: see [`Policy::decide`].
    pub(crate) fn of_s3(
        origins: OriginSet,
        own_origins: OriginSet,
        s3: S3Rules,
        (warnings, warnings_unreported): (Vec<Problem>, usize),
    ) -> Self {
        let varying = |more: Vec<Edit>| {
            let forgets = s3.options().strict && more.is_empty();
            let tokens: &[&str] = if forgets { &[] } else { &s3::VARY };
            tokens.iter().map(|token| vary(token)).chain(more).collect::<Vec<_>>()
        };
        let nothing = || Answer::respond(FORBIDDEN_STATUS, varying(Vec::new()));
        let forward = |edits| Answer::forward(varying(edits), false);
        // In the order of the ids.
        let mut answers = vec![forward(Vec::new()), forward(Vec::new()), forward(Vec::new()), nothing()];
        for rule in s3.configuration().rules() {
            answers.push(forward(s3_edits(rule, s3.options(), false)));
            answers.push(Answer::respond(200, varying(s3_edits(rule, s3.options(), true))));
            answers.push(nothing());
        }
        answers.push(Answer::respond(s3::BAD_REQUEST_STATUS, varying(Vec::new())));
        let nothing = nothing();
        let rules = s3.configuration().rules().iter().map(Rule::of_s3).collect();
        Policy {
            origins,
            own_origins,
            rules,
            settings: Settings { preflight_status: 200, in_list: true, ..Settings::default() },
            answers: answers.into(),
            nothing,
            warnings: warnings.into(),
            warnings_unreported,
            s3: Some(Box::new(s3)),
        }
    }

    /// Reads the CORS configuration of a bucket, in XML or in one of the JSON forms of AWS: see [`crate::s3`].
    ///
    /// # Errors
    /// The first problem in the order in which S3 looks for them, with [`BuildError::s3_code`].
    pub fn from_s3(text: impl AsRef<[u8]>, options: S3Options) -> Result<Policy, BuildError> {
        s3::read(text.as_ref(), options)
    }

    /// The CORS configuration of the bucket, if the policy was made from one.
    #[must_use]
    pub fn s3_configuration(&self) -> Option<&s3::Configuration> {
        self.s3.as_deref().map(S3Rules::configuration)
    }

    /// With which options the configuration was read.
    #[must_use]
    pub fn s3_options(&self) -> Option<S3Options> {
        self.s3.as_deref().map(S3Rules::options)
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
    /// has the same text. Of S3 rules the configuration in the JSON of the AWS command line, which
    /// [`Policy::from_s3`] reads with the same options.
    #[must_use]
    pub fn document(&self) -> String {
        match &self.s3 {
            None => document::write(self),
            Some(rules) => rules.configuration().to_json(),
        }
    }

    /// What is worth a look but stopped nothing, in the order of the document.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// How many further warnings were counted but are not listed.
    #[must_use]
    pub fn warnings_unreported(&self) -> usize {
        self.warnings_unreported
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
        self.answers.get(id.index()).unwrap_or(&self.nothing)
    }

    /// Whether `origin` may read responses, for WebSocket handshakes and CSRF checks.
    ///
    /// With `credentials`, which is right whenever cookies decide who somebody is, only if the
    /// deciding rule allows them. An origin that is absent or malformed is refused, even where
    /// everybody may read: a handshake carries cookies whatever the policy says. The server's own origins are
    /// allowed.
    #[must_use]
    pub fn allows_origin<O: AsRef<[u8]>>(&self, origin: Option<O>, credentials: bool) -> bool {
        let Some(origin) = origin else { return false };
        let origin = origin.as_ref();
        if let Some(rules) = &self.s3 {
            return rules.allows_origin(origin, credentials);
        }
        if self.own_origins.has_exact(origin) {
            return true;
        }
        match self.origins.find(origin) {
            Match::Rule(rule) => !credentials || self.rule(rule).is_some_and(|rule| rule.allow_credentials),
            Match::Unmatched | Match::UnmatchedNull | Match::Malformed => false,
        }
    }

    #[inline]
    pub(crate) fn rule(&self, rule: RuleIndex) -> Option<&Rule> {
        self.rules.get(usize::from(rule))
    }

    /// The bytes that the policy holds on the heap, to a good approximation.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let names = |names: &[Box<str>]| names.iter().map(|name| 2 * (name.len() + 16)).sum::<usize>();
        let lists = self.rules.iter().map(|rule| {
            let config = &rule.config;
            size_of::<Rule>()
                + names(&config.allow_methods)
                + names(&config.allow_headers)
                + names(&config.expose_headers)
        });
        let values = self.answers.iter().flat_map(Answer::edits).map(|edit| match &edit.value {
            Value::Text(value) => value.len() + size_of::<Edit>(),
            _ => size_of::<Edit>(),
        });
        size_of::<Policy>()
            + self.origins.heap_bytes()
            + self.own_origins.heap_bytes()
            + lists.sum::<usize>()
            + self.s3.as_ref().map_or(0, |rules| rules.heap_bytes())
            + values.sum::<usize>()
    }
}

impl PartialEq for Policy {
    /// Policies are equal if their canonical documents are, and the options of S3 rules.
    fn eq(&self, other: &Self) -> bool {
        self.s3_options() == other.s3_options() && self.document() == other.document()
    }
}

impl Eq for Policy {}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.document()).finish()
    }
}
