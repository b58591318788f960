//! Any bytes as a program of calls of the C ABI, among them NULLs, lengths that are none and structs of other sizes.
//!
//! An instruction is a letter and its operand; instructions are parted by "record separator". What a policy
//! decides through C is compared with what the core says.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ffi::CStr;
use std::ptr::{null, null_mut};

use corsac::{Op, Policy, Request};
use corsac_ffi::*;

const SEPARATOR: u8 = 0x1e;

/// As the first byte of an operand: NULL without a length, NULL with one, and a length that is none.
const NULL: u8 = 0x1d;
const NULL_WITH_LENGTH: u8 = 0x1c;
const NO_LENGTH: u8 = 0x1b;

/// No more instructions than this are run.
const MAX_INSTRUCTIONS: usize = 200;

/// What bytes of the caller's memory hold that nobody should write.
const UNTOUCHED: u8 = 0xa5;

fn string(operand: &[u8]) -> corsac_str {
    match operand.first() {
        Some(&NULL) => corsac_str { data: null(), len: 0 },
        Some(&NULL_WITH_LENGTH) => corsac_str { data: null(), len: operand.len() },
        Some(&NO_LENGTH) => corsac_str { data: operand.as_ptr().cast(), len: usize::MAX },
        _ => corsac_str { data: operand.as_ptr().cast(), len: operand.len() },
    }
}

/// The same for Rust: the bytes, or what the call is told.
fn meant(operand: &[u8]) -> Result<&[u8], corsac_status> {
    match operand.first() {
        Some(&NULL) => Ok(b""),
        Some(&NULL_WITH_LENGTH) => Err(CORSAC_STATUS_NULL_POINTER),
        Some(&NO_LENGTH) => Err(CORSAC_STATUS_LENGTH),
        _ => Ok(operand),
    }
}

/// The bytes of a string that the library lent.
fn lent<'a>(string: corsac_str) -> Option<&'a [u8]> {
    if string.data.is_null() {
        assert_eq!(string.len, 0);
        return None;
    }
    // SAFETY: a string that the library gives has as many bytes, and they are read while their owner lives.
    Some(unsafe { std::slice::from_raw_parts(string.data.cast(), string.len) })
}

/// A number in front of a colon, and what follows it.
fn numbered(operand: &[u8]) -> (i64, &[u8]) {
    let colon = operand.iter().position(|&byte| byte == b':').unwrap_or(operand.len());
    let number = std::str::from_utf8(&operand[..colon]).ok().and_then(|digits| digits.parse().ok());
    (number.unwrap_or(i64::MAX), operand.get(colon + 1..).unwrap_or_default())
}

/// Memory of the caller of exactly this size, so that a byte too far is noticed by the address sanitizer.
struct Memory {
    start: *mut u8,
    layout: Layout,
}

impl Memory {
    fn new(size: usize) -> Memory {
        let layout = Layout::from_size_align(size.max(1), align_of::<usize>()).expect("a small size");
        // SAFETY: the size is not 0, and the memory that comes has it.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: as above.
        unsafe { start.write_bytes(UNTOUCHED, layout.size()) };
        Memory { start, layout }
    }

    /// The bytes from `from` on, which nobody should have written.
    fn is_untouched_from(&self, from: usize) {
        // SAFETY: all bytes of the memory were written when it was made.
        let bytes = unsafe { std::slice::from_raw_parts(self.start, self.layout.size()) };
        assert!(bytes.iter().skip(from).all(|&byte| byte == UNTOUCHED));
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the memory came from `alloc` with this layout.
        unsafe { dealloc(self.start, self.layout) };
    }
}

/// A builder, and what building has to give.
struct Builder {
    handle: *mut corsac_builder,
    status: corsac_status,
    twin: corsac::PolicyBuilder,
}

impl Builder {
    fn new() -> Builder {
        let handle = corsac_builder_new();
        assert!(!handle.is_null());
        Builder { handle, status: CORSAC_STATUS_OK, twin: Policy::builder() }
    }

