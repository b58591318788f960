//! The native half of the JavaScript package as WebAssembly: compiles policies and decides requests.
//!
//! `js/native.js` is the only caller, and makes of it what `bindings/node/src` is for Node. Numbers are
//! passed as they are; bytes through two buffers of the module:
//!
//! ```text
//! reserve(len) -> pointer   room for what goes in; what a function reads lies there, one part behind the other
//! outbox() -> pointer       what came out: as many bytes as the function that was called last says
//! ```
//! A function with a text as result returns its length; [`NONE`] for none, and [`FAILED`] minus the length
//! where the text is that of an error.
//!
//! Here a panic is a trap, after which the instance must not be used any more: JavaScript makes another.

mod facts;

use std::cell::RefCell;

use corsac::browser::{ExchangeError, Profile, simulate_json, simulate_sequence_json};
use corsac::explain::explain_json;
use corsac::limits::{MAX_DOCUMENT_BYTES, MAX_REQUEST_HEADERS_BYTES};
use corsac::s3::{BodyOptions, Dialect, ResourceType, S3Error, S3Options};
use corsac::{
    BuildError, Decision, HeaderLine, Kind, Policy, Problem, Reason, Request, ResponseHeader, Value, Verdict,
};
use serde_json::{Value as Json, json};

use crate::facts::{CallFacts, Told};

/// There is no text.
const NONE: i32 = -1;
/// This and everything below: the text is that of an error.
const FAILED: i32 = -2;

/// Room that is kept for what goes in: more than the facts of any request need.
const INBOX: usize = 1 << 16;
const _: () = assert!(INBOX > 4 * MAX_REQUEST_HEADERS_BYTES + (1 << 13));

struct State {
    inbox: Vec<u8>,
    outbox: String,
    /// By number, which is used again after the policy was released.
    policies: Vec<Option<Policy>>,
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State { inbox: Vec::new(), outbox: String::new(), policies: Vec::new() }) };
}

impl State {
    fn policy(&self, number: u32) -> Option<&Policy> {
        self.policies.get(usize::try_from(number).ok()?)?.as_ref()
    }

    /// Holds a policy, and returns its number.
    fn hold(&mut self, policy: Policy) -> usize {
        let free = self.policies.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            self.policies.push(None);
            self.policies.len() - 1
        });
        if let Some(place) = self.policies.get_mut(number) {
            *place = Some(policy);
        }
        number
    }

    /// What came in: parts of these lengths, one behind the other.
    fn received<const N: usize>(&self, lens: [usize; N]) -> Option<[&[u8]; N]> {
        let mut rest = self.inbox.as_slice();
        let mut parts = [rest; N];
        for (part, len) in parts.iter_mut().zip(lens) {
            (*part, rest) = rest.split_at_checked(len)?;
        }
        Some(parts)
    }
}

/// Gives a text out.
fn give(text: Option<impl Into<String>>) -> i32 {
    let Some(text) = text else { return NONE };
    STATE.with_borrow_mut(|state| {
        state.outbox = text.into();
        i32::try_from(state.outbox.len()).unwrap_or(NONE)
    })
}

/// Gives a text or an error out.
fn give_result(result: Result<String, impl ToString>) -> i32 {
    match result {
        Ok(text) => give(Some(text)),
        Err(error) => FAILED.saturating_sub(give(Some(error.to_string()))),
    }
}

/// Room for so many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(len: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        let len = len.max(INBOX);
        if state.inbox.len() != len {
            // The old one first.
            state.inbox = Vec::new();
            state.inbox = vec![0; len];
        }
        state.inbox.as_mut_ptr()
    })
}

/// Where the text is.
#[unsafe(no_mangle)]
pub extern "C" fn outbox() -> *const u8 {
    STATE.with_borrow(|state| state.outbox.as_ptr())
}

/// Compiles a document: an object with everything of the policy, or with every problem.
#[unsafe(no_mangle)]
pub extern "C" fn compile(len: usize) -> i32 {
    compile_by(|state| Some(Policy::from_json(state.received([len])?[0])))
}

/// Compiles the configuration of a bucket: text, dialect, and one byte where it is strict.
#[unsafe(no_mangle)]
pub extern "C" fn compile_s3(len: usize, dialect_len: usize, strict_len: usize) -> i32 {
    compile_by(|state| {
        let [text, dialect, strict] = state.received([len, dialect_len, strict_len])?;
        let options = S3Options::new(dialect, !strict.is_empty());
        Some(options.and_then(|options| Policy::from_s3(text, options)))
    })
}

