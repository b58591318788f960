//! What a developer sees in the browser's console, word for word, as Chromium 156 and Firefox 153 print it.

use url::Url;

use super::check::CheckFailure;
use super::exchange::ScriptRequest;
use super::failure::Failure;
use super::profile::Profile;

/// Where a request was when it failed.
pub(super) struct Place<'a> {
    pub(super) script: &'a ScriptRequest,
    /// The origin of the page, which is printed even where the request carried `null`.
    pub(super) page_origin: &'a str,
    /// The URL of the request that failed.
    pub(super) url: &'a Url,
    /// The first URL, if that is another one.
    pub(super) first_url: Option<&'a Url>,
    /// The status of the response that failed, if there was one.
    pub(super) status: Option<u16>,
}

/// The lines of the console, the most telling first.
pub(super) fn lines(profile: Profile, failure: &Failure, place: &Place<'_>) -> Vec<String> {
    match profile {
        Profile::Standard => Vec::new(),
        Profile::Chromium => chromium(failure, place).into_iter().collect(),
        Profile::Firefox => firefox(failure, place),
    }
}

/// The warning of Firefox where `*` is taken to cover Authorization.
pub(super) fn authorization_warning(profile: Profile, url: &Url) -> Option<String> {
    (profile == Profile::Firefox).then(|| {
        format!(
            "Cross-Origin Request Warning: The Same Origin Policy will disallow reading the remote resource at {url} soon. \
             (Reason: When the `Access-Control-Allow-Headers` is `*`, the `Authorization` header is not covered. To include \
             the `Authorization` header, it must be explicitly listed in CORS header `Access-Control-Allow-Headers`)."
        )
    })
}

/// The text of the error that the script gets.
pub(super) fn js_error(profile: Profile, failure: &Failure, place: &Place<'_>) -> Option<String> {
    let chromium = match profile {
        Profile::Standard => return None,
        Profile::Chromium => true,
        Profile::Firefox => false,
    };
    let message = match failure {
        Failure::Throws { what, text } => match (*what, chromium) {
            ("method", true) if is_forbidden(text) => {
                format!("Failed to execute 'fetch' on 'Window': '{text}' HTTP method is unsupported.")
            }
            ("method", true) => {
                format!("Failed to execute 'fetch' on 'Window': '{text}' is not a valid HTTP method.")
            }
            ("no-cors-method", true) => {
                format!("Failed to execute 'fetch' on 'Window': '{text}' is unsupported in no-cors mode.")
            }
            ("url-credentials", true) => format!(
                "Failed to execute 'fetch' on 'Window': Request cannot be constructed from a URL that includes credentials: {text}"
            ),
            ("method" | "no-cors-method", false) => format!("Window.fetch: Invalid request method {text}."),
            ("url-credentials", false) => {
                format!("Window.fetch: {text} is an url with embedded credentials.")
            }
            _ => return None,
        },
        _ if place.script.api == "xhr" => return Some("xhr error".to_owned()),
        _ if chromium => "Failed to fetch".to_owned(),
        _ => "NetworkError when attempting to fetch resource.".to_owned(),
    };
    Some(format!("TypeError: {message}"))
}

fn is_forbidden(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"].iter().any(|name| name.eq_ignore_ascii_case(method))
}

