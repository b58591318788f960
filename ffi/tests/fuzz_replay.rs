//! The programs of C calls that fuzzing kept, and every one that ever crashed, through the body of the fuzz target.
//!
//! `make fuzz` looks for new ones.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a claim that fails should panic"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

#[path = "../../core/fuzz/src/c_abi.rs"]
mod c_abi;

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn programs_of_c_calls_keep_their_promises() {
    // A panic inside of a call is caught there; the hook sees it all the same.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        print(panic);
    }));
    let mut inputs = 0;
    for folder in ["corpus", "crashers"] {
        let folder = format!("{}/../core/fuzz/{folder}/c_abi", env!("CARGO_MANIFEST_DIR"));
        let Ok(files) = std::fs::read_dir(&folder) else { continue };
        for file in files {
            let path = file.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            let result = std::panic::catch_unwind(|| c_abi::run(&data));
            assert!(result.is_ok(), "{} breaks a promise", path.display());
            assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{} panics in a call", path.display());
            inputs += 1;
        }
    }
    assert!(inputs > 10, "the inputs are missing");
}
