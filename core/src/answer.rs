//! Ready answers: the header edits of every kind of decision, made when the policy is built.
//!
//! A decision names its answer by an [`AnswerId`], so that a host can keep what it makes of an
//! answer, such as tuples or arrays of its own language, and build nothing on the request path.

use std::borrow::Cow;
use std::fmt;

use http::HeaderValue;
use http::header::{self, HeaderName};

use crate::decision::Action;
use crate::limits::MAX_EDITS;
use crate::method;
use crate::request::{Facts, HeaderLine, RequestHeaders};

/// How one header of the response changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// Replace all lines of this name by one with the value.
    Set = 1,
    /// Add a line.
    Add = 2,
    /// Merge the value, a header name, into `Vary`, unless it is there already or `Vary` has `*`.
    Vary = 3,
    /// Remove all lines of this name; the value is empty.
    Remove = 4,
}

impl Op {
    /// The name, the same in every language: `set`, `add`, `vary`, `remove`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Op::Set => "set",
            Op::Add => "add",
            Op::Vary => "vary",
            Op::Remove => "remove",
        }
    }

    /// The stable number, as in `corsac.h`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A response header that corsac edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseHeader {
    /// `Vary`
    Vary,
    /// `Access-Control-Allow-Origin`
    AllowOrigin,
    /// `Access-Control-Allow-Credentials`
    AllowCredentials,
    /// `Access-Control-Allow-Methods`
    AllowMethods,
    /// `Access-Control-Allow-Headers`
    AllowHeaders,
    /// `Access-Control-Max-Age`
    MaxAge,
    /// `Access-Control-Expose-Headers`
    ExposeHeaders,
    /// `Timing-Allow-Origin`
    TimingAllowOrigin,
    /// `Access-Control-Allow-Private-Network`: never set, only removed. Browsers gave it up for a prompt.
    AllowPrivateNetwork,
}

impl ResponseHeader {
    /// The seven names that only a CORS policy should set, in the order of their removal.
    pub const FOREIGN: [ResponseHeader; 7] = [
        ResponseHeader::AllowOrigin,
        ResponseHeader::AllowCredentials,
        ResponseHeader::AllowMethods,
        ResponseHeader::AllowHeaders,
        ResponseHeader::MaxAge,
        ResponseHeader::ExposeHeaders,
        ResponseHeader::AllowPrivateNetwork,
    ];

    /// The name as corsac spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ResponseHeader::Vary => "Vary",
            ResponseHeader::AllowOrigin => "Access-Control-Allow-Origin",
            ResponseHeader::AllowCredentials => "Access-Control-Allow-Credentials",
            ResponseHeader::AllowMethods => "Access-Control-Allow-Methods",
            ResponseHeader::AllowHeaders => "Access-Control-Allow-Headers",
            ResponseHeader::MaxAge => "Access-Control-Max-Age",
            ResponseHeader::ExposeHeaders => "Access-Control-Expose-Headers",
            ResponseHeader::TimingAllowOrigin => "Timing-Allow-Origin",
            ResponseHeader::AllowPrivateNetwork => "Access-Control-Allow-Private-Network",
        }
    }

    /// The name for a [`http::HeaderMap`].
    #[must_use]
    pub const fn header_name(self) -> HeaderName {
        match self {
            ResponseHeader::Vary => header::VARY,
            ResponseHeader::AllowOrigin => header::ACCESS_CONTROL_ALLOW_ORIGIN,
            ResponseHeader::AllowCredentials => header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            ResponseHeader::AllowMethods => header::ACCESS_CONTROL_ALLOW_METHODS,
            ResponseHeader::AllowHeaders => header::ACCESS_CONTROL_ALLOW_HEADERS,
            ResponseHeader::MaxAge => header::ACCESS_CONTROL_MAX_AGE,
            ResponseHeader::ExposeHeaders => header::ACCESS_CONTROL_EXPOSE_HEADERS,
            ResponseHeader::TimingAllowOrigin => HeaderName::from_static("timing-allow-origin"),
            ResponseHeader::AllowPrivateNetwork => {
                HeaderName::from_static("access-control-allow-private-network")
            }
        }
    }
}

/// Where the value of an edit comes from.
#[derive(Clone, Debug)]
pub enum Value {
    /// The policy.
    Text(HeaderValue),
    /// The request's `Origin`.
    Origin,
    /// The request's `Access-Control-Request-Method`; no edit at all if that is safelisted.
    RequestMethod,
    /// The lines of `Access-Control-Request-Headers` that are not blank: an edit each, the first
    /// with the operation `set`, further ones with `add`.
    RequestHeaders,
}

/// One edit of an answer, before a request fills it in.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What to do.
    pub op: Op,
    /// To which header.
    pub header: ResponseHeader,
    /// With which value.
    pub value: Value,
}

