//! A naive twin of S3's rules, and configurations and requests to try it on.
//!
//! Every glob is tried at every position, headers are taken apart into strings, and nothing is compiled.

use serde_json::{Value, json};

use crate::Line;
use crate::draw::Draw;
use crate::generate::Request;
use crate::twin::Decision;
use crate::twin::origin::Origin;

#[derive(Debug, Clone)]
pub struct Rule {
    pub id: Option<String>,
    pub origins: Vec<String>,
    pub methods: Vec<String>,
    pub headers: Vec<String>,
    pub expose: Vec<String>,
    pub max_age: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct Bucket {
    pub aws: bool,
    pub strict: bool,
    pub rules: Vec<Rule>,
}

const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// A glob against a value, position by position.
fn matches(glob: &[u8], value: &[u8], overlap: bool) -> bool {
    let Some(star) = glob.iter().position(|byte| *byte == b'*') else { return glob == value };
    let (front, behind) = (&glob[..star], &glob[star + 1..]);
    (0..=value.len()).any(|end| {
        &value[..end] == front
            && (0..=value.len()).any(|start| (overlap || start >= end) && &value[start..] == behind)
    })
}

fn values<'l>(lines: &'l [Line], name: &str) -> Vec<&'l [u8]> {
    lines
        .iter()
        .filter(|line| line.0.eq_ignore_ascii_case(name.as_bytes()))
        .map(|line| line.1.as_slice())
        .collect()
}

