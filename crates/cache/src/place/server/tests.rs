//! Tests: what answers of servers mean.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use base::diagnostic::Failure as _;
use runtime::progress::Event;
use sdk::apt::ProxySetting;

use super::*;

/// A server that answers each request, of which it gets the first line, and then hangs up.
fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> Server<'static> {
    Server::new(&listening(answer).parse().unwrap(), &Cancel::new()).unwrap()
}

/// The address of such a server.
fn listening(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut input = BufReader::new(&stream);
            let mut head: Vec<String> = Vec::new();
            let mut line = String::new();
            while input.read_line(&mut line).is_ok_and(|read| read > 2) {
                head.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            let length = head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let _ = input.read_exact(&mut vec![0; length.unwrap_or(0)]);
            let first = head.first().map_or("", String::as_str);
            // The client may be gone.
            let _ = (&stream).write_all(answer(first).as_bytes());
        }
    });
    address
}

fn through(proxy: &str) -> Network {
    let setting = |variable: &str| Some(ProxySetting { variable: variable.into(), address: proxy.into() });
    Network { http_proxy: setting("http_proxy"), https_proxy: setting("all_proxy"), ..Network::default() }
}

fn status(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n")
}

#[test]
fn the_password_of_an_address_goes_before_a_token() {
    let pair = || Some(("u".to_owned(), "p".to_owned()));
    let token = || Some("t".to_owned());
    assert_eq!(authorization(pair(), token()).unwrap(), basic("u", "p"));
    assert_eq!(authorization(None, token()).unwrap(), "Bearer t");
    assert_eq!(authorization(None, None), None);
}

#[test]
fn a_file_of_another_size_is_not_the_one_that_was_asked_for() {
    for (head, expected) in [
        ("200 OK\r\nContent-Length: 5\r\n", true),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n", true),
        ("200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n", false),
        ("200 OK\r\nContent-Length: 4\r\n", false),
        ("200 OK\r\nContent-Type: text/html\r\nContent-Length: 3120\r\n", false),
        ("404 Not Found\r\nContent-Length: 0\r\n", false),
        ("403 Forbidden\r\nContent-Length: 0\r\n", false),
    ] {
        let server = answering(move |_| format!("HTTP/1.1 {head}Connection: close\r\n\r\n"));
        assert_eq!(server.has(&Digest::of_bytes("x"), 5).unwrap(), expected, "{head}");
    }
}

/// As buckets answer those who may not list them.
#[test]
fn a_forbidden_file_is_absent_until_it_is_to_be_written() {
    let server = answering(|_| status("403 Forbidden", ""));
    assert_eq!(server.read("ac/x").unwrap(), None);
    let refused = server.write("ac/x", Content::Bytes(b"x")).unwrap_err();
    assert!(matches!(&refused, PlaceError::Locked { answer, .. } if answer == "403"), "{refused}");
}

#[test]
fn uploads_follow_no_redirections() {
    let server = answering(|first| match first.split(' ').next() {
        Some("PUT") => status("302 Found", "Location: https://user:secret@login.test/?from=x\r\n"),
        _ => status("200 OK", ""),
    });
    let refused = server.write("ac/x", Content::Bytes(b"x")).unwrap_err();
    let said = format!("{refused}; {}", base::diagnostic::Failure::hint(&refused).unwrap());
    let address = server.url("ac/x");
    assert_eq!(
        said,
        format!(
            "the server did not take `{address}`: it answered 302, which leads to `https://***@login.test/?from=x`; if \
             `https://***@login.test/?from=x` is the cache, write its address; a login page means that the network or the server wants a \
             login first"
        )
    );
}

#[test]
fn conditions_are_asked_for_and_may_be_unknown() {
    let version = |tag: Option<&str>, bytes: &[u8]| Version { bytes: bytes.to_vec(), tag: tag.map(str::to_owned) };
    let shown = |seen: Option<&Version>| condition(seen).map(|(name, value)| format!("{name}: {value}"));
    assert_eq!(shown(None).as_deref(), Some("if-none-match: *"));
    assert_eq!(shown(Some(&version(Some("\"1\""), b"x"))).as_deref(), Some("if-match: \"1\""));
    assert_eq!(shown(Some(&version(None, b"x"))), None);
    assert_eq!(shown(Some(&version(Some("\"1\""), b"<html>"))), None);

    let server = answering(|_| status("412 Precondition Failed", ""));
    assert_eq!(server.replace("ac/x", b"x", None).unwrap(), Replaced::Changed);
    let (asked, seen) = (Arc::new(std::sync::atomic::AtomicUsize::new(0)), Ordering::SeqCst);
    let count = Arc::clone(&asked);
    let server = answering(move |_| match count.fetch_add(1, seen) {
        0 => status("501 Not Implemented", ""),
        _ => status("201 Created", ""),
    });
    assert_eq!(server.replace("ac/x", b"x", None).unwrap(), Replaced::Done);
    assert_eq!(asked.load(seen), 2);
}

