//! Being configured: takes values in any order, keeps every problem, and gives a policy or all of them.

use std::fmt;

use crate::hash_key::HashKey;
use crate::header::{is_cors_response_header, is_forbidden_request_header, is_token, is_unexposable};
use crate::limits::{
    MAX_AGE_SECONDS, MAX_HEADER_NAME_BYTES, MAX_METHOD_BYTES, MAX_NAMES, MAX_ORIGINS, MAX_PROBLEMS,
};
use crate::method;
use crate::origin_set::OriginSet;
use crate::pattern::{HostShape, Pattern, PortShape, Shape};
use crate::policy::{Policy, Rule};
use crate::problem::{BuildError, Problem, Problems, Quoted};

/// The keys of a policy document, in the order of the canonical document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    AllowOrigins,
    AllowMethods,
    AllowHeaders,
    ExposeHeaders,
    AllowCredentials,
    MaxAge,
}

impl Key {
    pub(crate) const ALL: [Key; 6] = [
        Key::AllowOrigins,
        Key::AllowMethods,
        Key::AllowHeaders,
        Key::ExposeHeaders,
        Key::AllowCredentials,
        Key::MaxAge,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Key::AllowOrigins => "allow_origins",
            Key::AllowMethods => "allow_methods",
            Key::AllowHeaders => "allow_headers",
            Key::ExposeHeaders => "expose_headers",
            Key::AllowCredentials => "allow_credentials",
            Key::MaxAge => "max_age",
        }
    }
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) key: Key,
    /// The index, for an element of a list.
    pub(crate) index: Option<usize>,
    /// The byte offset in the text; without a text, what keeps problems in the order of the keys.
    pub(crate) order: u64,
}

impl At {
    /// The place of a value that was set by a call, not read from a text.
    fn call(key: Key, index: Option<usize>) -> At {
        let index_order = index.map_or(0, |index| index as u64 + 1);
        At { key, index, order: ((key as u64) << 48) | index_order }
    }

    pub(crate) fn problem(self, code: &'static str, value: Option<&str>, message: String) -> Problem {
        let path = match self.index {
            Some(index) => format!("{}[{index}]", self.key.name()),
            None => self.key.name().to_owned(),
        };
        Problem {
            code,
            path,
            value: value.map(str::to_owned),
            message,
            suggestion: None,
            line: None,
            column: None,
            order: self.order,
        }
    }
}

/// A problem of the configuration as a whole.
pub(crate) fn whole(code: &'static str, message: String, order: u64) -> Problem {
    Problem {
        code,
        path: String::new(),
        value: None,
        message,
        suggestion: None,
        line: None,
        column: None,
        order,
    }
}

/// Adds "write ... instead" to a problem.
fn suggest(mut problem: Problem, suggestion: String) -> Problem {
    problem.message.push_str(", write ");
    problem.message.push_str(&Quoted(&suggestion).to_string());
    problem.suggestion = Some(suggestion);
    problem
}

/// One of the three lists of names.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Canonical, in order, without duplicates, `*` among them.
    names: Vec<Box<str>>,
    any: Option<At>,
    overflow: bool,
}

impl Names {
    /// Adds a canonical name; false if it was there.
    fn add(&mut self, name: &str) -> bool {
        let new = !self.names.iter().any(|known| **known == *name);
        if new {
            self.names.push(name.into());
        }
        new
    }
}

/// A policy while its values are collected and checked, whoever gives them: setters or a document.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    problems: Problems,
    warnings: Problems,
    /// None if no key for hashing could be had, which is a problem already.
    origins: Option<OriginSet>,
    /// Where `allow_origins` was given, in whatever form.
    origins_at: Option<At>,
    /// Whether it was given as something else than a list or `*`, which is a problem already.
    origins_unusable: bool,
    any_origin: Option<At>,
    /// Elements of `allow_origins` that are not `*`, valid or not.
    named_origins: usize,
    /// Origins that credentials do not go with, as long as they are worth reporting.
    risky_origins: Vec<(At, Risk, Box<str>)>,
    methods: Names,
    headers: Names,
    expose: Names,
    allow_credentials: bool,
    max_age: Option<u32>,
}

