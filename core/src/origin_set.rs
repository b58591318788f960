//! The origins of all rules, compiled for matching in time linear in the origin's length, however many there are.

use std::ops::Range;

use hashbrown::HashTable;

use crate::bytes::same;
use crate::hash_key::HashKey;
use crate::origin::{Origin, WebScheme};
use crate::pattern::{HostShape, Pattern, PortShape, Shape, label_parts, pattern_host};
use crate::steps::step;

/// The index of a rule.
pub(crate) type RuleIndex = u16;

/// What the set says of a value of `Origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// This rule is the first with a pattern that matches.
    Rule(RuleIndex),
    /// No pattern matches; the origin is well-formed.
    Unmatched,
    /// No pattern matches; the origin is `null`.
    UnmatchedNull,
    /// It is no origin.
    Malformed,
}

/// The patterns of all rules in their order, and what finds the first rule that matches.
///
/// Costs about 15 bytes an exact origin beside its text, and about 40 one with a wildcard.
#[derive(Clone, Debug)]
pub(crate) struct OriginSet {
    key: HashKey,
    texts: Texts,
    /// The index of the first text of each rule.
    starts: Vec<u32>,
    /// Indices of the exact origins.
    exact: HashTable<u32>,
    /// The same while they are few: comparing a few costs less than hashing.
    few: Vec<u32>,
    /// Bit n is set if an exact origin has n bytes, bit 63 for all from 63 on: most origins that are
    /// refused are told by their length.
    lengths: u64,
    /// The first rule that has anything but exact origins.
    first_wide: Option<RuleIndex>,
    wildcards: Wildcards,
    null: Option<RuleIndex>,
    any: Option<RuleIndex>,
}

/// Texts one after the other, without an allocation each.
#[derive(Clone, Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, text: &[u8]) -> Option<u32> {
        let index = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        Some(index)
    }

    #[inline]
    fn range(&self, index: u32) -> Range<usize> {
        step();
        let index = index as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        start as usize..end as usize
    }

    #[inline]
    fn get(&self, index: u32) -> &[u8] {
        self.bytes.get(self.range(index)).unwrap_or_default()
    }

    /// The same as text, which all of them were.
    fn text(&self, index: u32) -> &str {
        std::str::from_utf8(self.get(index)).unwrap_or_default()
    }
}

/// How many exact origins are compared one by one.
const FEW: usize = 4;

fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

