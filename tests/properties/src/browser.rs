//! A small browser: the client half of the CORS protocol, from the Fetch standard.
//!
//! It knows nothing of corsac. One URL, no redirects, no HTTP cache; what is left is whether a
//! request needs a preflight, the preflight with its cache, and the CORS check.

mod cache;
mod headers;
mod safelist;

use crate::Line;
use cache::Cache;
use headers::{get, list, max_age};
use safelist::{is_forbidden, unsafe_names};

/// The credentials mode of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    Omit,
    SameOrigin,
    Include,
}

/// Where shipping browsers and the standard differ, as far as a script of one URL can see it.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub name: &'static str,
    /// `*` in Access-Control-Allow-Headers covers `Authorization`.
    pub wildcard_covers_authorization: bool,
    /// A cached `*` serves later requests.
    pub star_is_reused: bool,
    /// A cached answer to a request with credentials serves one without.
    pub credentialed_serves_others: bool,
    /// A new preflight replaces what is cached.
    pub replaces: bool,
    pub max_age_cap: u64,
}

impl Profile {
    pub const ALL: [Profile; 3] = [
        Profile {
            name: "standard",
            wildcard_covers_authorization: false,
            star_is_reused: true,
            credentialed_serves_others: true,
            replaces: false,
            max_age_cap: 86_400,
        },
        Profile {
            name: "chromium",
            wildcard_covers_authorization: true,
            star_is_reused: true,
            credentialed_serves_others: true,
            replaces: true,
            max_age_cap: 7_200,
        },
        Profile {
            name: "firefox",
            wildcard_covers_authorization: true,
            star_is_reused: false,
            credentialed_serves_others: false,
            replaces: false,
            max_age_cap: 86_400,
        },
    ];
}

/// A `fetch()` of a script.
#[derive(Clone, Debug)]
pub struct Script {
    /// The origin of the page, serialized.
    pub page: Vec<u8>,
    /// The origin of the URL, serialized.
    pub target: String,
    pub method: String,
    pub headers: Vec<Line>,
    pub credentials: Credentials,
    /// Whether somebody listens to upload progress: then there always is a preflight.
    pub listens: bool,
}

/// A request as it goes to the server.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    pub lines: Vec<Line>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub lines: Vec<Line>,
}

/// What the script gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Readable,
    /// A network error, and the step that failed.
    Failed(&'static str),
    /// Refused before anything was sent.
    Impossible,
}

#[derive(Clone, Debug)]
pub struct Browser {
    pub profile: Profile,
    cache: Cache,
    /// Seconds since whenever.
    pub now: u64,
}

impl Browser {
    pub fn new(profile: Profile) -> Browser {
        Browser { profile, cache: Cache::default(), now: 0 }
    }

    /// Fetch, "main fetch" and "HTTP fetch" of a request in mode `cors`.
    pub fn fetch(&mut self, script: &Script, server: &mut dyn FnMut(&Sent) -> Response) -> Outcome {
        let method = normalize(&script.method);
        if !is_token(method.as_bytes())
            || ["CONNECT", "TRACE", "TRACK"].contains(&method.to_ascii_uppercase().as_str())
        {
            return Outcome::Impossible;
        }
        let headers: Vec<Line> =
            script.headers.iter().filter(|(name, _)| !is_forbidden(name)).cloned().collect();
        let actual = Sent { method: method.clone(), lines: self.common_lines(script, headers.clone(), true) };
        if script.page == script.target.as_bytes() {
            // Basic tainting: no CORS check.
            server(&actual);
            return Outcome::Readable;
        }
        let names = unsafe_names(&headers);
        let safelisted = is_safelisted(&method);
        if script.listens || !safelisted || !names.is_empty() {
            let method_known = (safelisted && !script.listens)
                || self.cache.has_method(self.now, script, &self.profile, &method);
            let names_known =
                names.iter().all(|name| self.cache.has_name(self.now, script, &self.profile, name));
            if !(method_known && names_known)
                && let Err(step) = self.preflight(script, &method, &names, server)
            {
                return Outcome::Failed(step);
            }
        }
        let response = server(&actual);
        match check(script, &response) {
            Ok(()) => Outcome::Readable,
            Err(step) => {
                self.cache.clear(script);
                Outcome::Failed(step)
            }
        }
    }