/// Why an origin does not go with credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Risk {
    Insecure,
    Wildcard,
}

impl Draft {
    pub(crate) fn new() -> Self {
        let mut problems = Problems::default();
        let origins = match HashKey::random() {
            Ok(key) => Some(OriginSet::new(key)),
            Err(error) => {
                problems
                    .push(|| whole("no-randomness", format!("the system gave no random bytes: {error}"), 0));
                None
            }
        };
        Draft {
            problems,
            warnings: Problems::default(),
            origins,
            origins_at: None,
            origins_unusable: false,
            any_origin: None,
            named_origins: 0,
            risky_origins: Vec::new(),
            methods: Names::default(),
            headers: Names::default(),
            expose: Names::default(),
            allow_credentials: false,
            max_age: None,
        }
    }

    pub(crate) fn problem(&mut self, problem: impl FnOnce() -> Problem) {
        self.problems.push(problem);
    }

    /// Notes that `allow_origins` was given; `usable` is false if that is a problem already.
    pub(crate) fn origins_given(&mut self, at: At, usable: bool) {
        self.origins_at = Some(self.origins_at.unwrap_or(at));
        self.origins_unusable |= !usable;
    }

    /// Counts an element of `allow_origins` that was no text, which is a problem already.
    pub(crate) fn unreadable_origin(&mut self) {
        self.named_origins += 1;
    }

    /// The problems so far, of a text that cannot be read to its end.
    pub(crate) fn give_up(self, text: &str) -> Result<Policy, BuildError> {
        let (problems, unreported) = self.problems.finish(Some(text));
        Err(BuildError { problems, unreported })
    }

    /// An element of one of the lists, or `*` in place of a list.
    pub(crate) fn element(&mut self, at: At, text: &str) {
        match at.key {
            Key::AllowOrigins => self.origin(at, text),
            Key::AllowMethods => self.method(at, text),
            Key::AllowHeaders => self.request_header(at, text),
            Key::ExposeHeaders => self.exposed_header(at, text),
            Key::AllowCredentials | Key::MaxAge => {}
        }
    }

    fn origin(&mut self, at: At, text: &str) {
        let Some(origins) = &mut self.origins else { return };
        let pattern = match Pattern::parse(text) {
            Ok(pattern) => pattern,
            Err(invalid) => {
                self.named_origins += 1;
                self.problems.push(|| {
                    let mut problem = at.problem(invalid.code, Some(text), invalid.message);
                    problem.suggestion = invalid.suggestion;
                    problem
                });
                return;
            }
        };
        let new = if pattern.shape == Shape::Any {
            let new = self.any_origin.is_none();
            self.any_origin = Some(self.any_origin.unwrap_or(at));
            new
        } else {
            self.named_origins += 1;
            if origins.len() >= MAX_ORIGINS {
                if origins.len() == MAX_ORIGINS && self.named_origins == MAX_ORIGINS + 1 {
                    let list = self.origins_at.unwrap_or(at);
                    self.problems.push(|| {
                        let message = format!(
                            "the list has more than {MAX_ORIGINS} origins, use wildcards or several policies"
                        );
                        At { index: None, ..list }.problem("too-many-origins", None, message)
                    });
                }
                return;
            }
            origins.insert(&pattern)
        };
        if !new {
            self.warn_duplicate(at, text);
            return;
        }
        if pattern.text != text {
            self.warn_canonical(at, text, &pattern.text);
        }
        let (insecure, wildcard) = match pattern.shape {
            Shape::Any => (false, false),
            Shape::Exact { insecure } => (insecure, false),
            Shape::Web { insecure, host, port, .. } => {
                (insecure, host == HostShape::Subdomains || port == PortShape::Any)
            }
            Shape::Scheme => (false, true),
        };
        for (risky, risk) in [(insecure, Risk::Insecure), (wildcard, Risk::Wildcard)] {
            // One more than can be reported, so that the rest is seen to exist.
            if risky && self.risky_origins.len() <= MAX_PROBLEMS {
                self.risky_origins.push((at, risk, pattern.text.as_ref().into()));
            }
        }
    }

