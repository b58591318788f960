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

/// The methods that a rule allows beyond the safelisted ones.
#[derive(Debug, Default, Clone)]
pub(crate) struct MethodSet {
    any: bool,
    names: Box<[Box<[u8]>]>,
}

impl MethodSet {
    pub(crate) fn new<'n>(any: bool, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<Box<[u8]>> = names.into_iter().map(|name| name.as_bytes().into()).collect();
        names.sort_unstable();
        MethodSet { any, names: names.into() }
    }

    /// Whether `*` is among the names.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Whether the rule allows `method`, byte for byte. Names are case-sensitive (RFC 9110 section 9.1).
    pub(crate) fn allows(&self, method: &[u8]) -> bool {
        self.any || is_safelisted(method) || self.names.binary_search_by(|name| (**name).cmp(method)).is_ok()
    }
}
