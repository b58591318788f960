//! One HTTP request, as far as CORS sees it.

use std::borrow::Cow;

use crate::limits::{MAX_REQUEST_HEADERS_BYTES, MAX_REQUEST_HEADERS_LINES};

/// What came of a header that should come at most once.
///
/// Presence counts, not content: an empty line is `One(b"")`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderLine<'r> {
    /// No line.
    #[default]
    Absent,
    /// One line, and its value.
    One(&'r [u8]),
    /// More than one line, equal or not.
    Several,
}

impl<'r> HeaderLine<'r> {
    /// What it is after one more line.
    #[must_use]
    pub fn and(self, value: &'r [u8]) -> Self {
        match self {
            HeaderLine::Absent => HeaderLine::One(value),
            HeaderLine::One(_) | HeaderLine::Several => HeaderLine::Several,
        }
    }
}

/// The lines of `Access-Control-Request-Headers`, of which a bounded number is kept.
///
/// Blank lines are counted, not kept: joining the lines by `, ` (RFC 9110 section 5.3) makes an
/// empty element of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestHeaders<'r> {
    lines: [&'r [u8]; MAX_REQUEST_HEADERS_LINES],
    /// For each kept line, the blank ones directly before it.
    blank_before: [u32; MAX_REQUEST_HEADERS_LINES],
    blank: u32,
    kept: usize,
    overflow: bool,
    bytes: usize,
    seen: bool,
}

impl<'r> RequestHeaders<'r> {
    /// No line yet.
    #[must_use]
    pub const fn new() -> Self {
        RequestHeaders {
            lines: [&[]; MAX_REQUEST_HEADERS_LINES],
            blank_before: [0; MAX_REQUEST_HEADERS_LINES],
            blank: 0,
            kept: 0,
            overflow: false,
            bytes: 0,
            seen: false,
        }
    }

    /// The same lines, as kept by somebody else: those that are not blank, each with the number of
    /// blank ones directly before it, then what the methods of the same names tell.
    #[must_use]
    #[inline]
    pub fn from_parts(
        lines_after_blanks: impl IntoIterator<Item = (&'r [u8], u32)>,
        trailing_blanks: u32,
        joined_len: usize,
        overflow: bool,
    ) -> Self {
        let mut headers =
            RequestHeaders { blank: trailing_blanks, bytes: joined_len, overflow, ..Self::new() };
        for ((line, blank_before), (kept, kept_blank)) in
            lines_after_blanks.into_iter().zip(headers.lines.iter_mut().zip(&mut headers.blank_before))
        {
            (*kept, *kept_blank) = (line, blank_before);
            headers.kept += 1;
        }
        headers.seen = headers.kept > 0 || trailing_blanks > 0 || overflow;
        headers
    }

    /// Adds the next line.
    pub fn push(&mut self, value: &'r [u8]) {
        let separator = if self.seen { 2 } else { 0 };
        self.seen = true;
        self.bytes = self.bytes.saturating_add(value.len()).saturating_add(separator);
        if value.len() <= MAX_REQUEST_HEADERS_BYTES && is_blank(value) {
            self.blank = self.blank.saturating_add(1);
        } else if let (Some(line), Some(blank_before)) =
            (self.lines.get_mut(self.kept), self.blank_before.get_mut(self.kept))
        {
            *line = value;
            *blank_before = std::mem::take(&mut self.blank);
            self.kept += 1;
        } else {
            self.overflow = true;
        }
    }

    /// The bytes of all lines joined by `, `.
    #[must_use]
    pub fn joined_len(&self) -> usize {
        self.bytes
    }

    /// Whether there were more lines that are not blank than are kept.
    #[must_use]
    pub fn overflow(&self) -> bool {
        self.overflow
    }

    /// The lines that are not blank, as they came, at most eight.
    #[must_use]
    pub fn lines(&self) -> &[&'r [u8]] {
        self.lines.get(..self.kept).unwrap_or_default()
    }

    /// The kept lines, each with the number of blank ones before it.
    pub fn lines_after_blanks(&self) -> impl Iterator<Item = (&'r [u8], u32)> {
        self.lines.into_iter().zip(self.blank_before).take(self.kept)
    }

    /// The blank lines behind the last one that is kept.
    #[must_use]
    pub fn trailing_blanks(&self) -> u32 {
        self.blank
    }
}

/// Whether a line holds nothing but optional white space (RFC 9110 section 5.6.3).
fn is_blank(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// The facts that a decision is made of, read only when they are needed.
///
/// [`Request`] keeps them for hosts that show header after header; [`http::request::Parts`] has
/// them already. Implement it for a host's own request to evaluate it where it lies.
pub trait Facts {
    /// The method, as it came.
    fn method(&self) -> &[u8];
    /// `Origin`.
    fn origin(&self) -> HeaderLine<'_>;
    /// `Access-Control-Request-Method`.
    fn request_method(&self) -> HeaderLine<'_>;
    /// `Access-Control-Request-Headers`, borrowed if they are kept in this form.
    fn request_headers(&self) -> Cow<'_, RequestHeaders<'_>>;
    /// `:authority` where the request has it (HTTP/2 and later), otherwise `Host`.
    fn host(&self) -> HeaderLine<'_>;
    /// `Sec-Fetch-Site`.
    fn fetch_site(&self) -> HeaderLine<'_>;
}

/// A request shown to corsac header by header.
///
/// Costs no allocation; borrows the method and the values that matter.
///
/// ```
/// let mut request = corsac::Request::new("GET");
/// for (name, value) in [("Host", "api.example.com"), ("Origin", "https://app.example.com")] {
///     request.header(name, value); // show it every header: it keeps what it needs
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Request<'r> {
    method: &'r [u8],
    origin: HeaderLine<'r>,
    request_method: HeaderLine<'r>,
    request_headers: RequestHeaders<'r>,
    host: HeaderLine<'r>,
    authority: HeaderLine<'r>,
    fetch_site: HeaderLine<'r>,
}

/// A request header that is one of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `Origin`
    Origin,
    /// `Access-Control-Request-Method`
    RequestMethod,
    /// `Access-Control-Request-Headers`
    RequestHeaders,
    /// `Host`
    Host,
    /// `:authority`
    Authority,
    /// `Sec-Fetch-Site`
    FetchSite,
}