/// The earlier one of two rules, if any.
fn earlier(a: Option<RuleIndex>, b: Option<RuleIndex>) -> Option<RuleIndex> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl OriginSet {
    pub(crate) fn new(key: HashKey) -> Self {
        OriginSet {
            key,
            texts: Texts::default(),
            starts: Vec::new(),
            exact: HashTable::new(),
            few: Vec::new(),
            lengths: 0,
            first_wide: None,
            wildcards: Wildcards::default(),
            null: None,
            any: None,
        }
    }

    /// Begins the next rule: what is inserted from here on is its own.
    pub(crate) fn begin_rule(&mut self) {
        self.starts.push(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
    }

    /// Adds a pattern to the rule that was begun last; false if that rule has it already.
    ///
    /// An earlier rule that has it goes on to decide.
    pub(crate) fn insert(&mut self, pattern: &Pattern<'_>) -> bool {
        let rule = RuleIndex::try_from(self.starts.len().saturating_sub(1)).unwrap_or(RuleIndex::MAX);
        let text = pattern.text.as_bytes();
        let Ok(index) = u32::try_from(self.texts.len()) else { return false };
        let known = match pattern.shape {
            Shape::Any => replace(&mut self.any, rule),
            Shape::Null => replace(&mut self.null, rule),
            Shape::Exact { .. } => return self.insert_exact(rule, text),
            Shape::Scheme => {
                let new = Wildcard { index, rule, terminal: ANY_TERMINAL };
                self.wildcards.insert_scheme(&self.key, &self.texts, text, new)
            }
            Shape::Web { scheme, host, port, .. } => {
                let new = Wildcard { index, rule, terminal: Terminal { scheme, host, port } };
                self.wildcards.insert_web(&self.key, &self.texts, &pattern.text, new)
            }
        };
        if known == Some(rule) {
            return false;
        }
        self.first_wide = earlier(self.first_wide, Some(rule));
        self.texts.push(text).is_some()
    }

    fn insert_exact(&mut self, rule: RuleIndex, text: &[u8]) -> bool {
        let hash = self.key.hash(text);
        let known = self.exact.find(hash, |&index| self.texts.get(index) == text).copied();
        if known.is_some_and(|index| self.rule_of(index) == rule) {
            return false;
        }
        let Some(index) = self.texts.push(text) else { return false };
        if known.is_none() {
            let OriginSet { key, texts, exact, few, lengths, .. } = self;
            exact.insert_unique(hash, index, |&index| key.hash(texts.get(index)));
            *lengths |= length_bit(text.len());
            if exact.len() <= FEW {
                few.push(index);
            } else {
                few.clear();
            }
        }
        true
    }

    /// The number of patterns of all rules.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The canonical patterns of a rule in their order.
    pub(crate) fn patterns(&self, rule: usize) -> impl Iterator<Item = &str> {
        let end = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let start = |rule: usize| self.starts.get(rule).copied().unwrap_or(end);
        (start(rule)..start(rule + 1)).map(|index| self.texts.text(index))
    }

    /// Gives back what growing left unused.
    pub(crate) fn shrink(&mut self) {
        let OriginSet { key, texts, exact, .. } = self;
        texts.bytes.shrink_to_fit();
        texts.ends.shrink_to_fit();
        exact.shrink_to_fit(|&index| key.hash(texts.get(index)));
    }

    /// The bytes that the set holds on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.texts.bytes.capacity()
            + self.texts.ends.capacity() * 4
            + self.exact.allocation_size()
            + self.wildcards.heap_bytes()
    }

    /// The rule that a text belongs to.
    #[inline]
    fn rule_of(&self, index: u32) -> RuleIndex {
        match self.starts.as_slice() {
            [] | [_] => 0,
            starts => {
                let after = starts.partition_point(|&start| start <= index);
                RuleIndex::try_from(after.saturating_sub(1)).unwrap_or(RuleIndex::MAX)
            }
        }
    }

    /// Whether there is anything but exact origins.
    pub(crate) fn has_wildcards(&self) -> bool {
        self.first_wide.is_some()
    }

    /// Whether the first rule allows everyone.
    pub(crate) fn is_constant(&self) -> bool {
        self.any == Some(0)
    }

    /// Matches a value of `Origin`.
    #[inline(always)]
    pub(crate) fn find(&self, value: &[u8]) -> Match {
        let mut found = None;
        // What equals a configured origin is well-formed, so its grammar need not be checked.
        if self.lengths & length_bit(value.len()) != 0
            && let Some(index) = self.find_exact(value)
        {
            let rule = self.rule_of(index);
            if self.first_wide.is_none_or(|wide| wide >= rule) {
                return Match::Rule(rule);
            }
            found = Some(rule);
        }
        if self.first_wide.is_none() { unmatched(value) } else { self.find_wide(value, found) }
    }

    #[inline(never)]
    fn find_exact(&self, value: &[u8]) -> Option<u32> {
        if self.few.is_empty() {
            self.find_exact_hashed(value)
        } else {
            self.few.iter().copied().find(|&index| same(self.texts.get(index), value))
        }
    }

    #[inline(never)]
    fn find_exact_hashed(&self, value: &[u8]) -> Option<u32> {
        self.exact.find(self.key.hash(value), |&index| same(self.texts.get(index), value)).copied()
    }

    /// Whether one of the exact origins is `value`.
    pub(crate) fn has_exact(&self, value: &[u8]) -> bool {
        self.find_exact_hashed(value).is_some()
    }

    #[inline(never)]
    fn find_wide(&self, value: &[u8], exact: Option<RuleIndex>) -> Match {
        let Some(origin) = Origin::parse(value) else { return Match::Malformed };
        let wildcard = match origin {
            Origin::Null => self.null,
            Origin::Web { scheme, host, port } => {
                self.wildcards.find_web(&self.key, &self.texts, scheme, host, port)
            }
            Origin::Custom { scheme } => self.wildcards.find_scheme(&self.key, &self.texts, scheme),
        };
        match (earlier(earlier(exact, wildcard), self.any), origin) {
            (Some(rule), _) => Match::Rule(rule),
            (None, Origin::Null) => Match::UnmatchedNull,
            (None, _) => Match::Unmatched,
        }
    }

    /// The first rule, up to `rule` itself, with another pattern that allows every origin of `pattern`, which
    /// is one of `rule`.
    pub(crate) fn covering_rule(&self, pattern: &Pattern<'_>, rule: RuleIndex) -> Option<RuleIndex> {
        let text = pattern.text.as_bytes();
        // The pattern itself is found too; only a rule before its own counts then.
        let before = |found: Option<RuleIndex>| found.filter(|&found| found < rule);
        let any = before(self.any);
        let found = match pattern.shape {
            Shape::Any => None,
            Shape::Null => before(self.null),
            Shape::Scheme => before(self.wildcards.find_scheme(
                &self.key,
                &self.texts,
                text.strip_suffix(b"://*").unwrap_or_default(),
            )),
            Shape::Exact { .. } => {
                let exact = before(self.find_exact_hashed(text).map(|index| self.rule_of(index)));
                let wildcard = match Origin::parse(text) {
                    Some(Origin::Web { scheme, host, port }) => {
                        self.wildcards.find_web(&self.key, &self.texts, scheme, host, port)
                    }
                    Some(Origin::Custom { scheme }) => {
                        self.wildcards.find_scheme(&self.key, &self.texts, scheme)
                    }
                    Some(Origin::Null) | None => None,
                };
                earlier(exact, wildcard)
            }
            Shape::Web { scheme, host, port, .. } => {
                let terminal = Terminal { scheme, host, port };
                self.wildcards.covering_rule(&self.key, &self.texts, &pattern.text, terminal, rule)
            }
        };
        earlier(any, found).filter(|&found| found <= rule)
    }
}

