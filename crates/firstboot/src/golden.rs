//! Documents as people and programs send them, and what becomes of a system by them.
//!
//! `tests/cases/NAME/` contains documents by their names (`user-data`, `meta-data`, `network-config`, `vendor-data`, `ovfEnv`, and variables
//! of VMware as `gi.userdata`, `gi.userdata.encoding`); `answer` next to them is what is reported and every file that is written. With
//! `KAON_UPDATE_CASES=1` in the environment these are written again. Passwords are not shown: whether there is a hash is.

mod units;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Bundle, act, understand};
use system::{Target, guestinfo};

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The documents of a folder.
fn bundle(folder: &Path) -> Bundle {
    let mut bundle = Bundle { origin: "test".into(), ..Bundle::default() };
    let variable = |name: &str| fs::read_to_string(folder.join(format!("gi.{name}"))).ok();
    let mut document = |name: &str, vmware: &str| {
        let bytes = match (fs::read(folder.join(name)), variable(vmware)) {
            (Ok(bytes), _) => Ok(bytes),
            (Err(_), Some(text)) => guestinfo::decode_bytes(&text, &variable(&format!("{vmware}.encoding")).unwrap_or_default()),
            (Err(_), None) => return None,
        };
        let text = bytes.and_then(|bytes| guestinfo::text_of(&bytes));
        text.map_err(|error| bundle.complaints.push(format!("{name}: {error}"))).ok()
    };
    let (user_data, meta_data) = (document("user-data", "userdata"), document("meta-data", "metadata"));
    let (network_config, vendor_data) = (document("network-config", "network-config"), document("vendor-data", "vendordata"));
    bundle = Bundle { user_data, meta_data, network_config, vendor_data, ..bundle };
    if let Ok(xml) = fs::read_to_string(folder.join("ovfEnv")) {
        bundle.take_ovf(&xml);
    }
    bundle
}

/// A system as it is installed.
fn system() -> (tempfile::TempDir, Target) {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::prepare(folder.path()).unwrap();
    target.write("/etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n").unwrap();
    target.write("/etc/group", 0o644, b"root:x:0:\nusers:x:100:\ndocker:x:975:\nwheel:x:10:\n").unwrap();
    target.write("/etc/shadow", 0o600, b"root:!*:1::::::\n").unwrap();
    target.write("/etc/gshadow", 0o600, b"root:!*::\nusers:!*::\ndocker:!*::\nwheel:!*::\n").unwrap();
    target.write("/usr/share/zoneinfo/Europe/Berlin", 0o644, b"").unwrap();
    target.write("/usr/share/zoneinfo/America/Toronto", 0o644, b"").unwrap();
    (folder, target)
}

/// What of a line may be shown and is the same every day.
fn shown(path: &str, text: &str) -> String {
    if path != "/etc/shadow" {
        return text.to_owned();
    }
    let line = |line: &str| {
        let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
        fields[1] = match fields[1].as_str() {
            hash if hash.starts_with("!$") => "(locked hash)".to_owned(),
            hash if hash.starts_with('$') => "(hash)".to_owned(),
            other => other.to_owned(),
        };
        if fields[2].len() > 1 {
            fields[2] = "(today)".to_owned();
        }
        fields.join(":") + "\n"
    };
    text.lines().map(line).collect()
}

/// All files below a folder, with their modes and contents.
fn files(root: &Path, folder: &Path, before: &dyn Fn(&str) -> String, text: &mut String) {
    for path in sorted(folder) {
        let name = format!("/{}", path.strip_prefix(root).unwrap().display());
        let kind = fs::symlink_metadata(&path).unwrap();
        if kind.is_dir() {
            files(root, &path, before, text);
        } else if kind.is_symlink() {
            let _ = writeln!(text, "=== {name} -> {}", fs::read_link(&path).unwrap().display());
        } else {
            let bytes = fs::read(&path).unwrap();
            let content =
                String::from_utf8(bytes.clone()).map_or_else(|_| format!("({} bytes)\n", bytes.len()), |content| shown(&name, &content));
            let content = if content.len() > 4000 { format!("({} bytes)\n", content.len()) } else { content };
            if content != before(&name) {
                let end = if content.ends_with('\n') || content.is_empty() { "" } else { "\n(no line end)\n" };
                let _ = write!(text, "=== {name} {:04o}\n{content}{end}", kind.permissions().mode() & 0o7777);
            }
        }
    }
}

/// What becomes of a system by the documents of a folder.
fn answer(folder: &Path) -> String {
    let (_folder, target) = system();
    let (_other, fresh) = system();
    let mut wishes = understand(&bundle(folder));
    let mut text = wishes.complaints.iter().map(|line| line.clone() + "\n").collect::<String>();
    wishes.complaints.clear();
    let failed = act::early(&mut wishes, &target).unwrap();
    let root = target.root().display().to_string();
    failed.iter().for_each(|line| text.push_str(&format!("not done: {}\n", line.replace(&root, ""))));
    if !wishes.instance.is_empty() {
        let _ = writeln!(text, "instance: {}", wishes.instance);
    }
    let before = |path: &str| shown(path, &fresh.read(path).unwrap());
    files(target.root(), target.root(), &before, &mut text);
    text
}

#[test]
fn every_case_gives_its_answer() {
    let update = std::env::var_os("KAON_UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    let folders = sorted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    for folder in &folders {
        let (answer, expected) = (answer(folder), folder.join("answer"));
        assert!(!answer.contains("sesame"), "{} shows a password", folder.display());
        if update {
            fs::write(&expected, &answer).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(answer.as_str()) {
            wrong.push(format!("{}:\n{answer}", folder.display()));
        }
    }
    assert!(folders.len() >= 20, "only {} cases were found", folders.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "is a process that prints the answers to the cases in the folder KAON_FIRSTBOOT_CASES"]
fn cases_of_a_folder() {
    let folder = std::env::var("KAON_FIRSTBOOT_CASES").expect("KAON_FIRSTBOOT_CASES names a folder of cases");
    let mut text = String::new();
    for folder in sorted(Path::new(&folder)).iter().filter(|folder| folder.is_dir()) {
        let _ = write!(text, "##### {}\n{}\n", folder.display(), answer(folder));
    }
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}
