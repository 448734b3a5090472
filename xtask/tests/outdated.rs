//! `outdated`, and `bump` from the archive, with an archive in a folder.

mod outdated {
    pub mod archive;
}

#[path = "../../tests/support"]
mod support {
    pub mod namespace;
}

use std::fs;

use outdated::archive::File::{OnlyListed, There};
use outdated::archive::{Project, digest};
use serde_json::Value;

const MAIN: (&str, &str) = ("debian", "trixie");
const UPDATES: (&str, &str) = ("debian", "trixie-updates");
const SECURITY: (&str, &str) = ("security", "trixie-security");
const NEXT: (&str, &str) = ("debian", "forky");

/// A source in the archive.
fn debian(source: &str, file: &str, keys: &str) -> String {
    format!("[[source]]\ndebian = \"{source}:{file}\" # mine\nsha256 = \"{}\"\n{keys}\n", digest(file))
}

fn deb(file: &str) -> String {
    let sha256 = digest(&file.replace("{version}", "1.0"));
    format!("[[source]]\ndeb = \"{file}\"\nfrom = \"kernel\"\npath = \"usr/src/x.tar.xz\"\nsha256 = \"{sha256}\"\n\n")
}

/// A project with specs that are current (`fresh`), have a security update (`fixed`), have one that is only in Debian's patches, which they do not take (`label`), have a new version that the mirror lacks (`gone`), are
/// made of one binary package (`kernel`, `other-kernel`), and have an address only (`own`).
fn project() -> Project {
    let mut project = Project::new();
    project.spec("fresh", &debian("fresh_1.0-1", "fresh_1.0.orig.tar.gz", ""));
    let patches = "patches = [\"a.diff\"]\n";
    let fixed = debian("fixed_1.0+dfsg-1", "fixed_1.0+dfsg.orig.tar.gz", "");
    project.spec("fixed", &(fixed + &debian("fixed_1.0+dfsg-1", "fixed_1.0+dfsg-1.debian.tar.xz", patches)));
    project.spec("label", &debian("label_1.0-1", "label_1.0.orig.tar.gz", ""));
    project.spec("gone", &debian("gone_1.0-1", "gone_1.0.orig.tar.gz", ""));
    for name in ["kernel", "other-kernel"] {
        project.spec(name, &deb("kernel-source_{version}-1_all.deb"));
    }
    project.spec("own", &format!("[[source]]\nurl = \"http://127.0.0.1:1/own-{{version}}.tar\"\nsha256 = \"{}\"\n", digest("own")));

    project.source(MAIN, "fresh", "1.0-1", &[("1.0.orig.tar.gz", There)]);
    project.source(MAIN, "fixed", "2:1.0+dfsg-1", &[("1.0+dfsg.orig.tar.gz", There), ("1.0+dfsg-1.debian.tar.xz", There)]);
    project.source(
        SECURITY,
        "fixed",
        "2:1.0+dfsg-1+deb13u1",
        &[("1.0+dfsg.orig.tar.gz", There), ("1.0+dfsg-1+deb13u1.debian.tar.xz", There)],
    );
    project.source(SECURITY, "label", "1.0-2", &[("1.0.orig.tar.gz", There), ("1.0-2.debian.tar.xz", There)]);
    project.source(MAIN, "gone", "1.1-1", &[("1.1.orig.tar.xz", There)]);
    project.source(UPDATES, "gone", "1.2-1", &[("1.2.orig.tar.xz", OnlyListed)]);
    project.source(NEXT, "fresh", "2.0~rc1-1", &[("2.0~rc1.orig.tar.gz", There)]);
    project.binary(MAIN, "kernel", "kernel-source", "1.0-1");
    project.binary(SECURITY, "kernel", "kernel-source", "1.1-1");
    project.publish();
    project
}

const TABLE: &str = "\
SPEC               SOURCE  HERE        ARCHIVE               SUITE
fixed              fixed   1.0+dfsg-1  2:1.0+dfsg-1+deb13u1  trixie-security  security  can be fetched
gone               gone    1.0-1       1.2-1                 trixie-updates             no mirror has gone_1.2.orig.tar.xz
gone               gone    1.0-1       1.1-1                 trixie                     can be fetched
kernel and 1 more  kernel  1.0-1       1:1.1-1               trixie-security  security  can be fetched
label              label   1.0-1       1.0-2                 trixie-security  security  same files
same files: what is new is in others, such as Debian's patches (`.debian.tar`), and is not built until the spec takes them
kernel, other-kernel have one version: `cargo xtask bump kernel --together` raises all of them
1 spec has only addresses of its own: own
";

