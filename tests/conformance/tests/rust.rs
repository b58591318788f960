//! The Rust engine: the crate `corsac`, with its own requests and with those of the crate `http`.

#![allow(missing_docs, clippy::expect_used, reason = "a test suite has no public face")]

use corsac::s3::{BodyOptions, Dialect, ResourceType, S3Error, S3Options};
use corsac::{Decision, Policy, Problem, Request};
use corsac_conformance::compare;
use corsac_conformance::engine::{
    DecisionData, Engine, EnginePolicy, HOST_ID, ProblemData, REQUEST_ID, S3Answer, S3Refusal,
};
use corsac_conformance::vectors::RequestLines;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

struct Rust;

struct RustPolicy(Policy);

impl Engine for Rust {
    const NAME: &'static str = "rust";
    const REMOVES: bool = true;
    const APPLIES: bool = true;
    type Policy = RustPolicy;

    fn build(&self, document: &str) -> Result<RustPolicy, Vec<ProblemData>> {
        Policy::from_json(document)
            .map(RustPolicy)
            .map_err(|error| error.problems().iter().map(problem).collect())
    }

    fn build_s3(&self, text: &str, dialect: &str, strict: bool) -> Result<RustPolicy, S3Refusal> {
        let built = S3Options::new(dialect, strict).and_then(|options| Policy::from_s3(text, options));
        built.map(RustPolicy).map_err(|error| S3Refusal {
            problems: error.problems().iter().map(problem).collect(),
            error: error.s3_error().map(s3_error),
        })
    }
}

fn s3_error(error: &S3Error) -> (String, String) {
    let options = BodyOptions { request_id: REQUEST_ID, host_id: HOST_ID, ..BodyOptions::default() };
    (error.code().to_string(), error.body(options))
}

fn problem(problem: &Problem) -> ProblemData {
    ProblemData {
        code: problem.code.to_owned(),
        path: problem.path.clone(),
        value: problem.value.clone(),
        message: problem.message.clone(),
        suggestion: problem.suggestion.clone(),
        line: problem.line.map(u64::from),
        column: problem.column.map(u64::from),
    }
}

fn request(lines: &RequestLines) -> Request<'_> {
    let mut request = Request::new(&lines.method);
    for (name, value) in &lines.headers {
        request.header(name, value);
    }
    request
}

/// The same request in the types of the crate `http`; none if it cannot hold it.
fn http_request(lines: &RequestLines) -> Option<http::Request<()>> {
    let mut request = http::Request::new(());
    if lines.headers.iter().filter(|(name, _)| name == ":authority").count() > 1 {
        return None;
    }
    *request.method_mut() = http::Method::from_bytes(&lines.method).ok()?;
    for (name, value) in &lines.headers {
        if name == ":authority" {
            let authority = std::str::from_utf8(value).ok()?;
            *request.uri_mut() =
                http::Uri::builder().scheme("https").authority(authority).path_and_query("/").build().ok()?;
        } else {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
        }
    }
    Some(request)
}

fn decision(decision: &Decision<'_>) -> DecisionData {
    DecisionData {
        kind: decision.kind().name().to_owned(),
        action: decision.action().name().to_owned(),
        status: u64::from(decision.status()),
        allowed: decision.allowed(),
        reason: decision.reason().name().to_owned(),
        rule: decision.rule().map(u64::from),
        rule_name: decision.rule_name().map(str::to_owned),
        headers: decision
            .headers()
            .map(|edit| (edit.op.to_string(), edit.name().to_owned(), edit.value.to_vec()))
            .collect(),
        line: decision.to_string(),
    }
}

impl EnginePolicy for RustPolicy {
    fn evaluate(&self, lines: &RequestLines) -> DecisionData {
        let request = request(lines);
        let seen = decision(&self.0.evaluate(&request));
        assert!(seen.headers.len() <= corsac::limits::MAX_EDITS);
        if let Some(http) = http_request(lines) {
            assert_eq!(seen, decision(&self.0.evaluate(&http)), "the crate http's request is decided alike");
            assert_eq!(seen, decision(&self.0.evaluate(&http.into_parts().0)), "and so are its parts");
        }
        seen
    }

    fn document(&self) -> String {
        self.0.document()
    }

    fn warnings(&self) -> Vec<ProblemData> {
        self.0.warnings().iter().map(problem).collect()
    }

    fn allows_origin(&self, origin: Option<&[u8]>, credentials: bool) -> bool {
        self.0.allows_origin(origin, credentials)
    }

