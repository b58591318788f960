//! Whose behaviour is modelled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose behaviour is modelled: the Fetch standard's, or that of a browser where it differs.
///
/// The browsers' switches are observations of Chromium 156 and Firefox 153.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Profile {
    /// The Fetch standard.
    #[default]
    Standard,
    /// Chromium and the browsers made of it: Chrome, Edge, Opera, Brave.
    Chromium,
    /// Firefox.
    Firefox,
}

impl Profile {
    /// Every profile, the standard first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Chromium, Self::Firefox];

    /// `standard`, `chromium` or `firefox`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    /// `*` in Access-Control-Allow-Headers covers Authorization. The standard forbids it, no browser enforces that.
    pub(super) const fn star_covers_authorization(self) -> bool {
        !matches!(self, Self::Standard)
    }

    /// Client hints with a well-formed value are safelisted, as an older standard had it.
    pub(super) const fn client_hints_safelisted(self) -> bool {
        matches!(self, Self::Chromium)
    }

    /// A User-Agent set by script is ignored.
    pub(super) const fn ignores_user_agent(self) -> bool {
        matches!(self, Self::Chromium)
    }

    /// Lines of one name are joined before they are judged.
    pub(super) const fn joins_header_lines(self) -> bool {
        matches!(self, Self::Chromium)
    }

    /// Names appear in Access-Control-Request-Headers as often as they were set.
    pub(super) const fn repeats_names(self) -> bool {
        matches!(self, Self::Firefox)
    }

    /// Safelisted headers of more than 1024 bytes together need a preflight.
    pub(super) const fn limits_the_total(self) -> bool {
        !matches!(self, Self::Firefox)
    }

    /// Bytes from 0x80 make Accept and Content-Type unsafe.
    pub(super) const fn non_ascii_is_unsafe(self) -> bool {
        matches!(self, Self::Firefox)
    }

    /// A comma outside quotes makes a Content-Type unsafe, wherever it stands.
    pub(super) const fn comma_is_unsafe(self) -> bool {
        matches!(self, Self::Firefox)
    }

    /// Numbers of a Range must fit in 63 bits.
    pub(super) const fn limits_range(self) -> bool {
        !matches!(self, Self::Standard)
    }

    /// A listener for upload progress asks for a preflight only where there is something to upload.
    pub(super) const fn listener_needs_body(self) -> bool {
        matches!(self, Self::Chromium)
    }

    /// `no-referrer` hides the origin of requests that are not CORS requests.
    pub(super) const fn referrer_policy_hides_origin(self) -> bool {
        !matches!(self, Self::Chromium)
    }

    /// After a redirect, preflights carry the page's origin even where the request carries `null`, and one
    /// preflight makes all later hops preflight too.
    pub(super) const fn preflights_stick(self) -> bool {
        matches!(self, Self::Firefox)
    }

    /// A redirected preflight is noticed before its Access-Control-Allow-Origin is looked at.
    pub(super) const fn redirect_first(self) -> bool {
        matches!(self, Self::Chromium)
    }

    /// The method is looked for before Access-Control-Allow-Headers is parsed.
    pub(super) const fn method_before_header_syntax(self) -> bool {
        matches!(self, Self::Firefox)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| format!("there is no profile {text:?}, write one of: standard, chromium, firefox"))
    }
}
