//! A policy while its values are collected and checked, whoever gives them: setters or a document.

use crate::guards::{Danger, Risk};
use crate::hash_key::HashKey;
use crate::header::{
    is_cors_response_header, is_forbidden_request_header, is_safelisted_response_header, is_token,
    is_unexposable,
};
use crate::key::{At, Key};
use crate::limits::{
    MAX_AGE_SECONDS, MAX_HEADER_NAME_BYTES, MAX_METHOD_BYTES, MAX_NAME_BYTES, MAX_NAMES, MAX_ORIGINS,
    MAX_PROBLEMS, MAX_RULES,
};
use crate::method;
use crate::origin_set::{Match, OriginSet, RuleIndex};
use crate::pattern::{Pattern, Shape};
use crate::policy::{Policy, Rule, RuleConfig, Settings, TimingAllowOrigin};
use crate::problem::{BuildError, Problem, Problems, Quoted};
use crate::words::{self, WARNINGS};

/// One of the lists of names.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Canonical, in order, without duplicates, `*` among them.
    names: Vec<Box<str>>,
    any: Option<At>,
    /// Where the list begins.
    at: Option<At>,
    overflow: bool,
}

impl Names {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| **known == *name)
    }

    /// Adds a canonical name; false if it was there.
    fn add(&mut self, name: &str) -> bool {
        let new = !self.has(name);
        if new {
            self.names.push(name.into());
        }
        new
    }
}

/// The values of one rule.
#[derive(Clone, Debug, Default)]
struct RuleDraft {
    /// Where `allow_origins` was given, in whatever form.
    origins_at: Option<At>,
    /// Whether it was given as something else than a list or `*`, which is a problem already.
    origins_unusable: bool,
    any_origin: Option<At>,
    /// Elements of `allow_origins` that are not `*`, valid or not.
    named_origins: usize,
    /// The index and offset of each pattern that is in the set.
    places: Vec<(u32, u64)>,
    /// Whether one of the patterns deserves a look.
    is_risky: bool,
    methods: Names,
    headers: Names,
    expose: Names,
    allow_credentials: bool,
    max_age: Option<u32>,
    timing_allow_origin: TimingAllowOrigin,
    dangers: Vec<Danger>,
    name: Option<Box<str>>,
    description: Option<Box<str>>,
    /// Where the rule begins.
    start: u64,
    /// Whether something else stands where the rule belongs.
    is_missing: bool,
}

