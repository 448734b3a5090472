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

/// Keeps the heads of requests, lower-case names of headers included, and answers each with `status` and the content.
fn listen(status: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            kept.lock().unwrap().push(head.join("\n"));
            let _ = stream.write_all(&response(status, CONTENT.len(), CONTENT));
        }
    });
    (address, heads)
}

/// A client whose transport is changed by `change`.
fn client_with(change: impl FnOnce(&mut Transport)) -> Client {
    let mut transport = Transport { retries: 0, timeout: Duration::from_secs(2), ..Transport::default() };
    change(&mut transport);
    Client::new(&RepositoryConfig::new("test", transport, Place { file: "test".into(), line: 0 }), &Arc::default()).unwrap()
}

fn client(retries: u32) -> Client {
    let place = Place { file: "test".into(), line: 0 };
    let transport = Transport { retries, timeout: Duration::from_secs(2), ..Transport::default() };
    Client::new(&RepositoryConfig::new("test", transport, place), &Arc::default()).unwrap()
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
fn a_silent_server_is_left_once_and_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let good = serve(|_, _| response("200 OK", 16, CONTENT));
    let client = client(10);
    let begun = std::time::Instant::now();
    let urls = vec![format!("http://{host}/x"), format!("{good}/x")];
    fetch(&client, &item(folder.path(), urls, CONTENT), &|_| {}).unwrap();
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(6), "{waited:?}");
    // Other clients of the run know it, too.
    let other = Client { retries: 5, ..client.clone() };
    let error = fetch(&other, &item(folder.path(), vec![format!("http://{host}/y")], CONTENT), &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), format!("`http://{host}/y`: the server did not answer within 2 s"));
    assert!(begun.elapsed() < waited + Duration::from_secs(1));
}

#[test]
fn a_server_that_answered_before_may_be_late_once() {
    let folder = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = serve(move |_, _| {
        if count.fetch_add(1, Ordering::Relaxed) == 1 {
            sleep(Duration::from_secs(4));
        }
        response("200 OK", 16, CONTENT)
    });
    let client = client(1);
    for _ in 0..2 {
        fetch(&client, &item(folder.path(), vec![format!("{server}/x")], CONTENT), &|_| {}).unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[test]
fn credentials_of_an_address_are_sent_and_not_said() {
    let folder = tempfile::tempdir().unwrap();
    let (host, heads) = listen("401 Unauthorized");
    let client = client_with(|_| {});
    let item = item(folder.path(), vec![format!("http://me%40x:p%2Fw%25@{host}/x")], CONTENT);
    let error = fetch(&client, &item, &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), format!("`http://{host}/x`: the server answered 401"));
    assert_eq!(error.hint(), Some("set `username` and `password` of the repository"));
    assert!(!format!("{error:?}").contains("p%2Fw"), "{error:?}");
    // `me@x:p/w%`
    assert!(heads.lock().unwrap()[0].contains("authorization: Basic bWVAeDpwL3cl"), "{heads:?}");
}

#[test]
fn plain_addresses_go_through_a_proxy_without_a_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let (proxy, heads) = listen("200 OK");
    let client = client_with(|transport| {
        transport.proxy = rpm_engine::config::Proxy::At(format!("http://{proxy}"));
        (transport.proxy_user, transport.proxy_password) = (Some("me".into()), Some("a@b/c#d%".into()));
    });
    fetch(&client, &item(folder.path(), vec!["http://far.example:81/a/b?c".into()], CONTENT), &|_| {}).unwrap();
    let head = heads.lock().unwrap().remove(0);
    assert!(head.starts_with("GET http://far.example:81/a/b?c HTTP/1.1\n"), "{head}");
    assert!(head.contains("host: far.example:81"), "{head}");
    // `me:a@b/c#d%`
    assert!(head.contains("Proxy-Authorization: Basic bWU6YUBiL2MjZCU="), "{head}");
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (url, status, expected) in [
        ("https://far.example/x", "403 Forbidden", "`https://far.example/x`: the proxy `http://PROXY` answered 403"),
        ("http://far.example/x", "407 No", "`http://far.example/x`: the proxy `http://PROXY` answered 407"),
        ("http://far.example/x", "404 No", "`http://far.example/x`: the server answered 404 (through the proxy `http://PROXY`)"),
    ] {
        let (proxy, heads) = listen(status);
        let client = client_with(|transport| {
            transport.proxy = rpm_engine::config::Proxy::At(format!("http://{proxy}"));
            transport.retries = 3;
        });
        let error = fetch(&client, &item(folder.path(), vec![url.into()], CONTENT), &|_| {}).unwrap_err();
        assert_eq!(error.to_string(), expected.replace("PROXY", &proxy));
        let heads = heads.lock().unwrap();
        assert_eq!(heads.len(), 1, "{heads:?}");
        assert_eq!(heads[0].starts_with("CONNECT far.example:443 HTTP/1.1"), url.starts_with("https"), "{heads:?}");
    }
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
