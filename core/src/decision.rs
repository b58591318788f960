//! The answer to one request: what it was, what to do, why, and which headers change.

use std::fmt;

use http::header::HeaderMap;

use crate::answer::{AnswerId, HeaderEdits};
use crate::origin_set::RuleIndex;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::request::Facts;

/// Which request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// No `Origin`.
    NotCors = 1,
    /// A request that reaches the application.
    Actual = 2,
    /// A question of the browser: `OPTIONS` with `Origin` and `Access-Control-Request-Method`.
    Preflight = 3,
}

impl Kind {
    /// The name, the same in every language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::NotCors => "not-cors",
            Kind::Actual => "actual",
            Kind::Preflight => "preflight",
        }
    }

    /// The stable number, as in `corsac.h`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// Let the application respond, and apply the header edits to its response.
    Forward = 1,
    /// Respond at once with the decision's status, its headers and no body.
    Respond = 2,
}

impl Action {
    /// The name, the same in every language.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Action::Forward => "forward",
            Action::Respond => "respond",
        }
    }

    /// The stable number, as in `corsac.h`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A decision as plain data, without the headers, which are those of its answer.
///
/// One number, so that it comes back in a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verdict(u64);

/// The rule where none matched.
const NO_RULE: u32 = u32::MAX;

impl Verdict {
    /// `status` is 0 if the application responds.
    #[inline]
    pub(crate) const fn new(
        kind: Kind,
        reason: Reason,
        rule: Option<RuleIndex>,
        answer: AnswerId,
        status: u16,
    ) -> Verdict {
        let rule = match rule {
            Some(rule) => rule as u32,
            None => NO_RULE,
        };
        let status = match status {
            200 => 1,
            204 => 2,
            403 => 3,
            400 => 4,
            _ => 0,
        };
        Verdict(
            kind as u64 | status << 4 | (reason as u64) << 8 | (answer.0 as u64) << 16 | (rule as u64) << 32,
        )
    }

    /// Which request it was.
    #[must_use]
    #[inline]
    pub const fn kind(self) -> Kind {
        match self.0 & 0xf {
            1 => Kind::NotCors,
            2 => Kind::Actual,
            _ => Kind::Preflight,
        }
    }

    /// [`Kind::number`] of [`Verdict::kind`].
    #[must_use]
    #[inline]
    pub const fn kind_number(self) -> u32 {
        (self.0 & 0xf) as u32
    }

    /// [`Reason::number`] of [`Verdict::reason`].
    #[must_use]
    #[inline]
    pub const fn reason_number(self) -> u32 {
        (self.0 >> 8 & 0xff) as u32
    }

    /// Why.
    #[must_use]
    #[inline]
    pub const fn reason(self) -> Reason {
        Reason::from_number((self.0 >> 8) as u8)
    }

    /// Whether the request is allowed.
    #[must_use]
    #[inline]
    pub const fn allowed(self) -> bool {
        // As numbers, since this is asked on every request.
        matches!(self.reason_number(), Reason::FIRST_ALLOWED..=Reason::LAST_ALLOWED)
    }

    /// The index of the rule that decided; none if no rule matched.
    #[must_use]
    #[inline]
    pub const fn rule(self) -> Option<u32> {
        let rule = (self.0 >> 32) as u32;
        if rule == NO_RULE { None } else { Some(rule) }
    }

    /// The answer of the policy that holds the headers.
    #[must_use]
    #[inline]
    pub const fn answer(self) -> AnswerId {
        AnswerId((self.0 >> 16) as u16)
    }

    /// What to do.
    #[must_use]
    #[inline]
    pub const fn action(self) -> Action {
        if self.status() == 0 { Action::Forward } else { Action::Respond }
    }

    /// The status to respond with; 0 for [`Action::Forward`].
    #[must_use]
    #[inline]
    pub const fn status(self) -> u16 {
        match self.0 >> 4 & 0xf {
            1 => 200,
            2 => 204,
            3 => 403,
            4 => 400,
            _ => 0,
        }
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("kind", &self.kind())
            .field("action", &self.action())
            .field("status", &self.status())
            .field("reason", &self.reason())
            .field("rule", &self.rule())
            .field("answer", &self.answer())
            .finish()
    }
}

/// The answer to one request. Borrows the policy and the request.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    pub(crate) verdict: Verdict,
    pub(crate) policy: &'a Policy,
    pub(crate) request: &'a dyn Facts,
}

impl<'a> Decision<'a> {
    /// Which request it was.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.verdict.kind()
    }

    /// What to do.
    #[must_use]
    pub fn action(&self) -> Action {
        self.verdict.action()
    }

    /// The status to respond with; 0 where the application responds.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.verdict.status()
    }

    /// Whether the request is allowed. True for requests that are not CORS.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.verdict.allowed()
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.verdict.reason()
    }

    /// The index of the rule that decided; none if no rule matched.
    #[must_use]
    pub fn rule(&self) -> Option<u32> {
        self.verdict.rule()
    }

    /// The name of the rule that decided, if it has one.
    #[must_use]
    pub fn rule_name(&self) -> Option<&'a str> {
        let rule = self.policy.rules.get(self.rule()? as usize)?;
        rule.config.name.as_deref()
    }

    /// The decision as plain data.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The header edits, in the order in which they apply.
    #[must_use]
    pub fn headers(&self) -> HeaderEdits<'a> {
        self.policy.answer(self.verdict.answer()).fill(self.request)
    }

    /// Applies the header edits to a response. Doing it twice changes nothing.
    ///
    /// Apply them to every final response, errors, redirects, `HEAD` and 304 included, and never
    /// to 1xx.
    pub fn apply(&self, response: &mut HeaderMap) {
        self.policy.answer(self.verdict.answer()).apply(self.request, response);
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision").field("verdict", &self.verdict).field("headers", &self.headers()).finish()
    }
}
