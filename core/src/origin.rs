//! The grammar of an origin as browsers serialize it (Fetch, "Origin header"; HTML, "serialization of an origin").

use std::fmt::{self, Write};
use std::net::Ipv6Addr;

use crate::limits::{MAX_CUSTOM_BYTES, MAX_HOST_BYTES, MAX_LABEL_BYTES, MAX_SCHEME_BYTES};

/// A well-formed origin, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin<'o> {
    /// `null`, the opaque origin.
    Null,
    /// An http or https origin.
    Web { scheme: WebScheme, host: &'o [u8], port: Option<u16> },
    /// An origin of any other scheme.
    Custom { scheme: &'o [u8] },
}

/// http or https.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WebScheme {
    Http,
    Https,
}

impl WebScheme {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            WebScheme::Http => "http",
            WebScheme::Https => "https",
        }
    }

    pub(crate) const fn default_port(self) -> u16 {
        match self {
            WebScheme::Http => 80,
            WebScheme::Https => 443,
        }
    }
}

impl<'o> Origin<'o> {
    /// Reads a value of `Origin`; none if no browser serializes an origin so.
    #[inline]
    pub(crate) fn parse(value: &'o [u8]) -> Option<Origin<'o>> {
        if let Some((scheme, authority)) = split_web(value) {
            return web(scheme, authority);
        }
        if value == b"null" {
            return Some(Origin::Null);
        }
        let colon = value.iter().take(MAX_SCHEME_BYTES + 1).position(|&byte| byte == b':')?;
        let (scheme, rest) = value.split_at_checked(colon)?;
        let rest = rest.strip_prefix(b"://")?;
        let known = !is_web_scheme(scheme) && !is_refused_scheme(scheme);
        (known && is_scheme(scheme) && is_custom(rest)).then_some(Origin::Custom { scheme })
    }
}

/// Splits off `http://` or `https://`.
#[inline]
pub(crate) fn split_web(origin: &[u8]) -> Option<(WebScheme, &[u8])> {
    match (origin.split_first_chunk(), origin.split_first_chunk()) {
        (Some((b"https://", authority)), _) => Some((WebScheme::Https, authority)),
        (_, Some((b"http://", authority))) => Some((WebScheme::Http, authority)),
        _ => None,
    }
}

fn is_web_scheme(scheme: &[u8]) -> bool {
    matches!(scheme, b"http" | b"https")
}

/// Whether no page has an origin of this scheme. `scheme` is in lower case.
pub(crate) fn is_refused_scheme(scheme: &[u8]) -> bool {
    matches!(scheme, b"file" | b"ws" | b"wss" | b"ftp" | b"blob" | b"data" | b"about")
}

/// Whether this is a scheme in lower case (RFC 3986 section 3.1) within the limit.
pub(crate) fn is_scheme(scheme: &[u8]) -> bool {
    scheme.len() <= MAX_SCHEME_BYTES
        && matches!(scheme.first(), Some(b'a'..=b'z'))
        && scheme.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
}

/// Whether this can stand behind `scheme://` of another scheme than http and https.
pub(crate) fn is_custom(rest: &[u8]) -> bool {
    (1..=MAX_CUSTOM_BYTES).contains(&rest.len())
        && rest.iter().all(|byte| {
            matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
                | b'-' | b'.' | b'_' | b'~' | b'%' | b':' | b'[' | b']')
        })
}

/// Reads `host[:port]` up to its end.
#[inline]
fn web(scheme: WebScheme, authority: &[u8]) -> Option<Origin<'_>> {
    let host_len = match authority {
        [b'[', rest @ ..] => ipv6_len(rest)?,
        _ => name_len(authority)?,
    };
    let (host, rest) = authority.split_at_checked(host_len)?;
    let port = match rest {
        [] => None,
        [b':', digits @ ..] => Some(port(digits).filter(|&port| port != 0 && port != scheme.default_port())?),
        _ => return None,
    };
    Some(Origin::Web { scheme, host, port })
}

