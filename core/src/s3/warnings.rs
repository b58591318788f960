//! What corsac would refuse in a document of its own is worth a look in a bucket's configuration.

use super::configuration::{Configuration, Names, RawRule, Value};
use crate::guards::Risk;
use crate::header::{is_cors_response_header, is_forbidden_request_header, is_token, is_unexposable};
use crate::pattern::Pattern;
use crate::problem::{Problem, Problems, Quoted};

impl Configuration {
    /// Warns of everything. `raw` is what the rules were read from, and knows where they stand.
    pub(super) fn warn(&self, raw: &[RawRule], names: &Names, warnings: &mut Problems) {
        for (index, (rule, raw)) in self.rules().iter().zip(raw).enumerate() {
            // With `*` anywhere, S3 answers `*` to everyone, and no credentials.
            let credentials = !rule.allows_any_origin();
            let mut each = |name: &str, values: &Option<Vec<Value>>, warn: &dyn Fn(&str) -> Vec<Warning>| {
                for (element, value) in values.iter().flatten().enumerate() {
                    let Some(text) = value.text.as_deref() else { continue };
                    for (code, message) in warn(text) {
                        let path = format!("{}[{index}].{name}[{element}]", names.rule);
                        warnings.push(|| Problem::new(code, path, Some(text), message, value.offset));
                    }
                }
            };
            each(names.origin, &raw.origins, &|text| origin(text, credentials));
            each(names.header, &raw.headers, &|text| request_header(text).into_iter().collect());
            each(names.expose, &raw.expose, &|text| exposed_header(text).into_iter().collect());
        }
    }
}

type Warning = (&'static str, String);

fn origin(text: &str, credentials: bool) -> Vec<Warning> {
    if text == "*" {
        return Vec::new();
    }
    let shown = Quoted(text);
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(_) if text.contains('*') => {
            let message =
                format!("{shown} matches any run of characters, so other sites than those that it names too");
            return vec![("s3-loose-wildcard", message)];
        }
        Err(invalid) => {
            let mut message = format!("S3 takes it, no browser sends it: {}", invalid.message);
            if let Some(suggestion) = &invalid.suggestion {
                message = format!("{message}, write {}", Quoted(suggestion));
            }
            return vec![(invalid.code, message)];
        }
    };
    if pattern.text != text && !text.contains('*') {
        let message = format!("S3 takes {shown}, browsers send {}", Quoted(&pattern.text));
        return vec![("made-canonical", message)];
    }
    let trusted = if credentials { "act as the user" } else { "read responses" };
    let told = Risk::of(&pattern).into_iter().map(|risk| match (risk, credentials) {
        (Risk::Null, _) => {
            ("null-origin", format!("{shown} lets every sandboxed frame and local file {trusted}"))
        }
        (Risk::AnyHost, true) => {
            ("any-host-with-credentials", format!("{shown} lets every site of the world {trusted}"))
        }
        (Risk::AnyHost, false) => ("any-host", format!("{shown} lets every site of the world {trusted}")),
        (Risk::AnyOfScheme, _) => (
            "any-origin-of-scheme-with-credentials",
            format!("{shown} lets every origin of the scheme {trusted}"),
        ),
        (Risk::Insecure, true) => (
            "insecure-origin-with-credentials",
            format!("{shown} lets everybody on the user's network {trusted}"),
        ),
        (Risk::Insecure, false) => {
            ("insecure-origin", format!("{shown} lets everybody on the user's network {trusted}"))
        }
        (Risk::PublicSuffix, true) => (
            "public-suffix-with-credentials",
            format!("{shown} lets whoever registers a name there {trusted}"),
        ),
        (Risk::PublicSuffix, false) => {
            ("public-suffix", format!("{shown} lets whoever registers a name there {trusted}"))
        }
    });
    told.collect()
}

fn request_header(text: &str) -> Option<Warning> {
    if text.contains('*') {
        return None;
    }
    let (name, shown) = (text.to_ascii_lowercase(), Quoted(text));
    if !is_token(text.as_bytes()) {
        Some(("invalid-header-name", format!("{shown} is no header name, so nothing matches it")))
    } else if is_cors_response_header(&name) {
        Some(("cors-header-not-allowed", format!("{shown} is a response header of CORS itself")))
    } else if is_forbidden_request_header(&name) {
        let message = format!("{shown} is a header that browsers never let scripts set, remove it");
        Some(("forbidden-request-header", message))
    } else {
        None
    }
}

fn exposed_header(text: &str) -> Option<Warning> {
    let (name, shown) = (text.to_ascii_lowercase(), Quoted(text));
    if text.is_empty() {
        Some(("invalid-header-name", "an empty name exposes nothing".to_owned()))
    } else if is_unexposable(&name) {
        Some(("unexposable-header", format!("{shown} is never shown to scripts, remove it")))
    } else {
        None
    }
}
