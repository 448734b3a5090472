//! What outsiders reported of tdnf itself, each beside what dnf does.

mod support;

use std::fs;

use sha2::{Digest as _, Sha256};
use support::Machine;

const WORLD: &str = r#"
["app-1-1"]
["app-2-1"]
requires = ["lib >= 2"]
["lib-1-1"]
["lib-2-1"]
["old-1-1"]
["heir-1-1"]
obsoletes = ["old"]
["top-1-1"]
requires = ["middle"]
["middle-1-1"]
requires = ["bottom"]
["bottom-1-1"]
["stray-1-1"]
["kern-1-1"]
provides = ["installonlypkg(kernel)"]
"#;

const ADVISORIES: &str = r#"<updates><update type="security"><id>A-1</id><title>lib: a hole</title><issued date="2026-01-02 00:00:00"/>
<references><reference type="cve" id="CVE-2026-7"/><reference type="bugzilla" id="4711"/></references>
<pkglist><collection><package name="lib" epoch="0" version="2" release="1" arch="noarch"/></collection></pkglist></update></updates>
"#;

/// With these packages installed, and these locks.
fn machine(installed: &[&str], locks: &str) -> Machine {
    let machine = Machine::new(WORLD, ADVISORIES);
    machine.accepts(&[&["install"], installed].concat());
    machine.write("root/etc/tdnf/locks.d/own.conf", locks);
    machine
}

/// As dnf's versionlock: what is locked is no update, nor is what would replace it.
#[test]
fn what_is_locked_is_not_offered() {
    let machine = machine(&["app-1", "lib-1", "old-1"], "lib\nold\n");
    for command in [&["check-update"][..], &["list", "updates"], &["list", "obsoletes", "*"]] {
        let (_, said) = machine.run(command);
        assert!(!said.contains("lib.noarch") && !said.contains("heir.noarch"), "{command:?}: {said}");
    }
    machine.write("root/etc/tdnf/locks.d/own.conf", "");
    let said = machine.accepts(&["check-update"]);
    assert!(said.contains("lib.noarch") && said.contains("heir.noarch"), "{said}");
}

#[test]
fn a_lock_or_an_exclusion_is_named_as_the_reason() {
    let machine = machine(&["app-1", "lib-1"], "lib\n");
    let said = machine.accepts(&["update"]);
    assert!(
        said.contains("Update app-2-1.noarch cannot be installed") && said.contains("  lib-1-1.noarch is locked (`locks.d`)"),
        "{said}"
    );
    machine.refuses(&["install", "app-2"], "lib-1-1.noarch is locked (`locks.d`)");
    machine.refuses(&["install", "lib-2"], "these packages are locked (`locks.d`) and would be changed: lib-1-1.noarch");
    machine.write("root/etc/tdnf/locks.d/own.conf", "");
    let said = machine.accepts(&["--setopt=excludepkgs=lib", "update"]);
    assert!(said.contains("  lib-2-1.noarch is excluded by `lib` (`excludepkgs`)"), "{said}");
    assert_eq!(machine.installed(), ["app-1", "lib-1"]);
}

#[test]
fn distro_sync_and_downgrade_go_on_without_what_is_locked() {
    let machine = machine(&["app-1", "lib-2", "stray"], "lib\n");
    machine.offer("good", "[\"app-1-1\"]\n[\"lib-1-1\"]\n[\"stray-1-1\"]\n[\"stray-0-1\"]\n", ADVISORIES, 101);
    machine.refuses(&["--refresh", "downgrade", "lib"], "these packages are locked (`locks.d`) and would be changed: lib-2-1.noarch");
    for command in ["distro-sync", "downgrade"] {
        let said = machine.accepts(&[command]);
        assert!(said.contains("Package lib-2-1.noarch is locked (`locks.d`) and stays as it is."), "{command}: {said}");
    }
    assert_eq!(machine.installed(), ["app-1", "lib-2", "stray-0"]);
}

#[test]
fn advisories_by_their_names() {
    let machine = machine(&["app-1", "lib-1"], "");
    for word in ["A-1", "CVE-2026-7", "4711", "CVE-*", "lib"] {
        let said = machine.accepts(&["updateinfo", "info", word]);
        assert!(said.contains("Update ID : A-1"), "{word}: {said}");
    }
    assert!(machine.accepts(&["updateinfo", "list", "A-1"]).contains("A-1 Security lib-2-1.noarch.rpm"));
    machine.refuses(&["updateinfo", "info", "A-2"], "No matching packages");
    for (option, expected) in [("--advisory=A-1", true), ("--cve=X,CVE-2026-7", true), ("--bz=4711", true), ("--cve=X", false)] {
        assert_eq!(machine.accepts(&[option, "check-update"]).contains("lib.noarch"), expected, "{option}");
        assert_eq!(machine.accepts(&[option, "updateinfo", "list"]).contains("A-1 Security"), expected, "{option}");
    }
    machine.accepts(&["--cve=CVE-2026-7", "update"]);
    assert_eq!(machine.installed(), ["app-1", "lib-2"], "only what answers the advisory");
    assert!(!machine.accepts(&["updateinfo", "list", "lib"]).contains("A-1"), "it is answered");
    assert!(machine.accepts(&["updateinfo", "list", "A-1"]).contains("A-1"), "but was named");
}

