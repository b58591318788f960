//! Hints about responses that were observed: which mistake of a server they show.

use url::Url;

use super::hints::Hints;
use super::origins::{difference, null_page};
use super::policy::about_header;
use super::{ExchangeNote, Explanation, Question};
use crate::browser::{CheckFailure, Failure, Outcome, is_safelisted_method};

pub(super) fn find(question: &Question, explanation: &Explanation, outcome: &Outcome, hints: &mut Hints) {
    let preflight = explanation.exchanges.iter().rev().find(|exchange| exchange.preflight);
    let actual = explanation.exchanges.iter().rev().find(|exchange| !exchange.preflight);
    match &outcome.cause {
        Some(Failure::PreflightCheck(check)) => {
            let Some(response) = preflight else { return };
            if !of_preflight_route(response, hints) && !lost_origin(question, response) {
                of_check(question, check, response, hints);
                of_credentials(question, check, response, hints);
                of_lists(question, response, hints);
            }
        }
        Some(Failure::PreflightRedirect(_) | Failure::PreflightStatus(_)) => {
            let Some(response) = preflight else { return };
            of_preflight_route(response, hints);
        }
        Some(Failure::PreflightMethodsSyntax(element)) => {
            of_syntax("Access-Control-Allow-Methods", element, hints)
        }
        Some(Failure::PreflightHeadersSyntax(element)) => {
            of_syntax("Access-Control-Allow-Headers", element, hints)
        }
        Some(Failure::PreflightMethod(_) | Failure::PreflightHeader(_)) => {
            let Some(response) = preflight else { return };
            of_lists(question, response, hints);
        }
        Some(Failure::PreflightAuthorization) => {
            let Some(response) = preflight else { return };
            of_header(question, response, "authorization", hints);
            of_lists(question, response, hints);
        }
        Some(Failure::Check(check)) => {
            let Some(response) = actual else { return };
            of_actual(preflight, response, check, hints);
            // What was wrong before the page's origin was lost is told; what came after is no mistake.
            if !lost_origin(question, response) {
                of_check(question, check, response, hints);
                of_credentials(question, check, response, hints);
            }
        }
        Some(_) => {}
        None => {
            of_reading(question, outcome, preflight, actual, hints);
            of_preflight_cache(preflight, hints);
            of_wildcards(preflight, hints);
        }
    }
    of_vary(question, preflight, actual, hints);
    of_misplaced(preflight, actual, hints);
}

/// Whether redirects took the page's origin from a request.
pub(super) fn lost_origin(question: &Question, exchange: &ExchangeNote) -> bool {
    let sends_null = exchange.request_headers.iter().any(|(name, value)| name == "Origin" && value == "null");
    exchange.hop > 0 && sends_null && question.page_origin != "null"
}

impl ExchangeNote {
    /// All values of a response header, joined; none if it is absent.
    fn response(&self, name: &str) -> Option<String> {
        let lines = self.response_lines(name);
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    fn response_lines(&self, name: &str) -> Vec<&str> {
        let named = self.response_headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim_matches([' ', '\t'])).collect()
    }
}

/// A preflight that the server does not treat as one; false if it does.
fn of_preflight_route(response: &ExchangeNote, hints: &mut Hints) -> bool {
    let status = response.status.unwrap_or(0);
    let location = response.response("Location");
    match status {
        301 | 302 | 303 | 307 | 308 => {
            let target = location.unwrap_or_default();
            let (code, why) = classify_redirect(&response.url, &target);
            hints.cause(
                code,
                format!("The preflight is redirected (status {status}) to {target:?}{why}: browsers follow no redirect of a preflight."),
                "Call the final URL, or answer preflights before anything redirects.",
            );
        }
        401 | 403 | 407 if response.response("Access-Control-Allow-Origin").is_none() => {
            hints.cause(
                "preflight-needs-authentication",
                format!("The preflight is answered {status}: it carries no cookies and no Authorization, and so no server may ask for them."),
                "Answer preflights before authentication.",
            );
        }
        404 | 405 | 501 => {
            hints.cause(
                "preflight-without-route",
                format!("The server does not know OPTIONS at this address (status {status})."),
                "Answer preflights before routing, with status 204 and the CORS headers.",
            );
        }
        200..=299 => return false,
        _ => {
            hints.cause(
                "preflight-status",
                format!(
                    "The preflight is answered with status {status}: only 200 to 299 let the request through."
                ),
                "Answer preflights with status 204, whatever the request itself will come to.",
            );
        }
    }
    true
}

