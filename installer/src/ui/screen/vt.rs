//! Drawing on whatever understands the escape sequences of ECMA-48 that VT100 did.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// Begins: no attributes, no scrolling region, no wrapping at the last column, an empty screen.
pub const BEGIN: &[u8] = b"\x1b[0m\x1b[r\x1b[?7l\x1b[2J\x1b[H";

/// Leaves the terminal as it is expected: no attributes, wrapping, a cursor, an empty screen.
pub const END: &[u8] = b"\x1b[0m\x1b[r\x1b[?7h\x1b[?25h\x1b[2J\x1b[H";

/// A terminal that is written to. What is drawn is sent with [`Backend::flush`], at once.
#[derive(Debug)]
pub struct Vt<W> {
    out: W,
    size: Size,
    pending: Vec<u8>,
    cursor: Option<Position>,
    look: Option<Look>,
    /// Whether the cursor shows.
    shown: Option<bool>,
}

/// How a character looks.
type Look = (Color, Color, Modifier);

impl<W: Write> Vt<W> {
    /// A terminal of this size.
    pub fn new(out: W, size: Size) -> Self {
        Self { out, size, pending: Vec::new(), cursor: None, look: None, shown: None }
    }

    /// The size has changed.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Sends bytes that draw nothing ratatui knows of.
    ///
    /// # Errors
    /// When they cannot be sent.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (self.cursor, self.look, self.shown) = (None, None, None);
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    fn put(&mut self, text: &str) {
        self.pending.extend_from_slice(text.as_bytes());
    }

    fn go(&mut self, to: Position) {
        if self.cursor != Some(to) {
            self.put(&format!("\x1b[{};{}H", to.y + 1, to.x + 1));
            self.cursor = Some(to);
        }
    }

    /// Nothing is sent where nothing changes: serial lines are slow.
    fn show(&mut self, shown: bool) {
        if self.shown.replace(shown) != Some(shown) {
            self.put(if shown { "\x1b[?25h" } else { "\x1b[?25l" });
        }
    }

    fn dress(&mut self, look: Look) {
        if self.look == Some(look) {
            return;
        }
        self.look = Some(look);
        let (fg, bg, modifier) = look;
        self.put("\x1b[0");
        let attributes = [(Modifier::BOLD, 1), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)];
        for (_, code) in attributes.iter().filter(|(attribute, _)| modifier.contains(*attribute)) {
            self.put(&format!(";{code}"));
        }
        for (colour, base) in [(fg, 30), (bg, 40)] {
            if let Some(number) = number(colour) {
                self.put(&format!(";{}", base + number));
            }
        }
        self.put("m");
    }
}

/// The colours all colour terminals have.
fn number(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray | Color::White => 7,
        _ => return None,
    })
}

impl<W: Write> Backend for Vt<W> {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        for (x, y, cell) in content {
            self.go(Position { x, y });
            self.dress((cell.fg, cell.bg, cell.modifier));
            let symbol = cell.symbol();
            self.put(symbol);
            // Where the cursor is behind a wide character, or at the edge, terminals do not agree.
            let is_plain = symbol.is_ascii() && x + 1 < self.size.width;
            self.cursor = is_plain.then_some(Position { x: x + 1, y });
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.show(false);
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.show(true);
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.go(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.put("\x1b[0m\x1b[2J");
        (self.cursor, self.look) = (None, None);
        Ok(())
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.put("\x1b[0m");
        self.look = None;
        self.put(match region {
            ClearType::All => "\x1b[2J",
            ClearType::AfterCursor => "\x1b[J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.pending)?;
        self.pending.clear();
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn cells_become_bytes() {
        let mut vt = Vt::new(Vec::new(), Size::new(80, 24));
        let mut plain = Cell::default();
        plain.set_symbol("a");
        let mut bold = plain.clone();
        bold.set_style(Style::new().fg(Color::Red).bg(Color::White).add_modifier(Modifier::BOLD));
        vt.draw([(0, 0, &plain), (1, 0, &plain), (4, 2, &bold), (79, 23, &bold), (5, 2, &plain)].into_iter()).unwrap();
        vt.flush().unwrap();
        let text = String::from_utf8(vt.out).unwrap();
        assert_eq!(text, "\x1b[1;1H\x1b[0maa\x1b[3;5H\x1b[0;1;31;47ma\x1b[24;80Ha\x1b[3;6H\x1b[0ma");
    }
}
