//! Hints about a policy: which key of the document to change.

use serde_json::Value;

use super::hints::Hints;
use super::origins::{Difference, difference, null_page};
use super::{Explanation, Question, bucket};
use crate::browser::{Failure, Outcome};
use crate::{Policy, Reason, Request};

pub(super) fn find(
    question: &Question,
    policy: &Policy,
    explanation: &Explanation,
    outcome: &Outcome,
    hints: &mut Hints,
) {
    if let Some(rules) = policy.s3.as_deref() {
        return bucket::find(question, rules, explanation, outcome, hints);
    }
    let document = Document::of(policy);
    match &outcome.cause {
        Some(failure) if is_of_policy(failure) => {
            refusal(question, policy, &document, outcome, hints);
        }
        Some(_) => {}
        None => {
            let rule = explanation.decisions.iter().find_map(|decision| decision.rule).unwrap_or(0);
            let listed = document.value(rule, "expose_headers");
            let is_listed = |name: &str| {
                let list = listed.and_then(Value::as_array);
                listed.is_some_and(|value| value == "*")
                    || list.is_some_and(|list| list.iter().any(|other| other == name))
            };
            reads(
                question,
                outcome,
                hints,
                &is_listed,
                "expose_headers",
                &document.path(rule, "expose_headers"),
            );
            if !outcome.preflights.is_empty() && document.value(rule, "max_age").is_none() {
                hints
                    .remark(
                        "preflight-kept-for-5-seconds",
                        "Without `max_age` browsers keep the answer to a preflight for 5 seconds.",
                        "Set `max_age`; Chromium keeps it for 7200 seconds at most.",
                    )
                    .at(document.path(rule, "max_age"))
                    .suggest("7200");
            }
        }
    }
}

/// Whether a policy can be to blame.
pub(super) fn is_of_policy(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::PreflightCheck(_)
            | Failure::PreflightStatus(_)
            | Failure::PreflightMethod(_)
            | Failure::PreflightHeader(_)
            | Failure::PreflightAuthorization
            | Failure::Check(_)
    )
}

/// Everything that the policy has against the request, though the first of it would do to refuse.
fn refusal(question: &Question, policy: &Policy, document: &Document, outcome: &Outcome, hints: &mut Hints) {
    let asked = Asked::of(question, policy, outcome);
    let page = &question.page_origin;
    let decision = asked.decide(page, "GET", None);
    match (decision.reason, decision.rule) {
        (Reason::NullOriginNotAllowed, _) => {
            null_page(hints);
            if document.is_one_rule() {
                asked.judge(0, document, hints);
            }
        }
        (Reason::OriginNotAllowed | Reason::MalformedOrigin, _) => {
            if let Some(rule) = origin(page, document, hints) {
                asked.judge(rule, document, hints);
            }
        }
        (_, Some(rule)) => {
            // The rule that people meant may be another one than the one that decides.
            if !asked.is_admitted(page) {
                other_rule(&asked, rule, document, hints);
            }
            asked.judge_from(page, rule, document, hints);
        }
        _ => {}
    }
}

/// What the policy answers to a preflight.
struct Decided {
    reason: Reason,
    rule: Option<u32>,
    /// Whether it lets credentials through.
    credentials: bool,
}

/// What a browser asks the policy for.
struct Asked<'a> {
    policy: &'a Policy,
    page: &'a str,
    method: &'a str,
    /// Whether there is a preflight at all.
    preflight: bool,
    /// The names of Access-Control-Request-Headers.
    names: Vec<&'a str>,
    include: bool,
}

impl<'a> Asked<'a> {
    fn of(question: &'a Question, policy: &'a Policy, outcome: &'a Outcome) -> Self {
        let first = outcome.preflights.first();
        let names = first.and_then(|preflight| preflight.request_headers.as_deref()).unwrap_or_default();
        Self {
            policy,
            page: &question.page_origin,
            method: first.map_or("GET", |preflight| &preflight.request_method),
            preflight: first.is_some(),
            names: names.split(',').filter(|name| !name.is_empty()).collect(),
            include: question.request.credentials == "include",
        }
    }

    /// The policy's answer to a preflight.
    fn decide(&self, origin: &str, method: &str, names: Option<&str>) -> Decided {
        let mut request = Request::new("OPTIONS");
        request.header("Origin", origin).header("Access-Control-Request-Method", method);
        if let Some(names) = names {
            request.header("Access-Control-Request-Headers", names);
        }
        let decision = self.policy.evaluate(&request);
        Decided {
            reason: decision.reason(),
            rule: decision.rule(),
            credentials: decision.headers().any(|edit| edit.name() == "Access-Control-Allow-Credentials"),
        }
    }

