//! Claims about policies that are replaced while threads evaluate them, for the cell of the crate and
//! for one whose parts ThreadSanitizer sees: whoever includes this says what [`super::parts`] are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use corsac::{Decision, Policy, Request};

use super::parts::{Arc, PolicyCell, PolicyReader};

const STORES: u64 = 1_000;
const READERS: usize = 4;

/// The policy of a generation: odd and even ones differ in everything that a decision tells.
pub(crate) fn policy_of(generation: u64) -> Policy {
    let mut builder = Policy::builder();
    if generation % 2 == 1 {
        builder.allow_origin("https://app.example.com").allow_method("PUT").allow_header("x-odd").max_age(1);
        builder.allow_credentials(true);
    } else {
        builder.allow_origin("https://*.example.com").allow_method("PATCH").allow_header("x-even").max_age(2);
    }
    builder.build().unwrap()
}

/// What policies of odd generations allow, and those of even ones refuse.
pub(crate) fn preflight() -> Request<'static> {
    let mut request = Request::new("OPTIONS");
    request
        .header("Origin", "https://app.example.com")
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "x-odd");
    request
}

/// Everything that a decision tells, as text.
fn told(decision: &Decision<'_>) -> String {
    let outcome = (decision.kind(), decision.action(), decision.status(), decision.reason(), decision.rule());
    let edits: Vec<String> =
        decision.headers().map(|edit| format!("{} {}: {:?}", edit.op, edit.name(), edit.value)).collect();
    format!("{outcome:?} {edits:?}")
}

type Numbered = (Arc<Policy>, u64);

/// Threads evaluate what `read` gives them, with its generation, while every policy is replaced by the next.
fn while_policies_are_replaced(read: fn(&PolicyCell) -> Vec<Numbered>) {
    let cell = PolicyCell::new(policy_of(1));
    let [odd, even] = [1, 2].map(|generation| told(&policy_of(generation).evaluate(&preflight())));
    assert_ne!(odd, even);
    let done = AtomicBool::new(false);
    let seen = AtomicU64::new(0);
    thread::scope(|scope| {
        let readers = [(); READERS].map(|()| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for (policy, generation) in read(&cell) {
                        let decision = &told(&policy.evaluate(&preflight()));
                        assert_eq!(decision, if generation % 2 == 1 { &odd } else { &even });
                        seen.fetch_max(generation, Ordering::Relaxed);
                    }
                }
            })
        });
        for generation in 2..=STORES {
            assert_eq!(cell.store(policy_of(generation)), generation);
            // Until somebody has seen it: the readers are not to sleep through all of them.
            while generation % 16 == 0 && seen.load(Ordering::Relaxed) < generation {
                if readers.iter().any(|reader| reader.is_finished()) {
                    break;
                }
                thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(cell.generation(), STORES);
}

#[test]
fn a_decision_belongs_wholly_to_the_policy_that_was_loaded() {
    while_policies_are_replaced(|cell| vec![cell.load_with_generation()]);
}

#[test]
fn a_decision_belongs_wholly_to_the_policy_of_a_reader() {
    while_policies_are_replaced(|cell| {
        let mut reader = PolicyReader::new(cell);
        let mut last = 0;
        let mut looked = || {
            let policy = Arc::clone(reader.policy());
            assert!(reader.generation() >= last);
            last = reader.generation();
            (policy, last)
        };
        (0..16).map(|_| looked()).collect()
    });
}
