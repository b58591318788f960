//! Any bytes as the value of `Origin`.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use corsac::{Policy, Reason, Request};

use super::claims;

/// Policies with every kind of pattern; none is constant.
static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    [
        r#"{"allow_origins":["https://app.example.com","http://localhost:8080","https://192.0.2.7","http://[::1]:90","https://a.example.com."],"allow_credentials":true}"#,
        r#"{"allow_origins":["https://*.example.com","https://*.a.example.com:8443","http://*.localhost:*"],"own_origins":["https://own.example"]}"#,
        r#"{"allow_origins":["https://pr-*.preview.example.com","https://deploy-*--site.example.app","https://*-x.example.com:*"],"refused_requests":"forbid","foreign_headers":"keep"}"#,
        r#"{"allow_origins":["https://*"],"timing_allow_origin":true}"#,
        r#"{"allow_origins":["http://*:*","null"],"dangerously_allow":["null-origin"],"timing_allow_origin":"*"}"#,
        r#"{"allow_origins":["chrome-extension://abcdef","moz-extension://*","capacitor://localhost"],"allow_credentials":true}"#,
        r#"{"rules":[{"allow_origins":["https://app.example.com"],"allow_credentials":true,"name":"app"},{"allow_origins":"*"}]}"#,
    ]
    .map(|document| Policy::from_json(document).expect("the policies are valid"))
    .into()
});

/// An origin that is allowed is well-formed, and what is malformed is told so by every policy.
pub fn run(data: &[u8]) {
    let well_formed = is_well_formed(data);
    for policy in POLICIES.iter() {
        for (method, requested) in [("GET", None), ("OPTIONS", Some("PUT"))] {
            let mut request = Request::new(method);
            request.header("origin", data);
            if let Some(requested) = requested {
                request.header("access-control-request-method", requested);
            }
            claims::is_a_decision(policy, &request);
            let reason = policy.decide(&request).reason();
            assert_eq!(reason == Reason::MalformedOrigin, !well_formed, "{reason}: {}", data.escape_ascii());
        }
    }
    if well_formed {
        matches_itself(data);
    }
}

/// A policy that names the origin allows it and no other one.
fn matches_itself(origin: &[u8]) {
    let mut builder = Policy::builder();
    builder.allow_origin(origin).dangerously_allow("null-origin");
    // Some hosts are well-formed but no browser would send them: `127.1`, or broken punycode.
    let Ok(policy) = builder.build() else { return };
    assert!(policy.allows_origin(Some(origin), false));
    for other in
        [&b"https://app.example.com"[..], b"https://x.example.com", b"http://localhost:8080", b"null"]
    {
        assert_eq!(policy.allows_origin(Some(other), false), other == origin);
    }
}

/// The grammar of an origin, written plainly.
fn is_well_formed(origin: &[u8]) -> bool {
    if origin == b"null" {
        return true;
    }
    let Ok(text) = std::str::from_utf8(origin) else { return false };
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let default_port = match scheme {
        "https" => "443",
        "http" => "80",
        "file" | "ws" | "wss" | "ftp" | "blob" | "data" | "about" => return false,
        _ => {
            let first = scheme.starts_with(|c: char| c.is_ascii_lowercase());
            let others =
                scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
            let valid_rest = rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%:[]".contains(c));
            return first && others && scheme.len() <= 64 && valid_rest && (1..=253).contains(&rest.len());
        }
    };
    let (host, port) = match rest.rfind(']') {
        Some(bracket) => rest.split_at(bracket + 1),
        None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
    };
    let valid_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| {
            digits != default_port
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0')
                && digits.parse::<u16>().is_ok()
        });
    let valid_host = if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok());
        address.is_some_and(|address| url::Host::<&str>::Ipv6(address).to_string() == host)
    } else {
        let labels = host.strip_suffix('.').unwrap_or(host);
        labels.len() <= 253
            && labels.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
            })
    };
    valid_port && valid_host
}
