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
    /// `null`
    Null,
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
    /// Every host with one label in front of it that begins and ends as the pattern says.
    InLabel,
    /// Every host.
    Any,
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
                invalid.suggestion = Some(pattern.text.into_owned());
            }
            invalid
        })
    }

    /// The same, with a suggestion that is not looked at yet.
    fn read(text: &'p str) -> Result<Pattern<'p>, Invalid> {
        match text {
            "*" => return Ok(Pattern { text: text.into(), shape: Shape::Any }),
            "null" => return Ok(Pattern { text: text.into(), shape: Shape::Null }),
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
    // A bare word may be anything.
    let is_host = plain || bare.contains(['.', ':', '[']);
    if is_host { invalid.instead(format!("{scheme}://{bare}")) } else { invalid }
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

/// Every host of a scheme.
fn any_host(
    scheme: WebScheme,
    text: &str,
    canonical: String,
    port: PortShape,
) -> Result<Pattern<'_>, Invalid> {
    if let PortShape::One(_) = port {
        let message =
            format!("{} has a wildcard for every host, which goes with no port or every port", Quoted(text));
        return Err(Invalid::new("invalid-origin-wildcard", message));
    }
    let text = if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) };
    let insecure = scheme == WebScheme::Http;
    Ok(Pattern { text, shape: Shape::Web { scheme, host: HostShape::Any, port, insecure } })
}

/// Whether a label has one wildcard, set off by `-` from the text beside it.
fn is_in_label(label: &str) -> bool {
    let Some((before, behind)) = label.split_once('*') else { return false };
    let text =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (!before.is_empty() || !behind.is_empty())
        && (before.is_empty() || before.ends_with('-'))
        && (behind.is_empty() || behind.starts_with('-'))
        && !before.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
        && text(before)
        && text(behind)
}

/// A host with a `*` where none can be.
fn invalid_wildcard(text: &str, host: &str, repaired: &dyn Fn(&str) -> String) -> Invalid {
    let invalid = Invalid::new(
        "invalid-origin-wildcard",
        format!(
            "{} has a wildcard where none can be: it stands for whole labels in front (\"https://*.example.com\"), \
             for a part of the first one set off by \"-\" (\"https://app-*.example.com\"), or for the port",
            Quoted(text)
        ),
    );
    match host.split_once('*') {
        Some(("", rest)) => invalid.instead(repaired(&format!("*.{}", rest.trim_start_matches(['-', '.'])))),
        Some((before, rest)) => {
            let dash = |missing: bool| if missing { "-" } else { "" };
            let behind = dash(!rest.starts_with(['-', '.']));
            invalid.instead(repaired(&format!("{before}{}*{behind}{rest}", dash(!before.ends_with('-')))))
        }
        None => invalid,
    }
}

fn wildcard_in_address(text: &str) -> Invalid {
    let message = format!("{} has a wildcard in an IP address, name each address", Quoted(text));
    Invalid::new("wildcard-in-ip-address", message)
}

fn label_too_long(text: &str) -> Invalid {
    let message = format!("{} has a label of more than {MAX_LABEL_BYTES} bytes in its host", Quoted(text));
    Invalid::new("origin-label-too-long", message)
}

fn host_too_long(text: &str) -> Invalid {
    let message = format!(
        "{} has a host of more than {MAX_HOST_BYTES} bytes, of which a wildcard takes one at least",
        Quoted(text)
    );
    Invalid::new("origin-host-too-long", message)
}

/// The host of a canonical http or https pattern that is looked up: without scheme, port, and the labels
/// that the wildcard is for.
pub(crate) fn pattern_host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = match rest.split_once('.') {
        Some((first, base)) if first.contains('*') => base,
        _ => rest,
    };
    let end = match rest.find(']') {
        Some(bracket) => bracket + 1,
        None => rest.find(':').unwrap_or(rest.len()),
    };
    rest.get(..end).unwrap_or(rest)
}

/// What stands before and behind the wildcard in the first label of a canonical pattern.
pub(crate) fn label_parts(text: &str) -> (&str, &str) {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let label = rest.split_once('.').map_or(rest, |(label, _)| label);
    label.split_once('*').unwrap_or((label, ""))
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
    if let Ok(address) = authority.parse::<Ipv6Addr>() {
        let message = format!("{} has an IPv6 address without brackets", Quoted(text));
        let candidate = format!("{}://[{address}]", scheme.name());
        return Err(Invalid::new("invalid-origin-host", message).instead(candidate));
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
    if host.is_empty() {
        return Err(Invalid::new("origin-without-host", format!("{} has no host", Quoted(text))));
    }
    if host == "*" && port.is_some() {
        return any_host(scheme, text, repaired("*"), port.unwrap_or(PortShape::Default));
    }
    // What the wildcard stands for, the text in front of the host that is looked up, and that host.
    let (shape, front, base) = match host.split_once('.') {
        Some(("*", base)) if !base.contains('*') => (HostShape::Subdomains, "*.".to_owned(), base),
        Some((label, base)) if !base.contains('*') && is_in_label(label) => {
            (HostShape::InLabel, format!("{}.", label.to_ascii_lowercase()), base)
        }
        _ => (HostShape::Itself, String::new(), host),
    };
    let in_place = |host: &str| repaired(&format!("{front}{host}"));
    check_labels(text, base, &in_place)?;
    // The wildcard stands for one byte at least.
    if front.len() - front.matches('.').count() > MAX_LABEL_BYTES {
        return Err(label_too_long(text));
    }
    let base = if base.contains('*') {
        Ok(base.to_owned())
    } else {
        canonical_host(text, base, &in_place).and_then(|base| {
            // The same for the host as a whole: beyond that no host could match.
            let name = base.strip_suffix('.').unwrap_or(&base);
            if front.len() + name.len() > MAX_HOST_BYTES { Err(host_too_long(text)) } else { Ok(base) }
        })
    };
    // Of several mistakes the host's is told, then the port's, then what only a person can mend.
    let base = match base {
        Err(invalid) if invalid.code != "ip-address-not-canonical" && port.is_some() => return Err(invalid),
        base => base,
    };
    let Some(port) = port else {
        return Err(invalid_port(scheme, text, host, digits.unwrap_or_default()));
    };
    if host.contains('*') && is_address_with_wildcard(host) {
        return Err(wildcard_in_address(text));
    }
    let base = match base {
        Err(invalid) if invalid.code == "ip-address-not-canonical" && shape != HostShape::Itself => {
            return Err(wildcard_in_address(text));
        }
        base => base?,
    };
    if base.contains('*') {
        return Err(invalid_wildcard(text, &base, &repaired));
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

fn invalid_port(scheme: WebScheme, text: &str, host: &str, digits: &str) -> Invalid {
    let message = format!("{} has no valid port: 1 to 65535 without leading zeros, or \"*\"", Quoted(text));
    let invalid = Invalid::new("invalid-origin-port", message);
    let shortest = digits.trim_start_matches('0');
    if digits.is_empty() {
        invalid.instead(format!("{}://{host}", scheme.name()))
    } else {
        invalid.instead(format!("{}://{host}:{shortest}", scheme.name()))
    }
}

/// Whether a host with a `*` in it would be an IP address without: all labels but those with the
/// `*` are numbers, or it stands in brackets.
fn is_address_with_wildcard(host: &str) -> bool {
    let number = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    host.contains('[')
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
            return Err(label_too_long(text));
        }
        if name.len() > MAX_HOST_BYTES {
            return Err(host_too_long(text));
        }
    }
    Ok(())
}
