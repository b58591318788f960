//! The facts of a request, read from JavaScript values when the policy asks for them.
//!
//! Values are read once, one byte per code unit, into memory of the call, so that a usual request
//! allocates nothing.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::mem::MaybeUninit;
use std::ptr;

use corsac::limits::{MAX_CUSTOM_BYTES, MAX_METHOD_BYTES, MAX_REQUEST_HEADERS_BYTES, MAX_SCHEME_BYTES};
use corsac::{Facts, HeaderLine, Policy, RequestHeaders};
use napi::sys;

/// Code units that are read onto the stack. Whatever is longer is, `Access-Control-Request-Headers`
/// aside, longer than anything that the policy of a document could allow, and a log line shows less of it.
/// The rules of a bucket allow origins of any length, and tell what method was asked for.
const SHORT: usize = 512;
const _: () = assert!(SHORT > MAX_SCHEME_BYTES + "://".len() + MAX_CUSTOM_BYTES && SHORT > MAX_METHOD_BYTES);

/// Stands for a code unit above U+00FF, which no byte of a header can be. It is no byte of an
/// origin, a token or a host, so it matches nothing; the low byte of the unit might: `.co\u016d`
/// would end in `.com`. It also ends what is too long and was cut, whose length is too large anyway.
const UNREADABLE: u8 = 0xFF;

/// More bytes than a log line shows.
const SHOWN: usize = 129;

/// The memory of one call: what its facts borrow.
pub(crate) struct Buffers {
    short: [MaybeUninit<u8>; SHORT * CallFacts::ARGUMENTS],
    /// The lines of `Access-Control-Request-Headers` if there are several, or one that is long.
    long: OnceCell<Vec<Vec<u8>>>,
    /// `Origin` and `Access-Control-Request-Method`, if they are long and the policy wants all of them.
    whole: [OnceCell<Vec<u8>>; 2],
}

impl Buffers {
    pub(crate) const fn new() -> Self {
        Buffers {
            short: [const { MaybeUninit::uninit() }; SHORT * CallFacts::ARGUMENTS],
            long: OnceCell::new(),
            whole: [const { OnceCell::new() }; 2],
        }
    }
}

/// The arguments of a call as facts: strings or arrays of strings (the lines of a header, in
/// order), `undefined` where the request has no such header.
pub(crate) struct CallFacts<'b> {
    env: sys::napi_env,
    arguments: [sys::napi_value; CallFacts::ARGUMENTS],
    /// How many of them the caller gave.
    count: usize,
    /// What is left of the memory for short values.
    free: Cell<&'b mut [MaybeUninit<u8>]>,
    long: &'b OnceCell<Vec<Vec<u8>>>,
    whole: &'b [OnceCell<Vec<u8>>; 2],
    /// Whether the policy wants all of a long `Origin` and `Access-Control-Request-Method`.
    wants_whole: bool,
    lines: [OnceCell<HeaderLine<'b>>; CallFacts::ARGUMENTS],
    request_headers: OnceCell<RequestHeaders<'b>>,
    failed: Cell<bool>,
}

/// The arguments of a call: `count` of them are the caller's, the others `undefined`.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<const N: usize> {
    pub(crate) values: [sys::napi_value; N],
    pub(crate) count: usize,
}

/// What a JavaScript value that is no string can be for a fact.
enum Argument {
    Absent,
    /// An array of this length.
    Lines(u32),
    /// Something else, or an exception is pending.
    Wrong,
}

const METHOD: usize = 0;
const ORIGIN: usize = 1;
const HOST: usize = 2;
const FETCH_SITE: usize = 3;
const REQUEST_METHOD: usize = 4;
const REQUEST_HEADERS: usize = 5;
const AUTHORITY: usize = 6;

impl<'b> CallFacts<'b> {
    /// Method, `Origin`, `Host`, `Sec-Fetch-Site`, `Access-Control-Request-Method`,
    /// `Access-Control-Request-Headers` and `:authority`, in this order: what fewer requests have comes
    /// later, since arguments that are left out cost less than those that are `undefined`.
    pub(crate) const ARGUMENTS: usize = 7;

