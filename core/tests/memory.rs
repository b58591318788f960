//! What a policy says it holds is what the allocator gave it.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test suite has no public face")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use corsac::Policy;

struct Counting;

/// Bytes that are allocated and not freed.
static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `GlobalAlloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The one test of this file, since the allocator is the whole program's.
#[test]
fn heap_bytes_are_what_the_allocator_gave() {
    type Name = fn(usize) -> String;
    let kinds: [(&str, Name); 4] = [
        ("exact", |number| format!("https://{number:08}.example")),
        ("subdomains", |number| format!("https://*.{number:08}.example.com")),
        ("within a label", |number| format!("https://p{number:08}-*.example.com")),
        ("scheme", |number| format!("scheme{number:08}://*")),
    ];
    for (kind, name) in kinds {
        // Just above a power of two, where what grew by doubling has the most to give back.
        let document = {
            let origins: Vec<String> = (0..17_000).map(|number| format!("\"{}\"", name(number))).collect();
            format!(r#"{{"allow_origins":[{}]}}"#, origins.join(","))
        };
        let before = LIVE.load(Ordering::Relaxed);
        let policy = Policy::from_json(document.as_bytes()).unwrap();
        let held = LIVE.load(Ordering::Relaxed) - before;
        assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
        let said = policy.heap_bytes();
        // Nothing is left of what growing reserved.
        assert!(kind != "exact" || said < 17_000 * (name(0).len() + 16), "{said} bytes");
        assert!(said.abs_diff(held) * 100 <= held, "{kind}: {said} bytes are told, {held} are held");
    }
}
