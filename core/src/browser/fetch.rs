//! A whole fetch: main fetch, HTTP fetch, CORS-preflight fetch and redirects, in the words and order of the Fetch
//! standard.

use serde::Serialize;
use url::Url;

use super::cache::{Asked, PreflightCache};
use super::check::{cors_check, exposed, timing_check, visible};
use super::console::{self, Place};
use super::exchange::{Answer, Exchange, ExchangeError, Response, ScriptRequest, Sequence};
use super::failure::Failure;
use super::profile::Profile;
use super::safelist::{is_safelisted_method, unsafe_header_names};
use super::script::{Request, prepare};
use super::syntax::{Line, get, list};

/// How many redirects are followed (Fetch, "HTTP-redirect fetch").
const MAX_REDIRECTS: usize = 20;

/// A request as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireRequest {
    /// How many redirects came before it.
    pub hop: usize,
    /// Its URL, without a fragment.
    pub url: Url,
    /// Its method; `OPTIONS` for a preflight.
    pub method: String,
    /// Its header lines, as far as CORS and scripts are concerned: Origin, Access-Control-Request-Method and -Headers, and
    /// what script sets.
    pub headers: Vec<(String, String)>,
    /// Whether it is a preflight.
    pub preflight: bool,
}

/// A preflight that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SentPreflight {
    /// Its URL.
    pub url: String,
    /// Its Access-Control-Request-Method.
    pub request_method: String,
    /// Its Access-Control-Request-Headers, if there is one.
    pub request_headers: Option<String>,
    /// Its Origin.
    pub origin: String,
}

/// A request that was sent and is no preflight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SentRequest {
    /// Its URL.
    pub url: String,
    /// Its method.
    pub method: String,
    /// Its Origin, if it carries one.
    pub origin: Option<String>,
}

/// What became of preflights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Preflight {
    /// No request needed one.
    NotNeeded,
    /// At least one was sent.
    Sent,
    /// The preflight cache answered.
    Cached,
}

/// One thing that the browser looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Its stable name: `cross-origin`, `preflight-needed`, `preflight-cached`, `cors-check`, `preflight-status`,
    /// `allow-methods`, `allow-headers`, `redirect`, `exposed-headers`, `timing`, `response`.
    pub name: &'static str,
    /// How many redirects came before.
    pub hop: usize,
    /// Whether it is about a preflight's response.
    pub preflight: bool,
    /// Whether the request may go on.
    pub passed: bool,
    /// What was compared with what.
    pub detail: String,
    /// The section of the Fetch standard.
    pub standard: &'static str,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// `allowed` or `blocked`: whether script gets a response.
    pub outcome: &'static str,
    /// Why it is blocked: [`Failure::id`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why it is blocked, with the values.
    #[serde(skip)]
    pub cause: Option<Failure>,
    /// What became of preflights.
    pub preflight: Preflight,
    /// The preflights that were sent, in order.
    pub preflights: Vec<SentPreflight>,
    /// The other requests that were sent, in order.
    pub requests: Vec<SentRequest>,
    /// The type of the response: `basic`, `cors`, `opaque` or `opaqueredirect`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub response_type: Option<&'static str>,
    /// The status that script sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The names of the headers that script sees, in lower case and sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed_headers: Option<Vec<String>>,
    /// Whether script sees the timing of the response (Timing-Allow-Origin).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<bool>,
    /// The lines of the console.
    pub console: Vec<String>,
    /// The text of the error that the script gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub js_error: Option<String>,
    /// Everything the browser looked at, in order.
    pub steps: Vec<Step>,
}

impl Outcome {
    /// Whether script gets a response.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.cause.is_none()
    }
}

/// Plays one exchange in a browser with an empty preflight cache.
///
/// # Errors
///
/// An exchange that makes no sense.
pub fn simulate(exchange: &Exchange, profile: Profile) -> Result<Outcome, ExchangeError> {
    simulate_at(exchange, &mut PreflightCache::new(profile), profile, 0)
}