    fn set<'v>(
        &mut self,
        operand: &'v [u8],
        setter: unsafe extern "C" fn(*mut corsac_builder, corsac_str),
        twin: impl for<'b> FnOnce(&'b mut corsac::PolicyBuilder, &'v [u8]) -> &'b mut corsac::PolicyBuilder,
    ) {
        // SAFETY: the handle lives, and the operand is read during the call.
        unsafe { setter(self.handle, string(operand)) };
        match meant(operand) {
            Ok(value) => {
                twin(&mut self.twin, value);
            }
            Err(status) if self.status == CORSAC_STATUS_OK => self.status = status,
            Err(_) => {}
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // SAFETY: the handle lives and is freed once.
        unsafe { corsac_builder_free(self.handle) };
    }
}

/// A request in memory of some size, and the same request for Rust.
struct Shown<'d> {
    memory: Memory,
    status: corsac_status,
    method: &'d [u8],
    lines: Vec<(&'d [u8], &'d [u8])>,
}

impl<'d> Shown<'d> {
    fn new(size: usize, method: &'d [u8]) -> Shown<'d> {
        let memory = Memory::new(size);
        // SAFETY: the memory has the size that is passed; the method outlives it.
        unsafe { corsac_request_init(memory.start.cast(), size, string(method)) };
        memory.is_untouched_from(if size < size_of::<usize>() { 0 } else { size_of::<corsac_request>() });
        let (method, status) = match meant(method) {
            _ if size < size_of::<corsac_request>() => (&b""[..], CORSAC_STATUS_STRUCT_SIZE),
            Ok(method) => (method, CORSAC_STATUS_OK),
            Err(status) => (&b""[..], status),
        };
        Shown { memory, status, method, lines: Vec::new() }
    }

    fn request(&self) -> *mut corsac_request {
        self.memory.start.cast()
    }

    /// Shows a line `Name:value`; both may be NULL.
    fn show(&mut self, line: &'d [u8]) {
        let colon = line.iter().skip(1).position(|&byte| byte == b':').map_or(line.len(), |at| at + 1);
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        // SAFETY: the request has its size in front and that many bytes; the strings outlive it.
        unsafe { corsac_request_header(self.request(), string(name), string(value)) };
        if self.memory.layout.size() >= size_of::<corsac_request>() {
            self.memory.is_untouched_from(size_of::<corsac_request>());
            let is_fact = |name: &[u8]| corsac::Fact::of_header(name).is_some();
            let wrong = match (meant(name), meant(value)) {
                (Err(status), _) => Some(status),
                (Ok(name), Err(status)) if is_fact(name) => Some(status),
                (Ok(name), value) => {
                    self.lines.push((name, value.unwrap_or_default()));
                    None
                }
            };
            if let (CORSAC_STATUS_OK, Some(status)) = (self.status, wrong) {
                self.status = status;
            }
        }
    }
}

struct Machine<'d> {
    builder: Option<Builder>,
    policy: *const corsac_policy,
    twin: Option<Policy>,
    shown: Option<Shown<'d>>,
    decision: Option<Memory>,
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle lives and is freed once, or is NULL.
        unsafe { corsac_policy_free(self.policy) };
    }
}

/// No call crashes, writes beyond what it was given or panics, and C is told what Rust is told.
pub fn run(data: &[u8]) {
    keep_panic_hook();
    let mut machine = Machine { builder: None, policy: null(), twin: None, shown: None, decision: None };
    for instruction in data.split(|&byte| byte == SEPARATOR).take(MAX_INSTRUCTIONS) {
        if let Some((&code, operand)) = instruction.split_first() {
            machine.run(code, operand);
        }
    }
}

