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
    for number in 0..2_000_000 {
        builder.allow_origin(format!("https://{number:x}.example"));
    }
    // A repetition is no further origin, before the limit and at it.
    builder.allow_origin("https://0.example");
    assert_eq!(builder.build().unwrap().warnings().len(), 1);
    builder.allow_origin("https://one-more.example").allow_origin("https://and-another.example");
    assert_eq!(codes(&builder), ["too-many-origins"]);
}

#[test]
fn patterns_of_every_kind_are_found_among_many() {
    let mut builder = Policy::builder();
    builder.dangerously_allow("public-suffixes");
    for number in 0..20_000 {
        builder
            .allow_origin(format!("scheme{number}://*"))
            .allow_origin(format!("https://*.host{number}.example"))
            .allow_origin(format!("https://pr-{number}-*.example"))
            .allow_origin(format!("http://local{number}.localhost:*"));
    }
    let policy = builder.build().unwrap();
    let allowed = |origin: &str| policy.allows_origin(Some(origin), false);
    for number in [0, 1, 9_999, 19_999] {
        assert!(allowed(&format!("scheme{number}://anything")));
        assert!(allowed(&format!("https://a.b.host{number}.example")));
        assert!(allowed(&format!("https://pr-{number}-x.example")));
        assert!(allowed(&format!("http://local{number}.localhost:81")));
        assert!(!allowed(&format!("https://host{number}.example")));
        assert!(!allowed(&format!("https://pr-{number}.example")));
    }
    assert!(!allowed("scheme20000://x") && !allowed("https://a.host20000.example"));
    // No pattern costs much more than its text.
    assert!(policy.heap_bytes() < 80_000 * 120, "{}", policy.heap_bytes());
}

#[test]
fn a_long_wildcard_costs_its_text() {
    let mut builder = Policy::builder();
    for number in 0..2_000 {
        builder.allow_origin(format!("https://*.{}t{number}.example", "a.".repeat(110)));
    }
    let bytes = builder.build().unwrap().heap_bytes();
    assert!(bytes < 2_000 * 400, "{bytes}");
}

#[test]
fn what_is_not_listed_is_counted() {
    let origins: Vec<String> = (0..5_000).map(|number| format!("\"http://{number}.example\"")).collect();
    let document = format!("{{\"allow_origins\":[{}],\"allow_credentials\":true}}", origins.join(","));
    let error = Policy::from_json(document).unwrap_err();
    assert_eq!((error.problems().len(), error.unreported()), (1_000, 4_000));
    let same = vec!["\"https://a.example\""; 5_001].join(",");
    let policy = Policy::from_json(format!("{{\"allow_origins\":[{same}]}}")).unwrap();
    assert_eq!((policy.warnings().len(), policy.warnings_unreported()), (1_000, 4_000));
}

#[test]
fn a_decision_of_many_rules_names_the_first_that_matches() {
    let mut builder = Policy::builder();
    for number in 0..100 {
        if number > 0 {
            builder.next_rule();
        }
        builder.name(format!("rule {number}")).allow_origin(format!("https://{number}.example"));
    }
    let policy = builder.build().unwrap();
    for number in [0, 1, 50, 99] {
        let origin = format!("https://{number}.example");
        let mut request = corsac::Request::new("GET");
        request.header("origin", &origin);
        let decision = policy.evaluate(&request);
        assert_eq!(decision.rule(), Some(number));
        assert_eq!(decision.rule_name(), Some(format!("rule {number}").as_str()));
    }
    assert_eq!(Policy::from_json(policy.document()).unwrap(), policy);
    builder.next_rule().allow_origin("https://more.example");
    assert_eq!(codes(&builder), ["too-many-rules"]);
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
    let document = r#"{"allow_origins":"\u009b31m\u202e x","\u202e\u0007":1,"allow_methods":"a\u202eb"}"#;
    let from_text = Policy::from_json(document).unwrap_err();
    assert_eq!(from_text.problems().len(), 3);
    for problem in from_text.problems() {
        let shown = format!("{problem}{}", problem.path);
        assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
    }
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
