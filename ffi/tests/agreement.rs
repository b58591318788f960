//! What a C host is told is what a Rust host is told, for generated requests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a claim that fails should panic")]

use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use corsac::{Op, Policy, Request};
use corsac_ffi::*;

const DOCUMENTS: [&str; 4] = [
    r#"{"allow_origins":"*","allow_methods":"*","allow_headers":"*","expose_headers":"*"}"#,
    r#"{"allow_origins":["https://app.example.com"],"allow_methods":["PUT"],"allow_headers":["x-a"],"allow_credentials":true}"#,
    r#"{"allow_origins":["https://app.example.com"],"allow_methods":"*","allow_headers":"*","allow_credentials":true,"max_age":5}"#,
    r#"{"allow_origins":["https://*.example.com"],"allow_headers":["x-a","x-b"]}"#,
];

const LINES: [(&str, &[&str]); 7] = [
    ("ORIGIN", &["https://app.example.com", "https://evil.example", "null", ""]),
    ("access-control-request-method", &["PUT", "GET", "TRACE", "", "p t"]),
    ("Access-Control-Request-Headers", &["x-a", "X-B,x-a", "", " \t", ",,x-a", "x c", "authorization"]),
    ("Host", &["app.example.com", "evil.example:443"]),
    (":authority", &["app.example.com", "evil.example"]),
    ("sec-fetch-site", &["same-origin", "cross-site", "none"]),
    ("x-other", &["value"]),
];

/// Numbers that look random and are the same each time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn text(text: &str) -> corsac_str {
    corsac_str { data: text.as_ptr().cast(), len: text.len() }
}

fn bytes<'a>(string: corsac_str) -> &'a [u8] {
    // SAFETY: the strings of a decision live as long as the test's policy and request.
    unsafe { std::slice::from_raw_parts(string.data.cast(), string.len) }
}

/// Kind, action, status, allowed, reason, rule, and the headers but for removals.
type Told = ([u32; 6], Vec<(u32, String, Vec<u8>)>);

fn told_in_rust(policy: &Policy, request: &Request<'_>) -> Told {
    let decision = policy.evaluate(request);
    let numbers = [
        decision.kind().number(),
        decision.action().number(),
        decision.status().into(),
        decision.allowed().into(),
        decision.reason().number(),
        decision.rule().unwrap_or(CORSAC_NO_RULE),
    ];
    let kept = decision.headers().filter(|edit| edit.op != Op::Remove);
    (numbers, kept.map(|edit| (edit.op.number(), edit.name().to_owned(), edit.value.to_vec())).collect())
}

/// The configuration of a bucket.
const BUCKET: &str = r#"[{"AllowedOrigins":["https://a.example","https://*.example"],"AllowedMethods":["PUT","GET"],"AllowedHeaders":["x-*","content-type"],"MaxAgeSeconds":5}]"#;

fn told_in_c(policy: *const corsac_policy, method: &str, lines: &[(&str, &str)]) -> Told {
    let mut request = MaybeUninit::<corsac_request>::uninit();
    let mut decision = MaybeUninit::<corsac_decision>::uninit();
    let mut headers = [MaybeUninit::<corsac_header>::uninit(); CORSAC_MAX_HEADERS];
    // SAFETY: the structs have the sizes that are passed and are written first; all strings are static.
    unsafe {
        corsac_request_init(request.as_mut_ptr().cast(), size_of::<corsac_request>(), text(method));
        for (name, value) in lines {
            corsac_request_header(request.as_mut_ptr(), text(name), text(value));
        }
        corsac_decision_init(decision.as_mut_ptr().cast(), size_of::<corsac_decision>());
        let status = corsac_policy_evaluate(policy, request.as_ptr(), decision.as_mut_ptr());
        assert_eq!(status, CORSAC_STATUS_OK);
        let decision = decision.assume_init();
        let len = corsac_decision_headers(&decision, headers.as_mut_ptr().cast(), headers.len());
        assert_eq!(len, decision.headers_len as usize);
        let headers = headers[..len].iter().map(|header| header.assume_init()).map(|header| {
            assert_eq!(header.reserved, 0);
            let name = String::from_utf8(bytes(header.name).to_vec()).unwrap();
            (header.op, name, bytes(header.value).to_vec())
        });
        let corsac_decision { kind, action, status, allowed, reason, rule, .. } = decision;
        ([kind, action, status, allowed, reason, rule], headers.collect())
    }
}

#[test]
fn c_and_rust_are_told_the_same() {
    keep_panic_hook();
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut reasons = std::collections::BTreeSet::new();
    for document in DOCUMENTS.into_iter().chain([BUCKET]) {
        let is_bucket = document == BUCKET;
        let policy = if is_bucket {
            Policy::from_s3(document, corsac::s3::S3Options::new("aws", false).unwrap()).unwrap()
        } else {
            Policy::from_json(document).unwrap()
        };
        let mut c_policy = null();
        // SAFETY: the document and the out-parameter live during the call.
        let status = unsafe {
            if is_bucket {
                corsac_policy_from_s3(text(document), text("aws"), false, &mut c_policy, null_mut())
            } else {
                corsac_policy_from_json(text(document), &mut c_policy, null_mut())
            }
        };
        assert_eq!(status, CORSAC_STATUS_OK);
        for _ in 0..20_000 {
            let method = ["OPTIONS", "OPTIONS", "GET", "options"][numbers.below(4)];
            let mut lines = vec![("Origin", LINES[0].1[numbers.below(9).saturating_sub(5)])];
            for _ in 0..numbers.below(16) {
                // Mostly lines of the header that may come more than once.
                let (name, values) = LINES[[2, 2, 2, 2, 2, 1, 0, 3, 4, 5, 6][numbers.below(11)]];
                if name != "ORIGIN" || numbers.below(20) == 0 {
                    lines.push((name, values[numbers.below(values.len())]));
                }
            }
            if numbers.below(10) == 0 {
                lines.remove(0);
            }
            let mut request = Request::new(method);
            for (name, value) in &lines {
                request.header(name, *value);
            }
            let told = told_in_rust(&policy, &request);
            reasons.insert(told.0[4]);
            assert_eq!(told_in_c(c_policy, method, &lines), told, "{document} {method} {lines:?}");
        }
        // SAFETY: the handle is freed once.
        unsafe { corsac_policy_free(c_policy) };
    }
    assert_eq!(reasons.len(), corsac::Reason::ALL.len(), "a reason was never given: {reasons:?}");
}
