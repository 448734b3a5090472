use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::server::{CHUNKED, HEADER, LONG, Server, ok, response};
use crate::apt::builtin::agent::Network;
use crate::apt::builtin::proxy::ProxySetting;
use crate::apt::download::by_builtin as download;
use crate::apt::{AptError, Download, Heard, Outcome, Patience, Rate};
use runtime::cancel::Cancel;

const CONTENT: &[u8] = b"0123456789abcdef";

/// Fetches `uri` into `folder/got` and returns the outcome and the number of bytes counted.
fn get(uri: &str, folder: &Path, retries: u32, network: &Network) -> (Outcome, u64) {
    let counted = Mutex::new(0);
    let item = Download::new(uri.to_owned(), folder.join("got"));
    let patience = Patience::new(retries, 2);
    let outcomes =
        download(&[item], patience, network, &|heard: Heard<'_>| *counted.lock().unwrap() += heard.bytes(), &Cancel::new()).unwrap();
    (outcomes.into_iter().next().unwrap(), counted.into_inner().unwrap())
}

fn setting(address: &str) -> Option<ProxySetting> {
    Some(ProxySetting { variable: "http_proxy".into(), address: address.into() })
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
    for (path, reason) in [("forbidden", "403 Forbidden"), ("short", ""), ("loop", "redirect"), ("nonsense", "")] {
        let Outcome::Failed(found) = outcome(path) else { panic!("{path}") };
        assert!(found.contains(reason), "{path}: {found}");
        fs::remove_file(folder.path().join("got")).ok();
    }
    assert_eq!(outcome("silent"), Outcome::Unreachable("it did not answer within 2 s".into()));
    // A port without a listener: its server has ended.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(get(&format!("http://{closed}/x"), folder.path(), 0, &Network::default()).0, Outcome::Unreachable(_)));
}

#[test]
fn plain_http_goes_through_a_proxy_without_a_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let (proxy, origin) = (Server::new(|_, _| ok(b"by the proxy")), Server::new(|_, _| ok(b"directly")));
    let with_user = proxy.address.replace("http://", "http://user:secret@");
    let mut network = Network { http_proxy: setting(&with_user), no_proxy: Some("localhost, 127.0.0.1".into()), ..Network::default() };

    assert_eq!(get("http://far.example.invalid/pool/x", folder.path(), 0, &network).0, Outcome::Fetched);
    assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"by the proxy");
    let asked = &proxy.asked()[0];
    assert_eq!(asked.target, "http://far.example.invalid/pool/x");
    let credentials = asked.headers.iter().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization:"));
    assert_eq!(credentials.map(String::as_str), Some("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ="));

    fs::remove_file(folder.path().join("got")).unwrap();
    assert_eq!(get(&format!("{}/x", origin.address), folder.path(), 0, &network).0, Outcome::Fetched);
    assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"directly");

    // A redirection to another host goes through the proxy again.
    let far = Server::new(|_, _| b"HTTP/1.1 302 Found\r\nLocation: http://far.example.invalid/y\r\nContent-Length: 0\r\n\r\n".to_vec());
    network.no_proxy = Some("127.0.0.0/8".into());
    fs::remove_file(folder.path().join("got")).unwrap();
    assert_eq!(get(&format!("{}/x", far.address), folder.path(), 0, &network).0, Outcome::Fetched);
    assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"by the proxy");

    network.http_proxy = setting("ftp://proxy.example.invalid");
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
const IMPATIENT: Patience = Patience { least: Rate { bytes_per_s: 10_000, over: Duration::from_millis(200) }, ..Patience::new(3, 1) };

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
    assert!(matches!(&outcomes[..], [Outcome::Unreachable(reason)] if reason == "it did not answer within 1 s"), "{outcomes:?}");
}

#[test]
fn a_server_that_does_not_answer_is_not_asked_for_each_file_and_the_silence_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (server, other) = (Server::new(|_, _| Vec::new()), Server::new(|_, _| ok(CONTENT)));
    let item = |server: &Server, name: &str| Download::new(format!("{}/{name}", server.address), folder.path().join(name));
    let asked = [item(&server, "a"), item(&other, "b"), item(&server, "c"), item(&server, "d")];
    let told = Mutex::new(Vec::new());
    let report = |heard: Heard<'_>| told.lock().unwrap().extend(heard.complaint());
    let outcomes = download(&asked, Patience::new(1, 1), &Network::default(), &report, &Cancel::new()).unwrap();
    let silent = || Outcome::Unreachable("it did not answer within 1 s".into());
    assert_eq!(outcomes, [silent(), Outcome::Fetched, silent(), silent()]);
    assert_eq!(server.asked().len(), 1);
    // Four tries of a mirror cost two timeouts.
    download(&asked[..1], Patience::new(3, 1), &Network::default(), &report, &Cancel::new()).unwrap();
    assert_eq!(server.asked().len(), 3);
    let expected = format!("nothing has come from `{}` for 1 s; it is still waited for", server.address);
    assert!(told.into_inner().unwrap().iter().all(|complaint| *complaint == expected));
}

