//! Connections, of which those that say nothing make room for others.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections at a time. Further ones wait, or take the place of one that has not asked for anything.
pub(super) const MOST_CONNECTIONS: usize = 64;

/// A client has this long for its whole request, without the content.
pub(super) const TIME_TO_ASK: Duration = Duration::from_secs(10);

/// A connection without a request keeps its place for this long, also if others wait: a request may be on its way.
const GRACE: Duration = Duration::from_millis(500);

/// The connections there are.
#[derive(Default)]
pub(super) struct Connections(Mutex<All>);

#[derive(Default)]
struct All {
    count: usize,
    next: u64,
    /// Those that have not asked for anything yet, the oldest first.
    silent: Vec<(u64, Instant, TcpStream)>,
}

/// One of the connections. It counts until this is dropped.
pub(super) struct Connection<'a> {
    all: &'a Connections,
    number: u64,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more can be accepted, perhaps in the place of another.
    pub fn has_room(&self) -> bool {
        let all = self.lock();
        all.count < MOST_CONNECTIONS || all.silent.first().is_some_and(|(_, since, _)| since.elapsed() >= GRACE)
    }

    /// Counts a connection. If there are too many, the one is closed that has been silent for longest.
    ///
    /// # Errors
    /// When the system has no further descriptor.
    pub fn add(&self, stream: &TcpStream) -> io::Result<Connection<'_>> {
        let handle = stream.try_clone()?;
        let mut all = self.lock();
        if all.count >= MOST_CONNECTIONS && !all.silent.is_empty() {
            let (_, _, oldest) = all.silent.remove(0);
            // Its thread ends with it.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        let number = all.next;
        all.next += 1;
        all.count += 1;
        all.silent.push((number, Instant::now(), handle));
        Ok(Connection { all: self, number })
    }
}

impl Connection<'_> {
    /// It has sent a request, and keeps its place.
    pub fn has_asked(&self) {
        self.all.lock().silent.retain(|(number, ..)| *number != self.number);
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.has_asked();
        self.all.lock().count -= 1;
    }
}

/// What a client sends until a moment, however it is divided.
pub(super) struct Until<'a> {
    stream: &'a TcpStream,
    end: Instant,
}

impl<'a> Until<'a> {
    /// What comes within `time`.
    pub fn new(stream: &'a TcpStream, time: Duration) -> Self {
        Self { stream, end: Instant::now() + time }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}
