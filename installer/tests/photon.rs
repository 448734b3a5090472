//! Kickstart files as people have them for Photon OS, and what the program says of them.
//!
//! `tests/photon/NAME/ks.*` is a kickstart file, perhaps with files next to it; `ks.*.out` is what `kaon-installer --plan` says on the machine in
//! `tests/photon/facts.json` with a medium that has `minimal`, one kernel and a few more packages. With `KAON_UPDATE_CASES=1` in the environment
//! these are written again.

#![allow(missing_docs)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{medium, without_chance};

/// What the medium has.
const PACKAGES: [&str; 10] =
    ["minimal", "btrfs-progs", "docker", "linux", "kaon-disk", "kaon-firstboot", "grub", "less", "sudo", "xfsprogs"];

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photon")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The program in a case's folder, as its user calls it.
fn installer(folder: &Path, medium: &Path, name: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaon-installer"));
    command.args(more).arg(name).current_dir(folder);
    command.arg("--repository").arg(medium.join("repo")).arg("--key").arg(medium.join("key.asc"));
    command.output().unwrap()
}

fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    medium(&folder.path().join("repo"), &PACKAGES);
    fs::write(folder.path().join("key.asc"), testing::packages::KEY).unwrap();
    folder
}

#[test]
fn every_file_gives_its_plan_or_all_that_is_wrong() {
    let (world, update) = (world(), std::env::var_os("KAON_UPDATE_CASES").is_some());
    let facts = cases().join("facts.json").display().to_string();
    let (mut seen, mut wrong) = (0, Vec::new());
    for folder in sorted(&cases()).into_iter().filter(|path| path.is_dir()) {
        let is_case = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("ks.") && !name.ends_with(".out")
        };
        for path in sorted(&folder).into_iter().filter(is_case) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let output = installer(&folder, world.path(), name, &["--plan", "--facts", &facts]);
            let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
            let answer = format!("exit {}\n{}{err}", output.status.code().unwrap(), without_chance(&out));
            assert!(!answer.contains("sesame"), "{}: a secret is shown", path.display());
            let expected = folder.join(format!("{name}.out"));
            seen += 1;
            if update {
                fs::write(&expected, &answer).unwrap();
            } else if fs::read_to_string(&expected).ok().as_deref() != Some(answer.as_str()) {
                wrong.push(format!("{}:\n{answer}", path.display()));
            }
        }
    }
    assert!(seen >= 20, "only {seen} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Before the first write everything is known that can be known: a missing script leaves no disk.
#[test]
fn nothing_is_written_where_something_is_missing() {
    let world = world();
    let folder = world.path().join("site");
    fs::create_dir(&folder).unwrap();
    for (name, text) in [
        ("ks.json", r#"{"disks": {"default": {"filename": "disk.img", "size": 2048}}, "postinstallscripts": ["none.sh"]}"#),
        ("ks2.json", r#"{"disks": {"default": {"filename": "disk.img", "size": 2048}}, "users": [{"name": "a", "groups": ["none"]}]}"#),
    ] {
        fs::write(folder.join(name), text).unwrap();
        let output = installer(&folder, world.path(), name, &["--yes"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains("none"), "{name}: {told}");
        assert!(!folder.join("disk.img").exists(), "{name}: {told}");
    }
    // What a script had to make first is looked for once it has run.
    fs::write(folder.join("ks.json"), r#"{"preinstall": ["touch ran"], "additional_files": [{"none": "/a"}]}"#).unwrap();
    let output = installer(&folder, world.path(), "ks.json", &["--target-dir", "tree"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("there is no `none`") && folder.join("ran").exists(), "{told}");
    assert!(!folder.join("tree/etc").exists(), "{told}");
}

/// A script of `preinstall` says where to install, and its variables reach the scripts after it.
#[test]
fn preinstall_sets_variables() {
    let world = world();
    let folder = world.path().join("site");
    fs::create_dir(&folder).unwrap();
    let text = r##"{
        "environment": {"SITE": "lab"}, "hostname": "$NAME", "packages": ["minimal"],
        "preinstall": ["#!/bin/sh", "export NAME=node-$SITE", "export WORD=seven", "echo made >made"],
        "additional_files": [{"made": "/etc/made"}]
    }"##;
    fs::write(folder.join("ks.json"), text).unwrap();
    let output = installer(&folder, world.path(), "ks.json", &["--target-dir", "tree"]);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let read = |path: &str| fs::read_to_string(folder.join("tree").join(path)).unwrap_or_default();
    assert!(output.status.success(), "{told}");
    assert_eq!((read("etc/hostname").as_str(), read("etc/made").as_str()), ("node-lab\n", "made\n"), "{told}");
}

#[test]
fn a_disk_that_only_scripts_know_is_shown_on_one_that_is_there() {
    let (world, case) = (world(), cases().join("variables"));
    let mut facts: serde_json::Value = serde_json::from_str(&fs::read_to_string(cases().join("facts.json")).unwrap()).unwrap();
    let mut second = facts["disks"][0].clone();
    second["device"] = "/dev/sdb".into();
    facts["disks"].as_array_mut().unwrap().push(second);
    let path = world.path().join("facts.json");
    fs::write(&path, facts.to_string()).unwrap();
    let output = installer(&case, world.path(), "ks.json", &["--plan", "--facts", path.to_str().unwrap()]);
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success() && out.contains("disk: the plan is shown for /dev/sda\n"), "{out}{err}");
}
