//! `corsac check`: every problem and every warning of policy documents.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use corsac::{Policy, Problem};
use serde_json::{Value, json};

use crate::text::{Style, json_text, printable};
use crate::{Failure, Verdict, input, print};

/// `corsac check`
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Policy documents; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with 1 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// The files are CORS configurations of S3 buckets, as XML or as JSON of AWS
    #[arg(long)]
    s3: bool,
    /// Whose S3 it is: zenko or aws
    #[arg(long, value_name = "NAME", default_value = "zenko", requires = "s3")]
    dialect: String,
    /// Print nothing where all is well
    #[arg(long, short)]
    quiet: bool,
}

/// What is wrong with one file.
struct Checked<'p> {
    path: &'p Path,
    problems: Vec<Problem>,
    unreported: usize,
    is_policy: bool,
    /// With which error S3 refuses it.
    s3_code: Option<&'static str>,
    /// It looks like the configuration of a bucket, and was read as a document.
    is_meant_for_s3: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    let s3 = if options.s3 { Some(input::s3_options(&options.dialect)?) } else { None };
    let mut checked = Vec::new();
    for path in &options.files {
        let bytes = input::read(path)?;
        let is_meant_for_s3 = s3.is_none() && input::is_s3(&bytes);
        let result = match &s3 {
            Some(options) => input::s3(&bytes, *options),
            None => Policy::from_json(bytes),
        };
        checked.push(match &result {
            Ok(policy) => Checked {
                path,
                problems: policy.warnings().to_vec(),
                unreported: policy.warnings_unreported(),
                is_policy: true,
                s3_code: None,
                is_meant_for_s3: false,
            },
            Err(error) => Checked {
                path,
                problems: error.problems().to_vec(),
                unreported: error.unreported(),
                is_policy: false,
                s3_code: error.s3_code(),
                is_meant_for_s3,
            },
        });
    }
    if options.json {
        let files: Vec<Value> = checked.iter().map(as_json).collect();
        print(&json_text(&format!("{:#}\n", json!({ "files": files }))))?;
    } else {
        let mut out = String::new();
        for file in &checked {
            as_text(file, options.quiet, &mut out).map_err(|error| error.to_string())?;
        }
        print(&out)?;
    }
    let bad = |file: &Checked<'_>| !file.is_policy || (options.deny_warnings && !file.problems.is_empty());
    Ok(if checked.iter().any(bad) { Verdict::Bad } else { Verdict::Good })
}

fn as_json(file: &Checked<'_>) -> Value {
    let list: Vec<Value> = file
        .problems
        .iter()
        .map(|problem| {
            json!({
                "code": problem.code, "path": problem.path, "value": problem.value, "message": problem.message,
                "suggestion": problem.suggestion, "line": problem.line, "column": problem.column,
            })
        })
        .collect();
    let (problems, warnings) = if file.is_policy { (Vec::new(), list) } else { (list, Vec::new()) };
    let mut told = json!({
        "file": file.path.to_string_lossy(), "valid": file.is_policy,
        "problems": problems, "warnings": warnings, "unreported": file.unreported,
    });
    if let (Some(code), Some(object)) = (file.s3_code, told.as_object_mut()) {
        object.insert("s3_code".to_owned(), json!(code));
    }
    told
}

fn as_text(file: &Checked<'_>, quiet: bool, out: &mut String) -> std::fmt::Result {
    let path = printable(&file.path.to_string_lossy());
    let (kind, style) = if file.is_policy { ("warning", Style::Warning) } else { ("error", Style::Bad) };
    for problem in &file.problems {
        let place = match (problem.line, problem.column) {
            (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
            _ => path.clone(),
        };
        let s3_code = file.s3_code.map(|code| format!("{code}: ")).unwrap_or_default();
        let key =
            if problem.path.is_empty() { String::new() } else { format!("{}: ", printable(&problem.path)) };
        writeln!(
            out,
            "{place}: {}: {s3_code}{key}{}",
            style.paint(&format!("{kind}[{}]", problem.code)),
            printable(&problem.message)
        )?;
        if let Some(suggestion) = &problem.suggestion {
            writeln!(out, "    write instead: {}", Style::Good.paint(&printable(suggestion)))?;
        }
    }
    if file.is_meant_for_s3 {
        writeln!(out, "{path}: this looks like the CORS configuration of a bucket, which --s3 reads")?;
    }
    if file.unreported > 0 {
        writeln!(out, "{path}: and {} more", file.unreported)?;
    }
    if file.problems.is_empty() && !quiet {
        writeln!(out, "{path}: {}", Style::Good.paint("no problems, no warnings"))?;
    }
    Ok(())
}
