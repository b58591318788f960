//! The nearest policy document for a bucket's configuration, and the other way round, each with what changes.

use serde_json::{Map, Value as Json, json};

use super::configuration::{Configuration, Rule, method_bit};
use super::{Dialect, S3Options};
use crate::guards::Risk;
use crate::header::{is_cors_response_header, is_forbidden_request_header, is_token, is_unexposable};
use crate::limits::{MAX_AGE_SECONDS, MAX_NAME_BYTES};
use crate::pattern::{HostShape, Pattern, PortShape, Shape};
use crate::policy::{Policy, TimingAllowOrigin};
use crate::problem::{BuildError, Problem, Quoted};

/// A configuration in the other form, and what changes in meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The policy of the other form; none if nothing is left of it.
    pub policy: Option<Policy>,
    /// What changes in meaning, in the order of the rules; `path` is a place in what was converted.
    pub changes: Vec<Problem>,
}

impl Policy {
    /// The nearest policy document for S3 rules: [`Policy::document`] of the policy that comes out is its text.
    /// None if this policy has no S3 rules.
    ///
    /// Takes responsibility for what S3 allows and a document does not by itself, in `dangerously_allow`; every
    /// guard that is lifted so is among the changes.
    #[must_use]
    pub fn convert_to_document(&self) -> Option<Conversion> {
        let configuration = self.s3_configuration()?;
        let dialect = self.s3_options()?.dialect;
        let mut changes = Changes(Vec::new());
        let mut rules: Vec<DocumentRule> = Vec::new();
        for (index, rule) in configuration.rules().iter().enumerate() {
            changes.convert_rule(index, rule, (configuration.rules(), dialect), &mut rules);
        }
        changes.tell_order(configuration.rules(), &rules);
        if rules.is_empty() {
            return Some(Conversion { policy: None, changes: changes.0 });
        }
        let rules: Vec<Json> = rules.iter().map(DocumentRule::write).collect();
        let document = json!({ "rules": rules, "preflight_status": 200 });
        Some(changes.end(Policy::from_json(document.to_string())))
    }

    /// The nearest configuration of a bucket for a policy document: [`Policy::s3_configuration`] of the policy that
    /// comes out writes its text. None if this policy has S3 rules already.
    #[must_use]
    pub fn convert_to_s3(&self, options: S3Options) -> Option<Conversion> {
        if self.s3_options().is_some() {
            return None;
        }
        let mut changes = Changes(Vec::new());
        changes.tell_settings(self);
        let count = self.rules.len();
        let rules: Vec<Rule> =
            (0..count).map(|index| changes.s3_rule(self, index, options.dialect)).collect();
        changes.tell_fall_through(self, &rules);
        let configuration = Configuration::of(rules);
        Some(changes.end(Policy::from_s3(configuration.to_json(), options)))
    }
}

/// Whether S3 never comes to `later` for an origin that both are for: all that it matches, `earlier` matches too.
fn hides(earlier: &Rule, later: &Rule) -> bool {
    let covers = |wide: &str, narrow: &str| wide == "*" || wide.eq_ignore_ascii_case(narrow);
    later.methods.iter().all(|method| earlier.methods.contains(method))
        && later.headers.iter().all(|name| earlier.headers.iter().any(|known| covers(known, name)))
}

/// Whether there may be an origin that two values with one `*` at most both match.
fn may_overlap(a: &str, b: &str) -> bool {
    let is_of = |text: &str, (front, behind): (&str, &str)| text.starts_with(front) && text.ends_with(behind);
    match (a.split_once('*'), b.split_once('*')) {
        (None, None) => a == b,
        (None, Some(wild)) => is_of(a, wild),
        (Some(wild), None) => is_of(b, wild),
        (Some((a, behind_a)), Some((b, behind_b))) => {
            (a.starts_with(b) || b.starts_with(a))
                && (behind_a.ends_with(behind_b) || behind_b.ends_with(behind_a))
        }
    }
}

/// Values that are compared with one another at most: what has more is no configuration of a bucket.
const MAX_COMPARED: usize = 8_192;

struct Changes(Vec<Problem>);

