//! The native half of the Node module: compiles policies and decides requests.
//!
//! The package's JavaScript is the only caller and the only public face: it checks the types of
//! arguments, names things and makes errors. What happens once per policy goes through napi-derive;
//! what happens once per request is plain node-api, in `functions`, since converting values is what
//! costs there.

pub mod explain;
mod facts;
mod functions;
pub mod s3;
mod shared;

use std::sync::Arc;

use corsac::limits::MAX_DOCUMENT_BYTES;
use corsac::s3::{S3Error, S3Options};
use corsac::{BuildError, Kind, Policy, Problem, Reason, ResponseHeader, Value};
use napi::Env;
use napi::bindgen_prelude::{Either, External, Result, Uint8ArraySlice, Unknown};
use napi_derive::napi;

use crate::functions::{Functions, not_cors};
use crate::shared::SharedCell;

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
    /// Decides a request and tells its origin for a log.
    pub escaped_origin: Unknown<'env>,
    /// Decides a request and tells what S3 answers.
    pub s3_answer: Unknown<'env>,
    /// Whether an origin may read responses.
    pub allows_origin: Unknown<'env>,
    /// The canonical document.
    pub document: Unknown<'env>,
    /// The configuration of a bucket as XML.
    pub s3_xml: Unknown<'env>,
    /// Shares the policy with other threads.
    pub share: Unknown<'env>,
    /// How its problems name things: what was passed to `share`, 0 for one that was just compiled.
    pub style: u32,
    /// The integer of `decide` for every request without `Origin`; of S3 rules, for those that are not `OPTIONS`.
    pub not_cors: u32,
    /// Whose S3 it is, if the rules are those of a bucket, so that decisions depend on more of a request.
    pub dialect: Option<String>,
    /// Whether it is that S3 to the byte.
    pub strict: bool,
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
    /// The error in which S3 refuses the configuration of a bucket, as JSON.
    pub s3_error: Option<String>,
}

/// Compiles a document: a policy, or every problem of it. Takes time linear in the document.
#[napi(catch_unwind)]
pub fn compile<'env>(
    env: &'env Env,
    document: Either<String, Uint8ArraySlice<'env>>,
) -> Result<Either<PolicyData<'env>, BuildErrorData>> {
    #[cfg(feature = "forced-panic")]
    functions::forced::panic_if_asked();
    let compiled = match &document {
        Either::A(text) => Policy::from_json(text),
        Either::B(bytes) => Policy::from_json(bytes.as_ref()),
    };
    delivered(env, compiled)
}

/// Compiles the configuration of a bucket: a policy, or the first problem of it.
#[napi(catch_unwind)]
pub fn compile_s3<'env>(
    env: &'env Env,
    text: Either<String, Uint8ArraySlice<'env>>,
    dialect: String,
    strict: bool,
) -> Result<Either<PolicyData<'env>, BuildErrorData>> {
    #[cfg(feature = "forced-panic")]
    functions::forced::panic_if_asked();
    let compiled = S3Options::new(dialect, strict).and_then(|options| match &text {
        Either::A(text) => Policy::from_s3(text, options),
        Either::B(bytes) => Policy::from_s3(bytes.as_ref(), options),
    });
    delivered(env, compiled)
}

/// What compiling gave.
fn delivered(
    env: &Env,
    compiled: std::result::Result<Policy, BuildError>,
) -> Result<Either<PolicyData<'_>, BuildErrorData>> {
    match compiled {
        Ok(policy) => policy_data(env, Arc::new(policy), 0).map(Either::A),
        Err(error) => Ok(Either::B(BuildErrorData {
            problems: error.problems().iter().map(ProblemData::from).collect(),
            unreported: count(error.unreported()),
            s3_error: error.s3_error().map(S3Error::to_json),
        })),
    }
}

/// Everything of a policy for one thread.
fn policy_data(env: &Env, policy: Arc<Policy>, style: u32) -> Result<PolicyData<'_>> {
    let answers = policy.answers().iter().map(answer_data).collect();
    let warnings = policy.warnings().iter().map(ProblemData::from).collect();
    let warnings_unreported = count(policy.warnings_unreported());
    let not_cors = not_cors(&policy);
    let options = policy.s3_options();
    let dialect = options.map(|options| options.dialect.name().to_owned());
    let strict = options.is_some_and(|options| options.strict);
    let Functions {
        decide,
        edits,
        line,
        rule_name,
        escaped_origin,
        s3_answer,
        allows_origin,
        document,
        s3_xml,
        share,
    } = Functions::new(env, policy)?;
    Ok(PolicyData {
        decide,
        edits,
        line,
        rule_name,
        escaped_origin,
        s3_answer,
        allows_origin,
        document,
        s3_xml,
        share,
        style,
        not_cors,
        dialect,
        strict,
        answers,
        warnings,
        warnings_unreported,
    })
}

/// The policy that some thread shares under this id; none if nobody does.
///
/// # Errors
/// If no functions could be made for it.
#[napi(catch_unwind)]
pub fn shared_policy(env: &Env, id: String) -> Result<Option<PolicyData<'_>>> {
    shared::policy(&id).map(|shared| policy_data(env, shared.policy, shared.style)).transpose()
}

/// Ends that a policy or a cell is shared under an id; those that have it keep it. False if nothing was.
#[napi(catch_unwind)]
#[must_use]
pub fn release_shared(id: String) -> bool {
    shared::release(&id)
}

/// A cell of this thread, as JavaScript keeps it.
#[derive(Debug)]
pub struct CellHandle(SharedCell);

/// Makes a cell of the policy that is shared under an id; none if none is.
#[napi(catch_unwind)]
#[must_use]
pub fn new_shared_cell(policy: String) -> Option<External<CellHandle>> {
    shared::policy(&policy).map(|shared| External::new(CellHandle(SharedCell::new(shared))))
}

/// Shares a cell with other threads under an id, until it is released.
#[napi(catch_unwind)]
pub fn share_cell(cell: &External<CellHandle>, id: String) {
    shared::share_cell(id, &cell.0);
}

/// The cell that some thread shares under this id; none if nobody does.
#[napi(catch_unwind)]
#[must_use]
pub fn shared_cell(id: String) -> Option<External<CellHandle>> {
    shared::cell(&id).map(|cell| External::new(CellHandle(cell)))
}

/// The policy that a cell has now.
///
/// # Errors
/// If no functions could be made for it.
#[napi(catch_unwind)]
pub fn load_shared<'env>(env: &'env Env, cell: &External<CellHandle>) -> Result<PolicyData<'env>> {
    let shared = cell.0.load();
    policy_data(env, shared.policy, shared.style)
}

/// Gives a cell the policy that is shared under an id. False if none is.
#[napi(catch_unwind)]
#[must_use]
pub fn store_shared(cell: &External<CellHandle>, policy: String) -> bool {
    shared::policy(&policy).map(|shared| cell.0.store(shared)).is_some()
}

/// Makes compiling and every function of a policy panic from now on, or no longer. For tests.
#[cfg(feature = "forced-panic")]
#[napi]
pub fn force_panics(force: bool) {
    functions::forced::force_panics(force);
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
    /// The response headers that only a policy should set.
    pub foreign: Vec<String>,
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
        foreign: ResponseHeader::FOREIGN.iter().map(|header| header.name().to_owned()).collect(),
    }
}

/// The version of the library.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    corsac::VERSION
}

/// The list of public suffixes that the library has.
#[napi(catch_unwind)]
#[must_use]
pub fn public_suffix_list() -> &'static str {
    corsac::PUBLIC_SUFFIX_LIST
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
