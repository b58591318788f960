//! A decision allocates nothing: counted, for every kind of decision and for hostile input.

#![allow(missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use corsac::s3::S3Options;
use corsac::{Policy, Request};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `GlobalAlloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_decision_allocates_nothing() {
    let documents = [
        r#"{"allow_origins":["https://app.example.com","https://*.example.org","http://localhost:*","app://*","http://[::1]:9090"],
            "allow_methods":["PUT"],"allow_headers":["content-type","x-token"],"max_age":600}"#,
        r#"{"allow_origins":"*","allow_methods":"*","allow_headers":"*","expose_headers":"*"}"#,
        r#"{"allow_origins":["https://app.example.com"],"allow_methods":"*","allow_headers":"*","allow_credentials":true}"#,
    ];
    let bucket = r#"[{"AllowedOrigins":["https://app.example.com","https://*.example.org","null"],"AllowedMethods":["PUT"],
        "AllowedHeaders":["content-type","x-*"],"ExposeHeaders":["ETag"]},{"AllowedOrigins":["*"],"AllowedMethods":["GET"]}]"#;
    let buckets = ["zenko", "aws"].into_iter().flat_map(|dialect| {
        [false, true].map(|strict| Policy::from_s3(bucket, S3Options::new(dialect, strict).unwrap()).unwrap())
    });
    let policies = documents.map(|document| Policy::from_json(document).unwrap());
    let policies: Vec<Policy> = policies.into_iter().chain(buckets).collect();
    let long = "x".repeat(100_000);
    let commas = ",".repeat(8_000);
    let labels = format!("https://{}example.org", "a.".repeat(100));
    let origins = [
        "https://app.example.com",
        "https://a.example.org",
        "http://localhost:3000",
        "app://x",
        "null",
        "",
        &long,
        "http://[::1]:9090",
        "http://[0::1]",
        "https://evil.test",
        &labels,
        "https://app.example.com:443",
    ];
    let headers =
        ["content-type,x-token", "X-Token , Content-Type", "x-evil", "", &long, &commas, "b,a,content-type"];
    let mut requests = Vec::new();
    for origin in origins {
        for method in ["GET", "OPTIONS"] {
            for requested in ["PUT", "DELETE", "GET", "", "a b", &long] {
                for names in headers {
                    let mut request = Request::new(method);
                    request.header("Host", "localhost:3000").header("Origin", origin);
                    request.header("Access-Control-Request-Method", requested);
                    request.header("Access-Control-Request-Headers", names);
                    request.header("Access-Control-Request-Headers", "x-token");
                    requests.push(request);
                }
            }
        }
    }
    requests.push(Request::new("GET"));
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let mut edits = 0;
    for policy in &policies {
        for request in &requests {
            let decision = black_box(policy).evaluate(black_box(request));
            edits += decision.headers().count();
            black_box(policy.allows_origin(Some("https://a.example.org"), false));
        }
    }
    let after = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(edits > 0);
    assert_eq!(after - before, 0, "{} decisions allocated", requests.len() * policies.len());
    // The counter counts.
    drop(black_box(Box::new(1)));
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > after);
}
