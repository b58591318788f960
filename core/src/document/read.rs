//! Reads a document tolerantly: it goes on after every problem that is not one of JSON itself, and
//! knows where in the text each value stands.
//!
//! Values are taken as slices of the text, so that an offset is the distance between two slices,
//! and the origins, of which there may be millions, are never held twice.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::write::quoted;
use crate::builder::{At, Draft, Key, whole};
use crate::limits::MAX_DOCUMENT_BYTES;
use crate::policy::Policy;
use crate::problem::{BuildError, Problem, Problems};

pub(crate) fn read(document: &[u8]) -> Result<Policy, BuildError> {
    if document.len() > MAX_DOCUMENT_BYTES {
        let message =
            format!("the document has {} bytes, at most {MAX_DOCUMENT_BYTES} are read", document.len());
        return Err(alone(whole("document-too-large", message, 0), None));
    }
    let text = match std::str::from_utf8(document) {
        Ok(text) => text,
        Err(error) => {
            let valid = document.get(..error.valid_up_to()).unwrap_or_default();
            let message = "the document is no UTF-8 from here on, save it in UTF-8".to_owned();
            let problem = whole("not-utf-8", message, valid.len() as u64);
            return Err(alone(problem, std::str::from_utf8(valid).ok()));
        }
    };
    let mut draft = Draft::new();
    let mut reader = Reader { text, draft: &mut draft, seen: Vec::new() };
    let start = reader.skip_white_space(0);
    let mut json = serde_json::Deserializer::from_str(text);
    let result = match text.as_bytes().get(start) {
        Some(b'{') => json.deserialize_map(&mut reader),
        _ => RawValueSeed.deserialize(&mut json).map(|raw| {
            let message = format!("the document is {}, write an object", kind_of(raw.get()));
            let problem = whole("wrong-type", message, start as u64);
            reader.draft.problem(|| Problem { value: Some(plain(raw.get()).into_owned()), ..problem });
            reader
                .draft
                .origins_given(At { key: Key::AllowOrigins, index: None, order: start as u64 }, false);
        }),
    };
    match result.and_then(|()| json.end()) {
        Ok(()) => draft.finish(Some(text), start as u64),
        // What stands behind a syntax error is unknown, so what is missing cannot be told either.
        Err(error) => {
            draft.problem(|| syntax_problem(text, &error));
            draft.give_up(text)
        }
    }
}

/// The error of a document that cannot be read at all.
fn alone(problem: Problem, text: Option<&str>) -> BuildError {
    let mut problems = Problems::default();
    problems.push(|| problem);
    let (problems, unreported) = problems.finish(text);
    BuildError { problems, unreported }
}

fn syntax_problem(text: &str, error: &serde_json::Error) -> Problem {
    let line_start = match error.line().checked_sub(2) {
        Some(before) => text.match_indices('\n').nth(before).map_or(text.len(), |(at, _)| at + 1),
        None => 0,
    };
    // The column counts bytes from 1, and is 0 at the end of the line before.
    let offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    let full = error.to_string();
    let cause = full.split(" at line ").next().unwrap_or(&full);
    whole("invalid-json", format!("this is no JSON: {cause}"), offset as u64)
}

struct Reader<'t, 'd> {
    text: &'t str,
    draft: &'d mut Draft,
    seen: Vec<Key>,
}

/// Takes a value as a slice of the text.
struct RawValueSeed;

impl<'t> DeserializeSeed<'t> for RawValueSeed {
    type Value = &'t RawValue;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<&'t RawValue, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

impl<'t> Reader<'t, '_> {
    /// Where a slice of the text starts in it.
    fn offset(&self, slice: &str) -> usize {
        (slice.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn skip_white_space(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
    }

    /// The offset of the value of the key that `raw_key` is.
    fn value_offset(&self, raw_key: &str) -> usize {
        let colon = self.skip_white_space(self.offset(raw_key) + raw_key.len());
        self.skip_white_space(colon + 1)
    }

    fn key_problem(&mut self, raw_key: &str, code: &'static str, message: String, suggestion: Option<&str>) {
        let order = self.offset(raw_key) as u64;
        let name = string(raw_key);
        let plain = name.as_deref().is_some_and(|name| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        });
        let path = match &name {
            Some(name) if plain => name.clone().into_owned(),
            Some(name) => format!("[{}]", quoted(name)),
            None => format!("[{raw_key}]"),
        };
        self.draft.problem(|| Problem {
            code,
            path,
            value: Some(name.map_or_else(|| raw_key.to_owned(), Cow::into_owned)),
            message,
            suggestion: suggestion.map(str::to_owned),
            line: None,
            column: None,
            order,
        });
    }

    fn wrong_type(&mut self, at: At, raw: &str, wanted: &str, suggestion: Option<String>) {
        self.draft.problem(|| {
            let mut message = format!("{} is not possible here, write {wanted}", kind_of(raw));
            if let Some(suggestion) = &suggestion {
                message.push_str(": ");
                message.push_str(suggestion);
            }
            Problem { suggestion, ..at.problem("wrong-type", Some(&plain(raw)), message) }
        });
    }

    /// A value that is no array where a list belongs: `*`, or a mistake.
    fn lone(&mut self, at: At, raw: &str) {
        if at.key == Key::AllowOrigins {
            let usable = string(raw).is_some_and(|text| text == "*");
            self.draft.origins_given(at, usable);
        }
        match string(raw) {
            Some(text) if text == "*" => self.draft.element(at, &text),
            Some(text) => {
                let suggestion = format!("[{}]", quoted(&text));
                self.wrong_type(at, raw, "\"*\" or an array", Some(suggestion));
            }
            None if raw.starts_with('"') => self.invalid_string(at, raw),
            None => self.wrong_type(at, raw, "\"*\" or an array of strings", None),
        }
    }

    fn invalid_string(&mut self, at: At, raw: &str) {
        self.draft.problem(|| {
            let message = "the string has half a surrogate pair in an escape, write the character itself";
            at.problem("invalid-string", Some(raw), message.to_owned())
        });
    }

    fn boolean(&mut self, at: At, raw: &str) {
        match raw {
            "true" => self.draft.allow_credentials(true),
            "false" => self.draft.allow_credentials(false),
            _ => {
                let meant = string(raw).filter(|text| matches!(text.as_ref(), "true" | "false"));
                self.wrong_type(at, raw, "true or false", meant.map(Cow::into_owned));
            }
        }
    }

    fn seconds(&mut self, at: At, raw: &str) {
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // What does not fit is out of range all the more.
            let far = if digits.len() < raw.len() { i64::MIN } else { i64::MAX };
            return self.draft.max_age(at, raw.parse().unwrap_or(far), raw);
        }
        let meant = string(raw).and_then(|text| text.trim().parse::<u32>().ok()).or_else(|| {
            let number: f64 = raw.parse().ok()?;
            let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
            // The cast is exact: the number is whole and in range.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            whole.then_some(number as u32)
        });
        let meant = meant.filter(|&seconds| seconds <= crate::limits::MAX_AGE_SECONDS);
        self.wrong_type(at, raw, "a whole number of seconds", meant.map(|seconds| seconds.to_string()));
    }
}

