//! What is wrong with a word, a repository or a system costs only that, and is said.

mod support;

use std::fs;
use std::time::Duration;

use rpm_engine::history::Reason;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::system::System;
use rpm_engine::transaction::{Settings, Step};
use support::Machine;

const WORLD: &str = r#"
["app-1-1"]
files = ["/usr/share/app/1"]
requires = ["lib = 1"]
["app-2-1"]
files = ["/usr/share/app/2"]
["app-3-1"]
files = ["/usr/share/app/3"]
["lib-1-1"]
["needs-1-1"]
requires = ["app"]
["wide-1-1"]
arch = "i686"
["tool-1-1"]
files = ["/usr/bin/tool"]
["old-tool-1-1"]
files = ["/bin/tool"]
"#;

/// Installs a package beside whatever is there, as an interrupted transaction of rpm may leave it.
fn beside(machine: &Machine, file: &str) {
    let package = RpmFile::open(&machine.path("good/Packages").join(file)).unwrap().unsigned().unwrap();
    let step = Step::Install { package, obsoleted: Vec::new(), reason: Reason::User };
    let locked = System::open(&machine.path("root")).unwrap().lock().unwrap();
    locked.apply(&[step], &Settings::new(7, "a test")).unwrap();
}

#[test]
fn a_repository_that_is_not_there_is_off() {
    let machine = Machine::new(WORLD, "");
    let said = machine.accepts(&["--disablerepo=nosuch*", "install", "tool"]);
    assert!(said.contains("warning: ") && said.contains("there is no repository `nosuch*` to disable"), "{said}");
    machine.refuses(&["--enablerepo=nosuch*", "install", "tool"], "Error(1009)");
}

#[test]
fn words_that_mean_nothing_are_skipped() {
    let machine = Machine::new(WORLD, "");
    let said = machine.accepts(&["--skip-broken", "install", "nosuch", "tool"]);
    assert!(said.contains("No package nosuch available"), "{said}");
    // Whether or not anything is left to be done.
    let said = machine.accepts(&["--skip-broken", "install", "nosuch", "tool"]);
    assert!(said.contains("No package nosuch available") && said.contains("tool-1-1.noarch is already installed"), "{said}");
    let said = machine.accepts(&["--skip-broken", "update", "nosuch", "tool"]);
    assert!(said.contains("No package nosuch available"), "{said}");
    // Or if there was nothing else.
    for verb in ["install", "update", "erase"] {
        let said = machine.accepts(&["--skip-broken", verb, "nosuch"]);
        assert!(said.contains("No package nosuch"), "{said}");
    }
    machine.refuses(&["install", "nosuch", "tool"], "Error(1011)");
}

#[test]
fn package_files_that_cannot_be_used_are_skipped() {
    let machine = Machine::new(WORLD, "");
    machine.write("junk.rpm", "junk");
    let (junk, none, lib) = (machine.place("junk.rpm"), machine.place("none.rpm"), machine.place("good/Packages/lib-1-1.noarch.rpm"));
    machine.refuses(&["install", "tool", &none], "none.rpm");
    machine.refuses(&["install", "tool", &junk], "junk.rpm");
    assert_eq!(machine.installed(), [""; 0]);
    let said = machine.accepts(&["--skip-broken", "install", "tool", &junk, &none, &lib]);
    for expected in [format!("{none}`: No such file"), format!("`{junk}`: unexpected end of file"), "it is skipped".into()] {
        assert!(said.contains(&expected), "{expected}: {said}");
    }
    assert_eq!(machine.installed(), ["lib-1", "tool-1"]);
    machine.accepts(&["--skip-broken", "install", &none]);
}

#[test]
fn a_root_needs_no_main_configuration() {
    let machine = Machine::new(WORLD, "");
    fs::remove_dir_all(machine.path("root/etc/tdnf")).unwrap();
    machine.accepts(&["install", "tool"]);
    assert_eq!(machine.installed(), ["tool-1"]);
    // The defaults apply: what is not signed is refused.
    machine.write("root/etc/yum.repos.d/base.repo", &format!("[base]\nbaseurl=file://{}\n", machine.place("good")));
    fs::remove_file(machine.path("good/repodata/repomd.xml.asc")).unwrap();
    machine.refuses(&["--refresh", "list", "tool"], "`base`");
}