#[test]
fn a_busy_server_is_asked_again_when_it_wants() {
    let folder = tempfile::tempdir().unwrap();
    for header in ["Retry-After: 1\r\n", "Retry-After: Sat, 21 Nov 2020 09:15:44 GMT\r\n", ""] {
        let busy = format!("HTTP/1.1 429 Too Many Requests\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes();
        let server = Server::new(move |_, number| if number == 0 { busy.clone() } else { ok(CONTENT) });
        let items = ["a", "b"].map(|name| Download::new(format!("{}/{name}", server.address), folder.path().join(name)));
        let outcomes = download(&items, Patience::new(1, 5), &Network::default(), &|_| {}, &Cancel::new()).unwrap();
        assert_eq!(outcomes, [Outcome::Fetched, Outcome::Fetched], "{header}");
        // The second file was not asked for while the server had no time.
        assert_eq!(server.asked().len(), 3);
    }
    let server = Server::new(|_, _| response("503 Service Unavailable", 0, b""));
    let (outcome, _) = get(&format!("{}/x", server.address), folder.path(), 2, &Network::default());
    assert_eq!((outcome, server.asked().len()), (Outcome::Failed("the server answered 503 Service Unavailable".into()), 3));
}

#[test]
fn a_proxy_that_refuses_or_is_gone_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let locked = Server::new(|_, _| response("407 Proxy Authentication Required", 0, b""));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = format!("http://user:s3cret@{closed}");
    let certificates = folder.path().join("other.pem");
    fs::write(&certificates, include_bytes!("other.pem")).unwrap();
    for (proxy, scheme, said) in [
        (&*locked.address, "http", "answered 407 Proxy Authentication Required: it wants a user and a password; put `user:password@`"),
        (&locked.address, "https", "answered 407 Proxy Authentication Required: it wants a user and a password; put `user:password@`"),
        (&dead, "http", "Connection refused"),
        (&dead, "https", "Connection refused"),
        ("http://nowhere.invalid:3128", "http", "the name cannot be resolved; correct or unset `http_proxy`"),
        ("http://nowhere.invalid:3128", "https", "the name cannot be resolved; correct or unset `ALL_PROXY`"),
    ] {
        let network = Network {
            http_proxy: setting(proxy),
            https_proxy: Some(ProxySetting { variable: "ALL_PROXY".into(), address: proxy.into() }),
            certificates: Some(certificates.clone()),
            ..Network::default()
        };
        let (outcome, _) = get(&format!("{scheme}://far.example.invalid/x"), folder.path(), 0, &network);
        let Outcome::Unreachable(reason) = outcome else { panic!("{scheme} {proxy}: {outcome:?}") };
        let named = if scheme == "http" { "(from the variable `http_proxy`)" } else { "(from the variable `ALL_PROXY`)" };
        assert!(reason.contains(named) && reason.contains(said) && !reason.contains("s3cret"), "{scheme} {proxy}: {reason}");
    }
    assert_eq!(locked.asked().len(), 2, "another try would be refused as well");
}

#[test]
fn content_that_was_compressed_on_the_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, _| match asked.target.as_str() {
        "/br" => b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntext".to_vec(),
        // As servers send archives.
        _ => b"HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntext".to_vec(),
    });
    let outcome = |path: &str| get(&format!("{}/{path}", server.address), folder.path(), 1, &Network::default()).0;
    assert_eq!(outcome("x.tar.gz"), Outcome::Fetched);
    assert_eq!(outcome("br"), Outcome::Failed("the server compressed it (`Content-Encoding: br`), which it was not asked for".into()));
    let accepts = |line: &String| line.eq_ignore_ascii_case("accept-encoding: identity");
    assert!(server.asked().iter().all(|asked| asked.headers.iter().any(accepts)));
}

#[test]
fn what_a_proxy_answers_for_a_server_is_said_to_be_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Server::new(|_, _| response("502 Bad Gateway", 0, b""));
    let network = Network { http_proxy: setting(&proxy.address), ..Network::default() };
    let (outcome, _) = get("http://far.example.invalid/x", folder.path(), 0, &network);
    let said = format!("the server answered 502 Bad Gateway by way of the proxy `{}` (from the variable `http_proxy`)", proxy.address);
    assert_eq!(outcome, Outcome::Failed(said));
}

#[test]
fn a_host_whose_name_is_unknown_is_not_asked_for_each_file() {
    let folder = tempfile::tempdir().unwrap();
    let items = ["a", "b"].map(|name| Download::new(format!("http://nowhere.invalid/{name}"), folder.path().join(name)));
    let outcomes = download(&items, Patience::new(0, 20), &Network::default(), &|_| {}, &Cancel::new()).unwrap();
    assert_eq!(outcomes, vec![Outcome::Unreachable("cannot connect: the name cannot be resolved".into()); 2]);
}
