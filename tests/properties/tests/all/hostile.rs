//! Property 7: no input panics, loops or allocates.

#![allow(missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use corsac::Request;
use corsac_properties::compare::shown_to_engine;
use corsac_properties::draw::Draw;
use corsac_properties::generate;
use corsac_properties::generate::origin::Pools;
use corsac_properties::run::{check, policy};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
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

fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

/// Bytes of any kind, short and long.
fn bytes(draw: &mut Draw<'_>) -> Vec<u8> {
    const WORDS: [&str; 20] = [
        "https",
        "http",
        "://",
        ":",
        "[",
        "]",
        ".",
        "*",
        "example.com",
        "localhost",
        "null",
        ",",
        " ",
        "\t",
        "x-a",
        "PUT",
        "\0",
        "\r\n",
        "\u{e9}",
        "443",
    ];
    let mut bytes = Vec::new();
    for _ in 0..draw.below(12) {
        match draw.below(8) {
            0 => bytes.push(draw.number() as u8),
            1 => bytes.extend(vec![draw.number() as u8; draw.choose(&[1, 63, 254, 9_000])]),
            _ => bytes.extend(draw.choose(&WORDS).as_bytes()),
        }
    }
    bytes
}

#[test]
fn no_input_panics_or_allocates() {
    const NAMES: [&str; 6] = [
        "Origin",
        "Access-Control-Request-Method",
        "Access-Control-Request-Headers",
        "Host",
        ":authority",
        "Sec-Fetch-Site",
    ];
    check(2_000, 16, |draw, requests| {
        let (document, policy) = policy(draw)?;
        let pools = Pools::of(&document);
        for draw in requests {
            let mut request = generate::request(draw, &pools);
            for _ in 0..draw.below(4) {
                let name = draw.choose(&NAMES);
                let line = (name.into(), bytes(draw));
                if draw.chance(60) {
                    request.lines.retain(|(of, _)| of != name.as_bytes());
                }
                for _ in 0..draw.choose(&[1, 1, 1, 2, 9, 300]) {
                    request.lines.push(line.clone());
                }
            }
            if draw.chance(10) {
                request.method = bytes(draw);
            }
            let before = allocations();
            let facts: Request<'_> = black_box(shown_to_engine(&request));
            let decision = policy.evaluate(&facts);
            let edits = decision.headers().map(|edit| edit.value.len()).sum::<usize>();
            let named = decision.rule_name().map_or(0, str::len);
            let mut allowed = 0;
            for (_, value) in &request.lines {
                allowed += usize::from(policy.allows_origin(Some(value), false));
            }
            black_box((edits, named, allowed));
            let allocated = allocations() - before;
            if allocated > 0 {
                return Err(format!("{allocated} allocations\n{document:#}\n{request:?}"));
            }
        }
        Ok(())
    });
    let before = allocations();
    drop(black_box(Box::new(1)));
    assert_eq!(allocations(), before + 1, "the counter counts");
}
