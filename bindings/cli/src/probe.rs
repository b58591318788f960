//! `corsac probe`: what a live server answers a page's request, and what a browser makes of it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use corsac::browser::{Answer, Response, WireRequest};
use corsac::explain::explain_with;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ureq::http::{HeaderName, HeaderValue, Request};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use url::Url;

use crate::described::Described;
use crate::explained::{Explained, Note, finish};
use crate::{Failure, Form, Verdict, input};

/// `corsac probe`
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The address to ask
    url: String,
    /// The origin of the page that asks: https://app.example.com, or null
    #[arg(long, value_name = "ORIGIN")]
    origin: String,
    #[command(flatten)]
    described: Described,
    /// Send the request itself whatever its method; without it only GET and HEAD are sent, others after their preflight are not
    #[arg(long)]
    send: bool,
    /// Follow redirects to other hosts
    #[arg(long)]
    follow: bool,
    /// A file of certificates (PEM) of authorities to trust, in place of those of the web
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Leave out the requests that look for origins reflected, suffix tricks and a missing Vary
    #[arg(long)]
    no_extra: bool,
    /// Seconds to wait for each response
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    #[command(flatten)]
    form: Form,
}

pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    let question = options.described.question(&options.origin, &options.url)?;
    let target = Url::parse(&options.url)
        .map_err(|error| format!("{}: {error}: write http://... or https://...", options.url))?;
    if !matches!(target.scheme(), "http" | "https") || target.host().is_none() {
        return Err(format!("{}: write http://... or https://...", options.url));
    }
    let mut client = Client::new(options, target)?;
    let mut explanation =
        explain_with(&question, |wire| client.answer(wire)).map_err(|error| error.to_string())?;
    let is_answered = client.asked.iter().any(|(_, answer)| matches!(answer, Some(Answer::Response(_))));
    if let (Some(error), false) = (&client.unreachable, is_answered) {
        return Err(error.clone());
    }
    let mut notes = Vec::new();
    if let Some(note) = client.skipped.take() {
        notes.push(note);
        // The note says it better.
        explanation.hints.retain(|hint| hint.code != "response-unknown");
    }
    notes.extend(client.unreachable.take().map(|error| Note {
        code: "no-response",
        cause: error,
        fix: "Look at the server: this is no matter of CORS.".to_owned(),
    }));
    // Nothing is asked where the call throws, or nothing crosses origins.
    if !options.no_extra
        && is_answered
        && question.page_origin != client.target.origin().ascii_serialization()
    {
        notes.extend(extra(&mut client, &question.page_origin));
    }
    finish(std::iter::once(Ok(Explained { question, explanation, notes })), &options.form)
}

struct Client<'o> {
    options: &'o Options,
    agent: ureq::Agent,
    target: Url,
    /// What was asked already, with the answer: the models of the browsers ask the same.
    asked: Vec<(WireRequest, Option<Answer>)>,
    /// Why there is no answer from the server.
    unreachable: Option<String>,
    /// Why something was not sent.
    skipped: Option<Note>,
}

impl<'o> Client<'o> {
    fn new(options: &'o Options, target: Url) -> Result<Self, Failure> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &options.cacert {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path)?));
        }
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(options.timeout)))
            .user_agent(concat!("corsac/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self { options, agent, target, asked: Vec::new(), unreachable: None, skipped: None })
    }

    /// The server's answer to a request of a browser.
    fn answer(&mut self, wire: &WireRequest) -> Option<Answer> {
        if let Some((_, answer)) = self.asked.iter().find(|(asked, _)| asked == wire) {
            return answer.clone();
        }
        let answer = self.ask(wire);
        self.asked.push((wire.clone(), answer.clone()));
        answer
    }

    fn ask(&mut self, wire: &WireRequest) -> Option<Answer> {
        if !is_same_server(&wire.url, &self.target) && !self.options.follow {
            self.skipped = Some(Note {
                code: "redirect-not-followed",
                cause: format!("The server redirects to another server, {}, which was not asked.", wire.url),
                fix: "Add --follow to go there.".to_owned(),
            });
            return None;
        }
        if !wire.preflight && !matches!(wire.method.as_str(), "GET" | "HEAD") && !self.options.send {
            self.skipped = Some(Note {
                code: "request-not-sent",
                cause: format!("{} may change something on the server, and was not sent.", wire.method),
                fix: "Add --send to send it.".to_owned(),
            });
            return None;
        }
        match self.send(&wire.method, &wire.url, &wire.headers) {
            Ok(response) => Some(Answer::Response(response)),
            Err(error) => {
                self.unreachable = Some(error);
                Some(Answer::dropped())
            }
        }
    }

    /// Sends one request, without credentials and without following anything.
    fn send(&self, method: &str, url: &Url, headers: &[(String, String)]) -> Result<Response, String> {
        let fail = |error: &dyn std::fmt::Display| format!("{method} {url}: {error}");
        let mut request = Request::builder().method(method).uri(url.as_str());
        request = request.header("Accept", "*/*");
        for (name, value) in headers {
            let bytes: Vec<u8> =
                value.chars().map(|byte| u8::try_from(u32::from(byte)).unwrap_or(b'?')).collect();
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| fail(&error))?;
            request = request.header(name, HeaderValue::from_bytes(&bytes).map_err(|error| fail(&error))?);
        }
        let answer = if matches!(method, "GET" | "HEAD" | "OPTIONS") {
            self.agent.run(request.body(()).map_err(|error| fail(&error))?)
        } else {
            let body = self.options.described.body();
            self.agent.run(request.body(body).map_err(|error| fail(&error))?)
        };
        let response = answer.map_err(|error| fail(&explained(&error, url)))?;
        let text = |value: &HeaderValue| value.as_bytes().iter().map(|&byte| char::from(byte)).collect();
        let headers = response.headers().iter().map(|(name, value)| (spelled(name.as_str()), text(value)));
        Ok(Response::new(response.status().as_u16(), headers.collect()))
    }
}

