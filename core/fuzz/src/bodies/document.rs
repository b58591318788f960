//! Any bytes as a policy document.

use corsac::Policy;

use super::claims;

/// A document is refused with problems that can be shown, or makes a policy that leads back to itself.
pub fn run(data: &[u8]) {
    match Policy::from_json(data) {
        Ok(policy) => {
            claims::round_trips(&policy);
            assert!(policy.answers().len() >= 7);
            for warning in policy.warnings() {
                claims::is_a_problem(warning, Some(data));
            }
        }
        Err(error) => claims::is_an_error(&error, Some(data)),
    }
}