/// A policy that is being configured.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    problems: Problems,
    warnings: Problems,
    /// None if no key for hashing could be had, which is a problem already.
    origins: Option<OriginSet>,
    rules: Vec<RuleDraft>,
    /// Whether the rules stand in `rules`, and are not the document itself.
    in_list: bool,
    settings: Settings,
    own_origins: Option<OriginSet>,
    forbids: Option<At>,
    expect_allow: Vec<(At, Box<str>)>,
    expect_refuse: Vec<(At, Box<str>)>,
    acknowledged: Vec<&'static str>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        let mut problems = Problems::default();
        let mut set = || match HashKey::random() {
            Ok(key) => Some(OriginSet::new(key)),
            Err(error) => {
                let message = format!("the system gave no random bytes: {error}");
                problems.push(|| Problem::new("no-randomness", "", None, message, 0));
                None
            }
        };
        let (origins, own_origins) = (set(), set());
        let mut draft = Draft {
            origins,
            own_origins,
            problems,
            warnings: Problems::default(),
            rules: Vec::new(),
            in_list: false,
            settings: Settings::default(),
            forbids: None,
            expect_allow: Vec::new(),
            expect_refuse: Vec::new(),
            acknowledged: Vec::new(),
        };
        draft.begin_rule(0);
        if let Some(own) = &mut draft.own_origins {
            own.begin_rule();
        }
        draft
    }

    pub(crate) fn problem(&mut self, problem: impl FnOnce() -> Problem) {
        self.problems.push(problem);
    }

    /// The problems so far, of a text that cannot be read to its end.
    pub(crate) fn give_up(self, text: &str) -> BuildError {
        let (problems, unreported) = self.problems.finish(Some(text));
        BuildError { problems, unreported, s3: None }
    }

    fn begin_rule(&mut self, start: u64) {
        self.rules.push(RuleDraft { start, ..RuleDraft::default() });
        if let Some(origins) = &mut self.origins {
            origins.begin_rule();
        }
    }

    /// Notes where the document begins.
    pub(crate) fn begin_document(&mut self, start: u64) {
        if let Some(rule) = self.rules.first_mut() {
            rule.start = start;
        }
    }

    /// Notes that there is no rule where one belongs, which is a problem already.
    pub(crate) fn no_rule_wanted(&mut self) {
        if let Some(rule) = self.rules.last_mut() {
            rule.is_missing = true;
        }
    }

    /// Makes the rules a list, of which the first begins at `start`: until now there was one, the document.
    pub(crate) fn begin_list(&mut self, start: u64) {
        self.in_list = true;
        if let Some(rule) = self.rules.first_mut() {
            // What was said beside the list is a problem already.
            *rule = RuleDraft { start, ..RuleDraft::default() };
        }
    }

    /// Begins the next rule of the list; false if there are too many already.
    pub(crate) fn next_rule(&mut self, start: u64) -> bool {
        self.in_list = true;
        let more = self.rules.len() < MAX_RULES;
        if more {
            self.begin_rule(start);
        }
        more
    }

    pub(crate) fn too_many_rules(&mut self, at: At) {
        self.problems.push(|| {
            at.problem(
                "too-many-rules",
                None,
                format!("there are more than {MAX_RULES} rules, join those that allow the same"),
            )
        });
    }

    pub(crate) fn rule_count(&self) -> usize {
        self.rules.len()
    }

    fn rule(&mut self) -> Option<&mut RuleDraft> {
        self.rules.last_mut()
    }

    /// Notes that a list was given; `usable` is false if what was given is a problem already.
    pub(crate) fn list_given(&mut self, at: At, usable: bool) {
        if at.key == Key::AllowOrigins {
            if let Some(rule) = self.rule() {
                rule.origins_at = Some(rule.origins_at.unwrap_or(at));
                rule.origins_unusable |= !usable;
            }
        } else if let Some(names) = self.names(at.key) {
            names.at = Some(names.at.unwrap_or(at));
        }
    }

    /// Counts an element of `allow_origins` that was no text, which is a problem already.
    pub(crate) fn unreadable(&mut self, at: At) {
        if let (Key::AllowOrigins, Some(rule)) = (at.key, self.rule()) {
            rule.named_origins += 1;
        }
    }

    /// An element of one of the lists, or `*` in place of a list.
    pub(crate) fn element(&mut self, at: At, text: &str) {
        match at.key {
            Key::AllowOrigins => self.origin(at, text),
            Key::AllowMethods => self.method(at, text),
            Key::AllowHeaders => self.request_header(at, text),
            Key::ExposeHeaders => self.exposed_header(at, text),
            Key::DangerouslyAllow => self.danger(at, text),
            Key::OwnOrigins => self.own_origin(at, text),
            Key::ExpectAllow => expected(&mut self.expect_allow, at, text),
            Key::ExpectRefuse => expected(&mut self.expect_refuse, at, text),
            Key::Acknowledge => self.acknowledge(at, text),
            _ => {}
        }
    }

    fn origin(&mut self, at: At, text: &str) {
        let Some(pattern) = self.pattern(at, text) else { return self.unreadable(at) };
        let (Some(origins), Some(rule)) = (&mut self.origins, self.rules.last_mut()) else { return };
        if pattern.shape == Shape::Any {
            rule.any_origin = Some(rule.any_origin.unwrap_or(at));
        } else {
            rule.named_origins += 1;
        }
        if !origins.insert(&pattern) {
            return self.warn_duplicate(at, text);
        }
        if origins.len() > MAX_ORIGINS {
            // From here on only this is told; the set grows no further.
            let message =
                format!("there are more than {MAX_ORIGINS} origins, use wildcards or several policies");
            self.problems.push(|| at.list().problem("too-many-origins", None, message));
            self.origins = None;
            return;
        }
        rule.places.push((u32::try_from(at.index.unwrap_or(0)).unwrap_or(u32::MAX), at.order));
        rule.is_risky |= !Risk::of(&pattern).is_empty();
        self.warn_changed(at, text, &pattern.text);
    }

    /// Reads a pattern; what is wrong with it is noted.
    fn pattern<'p>(&mut self, at: At, text: &'p str) -> Option<Pattern<'p>> {
        match Pattern::parse(text) {
            Ok(pattern) => Some(pattern),
            Err(invalid) => {
                self.problems.push(|| {
                    // What cannot stand here is no repair, though it is a pattern.
                    let suggestion =
                        invalid.suggestion.filter(|text| at.key != Key::OwnOrigins || is_exact(text));
                    let message = match &suggestion {
                        Some(pattern) => format!("{}, write {}", invalid.message, Quoted(pattern)),
                        None => invalid.message,
                    };
                    Problem { suggestion, ..at.problem(invalid.code, Some(text), message) }
                });
                None
            }
        }
    }

    fn own_origin(&mut self, at: At, text: &str) {
        let Some(pattern) = self.pattern(at, text) else { return };
        if !matches!(pattern.shape, Shape::Exact { .. }) {
            let message = format!("{} is no single origin, name each of the server's own", Quoted(text));
            return self.problems.push(|| at.problem("own-origin-not-exact", Some(text), message));
        }
        let Some(own) = &mut self.own_origins else { return };
        if own.len() >= MAX_ORIGINS {
            let message =
                format!("there are more than {MAX_ORIGINS} own origins, name those that receive requests");
            if own.len() == MAX_ORIGINS && at.index == Some(MAX_ORIGINS) {
                self.problems.push(|| at.list().problem("too-many-origins", None, message));
            }
        } else if own.insert(&pattern) {
            self.warn_changed(at, text, &pattern.text);
        } else {
            self.warn_duplicate(at, text);
        }
    }

    /// Warns of what was made canonical, or kept although it is probably a mistake.
    fn warn_changed(&mut self, at: At, text: &str, canonical: &str) {
        if canonical != text {
            self.warn_canonical(at, text, canonical);
        }
        let host_ends_with_dot = canonical.ends_with('.') || canonical.contains(".:");
        if host_ends_with_dot && (canonical.starts_with("http://") || canonical.starts_with("https://")) {
            self.warnings.push(|| {
                let message = format!(
                    "{} ends with a dot, which makes it another origin than the one without",
                    Quoted(text)
                );
                at.problem("origin-with-trailing-dot", Some(text), message)
            });
        }
    }

    fn method(&mut self, at: At, text: &str) {
        if text == "*" {
            return self.any_name(at, text);
        }
        if let Err((code, message)) = checked_method(text) {
            return self.problems.push(|| at.problem(code, Some(text), message));
        }
        let canonical = method::normalize(text);
        if !self.name(at, text, canonical) {
            return;
        }
        if canonical != text {
            self.warn_canonical(at, text, canonical);
        }
        if method::is_safelisted(canonical.as_bytes()) {
            self.warnings.push(|| {
                let message = format!("{} is allowed without being named, remove it", Quoted(text));
                at.problem("safelisted-method", Some(text), message)
            });
        }
        if text == "patch" {
            self.warnings.push(|| {
                let message = "browsers do not write \"patch\" in capitals themselves, and nearly every script sends PATCH";
                at.problem("lower-case-patch", Some(text), message).instead("PATCH")
            });
        }
    }

    fn request_header(&mut self, at: At, text: &str) {
        if text == "*" {
            return self.any_name(at, text);
        }
        if let Some(name) = self.header(at, text) {
            self.name(at, text, &name);
        }
    }

    fn exposed_header(&mut self, at: At, text: &str) {
        if text == "*" {
            return self.any_name(at, text);
        }
        let Some(name) = self.header(at, text) else { return };
        if self.name(at, text, &name) && is_safelisted_response_header(&name) {
            self.warnings.push(|| {
                let message = format!("{} is shown to scripts without being named, remove it", Quoted(text));
                at.problem("safelisted-response-header", Some(text), message)
            });
        }
    }

    /// A header name in lower case; what is wrong with it is noted.
    fn header(&mut self, at: At, text: &str) -> Option<String> {
        match checked_header(at.key, text) {
            Ok(name) => Some(name),
            Err((code, message)) => {
                self.problems.push(|| {
                    let problem = at.problem(code, Some(text), message);
                    match repaired_header(at.key, text).filter(|_| code == "invalid-header-name") {
                        Some(name) => problem.instead(name),
                        None => problem,
                    }
                });
                None
            }
        }
    }

    /// What an element of a list is, or was probably meant to be: a valid one.
    pub(crate) fn repaired(key: Key, text: &str) -> Option<String> {
        match key {
            Key::AllowOrigins | Key::OwnOrigins => match Pattern::parse(text) {
                Ok(pattern) if key == Key::AllowOrigins || matches!(pattern.shape, Shape::Exact { .. }) => {
                    Some(text.to_owned())
                }
                Ok(_) => None,
                Err(invalid) => invalid.suggestion.filter(|text| key == Key::AllowOrigins || is_exact(text)),
            },
            Key::AllowMethods => checked_method(text).is_ok().then(|| text.to_owned()),
            Key::AllowHeaders | Key::ExposeHeaders => match checked_header(key, text) {
                Ok(_) => Some(text.to_owned()),
                Err(_) => repaired_header(key, text),
            },
            Key::DangerouslyAllow => words::nearest(text, Danger::ALL.map(Danger::name)).map(str::to_owned),
            Key::Acknowledge => words::nearest(text, WARNINGS).map(str::to_owned),
            Key::ExpectAllow | Key::ExpectRefuse => Some(text.to_owned()),
            _ => None,
        }
    }

    fn names(&mut self, key: Key) -> Option<&mut Names> {
        let rule = self.rules.last_mut()?;
        match key {
            Key::AllowMethods => Some(&mut rule.methods),
            Key::AllowHeaders => Some(&mut rule.headers),
            Key::ExposeHeaders => Some(&mut rule.expose),
            _ => None,
        }
    }

    fn any_name(&mut self, at: At, text: &str) {
        if let Some(names) = self.names(at.key) {
            names.any = Some(names.any.unwrap_or(at));
        }
        self.name(at, text, "*");
    }

    /// Adds a canonical name to its list; false if it is not new.
    fn name(&mut self, at: At, text: &str, canonical: &str) -> bool {
        let Some(names) = self.names(at.key) else { return false };
        if names.overflow {
            return false;
        }
        if !names.add(canonical) {
            self.warn_duplicate(at, text);
            return false;
        }
        names.overflow = names.names.len() > MAX_NAMES;
        if names.overflow {
            let message = format!("the list has more than {MAX_NAMES} names, write \"*\" or fewer");
            self.problems.push(|| at.list().problem("too-many-names", None, message));
            return false;
        }
        true
    }

    fn danger(&mut self, at: At, text: &str) {
        let Some(danger) = Danger::ALL.into_iter().find(|danger| danger.name() == text) else {
            let words = Danger::ALL.map(Danger::name);
            return self.problems.push(|| words::unknown(at, text, &words));
        };
        let Some(rule) = self.rules.last_mut() else { return };
        if rule.dangers.contains(&danger) {
            self.warn_duplicate(at, text);
        } else {
            rule.dangers.push(danger);
        }
    }

    fn acknowledge(&mut self, at: At, text: &str) {
        let Some(code) = WARNINGS.into_iter().find(|code| *code == text) else {
            return self.problems.push(|| words::unknown(at, text, &WARNINGS));
        };
        if self.acknowledged.contains(&code) {
            self.warn_duplicate(at, text);
        } else {
            self.acknowledged.push(code);
        }
    }

    fn warn_duplicate(&mut self, at: At, text: &str) {
        self.warnings.push(|| {
            at.problem("duplicate", Some(text), format!("{} is in the list already, remove it", Quoted(text)))
        });
    }

    fn warn_canonical(&mut self, at: At, text: &str, canonical: &str) {
        self.warnings.push(|| {
            let message = format!("{} is not what browsers send", Quoted(text));
            at.problem("made-canonical", Some(text), message).instead(canonical)
        });
    }

    pub(crate) fn allow_credentials(&mut self, allow: bool) {
        if let Some(rule) = self.rule() {
            rule.allow_credentials = allow;
        }
    }

    pub(crate) fn timing_allow_origin(&mut self, value: TimingAllowOrigin) {
        if let Some(rule) = self.rule() {
            rule.timing_allow_origin = value;
        }
    }

    /// `text` is how the number was written.
    pub(crate) fn max_age(&mut self, at: At, seconds: i64, text: &str) {
        match (u32::try_from(seconds), self.rules.last_mut()) {
            (Ok(seconds), Some(rule)) if seconds <= MAX_AGE_SECONDS => rule.max_age = Some(seconds),
            _ => self.problems.push(|| {
                let nearest = if seconds < 0 { 0 } else { MAX_AGE_SECONDS };
                let message = format!(
                    "{} is not possible, write {nearest}: it may be 0 to {MAX_AGE_SECONDS} seconds",
                    shown_number(text)
                );
                let problem = at.problem("max-age-out-of-range", Some(text), message);
                Problem { suggestion: Some(nearest.to_string()), ..problem }
            }),
        }
    }

    /// `text` is how the number was written.
    pub(crate) fn preflight_status(&mut self, at: At, status: i64, text: &str) {
        match status {
            200 | 204 => self.settings.preflight_status = if status == 200 { 200 } else { 204 },
            _ => self.problems.push(|| {
                let message = format!(
                    "{} is no status for a preflight here, write 204, or 200 for old clients",
                    shown_number(text)
                );
                let problem = at.problem("unknown-value", Some(text), message);
                Problem { suggestion: Some("204".to_owned()), ..problem }
            }),
        }
    }

    pub(crate) fn refused_requests(&mut self, at: At, text: &str) {
        match text {
            "forward" => self.settings.forbid_refused = false,
            "forbid" => {
                self.settings.forbid_refused = true;
                self.forbids = Some(at);
            }
            _ => self.problems.push(|| words::unknown(at, text, &["forward", "forbid"])),
        }
    }

    pub(crate) fn foreign_headers(&mut self, at: At, text: &str) {
        match text {
            "remove" => self.settings.keep_foreign_headers = false,
            "keep" => self.settings.keep_foreign_headers = true,
            _ => self.problems.push(|| words::unknown(at, text, &["remove", "keep"])),
        }
    }

    /// `name`, `description` or `$schema`, of the document or of a rule.
    pub(crate) fn text(&mut self, at: At, text: &str) {
        let of_document = self.in_list && at.rule.is_none();
        if at.key == Key::Name && (text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control)) {
            let message = format!(
                "{} is no name: it has at most {MAX_NAME_BYTES} bytes and no control characters",
                Quoted(text)
            );
            return self.problems.push(|| at.problem("invalid-name", Some(text), message));
        }
        let place = match (at.key, self.rules.last_mut()) {
            (Key::Schema, _) => &mut self.settings.schema,
            (Key::Name, _) if of_document => &mut self.settings.name,
            (Key::Description, _) if of_document => &mut self.settings.description,
            (Key::Name, Some(rule)) => &mut rule.name,
            (Key::Description, Some(rule)) => &mut rule.description,
            _ => return,
        };
        *place = Some(text.into());
    }

    /// Where the name and the description of the document were taken for those of its one rule, since `rules`
    /// comes behind them, gives them back to the document.
    pub(crate) fn give_names_to_document(&mut self) {
        if let Some(rule) = self.rules.first_mut() {
            self.settings.name = self.settings.name.take().or(rule.name.take());
            self.settings.description = self.settings.description.take().or(rule.description.take());
        }
    }

    /// Checks what depends on several values, and builds the policy if there was no problem.
    pub(crate) fn finish(mut self, text: Option<&str>) -> Result<Policy, BuildError> {
        let rules = std::mem::take(&mut self.rules);
        for (index, rule) in rules.iter().enumerate() {
            self.check_origins(rule, index);
            self.check_risks(rule, index);
            self.check_names(rule);
        }
        if let Some(at) = self.forbids.filter(|_| rules.iter().any(|rule| rule.any_origin.is_some())) {
            self.warnings.push(|| {
                let message = "a rule allows everyone, so nobody is forbidden, write \"forward\"";
                at.problem("forbids-nobody", Some("forbid"), message)
            });
        }
        if self.problems.is_empty()
            && let Some(origins) = &self.origins
        {
            check_expectations(&mut self.problems, origins, &self.expect_allow, true);
            check_expectations(&mut self.problems, origins, &self.expect_refuse, false);
        }
        let (Some(mut origins), Some(mut own_origins), true) =
            (self.origins, self.own_origins, self.problems.is_empty())
        else {
            if !self.in_list {
                self.problems.without_rule();
            }
            let (problems, unreported) = self.problems.finish(text);
            return Err(BuildError { problems, unreported, s3: None });
        };
        check_coverage(&mut self.warnings, &origins, &rules, self.in_list);
        self.warnings.acknowledge(&self.acknowledged);
        if !self.in_list {
            self.warnings.without_rule();
        }
        let warnings = self.warnings.finish(text);
        origins.shrink();
        own_origins.shrink();
        let texts = |list: Vec<(At, Box<str>)>| list.into_iter().map(|(_, text)| text).collect();
        let settings = Settings {
            in_list: self.in_list,
            expect_allow: texts(self.expect_allow),
            expect_refuse: texts(self.expect_refuse),
            acknowledged: self.acknowledged,
            ..self.settings
        };
        let rules = rules.into_iter().map(RuleDraft::build).collect();
        Ok(Policy::new(origins, own_origins, rules, settings, warnings))
    }

    fn check_origins(&mut self, rule: &RuleDraft, index: usize) {
        if rule.is_missing {
            return;
        }
        let who = "name the origins that may read responses, or write \"*\" for everyone";
        match (rule.origins_at, rule.any_origin) {
            (None, _) => self.problems.push(|| {
                let path = if self.in_list { format!("rules[{index}]") } else { String::new() };
                let message = format!("allow_origins is missing, {who}");
                Problem::new("missing-allow-origins", path, None, message, rule.start)
            }),
            (Some(at), None) if rule.named_origins == 0 && !rule.origins_unusable => {
                self.problems.push(|| {
                    at.list().problem("empty-allow-origins", Some("[]"), format!("the list is empty, {who}"))
                })
            }
            (Some(_), Some(any)) if rule.named_origins > 0 => self.problems.push(|| {
                let message = "\"*\" allows everyone and stands alone, remove it or the other origins";
                any.problem("any-origin-not-alone", Some("*"), message)
            }),
            _ => {}
        }
    }

    fn check_risks(&mut self, rule: &RuleDraft, index: usize) {
        if rule.allow_credentials {
            if let Some(at) = rule.any_origin.filter(|_| rule.named_origins == 0) {
                self.problems.push(|| {
                    let message = "\"*\" with allow_credentials would let every site of the world act as the user, name the origins or drop allow_credentials";
                    at.problem("any-origin-with-credentials", Some("*"), message)
                });
            }
            if let Some(at) = rule.expose.any {
                self.problems.push(|| {
                    let message = "browsers take \"*\" in expose_headers for a header named \"*\" when credentials are sent, name the headers";
                    at.problem("any-exposed-header-with-credentials", Some("*"), message)
                });
            }
        }
        let (Some(list), true) = (rule.origins_at, rule.is_risky) else { return };
        let Some(origins) = self.origins.take() else { return };
        for (text, &(element, order)) in origins.patterns(index).zip(&rule.places) {
            let Ok(pattern) = Pattern::parse(text) else { continue };
            let at = At { index: list_index(rule, element), order, ..list };
            for risk in Risk::of(&pattern) {
                let lifted = risk.lifted_by().is_some_and(|danger| rule.dangers.contains(&danger));
                self.check_risk(at, risk, text, rule.allow_credentials, lifted);
            }
        }
        self.origins = Some(origins);
    }

    fn check_risk(&mut self, at: At, risk: Risk, text: &str, credentials: bool, lifted: bool) {
        let problem = |code, message: String| at.problem(code, Some(text), message);
        let shown = Quoted(text);
        match (risk, credentials) {
            (Risk::Null, true) if lifted => self.problems.push(|| {
                problem("null-origin-with-credentials", "\"null\" with allow_credentials would let every sandboxed frame of the world act as the user, remove one of them".to_owned())
            }),
            (Risk::Null, _) if !lifted => self.problems.push(|| {
                problem("null-origin", "\"null\" would allow every sandboxed frame, local file and data: document of the world, remove it and serve the page from an origin of its own, or write \"null-origin\" in dangerously_allow".to_owned())
            }),
            (Risk::AnyHost, true) => self.problems.push(|| {
                problem("any-host-with-credentials", format!("{shown} with allow_credentials would let every site of the world act as the user, name the origins or drop allow_credentials"))
            }),
            (Risk::AnyHost, false) => self.warnings.push(|| {
                problem("any-host", format!("{shown} allows every site of the world, as \"*\" does with fewer words"))
            }),
            (Risk::AnyOfScheme, true) => self.warnings.push(|| {
                problem("any-origin-of-scheme-with-credentials", format!("{shown} with allow_credentials lets every origin of the scheme act as the user, name each one if you can"))
            }),
            (Risk::Insecure, true) if !lifted => self.problems.push(|| {
                let secure = format!("https{}", text.strip_prefix("http").unwrap_or(text));
                let secure = Pattern::parse(&secure).map_or_else(|_| secure.clone(), |pattern| pattern.text.into_owned());
                problem("insecure-origin-with-credentials", format!("{shown} with allow_credentials trusts everybody on the user's network")).instead(secure)
            }),
            (Risk::Insecure, false) if !lifted => self.warnings.push(|| {
                problem("insecure-origin", format!("{shown} lets everybody on the user's network read responses"))
            }),
            (Risk::PublicSuffix, true) if !lifted => self.problems.push(|| {
                problem("public-suffix-with-credentials", format!("{shown} with allow_credentials trusts whoever registers a name there, name each host, or write \"public-suffixes\" in dangerously_allow"))
            }),
            (Risk::PublicSuffix, false) if !lifted => self.warnings.push(|| {
                problem("public-suffix", format!("{shown} allows whoever registers a name there"))
            }),
            (Risk::Null | Risk::Insecure | Risk::PublicSuffix | Risk::AnyOfScheme, _) => {}
        }
    }

    /// Warns where a JSON request will not get through: it has a header that needs permission.
    fn check_names(&mut self, rule: &RuleDraft) {
        let writes = ["PUT", "PATCH", "*"].iter().any(|method| rule.methods.has(method));
        let json = rule.headers.any.is_some() || rule.headers.has("content-type");
        let asks = writes || !rule.headers.names.is_empty();
        if json || !asks {
            return;
        }
        if let Some(at) = rule.headers.at.or(rule.methods.at) {
            self.warnings.push(|| {
                let message = "a request with a JSON body needs \"content-type\" in allow_headers";
                at.list().problem("json-will-not-get-through", None, message)
            });
        }
    }
}

