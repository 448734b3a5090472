//! Situations that people reported of package managers: what is installed, excluded or offered in unusual ways.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread::spawn;

use support::Machine;

const WORLD: &str = r#"
["app-1-1"]
files = ["/usr/bin/app"]
["app-2-1"]
files = ["/usr/bin/app"]
["macros-1-1"]
requires = ["(det if python else det-nopython)"]
["det-1-1"]
requires = ["python"]
["det-nopython-1-1"]
["python-1-1"]
["kern-1-1"]
provides = ["installonlypkg(kernel)"]
["kern-2-1"]
provides = ["installonlypkg(kernel)"]
["kern-3-1"]
provides = ["installonlypkg(kernel)"]
["kern-4-1"]
provides = ["installonlypkg(kernel)"]
"#;

const ADVISORIES: &str = r#"<updates><update type="security"><id>A-1</id><title>kern: a hole</title><issued date="2026-01-02 00:00:00"/>
<pkglist><collection><package name="kern" epoch="0" version="3" release="1" arch="noarch"/></collection></pkglist></update></updates>
"#;

fn usual() -> Machine {
    Machine::new(WORLD, ADVISORIES)
}

/// rpm#3082: what an installed package requires only beside another comes with that one.
#[test]
fn conditions_of_installed_packages() {
    let machine = usual();
    machine.accepts(&["install", "macros"]);
    assert_eq!(machine.installed(), ["det-nopython-1", "macros-1"]);
    machine.accepts(&["install", "python"]);
    assert_eq!(machine.installed(), ["det-1", "det-nopython-1", "macros-1", "python-1"]);
}

/// ansible#33187: what is excluded and installed is there, however it is named.
#[test]
fn what_is_excluded_may_be_installed() {
    let machine = usual();
    machine.accepts(&["install", "app-1"]);
    for word in ["app", "app-1", "app-1-1", "app.noarch", "app=1"] {
        let said = machine.accepts(&["--setopt=excludepkgs=app*", "install", word]);
        assert!(said.contains("app-1-1.noarch is already installed"), "{word}: {said}");
    }
    machine.refuses(&["--setopt=excludepkgs=app*", "install", "app-2"], "No package app-2 available");
    machine.refuses(&["--setopt=excludepkgs=app*", "install", "ap*"], "No package ap* available");
}

/// dnf5#2754: an older version beside one that is mended needs no further one; an advisory is answered by a newer version.
#[test]
fn security_updates_of_versions_side_by_side() {
    let machine = usual();
    machine.accepts(&["install", "kern-1"]);
    machine.accepts(&["install", "kern-2"]);
    assert!(machine.accepts(&["check-update", "--security"]).contains("kern.noarch"));
    machine.accepts(&["--security", "update"]);
    assert_eq!(machine.installed(), ["kern-2", "kern-4"]);
    let machine = usual();
    machine.accepts(&["install", "kern-2"]);
    machine.accepts(&["install", "kern-3"]);
    assert!(!machine.accepts(&["check-update", "--security"]).contains("kern.noarch"));
    assert!(machine.accepts(&["--security", "update"]).contains("Nothing to do"));
    assert_eq!(machine.installed(), ["kern-2", "kern-3"]);
}

/// dnf5#2781: a repository that goes before others does so for versions side by side, too.
#[test]
fn priorities_hold_for_versions_side_by_side() {
    let machine = usual();
    machine.offer("preferred", "[\"kern-1-1\"]\nprovides = [\"installonlypkg(kernel)\"]\n", ADVISORIES, 100);
    machine.configure(&machine.at("good"), &format!("[preferred]\npriority=10\nenabled=1\n{}", machine.at("preferred")));
    machine.accepts(&["install", "kern"]);
    for command in ["update", "distro-sync", "check-update"] {
        machine.accepts(&[command]);
        assert_eq!(machine.installed(), ["kern-1"], "{command}");
    }
}