/// Plays exchanges one after another in one browser, whose preflight cache they share.
///
/// # Errors
///
/// An exchange that makes no sense, with its index.
pub fn simulate_sequence(sequence: &Sequence, profile: Profile) -> Result<Vec<Outcome>, ExchangeError> {
    let mut cache = PreflightCache::new(profile);
    let outcomes = sequence.steps.iter().enumerate().map(|(index, step)| {
        simulate_at(&step.exchange, &mut cache, profile, step.at)
            .map_err(|error| ExchangeError(format!("steps[{index}]: {error}")))
    });
    outcomes.collect()
}

/// [`simulate`] from JSON to JSON: an [`Exchange`] in, an [`Outcome`] out.
///
/// # Errors
///
/// As [`Exchange::from_json`] and [`simulate`].
pub fn simulate_json(exchange: &str, profile: Profile) -> Result<String, ExchangeError> {
    to_json(&simulate(&Exchange::from_json(exchange)?, profile)?)
}

/// [`simulate_sequence`] from JSON to JSON: a [`Sequence`] in, a list of [`Outcome`]s out.
///
/// # Errors
///
/// As [`Sequence::from_json`] and [`simulate_sequence`].
pub fn simulate_sequence_json(sequence: &str, profile: Profile) -> Result<String, ExchangeError> {
    to_json(&simulate_sequence(&Sequence::from_json(sequence)?, profile)?)
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, ExchangeError> {
    serde_json::to_string(value).map_err(|error| ExchangeError::new(error.to_string()))
}

fn simulate_at(
    exchange: &Exchange,
    cache: &mut PreflightCache,
    profile: Profile,
    now: u64,
) -> Result<Outcome, ExchangeError> {
    exchange.check()?;
    fetch(&exchange.page_origin, &exchange.request, profile, cache, now, |request| {
        exchange.answer(request.hop, request.url.as_str(), request.preflight)
    })
}

/// Plays a script's request on a page of this origin, with a preflight cache at a time in milliseconds; `answer`
/// gives the response to each request that is sent, or `None` if there is none to be had.
///
/// # Errors
///
/// A page origin that is none, or a request that makes no sense.
pub fn fetch(
    page_origin: &str,
    script: &ScriptRequest,
    profile: Profile,
    cache: &mut PreflightCache,
    now: u64,
    answer: impl FnMut(&WireRequest) -> Option<Answer>,
) -> Result<Outcome, ExchangeError> {
    script.check()?;
    if page_origin != "null" && !is_origin(page_origin) {
        return Err(ExchangeError(format!(
            "page_origin: {page_origin:?} is no serialized origin: write scheme://host or scheme://host:port, or null"
        )));
    }
    let outcome = Outcome {
        outcome: "blocked",
        failure: None,
        cause: None,
        preflight: Preflight::NotNeeded,
        preflights: Vec::new(),
        requests: Vec::new(),
        response_type: None,
        status: None,
        exposed_headers: None,
        timing: None,
        console: Vec::new(),
        js_error: None,
        steps: Vec::new(),
    };
    let mut run = Run { page_origin, script, profile, cache, now, answer, outcome, status: None };
    let request = match prepare(script, profile) {
        Ok(request) => request,
        Err(failure) => {
            // No URL is needed to say what a call throws.
            let url = Url::parse(&script.url).or_else(|_| Url::parse("about:blank"));
            let url = url.map_err(|error| ExchangeError(format!("request.url: {error}")))?;
            run.step("request", 0, false, false, throws_detail(&failure), "2.2.1, 5.3");
            run.fail(failure, &url, None);
            return Ok(run.outcome);
        }
    };
    let first = request.url.clone();
    let mut request = request;
    let result = run.main_fetch(&mut request);
    if let Err(failure) = result {
        let redirected = (request.url != first).then_some(&first);
        run.fail(failure, &request.url, redirected);
    } else {
        run.outcome.outcome = "allowed";
    }
    Ok(run.outcome)
}

fn throws_detail(failure: &Failure) -> String {
    match failure {
        Failure::Throws { what, text } => format!("the call throws: {what}: {text:?}"),
        other => other.id(),
    }
}

/// Whether a text looks like a serialized origin; that of an extension or an application shell too.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && !rest.is_empty()
            && !rest.contains(|character: char| {
                character.is_control() || matches!(character, '/' | '?' | '#' | ' ' | '@')
            })
    })
}

