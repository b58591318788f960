//! Kind and reason of a request, in the order in which they are found.

use super::origin::Origin;
use super::{Decision, Twin};
use crate::Line;

/// The values of the lines of one name, in order.
pub(super) fn values<'l>(lines: &'l [Line], name: &str) -> Vec<&'l [u8]> {
    lines
        .iter()
        .filter(|(of, _)| of.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.as_slice())
        .collect()
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(known)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

pub(super) fn is_blank(line: &[u8]) -> bool {
    trim(line).is_empty()
}

impl Twin {
    pub fn evaluate(&self, method: &[u8], lines: &[Line]) -> Decision {
        let origins = values(lines, "origin");
        let requested_method = values(lines, "access-control-request-method");
        let requested_headers = values(lines, "access-control-request-headers");
        if origins.is_empty() {
            return self.answer("not-cors", "not-cors", None, lines);
        }
        let kind = if method == b"OPTIONS" && !requested_method.is_empty() { "preflight" } else { "actual" };

        let rule = if self.constant() {
            0
        } else {
            let parsed = if origins.len() == 1 { Origin::parse(origins[0]) } else { None };
            let Some(origin) = parsed else {
                return self.answer(kind, "malformed-origin", None, lines);
            };
            match self.matching_rule(&origin) {
                Some(rule) => rule,
                None => {
                    let reason = if kind == "actual" && self.first_party(&origin, origins[0], lines) {
                        "same-origin"
                    } else if origin == Origin::Null {
                        "null-origin-not-allowed"
                    } else {
                        "origin-not-allowed"
                    };
                    return self.answer(kind, reason, None, lines);
                }
            }
        };
        let reason = match kind {
            "preflight" => self.preflight_reason(rule, &requested_method, &requested_headers),
            _ => "allowed",
        };
        self.answer(kind, reason, Some(rule), lines)
    }

    /// Whether the page that sent the request is the server's own.
    fn first_party(&self, origin: &Origin, text: &[u8], lines: &[Line]) -> bool {
        let site = values(lines, "sec-fetch-site");
        if *origin == Origin::Null {
            return site == [b"same-origin"];
        }
        if !self.own_origins.is_empty() {
            return self.own_origins.iter().any(|own| own == text);
        }
        if !site.is_empty() {
            return site == [b"same-origin".as_slice()] || site == [b"none".as_slice()];
        }
        let Origin::Web { https, port, .. } = origin else { return false };
        let authority = values(lines, ":authority");
        let host = if authority.is_empty() { values(lines, "host") } else { authority };
        let [host] = host[..] else { return false };
        let start = if *https { "https://".len() } else { "http://".len() };
        let own = &text[start..];
        let with_default_port = [own, if *https { b":443" } else { b":80" }].concat();
        host.eq_ignore_ascii_case(own) || (port.is_none() && host.eq_ignore_ascii_case(&with_default_port))
    }

    fn preflight_reason(&self, rule: usize, methods: &[&[u8]], headers: &[&[u8]]) -> &'static str {
        let rule = &self.rules[rule];
        let [method] = methods else { return "malformed-request-method" };
        if !is_token(method) || method.len() > 64 {
            return "malformed-request-method";
        }
        if !rule.allows_method(std::str::from_utf8(method).unwrap()) {
            return "method-not-allowed";
        }
        if headers.is_empty() {
            return "allowed";
        }
        let joined = headers.join(&b", "[..]);
        let written = headers.iter().filter(|line| !is_blank(line)).count();
        if joined.len() > 8192 || written > 8 || (rule.echoes_headers() && joined.len() > 1024) {
            return "request-headers-too-large";
        }
        for (index, element) in joined.split(|byte| *byte == b',').enumerate() {
            let element = trim(element);
            if index >= 256 {
                return "request-headers-too-large";
            }
            if element.is_empty() {
                continue;
            }
            if !is_token(element) {
                return "malformed-request-headers";
            }
            if !rule.allows_header(std::str::from_utf8(element).unwrap()) {
                return "header-not-allowed";
            }
        }
        "allowed"
    }
}
