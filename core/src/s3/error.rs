//! The errors of S3: code, status, message and XML body.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Dialect;
use crate::request::{Facts, HeaderLine};

/// An error as S3 answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Error {
    pub(super) code: Cow<'static, str>,
    pub(super) status: u16,
    pub(super) message: Cow<'static, str>,
    /// For the element `Method`, with which `ResourceType` comes.
    pub(super) method: Option<String>,
    /// What it is always about, whatever the request was about.
    pub(super) resource_type: Option<ResourceType>,
    pub(super) dialect: Dialect,
}

/// What an error is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ResourceType {
    /// The bucket itself.
    Bucket,
    /// An object in it.
    #[default]
    Object,
}

impl ResourceType {
    /// The one or the other.
    #[must_use]
    pub const fn new(is_bucket: bool) -> ResourceType {
        if is_bucket { ResourceType::Bucket } else { ResourceType::Object }
    }
}

/// What the body of an error says beside the error.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyOptions<'a> {
    /// What the request was about.
    pub resource_type: ResourceType,
    /// The request's identifier.
    pub request_id: &'a str,
    /// The server's, which AWS tells.
    pub host_id: &'a str,
}

const NO_RULE: &str = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";

impl S3Error {
    /// Any other error, for servers that answer as S3 does.
    #[must_use]
    pub fn new(
        dialect: Dialect,
        code: impl Into<Cow<'static, str>>,
        status: u16,
        message: impl Into<Cow<'static, str>>,
    ) -> S3Error {
        let (code, message) = (code.into(), message.into());
        S3Error { code, status, message, method: None, resource_type: None, dialect }
    }

    /// The error with the method that AWS tells, and what it is always about, whatever the request was about.
    #[must_use]
    pub fn with_method(self, method: impl Into<String>, resource_type: Option<ResourceType>) -> S3Error {
        S3Error { method: Some(method.into()), resource_type, ..self }
    }

    /// The answer to a preflight for a bucket that does not exist. What is wrong with the preflight itself comes first.
    #[must_use]
    pub fn bucket_missing(dialect: Dialect, request: &dyn Facts) -> S3Error {
        S3Error::wrong_preflight(dialect, request).unwrap_or_else(|| match dialect {
            Dialect::Zenko => {
                S3Error::new(dialect, "NoSuchBucket", 404, "The specified bucket does not exist.")
            }
            Dialect::Aws => S3Error::new(dialect, "AccessForbidden", 403, "CORSResponse: Bucket not found"),
        })
    }

    /// The answer to a preflight for a bucket without configuration. What is wrong with the preflight itself comes
    /// first.
    #[must_use]
    pub fn cors_not_enabled(dialect: Dialect, request: &dyn Facts) -> S3Error {
        S3Error::wrong_preflight(dialect, request).unwrap_or_else(|| {
            let message = "CORSResponse: CORS is not enabled for this bucket.";
            let method = requested_method(request).unwrap_or_else(|| "OPTIONS".to_owned());
            S3Error::new(dialect, "AccessForbidden", 403, message)
                .with_method(method, Some(ResourceType::Bucket))
        })
    }

    /// What S3 finds in a preflight before it looks for the rules of the bucket.
    fn wrong_preflight(dialect: Dialect, request: &dyn Facts) -> Option<S3Error> {
        if is_nothing(request.origin()) {
            return Some(S3Error::origin_missing(dialect));
        }
        // AWS finds out first that there are no rules if no method was asked for.
        let is_looked_at = dialect == Dialect::Zenko || requested_method(request).is_some();
        (is_looked_at && !is_method(request.request_method()))
            .then(|| S3Error::invalid_request_method(dialect, request))
    }

    /// The answer to a request for the configuration of a bucket that has none.
    #[must_use]
    pub fn no_configuration(dialect: Dialect) -> S3Error {
        S3Error::new(dialect, "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist")
    }

    /// The answer to a configuration that came with a wrong digest, or without one.
    #[must_use]
    pub fn bad_digest(dialect: Dialect) -> S3Error {
        let message = "The Content-MD5 you specified did not match what we received.";
        S3Error::new(dialect, "BadDigest", 400, message)
    }

    pub(super) fn origin_missing(dialect: Dialect) -> S3Error {
        let message = "Insufficient information. Origin request header needed.";
        S3Error::new(dialect, "BadRequest", 400, message)
    }

    pub(super) fn invalid_request_method(dialect: Dialect, request: &dyn Facts) -> S3Error {
        let method = requested_method(request).unwrap_or_else(|| "null".to_owned());
        let message = format!("Invalid Access-Control-Request-Method: {method}");
        S3Error::new(dialect, "BadRequest", 400, message)
    }

