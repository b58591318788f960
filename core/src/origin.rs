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
    #[inline(always)]
    pub(crate) fn parse(value: &'o [u8]) -> Option<Origin<'o>> {
        if let Some((scheme, authority)) = split_web(value) {
            return web(scheme, authority);
        }
        other(value)
    }
}

/// Reads an origin that is neither http nor https.
#[inline(never)]
fn other(value: &[u8]) -> Option<Origin<'_>> {
    if value == b"null" {
        return Some(Origin::Null);
    }
    let colon = value.iter().take(MAX_SCHEME_BYTES + 1).position(|&byte| byte == b':')?;
    let (scheme, rest) = value.split_at_checked(colon)?;
    let rest = rest.strip_prefix(b"://")?;
    let known = !is_web_scheme(scheme) && !is_refused_scheme(scheme);
    (known && is_scheme(scheme) && is_custom(rest)).then_some(Origin::Custom { scheme })
}

/// Splits off `http://` or `https://`.
#[inline(always)]
pub(crate) fn split_web(origin: &[u8]) -> Option<(WebScheme, &[u8])> {
    // As numbers, or the compiler compares byte by byte.
    let number = u64::from_le_bytes;
    let (&start, authority) = origin.split_first_chunk()?;
    if number(start) == number(*b"https://") {
        return Some((WebScheme::Https, authority));
    }
    let [first @ .., _] = start;
    let http = first == *b"http://";
    http.then(|| Some((WebScheme::Http, origin.split_at_checked(first.len())?.1))).flatten()
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
#[inline(always)]
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
#[inline(always)]
fn name_len(authority: &[u8]) -> Option<usize> {
    let len = valid_len(authority);
    let (name, behind) = authority.split_at_checked(len)?;
    if name.is_empty() || !matches!(behind.first(), None | Some(b':')) {
        return None;
    }
    // Nearly all names are shorter than one label may be.
    (len <= MAX_LABEL_BYTES || is_within_limits(name)).then_some(len)
}

#[inline(never)]
fn is_within_limits(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.len() <= MAX_HOST_BYTES
        && name.split(|&byte| byte == b'.').all(|label| label.len() <= MAX_LABEL_BYTES)
}

/// How many bytes at the start may stand in a name: `a-z 0-9 - _`, and dots that stand behind another byte.
///
/// A refused origin is read to its end, and refusing should cost next to nothing, so eight bytes are looked
/// at at once. The last eight overlap with those before, or stand behind NUL bytes, which no name has.
#[inline(always)]
fn valid_len(bytes: &[u8]) -> usize {
    // Most hosts have 8 to 15 bytes and no port: two words that overlap, both valid.
    if let (Some(&first), Some(&last)) = (bytes.first_chunk(), bytes.last_chunk())
        && bytes.len() < 16
    {
        let [first, last] = [first, last].map(|word| Word(u64::from_le_bytes(word)));
        if first.invalid(Word::START) | last.invalid(0) == 0 {
            return bytes.len();
        }
    }
    valid_len_by_words(bytes)
}

/// The same for every length.
#[inline(never)]
fn valid_len_by_words(bytes: &[u8]) -> usize {
    let mut len = 0;
    let mut after_dot = Word::START;
    let (words, rest) = bytes.as_chunks();
    for &word in words {
        let word = Word(u64::from_le_bytes(word));
        let valid = word.valid(after_dot);
        if valid < 8 {
            return len + valid;
        }
        len += 8;
        after_dot = word.ends_with_dot();
    }
    match bytes.last_chunk() {
        _ if rest.is_empty() => len,
        // Its first byte was looked at already, behind the byte before.
        Some(&last) => bytes.len() - 8 + Word(u64::from_le_bytes(last)).valid(0),
        None => Word(rest.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte))).valid(after_dot),
    }
}

/// Eight bytes, the first in the lowest place. Sets of them are masks of the highest bit of each.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);
    /// What stands before the first byte: no label can end there.
    const START: u64 = 0x80;

    /// How many bytes at the start are valid, if `after_dot` says whether a dot stands before the first.
    #[inline]
    const fn valid(self, after_dot: u64) -> usize {
        self.invalid(after_dot).trailing_zeros() as usize / 8
    }

    /// The bytes that are not valid.
    #[inline]
    const fn invalid(self, after_dot: u64) -> u64 {
        let low = self.0 & !Word::HIGHEST;
        let dots = !other_than(low, b'.') & Word::HIGHEST;
        // `- . / 0-9` and `_ \` a-z` are neighbours, so that two ranges less a byte each are all of them.
        let names = (range(low, b'-', b'9') & other_than(low, b'/'))
            | (range(low, b'_', b'z') & other_than(low, b'`'));
        (!names | self.0 | (dots & ((dots << 8) | after_dot))) & Word::HIGHEST
    }

    /// What [`Word::valid`] of the next word has to know.
    #[inline]
    const fn ends_with_dot(self) -> u64 {
        if self.0 >> 56 == b'.' as u64 { Word::START } else { 0 }
    }
}

/// The bytes from `first` to `last`; all of `low` are below 0x80, and so are the bounds. Only the highest bit
/// of each byte of the result counts.
#[inline]
const fn range(low: u64, first: u8, last: u8) -> u64 {
    // No sum carries over into the next byte: a byte has at most 0x7f, and what is added at most 0x80.
    let from_first = low + u64::from_ne_bytes([0x80 - first; 8]);
    let above_last = low + u64::from_ne_bytes([0x7f - last; 8]);
    from_first & !above_last
}

/// The bytes other than `byte`, in the same way.
#[inline]
const fn other_than(low: u64, byte: u8) -> u64 {
    (low ^ u64::from_ne_bytes([byte; 8])) + u64::from_ne_bytes([0x7f; 8])
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
#[inline(never)]
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

#[cfg(test)]
mod tests {
    use super::{name_len, valid_len, valid_len_by_words};

    /// The same as [`valid_len`], byte by byte.
    fn valid_len_of(bytes: &[u8]) -> usize {
        let mut before = b'.';
        let valid = bytes.iter().take_while(|&&byte| {
            let valid =
                matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') || (byte == b'.' && before != b'.');
            before = byte;
            valid
        });
        valid.count()
    }

    #[test]
    fn eight_bytes_at_once_are_eight_bytes() {
        let valid = b"ab-c.d_0.efgh.ijklmnopq.rs-tu.vwx.yz9";
        for len in 0..=valid.len() {
            assert_eq!(valid_len(&valid[..len]), len);
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut bytes = valid[..len].to_vec();
                    bytes[at] = byte;
                    assert_eq!(valid_len(&bytes), valid_len_of(&bytes), "{bytes:?}");
                    assert_eq!(valid_len_by_words(&bytes), valid_len_of(&bytes), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn a_name_has_labels_of_63_bytes_and_253_in_all() {
        let label = "a".repeat(63);
        let mut longest = [label.as_str(); 4].join(".");
        longest.truncate(253);
        for (name, is_one) in [
            (label.clone(), true),
            (label.clone() + "a", false),
            (longest.clone(), true),
            (longest.clone() + ".", true),
            (longest + "a", false),
            (label.clone() + "." + &label + "a", false),
            (String::new(), false),
            (".".to_owned(), false),
            ("a..b".to_owned(), false),
            ("a.".to_owned(), true),
            ("a..".to_owned(), false),
        ] {
            assert_eq!(name_len(name.as_bytes()).is_some(), is_one, "{name}");
            assert_eq!(name_len((name.clone() + ":1").as_bytes()), is_one.then_some(name.len()), "{name}");
        }
    }
}
