//! Promises that hold for every policy, problem and decision.

use corsac::limits::{MAX_EDITS, MAX_PROBLEMS};
use corsac::{Action, BuildError, Facts, HeaderLine, Kind, Op, Policy, Problem, Reason, ResponseHeader};
use http::HeaderMap;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderName, HeaderValue, VARY};

/// Bytes of a message or a log line: values in it are cut, so that nobody can fill a log with one.
const MAX_MESSAGE: usize = 2_048;
const MAX_LINE: usize = 4_096;

/// The canonical document leads back to an equal policy with the same text, and nothing is left to repair in it.
pub fn round_trips(policy: &Policy) {
    let document = policy.document();
    let again = Policy::from_json(&document).expect("a canonical document is valid");
    assert_eq!(again, *policy);
    assert_eq!(again.document(), document);
    for warning in again.warnings() {
        assert!(!matches!(warning.code, "made-canonical" | "duplicate"), "{document}: {warning}");
    }
    for warning in policy.warnings() {
        is_a_problem(warning, None);
    }
}

/// A refusal says what is wrong, in order, in words that can be printed. `text` is the document, if there is one.
pub fn is_an_error(error: &BuildError, text: Option<&[u8]>) {
    let problems = error.problems();
    assert!(!problems.is_empty() && problems.len() <= MAX_PROBLEMS);
    assert!(error.unreported() == 0 || problems.len() == MAX_PROBLEMS);
    assert!(problems.is_sorted_by_key(|problem| (problem.line, problem.column)), "{error}");
    for problem in problems {
        is_a_problem(problem, text);
    }
    has_no_controls(&error.to_string().replace('\n', ""));
}

/// A problem is one printable sentence with a code, and a position in the text if there is one.
pub fn is_a_problem(problem: &Problem, text: Option<&[u8]>) {
    let Problem { code, path, message, suggestion, line, column, .. } = problem;
    assert!(
        !code.is_empty()
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'0'..=b'9'))
    );
    assert!(!message.is_empty() && message.len() <= MAX_MESSAGE, "{} bytes: {code}", message.len());
    has_no_controls(message);
    has_no_controls(path);
    has_no_controls(&problem.to_string());
    assert!(suggestion.as_ref().is_none_or(|suggestion| !suggestion.is_empty()));
    let Some(text) = text else { return };
    let (Some(line), Some(column)) = (*line, *column) else { panic!("{code} has no place") };
    let text = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let row = text.split('\n').nth(line as usize - 1).expect("the line is in the text");
    assert!((1..=row.chars().count() + 1).contains(&(column as usize)), "{code}: {line}:{column}");
}

