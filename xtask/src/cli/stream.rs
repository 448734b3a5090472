//! The standard streams, and the handling of failed writes.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use base::diagnostic::Failure;
use runtime::cancel::Cancel;

/// A standard stream. When it is closed, work is asked to stop.
pub struct Stream {
    content: Content,
    state: Mutex<State>,
    cancel: Cancel,
}

struct State {
    stream: Box<dyn Write + Send>,
    failed: Option<io::Error>,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Requested results: a failed write is an error.
    Results,
    /// Progress, warnings and errors: work continues without them.
    Messages,
}

/// Standard output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct NotWritten {
    source: io::Error,
}

impl Failure for NotWritten {
    fn hint(&self) -> Option<String> {
        Some("not all results were printed: redirect standard output elsewhere and run the same command again".into())
    }
}

impl Stream {
    /// Wraps `stream`; if it is closed, `cancel` is raised.
    pub fn new(content: Content, stream: impl Write + Send + 'static, cancel: &Cancel) -> Self {
        Self { content, state: Mutex::new(State { stream: Box::new(stream), failed: None }), cancel: cancel.clone() }
    }

    /// Writes and flushes `bytes`. After a failed write nothing more is written.
    pub fn write(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failed.is_some() {
            return;
        }
        let written = state.stream.write_all(bytes).and_then(|()| state.stream.flush());
        match written {
            Err(error) if self.content == Content::Results || error.kind() == io::ErrorKind::BrokenPipe => {
                state.failed = Some(error);
                self.cancel.raise();
            }
            // The disk of a log may be full for a while.
            Ok(()) | Err(_) => {}
        }
    }

    /// Why a write failed, unless the reader closed the pipe.
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
    fn a_full_device_loses_results_only_and_a_closed_pipe_ends_the_work_quietly() {
        for (content, is_full, stops, fails) in [
            (Content::Results, true, true, true),
            (Content::Results, false, true, false),
            (Content::Messages, true, false, false),
            (Content::Messages, false, true, false),
        ] {
            let full: Box<dyn Write + Send> = Box::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
            let (reader, closed) = io::pipe().unwrap();
            drop(reader);
            let cancel = Cancel::new();
            let stream = Stream::new(content, if is_full { full } else { Box::new(closed) }, &cancel);
            stream.write(b"text\n");
            stream.write(b"more\n");
            assert_eq!((cancel.is_raised(), stream.failure().is_some()), (stops, fails), "{content:?} {is_full}");
        }
    }
}
