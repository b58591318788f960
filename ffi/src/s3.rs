//! The CORS configuration of an S3 bucket, and the bytes in which S3 answers.

use std::borrow::Cow;

use corsac::s3::{BodyOptions, ResourceType, S3Error, S3Options};
use corsac::{BuildError, Decision, Policy};

use crate::decision::{corsac_decision, parts};
use crate::errors::corsac_error;
use crate::guard::guard;
use crate::memory::{bytes, lend, put, shared};
use crate::policy::{corsac_policy, corsac_text, deliver};
use crate::request::{self, corsac_request};
use crate::types::{
    CORSAC_S3_BAD_DIGEST, CORSAC_S3_BUCKET_MISSING, CORSAC_S3_CORS_NOT_ENABLED, CORSAC_S3_NO_CONFIGURATION,
    CORSAC_STATUS_CONFIG, CORSAC_STATUS_NULL_POINTER, CORSAC_STATUS_OK, CORSAC_STATUS_PANIC, corsac_status,
    corsac_str,
};

/// Reads the CORS configuration of an S3 bucket: a CORSConfiguration in XML, or one of the JSON forms of
/// AWS. dialect is zenko, as is the empty string, or aws. Without strict, the Vary that S3 forgets is sent
/// and the grammar of Origin is checked first. policy gets the policy, yours to free, or NULL; error gets
/// the first problem in the order of S3, yours to free, or NULL: see corsac_error_s3_code.
///
/// Such a policy answers every OPTIONS, as S3 does. Returns CORSAC_STATUS_CONFIG if S3 refuses the
/// configuration, or dialect is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_from_s3(
    text: corsac_str,
    dialect: corsac_str,
    strict: bool,
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
        // SAFETY: the caller promised that the strings can be read during the call (rule 3).
        match unsafe { (bytes(text), bytes(dialect)) } {
            (Ok(text), Ok(dialect)) => {
                let built = options(dialect, strict).and_then(|options| Policy::from_s3(text, options));
                // SAFETY: as for the out-parameters above.
                unsafe { deliver(built, policy, error) }
            }
            (Err(status), _) | (_, Err(status)) => status,
        }
    })
}

fn options(dialect: &[u8], strict: bool) -> Result<S3Options, BuildError> {
    let default = S3Options { strict, ..S3Options::default() };
    if dialect.is_empty() { Ok(default) } else { S3Options::new(dialect, strict) }
}

/// Makes a text, yours to free, of what is found; leaves NULL where there is nothing.
///
/// # Safety
/// As for [`put`].
unsafe fn give(
    text: *mut *mut corsac_text,
    find: impl FnOnce() -> Result<Option<Vec<u8>>, corsac_status>,
) -> corsac_status {
    // SAFETY: promised by the caller.
    let wanted = unsafe { put(text, std::ptr::null_mut()) };
    guard(CORSAC_STATUS_PANIC, || match find() {
        Err(status) => status,
        Ok(_) if !wanted => CORSAC_STATUS_NULL_POINTER,
        Ok(None) => CORSAC_STATUS_OK,
        Ok(Some(found)) => {
            // SAFETY: promised by the caller.
            unsafe { put(text, Box::into_raw(Box::new(corsac_text::of(found)))) };
            CORSAC_STATUS_OK
        }
    })
}

/// What the body of an error says beside the error.
///
/// # Safety
/// As for [`bytes`].
unsafe fn with_options(
    is_bucket: bool,
    request_id: corsac_str,
    host_id: corsac_str,
    body: impl FnOnce(BodyOptions<'_>) -> Option<String>,
) -> Result<Option<Vec<u8>>, corsac_status> {
    // SAFETY: promised by the caller.
    let (request_id, host_id) = unsafe { (bytes(request_id)?, bytes(host_id)?) };
    let (request_id, host_id) = (String::from_utf8_lossy(request_id), String::from_utf8_lossy(host_id));
    let resource_type = ResourceType::new(is_bucket);
    let options = BodyOptions { resource_type, request_id: &request_id, host_id: &host_id };
    Ok(body(options).map(String::into_bytes))
}

/// The S3 error code that refuses a configuration, such as MalformedXML; data is NULL if no rule of S3
/// refused it. The string lives as long as the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_s3_code(error: *const corsac_error) -> corsac_str {
    guard(corsac_str::NONE, || {
        // SAFETY: the caller promised a live handle or NULL (rule 1).
        let error = unsafe { shared(error) }.ok().and_then(|error| error.s3.as_deref());
        error.map_or(corsac_str::NONE, |error| lend(error.code().as_bytes()))
    })
}

/// The body in which S3 refuses a configuration, with status 400, into body, yours to free: XML. NULL if no
/// rule of S3 refused it. Zenko tells no host_id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_s3_body(
    error: *const corsac_error,
    request_id: corsac_str,
    host_id: corsac_str,
    body: *mut *mut corsac_text,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameter, a live handle or NULL, and readable bytes
    // (rules 4, 1 and 3).
    unsafe {
        give(body, || {
            let error = shared(error)?;
            with_options(true, request_id, host_id, |options| {
                error.s3.as_deref().map(|error| error.body(options))
            })
        })
    }
}

