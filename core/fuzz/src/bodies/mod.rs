//! The bodies that need the core alone: each takes any bytes and panics if a promise is broken.

pub mod claims;
pub mod document;
pub mod evaluate;
pub mod header_list;
pub mod origin;
pub mod pattern;
pub mod s3;

/// Parts of an input end with this byte, "record separator": values with any other byte in them can be written.
pub const SEPARATOR: u8 = 0x1e;

/// The parts of an input.
pub fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|&byte| byte == SEPARATOR)
}

/// A header line `Name:value`; the name may begin with a colon.
pub fn header_line(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().skip(1).position(|&byte| byte == b':') {
        Some(colon) => (&line[..=colon], &line[colon + 2..]),
        None => (line, b""),
    }
}
