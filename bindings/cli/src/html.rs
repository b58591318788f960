//! One self-contained page: each exchange as a picture of page, browser and server, with the fix beside it.

use std::fmt::Write;

use corsac::browser::{Outcome, Step};
use corsac::explain::{ExchangeNote, Explanation, Hint};

use crate::explained::{Explained, Judged, judge, name_of, word};

/// What the page begins with. It loads nothing and runs nothing.
pub(crate) fn head() -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>corsac: what a browser makes of it</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
}

/// What the page ends with.
pub(crate) const FOOT: &str = "</main>\n</body>\n</html>\n";

/// One exchange.
pub(crate) fn article(explained: &Explained) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_article(explained, &mut out);
    out
}

fn write_article(explained: &Explained, out: &mut String) -> std::fmt::Result {
    let Explained { question, explanation, notes } = explained;
    let request = &question.request;
    writeln!(out, "<article>\n<h1><b>{}</b> {}</h1>", escape(&request.method), broken(&request.url))?;
    write!(out, "<p class=\"verdicts\">")?;
    for of in &explanation.profiles {
        let (class, mark) = match word(&of.outcome) {
            "readable" => ("good", "✓"),
            "blocked" => ("bad", "✗"),
            _ => ("unknown", "?"),
        };
        write!(
            out,
            "<span class=\"{class}\">{mark} {} by {}</span> ",
            word(&of.outcome),
            name_of(of.profile)
        )?;
    }
    writeln!(out, "</p>\n<div class=\"picture\">")?;
    writeln!(
        out,
        "<div class=\"lanes\"><div>page<small>{}</small></div><div>browser</div><div>server<small>{}</small></div></div>",
        broken_origin(&question.page_origin),
        broken_origin(&origin_of(&request.url))
    )?;
    let credentials = if request.credentials == "include" { " <small>with credentials</small>" } else { "" };
    let own: Vec<(String, String, Judged)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone(), Judged::Ignored)).collect();
    message(
        "from-page",
        &format!("{} {}{credentials}", escape(&request.api), escape(&request.method)),
        &own,
        out,
    )?;
    for exchange in &explanation.exchanges {
        self::exchange(exchange, explained, out)?;
    }
    let (causes, remarks): (Vec<_>, Vec<_>) = explanation.hints.iter().partition(|hint| hint.is_cause);
    if let Some(telling) = explanation.telling() {
        verdict(&telling.outcome, explanation, &causes, out)?;
    }
    writeln!(out, "</div>")?;
    for hint in remarks {
        self::hint(hint, out)?;
    }
    for note in notes {
        writeln!(
            out,
            "<section class=\"hint\"><h2>{}</h2><p>{}</p><p class=\"fix\">{}</p></section>",
            escape(note.code),
            words(&note.cause),
            words(&note.fix)
        )?;
    }
    if let Some(telling) = explanation.telling() {
        steps(&telling.outcome.steps, out)?;
    }
    for of in explanation.profiles.iter().filter(|of| !of.outcome.console.is_empty()) {
        details(&format!("{} prints", name_of(of.profile)), &of.outcome.console.join("\n"), out)?;
    }
    for decision in &explanation.decisions {
        details(&format!("the policy decided: {}", decision.reason), &decision.line, out)?;
    }
    writeln!(out, "</article>")
}

