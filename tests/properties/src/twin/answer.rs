//! The answer to each kind of decision: what to do, and every header edit in order.

use super::evaluate::{is_blank, values};
use super::rule::{Rule, Timing};
use super::{Decision, Edit, Twin};
use crate::Line;

/// The names that only a policy should set, in the order of their removal.
const FOREIGN: [&str; 7] = [
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Private-Network",
];

fn vary(name: &str) -> Edit {
    ("vary", "Vary", name.into())
}

fn set(name: &'static str, value: impl Into<Vec<u8>>) -> Edit {
    ("set", name, value.into())
}

impl Twin {
    pub(super) fn answer(
        &self,
        kind: &'static str,
        reason: &'static str,
        rule: Option<usize>,
        lines: &[Line],
    ) -> Decision {
        let allowed = ["allowed", "not-cors", "same-origin"].contains(&reason);
        let (action, status) = match (kind, reason) {
            ("preflight", "allowed" | "method-not-allowed" | "header-not-allowed") => {
                ("respond", self.preflight_status)
            }
            ("preflight", _) => ("respond", 403),
            ("actual", _) if !allowed && self.forbid => ("respond", 403),
            _ => ("forward", 0),
        };
        let mut edits = Vec::new();
        if !self.constant() || (kind == "preflight" && status == 403) {
            edits.push(vary("Origin"));
        }
        match (kind, rule) {
            ("not-cors", _) => self.not_cors(&mut edits),
            ("actual", Some(rule)) => self.actual(&self.rules[rule], lines, &mut edits),
            ("preflight", Some(rule)) if status != 403 => {
                self.preflight(&self.rules[rule], reason, lines, &mut edits)
            }
            _ => {}
        }
        let grants = edits.iter().any(|(_, name, _)| *name == "Access-Control-Allow-Origin");
        if action == "forward" && (!self.keep_foreign || grants) {
            for name in FOREIGN {
                if !edits.iter().any(|(_, set, _)| *set == name) {
                    edits.push(("remove", name, Vec::new()));
                }
            }
        }
        let rule_name = rule.and_then(|rule| self.rules[rule].name.clone());
        Decision { kind, action, status, allowed, reason, rule, rule_name, edits }
    }

    fn not_cors(&self, edits: &mut Vec<Edit>) {
        if self.constant() {
            edits.push(set("Access-Control-Allow-Origin", "*"));
            expose(&self.rules[0], edits);
            timing(&self.rules[0], b"*", edits);
        } else if self.rules.iter().all(|rule| rule.timing == Timing::Everyone) {
            edits.push(set("Timing-Allow-Origin", "*"));
        }
    }

    fn actual(&self, rule: &Rule, lines: &[Line], edits: &mut Vec<Edit>) {
        let origin = allow_origin(rule, lines, edits);
        expose(rule, edits);
        timing(rule, &origin, edits);
    }

    fn preflight(&self, rule: &Rule, reason: &str, lines: &[Line], edits: &mut Vec<Edit>) {
        if rule.echoes_methods() || rule.echoes_headers() {
            edits.push(vary("Access-Control-Request-Method"));
            edits.push(vary("Access-Control-Request-Headers"));
        }
        allow_origin(rule, lines, edits);

        let safelisted = ["GET", "HEAD", "POST"];
        let mut methods: Vec<&str> = Vec::new();
        if rule.any_method && !rule.credentials {
            methods.push("*");
        }
        methods.extend(safelisted);
        if rule.any_method && !rule.credentials {
            methods.extend(["PUT", "PATCH", "DELETE"]);
        }
        if !rule.echoes_methods() {
            for name in &rule.methods {
                if !methods.contains(&name.as_str()) {
                    methods.push(name);
                }
            }
        }
        edits.push(set("Access-Control-Allow-Methods", methods.join(",")));
        if rule.echoes_methods() {
            let requested = values(lines, "access-control-request-method")[0];
            if !safelisted.iter().any(|method| method.as_bytes() == requested) {
                edits.push(("add", "Access-Control-Allow-Methods", requested.to_vec()));
            }
        }

        if rule.echoes_headers() {
            if reason != "method-not-allowed" {
                let requested = values(lines, "access-control-request-headers");
                for (index, line) in requested.into_iter().filter(|line| !is_blank(line)).enumerate() {
                    let op = if index == 0 { "set" } else { "add" };
                    edits.push((op, "Access-Control-Allow-Headers", line.to_vec()));
                }
            }
        } else {
            let mut headers: Vec<&str> = if rule.any_header { vec!["*", "authorization"] } else { vec![] };
            for name in &rule.headers {
                if !headers.contains(&name.as_str()) {
                    headers.push(name);
                }
            }
            if !headers.is_empty() {
                edits.push(set("Access-Control-Allow-Headers", headers.join(",")));
            }
        }
        if let Some(age) = rule.max_age {
            edits.push(set("Access-Control-Max-Age", age.to_string()));
        }
    }
}

/// Who may read, and whether with credentials. Gives the value of Access-Control-Allow-Origin.
fn allow_origin(rule: &Rule, lines: &[Line], edits: &mut Vec<Edit>) -> Vec<u8> {
    let origin = if rule.any_origin { b"*".to_vec() } else { values(lines, "origin")[0].to_vec() };
    edits.push(set("Access-Control-Allow-Origin", origin.clone()));
    if rule.credentials {
        edits.push(set("Access-Control-Allow-Credentials", "true"));
    }
    origin
}

fn expose(rule: &Rule, edits: &mut Vec<Edit>) {
    let mut names: Vec<&str> = if rule.any_exposed { vec!["*"] } else { vec![] };
    names.extend(rule.exposed.iter().map(String::as_str));
    if !names.is_empty() {
        edits.push(set("Access-Control-Expose-Headers", names.join(",")));
    }
}

fn timing(rule: &Rule, allow_origin: &[u8], edits: &mut Vec<Edit>) {
    match rule.timing {
        Timing::No => {}
        Timing::AsAllowed => edits.push(set("Timing-Allow-Origin", allow_origin)),
        Timing::Everyone => edits.push(set("Timing-Allow-Origin", "*")),
    }
}
