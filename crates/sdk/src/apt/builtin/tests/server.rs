//! An HTTP server with given answers, which records the requests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// A request of a client.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The first word of the first line.
    pub method: String,
    /// The second word of the first line.
    pub target: String,
    /// Header lines.
    pub headers: Vec<String>,
}

impl Asked {
    /// The first byte of the requested range.
    pub fn range(&self) -> Option<usize> {
        let line = self.headers.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        line.and_then(|range| range.trim_end_matches('-').parse().ok())
    }
}

/// A running server.
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each connection with what `answer` returns for the request and its number, and closes it. If that is empty, the connection
    /// is kept open without an answer.
    pub fn new(answer: impl Fn(&Asked, usize) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else { continue };
                let number = seen.lock().unwrap().len();
                let bytes = answer(&request, number);
                seen.lock().unwrap().push(request);
                match bytes.is_empty() {
                    true => silent.push(stream),
                    // The client may have disconnected.
                    false => drop(stream.write_all(&bytes)),
                }
            }
        });
        Self { address, asked }
    }

    /// Answers each connection with `head` and then a byte every 20 ms without end.
    pub fn dripping(head: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, seen) = (stream.unwrap(), Arc::clone(&seen));
                spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    seen.lock().unwrap().push(request);
                    let mut sent = stream.write_all(head);
                    // Until the client disconnects.
                    while sent.is_ok() {
                        sleep(Duration::from_millis(20));
                        sent = stream.write_all(b"x");
                    }
                });
            }
        });
        Self { address, asked }
    }

    /// Serves the files of a folder.
    pub fn of_folder(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self::new(move |asked, _| match std::fs::read(folder.join(asked.target.trim_start_matches('/'))) {
            Ok(bytes) => ok(&bytes),
            Err(_) => response("404 Not Found", 0, b""),
        })
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    Some(Asked { method, target, headers })
}

/// A response that announces `length` bytes and has `body`.
pub fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
}

/// The beginning of a good response with a long body.
pub const LONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";

/// The same, in pieces of which the first is long.
pub const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n";

/// The beginning of a response's header.
pub const HEADER: &[u8] = b"HTTP/1.1 200 OK\r\nX-Header: ";

/// A good response.
pub fn ok(body: &[u8]) -> Vec<u8> {
    response("200 OK", body.len(), body)
}
