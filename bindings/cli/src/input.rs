//! Files and standard input, with limits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use corsac::s3::S3Options;
use corsac::{BuildError, Policy};
use serde::de::IgnoredAny;

use crate::Failure;

/// What a HAR file may hold at most: recordings of 200 MB are met.
const MAX_FILE: u64 = 1 << 30;

/// A file, or standard input for `-`; what is beyond the limit is missing at its end.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock().take(MAX_FILE)));
    }
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if file.metadata().is_ok_and(|about| about.len() > MAX_FILE) {
        return Err(format!("{}: larger than {MAX_FILE} bytes", path.display()));
    }
    Ok(Box::new(file.take(MAX_FILE)))
}

/// The bytes of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    if bytes.len() as u64 >= MAX_FILE {
        return Err(format!("{}: larger than {MAX_FILE} bytes", path.display()));
    }
    Ok(bytes)
}

/// How a bucket's configuration is read, by the name of the dialect.
pub(crate) fn s3_options(dialect: &str) -> Result<S3Options, Failure> {
    S3Options::new(dialect, false).map_err(|error| error.to_string())
}

/// A policy from a document or from a bucket's configuration.
pub(crate) fn policy_or_s3(path: &Path, options: S3Options) -> Result<Policy, Failure> {
    let bytes = read(path)?;
    built(path, if is_s3(&bytes) { s3(&bytes, options) } else { Policy::from_json(bytes) })
}

/// A policy from a bucket's configuration.
pub(crate) fn s3(bytes: &[u8], options: S3Options) -> Result<Policy, BuildError> {
    // XML may begin with a byte order mark; the JSON that some editors write does so too.
    match without_mark(bytes) {
        text if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) => {
            Policy::from_s3(text, options)
        }
        _ => Policy::from_s3(bytes, options),
    }
}

/// Whether it is a bucket's configuration and no document: XML, a JSON array, or a JSON object with the list of rules
/// that AWS knows.
pub(crate) fn is_s3(bytes: &[u8]) -> bool {
    let text = without_mark(bytes);
    match text.trim_ascii_start().first() {
        Some(b'<' | b'[') => true,
        _ => serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(text).is_ok_and(|value| {
            ["CORSRules", "CorsRules", "CORSConfiguration", "CorsConfiguration"]
                .iter()
                .any(|key| value.contains_key(*key))
        }),
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn built(path: &Path, result: Result<Policy, BuildError>) -> Result<Policy, Failure> {
    result.map_err(|error| {
        let lines: Vec<String> = problems(&error).map(|line| format!("{}:{line}", path.display())).collect();
        format!("the policy has problems\n{}", lines.join("\n"))
    })
}

/// Each problem as `line:column: code: path: message`, without what is not known.
fn problems(error: &BuildError) -> impl Iterator<Item = String> {
    error.problems().iter().map(|problem| {
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!("{line}:{column}: "),
            _ => " ".to_owned(),
        };
        let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
        format!("{place}{}: {path}{}", problem.code, problem.message)
    })
}