/// Where the exchange ends: the step that failed with the fix beside it, and what script gets.
fn verdict(
    outcome: &Outcome,
    explanation: &Explanation,
    causes: &[&Hint],
    out: &mut String,
) -> std::fmt::Result {
    let failed: Vec<&Step> = outcome.steps.iter().filter(|step| !step.passed).collect();
    if !failed.is_empty() || !causes.is_empty() {
        writeln!(out, "<div class=\"stop\">")?;
        if !failed.is_empty() {
            writeln!(out, "<div class=\"failed\">")?;
            for step in failed {
                writeln!(
                    out,
                    "<p><b>✗ {}</b> <small>Fetch {}</small><br>{}</p>",
                    escape(step.name),
                    escape(step.standard),
                    escape(&step.detail)
                )?;
            }
            writeln!(out, "</div>")?;
        }
        writeln!(out, "<div class=\"causes\">")?;
        for cause in causes {
            self::hint(cause, out)?;
        }
        writeln!(out, "</div></div>")?;
    }
    if outcome.allowed() {
        let headers = outcome.exposed_headers.as_deref().unwrap_or_default().join(", ");
        let status = outcome.status.map_or_else(String::new, |status| format!(" {status}"));
        let lines = [("script reads".to_owned(), headers, Judged::Passed)];
        return message("to-page good", &format!("response{status}"), &lines, out);
    }
    if word(outcome) == "not known" {
        return message("to-page", "not known", &[], out);
    }
    let error = explanation.profiles.iter().find_map(|of| of.outcome.js_error.as_deref());
    message("to-page bad", &escape(error.unwrap_or("TypeError")), &[], out)
}

fn steps(steps: &[Step], out: &mut String) -> std::fmt::Result {
    writeln!(out, "<details><summary>every step of the Fetch standard</summary><ul>")?;
    for step in steps {
        let (class, mark) = if step.passed { ("good", "✓") } else { ("bad", "✗") };
        let which = if step.preflight { " of the preflight" } else { "" };
        writeln!(
            out,
            "<li><b class=\"{class}\">{mark} {}</b>{which}: {} <small>Fetch {}</small></li>",
            escape(step.name),
            escape(&step.detail),
            escape(step.standard)
        )?;
    }
    writeln!(out, "</ul></details>")
}

fn details(summary: &str, text: &str, out: &mut String) -> std::fmt::Result {
    let lines: Vec<String> = text.lines().map(escape).collect();
    let text = lines.join("\n");
    writeln!(out, "<details><summary>{}</summary><pre>{text}</pre></details>", escape(summary))
}

fn exchange(exchange: &ExchangeNote, explained: &Explained, out: &mut String) -> std::fmt::Result {
    let lines: Vec<(String, String, Judged)> = exchange
        .request_headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone(), Judged::Ignored))
        .collect();
    let what = if exchange.preflight { " <small>preflight</small>" } else { "" };
    // Which server it is, where it is another one than the first.
    let elsewhere = origin_of(&exchange.url) != origin_of(&explained.question.request.url);
    let target = if elsewhere { exchange.url.clone() } else { path_of(&exchange.url) };
    message("to-server", &format!("{} {}{what}", escape(&exchange.method), broken(&target)), &lines, out)?;
    let (status, lines) = judge(exchange, &explained.explanation);
    let number = exchange.status.map_or_else(|| "no response known".to_owned(), |status| status.to_string());
    let failed = status == Judged::Failed || lines.iter().any(|(_, _, judged)| *judged == Judged::Failed);
    let class = match exchange.status {
        None => "from-server unknown",
        Some(_) if failed => "from-server bad",
        Some(_) => "from-server",
    };
    let title = match status {
        Judged::Passed => format!("<span class=\"good\">✓ {number}</span>"),
        Judged::Failed => format!("✗ {number}"),
        Judged::Ignored => number,
    };
    message(class, &title, &lines, out)
}

/// An arrow from one lane to another, with what it carries.
fn message(
    class: &str,
    title: &str,
    lines: &[(String, String, Judged)],
    out: &mut String,
) -> std::fmt::Result {
    write!(
        out,
        "<div class=\"message {class}\"><div class=\"arrow\"></div><div class=\"text\"><b>{title}</b>"
    )?;
    for (name, value, judged) in lines {
        let (class, mark) = match judged {
            Judged::Passed => ("good", "✓ "),
            Judged::Failed => ("bad", "✗ "),
            Judged::Ignored => ("", ""),
        };
        let value =
            if value.is_empty() && *judged == Judged::Failed { "absent".to_owned() } else { escape(value) };
        write!(out, "<code class=\"{class}\">{mark}{}: {value}</code>", escape(name))?;
    }
    writeln!(out, "</div></div>")
}

