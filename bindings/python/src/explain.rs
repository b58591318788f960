//! Explanations and the model of the browser: text in, text out; the package makes objects of it.

use corsac::browser::{ExchangeError, Profile, simulate_json, simulate_sequence_json};
use corsac::explain::explain_json;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::policy::Policy;

fn value_error(error: impl ToString) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Runs what may take a while, and needs nothing of Python.
fn run(
    py: Python<'_>,
    profile: &str,
    play: impl FnOnce(Profile) -> Result<String, ExchangeError> + Send,
) -> PyResult<String> {
    let profile = profile.parse().map_err(|error: String| value_error(error))?;
    py.detach(|| play(profile)).map_err(value_error)
}

#[pyfunction]
#[pyo3(signature = (exchange, profile, /))]
pub(crate) fn simulate(py: Python<'_>, exchange: &str, profile: &str) -> PyResult<String> {
    run(py, profile, |profile| simulate_json(exchange, profile))
}

#[pyfunction]
#[pyo3(signature = (sequence, profile, /))]
pub(crate) fn simulate_sequence(py: Python<'_>, sequence: &str, profile: &str) -> PyResult<String> {
    run(py, profile, |profile| simulate_sequence_json(sequence, profile))
}

#[pyfunction]
#[pyo3(signature = (question, policy, /))]
pub(crate) fn explain(
    py: Python<'_>,
    question: &str,
    policy: Option<&Bound<'_, Policy>>,
) -> PyResult<String> {
    let policy = policy.map(|policy| policy.get().core());
    py.detach(|| explain_json(question, policy)).map_err(value_error)
}
