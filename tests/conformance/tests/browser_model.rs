//! The model of the browser against what Chromium and Firefox were seen to do, and what the Fetch standard says.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test suite has no public face"
)]

use std::collections::BTreeMap;

use corsac::browser::{Answer, Exchange, Outcome, Preflight, Profile, Sequence, simulate, simulate_sequence};
use serde_json::{Value, json};

/// Where a profile differs from its column, with the reason.
const EXCEPTIONS: [(&str, Profile, &str); 2] = [
    ("pre-drop", Profile::Firefox, "a dropped connection is tried again some ten times"),
    (
        "mode-same-origin",
        Profile::Firefox,
        "the console names the page's URL, of which the model knows the origin",
    ),
];

fn observed() -> Value {
    let path = corsac_conformance::vectors::folder().join("observed/browsers.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors exist")).expect("they are JSON")
}

/// The exchange of a vector. The servers added Connection to every response, and Content-Length.
fn exchange(vector: &Value) -> Exchange {
    let mut description = vector.clone();
    let object = description.as_object_mut().expect("a vector is an object");
    for key in ["standard_expected", "chromium", "firefox"] {
        object.shift_remove(key);
    }
    let mut exchange = Exchange::from_json(&description.to_string())
        .unwrap_or_else(|error| panic!("{description}: {error}"));
    let add = |answer: &mut Option<Answer>| {
        if let Some(Answer::Response(response)) = answer {
            if response.status != 204 {
                response.headers.push(("Content-Length".to_owned(), "0".to_owned()));
            }
            response.headers.push(("Connection".to_owned(), "close".to_owned()));
        }
    };
    if let Some(server) = &mut exchange.server {
        add(&mut server.preflight);
        add(&mut server.actual);
    }
    for hop in &mut exchange.server_hops {
        add(&mut hop.preflight);
        add(&mut hop.actual);
    }
    exchange
}

/// What a profile's column says, and what the model says of the same.
fn compare(wanted: &Value, outcome: &Outcome, profile: Profile) -> Vec<String> {
    let seen = serde_json::to_value(outcome).expect("an outcome is data");
    let mut keys = vec!["outcome", "preflights", "requests", "status", "exposed_headers", "type"];
    match profile {
        Profile::Standard => keys.push("failure"),
        _ => keys.extend(["console", "js_error"]),
    }
    let mut different = Vec::new();
    for key in keys {
        let wanted = match (key, wanted.get(key)) {
            ("console", None) => json!([]),
            // The observation's own name for what XMLHttpRequest gives.
            ("type", Some(value)) if value == "xhr" => continue,
            (_, value) => value.cloned().unwrap_or(Value::Null),
        };
        let seen = seen.get(key).cloned().unwrap_or(Value::Null);
        if wanted != seen {
            different.push(format!("{key}: wanted {wanted}, seen {seen}"));
        }
    }
    different
}