    fn s3_xml(&self) -> Option<String> {
        Some(self.0.s3_configuration()?.to_xml(self.0.s3_options()?.dialect))
    }

    fn s3_answer(&self, lines: &RequestLines) -> S3Answer {
        let request = request(lines);
        let decision = self.0.evaluate(&request);
        let error = decision.s3_error();
        assert!(error.as_ref().is_none_or(|error| error.status() == decision.status()));
        let headers = decision.s3_headers();
        S3Answer {
            error: error.as_ref().map(s3_error),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    fn apply(&self, lines: &RequestLines, response: &[(String, Vec<u8>)]) -> Option<Vec<(String, Vec<u8>)>> {
        let mut headers = HeaderMap::new();
        for (name, value) in response {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("vectors hold header names");
            headers.append(name, HeaderValue::from_bytes(value).expect("vectors hold header values"));
        }
        self.0.evaluate(&request(lines)).apply(&mut headers);
        Some(headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect())
    }
}

#[test]
fn every_vector() {
    compare::run(&Rust);
}

/// The value at a path such as `rules[1].allow_origins[0]`.
fn at<'v>(mut value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        value = match value {
            Value::Array(list) => list.get_mut(part.parse::<usize>().ok()?)?,
            value => value.get_mut(part)?,
        };
    }
    Some(value)
}

/// The document with a problem's suggestion in place of the value, or of the key.
fn repaired(document: &Value, problem: &Problem, suggestion: &str) -> Option<Value> {
    let mut document = document.clone();
    if problem.code == "unknown-key" {
        let parent = problem.path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let object = at(&mut document, parent)?.as_object_mut()?;
        let value = object.shift_remove(problem.value.as_deref()?)?;
        assert!(!object.contains_key(suggestion), "{suggestion} is there already");
        object.insert(suggestion.to_owned(), value);
        return Some(document);
    }
    let place = at(&mut document, &problem.path)?;
    // A string as it is, or JSON text for anything else.
    let is_text = place.is_string() && problem.code != "wrong-type";
    *place = if is_text { Value::from(suggestion) } else { serde_json::from_str(suggestion).ok()? };
    Some(document)
}

#[test]
fn every_suggestion_removes_its_problem_and_adds_none() {
    let mut tried = 0;
    for case in corsac_conformance::vectors::load() {
        if case.s3.is_some() {
            continue;
        }
        let Ok(document) = serde_json::from_str::<Value>(&case.document) else { continue };
        let Err(error) = Policy::from_json(&case.document) else { continue };
        for problem in error.problems() {
            let Some(suggestion) = &problem.suggestion else { continue };
            let Some(repaired) = repaired(&document, problem, suggestion) else { continue };
            tried += 1;
            let left = match Policy::from_json(repaired.to_string()) {
                Ok(_) => Vec::new(),
                Err(error) => error.problems().to_vec(),
            };
            let of = |problem: &Problem| (problem.code, problem.path.clone(), problem.value.clone());
            assert!(
                !left.iter().any(|left| of(left) == of(problem)),
                "{}: {suggestion} does not repair {problem:?}",
                case.name
            );
            for new in &left {
                // What a guard says of the repaired value may be new.
                let guard = new.code.ends_with("-with-credentials")
                    // The value of an unknown key is looked at only when the key is known.
                    || (problem.code == "unknown-key" && new.path.starts_with(suggestion))
                    // A policy is tested against its own expectations once it has no other problem.
                    || new.code == "expectation-failed";
                let known = error.problems().iter().any(|old| (old.code, &old.path) == (new.code, &new.path));
                assert!(guard || known, "{}: {suggestion} for {problem:?} brings {new:?}", case.name);
            }
        }
    }
    assert!(tried > 150, "only {tried} suggestions");
}

#[test]
fn s3_answers_about_buckets() {
    compare::run_buckets(|case| {
        let dialect = Dialect::from_name(&case.dialect).expect("a dialect");
        let nothing = RequestLines { method: b"GET".to_vec(), headers: Vec::new() };
        let asked = request(case.request.as_ref().unwrap_or(&nothing));
        let error = S3Error::named(&case.error, dialect, &asked).expect("an answer");
        assert_eq!(S3Error::from_json(&error.to_json()), Some(error.clone()));
        assert_eq!(S3Error::named("bucket", dialect, &asked), None);
        let resource_type = ResourceType::new(case.is_bucket);
        let options = BodyOptions { resource_type, request_id: REQUEST_ID, host_id: HOST_ID };
        (error.status(), error.code().to_string(), error.body(options))
    });
}