/// The configuration of a policy that was read by corsac_policy_from_s3, as XML, into text, yours to free.
/// NULL for any other policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_policy_s3_xml(
    policy: *const corsac_policy,
    text: *mut *mut corsac_text,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameter, and a live handle or NULL (rules 4 and 1).
    unsafe {
        give(text, || {
            let policy = &shared(policy)?.policy;
            let found = policy.s3_configuration().zip(policy.s3_options());
            Ok(found.map(|(configuration, options)| configuration.to_xml(options.dialect).into_bytes()))
        })
    }
}

/// The S3 error code of a preflight that S3 rules refused, such as AccessForbidden; data is NULL for any other
/// decision. Never freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_s3_code(decision: *const corsac_decision) -> corsac_str {
    guard(corsac_str::NONE, || {
        // SAFETY: the caller promised a decision, or NULL (rules 3 and 4).
        let Ok(decision) = (unsafe { again(decision) }) else { return corsac_str::NONE };
        decision.s3_error().map_or(corsac_str::NONE, |error| code_of(&error))
    })
}

/// The body in which S3 refuses a preflight, to be sent with the decision's status, into body, yours to free:
/// XML. NULL for any other decision. AWS tells whether the request was about a bucket or an object, and host_id.
/// Allocates: for hosts that answer as S3 does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_s3_body(
    decision: *const corsac_decision,
    is_bucket: bool,
    request_id: corsac_str,
    host_id: corsac_str,
    body: *mut *mut corsac_text,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameter, a decision or NULL, and readable bytes
    // (rules 4 and 3).
    unsafe {
        give(body, || {
            let decision = again(decision)?;
            with_options(is_bucket, request_id, host_id, |options| {
                decision.s3_error().map(|error| error.body(options))
            })
        })
    }
}

/// The CORS headers of a decision as S3 spells and orders them, each as name, colon, space, value, CR and LF,
/// into lines, yours to free. Empty where S3 sends none. Allocates: for hosts that answer as S3 does to the
/// byte; others use corsac_decision_headers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_decision_s3_headers(
    decision: *const corsac_decision,
    lines: *mut *mut corsac_text,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameter, and a decision or NULL (rules 4 and 3).
    unsafe {
        give(lines, || {
            let headers = again(decision)?.s3_headers();
            let lines = headers
                .into_iter()
                .flat_map(|(name, value)| [name.as_bytes(), b": ", &value, b"\r\n"].concat());
            Ok(Some(lines.collect()))
        })
    }
}

/// What S3 answers about a bucket and not by its rules: which is one of CORSAC_S3_*. request is the one that is
/// answered; of CORSAC_S3_NO_CONFIGURATION and CORSAC_S3_BAD_DIGEST it may be NULL. dialect is zenko, as is the empty
/// string, or aws. Into http_status, into code, such as NoSuchBucket, never freed, and into body, yours to free: XML.
/// AWS tells whether the request was about a bucket or an object, and host_id. Allocates.
///
/// Returns CORSAC_STATUS_CONFIG if there is no such dialect, or nothing of that number.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn corsac_s3_error(
    which: u32,
    dialect: corsac_str,
    request: *const corsac_request,
    is_bucket: bool,
    request_id: corsac_str,
    host_id: corsac_str,
    http_status: *mut u32,
    code: *mut corsac_str,
    body: *mut *mut corsac_text,
) -> corsac_status {
    // SAFETY: the caller promised memory for the out-parameters, or NULL; a live request or NULL; and readable
    // bytes (rules 4 and 3).
    unsafe {
        let wanted = put(http_status, 0) & put(code, corsac_str::NONE);
        give(body, || {
            let dialect = options(bytes(dialect)?, false).map_err(|_| CORSAC_STATUS_CONFIG)?.dialect;
            let error = match which {
                CORSAC_S3_BUCKET_MISSING => S3Error::bucket_missing(dialect, request::read(request)?),
                CORSAC_S3_CORS_NOT_ENABLED => S3Error::cors_not_enabled(dialect, request::read(request)?),
                CORSAC_S3_NO_CONFIGURATION => S3Error::no_configuration(dialect),
                CORSAC_S3_BAD_DIGEST => S3Error::bad_digest(dialect),
                _ => return Err(CORSAC_STATUS_CONFIG),
            };
            if !wanted || body.is_null() {
                return Err(CORSAC_STATUS_NULL_POINTER);
            }
            let found = with_options(is_bucket, request_id, host_id, |options| Some(error.body(options)))?;
            put(http_status, u32::from(error.status()));
            put(code, code_of(&error));
            Ok(found)
        })
    }
}

/// The code, which is never freed.
fn code_of(error: &S3Error) -> corsac_str {
    match error.code() {
        Cow::Borrowed(code) => lend(code.as_bytes()),
        Cow::Owned(_) => corsac_str::NONE,
    }
}

/// The decision, made once more.
///
/// # Safety
/// As for [`parts`].
unsafe fn again<'a>(decision: *const corsac_decision) -> Result<Decision<'a>, corsac_status> {
    // SAFETY: promised by the caller.
    let (policy, request) = unsafe { parts(decision) }?;
    Ok(policy.policy.evaluate(request))
}
