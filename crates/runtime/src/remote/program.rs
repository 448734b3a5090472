//! Finding a program, and compiling it.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Instant;

use serde::Deserialize;

use super::RemoteError;
use crate::cancel::{CHECK, Cancel};
use crate::progress::{Event, Outcome, Reporter};

/// A program of this project that is compiled when it is first needed.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its file name.
    pub name: &'static str,
    /// The package of the workspace, whose directory in `crates` has the same name.
    package: &'static str,
    /// How its compilation is reported.
    unit: &'static str,
    linkage: Linkage,
}

/// What a program needs where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linkage {
    /// The libraries of this machine.
    Dynamic,
    /// Nothing but the kernel.
    Static,
}

/// The program that speaks gRPC.
pub const REMOTE: Program =
    Program { name: "kaon-remote", package: "remote", unit: "kaon-remote, for gRPC servers", linkage: Linkage::Dynamic };

/// The program that runs builds on workers, whatever their system is.
pub const WORKER: Program =
    Program { name: "kaon-worker", package: "worker", unit: "kaon-worker, for remote builds", linkage: Linkage::Static };

/// The target of static programs: that of this machine, since that is named, cargo compiles build scripts and macros without the flags.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The flags for static programs; without symbols, they have a fifth of the size, and are sent to servers.
const STATIC_FLAGS: &str = "-C target-feature=+crt-static -C strip=symbols";

impl Program {
    /// The path of the program: compiled from the project if that contains its source, otherwise the one beside this program.
    ///
    /// # Errors
    /// When it is in neither place, or cannot be compiled.
    pub fn find(&self, project: &Path, reporter: &dyn Reporter, cancel: &Cancel) -> Result<PathBuf, RemoteError> {
        if project.join("crates").join(self.package).join("Cargo.toml").is_file() {
            return compile(self, project, reporter, cancel);
        }
        let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(self.name)));
        beside.filter(|path| path.is_file()).ok_or(RemoteError::NotHere { program: self.name })
    }
}

/// Has cargo compile the program, which takes no time if nothing changed.
fn compile(program: &Program, project: &Path, reporter: &dyn Reporter, cancel: &Cancel) -> Result<PathBuf, RemoteError> {
    let Program { name, package, unit, linkage } = *program;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let no_cargo = |reason: std::io::Error| RemoteError::NoCargo { program: name, reason: reason.to_string() };
    let mut command = Command::new(cargo);
    command.args(["build", "--locked", "--package", package, "--message-format", "json-render-diagnostics", "--color", "never"]);
    without_cargos_own(&mut command);
    if linkage == Linkage::Static {
        command.args(["--target", TARGET]).env("RUSTFLAGS", STATIC_FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    }
    command.current_dir(project).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(no_cargo)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(no_cargo(std::io::ErrorKind::BrokenPipe.into()));
    };
    let (watched, made) = thread::scope(|scope| {
        let watched = scope.spawn(|| watch(unit, stderr, reporter));
        let made = scope.spawn(|| executable(name, stdout));
        stop_when_raised(&mut child, cancel, || watched.is_finished());
        (watched.join(), made.join())
    });
    let status = child.wait().map_err(no_cargo)?;
    let Watched { begun, last_words } = watched.unwrap_or_default();
    let error = if cancel.is_raised() { RemoteError::Interrupted } else { RemoteError::Compile { program: name, package, last_words } };
    let made = made.ok().flatten().filter(|_| status.success()).ok_or(error);
    match (begun, &made) {
        (Some(begun), Ok(_)) => {
            let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            reporter.event(Event::Finished { unit: unit.into(), outcome: Outcome::Built, elapsed_ms });
        }
        (Some(_), Err(error)) => reporter.failed(unit, error.to_string()),
        (None, _) => {}
    }
    made
}

/// What cargo said.
#[derive(Default)]
struct Watched {
    /// When it began to compile, if it had to.
    begun: Option<Instant>,
    last_words: String,
}

/// Removes what cargo sets for the program that it runs. Build scripts depend on such variables: with them here and without them there, each of
/// the two would compile everything again that the other has compiled.
fn without_cargos_own(command: &mut Command) {
    const BEGINNINGS: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))) {
            command.env_remove(name);
        }
    }
}

/// Ends cargo when the user asked to stop.
fn stop_when_raised(child: &mut Child, cancel: &Cancel, is_over: impl Fn() -> bool) {
    while !is_over() {
        if cancel.is_raised() {
            // If this fails, it has ended.
            let _ = child.kill();
            return;
        }
        thread::sleep(CHECK);
    }
}

/// Reports that cargo compiles as soon as it does.
fn watch(unit: &str, stderr: ChildStderr, reporter: &dyn Reporter) -> Watched {
    let mut begun = None;
    let mut last = Vec::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let is_work = ["Compiling ", "Downloading ", "Updating "].iter().any(|word| line.trim_start().starts_with(word));
        if is_work && begun.is_none() {
            begun = Some(Instant::now());
            reporter.event(Event::Started { unit: unit.into() });
            reporter.phase(unit, "compile");
        }
        last.push(line);
        if last.len() > 5 {
            last.remove(0);
        }
    }
    Watched { begun, last_words: last.join("\n") }
}

/// One of cargo's messages ("External tools" in the Cargo Book).
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The path of the program in cargo's messages.
fn executable(name: &str, mut stdout: ChildStdout) -> Option<PathBuf> {
    let mut text = String::new();
    stdout.read_to_string(&mut text).ok()?;
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    messages.filter(|message| message.target.as_ref().is_some_and(|target| target.name == name)).find_map(|message| message.executable)
}
