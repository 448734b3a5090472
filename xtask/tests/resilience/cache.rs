//! Results of another builder: used if a trusted builder signed them, and otherwise built, whatever state the cache is in.

mod grpc;
mod needed;
mod nginx;
mod served;
mod several;
mod stopped;
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

use super::project::{Project, check_store, events, files, flip_a_byte, packages, text};

/// A project, the results of its first builder, and that builder's cache.
struct Published {
    project: Project,
    digests: BTreeMap<String, String>,
}

impl Published {
    fn new() -> Self {
        Self::with("")
    }

    /// With `extra` in the script of `app`.
    fn with(extra: &str) -> Self {
        Self::of(Project::with(extra))
    }

    fn of(project: Project) -> Self {
        let digests = project.build(&project.store("first"));
        let published = Self { project, digests };
        let output =
            published.project.run(&published.project.path("first"), &["cache", "export", "cache", "--name", "first", "--with", "sources"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        published
    }

    fn cache(&self) -> PathBuf {
        self.project.path("cache")
    }

    /// Another user of the same project, with a separate store, keys and settings.
    fn user(&self, name: &str) -> User<'_> {
        User { published: self, store: self.project.store(&format!("store-{name}")), home: self.project.path(&format!("home-{name}")) }
    }

    /// The file of a package in the cache.
    fn package(&self, name: &str) -> PathBuf {
        self.cache().join("cas").join(&self.digests[name])
    }

    /// The entry of the result with a package.
    fn entry(&self, package: &str) -> PathBuf {
        let digest = self.digests[package].as_bytes();
        let names = |content: &[u8]| content.windows(digest.len()).any(|window| window == digest);
        let (path, _) = files(&self.cache().join("ac")).into_iter().find(|(_, content)| names(content)).unwrap();
        self.cache().join("ac").join(path)
    }
}

struct User<'a> {
    published: &'a Published,
    store: PathBuf,
    home: PathBuf,
}