#[test]
fn what_is_newer_is_shown_with_whether_it_can_be_fetched() {
    let project = project();
    assert_eq!(project.said(&["outdated"]), (0, TABLE.into(), String::new()));
    assert_eq!(project.said(&["outdated", "--exit-code"]).0, 1);
    let (code, security, _) = project.said(&["outdated", "--security", "--exit-code"]);
    let expected: String = TABLE.lines().filter(|line| !line.starts_with("gone")).map(|line| format!("{line}\n")).collect();
    assert_eq!((code, security), (1, expected));
    let (code, gone, _) = project.said(&["outdated", "--security", "--exit-code", "gone"]);
    assert_eq!((code, &*gone), (0, "no security update in trixie-security: 1 spec compared\n"));
    let current = "nothing newer in trixie, trixie-updates, trixie-security: 1 spec compared\n";
    assert_eq!(project.said(&["outdated", "fresh", "--exit-code"]), (0, current.into(), String::new()));
    let (code, next, _) = project.said(&["outdated", "fresh", "--suite", "forky", "--exit-code"]);
    assert_eq!(code, 1);
    assert!(next.ends_with("\nfresh  fresh   1.0-1  2.0~rc1-1  forky    can be fetched\n"), "{next}");

    let (_, coloured, _) = project.said(&["--color", "always", "outdated", "fixed"]);
    assert!(coloured.contains("\u{1b}[1;31msecurity\u{1b}[0m  \u{1b}[32mcan be fetched\u{1b}[0m\n"), "{coloured:?}");
    let (code, _, err) = project.said(&["outdated", "fixd"]);
    assert!(code == 2 && err.contains("unknown package `fixd`") && err.contains("did you mean `fixed`?"), "{err}");
    let (code, _, err) = project.said(&["outdated", "--suite", "../x"]);
    assert!(code == 2 && err.contains("is not the name of a suite"), "{err}");
}

#[test]
fn a_kernel_has_the_sources_of_the_spec_that_compiles_it() {
    let project = project();
    let flavour = "flavour = \"esx\"\n";
    let compiled = |name: &str| project.text(name).replace("[build.make]\n", &format!("[build.kernel-objects]\n{flavour}"));
    project.spec_text("kernel", &compiled("kernel"));
    let signed = "[requires]\nbuild = [\"kernel\"]\n";
    project.spec("signed", signed);
    let text = project.text("signed").replace("[build.make]\n", &format!("[build.kernel]\n{flavour}"));
    project.spec_text("signed", &text);

    let expected = "\
SPEC    SOURCE  HERE   ARCHIVE  SUITE
kernel  kernel  1.0-1  1:1.1-1  trixie-security  security  can be fetched
kernel, other-kernel, signed have one version: `cargo xtask bump kernel --together` raises all of them
";
    assert_eq!(project.said(&["outdated", "signed", "--exit-code"]), (1, expected.into(), String::new()));
    assert_eq!(project.said(&["outdated", "signed", "kernel"]), (0, expected.into(), String::new()));
    let (_, out, _) = project.said(&["--json", "outdated", "signed", "other-kernel"]);
    let document: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let rows = document["outdated"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["specs"]), (1, &serde_json::json!(["kernel", "other-kernel"])));
    let (code, _, err) = project.said(&["bump", "signed", "--together"]);
    assert_eq!((code, &*err), (0, ""));
    for name in ["signed", "kernel", "other-kernel"] {
        assert!(project.text(name).contains("version = \"1.1\""), "{name}");
    }
}

