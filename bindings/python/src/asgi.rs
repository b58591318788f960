//! The native half of the ASGI middleware: one call decides on a request, and a callable in place of
//! `send` edits the start of its response.
//!
//! Both are on the path of every request, so they read the scope and the message where they lie and make
//! no object that is not sent. Whatever lies there in another form than servers use is read more slowly.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use corsac::{Action, Answer, Fact, Facts, HeaderLine, Op, Request, RequestHeaders, ResponseHeader, Value};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyInt, PyIterator, PyList, PyMemoryView, PyString, PyTuple,
};
use pyo3::{PyTraverseError, PyVisit};

use crate::cell::PolicyCell;
use crate::document::type_name;
use crate::policy::Policy;
use crate::request::{Lines, Text};

// What a policy answers, made once

/// One answer of a policy in the form of ASGI: pairs of bytes.
#[pyclass(frozen, module = "corsac._native")]
pub(crate) struct AsgiAnswer {
    /// The names whose lines of the application go, as bits of `name_bit`.
    drops: u16,
    /// What is merged into Vary.
    vary: Box<[Box<[u8]>]>,
    /// The line where the application has no Vary.
    vary_line: Option<Py<PyTuple>>,
    lines: Box<[Line]>,
    /// What it is copied from, if it is the response. An answer always has the same status there.
    whole: PyOnceLock<Whole>,
}

enum Line {
    Ready(Py<PyTuple>),
    /// With this name, and the request's `Origin` as its value.
    Origin(Py<PyBytes>),
}

/// An answer that is the response, as what it is copied from.
struct Whole {
    start: Py<PyDict>,
    body: Py<PyDict>,
    /// With None where `Origin` is sent back.
    headers: Py<PyList>,
    /// Where that is, and the names there.
    origins: Box<[(usize, Py<PyBytes>)]>,
}

impl Whole {
    fn new(py: Python<'_>, status: u16, vary: Option<&Py<PyTuple>>, lines: &[Line]) -> PyResult<Self> {
        let headers = PyList::empty(py);
        let mut origins = Vec::new();
        if let Some(vary) = vary {
            headers.append(vary)?;
        }
        for line in lines {
            match line {
                Line::Ready(line) => headers.append(line)?,
                Line::Origin(name) => {
                    origins.push((headers.len(), name.clone_ref(py)));
                    headers.append(py.None())?;
                }
            }
        }
        if status != 204 {
            headers.append((PyBytes::new(py, b"content-length"), PyBytes::new(py, b"0")))?;
        }
        let start = PyDict::new(py);
        start.set_item(intern!(py, "type"), intern!(py, "http.response.start"))?;
        start.set_item(intern!(py, "status"), status)?;
        start.set_item(intern!(py, "headers"), py.None())?;
        let body = PyDict::new(py);
        body.set_item(intern!(py, "type"), intern!(py, "http.response.body"))?;
        body.set_item(intern!(py, "body"), PyBytes::new(py, b""))?;
        Ok(Whole {
            start: start.unbind(),
            body: body.unbind(),
            headers: headers.unbind(),
            origins: origins.into(),
        })
    }

    /// The two messages. They are new, down to the list: what sends them may belong to others, who edit what
    /// they get.
    fn messages<'py>(
        &self,
        py: Python<'py>,
        origin: Option<&Bound<'py, PyBytes>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let ready = self.headers.bind(py);
        let headers = ready.get_slice(0, ready.len());
        if let Some(origin) = origin {
            for (index, name) in &self.origins {
                headers.set_item(*index, PyTuple::new(py, [name.bind(py), origin])?)?;
            }
        }
        let start = self.start.bind(py).copy()?;
        start.set_item(intern!(py, "headers"), headers)?;
        PyTuple::new(py, [start, self.body.bind(py).copy()?])
    }
}

/// Every header that an answer may edit.
const NAMES: [ResponseHeader; 9] = [
    ResponseHeader::Vary,
    ResponseHeader::AllowOrigin,
    ResponseHeader::AllowCredentials,
    ResponseHeader::AllowMethods,
    ResponseHeader::AllowHeaders,
    ResponseHeader::MaxAge,
    ResponseHeader::ExposeHeaders,
    ResponseHeader::TimingAllowOrigin,
    ResponseHeader::AllowPrivateNetwork,
];
pub(crate) const VARY: u16 = 1;

