//! Tables of results.

use std::fmt::Write as _;

use base::diagnostic::{Style, visible_line};

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

/// What a cell means, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Anything.
    Plain,
    /// The title of a column.
    Title,
    /// Something good.
    Good,
    /// Something that needs attention.
    Poor,
    /// Something urgent.
    Urgent,
}

impl Cell {
    /// A cell with a meaning.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }

    /// A cell of any meaning.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl Tone {
    /// The escape sequence of its colour.
    fn colour(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Title => "\x1b[1m",
            Self::Good => "\x1b[32m",
            Self::Poor => "\x1b[33m",
            Self::Urgent => "\x1b[1;31m",
        }
    }
}

/// The text of a table: columns are as wide as their widest cell, and two blanks apart.
pub(super) fn table(rows: &[Vec<Cell>], style: Style) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        let mut blanks = 0;
        for (cell, width) in row.iter().zip(&widths) {
            line.extend(std::iter::repeat_n(' ', blanks));
            let (on, off) = match (style, cell.tone.colour()) {
                (Style::Plain, _) | (Style::Colour, "") => ("", ""),
                (Style::Colour, colour) => (colour, "\x1b[0m"),
            };
            if !cell.text.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(line, "{on}{}{off}", visible_line(&cell.text));
            }
            blanks = width - cell.text.chars().count() + 2;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_with_and_without_colours() {
        let rows = [
            vec![Cell::new(Tone::Title, "A"), Cell::new(Tone::Title, "LONG"), Cell::new(Tone::Title, "C")],
            vec![Cell::plain("über"), Cell::plain(""), Cell::new(Tone::Good, "x")],
            vec![Cell::plain("b"), Cell::new(Tone::Urgent, "y"), Cell::plain("")],
        ];
        assert_eq!(table(&rows, Style::Plain), "A     LONG  C\nüber        x\nb     y\n");
        let coloured = table(&rows, Style::Colour);
        assert!(
            coloured.starts_with("\x1b[1mA\x1b[0m     \x1b[1mLONG\x1b[0m  \x1b[1mC\x1b[0m\nüber        \x1b[32mx\x1b[0m\n"),
            "{coloured:?}"
        );
        assert_eq!(table(&[], Style::Plain), "");
    }
}