fn hint(hint: &Hint, out: &mut String) -> std::fmt::Result {
    let class = if hint.is_cause { "hint cause" } else { "hint" };
    write!(
        out,
        "<section class=\"{class}\"><h2>{}</h2><p>{}</p><p class=\"fix\">{}</p>",
        escape(hint.code),
        words(&hint.cause),
        words(&hint.fix)
    )?;
    if let Some(path) = &hint.path {
        let value =
            hint.suggestion.as_deref().map_or_else(String::new, |value| format!(": {}", escape(value)));
        write!(out, "<p>in the policy <code>{}{value}</code></p>", escape(path))?;
    }
    writeln!(out, "</section>")
}

/// A URL that may be broken into lines where people would.
fn broken(url: &str) -> String {
    escape(url).replace('/', "<wbr>/").replace("<wbr>/<wbr>/", "//").replace('?', "<wbr>?")
}

/// The same for an origin, which has to fit into a lane.
fn broken_origin(origin: &str) -> String {
    escape(origin).replace("//", "//<wbr>").replace('.', "<wbr>.")
}

/// The words of a hint, in which code stands between backticks.
fn words(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in escape(text).split('`').enumerate() {
        if index % 2 == 1 {
            out.push_str(&format!("<code>{part}</code>"));
        } else {
            out.push_str(part);
        }
    }
    out
}

fn origin_of(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

fn path_of(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| url.to_owned(),
        |url| url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())),
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character => out.push(character),
        }
    }
    crate::text::printable(&out)
}

