//! A decision as one line for a log: escaped and capped, whatever a stranger sent.

use std::fmt::{self, Write};

use crate::decision::{Decision, Kind};
use crate::request::HeaderLine;

/// Bytes that are shown of a value; what is left out is told by `...`.
const SHOWN: usize = 128;

/// Bytes outside of printable ASCII, quotes and backslashes as `\xNN`.
struct Escaped<'v>(&'v [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for &byte in self.0.iter().take(SHOWN) {
            match byte {
                b'"' | b'\\' => write!(f, "\\x{byte:02x}")?,
                b' '..=b'~' => f.write_char(char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_char('"')?;
        if self.0.len() > SHOWN { f.write_str("...") } else { Ok(()) }
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