impl<'t> Visitor<'t> for &mut Reader<'t, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a policy document")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(raw_key) = map.next_key_seed(RawValueSeed)? {
            let raw_key = raw_key.get();
            let name = string(raw_key);
            let Some(key) = Key::ALL.into_iter().find(|key| name.as_deref() == Some(key.name())) else {
                let nearest = name.as_deref().and_then(nearest_key);
                let message = match nearest {
                    Some(key) => format!("there is no such key, write \"{key}\""),
                    None => "there is no such key, remove it".to_owned(),
                };
                self.key_problem(raw_key, "unknown-key", message, nearest);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if self.seen.contains(&key) {
                let message = "the key is given twice, remove one".to_owned();
                self.key_problem(raw_key, "duplicate-key", message, None);
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.seen.push(key);
            let offset = self.value_offset(raw_key);
            let at = At { key, index: None, order: offset as u64 };
            let is_list = !matches!(key, Key::AllowCredentials | Key::MaxAge);
            if is_list && self.text.as_bytes().get(offset) == Some(&b'[') {
                if key == Key::AllowOrigins {
                    self.draft.origins_given(at, true);
                }
                map.next_value_seed(ListReader { reader: self, key })?;
                continue;
            }
            let raw = map.next_value_seed(RawValueSeed)?.get();
            match key {
                Key::AllowCredentials => self.boolean(at, raw),
                Key::MaxAge => self.seconds(at, raw),
                _ => self.lone(at, raw),
            }
        }
        Ok(())
    }
}

/// Reads an array of strings, element by element.
struct ListReader<'r, 't, 'd> {
    reader: &'r mut Reader<'t, 'd>,
    key: Key,
}

impl<'t> DeserializeSeed<'t> for ListReader<'_, 't, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'t> Visitor<'t> for ListReader<'_, 't, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(raw) = elements.next_element_seed(RawValueSeed)? {
            let raw = raw.get();
            let order = self.reader.offset(raw) as u64;
            let at = At { key: self.key, index: Some(index), order };
            index += 1;
            match string(raw) {
                Some(text) => self.reader.draft.element(at, &text),
                None => {
                    if self.key == Key::AllowOrigins {
                        self.reader.draft.unreadable_origin();
                    }
                    if raw.starts_with('"') {
                        self.reader.invalid_string(at, raw);
                    } else {
                        self.reader.wrong_type(at, raw, "a string", None);
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a JSON string says; none if `raw` is no string, or one with a lone surrogate.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// A value for a problem: strings as they are, anything else as JSON text.
fn plain(raw: &str) -> Cow<'_, str> {
    string(raw).unwrap_or(Cow::Borrowed(raw))
}

fn kind_of(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ if raw.contains(['.', 'e', 'E']) => "a fraction",
        _ => "a number",
    }
}

/// The key that a mistyped one was meant to be.
fn nearest_key(name: &str) -> Option<&'static str> {
    // Longer than any key could be mistyped; distances of long names would cost time.
    const LONGEST: usize = 32;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_ascii_lowercase().replace('-', "_");
    let near = |key: Key| {
        let distance = strsim::osa_distance(&name, key.name());
        let squeezed = strsim::osa_distance(&name.replace('_', ""), &key.name().replace('_', ""));
        (distance.min(squeezed), key.name())
    };
    let (distance, key) = Key::ALL.into_iter().map(near).min_by_key(|&(distance, _)| distance)?;
    (distance <= key.len() / 3).then_some(key)
}
