//! `corsac diff`: what one policy allows and another does not.

use std::fmt::Write;
use std::path::{Path, PathBuf};

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
    if options.first == options.second && options.first.as_os_str() == "-" {
        return Err("standard input can be read once: give a file for A or B".to_owned());
    }
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
        if !found.list.is_empty() {
            let shown = |path: &Path| printable(&path.to_string_lossy());
            out.push_str(&format!("A is {}, B is {}\n", shown(&options.first), shown(&options.second)));
        }
        as_text(&found.list, &mut out).map_err(|error| error.to_string())?;
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

/// What differs, and the name in it; of several headers their names.
fn subject(subject: &Subject) -> (&'static str, Option<String>) {
    match subject {
        Subject::Origin => ("origin", None),
        Subject::Credentials => ("credentials", None),
        Subject::Timing => ("timing", None),
        Subject::Method(name) => ("method", Some(name.clone())),
        Subject::Header(name) => ("header", Some(name.clone())),
        Subject::Headers(names) => ("headers-together", Some(names.join(", "))),
        Subject::ExposedHeader(name) => ("exposed-header", Some(name.clone())),
    }
}

fn as_json(difference: &Difference) -> Value {
    let (what, name) = subject(&difference.subject);
    let allowed_by = if difference.first_allows { "A" } else { "B" };
    json!({
        "origin": difference.origin, "subject": what, "name": name, "method": difference.method,
        "allowed_by": allowed_by,
    })
}

/// Each difference with the origins that have it.
fn as_text(list: &[Difference], out: &mut String) -> std::fmt::Result {
    const SHOWN: usize = 4;
    type Group<'d> = ((&'d Subject, Option<&'d str>, bool), Vec<&'d str>);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for difference in list {
        let key = (&difference.subject, difference.method.as_deref(), difference.first_allows);
        match groups.iter_mut().find(|group| group.0 == key) {
            Some(group) => group.1.push(&difference.origin),
            None => groups.push((key, vec![&difference.origin])),
        }
    }
    for ((subject, method, first_allows), origins) in groups {
        let (what, name) = self::subject(subject);
        let (sign, style, who) = if first_allows { ("-", Style::Bad, "A") } else { ("+", Style::Good, "B") };
        let name = name.map(|name| format!(" {}", printable(&name))).unwrap_or_default();
        let with = method.map(|method| format!(" with {}", printable(method))).unwrap_or_default();
        let shown: Vec<String> = origins.iter().take(SHOWN).map(|origin| printable(origin)).collect();
        let more = origins.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let told = style.paint(&format!("{sign} {what}{name}{with}"));
        writeln!(out, "{told} (allowed by {who} only): {}{more}", shown.join(", "))?;
    }
    Ok(())
}
