//! Being configured by calls: setters take anything, and building tells every problem at once.

use std::fmt;

use crate::draft::Draft;
use crate::key::{At, Key};
use crate::policy::{Policy, TimingAllowOrigin};
use crate::problem::{BuildError, Quoted};
use crate::words;

/// Builds a [`Policy`] from calls. Setters cannot fail: [`PolicyBuilder::build`] reports every
/// problem of every value at once.
///
/// Values are text, as in a document; bytes that are no UTF-8 are a problem like any other.
///
/// ```
/// let policy = corsac::Policy::builder()
///     .allow_origin("https://app.example.com")
///     .allow_method("PUT")
///     .allow_header("content-type")
///     .max_age(600)
///     .build()?;
/// assert!(policy.allows_origin(Some("https://app.example.com"), false));
/// # Ok::<(), corsac::BuildError>(())
/// ```
///
/// ```
/// let error = corsac::Policy::builder().allow_origin("https://app.example.com/").build().unwrap_err();
/// assert_eq!(error.problems()[0].suggestion.as_deref(), Some("https://app.example.com"));
/// ```
///
/// Several rules, of which the first that matches an origin decides:
/// ```
/// let policy = corsac::Policy::builder()
///     .name("partners").allow_origin("https://partner.example").allow_credentials(true)
///     .next_rule()
///     .name("everyone").allow_origin("*")
///     .build()?;
/// # Ok::<(), corsac::BuildError>(())
/// ```
#[derive(Clone)]
pub struct PolicyBuilder {
    draft: Draft,
    /// How many elements each list has so far, by key.
    counts: [usize; Key::COUNT],
}

impl PolicyBuilder {
    pub(crate) fn new() -> Self {
        PolicyBuilder { draft: Draft::new(), counts: [0; Key::COUNT] }
    }

    fn at(&self, key: Key, index: Option<usize>) -> At {
        let rule = u32::try_from(self.draft.rule_count().saturating_sub(1)).unwrap_or(u32::MAX);
        At::call(rule, key, index)
    }

