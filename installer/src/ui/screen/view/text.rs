//! Texts in little room.

use ratatui::text::Line;

/// Breaks a text into lines of so many columns at most, at blanks where there are any. Indented lines stay indented.
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    text.lines().flat_map(|line| wrap_line(line, columns)).collect()
}

/// Widths are measured of whole lines: a letter can widen the one before it, so the widths of letters cannot be added.
fn wrap_line(line: &str, columns: usize) -> Vec<String> {
    let indent: String = line.chars().take_while(|letter| *letter == ' ').take(columns / 2).collect();
    let fits = |line: &str| width(line) <= columns;
    let (mut lines, mut now) = (Vec::new(), indent.clone());
    for word in line.split_whitespace() {
        if !is_blank(&now) {
            let joined = format!("{now} {word}");
            if fits(&joined) {
                now = joined;
                continue;
            }
            lines.push(std::mem::replace(&mut now, indent.clone()));
        }
        for letter in word.chars() {
            if !is_blank(&now) && !fits(&format!("{now}{letter}")) {
                lines.push(std::mem::replace(&mut now, indent.clone()));
            }
            if !fits(&format!("{now}{letter}")) {
                now.clear();
            }
            now.push(letter);
        }
    }
    lines.push(now);
    lines
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| byte == b' ')
}

fn width(text: &str) -> usize {
    Line::raw(text).width()
}

/// The part of a line of so many columns that shows the cursor, and the cursor's column in it.
pub fn window(text: &str, cursor: usize, columns: u16) -> (String, u16) {
    let columns = usize::from(columns.max(2));
    let letters: Vec<char> = text.chars().collect();
    let before = |from: usize| width(&letters[from..cursor.min(letters.len())].iter().collect::<String>());
    let mut from = 0;
    while before(from) >= columns && from < cursor {
        from += 1;
    }
    let mut shown = String::new();
    for letter in &letters[from..] {
        shown.push(*letter);
        if width(&shown) > columns {
            shown.pop();
            break;
        }
    }
    (shown, u16::try_from(before(from)).unwrap_or(0))
}

/// The first of so many rows that are shown of a list, so that the cursor is among them.
pub fn first_shown(at: usize, rows: usize) -> usize {
    at.saturating_sub(rows.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        let table: [(&str, u16, &[&str]); 8] = [
            ("one two three", 7, &["one two", "three"]),
            ("  - one two three", 9, &["  - one", "  two", "  three"]),
            ("a\n\nb", 5, &["a", "", "b"]),
            ("abcdefgh ij", 4, &["abcd", "efgh", "ij"]),
            ("", 4, &[]),
            ("\u{4e2d}\u{6587}\u{5b57}", 4, &["\u{4e2d}\u{6587}", "\u{5b57}"]),
            (" \u{4e2d}", 2, &["\u{4e2d}"]),
            ("a\u{2601}\u{fe0f}b", 2, &["a\u{2601}", "\u{fe0f}b"]),
        ];
        for (text, columns, expected) in table {
            assert_eq!(wrap(text, columns), expected, "{text}");
        }
    }

    #[test]
    fn the_cursor_is_always_shown() {
        assert_eq!(window("abc", 3, 10), ("abc".into(), 3));
        assert_eq!(window("abcdef", 6, 4), ("def".into(), 3));
        assert_eq!(window("abcdef", 0, 4), ("abcd".into(), 0));
        assert_eq!((first_shown(3, 5), first_shown(7, 5), first_shown(0, 0)), (0, 3, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_room(text in "\\PC{0,80}", columns in 2_u16..40) {
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= usize::from(columns));
            }
            prop_assert!(width(&window(&text, text.chars().count(), columns).0) <= usize::from(columns));
        }
    }
}
