//! Finds all tests: cargo compiles the binaries and reports their paths, and each binary lists its tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Need, TestError};

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its path in its binary: `store::scratch::tests::closed_directories`.
    pub name: String,
    /// What it needs.
    pub need: Need,
}

/// A compiled test binary and its tests.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The name of its target: `xtask` for the unit tests of the library, `boot` for `tests/boot`.
    pub name: String,
    /// The executable.
    pub executable: PathBuf,
    /// The directory of its package, in which cargo runs tests.
    pub package: PathBuf,
    /// Its tests, in the order in which it lists them.
    pub tests: Vec<Test>,
}

impl Binary {
    /// A command that runs this binary as cargo would.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.package).env("CARGO_MANIFEST_DIR", &self.package).env("CARGO", cargo());
        command
    }

    /// A test's name with that of its binary, as filters and lists use it.
    pub fn full_name(&self, test: &Test) -> String {
        format!("{}::{}", self.name, test.name)
    }

    fn list(&self, arguments: &[&str]) -> Result<Vec<String>, TestError> {
        let mut command = self.command();
        command.args(arguments).args(["--list", "--format", "terse"]);
        let text = output(&self.executable, &mut command)?;
        Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    /// The reasons of ignored tests: running them by name prints each with its reason without running it.
    fn reasons(&self, ignored: &[String]) -> Result<BTreeMap<String, String>, TestError> {
        if ignored.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut command = self.command();
        let text = output(&self.executable, command.args(["--exact", "--color", "never"]).args(ignored))?;
        Ok(text.lines().filter_map(reason_of_line).map(|(name, reason)| (name.to_owned(), reason.to_owned())).collect())
    }
}

/// The name and reason in a line `test NAME ... ignored, REASON`.
fn reason_of_line(line: &str) -> Option<(&str, &str)> {
    let (name, end) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
    Some((name, end.strip_prefix(", ").unwrap_or("")))
}

/// The path of cargo: the one that runs this program, if there is one.
pub(super) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

fn output(program: &Path, command: &mut Command) -> Result<String, TestError> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| TestError::Start { program: program.to_owned(), source })?;
    if !output.status.success() {
        return Err(TestError::Output { program: program.to_owned(), what: format!("listing its tests ended with {}", output.status) });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The packages of each call of cargo. Features of all crates in one call are unified, so these are separate: together with the programs of
/// installed systems, crates that the builder uses as well would be compiled a second time.
const PARTS: [&[&str]; 2] = [
    &["--workspace", "--exclude", "tdnf", "--exclude", "installer", "--exclude", "kaon-tools"],
    &["--package", "tdnf", "--package", "installer", "--package", "kaon-tools"],
];

/// Compiles all test binaries of the project at `root`, with cargo's own progress on standard error, and lists their tests.
///
/// # Errors
/// When cargo cannot be run, the tests do not compile, or an ignored test has an unknown reason.
pub fn discover(root: &Path) -> Result<Vec<Binary>, TestError> {
    let mut binaries = Vec::new();
    for part in PARTS {
        binaries.extend(compile(root, part)?);
    }
    binaries.sort_by(|a, b| (&a.package, &a.name, &a.executable).cmp(&(&b.package, &b.name, &b.executable)));
    binaries.into_iter().map(with_tests).collect()
}

fn compile(root: &Path, part: &[&str]) -> Result<Vec<Binary>, TestError> {
    let program = cargo();
    let mut command = Command::new(&program);
    // `cargo run` sets these for this program. Build scripts that depend on them would run again, and their crates be compiled again,
    // whenever a call with them follows one without.
    for name in std::env::vars_os().map(|(name, _)| name) {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            command.env_remove(name);
        }
    }
    let compiled = command
        .args(["test", "--locked", "--no-run", "--message-format", "json-render-diagnostics"])
        .args(part)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| TestError::Start { program, source })?;
    if !compiled.status.success() {
        return Err(TestError::Compile);
    }
    Ok(String::from_utf8_lossy(&compiled.stdout).lines().filter_map(binary_of_message).collect())
}

/// The test binary in one of cargo's messages (cargo reference, "External tools", artifact messages).
fn binary_of_message(line: &str) -> Option<Binary> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let executable = PathBuf::from(message["executable"].as_str()?);
    let package = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let name = message["target"]["name"].as_str()?.to_owned();
    Some(Binary { name, executable, package, tests: Vec::new() })
}

fn with_tests(mut binary: Binary) -> Result<Binary, TestError> {
    let (names, ignored) = (binary.list(&[])?, binary.list(&["--ignored"])?);
    let reasons = binary.reasons(&ignored)?;
    for name in names {
        let need = match (ignored.contains(&name), reasons.get(&name)) {
            (false, _) => Need::Nothing,
            (true, reason) => {
                let reason = reason.map_or("", String::as_str);
                let unknown = || TestError::UnknownReason { test: format!("{}::{name}", binary.name), reason: reason.to_owned() };
                Need::of_reason(reason).ok_or_else(unknown)?
            }
        };
        binary.tests.push(Test { name, need });
    }
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_cargo_are_understood() {
        let artifact = r#"{"reason":"compiler-artifact","manifest_path":"/p/xtask/Cargo.toml","target":{"name":"boot"},"profile":{"test":true},"executable":"/t/boot-1"}"#;
        let binary = binary_of_message(artifact).unwrap();
        assert_eq!((binary.name.as_str(), binary.package.as_path()), ("boot", Path::new("/p/xtask")));
        assert!(binary_of_message(&artifact.replace("\"test\":true", "\"test\":false")).is_none());
        assert!(binary_of_message(r#"{"reason":"build-finished","success":true}"#).is_none());
    }

    #[test]
    fn reasons_are_found_in_what_a_binary_prints() {
        assert_eq!(reason_of_line("test a::b ... ignored, needs the SDK, and time"), Some(("a::b", "needs the SDK, and time")));
        assert_eq!(reason_of_line("test a::b ... ignored"), Some(("a::b", "")));
        assert_eq!(reason_of_line("test a::b ... ok"), None);
    }

    /// A file of tests that cargo does not compile would never run.
    #[test]
    fn every_file_of_system_tests_is_compiled() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest: toml::Table = std::fs::read_to_string(package.join("Cargo.toml")).unwrap().parse().unwrap();
        let listed: Vec<PathBuf> =
            manifest["test"].as_array().unwrap().iter().map(|test| package.join(test["path"].as_str().unwrap())).collect();
        assert!(listed.iter().all(|path| path.is_file()), "{listed:?}");
        for folder in ["boot", "interop"] {
            let folder = package.join("../tests").join(folder);
            let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            let files: Vec<PathBuf> = names.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
            let texts: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
            let contains_tests = |file: &PathBuf| std::fs::read_to_string(file).unwrap().contains("#[test]");
            for file in files.into_iter().filter(contains_tests) {
                let name = file.file_stem().unwrap().to_str().unwrap();
                let is_known = listed.contains(&file) || texts.contains(&format!("mod {name};"));
                assert!(is_known, "{} is neither a `[[test]]` of xtask/Cargo.toml nor a module of one", file.display());
            }
        }
    }
}
