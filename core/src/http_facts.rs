//! The facts of a request of the crate `http`, read where they lie.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;

use crate::request::{Facts, HeaderLine, RequestHeaders};

fn line<'r>(headers: &'r HeaderMap, name: &HeaderName) -> HeaderLine<'r> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => HeaderLine::Absent,
        (Some(value), None) => HeaderLine::One(value.as_bytes()),
        (Some(_), Some(_)) => HeaderLine::Several,
    }
}

fn facts_host<'r>(uri: &'r http::Uri, headers: &'r HeaderMap) -> HeaderLine<'r> {
    match uri.authority() {
        Some(authority) => HeaderLine::One(authority.as_str().as_bytes()),
        None => line(headers, &header::HOST),
    }
}

fn facts_request_headers(headers: &HeaderMap) -> Cow<'_, RequestHeaders<'_>> {
    let mut lines = RequestHeaders::new();
    for value in headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        lines.push(value.as_bytes());
    }
    Cow::Owned(lines)
}

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

macro_rules! facts {
    ($($generic:ident)?, $type:ty, |$request:ident| $method:expr, $uri:expr, $headers:expr) => {
        impl $(<$generic>)? Facts for $type {
            fn method(&self) -> &[u8] {
                let $request = self;
                $method.as_str().as_bytes()
            }
            fn origin(&self) -> HeaderLine<'_> {
                let $request = self;
                line($headers, &header::ORIGIN)
            }
            fn request_method(&self) -> HeaderLine<'_> {
                let $request = self;
                line($headers, &header::ACCESS_CONTROL_REQUEST_METHOD)
            }
            fn request_headers(&self) -> Cow<'_, RequestHeaders<'_>> {
                let $request = self;
                facts_request_headers($headers)
            }
            fn host(&self) -> HeaderLine<'_> {
                let $request = self;
                facts_host($uri, $headers)
            }
            fn fetch_site(&self) -> HeaderLine<'_> {
                let $request = self;
                line($headers, &SEC_FETCH_SITE)
            }
        }
    };
}

facts!(, Parts, |parts| parts.method, &parts.uri, &parts.headers);
facts!(B, http::Request<B>, |request| request.method(), request.uri(), request.headers());
