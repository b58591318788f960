//! The origins of a rule, compiled for matching in time linear in the origin's length, however many there are.

use std::ops::Range;

use hashbrown::HashTable;

use crate::bytes::same;
use crate::hash_key::HashKey;
use crate::origin::{Origin, WebScheme};
use crate::pattern::{HostShape, Pattern, PortShape, Shape};

/// What the set says of a value of `Origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// A pattern matches.
    Matched,
    /// No pattern matches; the origin is well-formed.
    Unmatched,
    /// No pattern matches; the origin is `null`.
    UnmatchedNull,
    /// It is no origin.
    Malformed,
}

/// The patterns of a rule in their order, and what finds them.
///
/// Costs about 15 bytes an exact origin beside its text.
#[derive(Clone, Debug)]
pub(crate) struct OriginSet {
    key: HashKey,
    texts: Texts,
    /// Indices of the exact origins.
    exact: HashTable<u32>,
    /// The same while they are few: comparing a few costs less than hashing.
    few: Vec<u32>,
    /// Bit n is set if an exact origin has n bytes, bit 63 for all from 63 on: most origins that are
    /// refused are told by their length.
    lengths: u64,
    wildcards: Wildcards,
}

/// Texts one after the other, without an allocation each.
#[derive(Clone, Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) -> Option<u32> {
        let index = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        Some(index)
    }

    #[inline]
    fn range(&self, index: u32) -> Range<usize> {
        let index = index as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        start as usize..end as usize
    }

    #[inline]
    fn get(&self, index: u32) -> &[u8] {
        self.bytes.get(self.range(index)).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        (0..count).map(|index| std::str::from_utf8(self.get(index)).unwrap_or_default())
    }
}

/// How many exact origins are compared one by one.
const FEW: usize = 4;

fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

impl OriginSet {
    pub(crate) fn new(key: HashKey) -> Self {
        OriginSet {
            key,
            texts: Texts::default(),
            exact: HashTable::new(),
            few: Vec::new(),
            lengths: 0,
            wildcards: Wildcards::default(),
        }
    }

    /// Adds a pattern; false if it was there already. `*` is not for here: a rule that allows
    /// everyone asks no set.
    pub(crate) fn insert(&mut self, pattern: &Pattern<'_>) -> bool {
        let text = pattern.text.as_bytes();
        let OriginSet { key, texts, exact, few, lengths, wildcards } = self;
        match pattern.shape {
            Shape::Any => false,
            Shape::Exact { .. } => {
                let hash = key.hash(text);
                if exact.find(hash, |&index| texts.get(index) == text).is_some() {
                    return false;
                }
                let Some(index) = texts.push(text) else { return false };
                exact.insert_unique(hash, index, |&index| key.hash(texts.get(index)));
                *lengths |= length_bit(text.len());
                if exact.len() <= FEW {
                    few.push(index);
                } else {
                    few.clear();
                }
                true
            }
            Shape::Scheme => {
                let scheme = text.strip_suffix(b"://*").unwrap_or_default();
                if wildcards.schemes.iter().any(|known| **known == *scheme) || texts.push(text).is_none() {
                    return false;
                }
                wildcards.schemes.push(scheme.into());
                true
            }
            Shape::Web { scheme, host: shape, port, .. } => {
                let host = pattern_host(&pattern.text).as_bytes();
                wildcards.insert(key, host, Terminal::new(scheme, shape, port)) && texts.push(text).is_some()
            }
        }
    }

    /// The number of patterns.
    pub(crate) fn len(&self) -> usize {
        self.texts.ends.len()
    }

    /// The canonical patterns in their order.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.texts.iter()
    }

    /// Gives back what growing left unused.
    pub(crate) fn shrink(&mut self) {
        let OriginSet { key, texts, exact, wildcards, .. } = self;
        texts.bytes.shrink_to_fit();
        texts.ends.shrink_to_fit();
        exact.shrink_to_fit(|&index| key.hash(texts.get(index)));
        wildcards.schemes.shrink_to_fit();
    }

    /// The bytes that the set holds on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.texts.bytes.capacity()
            + self.texts.ends.capacity() * 4
            + self.exact.allocation_size()
            + self.wildcards.heap_bytes()
    }

    /// Matches a value of `Origin`.
    #[inline(always)]
    pub(crate) fn find(&self, value: &[u8]) -> Match {
        // What equals a configured origin is well-formed, so its grammar need not be checked.
        if self.lengths & length_bit(value.len()) != 0 && self.has_exact(value) {
            return Match::Matched;
        }
        if self.wildcards.is_empty() { unmatched(value) } else { self.find_wildcard(value) }
    }

    #[inline(never)]
    fn has_exact(&self, value: &[u8]) -> bool {
        if self.few.is_empty() {
            self.has_exact_hashed(value)
        } else {
            self.few.iter().any(|&index| same(self.texts.get(index), value))
        }
    }

    #[inline(never)]
    fn has_exact_hashed(&self, value: &[u8]) -> bool {
        self.exact.find(self.key.hash(value), |&index| same(self.texts.get(index), value)).is_some()
    }

    #[inline(never)]
    fn find_wildcard(&self, value: &[u8]) -> Match {
        match Origin::parse(value) {
            Some(origin) if self.wildcards.matches(&self.key, origin) => Match::Matched,
            Some(Origin::Null) => Match::UnmatchedNull,
            Some(_) => Match::Unmatched,
            None => Match::Malformed,
        }
    }
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

