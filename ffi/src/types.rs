//! The types and numbers that functions share.

use libc::{c_char, size_t};

/// A borrowed string: bytes and their number, without a final NUL. NULL with 0 is the empty string.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct corsac_str {
    /// The bytes.
    pub data: *const c_char,
    /// Their number.
    pub len: size_t,
}

impl corsac_str {
    /// No string.
    pub(crate) const NONE: corsac_str = corsac_str { data: std::ptr::null(), len: 0 };
}

/// How a call went: one of CORSAC_STATUS_*. More may come: treat what you don't know as a failure.
pub type corsac_status = i32;

/// It went well.
pub const CORSAC_STATUS_OK: i32 = 0;
/// A pointer is NULL that must not be, or a string has a length but no bytes.
pub const CORSAC_STATUS_NULL_POINTER: i32 = 1;
/// A struct_size is smaller than the struct ever was: it was not initialized.
pub const CORSAC_STATUS_STRUCT_SIZE: i32 = 2;
/// The configuration has problems: the corsac_error has them all.
pub const CORSAC_STATUS_CONFIG: i32 = 3;
/// A defect of the library, contained. The call did nothing.
pub const CORSAC_STATUS_PANIC: i32 = 4;
/// A length is above PTRDIFF_MAX.
pub const CORSAC_STATUS_LENGTH: i32 = 5;

/// kind: no decision was made. So for action and reason.
pub const CORSAC_KIND_NONE: u32 = 0;
/// kind: the request has no Origin.
pub const CORSAC_KIND_NOT_CORS: u32 = 1;
/// kind: the request reaches the application.
pub const CORSAC_KIND_ACTUAL: u32 = 2;
/// kind: the browser asks first: OPTIONS with Origin and Access-Control-Request-Method.
pub const CORSAC_KIND_PREFLIGHT: u32 = 3;

/// action: no decision was made.
pub const CORSAC_ACTION_NONE: u32 = 0;
/// action: let the application respond and apply the headers to its response.
pub const CORSAC_ACTION_FORWARD: u32 = 1;
/// action: respond at once with status, the headers and no body.
pub const CORSAC_ACTION_RESPOND: u32 = 2;

/// reason: no decision was made.
pub const CORSAC_REASON_NONE: u32 = 0;
/// reason: the policy allows the request.
pub const CORSAC_REASON_ALLOWED: u32 = 1;
/// reason: the request has no Origin, so CORS has no say in it. It is allowed.
pub const CORSAC_REASON_NOT_CORS: u32 = 2;
/// reason: no rule matches, but the request comes from the server's own pages. It is allowed.
pub const CORSAC_REASON_SAME_ORIGIN: u32 = 3;
/// reason: more than one Origin, or a value that no browser sends.
pub const CORSAC_REASON_MALFORMED_ORIGIN: u32 = 4;
/// reason: the origin is null and no rule allows it.
pub const CORSAC_REASON_NULL_ORIGIN_NOT_ALLOWED: u32 = 5;
/// reason: no rule matches the origin.
pub const CORSAC_REASON_ORIGIN_NOT_ALLOWED: u32 = 6;
/// reason: Access-Control-Request-Method came more than once, or is no method.
pub const CORSAC_REASON_MALFORMED_REQUEST_METHOD: u32 = 7;
/// reason: the rule does not allow the method.
pub const CORSAC_REASON_METHOD_NOT_ALLOWED: u32 = 8;
/// reason: Access-Control-Request-Headers is larger than the limits.
pub const CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE: u32 = 9;
/// reason: Access-Control-Request-Headers holds something that is no header name.
pub const CORSAC_REASON_MALFORMED_REQUEST_HEADERS: u32 = 10;
/// reason: the rule does not allow a requested header.
pub const CORSAC_REASON_HEADER_NOT_ALLOWED: u32 = 11;
/// reason: S3 rules: none matches origin, method and headers together.
pub const CORSAC_REASON_S3_NO_RULE_MATCHES: u32 = 12;
/// reason: S3 rules: OPTIONS without Origin.
pub const CORSAC_REASON_S3_ORIGIN_MISSING: u32 = 13;
/// reason: S3 rules: Access-Control-Request-Method is missing, or no method of S3.
pub const CORSAC_REASON_S3_INVALID_REQUEST_METHOD: u32 = 14;
/// reason: S3 rules of AWS: Access-Control-Request-Headers holds something that is no header name.
pub const CORSAC_REASON_S3_INVALID_REQUEST_HEADERS: u32 = 15;

