//! A policy while it is configured by calls, as a handle.

use corsac::{Policy, PolicyBuilder};

use crate::errors::corsac_error;
use crate::guard::guard;
use crate::memory::{bytes, exclusive, put, shared};
use crate::policy::{corsac_policy, deliver};
use crate::types::{
    CORSAC_STATUS_NULL_POINTER, CORSAC_STATUS_OK, CORSAC_STATUS_PANIC, corsac_status, corsac_str,
};

/// A policy being configured.
#[derive(Debug)]
pub struct corsac_builder {
    builder: PolicyBuilder,
    /// The first thing that went wrong with a call, which building reports.
    status: corsac_status,
}

/// Runs a setter. What goes wrong with the call itself comes out of building, since setters cannot fail.
///
/// # Safety
/// As for [`exclusive`].
unsafe fn set(
    builder: *mut corsac_builder,
    setter: impl FnOnce(&mut PolicyBuilder) -> Result<(), corsac_status>,
) {
    let set = || {
        // SAFETY: promised by the caller.
        unsafe { exclusive(builder) }.and_then(|builder| setter(&mut builder.builder))
    };
    if let Err(status) = guard(Err(CORSAC_STATUS_PANIC), set) {
        // SAFETY: promised by the caller; the borrow above is over.
        if let Ok(builder) = unsafe { exclusive(builder) }
            && builder.status == CORSAC_STATUS_OK
        {
            builder.status = status;
        }
    }
}

/// Runs a setter that takes a string.
///
/// # Safety
/// As for [`exclusive`] and [`bytes`].
unsafe fn add<'v>(
    builder: *mut corsac_builder,
    value: corsac_str,
    setter: impl for<'b> FnOnce(&'b mut PolicyBuilder, &'v [u8]) -> &'b mut PolicyBuilder,
) {
    // SAFETY: promised by the caller.
    unsafe {
        set(builder, |builder| {
            setter(builder, bytes(value)?);
            Ok(())
        });
    }
}

/// A builder without any value, yours to free. NULL only if the library is defective.
///
/// Setters take values in any order and cannot fail: corsac_builder_build tells every problem.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_builder_new() -> *mut corsac_builder {
    guard(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(corsac_builder { builder: Policy::builder(), status: CORSAC_STATUS_OK }))
    })
}

/// Who may read responses: an origin, a pattern such as https://*.example.com, or * for everyone.
/// Call it again for the next.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_allow_origin(builder: *mut corsac_builder, origin: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, origin, PolicyBuilder::allow_origin) }
}

/// A method beyond GET, HEAD and POST, which are always allowed; * for every method.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_allow_method(builder: *mut corsac_builder, method: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, method, PolicyBuilder::allow_method) }
}

/// A request header beyond the safelisted ones; * for every header, authorization too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_allow_header(builder: *mut corsac_builder, name: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, name, PolicyBuilder::allow_header) }
}

/// A response header that scripts may read; * for every header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_expose_header(builder: *mut corsac_builder, name: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, name, PolicyBuilder::expose_header) }
}

/// Whether cookies, TLS client certificates and HTTP authentication may be sent. Not unless asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_allow_credentials(builder: *mut corsac_builder, allow: bool) {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe {
        set(builder, |builder| {
            builder.allow_credentials(allow);
            Ok(())
        });
    }
}

/// How long a browser may keep the answer to a preflight, in seconds, 0 to 86400. Without it
/// browsers keep it for 5 seconds; 0 turns their cache off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_max_age(builder: *mut corsac_builder, seconds: i64) {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe {
        set(builder, |builder| {
            builder.max_age(seconds);
            Ok(())
        });
    }
}

/// Who may see the timing of responses (Timing-Allow-Origin): true for those who may read them, * for
/// everyone, false, the default, for nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_timing_allow_origin(builder: *mut corsac_builder, value: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, value, PolicyBuilder::timing_allow_origin) }
}

/// Takes responsibility for what is refused otherwise: insecure-origins, public-suffixes, null-origin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_dangerously_allow(builder: *mut corsac_builder, danger: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, danger, PolicyBuilder::dangerously_allow) }
}

/// The name of the rule, for people and logs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_name(builder: *mut corsac_builder, name: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, name, PolicyBuilder::name) }
}

/// The description of the rule, for people.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_description(builder: *mut corsac_builder, text: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, text, PolicyBuilder::description) }
}

/// What becomes of refused requests that are no preflights: forward, the default, or forbid, which
/// answers 403.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_refused_requests(builder: *mut corsac_builder, value: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, value, PolicyBuilder::refused_requests) }
}

/// One of the server's own origins, where Host does not tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_own_origin(builder: *mut corsac_builder, origin: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, origin, PolicyBuilder::own_origin) }
}

/// What becomes of CORS headers that the application sets: remove, the default, or keep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_foreign_headers(builder: *mut corsac_builder, value: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, value, PolicyBuilder::foreign_headers) }
}

/// An origin that a rule has to match, or nothing is built.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_expect_allow(builder: *mut corsac_builder, origin: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, origin, PolicyBuilder::expect_allow) }
}

/// An origin that no rule may match, or nothing is built.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_expect_refuse(builder: *mut corsac_builder, origin: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, origin, PolicyBuilder::expect_refuse) }
}

/// The code of a warning that is known and not to be reported again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_acknowledge(builder: *mut corsac_builder, code: corsac_str) {
    // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
    unsafe { add(builder, code, PolicyBuilder::acknowledge) }
}

/// The status of an answered preflight: 204, the default, or 200.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_preflight_status(builder: *mut corsac_builder, status: i64) {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe {
        set(builder, |builder| {
            builder.preflight_status(status);
            Ok(())
        });
    }
}

/// Begins the next rule: what is set from here on is its own, but for what belongs to the whole policy. The
/// first rule that matches an origin decides alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_next_rule(builder: *mut corsac_builder) {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe {
        set(builder, |builder| {
            builder.next_rule();
            Ok(())
        });
    }
}

/// Builds a policy from the values so far; the builder can be used further. policy gets the policy,
/// yours to free, or NULL; error gets every problem of every value, yours to free, or NULL.
///
/// Returns CORSAC_STATUS_CONFIG if there are problems, and what was wrong with an earlier call, such as
/// CORSAC_STATUS_NULL_POINTER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_build(
    builder: *const corsac_builder,
    policy: *mut *const corsac_policy,
    error: *mut *mut corsac_error,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameters, or NULL (rule 4).
    let wanted = unsafe {
        put(error, std::ptr::null_mut());
        put(policy, std::ptr::null())
    };
    guard(CORSAC_STATUS_PANIC, || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        let Ok(builder) = (unsafe { shared(builder) }) else { return CORSAC_STATUS_NULL_POINTER };
        if !wanted {
            return CORSAC_STATUS_NULL_POINTER;
        }
        if builder.status != CORSAC_STATUS_OK {
            return builder.status;
        }
        // SAFETY: as for the out-parameters above.
        unsafe { deliver(builder.builder.build(), policy, error) }
    })
}

/// Frees a builder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_builder_free(builder: *mut corsac_builder) {
    guard((), || {
        if !builder.is_null() {
            // SAFETY: the caller promised a handle that this library gave, and to free it once (rule 1).
            drop(unsafe { Box::from_raw(builder) });
        }
    });
}
