//! Requests: what browsers send, and everything that they don't.

use super::origin::Pools;
use crate::draw::Draw;
use crate::{Line, shown};

#[derive(Clone)]
pub struct Request {
    pub method: Vec<u8>,
    pub lines: Vec<Line>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", shown(&self.method))?;
        self.lines.iter().try_for_each(|(name, value)| write!(f, "\n  {}: {}", shown(name), shown(value)))
    }
}

const METHODS: [&str; 8] = ["OPTIONS", "GET", "POST", "options", "OPTION", "PUT", "", "OPTIONS "];
const REQUESTED_METHODS: [&str; 10] =
    ["PATCH", "*", "", "P UT", "PUT,DELETE", " PUT", "PUT\0", "get", "\u{e9}", "CONNECT"];
const ELEMENTS: [&str; 12] = [
    "x-evil",
    "*",
    "cookie",
    "x a",
    "x:a",
    "\"x\"",
    "x\0",
    "\u{e9}",
    "x-a;",
    "sec-fetch-site",
    "x\r\ny",
    "content-typ",
];
const SITES: [&str; 8] =
    ["same-origin", "cross-site", "none", "same-site", "", "Same-Origin", "same-origin ", "none, none"];

pub fn request(draw: &mut Draw<'_>, pools: &Pools) -> Request {
    let preflight = draw.chance(55);
    let method =
        if preflight || draw.chance(10) { "OPTIONS" } else { draw.choose(&METHODS) }.as_bytes().to_vec();
    let mut lines = Vec::new();
    let mut line = |draw: &mut Draw<'_>, name: &str, value: Vec<u8>| lines.push((spelled(draw, name), value));
    let origin = pools.origin(draw);
    let origins = match draw.below(40) {
        38 => 0,
        39 => 2,
        _ => 1,
    };
    for _ in 0..origins {
        let value = if draw.chance(3) { pools.origin(draw) } else { origin.clone() };
        line(draw, "Origin", value);
    }
    if preflight || draw.chance(5) {
        for _ in 0..1 + usize::from(draw.chance(3)) {
            let value = requested_method(draw, pools);
            line(draw, "Access-Control-Request-Method", value);
        }
    }
    if draw.chance(if preflight { 75 } else { 5 }) {
        for value in requested_headers(draw, pools) {
            line(draw, "Access-Control-Request-Headers", value);
        }
    }
    for (name, percent) in [("Host", 70), (":authority", 15)] {
        if draw.chance(percent) {
            for _ in 0..1 + usize::from(draw.chance(5)) {
                let value = host(draw, &origin);
                line(draw, name, value);
            }
        }
    }
    if draw.chance(35) {
        for _ in 0..1 + usize::from(draw.chance(5)) {
            let value = draw.pick(&SITES).as_bytes().to_vec();
            line(draw, "Sec-Fetch-Site", value);
        }
    }
    if draw.chance(10) {
        let value = origin.clone();
        let name = draw.choose(&[
            "X-Origin",
            "Origins",
            "X-Forwarded-Host",
            "Vary",
            "Access-Control-Request-Header",
        ]);
        line(draw, name, value);
    }
    if draw.chance(20) {
        draw.shuffle(&mut lines);
    }
    Request { method, lines }
}

/// A header name in some case of letters.
fn spelled(draw: &mut Draw<'_>, name: &str) -> Vec<u8> {
    match draw.below(8) {
        0..=3 => name.as_bytes().to_vec(),
        4..=6 => name.to_ascii_lowercase().into_bytes(),
        _ => name.to_ascii_uppercase().into_bytes(),
    }
}

fn requested_method(draw: &mut Draw<'_>, pools: &Pools) -> Vec<u8> {
    match draw.below(20) {
        0..=3 => draw.pick(&["GET", "HEAD", "POST"]).as_bytes().to_vec(),
        4..=14 => draw.pick(&pools.methods).as_bytes().to_vec(),
        15 => vec![b'M'; draw.choose(&[64, 65, 300])],
        _ => draw.pick(&REQUESTED_METHODS).as_bytes().to_vec(),
    }
}

/// The lines of Access-Control-Request-Headers: a list in any order, case and splitting, or a giant.
fn requested_headers(draw: &mut Draw<'_>, pools: &Pools) -> Vec<Vec<u8>> {
    if draw.chance(7) {
        return oversize(draw, pools);
    }
    let evil = draw.chance(25);
    let elements: Vec<Vec<u8>> = (0..draw.below(5))
        .map(|_| {
            let name = if evil && draw.chance(40) {
                draw.choose(&ELEMENTS)
            } else {
                draw.pick(&pools.headers).as_str()
            };
            spelled(draw, name)
        })
        .collect();
    written(draw, &elements)
}

/// The elements on some lines, with optional white space, empty elements and blank lines between them.
pub fn written(draw: &mut Draw<'_>, elements: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for (index, element) in elements.iter().enumerate() {
        let line = lines.last_mut().unwrap();
        if index > 0 {
            match draw.below(12) {
                0..=5 => line.extend(b","),
                6 => line.extend(b", "),
                7 => line.extend(b"\t ,\t"),
                8 => line.extend(b",, ,"),
                9 => lines.extend([b" \t".to_vec(), Vec::new()]),
                _ => lines.push(Vec::new()),
            }
        }
        lines.last_mut().unwrap().extend(element);
    }
    if draw.chance(5) {
        let at = draw.below(lines.len());
        lines.insert(at, draw.choose(&[&b""[..], b" ", b",", b"\t,"]).to_vec());
    }
    lines
}

/// At a limit or one beyond: of bytes, of bytes that are echoed, of lines, of elements.
fn oversize(draw: &mut Draw<'_>, pools: &Pools) -> Vec<Vec<u8>> {
    let name = draw.pick(&pools.headers).as_bytes().to_vec();
    let beyond = draw.below(2);
    let padded = |bytes: usize| {
        let mut line = name.clone();
        line.resize(bytes + beyond, b' ');
        line
    };
    match draw.below(9) {
        0 => vec![padded(1024)],
        1 => vec![padded(1024 - 2 - name.len()), name],
        2 => vec![padded(8192)],
        3 => vec![name; 8 + beyond],
        4 => {
            let mut lines = vec![name; 8];
            let at = draw.below(9);
            lines.insert(at, Vec::new());
            lines.extend(vec![b" ".to_vec(); beyond * 3]);
            lines
        }
        5 => vec![vec![b','; 255 + beyond]],
        6 => vec![vec![name; 256 + beyond].join(&b","[..])],
        7 => vec![Vec::new(); 256 + beyond],
        _ => vec![vec![b','; draw.choose(&[100, 100_000])], b"x y".to_vec()],
    }
}

/// Host or :authority, for or against the origin.
fn host(draw: &mut Draw<'_>, origin: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(origin);
    let authority = text.split_once("://").map_or("", |(_, authority)| authority);
    match draw.below(12) {
        0 | 1 => "api.example.net".to_owned(),
        2..=4 => authority.to_owned(),
        5 => format!("{authority}:443"),
        6 => format!("{authority}:80"),
        7 => authority.to_ascii_uppercase(),
        8 => format!("{authority}:"),
        9 => format!("{authority}."),
        10 => format!("{}:8443", authority.split(':').next().unwrap_or("")),
        _ => draw
            .choose(&[
                "",
                ":",
                "localhost:3000",
                " app.example.com",
                "app.example.com, app.example.com",
                "[::1]:443",
                "null",
            ])
            .to_owned(),
    }
    .into_bytes()
}