/// The serialized origin of a URL; `null` if it has none of its own.
fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tainting {
    Basic,
    Cors,
    Opaque,
}

/// What a preflight's response lists, and its headers.
struct Granted {
    methods: Vec<String>,
    names: Vec<String>,
    headers: Vec<Line>,
}

struct Run<'a, F> {
    page_origin: &'a str,
    script: &'a ScriptRequest,
    profile: Profile,
    cache: &'a mut PreflightCache,
    now: u64,
    answer: F,
    outcome: Outcome,
    /// The status of the last response.
    status: Option<u16>,
}

impl<F: FnMut(&WireRequest) -> Option<Answer>> Run<'_, F> {
    fn step(
        &mut self,
        name: &'static str,
        hop: usize,
        preflight: bool,
        passed: bool,
        detail: String,
        standard: &'static str,
    ) {
        self.outcome.steps.push(Step { name, hop, preflight, passed, detail, standard });
    }

    fn fail(&mut self, failure: Failure, url: &Url, first_url: Option<&Url>) {
        let place =
            Place { script: self.script, page_origin: self.page_origin, url, first_url, status: self.status };
        self.outcome.console.extend(console::lines(self.profile, &failure, &place));
        self.outcome.js_error = console::js_error(self.profile, &failure, &place);
        self.outcome.failure = Some(failure.id());
        self.outcome.cause = Some(failure);
    }

    /// Fetch, "main fetch" and "HTTP-redirect fetch", as far as CORS is concerned.
    fn main_fetch(&mut self, request: &mut Request) -> Result<(), Failure> {
        let mut tainting = Tainting::Basic;
        // Fetch, "redirect-taint": whether the request carries `null` for its origin.
        let mut tainted = false;
        let mut preflighted = false;
        let mut timing = true;
        for hop in 0.. {
            let target = origin_of(&request.url);
            let same_origin = target == self.page_origin && target != "null";
            let mut unsafe_names = Vec::new();
            let mut needs_preflight = false;
            if same_origin && tainting == Tainting::Basic {
                self.step(
                    "cross-origin",
                    hop,
                    false,
                    true,
                    format!("{target} is the page's own origin"),
                    "4.1",
                );
            } else if request.url.scheme() == "data" && hop == 0 && self.script.mode != "same-origin" {
                self.outcome.response_type = Some("basic");
                self.outcome.status = Some(200);
                self.outcome.exposed_headers = Some(vec!["content-type".to_owned()]);
                return Ok(());
            } else if self.script.mode == "same-origin" {
                let detail = format!(
                    "{target} is not the page's origin {}, and the mode is same-origin",
                    self.page_origin
                );
                self.step("cross-origin", hop, false, false, detail, "4.1");
                return Err(Failure::ModeSameOrigin);
            } else if self.script.mode == "no-cors" {
                tainting = Tainting::Opaque;
                let detail = "the mode is no-cors: script will see nothing of the response".to_owned();
                self.step("cross-origin", hop, false, true, detail, "4.1");
            } else if !matches!(request.url.scheme(), "http" | "https") {
                let scheme = request.url.scheme().to_owned();
                self.step("cross-origin", hop, false, false, format!("{scheme} is not http or https"), "4.1");
                return Err(Failure::Scheme(scheme));
            } else {
                tainting = Tainting::Cors;
                self.step(
                    "cross-origin",
                    hop,
                    false,
                    true,
                    format!("{target} is not the page's origin {}: a CORS request", self.page_origin),
                    "4.1",
                );
                unsafe_names = unsafe_header_names(self.profile, &request.headers);
                needs_preflight = self.needs_preflight(request, &unsafe_names, hop, preflighted);
            }

            let origin = if tainted { "null".to_owned() } else { self.page_origin.to_owned() };
            if needs_preflight {
                preflighted = true;
                self.preflight(request, &unsafe_names, &origin, hop)?;
            }
            let response = self.send(request, &origin, tainting, hop)?;
            if tainting == Tainting::Cors {
                self.check(&origin, request.include, &response, hop, false).map_err(|check| {
                    let asked = asked(self.page_origin, request, &unsafe_names);
                    self.cache.clear(&asked, false);
                    Failure::Check(check)
                })?;
            }
            timing = timing && (tainting == Tainting::Basic || timing_check(&origin, &response.headers));

            let redirect = is_redirect(response.status) && self.script.redirect != "manual";
            let location = get(&response.headers, "Location");
            if is_redirect(response.status) && self.script.redirect == "error" {
                self.step("redirect", hop, false, false, "the redirect mode is error".to_owned(), "4.4");
                return Err(Failure::RedirectMode);
            }
            match location {
                Some(location) if redirect => {
                    let next = self.redirect(request, &response, &location, tainting, hop)?;
                    let (here, there) = (origin_of(&request.url), origin_of(&next));
                    // Leaving an origin that is not the page's own leaves the page's origin behind.
                    tainted = tainted || (there != here && self.page_origin != here);
                    request.url = next;
                }
                _ => {
                    self.respond(request, &response, tainting, timing, hop);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn needs_preflight(
        &mut self,
        request: &Request,
        unsafe_names: &[String],
        hop: usize,
        preflighted: bool,
    ) -> bool {
        let safelisted = is_safelisted_method(&request.method);
        let mut reasons = Vec::new();
        if request.unsafe_request && !safelisted {
            reasons.push(format!("the method {} is not GET, HEAD or POST", request.method));
        }
        if request.unsafe_request && !unsafe_names.is_empty() {
            reasons.push(format!("not safelisted: {}", unsafe_names.join(", ")));
        }
        if request.always_preflight {
            reasons.push(if self.script.stream {
                "the body is a stream".to_owned()
            } else {
                "script listens to upload progress".to_owned()
            });
        }
        if reasons.is_empty() && preflighted && self.profile.preflights_stick() {
            reasons.push("there was a preflight before the redirect".to_owned());
        }
        let needed = !reasons.is_empty();
        let detail = if needed {
            reasons.join("; ")
        } else {
            format!("{} with safelisted headers needs none", request.method)
        };
        self.step("preflight-needed", hop, false, true, detail, "4.1, 2.2.2");
        needed
    }

    /// Fetch, "CORS-preflight fetch", unless the cache answers.
    fn preflight(
        &mut self,
        request: &Request,
        unsafe_names: &[String],
        origin: &str,
        hop: usize,
    ) -> Result<(), Failure> {
        let origin = if self.profile.preflights_stick() { self.page_origin } else { origin };
        let asked = asked(origin, request, unsafe_names);
        if !self.cache.is_bypassed(&self.script.cache) && self.cache.answers(&asked, self.now) {
            if self.outcome.preflight == Preflight::NotNeeded {
                self.outcome.preflight = Preflight::Cached;
            }
            self.step(
                "preflight-cached",
                hop,
                true,
                true,
                "an earlier preflight allows it".to_owned(),
                "4.9",
            );
            return Ok(());
        }
        let result = self.ask(request, unsafe_names, origin, hop);
        match result {
            Ok(granted) => {
                self.cache.store(&asked, &granted.methods, &granted.names, &granted.headers, self.now);
                Ok(())
            }
            Err(failure) => {
                self.cache.clear(&asked, true);
                Err(failure)
            }
        }
    }

    /// Sends a preflight and checks its response.
    fn ask(
        &mut self,
        request: &Request,
        unsafe_names: &[String],
        origin: &str,
        hop: usize,
    ) -> Result<Granted, Failure> {
        let request_headers = (!unsafe_names.is_empty()).then(|| unsafe_names.join(","));
        self.outcome.preflight = Preflight::Sent;
        self.outcome.preflights.push(SentPreflight {
            url: wire_url(&request.url).to_string(),
            request_method: request.method.clone(),
            request_headers: request_headers.clone(),
            origin: origin.to_owned(),
        });
        let mut headers = vec![
            ("Origin".to_owned(), origin.to_owned()),
            ("Access-Control-Request-Method".to_owned(), request.method.clone()),
        ];
        headers.extend(request_headers.map(|names| ("Access-Control-Request-Headers".to_owned(), names)));
        let response = self.ask_server(&WireRequest {
            hop,
            url: wire_url(&request.url),
            method: "OPTIONS".to_owned(),
            headers,
            preflight: true,
        })?;

        let redirected = is_redirect(response.status) && get(&response.headers, "Location").is_some();
        if redirected && self.profile.redirect_first() {
            return Err(self.redirected_preflight(&response, hop));
        }
        self.check(origin, request.include, &response, hop, true).map_err(Failure::PreflightCheck)?;
        if redirected {
            return Err(self.redirected_preflight(&response, hop));
        }
        let ok = (200..300).contains(&response.status);
        self.step("preflight-status", hop, true, ok, format!("status {}", response.status), "4.8");
        if !ok {
            return Err(Failure::PreflightStatus(response.status));
        }

        let methods = list(&response.headers, "Access-Control-Allow-Methods").map_err(|element| {
            let detail = format!("Access-Control-Allow-Methods holds {element:?}, which is no token");
            self.step("allow-methods", hop, true, false, detail, "4.8");
            Failure::PreflightMethodsSyntax(element)
        })?;
        let parse_names = |run: &mut Self| {
            list(&response.headers, "Access-Control-Allow-Headers").map_err(|element| {
                let detail = format!("Access-Control-Allow-Headers holds {element:?}, which is no token");
                run.step("allow-headers", hop, true, false, detail, "4.8");
                Failure::PreflightHeadersSyntax(element)
            })
        };
        let early = if self.profile.method_before_header_syntax() { None } else { Some(parse_names(self)?) };
        let methods = match methods {
            None if request.always_preflight => vec![request.method.clone()],
            methods => methods.unwrap_or_default(),
        };
        self.check_method(request, &methods, hop)?;
        let names = match early {
            Some(names) => names,
            None => parse_names(self)?,
        };
        let names = names.unwrap_or_default();
        self.check_names(request, unsafe_names, &names, hop)?;
        Ok(Granted { methods, names, headers: response.headers })
    }

    fn redirected_preflight(&mut self, response: &Response, hop: usize) -> Failure {
        let location = get(&response.headers, "Location").unwrap_or_default();
        let detail = format!("status {} to {location:?}: preflights are not redirected", response.status);
        self.step("preflight-status", hop, true, false, detail, "4.8");
        Failure::PreflightRedirect(response.status)
    }

    fn check_method(&mut self, request: &Request, methods: &[String], hop: usize) -> Result<(), Failure> {
        let method = &request.method;
        let allowed = methods.contains(method)
            || is_safelisted_method(method)
            || (!request.include && methods.iter().any(|other| other == "*"));
        let listed = if methods.is_empty() { "nothing".to_owned() } else { methods.join(", ") };
        let detail = if is_safelisted_method(method) {
            format!("{method} is always allowed")
        } else {
            format!("{method} against Access-Control-Allow-Methods: {listed}")
        };
        self.step("allow-methods", hop, true, allowed, detail, "4.8");
        if allowed { Ok(()) } else { Err(Failure::PreflightMethod(method.clone())) }
    }

    fn check_names(
        &mut self,
        request: &Request,
        unsafe_names: &[String],
        names: &[String],
        hop: usize,
    ) -> Result<(), Failure> {
        let star = !request.include && names.iter().any(|name| name == "*");
        let lists = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        let listed = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let carries = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if carries && !lists("authorization") {
            if !self.profile.star_covers_authorization() {
                let detail = format!(
                    "authorization against Access-Control-Allow-Headers: {listed}; the wildcard does not cover it"
                );
                self.step("allow-headers", hop, true, false, detail, "4.8");
                return Err(Failure::PreflightAuthorization);
            }
            if star {
                self.outcome.console.extend(console::authorization_warning(self.profile, &request.url));
            }
        }
        for name in unsafe_names {
            let allowed = lists(name) || star;
            self.step(
                "allow-headers",
                hop,
                true,
                allowed,
                format!("{name} against Access-Control-Allow-Headers: {listed}"),
                "4.8",
            );
            if !allowed {
                return Err(Failure::PreflightHeader(name.clone()));
            }
        }
        Ok(())
    }

    /// The CORS check, with its step.
    fn check(
        &mut self,
        origin: &str,
        include: bool,
        response: &Response,
        hop: usize,
        preflight: bool,
    ) -> Result<(), super::CheckFailure> {
        let result = cors_check(origin, include, &response.headers);
        let value = get(&response.headers, "Access-Control-Allow-Origin");
        let value = value.map_or_else(|| "absent".to_owned(), |value| format!("{value:?}"));
        let mut detail = format!("Access-Control-Allow-Origin is {value}, the request's origin is {origin}");
        if include {
            let value = get(&response.headers, "Access-Control-Allow-Credentials");
            let value = value.map_or_else(|| "absent".to_owned(), |value| format!("{value:?}"));
            detail
                .push_str(&format!("; it has credentials, and Access-Control-Allow-Credentials is {value}"));
        }
        self.step("cors-check", hop, preflight, result.is_ok(), detail, "4.10");
        result
    }

    /// Sends the request itself.
    fn send(
        &mut self,
        request: &Request,
        origin: &str,
        tainting: Tainting,
        hop: usize,
    ) -> Result<Response, Failure> {
        // Fetch, "append a request Origin header".
        let carried = if tainting == Tainting::Cors {
            Some(origin.to_owned())
        } else if matches!(request.method.as_str(), "GET" | "HEAD") {
            None
        } else {
            let target = origin_of(&request.url);
            let hidden = match self.script.referrer_policy.as_deref() {
                Some("no-referrer") => true,
                Some("same-origin") => target != self.page_origin,
                _ => {
                    self.page_origin.starts_with("https://")
                        && request.url.scheme() != "https"
                        && self.script.referrer_policy.as_deref() != Some("unsafe-url")
                }
            };
            let hides = hidden && self.script.mode != "cors" && self.profile.referrer_policy_hides_origin();
            Some(if hides { "null".to_owned() } else { origin.to_owned() })
        };
        self.outcome.requests.push(SentRequest {
            url: wire_url(&request.url).to_string(),
            method: request.method.clone(),
            origin: carried.clone(),
        });
        let mut headers = request.headers.clone();
        headers.extend(carried.map(|origin| ("Origin".to_owned(), origin)));
        self.ask_server(&WireRequest {
            hop,
            url: wire_url(&request.url),
            method: request.method.clone(),
            headers,
            preflight: false,
        })
    }

    fn ask_server(&mut self, request: &WireRequest) -> Result<Response, Failure> {
        self.status = None;
        match (self.answer)(request) {
            Some(Answer::Response(response)) => {
                self.status = Some(response.status);
                Ok(response)
            }
            Some(Answer::Nothing(_)) => {
                let detail = "no response came".to_owned();
                self.step("response", request.hop, request.preflight, false, detail, "4.1");
                Err(Failure::Network)
            }
            None => {
                let detail = "the exchange does not say what comes back".to_owned();
                self.step("response", request.hop, request.preflight, false, detail, "4.1");
                Err(Failure::Unanswered { preflight: request.preflight })
            }
        }
    }

    /// Fetch, "HTTP-redirect fetch": the next URL, with the request changed as the redirect asks.
    fn redirect(
        &mut self,
        request: &mut Request,
        response: &Response,
        location: &str,
        tainting: Tainting,
        hop: usize,
    ) -> Result<Url, Failure> {
        let refuse = |run: &mut Self, detail: String, failure: Failure| {
            run.step("redirect", hop, false, false, detail, "4.4");
            Err(failure)
        };
        let Ok(mut next) = request.url.join(location) else {
            return refuse(
                self,
                format!("{location:?} is no URL"),
                Failure::RedirectUrl(location.to_owned()),
            );
        };
        if next.fragment().is_none() {
            next.set_fragment(request.url.fragment());
        }
        if !matches!(next.scheme(), "http" | "https") {
            let target = next.to_string();
            return refuse(self, format!("{target} is not http or https"), Failure::RedirectScheme(target));
        }
        if hop == MAX_REDIRECTS {
            return refuse(self, format!("more than {MAX_REDIRECTS} redirects"), Failure::TooManyRedirects);
        }
        let userinfo = !next.username().is_empty() || next.password().is_some();
        let crosses = origin_of(&next) != self.page_origin;
        if userinfo && ((self.script.mode == "cors" && crosses) || tainting == Tainting::Cors) {
            let detail = "the new URL holds a user name or password".to_owned();
            return refuse(self, detail, Failure::RedirectCredentials);
        }
        if self.script.stream && response.status != 303 {
            return refuse(self, "a stream cannot be sent twice".to_owned(), Failure::Network);
        }
        let (status, method) = (response.status, request.method.as_str());
        let becomes_get = (matches!(status, 301 | 302) && method == "POST")
            || (status == 303 && !matches!(method, "GET" | "HEAD"));
        if becomes_get {
            const OF_BODY: [&str; 4] =
                ["content-encoding", "content-language", "content-location", "content-type"];
            request.method = "GET".to_owned();
            request.has_body = false;
            request.headers.retain(|(name, _)| !OF_BODY.iter().any(|other| other.eq_ignore_ascii_case(name)));
        }
        if origin_of(&next) != origin_of(&request.url) {
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        }
        self.step("redirect", hop, false, true, format!("status {status} to {next}"), "4.4");
        Ok(next)
    }

    /// What script sees of the final response.
    fn respond(
        &mut self,
        request: &Request,
        response: &Response,
        tainting: Tainting,
        timing: bool,
        hop: usize,
    ) {
        let outcome = &mut self.outcome;
        if is_redirect(response.status) && self.script.redirect == "manual" {
            outcome.response_type = Some("opaqueredirect");
            outcome.status = Some(0);
            outcome.exposed_headers = Some(Vec::new());
            return;
        }
        let (kind, status, names) = match tainting {
            Tainting::Opaque => ("opaque", 0, Vec::new()),
            Tainting::Basic => ("basic", response.status, visible(&response.headers, |_| true)),
            Tainting::Cors => ("cors", response.status, exposed(request.include, &response.headers)),
        };
        outcome.response_type = Some(kind);
        outcome.status = Some(status);
        outcome.timing = Some(timing && tainting != Tainting::Opaque);
        let detail = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        outcome.exposed_headers = Some(names);
        self.step("exposed-headers", hop, false, true, detail, "2.2.2, 4.1");
    }
}

/// Fetch, "redirect status".
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn wire_url(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

fn asked<'a>(origin: &'a str, request: &'a Request, names: &'a [String]) -> Asked<'a> {
    Asked {
        origin,
        url: request.url.as_str(),
        credentials: request.include,
        method: &request.method,
        names,
        always_preflight: request.always_preflight,
    }
}