fn classify_redirect(url: &str, location: &str) -> (&'static str, &'static str) {
    let Ok(from) = Url::parse(url) else { return ("preflight-redirected", "") };
    let Ok(to) = from.join(location) else { return ("preflight-redirected", "") };
    if to.path().to_ascii_lowercase().contains("login") || to.path().to_ascii_lowercase().contains("signin") {
        return ("preflight-redirected-to-login", ", where people log in");
    }
    if from.scheme() != to.scheme() && from.host_str() == to.host_str() {
        return ("preflight-redirected-to-https", ", which has another scheme");
    }
    if from.host_str() != to.host_str() {
        return ("preflight-redirected-to-host", ", which is on another host");
    }
    if format!("{}/", from.path()) == to.path() || format!("{}/", to.path()) == from.path() {
        return ("preflight-redirected-by-slash", ", which differs by a slash at its end");
    }
    ("preflight-redirected", "")
}

/// Why Access-Control-Allow-Origin or -Credentials is not what it should be.
fn of_check(question: &Question, check: &CheckFailure, response: &ExchangeNote, hints: &mut Hints) {
    let page = &question.page_origin;
    match check {
        CheckFailure::Missing => {
            if let Some(place) = cache_of(response) {
                hints.cause(
                    "stale-cache",
                    format!("The response comes out of a cache ({place}) without Access-Control-Allow-Origin: it was stored for a request without Origin."),
                    "Send `Vary: Origin` on every response of the resource, and purge the cache.",
                );
            } else if page == "null" {
                null_page(hints);
            } else {
                hints.cause(
                    "allow-origin-missing",
                    "The response has no Access-Control-Allow-Origin.",
                    format!("Let the server send `Access-Control-Allow-Origin: {page}` and `Vary: Origin` to this page."),
                );
            }
        }
        CheckFailure::Multiple { value, several_lines } => of_several(page, value, *several_lines, hints),
        CheckFailure::Mismatch { value } => of_mismatch(page, value, response, hints),
        CheckFailure::WildcardWithCredentials => {
            hints.cause(
                "any-origin-with-credentials",
                "The request has credentials, and Access-Control-Allow-Origin is `*`.",
                format!("Send the one origin, `Access-Control-Allow-Credentials: true` and `Vary: Origin` (here `{page}`), never to every origin; or send the request without credentials."),
            );
        }
        CheckFailure::CredentialsNotTrue { value } if value.is_empty() => {
            hints.cause(
                "credentials-not-allowed",
                "The request has credentials, and the response has no Access-Control-Allow-Credentials.",
                "Send `Access-Control-Allow-Credentials: true`, or the request without credentials.",
            );
        }
        CheckFailure::CredentialsNotTrue { value } => {
            hints.cause(
                "credentials-not-true",
                format!("Access-Control-Allow-Credentials is {value:?}: only `true`, in lower case and once, counts."),
                "Send exactly `true`.",
            );
        }
    }
}

/// That credentials are not allowed either, where something else is wrong before.
fn of_credentials(question: &Question, check: &CheckFailure, response: &ExchangeNote, hints: &mut Hints) {
    let told =
        matches!(check, CheckFailure::CredentialsNotTrue { .. } | CheckFailure::WildcardWithCredentials);
    if told || question.request.credentials != "include" {
        return;
    }
    let value = response.response("Access-Control-Allow-Credentials").unwrap_or_default();
    if value != "true" {
        of_check(question, &CheckFailure::CredentialsNotTrue { value }, response, hints);
    }
}

