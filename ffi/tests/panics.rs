//! A panic inside any function ends there: a status or nothing comes out, and nothing is granted.
//!
//! `cargo test --release -p corsac-ffi --features forced-panic --test panics`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a claim that fails should panic")]

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::ptr::{from_mut, null, null_mut};

use corsac_ffi::*;

const DOCUMENT: &str =
    r#"{"allow_origins":["https://a.example"],"allow_methods":["put"],"allow_headers":["content-type"]}"#;

fn text(text: &str) -> corsac_str {
    corsac_str { data: text.as_ptr().cast(), len: text.len() }
}

/// Calls with a panic in every guarded body.
fn forced<T>(call: impl FnOnce() -> T) -> T {
    force_panics(true);
    let result = call();
    force_panics(false);
    result
}

fn policy() -> *const corsac_policy {
    let mut policy = null();
    // SAFETY: the document and the out-parameter live during the call.
    let status = unsafe { corsac_policy_from_json(text(DOCUMENT), &mut policy, null_mut()) };
    assert_eq!(status, CORSAC_STATUS_OK);
    policy
}

fn request(method: &str) -> corsac_request {
    let mut request = std::mem::MaybeUninit::<corsac_request>::uninit();
    // SAFETY: the memory has the size that is passed, and is written by the call.
    unsafe {
        corsac_request_init(request.as_mut_ptr().cast(), size_of::<corsac_request>(), text(method));
        request.assume_init()
    }
}

fn decision() -> corsac_decision {
    let mut decision = std::mem::MaybeUninit::<corsac_decision>::uninit();
    // SAFETY: the memory has the size that is passed, and is written by the call.
    unsafe {
        corsac_decision_init(decision.as_mut_ptr().cast(), size_of::<corsac_decision>());
        decision.assume_init()
    }
}

fn assert_grants_nothing(decision: &corsac_decision) {
    let numbers = [decision.kind, decision.action, decision.status, decision.allowed, decision.reason];
    assert_eq!(numbers, [0; 5]);
    assert_eq!((decision.rule, decision.headers_len, decision.flags), (CORSAC_NO_RULE, 0, 0));
    // SAFETY: the decision lives, and no header is asked for.
    assert_eq!(unsafe { corsac_decision_headers(decision, null_mut(), 0) }, 0);
}

