//! What building promises beyond the vectors: bounds, bytes that are no text, and what errors look like.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test suite has no public face")]

use corsac::{Policy, PolicyBuilder};

fn codes(builder: &PolicyBuilder) -> Vec<&'static str> {
    builder.build().unwrap_err().problems().iter().map(|problem| problem.code).collect()
}

#[test]
fn every_problem_of_a_builder_comes_at_once_in_the_order_of_the_keys() {
    let mut builder = Policy::builder();
    builder
        .max_age(-1)
        .expose_header("set-cookie")
        .allow_header("a b")
        .allow_method("TRACE")
        .allow_origin("https://a.example/")
        .allow_origin("ftp://b.example");
    assert_eq!(
        codes(&builder),
        [
            "origin-with-trailing-slash",
            "origin-scheme-not-allowed",
            "forbidden-method",
            "invalid-header-name",
            "unexposable-header",
            "max-age-out-of-range"
        ]
    );
}

#[test]
fn a_builder_can_build_more_than_once() {
    let mut builder = Policy::builder();
    assert_eq!(codes(&builder), ["missing-allow-origins"]);
    builder.allow_origin("https://a.example");
    let first = builder.build().unwrap();
    builder.allow_origin("https://b.example");
    let second = builder.build().unwrap();
    assert_ne!(first, second);
    assert_eq!(first.document(), r#"{"allow_origins":["https://a.example"]}"#);
}

#[test]
fn a_builder_and_a_document_give_equal_policies() {
    let built = Policy::builder()
        .allow_origin("https://a.example")
        .allow_method("PUT")
        .allow_header("X-Token")
        .expose_header("ETag")
        .allow_credentials(true)
        .max_age(0)
        .build()
        .unwrap();
    let read = Policy::from_json(built.document()).unwrap();
    assert_eq!(built, read);
    assert_eq!(built.document(), read.document());
}

#[test]
fn bytes_that_are_no_utf_8_are_a_problem() {
    let error = Policy::builder().allow_origin([0xff, b'a']).allow_method([0x80]).build().unwrap_err();
    let found: Vec<_> =
        error.problems().iter().map(|problem| (problem.code, problem.path.as_str())).collect();
    assert_eq!(found, [("not-utf-8", "allow_origins[0]"), ("not-utf-8", "allow_methods[0]")]);
    let error = Policy::from_json(b"{\"allow_origins\":\n \"\xff\"}").unwrap_err();
    let problem = &error.problems()[0];
    assert_eq!((problem.code, problem.line, problem.column), ("not-utf-8", Some(2), Some(3)));
}

#[test]
fn a_million_problems_are_counted_and_a_thousand_told() {
    let origins = vec![r#""x""#; 1_000_000].join(",");
    let error = Policy::from_json(format!("{{\"allow_origins\":[{origins}]}}")).unwrap_err();
    assert_eq!(error.problems().len(), 1_000);
    assert_eq!(error.unreported(), 999_000);
    assert_eq!(error.problems()[999].path, "allow_origins[999]");
    assert!(error.to_string().ends_with("(and 999000 more)"));
}

#[test]
fn a_hundred_thousand_names_are_one_problem() {
    let names: Vec<String> = (0..100_000).map(|number| format!("\"x-{number}\"")).collect();
    let document = format!("{{\"allow_origins\":\"*\",\"allow_headers\":[{}]}}", names.join(","));
    let error = Policy::from_json(document).unwrap_err();
    let found: Vec<_> =
        error.problems().iter().map(|problem| (problem.code, problem.path.as_str())).collect();
    assert_eq!(found, [("too-many-names", "allow_headers")]);
}

#[test]
fn more_than_two_million_origins_are_one_problem() {
    let mut builder = Policy::builder();
    for number in 0..2_000_002 {
        builder.allow_origin(format!("https://{number:x}.example"));
    }
    assert_eq!(codes(&builder), ["too-many-origins"]);
}

#[test]
fn nesting_has_no_depth_that_hurts() {
    let deep = format!("{{\"allow_origins\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let error = Policy::from_json(deep).unwrap_err();
    assert_eq!(error.problems()[0].code, "wrong-type");
    let open = "[".repeat(1_000_000);
    assert_eq!(Policy::from_json(open).unwrap_err().problems()[0].code, "invalid-json");
}

#[test]
fn a_document_that_is_too_large_is_not_read() {
    let error = Policy::from_json(vec![b' '; corsac::limits::MAX_DOCUMENT_BYTES + 1]).unwrap_err();
    assert_eq!(error.problems()[0].code, "document-too-large");
}

#[test]
fn no_message_holds_a_control_character() {
    let hostile = "https://a\r\nSet-Cookie: x\u{0}\u{1b}[31m\u{202e}.example";
    let mut builder = Policy::builder();
    builder.allow_origin(hostile).allow_method(hostile).allow_header(hostile).expose_header(hostile);
    let error = builder.build().unwrap_err();
    assert_eq!(error.problems().len(), 4);
    for problem in error.problems() {
        assert_eq!(problem.value.as_deref(), Some(hostile));
        assert!(
            !problem.message.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{}",
            problem.message
        );
    }
}

#[test]
fn a_policy_says_how_much_memory_it_holds() {
    let mut builder = Policy::builder();
    for number in 0..10_000 {
        builder.allow_origin(format!("https://{number:08}.example"));
    }
    let policy = builder.build().unwrap();
    let origin = "https://00000000.example".len();
    assert!(
        (10_000 * origin..10_000 * (origin + 19)).contains(&policy.heap_bytes()),
        "{}",
        policy.heap_bytes()
    );
}

#[test]
fn an_answer_filled_from_its_facts_is_the_decision() {
    let policy = Policy::builder().allow_origin("https://a.example").expose_header("etag").build().unwrap();
    let mut request = corsac::Request::new("GET");
    request.header("origin", "https://a.example");
    let verdict = policy.decide(&request);
    let filled: Vec<_> = policy.answer(verdict.answer()).fill(&request).collect();
    let decided: Vec<_> = policy.evaluate(&request).headers().collect();
    assert_eq!(filled, decided);
    assert!(!filled.is_empty());
}