    /// Whether the rule of this origin lets credentials through, if the request has any.
    fn admits_credentials(&self, origin: &str) -> bool {
        !self.include || self.decide(origin, "GET", None).credentials
    }

    fn method_reason(&self, origin: &str) -> Reason {
        self.decide(origin, self.method, None).reason
    }

    /// Whether the policy has nothing against the request from a page of this origin.
    fn is_admitted(&self, origin: &str) -> bool {
        let names = self.names.join(",");
        let names = (!names.is_empty()).then_some(names.as_str());
        self.admits_credentials(origin)
            && (!self.preflight || self.decide(origin, self.method, names).reason == Reason::Allowed)
    }

    /// What a rule has against method, headers and credentials, if an origin is known that it decides about.
    fn judge(&self, rule: u32, document: &Document, hints: &mut Hints) {
        let witness = document.witnesses(rule);
        if let Some(origin) =
            witness.iter().find(|origin| self.decide(origin, "GET", None).rule == Some(rule))
        {
            self.judge_from(origin, rule, document, hints);
        }
    }

    fn judge_from(&self, origin: &str, rule: u32, document: &Document, hints: &mut Hints) {
        if self.preflight {
            if self.method_reason(origin) == Reason::MethodNotAllowed {
                method(self.method, document, rule, hints);
            }
            headers(self, origin, document, rule, hints);
        }
        if !self.admits_credentials(origin) {
            credentials(document, rule, hints);
        }
    }
}

/// The canonical document, in which paths point.
struct Document {
    value: Value,
}

impl Document {
    fn of(policy: &Policy) -> Self {
        Self { value: serde_json::from_str(&policy.document()).unwrap_or_default() }
    }

    fn is_one_rule(&self) -> bool {
        self.value.get("rules").and_then(Value::as_array).is_none_or(|rules| rules.len() == 1)
    }

    /// What to call a rule: by its name, or else by its place, where there are several.
    fn called(&self, rule: u32) -> String {
        match self.value(rule, "name").and_then(Value::as_str) {
            _ if self.is_one_rule() => "the policy".to_owned(),
            Some(name) => format!("the rule {name:?}"),
            None => format!("the rule rules[{rule}]"),
        }
    }

    /// Origins that a rule is about, one for each of its patterns.
    fn witnesses(&self, rule: u32) -> Vec<String> {
        let of_rule = self.patterns().into_iter().filter(|pattern| pattern.rule == rule);
        of_rule
            .map(|pattern| pattern.text.strip_suffix(":*").unwrap_or(pattern.text).replace('*', "a"))
            .collect()
    }

    fn value(&self, rule: u32, key: &str) -> Option<&Value> {
        match self.value.get("rules") {
            Some(rules) => rules.get(rule as usize)?.get(key),
            None => self.value.get(key),
        }
    }

    fn path(&self, rule: u32, key: &str) -> String {
        if self.value.get("rules").is_some() { format!("rules[{rule}].{key}") } else { key.to_owned() }
    }

    /// The origins and patterns of all rules.
    fn patterns(&self) -> Vec<Pattern<'_>> {
        let rules = match self.value.get("rules").and_then(Value::as_array) {
            Some(rules) => rules.iter().collect(),
            None => vec![&self.value],
        };
        let mut found = Vec::new();
        for (rule, value) in (0_u32..).zip(rules) {
            let list = value.get("allow_origins").and_then(Value::as_array).into_iter().flatten();
            for (index, pattern) in list.enumerate() {
                let path = format!("{}[{index}]", self.path(rule, "allow_origins"));
                found.extend(pattern.as_str().map(|text| Pattern { rule, path, text }));
            }
        }
        found
    }

    /// The pattern that an origin misses by the least, and of those the first.
    fn nearest(&self, page: &str) -> Option<(Pattern<'_>, Difference)> {
        let missed = self.patterns().into_iter().filter_map(|pattern| {
            let found = near(pattern.text, page)?;
            Some((pattern, found))
        });
        missed.min_by_key(|(_, found)| is_of_another_name(found.code))
    }
}

/// One of a rule's `allow_origins`.
struct Pattern<'a> {
    rule: u32,
    path: String,
    text: &'a str,
}

