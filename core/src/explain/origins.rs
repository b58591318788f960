//! How two origins that should be the same differ: what people mistype, and what servers send in place of an origin.

use url::{Host, Url};

use super::hints::Hints;

/// How a value differs from the origin that it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) code: &'static str,
    /// Completes "..., which".
    pub(super) what: String,
}

impl Difference {
    fn new(code: &'static str, what: impl Into<String>) -> Self {
        Self { code, what: what.into() }
    }
}

/// How `value`, an origin or something meant as one, differs from the origin `wanted`; none if they have nothing in
/// common, or are the same.
pub(super) fn difference(value: &str, wanted: &str) -> Option<Difference> {
    if value == wanted {
        return None;
    }
    compare(value, wanted).or_else(|| compare(&as_utf8(value)?, wanted))
}

/// The text whose UTF-8 a header value holds with one character for each byte, if it holds more than ASCII.
fn as_utf8(value: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> =
        value.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    String::from_utf8(bytes?).ok().filter(|_| !value.is_ascii())
}

fn compare(value: &str, wanted: &str) -> Option<Difference> {
    let target = Url::parse(wanted).ok()?;
    let host = target.host()?.to_owned();
    if !value.contains("://") {
        let authority = value.trim_end_matches('/').to_ascii_lowercase();
        let bare = wanted.split_once("://").map_or("", |(_, rest)| rest);
        return (authority == bare || authority == host.to_string())
            .then(|| Difference::new("origin-without-scheme", "lacks the scheme"));
    }
    let given = Url::parse(value).ok()?;
    let given_host = given.host()?.to_owned();
    let same_scheme = given.scheme() == target.scheme();
    let same_port = given.port_or_known_default() == target.port_or_known_default();
    let same_host = given_host == host;
    if same_scheme && same_host && same_port {
        return Some(not_canonical(value, &given));
    }
    if same_host && (same_port || (given.port().is_none() && target.port().is_none())) {
        let what = format!("has the scheme {} and not {}", given.scheme(), target.scheme());
        return Some(Difference::new("origin-differs-in-scheme", what));
    }
    let port = |url: &Url| url.port().map_or_else(|| "no port".to_owned(), |port| format!("port {port}"));
    if same_host && same_scheme {
        let what = format!("has {} and not {}", port(&given), port(&target));
        return Some(Difference::new("origin-differs-in-port", what));
    }
    if same_host {
        let is_of = |url: &Url| format!("the scheme {} and {}", url.scheme(), port(url));
        let what = format!("has {} and not {}", is_of(&given), is_of(&target));
        return Some(Difference::new("origin-differs-in-scheme", what));
    }
    let (a, b) = (given_host.to_string(), host.to_string());
    if is_loopback(&given_host) && is_loopback(&host) {
        let what = format!("names this machine {a} and not {b}");
        return Some(Difference::new("origin-differs-in-loopback-name", what));
    }
    if !same_scheme || !same_port {
        return None;
    }
    if a.trim_end_matches('.') == b.trim_end_matches('.') {
        return Some(Difference::new(
            "origin-differs-in-trailing-dot",
            "differs by the dot at the end of the host",
        ));
    }
    if a.strip_prefix("www.") == Some(&b) || b.strip_prefix("www.") == Some(&a) {
        return Some(Difference::new("origin-differs-in-www", "differs by the label www"));
    }
    let below = |sub: &str, apex: &str| sub.strip_suffix(apex).is_some_and(|rest| rest.ends_with('.'));
    if below(&b, &a) {
        return Some(Difference::new(
            "origin-is-subdomain",
            format!("is {a} itself and does not cover {b} below it"),
        ));
    }
    if below(&a, &b) {
        return Some(Difference::new("origin-is-apex", format!("is below {b} and does not cover it")));
    }
    None
}

/// A page whose origin is `null`.
pub(super) fn null_page(hints: &mut Hints) {
    hints.cause(
        "null-origin",
        "The page's origin is `null`: it was opened from a file, or stands in a sandboxed frame or a data: URL.",
        "Serve the page over http, such as from http://localhost, and allow that origin; never allow `null`, which any page can have.",
    );
}

