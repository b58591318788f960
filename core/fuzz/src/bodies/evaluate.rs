//! A document and a request: the document, the method, and header lines `Name:value`.

use corsac::{Policy, Request};
use http::header::{HeaderName, HeaderValue};

use super::{claims, header_line, parts};

/// Any policy gives any request a decision that keeps all promises, and the same for each kind of request.
pub fn run(data: &[u8]) {
    let mut parts = parts(data);
    let Ok(policy) = Policy::from_json(parts.next().unwrap_or_default()) else { return };
    let method = parts.next().unwrap_or_default();
    let lines: Vec<_> = parts.map(header_line).collect();
    let mut request = Request::new(method);
    for (name, value) in &lines {
        request.header(name, *value);
    }
    claims::is_a_decision(&policy, &request);
    claims::applies(&policy, &request);

    if let Some(other) = http_request(method, &lines) {
        claims::is_a_decision(&policy, &other);
        let (one, two) = (policy.evaluate(&request), policy.evaluate(&other));
        assert_eq!(one.verdict(), two.verdict());
        assert!(one.headers().eq(two.headers()));
        assert_eq!(one.to_string(), two.to_string());
    }
}

/// The request in the types of the crate `http`, if it can be one.
fn http_request(method: &[u8], lines: &[(&[u8], &[u8])]) -> Option<http::Request<()>> {
    let mut request = http::Request::new(());
    *request.method_mut() = http::Method::from_bytes(method).ok()?;
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}
