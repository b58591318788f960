//! Words that stand for something in a document, and the nearest one to a word that does not.

use crate::key::At;
use crate::problem::{Problem, Quoted};

/// The codes of all warnings, which `acknowledge` may name.
pub(crate) const WARNINGS: [&str; 15] = [
    "made-canonical",
    "duplicate",
    "origin-with-trailing-dot",
    "insecure-origin",
    "any-host",
    "public-suffix",
    "any-origin-of-scheme-with-credentials",
    "safelisted-method",
    "safelisted-response-header",
    "lower-case-patch",
    "origin-covered",
    "origin-decided-by-earlier-rule",
    "unreachable-rule",
    "json-will-not-get-through",
    "forbids-nobody",
];

/// The problem of a word that is none of `words`.
pub(crate) fn unknown(at: At, text: &str, words: &[&str]) -> Problem {
    let problem = at.problem("unknown-value", Some(text), format!("{} means nothing here", Quoted(text)));
    match nearest(text, words.iter().copied()) {
        Some(word) => problem.instead(word),
        None => {
            let message = format!("{}, write one of: {}", problem.message, words.join(", "));
            Problem { message, ..problem }
        }
    }
}

/// The word that a mistyped one was meant to be.
pub(crate) fn nearest<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // Longer than any word could be mistyped; distances of long texts would cost time.
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let text = plain(text);
    let near = |word: &'w str| (strsim::osa_distance(&text, &plain(word)), word);
    let (distance, word) = words.into_iter().map(near).min_by_key(|&(distance, _)| distance)?;
    (distance <= word.len() / 3).then_some(word)
}
