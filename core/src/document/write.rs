//! Writes the canonical document: no white space, keys in their order, defaults left out.

use crate::builder::Key;
use crate::policy::Policy;

pub(crate) fn write(policy: &Policy) -> String {
    let rule = &policy.rule;
    let mut text = String::from("{");
    if rule.any_origin {
        field(&mut text, Key::AllowOrigins, "\"*\"");
    } else {
        field(&mut text, Key::AllowOrigins, &array(rule.origins.patterns()));
    }
    for (key, names) in [
        (Key::AllowMethods, &rule.config.allow_methods),
        (Key::AllowHeaders, &rule.config.allow_headers),
        (Key::ExposeHeaders, &rule.config.expose_headers),
    ] {
        match names.as_slice() {
            [] => {}
            [only] if **only == *"*" => field(&mut text, key, "\"*\""),
            names => field(&mut text, key, &array(names.iter().map(|name| &**name))),
        }
    }
    if rule.allow_credentials {
        field(&mut text, Key::AllowCredentials, "true");
    }
    if let Some(seconds) = rule.config.max_age {
        field(&mut text, Key::MaxAge, &seconds.to_string());
    }
    text.push('}');
    text
}

fn field(text: &mut String, key: Key, value: &str) {
    if !text.ends_with('{') {
        text.push(',');
    }
    text.push('"');
    text.push_str(key.name());
    text.push_str("\":");
    text.push_str(value);
}

fn array<'s>(strings: impl Iterator<Item = &'s str>) -> String {
    let mut text = String::from("[");
    for (index, string) in strings.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&quoted(string));
    }
    text.push(']');
    text
}

/// A JSON string with mandatory escapes only.
pub(super) fn quoted(string: &str) -> String {
    serde_json::Value::from(string).to_string()
}