/// Whether a pattern is one single origin.
fn is_exact(pattern: &str) -> bool {
    Pattern::parse(pattern).is_ok_and(|pattern| matches!(pattern.shape, Shape::Exact { .. }))
}

/// A number as it was written, unless it is too long to be shown.
fn shown_number(text: &str) -> &str {
    if text.len() <= 20 { text } else { "this number" }
}

/// Whether `text` can be a method that scripts use; if not, why.
fn checked_method(text: &str) -> Result<(), (&'static str, String)> {
    let shown = Quoted(text);
    if text.len() > MAX_METHOD_BYTES {
        Err((
            "method-too-long",
            format!("{shown} is longer than {MAX_METHOD_BYTES} bytes, name a real method"),
        ))
    } else if !is_token(text.as_bytes()) {
        Err(("invalid-method", format!("{shown} is no method, write a token such as \"PUT\"")))
    } else if method::is_forbidden(text) {
        Err((
            "forbidden-method",
            format!("{shown} is a method that browsers never let scripts use, remove it"),
        ))
    } else {
        Ok(())
    }
}

/// A name for one of the lists of headers, in lower case; if it cannot be, why.
fn checked_header(key: Key, text: &str) -> Result<String, (&'static str, String)> {
    let shown = Quoted(text);
    if text.len() > MAX_HEADER_NAME_BYTES {
        return Err((
            "header-name-too-long",
            format!("{shown} is longer than {MAX_HEADER_NAME_BYTES} bytes, name a real header"),
        ));
    }
    if !is_token(text.as_bytes()) {
        return Err((
            "invalid-header-name",
            format!("{shown} is no header name, which is a token such as \"content-type\""),
        ));
    }
    let name = text.to_ascii_lowercase();
    if key == Key::ExposeHeaders {
        if is_unexposable(&name) {
            return Err(("unexposable-header", format!("{shown} is never shown to scripts, remove it")));
        }
    } else if is_cors_response_header(&name) {
        let message = format!(
            "{shown} is a response header of CORS itself, list the request headers that scripts send"
        );
        return Err(("cors-header-not-allowed", message));
    } else if is_forbidden_request_header(&name) {
        return Err((
            "forbidden-request-header",
            format!("{shown} is a header that browsers never let scripts set, remove it"),
        ));
    }
    Ok(name)
}