    fn method(&mut self, at: At, text: &str) {
        if text == "*" {
            return self.any_name(at, text);
        }
        let problem = if text.len() > MAX_METHOD_BYTES {
            Some((
                "method-too-long",
                format!("{} is longer than {MAX_METHOD_BYTES} bytes, name a real method", Quoted(text)),
            ))
        } else if !is_token(text.as_bytes()) {
            Some(("invalid-method", format!("{} is no method, write a token such as \"PUT\"", Quoted(text))))
        } else if method::is_forbidden(text) {
            Some((
                "forbidden-method",
                format!("{} is a method that browsers never let scripts use, remove it", Quoted(text)),
            ))
        } else {
            None
        };
        if let Some((code, message)) = problem {
            return self.invalid_name(at, code, text, message);
        }
        self.name(at, text, method::normalize(text), true);
    }

    fn request_header(&mut self, at: At, text: &str) {
        if text == "*" {
            return self.any_name(at, text);
        }
        let Some(name) = self.header_name(at, text) else { return };
        if is_cors_response_header(&name) {
            let message = format!(
                "{} is a response header of CORS itself, list the request headers that scripts send",
                Quoted(text)
            );
            self.invalid_name(at, "cors-header-not-allowed", text, message);
        } else if is_forbidden_request_header(&name) {
            let message =
                format!("{} is a header that browsers never let scripts set, remove it", Quoted(text));
            self.invalid_name(at, "forbidden-request-header", text, message);
        } else {
            self.name(at, text, &name, false);
        }
    }

    fn exposed_header(&mut self, at: At, text: &str) {
        if text == "*" {
            return self.any_name(at, text);
        }
        let Some(name) = self.header_name(at, text) else { return };
        if is_unexposable(&name) {
            let message = format!("{} is never shown to scripts, remove it", Quoted(text));
            self.invalid_name(at, "unexposable-header", text, message);
        } else {
            self.name(at, text, &name, false);
        }
    }

    /// A header name in lower case; none if it is not one, which is noted.
    fn header_name(&mut self, at: At, text: &str) -> Option<String> {
        let code = if text.len() > MAX_HEADER_NAME_BYTES {
            "header-name-too-long"
        } else if !is_token(text.as_bytes()) {
            "invalid-header-name"
        } else {
            return Some(text.to_ascii_lowercase());
        };
        self.list_overflow(at, || {
            let message = match code {
                "header-name-too-long" => format!(
                    "{} is longer than {MAX_HEADER_NAME_BYTES} bytes, name a real header",
                    Quoted(text)
                ),
                _ => format!("{} is no header name, write a token such as \"content-type\"", Quoted(text)),
            };
            let problem = at.problem(code, Some(text), message);
            let trimmed = text.trim().trim_end_matches(':').trim_end();
            if code == "invalid-header-name" && is_token(trimmed.as_bytes()) {
                let mut problem = problem;
                problem.message = format!("{} is no header name", Quoted(text));
                suggest(problem, trimmed.to_ascii_lowercase())
            } else {
                problem
            }
        });
        None
    }

    fn names(&mut self, key: Key) -> &mut Names {
        match key {
            Key::AllowMethods => &mut self.methods,
            Key::ExposeHeaders => &mut self.expose,
            _ => &mut self.headers,
        }
    }

    /// Notes a problem of an element, unless its list is too long, which is problem enough.
    fn list_overflow(&mut self, at: At, problem: impl FnOnce() -> Problem) {
        if !self.names(at.key).overflow {
            self.problems.push(problem);
        }
    }

    fn invalid_name(&mut self, at: At, code: &'static str, text: &str, message: String) {
        self.list_overflow(at, || at.problem(code, Some(text), message));
    }

    fn any_name(&mut self, at: At, text: &str) {
        let names = self.names(at.key);
        names.any = Some(names.any.unwrap_or(at));
        self.name(at, text, "*", false);
    }

    /// Adds a canonical name to its list.
    fn name(&mut self, at: At, text: &str, canonical: &str, warn_canonical: bool) {
        let names = self.names(at.key);
        if names.overflow {
            return;
        }
        if !names.add(canonical) {
            self.warn_duplicate(at, text);
        } else if names.names.len() > MAX_NAMES {
            names.overflow = true;
            let message = format!("the list has more than {MAX_NAMES} names, write \"*\" or fewer");
            self.problems.push(|| At { index: None, ..at }.problem("too-many-names", None, message));
        } else if warn_canonical && canonical != text {
            self.warn_canonical(at, text, canonical);
        }
    }

