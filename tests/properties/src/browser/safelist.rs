//! Which request headers of a script are forbidden, which are safelisted, and which need a preflight.

use super::is_token;
use crate::Line;

/// Fetch, "forbidden request-header", by name.
pub(super) fn is_forbidden(name: &[u8]) -> bool {
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
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || name.starts_with("proxy-") || name.starts_with("sec-")
}

/// Fetch, "CORS-unsafe request-header names": sorted, in lower case, without duplicates.
pub(super) fn unsafe_names(headers: &[Line]) -> Vec<String> {
    let (mut names, mut maybe, mut size) = (Vec::new(), Vec::new(), 0);
    for (name, value) in headers {
        let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
        if is_safelisted(&lower, value) {
            maybe.push(lower);
            size += value.len();
        } else {
            names.push(lower);
        }
    }
    if size > 1024 {
        names.extend(maybe);
    }
    names.sort();
    names.dedup();
    names
}

/// Fetch, "CORS-safelisted request-header".
fn is_safelisted(name: &str, value: &[u8]) -> bool {
    if value.len() > 128 {
        return false;
    }
    match name {
        "accept" => !value.iter().any(is_unsafe_byte),
        "accept-language" | "content-language" => {
            value.iter().all(|byte| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(byte))
        }
        "content-type" => {
            const SAFE: [&str; 3] =
                ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
            !value.iter().any(is_unsafe_byte)
                && mime_essence(value).is_some_and(|essence| SAFE.contains(&essence.as_str()))
        }
        "range" => is_simple_range(value),
        _ => false,
    }
}

fn is_unsafe_byte(byte: &u8) -> bool {
    (*byte < 0x20 && *byte != b'\t') || b"\"():<>?@[\\]{}\x7f".contains(byte)
}

/// MIME Sniffing, "parse a MIME type", without parameters.
fn mime_essence(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let white = |letter: char| matches!(letter, ' ' | '\t' | '\r' | '\n');
    let (kind, rest) = text.trim_matches(white).split_once('/')?;
    let subtype = rest.split(';').next()?.trim_end_matches(white);
    (is_token(kind.as_bytes()) && is_token(subtype.as_bytes()))
        .then(|| format!("{kind}/{subtype}").to_ascii_lowercase())
}

/// Fetch, "parse a single range header value", with a start and without white space.
fn is_simple_range(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let Some((start, end)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (Ok(first), true, true) = (start.parse::<u128>(), digits(start), digits(end)) else { return false };
    end.is_empty() || end.parse::<u128>().is_ok_and(|last| first <= last)
}
