//! A folder over HTTP: a repository for machines that take their packages from the one that built them, a cache for builders.
//!
//! The server knows GET and HEAD, with pieces of files, and PUT where uploads are allowed; a connection carries one request. It sends regular
//! files of the folder, and nothing that a link leads to outside of it.

mod connection;
mod error;
mod request;
mod upload;

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use base::file_error::FileError;
use runtime::cancel::Cancel;

use connection::{Connection, Connections, TIME_TO_ASK, Until};
pub use error::ServeError;
use request::{LONGEST_REQUEST_BYTES, Method, Request};
pub use upload::{Accepted, Uploads};

/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// The interval at which the server checks whether to stop.
const PAUSE: Duration = Duration::from_millis(20);

/// A status line's number and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status(u16, &'static str);

const OK: Status = Status(200, "OK");
const CREATED: Status = Status(201, "Created");
const PARTIAL: Status = Status(206, "Partial Content");
const BAD_REQUEST: Status = Status(400, "Bad Request");
const UNAUTHORIZED: Status = Status(401, "Unauthorized");
const NOT_FOUND: Status = Status(404, "Not Found");
const NOT_ALLOWED: Status = Status(405, "Method Not Allowed");
const REQUEST_TIMEOUT: Status = Status(408, "Request Timeout");
const LENGTH_REQUIRED: Status = Status(411, "Length Required");
const PRECONDITION_FAILED: Status = Status(412, "Precondition Failed");
const TOO_LARGE: Status = Status(413, "Content Too Large");
const NOT_SATISFIABLE: Status = Status(416, "Range Not Satisfiable");
const UNPROCESSABLE: Status = Status(422, "Unprocessable Content");
const NO_ROOM: Status = Status(507, "Insufficient Storage");

/// A page that is made for the host name under which the client knows the server.
pub type Page = fn(&str) -> String;

/// A server that listens.
pub struct Server {
    folder: PathBuf,
    listener: TcpListener,
    page: Option<(&'static str, Page)>,
    uploads: Option<Uploads>,
    /// Whether a file of the folder is served, by its path below it.
    serves: fn(&str) -> bool,
    /// Held while a file takes the place of another.
    replacing: Mutex<()>,
}

impl Server {
    /// Listens on `address` to serve the files of `folder`.
    ///
    /// # Errors
    /// When the folder cannot be found, or the address is taken.
    pub fn open(folder: &Path, address: SocketAddr) -> Result<Self, ServeError> {
        let folder = fs::canonicalize(folder).map_err(FileError::of("find", folder))?;
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        Ok(Self { folder, listener, page: None, uploads: None, serves: |_| true, replacing: Mutex::new(()) })
    }

    /// Serves a page under this path, too.
    #[must_use]
    pub fn with_page(self, path: &'static str, page: Page) -> Self {
        Self { page: Some((path, page)), ..self }
    }

    /// Serves only the files of the folder that `serves` names, by their paths below it.
    #[must_use]
    pub fn with_only(self, serves: fn(&str) -> bool) -> Self {
        Self { serves, ..self }
    }

    /// Takes files.
    #[must_use]
    pub fn with_uploads(self, uploads: Uploads) -> Self {
        Self { uploads: Some(uploads), ..self }
    }

    /// Where it listens, with the port it was given where none was asked for.
    ///
    /// # Errors
    /// When the system cannot report it.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        Ok(self.listener.local_addr().map_err(FileError::of("find the address of", &self.folder))?)
    }

    /// Serves until `cancel` is raised; calls `report` with the path and status of each request.
    pub fn run(&self, cancel: &Cancel, report: &(dyn Fn(&str, u16) + Sync)) {
        let connections = Connections::default();
        thread::scope(|scope| {
            while !cancel.is_raised() {
                let accepted = if connections.has_room() { self.listener.accept().ok() } else { None };
                let Some((stream, _)) = accepted else {
                    thread::sleep(PAUSE);
                    continue;
                };
                let Ok(connection) = connections.add(&stream) else { continue };
                let answer = move || {
                    // A client that goes away is not a matter of the server.
                    let _ = self.answer(&stream, &connection, report);
                };
                // Where the host allows no further thread the connection is closed, and clients ask again.
                let _ = thread::Builder::new().spawn_scoped(scope, answer);
            }
        });
    }