fn chromium(failure: &Failure, place: &Place<'_>) -> Option<String> {
    let failed = |error: &str| Some(format!("Failed to load resource: net::{error}"));
    let detail = match failure {
        Failure::PreflightCheck(check) => {
            format!("{PREFLIGHT}{}", chromium_check(check, place.script))
        }
        Failure::Check(check) => chromium_check(check, place.script),
        Failure::PreflightStatus(_) => format!("{PREFLIGHT}It does not have HTTP ok status."),
        Failure::PreflightRedirect(_) => format!("{PREFLIGHT}Redirect is not allowed for a preflight request."),
        Failure::PreflightMethodsSyntax(_) => {
            "Cannot parse Access-Control-Allow-Methods response header field in preflight response.".to_owned()
        }
        Failure::PreflightHeadersSyntax(_) => {
            "Cannot parse Access-Control-Allow-Headers response header field in preflight response.".to_owned()
        }
        Failure::PreflightMethod(method) => {
            format!("Method {method} is not allowed by Access-Control-Allow-Methods in preflight response.")
        }
        Failure::PreflightAuthorization => not_allowed_header("authorization"),
        Failure::PreflightHeader(name) => not_allowed_header(name),
        Failure::RedirectCredentials => {
            "Redirect location '' contains a username and password, which is disallowed for cross-origin requests."
                .to_owned()
        }
        Failure::ModeSameOrigin => {
            return Some(format!(
                "Fetch API cannot load {}. Request mode is \"same-origin\" but the URL's origin is not same as the request \
                 origin {}.",
                place.url, place.page_origin
            ));
        }
        Failure::Scheme(scheme) => {
            return Some(format!(
                "Fetch API cannot load {}. URL scheme \"{scheme}\" is not supported.",
                place.url
            ));
        }
        Failure::RedirectScheme(_) => return failed("ERR_UNSAFE_REDIRECT"),
        Failure::RedirectUrl(_) => return failed("ERR_INVALID_REDIRECT"),
        Failure::TooManyRedirects => return failed("ERR_TOO_MANY_REDIRECTS"),
        Failure::Network => return failed("ERR_EMPTY_RESPONSE"),
        Failure::RedirectMode | Failure::Throws { .. } | Failure::Unanswered { .. } => return None,
    };
    let kind = match place.script.api.as_str() {
        "xhr" => "XMLHttpRequest",
        "stylesheet" => "CSS stylesheet",
        "media" => "video",
        "event-source" | "beacon" => "resource",
        other => other,
    };
    let redirected =
        place.first_url.map_or_else(String::new, |first| format!("(redirected from '{first}') "));
    Some(format!(
        "Access to {kind} at '{}' {redirected}from origin '{}' has been blocked by CORS policy: {detail}",
        place.url, place.page_origin
    ))
}

const PREFLIGHT: &str = "Response to preflight request doesn't pass access control check: ";

fn not_allowed_header(name: &str) -> String {
    format!(
        "Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight response."
    )
}

fn chromium_check(check: &CheckFailure, script: &ScriptRequest) -> String {
    // Hints that are printed for one kind of request only.
    let to_fetch =
        if script.api == "fetch" { " Have the server send the header with a valid value." } else { "" };
    let to_xhr = if script.api == "xhr" {
        " The credentials mode of requests initiated by the XMLHttpRequest is controlled by the withCredentials attribute."
    } else {
        ""
    };
    match check {
        CheckFailure::Missing => {
            "No 'Access-Control-Allow-Origin' header is present on the requested resource.".to_owned()
        }
        CheckFailure::Multiple { value, .. } => format!(
            "The 'Access-Control-Allow-Origin' header contains multiple values '{}', but only one is allowed.{to_fetch}",
            escape(value)
        ),
        CheckFailure::Mismatch { value } if value == "null" || Url::parse(value).is_ok() => format!(
            "The 'Access-Control-Allow-Origin' header has a value '{}' that is not equal to the supplied origin.{to_fetch}",
            escape(value)
        ),
        CheckFailure::Mismatch { value } => format!(
            "The 'Access-Control-Allow-Origin' header contains the invalid value '{}'.{to_fetch}",
            escape(value)
        ),
        CheckFailure::WildcardWithCredentials => format!(
            "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the \
             request's credentials mode is 'include'.{to_xhr}"
        ),
        CheckFailure::CredentialsNotTrue { value } => format!(
            "The value of the 'Access-Control-Allow-Credentials' header in the response is '{}' which must be 'true' when the \
             request's credentials mode is 'include'.{to_xhr}",
            escape(value)
        ),
    }
}

/// Bytes outside printable ASCII as `\u00E9`.
fn escape(value: &str) -> String {
    value
        .chars()
        .map(|byte| match byte {
            ' '..='~' => byte.to_string(),
            _ => format!("\\u{:04X}", u32::from(byte)),
        })
        .collect()
}

