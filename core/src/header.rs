//! Header names: tokens, the names CORS speaks of, and the set of request headers a rule allows.

use crate::bytes::same;
use crate::limits::{MAX_HEADER_NAME_BYTES, MAX_REQUEST_HEADERS_ELEMENTS};
use crate::reason::Reason;
use crate::request::RequestHeaders;

/// Whether `bytes` is a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*'
        | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// Whether scripts cannot set this request header, so that allowing it does nothing (Fetch,
/// "forbidden request-header"). `name` is in lower case.
pub(crate) fn is_forbidden_request_header(name: &str) -> bool {
    const FORBIDDEN: [&str; 21] = [
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    FORBIDDEN.contains(&name) || name.starts_with("proxy-") || name.starts_with("sec-")
}

/// Whether this is one of the six response headers of CORS, which belong in no list of request headers.
pub(crate) fn is_cors_response_header(name: &str) -> bool {
    [
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-expose-headers",
        "access-control-max-age",
    ]
    .contains(&name)
}

/// Whether browsers never show this response header to scripts (Fetch, "forbidden response-header
/// name"), or it is a request header that only looks like one of CORS's response headers.
pub(crate) fn is_unexposable(name: &str) -> bool {
    ["set-cookie", "set-cookie2", "origin", "access-control-request-method", "access-control-request-headers"]
        .contains(&name)
}

/// Whether browsers show this response header to scripts without being told (Fetch, "CORS-safelisted
/// response-header name").
pub(crate) fn is_safelisted_response_header(name: &str) -> bool {
    [
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    ]
    .contains(&name)
}

/// The request headers that a rule allows.
#[derive(Debug, Default, Clone)]
pub(crate) struct HeaderSet {
    any: bool,
    /// In lower case, sorted.
    names: Box<[Box<[u8]>]>,
}

impl HeaderSet {
    /// `names` are in lower case.
    pub(crate) fn new<'n>(any: bool, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<Box<[u8]>> = names.into_iter().map(|name| name.as_bytes().into()).collect();
        names.sort_unstable();
        HeaderSet { any, names: names.into() }
    }

    /// Whether `*` is among the names.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Checks the elements of `Access-Control-Request-Headers` from left to right and tells why the
    /// first bad one is refused.
    ///
    /// Browsers send the names sorted and in lower case (Fetch, "CORS-unsafe request-header names"),
    /// so the sorted list is walked along with them; what comes in another order or case is searched.
    pub(crate) fn check(&self, requested: &RequestHeaders<'_>) -> Result<(), Reason> {
        let mut budget = MAX_REQUEST_HEADERS_ELEMENTS;
        let mut ahead = self.names.iter();
        for (line, blank_before) in requested.lines_after_blanks() {
            budget = spend(budget, blank_before)?;
            let mut rest = line;
            loop {
                budget = spend(budget, 1)?;
                if let Some(behind) = ahead.by_ref().find_map(|name| after_element(rest, name)) {
                    match behind {
                        [] => break,
                        [_comma, next @ ..] => rest = next,
                    }
                    continue;
                }
                // Not in order (from here on `ahead` is empty), or not so written: read it as it is.
                let (element, behind) = match rest.iter().position(|&byte| byte == b',') {
                    Some(comma) => rest.split_at_checked(comma).unwrap_or((rest, &[])),
                    None => (rest, [].as_slice()),
                };
                self.check_element(trim_ows(element))?;
                match behind {
                    [] => break,
                    [_comma, next @ ..] => rest = next,
                }
            }
        }
        spend(budget, requested.trailing_blanks()).map(|_| ())
    }

    fn check_element(&self, name: &[u8]) -> Result<(), Reason> {
        if name.is_empty() || (!self.any && self.contains(name)) {
            Ok(())
        } else if !is_token(name) {
            Err(Reason::MalformedRequestHeaders)
        } else if self.any {
            Ok(())
        } else {
            Err(Reason::HeaderNotAllowed)
        }
    }

    /// Whether the set names `name`, in any case of letters.
    fn contains(&self, name: &[u8]) -> bool {
        let mut buffer = [0; MAX_HEADER_NAME_BYTES];
        let Some(lower) = buffer.get_mut(..name.len()) else { return false };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.names.binary_search_by(|known| (**known).cmp(lower)).is_ok()
    }
}

/// What follows `name` in `rest`, if that starts with exactly this element.
#[inline]
fn after_element<'l>(rest: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (element, behind) = rest.split_at_checked(name.len())?;
    (matches!(behind.first(), None | Some(b',')) && same(element, name)).then_some(behind)
}

/// Takes `count` elements from the budget.
fn spend(budget: usize, count: u32) -> Result<usize, Reason> {
    budget.checked_sub(count as usize).ok_or(Reason::RequestHeadersTooLarge)
}

/// Strips optional white space (RFC 9110 section 5.6.3) from both ends.
pub(crate) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
