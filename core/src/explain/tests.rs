//! Hints about policies: near misses, all causes at once, and which rule they are about.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is a failure with a place"
)]

use super::{Explanation, Question, canonical_origin, explain, explain_json};
use crate::Policy;

fn explained(document: &str, page: &str, request: &str) -> Explanation {
    let policy = Policy::from_json(document).unwrap();
    let question = format!(
        r#"{{"page_origin": "{page}", "request": {{"url": "https://api.example.net/", {request}}}}}"#
    );
    explain(&Question::from_json(&question).unwrap(), Some(&policy)).unwrap()
}

fn causes(explanation: &Explanation) -> Vec<(&'static str, &str)> {
    let causes = explanation.hints.iter().filter(|hint| hint.is_cause);
    causes.map(|hint| (hint.code, hint.path.as_deref().unwrap_or(""))).collect()
}

const GET: &str = r#""method": "GET""#;
const EVERYTHING: &str =
    r#""method": "DELETE", "headers": [["X-A", "1"], ["X-B", "1"], ["X-C", "1"]], "credentials": "include""#;

#[test]
fn near_misses_of_every_kind_of_pattern() {
    for (pattern, page, code) in [
        ("https://app.example.com", "http://app.example.com", "origin-differs-in-scheme"),
        ("http://app.example.com", "https://app.example.com", "origin-differs-in-scheme"),
        ("https://app.example.com", "https://app.example.com:8443", "origin-differs-in-port"),
        ("https://app.example.com:8443", "https://app.example.com", "origin-differs-in-port"),
        ("https://app.example.com", "http://app.example.com:3000", "origin-differs-in-scheme"),
        ("https://example.com", "https://www.example.com", "origin-differs-in-www"),
        ("https://www.example.com", "https://example.com", "origin-differs-in-www"),
        ("https://example.com", "https://app.example.com", "origin-is-subdomain"),
        ("https://app.example.com", "https://example.com", "origin-is-apex"),
        ("https://example.com", "https://example.com.", "origin-differs-in-trailing-dot"),
        ("http://localhost:3000", "http://127.0.0.1:3000", "origin-differs-in-loopback-name"),
        ("http://127.0.0.1:3000", "http://[::1]:3000", "origin-differs-in-loopback-name"),
        ("http://localhost:*", "http://127.0.0.1:5173", "origin-differs-in-loopback-name"),
        ("http://localhost:*", "https://localhost:5173", "origin-differs-in-scheme"),
        ("http://localhost", "http://localhost:3000", "origin-differs-in-port"),
        ("https://*.example.com", "https://example.com", "origin-is-apex"),
        ("https://*.example.com", "http://a.b.example.com", "origin-differs-in-scheme"),
        ("https://*.example.com", "https://app.example.com:8443", "origin-differs-in-port"),
        ("https://*.example.com:8443", "https://app.example.com", "origin-differs-in-port"),
        ("https://*.example.com:8443", "https://example.com:8443", "origin-is-apex"),
        ("https://pr-*.preview.example.com", "http://pr-7.preview.example.com", "origin-differs-in-scheme"),
        ("https://*-web.example.com", "https://a-web.example.com:8443", "origin-differs-in-port"),
        ("https://*", "http://app.example.com", "origin-differs-in-scheme"),
        ("https://*", "https://app.example.com:8443", "origin-differs-in-port"),
        // No near misses.
        ("https://*.example.com", "https://xexample.com", "origin-not-allowed"),
        ("https://pr-*.preview.example.com", "https://pr-a.b.preview.example.com", "origin-not-allowed"),
        ("https://app.example.com", "chrome-extension://abcdef", "origin-not-allowed"),
        ("https://app.example.com", "https://app.example.org", "origin-not-allowed"),
        ("https://app.example.com", "null", "null-origin"),
    ] {
        let document = format!(r#"{{"allow_origins": ["https://first.example.test", "{pattern}"]}}"#);
        let explanation = explained(&document, page, GET);
        let found = causes(&explanation);
        assert_eq!(found.first().map(|(code, _)| *code), Some(code), "{pattern} {page}");
        let path = match code {
            "null-origin" => "",
            "origin-not-allowed" => "allow_origins",
            _ => "allow_origins[1]",
        };
        assert_eq!(found.first().map(|(_, path)| *path), Some(path), "{pattern} {page}");
        // What the hint says to write there lets the page read.
        if code != "null-origin" && !page.starts_with("chrome") {
            let suggestion = explanation.hints.first().and_then(|hint| hint.suggestion.as_deref()).unwrap();
            let mended = format!(r#"{{"allow_origins": ["{suggestion}"]}}"#);
            assert!(explained(&mended, page, GET).readable(), "{pattern} {page}");
        }
    }
}

#[test]
fn everything_that_is_not_allowed_is_told_at_once() {
    let others = [
        ("method-not-allowed", "allow_methods"),
        ("header-not-allowed", "allow_headers"),
        ("header-not-allowed", "allow_headers"),
        ("credentials-not-allowed", "allow_credentials"),
    ];
    let document = r#"{"allow_origins": ["https://app.example.com"], "allow_methods": ["PUT"], "allow_headers": ["x-b"]}"#;
    // The origin is fine, a near miss, and unknown.
    assert_eq!(causes(&explained(document, "https://app.example.com", EVERYTHING)), others);
    for (page, first) in [
        ("http://app.example.com", ("origin-differs-in-scheme", "allow_origins[0]")),
        ("https://app.example.org", ("origin-not-allowed", "allow_origins")),
        ("null", ("null-origin", "")),
    ] {
        let explanation = explained(document, page, EVERYTHING);
        let found = causes(&explanation);
        assert_eq!(found.split_first().unwrap(), (&first, &others[..]), "{page}");
    }
    // A policy that has nothing against the rest.
    let generous = r#"{"allow_origins": ["https://app.example.com"], "allow_methods": "*", "allow_headers": "*", "allow_credentials": true}"#;
    let found = explained(generous, "http://app.example.com", EVERYTHING);
    assert_eq!(causes(&found), [("origin-differs-in-scheme", "allow_origins[0]")]);
}

#[test]
fn hints_say_which_of_several_rules_they_are_about() {
    let document = r#"{"rules": [
        {"name": "partners", "allow_origins": ["https://partner.example"], "allow_methods": ["PUT"], "allow_credentials": true},
        {"allow_origins": ["https://*.example.com"], "allow_headers": ["x-a"]}]}"#;
    let put = r#""method": "PUT", "headers": [["X-A", "1"]], "credentials": "include""#;
    let first = explained(document, "https://partner.example", put);
    assert_eq!(causes(&first), [("header-not-allowed", "rules[0].allow_headers")]);
    assert!(
        first.hints[0].cause.contains("The rule \"partners\" does not allow"),
        "{}",
        first.hints[0].cause
    );
    let second = explained(document, "https://app.example.com", put);
    let methods = ("method-not-allowed", "rules[1].allow_methods");
    assert_eq!(causes(&second), [methods, ("credentials-not-allowed", "rules[1].allow_credentials")]);
    assert!(second.hints[0].cause.contains("The rule rules[1] does not allow"), "{}", second.hints[0].cause);
    // A near miss leads to the rule that was meant, a strange origin to none.
    let near = explained(document, "https://example.com", put);
    assert_eq!(causes(&near)[0], ("origin-is-apex", "rules[1].allow_origins[0]"));
    assert_eq!(causes(&near)[1..], causes(&second));
    assert_eq!(causes(&explained(document, "https://other.test", put)), [("origin-not-allowed", "")]);
}

