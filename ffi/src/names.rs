//! Versions, and names of numbers for logs.

use std::ffi::CStr;

use libc::c_char;

use crate::guard::guard;
use crate::types::*;

/// The version with a final NUL.
const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the Public Suffix List with a final NUL.
const PUBLIC_SUFFIX_LIST: [u8; corsac::PUBLIC_SUFFIX_LIST.len() + 1] = {
    let mut text = [0; corsac::PUBLIC_SUFFIX_LIST.len() + 1];
    let (start, _) = text.split_at_mut(corsac::PUBLIC_SUFFIX_LIST.len());
    start.copy_from_slice(corsac::PUBLIC_SUFFIX_LIST.as_bytes());
    text
};

/// The version of the library, such as "0.1.0". Never freed, like all strings of this and the next functions.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_version() -> *const c_char {
    guard(c"".as_ptr(), || VERSION.as_ptr())
}

/// The CORSAC_ABI_VERSION of the library.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_abi_version() -> u32 {
    guard(CORSAC_ABI_VERSION, || CORSAC_ABI_VERSION)
}

/// The version of the Public Suffix List that the library knows, such as "psl 2.1.247": the crate it comes from.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_public_suffix_list() -> *const c_char {
    guard(c"".as_ptr(), || {
        const { CStr::from_bytes_with_nul(&PUBLIC_SUFFIX_LIST) }.unwrap_or_default().as_ptr()
    })
}

/// The name of a CORSAC_STATUS_*, such as "null-pointer"; "unknown" for any other number.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_status_name(status: corsac_status) -> *const c_char {
    guard(c"unknown".as_ptr(), || status_name(status).as_ptr())
}

/// The name of a CORSAC_REASON_*, such as "origin-not-allowed", the same in every language; "none"
/// for 0, "unknown" for any other number.
#[unsafe(no_mangle)]
pub extern "C" fn corsac_reason_name(reason: u32) -> *const c_char {
    guard(c"unknown".as_ptr(), || reason_name(reason).as_ptr())
}

fn status_name(status: corsac_status) -> &'static CStr {
    match status {
        CORSAC_STATUS_OK => c"ok",
        CORSAC_STATUS_NULL_POINTER => c"null-pointer",
        CORSAC_STATUS_STRUCT_SIZE => c"struct-size",
        CORSAC_STATUS_CONFIG => c"config",
        CORSAC_STATUS_PANIC => c"panic",
        CORSAC_STATUS_LENGTH => c"length",
        _ => c"unknown",
    }
}

fn reason_name(reason: u32) -> &'static CStr {
    match reason {
        CORSAC_REASON_NONE => c"none",
        CORSAC_REASON_ALLOWED => c"allowed",
        CORSAC_REASON_NOT_CORS => c"not-cors",
        CORSAC_REASON_SAME_ORIGIN => c"same-origin",
        CORSAC_REASON_MALFORMED_ORIGIN => c"malformed-origin",
        CORSAC_REASON_NULL_ORIGIN_NOT_ALLOWED => c"null-origin-not-allowed",
        CORSAC_REASON_ORIGIN_NOT_ALLOWED => c"origin-not-allowed",
        CORSAC_REASON_MALFORMED_REQUEST_METHOD => c"malformed-request-method",
        CORSAC_REASON_METHOD_NOT_ALLOWED => c"method-not-allowed",
        CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE => c"request-headers-too-large",
        CORSAC_REASON_MALFORMED_REQUEST_HEADERS => c"malformed-request-headers",
        CORSAC_REASON_HEADER_NOT_ALLOWED => c"header-not-allowed",
        CORSAC_REASON_S3_NO_RULE_MATCHES => c"s3-no-rule-matches",
        CORSAC_REASON_S3_ORIGIN_MISSING => c"s3-origin-missing",
        CORSAC_REASON_S3_INVALID_REQUEST_METHOD => c"s3-invalid-request-method",
        CORSAC_REASON_S3_INVALID_REQUEST_HEADERS => c"s3-invalid-request-headers",
        _ => c"unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_the_names_of_the_core() {
        for reason in corsac::Reason::ALL {
            assert_eq!(reason_name(reason.number()).to_str(), Ok(reason.name()));
        }
        assert_eq!(reason_name(corsac::Reason::ALL.len() as u32 + 1), c"unknown");
    }
}