/// A header name that was written with white space or a colon around it.
fn repaired_header(key: Key, text: &str) -> Option<String> {
    let name = text.trim().trim_end_matches(':').trim_end();
    checked_header(key, name).ok().filter(|name| name != "*")
}

fn expected(list: &mut Vec<(At, Box<str>)>, at: At, text: &str) {
    if list.len() < MAX_ORIGINS {
        list.push((at, text.into()));
    }
}

/// Lets a policy test itself.
fn check_expectations(problems: &mut Problems, origins: &OriginSet, list: &[(At, Box<str>)], allowed: bool) {
    for (at, text) in list {
        if matches!(origins.find(text.as_bytes()), Match::Rule(_)) != allowed {
            problems.push(|| {
                let what = if allowed {
                    "is expected to be allowed, and no rule allows it"
                } else {
                    "is expected to be refused, and a rule allows it"
                };
                at.problem("expectation-failed", Some(text), format!("{} {what}", Quoted(text)))
            });
        }
    }
}

/// Warns of patterns that decide nothing, since another one does.
fn check_coverage(warnings: &mut Problems, origins: &OriginSet, rules: &[RuleDraft], in_list: bool) {
    if rules.len() == 1 && !origins.has_wildcards() {
        return;
    }
    // A rule that no origin reaches still says whether everyone may see the timing of requests without Origin.
    let silences_timing =
        |rule: &RuleDraft| !origins.is_constant() && rule.timing_allow_origin != TimingAllowOrigin::Everyone;
    for (index, rule) in rules.iter().enumerate() {
        let number = RuleIndex::try_from(index).unwrap_or(RuleIndex::MAX);
        let mut covered = Vec::new();
        let mut reachable = false;
        for (text, &(element, order)) in origins.patterns(index).zip(&rule.places) {
            let Ok(pattern) = Pattern::parse(text) else { continue };
            match origins.covering_rule(&pattern, number) {
                None => reachable = true,
                Some(by) => {
                    reachable |= by == number;
                    if covered.len() <= MAX_PROBLEMS {
                        covered.push((element, order, text, by));
                    }
                }
            }
        }
        let Some(list) = rule.origins_at else { continue };
        if !reachable && in_list && silences_timing(rule) && someone_may_see_timing(rules) {
            continue;
        }
        if !reachable && in_list {
            let message = "earlier rules decide for all origins of this rule, remove it or move it up";
            warnings.push(|| {
                Problem::new("unreachable-rule", format!("rules[{index}]"), None, message, rule.start)
            });
            continue;
        }
        for (element, order, text, by) in covered {
            let at = At { index: list_index(rule, element), order, ..list };
            warnings.push(|| match by == number {
                true => at.problem(
                    "origin-covered",
                    Some(text),
                    format!("another pattern of the list allows {} already, remove it", Quoted(text)),
                ),
                false => at.problem(
                    "origin-decided-by-earlier-rule",
                    Some(text),
                    format!("rules[{by}] decides for {} already, remove it here or there", Quoted(text)),
                ),
            });
        }
    }
}

/// Whether a rule lets everyone see the timing of its responses.
fn someone_may_see_timing(rules: &[RuleDraft]) -> bool {
    rules.iter().any(|rule| rule.timing_allow_origin == TimingAllowOrigin::Everyone)
}

/// The index of an element, unless it is `*` in place of a list.
fn list_index(rule: &RuleDraft, element: u32) -> Option<usize> {
    rule.any_origin.is_none_or(|at| at.index.is_some()).then_some(element as usize)
}

impl RuleDraft {
    fn build(self) -> Rule {
        let config = RuleConfig {
            allow_methods: self.methods.names,
            allow_headers: self.headers.names,
            expose_headers: self.expose.names,
            max_age: self.max_age,
            timing_allow_origin: self.timing_allow_origin,
            dangerously_allow: self.dangers,
            name: self.name,
            description: self.description,
        };
        Rule::new(self.any_origin.is_some(), self.allow_credentials, config)
    }
}