/// What a repository that goes before others has is neither replaced by packages of other names from those, nor is a provider of theirs taken
/// before its own.
#[test]
fn priorities_hold_between_names() {
    let machine = usual();
    let first = "[\"old-1-1\"]\n[\"second-1-1\"]\nprovides = [\"virtual\"]\n";
    machine.offer("preferred", first, ADVISORIES, 100);
    let later =
        "[\"new-1-1\"]\nobsoletes = [\"old\"]\n[\"first-1-1\"]\nprovides = [\"virtual\"]\n[\"user-1-1\"]\nrequires = [\"virtual\"]\n";
    machine.offer("good", later, ADVISORIES, 101);
    machine.configure(&machine.at("good"), &format!("[preferred]\npriority=10\nenabled=1\n{}", machine.at("preferred")));
    machine.accepts(&["install", "old", "virtual"]);
    machine.accepts(&["install", "user"]);
    assert_eq!(machine.installed(), ["old-1", "second-1", "user-1"]);
    for command in ["update", "distro-sync", "check-update"] {
        assert!(!machine.accepts(&[command]).contains("new"), "{command}");
    }
    machine.accepts(&["erase", "second"]);
    machine.accepts(&["install", "user"]);
    assert_eq!(machine.installed(), ["old-1", "second-1", "user-1"]);
    machine.accepts(&["install", "new"]);
    assert_eq!(machine.installed(), ["new-1", "second-1", "user-1"]);
}

/// Packages that replace each other are not exchanged by every update; the one that is named comes.
#[test]
fn packages_that_replace_each_other() {
    let machine = usual();
    let world = "[\"foo-1-1\"]\nobsoletes = [\"bar\"]\n[\"bar-1-1\"]\nobsoletes = [\"foo\"]\n";
    machine.offer("good", world, ADVISORIES, 101);
    for (name, other) in [("foo", "bar"), ("bar", "foo")] {
        machine.accepts(&["install", name]);
        for command in [&["update"][..], &["distro-sync"], &["update", name], &["install", other], &["check-update"]] {
            let said = machine.accepts(command);
            assert!(command[0] != "check-update" || !said.contains(other), "{said}");
            assert_eq!(machine.installed(), [format!("{name}-1")], "{command:?}");
        }
        machine.accepts(&["erase", name]);
    }
}

/// A package whose newest version replaces the one that would replace it is updated.
#[test]
fn offered_versions_that_replace_each_other() {
    for (new, other) in [("obsoletes = [\"bar\"]", "obsoletes = [\"foo\"]"), ("obsoletes = [\"bar < 3\"]", "obsoletes = [\"foo < 2\"]")] {
        let machine = usual();
        machine.offer("good", "[\"foo-1-1\"]\n", ADVISORIES, 101);
        machine.accepts(&["--refresh", "install", "foo"]);
        let world = format!("[\"foo-1-1\"]\n[\"foo-2-1\"]\n{new}\n[\"bar-2-1\"]\n{other}\n");
        machine.offer("good", &world, ADVISORIES, 102);
        let said = machine.accepts(&["--refresh", "check-update"]);
        assert!(said.contains("foo") && !said.contains("bar"), "{said}");
        for command in ["update", "update", "distro-sync"] {
            let said = machine.accepts(&[command]);
            assert!(!said.contains("skipping"), "{said}");
            assert_eq!(machine.installed(), ["foo-2"], "{command}");
        }
    }
}

