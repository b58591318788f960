//! Explanations for people and programs: text, JSON, and which header of a response passed.

use std::fmt::Write;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use corsac::browser::{Failure as Refusal, Outcome, Profile, Step};
use corsac::explain::{ExchangeNote, Explanation, Question};
use serde_json::{Value, json};

use crate::text::{Style, json_text, printable};
use crate::{Failure, Form, Output, Verdict, html};

/// A question and what there is to say.
pub(crate) struct Explained {
    pub(crate) question: Question,
    pub(crate) explanation: Explanation,
    /// What was found beside the exchange, such as by probing.
    pub(crate) notes: Vec<Note>,
}

/// Something that was found beside the exchange.
pub(crate) struct Note {
    pub(crate) code: &'static str,
    pub(crate) cause: String,
    pub(crate) fix: String,
}

/// What came of a request, or why nothing can be said about it.
pub(crate) type Told = Result<Explained, Failure>;

/// Prints what was asked for, one after the other; the verdict is bad if a browser refuses, as far as is known.
pub(crate) fn finish(explained: impl Iterator<Item = Told>, form: &Form) -> Result<Verdict, Failure> {
    let mut page = form.html.as_deref().map(Page::create).transpose()?;
    let mut out = Output::new();
    let (mut told, mut is_bad, mut failures) = (0_usize, false, Vec::new());
    if form.json {
        out.write("{\"explanations\": [")?;
    }
    for explained in explained {
        let explained = match explained {
            Ok(explained) => explained,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        is_bad |= explained.explanation.profiles.iter().any(|of| word(&of.outcome) == "blocked");
        if form.json {
            let comma = if told > 0 { "," } else { "" };
            out.write(&json_text(&format!("{comma}\n{:#}", as_json(&explained))))?;
        } else {
            let mut text = String::new();
            if told > 0 {
                text.push('\n');
            }
            as_text(&explained, form.verbose, &mut text).map_err(|error| error.to_string())?;
            out.write(&text)?;
        }
        if let Some(page) = &mut page {
            page.add(&explained)?;
        }
        told += 1;
    }
    if form.json {
        out.write("\n]}\n")?;
    }
    out.end()?;
    if let Some(page) = page {
        page.end()?;
    }
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    Ok(if is_bad { Verdict::Bad } else { Verdict::Good })
}

/// The page of `--html`, written exchange by exchange.
struct Page<'p> {
    path: &'p Path,
    file: BufWriter<File>,
}

impl<'p> Page<'p> {
    fn create(path: &'p Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut page = Self { path, file: BufWriter::new(file) };
        page.write(&html::head())?;
        Ok(page)
    }

    fn add(&mut self, explained: &Explained) -> Result<(), Failure> {
        self.write(&html::article(explained))
    }

    fn end(mut self) -> Result<(), Failure> {
        self.write(html::FOOT)?;
        self.file.flush().map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.file.write_all(text.as_bytes()).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

/// What came of a request, in a word.
pub(crate) fn word(outcome: &Outcome) -> &'static str {
    match outcome.cause {
        None => "readable",
        // All that was asked for let it pass.
        Some(Refusal::Unanswered { .. }) => "not known",
        Some(_) => "blocked",
    }
}

fn as_json(explained: &Explained) -> Value {
    let mut value = serde_json::to_value(&explained.explanation).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("question".to_owned(), serde_json::to_value(&explained.question).unwrap_or_default());
        object.insert("readable".to_owned(), explained.explanation.readable().into());
        let notes = explained
            .notes
            .iter()
            .map(|note| json!({"code": note.code, "cause": note.cause, "fix": note.fix}));
        object.insert("notes".to_owned(), notes.collect());
    }
    value
}

/// A name that people know.
pub(crate) fn name_of(profile: Profile) -> &'static str {
    match profile {
        Profile::Chromium => "Chromium",
        Profile::Firefox => "Firefox",
        _ => "the standard",
    }
}

fn as_text(explained: &Explained, verbose: bool, out: &mut String) -> std::fmt::Result {
    let Explained { question, explanation, notes } = explained;
    let request = &question.request;
    writeln!(
        out,
        "{} {} from a page of {}",
        Style::Strong.paint(&printable(&request.method)),
        Style::Strong.paint(&printable(&request.url)),
        printable(&question.page_origin)
    )?;
    for (verdict, style) in
        [("readable", Style::Good), ("blocked", Style::Bad), ("not known", Style::Warning)]
    {
        let of_verdict = explanation.profiles.iter().filter(|of| word(&of.outcome) == verdict);
        let names: Vec<&str> = of_verdict.map(|of| name_of(of.profile)).collect();
        if !names.is_empty() {
            writeln!(out, "  {} by {}", style.paint(verdict), names.join(", "))?;
        }
    }
    let Some(telling) = explanation.telling() else { return Ok(()) };
    writeln!(out)?;
    for exchange in &explanation.exchanges {
        as_exchange(exchange, &telling.outcome.steps, verbose, out)?;
    }
    for step in telling.outcome.steps.iter().filter(|step| !step.passed && !is_of_response(step)) {
        as_step(step, out)?;
    }
    for decision in &explanation.decisions {
        writeln!(out, "  policy: {}", Style::Faint.paint(&printable(&decision.line)))?;
    }
    for of in &explanation.profiles {
        if !of.outcome.console.is_empty() {
            writeln!(out, "\n  {} prints", name_of(of.profile))?;
            for line in &of.outcome.console {
                writeln!(out, "    {}", Style::Faint.paint(&printable(line)))?;
            }
        }
    }
    for hint in &explanation.hints {
        let (word, style) = if hint.is_cause { ("cause", Style::Bad) } else { ("note", Style::Warning) };
        as_hint(&format!("{}[{}]", word, hint.code), style, &hint.cause, &hint.fix, out)?;
        if let Some(path) = &hint.path {
            let value = hint
                .suggestion
                .as_deref()
                .map_or_else(String::new, |value| format!(": {}", printable(value)));
            writeln!(out, "      in the policy, {}{value}", Style::Strong.paint(&printable(path)))?;
        }
    }
    for note in notes {
        as_hint(&format!("probe[{}]", note.code), Style::Warning, &note.cause, &note.fix, out)?;
    }
    Ok(())
}

