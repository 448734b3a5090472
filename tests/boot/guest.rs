//! Machines that are started for a test, what they say, and what is left of it when the test fails.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// How long a guest may take under emulation on a busy machine, in seconds.
pub const TIMEOUT_S: u64 = 3600;

/// How long a guest may be idle without a word, in seconds. The longest pause of a healthy start is systemd's wait for a device, 90 s.
pub const STANDSTILL_S: u64 = 300;

/// Starts the test's script once the machine is up. `Type=exec`, so that the start-up counts as finished while it runs.
const UNIT: &str = "[Unit]\nDescription=Boot test\nAfter=docker.service\n[Service]\nType=exec\nImportCredential=kaon-test.script\n\
                    ExecStart=/usr/bin/bash -c '. \"$CREDENTIALS_DIRECTORY/kaon-test.script\"'\nStandardOutput=journal\n";
const DROP_IN: &str = "[Unit]\nWants=kaon-test.service\n";
/// A busy host may take longer over it than systemd waits.
const PATIENCE: &str = "[Service]\nTimeoutStartSec=infinity\n";
const SAY: &str = include_str!("say.sh");

/// The number of console lines that a failure shows.
const TAIL_LINES: usize = 60;

/// The project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project")
}

/// A file of `folder` with this content.
pub fn file(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Runs the builder, which must be content.
pub fn xtask<W: AsRef<OsStr>>(words: &[W]) {
    xtask_in(root(), words);
}

/// Runs the builder in another project.
pub fn xtask_in<W: AsRef<OsStr>>(project: &Path, words: &[W]) {
    let status = Command::new(env!("CARGO_BIN_EXE_xtask")).args(words).current_dir(project).status().unwrap();
    let line: Vec<_> = words.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    assert!(status.success(), "`xtask {}`: {status}", line.join(" "));
}

/// What stood on a machine's console. A test that fails while it holds one shows its end.
pub struct Console {
    awaited: String,
    text: String,
}

impl Deref for Console {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what was waited for: {}\nthe end of the console:\n{}", self.awaited, tail(&self.text));
        }
    }
}

/// The end of what stood on a console.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Runs `xtask qemu` with these words until the machine switches itself off.
pub fn run<W: AsRef<OsStr>>(words: &[W], awaited: &str) -> Console {
    let (status, console) = attempt(words, awaited);
    assert!(status.success(), "the machine did not switch itself off ({status})");
    console
}

/// What the builder's hint says of a guest that stands still by a fault of the emulator.
const EMULATORS_FAULT: &str = "QEMU lost the end of an interrupt";

fn attempt<W: AsRef<OsStr>>(words: &[W], awaited: &str) -> (ExitStatus, Console) {
    let mut restarts_left = 2;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let serial = folder.path().join("serial.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(["qemu", "--timeout", &TIMEOUT_S.to_string(), "--standstill", &STANDSTILL_S.to_string(), "--serial"])
            .arg(&serial)
            .args(words)
            .current_dir(root())
            .stdout(Stdio::inherit());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        eprint!("{said}");
        if restarts_left > 0 && said.contains(EMULATORS_FAULT) {
            eprintln!("starting the guest again");
            restarts_left -= 1;
            continue;
        }
        let text = fs::read(&serial).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        return (output.status, Console { awaited: awaited.to_owned(), text });
    }
}

/// The report of a guest: values by key, in order.
pub type Facts = BTreeMap<String, Vec<String>>;

/// A machine that has run a test's script.
pub struct Guest {
    facts: Facts,
    /// Shown when the test fails.
    _console: Console,
}

/// What is started.
pub struct Start<'a> {
    /// What it is called in the reports.
    pub way: &'a str,
    /// The arguments of `xtask qemu`.
    pub image: &'a str,
    pub options: &'a [&'a str],
    /// What runs in the guest, below [`SAY`].
    pub script: &'a str,
    /// Disks of the guest, which it can only read.
    pub disks: &'a [PathBuf],
    /// Further arguments of QEMU.
    pub arguments: &'a [&'a str],
}

impl<'a> Start<'a> {
    /// A machine without anything further.
    pub fn of(way: &'a str, image: &'a str, script: &'a str) -> Self {
        Self { way, image, options: &[], script, disks: &[], arguments: &[] }
    }

    /// Starts the machine and waits until its script is over.
    pub fn run(&self) -> Guest {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| file(folder.path(), name, content);
        let results = file("results", b"");
        let script = format!("{SAY}{}", self.script);
        let credentials = [
            ("systemd.extra-unit.kaon-test.service", UNIT),
            ("systemd.unit-dropin.multi-user.target~kaon-test", DROP_IN),
            ("systemd.unit-dropin.containerd.service", PATIENCE),
            ("kaon-test.script", &script),
        ];
        let mut words: Vec<OsString> = vec![self.image.into()];
        words.extend(self.options.iter().map(OsString::from));
        for (number, (name, content)) in credentials.into_iter().enumerate() {
            let path = file(&format!("credential-{number}"), content.as_bytes());
            words.extend(["--credential".into(), format!("{name}={}", path.display()).into()]);
        }
        words.extend(["--port".into(), format!("kaon.result={}", results.display()).into()]);
        words.extend(self.disks.iter().flat_map(|disk| [OsString::from("--disk"), disk.into()]));
        if !self.arguments.is_empty() {
            words.push("--".into());
            words.extend(self.arguments.iter().map(OsString::from));
        }
        let (status, console) = attempt(&words, &format!("`{}`: a running system, and the end of the test's script in it", self.way));
        let text = fs::read_to_string(&results).unwrap();
        assert!(status.success() && text.ends_with("end \n"), "the guest did not finish ({status}); it had said:\n{text}");
        let mut facts = Facts::new();
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            facts.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        Guest { facts, _console: console }
    }
}

impl Guest {
    /// The first value of a key.
    pub fn one(&self, key: &str) -> &str {
        self.all(key).first().map_or("(nothing)", String::as_str)
    }

    /// All values of a key.
    pub fn all(&self, key: &str) -> &[String] {
        self.facts.get(key).map_or(&[], Vec::as_slice)
    }

    /// All values of a key, as a paragraph.
    pub fn text(&self, key: &str) -> String {
        self.all(key).join("\n  ")
    }
}