fn has_no_controls(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// Whether `value` is a token (RFC 9110 section 5.6.2).
pub fn is_token(value: &[u8]) -> bool {
    let is_token_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !value.is_empty() && value.iter().all(is_token_byte)
}

/// Strips spaces and tabs from both ends.
pub fn trim(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// Everything that holds for any decision, whatever the policy and the request.
pub fn is_a_decision(policy: &Policy, request: &impl Facts) {
    let decision = policy.evaluate(request);
    assert_eq!(decision.verdict(), policy.decide(request));
    assert_eq!(decision.allowed(), decision.reason().allowed());
    assert_eq!(decision.action() == Action::Respond, decision.status() != 0);
    let edits: Vec<_> = decision.headers().collect();
    assert!(edits.iter().eq(policy.evaluate(request).headers().collect::<Vec<_>>().iter()));
    assert!(edits.len() <= MAX_EDITS);

    const ORDER: [ResponseHeader; 8] = [
        ResponseHeader::Vary,
        ResponseHeader::AllowOrigin,
        ResponseHeader::AllowCredentials,
        ResponseHeader::AllowMethods,
        ResponseHeader::AllowHeaders,
        ResponseHeader::MaxAge,
        ResponseHeader::ExposeHeaders,
        ResponseHeader::TimingAllowOrigin,
    ];
    let is_removal = |op: Op| op == Op::Remove;
    assert!(edits.is_sorted_by_key(|edit| is_removal(edit.op)), "removals come last");
    let kept = || edits.iter().filter(|edit| !is_removal(edit.op));
    let place = |header| ORDER.iter().position(|&known| known == header).expect("a header that is set");
    assert!(kept().is_sorted_by_key(|edit| place(edit.header)));
    for edit in &edits {
        assert!(!edit.value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        HeaderValue::from_bytes(edit.value).expect("values are header values");
        if is_removal(edit.op) {
            assert!(edit.value.is_empty() && decision.action() == Action::Forward);
            assert!(kept().all(|other| other.header != edit.header));
        }
    }
    let value_of = |header| kept().find(|edit| edit.header == header).map(|edit| edit.value);
    let allow_origin = value_of(ResponseHeader::AllowOrigin);
    match allow_origin {
        None => assert!(value_of(ResponseHeader::AllowCredentials).is_none()),
        Some(b"*") => assert_eq!(value_of(ResponseHeader::AllowCredentials), None),
        Some(origin) => assert_eq!(HeaderLine::One(origin), request.origin()),
    }
    if let Some(credentials) = value_of(ResponseHeader::AllowCredentials) {
        assert_eq!(credentials, b"true");
    }
    match (decision.kind(), decision.reason()) {
        (Kind::NotCors, reason) => assert_eq!(reason, Reason::NotCors),
        (_, Reason::Allowed) => assert!(allow_origin.is_some()),
        (Kind::Preflight, Reason::MethodNotAllowed | Reason::HeaderNotAllowed) => {
            assert!(allow_origin.is_some());
            assert_ne!(decision.status(), 403);
        }
        (Kind::Preflight, _) if policy.s3_configuration().is_some() => {
            assert!(matches!(decision.status(), 400 | 403));
            assert!(edits.iter().all(|edit| edit.op == Op::Vary));
        }
        (Kind::Preflight, _) => {
            assert_eq!(decision.status(), 403);
            assert!(edits.iter().map(|edit| (edit.op, edit.name(), edit.value)).eq([(
                Op::Vary,
                "Vary",
                &b"Origin"[..]
            )]));
        }
        (Kind::Actual, _) => assert_eq!(allow_origin, None),
    }
    match (decision.reason(), request.origin()) {
        (Reason::Allowed, HeaderLine::One(origin)) if allow_origin != Some(b"*") => {
            assert!(policy.allows_origin(Some(origin), false));
        }
        (Reason::MalformedOrigin, HeaderLine::One(origin)) => {
            assert!(!policy.allows_origin(Some(origin), false));
        }
        _ => {}
    }
    assert!(!policy.allows_origin(None::<&[u8]>, false));

    let line = decision.to_string();
    assert!(line.len() < MAX_LINE && line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
}

/// Applying a decision twice changes nothing, and leaves what it should.
pub fn applies(policy: &Policy, request: &impl Facts) {
    let decision = policy.evaluate(request);
    let allow_origin =
        decision.headers().find(|edit| edit.header == ResponseHeader::AllowOrigin && edit.op != Op::Remove);
    let allow_origin = allow_origin.map(|edit| edit.value);
    for vary in ["", "accept-encoding", "*", "x, origin ,", ", ,"] {
        let mut response = HeaderMap::new();
        response.append(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://application.example"));
        response.append(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        response.append(HeaderName::from_static("x-other"), HeaderValue::from_static("1"));
        if !vary.is_empty() {
            response.append(VARY, HeaderValue::from_static(vary));
            response.append(VARY, HeaderValue::from_static("cookie"));
        }
        decision.apply(&mut response);
        let once = response.clone();
        decision.apply(&mut response);
        assert_eq!(once, response);
        let lines: Vec<_> = response.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter().collect();
        match allow_origin {
            Some(origin) => assert_eq!(lines, [origin]),
            // A host makes its own response of an answer that responds, so only forwarding removes.
            None if decision.action() == Action::Forward => assert!(lines.is_empty() || lines.len() == 2),
            None => {}
        }
        for edit in decision.headers().filter(|edit| edit.op == Op::Vary) {
            let named = response.get_all(VARY).iter().any(|line| {
                let mut elements = line.as_bytes().split(|&byte| byte == b',').map(trim);
                elements.any(|element| element == b"*" || element.eq_ignore_ascii_case(edit.value))
            });
            assert!(named);
        }
    }
}

/// A text as a JSON string.
pub fn json_string(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if u32::from(c) < 0x20 => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