/// The length of the host name at the start of `authority`, which ends at a colon or the end; none
/// if it is not a name: labels of 1 to 63 bytes of `a-z 0-9 - _`, and one trailing dot.
#[inline]
fn name_len(authority: &[u8]) -> Option<usize> {
    let len = authority.iter().position(|&byte| !is_name_byte(byte)).unwrap_or(authority.len());
    let (name, behind) = authority.split_at_checked(len)?;
    if !matches!(behind.first(), None | Some(b':')) || has_empty_label(name) {
        return None;
    }
    // Nearly all names are shorter than one label may be.
    let within_limits = len <= MAX_LABEL_BYTES || {
        let name = name.strip_suffix(b".").unwrap_or(name);
        name.len() <= MAX_HOST_BYTES
            && name.split(|&byte| byte == b'.').all(|label| label.len() <= MAX_LABEL_BYTES)
    };
    within_limits.then_some(len)
}

/// Whether a label of a name is empty, but for the one behind a trailing dot.
#[inline]
fn has_empty_label(name: &[u8]) -> bool {
    let Some(&last) = name.last_chunk() else {
        return matches!(name, [] | [b'.', ..]) || name.windows(2).any(|pair| pair == b"..");
    };
    // Eight bytes at once; the last eight overlap with those before. In front of the first stands a dot as
    // it were, so that a name cannot begin with one.
    let mut before = 0x80;
    for &bytes in name.as_chunks().0 {
        let dots = dots(bytes);
        if dots & ((dots << 8) | before) != 0 {
            return true;
        }
        before = dots >> 56;
    }
    let dots = dots(last);
    dots & (dots << 8) != 0
}

/// The highest bit of each of eight bytes of a name that is a dot.
#[inline]
fn dots(bytes: [u8; 8]) -> u64 {
    let zeros = u64::from_le_bytes(bytes) ^ u64::from_le_bytes([b'.'; 8]);
    // This finds a slash behind a dot too, but no name has one.
    zeros.wrapping_sub(u64::from_le_bytes([1; 8])) & !zeros & u64::from_le_bytes([0x80; 8])
}

/// Whether `byte` may stand in a host name: `a-z 0-9 - _ .`
#[inline]
fn is_name_byte(byte: u8) -> bool {
    const NAME_BYTES: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            #[allow(clippy::indexing_slicing, reason = "in a constant, a panic is an error of the compiler")]
            {
                table[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
            }
            byte += 1;
        }
        table
    };
    NAME_BYTES.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Whether `host` is a host name as origins have it.
pub(crate) fn is_name(host: &[u8]) -> bool {
    name_len(host) == Some(host.len())
}

/// A port in its shortest form, 0 to 65535.
pub(crate) fn port(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 5 || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    let mut number: u32 = 0;
    for &digit in digits {
        number = number * 10 + u32::from(digit.checked_sub(b'0').filter(|&digit| digit <= 9)?);
    }
    u16::try_from(number).ok()
}

/// The length of an IPv6 host with its brackets, given what follows the opening one; none unless it
/// is written exactly as the URL Standard serializes it.
fn ipv6_len(rest: &[u8]) -> Option<usize> {
    const LONGEST: usize = 45;
    let len = rest.iter().take(LONGEST + 1).position(|&byte| byte == b']')?;
    let (text, _) = rest.split_at_checked(len)?;
    let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    let mut expected = Expected { rest: text, differs: false };
    write!(expected, "{}", Ipv6Text(address)).ok()?;
    (expected.rest.is_empty() && !expected.differs).then_some(len + 2)
}

/// An IPv6 address as the URL Standard serializes it, without brackets.
struct Ipv6Text(Ipv6Addr);

impl fmt::Display for Ipv6Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The crate `url` writes it in brackets, and never in the mixed form that std uses.
        struct Inner<'a, 'f>(&'a mut fmt::Formatter<'f>);
        impl Write for Inner<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.write_str(text.trim_matches(['[', ']']))
            }
        }
        write!(Inner(f), "{}", url::Host::<&str>::Ipv6(self.0))
    }
}

/// Compares what is written into it with what is expected, without keeping either.
struct Expected<'e> {
    rest: &'e [u8],
    differs: bool,
}

impl Write for Expected<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.rest.strip_prefix(text.as_bytes()) {
            Some(rest) => self.rest = rest,
            None => self.differs = true,
        }
        Ok(())
    }
}