/// The lengths of those names, a bit each: nearly every other header is told apart by its length.
const LENGTHS: u64 = {
    let mut lengths = 0;
    let mut rest: &[ResponseHeader] = &NAMES;
    while let [header, others @ ..] = rest {
        lengths |= 1 << header.name().len();
        rest = others;
    }
    lengths
};

/// The bit of a header that an answer may edit; 0 for all others.
pub(crate) fn name_bit(name: &[u8]) -> u16 {
    if name.len() >= 64 || LENGTHS >> name.len() & 1 == 0 {
        return 0;
    }
    NAMES
        .iter()
        .position(|header| name.eq_ignore_ascii_case(header.name().as_bytes()))
        .map_or(0, |index| 1 << index)
}

/// A header name as ASGI wants it.
fn name<'py>(py: Python<'py>, header: ResponseHeader) -> Bound<'py, PyBytes> {
    PyBytes::new(py, header.name().to_ascii_lowercase().as_bytes())
}

fn line<'py>(py: Python<'py>, header: ResponseHeader, value: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [name(py, header), PyBytes::new(py, value)])
}

impl AsgiAnswer {
    pub(crate) fn new(py: Python<'_>, answer: &Answer) -> PyResult<Self> {
        let mut drops = 0;
        let mut vary: Vec<Box<[u8]>> = Vec::new();
        let mut lines = Vec::new();
        for edit in answer.edits() {
            if edit.op != Op::Vary {
                drops |= name_bit(edit.header.name().as_bytes());
            }
            match (edit.op, &edit.value) {
                (Op::Vary, Value::Text(token)) => vary.push(token.as_bytes().into()),
                (Op::Set | Op::Add, Value::Text(value)) => {
                    lines.push(Line::Ready(line(py, edit.header, value.as_bytes())?.unbind()));
                }
                (Op::Set | Op::Add, Value::Origin) => {
                    lines.push(Line::Origin(name(py, edit.header).unbind()))
                }
                // What a request sends back is filled in for each; and removals have no line.
                _ => {}
            }
        }
        let vary_line = if vary.is_empty() {
            None
        } else {
            Some(line(py, ResponseHeader::Vary, &vary.join(b", ".as_slice()))?.unbind())
        };
        Ok(AsgiAnswer { drops, vary: vary.into(), vary_line, lines: lines.into(), whole: PyOnceLock::new() })
    }

    /// Adds the lines of the answer, but for Vary.
    fn add_lines(&self, headers: &Bound<'_, PyList>, origin: Option<&Bound<'_, PyBytes>>) -> PyResult<()> {
        let py = headers.py();
        for line in &self.lines {
            match (line, origin) {
                (Line::Ready(line), _) => headers.append(line)?,
                (Line::Origin(name), Some(origin)) => {
                    headers.append(PyTuple::new(py, [name.bind(py), origin])?)?
                }
                // An answer sends back an Origin only where it came.
                (Line::Origin(_), None) => {}
            }
        }
        Ok(())
    }
}

// The request

/// The facts of a scope, with the method read only when it counts.
struct ScopeFacts<'r> {
    request: &'r Request<'r>,
    scope: &'r Bound<'r, PyDict>,
    /// Keeps what `method` lends.
    method: OnceCell<Option<Text>>,
    /// Whether the method is no text.
    wrong: Cell<bool>,
}

impl ScopeFacts<'_> {
    fn read_method(&self) -> PyResult<Option<Text>> {
        let py = self.scope.py();
        let Some(method) = self.scope.get_item(intern!(py, "method"))? else { return Ok(None) };
        Ok(Some(Text::new(method, || "the method of a scope".to_owned())?))
    }
}

impl Facts for ScopeFacts<'_> {
    fn method(&self) -> &[u8] {
        let method = self.method.get_or_init(|| match self.read_method() {
            Ok(method) => method,
            Err(_) => {
                self.wrong.set(true);
                None
            }
        });
        match method.as_ref().map(|method| method.bytes(self.scope.py())) {
            Some(Ok(method)) => method,
            _ => b"",
        }
    }
    fn origin(&self) -> HeaderLine<'_> {
        self.request.origin()
    }
    fn request_method(&self) -> HeaderLine<'_> {
        self.request.request_method()
    }
    fn request_headers(&self) -> Cow<'_, RequestHeaders<'_>> {
        self.request.request_headers()
    }
    fn host(&self) -> HeaderLine<'_> {
        self.request.host()
    }
    fn fetch_site(&self) -> HeaderLine<'_> {
        self.request.fetch_site()
    }
}

