//! Problems of a configuration, as a handle.

use corsac::s3::S3Error;
use corsac::{BuildError, Policy, Problem};
use libc::size_t;

use crate::guard::guard;
use crate::memory::{lend, shared};
use crate::types::corsac_str;

/// The problems of a configuration, or the warnings of a policy, in the order of the document.
#[derive(Debug)]
pub struct corsac_error {
    problems: Box<[Problem]>,
    unreported: usize,
    /// How S3 refuses the configuration, if it does.
    pub(crate) s3: Option<Box<S3Error>>,
}

impl corsac_error {
    pub(crate) fn of(error: BuildError) -> Self {
        corsac_error {
            unreported: error.unreported(),
            s3: error.s3_error().cloned().map(Box::new),
            problems: error.into_problems().into(),
        }
    }

    pub(crate) fn of_warnings(policy: &Policy) -> Self {
        corsac_error {
            problems: policy.warnings().into(),
            unreported: policy.warnings_unreported(),
            s3: None,
        }
    }
}

/// Reads a part of one problem; nothing of a handle that is NULL or a problem that is none.
///
/// # Safety
/// As for [`shared`]; what is lent lives as long as the handle.
unsafe fn read<T>(
    error: *const corsac_error,
    index: size_t,
    nothing: T,
    part: impl FnOnce(&Problem) -> Option<T>,
) -> T
where
    T: Copy,
{
    guard(nothing, || {
        // SAFETY: the caller of the function promised a live handle or NULL (rule 1).
        let problem = unsafe { shared(error) }.ok().and_then(|error| error.problems.get(index));
        problem.and_then(part).unwrap_or(nothing)
    })
}

/// How many problems there are, at most 1,000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_len(error: *const corsac_error) -> size_t {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    guard(0, || unsafe { shared(error) }.map_or(0, |error| error.problems.len()))
}

/// How many further problems were counted but are not listed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_unreported(error: *const corsac_error) -> size_t {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    guard(0, || unsafe { shared(error) }.map_or(0, |error| error.unreported))
}

/// The stable name of a kind of problem, such as origin-with-trailing-slash. The strings of this
/// and the next functions live as long as the handle; beyond the last problem they are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_code(error: *const corsac_error, index: size_t) -> corsac_str {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe { read(error, index, corsac_str::NONE, |problem| Some(lend(problem.code.as_bytes()))) }
}

/// Where it is, such as allow_origins[3]; empty for the document as a whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_path(error: *const corsac_error, index: size_t) -> corsac_str {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe { read(error, index, corsac_str::NONE, |problem| Some(lend(problem.path.as_bytes()))) }
}

/// The offending value, a string as it is, anything else as JSON text; data is NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_value(error: *const corsac_error, index: size_t) -> corsac_str {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe {
        read(error, index, corsac_str::NONE, |problem| {
            problem.value.as_ref().map(|value| lend(value.as_bytes()))
        })
    }
}

/// One sentence: what is wrong and what to write instead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_message(error: *const corsac_error, index: size_t) -> corsac_str {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe { read(error, index, corsac_str::NONE, |problem| Some(lend(problem.message.as_bytes()))) }
}

/// What to write instead, as in corsac_error_value; data is NULL if there is no such value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_suggestion(error: *const corsac_error, index: size_t) -> corsac_str {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe {
        read(error, index, corsac_str::NONE, |problem| {
            problem.suggestion.as_ref().map(|suggestion| lend(suggestion.as_bytes()))
        })
    }
}

/// The line in the document, from 1; 0 if the configuration was no document.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_line(error: *const corsac_error, index: size_t) -> u32 {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe { read(error, index, 0, |problem| problem.line) }
}

/// The column, from 1, in Unicode scalar values; 0 if the configuration was no document.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_column(error: *const corsac_error, index: size_t) -> u32 {
    // SAFETY: the caller promised a live handle or NULL (rule 1).
    unsafe { read(error, index, 0, |problem| problem.column) }
}

/// Frees a list of problems.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_error_free(error: *mut corsac_error) {
    guard((), || {
        if !error.is_null() {
            // SAFETY: the caller promised a handle that this library gave, and to free it once (rule 1).
            drop(unsafe { Box::from_raw(error) });
        }
    });
}