#[test]
fn an_update_that_does_not_fit_is_no_failure() {
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "app-1", "lib-1"]);
    machine.offer("more", "[\"lib-2-1\"]\n", "", 100);
    machine.configure(&machine.at("good"), &format!("[more]\n{}", machine.at("more")));
    for words in
        [&["install", "lib"][..], &["update", "lib"], &["--skip-broken", "update", "lib"], &["--best", "--skip-broken", "install", "lib"]]
    {
        let said = machine.accepts(&[&["--exclude=app"][..], words].concat());
        assert_eq!(said.matches("Update lib-2-1.noarch cannot be installed, skipping:").count(), 1, "{words:?}: {said}");
        assert_eq!(said.matches("app-1-1.noarch would require").count(), 1, "{words:?}: {said}");
        assert!(!said.contains("Error("), "{words:?}: {said}");
    }
    machine.refuses(&["--exclude=app", "--best", "update", "lib"], "Error(1301)");
    assert_eq!(machine.installed(), ["app-1", "lib-1"]);
}

#[test]
fn several_versions_of_one_package() {
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "app-1", "needs", "tool"]);
    beside(&machine, "app-2-1.noarch.rpm");
    let both = ["app-1", "app-2", "lib-1", "needs-1", "tool-1"];
    assert_eq!(machine.installed(), both);
    let said = machine.refuses(&["check"], "app-1-1.noarch is a duplicate of app-2-1.noarch");
    assert!(said.contains("tdnf remove --duplicates"), "{said}");
    machine.accepts(&["reinstall", "tool"]);
    assert_eq!(machine.installed(), both);
    machine.accepts(&["remove", "--duplicates"]);
    assert_eq!(machine.installed(), ["app-2", "lib-1", "needs-1", "tool-1"]);
    assert!(!machine.path("root/usr/share/app/1").exists() && machine.path("root/usr/share/app/2").exists());
    machine.accepts(&["check"]);
    assert!(machine.accepts(&["remove", "--duplicates"]).contains("Nothing to do"));
}

/// As with dnf: nobody asked for the removal of what requires them.
#[test]
fn older_versions_that_are_required_stay() {
    let machine = Machine::new(&format!("{WORLD}[\"bound-1-1\"]\nrequires = [\"app = 1\"]\n"), "");
    machine.accepts(&["install", "app-1", "bound"]);
    beside(&machine, "app-2-1.noarch.rpm");
    machine.refuses(&["remove", "--duplicates"], "these packages require older versions that would be removed: bound-1-1.noarch");
    assert_eq!(machine.installed(), ["app-1", "app-2", "bound-1", "lib-1"]);
}

/// The newest that is offered takes the place of all; a version that is named does, too.
#[test]
fn one_of_several_versions_is_reinstalled() {
    for (word, left, gone) in [("app", "app-2", "1"), ("app-2", "app-2", "1"), ("app-1", "app-1", "2")] {
        let machine = Machine::new(WORLD, "");
        machine.accepts(&["install", "app-1"]);
        beside(&machine, "app-2-1.noarch.rpm");
        machine.accepts(&["reinstall", word]);
        assert_eq!(machine.installed(), [left, "lib-1"], "{word}");
        assert!(!machine.path("root/usr/share/app").join(gone).exists(), "{word}");
        machine.accepts(&["check"]);
    }
}

#[test]
fn several_versions_are_updated_and_removed() {
    for (command, left) in
        [(["update"].as_slice(), &["app-3", "lib-1"][..]), (&["update", "app"], &["app-3", "lib-1"]), (&["remove", "app"], &["lib-1"])]
    {
        let machine = Machine::new(WORLD, "");
        machine.accepts(&["install", "app-1"]);
        beside(&machine, "app-2-1.noarch.rpm");
        machine.accepts(command);
        assert_eq!(machine.installed(), left, "{command:?}");
    }
    // The newest is there already.
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "app-1"]);
    beside(&machine, "app-3-1.noarch.rpm");
    machine.accepts(&["update"]);
    assert!(machine.installed().contains(&"app-3".to_owned()));
}

