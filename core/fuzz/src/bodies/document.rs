//! Any bytes as a policy document.

use corsac::{Policy, Problem};
use serde_json::value::RawValue;

use super::claims;

/// A document is refused with problems that can be shown, or makes a policy that leads back to itself. What is
/// suggested helps.
pub fn run(data: &[u8]) {
    match Policy::from_json(data) {
        Ok(policy) => {
            claims::round_trips(&policy);
            for warning in policy.warnings() {
                claims::is_a_problem(warning, Some(data));
                repairs_a_warning(data, &policy, warning);
            }
        }
        Err(error) => {
            claims::is_an_error(&error, Some(data));
            // Where the text is no JSON, values may not end.
            let is_json = error.problems().iter().all(|problem| problem.code != "invalid-json");
            for problem in error.problems().iter().filter(|_| is_json).take(4) {
                repairs_a_problem(data, error.problems(), problem);
            }
        }
    }
}

/// With the suggestion, the problem is gone, and no other one came but those that guards know of.
fn repairs_a_problem(data: &[u8], problems: &[Problem], problem: &Problem) {
    let Some(repaired) = repaired(data, problem) else { return };
    let Err(error) = Policy::from_json(&repaired) else { return };
    for left in error.problems() {
        let new = !problems.iter().any(|old| (old.code, &old.path) == (left.code, &left.path));
        let guards = left.code.ends_with("-with-credentials")
            || matches!(left.code, "null-origin" | "expectation-failed");
        // Behind a key that was unknown stands what nobody looked at.
        assert!(!new || guards || problem.code == "unknown-key", "{problem} brings {left}");
        let same = (left.code, left.line, left.column) == (problem.code, problem.line, problem.column);
        assert!(!same, "{problem} stays: {repaired}");
    }
}

/// With the suggestion, the policy builds and the warning is gone.
fn repairs_a_warning(data: &[u8], policy: &Policy, warning: &Problem) {
    let Some(repaired) = repaired(data, warning) else { return };
    let again = Policy::from_json(&repaired).expect("what a warning suggests is valid");
    assert!(!again.warnings().iter().any(|other| (other.code, &other.path) == (warning.code, &warning.path)));
    if warning.code == "made-canonical" {
        assert_eq!(again.document(), policy.document());
    }
}

/// The text with the suggestion in the place of what the problem points at.
fn repaired(data: &[u8], problem: &Problem) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let suggestion = problem.suggestion.as_ref()?;
    let (line, column) = (problem.line? as usize, problem.column? as usize);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let start = before + text[before..].chars().take(column - 1).map(char::len_utf8).sum::<usize>();
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<&RawValue>();
    values.next().expect("a value").expect("a value that was read before");
    let end = start + values.byte_offset();
    let is_json = matches!(problem.code, "wrong-type" | "max-age-out-of-range")
        || (problem.code == "unknown-value" && problem.path == "preflight_status");
    let suggestion = if is_json { suggestion.clone() } else { claims::json_string(suggestion) };
    Some(format!("{}{suggestion}{}", &text[..start], &text[end..]))
}
