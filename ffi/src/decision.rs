//! The answer to one request, in memory of the caller.

use corsac::{Answer, HeaderEdit, Op};
use libc::{c_char, c_void, size_t};

use crate::guard::guard;
use crate::memory::{lend, shared, zero};
use crate::policy::corsac_policy;
use crate::ready::{Ready, header};
use crate::request::{self, corsac_request};
use crate::types::{
    CORSAC_NO_RULE, CORSAC_STATUS_NULL_POINTER, CORSAC_STATUS_OK, CORSAC_STATUS_PANIC,
    CORSAC_STATUS_STRUCT_SIZE, corsac_header, corsac_status, corsac_str,
};

/// The answer to one request. Yours: on the stack, in a pool, or reused.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct corsac_decision {
    /// The size of this struct, as you compiled it.
    pub struct_size: size_t,
    /// One of CORSAC_KIND_*.
    pub kind: u32,
    /// One of CORSAC_ACTION_*.
    pub action: u32,
    /// The status to respond with; 0 where the application responds.
    pub status: u32,
    /// 1 if the request is allowed, else 0. A request that is not CORS is.
    pub allowed: u32,
    /// One of CORSAC_REASON_*: treat one that you don't know as refused.
    pub reason: u32,
    /// The index of the rule that decided, or CORSAC_NO_RULE.
    pub rule: u32,
    /// How many headers change: see corsac_decision_headers.
    pub headers_len: u32,
    /// CORSAC_FLAG_*, or-ed.
    pub flags: u32,
    /// The library's own.
    pub internal: [usize; 8],
}

/// The size that the struct had first, which never changes: what was compiled against any header
/// since is accepted. Fields that come later are written only if struct_size covers them.
const FIRST_SIZE: usize = 9 * size_of::<usize>() + 8 * 4;
const _: () = assert!(size_of::<corsac_decision>() == FIRST_SIZE);

/// What [`corsac_decision::internal`] holds, by index.
const REQUEST: usize = 0;
const READY: usize = 1;
const POLICY: usize = 2;

impl corsac_decision {
    /// No decision: it grants nothing.
    const NONE: corsac_decision = corsac_decision {
        struct_size: 0,
        kind: 0,
        action: 0,
        status: 0,
        allowed: 0,
        reason: 0,
        rule: CORSAC_NO_RULE,
        headers_len: 0,
        flags: 0,
        internal: [0; 8],
    };
}

/// Begins a decision that grants nothing; corsac_decision_start passes the size.
///
/// size is sizeof(corsac_decision). Once is enough for any number of decisions in the same memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_init(decision: *mut c_void, size: size_t) {
    let decision: *mut corsac_decision = decision.cast();
    // Nothing here can panic, so there is nothing to guard.
    if !decision.is_null() && size >= size_of::<size_t>() {
        // SAFETY: the caller promised `size` bytes (rule 3).
        unsafe {
            (*decision).struct_size = size;
            grant_nothing(decision);
        }
    }
}

/// Makes a decision grant nothing, as far as its size reaches.
///
/// # Safety
/// The pointer is NULL or points to a struct of `struct_size` bytes.
#[cold]
unsafe fn grant_nothing(decision: *mut corsac_decision) {
    if decision.is_null() {
        return;
    }
    // SAFETY: promised by the caller; what is written lies within the size.
    unsafe {
        let size = (*decision).struct_size;
        if size >= FIRST_SIZE {
            decision.write(corsac_decision { struct_size: size, ..corsac_decision::NONE });
        } else {
            zero(decision, size_of::<size_t>(), size);
        }
    }
}