fn firefox(failure: &Failure, place: &Place<'_>) -> Vec<String> {
    let blocked = |url: &str, reason: &str, status: Option<String>| {
        let status = status.map_or_else(String::new, |status| format!(" Status code: {status}."));
        format!(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason: \
             {reason}).{status}"
        )
    };
    let url = place.url.as_str();
    let status = || place.status.map(|status| status.to_string());
    let plain = |reason: &str| blocked(url, reason, None);
    let failed = |url: &str| blocked(url, "CORS request did not succeed", Some("(null)".to_owned()));
    let did_not_succeed = failed(url);
    let check_lines = |check: &CheckFailure| match check {
        CheckFailure::Missing => {
            vec![blocked(url, "CORS header ‘Access-Control-Allow-Origin’ missing", status())]
        }
        CheckFailure::Multiple { several_lines: true, .. } => {
            vec![plain("Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed")]
        }
        CheckFailure::Multiple { value, .. } | CheckFailure::Mismatch { value } => {
            vec![plain(&format!(
                "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{}’",
                decode(value)
            ))]
        }
        CheckFailure::WildcardWithCredentials => vec![blocked(
            &format!("‘{url}’"),
            "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’",
            None,
        )],
        CheckFailure::CredentialsNotTrue { .. } => {
            vec![plain("expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’")]
        }
    };
    let mut lines = match failure {
        Failure::Check(check) | Failure::PreflightCheck(check) => check_lines(check),
        Failure::PreflightStatus(_) => {
            vec![blocked(url, "CORS preflight response did not succeed", status())]
        }
        Failure::PreflightRedirect(_) => vec![
            plain("CORS request external redirect not allowed"),
            blocked(url, "CORS preflight response did not succeed", status()),
        ],
        Failure::PreflightMethodsSyntax(element) => vec![plain(&format!(
            "invalid token ‘{}’ in CORS header ‘Access-Control-Allow-Methods’",
            decode(element)
        ))],
        Failure::PreflightHeadersSyntax(element) => vec![plain(&format!(
            "invalid token ‘{}’ in CORS header ‘Access-Control-Allow-Headers’",
            decode(element)
        ))],
        Failure::PreflightMethod(_) => {
            vec![plain("Did not find method in CORS header ‘Access-Control-Allow-Methods’")]
        }
        Failure::PreflightAuthorization => vec![plain(&firefox_header("authorization"))],
        Failure::PreflightHeader(name) => vec![plain(&firefox_header(name))],
        Failure::RedirectCredentials | Failure::RedirectUrl(_) => vec![did_not_succeed.clone()],
        Failure::TooManyRedirects => vec![failed(place.first_url.map_or(url, Url::as_str))],
        Failure::RedirectScheme(target) => {
            let first = if target.starts_with("data:") {
                format!("Redirecting to data: URI not allowed (Blocked loading of: “{target}”)")
            } else {
                format!("Security Error: Content at {url} may not load or link to {target}.")
            };
            vec![first, did_not_succeed.clone()]
        }
        Failure::ModeSameOrigin => {
            vec![format!("Security Error: Content at {} may not load data from {url}.", place.page_origin)]
        }
        Failure::Scheme(_) => vec![plain("CORS request not http")],
        Failure::Network => vec![did_not_succeed.clone()],
        Failure::RedirectMode | Failure::Throws { .. } | Failure::Unanswered { .. } => Vec::new(),
    };
    if failure.is_of_preflight() && !lines.is_empty() {
        lines.push(did_not_succeed.clone());
    }
    // A redirect that is not followed for that reason is reported once more.
    let checked = match failure {
        Failure::PreflightCheck(_) => true,
        Failure::Check(_) => place.script.redirect == "follow",
        _ => false,
    };
    if checked && place.status.is_some_and(super::fetch::is_redirect) {
        lines.push(did_not_succeed);
    }
    lines
}

fn firefox_header(name: &str) -> String {
    format!(
        "header ‘{name}’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS preflight response"
    )
}

/// Bytes as UTF-8, with U+FFFD for what is none.
fn decode(value: &str) -> String {
    let bytes: Vec<u8> = value.chars().map(|byte| u8::try_from(u32::from(byte)).unwrap_or(b'?')).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
