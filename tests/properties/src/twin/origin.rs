//! What a serialized origin is.

use std::net::Ipv6Addr;

/// A well-formed value of `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Null,
    /// http or https; the port as written, none if none was.
    Web {
        https: bool,
        host: String,
        port: Option<u16>,
    },
    /// Another scheme, and everything behind `://`.
    Other {
        scheme: String,
        rest: String,
    },
}

/// Schemes that no page's origin has.
pub const REFUSED_SCHEMES: [&str; 7] = ["file", "ws", "wss", "ftp", "blob", "data", "about"];

impl Origin {
    /// None where the value is malformed.
    pub fn parse(bytes: &[u8]) -> Option<Origin> {
        if bytes == b"null" {
            return Some(Origin::Null);
        }
        if !bytes.is_ascii() {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (scheme, rest) = text.split_once("://")?;
        if scheme == "http" || scheme == "https" {
            let https = scheme == "https";
            let (host, port) = split_port(rest)?;
            let port = match port {
                None => None,
                Some(digits) => Some(port_number(digits)?),
            };
            if port == Some(default_port(https)) || !is_host(host) {
                return None;
            }
            return Some(Origin::Web { https, host: host.to_owned(), port });
        }
        let well_formed = is_scheme(scheme) && !REFUSED_SCHEMES.contains(&scheme) && is_rest(rest);
        well_formed.then(|| Origin::Other { scheme: scheme.to_owned(), rest: rest.to_owned() })
    }
}

pub fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// Host and, behind its colon, port of an authority; brackets belong to the host.
pub fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (host, behind) = authority.split_at(end);
        return match behind.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if behind.is_empty() => Some((host, None)),
            None => None,
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn port_number(digits: &str) -> Option<u16> {
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u16 = digits.parse().ok()?;
    (only_digits && number != 0 && !digits.starts_with('0')).then_some(number)
}

fn is_host(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[') {
        let Some(inside) = inside.strip_suffix(']') else { return false };
        let Ok(address) = inside.parse::<Ipv6Addr>() else { return false };
        return serialize_ipv6(address.segments()) == inside;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(known)
}

/// RFC 3986 section 3.1, in lower case.
fn is_scheme(scheme: &str) -> bool {
    let first_is_letter = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    first_is_letter && scheme.len() <= 64 && scheme.bytes().all(known)
}

fn is_rest(rest: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(&byte);
    (1..=253).contains(&rest.len()) && rest.bytes().all(known)
}

/// URL Standard, "IPv6 serializer".
fn serialize_ipv6(pieces: [u16; 8]) -> String {
    let mut longest: Option<(usize, usize)> = None;
    for start in 0..8 {
        let zeros = pieces[start..].iter().take_while(|piece| **piece == 0).count();
        if zeros > 1 && longest.is_none_or(|(_, most)| zeros > most) {
            longest = Some((start, zeros));
        }
    }
    let hex = |pieces: &[u16]| pieces.iter().map(|piece| format!("{piece:x}")).collect::<Vec<_>>().join(":");
    match longest {
        Some((start, zeros)) => format!("{}::{}", hex(&pieces[..start]), hex(&pieces[start + zeros..])),
        None => hex(&pieces),
    }
}
