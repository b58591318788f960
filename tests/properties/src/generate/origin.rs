//! Origins that a policy may know: members of its patterns, its own, look-alikes, and rubbish.

use serde_json::Value;

use super::lookalike::lookalike;
use crate::draw::Draw;
use crate::twin::Twin;
use crate::twin::pattern::{Host, Pattern, Port};

const FRONTS: [&str; 8] = ["a.", "app.", "x.y.", "www.", "xn--bcher-kva.", "a_b.", "-.", "0."];
const MIDDLES: [&str; 8] = ["1", "feature-x", "-", "--", "a", "0-0", "pr-", "xn--a"];
/// What a `*` does not stand for.
const NEAR_FRONTS: [&str; 10] = ["", ".", "a", "a-", "..", "a..", "A.", "*.", "a/.", "a%2e"];
const NEAR_MIDDLES: [&str; 10] = ["", ".", "a.b", "_", "a_b", "A", "*", "a/", "-.-", "\u{e9}"];
const PORTS: [Option<u16>; 6] = [None, None, Some(8443), Some(3000), Some(65535), Some(1)];
const STRANGERS: [&str; 16] = [
    "https://evil.test",
    "null",
    "https://app.example.com",
    "http://localhost:3000",
    "http://127.1",
    "https://1.2.3.4.5",
    "",
    "NULL",
    "null,null",
    "file://",
    "*",
    "https://*",
    "app://*",
    "app://x",
    "moz-extension://0f-1",
    "https://www.com",
];

/// What requests to one policy are made of.
#[derive(Clone, Debug)]
pub struct Pools {
    pub patterns: Vec<Pattern>,
    pub own: Vec<Vec<u8>>,
    /// Names of all rules, and some of none.
    pub methods: Vec<String>,
    pub headers: Vec<String>,
}

impl Pools {
    pub fn of(document: &Value) -> Pools {
        let twin = Twin::read(document);
        let mut pools =
            Pools { patterns: Vec::new(), own: twin.own_origins, methods: Vec::new(), headers: Vec::new() };
        for rule in twin.rules {
            pools.patterns.extend(rule.patterns);
            pools.methods.extend(rule.methods);
            pools.headers.extend(rule.headers);
        }
        pools.methods.extend(super::policy::METHODS.map(str::to_owned));
        pools.headers.extend(super::policy::HEADERS.map(str::to_owned));
        pools
    }

    /// A value of `Origin`.
    pub fn origin(&self, draw: &mut Draw<'_>) -> Vec<u8> {
        match draw.below(20) {
            0..=10 => self.known(draw),
            11..=14 => {
                let known = self.known(draw);
                lookalike(draw, &known)
            }
            15..=16 => self.member(draw, &NEAR_FRONTS, &NEAR_MIDDLES),
            17 if !self.own.is_empty() => draw.pick(&self.own).clone(),
            18 => {
                let stranger = draw.pick(&STRANGERS).as_bytes().to_vec();
                if draw.chance(20) { lookalike(draw, &stranger) } else { stranger }
            }
            _ => draw.pick(&STRANGERS).as_bytes().to_vec(),
        }
    }

    /// A member of one of the patterns.
    pub fn known(&self, draw: &mut Draw<'_>) -> Vec<u8> {
        self.member(draw, &FRONTS, &MIDDLES)
    }

    /// One of the patterns with something in place of its `*`.
    fn member(&self, draw: &mut Draw<'_>, fronts: &[&str], middles: &[&str]) -> Vec<u8> {
        if self.patterns.is_empty() {
            return draw.pick(&STRANGERS).as_bytes().to_vec();
        }
        let pattern = draw.pick(&self.patterns);
        member(draw, pattern, fronts, middles).into_bytes()
    }
}

/// The pattern with one of `fronts` in place of `*.`, or one of `middles` within a label.
fn member(draw: &mut Draw<'_>, pattern: &Pattern, fronts: &[&str], middles: &[&str]) -> String {
    match pattern {
        Pattern::Null => "null".to_owned(),
        Pattern::Other { scheme, rest } => {
            let rest =
                rest.clone().unwrap_or_else(|| draw.choose(&["x", "0f-1", "A", "a:1", "%"]).to_owned());
            format!("{scheme}://{rest}")
        }
        Pattern::Web { https, host, port } => {
            let host = match host {
                Host::Exact(host) => host.clone(),
                Host::Under(base) => format!("{}{base}", draw.choose(fronts)),
                Host::InLabel(before, after, base) => {
                    format!("{before}{}{after}.{base}", draw.choose(middles))
                }
                Host::Any => {
                    draw.choose(&["a.test", "localhost", "[::1]", "192.0.2.1", "x", "evil.test."]).to_owned()
                }
            };
            let port = match port {
                Port::One(port) => *port,
                Port::Any => draw.choose(&PORTS),
            };
            let scheme = if *https { "https" } else { "http" };
            format!("{scheme}://{host}{}", Port::suffix(*https, port))
        }
    }
}
