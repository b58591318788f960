//! The engine's decision in the twin's words, and the comparison.

use corsac::Policy;

use crate::generate::Request;
use crate::shown;
use crate::twin::{Decision, Twin};

/// The request as the engine takes it.
pub fn shown_to_engine(request: &Request) -> corsac::Request<'_> {
    let mut facts = corsac::Request::new(&request.method);
    for (name, value) in &request.lines {
        facts.header(name, value);
    }
    facts
}

/// What the engine decides.
pub fn decide(policy: &Policy, request: &Request) -> Decision {
    let facts = shown_to_engine(request);
    let decision = policy.evaluate(&facts);
    Decision {
        kind: decision.kind().name(),
        action: decision.action().name(),
        status: decision.status(),
        allowed: decision.allowed(),
        reason: decision.reason().name(),
        rule: decision.rule().map(|rule| rule as usize),
        rule_name: decision.rule_name().map(str::to_owned),
        edits: decision.headers().map(|edit| (edit.op.name(), edit.name(), edit.value.to_vec())).collect(),
    }
}

/// Whether engine and twin agree on a request, and on its origin alone; what they say if not.
pub fn compare(policy: &Policy, twin: &Twin, request: &Request) -> Result<Decision, String> {
    let engine = decide(policy, request);
    let expected = twin.evaluate(&request.method, &request.lines);
    if engine != expected {
        return Err(format!("request {request:?}\nengine {}\ntwin   {}", told(&engine), told(&expected)));
    }
    for (name, value) in &request.lines {
        if !name.eq_ignore_ascii_case(b"origin") {
            continue;
        }
        for credentials in [true, false] {
            let engine = policy.allows_origin(Some(value), credentials);
            let expected = twin.allows_origin(Some(value), credentials);
            if engine != expected {
                let origin = shown(value);
                return Err(format!(
                    "allows_origin({origin}, {credentials}): engine {engine}, twin {expected}"
                ));
            }
        }
    }
    Ok(engine)
}

fn told(decision: &Decision) -> String {
    let Decision { kind, action, status, allowed, reason, rule, rule_name, edits } = decision;
    let mut told =
        format!("{kind} {action} {status} allowed={allowed} {reason} rule={rule:?} name={rule_name:?}");
    for (op, name, value) in edits {
        told += &format!("\n    {op} {name}: {}", shown(value));
    }
    told
}
