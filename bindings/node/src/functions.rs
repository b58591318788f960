//! The functions of one policy: what JavaScript calls per request, in plain node-api.
//!
//! Each is a function object of its own whose data is a reference to the policy, so that a call has
//! nothing to look up and no `this` to trust. A finalizer on the function gives the reference back.
//! None of them throws: an argument of a wrong type, or a panic, gets the answer that grants
//! nothing (0, `undefined`, `false`).
//!
//! ```text
//! decide(method, origin, host, fetchSite, requestMethod, requestHeaders, authority) -> integer
//! edits(the same)                                                       -> [[op, name, value], ...]
//! line(the same)                                                        -> string
//! ruleName(the same)                                                    -> string or undefined
//! escapedOrigin(the same)                                               -> string or undefined
//! s3Answer(the same)                                                    -> string
//! allowsOrigin(origin, credentials)                                     -> boolean
//! document()                                                            -> string
//! s3Xml()                                                               -> string or undefined
//! share(id, style)                                                      -> boolean
//! ```
//! Facts are strings, arrays of strings (several lines) or `undefined` (no such header). Everything
//! behind `origin` may be left out.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use corsac::{Decision, Facts, HeaderLine, Policy, Request, Verdict};
use napi::bindgen_prelude::{Error, Result, Status, Unknown};
use napi::{Env, sys};

use crate::facts::{Arguments, Buffers, CallFacts};
use crate::shared::{self, Shared};

/// A policy, and how many bytes of it JavaScript's garbage collector was told about. Each thread that
/// a policy is shared with has one: whichever collects last is what frees the memory.
struct Held {
    policy: Arc<Policy>,
    bytes: i64,
}

/// The functions of one policy.
pub(crate) struct Functions<'env> {
    pub(crate) decide: Unknown<'env>,
    pub(crate) edits: Unknown<'env>,
    pub(crate) line: Unknown<'env>,
    pub(crate) rule_name: Unknown<'env>,
    pub(crate) escaped_origin: Unknown<'env>,
    pub(crate) s3_answer: Unknown<'env>,
    pub(crate) allows_origin: Unknown<'env>,
    pub(crate) document: Unknown<'env>,
    pub(crate) s3_xml: Unknown<'env>,
    pub(crate) share: Unknown<'env>,
}

impl<'env> Functions<'env> {
    pub(crate) fn new(env: &'env Env, policy: Arc<Policy>) -> Result<Self> {
        let bytes = i64::try_from(policy.heap_bytes()).unwrap_or(i64::MAX);
        let held = Arc::new(Held { policy, bytes });
        adjust_external_memory(env.raw(), bytes);
        let functions = Functions::of(env, &held);
        give_back(env.raw(), held);
        functions
    }

    fn of(env: &'env Env, held: &Arc<Held>) -> Result<Self> {
        Ok(Functions {
            decide: function(env, held, c"decide", decide)?,
            edits: function(env, held, c"edits", edits)?,
            line: function(env, held, c"line", line)?,
            rule_name: function(env, held, c"ruleName", rule_name)?,
            escaped_origin: function(env, held, c"escapedOrigin", escaped_origin)?,
            s3_answer: function(env, held, c"s3Answer", s3_answer)?,
            allows_origin: function(env, held, c"allowsOrigin", allows_origin)?,
            document: function(env, held, c"document", document)?,
            s3_xml: function(env, held, c"s3Xml", s3_xml)?,
            share: function(env, held, c"share", share)?,
        })
    }
}

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

fn function<'env>(
    env: &'env Env,
    held: &Arc<Held>,
    name: &std::ffi::CStr,
    callback: Callback,
) -> Result<Unknown<'env>> {
    let data = Arc::into_raw(Arc::clone(held)).cast_mut().cast::<c_void>();
    let mut function = ptr::null_mut();
    let name_len = name.count_bytes().cast_signed();
    // SAFETY: `env` is the one of the running call; the name is read during the call.
    let status = unsafe {
        sys::napi_create_function(env.raw(), name.as_ptr(), name_len, Some(callback), data, &raw mut function)
    };
    if status != sys::Status::napi_ok {
        // SAFETY: `data` came from `Arc::into_raw` and no function has it.
        drop(unsafe { Arc::from_raw(data.cast_const().cast::<Held>()) });
        return Err(Error::new(Status::from(status), "no function could be made for the policy"));
    }
    // SAFETY: as above; `release` takes exactly what `data` is.
    let status = unsafe {
        sys::napi_add_finalizer(env.raw(), function, data, Some(release), ptr::null_mut(), ptr::null_mut())
    };
    if status != sys::Status::napi_ok {
        // The function exists and nobody can say for how long, so the policy must stay.
        return Err(Error::new(Status::from(status), "no finalizer could be added to the policy"));
    }
    // SAFETY: the value was just made in this scope.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), function) })
}

