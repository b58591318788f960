//! The C engine: the functions of `corsac.h`, called as a C program calls them.

#![allow(missing_docs, clippy::expect_used, reason = "a test suite has no public face")]

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use corsac_conformance::compare;
use corsac_conformance::engine::{
    DecisionData, Engine, EnginePolicy, HOST_ID, ProblemData, REQUEST_ID, S3Answer, S3Refusal,
};
use corsac_conformance::vectors::RequestLines;
use corsac_ffi::*;

struct C;

struct CPolicy(*const corsac_policy);

impl Drop for CPolicy {
    fn drop(&mut self) {
        // SAFETY: the handle came from corsac_policy_from_json and is freed once.
        unsafe { corsac_policy_free(self.0) }
    }
}

fn lent(bytes: &[u8]) -> corsac_str {
    corsac_str { data: bytes.as_ptr().cast(), len: bytes.len() }
}

/// The bytes of a string that the library lent; none for NULL.
fn bytes(text: corsac_str) -> Option<Vec<u8>> {
    // SAFETY: the library lends `len` bytes, for as long as the handle that gave them, which lives here.
    (!text.data.is_null())
        .then(|| unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) }.to_vec())
}

fn text(text: corsac_str) -> Option<String> {
    bytes(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn problems(error: *mut corsac_error) -> Vec<ProblemData> {
    let position = |number: u32| (number != 0).then_some(u64::from(number));
    // SAFETY: the handle came from the library, lives until the end, and is freed once.
    unsafe {
        let found = (0..corsac_error_len(error))
            .map(|index| ProblemData {
                code: text(corsac_error_code(error, index)).unwrap_or_default(),
                path: text(corsac_error_path(error, index)).unwrap_or_default(),
                value: text(corsac_error_value(error, index)),
                message: text(corsac_error_message(error, index)).unwrap_or_default(),
                suggestion: text(corsac_error_suggestion(error, index)),
                line: position(corsac_error_line(error, index)),
                column: position(corsac_error_column(error, index)),
            })
            .collect();
        corsac_error_free(error);
        found
    }
}

impl Engine for C {
    const NAME: &'static str = "c";
    const REMOVES: bool = false;
    const APPLIES: bool = false;
    type Policy = CPolicy;

    fn build(&self, document: &str) -> Result<CPolicy, Vec<ProblemData>> {
        let (mut policy, mut error) = (null(), null_mut());
        // SAFETY: the document lives during the call, and the out-parameters are ours.
        let status =
            unsafe { corsac_policy_from_json(lent(document.as_bytes()), &raw mut policy, &raw mut error) };
        match status {
            CORSAC_STATUS_OK => {
                assert!(!policy.is_null() && error.is_null());
                Ok(CPolicy(policy))
            }
            _ => {
                assert_eq!(status, CORSAC_STATUS_CONFIG);
                assert!(policy.is_null() && !error.is_null());
                Err(problems(error))
            }
        }
    }

    fn build_s3(&self, text: &str, dialect: &str, strict: bool) -> Result<CPolicy, S3Refusal> {
        let (mut policy, mut error) = (null(), null_mut());
        let (text, dialect) = (lent(text.as_bytes()), lent(dialect.as_bytes()));
        // SAFETY: the texts live during the call, and the out-parameters are ours.
        let status = unsafe { corsac_policy_from_s3(text, dialect, strict, &raw mut policy, &raw mut error) };
        C::built_by_s3(status, policy, error)
    }
}

impl C {
    fn built_by_s3(
        status: corsac_status,
        policy: *const corsac_policy,
        error: *mut corsac_error,
    ) -> Result<CPolicy, S3Refusal> {
        if status == CORSAC_STATUS_OK {
            assert!(!policy.is_null() && error.is_null());
            return Ok(CPolicy(policy));
        }
        assert_eq!(status, CORSAC_STATUS_CONFIG);
        assert!(policy.is_null() && !error.is_null());
        let mut body = null_mut();
        let (request_id, host_id) = (lent(REQUEST_ID.as_bytes()), lent(HOST_ID.as_bytes()));
        // SAFETY: the handle is live.
        let code = unsafe {
            let status = corsac_error_s3_body(error, request_id, host_id, &raw mut body);
            assert_eq!(status, CORSAC_STATUS_OK);
            text(corsac_error_s3_code(error))
        };
        Err(S3Refusal { error: code.zip(taken(body)), problems: problems(error) })
    }
}

fn name(name: *const std::ffi::c_char) -> String {
    // SAFETY: names are static and end with NUL.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// The text of a handle, which is freed.
fn taken(handle: *mut corsac_text) -> Option<String> {
    if handle.is_null() {
        return None;
    }
    // SAFETY: the handle is live, and freed once, after its text was copied.
    unsafe {
        let lent = corsac_str { data: corsac_text_data(handle), len: corsac_text_len(handle) };
        let copy = text(lent);
        corsac_text_free(handle);
        copy
    }
}

impl EnginePolicy for CPolicy {
    fn s3_xml(&self) -> Option<String> {
        let mut xml = null_mut();
        // SAFETY: the handle is live.
        assert_eq!(unsafe { corsac_policy_s3_xml(self.0, &raw mut xml) }, CORSAC_STATUS_OK);
        taken(xml)
    }

    fn s3_answer(&self, lines: &RequestLines) -> S3Answer {
        let mut request = MaybeUninit::<corsac_request>::uninit();
        let mut decision = MaybeUninit::<corsac_decision>::uninit();
        // SAFETY: the structs are ours and have the sizes that are told; all strings outlive the decision.
        unsafe {
            let (request, decision) = (request.as_mut_ptr(), decision.as_mut_ptr());
            corsac_request_init(request.cast(), size_of::<corsac_request>(), lent(&lines.method));
            for (name, value) in &lines.headers {
                corsac_request_header(request, lent(name.as_bytes()), lent(value));
            }
            corsac_decision_init(decision.cast(), size_of::<corsac_decision>());
            assert_eq!(corsac_policy_evaluate(self.0, request, decision), CORSAC_STATUS_OK);
            let (mut body, mut headers) = (null_mut(), null_mut());
            let (request_id, host_id) = (lent(REQUEST_ID.as_bytes()), lent(HOST_ID.as_bytes()));
            let status = corsac_decision_s3_body(decision, false, request_id, host_id, &raw mut body);
            assert_eq!(status, CORSAC_STATUS_OK);
            assert_eq!(corsac_decision_s3_headers(decision, &raw mut headers), CORSAC_STATUS_OK);
            let lines = taken(headers).unwrap_or_default();
            let line = |line: &str| {
                let (name, value) = line.split_once(": ").expect("a name and a value");
                (name.to_owned(), value.as_bytes().to_vec())
            };
            S3Answer {
                error: text(corsac_decision_s3_code(decision)).zip(taken(body)),
                headers: lines.split_terminator("\r\n").map(line).collect(),
            }
        }
    }

    fn evaluate(&self, lines: &RequestLines) -> DecisionData {
        let mut request = MaybeUninit::<corsac_request>::uninit();
        let mut decision = MaybeUninit::<corsac_decision>::uninit();
        let mut headers = [const { MaybeUninit::<corsac_header>::uninit() }; CORSAC_MAX_HEADERS];
        // SAFETY: the structs are ours and have the sizes that are told; all strings outlive the decision.
        unsafe {
            corsac_request_init(
                request.as_mut_ptr().cast(),
                size_of::<corsac_request>(),
                lent(&lines.method),
            );
            for (name, value) in &lines.headers {
                corsac_request_header(request.as_mut_ptr(), lent(name.as_bytes()), lent(value));
            }
            corsac_decision_init(decision.as_mut_ptr().cast(), size_of::<corsac_decision>());
            let status = corsac_policy_evaluate(self.0, request.as_ptr(), decision.as_mut_ptr());
            assert_eq!(status, CORSAC_STATUS_OK);
            let count =
                corsac_decision_headers(decision.as_ptr(), headers.as_mut_ptr().cast(), headers.len());
            let mut line = [0_u8; CORSAC_MAX_LINE];
            let len = corsac_decision_format(decision.as_ptr(), line.as_mut_ptr().cast(), line.len());
            let line =
                String::from_utf8_lossy(line.get(..len).expect("shorter than CORSAC_MAX_LINE")).into_owned();
            let rule_name = text(corsac_decision_rule_name(decision.as_ptr()));
            let decision = decision.assume_init();
            assert_eq!(count, decision.headers_len as usize);
            let op = |op: u32| match op {
                CORSAC_OP_SET => "set",
                CORSAC_OP_ADD => "add",
                CORSAC_OP_VARY => "vary",
                _ => "unknown",
            };
            DecisionData {
                kind: match decision.kind {
                    CORSAC_KIND_NOT_CORS => "not-cors",
                    CORSAC_KIND_ACTUAL => "actual",
                    CORSAC_KIND_PREFLIGHT => "preflight",
                    _ => "none",
                }
                .to_owned(),
                action: match decision.action {
                    CORSAC_ACTION_FORWARD => "forward",
                    CORSAC_ACTION_RESPOND => "respond",
                    _ => "none",
                }
                .to_owned(),
                status: u64::from(decision.status),
                allowed: decision.allowed == 1,
                reason: name(corsac_reason_name(decision.reason)),
                rule: (decision.rule != CORSAC_NO_RULE).then_some(u64::from(decision.rule)),
                rule_name,
                line,
                headers: headers
                    .into_iter()
                    .take(count)
                    .map(|header| header.assume_init())
                    .map(|header| {
                        let name = text(header.name).unwrap_or_default();
                        (op(header.op).to_owned(), name, bytes(header.value).unwrap_or_default())
                    })
                    .collect(),
            }
        }
    }

    fn document(&self) -> String {
        let mut document = null_mut();
        // SAFETY: the handle is live, and the text is freed once, after it was copied.
        unsafe {
            assert_eq!(corsac_policy_document(self.0, &raw mut document), CORSAC_STATUS_OK);
            let lent = corsac_str { data: corsac_text_data(document), len: corsac_text_len(document) };
            let copy = text(lent).unwrap_or_default();
            corsac_text_free(document);
            copy
        }
    }

    fn warnings(&self) -> Vec<ProblemData> {
        let mut warnings = null_mut();
        // SAFETY: the handle is live.
        assert_eq!(unsafe { corsac_policy_warnings(self.0, &raw mut warnings) }, CORSAC_STATUS_OK);
        problems(warnings)
    }

    fn allows_origin(&self, origin: Option<&[u8]>, credentials: bool) -> bool {
        let origin = origin.map_or(corsac_str { data: null(), len: 0 }, lent);
        // SAFETY: the handle is live, and the origin lives during the call.
        unsafe { corsac_policy_allows_origin(self.0, origin, credentials) }
    }

    fn apply(&self, _: &RequestLines, _: &[(String, Vec<u8>)]) -> Option<Vec<(String, Vec<u8>)>> {
        // A C host applies the headers to a response of its own.
        None
    }
}

#[test]
fn every_vector() {
    compare::run(&C);
}

#[test]
fn s3_answers_about_buckets() {
    compare::run_buckets(|case| {
        let which = match &*case.error {
            "bucket-missing" => CORSAC_S3_BUCKET_MISSING,
            "cors-not-enabled" => CORSAC_S3_CORS_NOT_ENABLED,
            "no-configuration" => CORSAC_S3_NO_CONFIGURATION,
            "bad-digest" => CORSAC_S3_BAD_DIGEST,
            other => panic!("nothing answers {other}"),
        };
        let mut request = MaybeUninit::<corsac_request>::uninit();
        let (mut status, mut code, mut body) = (0, lent(b""), null_mut());
        // SAFETY: the struct is ours and has the size that is told; all strings outlive the call.
        unsafe {
            let request = match &case.request {
                None => null(),
                Some(lines) => {
                    let request = request.as_mut_ptr();
                    corsac_request_init(request.cast(), size_of::<corsac_request>(), lent(&lines.method));
                    for (name, value) in &lines.headers {
                        corsac_request_header(request, lent(name.as_bytes()), lent(value));
                    }
                    request.cast_const()
                }
            };
            let done = corsac_s3_error(
                which,
                lent(case.dialect.as_bytes()),
                request,
                case.is_bucket,
                lent(REQUEST_ID.as_bytes()),
                lent(HOST_ID.as_bytes()),
                &raw mut status,
                &raw mut code,
                &raw mut body,
            );
            assert_eq!(done, CORSAC_STATUS_OK);
            let status = u16::try_from(status).expect("a status");
            (status, text(code).expect("a code"), taken(body).expect("a body"))
        }
    });
}
