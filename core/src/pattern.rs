//! Origin patterns: what may stand in `allow_origins`, how it is made canonical, and how it is repaired.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use crate::limits::{MAX_CUSTOM_BYTES, MAX_HOST_BYTES, MAX_LABEL_BYTES, MAX_SCHEME_BYTES};
use crate::origin::{self, Origin, WebScheme};
use crate::problem::Quoted;

/// A valid pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern<'p> {
    /// The canonical text.
    pub(crate) text: Cow<'p, str>,
    pub(crate) shape: Shape,
}

/// What a pattern matches. Hosts are read back from the canonical text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `*`
    Any,
    /// One origin, byte for byte. `insecure`: http, and not of this machine itself.
    Exact { insecure: bool },
    /// An http or https pattern with a wildcard in host or port.
    Web { scheme: WebScheme, host: HostShape, port: PortShape, insecure: bool },
    /// Every origin of one other scheme.
    Scheme,
}

/// Which hosts a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HostShape {
    /// The host itself.
    Itself,
    /// Every host with one or more labels in front of it.
    Subdomains,
}

/// Which ports a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PortShape {
    /// No port but the scheme's default.
    Default,
    /// This port.
    One(u16),
    /// Any port, or none.
    Any,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
}

impl Invalid {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Invalid { code, message: message.into(), suggestion: None }
    }

    /// Adds what was probably meant. It is offered only if it turns out to be a pattern.
    fn instead(mut self, candidate: impl Into<String>) -> Self {
        self.suggestion = Some(candidate.into());
        self
    }
}

impl<'p> Pattern<'p> {
    /// Reads a pattern and makes it canonical.
    pub(crate) fn parse(text: &'p str) -> Result<Pattern<'p>, Invalid> {
        Pattern::read(text).map_err(|mut invalid| {
            let candidate = invalid.suggestion.take();
            let repaired = candidate.as_deref().and_then(|candidate| Pattern::read(candidate).ok());
            if let Some(pattern) = repaired {
                let repaired = pattern.text.into_owned();
                invalid.message.push_str(", write ");
                invalid.message.push_str(&Quoted(&repaired).to_string());
                invalid.suggestion = Some(repaired);
            }
            invalid
        })
    }

    /// The same, with a suggestion that is not looked at yet.
    fn read(text: &'p str) -> Result<Pattern<'p>, Invalid> {
        match text {
            "*" => return Ok(Pattern { text: text.into(), shape: Shape::Any }),
            "null" => {
                return Err(Invalid::new(
                    "null-origin",
                    "\"null\" would allow every sandboxed frame, local file and data: document of the \
                     world, remove it and serve the page from an origin of its own",
                ));
            }
            _ => {}
        }
        // Nearly all patterns are origins as browsers write them, and take this path.
        if let Some(insecure) = canonical_origin(text) {
            return Ok(Pattern { text: text.into(), shape: Shape::Exact { insecure } });
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(without_scheme(text));
        };
        let lower = scheme.to_ascii_lowercase();
        match lower.as_str() {
            "https" => web(WebScheme::Https, text, rest),
            "http" => web(WebScheme::Http, text, rest),
            _ => custom(text, &lower, rest),
        }
    }
}

/// Whether `text` is an exact origin in canonical form already, without doubt, and if so whether it
/// is insecure. What it leaves to the slow path is right too, only slower.
fn canonical_origin(text: &str) -> Option<bool> {
    match Origin::parse(text.as_bytes())? {
        Origin::Null => None,
        Origin::Custom { .. } => Some(false),
        Origin::Web { scheme, host, .. } => {
            let host = std::str::from_utf8(host).ok()?;
            let needs_url_parser = may_be_ipv4(host) || has_punycode(host);
            (!needs_url_parser).then(|| scheme == WebScheme::Http && !is_local(host))
        }
    }
}

/// Whether the URL Standard might read this host as an IPv4 address ("ends in a number").
fn may_be_ipv4(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit('.').next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()))
}