/// Sets a rule where none is yet, and tells the one that is.
fn replace(place: &mut Option<RuleIndex>, rule: RuleIndex) -> Option<RuleIndex> {
    let known = *place;
    *place = Some(known.unwrap_or(rule));
    known
}

/// What is said of a value that no pattern can match.
#[inline(never)]
fn unmatched(value: &[u8]) -> Match {
    match Origin::parse(value) {
        Some(Origin::Null) => Match::UnmatchedNull,
        Some(_) => Match::Unmatched,
        None => Match::Malformed,
    }
}

/// Patterns with a wildcard, each under the hash of the host that it ends with.
///
/// The hash of a host is made label by label from the right, so that one walk over an origin gives the hashes
/// of all hosts that it ends with.
#[derive(Clone, Debug, Default)]
struct Wildcards {
    patterns: HashTable<Wildcard>,
    /// Of the patterns with a wildcard within a label, one for each host and text before the wildcard: where
    /// there is none, nobody needs to look for what stands behind it.
    fronts: HashTable<Wildcard>,
    /// Patterns `scheme://*`.
    schemes: HashTable<Wildcard>,
}

/// What a pattern without host and port has in their place.
const ANY_TERMINAL: Terminal =
    Terminal { scheme: WebScheme::Https, host: HostShape::Any, port: PortShape::Any };

/// A pattern in one of the tables.
#[derive(Clone, Copy, Debug)]
struct Wildcard {
    /// The index of its text.
    index: u32,
    rule: RuleIndex,
    terminal: Terminal,
}

