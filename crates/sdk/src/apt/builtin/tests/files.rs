use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{CHUNKED, HEADER, LONG, Server, ok, response};
use crate::apt::builtin::agent::Network;
use crate::apt::builtin::download::download;
use crate::apt::{AptError, Download, Outcome, Patience, Rate};
use runtime::cancel::Cancel;

const CONTENT: &[u8] = b"0123456789abcdef";

/// Fetches `uri` into `folder/got` and returns the outcome and the number of bytes counted.
fn get(uri: &str, folder: &Path, retries: u32, network: &Network) -> (Outcome, u64) {
    let counted = Mutex::new(0);
    let item = Download::new(uri.to_owned(), folder.join("got"));
    let patience = Patience::new(retries, 2);
    let outcomes = download(&[item], patience, network, &|more| *counted.lock().unwrap() += more, &Cancel::new()).unwrap();
    (outcomes.into_iter().next().unwrap(), counted.into_inner().unwrap())
}

#[test]
fn files_are_fetched_through_redirections_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, number| match (asked.target.as_str(), asked.range()) {
        ("/plain", None) => ok(CONTENT),
        ("/moved", None) => b"HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        // Breaks off in the middle and can be resumed there.
        ("/pieces", None) => response("200 OK", 16, &CONTENT[..6]),
        ("/pieces", Some(from)) => response("206 Partial Content", 16 - from, &CONTENT[from..]),
        // Breaks off and cannot be resumed.
        ("/whole", _) if number % 2 == 0 => response("200 OK", 16, &CONTENT[..6]),
        ("/whole", _) => ok(CONTENT),
        ("/busy", _) if number % 2 == 0 => response("503 Service Unavailable", 0, b""),
        ("/busy", _) => ok(CONTENT),
        _ => response("500 Unexpected", 0, b""),
    });
    for (path, retries) in [("plain", 0), ("moved", 0), ("pieces", 1), ("whole", 2), ("busy", 2)] {
        let (outcome, counted) = get(&format!("{}/{path}", server.address), folder.path(), retries, &Network::default());
        assert_eq!(outcome, Outcome::Fetched, "{path}");
        assert_eq!(fs::read(folder.path().join("got")).unwrap(), CONTENT, "{path}");
        assert_eq!(counted, 16, "{path}");
        fs::remove_file(folder.path().join("got")).unwrap();
    }
}

#[test]
fn a_pipe_in_place_of_a_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
    let (outcome, _) = get(&format!("copy:{}", pipe.display()), folder.path(), 0, &Network::default());
    assert_eq!(outcome, Outcome::Failed(format!("`{}` is not a regular file", pipe.display())));
}

#[test]
fn failures_are_classified() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, _| match asked.target.as_str() {
        "/gone" => response("410 Gone", 0, b""),
        "/forbidden" => response("403 Forbidden", 0, b""),
        "/short" => response("200 OK", 16, &CONTENT[..6]),
        "/loop" => b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        "/silent" => Vec::new(),
        "/nonsense" => b"hello\r\n\r\n".to_vec(),
        _ => response("404 Not Found", 0, b""),
    });
    let outcome = |path: &str| get(&format!("{}/{path}", server.address), folder.path(), 1, &Network::default()).0;
    assert_eq!(outcome("none"), Outcome::NotFound);
    assert_eq!(server.asked().len(), 1, "what is not there is asked for once");
    assert_eq!(outcome("gone"), Outcome::NotFound);
    for (path, reason) in [("forbidden", "403 Forbidden"), ("short", ""), ("loop", "redirect"), ("silent", "timeout"), ("nonsense", "")] {
        let Outcome::Failed(found) = outcome(path) else { panic!("{path}") };
        assert!(found.contains(reason), "{path}: {found}");
        fs::remove_file(folder.path().join("got")).ok();
    }
    // A port without a listener: its server has ended.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(get(&format!("http://{closed}/x"), folder.path(), 0, &Network::default()).0, Outcome::Unreachable(_)));
}