impl<'d> Machine<'d> {
    fn run(&mut self, code: u8, operand: &'d [u8]) {
        type Setter = corsac::PolicyBuilder;
        let builder = self.builder.get_or_insert_with(Builder::new);
        match code {
            b'n' => *builder = Builder::new(),
            b'o' => builder.set(operand, corsac_builder_allow_origin, Setter::allow_origin),
            b'm' => builder.set(operand, corsac_builder_allow_method, Setter::allow_method),
            b'h' => builder.set(operand, corsac_builder_allow_header, Setter::allow_header),
            b'x' => builder.set(operand, corsac_builder_expose_header, Setter::expose_header),
            b't' => builder.set(operand, corsac_builder_timing_allow_origin, Setter::timing_allow_origin),
            b'd' => builder.set(operand, corsac_builder_dangerously_allow, Setter::dangerously_allow),
            b'N' => builder.set(operand, corsac_builder_name, Setter::name),
            b'D' => builder.set(operand, corsac_builder_description, Setter::description),
            b'f' => builder.set(operand, corsac_builder_refused_requests, Setter::refused_requests),
            b'w' => builder.set(operand, corsac_builder_own_origin, Setter::own_origin),
            b'k' => builder.set(operand, corsac_builder_foreign_headers, Setter::foreign_headers),
            b'A' => builder.set(operand, corsac_builder_expect_allow, Setter::expect_allow),
            b'R' => builder.set(operand, corsac_builder_expect_refuse, Setter::expect_refuse),
            b'K' => builder.set(operand, corsac_builder_acknowledge, Setter::acknowledge),
            // SAFETY: the handle lives.
            b'c' => unsafe {
                corsac_builder_allow_credentials(builder.handle, operand != b"0");
                builder.twin.allow_credentials(operand != b"0");
            },
            // SAFETY: the handle lives.
            b'a' => unsafe {
                corsac_builder_max_age(builder.handle, numbered(operand).0);
                builder.twin.max_age(numbered(operand).0);
            },
            // SAFETY: the handle lives.
            b's' => unsafe {
                corsac_builder_preflight_status(builder.handle, numbered(operand).0);
                builder.twin.preflight_status(numbered(operand).0);
            },
            // SAFETY: the handle lives.
            b'r' => unsafe {
                corsac_builder_next_rule(builder.handle);
                builder.twin.next_rule();
            },
            b'b' => self.build(operand),
            b'J' => self.read_document(operand),
            b'T' => self.texts(),
            b'L' => self.cell(),
            b'O' => self.allows_origin(operand),
            b'Q' => self.shown = Some(Shown::new(size_of::<corsac_request>(), operand)),
            b'q' => {
                let (size, method) = numbered(operand);
                let size = size.clamp(0, 1_024) as usize;
                let shown = Shown::new(size, method);
                // A struct without room for its size is none.
                self.shown = (size >= size_of::<usize>()).then_some(shown);
            }
            b'H' => {
                if let Some(shown) = &mut self.shown {
                    shown.show(operand);
                }
            }
            b'v' => self.begin_decision(numbered(operand).0.clamp(0, 1_024) as usize),
            b'E' => self.evaluate(numbered(operand).0.clamp(0, 64) as usize),
            b'e' => self.evaluate_nothing(),
            b'X' => nothing(),
            _ => {}
        }
    }

    fn build(&mut self, flags: &[u8]) {
        let Some(builder) = &self.builder else { return };
        let expected = builder.twin.build();
        let status = builder.status;
        let handle = builder.handle;
        // SAFETY: the handle lives; the out-parameters live during the call, or are NULL.
        let call = |policy, error| unsafe { corsac_builder_build(handle, policy, error) };
        self.deliver(flags, status, expected, call);
    }

    fn read_document(&mut self, document: &[u8]) {
        // SAFETY: as in `build`, and the document lives too.
        let call = |policy, error| unsafe { corsac_policy_from_json(string(document), policy, error) };
        match meant(document) {
            Ok(text) => self.deliver(b"", CORSAC_STATUS_OK, Policy::from_json(text), call),
            Err(status) => self.deliver(b"", status, Policy::from_json(""), call),
        }
    }

    /// Calls for a policy, and checks that what came is what the core gave.
    fn deliver(
        &mut self,
        flags: &[u8],
        wrong: corsac_status,
        expected: Result<Policy, corsac::BuildError>,
        call: impl Fn(*mut *const corsac_policy, *mut *mut corsac_error) -> corsac_status,
    ) {
        // SAFETY: no policy was given, so nothing is to be freed but by the next line.
        assert_eq!(call(null_mut(), null_mut()), CORSAC_STATUS_NULL_POINTER);
        let mut policy = std::ptr::dangling();
        let mut error = std::ptr::dangling_mut();
        let wants_error = flags != b"0";
        let status = call(&mut policy, if wants_error { &mut error } else { null_mut() });
        match expected {
            _ if wrong != CORSAC_STATUS_OK => {
                assert_eq!(status, wrong);
                assert!(policy.is_null() && (!wants_error || error.is_null()));
            }
            Ok(twin) => {
                assert_eq!(status, CORSAC_STATUS_OK);
                assert!(!policy.is_null() && (!wants_error || error.is_null()));
                // SAFETY: both handles live, and each reference is freed once.
                unsafe {
                    corsac_policy_free(corsac_policy_clone(policy));
                    corsac_policy_free(self.policy);
                }
                (self.policy, self.twin) = (policy, Some(twin));
            }
            Err(problems) => {
                assert_eq!(status, CORSAC_STATUS_CONFIG);
                assert!(policy.is_null());
                if wants_error {
                    are_problems(error, problems.problems(), problems.unreported());
                    // SAFETY: the handle lives and is freed once.
                    unsafe { corsac_error_free(error) };
                }
            }
        }
    }

