//! A server before the browser: an application that sets CORS headers of its own, behind a policy.

use corsac::Policy;

use crate::Line;
use crate::browser::{Response, Sent};
use crate::compare::decide;
use crate::generate::Request;
use crate::twin::{Decision, Edit};

#[derive(Debug)]
pub struct Server<'p> {
    pub policy: &'p Policy,
    /// What the application sets on each of its responses.
    pub application: Vec<Line>,
    /// Every decision, in order.
    pub decided: Vec<Decision>,
}

impl<'p> Server<'p> {
    /// An application that would let everybody read, if one let it.
    pub fn careless(policy: &'p Policy, page: &[u8]) -> Server<'p> {
        let line = |name: &str, value: &[u8]| (name.into(), value.into());
        let application = vec![
            line("access-control-allow-origin", page),
            line("Access-Control-Allow-Credentials", b"true"),
            line("Access-Control-Allow-Methods", b"*, PUT, x y"),
            line("Vary", b"Accept-Encoding"),
        ];
        Server { policy, application, decided: Vec::new() }
    }

    /// One that knows nothing of CORS.
    pub fn plain(policy: &'p Policy) -> Server<'p> {
        Server { policy, application: vec![(b"Vary".to_vec(), b"*".to_vec())], decided: Vec::new() }
    }

    pub fn respond(&mut self, sent: &Sent) -> Response {
        let request = Request { method: sent.method.clone().into_bytes(), lines: sent.lines.clone() };
        let decision = decide(self.policy, &request);
        let (status, mut lines) = match decision.action {
            "forward" => (200, self.application.clone()),
            _ => (decision.status, Vec::new()),
        };
        apply(&decision.edits, &mut lines);
        self.decided.push(decision);
        Response { status, lines }
    }
}

/// Applies edits to a response, line by line.
pub fn apply(edits: &[Edit], lines: &mut Vec<Line>) {
    for (op, name, value) in edits {
        let is_named = |line: &Line| line.0.eq_ignore_ascii_case(name.as_bytes());
        match *op {
            "add" => lines.push(((*name).into(), value.clone())),
            "vary" => {
                let told: Vec<u8> = lines
                    .iter()
                    .filter(|line| is_named(line))
                    .flat_map(|(_, value)| [value, &b","[..]].concat())
                    .collect();
                let told = String::from_utf8_lossy(&told).to_ascii_lowercase();
                let token = String::from_utf8_lossy(value).to_ascii_lowercase();
                if !told.split(',').any(|known| known.trim() == "*" || known.trim() == token) {
                    lines.push(((*name).into(), value.clone()));
                }
            }
            _ => {
                lines.retain(|line| !is_named(line));
                if *op == "set" {
                    lines.push(((*name).into(), value.clone()));
                }
            }
        }
    }
}
