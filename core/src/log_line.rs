//! A decision as one line for a log: escaped and capped, whatever a stranger sent.

use std::fmt::{self, Write};

use crate::decision::{Decision, Kind};
use crate::request::HeaderLine;

/// Bytes that are shown of a value; what is left out is told by `...`.
const SHOWN: usize = 128;

/// Bytes outside of printable ASCII, quotes and backslashes as `\xNN`.
struct Escaped<'v>(&'v [u8]);

impl Escaped<'_> {
    fn write(&self, f: &mut impl Write) -> fmt::Result {
        for &byte in self.0.iter().take(SHOWN) {
            match byte {
                b'"' | b'\\' => write!(f, "\\x{byte:02x}")?,
                b' '..=b'~' => f.write_char(char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'static str {
        if self.0.len() > SHOWN { "..." } else { "" }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.write(f)?;
        f.write_char('"')?;
        f.write_str(self.rest())
    }
}

/// ` name="value"`, or ` name=several`; nothing for a header that did not come.
struct Field<'v>(&'static str, HeaderLine<'v>);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            HeaderLine::Absent => Ok(()),
            HeaderLine::One(value) => write!(f, " {}={}", self.0, Escaped(value)),
            HeaderLine::Several => write!(f, " {}=several", self.0),
        }
    }
}

impl Decision<'_> {
    /// The request's `Origin` as the line for a log shows it, without the quotes: escaped, and cut behind 128
    /// bytes; `several` for more than one line of it. For metrics and for logs of one's own.
    #[must_use]
    pub fn escaped_origin(&self) -> Option<String> {
        match self.request.origin() {
            HeaderLine::Absent => None,
            HeaderLine::Several => Some("several".to_owned()),
            HeaderLine::One(value) => {
                let value = Escaped(value);
                let mut text = String::new();
                // Writing into a String cannot fail.
                let _ = value.write(&mut text);
                text.push_str(value.rest());
                Some(text)
            }
        }
    }
}

impl fmt::Display for Decision<'_> {
    /// One line without its end, such as
    /// `preflight refused origin-not-allowed rule=- origin="https://evil.test" method="PUT"`. Every value is
    /// escaped, and cut behind 128 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed = if self.allowed() { "allowed" } else { "refused" };
        write!(f, "{} {allowed} {} rule=", self.kind(), self.reason())?;
        match self.rule() {
            Some(rule) => write!(f, "{rule}")?,
            None => f.write_char('-')?,
        }
        if let Some(name) = self.rule_name() {
            write!(f, " name={}", Escaped(name.as_bytes()))?;
        }
        Field("origin", self.request.origin()).fmt(f)?;
        if self.kind() != Kind::Preflight {
            return Ok(());
        }
        Field("method", self.request.request_method()).fmt(f)?;
        let headers = self.request.request_headers();
        let joined;
        let line: &[u8] = match headers.lines() {
            [] => b"",
            [line] => line,
            lines => {
                joined = lines.join(b", ".as_slice());
                &joined
            }
        };
        Field("headers", HeaderLine::One(line)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Policy, Request};

    fn origin_of(lines: &[&[u8]]) -> Option<String> {
        let policy = Policy::from_json(r#"{"allow_origins": "*"}"#).ok()?;
        let mut request = Request::new("GET");
        for line in lines {
            request.header("Origin", *line);
        }
        policy.evaluate(&request).escaped_origin()
    }

    #[test]
    fn an_origin_for_metrics_is_escaped_and_capped() {
        assert_eq!(origin_of(&[]), None);
        assert_eq!(origin_of(&[b""]).as_deref(), Some(""));
        assert_eq!(origin_of(&[b"https://a.example"]).as_deref(), Some("https://a.example"));
        assert_eq!(origin_of(&[b"a\"\\\n\xff"]).as_deref(), Some(r"a\x22\x5c\x0a\xff"));
        assert_eq!(origin_of(&[&[b'x'; 200]]), Some(format!("{}...", "x".repeat(128))));
        assert_eq!(origin_of(&[b"a", b"a"]).as_deref(), Some("several"));
    }
}