fn has_punycode(host: &str) -> bool {
    host.split('.').any(|label| label.starts_with("xn--"))
}

/// Whether this host is the machine itself, so that plain http does not cross a network (Secure
/// Contexts, "potentially trustworthy origin").
fn is_local(host: &str) -> bool {
    let loopback = host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    let localhost = host == "localhost" || host.ends_with(".localhost");
    loopback || localhost || host == "[::1]"
}

fn without_scheme(text: &str) -> Invalid {
    let bare = text.trim_start_matches('/');
    let host = bare.split(['/', '?', '#', ':']).next().unwrap_or(bare);
    let plain = is_local(host) || bare.starts_with("[::1]") || host.parse::<std::net::Ipv4Addr>().is_ok();
    let scheme = if plain { "http" } else { "https" };
    let invalid = Invalid::new("origin-without-scheme", format!("{} has no scheme", Quoted(text)));
    if bare.is_empty() { invalid } else { invalid.instead(format!("{scheme}://{bare}")) }
}

/// Reads what stands behind `scheme://` for any scheme but http and https.
fn custom<'p>(text: &'p str, scheme: &str, rest: &str) -> Result<Pattern<'p>, Invalid> {
    if !origin::is_scheme(scheme.as_bytes()) {
        return Err(Invalid::new(
            "invalid-origin-scheme",
            format!(
                "{} does not start with a scheme: a letter, then letters, digits, \"+\", \"-\" or \".\", at \
                 most {MAX_SCHEME_BYTES} in all",
                Quoted(text)
            ),
        )
        .instead(text.trim()));
    }
    if origin::is_refused_scheme(scheme.as_bytes()) {
        let invalid = Invalid::new(
            "origin-scheme-not-allowed",
            format!("{} can never match, no page has an origin of the scheme {scheme}", Quoted(text)),
        );
        return Err(match scheme {
            "wss" => invalid.instead(format!("https://{rest}")),
            "ws" => invalid.instead(format!("http://{rest}")),
            _ => invalid,
        });
    }
    let canonical = format!("{scheme}://{rest}");
    let canonical = if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) };
    if rest == "*" {
        return Ok(Pattern { text: canonical, shape: Shape::Scheme });
    }
    if origin::is_custom(rest.as_bytes()) {
        return Ok(Pattern { text: canonical, shape: Shape::Exact { insecure: false } });
    }
    if let Some(bare) = rest.strip_suffix('/').filter(|bare| origin::is_custom(bare.as_bytes())) {
        return Err(trailing_slash(text).instead(format!("{scheme}://{bare}")));
    }
    Err(if rest.contains('*') {
        Invalid::new(
            "invalid-origin-wildcard",
            format!(
                "{} has a wildcard that the scheme {scheme} does not know, name the origin or write \"{scheme}://*\" for every one of them",
                Quoted(text)
            ),
        )
    } else {
        Invalid::new(
            "invalid-custom-origin",
            format!(
                "{} is no origin: behind \"{scheme}://\" stand 1 to {MAX_CUSTOM_BYTES} bytes of A-Z a-z 0-9 - . _ ~ % : [ ]",
                Quoted(text)
            ),
        )
    })
}

fn trailing_slash(text: &str) -> Invalid {
    Invalid::new(
        "origin-with-trailing-slash",
        format!("{} ends with a slash, which no origin has", Quoted(text)),
    )
}

