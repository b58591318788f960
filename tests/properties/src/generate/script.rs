//! Scripts that fetch from the server: any page, method, headers and credentials mode.

use super::origin::Pools;
use crate::Line;
use crate::browser::{Credentials, Script};
use crate::draw::Draw;

const TARGETS: [&str; 3] =
    ["https://api.example.net", "http://api.example.net:8080", "https://app.example.com"];
const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "put", "patch", "*", "TRACE"];
const VALUES: [&str; 9] = [
    "1",
    "application/json",
    "text/plain;charset=UTF-8",
    "bytes=0-9",
    "bytes=-1",
    "de-AT, en;q=0.5",
    "a\"b",
    "multipart/form-data; boundary=x",
    "",
];
const NAMES: [&str; 9] = [
    "Accept-Language",
    "Content-Type",
    "x-evil",
    "Cookie",
    "*",
    "Sec-X",
    "authorization",
    "content-language",
    "Range",
];

pub fn script(draw: &mut Draw<'_>, pools: &Pools) -> Script {
    Script { page: page(draw, pools), ..anonymous(draw, pools) }
}

/// The origin of a page, as a browser can send it.
pub fn page(draw: &mut Draw<'_>, pools: &Pools) -> Vec<u8> {
    sendable(pools.origin(draw))
}

/// The origin of a page that a rule allows.
pub fn known_page(draw: &mut Draw<'_>, pools: &Pools) -> Vec<u8> {
    sendable(pools.known(draw))
}

/// No control characters and no white space, which no browser puts into an origin.
fn sendable(origin: Vec<u8>) -> Vec<u8> {
    let sendable = !origin.is_empty() && origin.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
    if sendable { origin } else { b"https://app.example.com".to_vec() }
}

/// Everything but the page.
pub fn anonymous(draw: &mut Draw<'_>, pools: &Pools) -> Script {
    let method = if draw.chance(40) { draw.pick(&pools.methods) } else { draw.choose(&METHODS) }.to_owned();
    let headers = (0..draw.below(4)).map(|_| header(draw, pools)).collect();
    Script {
        page: Vec::new(),
        target: draw.choose(&TARGETS).to_owned(),
        method,
        headers,
        credentials: draw.choose(&[Credentials::SameOrigin, Credentials::Omit, Credentials::Include]),
        listens: draw.chance(10),
    }
}

fn header(draw: &mut Draw<'_>, pools: &Pools) -> Line {
    let name = if draw.chance(60) { draw.pick(&pools.headers) } else { draw.choose(&NAMES) };
    let value =
        if draw.chance(5) { "v".repeat(120 + draw.below(20)) } else { draw.choose(&VALUES).to_owned() };
    (name.as_bytes().to_vec(), value.into_bytes())
}