#[test]
fn what_the_archive_does_not_list_is_not_called_current() {
    let mut project = Project::new();
    project.spec("fresh", &debian("fresh_1.0-1", "fresh_1.0.orig.tar.gz", ""));
    project.source(MAIN, "fresh", "1.0-1", &[("1.0.orig.tar.gz", There)]);
    project.source(SECURITY, "fresh", "1.0-1", &[("1.0.orig.tar.gz", There)]);
    project.spec("lost", &debian("lots_1.0-1", "lots_1.0.orig.tar.gz", ""));
    project.publish();
    let (code, out, _) = project.said(&["outdated", "lost"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("lost: no suite that was read has a package `lots`, so nothing newer can be seen"), "{out}");
    let (_, out, _) = project.said(&["outdated", "lost", "--security"]);
    assert!(!out.contains("lots"), "{out}");
    let (_, out, _) = project.said(&["--json", "outdated", "lost"]);
    let document: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(document["unlisted"], serde_json::json!([{ "spec": "lost", "package": "lots" }]));
}

#[test]
fn the_same_is_one_document() {
    let project = project();
    let (_, out, _) = project.said(&["--json", "outdated", "gone", "own"]);
    let document: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let row = |newer: &str, suite: &str, obstacle: Option<&str>| {
        serde_json::json!({
            "spec": "gone", "specs": ["gone"], "source": "gone", "package": "gone", "version": "1.0-1", "newer": newer, "suites": [suite], "security": false,
            "can-be-fetched": obstacle.is_none(), "obstacle": obstacle, "same-files": false,
        })
    };
    let expected = serde_json::json!({
        "unlisted": [], "suites": ["trixie", "trixie-updates", "trixie-security"], "compared": 1, "own-addresses": ["own"],
        "outdated": [row("1.2-1", "trixie-updates", Some("no mirror has gone_1.2.orig.tar.xz")), row("1.1-1", "trixie", None)],
    });
    assert_eq!(document, expected);
}

#[test]
fn suites_that_are_not_there_are_left_out_with_a_warning() {
    let project = project();
    project.has_mirrors(&["debian"]);
    fs::remove_dir_all(project.path("debian/dists/trixie-updates")).unwrap();
    let warnings = "warning: the archive has no suite `trixie-updates`: it is left out\n\
        warning: this machine has no mirror of security updates, which `trixie-security` is on: it is left out\n";
    let (code, out, err) = project.said(&["outdated", "fixed"]);
    assert_eq!((code, &*out, &*err), (0, "nothing newer in trixie: 1 spec compared\n", warnings));
    let (code, out, err) = project.said(&["outdated", "--security"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(err.starts_with("error: no suite of the Debian archive can be read: this machine has no mirror of security updates"), "{err}");
    // Nothing of it is in the archive, so nothing is read.
    assert_eq!(
        project.said(&["outdated", "--security", "own"]),
        (
            0,
            "nothing to compare: no source of these specs is in the Debian archive\n1 spec has only addresses of its own: own\n".into(),
            String::new()
        )
    );
}

#[test]
fn a_damaged_index_is_an_error() {
    let project = project();
    fs::write(project.path("security/dists/trixie-security/main/source/Sources.gz"), "damaged").unwrap();
    let (code, out, err) = project.said(&["outdated"]);
    assert_eq!((code, &*out), (1, ""));
    let expected = "error: no Debian archive returned an index of `trixie-security`: file:[TOP]/security: \
        dists/trixie-security/main/source/Sources.gz does not match the signed index: expected SHA-256 ";
    assert!(err.starts_with(expected) && err.contains("\nhint: ") && err.matches("error: ").count() == 1, "{err}");
    let release = project.path("security/dists/trixie-security/Release");
    fs::write(&release, fs::read_to_string(&release).unwrap() + "Label: changed\n").unwrap();
    let (code, _, err) = project.said(&["outdated", "--exit-code"]);
    assert!(code == 1 && err.contains("its signature is invalid"), "{err}");
}

#[test]
fn a_spec_gets_the_newest_version_that_can_be_fetched() {
    let project = project();
    let old = project.text("gone");
    let new = old
        .replace("\"1.0\"", "\"1.1\"")
        .replace("release = 4", "release = 1")
        .replace("gone_1.0-1:gone_1.0.orig.tar.gz", "gone_1.1-1:gone_1.1.orig.tar.xz")
        .replace(&digest("gone_1.0.orig.tar.gz"), &digest("gone_1.1.orig.tar.xz"));
    let (code, out, err) = project.said(&["bump", "gone", "--dry-run"]);
    assert_eq!(
        (code, &*err),
        (0, "warning: version 1.2-1 of `gone` is newer still, but cannot be fetched: no mirror has gone_1.2.orig.tar.xz\n")
    );
    assert!(out.contains("\n-debian = \"gone_1.0-1:gone_1.0.orig.tar.gz\" # mine\n") && out.contains("\n+version = \"1.1\"\n"), "{out}");
    assert_eq!(project.text("gone"), old);
    assert_eq!(project.said(&["bump", "gone"]), (0, out, err));
    assert_eq!(project.text("gone"), new);
    let (code, out, err) = project.said(&["bump", "gone"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.starts_with("error: version 1.2-1 of `gone` is newer than that of `gone`, but cannot be fetched\n  cause: no mirror has"),
        "{err}"
    );

    assert_eq!(project.said(&["bump", "fresh"]), (0, "the archive has nothing newer for `fresh`\n".into(), String::new()));
    project.said(&["bump", "fresh", "--suite", "forky"]);
    assert!(
        project.text("fresh").contains("version = \"2.0~rc1\"") && project.text("fresh").contains("fresh_2.0~rc1-1:fresh_2.0~rc1.orig")
    );
    let (code, _, err) = project.said(&["bump", "own"]);
    assert_eq!(code, 3);
    assert!(
        err.starts_with("error: no source of `specs/own/package.toml` is in the Debian archive") && err.contains("bump own VERSION"),
        "{err}"
    );
}

#[test]
fn a_new_revision_raises_the_release() {
    let project = project();
    let old = project.text("fixed");
    let (code, _, err) = project.said(&["bump", "fixed"]);
    let warning = "warning: specs/fixed/package.toml:11: the list of `patches` was made for fixed_1.0+dfsg-1.debian.tar.xz: compare it with \
        `debian/patches/series` in fixed_1.0+dfsg-1+deb13u1.debian.tar.xz\n";
    assert_eq!((code, &*err), (0, warning));
    let new = old
        .replace("release = 4", "release = 5")
        .replace(&digest("fixed_1.0+dfsg-1.debian.tar.xz"), &digest("fixed_1.0+dfsg-1+deb13u1.debian.tar.xz"))
        .replace("fixed_1.0+dfsg-1", "fixed_1.0+dfsg-1+deb13u1");
    assert_eq!(project.text("fixed"), new);
    assert_eq!(project.said(&["outdated", "fixed", "--exit-code"]).0, 0);
}

#[test]
fn an_update_that_changes_no_file_of_the_spec_is_not_taken_for_one() {
    let project = project();
    let new = project.text("label").replace("label_1.0-1:", "label_1.0-2:");
    let (code, _, err) = project.said(&["bump", "label"]);
    let warning = "warning: specs/label/package.toml: 1.0-2 of `label` has the files that the spec has: what is new in it is in others, such as \
        `debian/patches`, and is not built until the spec takes them\n";
    assert_eq!((code, &*err), (0, warning));
    assert_eq!(project.text("label"), new, "the release stays");
}

#[test]
fn specs_with_one_source_are_raised_together() {
    let project = project();
    let new = project
        .text("kernel")
        .replace("\"1.0\"", "\"1.1\"")
        .replace("release = 4", "release = 1")
        .replace(&digest("kernel-source_1.0-1_all.deb"), &digest("kernel-source_1.1-1_all.deb"));
    let (code, _, err) = project.said(&["bump", "kernel", "--dry-run"]);
    let warning = "warning: `other-kernel` should have the same version and sources: `--together` raises them as well\n";
    assert_eq!((code, &*err), (0, warning));
    let (code, out, _) = project.said(&["--json", "bump", "other-kernel", "--together"]);
    let document: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let names: Vec<&str> = document.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((code, names), (0, vec!["other-kernel", "kernel"]));
    assert_eq!([project.text("kernel"), project.text("other-kernel")], [new.clone(), new], "`{{version}}` stays");
}

#[test]
fn a_named_version_takes_unknown_digests_from_the_index() {
    let project = project();
    let old = project.text("kernel");
    let (code, out, err) = project.said(&["bump", "kernel", "1.2"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.starts_with("error: the Debian archive lists no `kernel-source_1.2-1_all.deb`")
            && err.contains("\nhint: `cargo xtask bump kernel`"),
        "{err}"
    );
    assert_eq!(project.text("kernel"), old);
    let (code, _, err) = project.said(&["bump", "kernel", "1.1"]);
    assert_eq!(code, 0, "{err}");
    assert!(project.text("kernel").contains(&digest("kernel-source_1.1-1_all.deb")));
}
