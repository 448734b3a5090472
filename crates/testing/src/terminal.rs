//! A conversation with a program on a terminal: keys are sent when the screen shows the question.

mod shown;

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use shown::Shown;

pub const DOWN: &str = "\x1b[B";
pub const RIGHT: &str = "\x1b[C";
pub const ESC: &str = "\x1b";
pub const F1: &str = "\x1bOP";
pub const F10: &str = "\x1b[21~";
/// Empties a line.
pub const CLEAR: &str = "\x15";

/// The user's end of a terminal.
pub struct Conversation {
    keys: Box<dyn Write>,
    output: Receiver<Vec<u8>>,
    shown: Shown,
    log: Vec<u8>,
    patience: Duration,
}

impl Conversation {
    /// A conversation with a program that writes to `from` and reads from `to`. `patience` is how long each wait may take.
    pub fn new(mut from: impl Read + Send + 'static, to: impl Write + 'static, patience: Duration) -> Self {
        let (send, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal whose other end is closed returns an error rather than end of file.
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keys: Box::new(to), output, shown: Shown::new(80, 24), log: Vec::new(), patience }
    }

    /// Waits until the screen shows `text`.
    pub fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + self.patience;
        while !self.shown.text().contains(text) {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(reason) => panic!("`{text}` does not appear ({reason}):\n{}", self.shown.text()),
            }
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).unwrap();
    }

    /// Waits until the screen shows `text`, then presses keys.
    pub fn answer(&mut self, text: &str, keys: &str) {
        self.wait_for(text);
        self.press(keys);
    }

    /// Waits until the other end is closed, and returns all output.
    pub fn end(mut self) -> String {
        let until = Instant::now() + self.patience;
        loop {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => return String::from_utf8_lossy(&self.log).into_owned(),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.shown.text()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.shown.feed(bytes);
        self.log.extend_from_slice(bytes);
    }
}