/// A rule of a document that is being written.
#[derive(Default)]
struct DocumentRule {
    origins: Vec<String>,
    any: bool,
    credentials: bool,
    methods: Vec<String>,
    headers: Vec<String>,
    expose: Vec<String>,
    max_age: Option<u64>,
    dangers: Vec<&'static str>,
    name: Option<String>,
    /// The rules of S3 that it stands for.
    sources: Vec<usize>,
}

impl DocumentRule {
    fn write(&self) -> Json {
        let mut object = Map::new();
        let origins = if self.any { json!("*") } else { json!(self.origins) };
        object.insert("allow_origins".to_owned(), origins);
        for (key, list) in [
            ("allow_methods", &self.methods),
            ("allow_headers", &self.headers),
            ("expose_headers", &self.expose),
        ] {
            if !list.is_empty() {
                object.insert(key.to_owned(), json!(list));
            }
        }
        if self.credentials {
            object.insert("allow_credentials".to_owned(), json!(true));
        }
        if let Some(seconds) = self.max_age {
            object.insert("max_age".to_owned(), json!(seconds));
        }
        if !self.dangers.is_empty() {
            object.insert("dangerously_allow".to_owned(), json!(self.dangers));
        }
        if let Some(name) = &self.name {
            object.insert("name".to_owned(), json!(name));
        }
        Json::Object(object)
    }

    fn add_origin(&mut self, pattern: &Pattern<'_>) {
        if !self.origins.iter().any(|known| *known == *pattern.text) {
            self.origins.push(pattern.text.to_string());
        }
    }
}

