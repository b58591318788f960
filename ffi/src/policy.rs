//! Policies and their texts, as handles.

use std::sync::Arc;

use corsac::Policy;
use libc::{c_char, size_t};

use crate::errors::corsac_error;
use crate::guard::guard;
use crate::memory::{bytes, put, shared};
use crate::ready::Ready;
use crate::types::{
    CORSAC_STATUS_CONFIG, CORSAC_STATUS_NULL_POINTER, CORSAC_STATUS_OK, CORSAC_STATUS_PANIC, corsac_status,
    corsac_str,
};

/// A compiled policy. Immutable, so always const; counted, so that every owner has a reference.
#[derive(Debug)]
pub struct corsac_policy {
    pub(crate) policy: Policy,
    pub(crate) ready: Box<[Ready]>,
}

impl corsac_policy {
    fn new(policy: Policy) -> Self {
        corsac_policy { ready: Ready::all(&policy), policy }
    }
}

/// A text that you own.
#[derive(Debug)]
pub struct corsac_text {
    /// With a final NUL.
    text: Box<[u8]>,
}

impl corsac_text {
    pub(crate) fn of(mut text: Vec<u8>) -> Self {
        text.push(0);
        corsac_text { text: text.into() }
    }
}

// A const handle may be used by any number of threads at once (rule 2).
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<corsac_policy>();
    shared_between_threads::<corsac_text>();
    shared_between_threads::<corsac_error>();
    shared_between_threads::<crate::builder::corsac_builder>();
};

/// What building gave, as status and out-parameters.
///
/// # Safety
/// As for [`put`]. Both out-parameters hold NULL.
pub(crate) unsafe fn deliver(
    built: Result<Policy, corsac::BuildError>,
    policy_out: *mut *const corsac_policy,
    error_out: *mut *mut corsac_error,
) -> corsac_status {
    match built {
        Ok(policy) => {
            let policy = Arc::into_raw(Arc::new(corsac_policy::new(policy)));
            // SAFETY: promised by the caller.
            unsafe { put(policy_out, policy) };
            CORSAC_STATUS_OK
        }
        Err(error) => {
            if !error_out.is_null() {
                let error = Box::into_raw(Box::new(corsac_error::of(error)));
                // SAFETY: promised by the caller.
                unsafe { put(error_out, error) };
            }
            CORSAC_STATUS_CONFIG
        }
    }
}

/// Reads a policy document: one JSON object in UTF-8. policy gets the policy, yours to free, or
/// NULL; error gets every problem at once, each with line and column and yours to free, or NULL.
///
/// Costs time linear in the text. Returns CORSAC_STATUS_CONFIG if the document has problems.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_from_json(
    document: corsac_str,
    policy: *mut *const corsac_policy,
    error: *mut *mut corsac_error,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameters, or NULL (rule 4).
    let wanted = unsafe {
        put(error, std::ptr::null_mut());
        put(policy, std::ptr::null())
    };
    guard(CORSAC_STATUS_PANIC, || {
        if !wanted {
            return CORSAC_STATUS_NULL_POINTER;
        }
        // SAFETY: the caller promised that the document can be read during the call (rule 3).
        match unsafe { bytes(document) } {
            // SAFETY: as for the out-parameters above.
            Ok(document) => unsafe { deliver(Policy::from_json(document), policy, error) },
            Err(status) => status,
        }
    })
}

/// Another reference to the same policy, for another owner. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_clone(policy: *const corsac_policy) -> *const corsac_policy {
    guard(std::ptr::null(), || {
        if !policy.is_null() {
            // SAFETY: the caller promised a live handle (rule 1), which came from an Arc.
            unsafe { Arc::increment_strong_count(policy) };
        }
        policy
    })
}

/// Ends your reference. The policy goes with the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_free(policy: *const corsac_policy) {
    guard((), || {
        if !policy.is_null() {
            // SAFETY: the caller promised a handle that this library gave, and to free it once (rule 1).
            unsafe { Arc::decrement_strong_count(policy) };
        }
    });
}

/// Whether an origin may read responses: for WebSocket handshakes and CSRF checks. With
/// credentials, which is right whenever cookies decide who somebody is, only if the policy allows
/// them. False for an origin that is absent, empty or malformed, even where everybody may read: a
/// handshake carries cookies whatever the policy says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_allows_origin(
    policy: *const corsac_policy,
    origin: corsac_str,
    credentials: bool,
) -> bool {
    guard(false, || {
        // SAFETY: the caller promised a live handle or NULL (rule 1), and readable bytes (rule 3).
        match unsafe { (shared(policy), bytes(origin)) } {
            (Ok(policy), Ok(origin)) => policy.policy.allows_origin(Some(origin), credentials),
            _ => false,
        }
    })
}

/// The canonical document of a policy, into text, yours to free: JSON without white space. A policy
/// made from it is equal and has the same text. Of a policy from corsac_policy_from_s3 the configuration in the
/// JSON of the AWS command line, which that function reads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_document(
    policy: *const corsac_policy,
    text: *mut *mut corsac_text,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameter, or NULL (rule 4).
    let wanted = unsafe { put(text, std::ptr::null_mut()) };
    guard(CORSAC_STATUS_PANIC, || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        let Ok(policy) = (unsafe { shared(policy) }) else { return CORSAC_STATUS_NULL_POINTER };
        if !wanted {
            return CORSAC_STATUS_NULL_POINTER;
        }
        let document = Box::into_raw(Box::new(corsac_text::of(policy.policy.document().into_bytes())));
        // SAFETY: as for the out-parameter above.
        unsafe { put(text, document) };
        CORSAC_STATUS_OK
    })
}

/// What is worth a look in the configuration of a policy but stopped nothing, into warnings, yours
/// to free. Of length 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_warnings(
    policy: *const corsac_policy,
    warnings: *mut *mut corsac_error,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameter, or NULL (rule 4).
    let wanted = unsafe { put(warnings, std::ptr::null_mut()) };
    guard(CORSAC_STATUS_PANIC, || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        let Ok(policy) = (unsafe { shared(policy) }) else { return CORSAC_STATUS_NULL_POINTER };
        if !wanted {
            return CORSAC_STATUS_NULL_POINTER;
        }
        let list = Box::into_raw(Box::new(corsac_error::of_warnings(&policy.policy)));
        // SAFETY: as for the out-parameter above.
        unsafe { put(warnings, list) };
        CORSAC_STATUS_OK
    })
}

/// The bytes of a text, which live as long as it, with a final NUL that is not counted. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_text_data(text: *const corsac_text) -> *const c_char {
    guard(std::ptr::null(), || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        unsafe { shared(text) }.map_or(std::ptr::null(), |text| text.text.as_ptr().cast())
    })
}

/// The number of bytes of a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_text_len(text: *const corsac_text) -> size_t {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    guard(0, || unsafe { shared(text) }.map_or(0, |text| text.text.len().saturating_sub(1)))
}

/// Frees a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_text_free(text: *mut corsac_text) {
    guard((), || {
        if !text.is_null() {
            // SAFETY: the caller promised a handle that this library gave, and to free it once (rule 1).
            drop(unsafe { Box::from_raw(text) });
        }
    });
}
