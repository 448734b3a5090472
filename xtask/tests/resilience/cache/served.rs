//! Caches that are written over HTTP.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Published;
use crate::resilience::project::{Project, files, text};

/// `cache serve` in the background, until the test ends.
struct Serving {
    child: Child,
    /// A program whose output nobody reads ends.
    _output: BufReader<ChildStdout>,
    address: String,
}

impl Serving {
    fn new(project: &Project, directory: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["--json", "cache", "serve"]).arg(directory).args(["--listen", "127.0.0.1:0"]).args(arguments);
        command.current_dir(project.path("")).env("KAON_CACHE_TOKEN", "s3cret").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut first, mut output) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        output.read_line(&mut first).unwrap();
        let document: Value = serde_json::from_str(&first).unwrap_or_else(|error| panic!("{error}: {first}"));
        let address = format!("http://{}", document["address"].as_str().unwrap());
        Self { child, _output: output, address }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_server_takes_what_it_lacks_from_those_who_know_its_token() {
    let published = Published::new();
    let project = &published.project;
    let served = project.path("served");
    fs::create_dir(&served).unwrap();
    let serving = Serving::new(project, &served, &["--writable"]);
    let push = |address: &str, token: &str| {
        let mut command =
            project.command(&project.path("first"), &["cache", "push", "--to", address, "--name", "first", "--with", "sources"]);
        command.env("KAON_CACHE_TOKEN", token).output().unwrap()
    };
    for (address, token) in
        [(serving.address.clone(), ""), (serving.address.clone(), "guessed"), (serving.address.replace("://", "://kaon:bad@"), "")]
    {
        let refused = push(&address, token);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("it answered 401") && said.contains("KAON_CACHE_TOKEN") && !said.contains("bad"), "{said}");
        assert_eq!(files(&served), Default::default());
    }
    let pushed = push(&serving.address, "s3cret");
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    assert!(text(&pushed.stdout).contains("3 results added, 0 were there; 4 files"), "{}", text(&pushed.stdout));
    // A password does as well, and nothing is sent twice.
    let again = push(&serving.address.replace("://", "://kaon:s3cret@"), "");
    assert!(text(&again.stdout).contains("0 results added, 3 were there; 0 files"), "{}{}", text(&again.stdout), text(&again.stderr));
    let mut expected = files(&published.cache());
    let mut found = files(&served);
    // Signatures are made with random numbers; the packages are the same.
    for all in [&mut expected, &mut found] {
        all.retain(|path, _| path.starts_with("cas/") && published.digests.values().any(|digest| path.ends_with(digest.as_str())));
    }
    assert_eq!(found, expected);
    assert_eq!(published.user("second").trusts().builds_with(&serving.address), (vec![], vec![]));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn nothing_but_a_cache_is_served() {
    let published = Published::new();
    let project = &published.project;
    fs::write(published.cache().join("secret"), "x").unwrap();
    let serving = Serving::new(project, &published.cache(), &[]);
    let client = sdk::apt::Client::Builtin;
    let status = |path: &str| {
        let item = sdk::apt::Download::new(format!("{}/{path}", serving.address), project.path("got"));
        let patience = sdk::apt::Patience::new(0, 10);
        sdk::apt::download(client, &[item], patience, &|_| {}, &runtime::cancel::Cancel::new()).unwrap().remove(0)
    };
    assert_eq!(status("builder.toml"), sdk::apt::Outcome::Fetched);
    assert_eq!(status("secret"), sdk::apt::Outcome::NotFound);
    for (directory, expected) in
        [("specs", "there is no cache in `specs`"), ("specs/lib/package.toml", "is a file, not the directory of a cache")]
    {
        let output = project.run(&project.path("first"), &["cache", "serve", directory]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_server_that_takes_nothing_says_so_and_uploads_need_a_token() {
    let published = Published::new();
    let project = &published.project;
    let serving = Serving::new(project, &published.cache(), &[]);
    // It has everything but the new name.
    let output = project.run(&project.path("first"), &["cache", "push", "--to", &serving.address, "--name", "new"]);
    let said = text(&output.stderr);
    assert!(said.contains("it answered 405") && said.contains("does not allow PUT"), "{said}");
    let mut command = project.command(&project.path("first"), &["cache", "serve", "cache", "--writable"]);
    let output = command.env_remove("KAON_CACHE_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let output = project.run(&project.path("first"), &["cache", "push"]);
    assert!(text(&output.stderr).contains("there is no cache to write to"), "{}", text(&output.stderr));
}