#[test]
fn a_rule_that_was_meant_and_does_not_decide_is_named() {
    let near = r#"{"rules": [
        {"name": "partners", "allow_origins": ["https://partner.example"], "allow_credentials": true},
        {"name": "everyone", "allow_origins": "*"}]}"#;
    let include = r#""method": "GET", "credentials": "include""#;
    let found = explained(near, "https://www.partner.example", include);
    assert_eq!(causes(&found)[0], ("origin-differs-in-www", "rules[0].allow_origins[0]"));
    assert_eq!(causes(&found)[1], ("any-origin-with-credentials", "rules[1].allow_origins"));
    assert!(explained(near, "https://www.partner.example", GET).readable());
    let late = r#"{"rules": [
        {"name": "all of us", "allow_origins": ["https://*.example.com"]},
        {"name": "app", "allow_origins": ["https://app.example.com"], "allow_methods": ["DELETE"]}]}"#;
    let found = explained(late, "https://app.example.com", r#""method": "DELETE""#);
    assert_eq!(causes(&found)[0], ("earlier-rule-decides", "rules[1].allow_origins[0]"));
}

#[test]
fn patch_in_lower_case_is_told_in_either_place() {
    let document = r#"{"allow_origins": ["https://app.example.com"], "allow_methods": ["PATCH"]}"#;
    let found = explained(document, "https://app.example.com", r#""method": "patch""#);
    assert_eq!(causes(&found), [("method-in-other-case", "allow_methods")]);
    assert!(found.hints[0].fix.contains("\"PATCH\""));
    // Browsers write the other methods in upper case themselves.
    let put = r#"{"allow_origins": ["https://app.example.com"], "allow_methods": ["PUT"]}"#;
    assert!(explained(put, "https://app.example.com", r#""method": "put""#).readable());
}

#[test]
fn a_page_is_named_as_a_browser_names_it() {
    assert_eq!(
        canonical_origin("https://App.example.com:443/a?b").as_deref(),
        Some("https://app.example.com")
    );
    assert_eq!(
        canonical_origin("http://b\u{fc}cher.example").as_deref(),
        Some("http://xn--bcher-kva.example")
    );
    for same in ["https://app.example.com", "null", "chrome-extension://abc", "nonsense"] {
        assert_eq!(canonical_origin(same), None, "{same}");
    }
    let question = r#"{"page_origin": "https://APP.example.com", "request": {"url": "https://api.example.net/"}, "server": {}}"#;
    let error = explain_json(question, None).unwrap_err().to_string();
    assert!(error.contains("https://app.example.com"), "{error}");
}

#[test]
fn the_forms_in_json_are_those_of_the_types() {
    let policy = Policy::from_json(r#"{"allow_origins": ["https://app.example.com"]}"#).unwrap();
    let question =
        r#"{"page_origin": "https://app.example.com", "request": {"url": "https://api.example.net/"}}"#;
    let text = explain_json(question, Some(&policy)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["readable"], true);
    assert_eq!(value["profiles"][0]["profile"], "standard");
    assert_eq!(value["profiles"][0]["outcome"], "allowed");
    assert_eq!(value["decisions"][0]["reason"], "allowed");
    assert!(explain_json("{", None).unwrap_err().to_string().contains("line 1"));
    let exchange = r#"{"page_origin": "https://app.example.com", "request": {"url": "https://api.example.net/"},
        "server": {"actual": {"status": 200, "headers": [["Access-Control-Allow-Origin", "*"]]}}}"#;
    let profile = crate::browser::Profile::Chromium;
    let outcome = crate::browser::simulate_json(exchange, profile).unwrap();
    assert!(outcome.starts_with(r#"{"outcome":"allowed""#), "{outcome}");
    let sequence =
        format!(r#"{{"steps": [{{"exchange": {exchange}}}, {{"at": 5, "exchange": {exchange}}}]}}"#);
    let outcomes = crate::browser::simulate_sequence_json(&sequence, profile).unwrap();
    assert_eq!(outcomes, format!("[{outcome},{outcome}]"));
}

#[test]
fn responses_are_told_everything_that_they_lack_too() {
    let question = |preflight: &str| {
        let text = format!(
            r#"{{"page_origin": "https://app.example.com", "request": {{"url": "https://api.example.net/", {EVERYTHING}}},
                "server": {{"preflight": {{"status": 204, "headers": [{preflight}]}}}}}}"#
        );
        explain(&Question::from_json(&text).unwrap(), None).unwrap()
    };
    let codes = |explanation: &Explanation| -> Vec<&str> {
        causes(explanation).iter().map(|(code, _)| *code).collect()
    };
    assert_eq!(
        codes(&question("")),
        [
            "allow-origin-missing",
            "credentials-not-allowed",
            "allow-methods-missing",
            "header-not-allowed",
            "header-not-allowed",
            "header-not-allowed"
        ]
    );
    let allowed = r#"["Access-Control-Allow-Origin", "https://app.example.com"], ["Access-Control-Allow-Credentials", "true"]"#;
    let lists = r#", ["Access-Control-Allow-Methods", "PUT"], ["Access-Control-Allow-Headers", "x-b"]"#;
    assert_eq!(
        codes(&question(&format!("{allowed}{lists}"))),
        ["method-not-allowed", "header-not-allowed", "header-not-allowed"]
    );
}

mod buckets {
    use super::{EVERYTHING, Explanation, GET, Question, causes, explain};
    use crate::Policy;
    use crate::s3::S3Options;

    const PAGE: &str = "https://app.example.com";
    const UPLOADS: &str = r#"[
        {"ID": "uploads", "AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["content-type"], "ExposeHeaders": ["ETag"]},
        {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-a"]},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}]"#;

    fn explained(configuration: &str, page: &str, request: &str) -> Explanation {
        let policy = Policy::from_s3(configuration, S3Options::default()).unwrap();
        let question = format!(
            r#"{{"page_origin": "{page}", "request": {{"url": "https://s3.example.net/", {request}}}, "reads": ["ETag", "X-Amz-Id"]}}"#
        );
        explain(&Question::from_json(&question).unwrap(), Some(&policy)).unwrap()
    }

    #[test]
    fn the_nearest_rule_is_told_in_the_words_of_s3() {
        let delete = explained(UPLOADS, PAGE, r#""method": "DELETE""#);
        assert_eq!(causes(&delete), [("method-not-allowed", "CORSRules[0].AllowedMethods")]);
        assert!(
            delete.hints[0].cause.starts_with("The rule \"uploads\" does not have DELETE"),
            "{:?}",
            delete.hints
        );
        let header = explained(
            UPLOADS,
            PAGE,
            r#""method": "PUT", "headers": [["X-B", "1"], ["Content-Type", "a/b"]]"#,
        );
        assert_eq!(causes(&header), [("header-not-allowed", "CORSRules[0].AllowedHeaders")]);
        assert_eq!(header.hints[0].suggestion.as_deref(), Some("x-b"));
        let origin = explained(UPLOADS, "https://other.example", r#""method": "PUT""#);
        assert_eq!(
            causes(&origin),
            [("method-not-allowed", "CORSRules[2].AllowedMethods")],
            "the rule that is for every origin"
        );
        let first = UPLOADS.replace(
            r#",
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}"#,
            "",
        );
        let origin = explained(&first, "https://other.example", GET);
        assert_eq!(causes(&origin), [("origin-not-allowed", "CORSRules[1].AllowedOrigins")]);
        assert_eq!(origin.hints[0].suggestion.as_deref(), Some("https://other.example"));
    }

    #[test]
    fn an_actual_request_is_judged_by_its_method_too() {
        let only_put = r#"[{"AllowedOrigins": ["https://*"], "AllowedMethods": ["PUT"]}]"#;
        for method in ["GET", "get", "HEAD", "POST"] {
            let found = explained(only_put, PAGE, &format!(r#""method": "{method}""#));
            assert_eq!(causes(&found), [("method-not-allowed", "CORSRules[0].AllowedMethods")], "{method}");
            assert_eq!(found.hints[0].suggestion.as_deref(), Some(method.to_uppercase().as_str()));
        }
        let patch = explained(only_put, PAGE, r#""method": "PATCH""#);
        assert_eq!(causes(&patch), [("method-not-allowed", "")]);
        assert!(patch.hints[0].cause.contains("GET, PUT, HEAD, POST and DELETE"));
    }

    #[test]
    fn rules_that_would_do_together_are_told() {
        let found = explained(UPLOADS, PAGE, r#""method": "PUT", "headers": [["X-A", "1"]]"#);
        assert_eq!(
            causes(&found),
            [
                ("rules-are-not-merged", "CORSRules[0].AllowedOrigins"),
                ("header-not-allowed", "CORSRules[0].AllowedHeaders")
            ]
        );
        let found = explained(UPLOADS, PAGE, EVERYTHING);
        assert!(
            !causes(&found).iter().any(|(code, _)| *code == "rules-are-not-merged"),
            "nobody allows DELETE"
        );
    }

    #[test]
    fn credentials_exposed_headers_and_the_age_are_those_of_the_rule() {
        let found =
            explained(UPLOADS, "https://other.example", r#""method": "HEAD", "credentials": "include""#);
        assert_eq!(causes(&found), [("any-origin-with-credentials", "CORSRules[2].AllowedOrigins")]);
        let found = explained(UPLOADS, PAGE, r#""method": "PUT""#);
        assert!(found.readable());
        let all: Vec<_> =
            found.hints.iter().map(|hint| (hint.code, hint.path.as_deref().unwrap_or(""))).collect();
        assert_eq!(
            all,
            [
                ("header-not-exposed", "CORSRules[0].ExposeHeaders"),
                ("preflight-kept-for-5-seconds", "CORSRules[0].MaxAgeSeconds"),
            ]
        );
        assert_eq!(found.hints[0].suggestion.as_deref(), Some("x-amz-id"));
    }

    fn one_rule(origin: &str) -> String {
        format!(
            r#"[{{"AllowedOrigins": ["https://first.test", "{origin}"], "AllowedMethods": ["GET", "HEAD", "POST"]}}]"#
        )
    }

    #[test]
    fn an_origin_that_is_just_missed_is_told_with_its_place() {
        for (value, page, code) in [
            ("https://app.example.com/", PAGE, "origin-with-trailing-slash"),
            ("https://*.example.com/", PAGE, "origin-with-trailing-slash"),
            ("https://App.example.com", PAGE, "origin-in-upper-case"),
            ("https://app.example.com:*", PAGE, "origin-differs-in-port"),
            ("https://app.example.com", "https://app.example.com:8443", "origin-differs-in-port"),
            ("http://app.example.com", PAGE, "origin-differs-in-scheme"),
            ("http://*.example.com", PAGE, "origin-differs-in-scheme"),
            ("app.example.com", PAGE, "origin-without-scheme"),
            ("https://app.example.com:443", PAGE, "origin-with-default-port"),
            ("https://*.example.com", "https://example.com", "origin-is-apex"),
        ] {
            let found = explained(&one_rule(value), page, GET);
            assert_eq!(causes(&found), [(code, "CORSRules[0].AllowedOrigins[1]")], "{value} {page}");
            // What the hint says to write there lets the page read.
            let suggestion = found.hints[0].suggestion.as_deref().unwrap();
            let mended = explained(&one_rule(suggestion), page, GET);
            assert_eq!(mended.profiles[0].outcome.cause, None, "{value} {page}");
        }
        let null = explained(&one_rule(PAGE), "null", GET);
        assert_eq!(causes(&null), [("null-origin", "")]);
    }

    #[test]
    fn rules_that_came_near_are_told_with_what_they_lack() {
        let found = explained(UPLOADS, PAGE, r#""method": "DELETE", "headers": [["X-A", "1"]]"#);
        let told: Vec<_> = found.hints.iter().filter(|hint| hint.code == "rule-nearly-matches").collect();
        assert_eq!(told[0].path.as_deref(), Some("CORSRules[0]"));
        assert!(
            told[0].cause.ends_with("it has no AllowedMethod DELETE; no AllowedHeader matches x-a."),
            "{told:?}"
        );
        assert!(told[1].cause.contains("it has no AllowedHeader."), "{told:?}");
        let none = r#"[{"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"]}]"#;
        let found = explained(none, PAGE, r#""method": "PUT", "headers": [["X-A", "1"]]"#);
        assert_eq!(causes(&found), [("header-not-allowed", "CORSRules[0].AllowedHeaders")]);
        assert!(found.hints[0].cause.contains("refuses every preflight that asks for headers"));
    }

    #[test]
    fn the_request_may_be_decided_by_another_rule_than_its_preflight() {
        let rules = r#"[
            {"ID": "all", "AllowedOrigins": ["*"], "AllowedMethods": ["PUT"]},
            {"ID": "app", "AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-a"], "ExposeHeaders": ["ETag", "X-Amz-Id"]}]"#;
        let put = r#""method": "PUT", "headers": [["X-A", "1"]]"#;
        let found = explained(rules, PAGE, &format!(r#"{put}, "credentials": "include""#));
        assert_eq!(
            causes(&found),
            [
                ("another-rule-answers", "CORSRules[1]"),
                ("earlier-rule-decides", "CORSRules[1]"),
                ("any-origin-with-credentials", "CORSRules[0].AllowedOrigins")
            ]
        );
        // What script may read is said by the rule of the request itself.
        let found = explained(rules, PAGE, put);
        assert_eq!(causes(&found)[0], ("header-not-exposed", "CORSRules[0].ExposeHeaders"));
    }

    #[test]
    fn zenko_sends_no_age_of_0() {
        let rules = r#"[{"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["PUT"], "MaxAgeSeconds": 0, "ExposeHeaders": ["ETag", "X-Amz-Id"]}]"#;
        let found = explained(rules, PAGE, r#""method": "PUT""#);
        let hint = found.hints.iter().find(|hint| hint.code == "preflight-kept-for-5-seconds").unwrap();
        assert!(hint.cause.contains("`MaxAgeSeconds` 0 is not sent"), "{}", hint.cause);
    }
}
