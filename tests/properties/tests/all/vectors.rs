//! The twin against the vectors: it must be right itself to judge others.

#![allow(missing_docs)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a test a panic is a failure with a place"
)]

use corsac_conformance::vectors::{self, Case, RequestLines, generated};
use corsac_properties::Line;
use corsac_properties::twin::{Decision, Twin};
use serde_json::{Value, json};

/// Bytes as the vectors write them: a character each.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The decision as the vectors write it.
fn written(decision: &Decision) -> Value {
    let kept = decision.edits.iter().filter(|(op, ..)| *op != "remove");
    let headers: Vec<Value> = kept.map(|(op, name, value)| json!([op, name, latin1(value)])).collect();
    let removed = decision.edits.iter().filter(|(op, ..)| *op == "remove");
    let remove: Vec<&str> = removed.map(|(_, name, _)| *name).collect();
    json!({
        "kind": decision.kind,
        "action": decision.action,
        "status": decision.status,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule": decision.rule,
        "rule_name": decision.rule_name,
        "headers": headers,
        "remove": match remove.len() {
            0 => json!("none"),
            7 => json!("all"),
            _ => json!(remove),
        },
    })
}

/// Repeated values written out, and only what a decision has.
fn expanded(expected: &Value) -> Value {
    let mut expected = expected.clone();
    for header in expected["headers"].as_array_mut().into_iter().flatten() {
        if let Some(value) = generated(&header[2]) {
            header[2] = value.into();
        }
    }
    expected
}

fn evaluate(twin: &Twin, request: &RequestLines) -> Value {
    let lines: Vec<Line> =
        request.headers.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone())).collect();
    written(&twin.evaluate(&request.method, &lines))
}

fn differences(case: &Case) -> Vec<String> {
    let place = format!("{}: {}", case.file, case.name);
    let twin = Twin::read(&serde_json::from_str(&case.document).unwrap());
    let mut found = Vec::new();
    if let (Some(request), Some(expected)) = (&case.request, &case.decision) {
        let (mut seen, expected) = (evaluate(&twin, request), expanded(expected));
        if let (Some(seen), Some(expected)) = (seen.as_object_mut(), expected.as_object()) {
            seen.retain(|key, _| expected.contains_key(key));
        }
        for (key, value) in expected.as_object().into_iter().flatten() {
            if seen.get(key).is_some_and(|seen| seen != value) {
                found.push(format!("{place}: {key}: expected {value}, the twin says {}", seen[key]));
            }
        }
    }
    for (origin, credentials, expected) in &case.allows_origin {
        if twin.allows_origin(origin.as_deref(), *credentials) != *expected {
            let origin = origin.as_deref().map(latin1);
            found.push(format!("{place}: allows_origin({origin:?}, {credentials}): expected {expected}"));
        }
    }
    found
}

#[test]
fn the_twin_decides_every_vector_as_written() {
    let asked =
        |case: &Case| case.problems.is_none() && (case.decision.is_some() || !case.allows_origin.is_empty());
    let cases: Vec<Case> =
        vectors::load().into_iter().filter(|case| case.s3.is_none()).filter(asked).collect();
    let found: Vec<String> = cases.iter().flat_map(differences).collect();
    assert!(cases.len() > 500, "there are vectors");
    assert!(found.is_empty(), "{} of {} vectors differ\n{}", found.len(), cases.len(), found.join("\n"));
}
