//! What one policy allows and another does not, found by asking both.
//!
//! Both are asked about every origin, method and header that either names, about what stands beside them (the apex
//! of a wildcard, another port, another scheme), and about some that neither names. So every difference that is told
//! is one, and policies without one may still differ in what nobody named.

use std::collections::BTreeSet;

use crate::origin::Origin;
use crate::{Policy, Request, ResponseHeader};

/// Origins that are asked about at most, of the hundreds of thousands that a policy may have.
const MAX_ORIGINS: usize = 4_000;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The origin that was asked about.
    pub origin: String,
    /// What about it.
    pub subject: Subject,
    /// Whether the first policy allows it; the other one does if this one does not.
    pub first_allows: bool,
}

/// What two policies differ in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Reading at all, with GET.
    Origin,
    /// Credentials.
    Credentials,
    /// A method.
    Method(String),
    /// A request header, with GET or another method that both allow.
    Header(String),
    /// Reading a response header.
    ExposedHeader(String),
}

/// The differences of two policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// By origin.
    pub list: Vec<Difference>,
    /// How many origins were asked about.
    pub origins: usize,
    /// Whether there were more than that.
    pub is_partial: bool,
}

impl Policy {
    /// What this policy allows and the other one does not, or the other way round; either may be of a document or
    /// of a bucket.
    #[must_use]
    pub fn differences(&self, other: &Policy) -> Differences {
        let mut asked = Asked::default();
        for policy in [self, other] {
            asked.collect(policy);
        }
        let mut found = Differences { is_partial: asked.is_partial, ..Differences::default() };
        for origin in &asked.origins {
            found.origins += 1;
            asked.compare(origin, [self, other], &mut found.list);
        }
        found
    }
}

#[derive(Default)]
struct Asked {
    origins: BTreeSet<String>,
    methods: BTreeSet<String>,
    headers: BTreeSet<String>,
    exposed: BTreeSet<String>,
    is_partial: bool,
}

/// What stands for a `*`.
const FILLS: [&str; 7] =
    ["corsac-probe", "a.corsac-probe", "", "a-b", "8443", "corsac-probe.invalid:8443", "x."];

impl Asked {
    fn collect(&mut self, policy: &Policy) {
        self.methods
            .extend(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "CORSAC-PROBE"].map(str::to_owned));
        self.headers.extend(["authorization", "content-type", "range", "x-corsac-probe"].map(str::to_owned));
        self.exposed.extend(["etag", "x-corsac-probe"].map(str::to_owned));
        for origin in ["null", "https://corsac-probe.invalid", "http://corsac-probe.invalid:8080"] {
            self.origin(origin);
        }
        if let Some(configuration) = policy.s3_configuration() {
            for rule in configuration.rules() {
                rule.allowed_origins().iter().for_each(|origin| self.pattern(origin));
                for name in rule.allowed_headers() {
                    ["corsac-probe", ""].iter().for_each(|fill| self.header(&name.replace('*', fill)));
                }
                self.exposed.extend(rule.expose_headers().iter().map(|name| name.to_ascii_lowercase()));
            }
            return;
        }
        for (index, rule) in policy.rules.iter().enumerate() {
            for pattern in policy.origins.patterns(index) {
                if self.origins.len() >= MAX_ORIGINS {
                    self.is_partial = true;
                    break;
                }
                self.pattern(pattern);
            }
            let config = &rule.config;
            self.methods.extend(named(&config.allow_methods));
            named(&config.allow_headers).for_each(|name| self.header(&name));
            self.exposed.extend(named(&config.expose_headers));
        }
    }

    /// Origins that a pattern matches or nearly matches.
    fn pattern(&mut self, pattern: &str) {
        for fill in FILLS {
            // Of two, the first is in the host and the other one the port.
            let text = pattern.replacen('*', fill, 1).replace('*', "8443");
            self.origin(&text);
            self.origin(text.strip_suffix(":8443").unwrap_or(&text));
            if !pattern.contains('*') {
                break;
            }
        }
        self.origin(&pattern.replace("*.", ""));
        if let Some(rest) = pattern.strip_prefix("https://").filter(|rest| !rest.contains('*')) {
            self.origin(&format!("http://{rest}"));
            self.origin(&format!("https://corsac-probe.{rest}"));
        }
    }

    /// An origin, if a browser can send it.
    fn origin(&mut self, text: &str) {
        if Origin::parse(text.as_bytes()).is_none() {
            return;
        }
        if self.origins.len() < MAX_ORIGINS {
            self.origins.insert(text.to_owned());
        } else {
            self.is_partial = true;
        }
    }

    fn header(&mut self, name: &str) {
        if crate::header::is_token(name.as_bytes()) && !name.contains('*') {
            self.headers.insert(name.to_ascii_lowercase());
        }
    }

    fn compare(&self, origin: &str, policies: [&Policy; 2], list: &mut Vec<Difference>) {
        let mut tell = |subject: Subject, [first, second]: [bool; 2]| {
            if first != second {
                list.push(Difference { origin: origin.to_owned(), subject, first_allows: first });
            }
            first && second
        };
        let answers = policies.map(|policy| actual(policy, origin));
        let allowed = policies.map(|policy| preflight(policy, origin, "GET", None));
        let reads = |index: usize| answers.get(index).is_some_and(|answer| answer.0);
        if !tell(Subject::Origin, [reads(0), reads(1)]) {
            // Who may not read with GET may still write, where rules of S3 say so.
            if ![reads(0), reads(1)].contains(&true) {
                self.compare_methods(origin, policies, &mut tell);
            }
            return;
        }
        let [first, second] = &answers;
        tell(Subject::Credentials, [first.1, second.1]);
        for name in &self.exposed {
            let shows = |list: &str| {
                let names = || list.split(',').map(|name| name.trim().to_ascii_lowercase());
                names().any(|known| known == *name || known == "*")
            };
            tell(Subject::ExposedHeader(name.clone()), [shows(&first.2), shows(&second.2)]);
        }
        let method = self.compare_methods(origin, policies, &mut tell);
        let method = if allowed == [true, true] { Some("GET".to_owned()) } else { method };
        let Some(method) = method else { return };
        for name in &self.headers {
            let asks = policies.map(|policy| preflight(policy, origin, &method, Some(name)));
            tell(Subject::Header(name.clone()), asks);
        }
    }

    /// Tells methods that differ; the first one that both allow.
    fn compare_methods(
        &self,
        origin: &str,
        policies: [&Policy; 2],
        tell: &mut dyn FnMut(Subject, [bool; 2]) -> bool,
    ) -> Option<String> {
        let mut both = None;
        for method in self.methods.iter().filter(|method| **method != "GET") {
            let asks = policies.map(|policy| preflight(policy, origin, method, None));
            if tell(Subject::Method(method.clone()), asks) {
                both = both.or_else(|| Some(method.clone()));
            }
        }
        both
    }
}

