//! The configuration of nginx in `docs/src/cache.md`, word by word, except for paths, address and port.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Published;
use crate::resilience::project::{files, flip_a_byte, text};

/// nginx, until the test ends.
struct Nginx {
    child: Child,
    /// The address of the cache, with `{user}` before the host.
    address: String,
}

/// The block of configuration in the documentation.
fn documented() -> String {
    let page = fs::read_to_string(top().join("docs/src/cache.md")).unwrap();
    let (_, rest) = page.split_once("```nginx\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A certificate for loopback, and the authority that signed it.
fn certificate(name: &str) -> PathBuf {
    top().join("crates/remote/tests/tls").join(name)
}

impl Nginx {
    /// Serves `folder`, which is empty; all else that nginx writes goes to `own`.
    fn new(folder: &Path, own: &Path) -> Self {
        fs::create_dir_all(own).unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(own.join("htpasswd"), "ci:{PLAIN}s3cret\n").unwrap();
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut server = documented();
        for (from, to) in [
            ("listen 443 ssl", format!("listen {host} ssl")),
            ("/srv/kaon/", format!("{}/", folder.display())),
            ("/etc/nginx/kaon.htpasswd", own.join("htpasswd").display().to_string()),
            ("/etc/nginx/cache.pem", certificate("server.pem").display().to_string()),
            ("/etc/nginx/cache.key", certificate("server.key").display().to_string()),
        ] {
            assert!(server.contains(from), "the documented configuration has no `{from}`");
            server = server.replace(from, &to);
        }
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", own.display()))
            .concat();
        let (log, process) = (own.join("error.log"), own.join("pid"));
        let configuration = format!(
            "daemon off;\nerror_log {};\npid {};\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{server}}}\n",
            log.display(),
            process.display()
        );
        fs::write(own.join("nginx.conf"), configuration).unwrap();
        let mut command = Command::new("nginx");
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        command.arg("-e").arg(&log).arg("-c").arg(own.join("nginx.conf")).stdin(Stdio::null());
        let child = command.spawn().unwrap();
        wait(host, &log);
        Self { child, address: format!("https://{{user}}{host}/kaon") }
    }

    fn address(&self, user: &str) -> String {
        self.address.replace("{user}", user)
    }
}

fn wait(host: SocketAddr, log: &Path) {
    let begun = Instant::now();
    while TcpStream::connect(host).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nginx does not listen: {:?}", fs::read_to_string(log));
        thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its main process ends those that serve.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.child.id().cast_signed()), nix::sys::signal::Signal::SIGTERM);
        self.child.wait().unwrap();
    }
}

fn push(published: &Published, address: &str) -> Output {
    let project = &published.project;
    let mut command = project.command(&project.path("first"), &["cache", "push", "--to", address, "--name", "first", "--with", "sources"]);
    command.env("SSL_CERT_FILE", certificate("ca.pem")).env_remove("KAON_CACHE_TOKEN").output().unwrap()
}

#[test]
#[ignore = "needs nginx and the SDK"]
fn the_documented_configuration_takes_and_gives() {
    let published = Published::new();
    let served = published.project.path("served");
    let nginx = Nginx::new(&served, &published.project.path("nginx"));
    for user in ["", "ci:guessed@"] {
        let refused = push(&published, &nginx.address(user));
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{user}: {said}");
        assert!(said.contains("it answered 401") && !said.contains("guessed"), "{user}: {said}");
        assert_eq!(files(&served), Default::default(), "{user}");
    }
    let pushed = push(&published, &nginx.address("ci:s3cret@"));
    let shown = text(&pushed.stdout);
    assert!(pushed.status.success() && shown.contains("3 results added, 0 were there; 4 files"), "{shown}{}", text(&pushed.stderr));
    let before = files(&served);
    let again = push(&published, &nginx.address("ci:s3cret@"));
    assert!(text(&again.stdout).contains("0 results added, 3 were there; 0 files"), "{}", text(&again.stdout));
    assert_eq!(files(&served), before);
    // Everybody reads.
    let reads = |name: &str| {
        let user = published.user(name).trusts();
        let mut command = user.command(&["--json", "--debian-client", "builtin", "--cache", &nginx.address(""), "build"]);
        let output = command.env("SSL_CERT_FILE", certificate("ca.pem")).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stdout));
        assert_eq!(crate::resilience::project::packages(&output), published.digests);
        (super::built(&output), super::warnings(&output))
    };
    assert_eq!(reads("second"), (vec![], vec![]));
    // What somebody with the password changed is noticed.
    flip_a_byte(&served.join("cas").join(&published.digests["lib"]));
    let (built, warnings) = reads("third");
    assert_eq!((built, warnings.len()), (vec!["lib".to_owned()], 1), "{warnings:?}");
}
