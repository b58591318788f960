//! Methods: which are safelisted, forbidden, or upper-cased by browsers (Fetch, "methods").

use crate::header::is_token;
use crate::limits::MAX_METHOD_BYTES;

/// Whether a server cannot refuse this method by CORS (Fetch, "CORS-safelisted method").
pub(crate) fn is_safelisted(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}

/// Whether scripts may not use this method at all, in any case of letters (Fetch, "forbidden method").
pub(crate) fn is_forbidden(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"].iter().any(|name| method.eq_ignore_ascii_case(name))
}

/// The method as browsers send it: six of them in upper case, all others as the script wrote them
/// (Fetch, "normalize a method").
pub(crate) fn normalize(method: &str) -> &str {
    ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
        .into_iter()
        .find(|name| method.eq_ignore_ascii_case(name))
        .unwrap_or(method)
}

/// Whether this can be a method: a token (RFC 9110 section 9.1) within the limit.
pub(crate) fn is_valid(method: &[u8]) -> bool {
    method.len() <= MAX_METHOD_BYTES && is_token(method)
}

/// The methods that a rule allows, the safelisted ones among them.
#[derive(Debug, Default, Clone)]
pub(crate) struct MethodSet {
    any: bool,
    /// Those of up to eight bytes, which are nearly all there are, each as a number.
    short: Box<[u64]>,
    /// All others, sorted.
    long: Box<[Box<[u8]>]>,
}

impl MethodSet {
    pub(crate) fn new<'n>(any: bool, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut short = Vec::new();
        let mut long: Vec<Box<[u8]>> = Vec::new();
        for name in ["GET", "HEAD", "POST"].into_iter().chain(names) {
            match number(name.as_bytes()) {
                Some(number) => short.push(number),
                None => long.push(name.as_bytes().into()),
            }
        }
        long.sort_unstable();
        MethodSet { any, short: short.into(), long: long.into() }
    }

    /// Whether `*` is among the names.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Whether the rule names `method`, or it is safelisted. Names are case-sensitive (RFC 9110 section 9.1).
    #[inline]
    pub(crate) fn names(&self, method: &[u8]) -> bool {
        match number(method) {
            Some(number) => self.short.contains(&number),
            None => self.long.binary_search_by(|name| (**name).cmp(method)).is_ok(),
        }
    }
}

/// A name of one to eight bytes, none of them NUL, as a number that no other name has.
#[inline]
fn number(name: &[u8]) -> Option<u64> {
    if !(1..=8).contains(&name.len()) || name.contains(&0) {
        return None;
    }
    Some(name.iter().fold(0, |number, &byte| (number << 8) | u64::from(byte)))
}