fn compile_by(compiled: impl FnOnce(&State) -> Option<Result<Policy, BuildError>>) -> i32 {
    let result = STATE.with_borrow_mut(|state| {
        Some(match compiled(state)? {
            Ok(policy) => {
                let data = json!({
                    "dialect": policy.s3_options().map(|options| options.dialect.name()),
                    "strict": policy.s3_options().is_some_and(|options| options.strict),
                    "notCors": pack(policy.decide(&Request::new("GET"))),
                    "answers": policy.answers().iter().map(answer_data).collect::<Json>(),
                    "warnings": policy.warnings().iter().map(problem_data).collect::<Json>(),
                    "warningsUnreported": policy.warnings_unreported(),
                });
                json!({ "number": state.hold(policy), "data": data })
            }
            Err(error) => json!({
                "problems": error.problems().iter().map(problem_data).collect::<Json>(),
                "unreported": error.unreported(),
                "s3Error": error.s3_error().map(S3Error::to_json),
            }),
        })
    });
    give(result.map(|result| result.to_string()))
}

/// Forgets a policy.
#[unsafe(no_mangle)]
pub extern "C" fn release(number: u32) {
    STATE.with_borrow_mut(|state| {
        let place = usize::try_from(number).ok().and_then(|number| state.policies.get_mut(number));
        if let Some(place) = place {
            *place = None;
        }
    });
}

fn problem_data(problem: &Problem) -> Json {
    json!({
        "code": problem.code,
        "path": problem.path,
        "value": problem.value,
        "message": problem.message,
        "suggestion": problem.suggestion,
        "line": problem.line,
        "column": problem.column,
    })
}

fn answer_data(answer: &corsac::Answer) -> Json {
    let edit_data = |edit: &corsac::Edit| {
        json!({
            "op": edit.op.name(),
            "name": edit.header.name(),
            "value": match &edit.value {
                // What policies put into headers is ASCII.
                Value::Text(text) => Some(String::from_utf8_lossy(text.as_bytes())),
                Value::Origin | Value::RequestMethod | Value::RequestHeaders => None,
            },
        })
    };
    json!({
        "action": answer.action().name(),
        "status": answer.status(),
        "echoes": answer.echoes(),
        "edits": answer.edits().iter().map(edit_data).collect::<Json>(),
    })
}

/// A verdict in 30 bits: reason (bits 0 to 7), kind (8 and 9), rule plus one or 0 for none (10 to 17), index
/// of the answer (18 to 29). As of the addon.
fn pack(verdict: Verdict) -> u32 {
    let rule = verdict.rule().map_or(0, |rule| rule.saturating_add(1));
    let answer = u32::try_from(verdict.answer().index()).unwrap_or(u32::MAX);
    let reason = verdict.reason().number();
    if reason >= 1 << 8 || rule >= 1 << 8 || answer >= 1 << 12 {
        // The limits keep all of them below; what does not fit must not be read as something else.
        return 0;
    }
    reason | (verdict.kind().number() << 8) | (rule << 10) | (answer << 18)
}