#[test]
fn a_package_with_a_wrong_place_is_left_out() {
    let machine = Machine::new(WORLD, "");
    let path = fs::read_dir(machine.path("good/repodata")).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().find(|path| path.to_string_lossy().contains("-primary.xml")).unwrap();
    let primary = String::from_utf8(zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap()).unwrap();
    let primary = primary.replace("Packages/lib-1-1", "../Packages/lib-1-1");
    machine.write("good/repodata/p.xml", &primary);
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&primary));
    let data = format!("<data type=\"primary\"><checksum type=\"sha256\">{digest}</checksum><location href=\"repodata/p.xml\"/></data>");
    machine.write("good/repodata/repomd.xml", &format!("<repomd><revision>101</revision>{data}</repomd>"));
    let unsigned = "--setopt=base.repo_gpgcheck=0";
    for _ in 0..2 {
        // Also when the index was made before.
        let said = machine.accepts(&[unsigned, "install", "tool"]);
        assert!(said.contains("repository `base`: the package `lib` is left out"), "{said}");
        assert!(said.contains("its location is outside of the repository"), "{said}");
    }
    machine.refuses(&[unsigned, "install", "lib"], "No package lib available");
}

#[test]
fn addresses_of_directories_may_be_encoded() {
    let machine = Machine::new(WORLD, "");
    fs::rename(machine.path("good"), machine.path("a good + one")).unwrap();
    let at = machine.at("good").replace("/good", "/a%20good%20%2B%20one");
    fs::rename(machine.path("root/etc/pki/key.asc"), machine.path("root/etc/pki/the key.asc")).unwrap();
    machine.write("root/etc/yum.repos.d/base.repo", &format!("[base]\n{}", at.replace("pki/key", "pki/the%20key")));
    machine.accepts(&["install", "tool"]);
    let file = format!("file://{}/a%20good%20+%20one/Packages/lib-1-1.noarch.rpm", machine.folder.path().display());
    machine.accepts(&["install", &file]);
    assert_eq!(machine.installed(), ["lib-1", "tool-1"]);
}

#[test]
fn a_version_of_a_repository_that_comes_last() {
    let machine = Machine::new(WORLD, "");
    machine.offer("preferred", "[\"app-2-1\"]\n[\"lib-2-1\"]\n", "", 100);
    machine.configure(&machine.at("good"), &format!("[preferred]\npriority=10\n{}", machine.at("preferred")));
    machine.accepts(&["install", "app"]);
    assert_eq!(machine.installed(), ["app-2"]);
    machine.accepts(&["update"]);
    assert_eq!(machine.installed(), ["app-2"]);
    machine.accepts(&["install", "app-3"]);
    assert_eq!(machine.installed(), ["app-3"]);
    let said = machine.accepts(&["reinstall", "app"]);
    assert!(said.contains("Reinstalling") && said.contains("app-3-1.noarch"), "{said}");
    // What that very version requires may be there only, too.
    machine.accepts(&["install", "app-1"]);
    assert_eq!(machine.installed(), ["app-1", "lib-1"]);
    for word in ["app=3", "app-3-1.noarch", "app-[3]*"] {
        machine.accepts(&["erase", "app"]);
        machine.accepts(&["install", word]);
        assert!(machine.installed().contains(&"app-3".to_owned()), "{word}");
    }
}