fn named(names: &[Box<str>]) -> impl Iterator<Item = String> {
    names.iter().filter(|name| ***name != *"*").map(|name| name.to_string())
}

/// Whether an origin reads with GET, whether with credentials, and which headers it is shown.
fn actual(policy: &Policy, origin: &str) -> (bool, bool, String) {
    let mut request = Request::new("GET");
    request.header("Origin", origin);
    let decision = policy.evaluate(&request);
    let find = |header: ResponseHeader| {
        let mut edits = decision.headers().filter(|edit| edit.header == header && !edit.value.is_empty());
        edits.next().map(|edit| String::from_utf8_lossy(edit.value).into_owned())
    };
    let shown = find(ResponseHeader::ExposeHeaders).unwrap_or_default();
    (decision.allowed(), find(ResponseHeader::AllowCredentials).is_some(), shown)
}

fn preflight(policy: &Policy, origin: &str, method: &str, header: Option<&str>) -> bool {
    let mut request = Request::new("OPTIONS");
    request.header("Origin", origin).header("Access-Control-Request-Method", method);
    if let Some(header) = header {
        request.header("Access-Control-Request-Headers", header);
    }
    policy.evaluate(&request).allowed()
}

#[cfg(test)]
mod tests {
    use super::{Differences, Subject};
    use crate::{BuildError, Policy};

    fn between(first: &str, second: &str) -> Result<Differences, BuildError> {
        let read = |text: &str| match text.strip_prefix("S3 ") {
            Some(text) => Policy::from_s3(text, crate::s3::S3Options::default()),
            None => Policy::from_json(text),
        };
        Ok(read(first)?.differences(&read(second)?))
    }

    #[test]
    fn equal_policies_do_not_differ() -> Result<(), BuildError> {
        let text =
            r#"{"allow_origins":["https://*.a.example"],"allow_methods":["PUT"],"allow_headers":["x-a"]}"#;
        let found = between(text, text)?;
        assert!(found.list.is_empty() && found.origins >= 6 && !found.is_partial);
        Ok(())
    }

    #[test]
    fn each_subject_is_told() -> Result<(), BuildError> {
        let first = r#"{"allow_origins":["https://a.example","https://b.example"],"allow_methods":["PUT"],
            "allow_headers":["x-a","content-type"],"expose_headers":["etag"]}"#;
        let second = r#"{"allow_origins":["https://a.example"],"allow_headers":["content-type","x-b"],
            "allow_credentials":true}"#;
        let found: Vec<(String, Subject, bool)> = between(first, second)?
            .list
            .into_iter()
            .map(|found| (found.origin, found.subject, found.first_allows))
            .collect();
        let a = || "https://a.example".to_owned();
        let text = str::to_owned;
        assert_eq!(
            found,
            [
                (a(), Subject::Credentials, false),
                (a(), Subject::ExposedHeader(text("etag")), true),
                (a(), Subject::Method(text("PUT")), true),
                (a(), Subject::Header(text("x-a")), true),
                (a(), Subject::Header(text("x-b")), false),
                (text("https://b.example"), Subject::Origin, true),
            ]
        );
        Ok(())
    }

    #[test]
    fn a_bucket_differs_from_a_document() -> Result<(), BuildError> {
        let bucket = r#"S3 [{"AllowedOrigins":["https://*.a.example"],"AllowedMethods":["GET","PUT"]}]"#;
        let document =
            r#"{"allow_origins":["https://*.a.example"],"allow_methods":["PUT"],"allow_credentials":true}"#;
        let found = between(bucket, document)?.list;
        let told = |subject: Subject, first: bool| {
            found.iter().any(|found| found.subject == subject && found.first_allows == first)
        };
        assert!(told(Subject::Method("POST".to_owned()), false), "safelisted methods: {found:?}");
        assert!(!told(Subject::Method("PUT".to_owned()), true));
        assert!(!found.iter().any(|found| found.subject == Subject::Credentials));
        Ok(())
    }
}
