//! Valid policies of the whole language.

use serde_json::{Map, Value, json};

use super::origin::Pools;
use crate::draw::Draw;
use crate::twin::Twin;

const HOSTS: [&str; 13] = [
    "app.example.com",
    "example.com",
    "shop.example.org",
    "a.b.example.com",
    "pr-1.preview.example.com",
    "intranet",
    "my_host.example.com",
    "example.com.",
    "APP.Example.com",
    "bücher.example",
    "xn--bcher-kva.example",
    "ПРИМЕР.example",
    "faß.example",
];
/// Hosts of the machine itself: http is as good as https.
const LOCAL_HOSTS: [&str; 5] = ["localhost", "api.localhost", "127.0.0.1", "127.8.9.10", "[::1]"];
const ADDRESSES: [&str; 5] =
    ["192.0.2.7", "[2001:db8::a]", "[2001:db8:0:1::]", "[::ffff:c000:207]", "10.0.0.1"];
const BASES: [&str; 7] = [
    "example.com",
    "example.org",
    "preview.example.com",
    "b.example.com",
    "example.com.",
    "bücher.example",
    "a.b.example.com",
];
/// What anybody can register a name under.
const SUFFIXES: [&str; 7] =
    ["com", "co.uk", "vercel.app", "github.io", "example", "internal", "s3.amazonaws.com"];
const LABELS: [(&str, &str); 6] =
    [("pr-", ""), ("", "-app"), ("deploy-", "--site"), ("a-", "-b"), ("", "-x"), ("x--", "")];
const PORTS: [&str; 9] = ["", "", "", ":443", ":80", ":8443", ":3000", ":65535", ":1"];
const OTHERS: [&str; 9] = [
    "chrome-extension://abcdef",
    "capacitor://localhost",
    "app://a.b",
    "app://A.B",
    "vscode-webview://x%20y~[::1]:9",
    "APP://a.b",
    "a+b-c.d://-",
    "tauri://localhost",
    "app://127.1:0",
];
const OTHER_WILDCARDS: [&str; 3] = ["moz-extension://*", "app://*", "chrome-extension://*"];

pub const METHODS: [&str; 12] = [
    "PUT",
    "DELETE",
    "PATCH",
    "patch",
    "put",
    "Delete",
    "PURGE",
    "GET",
    "POST",
    "OPTIONS",
    "x!y",
    "BASELINE-CONTROL",
];
pub const HEADERS: [&str; 10] =
    ["content-type", "X-Token", "authorization", "x-a", "X-B", "x_a", "Accept", "range", "if-match", "x.~!"];
const EXPOSED: [&str; 7] = ["x-total", "ETag", "X-Request-Id", "content-length", "x-a", "Link", "location"];
const NAMES: [&str; 4] = ["", "apps", "Partners and friends", "naïve \"name\""];

/// A document that the engine must accept.
pub fn policy(draw: &mut Draw<'_>) -> Value {
    let mut document = Map::new();
    if draw.chance(55) {
        let rules = 1 + draw.below(5);
        let rules = (0..rules).map(|_| Value::Object(rule(draw))).collect();
        document.insert("rules".into(), Value::Array(rules));
        if draw.chance(20) {
            document.insert("name".into(), json!("the document"));
        }
    } else {
        document = rule(draw);
    }
    top_level(draw, &mut document);
    let mut document = Value::Object(document);
    if draw.chance(30) {
        let expect = expectations(draw, &document);
        document["expect"] = expect;
    }
    document
}

fn top_level(draw: &mut Draw<'_>, document: &mut Map<String, Value>) {
    if draw.chance(30) {
        document.insert("preflight_status".into(), json!(draw.choose(&[204, 200])));
    }
    if draw.chance(35) {
        document.insert("refused_requests".into(), json!(draw.choose(&["forbid", "forward"])));
    }
    if draw.chance(30) {
        document.insert("foreign_headers".into(), json!(draw.choose(&["keep", "remove"])));
    }
    if draw.chance(30) {
        let own: Vec<String> = (0..draw.below(3)).map(|_| exact(draw, true)).collect();
        document.insert("own_origins".into(), json!(own));
    }
    if draw.chance(15) {
        document.insert("acknowledge".into(), json!(["duplicate", "any-host"]));
    }
    if draw.chance(10) {
        document.insert("$schema".into(), json!("https://example.com/schema.json"));
    }
}