fn add(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

impl Changes {
    fn tell(&mut self, code: &'static str, path: String, value: Option<&str>, message: impl Into<String>) {
        self.0.push(Problem::new(code, path, value, message, 0));
    }

    fn end(mut self, built: Result<Policy, BuildError>) -> Conversion {
        if let Err(error) = &built {
            for problem in error.problems() {
                self.tell(problem.code, String::new(), problem.value.as_deref(), &*problem.message);
            }
        }
        Conversion { policy: built.ok(), changes: self.0 }
    }

    /// S3 asks one rule after the other until one allows the request; of a document the first for the origin decides.
    fn tell_order(&mut self, all: &[Rule], rules: &[DocumentRule]) {
        let are_for_the_same = |a: &DocumentRule, b: &DocumentRule| {
            let pairs = || a.origins.iter().flat_map(|a| b.origins.iter().map(move |b| (a, b)));
            a.any || b.any || pairs().any(|(a, b)| may_overlap(a, b))
        };
        let is_hidden = |earlier: usize, later: usize| match (all.get(earlier), all.get(later)) {
            (Some(earlier), Some(later)) => hides(earlier, later),
            _ => true,
        };
        for (place, later) in rules.iter().enumerate() {
            for &index in &later.sources {
                let before = rules.iter().take(place).filter(|earlier| are_for_the_same(earlier, later));
                let mut before = before.flat_map(|earlier| &earlier.sources);
                let decides = before.find(|&&earlier| earlier < index && !is_hidden(earlier, index));
                let path = format!("CORSRules[{index}]");
                let is_told = |path: &str| {
                    self.0.iter().any(|change| change.code == "earlier-rule-decides" && change.path == path)
                };
                if let Some(earlier) = decides.filter(|_| !is_told(&path)) {
                    let message = format!(
                        "CORSRules[{earlier}] is for some of the same origins: where a document has two rules for an origin, the first decides, whatever it refuses"
                    );
                    self.tell("earlier-rule-decides", path, None, message);
                }
            }
        }
    }

    /// The other way round.
    fn tell_fall_through(&mut self, policy: &Policy, rules: &[Rule]) {
        if rules.iter().map(|rule| rule.origins.len()).sum::<usize>() > MAX_COMPARED {
            return;
        }
        for (index, later) in rules.iter().enumerate() {
            let earlier = rules.iter().take(index).position(|earlier| {
                let mut pairs =
                    earlier.origins.iter().flat_map(|a| later.origins.iter().map(move |b| (a, b)));
                !hides(earlier, later) && pairs.any(|(a, b)| may_overlap(a, b))
            });
            if let Some(earlier) = earlier.filter(|_| policy.settings.in_list) {
                let message = format!(
                    "rules[{earlier}] is for some of the same origins: where it refuses, S3 goes on to this rule"
                );
                self.tell("later-rule-allows", format!("rules[{index}]"), None, message);
            }
        }
    }

    fn convert_rule(
        &mut self,
        index: usize,
        rule: &Rule,
        (all, dialect): (&[Rule], Dialect),
        rules: &mut Vec<DocumentRule>,
    ) {
        let path = |name: &str| format!("CORSRules[{index}].{name}");
        let mut lists =
            DocumentRule { any: rule.allows_any_origin(), sources: vec![index], ..DocumentRule::default() };
        self.lists(index, rule, dialect, &mut lists);
        // What may not stand beside credentials, and so gets a rule of its own.
        let mut anonymous =
            DocumentRule { headers: lists.headers.clone(), sources: vec![index], ..DocumentRule::default() };
        if !lists.any {
            lists.credentials = true;
            for (place, text) in rule.allowed_origins().iter().enumerate() {
                self.origin(text, path(&format!("AllowedOrigins[{place}]")), &mut lists, &mut anonymous);
            }
        }
        let method_names: Vec<&str> = rule.allowed_methods().iter().map(|method| &**method).collect();
        let safelisted = ["GET", "HEAD", "POST"].into_iter().filter(|method| !method_names.contains(method));
        let missing: Vec<&str> = safelisted.collect();
        if !missing.is_empty() {
            let message = match missing.split_last() {
                Some((last, rest @ [_, ..])) => {
                    format!("a document allows {} and {last} always", rest.join(", "))
                }
                _ => format!("a document allows {} always", missing.join(" and ")),
            };
            self.tell("safelisted-methods-allowed", path("AllowedMethods"), None, message);
        }
        for method in ["PUT", "DELETE"].into_iter().filter(|method| method_names.contains(method)) {
            add(&mut lists.methods, method);
        }
        anonymous.methods.clone_from(&lists.methods);
        anonymous.expose.clone_from(&lists.expose);
        anonymous.max_age = lists.max_age;
        anonymous.name.clone_from(&lists.name);
        let before = rules.len();
        let mut is_kept = false;
        for new in [lists, anonymous] {
            if !new.any && new.origins.is_empty() {
                continue;
            }
            is_kept = true;
            let same = |known: &&mut DocumentRule| {
                known.any == new.any && known.credentials == new.credentials && known.origins == new.origins
            };
            match rules.iter_mut().take(before).find(same) {
                // S3 never comes to it either.
                Some(known)
                    if known.sources.iter().filter_map(|&i| all.get(i)).any(|known| hides(known, rule)) => {}
                Some(known) => {
                    known.sources.push(index);
                    new.methods.iter().for_each(|name| add(&mut known.methods, name));
                    new.headers.iter().for_each(|name| add(&mut known.headers, name));
                    new.expose.iter().for_each(|name| add(&mut known.expose, name));
                    let mut message = "an earlier rule is for the same origins: the document allows and exposes what both do, together".to_owned();
                    if new.max_age != known.max_age {
                        message += ", with the MaxAgeSeconds of the first";
                    }
                    self.tell("rules-joined", format!("CORSRules[{index}]"), None, message);
                }
                None => rules.push(new),
            }
        }
        if !is_kept {
            let message = "nobody is left whom the rule could be for";
            self.tell("rule-left-out", format!("CORSRules[{index}]"), None, message);
        }
    }

    fn origin(&mut self, text: &str, path: String, rule: &mut DocumentRule, anonymous: &mut DocumentRule) {
        let shown = Quoted(text);
        let pattern = match Pattern::parse(text) {
            Ok(pattern) if pattern.text == text => pattern,
            Ok(_) => {
                let message = format!("{shown} is left out: no browser sends it as it is written");
                return self.tell("origin-left-out", path, Some(text), message);
            }
            Err(_) => {
                let message = format!("{shown} is left out: a document has no such pattern");
                return self.tell("origin-left-out", path, Some(text), message);
            }
        };
        if text.contains('*') {
            let message = match pattern.shape {
                Shape::Web { host: HostShape::InLabel, .. } => {
                    format!("{shown} no longer crosses dots, and stands for one character at least")
                }
                Shape::Web { host: HostShape::Any, port: PortShape::Default, .. } => {
                    format!("{shown} no longer stands for ports other than the default")
                }
                Shape::Web { port: PortShape::Any, .. } => format!("{shown} stands for no port too"),
                _ => format!("{shown} stands for what can be part of an origin, and for something"),
            };
            self.tell("wildcard-narrowed", path.clone(), Some(text), message);
        }
        let risks = Risk::of(&pattern);
        let without = risks.contains(&Risk::AnyHost) || risks.contains(&Risk::Null);
        if without {
            let message =
                format!("{shown} is allowed without credentials: a document never allows them here");
            self.tell("credentials-left-out", path.clone(), Some(text), message);
        }
        let rule = if without { anonymous } else { rule };
        for danger in risks.iter().filter_map(|risk| risk.lifted_by()) {
            if !rule.dangers.contains(&danger.name()) {
                rule.dangers.push(danger.name());
                let message = format!("{shown} stands only because of dangerously_allow");
                self.tell("guard-lifted", path.clone(), Some(danger.name()), message);
            }
        }
        rule.add_origin(&pattern);
    }

    fn lists(&mut self, index: usize, rule: &Rule, dialect: Dialect, lists: &mut DocumentRule) {
        let path = |name: &str, place: usize| format!("CORSRules[{index}].{name}[{place}]");
        for (place, text) in rule.allowed_headers().iter().enumerate() {
            let name = text.to_ascii_lowercase();
            if name == "*" {
                add(&mut lists.headers, "*");
            } else if name.contains('*') {
                let message = format!("{} is left out: a document names each header, or \"*\"", Quoted(text));
                self.tell("header-left-out", path("AllowedHeaders", place), Some(text), message);
            } else if !is_token(name.as_bytes())
                || name.len() > crate::limits::MAX_HEADER_NAME_BYTES
                || is_forbidden_request_header(&name)
                || is_cors_response_header(&name)
            {
                let message = format!("{} is left out: no script can set it", Quoted(text));
                self.tell("header-left-out", path("AllowedHeaders", place), Some(text), message);
            } else {
                add(&mut lists.headers, &name);
            }
        }
        for (place, text) in rule.expose_headers().iter().enumerate() {
            let name = text.to_ascii_lowercase();
            if name.is_empty() || name.len() > crate::limits::MAX_HEADER_NAME_BYTES || is_unexposable(&name) {
                let message = format!("{} is left out: no script can read it", Quoted(text));
                self.tell("header-left-out", path("ExposeHeaders", place), Some(text), message);
            } else {
                add(&mut lists.expose, &name);
            }
        }
        for (name, list) in [("AllowedHeaders", &mut lists.headers), ("ExposeHeaders", &mut lists.expose)] {
            if list.len() > crate::limits::MAX_NAMES {
                list.truncate(crate::limits::MAX_NAMES);
                let message = format!("only the first {} names are kept", crate::limits::MAX_NAMES);
                self.tell("names-left-out", format!("CORSRules[{index}].{name}"), None, message);
            }
        }
        if let Some(seconds) = rule.sent_max_age(dialect) {
            let most = u64::from(MAX_AGE_SECONDS);
            if seconds > most {
                let message = format!("no browser keeps a preflight longer than {most} seconds");
                let value = seconds.to_string();
                self.tell(
                    "max-age-lowered",
                    format!("CORSRules[{index}].MaxAgeSeconds"),
                    Some(&value),
                    message,
                );
            }
            lists.max_age = Some(seconds.min(most));
        }
        if let Some(id) = rule.id() {
            if id.len() > MAX_NAME_BYTES || id.chars().any(char::is_control) {
                let message = "the ID cannot be the name of a rule";
                self.tell("name-left-out", format!("CORSRules[{index}].ID"), Some(id), message);
            } else {
                lists.name = Some(id.to_owned());
            }
        }
    }

    /// What S3 has no words for, of the whole document.
    fn tell_settings(&mut self, policy: &Policy) {
        let mut lost = |is_set: bool, key: &str, message: &str| {
            if is_set {
                self.tell("setting-left-out", key.to_owned(), None, message);
            }
        };
        let settings = &policy.settings;
        lost(settings.forbid_refused, "refused_requests", "S3 answers refused requests without CORS headers");
        lost(policy.own_origins.len() > 0, "own_origins", "S3 knows no origins of its own");
        lost(settings.keep_foreign_headers, "foreign_headers", "S3 sets all CORS headers itself");
        lost(settings.preflight_status != 200, "preflight_status", "S3 answers preflights with 200");
    }

    fn s3_rule(&mut self, policy: &Policy, index: usize, dialect: Dialect) -> Rule {
        let path = |key: &str| {
            if policy.settings.in_list { format!("rules[{index}].{key}") } else { key.to_owned() }
        };
        let mut new = Rule::default();
        let Some(rule) = policy.rules.get(index) else { return new };
        let config = &rule.config;
        if rule.any_origin {
            new.origins.push("*".into());
        } else {
            for (place, text) in policy.origins.patterns(index).enumerate() {
                self.s3_origin(text, path(&format!("allow_origins[{place}]")), &mut new.origins);
            }
            if !rule.allow_credentials {
                let message = "S3 allows credentials to every origin that is named";
                self.tell("credentials-allowed", path("allow_credentials"), None, message);
            }
        }
        new.methods = ["GET", "HEAD", "POST"].map(Into::into).to_vec();
        for method in &config.allow_methods {
            if **method == *"*" {
                new.methods = ["GET", "HEAD", "POST", "PUT", "DELETE"].map(Into::into).to_vec();
                let message = "S3 knows five methods, which are named";
                self.tell("methods-left-out", path("allow_methods"), Some("*"), message);
            } else if method_bit(method.as_bytes()) == 0 {
                let message = format!("{} is left out: S3 knows five methods", Quoted(method));
                self.tell("methods-left-out", path("allow_methods"), Some(method), message);
            } else if !new.methods.contains(method) {
                new.methods.push(method.clone());
            }
        }
        for name in &config.allow_headers {
            if **name != *"*" && name.contains('*') {
                let message = format!("{} is left out: S3 takes \"*\" for a wildcard", Quoted(name));
                self.tell("header-left-out", path("allow_headers"), Some(name), message);
            } else {
                new.headers.push(name.clone());
            }
        }
        for name in &config.expose_headers {
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                new.expose.push(name.clone());
            } else {
                let message = format!("{} is left out: S3 exposes no such name", Quoted(name));
                self.tell("header-left-out", path("expose_headers"), Some(name), message);
            }
        }
        if config.timing_allow_origin != TimingAllowOrigin::Nobody {
            let message = "S3 sends no Timing-Allow-Origin";
            self.tell("setting-left-out", path("timing_allow_origin"), None, message);
        }
        new.max_age = config.max_age.map(u64::from);
        if new.max_age == Some(0) && dialect == Dialect::Zenko {
            let message = "S3 sends no 0, and browsers then keep the answer to a preflight for 5 seconds";
            self.tell("max-age-left-out", path("max_age"), Some("0"), message);
        }
        match &config.name {
            Some(name) if dialect == Dialect::Aws && name.chars().count() > 255 => {
                let message = "the ID of a rule has at most 255 characters";
                self.tell("name-left-out", path("name"), Some(name), message);
            }
            // An empty ID is none.
            name => new.id = name.clone().filter(|name| !name.is_empty()),
        }
        new
    }

    fn s3_origin(&mut self, text: &str, path: String, origins: &mut Vec<Box<str>>) {
        let ports = text.strip_suffix(":*").filter(|front| !front.ends_with(':'));
        let is_any_port = ports.is_some()
            && Pattern::parse(text)
                .is_ok_and(|pattern| matches!(pattern.shape, Shape::Web { port: PortShape::Any, .. }));
        let mut wide = |text: &str, origins: &mut Vec<Box<str>>| {
            if text.contains('*') {
                let message = format!("{} stands for any run of characters in S3", Quoted(text));
                self.tell("wildcard-widened", path.clone(), Some(text), message);
            }
            if !origins.iter().any(|known| **known == *text) {
                origins.push(text.into());
            }
        };
        match ports {
            Some(host) if is_any_port => {
                wide(host, origins);
                if host.contains('*') {
                    let message = format!(
                        "{} has two wildcards, of which S3 allows one: ports are left out unless the first covers them",
                        Quoted(text)
                    );
                    self.tell("ports-left-out", path.clone(), Some(text), message);
                } else {
                    wide(text, origins);
                }
            }
            _ => wide(text, origins),
        }
    }
}