/// Gives back the reference of a function that was collected.
unsafe extern "C" fn release(env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `function` added this finalizer once, with what `Arc::into_raw` gave.
    give_back(env, unsafe { Arc::from_raw(data.cast_const().cast::<Held>()) });
}

/// Drops one reference; with the last one the memory is free again.
fn give_back(env: sys::napi_env, held: Arc<Held>) {
    if let Some(last) = Arc::into_inner(held) {
        adjust_external_memory(env, -last.bytes);
    }
}

/// Tells the garbage collector about memory it cannot see, so that it runs before that piles up.
fn adjust_external_memory(env: sys::napi_env, change: i64) {
    let mut total = 0;
    // SAFETY: `env` is alive: it is the one of a running call or of a finalizer. That it fails is
    // no reason to: it is advice to the collector.
    unsafe { sys::napi_adjust_external_memory(env, change, &raw mut total) };
}

/// Runs the body of a callback: with its policy and arguments, and whatever happens in it stays there.
///
/// # Safety
/// `env` and `info` are those of a callback that [`function`] made.
unsafe fn call<const N: usize, T>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Arc<Policy>, Arguments<N>) -> Option<T>,
) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "forced-panic")]
        forced::panic_if_asked();
        let mut arguments = [ptr::null_mut(); N];
        let mut count = N;
        let mut data = ptr::null_mut();
        // SAFETY: the caller promises both; there is room for `count` arguments, and missing ones
        // are filled with `undefined`.
        let status = unsafe {
            sys::napi_get_cb_info(
                env,
                info,
                &raw mut count,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
                &raw mut data,
            )
        };
        if status != sys::Status::napi_ok || data.is_null() {
            return None;
        }
        // SAFETY: `data` is the reference that the function holds, and the function is being called,
        // so it is not collected before the call ends.
        let held = unsafe { &*data.cast_const().cast::<Held>() };
        body(&held.policy, Arguments { values: arguments, count: count.min(N) })
    }))
    .ok()
    .flatten()
}

/// The value that a call made, if it went well.
fn made(status: sys::napi_status, value: sys::napi_value) -> Option<sys::napi_value> {
    (status == sys::Status::napi_ok).then_some(value)
}

/// `decide(...)`: the decision as one integer, see [`pack`]; 0 if there is none.
unsafe extern "C" fn decide(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let packed = |policy: &Arc<Policy>, arguments| {
        let mut buffers = Buffers::new();
        // SAFETY: these are the arguments of this call.
        let facts = unsafe { CallFacts::new(env, arguments, &mut buffers, policy) };
        let verdict = policy.decide(&facts);
        (!facts.failed()).then(|| pack(verdict))
    };
    // SAFETY: node-api passes the env and info of a function that `function` made.
    let packed = unsafe { call(env, info, packed) }.unwrap_or(0);
    let mut result = ptr::null_mut();
    // SAFETY: `env` is the one of this call.
    made(unsafe { sys::napi_create_uint32(env, packed, &raw mut result) }, result).unwrap_or(ptr::null_mut())
}

/// A verdict in 30 bits, which JavaScript engines keep in the value itself: reason (bits 0 to 7),
/// kind (8 and 9), rule plus one or 0 for none (10 to 17), index of the answer (18 to 29).
fn pack(verdict: Verdict) -> u32 {
    let rule = verdict.rule().map_or(0, |rule| rule.saturating_add(1));
    let answer = u32::try_from(verdict.answer().index()).unwrap_or(u32::MAX);
    let reason = verdict.reason().number();
    if reason >= 1 << 8 || rule >= 1 << 8 || answer >= 1 << 12 {
        // The limits keep all of them below; what does not fit must not be read as something else.
        return 0;
    }
    reason | (verdict.kind().number() << 8) | (rule << 10) | (answer << 18)
}

