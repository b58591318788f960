//! Why a decision is what it is: stable names and numbers, in the order in which they are found.

use std::fmt;

/// Why a request was allowed or refused.
///
/// Names and numbers never change meaning and are never reused. New reasons may appear: treat one
/// you don't know as refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// The policy allows the request.
    Allowed = 1,
    /// The request has no `Origin`: CORS has no say in it.
    NotCors = 2,
    /// No rule matches, but the request comes from the server's own pages: it passes, without CORS headers.
    SameOrigin = 3,
    /// More than one `Origin`, or a value that no browser serializes (Fetch, "origin header"; RFC 6454 section 6.2).
    MalformedOrigin = 4,
    /// The origin is `null` and no rule allows it.
    NullOriginNotAllowed = 5,
    /// No rule matches the origin.
    OriginNotAllowed = 6,
    /// `Access-Control-Request-Method` came more than once, is no token, or is longer than 64 bytes.
    MalformedRequestMethod = 7,
    /// The rule does not allow the method.
    MethodNotAllowed = 8,
    /// `Access-Control-Request-Headers` is larger than the limits in [`crate::limits`].
    RequestHeadersTooLarge = 9,
    /// An element of `Access-Control-Request-Headers` is no token.
    MalformedRequestHeaders = 10,
    /// The rule does not allow a requested header.
    HeaderNotAllowed = 11,
    /// S3 rules: none matches origin, method and headers together.
    S3NoRuleMatches = 12,
    /// S3 rules: `OPTIONS` without `Origin`.
    S3OriginMissing = 13,
    /// S3 rules: `Access-Control-Request-Method` is missing, or none of the five methods of S3.
    S3InvalidRequestMethod = 14,
    /// S3 rules of AWS: an element of `Access-Control-Request-Headers` is no token.
    S3InvalidRequestHeaders = 15,
}

impl Reason {
    /// Every reason, by number.
    pub const ALL: [Reason; 15] = [
        Reason::Allowed,
        Reason::NotCors,
        Reason::SameOrigin,
        Reason::MalformedOrigin,
        Reason::NullOriginNotAllowed,
        Reason::OriginNotAllowed,
        Reason::MalformedRequestMethod,
        Reason::MethodNotAllowed,
        Reason::RequestHeadersTooLarge,
        Reason::MalformedRequestHeaders,
        Reason::HeaderNotAllowed,
        Reason::S3NoRuleMatches,
        Reason::S3OriginMissing,
        Reason::S3InvalidRequestMethod,
        Reason::S3InvalidRequestHeaders,
    ];

    /// The numbers from here to [`Reason::LAST_ALLOWED`] are those of requests that are allowed.
    pub(crate) const FIRST_ALLOWED: u32 = Reason::Allowed as u32;
    pub(crate) const LAST_ALLOWED: u32 = Reason::SameOrigin as u32;

    /// The stable kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Allowed => "allowed",
            Reason::NotCors => "not-cors",
            Reason::SameOrigin => "same-origin",
            Reason::MalformedOrigin => "malformed-origin",
            Reason::NullOriginNotAllowed => "null-origin-not-allowed",
            Reason::OriginNotAllowed => "origin-not-allowed",
            Reason::MalformedRequestMethod => "malformed-request-method",
            Reason::MethodNotAllowed => "method-not-allowed",
            Reason::RequestHeadersTooLarge => "request-headers-too-large",
            Reason::MalformedRequestHeaders => "malformed-request-headers",
            Reason::HeaderNotAllowed => "header-not-allowed",
            Reason::S3NoRuleMatches => "s3-no-rule-matches",
            Reason::S3OriginMissing => "s3-origin-missing",
            Reason::S3InvalidRequestMethod => "s3-invalid-request-method",
            Reason::S3InvalidRequestHeaders => "s3-invalid-request-headers",
        }
    }

    /// The stable number, as in `corsac.h`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The reason with this number; what is none refuses.
    #[inline]
    pub(crate) const fn from_number(number: u8) -> Reason {
        match number {
            1 => Reason::Allowed,
            2 => Reason::NotCors,
            3 => Reason::SameOrigin,
            4 => Reason::MalformedOrigin,
            5 => Reason::NullOriginNotAllowed,
            6 => Reason::OriginNotAllowed,
            7 => Reason::MalformedRequestMethod,
            8 => Reason::MethodNotAllowed,
            9 => Reason::RequestHeadersTooLarge,
            10 => Reason::MalformedRequestHeaders,
            12 => Reason::S3NoRuleMatches,
            13 => Reason::S3OriginMissing,
            14 => Reason::S3InvalidRequestMethod,
            15 => Reason::S3InvalidRequestHeaders,
            _ => Reason::HeaderNotAllowed,
        }
    }

    /// Whether a request decided for this reason is allowed.
    #[must_use]
    pub const fn allowed(self) -> bool {
        matches!(self, Reason::Allowed | Reason::NotCors | Reason::SameOrigin)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn numbers_are_stable_and_lead_back() {
        for (index, reason) in (1..).zip(Reason::ALL) {
            assert_eq!(reason.number(), index);
            assert_eq!(Reason::from_number(index as u8), reason);
            assert_eq!(reason.allowed(), (Reason::FIRST_ALLOWED..=Reason::LAST_ALLOWED).contains(&index));
        }
    }
}
