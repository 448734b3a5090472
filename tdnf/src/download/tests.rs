use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::spawn;

use sha2::{Digest as _, Sha256};

use super::*;
use rpm_engine::config::{Place, RepositoryConfig, Transport};

/// Answers each connection with what `answer` gives for the path and the range asked for, and remembers nothing.
fn serve(answer: impl Fn(&str, Option<u64>) -> Vec<u8> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let path = first.split(' ').nth(1).unwrap().to_owned();
                let mut range = None;
                for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
                    let lower = line.to_lowercase();
                    if let Some(from) = lower.strip_prefix("range: bytes=") {
                        range = from.trim_end_matches('-').parse().ok();
                    }
                }
                let _ = stream.write_all(&answer(&path, range));
            });
        }
    });
    address
}

fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").into_bytes();
    bytes.extend(body);
    bytes
}

fn client(retries: u32) -> Client {
    let place = Place { file: "test".into(), line: 0 };
    let transport = Transport { retries, timeout: Duration::from_secs(2), ..Transport::default() };
    Client::new(&RepositoryConfig::new("test", transport, place), Family::Any).unwrap()
}

fn item(folder: &Path, urls: Vec<String>, content: &[u8]) -> Item {
    Item {
        label: "file".into(),
        urls,
        to: folder.join("file"),
        expected: Some(hex::encode(Sha256::digest(content))),
        size: Some(content.len() as u64),
        most_bytes: 1 << 20,
    }
}

const CONTENT: &[u8] = b"0123456789abcdef";

#[test]
fn mirrors_in_order_and_resumption() {
    let folder = tempfile::tempdir().unwrap();
    // The first mirror breaks off in the middle; the second only continues.
    let broken = serve(|_, range| match range {
        None => response("200 OK", 16, &CONTENT[..6]),
        Some(_) => response("503 Busy", 0, b""),
    });
    let rest = serve(|_, range| match range {
        Some(6) => response("206 Partial", 10, &CONTENT[6..]),
        _ => response("500 No", 0, b""),
    });
    let failed = Mutex::new(Vec::new());
    let report = |event: Event<'_>| {
        if let Event::Failed { error, .. } = event {
            failed.lock().unwrap().push(error.to_string());
        }
    };
    fetch(&client(2), &item(folder.path(), vec![format!("{broken}/a"), format!("{rest}/b")], CONTENT), &report).unwrap();
    assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), CONTENT);
    assert_eq!(failed.into_inner().unwrap().len(), 1);
    assert!(!folder.path().join("file.part").exists());
}

#[test]
fn what_is_wrong_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = serve(move |path, _| {
        count.fetch_add(1, Ordering::Relaxed);
        match path {
            "/other" => response("200 OK", 16, b"0123456789abcdeX"),
            "/large" => response("200 OK", 17, b"0123456789abcdefX"),
            "/endless" => [&b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..], &[b'x'; 4000]].concat(),
            _ => response("404 Not Found", 0, b""),
        }
    });
    let get = |path: &str, retries| fetch(&client(retries), &item(folder.path(), vec![format!("{server}{path}")], CONTENT), &|_| {});
    assert!(matches!(get("/other", 1), Err(DownloadError::Digest { .. })));
    assert!(matches!(get("/large", 1), Err(DownloadError::TooLarge { limit_bytes: 16, .. })));
    assert!(matches!(get("/endless", 1), Err(DownloadError::TooLarge { .. })));
    let before = asked.load(Ordering::Relaxed);
    assert!(matches!(get("/none", 5), Err(DownloadError::Status { status: 404, .. })));
    assert_eq!(asked.load(Ordering::Relaxed), before + 1, "what is not there is asked for once");
    assert!(!folder.path().join("file").exists());
    assert!(matches!(fetch(&client(0), &item(folder.path(), vec![], CONTENT), &|_| {}), Err(DownloadError::Nowhere { .. })));
}

#[test]
fn a_silent_server_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x", listener.local_addr().unwrap());
    let begun = std::time::Instant::now();
    let error = fetch(&client(0), &item(folder.path(), vec![address], CONTENT), &|_| {}).unwrap_err();
    assert!(matches!(error, DownloadError::Transfer { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn many_at_once_and_from_directories() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(|path, _| response("200 OK", path.len(), path.as_bytes()));
    let client = client(0);
    let mut items = Vec::new();
    for number in 0..20 {
        let path = format!("/file-{number}");
        let url = if number % 2 == 0 { format!("{server}{path}") } else { format!("file://{}", folder.path().join("local").display()) };
        let content = if number % 2 == 0 { path.into_bytes() } else { CONTENT.to_vec() };
        items.push((&client, Item { to: folder.path().join(format!("to-{number}")), ..item(folder.path(), vec![url], &content) }));
    }
    std::fs::write(folder.path().join("local"), CONTENT).unwrap();
    fetch_all(&items, 4, &|_| {}).unwrap();
    let mut text = String::new();
    std::fs::File::open(folder.path().join("to-18")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "/file-18");
    items[3].1.expected = Some("0".repeat(64));
    assert!(fetch_all(&items, 4, &|_| {}).is_err());
}
