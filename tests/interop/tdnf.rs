//! Transactions of tdnf on a system, judged by the programs of RPM: what it installs, `rpm -V` finds unchanged, `rpmdb` finds nothing to
//! mend, and either goes on where the other left off.
//!
//! They need the SDK's `test` layer, so they run only when asked for: `cargo test -p xtask --test interop_tdnf -- --ignored`.

#![allow(clippy::print_stderr, reason = "it tells what is not compared")]

mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rpm::{Dependency, FileOptions, PackageBuilder};
use rpm_engine::history::Reason;
use rpm_engine::rpmdb;
use rpm_engine::system::System;
use rpm_engine::transaction::{Settings, Step};
use rusqlite::Connection;
use testing::packages::{TIME, text, verified};

struct World {
    shared: tools::World,
    root: PathBuf,
}

impl World {
    fn new() -> Self {
        let shared = tools::World::new();
        let root = shared.make("root");
        Self { shared, root }
    }

    /// Runs a program of RPM on the root, and returns what it prints whether it succeeds or not.
    fn any(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let root = self.shared.inside(&self.root);
        let said = self.shared.try_run(program, &[&["--root", &root, "--dbpath", rpmdb::DIRECTORY], arguments].concat());
        (said.is_success, said.stdout + &said.stderr)
    }

    fn rpm(&self, program: &str, arguments: &[&str]) -> String {
        let (done, text) = self.any(program, arguments);
        assert!(done, "{program} {arguments:?}: {text}");
        text
    }

    fn apply(&self, steps: &[Step]) {
        System::open(&self.root).unwrap().lock().unwrap().apply(steps, &Settings::new(TIME, "a test")).unwrap();
    }