/// Three lanes of which the middles are at an eighth, a half and seven eighths.
const STYLE: &str = "
:root { color-scheme: light dark; --bad: light-dark(#b3261e, #ff8a80); --good: light-dark(#0b6e4f, #6fd3a8);
  --warn: light-dark(#8a5a00, #f2c46d); --line: light-dark(#d3d6d4, #3c4040); --faint: light-dark(#5f6368, #9aa0a6);
  --paper: light-dark(#fff, #17191a); --card: light-dark(#f3f5f4, #222627); --ink: light-dark(#1b1c1c, #e6e7e6);
  --bad-card: light-dark(#fdf1f0, #2c1f1e); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 64rem; margin: auto; padding: 1.2rem 1rem 3rem; }
article + article { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h1 { font-size: 1.25rem; line-height: 1.35; font-weight: 400; margin: 0 0 .6rem; max-height: 9em; overflow: auto; }
h2 { font: 600 .85rem/1.5 ui-monospace, monospace; margin: 0; color: var(--faint); }
.cause h2 { color: var(--bad); }
small { font-size: .82em; font-weight: 400; color: var(--faint); }
.verdicts { margin: 0 0 1rem; }
.verdicts span { display: inline-block; border: 1px solid; border-radius: 1rem; padding: 0 .7rem; margin: 0 .3rem .3rem 0; font-size: .9rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .unknown { color: var(--warn); }
.picture { --a: 12.5%; --b: 37.5%; position: relative; padding-bottom: 1rem; background-repeat: no-repeat;
  background-image: linear-gradient(var(--line), var(--line)), linear-gradient(var(--line), var(--line)), linear-gradient(var(--line), var(--line));
  background-size: 2px 100%; background-position: var(--a) 0, 50% 0, 87.5% 0; }
.lanes { display: grid; grid-template-columns: 25% 1fr 25%; column-gap: 12.5%; align-items: start; text-align: center; font-weight: 600; }
.lanes div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .35rem .4rem; }
.lanes small { display: block; line-height: 1.3; }
.message { margin-top: 1rem; }
.from-page .arrow, .to-page .arrow { margin-left: var(--a); } .to-server .arrow, .from-server .arrow { margin-left: 50%; }
.arrow { width: var(--b); border-bottom: 2px solid currentColor; position: relative; }
.arrow::after { content: ''; position: absolute; top: -4px; border: 5px solid transparent; }
.from-page .arrow::after, .to-server .arrow::after { right: 0; border-left: 9px solid currentColor; border-right: 0; }
.to-page .arrow::after, .from-server .arrow::after { left: 0; border-right: 9px solid currentColor; border-left: 0; }
.text { display: flex; flex-direction: column; padding: .25rem .5rem; width: fit-content; background: var(--paper); }
.from-page .text, .to-page .text { margin-left: calc(var(--a) + .6rem); max-width: 60%; }
.to-server .text, .from-server .text { margin-left: calc(50% + .6rem); max-width: calc(50% - .6rem); }
.text b { max-height: 7.5em; overflow: auto; flex: none; }
.text code { font: 12.5px/1.5 ui-monospace, monospace; padding-left: 1.4em; text-indent: -1.4em; color: var(--faint);
  max-height: 7.5em; overflow: auto; flex: none; }
.text code.good { color: var(--good); } .text code.bad { color: var(--bad); font-weight: 600; }
.stop { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 0 1rem; margin-top: 1.2rem; border: 1px solid var(--bad);
  border-radius: .5rem; background: var(--bad-card); padding: .6rem .9rem; }
.stop > :only-child { grid-column: 1 / 3; }
.failed p { margin: .2rem 0; } .failed b { color: var(--bad); }
.failed p, .hint p { max-height: 15em; overflow: auto; }
.hint { background: var(--card); border-radius: .5rem; padding: .6rem .9rem; margin: .6rem 0; }
.hint.cause { background: none; padding: 0; margin: .2rem 0; }
.hint.cause + .hint.cause { border-top: 1px solid var(--line); border-radius: 0; margin-top: .6rem; padding-top: .6rem; }
.hint p { margin: .2rem 0; }
.fix { padding-left: 1.4em; text-indent: -1.4em; font-weight: 600; } .fix::before { content: '→ '; color: var(--good); }
.fix code { text-indent: 0; }
.hint code { font: 12.5px/1.5 ui-monospace, monospace; background: var(--paper); border: 1px solid var(--line); border-radius: .3rem; padding: .05rem .35rem; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--faint); }
pre { white-space: pre-wrap; font: 12.5px/1.5 ui-monospace, monospace; margin: .3rem 0 .3rem 1.1rem; max-height: 20em; overflow: auto; }
ul { list-style: none; margin: .3rem 0 .3rem 1.1rem; padding: 0; font-size: .9rem; } li { max-height: 9em; overflow: auto; }
@media (max-width: 44rem) {
  .lanes { column-gap: 2%; grid-template-columns: 31% 1fr 31%; font-size: .9rem; } .picture { --a: 15.5%; --b: 34.5%; background-position: 15.5% 0, 50% 0, 84.5% 0; }
  .from-page .text, .to-page .text { margin-left: 0; max-width: 100%; }
  .to-server .text, .from-server .text { margin-left: 8%; max-width: 92%; }
  .stop { grid-template-columns: minmax(0, 1fr); } .stop > :only-child { grid-column: 1; }
  .failed { border-bottom: 1px solid var(--line); margin-bottom: .5rem; padding-bottom: .4rem; }
}
@media print { .text b, .text code, h1, pre, li, .failed p, .hint p { max-height: none; } }
";

#[cfg(test)]
mod tests {
    use super::{broken, escape, words};

    #[test]
    fn nothing_of_an_exchange_becomes_markup() {
        assert_eq!(escape("<b title='\"'>&"), "&lt;b title=&#39;&quot;&#39;&gt;&amp;");
    }

    #[test]
    fn what_is_added_to_text_is_no_markup_of_the_exchange() {
        assert_eq!(words("Send `<b>`, not b."), "Send <code>&lt;b&gt;</code>, not b.");
        assert_eq!(broken("https://a.test/<b>?c"), "https://a.test<wbr>/&lt;b&gt;<wbr>?c");
    }
}