/// corsac_s3_error: the answer to a preflight for a bucket that does not exist.
pub const CORSAC_S3_BUCKET_MISSING: u32 = 1;
/// corsac_s3_error: the answer to a preflight for a bucket without configuration.
pub const CORSAC_S3_CORS_NOT_ENABLED: u32 = 2;
/// corsac_s3_error: the answer to a request for the configuration of a bucket that has none.
pub const CORSAC_S3_NO_CONFIGURATION: u32 = 3;
/// corsac_s3_error: the answer to a configuration that came with a wrong digest, or without one.
pub const CORSAC_S3_BAD_DIGEST: u32 = 4;

/// op: replace all lines of this name by one with the value.
pub const CORSAC_OP_SET: u32 = 1;
/// op: add a line.
pub const CORSAC_OP_ADD: u32 = 2;
/// op: merge the value, a header name, into Vary, unless it is there in any case of letters, or `*` is.
pub const CORSAC_OP_VARY: u32 = 3;

/// rule: no rule decided.
pub const CORSAC_NO_RULE: u32 = 0xFFFF_FFFFu32;

/// flags: the application's own CORS headers are kept where the decision sets none. Without this
/// bit remove CORSAC_FOREIGN_HEADERS from every forwarded response, before the headers are applied.
pub const CORSAC_FLAG_FOREIGN_HEADERS_KEPT: u32 = 1;

/// No decision has more headers than this, in any version with this CORSAC_ABI_VERSION.
pub const CORSAC_MAX_HEADERS: usize = 24;

/// No line of corsac_decision_format has as many bytes.
pub const CORSAC_MAX_LINE: usize = 4096;

/// The number in the name libcorsac.so.0: it changes when programs built before would break.
pub const CORSAC_ABI_VERSION: u32 = 0;

/// One change to the headers of the response.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct corsac_header {
    /// The name, as corsac spells it; to be compared in any case of letters.
    pub name: corsac_str,
    /// The value.
    pub value: corsac_str,
    /// One of CORSAC_OP_*.
    pub op: u32,
    /// 0.
    pub reserved: u32,
}

// The numbers of the core, which never change meaning.
const _: () = {
    use corsac::{Action, Kind, Op, Reason};
    assert!(Kind::NotCors.number() == CORSAC_KIND_NOT_CORS);
    assert!(Kind::Actual.number() == CORSAC_KIND_ACTUAL);
    assert!(Kind::Preflight.number() == CORSAC_KIND_PREFLIGHT);
    assert!(Action::Forward.number() == CORSAC_ACTION_FORWARD);
    assert!(Action::Respond.number() == CORSAC_ACTION_RESPOND);
    assert!(Op::Set.number() == CORSAC_OP_SET);
    assert!(Op::Add.number() == CORSAC_OP_ADD);
    assert!(Op::Vary.number() == CORSAC_OP_VARY);
    assert!(Reason::Allowed.number() == CORSAC_REASON_ALLOWED);
    assert!(Reason::NotCors.number() == CORSAC_REASON_NOT_CORS);
    assert!(Reason::SameOrigin.number() == CORSAC_REASON_SAME_ORIGIN);
    assert!(Reason::MalformedOrigin.number() == CORSAC_REASON_MALFORMED_ORIGIN);
    assert!(Reason::NullOriginNotAllowed.number() == CORSAC_REASON_NULL_ORIGIN_NOT_ALLOWED);
    assert!(Reason::OriginNotAllowed.number() == CORSAC_REASON_ORIGIN_NOT_ALLOWED);
    assert!(Reason::MalformedRequestMethod.number() == CORSAC_REASON_MALFORMED_REQUEST_METHOD);
    assert!(Reason::MethodNotAllowed.number() == CORSAC_REASON_METHOD_NOT_ALLOWED);
    assert!(Reason::RequestHeadersTooLarge.number() == CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE);
    assert!(Reason::MalformedRequestHeaders.number() == CORSAC_REASON_MALFORMED_REQUEST_HEADERS);
    assert!(Reason::HeaderNotAllowed.number() == CORSAC_REASON_HEADER_NOT_ALLOWED);
    assert!(Reason::S3NoRuleMatches.number() == CORSAC_REASON_S3_NO_RULE_MATCHES);
    assert!(Reason::S3OriginMissing.number() == CORSAC_REASON_S3_ORIGIN_MISSING);
    assert!(Reason::S3InvalidRequestMethod.number() == CORSAC_REASON_S3_INVALID_REQUEST_METHOD);
    assert!(Reason::S3InvalidRequestHeaders.number() == CORSAC_REASON_S3_INVALID_REQUEST_HEADERS);
    assert!(Reason::ALL.len() == CORSAC_REASON_S3_INVALID_REQUEST_HEADERS as usize);
    assert!(corsac::limits::MAX_EDITS <= CORSAC_MAX_HEADERS);
};
