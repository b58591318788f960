//! Writes the canonical document: no white space, keys in their order, defaults left out.

use crate::guards::Danger;
use crate::key::Key;
use crate::policy::{Policy, Rule, TimingAllowOrigin};

pub(crate) fn write(policy: &Policy) -> String {
    let settings = &policy.settings;
    let mut document = Object::new();
    if settings.in_list {
        document.text(Key::Name, settings.name.as_deref());
        document.text(Key::Description, settings.description.as_deref());
        let rules: Vec<String> = policy
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| {
                let mut object = Object::new();
                write_rule(&mut object, policy, index, rule);
                object.end()
            })
            .collect();
        document.field(Key::Rules, &format!("[{}]", rules.join(",")));
    } else if let Some(rule) = policy.rules.first() {
        write_rule(&mut document, policy, 0, rule);
    }
    if settings.preflight_status != 204 {
        document.field(Key::PreflightStatus, &settings.preflight_status.to_string());
    }
    if settings.forbid_refused {
        document.text(Key::RefusedRequests, Some("forbid"));
    }
    document.list(Key::OwnOrigins, policy.own_origins.patterns(0));
    if settings.keep_foreign_headers {
        document.text(Key::ForeignHeaders, Some("keep"));
    }
    if !settings.expect_allow.is_empty() || !settings.expect_refuse.is_empty() {
        let mut expect = Object::new();
        expect.list(Key::ExpectAllow, each_once(&settings.expect_allow));
        expect.list(Key::ExpectRefuse, each_once(&settings.expect_refuse));
        document.field(Key::Expect, &expect.end());
    }
    document.list(Key::Acknowledge, settings.acknowledged.iter().copied());
    document.text(Key::Schema, settings.schema.as_deref());
    document.end()
}

fn write_rule(object: &mut Object, policy: &Policy, index: usize, rule: &Rule) {
    if rule.any_origin {
        object.field(Key::AllowOrigins, "\"*\"");
    } else {
        object.list(Key::AllowOrigins, policy.origins.patterns(index));
    }
    let config = &rule.config;
    for (key, names) in [
        (Key::AllowMethods, &config.allow_methods),
        (Key::AllowHeaders, &config.allow_headers),
        (Key::ExposeHeaders, &config.expose_headers),
    ] {
        match names.as_slice() {
            [only] if **only == *"*" => object.field(key, "\"*\""),
            names => object.list(key, names.iter().map(|name| &**name)),
        }
    }
    if rule.allow_credentials {
        object.field(Key::AllowCredentials, "true");
    }
    if let Some(seconds) = config.max_age {
        object.field(Key::MaxAge, &seconds.to_string());
    }
    match config.timing_allow_origin {
        TimingAllowOrigin::Nobody => {}
        TimingAllowOrigin::Reader => object.field(Key::TimingAllowOrigin, "true"),
        TimingAllowOrigin::Everyone => object.field(Key::TimingAllowOrigin, "\"*\""),
    }
    object.list(Key::DangerouslyAllow, config.dangerously_allow.iter().copied().map(Danger::name));
    object.text(Key::Name, config.name.as_deref());
    object.text(Key::Description, config.description.as_deref());
}

/// The texts without repetitions, in the order of the first ones.
fn each_once(texts: &[Box<str>]) -> impl Iterator<Item = &str> {
    let mut seen = std::collections::HashSet::new();
    texts.iter().map(|text| &**text).filter(move |text| seen.insert(*text))
}

/// A JSON object that is being written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Object("{".to_owned())
    }

    fn field(&mut self, key: Key, value: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key.name());
        self.0.push_str("\":");
        self.0.push_str(value);
    }

    fn text(&mut self, key: Key, value: Option<&str>) {
        if let Some(value) = value {
            self.field(key, &quoted(value));
        }
    }

    /// A list, left out if it is empty.
    fn list<'s>(&mut self, key: Key, strings: impl Iterator<Item = &'s str>) {
        let mut text = String::from("[");
        for string in strings {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&quoted(string));
        }
        if text.len() > 1 {
            text.push(']');
            self.field(key, &text);
        }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A JSON string with mandatory escapes only.
pub(super) fn quoted(string: &str) -> String {
    serde_json::Value::from(string).to_string()
}