impl Fact {
    /// The fact that a header of this name holds, in any case of letters; none for all other headers.
    #[must_use]
    #[inline]
    pub fn of_header(name: &[u8]) -> Option<Fact> {
        // By length first: all but a few headers of a request are told apart by one comparison.
        match name.len() {
            4 => Fact::Host.named(b"host", name),
            6 => Fact::Origin.named(b"origin", name),
            10 => Fact::Authority.named(b":authority", name),
            14 => Fact::FetchSite.named(b"sec-fetch-site", name),
            29 => Fact::RequestMethod.named(b"access-control-request-method", name),
            30 => Fact::RequestHeaders.named(b"access-control-request-headers", name),
            _ => None,
        }
    }

    /// As many hosts show names in lower case, that is compared first, at once.
    #[inline(always)]
    fn named<const N: usize>(self, expected: &[u8; N], name: &[u8]) -> Option<Fact> {
        (name == expected || name.eq_ignore_ascii_case(expected)).then_some(self)
    }
}

impl<'r> Request<'r> {
    /// A request with this method and no header yet.
    #[must_use]
    pub fn new(method: &'r (impl AsRef<[u8]> + ?Sized)) -> Self {
        Request { method: method.as_ref(), ..Request::default() }
    }

    /// Shows one header line; names in any case of letters, values as they came.
    pub fn header(&mut self, name: impl AsRef<[u8]>, value: &'r (impl AsRef<[u8]> + ?Sized)) -> &mut Self {
        match Fact::of_header(name.as_ref()) {
            None => self,
            Some(fact) => self.fact(fact, value),
        }
    }

    /// Shows one line of a header that is known to be this fact.
    pub fn fact(&mut self, fact: Fact, value: &'r (impl AsRef<[u8]> + ?Sized)) -> &mut Self {
        let value = value.as_ref();
        match fact {
            Fact::Origin => self.origin = self.origin.and(value),
            Fact::RequestMethod => self.request_method = self.request_method.and(value),
            Fact::RequestHeaders => self.request_headers.push(value),
            Fact::Host => self.host = self.host.and(value),
            Fact::Authority => self.authority = self.authority.and(value),
            Fact::FetchSite => self.fetch_site = self.fetch_site.and(value),
        }
        self
    }
}

impl Facts for Request<'_> {
    fn method(&self) -> &[u8] {
        self.method
    }
    fn origin(&self) -> HeaderLine<'_> {
        self.origin
    }
    fn request_method(&self) -> HeaderLine<'_> {
        self.request_method
    }
    fn request_headers(&self) -> Cow<'_, RequestHeaders<'_>> {
        Cow::Borrowed(&self.request_headers)
    }
    fn host(&self) -> HeaderLine<'_> {
        match self.authority {
            HeaderLine::Absent => self.host,
            authority => authority,
        }
    }
    fn fetch_site(&self) -> HeaderLine<'_> {
        self.fetch_site
    }
}