/// Declares functions of a policy and the facts of a request: of what a decision is, a text.
macro_rules! texts_of_decisions {
    ($($(#[$doc:meta])* $name:ident: $read:expr;)*) => {$(
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(policy: u32, method: Told, origin: Told, host: Told, fetch_site: Told, request_method: Told, request_headers: Told, authority: Told) -> i32 {
            let told = [method, origin, host, fetch_site, request_method, request_headers, authority];
            let read: fn(&Decision<'_>) -> Option<String> = $read;
            give(STATE.with_borrow(|state| {
                let facts = CallFacts::new(told, &state.inbox);
                let text = read(&state.policy(policy)?.evaluate(&facts))?;
                (!facts.failed()).then_some(text)
            }))
        }
    )*};
}

texts_of_decisions! {
    /// The edits of the decision, as JSON: for answers that echo.
    edits: |decision| {
        // A character per byte.
        let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
        let edits = decision.headers().map(|edit| json!([edit.op.name(), text(edit.name().as_bytes()), text(edit.value)]));
        Some(edits.collect::<Json>().to_string())
    };
    /// The decision as one line for a log.
    line: |decision| Some(decision.to_string());
    /// The name of the rule that decided.
    rule_name: |decision| decision.rule_name().map(str::to_owned);
    /// The request's `Origin` as the line shows it.
    escaped_origin: |decision| decision.escaped_origin();
    /// What S3 answers to the byte, as JSON.
    s3_answer: |decision| Some(decision.s3_json());
}

/// The decision as one integer, see [`pack`]; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn decide(
    policy: u32,
    method: Told,
    origin: Told,
    host: Told,
    fetch_site: Told,
    request_method: Told,
    request_headers: Told,
    authority: Told,
) -> u32 {
    let told = [method, origin, host, fetch_site, request_method, request_headers, authority];
    STATE.with_borrow(|state| {
        let Some(policy) = state.policy(policy) else { return 0 };
        let facts = CallFacts::new(told, &state.inbox);
        let verdict = policy.decide(&facts);
        if facts.failed() { 0 } else { pack(verdict) }
    })
}

/// Whether an origin may read responses.
#[unsafe(no_mangle)]
pub extern "C" fn allows_origin(policy: u32, origin: Told, credentials: bool) -> bool {
    STATE.with_borrow(|state| {
        let Some(policy) = state.policy(policy) else { return false };
        let absent = -1;
        let facts = CallFacts::new([absent, origin, absent, absent, absent, absent, absent], &state.inbox);
        match corsac::Facts::origin(&facts) {
            HeaderLine::One(origin) => policy.allows_origin(Some(origin), credentials),
            HeaderLine::Absent | HeaderLine::Several => false,
        }
    })
}

/// How much memory policies take, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn external_memory() -> usize {
    STATE.with_borrow(|state| state.policies.iter().flatten().map(Policy::heap_bytes).sum())
}

/// The canonical document.
#[unsafe(no_mangle)]
pub extern "C" fn document(policy: u32) -> i32 {
    give(STATE.with_borrow(|state| Some(state.policy(policy)?.document())))
}

/// The configuration of a bucket as XML; none of any other policy.
#[unsafe(no_mangle)]
pub extern "C" fn s3_xml(policy: u32) -> i32 {
    give(STATE.with_borrow(|state| {
        let policy = state.policy(policy)?;
        Some(policy.s3_configuration()?.to_xml(policy.s3_options()?.dialect))
    }))
}

/// What S3 answers about a bucket, as JSON, by the name of the answer and a request as JSON: `dialect`, and the lines of
/// `origin` and `requestMethod`.
#[unsafe(no_mangle)]
pub extern "C" fn s3_error(name_len: usize, asked_len: usize) -> i32 {
    give(STATE.with_borrow(|state| {
        let [name, asked] = state.received([name_len, asked_len])?;
        let asked: Json = serde_json::from_slice(asked).ok()?;
        // A byte for each code unit; above U+00FF, which no byte of a header can be, one that matches nothing.
        let bytes =
            |line: &str| line.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(0xFF)).collect::<Vec<_>>();
        let lines = |key: &str| -> Vec<Vec<u8>> {
            asked
                .get(key)
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .map(bytes)
                .collect()
        };
        let (origin, request_method) = (lines("origin"), lines("requestMethod"));
        let mut request = Request::new("OPTIONS");
        origin.iter().for_each(|line| _ = request.header("Origin", line));
        request_method.iter().for_each(|line| _ = request.header("Access-Control-Request-Method", line));
        let dialect = Dialect::from_name(asked.get("dialect")?.as_str()?)?;
        S3Error::named(std::str::from_utf8(name).ok()?, dialect, &request).map(|error| error.to_json())
    }))
}

/// The body of an error, by its JSON, one byte where the request was about a bucket, and two identifiers.
#[unsafe(no_mangle)]
pub extern "C" fn s3_body(
    error_len: usize,
    bucket_len: usize,
    request_id_len: usize,
    host_id_len: usize,
) -> i32 {
    give(STATE.with_borrow(|state| {
        let [error, bucket, request_id, host_id] =
            state.received([error_len, bucket_len, request_id_len, host_id_len])?;
        let (request_id, host_id) = (text(request_id).ok()?, text(host_id).ok()?);
        let resource_type = ResourceType::new(!bucket.is_empty());
        let options = BodyOptions { resource_type, request_id: &request_id, host_id: &host_id };
        S3Error::from_json(std::str::from_utf8(error).ok()?).map(|error| error.body(options))
    }))
}