/// The host of a canonical http or https pattern, without scheme, leading `*.` and port.
fn pattern_host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.strip_prefix("*.").unwrap_or(rest);
    let end = match rest.find(']') {
        Some(bracket) => bracket + 1,
        None => rest.find(':').unwrap_or(rest.len()),
    };
    rest.get(..end).unwrap_or(rest)
}

/// Patterns with a wildcard, as a tree of host names read from the right, label by label.
#[derive(Clone, Debug, Default)]
struct Wildcards {
    edges: HashTable<Edge>,
    /// What ends at the nodes of the tree; node 0 is the root.
    terminals: HashTable<(u32, Terminal)>,
    nodes: u32,
    /// Schemes of `scheme://*`.
    schemes: Vec<Box<[u8]>>,
}

#[derive(Clone, Debug)]
struct Edge {
    parent: u32,
    child: u32,
    label: Box<[u8]>,
}

/// A pattern that ends at a node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terminal {
    scheme: WebScheme,
    host: HostShape,
    port: PortShape,
}

impl Terminal {
    fn new(scheme: WebScheme, host: HostShape, port: PortShape) -> Self {
        Terminal { scheme, host, port }
    }

    fn bytes(self) -> [u8; 5] {
        let (kind, port) = match self.port {
            PortShape::Default => (0, 0),
            PortShape::One(port) => (1, port),
            PortShape::Any => (2, 0),
        };
        let [high, low] = port.to_be_bytes();
        [self.scheme as u8, self.host as u8, kind, high, low]
    }
}

impl Wildcards {
    fn insert(&mut self, key: &HashKey, host: &[u8], terminal: Terminal) -> bool {
        let mut node = 0;
        for label in host.rsplit(|&byte| byte == b'.') {
            node = match self.child(key, node, label) {
                Some(child) => child,
                None => {
                    self.nodes += 1;
                    let edge = Edge { parent: node, child: self.nodes, label: label.into() };
                    let hash = key.hash_child(node, label);
                    self.edges.insert_unique(hash, edge, |edge| key.hash_child(edge.parent, &edge.label));
                    self.nodes
                }
            };
        }
        if self.has(key, node, terminal) {
            return false;
        }
        let hash = key.hash_child(node, &terminal.bytes());
        self.terminals.insert_unique(hash, (node, terminal), |(node, terminal)| {
            key.hash_child(*node, &terminal.bytes())
        });
        true
    }

    fn child(&self, key: &HashKey, parent: u32, label: &[u8]) -> Option<u32> {
        let found = self
            .edges
            .find(key.hash_child(parent, label), |edge| edge.parent == parent && *edge.label == *label);
        found.map(|edge| edge.child)
    }

    fn has(&self, key: &HashKey, node: u32, terminal: Terminal) -> bool {
        self.terminals
            .find(key.hash_child(node, &terminal.bytes()), |known| *known == (node, terminal))
            .is_some()
    }

    fn heap_bytes(&self) -> usize {
        let labels: usize = self.edges.iter().map(|edge| edge.label.len()).sum();
        let schemes: usize = self.schemes.iter().map(|scheme| scheme.len() + size_of::<Box<[u8]>>()).sum();
        self.edges.allocation_size() + self.terminals.allocation_size() + labels + schemes
    }

    fn is_empty(&self) -> bool {
        self.nodes == 0 && self.schemes.is_empty()
    }

    #[inline]
    fn matches(&self, key: &HashKey, origin: Origin<'_>) -> bool {
        match origin {
            Origin::Web { scheme, host, port } if self.nodes > 0 => self.matches_web(key, scheme, host, port),
            Origin::Custom { scheme } => self.schemes.iter().any(|known| **known == *scheme),
            Origin::Web { .. } | Origin::Null => false,
        }
    }

    fn matches_web(&self, key: &HashKey, scheme: WebScheme, host: &[u8], port: Option<u16>) -> bool {
        let port = port.map_or(PortShape::Default, PortShape::One);
        let mut node = 0;
        let mut labels = host.rsplit(|&byte| byte == b'.').peekable();
        while let Some(label) = labels.next() {
            // A host outside the tree is refused at its first unknown label.
            let Some(child) = self.child(key, node, label) else { return false };
            node = child;
            let host = if labels.peek().is_some() { HostShape::Subdomains } else { HostShape::Itself };
            if [port, PortShape::Any]
                .into_iter()
                .any(|port| self.has(key, node, Terminal::new(scheme, host, port)))
            {
                return true;
            }
        }
        false
    }
}
