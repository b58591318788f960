//! The facts of a request, as JavaScript has written them into the memory of the module.

use std::borrow::Cow;
use std::cell::Cell;

use corsac::{Facts, HeaderLine, RequestHeaders};

/// How many facts a call has.
pub(crate) const COUNT: usize = 7;

/// How a fact is told: the bytes of its one line, which lie behind those of the facts before it, or a
/// negative number, of which JavaScript has the same list.
pub(crate) type Told = i32;

/// The request has no such header.
const ABSENT: Told = -1;
/// It has several lines, which are not told since any number of them is wrong.
const SEVERAL: Told = -2;
/// What stands there is neither a string nor an array of strings.
const WRONG: Told = -3;
/// This and everything below: lines of `Access-Control-Request-Headers`, so many bytes less than this, each
/// behind its length in four bytes.
const LINES: Told = -4;

const METHOD: usize = 0;
const ORIGIN: usize = 1;
const HOST: usize = 2;
const FETCH_SITE: usize = 3;
const REQUEST_METHOD: usize = 4;
const REQUEST_HEADERS: usize = 5;
const AUTHORITY: usize = 6;

#[derive(Clone, Copy)]
enum Fact<'a> {
    Absent,
    One(&'a [u8]),
    Several,
    Wrong,
}

/// What a policy asks for.
pub(crate) struct CallFacts<'a> {
    facts: [Fact<'a>; COUNT],
    request_headers: RequestHeaders<'a>,
    failed: Cell<bool>,
}

impl<'a> CallFacts<'a> {
    /// Reads them from `bytes`; what is not there is wrong.
    pub(crate) fn new(told: [Told; COUNT], bytes: &'a [u8]) -> Self {
        let mut facts = [Fact::Absent; COUNT];
        let mut request_headers = RequestHeaders::new();
        let mut rest = bytes;
        for (index, (fact, told)) in facts.iter_mut().zip(told).enumerate() {
            *fact = match told {
                ABSENT => Fact::Absent,
                SEVERAL => Fact::Several,
                WRONG => Fact::Wrong,
                len @ 0.. => take(&mut rest, len.unsigned_abs()).map_or(Fact::Wrong, Fact::One),
                lines => {
                    let len = lines.abs_diff(LINES);
                    let lines = take(&mut rest, len);
                    lines
                        .and_then(|lines| push_lines(&mut request_headers, lines))
                        .map_or(Fact::Wrong, |()| Fact::Several)
                }
            };
            if let (REQUEST_HEADERS, Fact::One(line)) = (index, *fact) {
                request_headers.push(line);
            }
        }
        CallFacts { facts, request_headers, failed: Cell::new(false) }
    }

    /// Whether something that was read is neither a string nor an array of strings: then no
    /// decision that was made of the facts counts.
    pub(crate) fn failed(&self) -> bool {
        self.failed.get()
    }

    #[inline]
    fn line<const INDEX: usize>(&self) -> HeaderLine<'_> {
        match self.facts.get(INDEX) {
            Some(Fact::Absent) => HeaderLine::Absent,
            Some(Fact::One(line)) => HeaderLine::One(line),
            Some(Fact::Several) => HeaderLine::Several,
            Some(Fact::Wrong) | None => {
                self.failed.set(true);
                HeaderLine::Several
            }
        }
    }
}

/// The next bytes, if there are so many.
fn take<'a>(rest: &mut &'a [u8], len: u32) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    *rest = behind;
    Some(taken)
}

fn push_lines<'a>(headers: &mut RequestHeaders<'a>, mut lines: &'a [u8]) -> Option<()> {
    while let Some((len, behind)) = lines.split_first_chunk() {
        lines = behind;
        headers.push(take(&mut lines, u32::from_le_bytes(*len))?);
    }
    lines.is_empty().then_some(())
}

impl Facts for CallFacts<'_> {
    fn method(&self) -> &[u8] {
        match self.line::<METHOD>() {
            HeaderLine::One(method) => method,
            // A request has one method.
            HeaderLine::Absent | HeaderLine::Several => {
                self.failed.set(true);
                &[]
            }
        }
    }

    fn origin(&self) -> HeaderLine<'_> {
        self.line::<ORIGIN>()
    }

    fn request_method(&self) -> HeaderLine<'_> {
        self.line::<REQUEST_METHOD>()
    }

    fn request_headers(&self) -> Cow<'_, RequestHeaders<'_>> {
        if let Some(Fact::Wrong) = self.facts.get(REQUEST_HEADERS) {
            self.failed.set(true);
        }
        Cow::Borrowed(&self.request_headers)
    }

    fn host(&self) -> HeaderLine<'_> {
        // As `Facts::host` wants it.
        match self.line::<AUTHORITY>() {
            HeaderLine::Absent => self.line::<HOST>(),
            authority => authority,
        }
    }

    fn fetch_site(&self) -> HeaderLine<'_> {
        self.line::<FETCH_SITE>()
    }
}
