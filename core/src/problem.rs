//! What is wrong with a configuration, as data: every problem at once, each with its repair.

use std::borrow::Cow;
use std::fmt;

use crate::limits::MAX_PROBLEMS;
use crate::s3::S3Error;

/// One thing that is wrong with a configuration, or worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The stable kebab-case name of this kind of problem, such as `origin-with-trailing-slash`.
    pub code: &'static str,
    /// Where it is, such as `allow_origins[3]`; empty for the document as a whole.
    pub path: String,
    /// The offending value: a string as it is, anything else as JSON text.
    pub value: Option<String>,
    /// One sentence: what is wrong and what to write instead. Control characters are escaped.
    pub message: String,
    /// What to write instead: a string as it is, anything else as JSON text. Applying it removes the problem.
    pub suggestion: Option<String>,
    /// The line in the text, from 1; none if the configuration was no text.
    pub line: Option<u32>,
    /// The column in the text, from 1, in Unicode scalar values; none if the configuration was no text.
    pub column: Option<u32>,
    /// The byte offset in the text, or the order of the setters: what problems are sorted by.
    pub(crate) order: u64,
}

impl Problem {
    pub(crate) fn new(
        code: &'static str,
        path: impl Into<String>,
        value: Option<&str>,
        message: impl Into<String>,
        order: u64,
    ) -> Problem {
        Problem {
            code,
            path: path.into(),
            value: value.map(str::to_owned),
            message: message.into(),
            suggestion: None,
            line: None,
            column: None,
            order,
        }
    }

    /// Adds "write ... instead".
    pub(crate) fn instead(mut self, suggestion: impl Into<String>) -> Problem {
        let suggestion = suggestion.into();
        self.message.push_str(", write ");
        self.message.push_str(&Quoted(&suggestion).to_string());
        self.suggestion = Some(suggestion);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration; no policy is built from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    pub(crate) problems: Vec<Problem>,
    pub(crate) unreported: usize,
    /// How S3 refuses it, if it was refused by S3's rules.
    pub(crate) s3: Option<Box<S3Error>>,
}

impl BuildError {
    /// The problems in the order of the document, at most 1,000.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The same, without a copy.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// How many further problems were counted but are not listed.
    #[must_use]
    pub fn unreported(&self) -> usize {
        self.unreported
    }

    /// The error of S3 that refuses the configuration of a bucket; none for a policy document.
    #[must_use]
    pub fn s3_error(&self) -> Option<&S3Error> {
        self.s3.as_deref()
    }

    /// The code of that error, such as `MalformedXML`.
    #[must_use]
    pub fn s3_code(&self) -> Option<&'static str> {
        match self.s3_error()?.code() {
            Cow::Borrowed(code) => Some(code),
            // Configurations are refused with errors that are known.
            Cow::Owned(_) => None,
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        if self.unreported > 0 {
            write!(f, "\n(and {} more)", self.unreported)?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// Problems or warnings while they are being found: capped, with a count of the rest.
#[derive(Debug, Default, Clone)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    unreported: usize,
}

impl Problems {
    /// Notes a problem; beyond the limit it is only counted and `problem` is not called.
    ///
    /// Twice as many are kept as are reported, since those that are found last may stand first.
    pub(crate) fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.list.len() < 2 * MAX_PROBLEMS {
            self.list.push(problem());
        } else {
            self.unreported += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes the rule out of the paths: there is only one, and it is the document.
    pub(crate) fn without_rule(&mut self) {
        for problem in &mut self.list {
            if let Some(path) = problem.path.strip_prefix("rules[0].") {
                problem.path = path.to_owned();
            }
        }
    }

    /// Drops those with one of these codes.
    pub(crate) fn acknowledge(&mut self, codes: &[&'static str]) {
        self.list.retain(|problem| !codes.contains(&problem.code));
    }

    /// The problems in order, with lines and columns if they came from `text`.
    pub(crate) fn finish(mut self, text: Option<&str>) -> (Vec<Problem>, usize) {
        self.list.sort_by_key(|problem| problem.order);
        self.unreported += self.list.len().saturating_sub(MAX_PROBLEMS);
        self.list.truncate(MAX_PROBLEMS);
        if let Some(text) = text {
            let mut place = Place::new(text);
            for problem in &mut self.list {
                let (line, column) = place.advance(problem.order);
                problem.line = Some(line);
                problem.column = Some(column);
            }
        }
        (self.list, self.unreported)
    }
}

/// Walks a text once and tells line and column of ascending offsets.
struct Place<'t> {
    text: &'t str,
    offset: usize,
    line: u32,
    column: u32,
}

impl<'t> Place<'t> {
    fn new(text: &'t str) -> Self {
        Place { text, offset: 0, line: 1, column: 1 }
    }

    fn advance(&mut self, offset: u64) -> (u32, u32) {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.text.len());
        let passed = self.text.as_bytes().get(self.offset..offset).unwrap_or_default();
        for &byte in passed {
            if byte == b'\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else if byte & 0xC0 != 0x80 {
                // Continuation bytes of UTF-8 belong to the character that was counted.
                self.column = self.column.saturating_add(1);
            }
        }
        self.offset = self.offset.max(offset);
        (self.line, self.column)
    }
}

/// Whether a character is a control, or could reorder or hide text in a terminal or a log.
pub(crate) fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Quotes a value for a message: escaped, and cut where it gets long (the whole value is in [`Problem::value`]).
pub(crate) struct Quoted<'v>(pub(crate) &'v str);

impl Quoted<'_> {
    /// Characters that are shown.
    pub(crate) const SHOWN: usize = 120;
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for (count, c) in self.0.chars().enumerate() {
            if count == Quoted::SHOWN {
                return f.write_str("\"...");
            }
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if needs_escape(c) => write!(f, "\\u{:04x}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}