    fn texts(&self) {
        let (mut text, mut warnings) = (std::ptr::dangling_mut(), std::ptr::dangling_mut());
        // SAFETY: the policy lives or is NULL, the out-parameters live, and what comes is freed once.
        unsafe {
            let status = corsac_policy_document(self.policy, &mut text);
            assert_eq!(corsac_policy_warnings(self.policy, &mut warnings), status);
            match &self.twin {
                None => {
                    assert_eq!(status, CORSAC_STATUS_NULL_POINTER);
                    assert!(text.is_null() && warnings.is_null());
                }
                Some(twin) => {
                    assert_eq!(status, CORSAC_STATUS_OK);
                    let document = CStr::from_ptr(corsac_text_data(text));
                    assert_eq!(document.to_bytes(), twin.document().as_bytes());
                    assert_eq!(document.count_bytes(), corsac_text_len(text));
                    are_problems(warnings, twin.warnings(), twin.warnings_unreported());
                }
            }
            corsac_text_free(text);
            corsac_error_free(warnings);
        }
    }

    fn cell(&self) {
        // SAFETY: handles live or are NULL, and each reference is freed once.
        unsafe {
            let cell = corsac_cell_new(self.policy);
            assert_eq!(cell.is_null(), self.policy.is_null());
            corsac_cell_store(cell, null());
            corsac_cell_store(cell, self.policy);
            let mut generation = u64::MAX;
            let policy = corsac_cell_load(cell, &mut generation);
            assert_eq!(generation, corsac_cell_generation(cell));
            assert_eq!(generation, if cell.is_null() { 0 } else { 2 });
            assert_eq!(policy, self.policy);
            corsac_policy_free(corsac_cell_load(cell, null_mut()));
            corsac_cell_free(cell);
            corsac_policy_free(policy);
        }
    }

    fn allows_origin(&self, origin: &[u8]) {
        for credentials in [false, true] {
            // SAFETY: the policy lives or is NULL, and the origin lives.
            let allows = unsafe { corsac_policy_allows_origin(self.policy, string(origin), credentials) };
            let expected = match (&self.twin, meant(origin)) {
                (Some(twin), Ok(origin)) => twin.allows_origin(Some(origin), credentials),
                _ => false,
            };
            assert_eq!(allows, expected);
        }
    }

    fn begin_decision(&mut self, size: usize) {
        let memory = Memory::new(size);
        // SAFETY: the memory has the size that is passed.
        unsafe { corsac_decision_init(memory.start.cast(), size) };
        memory.is_untouched_from(if size < size_of::<usize>() { 0 } else { size_of::<corsac_decision>() });
        self.decision = (size >= size_of::<usize>()).then_some(memory);
    }