/// Text of JavaScript, which encodes whatever it is as UTF-8.
fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_owned()).map_err(|error| error.to_string())
}

/// Plays something: its text and a profile came in.
fn play(
    len: usize,
    profile_len: usize,
    play: impl FnOnce(&str, Profile) -> Result<String, ExchangeError>,
) -> i32 {
    give_result(STATE.with_borrow(|state| {
        let [given, profile] = state.received([len, profile_len]).unwrap_or_default();
        play(&text(given)?, text(profile)?.parse()?).map_err(|error| error.to_string())
    }))
}

/// Plays one exchange.
#[unsafe(no_mangle)]
pub extern "C" fn simulate(len: usize, profile_len: usize) -> i32 {
    play(len, profile_len, simulate_json)
}

/// Plays exchanges one after another.
#[unsafe(no_mangle)]
pub extern "C" fn simulate_sequence(len: usize, profile_len: usize) -> i32 {
    play(len, profile_len, simulate_sequence_json)
}

/// Explains a question, against the policy of a document, or of a bucket's configuration in that dialect, or, if the
/// document is empty, against its own responses.
#[unsafe(no_mangle)]
pub extern "C" fn explain(len: usize, document_len: usize, dialect_len: usize, strict_len: usize) -> i32 {
    give_result(STATE.with_borrow(|state| {
        let [question, document, dialect, strict] =
            state.received([len, document_len, dialect_len, strict_len]).unwrap_or_default();
        // The canonical document of a policy, which is accepted.
        let build = || match dialect {
            b"" => Policy::from_json(document),
            _ => S3Options::new(dialect, !strict.is_empty())
                .and_then(|options| Policy::from_s3(document, options)),
        };
        let policy = (!document.is_empty()).then(build).transpose();
        let policy = policy.map_err(|error| error.to_string())?;
        explain_json(&text(question)?, policy.as_ref()).map_err(|error| error.to_string())
    }))
}

/// The names behind the numbers in the integers of `decide`, by number, and the response headers that only a
/// policy should set.
#[unsafe(no_mangle)]
pub extern "C" fn names() -> i32 {
    let kinds = [Kind::NotCors, Kind::Actual, Kind::Preflight];
    let unnamed = || std::iter::once("");
    debug_assert!(kinds.iter().zip(1..).all(|(kind, number)| kind.number() == number));
    debug_assert!(Reason::ALL.iter().zip(1..).all(|(reason, number)| reason.number() == number));
    let names = json!({
        "kinds": unnamed().chain(kinds.iter().map(|kind| kind.name())).collect::<Json>(),
        "reasons": unnamed().chain(Reason::ALL.iter().map(|reason| reason.name())).collect::<Json>(),
        "allowed": std::iter::once(false).chain(Reason::ALL.iter().map(|reason| reason.allowed())).collect::<Json>(),
        "foreign": ResponseHeader::FOREIGN.iter().map(|header| header.name()).collect::<Json>(),
    });
    give(Some(names.to_string()))
}

/// The version of the library.
#[unsafe(no_mangle)]
pub extern "C" fn version() -> i32 {
    give(Some(corsac::VERSION))
}

/// The list of public suffixes that the library has.
#[unsafe(no_mangle)]
pub extern "C" fn public_suffix_list() -> i32 {
    give(Some(corsac::PUBLIC_SUFFIX_LIST))
}

/// How many bytes of a document are read at most.
#[unsafe(no_mangle)]
pub extern "C" fn max_document_bytes() -> u32 {
    u32::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u32::MAX)
}

/// Where the randomness of policies comes from.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod random {
    use getrandom::Error;

    #[link(wasm_import_module = "corsac")]
    unsafe extern "C" {
        /// Fills bytes with random ones. False if there is no randomness.
        safe fn random(bytes: *mut u8, len: usize) -> bool;
    }

    /// What the crate `getrandom` calls.
    #[unsafe(no_mangle)]
    extern "Rust" fn __getrandom_v03_custom(bytes: *mut u8, len: usize) -> Result<(), Error> {
        if random(bytes, len) { Ok(()) } else { Err(Error::UNSUPPORTED) }
    }
}
