//! One rule: its origins and its lists.

use serde_json::Value;

use super::origin::Origin;
use super::pattern::Pattern;

#[derive(Clone, Debug)]
pub struct Rule {
    pub any_origin: bool,
    pub patterns: Vec<Pattern>,
    pub any_method: bool,
    /// The configured methods, as browsers send them, without duplicates.
    pub methods: Vec<String>,
    pub any_header: bool,
    /// In lower case, without duplicates.
    pub headers: Vec<String>,
    pub any_exposed: bool,
    pub exposed: Vec<String>,
    pub credentials: bool,
    pub max_age: Option<u64>,
    pub timing: Timing,
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    No,
    AsAllowed,
    Everyone,
}

/// The strings of an array, or of one string; none where the key is absent.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(list) => list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
    }
}

/// Whether the list has `*`, and its names in the form `form`, without duplicates.
fn names(value: Option<&Value>, form: fn(&str) -> String) -> (bool, Vec<String>) {
    let (mut any, mut names) = (false, Vec::new());
    for text in strings(value) {
        if text == "*" {
            any = true;
        } else if !names.contains(&form(&text)) {
            names.push(form(&text));
        }
    }
    (any, names)
}

/// Fetch, "normalize a method".
fn normalized_method(method: &str) -> String {
    let upper = method.to_ascii_uppercase();
    if ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"].contains(&upper.as_str()) {
        upper
    } else {
        method.to_owned()
    }
}

impl Rule {
    pub fn read(document: &Value) -> Rule {
        let origins = strings(document.get("allow_origins"));
        let any_origin = origins == ["*"];
        let patterns = origins.iter().filter(|_| !any_origin).map(|text| Pattern::read(text)).collect();
        let (any_method, methods) = names(document.get("allow_methods"), normalized_method);
        let (any_header, headers) = names(document.get("allow_headers"), str::to_ascii_lowercase);
        let (any_exposed, exposed) = names(document.get("expose_headers"), str::to_ascii_lowercase);
        let timing = match document.get("timing_allow_origin") {
            None | Some(Value::Bool(false)) => Timing::No,
            Some(Value::Bool(true)) => Timing::AsAllowed,
            Some(_) => Timing::Everyone,
        };
        Rule {
            any_origin,
            patterns,
            any_method,
            methods,
            any_header,
            headers,
            any_exposed,
            exposed,
            credentials: document.get("allow_credentials").is_some_and(|value| value == true),
            max_age: document.get("max_age").map(|age| age.as_u64().unwrap()),
            timing,
            name: document.get("name").map(|name| name.as_str().unwrap().to_owned()),
        }
    }

    /// A `*` rule matches `null` too.
    pub fn matches(&self, origin: &Origin) -> bool {
        self.any_origin || self.patterns.iter().any(|pattern| pattern.matches(origin))
    }

    pub fn allows_method(&self, method: &str) -> bool {
        ["GET", "HEAD", "POST"].contains(&method)
            || self.any_method
            || self.methods.iter().any(|name| name == method)
    }

    pub fn allows_header(&self, name: &str) -> bool {
        self.any_header || self.headers.contains(&name.to_ascii_lowercase())
    }

    /// `*` with credentials means nothing to browsers, so what was asked for is sent back.
    pub fn echoes_methods(&self) -> bool {
        self.any_method && self.credentials
    }

    pub fn echoes_headers(&self) -> bool {
        self.any_header && self.credentials
    }
}
