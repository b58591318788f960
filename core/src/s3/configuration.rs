//! The configuration of a bucket: rules that S3 accepts, checked in S3's own order.

use std::borrow::Cow;

use super::error::{S3Error, element};
use super::{Dialect, MAX_CONFIGURATION_BYTES, MAX_JSON_BYTES, json, xml};
use crate::limits::MAX_RULES;
use crate::problem::{BuildError, Problem, Problems, needs_escape};

/// The CORS configuration of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    rules: Vec<Rule>,
}

/// One `CORSRule`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub(super) id: Option<Box<str>>,
    pub(super) origins: Vec<Box<str>>,
    pub(super) methods: Vec<Box<str>>,
    /// Empty if there are none: the rule then refuses every preflight that asks for headers.
    pub(super) headers: Vec<Box<str>>,
    pub(super) expose: Vec<Box<str>>,
    pub(super) max_age: Option<u64>,
}

/// The five methods that S3 knows, in the order of their bits.
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// The greatest `MaxAgeSeconds`: beyond it numbers are no longer exact in JavaScript.
const MAX_SECONDS: u64 = 1 << 53;

/// The bit of a method; 0 for what is none of the five.
pub(super) fn method_bit(method: &[u8]) -> u8 {
    match method {
        b"GET" => 1,
        b"PUT" => 2,
        b"HEAD" => 4,
        b"POST" => 8,
        b"DELETE" => 16,
        _ => 0,
    }
}

impl Rule {
    /// `ID`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The values of `AllowedOrigin`.
    #[must_use]
    pub fn allowed_origins(&self) -> &[Box<str>] {
        &self.origins
    }

    /// The values of `AllowedMethod`.
    #[must_use]
    pub fn allowed_methods(&self) -> &[Box<str>] {
        &self.methods
    }

    /// The values of `AllowedHeader`. Without one, every preflight that asks for headers is refused.
    #[must_use]
    pub fn allowed_headers(&self) -> &[Box<str>] {
        &self.headers
    }

    /// The values of `ExposeHeader`.
    #[must_use]
    pub fn expose_headers(&self) -> &[Box<str>] {
        &self.expose
    }

    /// `MaxAgeSeconds`.
    #[must_use]
    pub fn max_age_seconds(&self) -> Option<u64> {
        self.max_age
    }

    /// The seconds that are sent: Zenko sends no 0.
    pub(crate) fn sent_max_age(&self, dialect: Dialect) -> Option<u64> {
        self.max_age.filter(|&seconds| seconds > 0 || dialect == Dialect::Aws)
    }

    /// Whether `*` is among the origins, so that S3 answers `*`, without credentials, whoever asks.
    pub(crate) fn allows_any_origin(&self) -> bool {
        self.origins.iter().any(|origin| **origin == *"*")
    }
}

/// A value as it was read.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// None if it is no plain text.
    pub(super) text: Option<String>,
    pub(super) offset: u64,
}

/// A rule as it was read; none for a list that is not there.
#[derive(Clone, Debug, Default)]
pub(super) struct RawRule {
    pub(super) id: Option<Vec<Value>>,
    pub(super) origins: Option<Vec<Value>>,
    pub(super) methods: Option<Vec<Value>>,
    pub(super) headers: Option<Vec<Value>>,
    pub(super) expose: Option<Vec<Value>>,
    pub(super) max_age: Option<Vec<Value>>,
    pub(super) offset: u64,
}

/// What was read, before it is checked.
pub(super) struct Raw {
    pub(super) rules: Vec<RawRule>,
    pub(super) names: &'static Names,
    /// Elements and keys that mean nothing.
    pub(super) unknown: Problems,
}

/// How a form names things in paths.
pub(super) struct Names {
    pub(super) rule: &'static str,
    pub(super) origin: &'static str,
    pub(super) method: &'static str,
    pub(super) header: &'static str,
    pub(super) expose: &'static str,
    pub(super) max_age: &'static str,
    pub(super) id: &'static str,
}

impl Names {
    pub(super) const XML: Names = Names {
        rule: "CORSRule",
        origin: "AllowedOrigin",
        method: "AllowedMethod",
        header: "AllowedHeader",
        expose: "ExposeHeader",
        max_age: "MaxAgeSeconds",
        id: "ID",
    };
    pub(super) const COMMAND_LINE: Names = Names {
        rule: "CORSRules",
        origin: "AllowedOrigins",
        method: "AllowedMethods",
        header: "AllowedHeaders",
        expose: "ExposeHeaders",
        max_age: "MaxAgeSeconds",
        id: "ID",
    };
    pub(super) const CLOUD_FORMATION: Names = Names {
        rule: "CorsRules",
        expose: "ExposedHeaders",
        max_age: "MaxAge",
        id: "Id",
        ..Names::COMMAND_LINE
    };
}

