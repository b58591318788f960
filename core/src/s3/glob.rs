//! S3's wildcards: at most one `*` in a value, for any run of characters, none included.

use super::Dialect;

/// What stands in front of `*` and behind it.
type Wild = (Box<[u8]>, Box<[u8]>);

/// The values of one list, compiled: those without `*` are searched, those with it are tried one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs {
    any: bool,
    /// Sorted.
    exact: Box<[Box<[u8]>]>,
    wild: Box<[Wild]>,
    /// Whether what stands in front and what stands behind may be the same bytes, as Zenko has it: `foo*oof`
    /// matches `foof`.
    overlap: bool,
}

impl Globs {
    pub(super) fn new<'v>(values: impl IntoIterator<Item = &'v str>, dialect: Dialect) -> Self {
        let (mut any, mut exact, mut wild) = (false, Vec::new(), Vec::new());
        for value in values {
            match value.split_once('*') {
                Some(("", "")) => any = true,
                Some((front, behind)) => wild.push((front.as_bytes().into(), behind.as_bytes().into())),
                None => exact.push(value.as_bytes().into()),
            }
        }
        exact.sort_unstable();
        exact.dedup();
        wild.sort_unstable();
        wild.dedup();
        Globs { any, exact: exact.into(), wild: wild.into(), overlap: dialect == Dialect::Zenko }
    }

    /// Whether a value is matched as it is.
    pub(super) fn matches(&self, value: &[u8]) -> bool {
        self.any
            || self.exact.binary_search_by(|known| (**known).cmp(value)).is_ok()
            || self.wild.iter().any(|(front, behind)| {
                // An empty one is not compared: it has no address, and comparing there takes processors with masked
                // loads a hundred nanoseconds.
                (self.overlap || front.len() + behind.len() <= value.len())
                    && (front.is_empty() || value.starts_with(front))
                    && (behind.is_empty() || value.ends_with(behind))
            })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let exact: usize = self.exact.iter().map(|value| value.len() + 16).sum();
        let wild: usize = self.wild.iter().map(|(front, behind)| front.len() + behind.len() + 32).sum();
        exact + wild
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Globs};

    #[test]
    fn a_star_is_any_run_of_characters_none_included() {
        let rows: [(&str, &str, [bool; 2]); 14] = [
            ("*", "", [true, true]),
            ("*", "null", [true, true]),
            ("foo*", "foo", [true, true]),
            ("foo*", "fo", [false, false]),
            ("http://*.x", "http://.x", [true, true]),
            ("http://*.x", "http://a/b:c.d.x", [true, true]),
            ("http://*.x", "http://x", [false, false]),
            ("*oof", "foof", [true, true]),
            ("foo*oof", "foof", [true, false]),
            ("foo*oof", "foooof", [true, true]),
            ("foo*oof", "oof", [false, false]),
            ("start*end", "startend", [true, true]),
            ("a", "a", [true, true]),
            ("a", "A", [false, false]),
        ];
        for (glob, value, expected) in rows {
            for (dialect, expected) in Dialect::ALL.into_iter().zip(expected) {
                let globs = Globs::new([glob], dialect);
                assert_eq!(globs.matches(value.as_bytes()), expected, "{glob} {value} {dialect}");
            }
        }
    }
}