    fn step(&self, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Step {
        let package = verified(&self.shared.path(""), name, version, fill);
        match self.number(name) {
            Some(number) => Step::Upgrade { package, from: vec![number], obsoleted: Vec::new() },
            None => Step::Install { package, obsoleted: Vec::new(), reason: Reason::User },
        }
    }

    fn number(&self, name: &str) -> Option<u32> {
        let installed = System::open(&self.root).unwrap().installed().unwrap();
        installed.iter().find(|one| one.package.package.nevra.name == name).map(|one| one.package.number)
    }

    fn erase(&self, name: &str) -> Step {
        Step::Erase { number: self.number(name).unwrap() }
    }

    /// What `rpm -V` finds changed. File capabilities, which only root can set, are compared where the tests run as root.
    fn verdict(&self, what: &[&str]) -> String {
        let left_out: &[&str] = if nix::unistd::geteuid().is_root() {
            &[]
        } else {
            eprintln!("file capabilities are not compared: only root can set them");
            &["--nocaps"]
        };
        self.any("rpm", &[what, &["--nodeps"], left_out].concat()).1
    }

    /// RPM's own verdict: the packages, all unchanged, and a database with nothing to repair.
    fn agrees(&self, expected: &[&str]) {
        let all = self.rpm("rpm", &["-qa"]);
        let mut names: Vec<&str> = all.lines().collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        let ours = System::open(&self.root).unwrap().installed().unwrap();
        let mut ours: Vec<String> = ours.iter().map(|one| one.package.package.nevra.to_string()).collect();
        ours.sort_unstable();
        assert_eq!(ours, expected);
        assert_eq!(self.verdict(&["-Va"]), "");
        self.rpm("rpmdb", &["--verifydb"]);
        let before = tables(&self.root.join(&rpmdb::FILE[1..]));
        let copy = World::new();
        fs::create_dir_all(copy.root.join(&rpmdb::DIRECTORY[1..])).unwrap();
        fs::copy(self.root.join(&rpmdb::FILE[1..]), copy.root.join(&rpmdb::FILE[1..])).unwrap();
        copy.rpm("rpmdb", &["--rebuilddb"]);
        let after = tables(&copy.root.join(&rpmdb::FILE[1..]));
        for (table, rows) in &after {
            assert_eq!(before.get(table), Some(rows), "table {table}");
        }
        assert_eq!(before.len(), after.len());
    }
}

/// The rows of every table, packages numbered by their order: making the database again gives them other numbers.
fn tables(file: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(file).unwrap();
    let strings = |query: &str| -> Vec<String> {
        let mut statement = connection.prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let names = strings("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name");
    let mut tables = BTreeMap::new();
    for name in names {
        let number = "(SELECT count(*) FROM Packages AS p WHERE p.hnum < t.hnum)";
        let rows = match name.as_str() {
            "Packages" => strings("SELECT hex(blob) FROM Packages ORDER BY hnum"),
            _ => strings(&format!("SELECT {number} || ' ' || idx || ' ' || hex(key) FROM '{name}' AS t ORDER BY 1")),
        };
        tables.insert(name, rows);
    }
    tables
}

fn library(version: &'static str) -> impl FnOnce(&mut PackageBuilder) {
    move |builder| {
        builder.provides(Dependency::eq("libx.so.1", version));
        builder.with_dir_entry(FileOptions::dir("/usr/lib").permissions(0o755)).unwrap();
        builder.with_dir_entry(FileOptions::dir("/var/lib/x").permissions(0o750)).unwrap();
        text(builder, &format!("/usr/lib/libx.so.1.{version}"), version);
        builder.with_symlink(FileOptions::symlink("/usr/lib/libx.so.1", format!("libx.so.1.{version}"))).unwrap();
        builder.with_ghost(FileOptions::ghost("/var/lib/x/state")).unwrap();
        let caps = FileOptions::new("/usr/bin/x-ping").permissions(0o755).caps("cap_net_raw=ep").unwrap();
        builder.with_file_contents("ping", caps).unwrap();
        builder.with_file_contents("same", FileOptions::new("/usr/share/x/a").hardlink("h")).unwrap();
        builder.with_file_contents("same", FileOptions::new("/usr/share/x/b").hardlink("h")).unwrap();
        builder.with_file_contents(version, FileOptions::new("/etc/x.conf").permissions(0o4640).config().noreplace()).unwrap();
        text(builder, "/usr/share/licence", "MIT");
    }
}

fn tool(builder: &mut PackageBuilder) {
    builder.requires(Dependency::any("libx.so.1")).requires(Dependency::any("(libx.so.1 or other)"));
    builder.recommends(Dependency::any("nice"));
    builder.conflicts(Dependency::less("rival", "2"));
    builder.obsoletes(Dependency::less("older", "1"));
    text(builder, "/usr/bin/tool", "tool");
    text(builder, "/usr/share/licence", "MIT");
}

#[test]
#[ignore = "needs the SDK"]
fn rpm_agrees_after_every_transaction() {
    let world = World::new();
    world.apply(&[world.step("tool", "1", tool), world.step("lib", "1", library("1"))]);
    world.agrees(&["lib-1-1.noarch", "tool-1-1.noarch"]);
    assert_eq!(world.rpm("rpm", &["-qf", "/usr/bin/tool"]).trim(), "tool-1-1.noarch");
    assert_eq!(world.rpm("rpm", &["-q", "--whatprovides", "libx.so.1"]).trim(), "lib-1-1.noarch");
    world.apply(&[world.step("lib", "2", library("2"))]);
    world.agrees(&["lib-2-1.noarch", "tool-1-1.noarch"]);
    assert_eq!(world.rpm("rpm", &["-qc", "lib"]).trim(), "/etc/x.conf");
    // An edited file is what RPM says it is, before and after.
    let config = world.root.join("etc/x.conf");
    let mode = fs::metadata(&config).unwrap().permissions();
    fs::write(&config, "mine").unwrap();
    // Of what an ordinary user writes to, the kernel takes the set-user-id bit away.
    fs::set_permissions(&config, mode).unwrap();
    let verdict = |world: &World| world.verdict(&["-V", "lib"]);
    assert_eq!(verdict(&world).trim(), "S.5....T.  c /etc/x.conf");
    world.apply(&[world.step("lib", "3", library("3"))]);
    assert!(verdict(&world).contains("c /etc/x.conf"), "{}", verdict(&world));
    assert_eq!(fs::read_to_string(world.root.join("etc/x.conf.rpmnew")).unwrap(), "3");
    fs::rename(world.root.join("etc/x.conf.rpmnew"), world.root.join("etc/x.conf")).unwrap();
    world.agrees(&["lib-3-1.noarch", "tool-1-1.noarch"]);
    world.apply(&[world.erase("lib")]);
    world.agrees(&["tool-1-1.noarch"]);
    world.apply(&[world.erase("tool")]);
    world.agrees(&[]);
    assert!(!world.root.join("usr/share/licence").exists());
}

#[test]
#[ignore = "needs the SDK"]
fn either_goes_on_where_the_other_left_off() {
    let world = World::new();
    world.apply(&[world.step("lib", "1", library("1")), world.step("tool", "1", tool)]);
    world.rpm("rpm", &["-e", "tool"]);
    world.agrees(&["lib-1-1.noarch"]);
    assert!(!world.root.join("usr/bin/tool").exists() && world.root.join("usr/share/licence").exists());
    let path = world.shared.inside(&world.shared.path("tool-1.rpm"));
    world.rpm("rpm", &["-i", "--nosignature", &path]);
    world.agrees(&["lib-1-1.noarch", "tool-1-1.noarch"]);
    world.apply(&[world.step("tool", "2", tool), world.step("lib", "2", library("2"))]);
    world.agrees(&["lib-2-1.noarch", "tool-2-1.noarch"]);
    let path = world.shared.inside(&world.shared.path("lib-1.rpm"));
    world.rpm("rpm", &["-U", "--oldpackage", "--nosignature", &path]);
    world.agrees(&["lib-1-1.noarch", "tool-2-1.noarch"]);
    world.apply(&[world.erase("tool"), world.erase("lib")]);
    world.agrees(&[]);
}

/// The same steps by RPM and by us leave the same files behind.
#[test]
#[ignore = "needs the SDK"]
fn configuration_ends_up_where_rpm_puts_it() {
    let config = |content: &'static str, noreplace: bool| {
        move |builder: &mut PackageBuilder| {
            let options = FileOptions::new("/etc/x.conf").config();
            builder.with_file_contents(content, if noreplace { options.noreplace() } else { options }).unwrap();
        }
    };
    // First version, edited to, second version, noreplace, erased at the end.
    let cases = [
        ("one", None, Some("two"), false, false),
        ("one", Some("mine"), Some("two"), false, false),
        ("one", Some("mine"), Some("two"), true, true),
        ("one", Some("mine"), Some("one"), false, true),
        ("one", Some("two"), Some("two"), true, false),
        ("one", Some("mine"), None, false, true),
        ("one", None, None, true, true),
    ];
    for case in cases {
        let (first, edit, second, noreplace, erased) = case;
        let [ours, theirs] = [true, false].map(|by_us| {
            let world = World::new();
            let put = |name: &str, step: Step| match by_us {
                true => world.apply(&[step]),
                false => drop(world.rpm("rpm", &["-U", "--nosignature", &world.shared.inside(&world.shared.path(name))])),
            };
            fs::create_dir_all(world.root.join("etc")).unwrap();
            fs::write(world.root.join("etc/x.conf"), "before").unwrap();
            put("x-1.rpm", world.step("x", "1", config(first, noreplace)));
            if let Some(edit) = edit {
                fs::write(world.root.join("etc/x.conf"), edit).unwrap();
            }
            if let Some(second) = second {
                put("x-2.rpm", world.step("x", "2", config(second, noreplace)));
            }
            if erased {
                match by_us {
                    true => world.apply(&[world.erase("x")]),
                    false => drop(world.rpm("rpm", &["-e", "x"])),
                }
            }
            let mut files: Vec<(String, String)> = fs::read_dir(world.root.join("etc"))
                .unwrap()
                .map(|entry| entry.unwrap())
                .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
                .collect();
            files.sort();
            files
        });
        assert_eq!(ours, theirs, "{case:?}");
    }
}
