//! Untrusted text (output of builds, names in archives, answers of servers) made safe to show on a terminal.
//!
//! A terminal obeys control characters: they clear the screen, move the cursor over earlier lines, set the window's title, and some
//! terminals answer them with input. Bidirectional controls reorder what is shown (CVE-2021-42574). All of them are shown as escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with every control character but newline and tab written as an escape (`\x1b`, `\u{202e}`). Colour sequences (ECMA-48 SGR)
/// and the carriage return of a CRLF line end are left out, because they carry no information.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|letter| !must_be_escaped(letter)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = without_colour(rest) {
            rest = after;
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\r' if rest.starts_with('\n') => {}
            '\r' => shown.push_str("\\r"),
            _ if !must_be_escaped(letter) => shown.push(letter),
            // Writing to a string cannot fail.
            _ if letter.is_ascii() => drop(write!(shown, "\\x{:02x}", u32::from(letter))),
            _ => drop(write!(shown, "\\u{{{:x}}}", u32::from(letter))),
        }
    }
    Cow::Owned(shown)
}

/// The same on one line: newlines are shown as `\n`.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    match visible(text) {
        shown if shown.contains('\n') => Cow::Owned(shown.replace('\n', "\\n")),
        shown => shown,
    }
}

/// Whether a terminal would obey this character instead of showing it.
pub fn must_be_escaped(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        // Bidirectional controls (Unicode 16, table 9-3 of UAX 9), and the separators some terminals take for line ends.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => letter.is_control(),
    }
}

/// What follows the colour sequence that `text` begins with, if it begins with one.
fn without_colour(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\x1b[").or_else(|| text.strip_prefix('\u{9b}'))?;
    parameters.trim_start_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, ';' | ':')).strip_prefix('m')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_are_shown_as_escapes() {
        for (text, shown) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\x1b[1;31merror\x1b[0m: \u{9b}4:3mno\x1b[m", "error: no"),
            ("a\x1b[2Jb", "a\\x1b[2Jb"),
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("10%\r20%\r\n", "10%\\r20%\n"),
            ("\u{9b}2J\u{85}\x7f\x08", "\\u{9b}2J\\u{85}\\x7f\\x08"),
            ("\u{202e}cod.exe\u{2066}", "\\u{202e}cod.exe\\u{2066}"),
            ("größe 🦀 é", "größe 🦀 é"),
            ("\x1b[31", "\\x1b[31"),
            ("\x1b\x1b[0m[2J", "\\x1b[2J"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
        assert_eq!(visible_line("one\ntwo\r\n"), "one\\ntwo\\n");
    }

    proptest! {
        #[test]
        fn shown_text_has_no_control_characters(text in "\\PC*|[\\x00-\\x1f\\x7f-\\u{a0}\\u{2028}-\\u{2069}m;\\[0-9\n\t]*") {
            let shown = visible(&text);
            prop_assert!(!shown.contains(must_be_escaped), "{shown:?}");
            prop_assert_eq!(&visible(&shown), &shown);
            prop_assert!(!visible_line(&text).contains('\n'));
        }
    }
}