/// What a pattern allows of the hosts that end with its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terminal {
    scheme: WebScheme,
    host: HostShape,
    port: PortShape,
}

impl Terminal {
    /// A number for the table, not its own.
    #[inline]
    fn number(self) -> u64 {
        let port = match self.port {
            PortShape::Default => 0x1_0000,
            PortShape::One(port) => u64::from(port),
            PortShape::Any => 0x2_0000,
        };
        port | (self.scheme as u64) << 20 | (self.host as u64) << 24
    }

    /// The same for any port, if it is not.
    #[inline]
    fn wider(self) -> Option<Terminal> {
        (self.port != PortShape::Any).then_some(Terminal { port: PortShape::Any, ..self })
    }
}

/// What is looked up: a host by its hash and its bytes, what a pattern allows there, and, for a wildcard within
/// a label, what stands around it.
#[derive(Clone, Copy)]
struct Sought<'s> {
    host_hash: u64,
    host: &'s [u8],
    terminal: Terminal,
    before: &'s [u8],
    behind: &'s [u8],
}

impl<'s> Sought<'s> {
    #[inline]
    fn new(host_hash: u64, host: &'s [u8], terminal: Terminal) -> Self {
        Sought { host_hash, host, terminal, before: b"", behind: b"" }
    }

    /// What a pattern itself is.
    fn of(key: &HashKey, text: &'s str, terminal: Terminal) -> Self {
        let host = if terminal.host == HostShape::Any { "" } else { pattern_host(text) };
        let (before, behind) = if terminal.host == HostShape::InLabel { label_parts(text) } else { ("", "") };
        Sought {
            host_hash: host_hash(key, host.as_bytes()),
            host: host.as_bytes(),
            terminal,
            before: before.as_bytes(),
            behind: behind.as_bytes(),
        }
    }

    #[inline]
    fn hash(&self, key: &HashKey) -> u64 {
        let number = key.chain(self.host_hash, self.terminal.number());
        if self.terminal.host == HostShape::InLabel {
            key.chain(key.chain(number, key.hash(self.before)), key.hash(self.behind))
        } else {
            number
        }
    }

    /// Whether a pattern with this text is it.
    fn is(&self, texts: &Texts, wildcard: &Wildcard) -> bool {
        if wildcard.terminal != self.terminal {
            return false;
        }
        let text = texts.text(wildcard.index);
        match self.terminal.host {
            HostShape::Any => true,
            HostShape::InLabel => {
                let (before, behind) = label_parts(text);
                pattern_host(text).as_bytes() == self.host
                    && before.as_bytes() == self.before
                    && behind.as_bytes() == self.behind
            }
            HostShape::Itself | HostShape::Subdomains => same(pattern_host(text).as_bytes(), self.host),
        }
    }
}

/// The hash of a host, label by label from the right.
fn host_hash(key: &HashKey, host: &[u8]) -> u64 {
    let mut hash = 0;
    if !host.is_empty() {
        for label in host.rsplit(|&byte| byte == b'.') {
            hash = key.chain(hash, key.hash(label));
        }
    }
    hash
}

impl Wildcards {
    fn insert_scheme(
        &mut self,
        key: &HashKey,
        texts: &Texts,
        text: &[u8],
        new: Wildcard,
    ) -> Option<RuleIndex> {
        let scheme = scheme_of(text);
        let known = self.find_scheme(key, texts, scheme);
        if known.is_none() {
            self.schemes.insert_unique(key.hash(scheme), new, |wildcard| {
                key.hash(scheme_of(if wildcard.index == new.index {
                    text
                } else {
                    texts.get(wildcard.index)
                }))
            });
        }
        known
    }

    fn find_scheme(&self, key: &HashKey, texts: &Texts, scheme: &[u8]) -> Option<RuleIndex> {
        let found =
            self.schemes.find(key.hash(scheme), |wildcard| scheme_of(texts.get(wildcard.index)) == scheme);
        found.map(|wildcard| wildcard.rule)
    }