#[test]
fn tags_that_do_not_stand_for_each_byte_are_not_used() {
    for (tag, expected) in [("\"1\"", Some("\"1\"")), ("W/\"1\"", None)] {
        let server = answering(move |_| status("200 OK", &format!("ETag: {tag}\r\n")));
        assert_eq!(server.read("ac/x").unwrap().unwrap().tag.as_deref(), expected);
    }
}

/// A server that never answers.
#[test]
fn who_asks_to_stop_does_not_wait_for_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: Mirror = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let cancel = Cancel::new();
    let server = Server::new(&address, &cancel).unwrap();
    let stop = thread::spawn(move || {
        let _silent = listener.accept().unwrap();
        cancel.raise();
        _silent
    });
    let ended = server.write("ac/x", Content::Bytes(b"x"));
    assert!(matches!(ended, Err(PlaceError::Interrupted)), "{ended:?}");
    assert!(matches!(server.read("ac/x"), Err(PlaceError::Interrupted)));
    drop(stop.join().unwrap());
}

/// A proxy that keeps connections open and passes on what it is asked for by whole addresses. Returns its address and the first lines.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<String>>>::default());
    let seen = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                let mut input = BufReader::new(&client);
                while let Some(answer) = pass_on(&mut input, &seen) {
                    // The client may be gone.
                    let _ = (&client).write_all(&answer);
                }
            });
        }
    });
    (address, asked)
}

/// Passes on one request; nothing when the client has gone or does not speak to a proxy.
fn pass_on(input: &mut impl io::BufRead, seen: &Mutex<Vec<String>>) -> Option<Vec<u8>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        input.read_line(&mut head).ok().filter(|read| *read > 0)?;
    }
    let (first, rest) = head.split_once("\r\n")?;
    seen.lock().unwrap().push(first.to_owned());
    let (method, target) = first.split_once(" http://")?;
    let (host, path) = target.split_once('/')?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut content = vec![0; length.unwrap_or(0)];
    input.read_exact(&mut content).ok()?;
    let mut server = TcpStream::connect(host).unwrap();
    server.write_all(format!("{method} /{path}\r\n{rest}").as_bytes()).and_then(|()| server.write_all(&content)).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).replace("Connection: close\r\n", "").replace("\r\nConnection: close", "");
    Some([head.as_bytes(), &answer[end..]].concat())
}

#[test]
fn files_are_written_by_way_of_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let accepts: fn(&str) -> Option<file_server::Accepted> = |_| Some(file_server::Accepted::UpTo(1 << 20));
    let uploads = file_server::Uploads { accepts, authorizations: authorizations("t") };
    let serving = file_server::Server::open(folder.path(), "127.0.0.1:0".parse().unwrap()).unwrap().with_uploads(uploads);
    let (address, cancel) = (format!("http://kaon:t@{}", serving.address().unwrap()), Cancel::new());
    let (proxy, asked) = proxy();
    let content = vec![b'x'; 300_000];
    let big = folder.path().join("big");
    std::fs::write(&big, &content).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| serving.run(&cancel, &|_, _| {}));
        let work = std::panic::catch_unwind(|| {
            let server = Server::with(&address.parse().unwrap(), &Cancel::new(), through(&proxy), PATIENCE).unwrap();
            let object = Digest::of_bytes(&content);
            assert!(!server.has(&object, 300_000).unwrap());
            server.write(&by_digest(&object), Content::File(&big)).unwrap();
            assert!(server.has(&object, 300_000).unwrap());
            assert_eq!(server.replace("ac/x", b"entry", None).unwrap(), Replaced::Done);
            assert_eq!(server.read("ac/x").unwrap().unwrap().bytes, b"entry");
            assert_eq!(server.read("ac/y").unwrap(), None);
        });
        cancel.raise();
        work.unwrap();
    });
    let asked = asked.lock().unwrap();
    let methods: Vec<&str> = asked.iter().filter_map(|line| line.split_once(" http://127.0.0.1:")).map(|(method, _)| method).collect();
    assert_eq!(methods, ["HEAD", "PUT", "HEAD", "PUT", "GET", "GET"], "{asked:?}");
}

/// The phases of what it reports.
#[derive(Default)]
struct Phases(Mutex<Vec<String>>);

