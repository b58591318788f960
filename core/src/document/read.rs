//! Reads a document tolerantly: it goes on after every problem that is not one of JSON itself, and
//! knows where in the text each value stands.
//!
//! Values are taken as slices of the text, so that an offset is the distance between two slices,
//! and the origins, of which there may be millions, are never held twice.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::write::quoted;
use crate::draft::Draft;
use crate::key::{At, Key, Scope};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_PROBLEMS};
use crate::policy::{Policy, TimingAllowOrigin};
use crate::problem::{BuildError, Problem, Problems, Quoted};
use crate::words;

pub(crate) fn read(document: &[u8]) -> Result<Policy, BuildError> {
    if document.len() > MAX_DOCUMENT_BYTES {
        let message =
            format!("the document has {} bytes, at most {MAX_DOCUMENT_BYTES} are read", document.len());
        return Err(alone(Problem::new("document-too-large", "", None, message, 0), None));
    }
    let text = match std::str::from_utf8(document) {
        Ok(text) => text,
        Err(error) => {
            let valid = document.get(..error.valid_up_to()).unwrap_or_default();
            let message = "the document is no UTF-8 from here on, save it in UTF-8";
            let problem = Problem::new("not-utf-8", "", None, message, valid.len() as u64);
            return Err(alone(problem, std::str::from_utf8(valid).ok()));
        }
    };
    let mut draft = Draft::new();
    let mut reader = Reader { text, draft: &mut draft };
    let start = reader.skip_white_space(0);
    let mut json = serde_json::Deserializer::from_str(text);
    let result = match text.as_bytes().get(start) {
        Some(b'{') => {
            json.deserialize_map(ObjectReader { reader: &mut reader, scope: Scope::Document, start })
        }
        _ => RawValueSeed.deserialize(&mut json).map(|raw| {
            let message = format!("the document is {}, write an object", kind_of(raw.get()));
            let value = plain(raw.get());
            reader.draft.problem(|| Problem::new("wrong-type", "", Some(&value), message, start as u64));
            let at = At { rule: None, key: Key::AllowOrigins, index: None, order: start as u64 };
            reader.draft.list_given(at, false);
        }),
    };
    match result.and_then(|()| json.end()) {
        Ok(()) => draft.finish(Some(text)),
        // What stands behind a syntax error is unknown, so what is missing cannot be told either.
        Err(error) => {
            draft.problem(|| syntax_problem(text, &error));
            Err(draft.give_up(text))
        }
    }
}

/// The error of a document that cannot be read at all.
fn alone(problem: Problem, text: Option<&str>) -> BuildError {
    let mut problems = Problems::default();
    problems.push(|| problem);
    let (problems, unreported) = problems.finish(text);
    BuildError { problems, unreported, s3: None }
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
    Problem::new("invalid-json", "", None, format!("this is no JSON: {cause}"), offset as u64)
}

struct Reader<'t, 'd> {
    text: &'t str,
    draft: &'d mut Draft,
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

    fn key_problem(
        &mut self,
        scope: Scope,
        raw_key: &str,
        code: &'static str,
        message: &str,
        nearest: Option<&str>,
    ) {
        let order = self.offset(raw_key) as u64;
        let name = string(raw_key);
        let plain = name.as_deref().is_some_and(|name| {
            (1..=Quoted::SHOWN).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        });
        let path = match (&name, plain) {
            (Some(name), true) => name.clone().into_owned(),
            (Some(name), false) => format!("[{}]", Quoted(name)),
            // Half a surrogate pair: shown as the escape it is.
            (None, _) => format!("[{}]", Quoted(raw_key.trim_matches('"')).to_string().replace("\\\\", "\\")),
        };
        let dot = if plain { "." } else { "" };
        let path = match scope {
            Scope::Document => path,
            Scope::Rule(rule) => format!("rules[{rule}]{dot}{path}"),
            Scope::Expect => format!("expect{dot}{path}"),
        };
        let value = name.unwrap_or(Cow::Borrowed(raw_key));
        self.draft.problem(|| {
            let problem = Problem::new(code, path, Some(&value), message, order);
            match nearest {
                Some(key) => problem.instead(key),
                None => problem,
            }
        });
    }

    fn wrong_type(&mut self, at: At, raw: &str, wanted: &str, suggestion: Option<String>) {
        self.draft.problem(|| {
            let mut message = format!("{} is not possible here, write {wanted}", kind_of(raw));
            if let Some(suggestion) = suggestion.as_deref().filter(|text| is_harmless(text)) {
                message.push_str(": ");
                message.push_str(suggestion);
            }
            let problem = at.problem("wrong-type", Some(&plain(raw)), message);
            Problem { suggestion, ..problem }
        });
    }