/// Whether two addresses are of one server: http and https at their own ports are.
fn is_same_server(a: &Url, b: &Url) -> bool {
    a.host() == b.host() && a.port() == b.port()
}

/// The certificates in a file.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let place = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = input::read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&bytes) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| place(&error))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(place(&"holds no certificate: write one in PEM, -----BEGIN CERTIFICATE-----"));
    }
    Ok(found)
}

/// An error of the client with what is behind it.
fn explained(error: &ureq::Error, url: &Url) -> String {
    let no_tls = |error: &dyn std::fmt::Display| {
        format!("no TLS: {error} (--cacert names the authority that a server of your own is certified by)")
    };
    match error {
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Timeout(_) => "no response in time (--timeout)".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "nobody listens there (connection refused)".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::UnexpectedEof => {
                format!("the server ended the connection without an answer ({error})")
            }
            // What the library for TLS has to say comes so.
            ErrorKind::InvalidData if url.scheme() == "https" => no_tls(error),
            _ => error.to_string(),
        },
        ureq::Error::Rustls(error) => no_tls(error),
        ureq::Error::Protocol(error) => format!("the server's answer is no HTTP: {error}"),
        ureq::Error::LargeResponseHeader(size, limit) => {
            format!("the headers of the server's answer have {size} bytes, more than {limit}")
        }
        error => error.to_string(),
    }
}

fn spelled(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|letter| {
            let spelled = if start { letter.to_ascii_uppercase() } else { letter };
            start = letter == '-';
            spelled
        })
        .collect()
}

/// Asks as other pages would, to find origins that are let in by mistake.
fn extra(client: &mut Client<'_>, origin: &str) -> Vec<Note> {
    let tricks = tricks(origin);
    let bar = ProgressBar::with_draw_target(Some(tricks.len() as u64 + 1), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message("probing");
    let (mut notes, url) = (Vec::new(), client.target.clone());
    let allowed = |client: &Client<'_>, origin: Option<&str>| {
        bar.inc(1);
        let headers: Vec<(String, String)> =
            origin.map(|origin| ("Origin".to_owned(), origin.to_owned())).into_iter().collect();
        let response = client.send("GET", &url, &headers).ok()?;
        let get = |name: &str| {
            let lines: Vec<&str> = response
                .headers
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
                .collect();
            (!lines.is_empty()).then(|| lines.join(", "))
        };
        let vary = get("Vary").unwrap_or_default();
        let varies =
            vary.split(',').any(|name| matches!(name.trim().to_ascii_lowercase().as_str(), "origin" | "*"));
        Some((
            get("Access-Control-Allow-Origin"),
            get("Access-Control-Allow-Credentials").as_deref() == Some("true"),
            varies,
        ))
    };
    for trick in tricks {
        let Some((answer, credentials, _)) = allowed(client, Some(&trick.origin)) else { continue };
        if answer.as_deref() == Some(trick.origin.as_str()) {
            let with = if credentials { " with credentials" } else { "" };
            notes.push(Note {
                code: trick.code,
                cause: format!("The server lets {} read{with}: {}.", trick.origin, trick.what),
                fix: trick.fix.to_owned(),
            });
            if trick.code == "any-origin-reflected" {
                // Every other trick would succeed for the same reason.
                break;
            }
        }
    }
    let own = allowed(client, Some(origin));
    let none = allowed(client, None);
    bar.finish_and_clear();
    if let (Some((with, _, with_varies)), Some((without, _, without_varies))) = (own, none)
        && with != without
        && !(with_varies && without_varies)
    {
        notes.push(Note {
            code: "vary-missing",
            cause: "The response differs with the request's Origin, and Vary does not name Origin on each: a cache may give one page the response of another.".to_owned(),
            fix: "Send `Vary: Origin` on every response of the resource, those without Origin included.".to_owned(),
        });
    }
    notes
}

/// An origin that should not be let in.
struct Trick {
    code: &'static str,
    origin: String,
    what: &'static str,
    fix: &'static str,
}

fn tricks(origin: &str) -> Vec<Trick> {
    let compare = "Compare whole origins, or at the border of a label.";
    let mut tricks = vec![
        Trick {
            code: "any-origin-reflected",
            origin: "https://corsac-probe.invalid".to_owned(),
            what: "it sends back whatever origin it is asked by",
            fix: "Name the origins that may read.",
        },
        Trick {
            code: "null-origin-allowed",
            origin: "null".to_owned(),
            what: "any site can make its origin null with a sandboxed frame",
            fix: "Never allow null.",
        },
    ];
    let Ok(url) = Url::parse(origin) else { return tricks };
    let (Some(host), scheme) = (url.host_str(), url.scheme()) else { return tricks };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let mut add = |code, origin: String, what| tricks.push(Trick { code, origin, what, fix: compare });
    add(
        "prefix-matched",
        format!("{scheme}://{host}.corsac-probe.invalid{port}"),
        "it looks at how the origin begins",
    );
    add("suffix-matched", format!("{scheme}://corsac-probe{host}{port}"), "it looks at how the host ends");
    if let Some((label, rest)) = host.split_once('.') {
        add(
            "dot-matches-anything",
            format!("{scheme}://{label}x{rest}{port}"),
            "a dot of its pattern matches any character",
        );
    }
    if scheme == "https" {
        add(
            "http-allowed",
            format!("http://{host}{port}"),
            "whoever sits between can read it over plain http",
        );
    }
    add("any-port-allowed", format!("{scheme}://{host}:48443"), "another port is another server");
    tricks
}
