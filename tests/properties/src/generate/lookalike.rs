//! Hostile look-alikes of an origin: every way that a sloppy comparison was ever fooled.

use crate::draw::Draw;

/// A value that resembles `origin`, an origin or not, and most likely is another.
pub fn lookalike(draw: &mut Draw<'_>, origin: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(origin).into_owned();
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", &text));
    let port_at = if rest.starts_with('[') { rest.find("]:").map(|at| at + 1) } else { rest.rfind(':') };
    let (host, port) = rest.split_at(port_at.unwrap_or(rest.len()));
    let parent = host.split_once('.').map_or("", |(_, parent)| parent);
    let label = host.split('.').next().unwrap_or("");
    let at = draw.below(text.len() + 1);
    let in_host = draw.below(host.len() + 1);
    let host_with = |insert: &str| insert_at(host, in_host, insert);
    let made = |host: &str, port: &str| format!("{scheme}://{host}{port}");
    let text = match draw.below(68) {
        0 => made(&format!("{host}.evil.test"), port),
        1 => made(&format!("evil{host}"), port),
        2 => made(&format!("evil.{host}"), port),
        3 => made(&format!("evil-{host}"), port),
        4 => made(&host.replacen('.', "x", 1), port),
        5 => made(&host.replacen('.', "-", 1), port),
        6 => made(&host.replacen('.', "", 1), port),
        7 => made(&host.replacen('.', "..", 1), port),
        8 => format!("{text}/"),
        9 => format!("{text}/path"),
        10 => format!("{text}?query"),
        11 => format!("{text}#fragment"),
        12 => made(&format!("user@{host}"), port),
        13 => made(&format!("evil.test:80@{host}"), port),
        14 => made(&format!("evil.test/{host}"), port),
        15 => made(&format!("{host}@evil.test"), port),
        16 => made(&format!("{host}."), port),
        17 => made(&format!("{host}.."), port),
        18 => made(&format!(".{host}"), port),
        19 => made(host.strip_suffix('.').unwrap_or("."), port),
        20 => made(host, ":443"),
        21 => made(host, ":80"),
        22 => made(host, ":0"),
        23 => made(host, ":8443"),
        24 => made(host, ":65536"),
        25 => made(host, ":08443"),
        26 => made(host, ":"),
        27 => made(host, ":*"),
        28 => made(host, ""),
        29 => made(host, ":+80"),
        30 => made(host, &format!("{port}0")),
        31 => made(host, ":999999999999999999999"),
        32 => text.replacen("https", "http", 1),
        33 => {
            if text.starts_with("http:") {
                text.replacen("http", "https", 1)
            } else {
                text.replacen("://", "s://", 1)
            }
        }
        34 => text.to_ascii_uppercase(),
        35 => format!("{}://{host}{port}", scheme.to_ascii_uppercase()),
        36 => made(&capital(host, in_host), port),
        37 => insert_at(&text, at, "\0"),
        38 => format!("{text}\r\nX-Evil: 1"),
        39 => format!("{text}\n"),
        40 => insert_at(&text, at, "%2e"),
        41 => made(&host.replacen('.', "%2e", 1), port),
        42 => made(&host_with("é"), port),
        43 => made(&host.replacen('.', "\u{3002}", 1), port),
        44 => made(&host.replacen('a', "\u{0430}", 1), port),
        45 => made(&format!("xn--{host}"), port),
        46 => made(&format!("xn--bcher-kva.{host}"), port),
        47 => made(&format!("{}.{host}", "a".repeat(64)), port),
        48 => made(&format!("{}.{host}", "a".repeat(63)), port),
        49 => made(&long_host(host, 253), port),
        50 => made(&long_host(host, 254), port),
        51 => made(&host_with("_"), port),
        52 => made(parent, port),
        53 => made(&host_with("-"), port),
        54 => text[..text.len() - text.chars().next_back().map_or(0, char::len_utf8)].to_owned(),
        55 => format!("{text}{}", draw.choose(&["a", "1", "-", "_", " ", "\t", ",", ";", "\\"])),
        56 => format!(" {text}"),
        57 => format!("{text},{text}"),
        58 => format!("{text} {text}"),
        59 => draw
            .pick(&[
                host,
                rest,
                &format!("//{rest}"),
                &format!("{scheme}:/{rest}"),
                &format!("{scheme}:{rest}"),
            ])
            .to_string(),
        60 => made(
            &host.replacen(label, &format!("{label}{}", "x".repeat(63_usize.saturating_sub(label.len()))), 1),
            port,
        ),
        61 => made(
            &host.replacen(label, &format!("{label}{}", "x".repeat(64_usize.saturating_sub(label.len()))), 1),
            port,
        ),
        62 => made(&host.replacen('-', draw.choose(&["", "--", ".", "-.", "_", "-a.b-"]), 1), port),
        63 => made(
            draw.choose(&[
                "*",
                "*.example.com",
                "[::1]",
                "[0:0::1]",
                "[::1%25lo]",
                "[::ffff:1.2.3.4]",
                "[::FFFF]",
                "[::",
                "::1",
                "[]",
            ]),
            port,
        ),
        64 => made(
            draw.choose(&[
                "127.1",
                "127.0.0.01",
                "2130706433",
                "0x7f.1",
                "127.0.0.1.",
                "127.0.0.1.evil.test",
            ]),
            port,
        ),
        65 => format!(
            "{}://{rest}",
            draw.pick(&["ws", "wss", "ftp", "file", "blob", "data", "about", "app", "httpss", "1a", ""])
        ),
        66 => made(&host_with("."), port),
        _ => {
            let mut bytes = text.into_bytes();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = draw.number() as u8;
            }
            return bytes;
        }
    };
    text.into_bytes()
}

fn insert_at(text: &str, at: usize, insert: &str) -> String {
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{insert}{}", &text[..at], &text[at..])
}

fn capital(text: &str, at: usize) -> String {
    text.char_indices()
        .map(|(index, letter)| if index == at { letter.to_ascii_uppercase() } else { letter })
        .collect()
}

/// Labels in front, so that the host has this many bytes.
fn long_host(host: &str, bytes: usize) -> String {
    let mut long = host.to_owned();
    while long.len() + 64 < bytes {
        long = format!("{}.{long}", "a".repeat(62));
    }
    if long.len() + 1 < bytes {
        long = format!("{}.{long}", "b".repeat(bytes - long.len() - 1));
    }
    long
}
