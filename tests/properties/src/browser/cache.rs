//! The CORS-preflight cache of one URL.

use super::{Credentials, Profile, Script};

#[derive(Clone, Debug)]
struct Entry {
    page: Vec<u8>,
    credentials: bool,
    until: u64,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Method(String),
    /// In lower case.
    Name(String),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    entries: Vec<Entry>,
}

fn credentialed(script: &Script) -> bool {
    script.credentials == Credentials::Include
}

impl Cache {
    /// Fetch, "method cache entry match".
    pub(super) fn has_method(&self, now: u64, script: &Script, profile: &Profile, method: &str) -> bool {
        self.has(now, script, profile, &What::Method(method.to_owned()), &What::Method("*".to_owned()), true)
    }

    /// Fetch, "header-name cache entry match": `*` does not match `Authorization`.
    pub(super) fn has_name(&self, now: u64, script: &Script, profile: &Profile, name: &str) -> bool {
        let wildcard = name != "authorization";
        self.has(now, script, profile, &What::Name(name.to_owned()), &What::Name("*".to_owned()), wildcard)
    }

    /// With credentials a cached `*` is no wildcard, as in browsers; the text of the standard forgets it.
    fn has(
        &self,
        now: u64,
        script: &Script,
        profile: &Profile,
        what: &What,
        star: &What,
        wildcard: bool,
    ) -> bool {
        self.entries.iter().any(|entry| {
            let serves = if profile.credentialed_serves_others {
                entry.credentials || !credentialed(script)
            } else {
                entry.credentials == credentialed(script)
            };
            let star = wildcard && profile.star_is_reused && !entry.credentials && entry.what == *star;
            entry.page == script.page && now < entry.until && serves && (star || entry.what == *what)
        })
    }

    /// Stores what the response lists, not what the request asked.
    pub(super) fn store(
        &mut self,
        until: u64,
        script: &Script,
        methods: &mut Vec<String>,
        names: &mut Vec<String>,
    ) {
        let credentials = credentialed(script);
        let methods = methods.drain(..).map(What::Method);
        let names = names.drain(..).map(|name| What::Name(name.to_ascii_lowercase()));
        for what in methods.chain(names) {
            let same = |entry: &Entry| {
                entry.page == script.page && entry.credentials == credentials && entry.what == what
            };
            self.entries.retain(|entry| !same(entry));
            self.entries.push(Entry { page: script.page.clone(), credentials, until, what });
        }
    }

    /// Fetch, "clear cache entries".
    pub(super) fn clear(&mut self, script: &Script) {
        self.entries.retain(|entry| entry.page != script.page);
    }
}
