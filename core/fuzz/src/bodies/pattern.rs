//! Any bytes as one pattern of `allow_origins`.

use corsac::{BuildError, Policy, PolicyBuilder};

use super::claims;

/// Everything is taken responsibility for, so that only the pattern itself can be wrong.
fn builder(pattern: &[u8]) -> PolicyBuilder {
    let mut builder = Policy::builder();
    for danger in ["insecure-origins", "public-suffixes", "null-origin"] {
        builder.dangerously_allow(danger);
    }
    builder.allow_origin(pattern);
    builder
}

/// The pattern in the canonical document.
fn canonical(policy: &Policy) -> String {
    let document = policy.document();
    if document.starts_with(r#"{"allow_origins":"*","#) {
        return "*".to_owned();
    }
    let rest = document.strip_prefix(r#"{"allow_origins":[""#).expect("one pattern");
    rest.split_once('"').expect("a pattern has no quotes").0.to_owned()
}

/// A pattern is made canonical once and matches what it says; one that is refused is repaired to one that is not.
pub fn run(data: &[u8]) {
    match builder(data).build() {
        Ok(policy) => is_canonical(&policy, data),
        Err(error) => is_refused(&error, data),
    }
}

fn is_canonical(policy: &Policy, data: &[u8]) {
    claims::round_trips(policy);
    let text = std::str::from_utf8(data).expect("a pattern is text");
    let pattern = canonical(policy);
    assert!(pattern.is_ascii());
    let again = builder(pattern.as_bytes()).build().expect("a canonical pattern is one");
    assert_eq!(canonical(&again), pattern);
    assert_eq!(*policy, again);
    let changed = policy.warnings().iter().find(|warning| warning.code == "made-canonical");
    assert_eq!(
        changed.and_then(|warning| warning.suggestion.as_deref()),
        (pattern != text).then_some(&*pattern)
    );

    if !pattern.contains('*') {
        assert!(policy.allows_origin(Some(&pattern), false));
        // Nothing near it is allowed.
        for other in [
            format!("{pattern}."),
            format!("{pattern}/"),
            format!("{pattern}:0"),
            format!(" {pattern}"),
            format!("{pattern}\0"),
        ] {
            assert!(!policy.allows_origin(Some(&other), false), "{other}");
        }
        assert!(pattern == "null" || !policy.allows_origin(Some("null"), false));
        return;
    }
    if pattern == "*" {
        return;
    }
    // The port after the last colon, or a host, with something in place of the wildcard.
    let example = pattern.strip_suffix(":*").map_or(pattern.clone(), |front| format!("{front}:8443"));
    let custom = !pattern.starts_with("http://") && !pattern.starts_with("https://");
    for part in ["a", "xn", "0", "a-b"] {
        let origin = example.replacen('*', part, 1);
        let label = origin.split(['/', '.']).nth(2).unwrap_or("").len();
        let host = origin
            .split_once("://")
            .map_or("", |(_, host)| host)
            .trim_end_matches(":8443")
            .trim_end_matches('.');
        if !custom && (label > 63 || host.len() > 240) {
            continue;
        }
        assert!(policy.allows_origin(Some(&origin), false), "{pattern} does not allow {origin}");
        assert!(!policy.allows_origin(Some(origin.to_ascii_uppercase()), false));
    }
    assert!(!policy.allows_origin(Some(&pattern), false));
}

fn is_refused(error: &BuildError, data: &[u8]) {
    claims::is_an_error(error, None);
    let [problem] = error.problems() else { panic!("one value has one problem: {error}") };
    assert_eq!(problem.path, "allow_origins[0]");
    assert_eq!(problem.value.as_deref(), Some(&*String::from_utf8_lossy(data)));
    if let Some(suggestion) = &problem.suggestion {
        let policy = builder(suggestion.as_bytes()).build().expect("a suggestion is a pattern");
        assert_eq!(canonical(&policy), *suggestion);
    }
    // The same value in a document has the same problem.
    if let Ok(text) = std::str::from_utf8(data) {
        let document = format!(
            r#"{{"allow_origins":[{}],"dangerously_allow":["insecure-origins","public-suffixes","null-origin"]}}"#,
            claims::json_string(text)
        );
        let error = Policy::from_json(&document).expect_err("a builder refused it");
        claims::is_an_error(&error, Some(document.as_bytes()));
        let [other] = error.problems() else { panic!("one value has one problem: {error}") };
        assert_eq!(
            (other.code, &other.path, &other.value, &other.message, &other.suggestion),
            (problem.code, &problem.path, &problem.value, &problem.message, &problem.suggestion)
        );
    }
}