/// What is excluded is left as it is, even where another package would replace it: of that one, a version comes that does not. As with dnf.
#[test]
fn what_is_excluded_is_not_replaced() {
    let machine = usual();
    machine.offer("good", "[\"foo-1-1\"]\n[\"bar-1-1\"]\n", ADVISORIES, 101);
    machine.accepts(&["--refresh", "install", "foo"]);
    machine.offer("good", "[\"foo-1-1\"]\n[\"bar-1-1\"]\n[\"bar-2-1\"]\nobsoletes = [\"foo\"]\n", ADVISORIES, 102);
    machine.accepts(&["--refresh", "makecache"]);
    for command in [&["-x", "foo", "update"][..], &["--setopt=excludepkgs=fo*", "update"], &["-x", "foo", "distro-sync"]] {
        machine.accepts(command);
        assert_eq!(machine.installed(), ["foo-1"], "{command:?}");
    }
    machine.accepts(&["-x", "foo", "install", "bar"]);
    assert_eq!(machine.installed(), ["bar-1", "foo-1"]);
}

/// Several transactions are undone and redone as their difference: what they take back of each other is left out.
#[test]
fn a_range_of_transactions_is_their_difference() {
    let machine = usual();
    machine.accepts(&["install", "det"]);
    machine.accepts(&["install", "app-1"]);
    machine.accepts(&["erase", "app"]);
    for command in ["undo", "redo"] {
        assert!(machine.accepts(&["history", command, "2-3"]).contains("Nothing to do"), "{command}");
    }
    machine.accepts(&["install", "app-1"]);
    machine.accepts(&["update", "app"]);
    let both = machine.installed();
    machine.accepts(&["history", "undo", "4-5"]);
    assert_eq!(machine.installed(), ["det-1", "python-1"]);
    machine.accepts(&["history", "redo", "--from", "2", "--to", "5"]);
    assert_eq!(machine.installed(), both);
    machine.refuses(&["history", "undo", "2-99"], "no transaction 99");
}

/// Versions side by side come back and go beside the others.
#[test]
fn transactions_with_versions_side_by_side_are_undone() {
    let machine = usual();
    for version in ["kern-1", "kern-2", "kern-3"] {
        machine.accepts(&["install", version]);
    }
    assert_eq!(machine.installed(), ["kern-2", "kern-3"], "the limit");
    machine.accepts(&["history", "undo", "last"]);
    assert_eq!(machine.installed(), ["kern-1", "kern-2"]);
    machine.accepts(&["history", "redo", "3"]);
    assert_eq!(machine.installed(), ["kern-2", "kern-3"]);
    machine.accepts(&["history", "undo", "2-3"]);
    assert_eq!(machine.installed(), ["kern-1"]);
    machine.accepts(&["history", "redo", "2-3"]);
    assert_eq!(machine.installed(), ["kern-2", "kern-3"]);
    machine.accepts(&["history", "rollback", "2"]);
    assert_eq!(machine.installed(), ["kern-1", "kern-2"]);
}

/// An older version of what is kept side by side comes beside the others, if it is named.
#[test]
fn versions_side_by_side_are_not_downgraded() {
    let machine = usual();
    for version in ["kern-2", "kern-3", "kern-4"] {
        machine.accepts(&["--setopt=installonly_limit=9", "install", version]);
    }
    machine.accepts(&["install", "app"]);
    let said = machine.accepts(&["downgrade"]);
    assert_eq!(said.matches("name one to install an older one: kern").count(), 1, "{said}");
    assert_eq!(machine.installed(), ["app-1", "kern-2", "kern-3", "kern-4"]);
    assert!(machine.accepts(&["list", "downgrades"]).contains("1-1"));
    machine.accepts(&["--setopt=installonly_limit=9", "downgrade", "kern"]);
    assert_eq!(machine.installed(), ["app-1", "kern-1", "kern-2", "kern-3", "kern-4"]);
    for word in ["kern", "kern-2", "ker*"] {
        assert!(machine.accepts(&["downgrade", word]).contains("No older version of kern is offered"), "{word}");
    }
    machine.refuses(&["list", "downgrades"], "No matching packages");
    machine.accepts(&["erase", "kern-3"]);
    machine.accepts(&["--setopt=installonly_limit=3", "downgrade", "kern"]);
    assert_eq!(machine.installed(), ["app-1", "kern-2", "kern-3", "kern-4"], "the limit");
}