/// Where in the text.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Nowhere,
    Offset(u64),
    LineAndColumn(u32, u32),
}

/// Why there is no configuration.
pub(super) struct Refusal {
    /// The kind of problem.
    pub(super) code: &'static str,
    pub(super) path: Box<str>,
    pub(super) value: Option<Box<str>>,
    pub(super) place: Place,
    pub(super) s3_code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// corsac's own words, where S3 has nothing but the default.
    pub(super) hint: Option<Box<str>>,
}

/// What some editors put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What Zenko shows of a value that is no plain text.
const NO_TEXT: &str = "[object Object]";

const MALFORMED: &str = "MalformedXML";
const INVALID: &str = "InvalidRequest";

impl Refusal {
    fn new(code: &'static str, s3_code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Refusal {
            code,
            path: Box::default(),
            value: None,
            place: Place::Nowhere,
            s3_code,
            message: message.into(),
            hint: None,
        }
    }

    /// `MalformedXML` with the text that S3 has for it.
    pub(super) fn malformed(code: &'static str, dialect: Dialect, hint: impl Into<Box<str>>) -> Self {
        let message = match dialect {
            Dialect::Zenko => {
                "The XML you provided was not well-formed or did not validate against our published schema."
            }
            Dialect::Aws => {
                "The XML you provided was not well-formed or did not validate against our published schema"
            }
        };
        Refusal { hint: Some(hint.into()), ..Refusal::new(code, MALFORMED, message) }
    }

    fn at(self, path: String, place: Place) -> Self {
        Refusal { path: path.into(), place, ..self }
    }

    pub(super) fn no_rules(dialect: Dialect) -> Self {
        let hint = "there is no CORSRule in a CORSConfiguration";
        let mut refusal = Refusal::malformed("s3-no-rules", dialect, hint);
        if dialect == Dialect::Zenko {
            refusal.message = "Invalid cors configuration xml".into();
        }
        refusal
    }

    fn into_error(self, text: &str, dialect: Dialect) -> BuildError {
        let mut message = printable(&self.message);
        if let Some(hint) = &self.hint {
            message = format!("{message} ({})", printable(hint));
        }
        let offset = if let Place::Offset(offset) = self.place { offset } else { 0 };
        let problem = Problem::new(self.code, self.path, self.value.as_deref(), message, offset);
        let mut problems = Problems::default();
        problems.push(|| problem);
        let place = matches!(self.place, Place::Offset(_)).then_some(text);
        let (mut problems, unreported) = problems.finish(place);
        if let (Place::LineAndColumn(line, column), Some(problem)) = (self.place, problems.first_mut()) {
            (problem.line, problem.column) = (Some(line), Some(column));
        }
        let error = S3Error::new(dialect, self.s3_code, 400, self.message);
        BuildError { problems, unreported, s3: Some(Box::new(error)) }
    }
}