#[test]
fn plain_http_goes_through_a_proxy_without_a_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let (proxy, origin) = (Server::new(|_, _| ok(b"by the proxy")), Server::new(|_, _| ok(b"directly")));
    let with_user = proxy.address.replace("http://", "http://user:secret@");
    let mut network = Network { http_proxy: Some(with_user), no_proxy: Some("localhost, 127.0.0.1".into()), ..Network::default() };

    assert_eq!(get("http://far.example.invalid/pool/x", folder.path(), 0, &network).0, Outcome::Fetched);
    assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"by the proxy");
    let asked = &proxy.asked()[0];
    assert_eq!(asked.target, "http://far.example.invalid/pool/x");
    let credentials = asked.headers.iter().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization:"));
    assert_eq!(credentials.map(String::as_str), Some("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ="));

    fs::remove_file(folder.path().join("got")).unwrap();
    assert_eq!(get(&format!("{}/x", origin.address), folder.path(), 0, &network).0, Outcome::Fetched);
    assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"directly");

    network.http_proxy = Some("ftp://proxy.example.invalid".into());
    let Outcome::Failed(reason) = get(&format!("{}/x", origin.address), folder.path(), 0, &network).0 else { panic!() };
    assert_eq!(reason, "the proxy in the variable `http_proxy` is not an address");
}

#[test]
fn credentials_in_an_address_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|_, _| ok(CONTENT));
    let uri = server.address.replace("http://", "http://user:secret@");
    assert_eq!(get(&format!("{uri}/x"), folder.path(), 0, &Network::default()).0, Outcome::Fetched);
    let asked = &server.asked()[0];
    assert!(asked.headers.iter().any(|line| line.to_ascii_lowercase().starts_with("authorization: basic dxnl")), "{asked:?}");
}

#[test]
fn tls_needs_certificates_of_authorities() {
    let folder = tempfile::tempdir().unwrap();
    let Outcome::Failed(reason) = get("https://127.0.0.1:1/x", folder.path(), 0, &Network::default()).0 else { panic!() };
    assert!(reason.contains("ca-certificates"), "{reason}");
}

#[test]
fn no_more_is_written_than_a_file_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|_, _| ok(&vec![b'x'; 1 << 20]));
    for (most_bytes, outcome) in
        [(1 << 20, Outcome::Fetched), (1000, Outcome::Failed("the server sends more than the 1000 bytes that the file may have".into()))]
    {
        let target = folder.path().join(most_bytes.to_string());
        let item = Download::at_most(format!("{}/x", server.address), target.clone(), most_bytes);
        let outcomes = download(&[item], Patience::new(0, 5), &Network::default(), &|_| {}, &Cancel::new()).unwrap();
        assert_eq!(outcomes, [outcome]);
        assert!(fs::metadata(target).unwrap().len() <= most_bytes + (64 << 10));
    }
}

#[test]
fn a_silent_server_does_not_keep_who_wants_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|_, _| Vec::new());
    let item = Download::new(format!("{}/x", server.address), folder.path().join("got"));
    let (cancel, begun) = (Cancel::new(), Instant::now());
    let raised = cancel.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        raised.raise();
    });
    let result = download(&[item], Patience::new(3, 60), &Network::default(), &|_| {}, &cancel);
    assert!(matches!(result, Err(AptError::Interrupted)));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// Gives up on servers that send less than 2000 bytes in 200 ms, or nothing for a second.
const IMPATIENT: Patience = Patience { retries: 3, timeout_s: 1, least: Rate { bytes_per_s: 10_000, over: Duration::from_millis(200) } };

#[test]
fn a_server_that_drips_is_given_up_and_not_asked_for_more() {
    let folder = tempfile::tempdir().unwrap();
    for head in [LONG, CHUNKED] {
        let server = Server::dripping(head);
        let item = |name: &str| Download::new(format!("{}/{name}", server.address), folder.path().join(name));
        let outcomes = download(&[item("a"), item("b")], IMPATIENT, &Network::default(), &|_| {}, &Cancel::new()).unwrap();
        for outcome in &outcomes {
            assert!(matches!(outcome, Outcome::Unreachable(reason) if reason.starts_with("too slow: ")), "{outcome:?}");
        }
        assert_eq!((outcomes.len(), server.asked().len()), (2, 1));
    }
    let server = Server::dripping(HEADER);
    let item = Download::new(format!("{}/x", server.address), folder.path().join("x"));
    let outcomes = download(&[item], Patience { retries: 0, ..IMPATIENT }, &Network::default(), &|_| {}, &Cancel::new()).unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Failed(reason)] if reason.contains("timeout")), "{outcomes:?}");
}
