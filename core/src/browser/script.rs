//! What becomes of the request that a script describes before the network sees it: methods made upper-case, headers
//! dropped, calls that throw.

use url::Url;

use super::exchange::ScriptRequest;
use super::failure::Failure;
use super::profile::Profile;
use super::safelist::{is_safelisted_header, is_safelisted_method};
use super::syntax::{Line, is_token};

/// A request that is ready to be sent.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) method: String,
    pub(super) headers: Vec<Line>,
    /// Credentials mode `include`.
    pub(super) include: bool,
    /// Fetch's unsafe-request flag: method and headers may need a preflight.
    pub(super) unsafe_request: bool,
    /// Fetch's use-CORS-preflight flag: there is a preflight in any case.
    pub(super) always_preflight: bool,
    pub(super) has_body: bool,
}

/// Fetch, "new Request", and XMLHttpRequest's `open()`, `setRequestHeader()` and `send()`.
pub(super) fn prepare(script: &ScriptRequest, profile: Profile) -> Result<Request, Failure> {
    let throws = |what, text: &str| Failure::Throws { what, text: text.to_owned() };
    let (is_fetch, is_xhr) = (script.api == "fetch", script.api == "xhr");

    let mut url = Url::parse(&script.url).map_err(|_| throws("url", &script.url))?;
    if !url.username().is_empty() || url.password().is_some() {
        if is_fetch {
            return Err(throws("url-credentials", &script.url));
        }
        // What URL parsing accepted can be emptied; a URL without a host has neither.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    if !is_token(&script.method) || is_forbidden_method(&script.method) {
        return Err(throws("method", &script.method));
    }
    let method = normalize_method(&script.method);
    let no_cors = script.mode == "no-cors";
    if no_cors && !is_safelisted_method(&method) {
        return Err(throws("no-cors-method", &method));
    }
    if no_cors && script.redirect != "follow" {
        return Err(throws("no-cors-redirect", &script.redirect));
    }
    let has_body = script.body.is_some() || script.stream;
    if is_fetch && has_body && matches!(method.as_str(), "GET" | "HEAD") {
        return Err(throws("body", &method));
    }
    if script.stream && no_cors {
        return Err(throws("stream-mode", &script.mode));
    }

    let mut headers: Vec<Line> = Vec::new();
    for (name, value) in &script.headers {
        let value = value.trim_matches(['\t', '\n', '\r', ' ']);
        if !is_token(name) || value.contains(['\0', '\r', '\n']) {
            return Err(throws("header", name));
        }
        let dropped = is_forbidden_header(name, value)
            || (no_cors && !is_no_cors_header(profile, name, value))
            || (profile.ignores_user_agent() && name.eq_ignore_ascii_case("user-agent"));
        if dropped {
            continue;
        }
        // XMLHttpRequest combines what is set twice.
        match headers.iter_mut().find(|(other, _)| is_xhr && other.eq_ignore_ascii_case(name)) {
            Some((_, values)) => {
                values.push_str(", ");
                values.push_str(value);
            }
            None => headers.push((name.clone(), value.to_owned())),
        }
    }
    if has_body && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        let implied = match &script.implied_content_type {
            Some(implied) => implied,
            None if script.stream => "",
            None => "text/plain;charset=UTF-8",
        };
        if !implied.is_empty() {
            headers.push(("Content-Type".to_owned(), implied.to_owned()));
        }
    }

    let listens = script.upload_listener && is_xhr && (has_body || !profile.listener_needs_body());
    Ok(Request {
        url,
        method,
        headers,
        include: script.credentials == "include",
        unsafe_request: is_fetch || is_xhr || script.api == "beacon",
        always_preflight: listens || script.stream,
        has_body,
    })
}

/// Fetch, "forbidden method".
fn is_forbidden_method(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"].iter().any(|name| name.eq_ignore_ascii_case(method))
}

/// Fetch, "normalize a method".
fn normalize_method(method: &str) -> String {
    ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(method))
        .unwrap_or(method)
        .to_owned()
}

/// Fetch, "forbidden request-header".
fn is_forbidden_header(name: &str, value: &str) -> bool {
    const NAMES: [&str; 21] = [
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "x-http-method" | "x-http-method-override" | "x-method-override" => {
            value.split(',').any(|method| is_forbidden_method(method.trim_matches([' ', '\t'])))
        }
        name => NAMES.contains(&name) || name.starts_with("proxy-") || name.starts_with("sec-"),
    }
}

/// Fetch, "no-CORS-safelisted request-header".
fn is_no_cors_header(profile: Profile, name: &str, value: &str) -> bool {
    ["accept", "accept-language", "content-language", "content-type"]
        .iter()
        .any(|safe| safe.eq_ignore_ascii_case(name))
        && is_safelisted_header(profile, name, value)
}