    /// # Safety
    /// `env` and `arguments` belong to the call that is being answered, and outlive the facts.
    pub(crate) unsafe fn new(
        env: sys::napi_env,
        arguments: Arguments<{ CallFacts::ARGUMENTS }>,
        buffers: &'b mut Buffers,
        policy: &Policy,
    ) -> Self {
        CallFacts {
            env,
            arguments: arguments.values,
            count: arguments.count,
            free: Cell::new(&mut buffers.short),
            long: &buffers.long,
            whole: &buffers.whole,
            wants_whole: policy.s3_options().is_some(),
            lines: [const { OnceCell::new() }; CallFacts::ARGUMENTS],
            request_headers: OnceCell::new(),
            failed: Cell::new(false),
        }
    }

    /// Whether something that was read is neither a string nor an array of strings: then no
    /// decision that was made of the facts counts.
    pub(crate) fn failed(&self) -> bool {
        self.failed.get()
    }

    #[inline]
    fn line<const INDEX: usize>(&self) -> HeaderLine<'b> {
        if INDEX >= self.count {
            return HeaderLine::Absent;
        }
        let (Some(cell), Some(&value)) = (self.lines.get(INDEX), self.arguments.get(INDEX)) else {
            return HeaderLine::Several;
        };
        if let Some(&line) = cell.get() {
            return line;
        }
        // Most are strings, and reading one tells whether it is one.
        let line = match self.text::<INDEX>(value) {
            Some(text) => HeaderLine::One(text),
            None => self.line_of::<INDEX>(value),
        };
        *cell.get_or_init(|| line)
    }

    /// The line in a value that is no string.
    #[cold]
    fn line_of<const INDEX: usize>(&self, value: sys::napi_value) -> HeaderLine<'b> {
        match self.argument(value) {
            Argument::Absent | Argument::Lines(0) => HeaderLine::Absent,
            Argument::Lines(1) => {
                self.one(self.element(value, 0).and_then(|value| self.text::<INDEX>(value)))
            }
            Argument::Lines(_) => HeaderLine::Several,
            Argument::Wrong => self.one(None),
        }
    }

    /// A line, or, if there was nothing to read it from, the failure.
    fn one(&self, text: Option<&'b [u8]>) -> HeaderLine<'b> {
        match text {
            Some(text) => HeaderLine::One(text),
            None => {
                self.failed.set(true);
                HeaderLine::Several
            }
        }
    }

    fn read_request_headers(&self) -> RequestHeaders<'b> {
        let mut headers = RequestHeaders::new();
        let Some(&value) = self.arguments.get(REQUEST_HEADERS) else { return headers };
        if REQUEST_HEADERS >= self.count {
            return headers;
        }
        let lines = match self.short_text(value) {
            Some(text) if text.len() < SHORT => {
                headers.push(text);
                return headers;
            }
            Some(_) => self.long_text(value, MAX_REQUEST_HEADERS_BYTES).map(|line| vec![line]),
            None => match self.argument(value) {
                Argument::Absent => return headers,
                Argument::Lines(count) => self.long_lines(value, count),
                Argument::Wrong => None,
            },
        };
        if lines.is_none() {
            self.failed.set(true);
        }
        for line in self.long.get_or_init(|| lines.unwrap_or_default()) {
            headers.push(line);
        }
        headers
    }

    /// What kind of fact a value can be that is no string.
    #[cold]
    fn argument(&self, value: sys::napi_value) -> Argument {
        let mut kind = 0;
        // SAFETY: `new` was promised that both belong to this call.
        if unsafe { sys::napi_typeof(self.env, value, &raw mut kind) } != sys::Status::napi_ok {
            return Argument::Wrong;
        }
        match kind {
            sys::ValueType::napi_undefined => Argument::Absent,
            sys::ValueType::napi_object => self.array_len(value).map_or(Argument::Wrong, Argument::Lines),
            _ => Argument::Wrong,
        }
    }

    /// The length of an array; none if it is none.
    #[cold]
    fn array_len(&self, value: sys::napi_value) -> Option<u32> {
        let mut is_array = false;
        // SAFETY: `new` was promised that both belong to this call.
        ok(unsafe { sys::napi_is_array(self.env, value, &raw mut is_array) })?;
        if !is_array {
            return None;
        }
        let mut len = 0;
        // SAFETY: as above, and it is an array.
        ok(unsafe { sys::napi_get_array_length(self.env, value, &raw mut len) })?;
        Some(len)
    }

    #[cold]
    fn element(&self, array: sys::napi_value, index: u32) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: `new` was promised that both belong to this call, and `argument` found an array.
        ok(unsafe { sys::napi_get_element(self.env, array, index, &raw mut value) })?;
        Some(value)
    }

    /// Reads the string of a fact, as much of it as the policy wants.
    #[inline]
    fn text<const INDEX: usize>(&self, value: sys::napi_value) -> Option<&'b [u8]> {
        let text = self.short_text(value)?;
        if text.len() < SHORT || !self.wants_whole {
            return Some(text);
        }
        let whole = match INDEX {
            ORIGIN => self.whole.first(),
            REQUEST_METHOD => self.whole.last(),
            _ => None,
        };
        match whole {
            None => Some(text),
            Some(whole) => {
                let text = self.long_text(value, usize::MAX)?;
                Some(whole.get_or_init(|| text))
            }
        }
    }

    /// Reads a string; of one that is not shorter than [`SHORT`], as many bytes as that, the last of
    /// them unreadable.
    #[inline]
    fn short_text(&self, value: sys::napi_value) -> Option<&'b [u8]> {
        // With room for the NUL that is written behind it.
        let mut units = [MaybeUninit::<u16>::uninit(); SHORT + 1];
        let mut read = 0;
        // As UTF-16, not Latin-1, which would drop the upper byte of a unit without a word.
        // SAFETY: `new` was promised the value, and the buffer is as long as is said.
        ok(unsafe {
            let buffer = units.as_mut_ptr().cast();
            sys::napi_get_value_string_utf16(self.env, value, buffer, units.len(), &raw mut read)
        })?;
        // Each argument is read once, so there is room for all of them.
        let (bytes, free) = self.free.take().split_at_mut_checked(read)?;
        self.free.set(free);
        // SAFETY: the first `read` units were written.
        let units = unsafe { std::slice::from_raw_parts(units.as_ptr().cast::<u16>(), read) };
        for (byte, &unit) in bytes.iter_mut().zip(units) {
            byte.write(narrow(unit));
        }
        if let Some(last) = bytes.get_mut(SHORT - 1) {
            last.write(UNREADABLE);
        }
        // SAFETY: `bytes` and `units` have the same length, so all of it was written.
        Some(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), read) })
    }

    /// Reads a string; of one that is longer than `max`, one byte more than that, and that unreadable.
    #[cold]
    fn long_text(&self, value: sys::napi_value, max: usize) -> Option<Vec<u8>> {
        let mut len = 0;
        // SAFETY: `new` was promised the value; without a buffer the length is told.
        ok(unsafe { sys::napi_get_value_string_utf16(self.env, value, ptr::null_mut(), 0, &raw mut len) })?;
        let mut units = vec![0_u16; len.min(max.saturating_add(1)).saturating_add(1)];
        let mut read = 0;
        // SAFETY: `new` was promised the value, and the buffer is as long as is said.
        ok(unsafe {
            let buffer = units.as_mut_ptr();
            sys::napi_get_value_string_utf16(self.env, value, buffer, units.len(), &raw mut read)
        })?;
        let mut bytes: Vec<u8> = units.iter().take(read).map(|&unit| narrow(unit)).collect();
        if let Some(last) = bytes.get_mut(max) {
            *last = UNREADABLE;
        }
        Some(bytes)
    }

    /// Reads the lines of `Access-Control-Request-Headers`, as many as could matter.
    #[cold]
    fn long_lines(&self, array: sys::napi_value, count: u32) -> Option<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        let (mut joined, mut shown) = (0, 0);
        for index in 0..count {
            let line = self.long_text(self.element(array, index)?, MAX_REQUEST_HEADERS_BYTES)?;
            let is_blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
            // What is too long already stays so, and a log line leaves blank ones out.
            let too_long = joined > MAX_REQUEST_HEADERS_BYTES + ", ".len();
            if too_long && shown >= SHOWN {
                break;
            }
            joined += line.len() + ", ".len();
            if !is_blank {
                shown += line.len() + ", ".len();
            }
            if !(too_long && is_blank) {
                lines.push(line);
            }
        }
        Some(lines)
    }
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
        Cow::Borrowed(self.request_headers.get_or_init(|| self.read_request_headers()))
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

/// The byte of a code unit.
fn narrow(unit: u16) -> u8 {
    u8::try_from(unit).unwrap_or(UNREADABLE)
}

/// None unless the call went well.
fn ok(status: sys::napi_status) -> Option<()> {
    (status == sys::Status::napi_ok).then_some(())
}