/// The lines of a scope that a decision depends on: more than a browser sends.
type Held<'py> = [Option<(Fact, Bound<'py, PyBytes>)>; 8];

/// Takes those lines of `headers`; false if they are not a list of tuples of bytes, as every server has them, or
/// more than it can hold.
fn take<'py>(headers: &Bound<'py, PyList>, held: &mut Held<'py>) -> bool {
    let (py, list) = (headers.py(), headers.as_ptr());
    let mut free = held.iter_mut();
    for index in 0..headers.len() {
        // SAFETY: `list` is a list and `index` in it. Each type is looked at before something is taken for it, and each
        // pointer before it is read. The list keeps all of it meanwhile: no code of Python runs that could change it.
        unsafe {
            let pair = ffi::PyList_GetItem(list, index as ffi::Py_ssize_t);
            if pair.is_null() || ffi::PyTuple_CheckExact(pair) == 0 || ffi::Py_SIZE(pair) != 2 {
                return false;
            }
            let name = ffi::PyTuple_GetItem(pair, 0);
            if ffi::PyBytes_CheckExact(name) == 0 {
                return false;
            }
            let Some(fact) = Fact::of_header(bytes_of(name)) else { continue };
            let value = ffi::PyTuple_GetItem(pair, 1);
            let Some(place) = free.next() else { return false };
            if ffi::PyBytes_CheckExact(value) == 0 {
                return false;
            }
            *place = Some((fact, Bound::from_borrowed_ptr(py, value).cast_into_unchecked()));
        }
    }
    true
}

/// # Safety
/// `bytes` must be bytes, and live as long as they are lent.
unsafe fn bytes_of<'b>(bytes: *mut ffi::PyObject) -> &'b [u8] {
    // SAFETY: bytes have this many of them there, and never change.
    unsafe { std::slice::from_raw_parts(ffi::PyBytes_AsString(bytes).cast(), ffi::Py_SIZE(bytes) as usize) }
}

/// What was decided on a request, with what outlives it.
struct Decided<'py> {
    verdict: corsac::Verdict,
    origin: Option<Bound<'py, PyBytes>>,
    /// The lines but for Vary, if the answer sends back more of the request than `Origin`.
    echo: Option<Vec<(ResponseHeader, Vec<u8>)>>,
}

fn decide<'py>(policy: &Policy, scope: &Bound<'py, PyDict>) -> PyResult<Decided<'py>> {
    let py = scope.py();
    let headers = match scope.get_item(intern!(py, "headers"))? {
        Some(headers) => headers,
        None => PyTuple::empty(py).into_any(),
    };
    let mut held = Held::default();
    if let Ok(list) = headers.cast_exact::<PyList>()
        && take(list, &mut held)
    {
        let mut request = Request::default();
        let mut origin = None;
        for (fact, value) in held.iter().map_while(Option::as_ref) {
            request.fact(*fact, value.as_bytes());
            if *fact == Fact::Origin {
                origin = Some(value.clone());
            }
        }
        let decided = Decided::of(policy, scope, &request)?;
        return Ok(Decided { origin, ..decided });
    }
    let headers = if headers.cast::<PyList>().is_ok() || headers.cast::<PyTuple>().is_ok() {
        headers
    } else {
        let list = py.get_type::<PyList>().call1((&headers,))?;
        // What can be read only once was read here.
        if headers.cast::<PyIterator>().is_ok() {
            scope.set_item(intern!(py, "headers"), &list)?;
        }
        list
    };
    let lines = Lines::read(&headers)?;
    let mut request = Request::default();
    lines.show(py, &mut request)?;
    let decided = Decided::of(policy, scope, &request)?;
    Ok(Decided { origin: lines.origin_bytes(py)?, ..decided })
}

impl Decided<'_> {
    fn of(policy: &Policy, scope: &Bound<'_, PyDict>, request: &Request<'_>) -> PyResult<Self> {
        let facts = ScopeFacts { request, scope, method: OnceCell::new(), wrong: Cell::new(false) };
        let verdict = policy.core().decide(&facts);
        if facts.wrong.get() {
            facts.read_method()?;
        }
        let answer = policy.core().answer(verdict.answer());
        let echo = answer.echoes().then(|| {
            let lines = answer.fill(request).filter(|edit| matches!(edit.op, Op::Set | Op::Add));
            lines.map(|edit| (edit.header, edit.value.to_vec())).collect()
        });
        Ok(Decided { verdict, origin: None, echo })
    }
}