/// The integer for every request without `Origin`: the core promises those one verdict, whatever
/// else they hold ([`corsac::Kind::NotCors`]).
pub(crate) fn not_cors(policy: &Policy) -> u32 {
    pack(policy.decide(&Request::new("GET")))
}

/// Answers a call with something of the decision; `undefined` if there is none.
///
/// # Safety
/// As for [`call`].
unsafe fn decided(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    read: impl FnOnce(&Decision<'_>) -> Option<sys::napi_value>,
) -> sys::napi_value {
    let body = |policy: &Arc<Policy>, arguments| {
        let mut buffers = Buffers::new();
        // SAFETY: these are the arguments of this call.
        let facts = unsafe { CallFacts::new(env, arguments, &mut buffers, policy) };
        let result = read(&policy.evaluate(&facts));
        if facts.failed() { None } else { result }
    };
    // SAFETY: the caller promises both.
    unsafe { call(env, info, body) }.unwrap_or(ptr::null_mut())
}

/// `edits(...)`: the edits of the decision, for answers that echo.
unsafe extern "C" fn edits(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let edits = |decision: &Decision<'_>| {
        let list = array(env, 0)?;
        for (index, edit) in (0..).zip(decision.headers()) {
            let triple = array(env, 3)?;
            let parts = [edit.op.name().as_bytes(), edit.name().as_bytes(), edit.value];
            for (place, part) in (0..).zip(parts) {
                set(env, triple, place, latin1(env, part)?)?;
            }
            set(env, list, index, triple)?;
        }
        Some(list)
    };
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { decided(env, info, edits) }
}

/// `line(...)`: the decision as one line for a log.
unsafe extern "C" fn line(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let line = |decision: &Decision<'_>| utf8(env, &decision.to_string());
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { decided(env, info, line) }
}

/// `ruleName(...)`: the name of the rule that decided; `undefined` if it has none.
unsafe extern "C" fn rule_name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let name = |decision: &Decision<'_>| utf8(env, decision.rule_name()?);
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { decided(env, info, name) }
}

/// `escapedOrigin(...)`: the request's `Origin` as the line shows it; `undefined` if it has none.
unsafe extern "C" fn escaped_origin(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let origin = |decision: &Decision<'_>| utf8(env, &decision.escaped_origin()?);
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { decided(env, info, origin) }
}

/// `s3Answer(...)`: what S3 answers to the byte, as JSON.
unsafe extern "C" fn s3_answer(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let answer = |decision: &Decision<'_>| utf8(env, &decision.s3_json());
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { decided(env, info, answer) }
}

/// `allowsOrigin(origin, credentials)`.
unsafe extern "C" fn allows_origin(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let allowed = |policy: &Arc<Policy>, arguments: Arguments<2>| {
        let [origin, credentials] = arguments.values;
        let mut with_credentials = true;
        // SAFETY: both are of this call.
        let status = unsafe { sys::napi_get_value_bool(env, credentials, &raw mut with_credentials) };
        if status != sys::Status::napi_ok {
            return None;
        }
        let mut buffers = Buffers::new();
        // SAFETY: an origin is one of the facts, and an argument of this call.
        let facts = unsafe {
            let values = [origin; CallFacts::ARGUMENTS];
            CallFacts::new(env, Arguments { values, count: CallFacts::ARGUMENTS }, &mut buffers, policy)
        };
        let allowed = match facts.origin() {
            HeaderLine::One(origin) => policy.allows_origin(Some(origin), with_credentials),
            HeaderLine::Absent | HeaderLine::Several => false,
        };
        (!facts.failed()).then_some(allowed)
    };
    // SAFETY: node-api passes the env and info of a function that `function` made.
    let allowed = unsafe { call(env, info, allowed) }.unwrap_or(false);
    let mut result = ptr::null_mut();
    // SAFETY: `env` is the one of this call.
    made(unsafe { sys::napi_get_boolean(env, allowed, &raw mut result) }, result).unwrap_or(ptr::null_mut())
}

