//! `corsac evaluate`: requests in, decisions out, one JSON object a line.

use std::path::PathBuf;

use corsac::{HeaderEdit, Policy, Request};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::text::json_text;
use crate::{Failure, Verdict, input, print};

/// `corsac evaluate`
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The policy document, or the CORS configuration of an S3 bucket
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Whose S3 it is, where it is a bucket's configuration: zenko or aws
    #[arg(long, value_name = "NAME", default_value = "zenko")]
    dialect: String,
    /// Requests, one a line: {"method": "GET", "headers": [["Origin", "https://app.example.com"]]}; - for standard input
    #[arg(value_name = "FILE")]
    requests: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    method: String,
    /// Values have one character for each byte.
    headers: Vec<(String, String)>,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    let policy = input::policy_or_s3(&options.policy, input::s3_options(&options.dialect)?)?;
    let bytes = input::read(&options.requests)?;
    let mut out = String::new();
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let place = |error: String| format!("{}:{number}: {error}", options.requests.display());
        let line: Line = serde_json::from_slice(line).map_err(|error| place(error.to_string()))?;
        out.push_str(&json_text(&decide(&policy, &line).map_err(place)?.to_string()));
        out.push('\n');
    }
    print(&out)
}

fn decide(policy: &Policy, line: &Line) -> Result<Value, String> {
    let mut headers = Vec::new();
    for (name, value) in &line.headers {
        headers.push((
            name,
            bytes(value).ok_or_else(|| format!("the value of {name} has a character above U+00FF"))?,
        ));
    }
    let mut request = Request::new(&line.method);
    for (name, value) in &headers {
        request.header(name, value);
    }
    let decision = policy.evaluate(&request);
    let edits: Vec<Value> = decision.headers().map(|edit| as_json(&edit)).collect();
    Ok(json!({
        "kind": decision.kind().name(), "action": decision.action().name(), "status": decision.status(),
        "allowed": decision.allowed(), "reason": decision.reason().name(), "rule": decision.rule(),
        "rule_name": decision.rule_name(), "headers": edits,
    }))
}

fn as_json(edit: &HeaderEdit<'_>) -> Value {
    let value: String = edit.value.iter().map(|&byte| char::from(byte)).collect();
    json!([edit.op.name(), edit.name(), value])
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}