    pub(super) fn invalid_request_headers(dialect: Dialect, element: &[u8]) -> S3Error {
        let message =
            format!("Access-Control-Request-Headers \"{}\" contains invalid character.", latin1(element));
        S3Error::new(dialect, "BadRequest", 400, message)
    }

    pub(super) fn no_rule_matches(dialect: Dialect, request: &dyn Facts) -> S3Error {
        let mut error = S3Error::new(dialect, "AccessForbidden", 403, NO_RULE);
        error.method = requested_method(request);
        error
    }

    /// The error of this name: `bucket-missing`, `cors-not-enabled`, `no-configuration`, `bad-digest`; none for any
    /// other name. The request is the one that is answered.
    #[must_use]
    pub fn named(name: &str, dialect: Dialect, request: &dyn Facts) -> Option<S3Error> {
        Some(match name {
            "bucket-missing" => S3Error::bucket_missing(dialect, request),
            "cors-not-enabled" => S3Error::cors_not_enabled(dialect, request),
            "no-configuration" => S3Error::no_configuration(dialect),
            "bad-digest" => S3Error::bad_digest(dialect),
            _ => return None,
        })
    }

    /// All of it as JSON, for languages that keep it as a text.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({
            "code": self.code,
            "status": self.status,
            "message": self.message,
            "dialect": self.dialect.name(),
            "method": self.method,
            "is_bucket": self.resource_type.map(|about| about == ResourceType::Bucket),
        })
        .to_string()
    }

    /// The error that [`S3Error::to_json`] wrote; none of any other text.
    #[must_use]
    pub fn from_json(text: &str) -> Option<S3Error> {
        let error: Value = serde_json::from_str(text).ok()?;
        let text = |key: &str| error.get(key)?.as_str().map(str::to_owned);
        let status = error.get("status")?.as_u64().and_then(|status| u16::try_from(status).ok())?;
        let made =
            S3Error::new(Dialect::from_name(&text("dialect")?)?, text("code")?, status, text("message")?);
        let resource_type = error.get("is_bucket").and_then(Value::as_bool).map(ResourceType::new);
        Some(match text("method") {
            None => made,
            Some(method) => made.with_method(method, resource_type),
        })
    }

    /// The code, such as `AccessForbidden`.
    #[must_use]
    pub fn code(&self) -> &Cow<'static, str> {
        &self.code
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The message, byte for byte.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The method that AWS tells.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// What it is always about, whatever the request was about.
    #[must_use]
    pub fn resource_type(&self) -> Option<ResourceType> {
        self.resource_type
    }

    /// Whose S3 answers it.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The body of the response, XML (`application/xml`).
    #[must_use]
    pub fn body(&self, options: BodyOptions<'_>) -> String {
        let is_aws = self.dialect == Dialect::Aws;
        let mut body = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        if is_aws {
            body.push('\n');
        }
        body.push_str("<Error>");
        element(&mut body, "Code", &self.code);
        element(&mut body, "Message", &self.message);
        if is_aws {
            if let Some(method) = &self.method {
                element(&mut body, "Method", method);
                let resource = match self.resource_type.unwrap_or(options.resource_type) {
                    ResourceType::Bucket => "BUCKET",
                    ResourceType::Object => "OBJECT",
                };
                element(&mut body, "ResourceType", resource);
            }
        } else {
            element(&mut body, "Resource", "");
        }
        element(&mut body, "RequestId", options.request_id);
        if is_aws {
            element(&mut body, "HostId", options.host_id);
        }
        body.push_str("</Error>");
        body
    }
}

/// Whether a header did not come, or came empty.
pub(super) fn is_nothing(line: HeaderLine<'_>) -> bool {
    matches!(line, HeaderLine::Absent | HeaderLine::One(b""))
}

fn is_method(line: HeaderLine<'_>) -> bool {
    matches!(line, HeaderLine::One(method) if super::configuration::method_bit(method) != 0)
}

/// The requested method as text; none if there is none. Of several lines nothing is kept.
fn requested_method(request: &dyn Facts) -> Option<String> {
    match request.request_method() {
        HeaderLine::Absent | HeaderLine::One(b"") => None,
        HeaderLine::One(method) => Some(latin1(method)),
        HeaderLine::Several => Some(String::new()),
    }
}

/// A character for each byte, as servers read header values.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Whether XML can hold a character (XML 1.0, "Char").
pub(super) fn is_in_xml(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Adds an element with a text. What XML cannot hold becomes U+FFFD.
pub(super) fn element(xml: &mut String, name: &str, text: &str) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            // Written as it is, a reader would make a line feed of it.
            '\r' => xml.push_str("&#13;"),
            c if !is_in_xml(c) => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}