fn as_hint(title: &str, style: Style, cause: &str, fix: &str, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\n  {}: {}", style.paint(title), printable(cause))?;
    writeln!(out, "    → {}", printable(fix))
}

fn as_exchange(exchange: &ExchangeNote, steps: &[Step], verbose: bool, out: &mut String) -> std::fmt::Result {
    let status = exchange.status.map_or_else(|| "no response known".to_owned(), |status| status.to_string());
    let what = if exchange.preflight { "preflight" } else { "request" };
    writeln!(out, "  {what}: {} {} → {status}", exchange.method, printable(&exchange.url))?;
    if verbose {
        for (name, value) in &exchange.request_headers {
            writeln!(out, "    > {}: {}", printable(name), printable(value))?;
        }
        for (name, value) in &exchange.response_headers {
            writeln!(out, "    < {}: {}", printable(name), printable(value))?;
        }
    }
    let of_this = |step: &&Step| step.hop == exchange.hop && step.preflight == exchange.preflight;
    for step in steps.iter().filter(of_this).filter(|step| is_of_response(step)) {
        if verbose || !step.passed {
            as_step(step, out)?;
        }
    }
    Ok(())
}

/// Whether a step looks at a response.
fn is_of_response(step: &Step) -> bool {
    matches!(
        step.name,
        "cors-check"
            | "preflight-status"
            | "allow-methods"
            | "allow-headers"
            | "redirect"
            | "exposed-headers"
            | "response"
    )
}

fn as_step(step: &Step, out: &mut String) -> std::fmt::Result {
    let mark = if step.passed { Style::Good.paint("✓") } else { Style::Bad.paint("✗") };
    let source = Style::Faint.paint(&format!("(Fetch {})", step.standard));
    writeln!(out, "    {mark} {}: {} {source}", step.name, printable(&step.detail))
}

/// What a browser made of one line of an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    Passed,
    Failed,
    /// Nobody looked at it.
    Ignored,
}

/// The lines of a response with what a browser made of each, and the absent line that it missed; the status first.
pub(crate) fn judge(
    exchange: &ExchangeNote,
    explanation: &Explanation,
) -> (Judged, Vec<(String, String, Judged)>) {
    let steps = explanation.telling().map(|of| of.outcome.steps.as_slice()).unwrap_or_default();
    let cause = explanation.telling().and_then(|of| of.outcome.cause.as_ref());
    let of_step = |name: &str| {
        let mut found = Judged::Ignored;
        for step in steps.iter().filter(|step| {
            step.name == name && step.hop == exchange.hop && step.preflight == exchange.preflight
        }) {
            found = if step.passed && found != Judged::Failed { Judged::Passed } else { Judged::Failed };
        }
        found
    };
    // Which of the two headers the CORS check stumbled over.
    let credentials_failed = matches!(
        cause,
        Some(Refusal::Check(check) | Refusal::PreflightCheck(check)) if check.id() == "acac-not-true"
    );
    let of_header = |name: &str| match name.to_ascii_lowercase().as_str() {
        "access-control-allow-origin" => match of_step("cors-check") {
            Judged::Failed if credentials_failed => Judged::Passed,
            judged => judged,
        },
        "access-control-allow-credentials" => match of_step("cors-check") {
            Judged::Failed if !credentials_failed => Judged::Ignored,
            judged => judged,
        },
        "access-control-allow-methods" => of_step("allow-methods"),
        "access-control-allow-headers" => of_step("allow-headers"),
        "access-control-expose-headers" => of_step("exposed-headers"),
        "location" => of_step("redirect"),
        _ => Judged::Ignored,
    };
    let mut lines: Vec<(String, String, Judged)> = exchange
        .response_headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone(), of_header(name)))
        .collect();
    for name in [
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Headers",
    ] {
        let present = exchange.response_headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if !present && of_header(name) == Judged::Failed {
            lines.push((name.to_owned(), String::new(), Judged::Failed));
        }
    }
    (if exchange.preflight { of_step("preflight-status") } else { Judged::Ignored }, lines)
}
