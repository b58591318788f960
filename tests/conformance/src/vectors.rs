//! Reads the vectors; `tests/vectors/README.md` describes their format.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One case, with its policy resolved to the text of a document.
#[derive(Debug, Clone)]
pub struct Case {
    pub file: String,
    pub name: String,
    /// The policy document as text: as written, or compact.
    pub document: String,
    /// Whether the document was given as text, so that positions are known.
    pub is_text: bool,
    pub request: Option<RequestLines>,
    pub decision: Option<Value>,
    /// The decision's line for a log.
    pub line: Option<String>,
    pub problems: Option<Vec<Value>>,
    pub warnings: Option<Vec<Value>>,
    pub canonical: Option<String>,
    pub allows_origin: Vec<(Option<Vec<u8>>, bool, bool)>,
    pub response: Option<Vec<(String, Vec<u8>)>>,
    pub applied: Option<Vec<(String, Vec<u8>)>>,
    /// The dialect and `strict`, if the document is the configuration of a bucket.
    pub s3: Option<(String, bool)>,
    /// The S3 error code and the body.
    pub s3_error: Option<(String, String)>,
    pub s3_headers: Option<Vec<(String, Vec<u8>)>>,
    pub s3_xml: Option<String>,
    skip: Value,
}

/// A request as header lines.
#[derive(Debug, Clone)]
pub struct RequestLines {
    pub method: Vec<u8>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Case {
    pub fn skip_reason(&self, engine: &str) -> Option<&str> {
        self.skip.get(engine).and_then(Value::as_str)
    }
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

/// All cases of all files, in the order of their names.
pub fn load() -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("tests/vectors exists")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files.iter().flat_map(|path| load_file(path)).collect()
}

/// The keys of a case.
const KEYS: [&str; 20] = [
    "name",
    "covers",
    "skip",
    "policy",
    "request",
    "decision",
    "line",
    "script",
    "document",
    "text",
    "problems",
    "canonical",
    "warnings",
    "allows_origin",
    "response",
    "applied",
    "s3",
    "s3_error",
    "s3_headers",
    "s3_xml",
];

fn load_file(path: &Path) -> Vec<Case> {
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let content: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let policies = &content["policies"];
    let cases = content["cases"].as_array().unwrap_or_else(|| panic!("{file} has no cases"));
    cases.iter().map(|case| read_case(&file, policies, case)).collect()
}

fn read_case(file: &str, policies: &Value, case_value: &Value) -> Case {
    let case = case_value;
    let name = case["name"].as_str().unwrap_or_else(|| panic!("{file}: a case without a name")).to_owned();
    let place = format!("{file}: {name}");
    let (document, is_text) = match (&case["text"], &case["document"], &case["policy"]) {
        (Value::String(text), Value::Null, Value::Null) => (text.clone(), true),
        (text @ (Value::Object(_) | Value::Array(_)), Value::Null, Value::Null) => {
            (generated(text).unwrap(), true)
        }
        (Value::Null, Value::Null, Value::String(policy)) => {
            let document = &policies[policy];
            assert!(!document.is_null(), "{place}: there is no policy {policy}");
            (document.to_string(), false)
        }
        (Value::Null, document, Value::Null) | (Value::Null, Value::Null, document)
            if case.get("document").is_some() || case.get("policy").is_some() =>
        {
            (document.to_string(), false)
        }
        _ => panic!("{place}: exactly one of text, document and policy"),
    };
    let list = |key: &str| case[key].as_array().cloned();
    let headers = |value: &Value| value.as_array().map(|lines| lines.iter().flat_map(header_lines).collect());
    let origins = list("allows_origin").unwrap_or_default();
    let allows_origin = origins
        .iter()
        .map(|row| (row[0].as_str().map(latin1), row[1].as_bool().unwrap(), row[2].as_bool().unwrap()));
    let case = Case {
        file: file.to_owned(),
        document,
        is_text,
        request: case.get("request").map(|request| RequestLines {
            method: latin1(request["method"].as_str().unwrap()),
            headers: headers(&request["headers"]).unwrap(),
        }),
        decision: case.get("decision").cloned(),
        line: case["line"].as_str().map(str::to_owned),
        problems: list("problems"),
        warnings: list("warnings"),
        canonical: case["canonical"].as_str().map(str::to_owned),
        allows_origin: allows_origin.collect(),
        response: headers(&case["response"]),
        applied: headers(&case["applied"]),
        s3: case["s3"]["dialect"]
            .as_str()
            .map(|dialect| (dialect.to_owned(), case["s3"]["strict"].as_bool().expect("strict is told"))),
        s3_error: case.get("s3_error").map(|error| {
            let text = |key: &str| error[key].as_str().expect("a code and a body").to_owned();
            (text("code"), text("body"))
        }),
        s3_headers: headers(&case["s3_headers"]),
        s3_xml: case["s3_xml"].as_str().map(str::to_owned),
        skip: case["skip"].clone(),
        name,
    };
    let claims = case.decision.is_some()
        || case.problems.is_some()
        || case.canonical.is_some()
        || case.applied.is_some()
        || !case.allows_origin.is_empty();
    assert!(claims, "{place}: claims nothing");
    assert_eq!(
        case.decision.is_some() || case.applied.is_some(),
        case.request.is_some(),
        "{place}: what is asked and answered"
    );
    assert_eq!(case.applied.is_some(), case.response.is_some(), "{place}: what is applied to what");
    let keys =
        case_value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    for key in keys {
        assert!(KEYS.contains(&key.as_str()), "{place}: there is no key {key}");
    }
    case
}

/// What S3 answers about a bucket, without asking its rules.
#[derive(Debug, Clone)]
pub struct BucketCase {
    pub name: String,
    pub dialect: String,
    /// The name of the answer.
    pub error: String,
    pub request: Option<RequestLines>,
    pub is_bucket: bool,
    pub expected: BucketAnswer,
}

/// Status, code and body.
pub type BucketAnswer = (u16, String, String);

/// All cases of `s3/buckets.json`.
pub fn buckets() -> Vec<BucketCase> {
    let text = std::fs::read_to_string(folder().join("s3/buckets.json")).expect("the file exists");
    let content: Value = serde_json::from_str(&text).expect("JSON");
    let cases = content["cases"].as_array().expect("cases");
    let read = |case: &Value| {
        let text = |key: &str| case[key].as_str().unwrap_or_else(|| panic!("{case} has no {key}")).to_owned();
        let status = case["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        BucketCase {
            name: text("name"),
            dialect: text("dialect"),
            error: text("error"),
            request: case.get("request").map(|request| RequestLines {
                method: latin1(request["method"].as_str().unwrap()),
                headers: request["headers"].as_array().unwrap().iter().flat_map(header_lines).collect(),
            }),
            is_bucket: case["is_bucket"].as_bool().expect("is_bucket"),
            expected: (status.expect("a status"), text("code"), text("body")),
        }
    };
    cases.iter().map(read).collect()
}

/// One entry of a list of headers: a line, or the same line several times.
fn header_lines(entry: &Value) -> Vec<(String, Vec<u8>)> {
    let (line, times) = match entry.get("lines") {
        Some(line) => (line, entry["times"].as_u64().unwrap()),
        None => (entry, 1),
    };
    let name = line[0].as_str().unwrap().to_owned();
    let value = latin1(&generated(&line[1]).unwrap());
    (0..times).map(|_| (name.clone(), value.clone())).collect()
}

/// A string, a string that is repeated, or several of them one after the other.
pub fn generated(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().map(generated).collect(),
        Value::Object(_) => {
            let times = usize::try_from(value["times"].as_u64()?).ok()?;
            Some(value["repeat"].as_str()?.repeat(times))
        }
        _ => None,
    }
}

/// A byte for each character.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("vectors hold bytes")).collect()
}
