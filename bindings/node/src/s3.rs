//! The errors of S3: text in, text out; JavaScript makes objects of it.

use corsac::s3::{BodyOptions, ResourceType, S3Error, S3Options};
use corsac::{BuildError, Policy, Request};
use napi_derive::napi;

/// A byte for each code unit; above U+00FF, which no byte of a header can be, one that matches nothing.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(0xFF)).collect()
}

/// What S3 answers about a bucket, as JSON, by the name of the answer and the lines of the two headers that it
/// depends on; none if there is no such answer or dialect.
#[napi(catch_unwind)]
#[must_use]
pub fn s3_error(
    name: String,
    dialect: String,
    origin: Vec<String>,
    request_method: Vec<String>,
) -> Option<String> {
    #[cfg(feature = "forced-panic")]
    crate::functions::forced::panic_if_asked();
    let dialect = S3Options::new(dialect, false).ok()?.dialect;
    let lines =
        |header: &'static str, lines: Vec<String>| lines.into_iter().map(move |line| (header, bytes(&line)));
    let lines: Vec<_> =
        lines("Origin", origin).chain(lines("Access-Control-Request-Method", request_method)).collect();
    let mut request = Request::new("OPTIONS");
    for (name, value) in &lines {
        request.header(name, value);
    }
    S3Error::named(&name, dialect, &request).map(|error| error.to_json())
}

/// The body of an error; none if it is none.
#[napi(catch_unwind)]
#[must_use]
pub fn s3_body(error: String, is_bucket: bool, request_id: String, host_id: String) -> Option<String> {
    #[cfg(feature = "forced-panic")]
    crate::functions::forced::panic_if_asked();
    let resource_type = ResourceType::new(is_bucket);
    let options = BodyOptions { resource_type, request_id: &request_id, host_id: &host_id };
    S3Error::from_json(&error).map(|error| error.body(options))
}

/// A policy by its document, and the options with which it was read if that is the configuration of a bucket.
pub(crate) fn policy_again(
    document: String,
    dialect: Option<String>,
    strict: bool,
) -> Result<Policy, BuildError> {
    match dialect {
        None => Policy::from_json(document),
        Some(dialect) => {
            S3Options::new(dialect, strict).and_then(|options| Policy::from_s3(document, options))
        }
    }
}
