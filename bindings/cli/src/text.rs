//! What is printed for people: colours, and bytes that cannot be trusted made harmless.

use anstyle::{AnsiColor, Style as Ansi};

/// The meanings that have a colour.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Good,
    Bad,
    Warning,
    Strong,
    Faint,
}

impl Style {
    /// The text in its colour; what prints to a pipe takes the colour away again.
    pub(crate) fn paint(self, text: &str) -> String {
        let style = match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Strong => Ansi::new().bold(),
            Self::Faint => Ansi::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Text from elsewhere on one line, with control characters escaped: a terminal obeys some of them.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let keep = !(character.is_control() || is_direction(character));
            let escaped: Box<dyn Iterator<Item = char>> = if keep {
                Box::new(std::iter::once(character))
            } else {
                Box::new(character.escape_unicode())
            };
            escaped
        })
        .collect()
}

/// JSON that a terminal obeys nothing of: what control characters its strings hold is escaped.
pub(crate) fn json_text(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, '\u{7f}'..='\u{9f}') || is_direction(character) {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

/// Text of several lines, each of them printable.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Characters that turn the direction of text around, and so show what is not there.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{json_text, printable, printable_lines};

    #[test]
    fn a_terminal_obeys_nothing_that_is_printed() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n\u{202e}é"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{202e}é");
        assert_eq!(printable_lines("a\u{9b}\nb"), "a\\u{9b}\nb");
    }

    #[test]
    fn nor_of_what_is_printed_as_json() {
        assert_eq!(json_text("{\"a\": \"\u{9b}31m\u{202e}é\"}\n"), "{\"a\": \"\\u009b31m\\u202eé\"}\n");
    }
}
