//! Every interleaving of a few threads around one cell, by loom: the cell's own source, with loom's
//! lock, counter and references in place of the standard library's.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test suite has no public face"
)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use crate::cell::{PolicyCell, PolicyReader};
use crate::policy::Policy;

#[allow(dead_code, unreachable_pub, reason = "a model uses part of it")]
#[path = "../src/cell.rs"]
mod cell;

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use loom::sync::{Arc, RwLock};
}

mod policy {
    /// In place of a policy, to be told apart: its generation in the models where one thread stores.
    #[derive(Debug)]
    pub(crate) struct Policy(pub(crate) u64);
}

fn cell_of(policy: u64) -> Arc<PolicyCell> {
    Arc::new(PolicyCell::new(Arc::new(Policy(policy))))
}

fn store(cell: &PolicyCell, policy: u64) -> u64 {
    cell.store(Arc::new(Policy(policy)))
}

#[test]
fn a_policy_and_the_generation_loaded_with_it_belong_together() {
    loom::model(|| {
        let cell = cell_of(1);
        let writer = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                assert_eq!(store(&cell, 2), 2);
                assert_eq!(store(&cell, 3), 3);
            }
        });
        let mut last = 0;
        for _ in 0..2 {
            let (policy, generation) = cell.load_with_generation();
            assert_eq!(policy.0, generation);
            assert!(generation >= last);
            last = generation;
        }
        writer.join().unwrap();
        assert_eq!(cell.load().0, 3);
    });
}

#[test]
fn a_policy_is_never_older_than_a_generation_that_was_seen() {
    loom::model(|| {
        let cell = cell_of(1);
        let writer = thread::spawn({
            let cell = Arc::clone(&cell);
            move || _ = (store(&cell, 2), store(&cell, 3))
        });
        let seen = cell.generation();
        let (_, generation) = cell.load_with_generation();
        assert!(generation >= seen);
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_gets_the_newest_policy_that_was_stored_before_it_looked() {
    loom::model(|| {
        let cell = cell_of(1);
        let told = Arc::new(AtomicBool::new(false));
        let writer = thread::spawn({
            let (cell, told) = (Arc::clone(&cell), Arc::clone(&told));
            move || {
                store(&cell, 2);
                told.store(true, Ordering::Release);
            }
        });
        let mut reader = PolicyReader::new(cell);
        for _ in 0..2 {
            let must_be_new = told.load(Ordering::Acquire);
            let policy = reader.policy().0;
            assert_eq!(policy, reader.generation());
            assert!(policy == 2 || !must_be_new);
        }
        writer.join().unwrap();
        assert_eq!(reader.policy().0, 2);
    });
}

#[test]
fn what_was_done_before_a_store_is_seen_with_its_generation() {
    loom::model(|| {
        let cell = cell_of(1);
        let done = Arc::new(AtomicBool::new(false));
        let writer = thread::spawn({
            let (cell, done) = (Arc::clone(&cell), Arc::clone(&done));
            move || {
                done.store(true, Ordering::Relaxed);
                store(&cell, 2);
            }
        });
        if cell.generation() == 2 {
            assert!(done.load(Ordering::Relaxed));
        }
        writer.join().unwrap();
    });
}

#[test]
fn of_two_threads_that_store_the_greater_generation_stays() {
    loom::model(|| {
        let cell = cell_of(0);
        let writers = [10, 20].map(|policy| {
            let cell = Arc::clone(&cell);
            thread::spawn(move || (store(&cell, policy), policy))
        });
        let (loaded, generation) = cell.load_with_generation();
        let mut stored = writers.map(|writer| writer.join().unwrap());
        stored.sort_unstable();
        assert_eq!(stored.map(|(generation, _)| generation), [2, 3]);
        let policies = [0, stored[0].1, stored[1].1];
        assert_eq!(loaded.0, policies[usize::try_from(generation).unwrap() - 1]);
        assert_eq!((cell.load().0, cell.generation()), (policies[2], 3));
    });
}