/// A message of S3 for a problem: escaped as quoted values are, and cut where the value in it is long. Byte for
/// byte it is in [`S3Error::message`].
fn printable(text: &str) -> String {
    const SHOWN: usize = 500;
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push_str("...");
            break;
        }
        if needs_escape(c) {
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

impl Configuration {
    pub(super) fn of(rules: Vec<Rule>) -> Self {
        Configuration { rules }
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Reads a configuration and warns of what deserves a look.
    pub(super) fn read(
        bytes: &[u8],
        dialect: Dialect,
    ) -> Result<(Configuration, (Vec<Problem>, usize)), BuildError> {
        let text = std::str::from_utf8(bytes);
        let refuse = |refusal: Refusal| refusal.into_error(text.unwrap_or_default(), dialect);
        if bytes.is_empty() {
            let message = "Request body is empty";
            return Err(refuse(Refusal::new("s3-empty-body", "MissingRequestBodyError", message)));
        }
        let unmarked = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let is_json = matches!(unmarked.trim_ascii_start().first(), Some(b'{' | b'['));
        if bytes.len() > if is_json { MAX_JSON_BYTES } else { MAX_CONFIGURATION_BYTES } {
            return Err(refuse(too_large()));
        }
        let Ok(text) = text else {
            let hint = "the text is no UTF-8";
            return Err(refuse(Refusal::malformed("s3-not-well-formed", dialect, hint)));
        };
        let raw = if is_json {
            json::read(text.trim_start_matches('\u{feff}'), dialect)
        } else {
            xml::read(text, dialect)
        };
        let raw = raw.map_err(refuse)?;
        let configuration = check(&raw, dialect).map_err(refuse)?;
        // The tools that take JSON send XML, which has the limit.
        if is_json && configuration.least_xml_bytes() > MAX_CONFIGURATION_BYTES {
            return Err(refuse(too_large()));
        }
        let Raw { rules, names, unknown: mut warnings } = raw;
        configuration.warn(&rules, names, &mut warnings);
        Ok((configuration, warnings.finish((!is_json).then_some(text))))
    }

    /// The configuration as XML, as a server of this dialect tells it.
    #[must_use]
    pub fn to_xml(&self, dialect: Dialect) -> String {
        let mut xml = String::from(match dialect {
            Dialect::Zenko => {
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><CORSConfiguration>"
            }
            Dialect::Aws => {
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            }
        });
        for rule in &self.rules {
            xml.push_str("<CORSRule>");
            let lists = [
                ("AllowedMethod", &rule.methods),
                ("AllowedOrigin", &rule.origins),
                ("AllowedHeader", &rule.headers),
                ("ExposeHeader", &rule.expose),
            ];
            for (name, values) in lists {
                for value in values {
                    element(&mut xml, name, value);
                }
            }
            if let Some(id) = &rule.id {
                element(&mut xml, "ID", id);
            }
            if let Some(seconds) = rule.sent_max_age(dialect) {
                element(&mut xml, "MaxAgeSeconds", &seconds.to_string());
            }
            xml.push_str("</CORSRule>");
        }
        xml.push_str("</CORSConfiguration>");
        xml
    }

    /// The bytes of the shortest XML that could say this, so that what was read from XML can be read from JSON.
    fn least_xml_bytes(&self) -> usize {
        let element = |name: &str, bytes: usize| match bytes {
            0 => name.len() + "</>".len(),
            _ => 2 * name.len() + "<></>".len() + bytes,
        };
        let list = |name: &str, values: &[Box<str>]| -> usize {
            values.iter().map(|value| element(name, value.len())).sum()
        };
        let rules = self.rules.iter().map(|rule| {
            let lists = list(Names::XML.origin, &rule.origins)
                + list(Names::XML.method, &rule.methods)
                + list(Names::XML.header, &rule.headers)
                + list(Names::XML.expose, &rule.expose);
            let id = rule.id.as_ref().map_or(0, |id| element(Names::XML.id, id.len()));
            let age = rule.max_age.map_or(0, |age| element(Names::XML.max_age, age.to_string().len()));
            element(Names::XML.rule, lists + id + age)
        });
        element("CORSConfiguration", rules.sum())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let lists = |rule: &Rule| {
            [&rule.origins, &rule.methods, &rule.headers, &rule.expose]
                .into_iter()
                .flatten()
                .map(|value| value.len() + 16)
                .sum::<usize>()
        };
        self.rules.iter().map(|rule| size_of::<Rule>() + lists(rule)).sum()
    }
}

fn too_large() -> Refusal {
    let message = "The CORS XML document is limited to 64 KB in size.";
    Refusal::new("s3-too-large", MALFORMED, message)
}

/// Checks rules in the order in which S3 does; the first problem counts.
fn check(raw: &Raw, dialect: Dialect) -> Result<Configuration, Refusal> {
    if raw.rules.len() > MAX_RULES {
        let message = "The number of CORS rules should not exceed allowed limit of 100 rules.";
        return Err(Refusal::new("s3-too-many-rules", INVALID, message));
    }
    let rules = raw.rules.iter().enumerate();
    let rules = rules.map(|(index, rule)| Check { rule, index, names: raw.names, dialect }.all());
    Ok(Configuration { rules: rules.collect::<Result<_, _>>()? })
}

struct Check<'r> {
    rule: &'r RawRule,
    index: usize,
    names: &'static Names,
    dialect: Dialect,
}

impl Check<'_> {
    fn all(&self) -> Result<Rule, Refusal> {
        let (Some(origins @ [_, ..]), Some(methods @ [_, ..])) =
            (self.rule.origins.as_deref(), self.rule.methods.as_deref())
        else {
            let message = "Each CORSRule must identify at least one origin and one method.";
            let refusal = Refusal::new("s3-missing-origin-or-method", MALFORMED, message);
            let path = format!("{}[{}]", self.names.rule, self.index);
            return Err(refusal.at(path, Place::Offset(self.rule.offset)));
        };
        let methods = self.methods(methods)?;
        let origins = self.globs(self.names.origin, "AllowedOrigin", origins)?;
        let id = self.id()?;
        let headers = match &self.rule.headers {
            Some(headers) => self.globs(self.names.header, "AllowedHeader", headers)?,
            None => Vec::new(),
        };
        let max_age = self.max_age()?;
        Ok(Rule { id, origins, methods, headers, expose: self.expose()?, max_age })
    }

    fn refuse(&self, refusal: Refusal, name: &str, index: Option<usize>, value: &Value) -> Refusal {
        let list = format!("{}[{}].{name}", self.names.rule, self.index);
        let path = index.map_or(list.clone(), |index| format!("{list}[{index}]"));
        let refusal = refusal.at(path, Place::Offset(value.offset));
        Refusal { value: value.text.as_deref().map(Into::into), ..refusal }
    }

    fn malformed(&self, code: &'static str, hint: &str) -> Refusal {
        Refusal::malformed(code, self.dialect, hint)
    }

    fn text<'v>(&self, name: &str, index: usize, value: &'v Value) -> Result<&'v str, Refusal> {
        value.text.as_deref().ok_or_else(|| {
            let refusal = self.malformed("s3-no-text", "the value is no plain text");
            self.refuse(refusal, name, Some(index), value)
        })
    }

    fn methods(&self, values: &[Value]) -> Result<Vec<Box<str>>, Refusal> {
        let mut methods: Vec<Box<str>> = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let name = self.names.method;
            let text = match self.dialect {
                Dialect::Zenko => value.text.as_deref().unwrap_or(NO_TEXT),
                Dialect::Aws => self.text(name, index, value)?,
            };
            if !METHODS.contains(&text) {
                let quote = if self.dialect == Dialect::Zenko { "\"" } else { "" };
                let message = format!(
                    "Found unsupported HTTP method in CORS config. Unsupported method is {quote}{text}{quote}"
                );
                let refusal = Refusal::new("s3-unsupported-method", INVALID, message);
                return Err(self.refuse(refusal, name, Some(index), value));
            }
            methods.push(text.into());
        }
        Ok(methods)
    }

    /// Values that may hold one `*`: `element` is their name in messages.
    fn globs(&self, name: &str, element: &str, values: &[Value]) -> Result<Vec<Box<str>>, Refusal> {
        let mut list: Vec<Box<str>> = Vec::new();
        let is_header = element == "AllowedHeader";
        for (index, value) in values.iter().enumerate() {
            let text = self.text(name, index, value)?;
            if text.is_empty() && (self.dialect == Dialect::Zenko || is_header) {
                let refusal = self.malformed("s3-empty-value", &format!("{element} is empty"));
                return Err(self.refuse(refusal, name, Some(index), value));
            }
            if text.matches('*').count() > 1 {
                let message = format!("{element} \"{text}\" can not have more than one wildcard.");
                let refusal = Refusal::new("s3-too-many-wildcards", INVALID, message);
                return Err(self.refuse(refusal, name, Some(index), value));
            }
            if is_header && self.dialect == Dialect::Aws && !crate::header::is_token(text.as_bytes()) {
                return Err(self.refuse(self.invalid_character(element, text), name, Some(index), value));
            }
            list.push(text.into());
        }
        Ok(list)
    }

    /// AWS names the same element for both lists.
    fn invalid_character(&self, element: &str, text: &str) -> Refusal {
        let message = match self.dialect {
            Dialect::Zenko => format!("{element} {text} contains invalid character."),
            Dialect::Aws => format!("AllowedHeader \"{text}\" contains invalid character."),
        };
        Refusal::new("s3-invalid-header-name", INVALID, message)
    }

    /// The only value of a list; none if it is empty or not there.
    fn single<'v>(&self, name: &str, values: Option<&'v [Value]>) -> Result<Option<&'v Value>, Refusal> {
        match values {
            None => Ok(None),
            Some([value]) => Ok(Some(value).filter(|value| value.text.as_deref() != Some(""))),
            Some(values) => {
                let refusal = self.malformed("s3-repeated-element", &format!("{name} stands there twice"));
                let last = values.last().cloned().unwrap_or(Value { text: None, offset: self.rule.offset });
                Err(self.refuse(refusal, name, None, &last))
            }
        }
    }

    fn id(&self) -> Result<Option<Box<str>>, Refusal> {
        let name = self.names.id;
        let Some(value) = self.single(name, self.rule.id.as_deref())? else { return Ok(None) };
        let text = self.text(name, 0, value)?;
        if self.dialect == Dialect::Aws && text.chars().count() > 255 {
            let refusal = self.malformed("s3-id-too-long", "ID has more than 255 characters");
            return Err(self.refuse(refusal, name, None, value));
        }
        Ok(Some(text.into()))
    }

    fn max_age(&self) -> Result<Option<u64>, Refusal> {
        let name = self.names.max_age;
        let Some(value) = self.single(name, self.rule.max_age.as_deref())? else { return Ok(None) };
        let (text, seconds) = match self.dialect {
            Dialect::Zenko => {
                let text = value.text.as_deref().unwrap_or(NO_TEXT);
                (text, parse_int(text).filter(|&seconds| seconds <= MAX_SECONDS))
            }
            Dialect::Aws => {
                let text = self.text(name, 0, value)?;
                (text, text.trim_ascii().parse().ok().filter(|&seconds| seconds <= 0x7fff_ffff))
            }
        };
        match seconds {
            Some(seconds) => Ok(Some(seconds)),
            None => {
                let message = format!("MaxAgeSeconds \"{text}\" is not a valid value.");
                let refusal = Refusal::new("s3-invalid-max-age", MALFORMED, message);
                Err(self.refuse(refusal, name, None, value))
            }
        }
    }

    fn expose(&self) -> Result<Vec<Box<str>>, Refusal> {
        let (name, mut list) = (self.names.expose, Vec::new());
        for (index, value) in self.rule.expose.iter().flatten().enumerate() {
            let text = self.text(name, index, value)?;
            let refusal = if text.contains('*') {
                let message = format!(
                    "ExposeHeader {text} contains a wildcard. Wildcards are currently not supported for ExposeHeader."
                );
                Refusal::new("s3-wildcard-in-exposed-header", INVALID, message)
            } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                self.invalid_character("ExposeHeader", text)
            } else {
                list.push(text.into());
                continue;
            };
            return Err(self.refuse(refusal, name, Some(index), value));
        }
        Ok(list)
    }
}