    /// Reads a value as text, or notes that it is none.
    fn text<'v>(&mut self, at: At, value: &'v [u8]) -> Option<&'v str> {
        let text = std::str::from_utf8(value).ok();
        if text.is_none() {
            self.draft.unreadable(at);
            self.draft.problem(|| {
                let text = String::from_utf8_lossy(value);
                at.problem(
                    "not-utf-8",
                    Some(&text),
                    format!("{} is no UTF-8, write it in UTF-8", Quoted(&text)),
                )
            });
        }
        text
    }

    fn add(&mut self, key: Key, value: &[u8]) -> &mut Self {
        let index = match self.counts.get_mut(key as usize) {
            Some(count) => std::mem::replace(count, *count + 1),
            None => 0,
        };
        let at = self.at(key, Some(index));
        self.draft.list_given(at.list(), true);
        if let Some(text) = self.text(at, value) {
            self.draft.element(at, text);
        }
        self
    }

    fn set(&mut self, key: Key, value: &[u8], set: impl FnOnce(&mut Draft, At, &str)) -> &mut Self {
        let at = self.at(key, None);
        if let Some(text) = self.text(at, value) {
            set(&mut self.draft, at, text);
        }
        self
    }

    /// Who may read responses: an origin, a pattern such as `https://*.example.com`, or `*` for everyone.
    pub fn allow_origin(&mut self, origin: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::AllowOrigins, origin.as_ref())
    }

    /// A method beyond GET, HEAD and POST, which are always allowed; `*` for every method.
    pub fn allow_method(&mut self, method: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::AllowMethods, method.as_ref())
    }

    /// A request header beyond the safelisted ones; `*` for every header, `authorization` too.
    pub fn allow_header(&mut self, name: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::AllowHeaders, name.as_ref())
    }

    /// A response header that scripts may read; `*` for every header.
    pub fn expose_header(&mut self, name: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::ExposeHeaders, name.as_ref())
    }

    /// Whether cookies, TLS client certificates and HTTP authentication may be sent. Not unless asked for.
    pub fn allow_credentials(&mut self, allow: bool) -> &mut Self {
        self.draft.allow_credentials(allow);
        self
    }

    /// How long a browser may keep the answer to a preflight, in seconds, at most 86,400. Without it
    /// browsers keep it for 5 seconds; 0 turns their cache off. Chromium never keeps it longer than
    /// 7,200 seconds.
    pub fn max_age(&mut self, seconds: impl Into<i64>) -> &mut Self {
        let seconds = seconds.into();
        self.draft.max_age(self.at(Key::MaxAge, None), seconds, &seconds.to_string());
        self
    }

    /// Who may see the timing of responses (`Timing-Allow-Origin`): `true` for those who may read them, `*` for
    /// everyone, `false`, the default, for nobody.
    pub fn timing_allow_origin(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        self.set(Key::TimingAllowOrigin, value.as_ref(), |draft, at, text| match text {
            "true" => draft.timing_allow_origin(TimingAllowOrigin::Reader),
            "false" => draft.timing_allow_origin(TimingAllowOrigin::Nobody),
            "*" => draft.timing_allow_origin(TimingAllowOrigin::Everyone),
            _ => draft.problem(|| words::unknown(at, text, &["true", "false", "*"])),
        })
    }

    /// Takes responsibility for what is refused otherwise: `insecure-origins`, `public-suffixes`, `null-origin`.
    pub fn dangerously_allow(&mut self, danger: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::DangerouslyAllow, danger.as_ref())
    }

    /// The name of the rule, for people and logs.
    pub fn name(&mut self, name: impl AsRef<[u8]>) -> &mut Self {
        self.set(Key::Name, name.as_ref(), Draft::text)
    }

    /// The description of the rule, for people.
    pub fn description(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.set(Key::Description, text.as_ref(), Draft::text)
    }

    /// Begins the next rule: what is set from here on is its own, but for what belongs to the whole policy.
    /// The first rule that matches an origin decides alone.
    pub fn next_rule(&mut self) -> &mut Self {
        if self.draft.next_rule(0) {
            for key in Key::of_rule() {
                if let Some(count) = self.counts.get_mut(*key as usize) {
                    *count = 0;
                }
            }
        } else {
            let at = self.at(Key::Rules, None);
            self.draft.too_many_rules(at);
        }
        self
    }

    /// The status of an answered preflight: 204, the default, or 200.
    pub fn preflight_status(&mut self, status: impl Into<i64>) -> &mut Self {
        let status = status.into();
        self.draft.preflight_status(self.at(Key::PreflightStatus, None), status, &status.to_string());
        self
    }

    /// What becomes of refused requests that are no preflights: `forward`, the default, or `forbid`, which
    /// answers 403.
    pub fn refused_requests(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        self.set(Key::RefusedRequests, value.as_ref(), Draft::refused_requests)
    }

    /// One of the server's own origins, where `Host` does not tell.
    pub fn own_origin(&mut self, origin: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::OwnOrigins, origin.as_ref())
    }

    /// What becomes of CORS headers that the application sets: `remove`, the default, or `keep`.
    pub fn foreign_headers(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        self.set(Key::ForeignHeaders, value.as_ref(), Draft::foreign_headers)
    }

    /// An origin that a rule has to match, or nothing is built.
    pub fn expect_allow(&mut self, origin: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::ExpectAllow, origin.as_ref())
    }

    /// An origin that no rule may match, or nothing is built.
    pub fn expect_refuse(&mut self, origin: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::ExpectRefuse, origin.as_ref())
    }

    /// The code of a warning that is known and not to be reported again.
    pub fn acknowledge(&mut self, code: impl AsRef<[u8]>) -> &mut Self {
        self.add(Key::Acknowledge, code.as_ref())
    }

    /// Builds the policy.
    ///
    /// # Errors
    /// Every problem of every value.
    pub fn build(&self) -> Result<Policy, BuildError> {
        self.draft.clone().finish(None)
    }
}

impl fmt::Debug for PolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyBuilder").finish_non_exhaustive()
    }
}
