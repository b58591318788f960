//! `corsac explain`: a described request against a policy, recorded exchanges, or one exchange as data.

use std::path::PathBuf;

use corsac::browser::ScriptRequest;
use corsac::explain::{Question, canonical_origin, explain};

use crate::explained::{Explained, finish};
use crate::{Failure, Form, Verdict, curl, har, input};

/// The request of a script, in words.
#[derive(clap::Args)]
pub(crate) struct Described {
    /// Its method
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// A header that the script sets: 'Name: value'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "LINE")]
    headers: Vec<String>,
    /// Its credentials mode: omit, same-origin or include
    #[arg(long, value_name = "MODE", value_parser = ["omit", "same-origin", "include"])]
    credentials: Option<String>,
    /// Its body
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// A response header that the script wants to read; may be repeated
    #[arg(long = "read", value_name = "NAME")]
    reads: Vec<String>,
}

impl Described {
    /// The bytes of its body.
    pub(crate) fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default().as_bytes()
    }

    /// The question about a page's request to this URL.
    pub(crate) fn question(&self, page: &str, url: &str) -> Result<Question, Failure> {
        let method = self.method.as_deref().unwrap_or(if self.body.is_some() { "POST" } else { "GET" });
        self.refine(page, ScriptRequest::new(method, url))
    }

    /// The question about a request, of which what was given in words replaces what is there.
    fn refine(&self, page: &str, mut request: ScriptRequest) -> Result<Question, Failure> {
        if let Some(method) = &self.method {
            request.method.clone_from(method);
        }
        for line in &self.headers {
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| format!("--header {line:?} is no header line: write 'Name: value'"))?;
            request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        if let Some(credentials) = &self.credentials {
            request.credentials.clone_from(credentials);
        }
        if self.body.is_some() {
            request.body.clone_from(&self.body);
        }
        let mut question = Question::new(&self::page(page), request);
        question.reads.clone_from(&self.reads);
        Ok(question)
    }
}

/// The origin of a page as browsers send it, from its address too.
pub(crate) fn page(address: &str) -> String {
    canonical_origin(address).unwrap_or_else(|| address.to_owned())
}

/// `corsac explain`
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("answers").required(true).args(["policy", "har", "question"])))]
pub(crate) struct Options {
    /// The policy that answers: a document, or the CORS configuration of an S3 bucket
    #[arg(long, value_name = "FILE", requires = "page")]
    policy: Option<PathBuf>,
    /// Whose S3 it is, where the policy is a bucket's configuration: zenko or aws
    #[arg(long, value_name = "NAME", default_value = "zenko")]
    dialect: String,
    /// Exchanges as a browser's developer tools export them
    #[arg(long, value_name = "FILE")]
    har: Option<PathBuf>,
    /// One exchange with its responses, as JSON: {"page_origin", "request", "server"}; - for standard input
    #[arg(long, value_name = "FILE")]
    question: Option<PathBuf>,
    /// The origin of the page: https://app.example.com, or null
    #[arg(long, value_name = "ORIGIN")]
    page: Option<String>,
    /// The request as a curl command, as developer tools copy it
    #[arg(long, value_name = "COMMAND", conflicts_with = "url")]
    curl: Option<String>,
    #[command(flatten)]
    described: Described,
    /// The request's URL
    url: Option<String>,
    #[command(flatten)]
    form: Form,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    let form = &options.form;
    if let Some(path) = &options.har {
        let place = |error: String| format!("{}: {error}", path.display());
        let explained = har::explain(input::open(path)?, &options.described.reads).map_err(place)?;
        return finish(explained.map(|told| told.map_err(place)), form);
    }
    let (question, policy) = if let Some(path) = &options.question {
        let bytes = input::read(path)?;
        let fail = |error: String| format!("{}: {error}", path.display());
        let text = std::str::from_utf8(&bytes).map_err(|_| fail("not UTF-8".to_owned()))?;
        let mut question = Question::from_json(text).map_err(|error| fail(error.to_string()))?;
        question.reads.extend_from_slice(&options.described.reads);
        (question, None)
    } else {
        let (Some(path), Some(page)) = (&options.policy, &options.page) else {
            return Err("give --policy and --page".to_owned());
        };
        let policy = input::policy_or_s3(path, input::s3_options(&options.dialect)?)?;
        let question = match (&options.curl, &options.url) {
            (Some(command), _) => options.described.refine(page, curl::request(command)?)?,
            (None, Some(url)) => options.described.question(page, url)?,
            (None, None) => return Err("give the request's URL, or --curl with a command".to_owned()),
        };
        (question, Some(policy))
    };
    let explanation = explain(&question, policy.as_ref()).map_err(|error| error.to_string())?;
    finish(std::iter::once(Ok(Explained { question, explanation, notes: Vec::new() })), form)
}