#[test]
fn the_model_does_what_the_standard_says_and_the_browsers_were_seen_to_do() {
    let observed = observed();
    let vectors = observed["exchanges"].as_array().expect("a list");
    let mut different = BTreeMap::<Profile2, Vec<String>>::new();
    for vector in vectors {
        let id = vector["id"].as_str().expect("an id");
        let exchange = exchange(vector);
        for (profile, column) in [
            (Profile::Standard, "standard_expected"),
            (Profile::Chromium, "chromium"),
            (Profile::Firefox, "firefox"),
        ] {
            let outcome = simulate(&exchange, profile).unwrap_or_else(|error| panic!("{id}: {error}"));
            let found = compare(&vector[column], &outcome, profile);
            let excepted = EXCEPTIONS.iter().any(|(other, of, _)| *other == id && *of == profile);
            if found.is_empty() != excepted {
                continue;
            }
            different
                .entry(Profile2(profile.name()))
                .or_default()
                .push(format!("{id}: {}", found.join("\n    ")));
        }
    }
    let told: Vec<String> = different
        .iter()
        .map(|(profile, list)| {
            format!("{}: {} of {}\n  {}", profile.0, list.len(), vectors.len(), list.join("\n  "))
        })
        .collect();
    assert!(different.is_empty(), "the model differs\n{}", told.join("\n"));
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Profile2(&'static str);

#[test]
fn the_preflight_cache_is_the_one_of_the_standard_and_of_the_browsers() {
    let path = corsac_conformance::vectors::folder().join("observed/preflight-cache.json");
    let text = std::fs::read_to_string(path).expect("the vectors exist");
    let observed: Value = serde_json::from_str(&text).expect("they are JSON");
    let mut different = Vec::new();
    for case in observed["sequences"].as_array().expect("a list") {
        let sequence = Sequence::from_json(&json!({"steps": case["steps"]}).to_string()).expect("a sequence");
        for profile in Profile::ALL {
            let outcomes = simulate_sequence(&sequence, profile).expect("it makes sense");
            let seen: Vec<String> = outcomes
                .iter()
                .map(|outcome| {
                    let sent = if outcome.preflight == Preflight::Sent { "P" } else { "-" };
                    format!("{sent}{}", if outcome.allowed() { "" } else { "!" })
                })
                .collect();
            let wanted = case[profile.name()].as_str().expect("a column");
            if seen.join(" ") != wanted {
                different.push(format!("{profile} {}: wanted {wanted}, seen {}", case["id"], seen.join(" ")));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// One browser that asks the same again and again, at these seconds: P where it sends a preflight, - where it does not.
fn asked_again(profile: Profile, max_age: &str, seconds: &[u64]) -> String {
    let exchange = json!({
        "page_origin": "https://app.example.com",
        "request": {"url": "https://api.example.com/", "method": "PUT"},
        "server": {
            "preflight": {"status": 204, "headers": [["Access-Control-Allow-Origin", "*"], ["Access-Control-Allow-Methods", "PUT"],
                                                     ["Access-Control-Max-Age", max_age]]},
            "actual": {"status": 200, "headers": [["Access-Control-Allow-Origin", "*"]]},
        },
    });
    let steps: Vec<Value> =
        seconds.iter().map(|second| json!({"at": second * 1000, "exchange": exchange})).collect();
    let sequence = Sequence::from_json(&json!({ "steps": steps }).to_string()).expect("a sequence");
    let outcomes = simulate_sequence(&sequence, profile).expect("it makes sense");
    outcomes.iter().map(|outcome| if outcome.preflight == Preflight::Sent { 'P' } else { '-' }).collect()
}

#[test]
fn preflights_are_kept_no_longer_than_was_measured_with_a_shifted_clock() {
    for (profile, hit, miss) in [(Profile::Chromium, 7_170, 7_230), (Profile::Firefox, 86_370, 86_430)] {
        assert_eq!(asked_again(profile, "1000000", &[0, hit]), "P-", "{profile}");
        assert_eq!(asked_again(profile, "1000000", &[0, miss]), "PP", "{profile}");
        assert_eq!(asked_again(Profile::Standard, "1000000", &[0, miss]), "P-");
    }
}

#[test]
fn the_first_of_two_faults_is_the_one_that_is_reported() {
    // Chromium was seen to do so; Firefox's order is that of its source (nsCORSListenerProxy, CheckPreflightRequestApproved).
    let exchange = Exchange::from_json(
        &json!({
            "page_origin": "https://app.example.com",
            "request": {"url": "https://api.example.com/", "method": "PUT", "headers": [["X-A", "1"]]},
            "server": {"preflight": {"status": 204, "headers": [["Access-Control-Allow-Origin", "*"],
                ["Access-Control-Allow-Methods", "GET"], ["Access-Control-Allow-Headers", "x y"]]}},
        })
        .to_string(),
    )
    .expect("an exchange");
    for (profile, failure) in [
        (Profile::Standard, "preflight-acah-syntax"),
        (Profile::Chromium, "preflight-acah-syntax"),
        (Profile::Firefox, "preflight-method"),
    ] {
        let outcome = simulate(&exchange, profile).expect("it makes sense");
        assert_eq!(outcome.failure.as_deref(), Some(failure), "{profile}");
    }
}