    fn answer(&self, stream: &TcpStream, connection: &Connection<'_>, report: &(dyn Fn(&str, u16) + Sync)) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut begin = io::BufReader::new(Until::new(stream, TIME_TO_ASK));
        let request = request::read(&mut begin);
        connection.has_asked();
        // What came with it belongs to the content.
        let content = begin.buffer().to_vec();
        let mut input = content.as_slice().chain(stream);
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = match request {
            Ok(Ok(request)) => request,
            Ok(Err(status)) => return refuse(stream, &mut input, "", status, report),
            Err(error) if is_late(&error) => return refuse(stream, &mut io::empty(), "", REQUEST_TIMEOUT, report),
            Err(error) => return Err(error),
        };
        if request.waits {
            (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        match (request.method, &self.uploads) {
            (Method::Get | Method::Head, _) => self.send(stream, &request, report),
            (Method::Put, None) => refuse(stream, &mut input, &request.path, NOT_ALLOWED, report),
            (Method::Put, Some(uploads)) => match uploads.take(&self.folder, &request, &mut input, &self.replacing)? {
                CREATED => {
                    report(&request.path, CREATED.0);
                    head(stream, CREATED, 0, &[])
                }
                status => refuse(stream, &mut input, &request.path, status, report),
            },
        }
    }

    fn send(&self, stream: &TcpStream, request: &Request, report: &(dyn Fn(&str, u16) + Sync)) -> io::Result<()> {
        let is_head = request.method == Method::Head;
        if let Some((_, page)) = self.page.filter(|(path, _)| *path == request.path) {
            let text = page(&format!("http://{}", request.host));
            report(&request.path, OK.0);
            head(stream, OK, text.len() as u64, &[])?;
            return if is_head { Ok(()) } else { (&*stream).write_all(text.as_bytes()) };
        }
        let Some((mut file, length)) = self.file(&request.path) else {
            report(&request.path, NOT_FOUND.0);
            return head(stream, NOT_FOUND, 0, &[]);
        };
        let tag = self.tag(&request.path, &mut file)?;
        let (status, from, range) = match request.from {
            None => (OK, 0, None),
            Some(from) if from < length => (PARTIAL, from, Some(format!("Content-Range: bytes {from}-{}/{length}", length - 1))),
            Some(_) => {
                report(&request.path, NOT_SATISFIABLE.0);
                return head(stream, NOT_SATISFIABLE, 0, &[&format!("Content-Range: bytes */{length}")]);
            }
        };
        report(&request.path, status.0);
        let more: Vec<&str> = [range.as_deref(), tag.as_deref()].into_iter().flatten().collect();
        head(stream, status, length - from, &more)?;
        if is_head {
            return Ok(());
        }
        file.seek(SeekFrom::Start(from))?;
        io::copy(&mut file.take(length - from), &mut &*stream).map(drop)
    }

    /// The header with the tag of a file, if clients may replace it.
    fn tag(&self, path: &str, file: &mut File) -> io::Result<Option<String>> {
        let Some((uploads, name)) = self.uploads.as_ref().zip(request::below(path)) else { return Ok(None) };
        Ok(uploads.tag(name, file)?.map(|tag| format!("ETag: {tag}")))
    }

    /// The regular file a path names, if it is in the folder.
    fn file(&self, path: &str) -> Option<(File, u64)> {
        let below = request::below(path).filter(|below| (self.serves)(below))?;
        let found = fs::canonicalize(self.folder.join(below)).ok().filter(|found| found.starts_with(&self.folder))?;
        let file = File::open(found).ok()?;
        let facts = file.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((file, facts.len()))
    }
}

/// Whether a client took too long. Systems have two names for that.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Answers with an error.
fn refuse(stream: &TcpStream, input: &mut dyn Read, path: &str, status: Status, report: &(dyn Fn(&str, u16) + Sync)) -> io::Result<()> {
    report(path, status.0);
    let more: &[&str] = if status == UNAUTHORIZED { &["WWW-Authenticate: Basic realm=\"cache\""] } else { &[] };
    head(stream, status, 0, more)?;
    stream.shutdown(Shutdown::Write)?;
    // A connection closed with something unread in it would take the answer with it.
    stream.set_read_timeout(Some(TIME_TO_ASK))?;
    io::copy(&mut input.take(LONGEST_REQUEST_BYTES * 4), &mut io::sink()).map(drop)
}

fn head(stream: &TcpStream, Status(number, words): Status, length: u64, more: &[&str]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {number} {words}\r\nContent-Length: {length}\r\nAccept-Ranges: bytes\r\nConnection: close\r\n");
    for line in more {
        text.push_str(line);
        text.push_str("\r\n");
    }
    (&*stream).write_all((text + "\r\n").as_bytes())
}

#[cfg(test)]
mod tests;
