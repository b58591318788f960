//! Runs every case on an engine and says where they differ.

use std::fmt::Write;

use serde_json::Value;

use crate::engine::{DecisionData, Engine, EnginePolicy, ProblemData};
use crate::vectors::{self, BucketAnswer, BucketCase, Case};

/// Runs all vectors; panics with every difference.
pub fn run<E: Engine>(engine: &E) {
    let (mut passed, mut skipped, mut differences) = (0, 0, String::new());
    let mut failed = 0;
    for case in vectors::load() {
        if let Some(reason) = case.skip_reason(E::NAME) {
            println!("skipped {}: {}: {reason}", case.file, case.name);
            skipped += 1;
            continue;
        }
        if case.applied.is_some() && !E::APPLIES {
            println!("skipped {}: {}: {} leaves applying to its host", case.file, case.name, E::NAME);
            skipped += 1;
            continue;
        }
        let found = differences_of(engine, &case);
        if found.is_empty() {
            passed += 1;
        } else {
            failed += 1;
            writeln!(differences, "{}: {}\n  document: {}", case.file, case.name, excerpt(&case.document))
                .unwrap();
            for difference in found {
                writeln!(differences, "  {difference}").unwrap();
            }
        }
    }
    println!("{}: {passed} vectors passed, {failed} failed, {skipped} skipped", E::NAME);
    assert!(passed > 2_000, "there are vectors");
    assert!(failed == 0, "{failed} vectors differ\n{differences}");
}