/// A number as JavaScript's `parseInt` reads it: what follows the digits does not count. None for what is no
/// number or negative; what is too large is `u64::MAX`.
fn parse_int(text: &str) -> Option<u64> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let digits = text.get(..end).filter(|digits| !digits.is_empty())?;
    let number = digits.parse().unwrap_or(u64::MAX);
    (!negative || number == 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{MAX_CONFIGURATION_BYTES, parse_int};
    use crate::Policy;
    use crate::s3::{Dialect, S3Options};

    #[test]
    fn what_was_read_from_xml_can_be_read_from_its_document() {
        let long = |count| format!("<![CDATA[{}]]>", "&".repeat(count));
        let xml = |id: &str| {
            format!(
                "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin>\
                 <AllowedMethod>GET</AllowedMethod><ID>{id}</ID></CORSRule></CORSConfiguration>"
            )
        };
        let fits = MAX_CONFIGURATION_BYTES - xml("").len();
        for id in ["x".repeat(fits), "'".repeat(fits), "\"".repeat(fits), long(fits - long(0).len())] {
            let options = S3Options { dialect: Dialect::Zenko, strict: false };
            let policy = Policy::from_s3(xml(&id), options).unwrap();
            assert_eq!(Policy::from_s3(policy.document(), options), Ok(policy));
            assert!(Policy::from_s3(xml(&format!("{id}x")), options).is_err());
        }
    }

    #[test]
    fn numbers_are_read_as_javascript_reads_them() {
        for (text, number) in [
            ("12", Some(12)),
            ("12abc", Some(12)),
            (" +5 ", Some(5)),
            ("0x10", Some(0)),
            ("1.9", Some(1)),
            ("1e3", Some(1)),
            ("-0", Some(0)),
            ("-1", None),
            ("abc", None),
            ("", None),
            ("-", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ] {
            assert_eq!(parse_int(text), number, "{text}");
        }
    }
}
