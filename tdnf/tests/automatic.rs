//! `tdnf-automatic` on a small system: what it does, reports and returns.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use testing::packages::KEY;
use testing::packages::repository::{World, build, write_metadata};

const WORLD: &str =
    "[\"app-1-1\"]\nfiles = [\"/usr/bin/app\"]\n[\"app-2-1\"]\nfiles = [\"/usr/bin/app\"]\n[\"other-1-1\"]\n[\"other-2-1\"]\n";

const ADVISORIES: &str = r#"<updates><update type="security"><id>A-1</id><title>other: a hole</title><issued date="2026-01-02 00:00:00"/>
<pkglist><collection><package name="other" epoch="0" version="2" release="1" arch="noarch"/></collection></pkglist></update></updates>
"#;

struct Machine(tempfile::TempDir);

impl Machine {
    /// Two packages are installed, of each of which there is a newer version.
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let (world, folder): (World, _) = (toml::from_str(WORLD).unwrap(), machine.0.path().join("repository"));
        write_metadata(&folder, &build(&folder, &world), ADVISORIES, 100);
        let repo = format!("[base]\nenabled=1\nbaseurl=file://{}\ngpgkey=file:///etc/pki/key.asc\n", folder.display());
        machine.write("root/etc/tdnf/tdnf.conf", "[main]\n");
        machine.write("root/etc/yum.repos.d/base.repo", &repo);
        machine.write("root/etc/pki/key.asc", KEY);
        machine.write("root/etc/hostname", "here\n");
        for name in ["tdnf", "tdnf-automatic", "tdnf-config"] {
            symlink(env!("CARGO_BIN_EXE_tdnf"), machine.0.path().join(name)).unwrap();
        }
        machine.run("tdnf", &["-y", "install", "app-1", "other-1"]);
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn configure(&self, text: &str) {
        self.write("root/etc/tdnf/automatic.conf", text);
    }

    /// Runs the program of this name for the system; its exit code, and what it says.
    fn run(&self, program: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(self.0.path().join(program));
        let root = format!("--installroot={}", self.0.path().join("root").display());
        let output = command.arg(root).args(arguments).env_clear().env("TZ", "UTC").output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    fn automatic(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run("tdnf-automatic", arguments);
        assert_eq!(code, 0, "{said}");
        said
    }

    fn installed(&self) -> String {
        self.run("tdnf", &["-q", "repoquery", "--installed"]).1.replace("-1.noarch\n", " ")
    }

    /// How many packages are in the cache.
    fn fetched(&self) -> usize {
        let folders = fs::read_dir(self.0.path().join("root/var/cache/tdnf")).unwrap();
        folders.map(|folder| fs::read_dir(folder.unwrap().path().join("rpms")).map_or(0, Iterator::count)).sum()
    }
}

#[test]
fn updates_are_reported_fetched_and_applied() {
    let machine = Machine::new();
    machine.configure("[commands]\ndownload_updates = no\n");
    let updates = "app-2-1.noarch\nother-2-1.noarch\n";
    assert!(machine.automatic(&[]).contains(&format!("The following updates are available on here:\n{updates}")));
    machine.configure("[commands]\nupgrade_type = security\n");
    assert!(machine.automatic(&["--notify"]).contains("available on here:\nother-2-1.noarch\n"));
    machine.configure("[commands]\ndownload_updates = no\nshow_updates = no\n");
    assert!(!machine.automatic(&[]).contains("available"));
    assert_eq!(machine.installed(), "app-1 other-1 ");
    machine.configure("[commands]\nupgrade_type = security\napply_updates = yes\n");
    assert!(machine.automatic(&[]).contains("The following updates were applied on here:\nother-2-1.noarch\n"));
    assert_eq!(machine.installed(), "app-1 other-2 ");
    machine.configure("[commands]\nreboot = when-changed\n[emitter]\nsystem_name = there\nemit_to_stdio = no\n");
    assert!(!machine.automatic(&["--install"]).contains("applied on"));
    assert_eq!(machine.installed(), "app-2 other-2 ");
    machine.configure("[emitter]\nsystem_name = there\n");
    assert!(machine.automatic(&["--timer"]).contains("No updates available on there.\n"));
}

#[test]
fn packages_are_only_fetched() {
    let machine = Machine::new();
    // Packages of a directory are used where they are; those of a server are fetched.
    let address = serve(machine.0.path().join("repository"));
    machine.write("root/etc/yum.repos.d/base.repo", &format!("[base]\nenabled=1\nbaseurl={address}\ngpgkey=file:///etc/pki/key.asc\n"));
    machine.configure("");
    assert!(machine.automatic(&[]).contains("The following updates were downloaded on here:\napp-2-1.noarch\nother-2-1.noarch\n"));
    assert_eq!((machine.installed().as_str(), machine.fetched()), ("app-1 other-1 ", 2));
}

#[test]
fn reports_go_to_a_file() {
    let machine = Machine::new();
    let file = machine.0.path().join("report");
    machine.configure(&format!("[emitter]\nemit_to_file = {}\n", file.display()));
    machine.automatic(&["--notify"]);
    machine.automatic(&["--install"]);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("--- ").count(), 2, "{text}");
    assert!(text.contains("available on here") && text.contains("applied on here"), "{text}");
}

#[test]
fn exit_codes() {
    let machine = Machine::new();
    let code = |arguments: &[&str]| machine.run("tdnf-automatic", arguments).0;
    assert_eq!(code(&[]), 2);
    machine.configure("[commands]\napply_updates = perhaps\n");
    assert_eq!(code(&[]), 22);
    machine.configure("[commands]\nnetwork_online_timeout = 0\n");
    assert_eq!((code(&["--nonsense"]), code(&["--conf"]), code(&["--help"]), code(&["--version"])), (22, 1, 0, 0));
    fs::remove_dir_all(machine.0.path().join("repository")).unwrap();
    assert_eq!(code(&[]), 64);
}

#[test]
fn the_program_by_its_other_name() {
    let machine = Machine::new();
    assert_eq!(machine.run("tdnf-config", &["get", "base", "enabled"]), (0, "1\n".to_owned()));
    assert_eq!(machine.run("tdnf-config", &["edit", "base", "enabled=0"]).0, 0);
    assert_eq!(machine.run("tdnf", &["repolist"]).1, machine.run("tdnf", &["repolist", "enabled"]).1);
    assert_eq!(machine.run("tdnf-config", &["get", "base", "nothing"]).0, 4);
}

/// Serves the files of a directory.
fn serve(folder: std::path::PathBuf) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().trim_start_matches('/').to_owned();
            let (status, body) = fs::read(folder.join(path)).map_or(("404 Not Found", Vec::new()), |bytes| ("200 OK", bytes));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    address
}
