//! What an engine has to do to be compared.

use crate::vectors::RequestLines;

/// An implementation of corsac's interface in some language.
pub trait Engine {
    /// The name in `skip`.
    const NAME: &'static str;
    /// Whether removals are among the edits.
    const REMOVES: bool;
    /// Whether the engine applies decisions to responses itself.
    const APPLIES: bool;
    type Policy: EnginePolicy;

    fn build(&self, document: &str) -> Result<Self::Policy, Vec<ProblemData>>;
    /// Builds from the configuration of a bucket.
    fn build_s3(&self, text: &str, dialect: &str, strict: bool) -> Result<Self::Policy, S3Refusal>;
}

pub trait EnginePolicy {
    fn evaluate(&self, request: &RequestLines) -> DecisionData;
    fn document(&self) -> String;
    fn warnings(&self) -> Vec<ProblemData>;
    fn allows_origin(&self, origin: Option<&[u8]>, credentials: bool) -> bool;
    /// The response's headers after the decision was applied; none if the engine leaves that to its host.
    /// The configuration of a bucket as XML.
    fn s3_xml(&self) -> Option<String>;
    /// What S3 answers, to the byte.
    fn s3_answer(&self, request: &RequestLines) -> S3Answer;
    fn apply(&self, request: &RequestLines, response: &[(String, Vec<u8>)])
    -> Option<Vec<(String, Vec<u8>)>>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionData {
    pub kind: String,
    pub action: String,
    pub status: u64,
    pub allowed: bool,
    pub reason: String,
    pub rule: Option<u64>,
    pub rule_name: Option<String>,
    pub headers: Vec<(String, String, Vec<u8>)>,
    /// The line for a log.
    pub line: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemData {
    pub code: String,
    pub path: String,
    pub value: Option<String>,
    pub message: String,
    pub suggestion: Option<String>,
    pub line: Option<u64>,
    pub column: Option<u64>,
}

/// The request that bodies tell of.
pub const REQUEST_ID: &str = "R1";
pub const HOST_ID: &str = "H1";

/// Why a bucket's configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Refusal {
    pub problems: Vec<ProblemData>,
    /// The S3 error code and the body.
    pub error: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Answer {
    /// The S3 error code and the body, of a request about an object.
    pub error: Option<(String, String)>,
    pub headers: Vec<(String, Vec<u8>)>,
}
