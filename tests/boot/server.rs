//! A web server of the machine that tests, which guests reach as 10.0.2.2.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that answers every request with the same text. It ends with the test.
pub struct Server {
    /// Its port.
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it.
    pub fn start(text: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, requests) = (listener.local_addr().unwrap().port(), Arc::default());
        let seen: Arc<Mutex<Vec<String>>> = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Who hangs up early asks again.
                if let Ok(body) = answer(stream, &text) {
                    seen.lock().expect("nobody panics while holding it").push(body);
                }
            }
        });
        Self { port, requests }
    }

    /// What was sent with each request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panics while holding it").clone()
    }
}

/// Answers a request, and returns what was sent with it.
fn answer(mut stream: TcpStream, text: &str) -> std::io::Result<String> {
    let mut request = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while request.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = String::new();
    request.take(length).read_to_string(&mut body)?;
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())?;
    Ok(body)
}
