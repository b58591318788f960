//! Reads a configuration in one of the JSON forms of AWS, and writes it.

use serde_json::{Map, Value as Json, json};

use super::Dialect;
use super::configuration::{Configuration, Names, Place, Raw, RawRule, Refusal, Rule, Value};
use super::error::is_in_xml;
use crate::problem::{Problem, Problems, Quoted};

/// A JSON form of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JsonForm {
    /// `{"CORSRules": [...]}`, of the command line and of client libraries.
    #[default]
    CommandLine,
    /// `[...]`, of the console.
    Console,
    /// `{"CorsRules": [...]}`, of CloudFormation, whose rules name three keys differently.
    CloudFormation,
}

pub(super) fn read(text: &str, dialect: Dialect) -> Result<Raw, Refusal> {
    let parsed: Json = serde_json::from_str(text).map_err(|error| {
        let at = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (line, column) = (at(error.line()), at(error.column()));
        let refusal = Refusal::malformed("s3-invalid-json", dialect, format!("this is no JSON: {error}"));
        Refusal { place: Place::LineAndColumn(line, column.max(1)), ..refusal }
    })?;
    let mut raw = Raw { rules: Vec::new(), names: &Names::COMMAND_LINE, unknown: Problems::default() };
    let list = match &parsed {
        Json::Array(list) => Some(list),
        Json::Object(object) => {
            // CloudFormation's property and the argument of client libraries hold the object with the list.
            let object = match (object.get("CorsConfiguration"), object.get("CORSConfiguration")) {
                (Some(Json::Object(inner)), None) | (None, Some(Json::Object(inner))) => inner,
                _ => object,
            };
            match (object.get("CORSRules"), object.get("CorsRules")) {
                (Some(Json::Array(list)), None) => Some(list),
                (None, Some(Json::Array(list))) => {
                    raw.names = &Names::CLOUD_FORMATION;
                    Some(list)
                }
                _ => None,
            }
        }
        _ => None,
    };
    let Some(list) = list.filter(|list| !list.is_empty()) else { return Err(Refusal::no_rules(dialect)) };
    for (index, rule) in list.iter().enumerate() {
        let path = format!("{}[{index}]", raw.names.rule);
        let Json::Object(rule) = rule else { return Err(wrong_type(dialect, path, "an object", rule)) };
        raw.rules.push(read_rule(rule, &path, dialect, &mut raw.unknown)?);
    }
    Ok(raw)
}

fn wrong_type(dialect: Dialect, path: String, expected: &str, value: &Json) -> Refusal {
    let value = value.to_string();
    let refusal =
        Refusal::malformed("s3-wrong-type", dialect, format!("{} is not {expected}", Quoted(&value)));
    Refusal { path: path.into(), value: Some(value.into()), ..refusal }
}

fn read_rule(
    object: &Map<String, Json>,
    path: &str,
    dialect: Dialect,
    unknown: &mut Problems,
) -> Result<RawRule, Refusal> {
    let mut rule = RawRule::default();
    for (key, value) in object {
        let place = format!("{path}.{key}");
        let (list, is_list) = match key.as_str() {
            "AllowedOrigins" => (&mut rule.origins, true),
            "AllowedMethods" => (&mut rule.methods, true),
            "AllowedHeaders" => (&mut rule.headers, true),
            "ExposeHeaders" | "ExposedHeaders" => (&mut rule.expose, true),
            "MaxAgeSeconds" | "MaxAge" => (&mut rule.max_age, false),
            "ID" | "Id" => (&mut rule.id, false),
            _ => {
                unknown.push(|| {
                    let message = format!("S3 has no key {}", Quoted(key));
                    Problem::new("s3-unknown-element", path, Some(key), message, 0)
                });
                continue;
            }
        };
        // What XML cannot hold, no tool could send, and no configuration could be written back.
        let plain = |text: String| Value { text: text.chars().all(is_in_xml).then_some(text), offset: 0 };
        match value {
            Json::Array(values) if is_list => {
                for (index, value) in values.iter().enumerate() {
                    let Json::String(text) = value else {
                        return Err(wrong_type(dialect, format!("{place}[{index}]"), "a string", value));
                    };
                    list.get_or_insert_default().push(plain(text.clone()));
                }
            }
            Json::String(text) if !is_list => list.get_or_insert_default().push(plain(text.clone())),
            Json::Number(number) if key.starts_with("MaxAge") && !number.is_f64() => {
                list.get_or_insert_default().push(plain(number.to_string()));
            }
            _ => {
                let expected = match key.as_str() {
                    _ if is_list => "an array of strings",
                    "ID" | "Id" => "a string",
                    _ => "an integer",
                };
                return Err(wrong_type(dialect, place, expected, value));
            }
        }
    }
    Ok(rule)
}

impl Configuration {
    /// The configuration as JSON without white space, as the AWS command line takes it.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_json_as(JsonForm::CommandLine)
    }

    /// The configuration as JSON without white space, in this form.
    #[must_use]
    pub fn to_json_as(&self, form: JsonForm) -> String {
        let names = match form {
            JsonForm::CloudFormation => &Names::CLOUD_FORMATION,
            JsonForm::CommandLine | JsonForm::Console => &Names::COMMAND_LINE,
        };
        let rules: Vec<String> = self.rules().iter().map(|rule| write_rule(rule, names)).collect();
        let list = format!("[{}]", rules.join(","));
        match form {
            JsonForm::Console => list,
            _ => format!("{{\"{}\":{list}}}", names.rule),
        }
    }
}

/// One rule, its keys in the order of the AWS documentation.
fn write_rule(rule: &Rule, names: &Names) -> String {
    let mut fields = Vec::new();
    if let Some(id) = rule.id() {
        fields.push((names.id, json!(id)));
    }
    for (name, values) in [
        (names.header, rule.allowed_headers()),
        (names.method, rule.allowed_methods()),
        (names.origin, rule.allowed_origins()),
        (names.expose, rule.expose_headers()),
    ] {
        if !values.is_empty() {
            fields.push((name, json!(values)));
        }
    }
    if let Some(seconds) = rule.max_age_seconds() {
        fields.push((names.max_age, json!(seconds)));
    }
    let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}