    fn warn_duplicate(&mut self, at: At, text: &str) {
        self.warnings.push(|| {
            at.problem("duplicate", Some(text), format!("{} is in the list already, remove it", Quoted(text)))
        });
    }

    fn warn_canonical(&mut self, at: At, text: &str, canonical: &str) {
        self.warnings.push(|| {
            let message = format!("{} is not what browsers send", Quoted(text));
            suggest(at.problem("made-canonical", Some(text), message), canonical.to_owned())
        });
    }

    pub(crate) fn allow_credentials(&mut self, allow: bool) {
        self.allow_credentials = allow;
    }

    /// `text` is how the number was written.
    pub(crate) fn max_age(&mut self, at: At, seconds: i64, text: &str) {
        match u32::try_from(seconds).ok().filter(|&seconds| seconds <= MAX_AGE_SECONDS) {
            Some(seconds) => self.max_age = Some(seconds),
            None => self.problems.push(|| {
                let nearest = if seconds < 0 { 0 } else { MAX_AGE_SECONDS };
                let message = format!(
                    "max_age is {text} seconds, write {nearest}: 0 to {MAX_AGE_SECONDS} are possible"
                );
                Problem {
                    suggestion: Some(nearest.to_string()),
                    ..at.problem("max-age-out-of-range", Some(text), message)
                }
            }),
        }
    }

    /// Checks what depends on several keys, and builds the policy if there was no problem.
    pub(crate) fn finish(mut self, text: Option<&str>, start: u64) -> Result<Policy, BuildError> {
        self.check_origins(start);
        if self.allow_credentials {
            self.check_credentials();
        }
        let (problems, unreported) = self.problems.finish(text);
        let origins = match self.origins {
            Some(origins) if problems.is_empty() => origins,
            _ => return Err(BuildError { problems, unreported }),
        };
        let (warnings, _) = self.warnings.finish(text);
        let rule = Rule::new(
            self.any_origin.is_some(),
            origins,
            self.methods.names,
            self.headers.names,
            self.expose.names,
            self.allow_credentials,
            self.max_age,
        );
        Ok(Policy::new(rule, warnings))
    }

    fn check_origins(&mut self, start: u64) {
        match (self.origins_at, self.any_origin) {
            (None, _) => self.problems.push(|| {
                let message = "allow_origins is missing, name the origins that may read responses, or write \"*\" for everyone";
                whole("missing-allow-origins", message.to_owned(), start)
            }),
            (Some(at), None) if self.named_origins == 0 && !self.origins_unusable => self.problems.push(|| {
                let message = "the list is empty, name the origins that may read responses, or write \"*\" for everyone";
                At { index: None, ..at }.problem("empty-allow-origins", Some("[]"), message.to_owned())
            }),
            (Some(_), Some(any)) if self.named_origins > 0 => self.problems.push(|| {
                let message = "\"*\" allows everyone and stands alone, remove it or the other origins";
                any.problem("any-origin-not-alone", Some("*"), message.to_owned())
            }),
            _ => {}
        }
    }

    fn check_credentials(&mut self) {
        if let Some(at) = self.any_origin.filter(|_| self.named_origins == 0) {
            self.problems.push(|| {
                let message = "\"*\" with allow_credentials would let every site of the world act as the user, name the origins or drop allow_credentials";
                at.problem("any-origin-with-credentials", Some("*"), message.to_owned())
            });
        }
        if let Some(at) = self.expose.any {
            self.problems.push(|| {
                let message = "browsers take \"*\" in expose_headers for a header named \"*\" when credentials are sent, name the headers";
                at.problem("any-exposed-header-with-credentials", Some("*"), message.to_owned())
            });
        }
        for (at, risk, text) in std::mem::take(&mut self.risky_origins) {
            self.problems.push(|| match risk {
                Risk::Insecure => {
                    let secure = format!("https{}", text.strip_prefix("http").unwrap_or(&text));
                    let message = format!("{} with allow_credentials trusts everybody on the user's network", Quoted(&text));
                    suggest(at.problem("insecure-origin-with-credentials", Some(&text), message), secure)
                }
                Risk::Wildcard => {
                    let message = format!("{} with allow_credentials trusts origins that nobody named, name each one or drop allow_credentials", Quoted(&text));
                    at.problem("wildcard-origin-with-credentials", Some(&text), message)
                }
            });
        }
    }
}

