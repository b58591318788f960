//! What a pattern of `allow_origins` allows.

use super::origin::{Origin, default_port, split_port};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    Null,
    Web { https: bool, host: Host, port: Port },
    Other { scheme: String, rest: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Any,
    Exact(String),
    /// `*.` and this.
    Under(String),
    /// In the leftmost label, text before and after the `*`; then the rest of the host without its dot.
    InLabel(String, String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    Any,
    /// None: the default port.
    One(Option<u16>),
}

/// Hosts in Unicode that generated policies use, with the domain-to-ASCII of the URL Standard.
pub const UNICODE_HOSTS: [(&str, &str); 3] = [
    ("bücher.example", "xn--bcher-kva.example"),
    ("пример.example", "xn--e1afmkfd.example"),
    ("faß.example", "xn--fa-hia.example"),
];

/// The canonical text of a pattern: lower case where case has no meaning, no default port, no Unicode.
pub fn canonical(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return format!("{scheme}://{rest}");
    }
    let mut rest = rest.to_lowercase();
    for (unicode, ascii) in UNICODE_HOSTS {
        rest = rest.replace(unicode, ascii);
    }
    let default = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", rest.strip_suffix(default).unwrap_or(&rest))
}

impl Pattern {
    /// Reads a valid pattern other than `*`.
    pub fn read(text: &str) -> Pattern {
        let text = canonical(text);
        if text == "null" {
            return Pattern::Null;
        }
        let (scheme, rest) = text.split_once("://").unwrap();
        if scheme != "http" && scheme != "https" {
            let rest = (rest != "*").then(|| rest.to_owned());
            return Pattern::Other { scheme: scheme.to_owned(), rest };
        }
        let (host, port) = split_port(rest).unwrap();
        let port = match port {
            None => Port::One(None),
            Some("*") => Port::Any,
            Some(number) => Port::One(Some(number.parse().unwrap())),
        };
        Pattern::Web { https: scheme == "https", host: Host::read(host), port }
    }

    pub fn matches(&self, origin: &Origin) -> bool {
        match (self, origin) {
            (Pattern::Null, Origin::Null) => true,
            (
                Pattern::Web { https, host, port },
                Origin::Web { https: of_https, host: of_host, port: of_port },
            ) => https == of_https && port.matches(*of_port) && host.matches(of_host),
            (Pattern::Other { scheme, rest: None }, Origin::Other { scheme: of_scheme, .. }) => {
                scheme == of_scheme
            }
            (
                Pattern::Other { scheme, rest: Some(rest) },
                Origin::Other { scheme: of_scheme, rest: of_rest },
            ) => scheme == of_scheme && rest == of_rest,
            _ => false,
        }
    }
}

impl Port {
    /// A serialized origin never has the default port, so none and none is the same port.
    fn matches(self, port: Option<u16>) -> bool {
        match self {
            Port::Any => true,
            Port::One(one) => one == port,
        }
    }

    /// The port in an origin of this scheme, as text.
    pub fn suffix(https: bool, port: Option<u16>) -> String {
        match port {
            Some(port) if port != default_port(https) => format!(":{port}"),
            _ => String::new(),
        }
    }
}

impl Host {
    fn read(host: &str) -> Host {
        if host == "*" {
            return Host::Any;
        }
        if let Some(base) = host.strip_prefix("*.") {
            return Host::Under(base.to_owned());
        }
        match host.split_once('*') {
            None => Host::Exact(host.to_owned()),
            Some((before, behind)) => {
                let (after, base) = behind.split_once('.').unwrap();
                Host::InLabel(before.to_owned(), after.to_owned(), base.to_owned())
            }
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Host::Any => true,
            Host::Exact(exact) => exact == host,
            // One or more labels and a dot in front: every label of an origin has at least a byte.
            Host::Under(base) => {
                host.strip_suffix(base.as_str()).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
            }
            Host::InLabel(before, after, base) => {
                let Some((label, rest)) = host.split_once('.') else { return false };
                if rest != base {
                    return false;
                }
                let Some(middle) = label.strip_prefix(before.as_str()) else { return false };
                let Some(middle) = middle.strip_suffix(after.as_str()) else { return false };
                let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                !middle.is_empty() && middle.bytes().all(known)
            }
        }
    }
}