    /// Adds a pattern, unless it is there; the rule that has it already.
    fn insert_web(&mut self, key: &HashKey, texts: &Texts, text: &str, new: Wildcard) -> Option<RuleIndex> {
        let sought = Sought::of(key, text, new.terminal);
        let known = self.find(key, texts, &sought);
        if known.is_some() {
            return known;
        }
        let text_of =
            |wildcard: &Wildcard| if wildcard.index == new.index { text } else { texts.text(wildcard.index) };
        self.patterns.insert_unique(sought.hash(key), new, |wildcard| {
            Sought::of(key, text_of(wildcard), wildcard.terminal).hash(key)
        });
        if new.terminal.host == HostShape::InLabel
            && !self.has_front(key, texts, sought.host_hash, sought.host, sought.before)
        {
            self.fronts.insert_unique(front_hash(key, sought.host_hash, sought.before), new, |wildcard| {
                let sought = Sought::of(key, text_of(wildcard), wildcard.terminal);
                front_hash(key, sought.host_hash, sought.before)
            });
        }
        None
    }

    #[inline]
    fn find(&self, key: &HashKey, texts: &Texts, sought: &Sought<'_>) -> Option<RuleIndex> {
        let found = self.patterns.find(sought.hash(key), |wildcard| sought.is(texts, wildcard));
        found.map(|wildcard| wildcard.rule)
    }

    /// The first rule that has what is sought, for its own port or for any.
    #[inline]
    fn find_with_any_port(&self, key: &HashKey, texts: &Texts, sought: Sought<'_>) -> Option<RuleIndex> {
        let wider = sought
            .terminal
            .wider()
            .and_then(|terminal| self.find(key, texts, &Sought { terminal, ..sought }));
        earlier(self.find(key, texts, &sought), wider)
    }

    fn has_front(&self, key: &HashKey, texts: &Texts, hash: u64, host: &[u8], before: &[u8]) -> bool {
        let is_it = |wildcard: &Wildcard| {
            let text = texts.text(wildcard.index);
            label_parts(text).0.as_bytes() == before && pattern_host(text).as_bytes() == host
        };
        self.fronts.find(front_hash(key, hash, before), is_it).is_some()
    }

    fn heap_bytes(&self) -> usize {
        self.patterns.allocation_size() + self.fronts.allocation_size() + self.schemes.allocation_size()
    }

    /// The first rule with a pattern that matches an http or https origin.
    fn find_web(
        &self,
        key: &HashKey,
        texts: &Texts,
        scheme: WebScheme,
        host: &[u8],
        port: Option<u16>,
    ) -> Option<RuleIndex> {
        if self.patterns.is_empty() {
            return None;
        }
        let port = port.map_or(PortShape::Default, PortShape::One);
        let terminal = |host| Terminal { scheme, host, port };
        let mut found = self.find_with_any_port(key, texts, Sought::new(0, b"", terminal(HostShape::Any)));
        let mut hash = 0;
        for (front, label, name) in names_from_the_right(host) {
            hash = key.chain(hash, key.hash(label));
            let shape = if front.is_some() { HostShape::Subdomains } else { HostShape::Itself };
            found =
                earlier(found, self.find_with_any_port(key, texts, Sought::new(hash, name, terminal(shape))));
            if let Some(front) = front.filter(|front| !self.fronts.is_empty() && !front.contains(&b'.')) {
                let sought = Sought::new(hash, name, terminal(HostShape::InLabel));
                found = earlier(found, self.find_label(key, texts, front, sought));
            }
        }
        found
    }

