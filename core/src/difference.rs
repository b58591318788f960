//! What one policy allows and another does not, found by asking both.
//!
//! Both are asked about every origin, method and header that either names, about what stands beside them (the apex
//! of a wildcard, another port, another scheme), and about some that neither names. So every difference that is told
//! is one, and policies without one may still differ in what nobody named.

use std::collections::{BTreeMap, BTreeSet};

use crate::origin::Origin;
use crate::{Policy, Request, ResponseHeader};

/// Origins that are asked about at most, of the hundreds of thousands that a policy may have.
const MAX_ORIGINS: usize = 4_000;

/// Names that are asked for together at most.
const MAX_TOGETHER: usize = 100;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The origin that was asked about.
    pub origin: String,
    /// What about it.
    pub subject: Subject,
    /// With which method; none if it is so with every method that both allow, and if it is about the origin or a method
    /// itself.
    pub method: Option<String>,
    /// Whether the first policy allows it; the other one does if this one does not.
    pub first_allows: bool,
}

/// What two policies differ in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Anything at all: with no method does the other one allow the origin.
    Origin,
    /// A method, of an origin for which both allow some.
    Method(String),
    /// Credentials.
    Credentials,
    /// Reading a response header.
    ExposedHeader(String),
    /// Reading when the response was loaded, by `Timing-Allow-Origin`.
    Timing,
    /// A request header.
    Header(String),
    /// Several request headers together, each of which both allow.
    Headers(Vec<String>),
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
        self.scheme_fills(pattern);
        self.origin(&pattern.replace("*.", ""));
        let typical = pattern.replacen('*', "corsac-probe", 1).replace('*', "8443");
        for (scheme, other) in [("https://", "http://"), ("http://", "https://")] {
            if let Some(rest) = typical.strip_prefix(scheme) {
                self.origin(&format!("{other}{rest}"));
                self.origin(&format!("{scheme}corsac-probe.{rest}"));
            }
        }
    }

    /// What a wildcard stands for that S3 allows in place of the scheme, or of a part of it.
    fn scheme_fills(&mut self, pattern: &str) {
        let Some((front, behind)) = pattern.split_once('*') else { return };
        for scheme in ["https", "http"] {
            let site = format!("{scheme}://corsac-probe");
            for whole in [scheme, &format!("{scheme}://"), &site, &format!("{site}.invalid")] {
                if !front.contains("://") && whole.starts_with(front) {
                    self.origin(&format!("{whole}{behind}"));
                }
            }
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
        let tell = |subject: Subject, method: Option<&str>, first_allows: bool| Difference {
            origin: origin.to_owned(),
            subject,
            method: method.map(str::to_owned),
            first_allows,
        };
        let asked = self
            .methods
            .iter()
            .map(|method| (method.as_str(), policies.map(|policy| preflight(policy, origin, method, None))));
        let asked: Vec<(&str, [bool; 2])> = asked.collect();
        let [first, second] = [0, 1]
            .map(|index| asked.iter().any(|(_, allowed)| allowed.get(index).copied().unwrap_or_default()));
        if first != second {
            list.push(tell(Subject::Origin, None, first));
            return;
        }
        for (method, [first, second]) in &asked {
            if first != second {
                list.push(tell(Subject::Method((*method).to_owned()), None, *first));
            }
        }
        let mut both: Vec<&str> =
            asked.iter().filter(|(_, allowed)| *allowed == [true, true]).map(|(method, _)| *method).collect();
        if policies.iter().all(|policy| policy.s3_options().is_none()) {
            // A document says the same about headers and credentials whatever the method.
            both.truncate(1);
        }
        let mut found: BTreeMap<(Subject, bool), Vec<&str>> = BTreeMap::new();
        for method in &both {
            for (subject, first_allows) in self.compare_with(origin, method, policies) {
                found.entry((subject, first_allows)).or_default().push(method);
            }
        }
        for ((subject, first_allows), methods) in found {
            if methods.len() == both.len() {
                list.push(tell(subject, None, first_allows));
            } else {
                for method in methods {
                    list.push(tell(subject.clone(), Some(method), first_allows));
                }
            }
        }
    }

    /// What differs with a method that both allow, and whether the first one allows it.
    fn compare_with(&self, origin: &str, method: &str, policies: [&Policy; 2]) -> Vec<(Subject, bool)> {
        let mut found = Vec::new();
        let mut tell = |subject: Subject, [first, second]: [bool; 2]| {
            if first != second {
                found.push((subject, first));
            }
        };
        let answers = policies.map(|policy| Actual::of(policy, origin, method));
        tell(Subject::Credentials, answers.each_ref().map(|answer| answer.credentials));
        tell(Subject::Timing, answers.each_ref().map(|answer| answer.timing));
        for name in &self.exposed {
            let shows = answers.each_ref().map(|answer| answer.shows(name));
            tell(Subject::ExposedHeader(name.clone()), shows);
        }
        let mut both = Vec::new();
        for name in &self.headers {
            let asks = policies.map(|policy| preflight(policy, origin, method, Some(name)));
            if asks == [true, true] {
                both.push(name.as_str());
            }
            tell(Subject::Header(name.clone()), asks);
        }
        // A policy looks at no more names, and no longer ones, together.
        both.truncate(MAX_TOGETHER);
        for (policy, other, first_allows) in
            [(policies[0], policies[1], true), (policies[1], policies[0], false)]
        {
            let sets = match &policy.s3 {
                Some(rules) => rules.allowed_together(origin, method, &both),
                None => vec![both.clone()],
            };
            for set in sets {
                if let Some(least) = least_refused(other, origin, method, set)
                    && preflight(policy, origin, method, Some(&least.join(",")))
                {
                    let names = least.into_iter().map(str::to_owned).collect();
                    tell(Subject::Headers(names), [first_allows, !first_allows]);
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Of these names, as few as a policy refuses together; none if it allows them all.
fn least_refused<'n>(
    policy: &Policy,
    origin: &str,
    method: &str,
    mut names: Vec<&'n str>,
) -> Option<Vec<&'n str>> {
    let refuses = |names: &[&str]| !preflight(policy, origin, method, Some(&names.join(",")));
    if names.len() < 2 || !refuses(&names) {
        return None;
    }
    let mut index = 0;
    while index < names.len() && names.len() > 2 {
        let name = names.remove(index);
        if !refuses(&names) {
            names.insert(index, name);
            index += 1;
        }
    }
    Some(names)
}

fn named(names: &[Box<str>]) -> impl Iterator<Item = String> {
    names.iter().filter(|name| ***name != *"*").map(|name| name.to_string())
}

/// What an actual response allows an origin.
struct Actual {
    credentials: bool,
    timing: bool,
    /// In lower case.
    exposed: Vec<String>,
}

impl Actual {
    fn of(policy: &Policy, origin: &str, method: &str) -> Self {
        let mut request = Request::new(method);
        request.header("Origin", origin);
        let decision = policy.evaluate(&request);
        let find = |header: ResponseHeader| {
            let mut edits = decision.headers().filter(|edit| edit.header == header && !edit.value.is_empty());
            edits.next().map(|edit| String::from_utf8_lossy(edit.value).into_owned())
        };
        let exposed = find(ResponseHeader::ExposeHeaders).unwrap_or_default();
        Actual {
            credentials: find(ResponseHeader::AllowCredentials).is_some(),
            timing: find(ResponseHeader::TimingAllowOrigin).is_some(),
            exposed: exposed.split(',').map(|name| name.trim().to_ascii_lowercase()).collect(),
        }
    }

    fn shows(&self, name: &str) -> bool {
        self.exposed.iter().any(|known| known == name || known == "*")
    }
}

fn preflight(policy: &Policy, origin: &str, method: &str, headers: Option<&str>) -> bool {
    let mut request = Request::new("OPTIONS");
    request.header("Origin", origin).header("Access-Control-Request-Method", method);
    if let Some(headers) = headers {
        request.header("Access-Control-Request-Headers", headers);
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
                (a(), Subject::Method(text("PUT")), true),
                (a(), Subject::Credentials, false),
                (a(), Subject::ExposedHeader(text("etag")), true),
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

    /// Differences about `https://a.example`, each as `method subject first_allows`.
    fn told(first: &str, second: &str) -> Result<Vec<String>, BuildError> {
        let found =
            between(first, second)?.list.into_iter().filter(|found| found.origin == "https://a.example");
        let told = found.map(|found| {
            let method = found.method.unwrap_or_else(|| "-".to_owned());
            format!("{method} {:?} {}", found.subject, found.first_allows)
        });
        Ok(told.collect())
    }

    fn rules(rules: &[(&[&str], &str, &[&str])]) -> String {
        let rules = rules.iter().map(|(methods, origin, headers)| {
            serde_json::json!({"AllowedOrigins": [origin], "AllowedMethods": methods, "AllowedHeaders": headers})
        });
        format!("S3 {}", serde_json::Value::from_iter(rules))
    }

    #[test]
    fn rules_of_a_bucket_are_compared_method_by_method() -> Result<(), BuildError> {
        let a = "https://a.example";
        let none: &[&str] = &[];
        let get = rules(&[(&["GET"], a, none)]);
        let put = rules(&[(&["PUT"], a, none)]);
        assert_eq!(told(&get, &put)?, [r#"- Method("GET") true"#, r#"- Method("PUT") false"#]);
        let put_x = rules(&[(&["PUT"], a, &["x-a"])]);
        assert_eq!(told(&put_x, &put)?, [r#"- Header("x-a") true"#]);
        // A header with one of the methods.
        let first = rules(&[(&["GET"], a, none), (&["PUT"], a, &["x-a"])]);
        let second = rules(&[(&["GET", "PUT"], a, &["x-a"])]);
        assert_eq!(told(&first, &second)?, [r#"GET Header("x-a") false"#]);
        // Credentials with one of the methods.
        let third = rules(&[(&["PUT"], "*", none), (&["GET"], a, none)]);
        let fourth = rules(&[(&["GET", "PUT"], a, none)]);
        assert_eq!(told(&third, &fourth)?, ["PUT Credentials false"]);
        Ok(())
    }

    #[test]
    fn headers_that_no_rule_allows_together_are_told() -> Result<(), BuildError> {
        let a = "https://a.example";
        let left = rules(&[(&["GET"], a, &["x-a", "x-b"]), (&["GET"], a, &["x-c"])]);
        let right = rules(&[(&["GET"], a, &["x-a"]), (&["GET"], a, &["x-b", "x-c"])]);
        let pairs = [r#"- Headers(["x-a", "x-b"]) true"#, r#"- Headers(["x-b", "x-c"]) false"#];
        assert_eq!(told(&left, &right)?, pairs);
        let document = r#"{"allow_origins":["https://a.example"],"allow_headers":["x-a","x-b","x-c"],"allow_credentials":true}"#;
        let found = told(&left, document)?;
        assert!(
            found.iter().any(|told| told.starts_with("- Headers([") && told.ends_with("false")),
            "{found:?}"
        );
        Ok(())
    }

    #[test]
    fn wildcards_of_s3_are_tried_where_no_document_has_them() -> Result<(), BuildError> {
        for (wide, narrow, between_them) in [
            ("*.example.com", "https://*.example.com", "http://corsac-probe.example.com"),
            (
                "https://*.example.com",
                "https://corsac-probe.example.com",
                "https://a.corsac-probe.example.com",
            ),
            ("https://*example.com", "https://*.example.com", "https://corsac-probeexample.com"),
            ("*://a.example", "https://a.example", "http://a.example"),
            ("http*", "https://*", "http://corsac-probe.invalid"),
            ("https://a.example*", "https://a.example", "https://a.examplecorsac-probe"),
            ("*", "http*", "null"),
        ] {
            let none: &[&str] = &[];
            let (wide_rules, narrow_rules) =
                (rules(&[(&["GET"], wide, none)]), rules(&[(&["GET"], narrow, none)]));
            let list = between(&wide_rules, &narrow_rules)?.list;
            let is_told =
                |origin: &str| list.iter().any(|found| found.first_allows && found.origin == origin);
            assert!(is_told(between_them), "{wide} {narrow}: {list:?}");
            assert!(list.iter().all(|found| found.first_allows || found.subject == Subject::Credentials));
        }
        Ok(())
    }

    #[test]
    fn timing_is_told() -> Result<(), BuildError> {
        let text = r#"{"allow_origins":["https://a.example"],"timing_allow_origin":true}"#;
        let plain = r#"{"allow_origins":["https://a.example"]}"#;
        assert_eq!(told(text, plain)?, ["- Timing true"]);
        Ok(())
    }
}
