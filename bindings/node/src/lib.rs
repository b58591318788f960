//! The native half of the Node module: compiles policies and decides requests.
//!
//! The package's JavaScript is the only caller and the only public face: it checks the types of
//! arguments, names things and makes errors. What happens once per policy goes through napi-derive;
//! what happens once per request is plain node-api, in `functions`, since converting values is what
//! costs there.

mod facts;
mod functions;

use corsac::limits::MAX_DOCUMENT_BYTES;
use corsac::{Kind, Policy, Problem, Reason, Value};
use napi::Env;
use napi::bindgen_prelude::{Either, Result, Uint8ArraySlice, Unknown};
use napi_derive::napi;

use crate::functions::{Functions, not_cors};

/// One thing wrong with a configuration, or worth a warning.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct ProblemData {
    /// The kebab-case name of this kind of problem.
    pub code: String,
    /// Where it is; empty for the document as a whole.
    pub path: String,
    /// The offending value.
    pub value: Option<String>,
    /// One sentence.
    pub message: String,
    /// What to write instead.
    pub suggestion: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// From 1, in Unicode scalar values.
    pub column: Option<u32>,
}

impl From<&Problem> for ProblemData {
    fn from(problem: &Problem) -> Self {
        ProblemData {
            code: problem.code.to_owned(),
            path: problem.path.clone(),
            value: problem.value.clone(),
            message: problem.message.clone(),
            suggestion: problem.suggestion.clone(),
            line: problem.line,
            column: problem.column,
        }
    }
}

/// One edit of an answer.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct EditData {
    /// `set`, `add`, `vary` or `remove`.
    pub op: String,
    /// The name of the header.
    pub name: String,
    /// The value; none where it is the request's `Origin`, or another part of a request that is echoed.
    pub value: Option<String>,
}

/// One ready answer of a policy.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct AnswerData {
    /// `forward` or `respond`.
    pub action: String,
    /// The status to respond with, 0 for `forward`.
    pub status: u32,
    /// Whether the edits take more from the request than `Origin`; the function `edits` tells them then.
    pub echoes: bool,
    /// The edits, in the order in which they apply.
    pub edits: Vec<EditData>,
}

/// A compiled policy: its functions (see `functions`), its ready answers and its warnings.
#[allow(missing_debug_implementations)] // JavaScript values have none.
#[napi(object, object_from_js = false)]
pub struct PolicyData<'env> {
    /// Decides a request: one integer.
    pub decide: Unknown<'env>,
    /// Decides a request and tells its edits.
    pub edits: Unknown<'env>,
    /// Decides a request and tells the line for a log.
    pub line: Unknown<'env>,
    /// Decides a request and tells the name of the rule.
    pub rule_name: Unknown<'env>,
    /// Whether an origin may read responses.
    pub allows_origin: Unknown<'env>,
    /// The canonical document.
    pub document: Unknown<'env>,
    /// The integer of `decide` for every request without `Origin`.
    pub not_cors: u32,
    /// The ready answers, by the index in an integer of `decide`.
    pub answers: Vec<AnswerData>,
    /// What is worth a look.
    pub warnings: Vec<ProblemData>,
    /// How many more there are.
    pub warnings_unreported: u32,
}

/// Why there is no policy.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct BuildErrorData {
    /// At most 1,000.
    pub problems: Vec<ProblemData>,
    /// How many more there are.
    pub unreported: u32,
}

/// Compiles a document: a policy, or every problem of it. Takes time linear in the document.
#[napi(catch_unwind)]
pub fn compile<'env>(
    env: &'env Env,
    document: Either<String, Uint8ArraySlice<'env>>,
) -> Result<Either<PolicyData<'env>, BuildErrorData>> {
    let compiled = match &document {
        Either::A(text) => Policy::from_json(text),
        Either::B(bytes) => Policy::from_json(bytes.as_ref()),
    };
    let policy = match compiled {
        Ok(policy) => policy,
        Err(error) => {
            return Ok(Either::B(BuildErrorData {
                problems: error.problems().iter().map(ProblemData::from).collect(),
                unreported: count(error.unreported()),
            }));
        }
    };
    let answers = policy.answers().iter().map(answer_data).collect();
    let warnings = policy.warnings().iter().map(ProblemData::from).collect();
    let warnings_unreported = count(policy.warnings_unreported());
    let not_cors = not_cors(&policy);
    let Functions { decide, edits, line, rule_name, allows_origin, document } = Functions::new(env, policy)?;
    Ok(Either::A(PolicyData {
        decide,
        edits,
        line,
        rule_name,
        allows_origin,
        document,
        not_cors,
        answers,
        warnings,
        warnings_unreported,
    }))
}

fn count(unreported: usize) -> u32 {
    u32::try_from(unreported).unwrap_or(u32::MAX)
}

fn answer_data(answer: &corsac::Answer) -> AnswerData {
    let edit_data = |edit: &corsac::Edit| EditData {
        op: edit.op.name().to_owned(),
        name: edit.header.name().to_owned(),
        value: match &edit.value {
            // What policies put into headers is ASCII.
            Value::Text(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
            Value::Origin | Value::RequestMethod | Value::RequestHeaders => None,
        },
    };
    AnswerData {
        action: answer.action().name().to_owned(),
        status: u32::from(answer.status()),
        echoes: answer.echoes(),
        edits: answer.edits().iter().map(edit_data).collect(),
    }
}

/// The names of everything that has a number, by number; 0 has none.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Names {
    /// Of [`Kind`].
    pub kinds: Vec<String>,
    /// Of [`Reason`].
    pub reasons: Vec<String>,
    /// For each of the reasons, whether it allows.
    pub allowed: Vec<bool>,
}

/// The names behind the numbers in the integers of `decide`.
#[napi(catch_unwind)]
#[must_use]
pub fn names() -> Names {
    let kinds = [Kind::NotCors, Kind::Actual, Kind::Preflight];
    let unnamed = || std::iter::once(String::new());
    debug_assert!(kinds.iter().zip(1..).all(|(kind, number)| kind.number() == number));
    debug_assert!(Reason::ALL.iter().zip(1..).all(|(reason, number)| reason.number() == number));
    Names {
        kinds: unnamed().chain(kinds.iter().map(|kind| kind.name().to_owned())).collect(),
        reasons: unnamed().chain(Reason::ALL.iter().map(|reason| reason.name().to_owned())).collect(),
        allowed: std::iter::once(false).chain(Reason::ALL.iter().map(|reason| reason.allowed())).collect(),
    }
}

/// The version of the library.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    corsac::VERSION
}

/// How many bytes of a document are read at most.
#[napi(catch_unwind)]
#[must_use]
pub fn max_document_bytes() -> u32 {
    u32::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u32::MAX)
}

/// How much memory the garbage collector was told about by this and other native modules, in bytes.
///
/// # Errors
/// If the environment is being torn down.
#[napi(catch_unwind)]
pub fn external_memory(env: &Env) -> Result<i64> {
    env.adjust_external_memory(0)
}
