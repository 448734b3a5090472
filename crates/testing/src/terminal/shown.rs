//! The screen of a terminal after the bytes sent to it, limited to what programs here use (ECMA-48).

/// A screen.
pub struct Shown {
    cells: Vec<Vec<char>>,
    x: usize,
    y: usize,
    /// An incomplete escape sequence or character.
    held: Vec<u8>,
}

impl Shown {
    /// An empty screen.
    pub fn new(columns: usize, rows: usize) -> Self {
        Self { cells: vec![vec![' '; columns]; rows], x: 0, y: 0, held: Vec::new() }
    }

    /// Its lines.
    pub fn text(&self) -> String {
        self.cells.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n").collect()
    }

    /// Processes bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match (self.held.first(), byte) {
                (None, 0x1b | 0x80..) => self.held.push(*byte),
                (None, b'\r') => self.x = 0,
                (None, b'\n') => self.down(),
                (None, 0x08) => self.x = self.x.saturating_sub(1),
                (None, 0x20..=0x7e) => self.put(char::from(*byte)),
                (None, _) => {}
                (Some(0x1b), _) => self.escape(*byte),
                (Some(_), _) => {
                    self.held.push(*byte);
                    if let Ok(text) = std::str::from_utf8(&self.held.clone()) {
                        text.chars().for_each(|letter| self.put(letter));
                        self.held.clear();
                    } else if self.held.len() > 3 {
                        self.held.clear();
                    }
                }
            }
        }
    }

    fn escape(&mut self, byte: u8) {
        self.held.push(byte);
        let is_sequence = self.held[1] == b'[';
        if (is_sequence && self.held.len() > 2 && (0x40..=0x7e).contains(&byte)) || (!is_sequence && (0x30..=0x7e).contains(&byte)) {
            let held = std::mem::take(&mut self.held);
            if is_sequence {
                self.obey(&held[2..held.len() - 1], byte);
            }
        }
    }

    fn obey(&mut self, parameters: &[u8], last: u8) {
        let text = String::from_utf8_lossy(parameters).into_owned();
        let number = |index: usize| text.split(';').nth(index).and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
        match (last, number(0)) {
            (b'H' | b'f', row) => {
                self.y = row.saturating_sub(1).min(self.cells.len() - 1);
                self.x = number(1).saturating_sub(1).min(self.cells[0].len() - 1);
            }
            (b'J', 2) => self.cells.iter_mut().for_each(|row| row.fill(' ')),
            (b'J', 0) => {
                self.cells[self.y][self.x..].fill(' ');
                self.cells[self.y + 1..].iter_mut().for_each(|row| row.fill(' '));
            }
            (b'K', 0) => self.cells[self.y][self.x..].fill(' '),
            _ => {}
        }
    }

    fn put(&mut self, letter: char) {
        if self.x == self.cells[0].len() {
            self.x = 0;
            self.down();
        }
        self.cells[self.y][self.x] = letter;
        self.x += 1;
    }

    fn down(&mut self) {
        if self.y + 1 < self.cells.len() {
            self.y += 1;
        } else {
            let columns = self.cells[0].len();
            self.cells.remove(0);
            self.cells.push(vec![' '; columns]);
        }
        self.x = self.x.min(self.cells[0].len() - 1);
    }
}