/// Compares what is answered about buckets; panics with every difference.
pub fn run_buckets(answer: impl Fn(&BucketCase) -> BucketAnswer) {
    let cases = vectors::buckets();
    let mut found = Vec::new();
    for case in &cases {
        compare(&case.name, &case.expected, &answer(case), &mut found);
    }
    assert!(cases.len() >= 40, "there are vectors");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn excerpt(text: &str) -> String {
    let short: String = text.chars().take(300).collect();
    if short.len() < text.len() { format!("{short}...") } else { short }
}

fn differences_of<E: Engine>(engine: &E, case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    let built = match &case.s3 {
        None => engine.build(&case.document),
        Some((dialect, strict)) => engine.build_s3(&case.document, dialect, *strict).map_err(|refusal| {
            if case.problems.is_some() {
                compare("s3_error", &case.s3_error, &refusal.error, &mut found);
            }
            refusal.problems
        }),
    };
    let policy = match (built, &case.problems) {
        (Ok(_), Some(_)) => return vec!["a policy was built, problems were expected".to_owned()],
        (Err(problems), None) => return vec![format!("no policy was built: {problems:?}")],
        (Err(problems), Some(expected)) => {
            compare_problems("problems", expected, &problems, case.is_text, &mut found);
            return found;
        }
        (Ok(policy), None) => policy,
    };
    if let (Some(request), Some(expected)) = (&case.request, &case.decision) {
        let seen = policy.evaluate(request);
        compare_decision(expected, &seen, E::REMOVES, &mut found);
        compare("the same again", &seen, &policy.evaluate(request), &mut found);
        if case.s3.is_some() {
            let answer = policy.s3_answer(request);
            compare("s3_error", &case.s3_error, &answer.error, &mut found);
            compare(
                "s3_headers",
                case.s3_headers.as_ref().expect("what S3 sends"),
                &answer.headers,
                &mut found,
            );
        }
        if let Some(line) = &case.line {
            compare("line", line, &seen.line, &mut found);
        }
        if seen.line.chars().any(|c| !(' '..='~').contains(&c)) {
            found.push(format!("line {:?} is not escaped", seen.line));
        }
    }
    if let Some(canonical) = &case.canonical {
        compare("canonical", canonical, &policy.document(), &mut found);
        match build_again(engine, case, canonical) {
            Ok(again) => compare("canonical of canonical", canonical, &again.document(), &mut found),
            Err(problems) => found.push(format!("the canonical document builds no policy: {problems:?}")),
        }
    }
    if let Some(xml) = &case.s3_xml {
        compare("s3_xml", &Some(xml.clone()), &policy.s3_xml(), &mut found);
        match build_again(engine, case, xml) {
            Ok(again) => compare("XML of the XML", &policy.s3_xml(), &again.s3_xml(), &mut found),
            Err(problems) => found.push(format!("the XML builds no policy: {problems:?}")),
        }
    }
    if let Some(expected) = &case.warnings {
        compare_problems("warnings", expected, &policy.warnings(), case.is_text, &mut found);
    }
    for (origin, credentials, expected) in &case.allows_origin {
        let allowed = policy.allows_origin(origin.as_deref(), *credentials);
        let what =
            format!("allows_origin({:?}, {credentials})", origin.as_deref().map(String::from_utf8_lossy));
        compare(&what, expected, &allowed, &mut found);
    }
    if let (Some(request), Some(response), Some(expected)) = (&case.request, &case.response, &case.applied)
        && let Some(once) = policy.apply(request, response)
    {
        compare("applied", &sorted(expected), &sorted(&once), &mut found);
        let twice = policy.apply(request, &once).expect("applied before");
        compare("applied twice", &sorted(&once), &sorted(&twice), &mut found);
    }
    found
}

fn build_again<E: Engine>(engine: &E, case: &Case, text: &str) -> Result<E::Policy, Vec<ProblemData>> {
    match &case.s3 {
        None => engine.build(text),
        Some((dialect, strict)) => {
            engine.build_s3(text, dialect, *strict).map_err(|refusal| refusal.problems)
        }
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T, found: &mut Vec<String>) {
    if expected != seen {
        found.push(format!("{what}: expected {expected:?}, seen {seen:?}"));
    }
}

/// Lines by lower-case name, those of one name in their order; those of `Vary` joined, since a name may
/// be merged into a line or stand on one of its own.
fn sorted(lines: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = lines
        .iter()
        .map(|(name, value)| {
            (name.to_ascii_lowercase(), value.iter().map(|&byte| char::from(byte)).collect())
        })
        .collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines.dedup_by(|next, line| {
        let joined = line.0 == "vary" && next.0 == "vary";
        if joined {
            line.1.push_str(", ");
            line.1.push_str(&next.1);
        }
        joined
    });
    lines
}

const FOREIGN: [&str; 7] = [
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Private-Network",
];

fn compare_decision(expected: &Value, seen: &DecisionData, removes: bool, found: &mut Vec<String>) {
    let text =
        |key: &str| expected[key].as_str().unwrap_or_else(|| panic!("decision without {key}")).to_owned();
    let mut headers: Vec<(String, String, Vec<u8>)> = Vec::new();
    for edit in expected["headers"].as_array().expect("decision with headers") {
        let value = vectors::generated(&edit[2]).unwrap();
        let value = value.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        headers.push((edit[0].as_str().unwrap().to_owned(), edit[1].as_str().unwrap().to_owned(), value));
    }
    if removes {
        let names: Vec<&str> = match &expected["remove"] {
            Value::String(all) if all == "all" => FOREIGN.to_vec(),
            Value::String(none) if none == "none" => Vec::new(),
            Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
            other => panic!("remove is {other}"),
        };
        headers.extend(names.into_iter().map(|name| ("remove".to_owned(), name.to_owned(), Vec::new())));
    }
    let expected = DecisionData {
        kind: text("kind"),
        action: text("action"),
        status: expected["status"].as_u64().unwrap(),
        allowed: expected["allowed"].as_bool().unwrap(),
        reason: text("reason"),
        rule: expected["rule"].as_u64(),
        rule_name: expected["rule_name"].as_str().map(str::to_owned),
        headers,
        line: seen.line.clone(),
    };
    if &expected != seen {
        found.push(format!("decision:\n    expected {}\n    seen     {}", shown(&expected), shown(seen)));
    }
}

fn shown(decision: &DecisionData) -> String {
    let mut text = format!(
        "{} {} {} {} {} rule {:?} {:?}",
        decision.kind,
        decision.action,
        decision.status,
        decision.allowed,
        decision.reason,
        decision.rule,
        decision.rule_name
    );
    for (op, name, value) in &decision.headers {
        write!(text, " | {op} {name}: {}", String::from_utf8_lossy(value)).unwrap();
    }
    text
}

fn compare_problems(
    what: &str,
    expected: &[Value],
    seen: &[ProblemData],
    is_text: bool,
    found: &mut Vec<String>,
) {
    let codes: Vec<&str> = expected.iter().map(|problem| problem["code"].as_str().unwrap()).collect();
    let seen_codes: Vec<&str> = seen.iter().map(|problem| problem.code.as_str()).collect();
    if codes != seen_codes {
        found.push(format!("{what}: expected {codes:?}, seen {seen:?}"));
        return;
    }
    for (expected, seen) in expected.iter().zip(seen) {
        let code = &seen.code;
        let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::String);
        let number = |value: Option<u64>| value.map_or(Value::Null, Value::from);
        for (key, seen) in [
            ("path", Value::String(seen.path.clone())),
            ("value", text(&seen.value)),
            ("suggestion", text(&seen.suggestion)),
            ("line", number(seen.line)),
            ("column", number(seen.column)),
        ] {
            if !is_text && matches!(key, "line" | "column") {
                continue;
            }
            if let Some(expected) = expected.get(key) {
                compare(&format!("{what}: {code}: {key}"), expected, &seen, found);
            }
        }
        if seen.message.is_empty() || seen.message.chars().any(char::is_control) {
            found.push(format!("{what}: {code}: message {:?}", seen.message));
        }
    }
}