/// What a process that panics in the library writes to its standard error. A test runner sets no
/// hook of its own, so a panic in this process would print.
#[test]
fn no_panic_prints() {
    if std::env::var_os("CORSAC_TEST_CHILD").is_some() {
        // SAFETY: the out-parameter may be NULL.
        let status = forced(|| unsafe { corsac_policy_from_json(text("{}"), null_mut(), null_mut()) });
        assert_eq!(status, CORSAC_STATUS_PANIC);
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_panic_prints", "--nocapture"])
        .env("CORSAC_TEST_CHILD", "1")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// One test, since the panics are forced for the whole process.
#[test]
fn no_panic_leaves_a_function() {
    // So that a failing claim is printed.
    keep_panic_hook();
    let mut covered = BTreeSet::new();
    let mut covers = |names: &[&'static str]| covered.extend(names.iter().copied());
    let policy = policy();

    // SAFETY: here and below, every handle is live, is freed once, and strings are static.
    unsafe {
        let mut out = policy;
        let mut error = null_mut();
        let status = forced(|| corsac_policy_from_json(text(DOCUMENT), &mut out, &mut error));
        assert_eq!((status, out, error), (CORSAC_STATUS_PANIC, null(), null_mut()));
        covers(&["corsac_policy_from_json"]);

        let (mut out, mut error) = (policy, null_mut());
        let status = forced(|| corsac_policy_from_s3(text("<a/>"), text("aws"), false, &mut out, &mut error));
        assert_eq!((status, out, error), (CORSAC_STATUS_PANIC, null(), null_mut()));
        let status = corsac_policy_from_s3(text("<a/>"), text("aws"), false, &mut out, &mut error);
        assert_eq!((status, out), (CORSAC_STATUS_CONFIG, null()));
        assert!(forced(|| corsac_error_s3_code(error)).data.is_null());
        let mut body = null_mut();
        let status = forced(|| corsac_error_s3_body(error, text(""), text(""), &mut body));
        assert_eq!((status, body), (CORSAC_STATUS_PANIC, null_mut()));
        corsac_error_free(error);
        let status = forced(|| corsac_policy_s3_xml(policy, &mut body));
        assert_eq!((status, body), (CORSAC_STATUS_PANIC, null_mut()));
        let (mut http_status, mut code) = (7, text("x"));
        let status = forced(|| {
            let (none, out) = (text(""), &raw mut http_status);
            corsac_s3_error(CORSAC_S3_BAD_DIGEST, none, null(), true, none, none, out, &mut code, &mut body)
        });
        assert_eq!((status, http_status, body), (CORSAC_STATUS_PANIC, 0, null_mut()));
        assert!(code.data.is_null());
        covers(&[
            "corsac_s3_error",
            "corsac_policy_from_s3",
            "corsac_error_s3_code",
            "corsac_error_s3_body",
            "corsac_policy_s3_xml",
        ]);

        assert!(forced(|| corsac_policy_clone(policy)).is_null());
        assert!(!forced(|| corsac_policy_allows_origin(policy, text("https://a.example"), false)));
        let mut document = null_mut();
        let status = forced(|| corsac_policy_document(policy, &mut document));
        assert_eq!((status, document), (CORSAC_STATUS_PANIC, null_mut()));
        let mut warnings = null_mut();
        let status = forced(|| corsac_policy_warnings(policy, &mut warnings));
        assert_eq!((status, warnings), (CORSAC_STATUS_PANIC, null_mut()));
        covers(&[
            "corsac_policy_clone",
            "corsac_policy_allows_origin",
            "corsac_policy_document",
            "corsac_policy_warnings",
        ]);

        assert_eq!(corsac_policy_document(policy, &mut document), CORSAC_STATUS_OK);
        assert!(forced(|| corsac_text_data(document)).is_null());
        assert_eq!(forced(|| corsac_text_len(document)), 0);
        forced(|| corsac_text_free(document));
        corsac_text_free(document);
        covers(&["corsac_text_data", "corsac_text_len", "corsac_text_free"]);

        assert_eq!(corsac_policy_warnings(policy, &mut warnings), CORSAC_STATUS_OK);
        assert_eq!(corsac_error_len(warnings), 1);
        assert_eq!(forced(|| corsac_error_len(warnings)), 0);
        assert_eq!(forced(|| corsac_error_unreported(warnings)), 0);
        for part in [
            corsac_error_code,
            corsac_error_path,
            corsac_error_value,
            corsac_error_message,
            corsac_error_suggestion,
        ] {
            assert!(!part(warnings, 0).data.is_null());
            assert!(forced(|| part(warnings, 0)).data.is_null());
        }
        assert_eq!(forced(|| corsac_error_line(warnings, 0)), 0);
        assert_eq!(forced(|| corsac_error_column(warnings, 0)), 0);
        forced(|| corsac_error_free(warnings));
        corsac_error_free(warnings);
        covers(&[
            "corsac_error_len",
            "corsac_error_unreported",
            "corsac_error_code",
            "corsac_error_path",
            "corsac_error_value",
            "corsac_error_message",
            "corsac_error_suggestion",
            "corsac_error_line",
            "corsac_error_column",
            "corsac_error_free",
        ]);

        assert!(forced(|| corsac_builder_new()).is_null());
        type Setter = fn(*mut corsac_builder);
        let setters: [(&str, Setter); 18] = [
            ("corsac_builder_allow_origin", |builder| corsac_builder_allow_origin(builder, text("*"))),
            ("corsac_builder_allow_method", |builder| corsac_builder_allow_method(builder, text("PUT"))),
            ("corsac_builder_allow_header", |builder| corsac_builder_allow_header(builder, text("x-a"))),
            ("corsac_builder_expose_header", |builder| corsac_builder_expose_header(builder, text("x-a"))),
            ("corsac_builder_allow_credentials", |builder| corsac_builder_allow_credentials(builder, false)),
            ("corsac_builder_max_age", |builder| corsac_builder_max_age(builder, 1)),
            ("corsac_builder_timing_allow_origin", |builder| {
                corsac_builder_timing_allow_origin(builder, text("*"));
            }),
            ("corsac_builder_dangerously_allow", |builder| {
                corsac_builder_dangerously_allow(builder, text("null-origin"));
            }),
            ("corsac_builder_name", |builder| corsac_builder_name(builder, text("a"))),
            ("corsac_builder_description", |builder| corsac_builder_description(builder, text("a"))),
            ("corsac_builder_refused_requests", |builder| {
                corsac_builder_refused_requests(builder, text("forbid"))
            }),
            ("corsac_builder_own_origin", |builder| {
                corsac_builder_own_origin(builder, text("https://b.example"))
            }),
            ("corsac_builder_foreign_headers", |builder| {
                corsac_builder_foreign_headers(builder, text("keep"))
            }),
            ("corsac_builder_expect_allow", |builder| {
                corsac_builder_expect_allow(builder, text("https://a.example"));
            }),
            ("corsac_builder_expect_refuse", |builder| {
                corsac_builder_expect_refuse(builder, text("https://b.example"));
            }),
            ("corsac_builder_acknowledge", |builder| corsac_builder_acknowledge(builder, text("duplicate"))),
            ("corsac_builder_preflight_status", |builder| corsac_builder_preflight_status(builder, 200)),
            ("corsac_builder_next_rule", |builder| corsac_builder_next_rule(builder)),
        ];
        for (name, setter) in setters {
            let builder = corsac_builder_new();
            corsac_builder_allow_origin(builder, text("https://a.example"));
            forced(|| setter(builder));
            let mut out = policy;
            assert_eq!(corsac_builder_build(builder, &mut out, null_mut()), CORSAC_STATUS_PANIC, "{name}");
            assert!(out.is_null(), "{name}");
            corsac_builder_free(builder);
            covers(&[name]);
        }
        let builder = corsac_builder_new();
        corsac_builder_allow_origin(builder, text("*"));
        let status = forced(|| corsac_builder_build(builder, &mut out, &mut error));
        assert_eq!((status, out, error), (CORSAC_STATUS_PANIC, null(), null_mut()));
        forced(|| corsac_builder_free(builder));
        corsac_builder_free(builder);
        covers(&["corsac_builder_new", "corsac_builder_build", "corsac_builder_free"]);

        let mut made = decision();
        let good = {
            let mut request = request("GET");
            corsac_request_header(&mut request, text("Origin"), text("https://a.example"));
            request
        };
        assert_eq!(corsac_policy_evaluate(policy, &good, &mut made), CORSAC_STATUS_OK);
        assert_eq!((made.allowed, made.headers_len), (1, 2));
        assert_eq!(forced(|| corsac_decision_headers(&made, null_mut(), 0)), 0);
        assert_eq!(forced(|| corsac_decision_format(&made, null_mut(), 0)), 0);
        assert!(forced(|| corsac_decision_rule_name(&made)).data.is_null());
        assert!(forced(|| corsac_decision_s3_code(&made)).data.is_null());
        let status = forced(|| corsac_decision_s3_body(&made, false, text(""), text(""), &mut body));
        assert_eq!((status, body), (CORSAC_STATUS_PANIC, null_mut()));
        let status = forced(|| corsac_decision_s3_headers(&made, &mut body));
        assert_eq!((status, body), (CORSAC_STATUS_PANIC, null_mut()));
        assert_eq!(forced(|| corsac_policy_evaluate(policy, &good, &mut made)), CORSAC_STATUS_PANIC);
        assert_grants_nothing(&made);
        covers(&[
            "corsac_policy_evaluate",
            "corsac_decision_headers",
            "corsac_decision_format",
            "corsac_decision_rule_name",
            "corsac_decision_s3_code",
            "corsac_decision_s3_body",
            "corsac_decision_s3_headers",
        ]);

        let broken = forced(|| request("GET"));
        assert_eq!(corsac_policy_evaluate(policy, &broken, &mut made), CORSAC_STATUS_PANIC);
        let mut broken = request("GET");
        forced(|| corsac_request_header(&mut broken, text("x-a"), text("b")));
        assert_eq!(corsac_policy_evaluate(policy, &broken, &mut made), CORSAC_STATUS_PANIC);
        assert_grants_nothing(&made);
        covers(&["corsac_request_init", "corsac_request_header"]);

        let mut memory = corsac_decision { allowed: 1, headers_len: 3, ..decision() };
        forced(|| corsac_decision_init(from_mut(&mut memory).cast(), size_of::<corsac_decision>()));
        assert_grants_nothing(&memory);
        covers(&["corsac_decision_init"]);

        assert_eq!(CStr::from_ptr(forced(|| corsac_status_name(0))), c"unknown");
        assert_eq!(CStr::from_ptr(forced(|| corsac_reason_name(1))), c"unknown");
        assert_eq!(CStr::from_ptr(forced(|| corsac_version())), c"");
        assert_eq!(forced(|| corsac_abi_version()), CORSAC_ABI_VERSION);
        covers(&["corsac_status_name", "corsac_reason_name", "corsac_version", "corsac_abi_version"]);
        assert_eq!(CStr::from_ptr(forced(|| corsac_public_suffix_list())), c"");
        assert_eq!(CStr::from_ptr(corsac_public_suffix_list()).to_str(), Ok(corsac::PUBLIC_SUFFIX_LIST));
        covers(&["corsac_public_suffix_list"]);

        assert!(forced(|| corsac_cell_new(policy)).is_null());
        let cell = corsac_cell_new(policy);
        forced(|| corsac_cell_store(cell, policy));
        assert_eq!(corsac_cell_generation(cell), 1);
        assert_eq!(forced(|| corsac_cell_generation(cell)), 0);
        let mut generation = 9;
        assert!(forced(|| corsac_cell_load(cell, &mut generation)).is_null());
        assert_eq!(generation, 0);
        let loaded = corsac_cell_load(cell, &mut generation);
        assert_eq!((loaded, generation), (policy, 1));
        corsac_policy_free(loaded);
        forced(|| corsac_cell_free(cell));
        corsac_cell_free(cell);
        covers(&[
            "corsac_cell_new",
            "corsac_cell_store",
            "corsac_cell_load",
            "corsac_cell_generation",
            "corsac_cell_free",
        ]);

        forced(|| corsac_policy_free(policy));
        corsac_policy_free(policy);
        covers(&["corsac_policy_free"]);
    }

    let symbols = include_str!("../../tests/abi/symbols.txt");
    let missing: Vec<&str> = symbols.lines().filter(|name| !covered.contains(name)).collect();
    assert!(missing.is_empty(), "functions without a claim here: {missing:?}");
}