impl Reporter for Phases {
    fn event(&self, event: Event) {
        if let Event::Phase { unit, phase } = event {
            self.0.lock().unwrap().push(format!("{unit}: {phase}"));
        }
    }
}

fn said(error: &PlaceError) -> String {
    format!("{error}; {}", error.hint().unwrap_or_default())
}

#[test]
fn a_server_that_does_not_answer_is_asked_twice_and_named() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let address = listening(move |_| {
        *count.lock().unwrap() += 1;
        thread::sleep(Duration::from_millis(1500));
        String::new()
    });
    let phases = Phases::default();
    let server = Server::with(&address.parse().unwrap(), &Cancel::new(), Network::default(), Duration::from_secs(1)).unwrap();
    let server = server.reporting(&phases, "cache x");
    let error = server.write("ac/x", Content::Bytes(b"x")).unwrap_err();
    let expected = format!(
        "cannot write `{address}/ac/x`: it did not answer within 1 s; check the network and proxy variables, and run the same command again: it \
         sends only what is missing"
    );
    assert_eq!((said(&error), *asked.lock().unwrap()), (expected, 2));
    let waiting = "cache x: waiting for an answer about ac/x";
    assert_eq!(*phases.0.lock().unwrap(), [waiting, "cache x: asking again about ac/x in 1 s", waiting]);
}

#[test]
fn what_would_fail_again_is_not_tried_again() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let locked = listening(move |_| {
        *count.lock().unwrap() += 1;
        status("407 Proxy Authentication Required", "")
    });
    let server = Server::with(&"http://far.test/x".parse().unwrap(), &Cancel::new(), through(&locked), PATIENCE).unwrap();
    let error = said(&server.write("ac/x", Content::Bytes(b"x")).unwrap_err());
    assert_eq!(*asked.lock().unwrap(), 1, "{error}");
    let expected = format!(
        "cannot write `http://far.test/x/ac/x`: the proxy `{locked}` (from the variable `http_proxy`) answered 407 Proxy Authentication Required: \
         it wants a user and a password; put `user:password@` before its host in the variable `http_proxy`, with `%40` for `@` and `%3A` for \
         `:` in either"
    );
    assert_eq!(error, expected);
    assert_eq!(without_passwords(&error), error, "an example of a password would not be shown");
}

#[test]
fn a_busy_server_is_asked_again_when_it_wants() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let phases = Phases::default();
    let server = answering(move |_| {
        *count.lock().unwrap() += 1;
        if *count.lock().unwrap() == 1 { status("429 Too Many Requests", "Retry-After: 2\r\n") } else { status("201 Created", "") }
    });
    server.reporting(&phases, "u").write("ac/x", Content::Bytes(b"x")).unwrap();
    assert_eq!((*asked.lock().unwrap(), &*phases.0.lock().unwrap()[1]), (2, "u: asking again about ac/x in 2 s"));
}

#[test]
fn files_that_are_compressed_unasked_are_named() {
    let server = answering(|_| status("200 OK", "Content-Encoding: gzip\r\n"));
    for error in [server.read("ac/x").unwrap_err(), server.has(&Digest::of_bytes("x"), 1).unwrap_err()] {
        let said = said(&error);
        assert!(said.contains("compressed (`Content-Encoding: gzip`)") && said.contains("gzip off;"), "{said}");
    }
}

/// As servers with a limit answer: at once, and without reading what is sent.
#[test]
fn the_answer_of_a_server_that_hangs_up_on_a_large_file_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut input = BufReader::with_capacity(1, &stream);
            let mut line = String::new();
            while input.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let _ = (&stream).write_all(status("413 Content Too Large", "").as_bytes());
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let big = folder.path().join("big");
    std::fs::write(&big, vec![b'x'; 32 << 20]).unwrap();
    let server = Server::with(&address.parse().unwrap(), &Cancel::new(), Network::default(), PATIENCE).unwrap();
    let error = server.write("cas/x", Content::File(&big)).unwrap_err();
    assert!(matches!(error, PlaceError::Refused { status: 413, .. }), "{error}");
    assert!(said(&error).contains("client_max_body_size"), "{}", said(&error));
}

#[test]
fn servers_that_know_only_get_and_put_are_asked_with_get() {
    for head in ["405 Method Not Allowed", "501 Not Implemented"] {
        let server = answering(move |first| match first.split(' ').next() {
            Some("HEAD") => status(head, ""),
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbytes".to_owned(),
        });
        assert!(server.has(&Digest::of_bytes("bytes"), 5).unwrap());
        assert!(!server.has(&Digest::of_bytes("bytes"), 6).unwrap());
    }
}