    /// Evaluates, and reads the decision with room for `cap` headers and bytes.
    fn evaluate(&mut self, cap: usize) {
        if self.decision.is_none() {
            self.begin_decision(size_of::<corsac_decision>());
        }
        let (Some(memory), Some(shown)) = (&self.decision, &self.shown) else { return };
        let decision: *mut corsac_decision = memory.start.cast();
        let size = memory.layout.size();
        // SAFETY: the policy lives or is NULL; both structs have the size that stands in front of them.
        let status = unsafe { corsac_policy_evaluate(self.policy, shown.request(), decision) };
        memory.is_untouched_from(size_of::<corsac_decision>());
        if size < size_of::<corsac_decision>() {
            assert_eq!(status, CORSAC_STATUS_STRUCT_SIZE);
            // SAFETY: the struct has its size in front; NULL is always fine.
            unsafe {
                assert_eq!(corsac_decision_headers(decision, null_mut(), cap), 0);
                assert!(corsac_decision_rule_name(decision).data.is_null());
            }
            return;
        }
        // SAFETY: the memory is large enough and was written.
        let told = unsafe { *decision };
        assert_eq!(told.struct_size, size);
        let twin = match &self.twin {
            None => {
                assert_eq!(status, CORSAC_STATUS_NULL_POINTER);
                return grants_nothing(decision);
            }
            Some(_) if shown.status != CORSAC_STATUS_OK => {
                assert_eq!(status, shown.status);
                return grants_nothing(decision);
            }
            Some(twin) => twin,
        };
        assert_eq!(status, CORSAC_STATUS_OK);

        let mut request = Request::new(shown.method);
        for (name, value) in &shown.lines {
            request.header(name, *value);
        }
        let expected = twin.evaluate(&request);
        assert_eq!(
            [told.kind, told.action, told.status, told.allowed, told.reason, told.rule],
            [
                expected.kind().number(),
                expected.action().number(),
                expected.status().into(),
                expected.allowed().into(),
                expected.reason().number(),
                expected.rule().unwrap_or(CORSAC_NO_RULE),
            ]
        );
        let keeps = twin.answer(expected.verdict().answer()).keeps_foreign();
        assert_eq!(told.flags, if keeps { CORSAC_FLAG_FOREIGN_HEADERS_KEPT } else { 0 });

        let kept: Vec<_> = expected.headers().filter(|edit| edit.op != Op::Remove).collect();
        assert_eq!(told.headers_len as usize, kept.len());
        assert!(kept.len() <= CORSAC_MAX_HEADERS);
        for cap in [cap, CORSAC_MAX_HEADERS] {
            let room = Memory::new(cap * size_of::<corsac_header>());
            let headers: *mut corsac_header = room.start.cast();
            // SAFETY: there is room for as many headers; those that are written are read.
            unsafe {
                assert_eq!(corsac_decision_headers(decision, headers, cap), kept.len());
                for (index, edit) in kept.iter().enumerate().take(cap) {
                    let header = headers.add(index).read();
                    assert_eq!((header.op, header.reserved), (edit.op.number(), 0));
                    assert_eq!(lent(header.name), Some(edit.name().as_bytes()));
                    assert_eq!(lent(header.value).unwrap_or_default(), edit.value);
                }
            }
            room.is_untouched_from(cap.min(kept.len()) * size_of::<corsac_header>());
        }
        // SAFETY: the decision is one; there is room for as many bytes.
        unsafe {
            assert_eq!(corsac_decision_headers(decision, null_mut(), cap), kept.len());
            assert_eq!(lent(corsac_decision_rule_name(decision)), expected.rule_name().map(str::as_bytes));
            let line = expected.to_string();
            assert!(line.len() < CORSAC_MAX_LINE);
            for cap in [cap, CORSAC_MAX_LINE] {
                let room = Memory::new(cap);
                assert_eq!(corsac_decision_format(decision, room.start.cast(), cap), line.len());
                if cap > 0 {
                    let written = CStr::from_ptr(room.start.cast()).to_bytes();
                    assert_eq!(written, &line.as_bytes()[..line.len().min(cap - 1)]);
                    room.is_untouched_from(written.len() + 1);
                }
            }
            assert_eq!(corsac_decision_format(decision, null_mut(), cap), line.len());
        }
    }

    /// Evaluates with NULL in one place after the other.
    fn evaluate_nothing(&mut self) {
        self.begin_decision(size_of::<corsac_decision>());
        let (Some(memory), Some(shown)) = (&self.decision, &self.shown) else { return };
        let decision: *mut corsac_decision = memory.start.cast();
        // SAFETY: handles and structs live, or are NULL.
        unsafe {
            for (policy, request) in
                [(null(), shown.request()), (self.policy, null_mut()), (null(), null_mut())]
            {
                assert_eq!(corsac_policy_evaluate(policy, request, decision), CORSAC_STATUS_NULL_POINTER);
                grants_nothing(decision);
            }
            let status = corsac_policy_evaluate(self.policy, shown.request(), null_mut());
            assert_eq!(status, CORSAC_STATUS_NULL_POINTER);
        }
    }
}