/// One header edit of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderEdit<'a> {
    /// What to do.
    pub op: Op,
    /// To which header.
    pub header: ResponseHeader,
    /// The value: bytes of a header value, empty for [`Op::Remove`].
    pub value: &'a [u8],
    /// The value if it is the policy's own: free to clone.
    pub(crate) text: Option<&'a HeaderValue>,
}

impl HeaderEdit<'_> {
    /// The name of the header.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.header.name()
    }
}

/// The number of an answer of a policy, below [`crate::Policy::answers`]`.len()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnswerId(pub(crate) u16);

impl AnswerId {
    /// The index into [`crate::Policy::answers`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One ready answer of a policy.
#[derive(Clone, Debug)]
pub struct Answer {
    action: Action,
    status: u16,
    edits: Box<[Edit]>,
    /// How many of the edits are no removals; those come last.
    kept: usize,
    echoes: bool,
    keeps_foreign: bool,
}

impl Answer {
    /// An answer that lets the application respond, without the CORS headers that it sets but the answer does
    /// not; unless those are kept and the answer grants nothing itself.
    pub(crate) fn forward(mut edits: Vec<Edit>, keep_foreign: bool) -> Self {
        let kept = edits.len();
        let grants = edits.iter().any(|edit| edit.header == ResponseHeader::AllowOrigin);
        let keeps_foreign = keep_foreign && !grants;
        if !keeps_foreign {
            for header in ResponseHeader::FOREIGN {
                if !edits.iter().any(|edit| edit.header == header) {
                    let value = Value::Text(HeaderValue::from_static(""));
                    edits.push(Edit { op: Op::Remove, header, value });
                }
            }
        }
        Answer { action: Action::Forward, status: 0, edits: edits.into(), kept, echoes: false, keeps_foreign }
    }

    /// An answer that is the response.
    pub(crate) fn respond(status: u16, edits: Vec<Edit>) -> Self {
        let echoes =
            edits.iter().any(|edit| matches!(edit.value, Value::RequestMethod | Value::RequestHeaders));
        let kept = edits.len();
        Answer { action: Action::Respond, status, edits: edits.into(), kept, echoes, keeps_foreign: false }
    }

    /// Whether the application responds, or the host with this answer.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The status of the response, 0 where the application decides it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The edits before a request fills them in, removals last.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// How many of [`Answer::edits`] come before the removals.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.kept
    }

    /// Whether parts of the request besides `Origin` are sent back, so that one edit may become several or none.
    #[must_use]
    pub const fn echoes(&self) -> bool {
        self.echoes
    }

    /// Whether CORS headers of the application stay as they are, about which the decision then says nothing.
    #[must_use]
    pub const fn keeps_foreign(&self) -> bool {
        self.keeps_foreign
    }

    /// The edits, filled in from `request`, which must be the one that was decided.
    #[inline]
    pub fn fill<'a>(&'a self, request: &'a dyn Facts) -> HeaderEdits<'a> {
        HeaderEdits { edits: self.edits.iter(), request, lines: None, next_line: 0 }
    }
}

/// The header edits of a decision, in the order in which they apply. At most [`MAX_EDITS`].
#[derive(Clone)]
pub struct HeaderEdits<'a> {
    edits: std::slice::Iter<'a, Edit>,
    request: &'a dyn Facts,
    /// The lines of `Access-Control-Request-Headers`, once they are sent back.
    lines: Option<Cow<'a, RequestHeaders<'a>>>,
    /// The index of the next one.
    next_line: usize,
}

const _: () = assert!(MAX_EDITS == 3 + 1 + 1 + 2 + crate::limits::MAX_REQUEST_HEADERS_LINES + 1);

impl<'a> Iterator for HeaderEdits<'a> {
    type Item = HeaderEdit<'a>;

    #[inline]
    fn next(&mut self) -> Option<HeaderEdit<'a>> {
        loop {
            if let Some(lines) = &self.lines {
                if let Some(&value) = lines.lines().get(self.next_line) {
                    let op = if self.next_line == 0 { Op::Set } else { Op::Add };
                    self.next_line += 1;
                    return Some(HeaderEdit { op, header: ResponseHeader::AllowHeaders, value, text: None });
                }
                self.lines = None;
            }
            let edit = self.edits.next()?;
            let (value, text): (&[u8], _) = match &edit.value {
                Value::Text(text) => (text.as_bytes(), Some(text)),
                Value::Origin => (one(self.request.origin()), None),
                Value::RequestMethod => {
                    let method = one(self.request.request_method());
                    if method::is_safelisted(method) {
                        continue;
                    }
                    (method, None)
                }
                Value::RequestHeaders => {
                    self.lines = Some(self.request.request_headers());
                    continue;
                }
            };
            return Some(HeaderEdit { op: edit.op, header: edit.header, value, text });
        }
    }
}

impl fmt::Debug for HeaderEdits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The value of a line that an answer only names where exactly one came.
fn one(line: HeaderLine<'_>) -> &[u8] {
    match line {
        HeaderLine::One(value) => value,
        HeaderLine::Absent | HeaderLine::Several => b"",
    }
}
