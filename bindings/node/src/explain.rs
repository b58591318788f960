//! Explanations and the model of the browser: text in, text out; JavaScript makes objects of it.

use corsac::browser::{ExchangeError, Profile, simulate_json, simulate_sequence_json};
use corsac::explain::explain_json;
use napi::bindgen_prelude::{Error, Result, Status};
use napi_derive::napi;

use crate::s3::policy_again;

fn invalid(error: impl ToString) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}

fn play(
    profile: &str,
    play: impl FnOnce(Profile) -> std::result::Result<String, ExchangeError>,
) -> Result<String> {
    play(profile.parse().map_err(|error: String| invalid(error))?).map_err(invalid)
}

/// Plays one exchange.
///
/// # Errors
/// What makes no sense in it.
#[napi(catch_unwind)]
pub fn simulate(exchange: String, profile: String) -> Result<String> {
    play(&profile, |profile| simulate_json(&exchange, profile))
}

/// Plays exchanges one after another.
///
/// # Errors
/// What makes no sense in them.
#[napi(catch_unwind)]
pub fn simulate_sequence(sequence: String, profile: String) -> Result<String> {
    play(&profile, |profile| simulate_sequence_json(&sequence, profile))
}

/// Explains a question, against the policy of a document, or of a bucket's configuration read with these
/// options, or against its own responses.
///
/// # Errors
/// What makes no sense in it.
#[napi(catch_unwind)]
pub fn explain(
    question: String,
    document: Option<String>,
    dialect: Option<String>,
    strict: bool,
) -> Result<String> {
    // The canonical document of a policy, which is accepted.
    let policy =
        document.map(|document| policy_again(document, dialect, strict)).transpose().map_err(invalid)?;
    explain_json(&question, policy.as_ref()).map_err(invalid)
}
