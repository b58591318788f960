//! Engine and twin on as many requests as one likes: `CORSAC_CASES=10000000 CORSAC_SEED=1`.
//!
//! Every hundred requests have a policy of their own, made from the seed and its number, so that a
//! failure names the one seed that repeats it.

#![allow(missing_docs)]
#![allow(clippy::panic, clippy::print_stdout, reason = "a long run tells what it did")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use corsac_properties::browser::Profile;
use corsac_properties::compare::compare;
use corsac_properties::draw::Draw;
use corsac_properties::generate::origin::Pools;
use corsac_properties::run::{number_from, policy, seed};
use corsac_properties::{generate, twin::Twin};

use crate::browser::agreement;

const THREADS: usize = 2;
/// To one policy.
const REQUESTS: u64 = 100;

/// How often each kind and reason was met.
type Met = BTreeMap<(&'static str, &'static str), u64>;

fn compare_all(seed: u64, met: &mut Met) {
    let mut draw = Draw::from_seed(seed);
    let (document, policy) = policy(&mut draw).unwrap_or_else(|error| panic!("CORSAC_SEED={seed}: {error}"));
    let (twin, pools) = (Twin::read(&document), Pools::of(&document));
    for _ in 0..REQUESTS {
        let request = generate::request(&mut draw, &pools);
        match compare(&policy, &twin, &request) {
            Ok(decision) => *met.entry((decision.kind, decision.reason)).or_default() += 1,
            Err(error) => panic!("CORSAC_SEED={seed} CORSAC_CASES={REQUESTS}\n{document:#}\n{error}"),
        }
    }
}

/// What a browser reads and what the evaluator allows, in every profile.
fn browser_and_engine_agree(seed: u64) -> u64 {
    let mut draw = Draw::from_seed(seed);
    let (document, policy) = policy(&mut draw).unwrap_or_else(|error| panic!("CORSAC_SEED={seed}: {error}"));
    let (twin, pools) = (Twin::read(&document), Pools::of(&document));
    let mut compared = 0;
    for _ in 0..REQUESTS {
        let script = generate::script(&mut draw, &pools);
        let mut is_compared = false;
        for profile in Profile::ALL {
            match agreement(&document, &policy, &twin, &script, profile) {
                Ok(met) => is_compared |= met.is_some(),
                Err(error) => panic!("CORSAC_SEED={seed}\n{error}"),
            }
        }
        compared += u64::from(is_compared);
    }
    compared
}

#[test]
fn browser_and_engine_agree_script_after_script() {
    let cases = number_from("CORSAC_SCRIPTS").unwrap_or(10_000);
    let (seed, started) = (seed(), Instant::now());
    let next = AtomicU64::new(0);
    let compared = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while compared.load(Ordering::Relaxed) < cases {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    compared
                        .fetch_add(browser_and_engine_agree(seed.wrapping_add(number)), Ordering::Relaxed);
                }
            });
        }
    });
    let (compared, policies) = (compared.into_inner(), next.into_inner());
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{compared} scripts in three browsers agree with {policies} policies, seed {seed}, {seconds:.0} seconds"
    );
}

#[test]
fn engine_and_twin_agree_case_after_case() {
    let long = number_from("CORSAC_CASES");
    let cases = long.unwrap_or(100_000);
    // A long run begins somewhere else every time, unless it is told where.
    let now = || SystemTime::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_micros() as u64);
    let seed = if long.is_some() && number_from("CORSAC_SEED").is_none() { now() } else { seed() };
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let policies = cases.div_ceil(REQUESTS);
    let mut met = Met::new();
    std::thread::scope(|scope| {
        let work = || {
            let mut met = Met::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= policies {
                    return met;
                }
                compare_all(seed.wrapping_add(number), &mut met);
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let of_thread = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for (key, number) in of_thread {
                *met.entry(key).or_default() += number;
            }
        }
    });
    let compared: u64 = met.values().sum();
    for ((kind, reason), number) in &met {
        println!("{:6.2} %  {kind} {reason}", *number as f64 * 100.0 / compared as f64);
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{compared} requests to {policies} policies agree, seed {seed}, {seconds:.0} seconds");
    // Every kind with every reason, or the generator has gone blind.
    assert_eq!(met.len(), 15, "{met:?}");
    assert!(met.values().all(|number| number * 1_000 >= compared), "{met:?}");
}
