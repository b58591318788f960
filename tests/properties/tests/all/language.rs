//! Documents: what is accepted, what its canonical form means, and what a policy expects of itself.

#![allow(missing_docs)]

use corsac::Policy;
use corsac_properties::compare::{compare, decide};
use corsac_properties::generate;
use corsac_properties::generate::origin::Pools;
use corsac_properties::run::{Count, check, policy};
use corsac_properties::twin::Twin;
use serde_json::Value;

#[test]
fn a_canonical_document_means_what_the_original_does() {
    check(2_000, 8, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let text = policy.document();
        let again = Policy::from_json(&text).map_err(|error| format!("{error}\n{text}"))?;
        if again.document() != text {
            return Err(format!("{text}\nbecomes\n{}", again.document()));
        }
        let canonical: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let (twin, of_canonical) = (Twin::read(&document), Twin::read(&canonical));
        let pools = Pools::of(&document);
        for draw in requests {
            let request = generate::request(draw, &pools);
            for twin in [&twin, &of_canonical] {
                for policy in [&policy, &again] {
                    compare(policy, twin, &request)
                        .map_err(|error| format!("{document:#}\n{text}\n{error}"))?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn an_expectation_turned_around_refuses_the_policy() {
    let turned = Count::default();
    check(2_000, 1, |draw, _| {
        let (mut document, _) = policy(draw)?;
        let Some(expect) = document.get("expect").cloned() else { return Ok(()) };
        for (from, to) in [("allow", "refuse"), ("refuse", "allow")] {
            let Some(origin) = expect[from].as_array().and_then(|origins| origins.first()) else { continue };
            turned.one();
            document["expect"] = serde_json::json!({to: [origin]});
            let Err(error) = Policy::from_json(document.to_string()) else {
                return Err(format!("accepted {document:#}"));
            };
            let codes: Vec<&str> = error.problems().iter().map(|problem| problem.code).collect();
            if codes != ["expectation-failed"] {
                return Err(format!("{error}\n{document:#}"));
            }
        }
        Ok(())
    });
    turned.at_least(500);
}

/// What a warning calls redundant, by code.
const REDUNDANT: [&str; 4] =
    ["duplicate", "origin-covered", "origin-decided-by-earlier-rule", "unreachable-rule"];

/// Takes away the element that a path such as `rules[1].allow_origins[3]` names; false if it cannot.
fn remove(document: &mut Value, path: &str) -> bool {
    let pointer =
        format!("/{}", path.replace("].", "/").replace('[', "/").replace(']', "").replace('.', "/"));
    let Some((parent, index)) = pointer.rsplit_once('/') else { return false };
    let Ok(index) = index.parse::<usize>() else { return false };
    let Some(Value::Array(list)) = document.pointer_mut(parent) else { return false };
    // A list of origins or rules cannot be empty.
    let needed = !parent.ends_with("expect/allow") && list.len() == 1;
    if index >= list.len() || needed {
        return false;
    }
    list.remove(index);
    true
}

#[test]
fn removing_what_is_redundant_changes_no_decision() {
    let removed = Count::default();
    check(4_000, 12, |draw, requests| {
        let (mut document, _) = policy(draw)?;
        document.as_object_mut().unwrap().remove("acknowledge");
        let policy = Policy::from_json(document.to_string()).map_err(|error| error.to_string())?;
        let pools = Pools::of(&document);
        for warning in policy.warnings().iter().filter(|warning| REDUNDANT.contains(&warning.code)) {
            let mut smaller = document.clone();
            if !remove(&mut smaller, &warning.path) {
                continue;
            }
            removed.one();
            let said = format!("{} at {}\n{document:#}", warning.code, warning.path);
            let smaller =
                Policy::from_json(smaller.to_string()).map_err(|error| format!("{error}\n{said}"))?;
            for draw in requests.iter() {
                let request = generate::request(&mut draw.clone(), &pools);
                let mut before = decide(&policy, &request);
                let mut after = decide(&smaller, &request);
                // An index may move.
                (before.rule, after.rule) = (None, None);
                if before != after {
                    return Err(format!("{said}\n{request:?}\n{before:#?}\n{after:#?}"));
                }
            }
        }
        Ok(())
    });
    removed.at_least(500);
}
