//! `corsac diff`: what one policy allows and another does not.

use std::fmt::Write;
use std::path::PathBuf;

use corsac::{Difference, Subject};
use serde_json::{Value, json};

use crate::text::{Style, printable};
use crate::{Failure, Verdict, input, print};

/// `corsac diff`
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A policy document, or the CORS configuration of a bucket; - for standard input
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Whose S3 it is, where one is a bucket's configuration: zenko or aws
    #[arg(long, value_name = "NAME", default_value = "zenko")]
    dialect: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    let s3 = input::s3_options(&options.dialect)?;
    let (first, second) =
        (input::policy_or_s3(&options.first, s3)?, input::policy_or_s3(&options.second, s3)?);
    let found = first.differences(&second);
    if options.json {
        let list: Vec<Value> = found.list.iter().map(as_json).collect();
        let told = json!({
            "differences": list, "origins_asked": found.origins, "is_partial": found.is_partial,
        });
        print(&format!("{told:#}\n"))?;
    } else {
        let mut out = String::new();
        for difference in &found.list {
            as_text(difference, &mut out).map_err(|error| error.to_string())?;
        }
        if found.list.is_empty() {
            let told = format!("no difference for {} origins", found.origins);
            out.push_str(&format!("{}\n", Style::Good.paint(&told)));
        }
        if found.is_partial {
            out.push_str("There are more origins, which were not asked about.\n");
        }
        print(&out)?;
    }
    Ok(if found.list.is_empty() { Verdict::Good } else { Verdict::Bad })
}

/// What differs, and the name in it.
fn subject(subject: &Subject) -> (&'static str, Option<&str>) {
    match subject {
        Subject::Origin => ("origin", None),
        Subject::Credentials => ("credentials", None),
        Subject::Method(name) => ("method", Some(name)),
        Subject::Header(name) => ("header", Some(name)),
        Subject::ExposedHeader(name) => ("exposed-header", Some(name)),
    }
}

fn as_json(difference: &Difference) -> Value {
    let (what, name) = subject(&difference.subject);
    let allowed_by = if difference.first_allows { "A" } else { "B" };
    json!({ "origin": difference.origin, "subject": what, "name": name, "allowed_by": allowed_by })
}

fn as_text(difference: &Difference, out: &mut String) -> std::fmt::Result {
    let (what, name) = subject(&difference.subject);
    let (sign, style, who) =
        if difference.first_allows { ("-", Style::Bad, "A") } else { ("+", Style::Good, "B") };
    let name = name.map(|name| format!(" {}", printable(name))).unwrap_or_default();
    let told = format!("{sign} {}: {what}{name}", printable(&difference.origin));
    writeln!(out, "{} (allowed by {who} only)", style.paint(&told))
}
