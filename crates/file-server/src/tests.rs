//! Tests: what is sent, taken and refused.

use std::os::unix::fs::symlink;

use base::digest::Digest;

use super::*;

/// Stops the server when the test ends, however it ends.
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
fn files_pieces_and_nothing_else() {
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
    assert!(matches!(Server::open(&folder.path().join("nowhere"), any), Err(ServeError::File(_))));
    let server = Server::open(&repo, any).unwrap().with_page("/kaon.repo", |address| format!("baseurl={address}\n"));
    let (address, cancel) = (server.address().unwrap(), Cancel::new());
    thread::scope(|scope| {
        scope.spawn(|| server.run(&cancel, &|_, _| {}));
        let _stops = Stops(&cancel);
        let get = |path: &str, more: &str| ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{more}\r\n"));
        let page = format!("\r\n\r\nbaseurl=http://{address}\n");
        let table: [(&str, &str, &str, &str); 13] = [
            ("/repodata/repomd.xml", "", "200 OK", "\r\n\r\n<repomd/>"),
            ("/Packages/a%2Bb.rpm", "", "200 OK", "\r\n\r\n0123456789"),
            ("/Packages/a+b.rpm?x", "Range: bytes=4-\r\n", "206 Partial", "bytes 4-9/10\r\n\r\n456789"),
            ("/Packages/a+b.rpm", "Range: bytes=10-\r\n", "416 ", "\r\n\r\n"),
            ("/Packages/a+b.rpm", "Range: bytes=2-3\r\n", "200 OK", "\r\n\r\n0123456789"),
            ("/kaon.repo", "", "200 OK", &page),
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

#[test]
fn uploads_are_complete_wanted_and_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let content = Digest::of_bytes("0123456789");
    let accepts: fn(&str) -> Option<Accepted> = |name| match name.split_once('/')? {
        ("cas", digest) => digest.parse().ok().map(Accepted::With),
        ("ac", _) => Some(Accepted::UpTo(20)),
        _ => None,
    };
    let uploads = Uploads { accepts, authorizations: vec!["Bearer secret".to_owned()] };
    let server = Server::open(folder.path(), "127.0.0.1:0".parse().unwrap()).unwrap().with_uploads(uploads);
    let (address, cancel) = (server.address().unwrap(), Cancel::new());
    thread::scope(|scope| {
        scope.spawn(|| server.run(&cancel, &|_, _| {}));
        let _stops = Stops(&cancel);
        let put = |path: &str, authorization: &str, length: usize, content: &str| {
            let head = format!("PUT {path} HTTP/1.1\r\nAuthorization: {authorization}\r\nContent-Length: {length}\r\n\r\n");
            ask(address, &(head + content))
        };
        let cas = format!("/cas/{content}");
        for (path, authorization, length, content, status) in [
            (&*cas, "Bearer other", 10, "0123456789", "401 "),
            (&*cas, "Bearer secret", 10, "012345678x", "422 "),
            (&*cas, "Bearer secret", 10, "01234", "422 "),
            ("/cas/nodigest", "Bearer secret", 1, "0", "405 "),
            ("/other", "Bearer secret", 1, "0", "405 "),
            ("/ac/../cas/x", "Bearer secret", 1, "0", "400 "),
            ("/ac/entry", "Bearer secret", 21, "0", "413 "),
            ("/ac/entry", "Bearer secret", 10, "01234", "422 "),
        ] {
            let said = put(path, authorization, length, content);
            assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{path} {content}: {said}");
        }
        let left: Vec<_> = walk(folder.path());
        assert_eq!(left, Vec::<String>::new());
        assert!(put(&cas, "Bearer secret", 10, "0123456789").starts_with("HTTP/1.1 201 "));
        assert!(put("/ac/entry", "Bearer secret", 3, "new").starts_with("HTTP/1.1 201 "));
        assert_eq!(walk(folder.path()), ["ac/entry".to_owned(), format!("cas/{content}")]);
        assert!(ask(address, &format!("PUT {cas} HTTP/1.1\r\nAuthorization: Bearer secret\r\n\r\n")).starts_with("HTTP/1.1 411 "));
    });
}

/// With a condition, a client that read an older version of a file is refused, so it does not overwrite what another wrote.
#[test]
fn a_file_is_replaced_only_if_it_is_still_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let accepts: fn(&str) -> Option<Accepted> = |_| Some(Accepted::UpTo(20));
    let uploads = Uploads { accepts, authorizations: vec!["Bearer secret".to_owned()] };
    let server = Server::open(folder.path(), "127.0.0.1:0".parse().unwrap()).unwrap().with_uploads(uploads);
    let (address, cancel) = (server.address().unwrap(), Cancel::new());
    thread::scope(|scope| {
        scope.spawn(|| server.run(&cancel, &|_, _| {}));
        let _stops = Stops(&cancel);
        let put = |condition: &str, content: &str| {
            let length = content.len();
            let head = format!("PUT /ac/x HTTP/1.1\r\nAuthorization: Bearer secret\r\nContent-Length: {length}\r\n{condition}\r\n\r\n");
            ask(address, &(head + content)).split(' ').nth(1).unwrap().to_owned()
        };
        let tag = || {
            let said = ask(address, "GET /ac/x HTTP/1.1\r\n\r\n");
            said.lines().find_map(|line| line.strip_prefix("ETag: ")).unwrap().to_owned()
        };
        assert_eq!(put("If-Match: *", "first"), "412");
        assert_eq!(put("If-None-Match: *", "first"), "201");
        assert_eq!(put("If-None-Match: *", "other"), "412");
        let first = tag();
        assert_eq!(put(&format!("If-Match: \"x\", {first}"), "second"), "201");
        assert_eq!(put(&format!("If-Match: {first}"), "third"), "412");
        assert_eq!(fs::read(folder.path().join("ac/x")).unwrap(), b"second");
        assert_ne!(tag(), first);
        assert!(ask(address, "GET /ac/x HTTP/1.1\r\n\r\n").ends_with("\r\n\r\nsecond"));
        assert_eq!(put("X-Nothing: x", "third"), "201");
    });
    assert_eq!(walk(folder.path()), ["ac/x"]);
}

#[test]
fn clients_that_ask_for_nothing_do_not_keep_others_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    let server = Server::open(folder.path(), "127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, cancel) = (server.address().unwrap(), Cancel::new());
    thread::scope(|scope| {
        scope.spawn(|| server.run(&cancel, &|_, _| {}));
        let _stops = Stops(&cancel);
        let begin = |_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /file HTTP/1.1\r\nHost:").unwrap();
            stream
        };
        let mut half: Vec<TcpStream> = (0..connection::MOST_CONNECTIONS + 20).map(begin).collect();
        assert!(ask(address, "GET /file HTTP/1.1\r\n\r\n").ends_with("\r\n\r\ncontent"));
        // Whoever still has a place can go on, but not for ever.
        let mut last = half.pop().unwrap();
        last.write_all(b" x\r\n\r\n").unwrap();
        let mut said = String::new();
        last.read_to_string(&mut said).unwrap();
        assert!(said.ends_with("content"), "{said}");
    });
}

#[test]
fn a_request_ends_at_its_time_however_it_is_divided() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let dripping = thread::spawn(move || {
        // Each byte comes soon, and the end never.
        while client.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let late = request::read(&mut io::BufReader::new(Until::new(&stream, Duration::from_millis(200)))).unwrap_err();
    assert!(is_late(&late), "{late}");
    drop(stream);
    dripping.join().unwrap();
}

/// The files below a folder.
fn walk(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}
