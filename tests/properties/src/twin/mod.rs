//! The twin: the whole evaluator once more, plain and slow, over a parsed document and header lines.

mod answer;
mod evaluate;
pub mod origin;
pub mod pattern;
mod rule;

use serde_json::Value;

pub use rule::Rule;

use origin::Origin;

/// A policy as the twin sees it.
#[derive(Clone, Debug)]
pub struct Twin {
    pub rules: Vec<Rule>,
    pub preflight_status: u16,
    pub forbid: bool,
    pub keep_foreign: bool,
    pub own_origins: Vec<Vec<u8>>,
}

/// One header edit: operation, name, value.
pub type Edit = (&'static str, &'static str, Vec<u8>);

/// A decision of the twin, or of the engine in the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub kind: &'static str,
    pub action: &'static str,
    pub status: u16,
    pub allowed: bool,
    pub reason: &'static str,
    pub rule: Option<usize>,
    pub rule_name: Option<String>,
    pub edits: Vec<Edit>,
}

impl Twin {
    /// Reads a document that the engine accepts; what is wrong with one that it refuses is not asked here.
    pub fn read(document: &Value) -> Twin {
        let rules = match document.get("rules") {
            Some(rules) => rules.as_array().unwrap().iter().map(Rule::read).collect(),
            None => vec![Rule::read(document)],
        };
        let own_origins = rule::strings(document.get("own_origins"))
            .iter()
            .map(|text| pattern::canonical(text).into_bytes())
            .collect();
        Twin {
            rules,
            preflight_status: document
                .get("preflight_status")
                .map_or(204, |status| status.as_u64().unwrap() as u16),
            forbid: document.get("refused_requests").is_some_and(|value| value == "forbid"),
            keep_foreign: document.get("foreign_headers").is_some_and(|value| value == "keep"),
            own_origins,
        }
    }

    /// Whether everybody gets the same answer: the first rule is `*`.
    pub fn constant(&self) -> bool {
        self.rules[0].any_origin
    }

    /// The first rule that matches.
    pub fn matching_rule(&self, origin: &Origin) -> Option<usize> {
        self.rules.iter().position(|rule| rule.matches(origin))
    }

    /// What `expect` asks: well-formed and matched by a rule.
    pub fn expects(&self, origin: &[u8]) -> bool {
        Origin::parse(origin).is_some_and(|origin| self.matching_rule(&origin).is_some())
    }

    pub fn allows_origin(&self, origin: Option<&[u8]>, credentials: bool) -> bool {
        let Some(bytes) = origin else { return false };
        let Some(origin) = Origin::parse(bytes) else { return false };
        if self.own_origins.iter().any(|own| own == bytes) {
            return true;
        }
        match self.matching_rule(&origin) {
            Some(rule) => !credentials || self.rules[rule].credentials,
            None => false,
        }
    }
}