impl User<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("--store").arg(&self.store).arg("--keys").arg(self.home.join("keys")).args(arguments);
        command.env("XDG_CONFIG_HOME", &self.home).current_dir(self.published.project.path(""));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn trusts(self) -> Self {
        let output = self.run(&["cache", "trust", "cache"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        self
    }

    /// Builds successfully with a cache. Returns what was built here, and the warnings.
    fn builds_with(&self, cache: &str) -> (Vec<String>, Vec<String>) {
        self.builds_by("auto", cache)
    }

    /// The same, with a client that fetches.
    fn builds_by(&self, client: &str, cache: &str) -> (Vec<String>, Vec<String>) {
        let output = self.run(&["--json", "--debian-client", client, "--cache", cache, "build"]);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(packages(&output), self.published.digests);
        check_store(&self.store);
        (built(&output), warnings(&output))
    }
}

/// The packages that were built.
fn built(output: &Output) -> Vec<String> {
    let built = events(output).into_iter().filter(|event| event["kind"] == "finished" && event["outcome"] == "built");
    let package = |event: Value| Some(event["unit"].as_str()?.strip_prefix("package ")?.to_owned());
    let mut built: Vec<String> = built.filter_map(package).collect();
    built.sort();
    built
}

fn warnings(output: &Output) -> Vec<String> {
    let warnings = events(output).into_iter().filter(|event| event["kind"] == "warning");
    warnings.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// How a server treats requests.
#[derive(Clone, Copy)]
enum Manner {
    Serves,
    Answers(&'static str),
    /// To those who want packages; entries are served.
    AnswersForPackages(&'static str),
    /// As networks do before a login.
    ShowsAPage,
    HangsUp,
}

/// Serves a folder on loopback until the test ends, and returns its address.
fn serve(folder: &Path, manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, folder) = (format!("http://{}/kaon", listener.local_addr().unwrap()), folder.to_owned());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, folder) = (stream.unwrap(), folder.clone());
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                while let Some(request) = lines.next() {
                    lines.by_ref().find(|line| line.is_empty());
                    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches("/kaon/").to_owned();
                    let (status, body) = match manner {
                        Manner::HangsUp => return,
                        Manner::Answers(status) => (status, Vec::new()),
                        Manner::AnswersForPackages(status) if path.starts_with("cas/") => (status, Vec::new()),
                        Manner::ShowsAPage => ("200 OK", b"\n<!DOCTYPE html><title>Log in</title>".to_vec()),
                        Manner::Serves | Manner::AnswersForPackages(_) => {
                            fs::read(folder.join(path)).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body))
                        }
                    };
                    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
                    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_trusted_builders_results_are_taken_and_stay() {
    let published = Published::new();
    let user = published.user("second").trusts();
    // Nothing is compiled, and no source is fetched.
    fs::remove_dir_all(published.project.path("mirror")).unwrap();
    let plan = text(&user.run(&["--cache", "cache", "plan"]).stdout);
    assert!(plan.contains("shared   app") && plan.contains("0 to build or check, 0 cached, 3 shared ("), "{plan}");
    let checked = text(&user.run(&["--cache", "cache", "cache", "check"]).stdout);
    assert!(checked.contains("3 of 3 results") && checked.contains("signed by first\n0 at hand, 0 to build or check\n"), "{checked}");
    let output = user.run(&["--json", "--cache", "cache", "--cache-only", "build"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!((packages(&output), built(&output), warnings(&output)), (published.digests.clone(), vec![], vec![]));
    check_store(&user.store);
    // Afterwards they count as built: no cache is needed, and `gc` keeps them.
    let kept = user.run(&["gc", "--keep-days", "0"]);
    assert!(kept.status.success(), "{}", text(&kept.stderr));
    let again = user.run(&["--json", "build"]);
    assert_eq!((packages(&again), built(&again)), (published.digests.clone(), vec![]));
    let result: Value = serde_json::from_str(text(&again.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(result["app"]["shared"]["builders"][0], "first");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn results_without_a_trusted_signature_are_built() {
    let published = Published::new();
    let user = published.user("second");
    let refused = user.run(&["--json", "--cache", "cache", "--cache-only", "build"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stdout) + &text(&refused.stderr);
    assert!(said.contains("no cache has a result for `lib`, `more`, `app`, and `--cache-only` builds nothing"), "{said}");
    let (built, warnings) = user.builds_with("cache");
    assert_eq!((built, warnings.len()), (["app", "lib", "more"].map(str::to_owned).to_vec(), 1), "{warnings:?}");
    assert!(warnings[0].contains("no trusted builder signed it") && warnings[0].contains("cargo xtask cache trust"), "{warnings:?}");
    // Another builder with the same name is not trusted.
    let user = published.user("third").trusts();
    let other = user.run(&["cache", "export", "elsewhere"]);
    assert!(text(&other.stderr).contains("nothing that was asked for is built here"), "{}", text(&other.stderr));
    user.builds_with("");
    let exported = user.run(&["cache", "export", "elsewhere", "--name", "first"]);
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let again = user.run(&["cache", "trust", "elsewhere"]);
    assert!(text(&again.stderr).contains("another builder is trusted as `first` already"), "{}", text(&again.stderr));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_damaged_cache_does_not_stop_a_build() {
    let published = Published::new();
    let cut = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let entries = ["lib", "app"].map(|name| published.entry(name));
    for (what, change, said) in [
        ("a flipped byte", Box::new(|| flip_a_byte(&published.package("lib"))) as Box<dyn Fn()>, "and "),
        ("a short package", Box::new(|| cut(&published.package("lib"))), "bytes, and"),
        ("a long package", Box::new(|| fs::write(published.package("lib"), vec![b'x'; 8 << 20]).unwrap()), "bytes"),
        ("no package", Box::new(|| fs::remove_file(published.package("lib")).unwrap()), "does not have it any more"),
        ("a short entry", Box::new(|| cut(&entries[0])), "its entry is damaged"),
        ("a changed entry", Box::new(|| flip_a_byte(&entries[0])), ""),
        ("another build's entry", Box::new(|| assert!(fs::copy(&entries[1], &entries[0]).is_ok())), "signed for another build"),
        ("no entry", Box::new(|| fs::remove_file(&entries[0]).unwrap()), ""),
    ] {
        let whole = files(&published.cache());
        change();
        let user = published.user(&what.replace(' ', "-")).trusts();
        let (built, warnings) = user.builds_with("cache");
        assert_eq!(built, ["lib"], "{what}: {warnings:?}");
        assert!(said.is_empty() || warnings.iter().any(|warning| warning.contains(said)), "{what}: {warnings:?}");
        for (path, content) in whole {
            fs::write(published.cache().join(path), content).unwrap();
        }
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_server_is_as_good_as_a_folder_and_a_bad_one_stops_nothing() {
    let published = Published::new();
    let user = published.user("served").trusts();
    assert_eq!(user.builds_with(&serve(&published.cache(), Manner::Serves)), (vec![], vec![]));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (what, address, said) in [
        ("dead", format!("http://{closed}/kaon"), "is not used"),
        ("locked", serve(&published.cache(), Manner::Answers("401 Unauthorized")), "wants a user and a password"),
        (
            "proxied",
            serve(&published.cache(), Manner::Answers("407 Proxy Authentication Required")),
            "is not used: the server answered 407 Proxy Authentication Required: the proxy wants a user and a password",
        ),
        (
            "overloaded",
            serve(&published.cache(), Manner::Answers("503 Service Unavailable")),
            "is not used: the server answered 503 Service Unavailable, which may pass; a later run asks it again",
        ),
        (
            "halfway",
            serve(&published.cache(), Manner::AnswersForPackages("503 Service Unavailable")),
            "is not used: the server answered 503 Service Unavailable, which may pass; a later run asks it again",
        ),
        ("broken", serve(&published.cache(), Manner::Answers("500 Internal Server Error")), "is not used"),
        ("closing", serve(&published.cache(), Manner::HangsUp), "is not used"),
        ("page", serve(&published.cache(), Manner::ShowsAPage), "is not used: it answers with a web page"),
        ("forbidding", serve(&published.cache(), Manner::Answers("403 Forbidden")), "there seems to be no cache at `http://127.0.0.1:"),
    ] {
        for client in ["auto", "builtin"] {
            let (built, warnings) = published.user(&format!("{what}-{client}")).trusts().builds_by(client, &address);
            assert_eq!(built, ["app", "lib", "more"], "{what} {client}");
            assert_eq!(warnings.len(), 1, "{what} {client}: {warnings:?}");
            assert!(warnings.iter().all(|warning| warning.contains(said)), "{what} {client}: {warnings:?}");
        }
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn sources_come_from_the_cache_when_their_origin_is_gone() {
    let published = Published::new();
    fs::remove_dir_all(published.project.path("mirror")).unwrap();
    fs::remove_dir_all(published.cache().join("ac")).unwrap();
    assert_eq!(published.user("second").builds_with("cache").0, ["app", "lib", "more"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn results_with_keys_known_only_after_a_build_are_taken() {
    let published = Published::new();
    let spec = published.project.path("specs/more/package.toml");
    let text = fs::read_to_string(&spec).unwrap();
    // Another key with the same packages.
    fs::write(&spec, text.replace("mkdir -p $DESTDIR", "true\nmkdir -p $DESTDIR")).unwrap();
    let (built, warnings) = published.user("second").trusts().builds_with("cache");
    assert_eq!((built, warnings), (vec!["more".to_owned()], vec![]));
}
