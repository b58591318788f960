//! What a script may send without asking: CORS-safelisted methods and request headers.

use super::profile::Profile;
use super::syntax::{Line, is_token};

/// Whether a method needs no preflight: exactly `GET`, `HEAD` or `POST` (Fetch, "CORS-safelisted method").
#[must_use]
pub fn is_safelisted_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// Whether a request header needs no preflight (Fetch, "CORS-safelisted request-header").
///
/// `value` has one character a byte.
#[must_use]
pub fn is_safelisted_header(profile: Profile, name: &str, value: &str) -> bool {
    if value.chars().count() > 128 {
        return false;
    }
    match name.to_ascii_lowercase().as_str() {
        "accept" => !has_unsafe_byte(profile, value),
        "accept-language" | "content-language" => value.chars().all(is_language_byte),
        "content-type" => {
            !has_unsafe_byte(profile, value)
                && (!profile.comma_is_unsafe() || !value.contains(','))
                && essence(value).is_some_and(|essence| {
                    matches!(
                        essence.as_str(),
                        "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain"
                    )
                })
        }
        "range" => is_simple_range(value, profile.limits_range()),
        name => profile.client_hints_safelisted() && is_client_hint(name, value),
    }
}

/// The names of a request's headers that need a preflight, in lower case and sorted (Fetch, "CORS-unsafe
/// request-header names"). Without repetition, but for Firefox.
#[must_use]
pub fn unsafe_header_names(profile: Profile, headers: &[(String, String)]) -> Vec<String> {
    let joined = profile.joins_header_lines().then(|| join(headers));
    let headers = joined.as_deref().unwrap_or(headers);
    let (mut names, mut maybe, mut size) = (Vec::new(), Vec::new(), 0);
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if is_safelisted_header(profile, &lower, value) {
            size += value.chars().count();
            maybe.push(lower);
        } else {
            names.push(lower);
        }
    }
    if profile.limits_the_total() && size > 1024 {
        names.append(&mut maybe);
    }
    names.sort();
    if !profile.repeats_names() {
        names.dedup();
    }
    names
}

/// One line a name, its values joined.
fn join(headers: &[Line]) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::new();
    for (name, value) in headers {
        match joined.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, values)) => {
                values.push_str(", ");
                values.push_str(value);
            }
            None => joined.push((name.clone(), value.clone())),
        }
    }
    joined
}

/// Fetch, "CORS-unsafe request-header byte".
fn has_unsafe_byte(profile: Profile, value: &str) -> bool {
    let unsafe_byte = |byte| (byte < ' ' && byte != '\t') || "\"():<>?@[\\]{}\u{7f}".contains(byte);
    value.chars().any(unsafe_byte) || (profile.non_ascii_is_unsafe() && !value.is_ascii())
}

fn is_language_byte(byte: char) -> bool {
    byte.is_ascii_alphanumeric() || " *,-.;=".contains(byte)
}

/// The lower-case `type/subtype` of a MIME type (MIME Sniffing, "parse a MIME type"); `None` if it is none.
fn essence(value: &str) -> Option<String> {
    let white = ['\t', '\n', '\r', ' '];
    let (kind, rest) = value.trim_matches(white).split_once('/')?;
    let subtype = rest.split(';').next()?.trim_end_matches(white);
    (is_token(kind) && is_token(subtype)).then(|| format!("{kind}/{subtype}").to_ascii_lowercase())
}

/// `bytes=first-` or `bytes=first-last` (Fetch, "parse a single range header value" without white space).
fn is_simple_range(value: &str, limited: bool) -> bool {
    let Some((first, last)) = value.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if first.is_empty() || !digits(first) || !digits(last) {
        return false;
    }
    if limited && [first, last].iter().any(|text| !text.is_empty() && text.parse::<i64>().is_err()) {
        return false;
    }
    last.is_empty() || !is_less(last, first)
}

/// Compares decimal numbers of any length.
fn is_less(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    (a.len(), a) < (b.len(), b)
}

/// What Chromium still lets through of the client hints that the standard once safelisted.
fn is_client_hint(name: &str, value: &str) -> bool {
    match name {
        "device-memory" | "downlink" | "dpr" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "width" | "viewport-width" | "rtt" => value.parse::<u32>().is_ok(),
        "save-data" => value == "on",
        "ect" => matches!(value, "slow-2g" | "2g" | "3g" | "4g"),
        "intervention" => true,
        _ => false,
    }
}