    /// The value of a key that is no list, or not given as one.
    fn value(&mut self, at: At, raw: &'t str) {
        match at.key {
            Key::AllowCredentials => self.boolean(at, raw),
            Key::MaxAge | Key::PreflightStatus => self.number(at, raw),
            Key::TimingAllowOrigin => self.timing_allow_origin(at, raw),
            Key::Rules => self.wrong_type(at, raw, "an array of rules", None),
            Key::Expect => self.wrong_type(at, raw, "an object", None),
            Key::Name | Key::Description | Key::Schema | Key::RefusedRequests | Key::ForeignHeaders => {
                match string(raw) {
                    Some(text) => match at.key {
                        Key::RefusedRequests => self.draft.refused_requests(at, &text),
                        Key::ForeignHeaders => self.draft.foreign_headers(at, &text),
                        _ => self.draft.text(at, &text),
                    },
                    None if raw.starts_with('"') => self.invalid_string(at, raw),
                    None => self.wrong_type(at, raw, "a string", None),
                }
            }
            _ => self.lone(at, raw),
        }
    }

    /// A value that is no array where a list belongs: `*`, or a mistake.
    fn lone(&mut self, at: At, raw: &str) {
        let star = string(raw).is_some_and(|text| text == "*") && at.key.takes_star();
        self.draft.list_given(at, star);
        let wanted = if at.key.takes_star() { "\"*\" or an array of strings" } else { "an array of strings" };
        match string(raw) {
            Some(text) if star => self.draft.element(at, &text),
            Some(text) => {
                let element = Draft::repaired(at.key, &text);
                self.wrong_type(at, raw, wanted, element.map(|element| format!("[{}]", quoted(&element))));
            }
            None if raw.starts_with('"') => self.invalid_string(at, raw),
            None => self.wrong_type(at, raw, wanted, None),
        }
    }