/// Everything that a preflight's response does not allow, though the first of it would do to refuse.
fn of_lists(question: &Question, preflight: &ExchangeNote, hints: &mut Hints) {
    let include = question.request.credentials == "include";
    let asked = |name: &str| {
        let found = preflight.request_headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let lists = |header: &str, is_named: &dyn Fn(&str) -> bool| {
        let listed = preflight.response(header).unwrap_or_default();
        listed.split(',').map(str::trim).any(|other| is_named(other) || (other == "*" && !include))
    };
    let method = asked("Access-Control-Request-Method");
    if !is_safelisted_method(method) && !lists("Access-Control-Allow-Methods", &|other| other == method) {
        of_method(question, preflight, method, hints);
    }
    for name in asked("Access-Control-Request-Headers").split(',').filter(|name| !name.is_empty()) {
        if !lists("Access-Control-Allow-Headers", &|other| other.eq_ignore_ascii_case(name)) {
            of_header(question, preflight, name, hints);
        }
    }
}

fn of_several(page: &str, value: &str, several_lines: bool, hints: &mut Hints) {
    if several_lines {
        let values: Vec<&str> = value.split(", ").collect();
        let equal = values.windows(2).all(|pair| pair.first() == pair.last());
        let which = if equal { "the same value twice" } else { "different values" };
        hints.cause(
            "allow-origin-twice",
            format!("Access-Control-Allow-Origin comes on several lines, with {which} ({value}): two layers answer CORS, such as a proxy and the application."),
            "Let one layer answer CORS and take the headers of the other away (in nginx: `proxy_hide_header`).",
        );
    } else if value.split([',', ' ']).filter(|part| part.contains("://")).count() > 1 {
        hints.cause(
            "allow-origin-is-a-list",
            format!("Access-Control-Allow-Origin holds a list ({value}): it takes one origin."),
            format!("Send the one that equals the request's Origin (here `{page}`), with `Vary: Origin`."),
        );
    } else {
        hints.cause(
            "allow-origin-with-separator",
            format!("Access-Control-Allow-Origin is {value:?}: a comma or a space makes it a list."),
            format!("Send exactly `{page}`."),
        );
    }
}

fn of_mismatch(page: &str, value: &str, response: &ExchangeNote, hints: &mut Hints) {
    if page == "null" {
        null_page(hints);
        return;
    }
    if value == "null" {
        hints.cause(
            "allow-origin-null",
            "Access-Control-Allow-Origin is `null`, which is the origin of sandboxed frames and files, and no word for nobody.",
            "Send no header to refuse; never allow `null`.",
        );
    } else if value.contains(['$', '{', '}', '%', '<']) || value.contains("undefined") {
        hints.cause(
            "template-not-expanded",
            format!("Access-Control-Allow-Origin is {value:?}: a variable of a template was not replaced by its value."),
            "Mend the template or the variable's name.",
        );
    } else if value.contains('*') {
        hints.cause(
            "wildcard-in-allow-origin",
            format!("Access-Control-Allow-Origin is {value:?}: a wildcard within an origin means nothing to browsers."),
            format!("Match the pattern on the server and send the request's Origin (here `{page}`), with `Vary: Origin`."),
        );
    } else if value.is_empty() {
        hints.cause(
            "allow-origin-empty",
            "Access-Control-Allow-Origin is empty.",
            format!("Send `{page}`, or no header at all."),
        );
    } else if let Some(found) = difference(value, page) {
        hints.cause(
            found.code,
            format!(
                "Access-Control-Allow-Origin is {value}, which {}; the page's origin is {page}.",
                found.what
            ),
            format!("Send exactly `{page}`."),
        );
    } else if let Some(place) = cache_of(response) {
        hints.cause(
            "stale-cache",
            format!("The response comes out of a cache ({place}) with the Access-Control-Allow-Origin of another page: {value}."),
            "Send `Vary: Origin` on every response of the resource, and purge the cache.",
        );
    } else if response.status == Some(304) {
        hints.cause(
            "not-modified-with-another-origin",
            format!("The response 304 replaces the stored Access-Control-Allow-Origin by {value}."),
            "Send the headers of a 200 with a 304 as well.",
        );
    } else {
        hints.cause(
            "origin-not-allowed",
            format!("The server allows {value}; the page's origin is {page}."),
            format!("Let the server allow {page}, and send it with `Vary: Origin`."),
        );
    }
}

/// Which header says that a response was stored.
fn cache_of(response: &ExchangeNote) -> Option<String> {
    if let Some(age) = response.response("Age").filter(|age| age.parse::<u64>().is_ok_and(|age| age > 0)) {
        return Some(format!("Age: {age}"));
    }
    ["X-Cache", "CF-Cache-Status", "X-Cache-Status", "X-Proxy-Cache"].iter().find_map(|name| {
        let value = response.response(name)?;
        value.to_ascii_uppercase().contains("HIT").then(|| format!("{name}: {value}"))
    })
}

/// The request itself has no CORS headers though others have.
fn of_actual(
    preflight: Option<&ExchangeNote>,
    response: &ExchangeNote,
    check: &CheckFailure,
    hints: &mut Hints,
) {
    if *check != CheckFailure::Missing {
        return;
    }
    let status = response.status.unwrap_or(0);
    if status >= 400 {
        let who = ["Via", "Server"]
            .iter()
            .find_map(|name| response.response(name))
            .map_or_else(String::new, |value| format!("; it may come from {value}"));
        hints.cause(
            "error-without-cors",
            format!("The response is an error (status {status}) without CORS headers{who}: the browser hides it behind words about CORS."),
            "Send the CORS headers on every status (in nginx: `always`), and look at the error itself.",
        );
    } else if preflight.is_some() {
        hints.cause(
            "cors-on-preflight-only",
            "The preflight has the CORS headers and the response itself has none.",
            "Send Access-Control-Allow-Origin on both.",
        );
    }
}

fn of_syntax(header: &str, element: &str, hints: &mut Hints) {
    let how = if element.starts_with('[') || element.contains('"') {
        "quotes and brackets do not belong there"
    } else if element.contains([' ', '\t']) {
        "names are separated by commas, not by spaces"
    } else if element.contains(';') {
        "names are separated by commas, not by semicolons"
    } else {
        "it is no token"
    };
    hints.cause(
        "list-syntax",
        format!("{header} holds {element:?}: {how}."),
        "Write names separated by commas: `PUT, DELETE`.",
    );
}

fn of_method(question: &Question, preflight: &ExchangeNote, method: &str, hints: &mut Hints) {
    let listed = preflight.response("Access-Control-Allow-Methods");
    let names = listed.as_deref().unwrap_or_default();
    let others = names.split(',').map(str::trim);
    if let Some(other) = others.into_iter().find(|other| other.eq_ignore_ascii_case(method)) {
        let upper = method.to_ascii_uppercase();
        hints.cause(
            "method-in-other-case",
            format!(
                "The request's method is {method} and the server allows {other}: the case of methods counts."
            ),
            format!("Write {upper} in both places."),
        );
    } else if names.split(',').any(|name| name.trim() == "*") && question.request.credentials == "include" {
        hints.cause(
            "wildcard-with-credentials",
            "Access-Control-Allow-Methods is `*`, which means nothing in a request with credentials.",
            format!("Name the methods: `{method}`."),
        );
    } else if listed.is_none() {
        hints.cause(
            "allow-methods-missing",
            format!("The preflight's response has no Access-Control-Allow-Methods, and {method} is not GET, HEAD or POST."),
            format!("Send `Access-Control-Allow-Methods: {method}` on the preflight."),
        );
    } else {
        hints.cause(
            "method-not-allowed",
            format!("Access-Control-Allow-Methods ({names}) does not name {method}."),
            format!("Add {method} to it."),
        );
    }
}

fn of_header(question: &Question, preflight: &ExchangeNote, name: &str, hints: &mut Hints) {
    let listed = preflight.response("Access-Control-Allow-Headers");
    let names = listed.as_deref().unwrap_or_default();
    let star = names.split(',').any(|name| name.trim() == "*");
    if star && question.request.credentials == "include" {
        hints.cause(
            "wildcard-with-credentials",
            "Access-Control-Allow-Headers is `*`, which means nothing in a request with credentials.",
            format!("Name the headers: `{name}`."),
        );
        return;
    }
    if star && name == "authorization" {
        hints.cause(
            "authorization-and-wildcard",
            "Access-Control-Allow-Headers is `*`, which does not cover Authorization.",
            "Write `*, Authorization`.",
        );
        return;
    }
    if name.starts_with("access-control-") {
        return;
    }
    let (why, fix) = about_header(name);
    let what = match &listed {
        Some(names) => format!("Access-Control-Allow-Headers ({names}) does not name {name}{why}."),
        None => format!(
            "The preflight's response has no Access-Control-Allow-Headers, and the request carries {name}{why}."
        ),
    };
    hints.cause("header-not-allowed", what, format!("Add {name} to Access-Control-Allow-Headers{fix}."));
}

/// What script may read, and wants to.
fn of_reading(
    question: &Question,
    outcome: &Outcome,
    preflight: Option<&ExchangeNote>,
    actual: Option<&ExchangeNote>,
    hints: &mut Hints,
) {
    let (Some(exposed), Some(response)) = (&outcome.exposed_headers, actual) else { return };
    if outcome.response_type != Some("cors") {
        return;
    }
    let listed = response.response("Access-Control-Expose-Headers");
    for name in question.reads.iter().map(|name| name.to_ascii_lowercase()) {
        if exposed.contains(&name) {
            continue;
        }
        if response.response(&name).is_none() {
            hints.cause(
                "header-absent",
                format!("The response has no header {name}."),
                "Let the server send it.",
            );
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
        let star = listed.as_deref().is_some_and(|list| list.split(',').any(|name| name.trim() == "*"));
        let bad = listed.as_deref().and_then(|list| {
            list.split(',')
                .map(str::trim)
                .find(|element| element.contains([' ', '"', ';', ':', '[', '/']))
                .map(str::to_owned)
        });
        let (code, cause) = if star && question.request.credentials == "include" {
            (
                "wildcard-with-credentials",
                "Access-Control-Expose-Headers is `*`, which means nothing in a request with credentials."
                    .to_owned(),
            )
        } else if let Some(bad) = bad {
            (
                "list-syntax",
                format!(
                    "Access-Control-Expose-Headers holds {bad:?}, which is no token: the whole list counts for nothing."
                ),
            )
        } else if listed.is_none()
            && preflight.is_some_and(|it| it.response("Access-Control-Expose-Headers").is_some())
        {
            (
                "expose-headers-on-preflight",
                "Access-Control-Expose-Headers stands on the preflight, where nobody reads it.".to_owned(),
            )
        } else {
            ("header-not-exposed", format!("Script does not see the response header {name}."))
        };
        hints.cause(
            code,
            cause,
            format!("Send `Access-Control-Expose-Headers: {name}` on the response itself."),
        );
    }
    if response.status == Some(401) && question.request.credentials != "include" {
        hints.remark(
            "sent-without-credentials",
            "The request went without cookies, since its credentials mode is not `include`; the server answered 401.",
            "Set `credentials: 'include'`, and let the server allow credentials; the cookie itself needs `SameSite=None; Secure`.",
        );
    }
}

/// A preflight that is asked for again and again.
fn of_preflight_cache(preflight: Option<&ExchangeNote>, hints: &mut Hints) {
    let Some(response) = preflight else { return };
    match response.response("Access-Control-Max-Age") {
        None => {
            hints.remark(
                "preflight-kept-for-5-seconds",
                "Without Access-Control-Max-Age browsers keep the answer to a preflight for 5 seconds.",
                "Send `Access-Control-Max-Age: 7200`, which is Chromium's limit.",
            );
        }
        Some(value) if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) => {
            hints.remark(
                "max-age-syntax",
                format!("Access-Control-Max-Age is {value:?}, which is no number of seconds: Firefox keeps the answer not at all."),
                "Send digits only: `7200`.",
            );
        }
        Some(_) => {}
    }
}

/// What only a `*` allows, which Firefox does not keep.
fn of_wildcards(preflight: Option<&ExchangeNote>, hints: &mut Hints) {
    let Some(exchange) = preflight else { return };
    let asked = |name: &str| {
        let found = exchange.request_headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    for (list, asked) in [
        ("Access-Control-Allow-Methods", asked("Access-Control-Request-Method")),
        ("Access-Control-Allow-Headers", asked("Access-Control-Request-Headers")),
    ] {
        let listed = exchange.response(list).unwrap_or_default();
        let lists = |name: &str| listed.split(',').any(|other| other.trim().eq_ignore_ascii_case(name));
        let needed = asked.split(',').filter(|name| !name.is_empty() && !is_safelisted_method(name));
        let unnamed: Vec<&str> = needed.filter(|name| !lists(name)).collect();
        if lists("*") && !unnamed.is_empty() {
            hints.remark(
                "wildcard-is-not-kept",
                format!(
                    "{list} allows {} by `*` alone: Firefox asks again before every request.",
                    unnamed.join(", ")
                ),
                format!("Name them beside it: `*, {}`.", unnamed.join(", ")),
            );
        }
    }
}

/// An origin that is sent back without a word to caches.
fn of_vary(
    question: &Question,
    preflight: Option<&ExchangeNote>,
    actual: Option<&ExchangeNote>,
    hints: &mut Hints,
) {
    let Some(response) = actual.or(preflight) else { return };
    let origin = response.response("Access-Control-Allow-Origin");
    let vary = response.response("Vary").unwrap_or_default();
    let varies =
        vary.split(',').map(str::trim).any(|name| name == "*" || name.eq_ignore_ascii_case("origin"));
    if origin.as_ref() == Some(&question.page_origin) && !varies && !response.preflight {
        hints.remark(
            "vary-missing",
            "Access-Control-Allow-Origin is the request's Origin and Vary does not name Origin: a cache may give the response to another page.",
            "Send `Vary: Origin` on every response of the resource, those without Origin included.",
        );
    }
    if question.page_origin == "null" && origin.as_deref() == Some("null") {
        let with = response.response("Access-Control-Allow-Credentials").as_deref() == Some("true");
        hints.remark(
            "null-origin-allowed",
            format!(
                "The server allows `null`{}, which any site can make its origin with a sandboxed frame.",
                if with { " with credentials" } else { "" }
            ),
            "Allow origins by name.",
        );
    }
}

/// Headers on the response where they mean nothing.
fn of_misplaced(preflight: Option<&ExchangeNote>, actual: Option<&ExchangeNote>, hints: &mut Hints) {
    if let (Some(preflight), Some(actual)) = (preflight, actual) {
        for name in ["Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"]
        {
            if preflight.response(name).is_none() && actual.response(name).is_some() {
                hints.remark(
                    "header-of-preflights",
                    format!("{name} stands on the response itself, where nobody reads it."),
                    "Send it on the answer to the preflight.",
                );
            }
        }
    }
}