    /// The lines that the browser itself adds.
    fn common_lines(&self, script: &Script, mut lines: Vec<Line>, actual: bool) -> Vec<Line> {
        let authority = script.target.split_once("://").map_or("", |(_, authority)| authority);
        let same_origin = script.page == script.target.as_bytes();
        lines.insert(0, (b"Host".to_vec(), authority.into()));
        if !same_origin || !["GET", "HEAD"].contains(&script.method.as_str()) {
            lines.push((b"Origin".to_vec(), script.page.clone()));
        }
        // Only to trustworthy URLs (Fetch Metadata, "set the Sec-Fetch-Site header").
        if script.target.starts_with("https:") {
            let site = if same_origin { "same-origin" } else { "cross-site" };
            lines.push((b"Sec-Fetch-Site".to_vec(), site.into()));
        }
        if actual && script.credentials == Credentials::Include {
            lines.push((b"Cookie".to_vec(), b"id=1".to_vec()));
        }
        lines
    }

    /// Fetch, "CORS-preflight fetch".
    fn preflight(
        &mut self,
        script: &Script,
        method: &str,
        names: &[String],
        server: &mut dyn FnMut(&Sent) -> Response,
    ) -> Result<(), &'static str> {
        let mut lines = vec![(b"Access-Control-Request-Method".to_vec(), method.into())];
        if !names.is_empty() {
            lines.push((b"Access-Control-Request-Headers".to_vec(), names.join(",").into_bytes()));
        }
        let sent = Sent { method: "OPTIONS".to_owned(), lines: self.common_lines(script, lines, false) };
        let response = server(&sent);
        check(script, &response)?;
        if !(200..300).contains(&response.status) {
            return Err("preflight status");
        }
        let methods = list(&response.lines, "access-control-allow-methods").map_err(|_| "method syntax")?;
        let allowed_names =
            list(&response.lines, "access-control-allow-headers").map_err(|_| "header syntax")?;
        let mut methods =
            methods.unwrap_or_else(|| if script.listens { vec![method.to_owned()] } else { Vec::new() });
        let mut allowed_names = allowed_names.unwrap_or_default();
        let include = script.credentials == Credentials::Include;
        let star = |list: &[String]| !include && list.iter().any(|element| element == "*");
        let listed = |name: &str| allowed_names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));

        if !methods.iter().any(|allowed| allowed == method) && !is_safelisted(method) && !star(&methods) {
            return Err("method");
        }
        for name in names {
            let non_wildcard = name == "authorization" && !self.profile.wildcard_covers_authorization;
            if !listed(name) && (non_wildcard || !star(&allowed_names)) {
                return Err("header");
            }
        }
        let age = max_age(&response.lines).unwrap_or(5).min(self.profile.max_age_cap);
        if self.profile.replaces {
            self.cache.clear(script);
        }
        self.cache.store(self.now + age, script, &mut methods, &mut allowed_names);
        Ok(())
    }
}

/// Fetch, "CORS check".
fn check(script: &Script, response: &Response) -> Result<(), &'static str> {
    let include = script.credentials == Credentials::Include;
    let origin = get(&response.lines, "access-control-allow-origin").ok_or("no Allow-Origin")?;
    if !include && origin == b"*" {
        return Ok(());
    }
    if origin != script.page {
        return Err("another Allow-Origin");
    }
    if !include {
        return Ok(());
    }
    let credentials = get(&response.lines, "access-control-allow-credentials");
    if credentials.as_deref() == Some(b"true") { Ok(()) } else { Err("no Allow-Credentials") }
}

/// Fetch, "normalize a method".
fn normalize(method: &str) -> String {
    let upper = method.to_ascii_uppercase();
    match upper.as_str() {
        "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" => upper,
        _ => method.to_owned(),
    }
}

fn is_safelisted(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// RFC 9110 section 5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(known)
}
