//! The standard streams, with what becomes of a write that fails.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::cancel::Cancel;
use crate::diagnostic::Failure;

/// A standard stream. After the first failed write nothing more is written, and work is asked to stop: nobody would read of it.
pub struct Stream {
    state: Mutex<State>,
    cancel: Cancel,
}

struct State {
    stream: Box<dyn Write + Send>,
    failed: Option<io::Error>,
}

/// Standard output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct NotWritten {
    source: io::Error,
}

impl Failure for NotWritten {
    fn hint(&self) -> Option<String> {
        Some("not all results were printed: lead standard output elsewhere and run the same command again".into())
    }
}

impl Stream {
    /// `stream`, whose failure raises `cancel`.
    pub fn new(stream: impl Write + Send + 'static, cancel: &Cancel) -> Self {
        Self { state: Mutex::new(State { stream: Box::new(stream), failed: None }), cancel: cancel.clone() }
    }

    /// Writes all of `bytes`, and hands them on at once.
    pub fn write(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failed.is_some() {
            return;
        }
        let written = state.stream.write_all(bytes).and_then(|()| state.stream.flush());
        if let Err(error) = written {
            state.failed = Some(error);
            self.cancel.raise();
        }
    }

    /// Why a write failed, unless it was a reader who closed the pipe after having read all they wanted.
    pub fn failure(&self) -> Option<NotWritten> {
        let failed = self.state.lock().unwrap_or_else(PoisonError::into_inner).failed.take();
        failed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe).map(|source| NotWritten { source })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    #[test]
    fn a_full_device_is_a_failure_and_a_closed_pipe_is_none() {
        let (reader, closed) = io::pipe().unwrap();
        drop(reader);
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        for (stream, fails) in [(Box::new(closed) as Box<dyn Write + Send>, false), (Box::new(full), true)] {
            let cancel = Cancel::new();
            let stream = Stream::new(stream, &cancel);
            stream.write(b"text\n");
            stream.write(b"more\n");
            assert!(cancel.is_raised());
            assert_eq!(stream.failure().is_some(), fails);
        }
    }
}
