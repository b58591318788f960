//! Properties 2, 4, 5 and 6 of the evaluator, on generated policies and requests.

#![allow(missing_docs)]

use corsac::Policy;
use corsac_properties::compare::decide;
use corsac_properties::generate::origin::Pools;
use corsac_properties::generate::policy::{HEADERS, METHODS};
use corsac_properties::generate::request::{Request, written};
use corsac_properties::run::{Count, check, policy};
use corsac_properties::twin::{Decision, Twin};
use corsac_properties::{Line, generate};
use serde_json::{Value, json};

fn values<'l>(lines: &'l [Line], name: &str) -> Vec<&'l [u8]> {
    let of_name = |line: &&Line| line.0.eq_ignore_ascii_case(name.as_bytes());
    lines.iter().filter(of_name).map(|(_, value)| value.as_slice()).collect()
}

fn told(document: &Value, requests: &[&Request]) -> String {
    format!("{document:#}\n{requests:#?}")
}

/// The request with all lines of one name replaced.
fn with_lines(request: &Request, name: &str, values: Vec<Vec<u8>>) -> Request {
    let mut changed = request.clone();
    changed.lines.retain(|line| !line.0.eq_ignore_ascii_case(name.as_bytes()));
    changed.lines.extend(values.into_iter().map(|value| (name.into(), value)));
    changed
}

#[test]
fn what_vary_does_not_name_changes_no_edit() {
    let compared = Count::default();
    check(3_000, 8, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let pools = Pools::of(&document);
        let mut decided: Vec<(Request, Decision)> = Vec::new();
        for draw in requests {
            let mut request = generate::request(draw, &pools);
            // Neighbours of earlier requests: the same but for one header.
            if let Some((earlier, _)) = decided.last() {
                let name = draw.choose(&[
                    "",
                    "Origin",
                    "Access-Control-Request-Method",
                    "Access-Control-Request-Headers",
                    "Sec-Fetch-Site",
                    "Host",
                ]);
                if !name.is_empty() {
                    let new = values(&request.lines, name).into_iter().map(<[u8]>::to_vec).collect();
                    request = with_lines(earlier, name, new);
                }
            }
            let decision = decide(&policy, &request);
            decided.push((request, decision));
        }
        for (one, decision) in &decided {
            let vary = decision.edits.iter().filter(|(op, ..)| *op == "vary");
            let vary: Vec<&str> = vary.map(|(_, _, name)| std::str::from_utf8(name).unwrap()).collect();
            for (other, of_other) in &decided {
                let preflights = (decision.kind == "preflight", of_other.kind == "preflight");
                let equal = vary.iter().all(|name| values(&one.lines, name) == values(&other.lines, name));
                let answered = decision.status != 403 && of_other.status != 403;
                if preflights.0 != preflights.1 || !equal || !answered || std::ptr::eq(one, other) {
                    continue;
                }
                compared.one();
                if decision.edits != of_other.edits {
                    return Err(told(&document, &[one, other]));
                }
            }
        }
        Ok(())
    });
    compared.at_least(3_000);
}

#[test]
fn order_case_splitting_and_repetition_of_requested_headers_change_nothing() {
    let compared = Count::default();
    check(4_000, 8, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let pools = Pools::of(&document);
        for draw in requests {
            let mut names: Vec<Vec<u8>> =
                draw.some(&pools.headers, 4).into_iter().map(|name| name.as_bytes().to_vec()).collect();
            let name = "Access-Control-Request-Headers";
            let base = Request { method: b"OPTIONS".to_vec(), lines: Vec::new() };
            let base = with_lines(&base, "Origin", vec![pools.known(draw)]);
            let base = with_lines(&base, "Access-Control-Request-Method", vec![b"GET".to_vec()]);
            let one = with_lines(&base, name, written(draw, &names));
            draw.shuffle(&mut names);
            if draw.chance(50) && !names.is_empty() {
                let twice = draw.pick(&names).clone();
                names.push(twice);
            }
            for name in &mut names {
                if draw.chance(50) {
                    name.make_ascii_uppercase();
                }
            }
            let other = with_lines(&base, name, written(draw, &names));
            let (first, second) = (decide(&policy, &one), decide(&policy, &other));
            if first.kind == "preflight" && first.rule.is_some() {
                compared.one();
            }
            if first.allowed != second.allowed {
                return Err(told(&document, &[&one, &other]));
            }
        }
        Ok(())
    });
    compared.at_least(2_000);
}