/// Reads what stands behind `http://` or `https://`.
fn web<'p>(scheme: WebScheme, text: &'p str, rest: &str) -> Result<Pattern<'p>, Invalid> {
    let (authority, tail) = match rest.find(['/', '?', '#', '\\']).and_then(|end| rest.split_at_checked(end))
    {
        Some((authority, tail)) => (authority, tail),
        None => (rest, ""),
    };
    let bare = |authority: &str| format!("{}://{authority}", scheme.name());
    if let Some((_, host)) = authority.rsplit_once('@') {
        let message = format!("{} has a user name, which no origin has", Quoted(text));
        return Err(Invalid::new("origin-with-user-info", message).instead(bare(host)));
    }
    if !tail.is_empty() {
        let (code, what) = match tail.as_bytes() {
            [b'/'] => return Err(trailing_slash(text).instead(bare(authority))),
            [b'?', ..] => ("origin-with-query", "a query"),
            [b'#', ..] => ("origin-with-fragment", "a fragment"),
            _ => ("origin-with-path", "a path"),
        };
        let message = format!("{} has {what}, which no origin has", Quoted(text));
        return Err(Invalid::new(code, message).instead(bare(authority)));
    }
    let (host, digits) = split_port(authority);
    let port = match digits {
        None => Some(PortShape::Default),
        Some("*") => Some(PortShape::Any),
        Some(digits) => match origin::port(digits.as_bytes()) {
            Some(port) if port == scheme.default_port() => Some(PortShape::Default),
            Some(port) if port != 0 => Some(PortShape::One(port)),
            _ => None,
        },
    };
    let suffix = match (port, digits) {
        (Some(PortShape::One(port)), _) => format!(":{port}"),
        (Some(PortShape::Any), _) => ":*".to_owned(),
        (Some(PortShape::Default), _) | (None, None) => String::new(),
        (None, Some(digits)) => format!(":{digits}"),
    };
    let repaired = |host: &str| format!("{}://{host}{suffix}", scheme.name());
    if host.is_empty() && authority.parse::<Ipv6Addr>().is_err() {
        return Err(Invalid::new("origin-without-host", format!("{} has no host", Quoted(text))));
    }
    let (shape, base) = match host.strip_prefix("*.") {
        Some(base) if !base.contains('*') => (HostShape::Subdomains, base),
        _ => (HostShape::Itself, host),
    };
    let in_place = |host: &str| match shape {
        HostShape::Itself => repaired(host),
        HostShape::Subdomains => repaired(&format!("*.{host}")),
    };
    check_labels(text, base, &in_place)?;
    let base = if base.contains('*') { Ok(base.to_owned()) } else { canonical_host(text, base, &in_place) };
    // Of several mistakes the host's is told, then the port's, then what only a person can mend.
    let base = match base {
        Err(invalid) if invalid.code != "ip-address-not-canonical" && port.is_some() => return Err(invalid),
        base => base,
    };
    let Some(port) = port else {
        return Err(invalid_port(scheme, text, authority, host, digits.unwrap_or_default()));
    };
    if host.contains('*') && is_address_with_wildcard(host) {
        return Err(Invalid::new(
            "wildcard-in-ip-address",
            format!("{} has a wildcard in an IP address, name each address", Quoted(text)),
        ));
    }
    let base = base?;
    if base.contains('*') {
        let invalid = Invalid::new(
            "invalid-origin-wildcard",
            format!(
                "{} has a wildcard where none can be; it stands for whole labels in front, as in \
                 \"https://*.example.com\", or for the port",
                Quoted(text)
            ),
        );
        return Err(match base.strip_prefix('*') {
            Some(rest) if !rest.is_empty() && !rest.contains('*') => {
                invalid.instead(repaired(&format!("*.{}", rest.trim_start_matches(['-', '.']))))
            }
            _ => invalid,
        });
    }
    let insecure = scheme == WebScheme::Http && !is_local(&base);
    let canonical = in_place(&base);
    let shape = if shape == HostShape::Itself && port != PortShape::Any {
        Shape::Exact { insecure }
    } else {
        Shape::Web { scheme, host: shape, port, insecure }
    };
    let text = if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) };
    Ok(Pattern { text, shape })
}

/// Splits at the colon in front of the port: the first one behind the brackets of an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let search_from = match authority.rfind(']') {
        Some(bracket) => bracket,
        None if authority.starts_with('[') => return (authority, None),
        None => 0,
    };
    let colon = authority.bytes().skip(search_from).position(|byte| byte == b':').map(|at| at + search_from);
    match colon.and_then(|at| authority.split_at_checked(at)) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => (authority, None),
    }
}