/// Builds a [`Policy`] from calls. Setters cannot fail: [`PolicyBuilder::build`] reports every
/// problem of every value at once.
///
/// Values are text; bytes that are no UTF-8 are a problem like any other.
///
/// ```
/// let policy = corsac::Policy::builder()
///     .allow_origin("https://app.example.com")
///     .allow_method("PUT")
///     .allow_header("content-type")
///     .max_age(600)
///     .build()?;
/// assert!(policy.allows_origin(Some("https://app.example.com"), false));
/// # Ok::<(), corsac::BuildError>(())
/// ```
///
/// ```
/// let error = corsac::Policy::builder().allow_origin("https://app.example.com/").build().unwrap_err();
/// assert_eq!(error.problems()[0].suggestion.as_deref(), Some("https://app.example.com"));
/// ```
#[derive(Clone)]
pub struct PolicyBuilder {
    draft: Draft,
    counts: [usize; 4],
}

impl PolicyBuilder {
    pub(crate) fn new() -> Self {
        PolicyBuilder { draft: Draft::new(), counts: [0; 4] }
    }

    fn add(&mut self, key: Key, value: &[u8]) -> &mut Self {
        let index = match self.counts.get_mut(key as usize) {
            Some(count) => std::mem::replace(count, *count + 1),
            None => 0,
        };
        let at = At::call(key, Some(index));
        if key == Key::AllowOrigins {
            self.draft.origins_given(At::call(key, None), true);
        }
        match std::str::from_utf8(value) {
            Ok(text) => self.draft.element(at, text),
            Err(_) => {
                if key == Key::AllowOrigins {
                    self.draft.unreadable_origin();
                }
                self.draft.problem(|| {
                    let text = String::from_utf8_lossy(value);
                    at.problem(
                        "not-utf-8",
                        Some(&text),
                        format!("{} is no UTF-8, write it in UTF-8", Quoted(&text)),
                    )
                });
            }
        }
        self
    }

    /// Who may read responses: an origin, a pattern such as `https://*.example.com`, or `*` for everyone.
    pub fn allow_origin(&mut self, origin: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::AllowOrigins, origin.as_ref())
    }

    /// A method beyond GET, HEAD and POST, which are always allowed; `*` for every method.
    pub fn allow_method(&mut self, method: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::AllowMethods, method.as_ref())
    }

    /// A request header beyond the safelisted ones; `*` for every header, `authorization` too.
    pub fn allow_header(&mut self, name: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::AllowHeaders, name.as_ref())
    }

    /// A response header that scripts may read; `*` for every header.
    pub fn expose_header(&mut self, name: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::ExposeHeaders, name.as_ref())
    }

    /// Whether cookies, TLS client certificates and HTTP authentication may be sent. Not unless asked for.
    pub fn allow_credentials(&mut self, allow: bool) -> &mut Self {
        self.draft.allow_credentials(allow);
        self
    }

    /// How long a browser may keep the answer to a preflight, in seconds, at most 86,400. Without it
    /// browsers keep it for 5 seconds; 0 turns their cache off. Chromium never keeps it longer than
    /// 7,200 seconds.
    pub fn max_age(&mut self, seconds: impl Into<i64>) -> &mut Self {
        let seconds = seconds.into();
        self.draft.max_age(At::call(Key::MaxAge, None), seconds, &seconds.to_string());
        self
    }

    /// Builds the policy.
    ///
    /// # Errors
    /// Every problem of every value.
    pub fn build(&self) -> Result<Policy, BuildError> {
        self.draft.clone().finish(None, 0)
    }
}

impl fmt::Debug for PolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyBuilder").finish_non_exhaustive()
    }
}
