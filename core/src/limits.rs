//! Every limit of corsac, each with its reason: a limit is an error or a refusal, never a truncation.

/// Bytes of a policy document. Two million origins of 100 bytes fit; a wrong file does not.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024 * 1024;

/// Origins of one policy. With its text, one of 29 bytes takes 44 in all, so that two million take 90 MB.
pub const MAX_ORIGINS: usize = 2_000_000;

/// Rules of one policy. More than a few are hard to follow, and their answers are kept ready.
pub const MAX_RULES: usize = 100;

/// Bytes of the `name` of a rule or a document, which stands in logs.
pub const MAX_NAME_BYTES: usize = 256;

/// Names in one of the lists `allow_methods`, `allow_headers` and `expose_headers`: the lists are
/// sent whole in a header, and servers and proxies limit a header line to about 8 KiB.
pub const MAX_NAMES: usize = 256;

/// Bytes of a method, configured or requested. The longest registered method has 17.
pub const MAX_METHOD_BYTES: usize = 64;

/// Bytes of a configured header name. The longest registered name has 43.
pub const MAX_HEADER_NAME_BYTES: usize = 256;

/// Seconds of `max_age`: no browser keeps a preflight longer than a day (Firefox 86,400,
/// Chromium 7,200, Safari 600).
pub const MAX_AGE_SECONDS: u32 = 86_400;

/// Problems that are reported one by one; the rest is counted.
pub const MAX_PROBLEMS: usize = 1_000;

/// Bytes of a host without its trailing dot (RFC 1035).
pub const MAX_HOST_BYTES: usize = 253;

/// Bytes of a label of a host (RFC 1035).
pub const MAX_LABEL_BYTES: usize = 63;

/// Bytes of a scheme other than http and https. The longest registered scheme has 36.
pub const MAX_SCHEME_BYTES: usize = 64;

/// Bytes behind `scheme://` of an origin of another scheme, the same as for a host.
pub const MAX_CUSTOM_BYTES: usize = 253;

/// Bytes of `Access-Control-Request-Headers`, its lines joined by `, `. A preflight above it is
/// refused before a single name is read, so that its cost does not grow with its size.
pub const MAX_REQUEST_HEADERS_BYTES: usize = 8_192;

/// Bytes of `Access-Control-Request-Headers` where it is sent back (any header with credentials),
/// so that a small request never gets a large answer.
pub const MAX_ECHOED_BYTES: usize = 1_024;

/// Lines of `Access-Control-Request-Headers` that are not blank. Browsers send one; gateways split.
pub const MAX_REQUEST_HEADERS_LINES: usize = 8;

/// Elements of `Access-Control-Request-Headers`, empty ones counted: as many as a list may name.
pub const MAX_REQUEST_HEADERS_ELEMENTS: usize = 256;

/// Header edits of one decision, at most: three `vary`, the origin, credentials, two for methods,
/// eight for headers and the age, for a preflight that is echoed; others are shorter.
pub const MAX_EDITS: usize = 16;
