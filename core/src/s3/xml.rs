//! Reads a configuration in XML.
//!
//! Hardened: a document type is refused, so there are no entities but XML's own five; the text is at most 64 KB,
//! and elements are at most [`MAX_DEPTH`] deep.

use roxmltree::{Document, Node, ParsingOptions};

use super::Dialect;
use super::configuration::{Names, Place, Raw, RawRule, Refusal, Value};
use crate::problem::{Problem, Problems, Quoted};

/// Elements in one another. A configuration has three.
const MAX_DEPTH: usize = 64;

pub(super) fn read(text: &str, dialect: Dialect) -> Result<Raw, Refusal> {
    let malformed = |hint: String, place| {
        let refusal = Refusal::malformed("s3-not-well-formed", dialect, hint);
        Refusal { place, ..refusal }
    };
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
    if root.tag_name().name() == "CORSConfiguration" {
        for node in root.children().filter(Node::is_element) {
            if node.tag_name().name() == Names::XML.rule {
                let index = raw.rules.len();
                raw.rules.push(rule(node, index, &mut raw.unknown));
            } else {
                unknown(node, String::new(), &mut raw.unknown);
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

fn rule(node: Node<'_, '_>, index: usize, problems: &mut Problems) -> RawRule {
    let mut rule = RawRule { offset: offset(node), ..RawRule::default() };
    for child in node.children().filter(Node::is_element) {
        let list = match child.tag_name().name() {
            "ID" => &mut rule.id,
            "AllowedOrigin" => &mut rule.origins,
            "AllowedMethod" => &mut rule.methods,
            "AllowedHeader" => &mut rule.headers,
            "ExposeHeader" => &mut rule.expose,
            "MaxAgeSeconds" => &mut rule.max_age,
            _ => {
                unknown(child, format!("{}[{index}]", Names::XML.rule), problems);
                continue;
            }
        };
        list.get_or_insert_default().push(value(child));
    }
    rule
}

fn value(node: Node<'_, '_>) -> Value {
    let is_plain = node.attributes().len() == 0 && !node.children().any(|child| child.is_element());
    let text = || node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    Value { text: is_plain.then(text), offset: offset(node) }
}

fn offset(node: Node<'_, '_>) -> u64 {
    node.range().start as u64
}

fn unknown(node: Node<'_, '_>, path: String, problems: &mut Problems) {
    let name = node.tag_name().name();
    problems.push(|| {
        let message = format!("S3 ignores the element {}", Quoted(name));
        Problem::new("s3-unknown-element", path, Some(name), message, offset(node))
    });
}
