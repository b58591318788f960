//! `corsac convert`: a policy document for a bucket's configuration, or the other way round.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use corsac::s3::JsonForm;

use crate::text::{Style, printable};
use crate::{Failure, Verdict, input, print};

/// `corsac convert`
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A policy document, or the CORS configuration of a bucket; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose S3 it is: zenko or aws
    #[arg(long, value_name = "NAME", default_value = "zenko")]
    dialect: String,
    /// Exit with 1 if anything changes in meaning
    #[arg(long)]
    deny_changes: bool,
    /// How the configuration of a bucket is written
    #[arg(long, value_enum, default_value_t = Form::Xml)]
    form: Form,
}

/// Forms of a bucket's configuration.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// What PutBucketCors takes
    Xml,
    /// JSON of the AWS command line
    Json,
    /// JSON of the AWS console
    Console,
    /// JSON of CloudFormation
    Cloudformation,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    let s3 = input::s3_options(&options.dialect)?;
    let policy = input::policy_or_s3(&options.file, s3)?;
    let conversion = policy.convert_to_document().or_else(|| policy.convert_to_s3(s3));
    let conversion = conversion.ok_or("there is nothing to convert")?;
    let has_changes = !conversion.changes.is_empty();
    let mut errors = anstream::stderr().lock();
    for change in &conversion.changes {
        let path = printable(if change.path.is_empty() { "." } else { &change.path });
        let code = Style::Warning.paint(&format!("change[{}]", change.code));
        // When stderr is closed there is nobody left to tell.
        let _ = writeln!(errors, "{path}: {code}: {}", printable(&change.message));
    }
    let Some(converted) = conversion.policy else {
        return Err("nothing can be written in the other form: the changes above say why".to_owned());
    };
    let text = match converted.s3_configuration() {
        None => converted.document(),
        Some(configuration) => match options.form {
            Form::Xml => configuration.to_xml(s3.dialect),
            Form::Json => configuration.to_json(),
            Form::Console => configuration.to_json_as(JsonForm::Console),
            Form::Cloudformation => configuration.to_json_as(JsonForm::CloudFormation),
        },
    };
    print(&format!("{text}\n"))?;
    Ok(if has_changes && options.deny_changes { Verdict::Bad } else { Verdict::Good })
}