/// An origin that no rule matches: what the policy allows that is nearly the same. The rule that it seems to belong to.
fn origin(page: &str, document: &Document, hints: &mut Hints) -> Option<u32> {
    let Some((pattern, found)) = document.nearest(page) else {
        hints.cause(
            "origin-not-allowed",
            format!("No rule of the policy matches the page's origin {page}."),
            "Add it to `allow_origins` of the rule that it belongs to, if this page may read responses.",
        );
        if !document.is_one_rule() {
            return None;
        }
        hints.at(document.path(0, "allow_origins")).suggest(page);
        return Some(0);
    };
    let of_rule = if document.is_one_rule() {
        "The policy".to_owned()
    } else {
        format!("No rule matches the page's origin; {}", document.called(pattern.rule))
    };
    hints
        .cause(
            found.code,
            format!("{of_rule} allows {}, which {}; the page's origin is {page}.", pattern.text, found.what),
            fix_of(&found, page),
        )
        .at(pattern.path)
        .suggest(page);
    Some(pattern.rule)
}

/// What to do about an origin that is missed.
pub(super) fn fix_of(found: &Difference, page: &str) -> String {
    match found.code {
        "origin-differs-in-scheme" if page.starts_with("http://") => {
            format!(
                "Open the page over https, or add {page} to the list, if what anyone on the way can change may read responses."
            )
        }
        _ => format!("Add {page} to the list, if this page may read responses."),
    }
}