fn invalid_port(scheme: WebScheme, text: &str, authority: &str, host: &str, digits: &str) -> Invalid {
    if let Ok(address) = authority.parse::<Ipv6Addr>() {
        let message = format!("{} has an IPv6 address without brackets", Quoted(text));
        return Invalid::new("invalid-origin-host", message)
            .instead(format!("{}://[{address}]", scheme.name()));
    }
    let message = format!("{} has no valid port: 1 to 65535 without leading zeros, or \"*\"", Quoted(text));
    let invalid = Invalid::new("invalid-origin-port", message);
    let shortest = digits.trim_start_matches('0');
    if digits.is_empty() {
        invalid.instead(format!("{}://{host}", scheme.name()))
    } else if shortest.len() < digits.len() && !shortest.is_empty() {
        invalid.instead(format!("{}://{host}:{shortest}", scheme.name()))
    } else {
        invalid
    }
}

/// Whether a host with a `*` in it would be an IP address without: all labels but those with the
/// `*` are numbers, or it stands in brackets.
fn is_address_with_wildcard(host: &str) -> bool {
    let number = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    host.starts_with('[')
        || (host.split('.').any(number) && host.split('.').all(|label| label.contains('*') || number(label)))
}

/// The host as browsers write it (URL Standard, "host parsing" and "host serializing").
fn canonical_host(text: &str, host: &str, repaired: &dyn Fn(&str) -> String) -> Result<String, Invalid> {
    check_labels(text, host, repaired)?;
    let invalid = || {
        let message = format!(
            "{} has no valid host: labels of letters, digits, \"-\" and \"_\", or an IP address",
            Quoted(text)
        );
        Invalid::new("invalid-origin-host", message)
    };
    // The URL parser would decode percent signs and drop tabs; in a policy they are a mistake.
    if host.contains(['%', '\t', '\n', '\r']) {
        return Err(invalid());
    }
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) => {
            // What maps to dots, such as the ideographic full stop, made labels only now.
            check_labels(text, &name, repaired)?;
            if origin::is_name(name.as_bytes()) { Ok(name) } else { Err(invalid().instead(text.trim())) }
        }
        Ok(address) => {
            let address = address.to_string();
            if address == host {
                return Ok(address);
            }
            let message =
                format!("{} is another spelling of an IP address, which browsers never send", Quoted(text));
            Err(Invalid::new("ip-address-not-canonical", message).instead(repaired(&address)))
        }
        Err(_) => Err(invalid().instead(text.trim())),
    }
}

/// Labels and host within the limits of DNS; a trailing dot is kept.
fn check_labels(text: &str, host: &str, repaired: &dyn Fn(&str) -> String) -> Result<(), Invalid> {
    if host.starts_with('[') {
        return Ok(());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.split('.').any(str::is_empty) {
        let labels: Vec<&str> = name.split('.').filter(|label| !label.is_empty()).collect();
        let message = format!("{} has an empty label in its host", Quoted(text));
        let invalid = Invalid::new("origin-with-empty-label", message);
        return Err(if labels.is_empty() { invalid } else { invalid.instead(repaired(&labels.join("."))) });
    }
    // Lengths count in the form that DNS sees; other letters are measured once they are punycode.
    if host.is_ascii() {
        if name.split('.').any(|label| label.len() > MAX_LABEL_BYTES) {
            let message =
                format!("{} has a label of more than {MAX_LABEL_BYTES} bytes in its host", Quoted(text));
            return Err(Invalid::new("origin-label-too-long", message));
        }
        if name.len() > MAX_HOST_BYTES {
            let message = format!("{} has a host of more than {MAX_HOST_BYTES} bytes", Quoted(text));
            return Err(Invalid::new("origin-host-too-long", message));
        }
    }
    Ok(())
}