#[test]
fn a_refused_origin_learns_nothing_of_the_policy() {
    let (preflights, actuals) = (Count::default(), Count::default());
    check(2_000, 8, |draw, requests| {
        let (mut one, _) = policy(draw)?;
        let (other, _) = policy(&mut requests[0])?;
        for key in ["preflight_status", "refused_requests", "foreign_headers", "own_origins"] {
            one.as_object_mut().unwrap().remove(key);
            if let Some(value) = other.get(key) {
                one[key] = value.clone();
            }
        }
        // Warnings and expectations have no part in decisions.
        let documents = [one, other];
        let policies = documents.each_ref().map(|document| Policy::from_json(document.to_string()).unwrap());
        let twins = documents.each_ref().map(Twin::read);
        let pools = Pools::of(&documents[0]);
        let mut refused: Vec<(bool, Decision)> = Vec::new();
        for draw in &mut requests[1..] {
            let request = generate::request(draw, &pools);
            for (policy, twin) in policies.iter().zip(&twins) {
                let decision = decide(policy, &request);
                let forbidden = decision.kind == "preflight" && decision.status == 403;
                let actual = decision.kind == "actual" && !decision.allowed && !twin.constant();
                if !forbidden && !actual {
                    continue;
                }
                if forbidden {
                    preflights.one()
                } else {
                    actuals.one()
                }
                let first = refused.iter().find(|(of_forbidden, _)| *of_forbidden == forbidden);
                if let Some((_, first)) = first {
                    let answer =
                        |decision: &Decision| (decision.action, decision.status, decision.edits.clone());
                    if answer(first) != answer(&decision) {
                        return Err(format!(
                            "{first:#?}\n{decision:#?}\n{}",
                            told(&documents[1], &[&request])
                        ));
                    }
                } else {
                    refused.push((forbidden, decision));
                }
            }
        }
        Ok(())
    });
    preflights.at_least(2_000);
    actuals.at_least(2_000);
}

#[test]
fn credentials_never_come_with_a_star_and_no_value_breaks_a_line() {
    let (credentials, echoed) = (Count::default(), Count::default());
    check(4_000, 16, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let pools = Pools::of(&document);
        for draw in requests {
            let request = generate::request(draw, &pools);
            let decision = decide(&policy, &request);
            let set = |name: &str| {
                let mut edits = decision.edits.iter().filter(|(op, of, _)| *op == "set" && *of == name);
                (edits.next().map(|(_, _, value)| value.as_slice()), edits.next())
            };
            let (origin, second) = set("Access-Control-Allow-Origin");
            let requested = values(&request.lines, "Origin");
            let known = origin.is_none_or(|origin| origin == b"*" || requested == [origin]);
            let with_credentials = set("Access-Control-Allow-Credentials").0;
            if with_credentials.is_some() {
                credentials.one();
            }
            let exact = with_credentials.is_none()
                || (with_credentials == Some(b"true") && origin.is_some_and(|it| it != b"*"));
            let clean = |value: &[u8]| !value.iter().any(|byte| [b'\r', b'\n', 0].contains(byte));
            if decision.edits.iter().any(|(op, ..)| *op == "add") {
                echoed.one();
            }
            if second.is_some()
                || !known
                || !exact
                || !decision.edits.iter().all(|(_, _, value)| clean(value))
            {
                return Err(format!("{decision:#?}\n{}", told(&document, &[&request])));
            }
        }
        Ok(())
    });
    credentials.at_least(2_000);
    echoed.at_least(200);
}

#[test]
fn naming_more_never_refuses() {
    let (named, starred) = (Count::default(), Count::default());
    check(4_000, 16, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let pools = Pools::of(&document);
        let mut wider = document.clone();
        let rules = document.get("rules").map_or(0, |rules| rules.as_array().unwrap().len());
        let rule = if rules == 0 { &mut wider } else { &mut wider["rules"][draw.below(rules)] };
        let key = draw.choose(&["allow_methods", "allow_headers"]);
        let star = draw.chance(30);
        let name = match key {
            _ if star => "*",
            "allow_methods" => draw.choose(&METHODS),
            _ => draw.choose(&HEADERS),
        };
        match rule.get_mut(key) {
            Some(Value::Array(names)) => names.push(name.into()),
            Some(_) => rule[key] = json!(["*", name]),
            None => rule[key] = json!([name]),
        }
        if star {
            // "*" twice is "*".
            rule[key] = json!(["*"]);
        }
        let wider_policy =
            Policy::from_json(wider.to_string()).map_err(|error| format!("{error}\n{wider:#}"))?;
        for draw in requests {
            let request = generate::request(draw, &pools);
            let (before, after) = (decide(&policy, &request), decide(&wider_policy, &request));
            if !before.allowed {
                continue;
            }
            if star {
                starred.one()
            } else {
                named.one()
            }
            let too_large = star && after.reason == "request-headers-too-large";
            if !after.allowed && !too_large {
                return Err(format!("{before:#?}\n{after:#?}\n{wider:#}\n{}", told(&document, &[&request])));
            }
        }
        Ok(())
    });
    named.at_least(2_000);
    starred.at_least(500);
}