/// `document()`; `undefined` if it is longer than a string can be.
unsafe extern "C" fn document(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let document = |policy: &Arc<Policy>, _: Arguments<0>| utf8(env, &policy.document());
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { call(env, info, document) }.unwrap_or(ptr::null_mut())
}

/// `s3Xml()`: the configuration of a bucket as XML; `undefined` of any other policy.
unsafe extern "C" fn s3_xml(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let xml = |policy: &Arc<Policy>, _: Arguments<0>| {
        let dialect = policy.s3_options()?.dialect;
        utf8(env, &policy.s3_configuration()?.to_xml(dialect))
    };
    // SAFETY: node-api passes the env and info of a function that `function` made.
    unsafe { call(env, info, xml) }.unwrap_or(ptr::null_mut())
}

/// `share(id, style)`: the policy is held under the id until it is released. False if that failed.
unsafe extern "C" fn share(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let share = |policy: &Arc<Policy>, arguments: Arguments<2>| {
        let [id, style] = arguments.values;
        let mut bytes = [0_u8; 64];
        let (mut read, mut number) = (0, 0);
        // SAFETY: both values are of this call, and the buffer is as long as is said.
        let statuses = unsafe {
            [
                sys::napi_get_value_string_utf8(
                    env,
                    id,
                    bytes.as_mut_ptr().cast(),
                    bytes.len(),
                    &raw mut read,
                ),
                sys::napi_get_value_uint32(env, style, &raw mut number),
            ]
        };
        // A longer id is one that JavaScript does not make.
        if statuses != [sys::Status::napi_ok; 2] || read >= bytes.len() - 1 {
            return None;
        }
        let id = std::str::from_utf8(bytes.get(..read)?).ok()?;
        shared::share_policy(id.to_owned(), Shared { policy: Arc::clone(policy), style: number });
        Some(true)
    };
    // SAFETY: node-api passes the env and info of a function that `function` made.
    let shared = unsafe { call(env, info, share) }.unwrap_or(false);
    let mut result = ptr::null_mut();
    // SAFETY: `env` is the one of this call.
    made(unsafe { sys::napi_get_boolean(env, shared, &raw mut result) }, result).unwrap_or(ptr::null_mut())
}

/// Makes compiling and every function of a policy panic, for tests.
#[cfg(feature = "forced-panic")]
pub(crate) mod forced {
    use std::sync::atomic::{AtomicBool, Ordering};

    static FORCED: AtomicBool = AtomicBool::new(false);

    /// From now on, or no longer.
    pub(crate) fn force_panics(force: bool) {
        FORCED.store(force, Ordering::SeqCst);
    }

    #[allow(clippy::panic, reason = "what this feature is for")]
    pub(crate) fn panic_if_asked() {
        if FORCED.load(Ordering::SeqCst) {
            panic!("a test asked for this");
        }
    }
}

/// A new array.
fn array(env: sys::napi_env, len: usize) -> Option<sys::napi_value> {
    let mut result = ptr::null_mut();
    // SAFETY: `env` is the one of the running call.
    made(unsafe { sys::napi_create_array_with_length(env, len, &raw mut result) }, result)
}

/// A string.
fn utf8(env: sys::napi_env, text: &str) -> Option<sys::napi_value> {
    let mut result = ptr::null_mut();
    let len = text.len().cast_signed();
    // SAFETY: `env` is the one of the running call, and the text is read during it.
    let status = unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), len, &raw mut result) };
    made(status, result)
}

/// A string with one code unit per byte.
fn latin1(env: sys::napi_env, bytes: &[u8]) -> Option<sys::napi_value> {
    let mut result = ptr::null_mut();
    let len = bytes.len().cast_signed();
    // SAFETY: `env` is the one of the running call, and the bytes are read during it.
    let status = unsafe { sys::napi_create_string_latin1(env, bytes.as_ptr().cast(), len, &raw mut result) };
    made(status, result)
}

/// Sets an element of an array that was just made.
fn set(env: sys::napi_env, array: sys::napi_value, index: u32, value: sys::napi_value) -> Option<()> {
    // SAFETY: all of them are of the running call.
    made(unsafe { sys::napi_set_element(env, array, index, value) }, value).map(|_| ())
}