/// What the middleware asks for every request.
#[pyclass(frozen, module = "corsac._native")]
pub(crate) struct AsgiRequests {
    /// A `Policy` or a `PolicyCell`; None if each request has its own.
    policy: Option<Py<PyAny>>,
    report: Py<PyAny>,
    enabled: Py<PyAny>,
    level: Py<PyAny>,
    /// What `enabled` answered before, by level, as far as that still holds.
    answered: Option<Py<PyDict>>,
    always: bool,
}

#[pymethods]
impl AsgiRequests {
    /// `report` is called with the policy and the scope of every request if `always`, otherwise of those that are
    /// refused while `enabled(level)`, which is not asked where `answered` has False for the level.
    #[new]
    #[pyo3(signature = (policy, report, enabled, level, answered, always, /))]
    fn new(
        policy: Option<Py<PyAny>>,
        report: Py<PyAny>,
        enabled: Py<PyAny>,
        level: Py<PyAny>,
        answered: Option<Py<PyDict>>,
        always: bool,
    ) -> Self {
        AsgiRequests { policy, report, enabled, level, answered, always }
    }

    /// Decides on the request of a scope by the one policy.
    ///
    /// Gives two messages if they are the response, otherwise what the application gets as its send: a callable
    /// that edits the start of the response, or send itself if the scope is no HTTP request.
    #[pyo3(signature = (scope, send, /))]
    fn request<'py>(
        &self,
        py: Python<'py>,
        scope: &Bound<'py, PyDict>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match &self.policy {
            Some(policy) => self.request_by(policy.bind(py), scope, send),
            None => Ok(send.clone()),
        }
    }

    /// Decides on the request of a scope by this policy.
    #[pyo3(signature = (policy, scope, send, /))]
    fn request_by<'py>(
        &self,
        policy: &Bound<'py, PyAny>,
        scope: &Bound<'py, PyDict>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scope.py();
        match scope.get_item(intern!(py, "type"))? {
            Some(kind) if kind.is(intern!(py, "http")) || is_text(&kind, "http") => {}
            _ => return Ok(send.clone()),
        }
        let loaded;
        let policy = if let Ok(policy) = policy.cast::<Policy>() {
            policy
        } else if let Ok(cell) = policy.cast::<PolicyCell>() {
            loaded = cell.get().load();
            loaded.bind(py)
        } else {
            let message = format!("policy must be Policy or PolicyCell, not {}", type_name(policy));
            return Err(PyTypeError::new_err(message));
        };
        let decided = decide(policy.get(), scope)?;
        if self.always || (!decided.verdict.allowed() && self.is_enabled(py)?) {
            self.report.bind(py).call1((policy, scope))?;
        }
        let Some(answer) = policy.get().asgi(py)?.get(decided.verdict.answer().index()) else {
            return Err(PyRuntimeError::new_err("a decision without an answer"));
        };
        if decided.verdict.action() == Action::Respond {
            return Ok(respond(py, answer.get(), &decided)?.into_any());
        }
        callable(send, answer.bind(py), decided.origin)
    }

    // What reports, and a cell of a class of its own, may know the middleware. The cycle goes through something of
    // Python's that can be cleared.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.policy)?;
        visit.call(&self.report)?;
        visit.call(&self.enabled)
    }
}

impl AsgiRequests {
    fn is_enabled(&self, py: Python<'_>) -> PyResult<bool> {
        let level = self.level.bind(py);
        if let Some(answered) = &self.answered
            && let Some(answer) = answered.bind(py).get_item(level)?
            && answer.is(PyBool::new(py, false))
        {
            return Ok(false);
        }
        call(self.enabled.bind(py), level)?.is_truthy()
    }
}

/// The two messages of a response that is the answer.
fn respond<'py>(
    py: Python<'py>,
    answer: &AsgiAnswer,
    decided: &Decided<'py>,
) -> PyResult<Bound<'py, PyTuple>> {
    let status = decided.verdict.status();
    let origin = decided.origin.as_ref();
    if let Some(echo) = &decided.echo {
        let lines = echo.iter().map(|(header, value)| Ok(Line::Ready(line(py, *header, value)?.unbind())));
        let lines = lines.collect::<PyResult<Vec<_>>>()?;
        return Whole::new(py, status, answer.vary_line.as_ref(), &lines)?.messages(py, None);
    }
    let made = || Whole::new(py, status, answer.vary_line.as_ref(), &answer.lines);
    answer.whole.get_or_try_init(py, made)?.messages(py, origin)
}

