//! Hints about the CORS configuration of a bucket: which rules came near, and what to change in which.

use super::hints::Hints;
use super::observed::lost_origin;
use super::origins::{Difference, null_page};
use super::policy::{about_header, capital, fix_of, is_of_another_name, near, reads};
use super::{DecisionNote, ExchangeNote, Explanation, Question};
use crate::browser::{Failure, Outcome};
use crate::reason::Reason;
use crate::s3::{Dialect, Rule, S3Rules};

/// Rules beside the nearest one that are told of.
const MAX_OTHERS: usize = 3;

pub(super) fn find(
    question: &Question,
    rules: &S3Rules,
    explanation: &Explanation,
    outcome: &Outcome,
    hints: &mut Hints,
) {
    let answered = explanation.exchanges.iter().filter(|exchange| exchange.status.is_some());
    let answered = || answered.clone().zip(&explanation.decisions);
    let preflight = answered().filter(|(exchange, _)| exchange.preflight).last();
    let actual = answered().filter(|(exchange, _)| !exchange.preflight).last();
    let bucket = Bucket { rules, page: &question.page_origin };
    match &outcome.cause {
        Some(Failure::PreflightCheck(_) | Failure::PreflightStatus(_)) => {
            if let Some(answered) = preflight {
                bucket.refusal(question, answered, hints);
            }
        }
        Some(Failure::Check(_)) => {
            let Some(answered) = actual else { return };
            bucket.other_rule(preflight, answered, hints);
            bucket.refusal(question, answered, hints);
        }
        Some(_) => {}
        None => {
            if let Some(rule) = actual.and_then(|(_, decision)| decision.rule) {
                // The rule of the request itself, which need not be that of its preflight.
                let rule = rule as usize;
                let listed = bucket.all().get(rule).map(Rule::expose_headers).unwrap_or_default();
                let is_exposed = |name: &str| listed.iter().any(|other| other.eq_ignore_ascii_case(name));
                let path = Bucket::path(rule, "ExposeHeaders");
                reads(question, outcome, hints, &is_exposed, "ExposeHeaders", &path);
            }
            if let Some(rule) = preflight.and_then(|(_, decision)| decision.rule) {
                bucket.preflight_cache(rule, hints);
            }
        }
    }
}

/// What a request asks the rules for.
struct Asked<'a> {
    origin: &'a str,
    /// None if S3 knows no such method.
    method: Option<&'a str>,
    names: Vec<&'a str>,
    include: bool,
}

impl<'a> Asked<'a> {
    fn of(question: &'a Question, exchange: &'a ExchangeNote) -> Self {
        let find = |name: &str| {
            let found = exchange.request_headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let (method, names) = if exchange.preflight {
            (find("Access-Control-Request-Method"), find("Access-Control-Request-Headers"))
        } else {
            (exchange.method.as_str(), "")
        };
        Self {
            origin: find("Origin"),
            method: Some(method),
            names: names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
            include: question.request.credentials == "include",
        }
    }
}

/// How far the origins of a rule are from the one that asks.
enum Origins<'a> {
    Matched,
    /// The place of the nearest one, its text, and how it differs.
    Near(usize, &'a str, Difference),
    Far,
}

/// What a rule has against a request.
struct Missed<'a> {
    index: usize,
    rule: &'a Rule,
    origins: Origins<'a>,
    method: Option<&'a str>,
    headers: Vec<&'a str>,
}

impl Missed<'_> {
    /// Less is nearer: an origin of another name is further away than a method and headers together.
    fn distance(&self) -> (usize, usize) {
        let origins = match &self.origins {
            Origins::Matched => 0,
            Origins::Near(_, _, found) => 1 + 2 * usize::from(is_of_another_name(found.code)),
            Origins::Far => 4,
        };
        (origins + usize::from(self.method.is_some()) + usize::from(!self.headers.is_empty()), origins)
    }

    /// Everything that it has against it, in words.
    fn told(&self) -> String {
        let mut told = Vec::new();
        match &self.origins {
            Origins::Matched => {}
            Origins::Near(_, text, found) => told.push(format!("its AllowedOrigin {text} {}", found.what)),
            Origins::Far => told.push("no AllowedOrigin matches".to_owned()),
        }
        if let Some(method) = self.method {
            told.push(format!("it has no AllowedMethod {method}"));
        }
        if self.rule.allowed_headers().is_empty() && !self.headers.is_empty() {
            told.push("it has no AllowedHeader".to_owned());
        } else if !self.headers.is_empty() {
            told.push(format!("no AllowedHeader matches {}", self.headers.join(", ")));
        }
        told.join("; ")
    }
}