/// Decides a request by a policy. On any status but CORSAC_STATUS_OK the decision grants nothing: remove
/// CORSAC_FOREIGN_HEADERS from the response, and answer OPTIONS requests 500.
///
/// Neither allocates nor locks; takes time linear in the facts, however many origins there are. The
/// decision borrows the policy and the request, and is to be used while both live unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_evaluate(
    policy: *const corsac_policy,
    request: *const corsac_request,
    decision: *mut corsac_decision,
) -> corsac_status {
    // SAFETY: the caller promised live structs and a live handle, or NULL (rules 1 and 3).
    let status = guard(CORSAC_STATUS_PANIC, || match unsafe { evaluate(policy, request, decision) } {
        Ok(()) => CORSAC_STATUS_OK,
        Err(status) => status,
    });
    if status != CORSAC_STATUS_OK {
        // SAFETY: as above.
        unsafe { grant_nothing(decision) };
    }
    status
}

/// # Safety
/// As for [`corsac_policy_evaluate`].
#[inline]
unsafe fn evaluate(
    policy: *const corsac_policy,
    request: *const corsac_request,
    decision: *mut corsac_decision,
) -> Result<(), corsac_status> {
    if decision.is_null() {
        return Err(CORSAC_STATUS_NULL_POINTER);
    }
    // SAFETY: the caller promised a struct, which begins with its size whatever the size is.
    let struct_size = unsafe { (*decision).struct_size };
    if struct_size < FIRST_SIZE {
        return Err(CORSAC_STATUS_STRUCT_SIZE);
    }
    // SAFETY: promised by the caller.
    let (handle, request) = unsafe { (shared(policy)?, request::read(request)?) };
    if request.status != CORSAC_STATUS_OK {
        return Err(request.status);
    }
    let verdict = handle.policy.decide(request);
    let Some(ready) = handle.ready.get(verdict.answer().index()) else { return Err(CORSAC_STATUS_PANIC) };
    let headers_len = match &ready.echoes {
        None => ready.headers().len(),
        Some(answer) => echoed_len(answer, request),
    };
    // SAFETY: the caller promised a struct of `struct_size` bytes, which are enough.
    unsafe {
        (*decision).kind = verdict.kind_number();
        (*decision).action = ready.action;
        (*decision).status = ready.status;
        (*decision).allowed = verdict.allowed().into();
        (*decision).reason = verdict.reason_number();
        (*decision).rule = verdict.rule().unwrap_or(CORSAC_NO_RULE);
        // At most CORSAC_MAX_HEADERS.
        (*decision).headers_len = headers_len as u32;
        (*decision).flags = ready.flags;
        (*decision).internal[REQUEST] = std::ptr::from_ref(request).expose_provenance();
        (*decision).internal[READY] = std::ptr::from_ref(ready).expose_provenance();
        (*decision).internal[POLICY] = policy.expose_provenance();
    }
    Ok(())
}

/// Out of line, so that other requests need not save registers for it.
#[cold]
#[inline(never)]
fn echoed_len(answer: &Answer, request: &corsac_request) -> usize {
    echoed(answer, request).count()
}

/// The headers of an answer that sends parts of the request back.
fn echoed<'a>(answer: &'a Answer, request: &'a corsac_request) -> impl Iterator<Item = HeaderEdit<'a>> {
    answer.fill(request).filter(|edit| edit.op != Op::Remove)
}

/// Writes the headers of a decision, at most cap, in the order in which they apply, and returns how
/// many there are: headers_len, at most CORSAC_MAX_HEADERS. Applying them twice changes nothing.
///
/// Apply them to every final response, errors, redirects, HEAD and 304 included, never to 1xx. The
/// strings borrow from the library, the policy and the request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_headers(
    decision: *const corsac_decision,
    out: *mut corsac_header,
    cap: size_t,
) -> size_t {
    // SAFETY: the caller promised a live struct or NULL, and memory for `cap` headers (rules 3 and 4).
    guard(0, || unsafe { headers(decision, out, cap) })
}