/// Whether an object is a certain str.
fn is_text(value: &Bound<'_, PyAny>, text: &str) -> bool {
    value.cast::<PyString>().is_ok_and(|value| value.to_str().is_ok_and(|value| value == text))
}

// The response

// What stands in place of `send` for one request is a built-in function, whose `__self__` is a list: nothing else of
// Python is as quickly made and called. An application can reach the list, so nothing in it is taken for granted.
const INNER: usize = 0;
const ANSWER: usize = 1;
const ORIGIN: usize = 2;
const STARTED: usize = 3;

fn callable<'py>(
    send: &Bound<'py, PyAny>,
    answer: &Bound<'py, AsgiAnswer>,
    origin: Option<Bound<'py, PyBytes>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = send.py();
    let origin = origin.map_or_else(|| py.None().into_bound(py), Bound::into_any);
    let started = PyBool::new(py, false).to_owned().into_any();
    let response = PyList::new(py, [send.clone(), answer.clone().into_any(), origin, started])?;
    let definition = (&raw const SEND.0).cast_mut();
    // SAFETY: the definition lives as long as the process and is only read; the function takes a reference to
    // `response`; what comes back is a new reference, or NULL with an error.
    unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyCFunction_NewEx(definition, response.as_ptr(), std::ptr::null_mut()),
        )
    }
}

/// The callable's definition. A built-in function with one argument is what Python calls fastest.
struct Definition(ffi::PyMethodDef);

// SAFETY: it is never written; its pointers are to constants.
unsafe impl Sync for Definition {}

static SEND: Definition = Definition(ffi::PyMethodDef {
    ml_name: c"send".as_ptr(),
    ml_meth: ffi::PyMethodDefPointer { PyCFunction: send },
    ml_flags: ffi::METH_O as c_int,
    ml_doc: c"Sends a message; the start of a response with the headers of the decision.".as_ptr(),
});

/// # Safety
/// Called by Python, attached, with the list that `callable` made, and any object.
unsafe extern "C" fn send(response: *mut ffi::PyObject, message: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: as this function's caller promises.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: likewise; both are held by the caller for the call.
    let (response, message) = unsafe {
        (Borrowed::from_ptr(py, response).cast_unchecked::<PyList>(), Borrowed::from_ptr(py, message))
    };
    let sent = catch_unwind(AssertUnwindSafe(|| send_on(&response, &message)));
    match sent {
        Ok(Ok(awaitable)) => awaitable.into_ptr(),
        Ok(Err(error)) => {
            error.restore(py);
            std::ptr::null_mut()
        }
        Err(_) => {
            PyRuntimeError::new_err("corsac panicked while it edited a response: please report it")
                .restore(py);
            std::ptr::null_mut()
        }
    }
}

/// Sends a message on, and gives what the server's own `send` gives.
fn send_on<'py>(response: &Bound<'py, PyList>, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let edited = match message.cast::<PyDict>() {
        Ok(message) => edited(response, message)?,
        Err(_) => None,
    };
    let inner = response.get_item(INNER)?;
    call(&inner, edited.as_ref().map_or(message, |edited| edited.as_any()))
}

/// Calls with one argument: the fastest way that the stable ABI has.
fn call<'py>(function: &Bound<'py, PyAny>, argument: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the arguments are objects, and NULL ends them; what comes back is a new reference, or NULL with
    // an error.
    unsafe {
        let end = std::ptr::null_mut::<ffi::PyObject>();
        let result = ffi::PyObject_CallFunctionObjArgs(function.as_ptr(), argument.as_ptr(), end);
        Bound::from_owned_ptr_or_err(function.py(), result)
    }
}

/// The message with the headers of the decision, if it starts a final response.
fn edited<'py>(
    response: &Bound<'py, PyList>,
    message: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = message.py();
    match message.get_item(intern!(py, "type"))? {
        Some(kind) if is_text(&kind, "http.response.start") => {}
        _ => return Ok(None),
    }
    if let Some(status) = message.get_item(intern!(py, "status"))?
        && let Ok(status) = status.cast::<PyInt>()
        && status.extract::<i64>().is_ok_and(|status| status < 200)
    {
        // Informational: another one follows.
        return Ok(None);
    }
    let answer = response.get_item(ANSWER)?;
    let answer = answer.cast::<AsgiAnswer>()?.get();
    let headers = match message.get_item(intern!(py, "headers"))? {
        Some(headers) => edit(&headers, answer)?,
        None => edit(&PyList::empty(py).into_any(), answer)?,
    };
    answer.add_lines(&headers, response.get_item(ORIGIN)?.cast::<PyBytes>().ok())?;
    let message = message.copy()?;
    message.set_item(intern!(py, "headers"), headers)?;
    response.set_item(STARTED, true)?;
    Ok(Some(message))
}