fn breaks(value: &[u8]) -> bool {
    value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

impl Bucket {
    /// The configuration as JSON.
    pub fn document(&self) -> Value {
        let rules = self.rules.iter().map(|rule| {
            let mut value = json!({
                "AllowedOrigins": rule.origins, "AllowedMethods": rule.methods,
                "AllowedHeaders": rule.headers, "ExposeHeaders": rule.expose,
            });
            if let Some(id) = &rule.id {
                value["ID"] = json!(id);
            }
            if let Some(seconds) = rule.max_age {
                value["MaxAgeSeconds"] = json!(seconds);
            }
            value
        });
        json!({ "CORSRules": rules.collect::<Vec<_>>() })
    }

    /// The requested names, as the dialect reads them.
    fn names(&self, lines: &[&[u8]]) -> Vec<Vec<u8>> {
        // A line of blanks alone names nothing, tabs included, since servers trim values.
        let is_blank = |line: &&&[u8]| line.iter().all(|byte| b" \t".contains(byte));
        let lines: Vec<&[u8]> = lines.iter().filter(|line| !is_blank(line)).copied().collect();
        let joined = lines.join(&b","[..]);
        let elements = joined.split(|byte| *byte == b',').map(|element| {
            let mut element = element.to_ascii_lowercase();
            if self.aws {
                while element.first().is_some_and(|byte| b" \t".contains(byte)) {
                    element.remove(0);
                }
                while element.last().is_some_and(|byte| b" \t".contains(byte)) {
                    element.pop();
                }
            } else {
                element.retain(|byte| *byte != b' ');
            }
            element
        });
        elements.filter(|element| !element.is_empty()).collect()
    }

    fn find(&self, origin: &[u8], method: &[u8], headers: &[&[u8]]) -> Option<usize> {
        let asked = !headers.is_empty() && headers != [b"".as_slice()];
        self.rules.iter().position(|rule| {
            rule.methods.iter().any(|known| known.as_bytes() == method)
                && rule.origins.iter().any(|glob| matches(glob.as_bytes(), origin, !self.aws))
                && (!asked
                    || !rule.headers.is_empty()
                        && self.names(headers).iter().all(|name| {
                            let one =
                                |glob: &String| matches(glob.to_lowercase().as_bytes(), name, !self.aws);
                            rule.headers.iter().any(one)
                        }))
        })
    }

    pub fn evaluate(&self, method: &[u8], lines: &[Line]) -> Decision {
        let origins = values(lines, "origin");
        let asked = values(lines, "access-control-request-method");
        let headers = values(lines, "access-control-request-headers");
        let preflight = method == b"OPTIONS";
        let kind = if preflight { "preflight" } else { "actual" };
        let (reason, rule) = match origins.as_slice() {
            [] if preflight => ("s3-origin-missing", None),
            [] => return self.decision("not-cors", "not-cors", None, lines),
            [b""] if self.strict && preflight => ("s3-origin-missing", None),
            [b""] if self.strict => ("s3-no-rule-matches", None),
            [origin] if breaks(origin) || (!self.strict && Origin::parse(origin).is_none()) => {
                ("malformed-origin", None)
            }
            [origin] if preflight => self.preflight(origin, &asked, &headers),
            [origin] => self.actual(origin, method, &asked, &headers, lines),
            _ => ("malformed-origin", None),
        };
        self.decision(kind, reason, rule, lines)
    }

    fn preflight(&self, origin: &[u8], asked: &[&[u8]], headers: &[&[u8]]) -> (&'static str, Option<usize>) {
        let [method] = asked else { return ("s3-invalid-request-method", None) };
        if !METHODS.iter().any(|known| known.as_bytes() == *method) {
            return ("s3-invalid-request-method", None);
        }
        if headers.iter().any(|line| breaks(line)) {
            return ("malformed-request-headers", None);
        }
        let is_token = |name: &Vec<u8>| {
            name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
        };
        if self.aws && !self.names(headers).iter().all(is_token) {
            return ("s3-invalid-request-headers", None);
        }
        match self.find(origin, method, headers) {
            Some(rule) => ("allowed", Some(rule)),
            None => ("s3-no-rule-matches", None),
        }
    }

    fn actual(
        &self,
        origin: &[u8],
        method: &[u8],
        asked: &[&[u8]],
        headers: &[&[u8]],
        lines: &[Line],
    ) -> (&'static str, Option<usize>) {
        let rule = match asked {
            _ if !self.aws => self.find(origin, method, &[]),
            _ if headers.iter().any(|line| breaks(line)) => None,
            [] | [b""] => self.find(origin, method, headers),
            [asked] => self.find(origin, asked, headers),
            _ => None,
        };
        let sites = values(lines, "sec-fetch-site");
        match (rule, sites.as_slice()) {
            (Some(rule), _) => ("allowed", Some(rule)),
            (None, [b"same-origin"]) => ("same-origin", None),
            (None, [b"none"]) if origin != b"null" => ("same-origin", None),
            (None, _) => ("s3-no-rule-matches", None),
        }
    }

    fn decision(
        &self,
        kind: &'static str,
        reason: &'static str,
        rule: Option<usize>,
        lines: &[Line],
    ) -> Decision {
        let mut edits: Vec<(&'static str, &'static str, Vec<u8>)> = Vec::new();
        if rule.is_some() || !self.strict {
            for name in ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"] {
                edits.push(("vary", "Vary", name.into()));
            }
        }
        let found = rule.map(|rule| &self.rules[rule]);
        if let Some(rule) = found {
            let mut set = |name, value: Vec<u8>| edits.push(("set", name, value));
            if rule.origins.iter().any(|origin| origin == "*") {
                set("Access-Control-Allow-Origin", b"*".to_vec());
            } else {
                set("Access-Control-Allow-Origin", values(lines, "origin")[0].to_vec());
                set("Access-Control-Allow-Credentials", b"true".to_vec());
            }
            set("Access-Control-Allow-Methods", rule.methods.join(", ").into());
            if kind == "preflight" {
                let headers = values(lines, "access-control-request-headers");
                let shown = headers.iter().filter(|line| !line.iter().all(|byte| b" \t".contains(byte)));
                for (index, line) in shown.enumerate() {
                    let op = if index == 0 { "set" } else { "add" };
                    edits.push((op, "Access-Control-Allow-Headers", line.to_vec()));
                }
            }
            if let Some(seconds) = rule.max_age.filter(|seconds| self.aws || *seconds > 0) {
                edits.push(("set", "Access-Control-Max-Age", seconds.to_string().into()));
            }
            if !rule.expose.is_empty() {
                edits.push(("set", "Access-Control-Expose-Headers", rule.expose.join(", ").into()));
            }
        }
        let preflight = kind == "preflight";
        if !preflight {
            for name in [
                "Access-Control-Allow-Origin",
                "Access-Control-Allow-Credentials",
                "Access-Control-Allow-Methods",
                "Access-Control-Allow-Headers",
                "Access-Control-Max-Age",
                "Access-Control-Expose-Headers",
                "Access-Control-Allow-Private-Network",
            ] {
                if !edits.iter().any(|edit| edit.1 == name) {
                    edits.push(("remove", name, Vec::new()));
                }
            }
        }
        let allowed = matches!(reason, "allowed" | "not-cors" | "same-origin");
        let status = match reason {
            _ if !preflight => 0,
            "allowed" => 200,
            "s3-origin-missing" | "s3-invalid-request-method" | "s3-invalid-request-headers" => 400,
            _ => 403,
        };
        Decision {
            kind,
            action: if preflight { "respond" } else { "forward" },
            status,
            allowed,
            reason,
            rule,
            rule_name: found.and_then(|rule| rule.id.clone()),
            edits,
        }
    }
}

const ORIGINS: [&str; 20] = [
    "https://a.example",
    "https://*.a.example",
    "https://*",
    "*",
    "null",
    "n*",
    "http://*.x",
    "https://app*pp.example",
    "https://b.example:8443",
    "https://b.example*",
    "*.example",
    "*://a.example",
    "https://a.*",
    "https://*a.example",
    "HTTPS://a.example",
    "https://a.example/",
    "chrome-extension://*",
    "https:/*",
    "a",
    "*a",
];
const HEADERS: [&str; 10] =
    ["*", "x-a", "X-A", "x-*", "x-*-b", "*-b", "content-type", "x-a*a-b", "Authorization", "x-*a"];
