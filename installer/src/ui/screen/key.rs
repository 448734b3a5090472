//! From a terminal's bytes to keys.

/// A key, or what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Return.
    Enter,
    /// To the next field.
    Tab,
    /// To the field before.
    BackTab,
    /// Takes away the character before the cursor.
    Backspace,
    /// Takes away the character under the cursor.
    Delete,
    /// Ctrl-U: takes away the line.
    Clear,
    /// Upwards.
    Up,
    /// Downwards.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A screen upwards.
    PageUp,
    /// A screen downwards.
    PageDown,
    /// Back.
    Esc,
    /// F1: explains.
    Help,
    /// F8 or Ctrl-D: takes out an entry.
    Remove,
    /// F10 or Ctrl-C: breaks off.
    Cancel,
    /// Ctrl-L: redraws everything.
    Redraw,
}

/// More bytes than any key sends.
const LONGEST: usize = 16;

/// Puts the bytes of one key together, however they arrive.
///
/// Escape sequences are those of the Linux console, of VT100 and VT220 and of xterm (console_codes(4), ECMA-48).
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
    /// Whether the last byte was a carriage return: a line feed behind it is part of it.
    returned: bool,
}

impl Decoder {
    /// Takes a byte, and adds the keys it completes.
    pub fn feed(&mut self, byte: u8, keys: &mut Vec<Key>) {
        let returned = std::mem::take(&mut self.returned);
        match (self.held.first(), byte) {
            (None, b'\n') if returned => {}
            (None, 0x1b | 0x80..) => self.held.push(byte),
            (None, byte) => {
                self.returned = byte == b'\r';
                keys.extend(plain(byte));
            }
            (Some(0x1b), byte) => self.escape(byte, keys),
            (Some(_), byte) => self.character(byte, keys),
        }
    }

    /// Whether what was held may be a whole key, if nothing follows soon.
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Nothing followed: an escape byte alone is the key Esc.
    pub fn settle(&mut self, keys: &mut Vec<Key>) {
        if self.held == [0x1b] {
            keys.push(Key::Esc);
        }
        self.held.clear();
    }

    fn escape(&mut self, byte: u8, keys: &mut Vec<Key>) {
        if self.held.len() == 1 && !matches!(byte, b'[' | b'O') {
            self.held.clear();
            match byte {
                // For terminals without function keys, as in Midnight Commander.
                b'1' => keys.push(Key::Help),
                b'8' => keys.push(Key::Remove),
                b'0' => keys.push(Key::Cancel),
                byte => {
                    keys.push(Key::Esc);
                    self.feed(byte, keys);
                }
            }
            return;
        }
        self.held.push(byte);
        let is_end = match self.held[1..] {
            [b'O', _] | [b'[', b'[', _] => true,
            // The Linux console's F1 to F5.
            [b'[', b'['] => false,
            [b'[', .., last] if self.held.len() > 2 => (0x40..=0x7e).contains(&last),
            _ => false,
        };
        if is_end {
            keys.extend(sequence(&self.held[1..]));
        }
        if is_end || self.held.len() > LONGEST {
            self.held.clear();
        }
    }

    /// A character of several bytes (RFC 3629).
    fn character(&mut self, byte: u8, keys: &mut Vec<Key>) {
        self.held.push(byte);
        match std::str::from_utf8(&self.held) {
            Ok(text) => {
                keys.extend(text.chars().filter(|letter| !letter.is_control()).map(Key::Char));
                self.held.clear();
            }
            Err(error) if error.error_len().is_some() => {
                // The byte that does not belong to it may begin something else.
                let is_first = self.held.len() == 1;
                self.held.clear();
                if !is_first {
                    self.feed(byte, keys);
                }
            }
            Err(_) => {}
        }
    }
}

fn plain(byte: u8) -> Option<Key> {
    Some(match byte {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x08 | 0x7f => Key::Backspace,
        0x01 => Key::Home,
        0x05 => Key::End,
        0x03 => Key::Cancel,
        0x04 => Key::Remove,
        0x0c => Key::Redraw,
        0x15 => Key::Clear,
        0x20..=0x7e => Key::Char(char::from(byte)),
        _ => return None,
    })
}

/// What stands behind the escape byte.
fn sequence(bytes: &[u8]) -> Option<Key> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(match text {
        "OP" | "[[A" | "[11~" => Key::Help,
        "OM" => Key::Enter,
        "[1~" | "[7~" => Key::Home,
        "[4~" | "[8~" => Key::End,
        "[3~" => Key::Delete,
        "[5~" => Key::PageUp,
        "[6~" => Key::PageDown,
        "[19~" => Key::Remove,
        "[21~" => Key::Cancel,
        "[[B" | "[[C" | "[[D" | "[[E" => return None,
        // Perhaps with a modifier: `[1;5A`.
        _ => match text.chars().next_back()? {
            'A' => Key::Up,
            'B' => Key::Down,
            'C' => Key::Right,
            'D' => Key::Left,
            'H' => Key::Home,
            'F' => Key::End,
            'Z' => Key::BackTab,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let (mut decoder, mut keys) = (Decoder::default(), Vec::new());
        bytes.iter().for_each(|byte| decoder.feed(*byte, &mut keys));
        decoder.settle(&mut keys);
        keys
    }

    #[test]
    fn what_terminals_send() {
        use Key::*;
        let table: [(&[u8], &[Key]); 19] = [
            (b"a\r", &[Char('a'), Enter]),
            (b"a\r\nb\n", &[Char('a'), Enter, Char('b'), Enter]),
            ("\u{e9}\u{20ac}".as_bytes(), &[Char('\u{e9}'), Char('\u{20ac}')]),
            (b"\xff\xc3(x", &[Char('('), Char('x')]),
            (b"\x1b[A\x1bOB\x1b[1;5C\x1b[D", &[Up, Down, Right, Left]),
            (b"\x1bOP\x1b[11~\x1b[[A", &[Help, Help, Help]),
            (b"\x1b1\x1b8\x1b0", &[Help, Remove, Cancel]),
            (b"\x03\x1b[21~", &[Cancel, Cancel]),
            (b"\x1b", &[Esc]),
            (b"\x1b\x1b", &[Esc, Esc]),
            (b"\x1bx", &[Esc, Char('x')]),
            (b"\x1b\r", &[Esc, Enter]),
            (b"\x1b[1~\x1b[4~\x1b[H\x1bOF", &[Home, End, Home, End]),
            (b"\x1b[5~\x1b[6~\x1b[3~\x1b[Z\t", &[PageUp, PageDown, Delete, BackTab, Tab]),
            (b"\x1b[[Bz\x1b[99~z\x1b[12;24Rz", &[Char('z'); 3]),
            (b"\x1b[", &[]),
            (b"\x1b[1111111111111111~", &[Char('1'), Char('~')]),
            (b"\x7f\x08\x15\x0c\x04", &[Backspace, Backspace, Clear, Redraw, Remove]),
            (b"\x00\x02", &[]),
        ];
        for (bytes, expected) in table {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            keys(&bytes);
        }
    }
}
