//! What is known to be dangerous about an origin pattern, and which words of the document take responsibility.

use psl::Psl;

use crate::pattern::{HostShape, Pattern, Shape, pattern_host};

/// The version of the Public Suffix List that the library knows: the crate it comes from.
pub const PUBLIC_SUFFIX_LIST: &str = "psl 2.1.247";

/// A word of `dangerously_allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    InsecureOrigins,
    PublicSuffixes,
    NullOrigin,
}

impl Danger {
    pub(crate) const ALL: [Danger; 3] = [Danger::InsecureOrigins, Danger::PublicSuffixes, Danger::NullOrigin];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Danger::InsecureOrigins => "insecure-origins",
            Danger::PublicSuffixes => "public-suffixes",
            Danger::NullOrigin => "null-origin",
        }
    }
}

/// Why a pattern deserves a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risk {
    /// `null`.
    Null,
    /// Every host of http or https.
    AnyHost,
    /// http, and not of this machine itself.
    Insecure,
    /// A wildcard over a public suffix.
    PublicSuffix,
    /// Every origin of another scheme.
    AnyOfScheme,
}

impl Risk {
    /// The risks of a pattern, in the order in which they are told.
    pub(crate) fn of(pattern: &Pattern<'_>) -> Vec<Risk> {
        match pattern.shape {
            Shape::Any => Vec::new(),
            Shape::Null => vec![Risk::Null],
            Shape::Scheme => vec![Risk::AnyOfScheme],
            Shape::Exact { insecure } => insecure.then_some(Risk::Insecure).into_iter().collect(),
            Shape::Web { host: HostShape::Any, .. } => vec![Risk::AnyHost],
            Shape::Web { host, insecure, .. } => {
                let suffix = match host {
                    HostShape::Itself | HostShape::Any => false,
                    HostShape::Subdomains | HostShape::InLabel => {
                        is_public_suffix(pattern_host(&pattern.text))
                    }
                };
                [(insecure, Risk::Insecure), (suffix, Risk::PublicSuffix)]
                    .into_iter()
                    .filter_map(|(is, risk)| is.then_some(risk))
                    .collect()
            }
        }
    }

    /// The word that takes responsibility; none if nothing does.
    pub(crate) const fn lifted_by(self) -> Option<Danger> {
        match self {
            Risk::Null => Some(Danger::NullOrigin),
            Risk::Insecure => Some(Danger::InsecureOrigins),
            Risk::PublicSuffix => Some(Danger::PublicSuffixes),
            Risk::AnyHost | Risk::AnyOfScheme => None,
        }
    }
}

/// Whether different people can register names directly below `host`.
fn is_public_suffix(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host == "localhost" || host.ends_with(".localhost") {
        return false;
    }
    // An unlisted top-level name counts as a public suffix, by the list's own default rule.
    let is_suffix =
        |host: &str| psl::List.find(host.as_bytes().rsplit(|&byte| byte == b'.')).len == host.len();
    // Where the list has a rule such as `*.ck`, every name below is a suffix: ask for one that nobody has.
    is_suffix(host) || is_suffix(&format!("corsac--none.{host}"))
}

#[cfg(test)]
mod tests {
    use super::is_public_suffix;

    #[test]
    fn suffixes_of_both_sections_and_unknown_ones_are_public() {
        for suffix in
            ["com", "co.uk", "github.io", "vercel.app", "ck", "kawasaki.jp", "unlisted-name", "com."]
        {
            assert!(is_public_suffix(suffix), "{suffix}");
        }
        for host in ["example.com", "user.github.io", "localhost", "a.localhost", "city.kawasaki.jp"] {
            assert!(!is_public_suffix(host), "{host}");
        }
    }
}