/// What stands for `*` in an origin that is sent.
const FILLS: [&str; 10] = ["", "a", "a.b", "p", "evil.test/", ":1", "x.example:8443", "://", "A", " "];

/// A configuration, its dialect and whether it is strict.
pub fn bucket(draw: &mut Draw<'_>) -> Bucket {
    let rules = (0..=draw.below(4)).map(|_| rule(draw)).collect();
    Bucket { aws: draw.chance(50), strict: draw.chance(40), rules }
}

/// What a document could say too, for the most part, so that two of them differ in little.
pub fn modest_bucket(draw: &mut Draw<'_>) -> Bucket {
    let owned = |list: Vec<&&str>| list.into_iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let rules = (0..=draw.below(3)).map(|_| {
        let mut origins = owned(draw.some(&MODEST_ORIGINS, 2));
        origins.push(draw.choose(&MODEST_ORIGINS).to_owned());
        let mut methods = owned(draw.some(&["GET", "PUT", "DELETE"], 2));
        methods.push("GET".to_owned());
        if draw.chance(70) {
            methods.extend(["HEAD".to_owned(), "POST".to_owned()]);
        }
        let headers = owned(draw.some(&["x-a", "x-b", "content-type"], 2));
        let headers = if draw.chance(20) { vec!["*".to_owned()] } else { headers };
        let expose = owned(draw.some(&["ETag", "x-c"], 1));
        Rule {
            id: None,
            origins,
            methods,
            headers,
            expose,
            max_age: draw.chance(30).then(|| draw.choose(&[0, 60])),
        }
    });
    let rules = rules.collect();
    Bucket { aws: draw.chance(50), strict: false, rules }
}

const MODEST_ORIGINS: [&str; 6] = [
    "https://a.example",
    "https://b.example",
    "https://*.a.example",
    "https://pr-*.a.example",
    "*",
    "http://localhost",
];

fn rule(draw: &mut Draw<'_>) -> Rule {
    let owned = |list: Vec<&&str>| list.into_iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut origins = owned(draw.some(&ORIGINS, 3));
    origins.push(draw.choose(&ORIGINS).to_owned());
    let mut methods = owned(draw.some(&METHODS, 3));
    methods.push(draw.choose(&METHODS).to_owned());
    Rule {
        id: draw.chance(30).then(|| "one & <two>".to_owned()),
        origins,
        methods,
        headers: owned(draw.some(&HEADERS, 3)),
        expose: owned(draw.some(&["ETag", "x-Amz-meta", "Date"], 2)),
        max_age: draw.chance(50).then(|| draw.choose(&[0, 1, 3000])),
    }
}

/// A request that some rule may be for.
pub fn request(draw: &mut Draw<'_>, bucket: &Bucket) -> Request {
    let mut lines: Vec<Line> = Vec::new();
    let line = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let method = draw.choose(&["OPTIONS", "GET", "PUT", "OPTIONS", "DELETE", "PATCH", "get", "HEAD", "POST"]);
    let rule = draw.pick(&bucket.rules).clone();
    for _ in 0..draw.choose(&[1, 1, 1, 1, 1, 1, 0, 2]) {
        let origin = if draw.chance(80) { draw.pick(&rule.origins).clone() } else { "".to_owned() };
        let origin = origin.replace('*', draw.choose(&FILLS));
        lines.push(line("Origin", &origin));
    }
    for _ in 0..draw.choose(&[1, 1, 1, 1, 0, 2]) {
        let known = draw.pick(&rule.methods).clone();
        let asked = draw.choose(&[known.as_str(), "PUT", "", "PATCH", "delete"]).to_owned();
        lines.push(line("access-control-request-method", &asked));
    }
    for _ in 0..draw.choose(&[0, 1, 1, 1, 2, 3]) {
        let mut value = String::new();
        for index in 0..draw.below(4) {
            if index > 0 {
                value += draw.choose(&[",", ", ", " ,", ",,", "\t,"]);
            }
            let glob = if draw.chance(70) && !rule.headers.is_empty() {
                draw.pick(&rule.headers).clone()
            } else {
                draw.choose(&["x-a", "", "x- a", "x(a", "X-B", " ", "x\r\na"]).to_owned()
            };
            value += &glob.replace('*', draw.choose(&["", "a", "a-b", "B"]));
        }
        lines.push(line("Access-Control-Request-Headers", &value));
    }
    if draw.chance(20) {
        lines.push(line("Sec-Fetch-Site", draw.choose(&["same-origin", "none", "cross-site"])));
    }
    Request { method: method.into(), lines }
}
