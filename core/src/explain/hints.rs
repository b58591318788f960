//! What is wrong and what to do: hints about the script, and those about a policy or about responses.

use url::Url;

use super::origins::address_space;
use super::{ExchangeNote, Explanation, Hint, Question, observed, policy};
use crate::Policy;
use crate::browser::{Failure, Outcome, Profile, is_redirect};

/// Hints as they are found.
pub(super) struct Hints {
    found: Vec<Hint>,
}

impl Hints {
    /// What made the request fail.
    pub(super) fn cause(
        &mut self,
        code: &'static str,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> &mut Self {
        self.add(code, true, cause, fix)
    }

    /// What is worth knowing beside it.
    pub(super) fn remark(
        &mut self,
        code: &'static str,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> &mut Self {
        self.add(code, false, cause, fix)
    }

    pub(super) fn add(
        &mut self,
        code: &'static str,
        is_cause: bool,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> &mut Self {
        let hint =
            Hint { code, is_cause, cause: cause.into(), fix: fix.into(), path: None, suggestion: None };
        self.found.push(hint);
        self
    }

    /// Says where in the policy document, of the hint that was found last.
    pub(super) fn at(&mut self, path: impl Into<String>) -> &mut Self {
        if let Some(last) = self.found.last_mut() {
            last.path = Some(path.into());
        }
        self
    }

    /// Says what to write there, of the hint that was found last.
    pub(super) fn suggest(&mut self, value: impl Into<String>) -> &mut Self {
        if let Some(last) = self.found.last_mut() {
            last.suggestion = Some(value.into());
        }
        self
    }
}

/// Everything there is to say, causes first.
pub(super) fn find(question: &Question, policy: Option<&Policy>, explanation: &Explanation) -> Vec<Hint> {
    let mut hints = Hints { found: Vec::new() };
    let Some(telling) = explanation.telling() else { return Vec::new() };
    let outcome = &telling.outcome;
    if let Some(failure) = &outcome.cause {
        of_script(question, failure, &mut hints);
    }
    of_redirects(question, explanation, outcome, &mut hints);
    match policy {
        Some(policy) => policy::find(question, policy, explanation, outcome, &mut hints),
        None => observed::find(question, explanation, outcome, &mut hints),
    }
    of_reachability(question, outcome, &mut hints);
    if outcome.response_type == Some("opaque") {
        hints.remark(
            "no-cors",
            "The request's mode is no-cors: the server gets it, but script sees no status, no header and no body.",
            "Leave the mode out and let the server allow the page's origin.",
        );
    }
    browsers_differ(explanation, &mut hints);
    let mut found = hints.found;
    found.sort_by_key(|hint| !hint.is_cause);
    let mut told = Vec::with_capacity(found.len());
    for hint in found {
        if !told.contains(&hint) {
            told.push(hint);
        }
    }
    told
}

/// What the script itself does wrong.
fn of_script(question: &Question, failure: &Failure, hints: &mut Hints) {
    let script = &question.request;
    match failure {
        Failure::Throws { what: "method", text } => {
            hints.cause(
                "method-cannot-be-sent",
                format!("No script can send the method {text:?}: CONNECT, TRACE and TRACK are forbidden, others must be tokens."),
                "Use another method.",
            );
        }
        Failure::Throws { what: "no-cors-method", text } => {
            hints.cause(
                "no-cors-method",
                format!("The mode no-cors admits GET, HEAD and POST only, not {text}."),
                "Leave the mode out and let the server allow the page's origin.",
            );
        }
        Failure::Throws { what: "url-credentials", .. } => {
            hints.cause(
                "url-with-credentials",
                "The URL holds a user name or password, which fetch() refuses.",
                "Send an Authorization header instead, which the server must allow by name.",
            );
        }
        Failure::Throws { what, text } => {
            hints.cause(
                "call-throws",
                format!("The call throws before anything is sent ({what}: {text:?})."),
                "Correct the call.",
            );
        }
        Failure::ModeSameOrigin => {
            hints.cause(
                "mode-same-origin",
                format!(
                    "The request's mode is same-origin, and {} is another origin than {}.",
                    script.url, question.page_origin
                ),
                "Leave the mode out for requests to other origins.",
            );
        }
        Failure::Scheme(scheme) if matches!(scheme.as_str(), "ws" | "wss") => {
            hints.cause(
                "websocket-without-cors",
                "CORS does not hold for WebSockets: a browser lets every page open one, with cookies, and says whose it is in Origin.",
                "Open it with `new WebSocket()`, and let the server look at Origin itself.",
            );
        }
        Failure::Scheme(scheme) => {
            hints.cause(
                "scheme-without-cors",
                format!("CORS is for http and https; the URL's scheme is {scheme}."),
                "Serve the resource over http or https.",
            );
        }
        Failure::Network => {
            hints.cause(
                "no-response",
                "No response came: the browser's words about CORS are misleading, this is no matter of CORS.",
                "Look whether the server is reachable: its name, port, TLS certificate, a blocker in the browser.",
            );
        }
        Failure::Unanswered { preflight } => {
            let which = if *preflight {
                "the preflight, which the browser sends first"
            } else {
                "a request that the browser sends"
            };
            hints.remark(
                "response-unknown",
                format!("The response to {which} is not known."),
                "Add it to what was observed, or probe the server.",
            );
        }
        _ => {}
    }
    for (name, _) in &script.headers {
        if name.to_ascii_lowercase().starts_with("access-control-allow-") {
            hints.cause(
                "response-header-in-request",
                format!("The script sends {name}, which is a header of responses: it allows nothing and asks for a preflight."),
                "Take it out of the script; the server sends it.",
            );
        }
    }
}

/// What redirects break.
fn of_redirects(question: &Question, explanation: &Explanation, outcome: &Outcome, hints: &mut Hints) {
    let Some(failure) = &outcome.cause else { return };
    match failure {
        Failure::RedirectMode => {
            hints.cause(
                "redirect-mode",
                "The server redirects, and the request's redirect mode is error.",
                "Call the final URL.",
            );
        }
        Failure::TooManyRedirects => {
            hints.cause(
                "too-many-redirects",
                "The server redirects more than 20 times.",
                "End the circle of redirects.",
            );
        }
        Failure::RedirectCredentials => {
            hints.cause(
                "redirect-with-credentials",
                "The redirect's Location holds a user name or password, which a CORS request does not follow.",
                "Take them out of the Location.",
            );
        }
        Failure::RedirectScheme(target) => {
            hints.cause(
                "redirect-to-other-scheme",
                format!("The redirect leads to {target}, which is not http or https."),
                "Redirect to http or https.",
            );
        }
        Failure::RedirectUrl(target) => {
            hints.cause(
                "redirect-to-no-url",
                format!("The redirect's Location {target:?} is no URL."),
                "Correct the Location.",
            );
        }
        _ => {}
    }
    let checked = matches!(failure, Failure::Check(_) | Failure::PreflightCheck(_));
    let last = explanation.exchanges.last();
    let hops = last.map_or(0, |exchange| exchange.hop);
    if checked && last.is_some_and(|exchange| observed::lost_origin(question, exchange)) {
        hints.cause(
            "redirect-across-origins",
            "After a redirect from one foreign origin to another the browser sends `Origin: null`, which nobody should allow.",
            "Call the final URL, or redirect within one origin.",
        );
        return;
    }
    let redirects =
        last.is_some_and(|exchange| !exchange.preflight && exchange.status.is_some_and(is_redirect));
    if checked && (hops > 0 || redirects) {
        let which = if redirects {
            "The redirect itself has no CORS headers that let it pass".to_owned()
        } else {
            format!("What the redirect leads to ({}) has no CORS headers that let it pass", of_last(last))
        };
        hints.cause(
            "redirect-without-cors",
            format!("{which}: every response of a chain of redirects needs them, and a request with a preflight needs a new one at each URL."),
            "Call the final URL, or let every response of the chain have the CORS headers.",
        );
    }
}

fn of_last(last: Option<&ExchangeNote>) -> &str {
    last.map_or("", |exchange| &exchange.url)
}

/// What looks like CORS and is none, or comes before it.
fn of_reachability(question: &Question, outcome: &Outcome, hints: &mut Hints) {
    let Ok(target) = Url::parse(&question.request.url) else { return };
    let Ok(page) = Url::parse(&question.page_origin) else { return };
    let (Some(host), Some(page_host)) = (target.host(), page.host()) else { return };
    let (host, page_host) = (host.to_owned(), page_host.to_owned());
    let space = address_space(&host);
    if page.scheme() == "https" && target.scheme() == "http" && space != Some("loopback") {
        hints.add(
            "mixed-content",
            outcome.cause.is_some(),
            "A page over https may not call an address over http: browsers block it before CORS is looked at.",
            "Serve the address over https.",
        );
    }
    if let (Some(space), None) = (space, address_space(&page_host)) {
        hints.remark(
            "local-network",
            format!(
                "A public page calls an address of the {space} network: Chromium and Firefox ask the user for permission first \
                 (Local Network Access), and no header changes that."
            ),
            "Let the user grant the permission, on a page over https.",
        );
    }
}

fn browsers_differ(explanation: &Explanation, hints: &mut Hints) {
    let (passed, failed): (Vec<_>, Vec<_>) = explanation.profiles.iter().partition(|of| of.outcome.allowed());
    if passed.is_empty() || failed.is_empty() {
        return;
    }
    let names = |list: &[&super::ProfileOutcome]| {
        let names: Vec<&str> = list
            .iter()
            .map(|of| if of.profile == Profile::Standard { "the standard" } else { of.profile.name() })
            .collect();
        names.join(" and ")
    };
    let fix = if failed.iter().any(|of| of.outcome.cause == Some(Failure::PreflightAuthorization)) {
        "Name `authorization` in Access-Control-Allow-Headers: the standard says that `*` does not cover it, and browsers may enforce that one day."
    } else {
        "Answer so that every browser agrees."
    };
    hints.remark(
        "browsers-differ",
        format!("By {} the request fails, by {} it does not.", names(&failed), names(&passed)),
        fix,
    );
}
