//! A decision in the bytes of S3: headers, and what a refused preflight is told.

use serde_json::{Value, json};

use super::error::{S3Error, latin1};
use super::evaluate::elements;
use super::{Dialect, VARY};
use crate::decision::{Decision, Kind};
use crate::reason::Reason;
use crate::request::HeaderLine;

impl Decision<'_> {
    /// The error that S3 answers a refused preflight; none for all other decisions. Off the hot path: it allocates.
    ///
    /// What corsac alone refuses (several lines of `Origin`, a malformed one unless `strict`, more than the limits) is
    /// told as what no rule allows.
    #[must_use]
    pub fn s3_error(&self) -> Option<S3Error> {
        let rules = self.policy.s3.as_deref()?;
        if self.kind() != Kind::Preflight || self.allowed() {
            return None;
        }
        let dialect = rules.options().dialect;
        Some(match self.reason() {
            Reason::S3OriginMissing => S3Error::origin_missing(dialect),
            Reason::S3InvalidRequestMethod => S3Error::invalid_request_method(dialect, self.request),
            Reason::S3InvalidRequestHeaders => {
                let headers = self.request.request_headers();
                let element = rules.invalid_element(&headers).unwrap_or_default();
                S3Error::invalid_request_headers(dialect, element)
            }
            _ => S3Error::no_rule_matches(dialect, self.request),
        })
    }

    /// The CORS headers that S3 sends, byte for byte and in its order: requested names in lower case and joined by
    /// `, `. Empty where S3 sends none, and for a policy that has no S3 rules. Off the hot path: it allocates.
    #[must_use]
    pub fn s3_headers(&self) -> Vec<(&'static str, Vec<u8>)> {
        let Some(rules) = self.policy.s3.as_deref() else { return Vec::new() };
        let rule = self.rule().and_then(|rule| rules.configuration().rules().get(rule as usize));
        let Some(rule) = rule else { return Vec::new() };
        let dialect = rules.options().dialect;
        let max_age = rule.sent_max_age(dialect).map(|seconds| seconds.to_string());
        let (origin, credentials) = match self.request.origin() {
            _ if rule.allows_any_origin() => (b"*".to_vec(), None),
            HeaderLine::One(origin) => (origin.to_vec(), Some("true".to_owned())),
            HeaderLine::Absent | HeaderLine::Several => return Vec::new(),
        };
        let expose = rule.expose_headers();
        let expose = (!expose.is_empty()).then(|| expose.join(", "));
        let methods = rule.allowed_methods().join(", ");
        let vary = VARY.join(", ");
        let text = |name, value: Option<String>| (name, value.map(String::into_bytes));
        let headers = match dialect {
            Dialect::Zenko => vec![
                text("access-control-max-age", max_age),
                text("access-control-allow-methods", Some(methods)),
                text("vary", Some(vary)),
                ("access-control-allow-origin", Some(origin)),
                text("access-control-allow-credentials", credentials),
                ("access-control-allow-headers", self.s3_allowed_headers(dialect)),
                text("access-control-expose-headers", expose),
            ],
            Dialect::Aws => vec![
                ("Access-Control-Allow-Origin", Some(origin)),
                text("Access-Control-Allow-Methods", Some(methods)),
                ("Access-Control-Allow-Headers", self.s3_allowed_headers(dialect)),
                text("Access-Control-Expose-Headers", expose),
                text("Access-Control-Max-Age", max_age),
                text("Access-Control-Allow-Credentials", credentials),
                text("Vary", Some(vary)),
            ],
        };
        headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What S3 answers, as JSON, for languages that read it as a text: `headers`, pairs of name and value with a
    /// character for each byte, and `error`, as [`S3Error::to_json`] writes it, or null.
    #[must_use]
    pub fn s3_json(&self) -> String {
        let headers = self.s3_headers();
        let headers = headers.iter().map(|(name, value)| json!([name, latin1(value)])).collect::<Value>();
        let error = self.s3_error().map_or_else(|| "null".to_owned(), |error| error.to_json());
        format!("{{\"headers\":{headers},\"error\":{error}}}")
    }

    /// The requested names, on preflights that have any lines of them.
    fn s3_allowed_headers(&self, dialect: Dialect) -> Option<Vec<u8>> {
        let headers = self.request.request_headers();
        if self.kind() != Kind::Preflight || headers.joined_len() == 0 {
            return None;
        }
        let names = elements(&headers, dialect).map(Iterator::collect::<Vec<u8>>);
        let names: Vec<Vec<u8>> = names.filter(|name| !name.is_empty()).collect();
        Some(names.join(b", ".as_slice()))
    }
}
