//! A metadata service for tests, on this machine.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{Addresses, Patience};

/// What the service was asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `GET /path`.
    pub what: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What it answers.
pub enum Answer {
    /// Status, header lines, body.
    Reply(u16, &'static str, Vec<u8>),
    /// Nothing, for longer than anybody waits here.
    Silence,
    /// A body that never ends.
    Endless,
}

/// `200` with a text.
pub fn ok(text: impl Into<Vec<u8>>) -> Answer {
    Answer::Reply(200, "", text.into())
}

/// A status without a body.
pub fn status(status: u16) -> Answer {
    Answer::Reply(status, "", Vec::new())
}

pub struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// A service that answers as `answer` says; it ends with the test program.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || serve(stream.unwrap(), &*answer, &log));
            }
        });
        Self { address, asked }
    }

    pub fn addresses(&self) -> Addresses {
        Addresses { metadata: self.address.clone(), fabric: self.address.clone() }
    }

    /// All questions until now.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Long enough for a busy machine, short enough for a test.
pub const PATIENCE: Patience =
    Patience { answer: Duration::from_millis(1500), pause: Duration::from_millis(10), whole: Duration::from_millis(4000) };

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Asked) -> Answer, log: &Mutex<Vec<Asked>>) {
    let Some(asked) = question(&stream) else { return };
    log.lock().unwrap().push(asked.clone());
    // Who asked may be gone by then.
    match answer(&asked) {
        Answer::Reply(status, headers, body) => {
            let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
        Answer::Silence => thread::sleep(Duration::from_secs(30)),
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b'a'; 4096]).is_ok() {}
        }
    }
}

fn question(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut asked = Asked { what: line.rsplit_once(' ')?.0.to_owned(), ..Asked::default() };
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: u64 = asked.headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut asked.body).ok()?;
    Some(asked)
}
