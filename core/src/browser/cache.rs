//! The preflight cache: what a browser remembers of preflights, and for how long.

use super::profile::Profile;
use super::safelist::is_safelisted_method;
use super::syntax::{Line, get, values};

/// Seconds for which a preflight without a usable Access-Control-Max-Age is kept.
const DEFAULT_AGE: u64 = 5;

/// What a browser remembers of preflights (Fetch, "CORS-preflight cache").
///
/// The browser's network partition is not modelled: one cache is the cache of one page.
#[derive(Clone, Debug)]
pub struct PreflightCache {
    profile: Profile,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    is_method: bool,
    /// A method, or a header name in lower case; `*` for any.
    name: String,
    /// Milliseconds.
    expires: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    origin: String,
    url: String,
    credentials: bool,
}

/// What a request that may need a preflight asks of the cache, and a preflight puts there.
pub(super) struct Asked<'a> {
    pub(super) origin: &'a str,
    pub(super) url: &'a str,
    pub(super) credentials: bool,
    pub(super) method: &'a str,
    pub(super) names: &'a [String],
    /// Fetch's use-CORS-preflight flag.
    pub(super) always_preflight: bool,
}

impl PreflightCache {
    /// An empty cache of this browser.
    #[must_use]
    pub const fn new(profile: Profile) -> Self {
        Self { profile, entries: Vec::new() }
    }

    /// Whether the cache answers for a preflight at this time, in milliseconds.
    pub(super) fn answers(&self, asked: &Asked<'_>, now: u64) -> bool {
        let usable = |entry: &&Entry| {
            let same = entry.key.origin == asked.origin && entry.key.url == asked.url;
            // What was allowed with credentials is allowed without; Firefox keeps the two apart.
            let credentials = entry.key.credentials == asked.credentials
                || (entry.key.credentials && self.profile != Profile::Firefox);
            same && credentials && entry.expires > now
        };
        let usable: Vec<&Entry> = self.entries.iter().filter(usable).collect();
        let has = |is_method: bool, name: &str| {
            usable.iter().any(|entry| {
                entry.is_method == is_method
                    && (entry.name == name
                        || (entry.name == "*"
                            && !asked.credentials
                            && (is_method || name != "authorization")))
            })
        };
        if usable.is_empty() {
            return false;
        }
        let needs_no_method = match self.profile {
            Profile::Firefox => matches!(asked.method, "GET" | "POST"),
            Profile::Chromium => is_safelisted_method(asked.method),
            Profile::Standard => is_safelisted_method(asked.method) && !asked.always_preflight,
        };
        (needs_no_method || has(true, asked.method)) && asked.names.iter().all(|name| has(false, name))
    }

    /// Remembers a preflight's answer: the methods and header names that it lists.
    pub(super) fn store(
        &mut self,
        asked: &Asked<'_>,
        methods: &[String],
        names: &[String],
        headers: &[Line],
        now: u64,
    ) {
        if self.profile == Profile::Chromium {
            // One answer an origin and URL, replaced as a whole, and none for long URLs.
            self.entries.retain(|entry| entry.key.origin != asked.origin || entry.key.url != asked.url);
            if asked.url.len() >= 1024 {
                return;
            }
        }
        let Some(age) = max_age(self.profile, headers) else { return };
        let expires = now.saturating_add(age.saturating_mul(1000));
        let listed = methods.iter().map(|method| (true, method.clone()));
        let names = names.iter().map(|name| (false, name.to_ascii_lowercase()));
        // That there was an answer at all, which is enough for a safelisted method without unsafe headers.
        let answered = std::iter::once((true, String::new()));
        for (is_method, name) in listed.chain(names).chain(answered) {
            if name == "*" && self.profile == Profile::Firefox {
                continue;
            }
            let key = Key {
                origin: asked.origin.to_owned(),
                url: asked.url.to_owned(),
                credentials: asked.credentials,
            };
            match self
                .entries
                .iter_mut()
                .find(|entry| entry.key == key && entry.is_method == is_method && entry.name == name)
            {
                Some(entry) => entry.expires = expires,
                None => self.entries.push(Entry { key, is_method, name, expires }),
            }
        }
    }

    /// Forgets what is known of an origin and URL, since a request failed in spite of it.
    pub(super) fn clear(&mut self, asked: &Asked<'_>, preflight: bool) {
        // Chromium forgets only what a failing preflight contradicts.
        if self.profile != Profile::Chromium || preflight {
            self.entries.retain(|entry| entry.key.origin != asked.origin || entry.key.url != asked.url);
        }
    }

    /// Whether this cache mode of a request passes the preflight cache by.
    pub(super) fn is_bypassed(&self, mode: &str) -> bool {
        match self.profile {
            Profile::Standard => false,
            Profile::Chromium => matches!(mode, "no-store" | "reload" | "no-cache"),
            Profile::Firefox => matches!(mode, "no-store" | "reload"),
        }
    }
}

/// The seconds for which an answer is kept; `None` if it is not.
fn max_age(profile: Profile, headers: &[Line]) -> Option<u64> {
    let lines = values(headers, "Access-Control-Max-Age").count();
    let Some(value) = get(headers, "Access-Control-Max-Age") else { return Some(DEFAULT_AGE) };
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // What does not fit is as good as the largest number.
    let number = || if digits { Some(value.parse().unwrap_or(u64::MAX)) } else { None };
    match profile {
        Profile::Standard => Some(if lines == 1 { number().unwrap_or(DEFAULT_AGE) } else { DEFAULT_AGE }),
        // Chromium reads a signed 64-bit number, a sign included, and takes what it cannot read for nothing.
        Profile::Chromium => Some(match value.parse::<i64>() {
            Ok(number) => u64::try_from(number).unwrap_or(0).min(7200),
            Err(_) => DEFAULT_AGE,
        }),
        Profile::Firefox if value.is_empty() => Some(DEFAULT_AGE),
        Profile::Firefox => number().map(|number: u64| number.min(86_400)),
    }
}