#[test]
fn why_a_package_is_not_available_is_said() {
    let machine = Machine::new(WORLD, "");
    let table: [(&[&str], &str); 6] = [
        (&["install", "wide"], "wide-1-1.i686 is made for i686, and this machine is x86_64"),
        (&["install", "wide.i686"], "wide-1-1.i686 is made for i686, and this machine is x86_64"),
        (&["--exclude=to*", "install", "tool"], "tool-1-1.noarch is excluded by `to*` (`--exclude`)"),
        (&["--setopt=excludepkgs=tool", "install", "tool"], "tool-1-1.noarch is excluded by `tool` (`excludepkgs`)"),
        (&["--setopt=base.excludepkgs=t*l", "install", "tool"], "excluded by `t*l` (`excludepkgs` of the repository `base`)"),
        (&["install", "@editors"], "groups of packages are not supported"),
    ];
    for (arguments, reason) in table {
        let said = machine.refuses(arguments, reason);
        assert!(said.contains("Error(1011)"), "{said}");
    }
    let file = machine.place("good/Packages/wide-1-1.i686.rpm");
    machine.refuses(&["--nogpgcheck", "install", &file], "wide-1-1.i686 is made for i686, and this machine is x86_64");
    let said = machine.refuses(&["group", "install", "editors"], "groups of packages are not supported");
    assert!(said.contains("unrecognized subcommand 'group'"), "{said}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let machine = Machine::new(WORLD, "");
    let pipe = machine.path("pipe.rpm");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(machine.path("directory.rpm")).unwrap();
    for name in ["pipe.rpm", "directory.rpm"] {
        machine.refuses(&["install", &machine.place(name)], "it is not a file");
    }
    let began = std::time::Instant::now();
    fs::create_dir(machine.path("local")).unwrap();
    fs::copy(machine.path("good/Packages/tool-1-1.noarch.rpm"), machine.path("local/tool.rpm")).unwrap();
    fs::rename(&pipe, machine.path("local/pipe.rpm")).unwrap();
    machine.accepts(&["check-local", &machine.place("local")]);
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_repository_that_makes_no_sense_stops_no_other() {
    let machine = Machine::new(WORLD, "");
    machine.write("root/etc/yum.repos.d/bad.repo", "[bad]\nbaseurl=ftp://example\n");
    let said = machine.accepts(&["install", "tool"]);
    assert!(said.contains("bad.repo:2: `baseurl`") && said.contains("the repository `bad` is not used because of that"), "{said}");
    machine.refuses(&["--repoid=bad", "install", "lib"], "There are no enabled repos");
    fs::remove_file(machine.path("root/etc/tdnf/tdnf.conf")).unwrap();
    fs::create_dir_all(machine.path("root/usr/lib/tdnf")).unwrap();
    machine.write("root/usr/lib/tdnf/tdnf.conf", "[main]\n");
    machine.accepts(&["install", "lib"]);
}

#[test]
fn one_place_under_two_paths() {
    let machine = Machine::new(WORLD, "");
    fs::create_dir_all(machine.path("root/usr/bin")).unwrap();
    std::os::unix::fs::symlink("usr/bin", machine.path("root/bin")).unwrap();
    machine.accepts(&["install", "tool"]);
    machine.refuses(
        &["install", "old-tool"],
        "`/usr/bin/tool` of tool-1-1.noarch and `/bin/tool` of old-tool-1-1.noarch, which is the same place",
    );
    machine.accepts(&["erase", "tool"]);
    machine.accepts(&["install", "old-tool"]);
    assert!(machine.path("root/usr/bin/tool").is_file());
}

#[test]
fn locks_and_least_versions_are_named() {
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "app-2"]);
    machine.write("root/etc/tdnf/locks.d/a.conf", "# kept\napp\n");
    let said = machine.accepts(&["update"]);
    assert!(said.contains("app-2-1.noarch is locked (`locks.d`) and stays as it is"), "{said}");
    fs::remove_file(machine.path("root/etc/tdnf/locks.d/a.conf")).unwrap();
    machine.accepts(&["erase", "app"]);
    machine.write("root/etc/tdnf/minversions.d/a.conf", "app=2-2\n");
    machine.refuses(&["install", "app-2"], "app-2-1.noarch is older than 2-2, below which `minversions` forbids to go");
    machine.accepts(&["install", "app"]);
    assert_eq!(machine.installed(), ["app-3"]);
}

#[test]
fn a_system_without_repositories_says_so() {
    let machine = Machine::new(WORLD, "");
    machine.accepts(&["install", "tool"]);
    fs::remove_dir_all(machine.path("root/etc/yum.repos.d")).unwrap();
    assert!(machine.accepts(&["update"]).contains("no repository is enabled"));
    assert!(machine.accepts(&["repolist"]).contains("no repository is configured"));
    assert!(!machine.accepts(&["remove", "tool"]).contains("repository"));
}
