//! A line that is edited.

use std::fmt;

use super::Key;

/// A text and a cursor in it. It may be a password, so nothing shows it by accident.
#[derive(Clone, Default)]
pub struct Input {
    text: Vec<char>,
    at: usize,
    /// Whether it is only proposed: the first letter typed takes its place.
    proposed: bool,
}

/// What no one types by hand, and no field of a kickstart file needs more of.
const LONGEST: usize = 64 << 10;

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({} characters, at {})", self.text.len(), self.at)
    }
}

impl Input {
    /// A text with the cursor behind it.
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Self { at: text.len(), text, proposed: false }
    }

    /// A text that typing replaces and editing keeps.
    pub fn proposed(text: &str) -> Self {
        Self { proposed: true, ..Self::new(text) }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// How many characters there are.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// How many characters are before the cursor.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Puts a character before the cursor.
    pub fn insert(&mut self, letter: char) {
        if self.text.len() < LONGEST {
            self.text.insert(self.at, letter);
            self.at += 1;
        }
    }

    /// Edits; whether the key was one for it.
    pub fn press(&mut self, key: Key) -> bool {
        let proposed = std::mem::take(&mut self.proposed);
        match key {
            Key::Char(letter) => {
                if proposed {
                    *self = Self::default();
                }
                self.insert(letter);
            }
            Key::Backspace if self.at > 0 => {
                self.at -= 1;
                self.text.remove(self.at);
            }
            Key::Delete if self.at < self.text.len() => drop(self.text.remove(self.at)),
            Key::Clear => *self = Self::default(),
            Key::Left => self.at = self.at.saturating_sub(1),
            Key::Right => self.at = (self.at + 1).min(self.text.len()),
            Key::Home => self.at = 0,
            Key::End => self.at = self.text.len(),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing() {
        use Key::{Backspace, Char, Clear, Delete, End, Home, Left, Right};
        let table: [(&str, &[Key], &str, usize); 6] = [
            ("", &[Char('a'), Char('b'), Left, Char('c')], "acb", 2),
            ("abc", &[Backspace, Home, Delete, Delete, Delete, Backspace], "", 0),
            ("abc", &[Left, Left, Left, Left, Right, Char('x')], "axbc", 2),
            ("abc", &[Home, End, Right, Char('d')], "abcd", 4),
            ("abc", &[Clear, Char('d')], "d", 1),
            ("\u{e9}", &[Left, Char('\u{20ac}')], "\u{20ac}\u{e9}", 1),
        ];
        for (before, keys, after, at) in table {
            let mut input = Input::new(before);
            keys.iter().for_each(|key| {
                input.press(*key);
            });
            assert_eq!((input.text().as_str(), input.at()), (after, at), "{before} {keys:?}");
        }
        let mut input = Input::proposed("kaon");
        input.press(Char('n'));
        assert_eq!(input.text(), "n");
        let mut input = Input::proposed("kaon");
        input.press(End);
        input.press(Char('n'));
        assert_eq!(input.text(), "kaonn");
        assert!(!Input::default().press(Key::Up) && !format!("{:?}", Input::new("sesame")).contains("sesame"));
    }
}
