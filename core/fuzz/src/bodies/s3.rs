//! Any bytes as the CORS configuration of a bucket.

use corsac::s3::{BodyOptions, Dialect, JsonForm, MAX_CONFIGURATION_BYTES, S3Options};
use corsac::{Policy, Request};

use super::claims;

/// A configuration is refused with one problem and an error of S3, or makes a policy whose texts lead back to it,
/// and whose decisions keep their promises.
pub fn run(data: &[u8]) {
    for dialect in Dialect::ALL {
        for strict in [false, true] {
            let options = S3Options { dialect, strict };
            match Policy::from_s3(data, options) {
                Ok(policy) => keeps_its_promises(&policy, options),
                Err(error) => {
                    assert_eq!((error.problems().len(), error.unreported()), (1, 0));
                    claims::is_a_problem(&error.problems()[0], None);
                    let s3 = error.s3_error().expect("an error of S3");
                    assert_eq!((s3.status(), Some(&**s3.code())), (400, error.s3_code()));
                    let body = s3.body(BodyOptions::default());
                    assert!(body.contains(&**s3.code()) && body.ends_with("</Error>"));
                }
            }
        }
    }
}

fn keeps_its_promises(policy: &Policy, options: S3Options) {
    for warning in policy.warnings() {
        claims::is_a_problem(warning, None);
    }
    let configuration = policy.s3_configuration().expect("it was read as one");
    let rules = configuration.rules();
    assert!((1..=100).contains(&rules.len()));
    for form in [JsonForm::CommandLine, JsonForm::Console, JsonForm::CloudFormation] {
        let json = configuration.to_json_as(form);
        let again = Policy::from_s3(&json, options).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(again, *policy, "{json}");
    }
    let xml = configuration.to_xml(options.dialect);
    if xml.len() <= MAX_CONFIGURATION_BYTES {
        let again = Policy::from_s3(&xml, options).unwrap_or_else(|error| panic!("{error}: {xml}"));
        let again = again.s3_configuration().expect("it was read as one");
        assert_eq!(again.to_xml(options.dialect), xml);
        // The 0 that Zenko does not send is lost.
        if !configuration.to_json().contains(":0}") {
            assert_eq!(again, configuration);
        }
    }
    for rule in rules.iter().take(4) {
        let origins = rule.allowed_origins().iter().take(2).map(|origin| origin.replace('*', "x.example"));
        for origin in origins.chain(["null".to_owned(), "https://app.example.com".to_owned()]) {
            decides(policy, options, &origin, &rule.allowed_headers().join(","));
        }
    }
}

fn decides(policy: &Policy, options: S3Options, origin: &str, headers: &str) {
    for method in ["GET", "OPTIONS", "PATCH"] {
        let mut request = Request::new(method);
        request.header("Origin", origin).header("Access-Control-Request-Method", "PUT");
        request.header("Access-Control-Request-Headers", headers);
        let decision = policy.evaluate(&request);
        let exact = decision.s3_headers();
        if decision.rule().is_some() {
            assert!(decision.allowed() && !exact.is_empty());
        } else {
            assert!(exact.is_empty());
        }
        assert_eq!(decision.s3_error().is_some(), method == "OPTIONS" && !decision.allowed());
        assert_eq!(decision.s3_error().map_or(0, |error| error.status()), refused_status(&decision));
        for edit in decision.headers() {
            assert!(!edit.value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        }
        if !options.strict {
            claims::is_a_decision(policy, &request);
        }
    }
}

fn refused_status(decision: &corsac::Decision<'_>) -> u16 {
    if decision.allowed() { 0 } else { decision.status() }
}