    fn invalid_string(&mut self, at: At, raw: &str) {
        self.draft.problem(|| {
            let message = "the string has half a surrogate pair in an escape, write the character itself";
            at.problem("invalid-string", Some(raw), message)
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

    fn timing_allow_origin(&mut self, at: At, raw: &str) {
        match (raw, string(raw)) {
            ("true", _) => self.draft.timing_allow_origin(TimingAllowOrigin::Reader),
            ("false", _) => self.draft.timing_allow_origin(TimingAllowOrigin::Nobody),
            (_, Some(text)) if text == "*" => self.draft.timing_allow_origin(TimingAllowOrigin::Everyone),
            (_, Some(text)) if matches!(text.as_ref(), "true" | "false") => {
                self.wrong_type(at, raw, "true, false or \"*\"", Some(text.into_owned()));
            }
            (_, Some(text)) => self.draft.problem(|| words::unknown(at, &text, &["*"])),
            (_, None) if raw.starts_with('"') => self.invalid_string(at, raw),
            (_, None) => self.wrong_type(at, raw, "true, false or \"*\"", None),
        }
    }

    fn number(&mut self, at: At, raw: &str) {
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // What does not fit is out of range all the more.
            let far = if digits.len() < raw.len() { i64::MIN } else { i64::MAX };
            let number = raw.parse().unwrap_or(far);
            return match at.key {
                Key::MaxAge => self.draft.max_age(at, number, raw),
                _ => self.draft.preflight_status(at, number, raw),
            };
        }
        let meant = string(raw).and_then(|text| text.trim().parse::<u32>().ok()).or_else(|| {
            let number: f64 = raw.parse().ok()?;
            let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
            // The cast is exact: the number is whole and in range.
            is_whole.then_some(number as u32)
        });
        let possible = |number: &u32| match at.key {
            Key::MaxAge => *number <= crate::limits::MAX_AGE_SECONDS,
            _ => matches!(number, 200 | 204),
        };
        let wanted = if at.key == Key::MaxAge { "a whole number of seconds" } else { "200 or 204" };
        self.wrong_type(at, raw, wanted, meant.filter(possible).map(|number| number.to_string()));
    }

    /// An object or an array in the text, read from its slice: that it is JSON is known already.
    fn nested(
        &mut self,
        raw: &'t str,
        read: impl FnOnce(&mut Self, &mut serde_json::Deserializer<serde_json::de::StrRead<'t>>),
    ) {
        let mut json = serde_json::Deserializer::from_str(raw);
        read(self, &mut json);
    }

    fn rules(&mut self, list: At, raw: &'t str) {
        let mut elements: Vec<&'t RawValue> = Vec::new();
        self.nested(raw, |_, json| {
            let all: Result<Vec<&'t RawValue>, _> = serde::Deserialize::deserialize(json);
            elements = all.unwrap_or_default();
        });
        if elements.is_empty() {
            let message = "the list is empty, write a rule, or leave it out";
            self.draft.problem(|| list.problem("empty-rules", Some("[]"), message));
            self.draft.no_rule_wanted();
        }
        for (index, raw) in elements.into_iter().map(RawValue::get).enumerate() {
            let start = self.offset(raw);
            let more = if index == 0 {
                self.draft.begin_list(start as u64);
                true
            } else {
                self.draft.next_rule(start as u64)
            };
            if !more {
                self.draft.too_many_rules(list);
                break;
            }
            let at = At { index: Some(index), order: start as u64, ..list };
            if raw.starts_with('{') {
                let scope = Scope::Rule(u32::try_from(index).unwrap_or(u32::MAX));
                self.object(raw, scope, start);
            } else {
                self.wrong_type(at, raw, "an object", None);
                self.draft.no_rule_wanted();
            }
        }
    }

    fn object(&mut self, raw: &'t str, scope: Scope, start: usize) {
        self.nested(raw, |reader, json| {
            // The text was read as JSON before, so that nothing can go wrong here.
            let _ = json.deserialize_map(ObjectReader { reader, scope, start });
        });
    }
}

/// Reads the keys of an object and their values.
struct ObjectReader<'r, 't, 'd> {
    reader: &'r mut Reader<'t, 'd>,
    scope: Scope,
    start: usize,
}

impl<'t> Visitor<'t> for ObjectReader<'_, 't, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        let ObjectReader { reader, scope, start } = self;
        let keys = Key::of(scope);
        if scope == Scope::Document {
            reader.draft.begin_document(start as u64);
        }
        let mut seen: Vec<(Key, &'t str)> = Vec::new();
        let mut unknown: Vec<&'t str> = Vec::new();
        while let Some(raw_key) = map.next_key_seed(RawValueSeed)? {
            let raw_key = raw_key.get();
            let name = string(raw_key);
            let Some(&key) = keys.iter().find(|key| name.as_deref() == Some(key.name())) else {
                let of_document = Key::DOCUMENT.iter().any(|key| name.as_deref() == Some(key.name()));
                if of_document && matches!(scope, Scope::Rule(_)) {
                    let message = "the key is about the whole document, move it there";
                    reader.key_problem(scope, raw_key, "top-level-key-in-rule", message, None);
                } else if unknown.len() < MAX_PROBLEMS {
                    unknown.push(raw_key);
                } else {
                    reader.key_problem(
                        scope,
                        raw_key,
                        "unknown-key",
                        "there is no such key, remove it",
                        None,
                    );
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen.iter().any(|&(known, _)| known == key) {
                reader.key_problem(
                    scope,
                    raw_key,
                    "duplicate-key",
                    "the key is given twice, remove one",
                    None,
                );
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            seen.push((key, raw_key));
            let offset = reader.value_offset(raw_key);
            let rule = match scope {
                Scope::Rule(rule) => Some(rule),
                Scope::Document | Scope::Expect => None,
            };
            let at = At { rule, key, index: None, order: offset as u64 };
            match (reader.text.as_bytes().get(offset), key) {
                (Some(b'['), _) if key.is_list() => {
                    reader.draft.list_given(at, true);
                    map.next_value_seed(ListReader { reader, list: at })?;
                }
                (Some(b'['), Key::Rules) => {
                    let raw = map.next_value_seed(RawValueSeed)?.get();
                    reader.draft.give_names_to_document();
                    reader.rules(at, raw);
                }
                (Some(b'{'), Key::Expect) => {
                    let raw = map.next_value_seed(RawValueSeed)?.get();
                    reader.object(raw, Scope::Expect, offset);
                }
                _ => {
                    let raw = map.next_value_seed(RawValueSeed)?.get();
                    if key == Key::Rules {
                        reader.draft.no_rule_wanted();
                    }
                    reader.value(at, raw);
                }
            }
        }
        if seen.iter().any(|&(key, _)| key == Key::Rules) {
            for &(key, raw_key) in seen.iter().filter(|(key, _)| key.is_of_rule_alone()) {
                let message = format!("beside rules, {} belongs in one of them, move it there", key.name());
                reader.key_problem(scope, raw_key, "key-beside-rules", &message, None);
            }
        }
        let is_seen = |key: Key| seen.iter().any(|&(known, _)| known == key);
        let says_rule = seen.iter().any(|&(key, _)| key.is_of_rule_alone());
        let beside_rules = scope == Scope::Document && is_seen(Key::Rules);
        // What can still stand here, so that nobody is told to make the next mistake.
        let is_possible = |key: &&Key| match **key {
            key if is_seen(key) => false,
            Key::Rules => !says_rule,
            key => !(beside_rules && key.is_of_rule_alone()),
        };
        let mut left: Vec<&str> = keys.iter().filter(is_possible).map(|key| key.name()).collect();
        for raw_key in unknown {
            // Each key that is missing can be meant once.
            let nearest = string(raw_key).and_then(|name| words::nearest(&name, left.iter().copied()));
            left.retain(|key| Some(*key) != nearest);
            let message =
                if nearest.is_some() { "there is no such key" } else { "there is no such key, remove it" };
            reader.key_problem(scope, raw_key, "unknown-key", message, nearest);
        }
        Ok(())
    }
}

/// Reads an array of strings, element by element.
struct ListReader<'r, 't, 'd> {
    reader: &'r mut Reader<'t, 'd>,
    list: At,
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
            let at = At { index: Some(index), order, ..self.list };
            index += 1;
            match string(raw) {
                Some(text) => self.reader.draft.element(at, &text),
                None => {
                    self.reader.draft.unreadable(at);
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

/// Whether a text can be shown as it is.
fn is_harmless(text: &str) -> bool {
    text.len() <= Quoted::SHOWN && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
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
