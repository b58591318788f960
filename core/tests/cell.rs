//! A policy that is replaced while it is used.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test suite has no public face")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread;

use corsac::{Policy, PolicyCell, PolicyReader, Reason};

use crate::replacing::{policy_of, preflight};

mod replacing;

mod parts {
    pub(crate) use std::sync::Arc;

    pub(crate) use corsac::{PolicyCell, PolicyReader};
}

#[test]
fn generations_count_what_many_threads_store() {
    let cell = PolicyCell::holding(Arc::new(0));
    let mut told: Vec<u64> = thread::scope(|scope| {
        let store = || (0..500).map(|value| cell.store(Arc::new(value))).collect::<Vec<_>>();
        let writers = [(); 4].map(|()| scope.spawn(store));
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    told.sort_unstable();
    assert!(told.into_iter().eq(2..=2001), "each number from 2 on is told once");
    assert_eq!(cell.generation(), 2001);
}

#[test]
fn a_policy_that_was_loaded_outlives_its_replacement_and_the_cell() {
    let cell = PolicyCell::new(policy_of(1));
    assert_eq!(cell.generation(), 1);
    let first = cell.load();
    assert_eq!(cell.store(policy_of(2)), 2);
    let (second, generation) = cell.load_with_generation();
    assert_eq!(generation, 2);
    drop(cell);
    assert_eq!(first.evaluate(&preflight()).reason(), Reason::Allowed);
    assert_eq!(second.evaluate(&preflight()).reason(), Reason::MethodNotAllowed);
}

#[test]
fn a_replaced_policy_ends_with_its_last_reference() {
    let first = Arc::new(policy_of(1));
    let alive: Weak<Policy> = Arc::downgrade(&first);
    let cell = PolicyCell::new(first);
    let mut reader = PolicyReader::new(&cell);
    cell.store(Arc::new(policy_of(2)));
    assert!(alive.upgrade().is_some(), "the reader has not looked again");
    assert_eq!(reader.policy().evaluate(&preflight()).reason(), Reason::MethodNotAllowed);
    assert!(alive.upgrade().is_none());
}

#[test]
fn a_document_with_problems_leaves_the_policy_as_it_is() {
    let cell = PolicyCell::new(policy_of(1));
    let before = cell.load();
    let stored = Policy::from_json(r#"{"allow_origins": ["https://app.example.com/"]}"#)
        .map(|policy| cell.store(policy));
    assert!(stored.is_err());
    assert!(Arc::ptr_eq(&before, &cell.load()));
    assert_eq!(cell.generation(), 1);
}

#[test]
fn a_panic_in_a_call_leaves_a_cell_that_works() {
    struct Grudging(bool);
    impl Drop for Grudging {
        fn drop(&mut self) {
            assert!(!self.0, "a policy that ends with a panic");
        }
    }
    let cell = PolicyCell::holding(Arc::new(Grudging(true)));
    let stored = catch_unwind(AssertUnwindSafe(|| cell.store(Arc::new(Grudging(false)))));
    assert!(stored.is_err());
    assert_eq!(cell.generation(), 2);
    assert!(!cell.load().0);
    assert_eq!(cell.store(Arc::new(Grudging(false))), 3);
}

#[test]
fn a_cell_and_a_reader_can_be_moved_and_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    let cell = Arc::new(PolicyCell::new(policy_of(1)));
    let mut reader = PolicyReader::new(Arc::clone(&cell));
    shared(&cell);
    shared(&reader);
    let reason = thread::spawn(move || reader.policy().evaluate(&preflight()).reason()).join().unwrap();
    assert_eq!(reason, Reason::Allowed);
    assert!(format!("{cell:?}").ends_with("generation: 1 }"));
}