/// A decision after a failure.
fn grants_nothing(decision: *const corsac_decision) {
    // SAFETY: the decision is a whole struct.
    unsafe {
        let told = *decision;
        assert_eq!([told.kind, told.action, told.status, told.allowed, told.reason], [0; 5]);
        assert_eq!((told.rule, told.headers_len, told.flags), (CORSAC_NO_RULE, 0, 0));
        let mut header = std::mem::MaybeUninit::<corsac_header>::uninit();
        assert_eq!(corsac_decision_headers(decision, header.as_mut_ptr(), 1), 0);
        assert!(corsac_decision_rule_name(decision).data.is_null());
        let mut line = [1; CORSAC_MAX_LINE];
        let len = corsac_decision_format(decision, line.as_mut_ptr(), line.len());
        assert_eq!(CStr::from_ptr(line.as_ptr()).count_bytes(), len);
    }
}

/// The problems of a handle are these.
fn are_problems(handle: *const corsac_error, problems: &[corsac::Problem], unreported: usize) {
    // SAFETY: the handle lives, and any index may be asked for.
    unsafe {
        assert_eq!(corsac_error_len(handle), problems.len());
        assert_eq!(corsac_error_unreported(handle), unreported);
        for (index, problem) in problems.iter().enumerate() {
            assert_eq!(lent(corsac_error_code(handle, index)), Some(problem.code.as_bytes()));
            assert_eq!(lent(corsac_error_path(handle, index)), Some(problem.path.as_bytes()));
            assert_eq!(lent(corsac_error_value(handle, index)), problem.value.as_ref().map(String::as_bytes));
            assert_eq!(lent(corsac_error_message(handle, index)), Some(problem.message.as_bytes()));
            assert_eq!(
                lent(corsac_error_suggestion(handle, index)),
                problem.suggestion.as_ref().map(String::as_bytes)
            );
            assert_eq!(corsac_error_line(handle, index), problem.line.unwrap_or(0));
            assert_eq!(corsac_error_column(handle, index), problem.column.unwrap_or(0));
        }
        for index in [problems.len(), usize::MAX] {
            assert!(corsac_error_code(handle, index).data.is_null());
            assert!(corsac_error_value(handle, index).data.is_null());
            assert_eq!(corsac_error_line(handle, index), 0);
        }
    }
}

/// Calls everything with NULL.
fn nothing() {
    let none = corsac_str { data: null(), len: 0 };
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        corsac_builder_allow_origin(null_mut(), none);
        corsac_builder_allow_credentials(null_mut(), true);
        corsac_builder_max_age(null_mut(), 1);
        corsac_builder_next_rule(null_mut());
        let (mut policy, mut error) = (std::ptr::dangling(), std::ptr::dangling_mut());
        let status = corsac_builder_build(null(), &mut policy, &mut error);
        assert_eq!(status, CORSAC_STATUS_NULL_POINTER);
        assert!(policy.is_null() && error.is_null());
        corsac_builder_free(null_mut());
        assert!(corsac_policy_clone(null()).is_null());
        corsac_policy_free(null());
        assert!(!corsac_policy_allows_origin(null(), none, false));
        assert_eq!(corsac_policy_document(null(), null_mut()), CORSAC_STATUS_NULL_POINTER);
        assert_eq!(corsac_policy_warnings(null(), null_mut()), CORSAC_STATUS_NULL_POINTER);
        assert!(corsac_text_data(null()).is_null());
        assert_eq!(corsac_text_len(null()), 0);
        corsac_text_free(null_mut());
        are_problems(null(), &[], 0);
        corsac_error_free(null_mut());
        corsac_request_init(null_mut(), 99, none);
        corsac_request_header(null_mut(), none, none);
        corsac_decision_init(null_mut(), 99);
        assert_eq!(corsac_decision_headers(null(), null_mut(), 3), 0);
        assert!(corsac_decision_rule_name(null()).data.is_null());
        assert!(corsac_decision_format(null(), null_mut(), 3) < CORSAC_MAX_LINE);
        assert!(corsac_cell_load(null(), null_mut()).is_null());
        corsac_cell_free(null_mut());
        for number in 0..20 {
            assert!(!CStr::from_ptr(corsac_status_name(number)).is_empty());
            assert!(!CStr::from_ptr(corsac_reason_name(number as u32)).is_empty());
        }
    }
}
