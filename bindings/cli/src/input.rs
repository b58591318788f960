//! Files and standard input, with limits.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use corsac::{BuildError, Policy};

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

/// A policy from a file, or every problem of it in one text.
pub(crate) fn policy(path: &Path) -> Result<Policy, Failure> {
    Policy::from_json(read(path)?).map_err(|error| {
        let lines: Vec<String> = problems(&error).map(|line| format!("{}:{line}", path.display())).collect();
        format!("the policy has problems\n{}", lines.join("\n"))
    })
}

/// Each problem as `line:column: code: path: message`.
fn problems(error: &BuildError) -> impl Iterator<Item = String> {
    error.problems().iter().map(|problem| {
        let (line, column) = (problem.line.unwrap_or(0), problem.column.unwrap_or(0));
        format!("{line}:{column}: {}: {}: {}", problem.code, problem.path, problem.message)
    })
}
