//! A repository over HTTP, for machines that install packages directly from their builder.
//!
//! It supports GET, HEAD and ranges, and one request per connection. It serves only files of a repository, and does not follow links.
//! `/kaon.repo` is the file that configures the repository on a machine.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{PUBLIC_KEY, RepoError};
use runtime::cancel::Cancel;

/// The most connections at a time; others wait.
const MOST_CONNECTIONS: usize = 64;

/// The most bytes of a request's first line and headers.
const LONGEST_REQUEST_BYTES: u64 = 16 << 10;

/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often `cancel` is checked.
const PAUSE: Duration = Duration::from_millis(20);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    listener: TcpListener,
}

/// A request.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    is_head: bool,
    path: String,
    /// The first byte of the requested range.
    from: Option<u64>,
    host: String,
}

/// The number and text of a status line.
type Status = (u16, &'static str);

const OK: Status = (200, "OK");
const PARTIAL: Status = (206, "Partial Content");
const BAD_REQUEST: Status = (400, "Bad Request");
const NOT_FOUND: Status = (404, "Not Found");
const NOT_ALLOWED: Status = (405, "Method Not Allowed");
const NOT_SATISFIABLE: Status = (416, "Range Not Satisfiable");

impl Server {
    /// Listens on `address` to serve the repository in `folder`.
    ///
    /// # Errors
    /// When there is no repository, or the address is taken.
    pub fn open(folder: &Path, address: SocketAddr) -> Result<Self, RepoError> {
        if !folder.join("repodata/repomd.xml").is_file() {
            return Err(RepoError::NothingToServe { path: folder.to_owned() });
        }
        let folder = fs::canonicalize(folder).map_err(|source| RepoError::io("find", folder, source))?;
        let listen = |source| RepoError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        Ok(Self { folder, listener })
    }

    /// The address it listens on; if port 0 was requested, with the actual port.
    ///
    /// # Errors
    /// When the system cannot report it.
    pub fn address(&self) -> Result<SocketAddr, RepoError> {
        self.listener.local_addr().map_err(|source| RepoError::io("find the address of", &self.folder, source))
    }

    /// Serves until `cancel` is raised; calls `told` for each request with its status.
    pub fn run(&self, cancel: &Cancel, told: &(dyn Fn(&str, u16) + Sync)) {
        let busy = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            while !cancel.is_raised() {
                let accepted = if busy.load(Ordering::SeqCst) < MOST_CONNECTIONS { self.listener.accept().ok() } else { None };
                let Some((stream, _)) = accepted else {
                    thread::sleep(PAUSE);
                    continue;
                };
                busy.fetch_add(1, Ordering::SeqCst);
                let given = Arc::clone(&busy);
                let answer = move || {
                    // A disconnected client is not an error of the server.
                    let _ = self.answer(&stream, told);
                    given.fetch_sub(1, Ordering::SeqCst);
                };
                // If the host allows no further thread, the connection is closed, and clients retry.
                if thread::Builder::new().spawn_scoped(scope, answer).is_err() {
                    busy.fetch_sub(1, Ordering::SeqCst);
                }
            }
        });
    }

    fn answer(&self, stream: &TcpStream, told: &(dyn Fn(&str, u16) + Sync)) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = match read(stream)? {
            Ok(request) => request,
            Err(status) => {
                told("", status.0);
                head(stream, status, 0, &[])?;
                stream.shutdown(Shutdown::Write)?;
                // Closing a connection with unread data would discard the answer.
                return io::copy(&mut stream.take(LONGEST_REQUEST_BYTES * 4), &mut io::sink()).map(drop);
            }
        };
        if request.path == "/kaon.repo" {
            let text = configuration(&format!("http://{}", request.host));
            told(&request.path, OK.0);
            head(stream, OK, text.len() as u64, &[])?;
            return if request.is_head { Ok(()) } else { (&*stream).write_all(text.as_bytes()) };
        }
        let Some((mut file, length)) = self.file(&request.path) else {
            told(&request.path, NOT_FOUND.0);
            return head(stream, NOT_FOUND, 0, &[]);
        };
        let (status, from, range) = match request.from {
            None => (OK, 0, None),
            Some(from) if from < length => (PARTIAL, from, Some(format!("Content-Range: bytes {from}-{}/{length}", length - 1))),
            Some(_) => {
                told(&request.path, NOT_SATISFIABLE.0);
                return head(stream, NOT_SATISFIABLE, 0, &[&format!("Content-Range: bytes */{length}")]);
            }
        };
        told(&request.path, status.0);
        head(stream, status, length - from, range.as_deref().as_slice())?;
        if request.is_head {
            return Ok(());
        }
        file.seek(SeekFrom::Start(from))?;
        io::copy(&mut file.take(length - from), &mut &*stream).map(drop)
    }

    /// The regular file at a path, if it is in the repository.
    fn file(&self, path: &str) -> Option<(File, u64)> {
        let below = path.strip_prefix('/')?;
        let plain = |component: &str| !matches!(component, "" | "." | "..") && !component.contains(['\0', '\\']);
        if !below.split('/').all(plain) {
            return None;
        }
        let found = fs::canonicalize(self.folder.join(below)).ok().filter(|found| found.starts_with(&self.folder))?;
        let file = File::open(found).ok()?;
        let facts = file.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((file, facts.len()))
    }
}

