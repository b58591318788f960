//! The one reader and writer of a caller's memory.

use crate::types::{CORSAC_STATUS_LENGTH, CORSAC_STATUS_NULL_POINTER, corsac_status, corsac_str};

/// The bytes of a string. No data and no length is the empty string.
///
/// # Safety
/// If `data` is not NULL, `len` bytes can be read there for as long as `'a`.
#[inline]
pub(crate) unsafe fn bytes<'a>(string: corsac_str) -> Result<&'a [u8], corsac_status> {
    if string.len > isize::MAX.unsigned_abs() {
        return Err(CORSAC_STATUS_LENGTH);
    }
    if string.data.is_null() {
        return if string.len == 0 { Ok(&[]) } else { Err(CORSAC_STATUS_NULL_POINTER) };
    }
    // SAFETY: the caller promised `len` readable bytes, and the length was checked.
    Ok(unsafe { std::slice::from_raw_parts(string.data.cast(), string.len) })
}

/// What a `const` handle or struct points to.
///
/// # Safety
/// A pointer that is not NULL points to a valid `T` that nobody changes during `'a`.
#[inline]
pub(crate) unsafe fn shared<'a, T>(pointer: *const T) -> Result<&'a T, corsac_status> {
    // SAFETY: promised by the caller.
    unsafe { pointer.as_ref() }.ok_or(CORSAC_STATUS_NULL_POINTER)
}

/// What a handle or struct without `const` points to.
///
/// # Safety
/// A pointer that is not NULL points to a valid `T` that nobody else uses during `'a`.
#[inline]
pub(crate) unsafe fn exclusive<'a, T>(pointer: *mut T) -> Result<&'a mut T, corsac_status> {
    // SAFETY: promised by the caller.
    unsafe { pointer.as_mut() }.ok_or(CORSAC_STATUS_NULL_POINTER)
}

/// Writes an out-parameter; false if it is NULL.
///
/// # Safety
/// A pointer that is not NULL points to memory for a `T`.
#[inline]
pub(crate) unsafe fn put<T>(out: *mut T, value: T) -> bool {
    if out.is_null() {
        return false;
    }
    // SAFETY: the caller promised memory for a `T`. It need not hold one yet, so nothing is dropped.
    unsafe { out.write(value) };
    true
}

/// Sets `from..to` of the struct at `start` to zero bytes.
///
/// # Safety
/// The struct has `to` bytes.
#[inline]
pub(crate) unsafe fn zero<T>(start: *mut T, from: usize, to: usize) {
    let len = to.saturating_sub(from);
    if !start.is_null() && len > 0 {
        // SAFETY: the caller promised `to` bytes, and `from` is below `to`.
        unsafe { start.cast::<u8>().add(from).write_bytes(0, len) };
    }
}

/// A string that borrows from the library or from a handle.
pub(crate) fn lend(text: &[u8]) -> corsac_str {
    corsac_str { data: text.as_ptr().cast(), len: text.len() }
}
