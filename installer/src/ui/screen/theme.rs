//! What a terminal can show.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// Colours and lines, as far as there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
    /// Whether lines are drawn with ASCII alone.
    ascii: bool,
}

/// Lines that any terminal has.
const ASCII: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Theme {
    /// For a terminal of this kind (`TERM`); `no_color` is the variable of that name, which any text switches on (no-color.org).
    ///
    /// VT100 and VT220 have neither colours nor UTF-8; a serial line is called so where nothing better is known of it.
    pub fn of(kind: &str, no_color: Option<&str>) -> Self {
        let is_plain = kind.starts_with("vt") || kind.starts_with("ansi");
        Self { colour: !is_plain && no_color.is_none_or(str::is_empty), ascii: is_plain }
    }

    fn style(self, colour: Style, plain: Modifier) -> Style {
        if self.colour { colour } else { Style::new().add_modifier(plain) }
    }

    /// The first line.
    pub fn head(self) -> Style {
        self.style(Style::new().fg(Color::White).bg(Color::Blue).add_modifier(Modifier::BOLD), Modifier::REVERSED)
    }

    /// The last line.
    pub fn foot(self) -> Style {
        self.style(Style::new().fg(Color::Black).bg(Color::Gray), Modifier::REVERSED)
    }

    /// The question's title.
    pub fn title(self) -> Style {
        self.style(Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD), Modifier::BOLD)
    }

    /// What the cursor is on.
    pub fn chosen(self) -> Style {
        self.style(Style::new().fg(Color::Black).bg(Color::Cyan), Modifier::REVERSED)
    }

    /// What cannot be chosen, or is over.
    pub fn dim(self) -> Style {
        self.style(Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD), Modifier::empty())
    }

    /// Where something is typed.
    pub fn field(self) -> Style {
        self.style(Style::new().fg(Color::White).bg(Color::Blue), Modifier::UNDERLINED)
    }

    /// What went wrong, or will be lost.
    pub fn alarm(self) -> Style {
        self.style(Style::new().fg(Color::Red).add_modifier(Modifier::BOLD), Modifier::BOLD)
    }

    /// What is done.
    pub fn done(self) -> Style {
        self.style(Style::new().fg(Color::Green), Modifier::empty())
    }

    /// Lines around something.
    pub fn border(self) -> border::Set<'static> {
        if self.ascii { ASCII } else { border::PLAIN }
    }

    /// A line between two parts.
    pub fn rule(self) -> &'static str {
        if self.ascii { "|" } else { "\u{2502}" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_have() {
        let table = [
            ("linux", None, true, false),
            ("linux", Some(""), true, false),
            ("linux", Some("1"), false, false),
            ("xterm-256color", None, true, false),
            ("vt220", None, false, true),
            ("vt100", Some("1"), false, true),
        ];
        for (kind, no_color, colour, ascii) in table {
            assert_eq!(Theme::of(kind, no_color), Theme { colour, ascii }, "{kind} {no_color:?}");
        }
    }
}
