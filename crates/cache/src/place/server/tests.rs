//! Tests: what answers of servers mean.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use super::*;

/// A server that answers each request, of which it gets the first line, and then hangs up.
fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: Mirror = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
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
    Server::new(&address, &Cancel::new()).unwrap()
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
    let (asked, seen) = (std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)), std::sync::atomic::Ordering::SeqCst);
    let count = std::sync::Arc::clone(&asked);
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