fn rule(draw: &mut Draw<'_>) -> Map<String, Value> {
    let mut rule = Map::new();
    let credentials = draw.chance(40);
    let lifted: Vec<&str> = ["insecure-origins", "public-suffixes", "null-origin"]
        .into_iter()
        .filter(|_| draw.chance(30))
        .collect();
    rule.insert("allow_origins".into(), origins(draw, credentials, &lifted));
    if let Some(list) = list(draw, &METHODS, true) {
        rule.insert("allow_methods".into(), list);
    }
    if let Some(list) = list(draw, &HEADERS, true) {
        rule.insert("allow_headers".into(), list);
    }
    if let Some(list) = list(draw, &EXPOSED, !credentials) {
        rule.insert("expose_headers".into(), list);
    }
    if credentials || draw.chance(10) {
        rule.insert("allow_credentials".into(), json!(credentials));
    }
    if draw.chance(40) {
        rule.insert("max_age".into(), json!(draw.choose(&[0, 1, 5, 600, 86_400])));
    }
    if draw.chance(40) {
        rule.insert(
            "timing_allow_origin".into(),
            draw.pick(&[json!(false), json!(true), json!("*"), json!("*")]).clone(),
        );
    }
    if !lifted.is_empty() || draw.chance(5) {
        rule.insert("dangerously_allow".into(), json!(lifted));
    }
    if draw.chance(30) {
        rule.insert("name".into(), json!(draw.choose(&NAMES)));
    }
    if draw.chance(10) {
        rule.insert("description".into(), json!("for\npeople"));
    }
    rule
}

/// `*`, a list of names, both, or nothing.
fn list(draw: &mut Draw<'_>, names: &[&str], star: bool) -> Option<Value> {
    let star = star && draw.chance(25);
    let named: Vec<&str> = draw.some(names, 4).into_iter().copied().collect();
    match (star, named.is_empty()) {
        (true, true) => Some(draw.pick(&[json!("*"), json!(["*"])]).clone()),
        (true, false) => {
            let mut list = named;
            let at = draw.below(list.len() + 1);
            list.insert(at, "*");
            Some(json!(list))
        }
        (false, true) => draw.chance(10).then(|| json!([])),
        (false, false) => Some(json!(named)),
    }
}

fn origins(draw: &mut Draw<'_>, credentials: bool, lifted: &[&str]) -> Value {
    if !credentials && draw.chance(12) {
        return draw.pick(&[json!("*"), json!(["*"])]).clone();
    }
    let many = 1 + draw.below(5);
    json!((0..many).map(|_| pattern(draw, credentials, lifted)).collect::<Vec<_>>())
}

/// One pattern that the guards admit.
fn pattern(draw: &mut Draw<'_>, credentials: bool, lifted: &[&str]) -> String {
    let insecure = !credentials || lifted.contains(&"insecure-origins");
    let suffixes = !credentials || lifted.contains(&"public-suffixes");
    match draw.below(12) {
        0..=3 => exact(draw, insecure),
        kind @ 4..=7 => {
            let local = draw.chance(15);
            let base = if local {
                "localhost"
            } else if suffixes && draw.chance(20) {
                draw.choose(&SUFFIXES)
            } else {
                draw.choose(&BASES)
            };
            let star = if kind <= 5 {
                "*".to_owned()
            } else {
                let (before, after) = draw.choose(&LABELS);
                format!("{before}*{after}")
            };
            let scheme = scheme(draw, insecure || local);
            format!("{scheme}://{star}.{base}{}", port(draw))
        }
        8 if !credentials => {
            let port = if draw.chance(50) { ":*" } else { "" };
            format!("{}://*{port}", scheme(draw, true))
        }
        9 if !credentials && lifted.contains(&"null-origin") => "null".to_owned(),
        10 => draw.choose(&OTHER_WILDCARDS).to_owned(),
        11 => draw.choose(&OTHERS).to_owned(),
        _ => {
            // Any port of one host.
            let local = draw.chance(60);
            let host = if local { draw.choose(&LOCAL_HOSTS) } else { draw.choose(&HOSTS) };
            format!("{}://{host}:*", scheme(draw, insecure || local))
        }
    }
}

fn scheme(draw: &mut Draw<'_>, insecure: bool) -> &'static str {
    if insecure && draw.chance(35) { "http" } else { draw.choose(&["https", "https", "https", "HTTPS"]) }
}

fn port(draw: &mut Draw<'_>) -> &'static str {
    if draw.chance(20) { ":*" } else { draw.choose(&PORTS) }
}

/// A pattern of one origin.
fn exact(draw: &mut Draw<'_>, insecure: bool) -> String {
    let (hosts, insecure): (&[&str], bool) = match draw.below(8) {
        0..=4 => (&HOSTS, insecure),
        5 => (&LOCAL_HOSTS, true),
        6 => (&ADDRESSES, insecure),
        _ => return draw.choose(&OTHERS).to_owned(),
    };
    let host = draw.choose(hosts);
    format!("{}://{host}{}", scheme(draw, insecure), draw.pick(&PORTS))
}

/// What the twin says of a few origins.
fn expectations(draw: &mut Draw<'_>, document: &Value) -> Value {
    let twin = Twin::read(document);
    let pools = Pools::of(document);
    let (mut allow, mut refuse) = (Vec::new(), Vec::new());
    for _ in 0..1 + draw.below(3) {
        let Ok(origin) = String::from_utf8(pools.origin(draw)) else { continue };
        if twin.expects(origin.as_bytes()) { allow.push(origin) } else { refuse.push(origin) }
    }
    json!({"allow": allow, "refuse": refuse})
}