    /// The first rule with a wildcard within the one label in front of a host.
    ///
    /// The wildcard is set off by `-`, so each of them is a place where it can begin or end: the work is
    /// bounded by the length of a label, whatever the number of patterns.
    fn find_label(
        &self,
        key: &HashKey,
        texts: &Texts,
        label: &[u8],
        sought: Sought<'_>,
    ) -> Option<RuleIndex> {
        let mut found = None;
        for start in label_starts(label) {
            let Some((before, rest)) = label.split_at_checked(start) else { continue };
            if !self.has_front(key, texts, sought.host_hash, sought.host, before) {
                continue;
            }
            for end in label_ends(rest) {
                let Some((wildcard, behind)) = rest.split_at_checked(end) else { continue };
                if !wildcard.is_empty() && !wildcard.contains(&b'_') {
                    let sought = Sought { before, behind, ..sought };
                    found = earlier(found, self.find_with_any_port(key, texts, sought));
                }
            }
        }
        found
    }

    /// The first rule with a pattern, other than this one of `rule`, that allows all its origins.
    fn covering_rule(
        &self,
        key: &HashKey,
        texts: &Texts,
        text: &str,
        terminal: Terminal,
        rule: RuleIndex,
    ) -> Option<RuleIndex> {
        let before = |found: Option<RuleIndex>| found.filter(|&found| found < rule);
        let own = Sought::of(key, text, terminal);
        // The pattern itself counts in an earlier rule only, with any port in its own as well.
        let wider = terminal.wider().and_then(|terminal| self.find(key, texts, &Sought { terminal, ..own }));
        let mut found = earlier(before(self.find(key, texts, &own)), wider);
        if terminal.host == HostShape::Any {
            return found;
        }
        let any_host = Terminal { host: HostShape::Any, ..terminal };
        found = earlier(found, self.find_with_any_port(key, texts, Sought::new(0, b"", any_host)));
        let subdomains = Terminal { host: HostShape::Subdomains, ..terminal };
        let mut hash = 0;
        for (front, label, name) in names_from_the_right(own.host) {
            hash = key.chain(hash, key.hash(label));
            // Nearer to the root, or a part of one label against all of them.
            if front.is_some() || terminal.host == HostShape::InLabel {
                found =
                    earlier(found, self.find_with_any_port(key, texts, Sought::new(hash, name, subdomains)));
            }
        }
        if terminal.host == HostShape::InLabel {
            found = earlier(found, self.covering_label(key, texts, own, rule));
        }
        found
    }

    fn covering_label(
        &self,
        key: &HashKey,
        texts: &Texts,
        own: Sought<'_>,
        rule: RuleIndex,
    ) -> Option<RuleIndex> {
        let mut found = None;
        // What the wider wildcard would have to stand for: it never stands for `_`.
        let stands_for = |part: &[u8]| !part.contains(&b'_');
        for start in label_starts(own.before) {
            let Some((before, rest)) = own.before.split_at_checked(start) else { continue };
            for end in label_ends(own.behind) {
                let Some((front, behind)) = own.behind.split_at_checked(end) else { continue };
                if !stands_for(rest) || !stands_for(front) {
                    continue;
                }
                let itself = before == own.before && behind == own.behind;
                let by = self.find_with_any_port(key, texts, Sought { before, behind, ..own });
                found = earlier(found, by.filter(|&by| !itself || by < rule));
            }
        }
        found
    }
}

/// The hosts that a host ends with, from the right: what stands before each, its first label, and itself.
fn names_from_the_right(host: &[u8]) -> impl Iterator<Item = (Option<&[u8]>, &[u8], &[u8])> {
    let mut rest = (!host.is_empty()).then_some(host);
    std::iter::from_fn(move || {
        let (front, label) = split_last_label(rest?);
        rest = front;
        let name = front.map_or(host, |front| host.get(front.len() + 1..).unwrap_or_default());
        Some((front, label, name))
    })
}

fn front_hash(key: &HashKey, host_hash: u64, before: &[u8]) -> u64 {
    key.chain(key.chain(host_hash, 1), key.hash(before))
}

fn scheme_of(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"://*").unwrap_or_default()
}