/// A new list of the application's headers without those that go, and with Vary merged.
fn edit<'py>(headers: &Bound<'py, PyAny>, answer: &AsgiAnswer) -> PyResult<Bound<'py, PyList>> {
    let py = headers.py();
    let watched = answer.drops | VARY;
    if let Ok(list) = headers.cast_exact::<PyList>()
        && names_of(list).is_some_and(|names| names & watched == 0)
    {
        let edited = list.get_slice(0, list.len());
        if let Some(vary) = &answer.vary_line {
            edited.append(vary)?;
        }
        return Ok(edited);
    }
    let edited = PyList::empty(py);
    let mut vary: Vec<Bound<'py, PyAny>> = Vec::new();
    let mut place = 0;
    for pair in headers.try_iter()? {
        let pair = pair?;
        let bit = match pair.get_item(0) {
            Ok(name) => bit_of(&name),
            // The server tells what is wrong with it.
            Err(_) => 0,
        };
        if bit == VARY && !answer.vary.is_empty() {
            if vary.is_empty() {
                place = edited.len();
            }
            vary.push(pair);
        } else if bit & answer.drops == 0 {
            edited.append(pair)?;
        }
    }
    if vary.is_empty() {
        if let Some(line) = &answer.vary_line {
            edited.append(line)?;
        }
        return Ok(edited);
    }
    match merged(&vary, answer)? {
        Some(value) => edited.insert(place, line(py, ResponseHeader::Vary, &value)?)?,
        // Nothing is missing in it.
        None => {
            for (offset, pair) in vary.iter().enumerate() {
                edited.insert(place + offset, pair)?;
            }
        }
    }
    Ok(edited)
}

/// The value of Vary with what the answer adds, as one line; none if the lines have all of it.
fn merged(lines: &[Bound<'_, PyAny>], answer: &AsgiAnswer) -> PyResult<Option<Vec<u8>>> {
    let mut elements: Vec<Vec<u8>> = Vec::new();
    for pair in lines {
        let value = bytes_like(&pair.get_item(1)?)?;
        for element in value.split(|&byte| byte == b',') {
            let element = element.trim_ascii();
            if element == b"*" {
                return Ok(None);
            }
            if !element.is_empty() {
                elements.push(element.to_vec());
            }
        }
    }
    let present = elements.len();
    for token in &answer.vary {
        if !elements.iter().any(|element| element.eq_ignore_ascii_case(token)) {
            elements.push(token.to_vec());
        }
    }
    Ok((elements.len() > present).then(|| elements.join(b", ".as_slice())))
}

/// The bits of all names in a list of tuples of bytes; none if it is something else.
fn names_of(headers: &Bound<'_, PyList>) -> Option<u16> {
    let list = headers.as_ptr();
    let mut names = 0;
    for index in 0..headers.len() {
        // SAFETY: `list` is a list and `index` in it; each type is looked at before something is taken for it, and
        // nothing else runs meanwhile that could change the list.
        unsafe {
            let pair = ffi::PyList_GetItem(list, index as ffi::Py_ssize_t);
            if pair.is_null() || ffi::PyTuple_CheckExact(pair) == 0 || ffi::Py_SIZE(pair) != 2 {
                return None;
            }
            let name = ffi::PyTuple_GetItem(pair, 0);
            if ffi::PyBytes_CheckExact(name) == 0 {
                return None;
            }
            names |= name_bit(bytes_of(name));
        }
    }
    Some(names)
}

/// The bit of a name in whatever form an application has it.
fn bit_of(name: &Bound<'_, PyAny>) -> u16 {
    bytes_like(name).map_or(0, |name| name_bit(&name))
}

/// The bytes of whatever servers take for a name or a value.
fn bytes_like(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_str()?.as_bytes().to_vec());
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return Ok(bytes.to_vec());
    }
    if let Ok(view) = value.cast::<PyMemoryView>() {
        let bytes = value.py().get_type::<PyBytes>().call1((view,))?;
        return Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec());
    }
    Err(PyTypeError::new_err(format!("a header must be bytes, not {}", type_name(value))))
}