/// A rule that would have admitted the request, and does not decide: it misses the origin by little, or comes too late.
fn other_rule(asked: &Asked<'_>, deciding: u32, document: &Document, hints: &mut Hints) {
    let page = asked.page;
    let listed = document.patterns().into_iter().find(|pattern| pattern.text == page);
    if let Some(late) = listed.filter(|pattern| pattern.rule > deciding) {
        hints
            .cause(
                "earlier-rule-decides",
                format!(
                    "{} lists {page}, and {}, which stands before it, matches it too and decides.",
                    capital(&document.called(late.rule)),
                    document.called(deciding)
                ),
                "Put the rule with the narrower list first.",
            )
            .at(late.path);
        return;
    }
    let Some((pattern, found)) = document.nearest(page).filter(|(pattern, _)| pattern.rule != deciding)
    else {
        return;
    };
    let admitted = document.witnesses(pattern.rule).iter().any(|origin| {
        asked.decide(origin, "GET", None).rule == Some(pattern.rule) && asked.is_admitted(origin)
    });
    if admitted && !is_of_another_name(found.code) {
        hints
            .cause(
                found.code,
                format!(
                    "{} allows {}, which {}; the page's origin is {page}, and {} decides about it.",
                    capital(&document.called(pattern.rule)),
                    pattern.text,
                    found.what,
                    document.called(deciding)
                ),
                fix_of(&found, page),
            )
            .at(pattern.path)
            .suggest(page);
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// How a pattern just misses an origin.
pub(super) fn near(pattern: &str, page: &str) -> Option<Difference> {
    let authority = page.split_once("://")?.1;
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let pattern = match pattern.strip_suffix(":*") {
        Some(bare) if is_port => format!("{bare}:{port}"),
        Some(bare) => bare.to_owned(),
        None => pattern.to_owned(),
    };
    let Some((before, after)) = pattern.split_once('*') else { return difference(&pattern, page) };
    let (scheme, label) = before.split_once("://")?;
    if after.strip_prefix('.').is_some_and(|base| label.is_empty() && format!("{scheme}://{base}") == page) {
        let base = after.trim_start_matches('.');
        return Some(Difference {
            code: "origin-is-apex",
            what: format!("is what stands below {base} and not {base} itself"),
        });
    }
    // The wildcard taken for what the page has in its place.
    let host = if is_port { authority.strip_suffix(port)?.strip_suffix(':')? } else { authority };
    let end = after.split(':').next()?;
    let middle = host.strip_prefix(label)?.strip_suffix(end)?;
    let within_label = !label.is_empty() || end.starts_with('-');
    if middle.is_empty() || (within_label && middle.contains('.')) {
        return None;
    }
    difference(&format!("{before}{middle}{after}"), page)
}

/// Whether two origins differ in their names, and not only in how they are reached.
pub(super) fn is_of_another_name(code: &str) -> bool {
    matches!(code, "origin-is-subdomain" | "origin-is-apex")
}

fn method(method: &str, document: &Document, rule: u32, hints: &mut Hints) {
    let path = document.path(rule, "allow_methods");
    let upper = method.to_ascii_uppercase();
    let listed = document.value(rule, "allow_methods").and_then(Value::as_array);
    let called = document.called(rule);
    if method != upper && listed.is_some_and(|list| list.iter().any(|other| *other == upper)) {
        hints
            .cause(
                "method-in-other-case",
                format!("The script sends {method:?} and {called} allows {upper}: browsers change the case of six methods only, and {upper} is none of them."),
                format!("Write {upper:?} in the script."),
            )
            .at(path);
        return;
    }
    let fix = if method == upper {
        "Add it to `allow_methods`, if this page may send it.".to_owned()
    } else {
        format!("Write {upper:?} in the script, and add it to `allow_methods`.")
    };
    hints
        .cause("method-not-allowed", format!("{} does not allow the method {method}.", capital(&called)), fix)
        .at(path)
        .suggest(upper);
}

fn headers(asked: &Asked<'_>, origin: &str, document: &Document, rule: u32, hints: &mut Hints) {
    let all = asked.names.join(",");
    if asked.decide(origin, "GET", Some(&all)).reason == Reason::RequestHeadersTooLarge {
        hints.cause(
            "too-many-request-headers",
            "The names of the request's headers are longer, or more, than the policy looks at.",
            "Send fewer headers.",
        );
    }
    for name in &asked.names {
        // What belongs into responses has a hint of its own, about the script.
        let refused = asked.decide(origin, "GET", Some(name)).reason == Reason::HeaderNotAllowed;
        if !refused || name.starts_with("access-control-") {
            continue;
        }
        let (why, fix) = about_header(name);
        hints
            .cause(
                "header-not-allowed",
                format!("{} does not allow the request header {name}{why}.", capital(&document.called(rule))),
                format!("Add {name:?} to `allow_headers`{fix}."),
            )
            .at(document.path(rule, "allow_headers"))
            .suggest(*name);
    }
}

/// Where a header comes from that people do not know they send, and another way out.
pub(super) fn about_header(name: &str) -> (&'static str, &'static str) {
    match name {
        "content-type" => (
            ", which every value but form data and plain text makes a preflight ask for: application/json does",
            "",
        ),
        "authorization" => ("", ", by its name: `*` does not cover it everywhere"),
        "x-requested-with" => (", which jQuery and axios may add", ", or stop sending it"),
        "traceparent" | "tracestate" | "baggage" | "sentry-trace" | "x-datadog-trace-id" | "x-b3-traceid" => {
            (", which a library for tracing adds", ", or keep the library off this address")
        }
        "x-csrf-token" | "x-xsrf-token" => (", which a library against request forgery adds", ""),
        "cache-control" | "pragma" => ("", ", or set the request's cache mode in place of the header"),
        _ => ("", ""),
    }
}

/// The rule does not allow credentials.
fn credentials(document: &Document, rule: u32, hints: &mut Hints) {
    let called = document.called(rule);
    if document.value(rule, "allow_origins").is_some_and(|value| value == "*") {
        hints
            .cause(
                "any-origin-with-credentials",
                format!("The request has credentials, and {called} allows everyone: no browser lets a response through that is for everyone and for somebody's cookies."),
                "Send the request without credentials, or name the origins in a rule of their own with `allow_credentials`.",
            )
            .at(document.path(rule, "allow_origins"));
        return;
    }
    hints
        .cause(
            "credentials-not-allowed",
            format!("The request has credentials, and {called} does not allow them."),
            "Set `allow_credentials`, if this page may act with its user's cookies, or send the request without.",
        )
        .at(document.path(rule, "allow_credentials"))
        .suggest("true");
}

/// Response headers that script wants and does not see, though the rule could expose them under `key`.
pub(super) fn reads(
    question: &Question,
    outcome: &Outcome,
    hints: &mut Hints,
    is_listed: &dyn Fn(&str) -> bool,
    key: &str,
    path: &str,
) {
    let Some(exposed) = &outcome.exposed_headers else { return };
    for name in question.reads.iter().map(|name| name.to_ascii_lowercase()) {
        if exposed.contains(&name) || is_listed(&name) {
            continue;
        }
        if matches!(name.as_str(), "set-cookie" | "set-cookie2") {
            hints.remark(
                "cookie-is-never-exposed",
                "No script reads Set-Cookie.",
                "Put what the script needs into the body.",
            );
            continue;
        }
        hints
            .cause(
                "header-not-exposed",
                format!("Script does not see the response header {name}."),
                format!("Add {name:?} to `{key}`."),
            )
            .at(path)
            .suggest(name);
    }
}
