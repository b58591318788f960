//! The keys of a policy document, and where a value stands in it.

use crate::problem::Problem;

/// The keys, in the order of the canonical document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    AllowOrigins,
    AllowMethods,
    AllowHeaders,
    ExposeHeaders,
    AllowCredentials,
    MaxAge,
    TimingAllowOrigin,
    DangerouslyAllow,
    Name,
    Description,
    Rules,
    PreflightStatus,
    RefusedRequests,
    OwnOrigins,
    ForeignHeaders,
    Expect,
    Acknowledge,
    Schema,
    /// The two keys of the object `expect`.
    ExpectAllow,
    ExpectRefuse,
}

/// Which object keys stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The document itself.
    Document,
    /// An element of `rules`.
    Rule(u32),
    /// The object `expect`.
    Expect,
}

impl Key {
    /// All but those of `expect`.
    pub(crate) const DOCUMENT: [Key; 18] = [
        Key::AllowOrigins,
        Key::AllowMethods,
        Key::AllowHeaders,
        Key::ExposeHeaders,
        Key::AllowCredentials,
        Key::MaxAge,
        Key::TimingAllowOrigin,
        Key::DangerouslyAllow,
        Key::Name,
        Key::Description,
        Key::Rules,
        Key::PreflightStatus,
        Key::RefusedRequests,
        Key::OwnOrigins,
        Key::ForeignHeaders,
        Key::Expect,
        Key::Acknowledge,
        Key::Schema,
    ];

    /// How many there are.
    pub(crate) const COUNT: usize = Key::ExpectRefuse as usize + 1;

    /// The keys of a rule.
    pub(crate) const fn of_rule() -> &'static [Key] {
        const RULE: &[Key] = Key::DOCUMENT.split_at(10).0;
        RULE
    }

    /// The keys that may stand in an object.
    pub(crate) fn of(scope: Scope) -> &'static [Key] {
        match scope {
            Scope::Document => &Key::DOCUMENT,
            Scope::Rule(_) => Key::of_rule(),
            Scope::Expect => &[Key::ExpectAllow, Key::ExpectRefuse],
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Key::AllowOrigins => "allow_origins",
            Key::AllowMethods => "allow_methods",
            Key::AllowHeaders => "allow_headers",
            Key::ExposeHeaders => "expose_headers",
            Key::AllowCredentials => "allow_credentials",
            Key::MaxAge => "max_age",
            Key::TimingAllowOrigin => "timing_allow_origin",
            Key::DangerouslyAllow => "dangerously_allow",
            Key::Name => "name",
            Key::Description => "description",
            Key::Rules => "rules",
            Key::PreflightStatus => "preflight_status",
            Key::RefusedRequests => "refused_requests",
            Key::OwnOrigins => "own_origins",
            Key::ForeignHeaders => "foreign_headers",
            Key::Expect => "expect",
            Key::Acknowledge => "acknowledge",
            Key::Schema => "$schema",
            Key::ExpectAllow => "allow",
            Key::ExpectRefuse => "refuse",
        }
    }

    /// Whether the key says something about a rule, and so cannot stand beside `rules`.
    pub(crate) fn is_of_rule_alone(self) -> bool {
        self < Key::Name
    }

    /// Whether the value is a list of strings.
    pub(crate) const fn is_list(self) -> bool {
        matches!(
            self,
            Key::AllowOrigins
                | Key::AllowMethods
                | Key::AllowHeaders
                | Key::ExposeHeaders
                | Key::DangerouslyAllow
                | Key::OwnOrigins
                | Key::Acknowledge
                | Key::ExpectAllow
                | Key::ExpectRefuse
        )
    }

    /// Whether `*` may stand in place of the list.
    pub(crate) const fn takes_star(self) -> bool {
        matches!(self, Key::AllowOrigins | Key::AllowMethods | Key::AllowHeaders | Key::ExposeHeaders)
    }
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// The rule, if it stands in `rules`.
    pub(crate) rule: Option<u32>,
    pub(crate) key: Key,
    /// The index, for an element of a list.
    pub(crate) index: Option<usize>,
    /// The byte offset in the text; without a text, what keeps problems in the order of the keys.
    pub(crate) order: u64,
}

impl At {
    /// The place of a value that was set by a call, not read from a text.
    pub(crate) fn call(rule: u32, key: Key, index: Option<usize>) -> At {
        let index_order = index.map_or(0, |index| index as u64 + 1);
        let rule = (key.is_of_rule_alone() || matches!(key, Key::Name | Key::Description)).then_some(rule);
        let rule_order = rule.map_or(0xff, u64::from);
        At { rule, key, index, order: (rule_order << 48) | ((key as u64) << 40) | index_order }
    }

    /// The list that an element stands in.
    pub(crate) fn list(self) -> At {
        At { index: None, ..self }
    }

    pub(crate) fn path(self) -> String {
        let rule = self.rule.map_or(String::new(), |rule| format!("rules[{rule}]."));
        let parent = if matches!(self.key, Key::ExpectAllow | Key::ExpectRefuse) { "expect." } else { "" };
        let index = self.index.map_or(String::new(), |index| format!("[{index}]"));
        format!("{rule}{parent}{}{index}", self.key.name())
    }

    pub(crate) fn problem(
        self,
        code: &'static str,
        value: Option<&str>,
        message: impl Into<String>,
    ) -> Problem {
        Problem::new(code, self.path(), value, message, self.order)
    }
}