#[test]
fn copies_of_untrusted_packages_are_an_error() {
    let machine = machine(&["stray"], "");
    let unsigned = "repo_gpgcheck=0\n";
    machine.configure(&format!("baseurl=file://{}\ngpgkey=file:///etc/pki/other.asc\n{unsigned}", machine.place("good")), "");
    let copy = machine.place("copy");
    let said = machine
        .refuses(&["reposync", "--gpgcheck", "--arch", "noarch", "-p", &copy], "these packages are not trusted and were not copied: ");
    assert!(said.contains("Packages/app-1-1.noarch.rpm, ") && said.contains("base: 0 packages in "), "{said}");
    assert_eq!(fs::read_dir(machine.path("copy/base/Packages")).unwrap().count(), 0);
    let said = machine.refuses(&["--json", "reposync", "--gpgcheck", "-p", &copy], "\"Error\":1514");
    assert!(said.contains("\"Copied\":[{\"Files\":[]"), "{said}");
    machine.configure(&format!("{}{unsigned}", machine.at("good")), "");
    assert!(machine.accepts(&["reposync", "--gpgcheck", "-p", &copy]).contains("base: 11 packages in "));
}

#[test]
fn boolean_dependencies_as_words() {
    let machine = machine(&["stray"], "");
    let asks = r#"["foo-1-1"]
["bar-1-1"]
["uses-1-1"]
requires = ["(foo or bar)"]
"#;
    machine.offer("good", asks, ADVISORIES, 101);
    machine.accepts(&["makecache"]);
    let table: [(&[&str], &str); 4] = [
        (&["--whatprovides", "(foo or bar)"], "bar-1-1.noarch\nfoo-1-1.noarch\n"),
        (&["--whatrequires", "(foo or bar)"], "uses-1-1.noarch\n"),
        (&["--whatrequires", "bar"], "uses-1-1.noarch\n"),
        (&["--whatprovides", "(none or other)"], ""),
    ];
    for (words, expected) in table {
        assert_eq!(machine.accepts(&[&["-q", "--refresh", "repoquery"], words].concat()), expected, "{words:?}");
    }
    assert!(machine.accepts(&["provides", "(foo or bar)"]).contains("foo-1-1.noarch : "));
    machine.refuses(&["repoquery", "--whatprovides", "(foo or"], "`(foo or` is not a dependency");
    machine.refuses(&["install", "(foo if bar)"], "`(foo if bar)` cannot be requested");
    machine.refuses(&["install", "(foo or"], "No package (foo or available");
    machine.refuses(&["install", "(none or other)"], "No package (none or other) available");
    machine.accepts(&["install", "(bar or none)"]);
    assert_eq!(machine.installed(), ["bar-1", "stray-1"]);
    assert!(machine.accepts(&["install", "(foo or bar)"]).contains("bar-1-1.noarch is already installed"));
    machine.accepts(&["install", "(foo and bar)"]);
    assert_eq!(machine.installed(), ["bar-1", "foo-1", "stray-1"]);
}

/// As with dnf: what only the removed package kept there goes with it; what nobody needed before stays.
#[test]
fn what_nobody_needed_before_stays() {
    let machine = machine(&["top", "stray", "app-1"], "");
    machine.accepts(&["mark", "auto", "top", "stray"]);
    machine.accepts(&["--setopt=clean_requirements_on_remove=1", "remove", "app"]);
    assert_eq!(machine.installed(), ["bottom-1", "middle-1", "stray-1", "top-1"]);
    machine.accepts(&["--setopt=clean_requirements_on_remove=1", "remove", "top"]);
    assert_eq!(machine.installed(), ["stray-1"]);
}

/// The one that comes in its place is marked.
#[test]
fn what_is_replaced_is_not_marked() {
    let machine = machine(&["lib-1"], "");
    machine.accepts(&["mark", "auto", "lib"]);
    let said = machine.accepts(&["install", "lib-1", "app-2"]);
    assert!(said.contains("lib-2-1.noarch marked as user installed") && !said.contains("lib-1-1.noarch marked"), "{said}");
    assert!(machine.accepts(&["repoquery", "--userinstalled"]).contains("lib-2-1.noarch"));
}

#[test]
fn remarks_in_words_and_in_json() {
    let machine = machine(&["kern", "lib-1"], "lib\n");
    let said = machine.refuses(&["reinstall", "app"], "Package app is available, but not installed.");
    assert!(!said.contains("No package app"), "{said}");
    assert!(machine.accepts(&["--json", "downgrade", "kern"]).contains("\"Oldest\":[\"kern\"]"));
    assert!(machine.accepts(&["--json", "update"]).contains("\"Locked\":[{\"Arch\":\"noarch\",\"Evr\":\"1-1\""));
}

/// Modules are not supported, which is said once, if they have packages of the repository.
#[test]
fn modules_are_noted() {
    let machine = machine(&["stray"], "");
    machine.configure(&format!("{}repo_gpgcheck=0\n", machine.at("good")), "");
    let index = fs::read_to_string(machine.path("good/repodata/repomd.xml")).unwrap();
    for (artifact, expected) in [("app-0:2-1.noarch", true), ("other-0:2-1.noarch", false)] {
        let yaml = format!("data:\n  artifacts:\n    rpms:\n    - {artifact}\n");
        machine.write("good/repodata/modules.yaml", &yaml);
        let digest = hex::encode(Sha256::digest(&yaml));
        let data = format!(
            "<data type=\"modules\"><checksum type=\"sha256\">{digest}</checksum><location href=\"repodata/modules.yaml\"/></data></repomd>"
        );
        machine.write("good/repodata/repomd.xml", &index.replace("</repomd>", &data));
        machine.accepts(&["clean", "all"]);
        let note = "1 packages of 'base' belong to modules, which are not supported";
        assert_eq!(machine.accepts(&["list"]).contains(note), expected, "{artifact}");
        assert!(!machine.accepts(&["list"]).contains(note), "only once");
    }
}