/// A package that replaced another by mistake, and whose newest version does not any more.
#[test]
fn a_replacement_that_was_taken_back() {
    let machine = usual();
    machine.offer("good", "[\"foo-1-1\"]\n[\"bar-1-1\"]\nobsoletes = [\"foo\"]\n[\"bar-2-1\"]\n", ADVISORIES, 101);
    machine.accepts(&["--refresh", "install", "foo"]);
    assert_eq!(machine.installed(), ["foo-1"]);
    assert!(!machine.accepts(&["check-update"]).contains("bar"));
    machine.accepts(&["update"]);
    assert_eq!(machine.installed(), ["foo-1"]);
}

/// AlmaLinux/mirrors#694, librepo#372: a mirror that shows a page, nothing signed or an old state is passed over, as is one whose files are
/// damaged.
#[test]
fn a_wrong_mirror_is_passed_over() {
    let machine = usual();
    machine.offer("old", "[\"app-1-1\"]\nfiles = [\"/usr/bin/app\"]\n", ADVISORIES, 50);
    machine.write("page/repodata/repomd.xml", "<html>Sorry</html>");
    machine.write("page/repodata/repomd.xml.asc", "<html>Sorry</html>");
    machine.write("unsigned/repodata/repomd.xml", &fs::read_to_string(machine.place("good/repodata/repomd.xml")).unwrap());
    for name in ["damaged/repodata/repomd.xml", "damaged/repodata/repomd.xml.asc"] {
        machine.write(name, &fs::read_to_string(machine.place(&name.replace("damaged", "good"))).unwrap());
    }
    for entry in fs::read_dir(machine.place("good/repodata")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("repomd.xml") {
            machine.write(&format!("damaged/repodata/{name}"), "junk");
        }
    }
    for first in ["page", "unsigned", "damaged", "old"] {
        machine.write("mirrors", &format!("file://{}\nfile://{}\n", machine.place(first), machine.place("good")));
        let list = format!("mirrorlist=file://{}\ngpgkey=file:///etc/pki/key.asc\n", machine.place("mirrors"));
        machine.configure(&list, "");
        machine.accepts(&["--refresh", "install", "app"]);
        // Of the old state nothing is known before the first fetch, then it is recognised.
        assert_eq!(machine.installed(), ["app-2"], "{first}");
        machine.accepts(&["erase", "app"]);
    }
    machine.write("mirrors", &format!("file://{}\nfile://{}\n", machine.place("page"), machine.place("unsigned")));
    machine.refuses(&["--refresh", "install", "app"], "its index is not trusted");
}

/// A list of mirrors that cannot be used does not matter beside a good `baseurl`; a metalink in its place is one, and a list of nothing is named.
#[test]
fn lists_of_mirrors_that_are_none() {
    let machine = usual();
    let key = "gpgkey=file:///etc/pki/key.asc\n";
    let list = format!("mirrorlist=file://{}\n", machine.place("mirrors"));
    machine.configure(&format!("{list}{}", machine.at("good")), "");
    let said = machine.accepts(&["--refresh", "repoquery", "app"]);
    assert!(said.contains("app-2-1.noarch") && said.contains("mirrors"), "{said}");
    machine.configure(&format!("{list}{key}"), "");
    machine.refuses(&["--refresh", "repoquery", "app"], "check `baseurl`");
    for (text, reason) in [("", "it is empty"), ("# nothing\n", "begins with `# nothing`"), ("\nBad arch\n", "begins with `Bad arch`")] {
        machine.write("mirrors", text);
        let said = machine.refuses(&["--refresh", "repoquery", "app"], reason);
        assert!(said.contains("lists no address") && said.contains("check `mirrorlist`") && !said.contains("baseurl"), "{said}");
    }
    let metalink = |urls: &str| {
        format!("<?xml version=\"1.0\"?>\n<metalink version=\"3.0\"><files><resources>{urls}</resources></files></metalink>\n")
    };
    machine.write("mirrors", &metalink(&format!("<url>{}/repodata/repomd.xml</url>", serve(machine.place("good")))));
    assert!(machine.accepts(&["--refresh", "repoquery", "app"]).contains("app-2-1.noarch"));
    machine.write("mirrors", &metalink(""));
    machine.refuses(&["--refresh", "repoquery", "app"], "contains no mirror with http or https");
}