/// Reads a request: its first line, and the headers that are used.
fn read(stream: &TcpStream) -> io::Result<Result<Request, Status>> {
    let mut lines = BufReader::new(stream.take(LONGEST_REQUEST_BYTES)).lines();
    let Some(first) = lines.next() else { return Ok(Err(BAD_REQUEST)) };
    let first = first?;
    let words: Vec<&str> = first.split(' ').collect();
    let [method, path, version] = words[..] else { return Ok(Err(BAD_REQUEST)) };
    if !version.starts_with("HTTP/1.") {
        return Ok(Err(BAD_REQUEST));
    }
    let is_head = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return Ok(Err(NOT_ALLOWED)),
    };
    let path = path.split('?').next().unwrap_or_default();
    let Some(path) = decoded(path) else { return Ok(Err(BAD_REQUEST)) };
    let mut request = Request { is_head, path, from: None, host: String::new() };
    for line in lines {
        let line = line?;
        if line.is_empty() {
            return Ok(Ok(request));
        }
        match line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim())) {
            // Only the form that clients use to resume a download; any other gets the whole file.
            Some((name, value)) if name == "range" => {
                request.from = value.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).and_then(|from| from.parse().ok());
            }
            Some((name, value))
                if name == "host" && value.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter)) =>
            {
                request.host = value.to_owned();
            }
            _ => {}
        }
    }
    Ok(Err(BAD_REQUEST))
}

/// A path with `%2B` and the like decoded.
fn decoded(path: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), path.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn head(stream: &TcpStream, (number, words): Status, length: u64, more: &[&str]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {number} {words}\r\nContent-Length: {length}\r\nAccept-Ranges: bytes\r\nConnection: close\r\n");
    for line in more {
        text.push_str(line);
        text.push_str("\r\n");
    }
    (&*stream).write_all((text + "\r\n").as_bytes())
}

/// The file for `/etc/yum.repos.d` to use the repository at `address`.
pub fn configuration(address: &str) -> String {
    let address = address.trim_end_matches('/');
    format!(
        "[kaon-builder]\nname=Kaon, from the machine that builds it\nbaseurl={address}\nenabled=1\npriority=10\nmetadata_expire=60\n\
         gpgkey={address}/{PUBLIC_KEY}\n"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Stops the server when the test ends, even by a panic.
    struct Stops<'a>(&'a Cancel);

    impl Drop for Stops<'_> {
        fn drop(&mut self) {
            self.0.raise();
        }
    }

    fn ask(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    }

    #[test]
    fn only_files_of_the_repository_and_ranges_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        for name in ["repodata", "Packages"] {
            fs::create_dir_all(repo.join(name)).unwrap();
        }
        fs::write(folder.path().join("secret"), "secret").unwrap();
        fs::write(repo.join("repodata/repomd.xml"), "<repomd/>").unwrap();
        fs::write(repo.join("Packages/a+b.rpm"), "0123456789").unwrap();
        symlink("../../secret", repo.join("Packages/link.rpm")).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert!(matches!(Server::open(&folder.path().join("repo/Packages"), any), Err(RepoError::NothingToServe { .. })));
        let server = Server::open(&repo, any).unwrap();
        let (address, cancel) = (server.address().unwrap(), Cancel::new());
        thread::scope(|scope| {
            scope.spawn(|| server.run(&cancel, &|_, _| {}));
            let _stops = Stops(&cancel);
            let get = |path: &str, more: &str| ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{more}\r\n"));
            let table: [(&str, &str, &str, &str); 13] = [
                ("/repodata/repomd.xml", "", "200 OK", "\r\n\r\n<repomd/>"),
                ("/Packages/a%2Bb.rpm", "", "200 OK", "\r\n\r\n0123456789"),
                ("/Packages/a+b.rpm?x", "Range: bytes=4-\r\n", "206 Partial", "bytes 4-9/10\r\n\r\n456789"),
                ("/Packages/a+b.rpm", "Range: bytes=10-\r\n", "416 ", "\r\n\r\n"),
                ("/Packages/a+b.rpm", "Range: bytes=2-3\r\n", "200 OK", "\r\n\r\n0123456789"),
                ("/kaon.repo", "", "200 OK", "/RPM-GPG-KEY-kaon\n"),
                ("/", "", "404 ", "\r\n\r\n"),
                ("/Packages", "", "404 ", "\r\n\r\n"),
                ("/Packages/link.rpm", "", "404 ", "\r\n\r\n"),
                ("/../secret", "", "404 ", "\r\n\r\n"),
                ("/Packages/%2e%2e/%2e%2e/secret", "", "404 ", "\r\n\r\n"),
                ("//secret", "", "404 ", "\r\n\r\n"),
                ("/%zz", "", "400 ", "\r\n\r\n"),
            ];
            for (path, more, status, end) in table {
                let said = get(path, more);
                assert!(said.starts_with(&format!("HTTP/1.1 {status}")) && said.ends_with(end), "{path}: {said}");
            }
            assert!(
                ask(address, "HEAD /repodata/repomd.xml HTTP/1.1\r\n\r\n")
                    .ends_with("Content-Length: 9\r\nAccept-Ranges: bytes\r\nConnection: close\r\n\r\n")
            );
            assert!(ask(address, "POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
            assert!(ask(address, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
            assert!(ask(address, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000))).starts_with("HTTP/1.1 400 "));
        });
    }
}