/// The last label of a name, and what stands before it.
#[inline]
fn split_last_label(name: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match name.iter().rposition(|&byte| byte == b'.').and_then(|dot| name.split_at_checked(dot)) {
        Some((before, [_dot, label @ ..])) => (Some(before), label),
        _ => (None, name),
    }
}

/// Where a wildcard may begin in a label: at the start, and behind each `-`.
fn label_starts(label: &[u8]) -> impl Iterator<Item = usize> {
    let behind_dash = label.iter().enumerate().filter(|&(_, &byte)| byte == b'-').map(|(at, _)| at + 1);
    std::iter::once(0).chain(behind_dash)
}

/// Where a wildcard may end in what is left of a label: at the end, and before each `-`.
fn label_ends(rest: &[u8]) -> impl Iterator<Item = usize> {
    let before_dash = rest.iter().enumerate().filter(|&(_, &byte)| byte == b'-').map(|(at, _)| at);
    before_dash.chain(std::iter::once(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::{Match, OriginSet};
    use crate::hash_key::HashKey;
    use crate::pattern::Pattern;
    use crate::steps;

    /// The patterns with this number, and per pattern an origin that it alone matches.
    fn patterns(number: usize) -> [(String, String); 6] {
        let host = format!("host{number}.example");
        [
            (format!("https://{host}"), format!("https://{host}")),
            (format!("https://*.wild.{host}"), format!("https://a.b.wild.{host}")),
            (format!("https://pr-{number}-*.pages.example"), format!("https://pr-{number}-x.pages.example")),
            (format!("https://pr-*-of.in.{host}"), format!("https://pr-x-y-of.in.{host}")),
            (format!("http://port.{host}:*"), format!("http://port.{host}:8080")),
            (format!("scheme{number}://*"), format!("scheme{number}://x")),
        ]
    }

    fn set_of(count: usize) -> OriginSet {
        let mut set = OriginSet::new(HashKey::random().unwrap());
        set.begin_rule();
        for (pattern, _) in (0..).flat_map(patterns).take(count) {
            assert!(set.insert(&Pattern::parse(&pattern).unwrap()), "{pattern}");
        }
        assert_eq!(set.len(), count);
        set
    }

    /// Steps of finding origins of each kind, spread over all, and as many that nothing matches.
    fn steps_of(set: &OriginSet) -> [u64; 2] {
        const LOOKUPS: usize = 2_000;
        let groups = set.len() / 6;
        let all = (0..LOOKUPS).map(|lookup| lookup * groups / LOOKUPS).flat_map(patterns);
        let origins: Vec<String> = all.map(|(_, origin)| origin).collect();
        let before = steps::taken();
        for origin in &origins {
            assert_eq!(set.find(origin.as_bytes()), Match::Rule(0), "{origin}");
        }
        let found = steps::taken();
        for origin in &origins {
            let other = origin.replace("scheme", "other").replace(".example", ".other");
            let unlisted = other.replace("https://host", "https://none");
            assert_eq!(set.find(unlisted.as_bytes()), Match::Unmatched, "{unlisted}");
        }
        [found - before, steps::taken() - found]
    }

    fn assert_steps_of_a_thousand(counts: &[usize]) {
        let thousand = steps_of(&set_of(1_002));
        assert!(thousand.iter().all(|&steps| steps > 1_000), "the counter counts: {thousand:?}");
        for &count in counts {
            let steps = steps_of(&set_of(count));
            for (steps, thousand) in steps.into_iter().zip(thousand) {
                // A table that is fuller has more look-alikes by hash; that is all that may differ.
                assert!(steps * 100 <= thousand * 110, "{steps} for {count}, {thousand} for a thousand");
            }
        }
    }

    #[test]
    fn five_thousand_patterns_take_the_steps_of_a_thousand() {
        assert_steps_of_a_thousand(&[5_004]);
    }

    #[test]
    fn a_million_patterns_take_the_steps_of_a_thousand() {
        assert_steps_of_a_thousand(&[10_002, 100_002, 1_000_002]);
    }
}