/// # Safety
/// As for [`corsac_decision_headers`].
#[inline]
unsafe fn headers(decision: *const corsac_decision, out: *mut corsac_header, cap: size_t) -> size_t {
    // SAFETY: the caller promised a struct, which begins with its size whatever the size is.
    if decision.is_null() || unsafe { (*decision).struct_size } < FIRST_SIZE {
        return 0;
    }
    // SAFETY: the caller promised as many bytes.
    let decision = unsafe { &*decision };
    let [request, ready, ..] = decision.internal;
    // SAFETY: evaluating stored both, and the caller promised that the policy, whose part one of them is,
    // and the request outlive the decision (rule 3).
    let (ready, request) = unsafe {
        let ready = shared(std::ptr::with_exposed_provenance::<Ready>(ready));
        (ready, request::read(std::ptr::with_exposed_provenance(request)))
    };
    let (Ok(ready), Ok(request)) = (ready, request) else { return 0 };
    let cap = if out.is_null() { 0 } else { cap };
    if let Some(answer) = &ready.echoes {
        // SAFETY: the caller promised memory for `cap` headers.
        return unsafe { write_echoed(answer, request, out, cap) };
    }
    let headers = ready.headers();
    for (index, ready_made) in headers.iter().take(cap).enumerate() {
        let mut header = *ready_made;
        if header.value.data.is_null() {
            header.value = request.origin;
        }
        // SAFETY: the caller promised memory for `cap` headers, which is not the policy's.
        unsafe { out.add(index).write(header) };
    }
    headers.len()
}

/// # Safety
/// `out` has memory for `cap` headers.
#[cold]
#[inline(never)]
unsafe fn write_echoed(
    answer: &Answer,
    request: &corsac_request,
    out: *mut corsac_header,
    cap: size_t,
) -> size_t {
    let mut len = 0;
    for edit in echoed(answer, request) {
        if len < cap {
            // SAFETY: promised by the caller.
            unsafe { out.add(len).write(header(edit.op, edit.header.name(), lend(edit.value))) };
        }
        len += 1;
    }
    len
}

/// The policy and the request of a decision.
///
/// # Safety
/// As for [`corsac_decision_headers`].
pub(crate) unsafe fn parts<'a>(
    decision: *const corsac_decision,
) -> Result<(&'a corsac_policy, &'a corsac_request), corsac_status> {
    // SAFETY: the caller promised a struct or NULL, which begins with its size whatever the size is.
    if decision.is_null() || unsafe { (*decision).struct_size } < FIRST_SIZE {
        return Err(CORSAC_STATUS_STRUCT_SIZE);
    }
    // SAFETY: the caller promised as many bytes; evaluating stored both pointers, and what they lead to outlives
    // the decision (rule 3).
    unsafe {
        let internal = (*decision).internal;
        let policy = shared(std::ptr::with_exposed_provenance(internal[POLICY]))?;
        Ok((policy, request::read(std::ptr::with_exposed_provenance(internal[REQUEST]))?))
    }
}

/// The name of the rule that decided; data is NULL if no rule did, or it has no name.
///
/// The string borrows from the policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_rule_name(decision: *const corsac_decision) -> corsac_str {
    guard(corsac_str::NONE, || {
        // SAFETY: the caller promised a decision, or NULL (rules 3 and 4).
        let Ok((policy, request)) = (unsafe { parts(decision) }) else { return corsac_str::NONE };
        policy.policy.evaluate(request).rule_name().map_or(corsac_str::NONE, |name| lend(name.as_bytes()))
    })
}

/// Writes a decision as one line for a log, escaped and capped whatever the request holds: at most cap bytes,
/// the last of them NUL. Returns the length of the whole line, which is below CORSAC_MAX_LINE, without the NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_format(
    decision: *const corsac_decision,
    out: *mut c_char,
    cap: size_t,
) -> size_t {
    guard(0, || {
        // SAFETY: the caller promised a decision, or NULL (rules 3 and 4).
        let line = match unsafe { parts(decision) } {
            Ok((policy, request)) => policy.policy.evaluate(request).to_string(),
            Err(_) => "no decision".to_owned(),
        };
        let len = line.len().min(cap.saturating_sub(1));
        if !out.is_null() && cap > 0 {
            // SAFETY: the caller promised memory for `cap` bytes, and `len` is below.
            unsafe {
                out.cast::<u8>().copy_from_nonoverlapping(line.as_ptr(), len);
                out.cast::<u8>().add(len).write(0);
            }
        }
        line.len()
    })
}
