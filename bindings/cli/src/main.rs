//! The command line of corsac: checks policies, explains why a browser refuses, probes servers.

mod check;
mod convert;
mod curl;
mod described;
mod diff;
mod evaluate;
mod explained;
mod har;
mod html;
mod input;
mod probe;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// What went wrong with the question itself: printed, with exit code 2.
type Failure = String;

/// The end of a command that could be carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Exit code 0.
    Good,
    /// Exit code 1: a policy has problems, a browser refuses, policies differ.
    Bad,
}

/// One CORS policy, compiled once, answered identically everywhere.
#[derive(Parser)]
#[command(name = "corsac", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all is well; 1 a policy has problems, a browser refuses, or policies differ; 2 the question could not be answered.";

#[derive(Subcommand)]
enum Command {
    /// Check policy documents: every problem and every warning
    #[command(after_help = "Examples:
  corsac check policy.json
  corsac check --deny-warnings policies/*.json      for CI
  corsac check --json policy.json | jq '.files[].problems'
  corsac check --s3 --dialect aws bucket.xml        the CORS configuration of a bucket")]
    Check(check::Options),
    /// Convert a policy document to the CORS configuration of an S3 bucket, or the other way round
    #[command(after_help = "Examples:
  corsac convert bucket.xml                         prints a policy document; what changes goes to standard error
  corsac convert policy.json --form json | aws s3api put-bucket-cors --bucket photos --cors-configuration file:///dev/stdin")]
    Convert(convert::Options),
    /// Tell what one policy allows and another does not
    #[command(after_help = "Examples:
  corsac diff policy.json policy-new.json
  corsac diff bucket.xml gateway.json               a bucket and the gateway in front of it
  corsac diff --json a.json b.json | jq '.differences[].origin'")]
    Diff(diff::Options),
    /// Explain what a browser makes of a request: against a policy, a HAR file, or described responses
    #[command(after_help = "Examples:
  corsac explain --policy policy.json --page https://app.example.com -X PUT -H 'X-Token: 1' https://api.example.com/items
  corsac explain --policy policy.json --page https://app.example.com --curl \"curl -X PUT https://api.example.com/items\"
  corsac explain --har recording.har --html report.html
  corsac explain --question exchange.json")]
    Explain(described::Options),
    /// Ask a live server what it answers a page's request, and explain what a browser makes of it
    #[command(after_help = "Examples:
  corsac probe https://api.example.com/items --origin https://app.example.com
  corsac probe https://api.example.com/items --origin https://app.example.com -X PUT -H 'X-Token: 1' --credentials include
  corsac probe http://127.0.0.1:8080/ --origin http://localhost:3000 --html report.html")]
    Probe(probe::Options),
    /// Evaluate requests, one JSON object a line, and print a decision a line
    #[command(after_help = "Examples:
  echo '{\"method\": \"GET\", \"headers\": [[\"Origin\", \"https://app.example.com\"]]}' | corsac evaluate --policy policy.json -")]
    Evaluate(evaluate::Options),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:
  corsac completions bash > /etc/bash_completion.d/corsac
  corsac completions zsh > ~/.zfunc/_corsac")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How an explanation is printed.
#[derive(clap::Args)]
struct Form {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write one self-contained page with a picture of the exchange as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print every step, those that passed too
    #[arg(long, short)]
    verbose: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Check(options) => check::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Diff(options) => diff::run(&options),
        Command::Explain(options) => described::run(&options),
        Command::Probe(options) => probe::run(&options),
        Command::Evaluate(options) => evaluate::run(&options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "corsac", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    };
    match result {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(failure) => {
            // When stderr is closed too there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "corsac: {}", text::printable_lines(&failure));
            ExitCode::from(2)
        }
    }
}

/// Prints to standard output, in colours on a terminal.
fn print(text: &str) -> Result<Verdict, Failure> {
    let mut out = Output::new();
    out.write(text)?;
    out.end()
}

/// Standard output, in colours on a terminal, for what comes piece by piece.
struct Output {
    out: std::io::BufWriter<anstream::AutoStream<std::io::StdoutLock<'static>>>,
    /// Whoever reads has seen enough, as `head` has.
    is_closed: bool,
}

impl Output {
    fn new() -> Self {
        Self { out: std::io::BufWriter::new(anstream::stdout().lock()), is_closed: false }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        let result = self.out.write_all(text.as_bytes());
        self.take(result)
    }

    fn end(mut self) -> Result<Verdict, Failure> {
        if !self.is_closed {
            let result = self.out.flush();
            self.take(result)?;
        }
        Ok(Verdict::Good)
    }

    fn take(&mut self, result: std::io::Result<()>) -> Result<(), Failure> {
        match result {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            result => result.map_err(|error| format!("cannot write: {error}")),
        }
    }
}
