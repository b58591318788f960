//! Reads a configuration in XML.
//!
//! Hardened: a document type is refused, so there are no entities but XML's own five; the text is at most 64 KB,
//! elements are at most [`MAX_DEPTH`] deep, and prefixes are declared at most [`MAX_PREFIXES`] times.

use roxmltree::{Document, Node, ParsingOptions};

use super::Dialect;
use super::configuration::{Names, Place, Raw, RawRule, Refusal, Value};
use crate::problem::{Problem, Problems, Quoted};

/// Elements in one another. A configuration has three.
const MAX_DEPTH: usize = 64;

/// Declarations of prefixes. Each element with a declaration of its own costs as many steps as prefixes are in scope
/// there, so that thousands of them take seconds.
const MAX_PREFIXES: usize = 64;

pub(super) fn read(text: &str, dialect: Dialect) -> Result<Raw, Refusal> {
    let malformed = |hint: String, place| {
        let refusal = Refusal::malformed("s3-not-well-formed", dialect, hint);
        Refusal { place, ..refusal }
    };
    if dialect == Dialect::Zenko && text.trim().is_empty() {
        return Err(Refusal::no_rules(dialect));
    }
    if text.matches("xmlns:").nth(MAX_PREFIXES).is_some() {
        let hint = format!("prefixes are declared more than {MAX_PREFIXES} times");
        return Err(malformed(hint, Place::Nowhere));
    }
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        malformed(error.to_string(), Place::LineAndColumn(at.row, at.col))
    })?;
    if !is_shallow(&document) {
        return Err(malformed(format!("elements are more than {MAX_DEPTH} deep"), Place::Nowhere));
    }
    let root = document.root_element();
    let mut raw = Raw { rules: Vec::new(), names: &Names::XML, unknown: Problems::default() };
    if name(root, dialect) == "CORSConfiguration" {
        for node in root.children().filter(Node::is_element) {
            if name(node, dialect) == Names::XML.rule {
                let index = raw.rules.len();
                raw.rules.push(rule(node, index, dialect, &mut raw.unknown));
            } else {
                unknown(node, String::new(), dialect, &mut raw.unknown);
            }
        }
    }
    if raw.rules.is_empty() { Err(Refusal::no_rules(dialect)) } else { Ok(raw) }
}

/// Whether no element is too deep in others. A parent stands before its children in the order of the text.
fn is_shallow(document: &Document<'_>) -> bool {
    let mut depths: Vec<usize> = Vec::new();
    document.root().descendants().all(|node| {
        let above = node.parent().and_then(|parent| depths.get(parent.id().get_usize()));
        let depth = above.map_or(0, |above| above + usize::from(node.is_element()));
        depths.push(depth);
        depth <= MAX_DEPTH
    })
}

/// The tag of an element as it is written, and what stands behind the name in it.
fn tag<'t>(node: Node<'_, 't>) -> (&'t str, &'t str) {
    let text = node.document().input_text().get(node.range()).unwrap_or_default();
    let text = text.strip_prefix('<').unwrap_or(text);
    text.split_at(text.find(|c: char| c.is_ascii_whitespace() || "/>".contains(c)).unwrap_or(text.len()))
}

/// The name that counts: Zenko knows no namespaces, so that a prefix is a part of the name.
fn name<'t>(node: Node<'_, 't>, dialect: Dialect) -> &'t str {
    let (name, _) = tag(node);
    match dialect {
        Dialect::Zenko => name,
        Dialect::Aws => name.split_once(':').map_or(name, |(_, local)| local),
    }
}

fn rule(node: Node<'_, '_>, index: usize, dialect: Dialect, problems: &mut Problems) -> RawRule {
    let mut rule = RawRule { offset: offset(node), ..RawRule::default() };
    for child in node.children().filter(Node::is_element) {
        let list = match name(child, dialect) {
            "ID" => &mut rule.id,
            "AllowedOrigin" => &mut rule.origins,
            "AllowedMethod" => &mut rule.methods,
            "AllowedHeader" => &mut rule.headers,
            "ExposeHeader" => &mut rule.expose,
            "MaxAgeSeconds" => &mut rule.max_age,
            _ => {
                unknown(child, format!("{}[{index}]", Names::XML.rule), dialect, problems);
                continue;
            }
        };
        list.get_or_insert_default().push(value(child, dialect));
    }
    rule
}

fn value(node: Node<'_, '_>, dialect: Dialect) -> Value {
    let has_attributes = match dialect {
        // To Zenko, the declaration of a namespace is an attribute like any other.
        Dialect::Zenko => !tag(node).1.trim_ascii_start().starts_with(['/', '>']),
        Dialect::Aws => node.attributes().len() > 0,
    };
    let is_plain = !has_attributes && !node.children().any(|child| child.is_element());
    let text = || node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    Value { text: is_plain.then(text), offset: offset(node) }
}

fn offset(node: Node<'_, '_>) -> u64 {
    node.range().start as u64
}

fn unknown(node: Node<'_, '_>, path: String, dialect: Dialect, problems: &mut Problems) {
    let name = name(node, dialect);
    problems.push(|| {
        let message = format!("S3 ignores the element {}", Quoted(name));
        Problem::new("s3-unknown-element", path, Some(name), message, offset(node))
    });
}