/// Same origin, other bytes.
fn not_canonical(value: &str, url: &Url) -> Difference {
    let rest = value.split_once("://").map_or("", |(_, rest)| rest);
    if let Some(at) = rest.find(['/', '?', '#']) {
        let (_, extra) = rest.split_at(at);
        return if extra == "/" {
            Difference::new("origin-with-trailing-slash", "ends with a slash")
        } else {
            Difference::new("origin-with-path", format!("goes on with {extra:?} after the host"))
        };
    }
    if rest.contains('@') {
        return Difference::new("origin-with-user-info", "holds a user name");
    }
    if !rest.is_ascii() {
        return Difference::new("origin-in-unicode", "is written in Unicode, where browsers send punycode");
    }
    if rest.bytes().any(|byte| byte.is_ascii_uppercase())
        || value.bytes().take(8).any(|b| b.is_ascii_uppercase())
    {
        return Difference::new(
            "origin-in-upper-case",
            "holds upper-case letters, where browsers send lower-case ones",
        );
    }
    if url.port().is_none() && rest.contains(':') && !rest.ends_with(']') {
        return Difference::new(
            "origin-with-default-port",
            "names the default port, which browsers leave out",
        );
    }
    Difference::new("origin-not-canonical", "is another spelling of it")
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The address space of a host, as far as it can be told without asking a name server: `loopback` or `local`
/// (Local Network Access, "IP address space").
pub(super) fn address_space(host: &Host<String>) -> Option<&'static str> {
    match host {
        host if is_loopback(host) => Some("loopback"),
        Host::Domain(name) => (name.ends_with(".local")).then_some("local"),
        Host::Ipv4(address) => {
            let [a, b, ..] = address.octets();
            let local = address.is_private()
                || address.is_link_local()
                || a == 0
                || (a == 100 && (64..128).contains(&b));
            if address.is_unspecified() || (a == 198 && (18..20).contains(&b)) {
                Some("loopback")
            } else {
                local.then_some("local")
            }
        }
        Host::Ipv6(address) => match address.to_ipv4_mapped() {
            Some(address) => address_space(&Host::Ipv4(address)),
            None if address.is_unspecified() => Some("loopback"),
            None => {
                let [first, ..] = address.segments();
                let local =
                    (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80 || (first & 0xffc0) == 0xfec0;
                local.then_some("local")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_named() {
        for (value, wanted, code) in [
            ("https://app.example.com/", "https://app.example.com", "origin-with-trailing-slash"),
            ("https://app.example.com/api", "https://app.example.com", "origin-with-path"),
            ("https://APP.example.com", "https://app.example.com", "origin-in-upper-case"),
            ("HTTPS://app.example.com", "https://app.example.com", "origin-in-upper-case"),
            ("https://app.example.com:443", "https://app.example.com", "origin-with-default-port"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example", "origin-in-unicode"),
            ("https://b\u{c3}\u{bc}cher.example", "https://xn--bcher-kva.example", "origin-in-unicode"),
            ("http://app.example.com:8080", "https://app.example.com", "origin-differs-in-scheme"),
            ("app.example.com", "https://app.example.com", "origin-without-scheme"),
            ("app.example.com:8443", "https://app.example.com:8443", "origin-without-scheme"),
            ("http://app.example.com", "https://app.example.com", "origin-differs-in-scheme"),
            ("https://app.example.com", "https://app.example.com:8443", "origin-differs-in-port"),
            ("http://localhost:3000", "http://127.0.0.1:3000", "origin-differs-in-loopback-name"),
            ("http://[::1]:3000", "http://localhost:3000", "origin-differs-in-loopback-name"),
            ("https://example.com", "https://www.example.com", "origin-differs-in-www"),
            ("https://www.example.com", "https://example.com", "origin-differs-in-www"),
            ("https://example.com", "https://app.example.com", "origin-is-subdomain"),
            ("https://app.example.com", "https://example.com", "origin-is-apex"),
            ("https://example.com.", "https://example.com", "origin-differs-in-trailing-dot"),
        ] {
            assert_eq!(difference(value, wanted).map(|found| found.code), Some(code), "{value} {wanted}");
        }
    }

    #[test]
    fn unrelated_origins_are_no_near_miss() {
        for (value, wanted) in [
            ("https://example.com", "https://example.com"),
            ("https://example.org", "https://example.com"),
            ("https://badexample.com", "https://example.com"),
            ("*", "https://example.com"),
            ("https://example.com", "chrome-extension://abc"),
        ] {
            assert_eq!(difference(value, wanted), None, "{value} {wanted}");
        }
    }
}
