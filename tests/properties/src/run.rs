//! Cases by the thousand: from a seed in a long run, from tapes that proptest shrinks otherwise.

use std::cell::Cell;

use corsac::Policy;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::Value;

use crate::draw::Draw;
use crate::generate;

/// Numbers on a tape: more than the largest policy takes.
const POLICY_TAPE: usize = 400;
const REQUEST_TAPE: usize = 80;

/// `CORSAC_SEED`, or always the same: a test that fails on one day only helps nobody.
pub fn seed() -> u64 {
    number_from("CORSAC_SEED").unwrap_or(1)
}

/// A number in an environment variable.
pub fn number_from(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Builds a generated document, which must be accepted.
pub fn build(document: &Value) -> Result<Policy, TestCaseError> {
    Policy::from_json(document.to_string())
        .map_err(|error| TestCaseError::fail(format!("refused: {error}\n{document:#}")))
}

/// Runs a property on `cases` policies with `requests` tapes each, and shrinks what fails.
pub fn check(
    cases: u32,
    requests: usize,
    property: impl Fn(&mut Draw<'_>, &mut [Draw<'_>]) -> Result<(), String>,
) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let policy = vec(any::<u32>(), 0..=POLICY_TAPE);
    let tapes = vec(vec(any::<u32>(), 0..=REQUEST_TAPE), 1..=requests);
    let result = runner.run(&(policy, tapes), |(policy, tapes)| {
        let mut draws: Vec<Draw<'_>> = tapes.iter().map(|tape| Draw::from_tape(tape)).collect();
        property(&mut Draw::from_tape(&policy), &mut draws).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("CORSAC_SEED={}: {error}", seed());
    }
}

/// Counts how often a property was really put to the test.
#[derive(Debug, Default)]
pub struct Count(Cell<u32>);

impl Count {
    pub fn one(&self) {
        self.0.set(self.0.get() + 1);
    }

    pub fn at_least(&self, times: u32) {
        assert!(self.0.get() >= times, "put to the test only {} times", self.0.get());
    }
}

/// A policy from a tape: its document and the policy.
pub fn policy(draw: &mut Draw<'_>) -> Result<(Value, Policy), String> {
    let document = generate::policy(draw);
    let policy = build(&document).map_err(|error| error.to_string())?;
    Ok((document, policy))
}