/// dnf5#2065, #2155: `skip_if_unavailable` is about keys and signatures, too.
#[test]
fn what_cannot_be_checked_may_be_unavailable() {
    let machine = usual();
    machine.write("unsigned/repodata/repomd.xml", &fs::read_to_string(machine.place("good/repodata/repomd.xml")).unwrap());
    let cases = [
        ("unsigned", "file:///etc/pki/key.asc", "is not signed"),
        ("good", "file:///etc/pki/missing.asc", "there is no such file"),
        ("good", "file:///etc/pki/other.asc", "is not trusted"),
    ];
    for (place, key, reason) in cases {
        let skipped =
            |skip: &str| format!("[more]\nenabled=1\nbaseurl=file://{}\ngpgkey={key}\nskip_if_unavailable={skip}\n", machine.place(place));
        machine.configure(&machine.at("good"), &skipped("0"));
        machine.refuses(&["list", "app"], reason);
        machine.configure(&machine.at("good"), &skipped("1"));
        let said = machine.accepts(&["list", "app"]);
        assert!(said.contains("it is ignored") && said.contains(reason), "{said}");
    }
}

/// photon#1261: a damaged cache is made again.
#[test]
fn a_damaged_cache_heals() {
    let machine = usual();
    machine.accepts(&["makecache"]);
    for size in [0, 100] {
        let mut damaged = 0;
        let mut folders = vec![Path::new(&machine.place("root/var/cache/tdnf")).to_owned()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        fs::write(&path, vec![b'x'; size]).unwrap();
                        damaged += 1;
                    }
                }
            }
        }
        assert!(damaged > 4);
        machine.accepts(&["list", "app"]);
        machine.accepts(&["provides", "/usr/bin/app"]);
        machine.accepts(&["updateinfo", "list", "all"]);
    }
}

/// Serves a folder until the test ends, and returns its address.
fn serve(folder: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let asked = lines.next().unwrap_or_default();
            lines.for_each(drop);
            let found = fs::read(format!("{folder}{}", asked.split(' ').nth(1).unwrap_or_default()));
            let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    address
}

/// `--cacheonly` says that nothing is fetched, and packages are something.
#[test]
fn with_the_cache_alone_nothing_is_fetched() {
    let machine = usual();
    let address = serve(machine.place("good"));
    machine.configure(&format!("baseurl={address}\ngpgkey=file:///etc/pki/key.asc\n"), "");
    machine.refuses(&["--cacheonly", "install", "app"], "there is no cached metadata");
    machine.accepts(&["makecache"]);
    machine.refuses(&["--cacheonly", "install", "app"], "the cache does not have app-2-1.noarch.rpm");
    assert_eq!(machine.installed(), [""; 0]);
    machine.accepts(&["install", "app"]);
}

/// dnf#2130: who names a repository on the command line wants it, and often no other.
#[test]
fn a_repository_of_the_command_line_is_on() {
    let machine = usual();
    machine.offer("other", "[\"own-1-1\"]\n", ADVISORIES, 100);
    let own = format!("--repofrompath=own,file://{}", machine.place("other"));
    let no_check = "--nogpgcheck";
    machine.accepts(&["--disablerepo=*", &own, no_check, "install", "own"]);
    assert_eq!(machine.installed(), ["own-1"]);
    machine.refuses(&["--disablerepo=own", &own, no_check, "install", "own-2"], "own-2");
    machine.refuses(&["--repoid=base", &own, no_check, "reinstall", "own"], "own");
}