struct Bucket<'a> {
    rules: &'a S3Rules,
    page: &'a str,
}

impl<'a> Bucket<'a> {
    fn all(&self) -> &'a [Rule] {
        self.rules.configuration().rules()
    }

    /// What to call a rule: by its ID, or else by its place.
    fn called(&self, index: usize) -> String {
        match self.all().get(index).and_then(Rule::id) {
            Some(id) => format!("the rule {id:?}"),
            None => format!("the rule CORSRules[{index}]"),
        }
    }

    fn path(index: usize, key: &str) -> String {
        format!("CORSRules[{index}].{key}")
    }

    /// Why a request is refused, or gets no credentials.
    fn refusal(
        &self,
        question: &Question,
        (exchange, decision): (&ExchangeNote, &DecisionNote),
        hints: &mut Hints,
    ) {
        if lost_origin(question, exchange) {
            return;
        }
        let mut asked = Asked::of(question, exchange);
        if let Some(rule) = decision.rule {
            return self.credentials(rule as usize, &asked, hints);
        }
        if decision.reason == Reason::RequestHeadersTooLarge.name() {
            hints.cause(
                "too-many-request-headers",
                "The names of the request's headers are longer, or more, than are looked at.",
                "Send fewer headers.",
            );
            return;
        }
        if let Some(method) =
            asked.method.filter(|_| decision.reason == Reason::S3InvalidRequestMethod.name())
        {
            hints.cause(
                "method-not-allowed",
                format!(
                    "S3 knows the methods GET, PUT, HEAD, POST and DELETE, and no rule can allow {method}."
                ),
                "Send one of the five.",
            );
            asked.method = None;
        }
        let mut missed: Vec<Missed<'_>> =
            self.all().iter().enumerate().map(|(index, rule)| self.missed(index, rule, &asked)).collect();
        missed.sort_by_key(Missed::distance);
        let is_far = |missed: &Missed<'_>| matches!(missed.origins, Origins::Far);
        let Some((nearest, others)) = missed.split_first() else { return };
        if asked.origin == "null" && !matches!(nearest.origins, Origins::Matched) {
            null_page(hints);
        } else {
            self.origin(nearest, hints);
        }
        if is_met_by_several(&missed, &asked) {
            hints
                .cause(
                    "rules-are-not-merged",
                    "There are rules for this origin that allow the method, and others that allow the headers, and none that allows all of it: S3 takes the first rule that matches origin, method and every header together.",
                    "Put methods and headers of one origin into one rule.",
                )
                .at(Self::path(nearest.index, "AllowedOrigins"));
        }
        self.method_and_headers(nearest, hints);
        if asked.include && nearest.rule.allows_any_origin() {
            self.any_origin(nearest.index, hints);
        }
        let nearly = others.iter().filter(|other| !is_far(other) && !other.told().is_empty());
        for other in nearly.take(MAX_OTHERS) {
            hints
                .remark(
                    "rule-nearly-matches",
                    format!(
                        "{} does not match either: {}.",
                        capital(&self.called(other.index)),
                        other.told()
                    ),
                    "One rule must match origin, method and every requested header; several do not add up.",
                )
                .at(format!("CORSRules[{}]", other.index));
        }
    }

    fn missed(&self, index: usize, rule: &'a Rule, asked: &Asked<'a>) -> Missed<'a> {
        let list = rule.allowed_origins();
        let origins = if list.iter().any(|value| self.rules.origin_matches(value, asked.origin)) {
            Origins::Matched
        } else {
            let found = list
                .iter()
                .enumerate()
                .filter_map(|(place, value)| Some((place, &**value, self.near(value, asked.origin)?)));
            found
                .min_by_key(|(_, _, found)| is_of_another_name(found.code))
                .map_or(Origins::Far, |(place, text, found)| Origins::Near(place, text, found))
        };
        let allows =
            |name: &str| rule.allowed_headers().iter().any(|value| self.rules.header_matches(value, name));
        Missed {
            index,
            rule,
            origins,
            method: asked
                .method
                .filter(|method| !rule.allowed_methods().iter().any(|known| **known == **method)),
            headers: asked.names.iter().copied().filter(|name| !allows(name)).collect(),
        }
    }

    /// How a value just misses an origin; S3 compares letters in their own case, and a `*` in a port needs one.
    fn near(&self, value: &str, origin: &str) -> Option<Difference> {
        let matches = |value: &str| self.rules.origin_matches(value, origin);
        let difference = |code, what: &str| Some(Difference { code, what: what.to_owned() });
        if value.strip_suffix(":*").is_some_and(matches) {
            return difference("origin-differs-in-port", "matches with a port only");
        }
        let bare = value.trim_end_matches('/');
        if bare != value && matches(bare) {
            return difference("origin-with-trailing-slash", "ends with a slash");
        }
        if value.to_ascii_lowercase() != value && matches(&value.to_ascii_lowercase()) {
            let what = "holds upper-case letters, where browsers send lower-case ones";
            return difference("origin-in-upper-case", what);
        }
        near(value, origin)
    }

    fn origin(&self, nearest: &Missed<'_>, hints: &mut Hints) {
        let page = self.page;
        match &nearest.origins {
            Origins::Matched => {}
            Origins::Near(place, text, found) => {
                let fix = match found.code {
                    "origin-differs-in-port" | "origin-is-apex" | "origin-is-subdomain" => {
                        fix_of(found, page)
                    }
                    code if code.starts_with("origin-differs-") => fix_of(found, page),
                    _ => {
                        format!("Write {page} in its place: S3 takes anything, and compares it byte by byte.")
                    }
                };
                hints
                    .cause(
                        found.code,
                        format!(
                            "{} has the AllowedOrigin {text}, which {}; the page's origin is {page}.",
                            capital(&self.called(nearest.index)),
                            found.what
                        ),
                        fix,
                    )
                    .at(Self::path(nearest.index, &format!("AllowedOrigins[{place}]")))
                    .suggest(page);
            }
            Origins::Far => {
                let whose = if self.all().len() == 1 {
                    String::new()
                } else {
                    format!("; {} comes nearest", self.called(nearest.index))
                };
                hints
                    .cause(
                        "origin-not-allowed",
                        format!("No rule has an AllowedOrigin that matches the page's origin {page}{whose}."),
                        "Add it to `AllowedOrigins` of the rule that it belongs to, if this page may read responses.",
                    )
                    .at(Self::path(nearest.index, "AllowedOrigins"))
                    .suggest(page);
            }
        }
    }

    fn method_and_headers(&self, nearest: &Missed<'_>, hints: &mut Hints) {
        let (index, called) = (nearest.index, capital(&self.called(nearest.index)));
        if let Some(method) = nearest.method {
            hints
                .cause(
                    "method-not-allowed",
                    format!("{called} does not have {method} among its AllowedMethods, which S3 compares for every request, GET and HEAD too."),
                    "Add it to `AllowedMethods`, if this page may send it.",
                )
                .at(Self::path(index, "AllowedMethods"))
                .suggest(method);
        }
        for name in &nearest.headers {
            // What belongs into responses has a hint of its own, about the script.
            if name.starts_with("access-control-") {
                continue;
            }
            let (why, fix) = about_header(name);
            // Of S3 `*` covers it, since the names that were asked for are sent back.
            let fix = if *name == "authorization" { "" } else { fix };
            let cause = if nearest.rule.allowed_headers().is_empty() {
                format!(
                    "{called} has no AllowedHeader, and so refuses every preflight that asks for headers; this one asks for {name}{why}."
                )
            } else {
                format!("{called} has no AllowedHeader that matches the request header {name}{why}.")
            };
            hints
                .cause("header-not-allowed", cause, format!("Add {name:?} to `AllowedHeaders`{fix}."))
                .at(Self::path(index, "AllowedHeaders"))
                .suggest(*name);
        }
    }

    /// A rule decides, and lets no credentials through.
    fn credentials(&self, index: usize, asked: &Asked<'_>, hints: &mut Hints) {
        let later = self.all().iter().enumerate().skip(index + 1).find(|(place, rule)| {
            !rule.allows_any_origin() && self.missed(*place, rule, asked).told().is_empty()
        });
        if let Some((place, _)) = later {
            hints
                .cause(
                    "earlier-rule-decides",
                    format!(
                        "{} is for {} too, and {}, which stands before it, matches and decides.",
                        capital(&self.called(place)),
                        self.page,
                        self.called(index)
                    ),
                    "Put the rule with the narrower list first.",
                )
                .at(format!("CORSRules[{place}]"));
        }
        self.any_origin(index, hints);
    }

    fn any_origin(&self, index: usize, hints: &mut Hints) {
        let list = self.all().get(index).map(Rule::allowed_origins).unwrap_or_default();
        if !list.iter().any(|value| **value == *"*") {
            return;
        }
        hints
            .cause(
                "any-origin-with-credentials",
                format!(
                    "The request has credentials, and {} allows `*`, to which S3 answers `*` and no credentials.",
                    self.called(index)
                ),
                "Send the request without credentials, or name the origins in a rule of their own that stands before it.",
            )
            .at(Self::path(index, "AllowedOrigins"));
    }

    /// The preflight was decided by another rule than the request itself.
    fn other_rule(
        &self,
        preflight: Option<(&ExchangeNote, &DecisionNote)>,
        (actual, decision): (&ExchangeNote, &DecisionNote),
        hints: &mut Hints,
    ) {
        let Some((asking, before)) = preflight else { return };
        let (Some(first), Some(second)) = (before.rule, decision.rule) else { return };
        if first == second || asking.hop != actual.hop {
            return;
        }
        hints
            .cause(
                "another-rule-answers",
                format!(
                    "{} decides about the preflight, and {} about the request itself: S3 asks for headers in preflights only.",
                    capital(&self.called(first as usize)),
                    self.called(second as usize)
                ),
                format!("Put {} before {}.", self.called(first as usize), self.called(second as usize)),
            )
            .at(format!("CORSRules[{first}]"));
    }

    fn preflight_cache(&self, index: u32, hints: &mut Hints) {
        let index = index as usize;
        let Some(rule) = self.all().get(index) else { return };
        let dialect = self.rules.options().dialect;
        if rule.sent_max_age(dialect).is_some() {
            return;
        }
        let cause = if rule.max_age_seconds() == Some(0) && dialect == Dialect::Zenko {
            "`MaxAgeSeconds` 0 is not sent, and without it browsers keep the answer to a preflight for 5 seconds."
        } else {
            "Without `MaxAgeSeconds` browsers keep the answer to a preflight for 5 seconds."
        };
        hints
            .remark(
                "preflight-kept-for-5-seconds",
                cause,
                "Set `MaxAgeSeconds`; Chromium keeps it for 7200 seconds at most.",
            )
            .at(Self::path(index, "MaxAgeSeconds"))
            .suggest("7200");
    }
}

/// Whether every part of the request is met by some rule for its origin, and not all by one.
fn is_met_by_several(missed: &[Missed<'_>], asked: &Asked<'_>) -> bool {
    let of_origin = || missed.iter().filter(|missed| matches!(missed.origins, Origins::Matched));
    asked.method.is_some()
        && !of_origin().any(|missed| missed.told().is_empty())
        && of_origin().any(|missed| missed.method.is_none())
        && asked.names.iter().all(|name| of_origin().any(|missed| !missed.headers.contains(name)))
}
