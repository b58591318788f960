//! The inputs that fuzzing kept, and every one that ever crashed, through the bodies of the fuzz targets.
//!
//! `make fuzz` looks for new ones.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a claim that fails should panic"
)]

#[path = "../fuzz/src/bodies/mod.rs"]
mod bodies;

/// Runs `body` over the files of `corpus/TARGET` and `crashers/TARGET`, and says which one fails.
fn replay(target: &str, body: fn(&[u8])) {
    let mut inputs = 0;
    for folder in ["corpus", "crashers"] {
        let folder = format!("{}/fuzz/{folder}/{target}", env!("CARGO_MANIFEST_DIR"));
        let Ok(files) = std::fs::read_dir(&folder) else { continue };
        for file in files {
            let path = file.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            let result = std::panic::catch_unwind(|| body(&data));
            assert!(result.is_ok(), "{} breaks a promise", path.display());
            inputs += 1;
        }
    }
    assert!(inputs > 10, "the inputs of {target} are missing");
    for data in [&b""[..], b"\x1e", b"\0", b"\xff"] {
        body(data);
    }
}

#[test]
fn documents_keep_their_promises() {
    replay("document", bodies::document::run);
}

#[test]
fn patterns_keep_their_promises() {
    replay("pattern", bodies::pattern::run);
}

#[test]
fn origins_keep_their_promises() {
    replay("origin", bodies::origin::run);
}

#[test]
fn header_lists_keep_their_promises() {
    replay("header_list", bodies::header_list::run);
}

#[test]
fn decisions_keep_their_promises() {
    replay("evaluate", bodies::evaluate::run);
}

#[test]
fn configurations_of_buckets_keep_their_promises() {
    replay("s3", bodies::s3::run);
}
