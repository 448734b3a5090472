//! Running what packages of others bring, in the tree they are installed into.

use std::ffi::{CStr, CString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, PipeReader, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::error::ApplyError;
use super::triggers::Fired;
use crate::names;
use crate::package::Package;
use crate::rpmfile::{Phase, Scriptlet};
use crate::system;
use crate::transaction::step::{Event, Settings};

/// Once a program has ended and this much was read, what it left in the background is not listened to any more.
const MOST_AFTERWARDS: usize = 1 << 20;

/// A script that is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) package: String,
    pub(super) section: String,
    interpreter: Vec<String>,
    text: String,
    /// How many packages of that name there will be.
    count: usize,
    /// How many there will be of the name that set a trigger off.
    #[serde(default)]
    other: Option<usize>,
    /// The paths that set a trigger off, which it reads.
    #[serde(default)]
    paths: Vec<String>,
}

impl Pending {
    pub(super) fn new(package: &str, phase: Phase, script: Scriptlet, count: usize) -> Self {
        let section = phase.section().to_owned();
        let (other, paths) = (None, Vec::new());
        Self { package: package.to_owned(), section, interpreter: script.interpreter, text: script.text, count, other, paths }
    }

    /// A trigger; none where it cannot be run, which was said before.
    pub(super) fn of(fired: &Fired<'_>) -> Option<Self> {
        let (script, (count, other)) = (&fired.trigger.script, fired.counts);
        (!script.is_lua()).then(|| Self {
            package: fired.owner.to_string(),
            section: fired.trigger.section().to_owned(),
            interpreter: script.interpreter.clone(),
            text: script.text.clone(),
            count,
            other,
            paths: fired.paths.iter().map(|path| (*path).to_owned()).collect(),
        })
    }

    /// What it reads: a line for each path.
    fn input(&self) -> io::Result<Stdio> {
        if self.paths.is_empty() {
            return Ok(Stdio::null());
        }
        let mut file = File::from(memfd_create(c"paths", MFdFlags::MFD_CLOEXEC)?);
        let mut lines = Vec::new();
        for path in &self.paths {
            lines.extend(names::raw(path).as_bytes());
            lines.push(b'\n');
        }
        file.write_all(&lines)?;
        file.rewind()?;
        Ok(file.into())
    }
}

/// Where programs of a tree are run.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) root: &'a Path,
    /// The directory for scripts' texts, on this machine.
    pub(super) own: &'a Path,
    pub(super) settings: &'a Settings<'a>,
}

/// How a program ended.
pub(super) enum Ended {
    /// Well.
    Well,
    /// Not well; with that exit code, if it was not killed.
    Badly(Option<i32>),
    /// It never began.
    Missing(io::Error),
}

impl Stage<'_> {
    /// Runs a script. The text goes through a file, since interpreters want one.
    pub(super) fn script(&self, script: &Pending) -> Result<Ended, ApplyError> {
        self.settings.observer.report(Event::Running { what: &format!("{} of {}", script.section, script.package) });
        let Some((program, arguments)) = script.interpreter.split_first() else { return Ok(Ended::Well) };
        let mut words: Vec<String> = arguments.to_vec();
        let place = format!("{}/script", system::DIRECTORY);
        let file = self.own.join("script");
        let failed = |source| ApplyError::Change { path: place.clone(), source };
        if !script.text.is_empty() {
            self.settings.gate.pass("write").map_err(failed)?;
            let mut options = OpenOptions::new();
            let _ = fs::remove_file(&file);
            let mut opened = options.write(true).create_new(true).mode(0o700).open(&file).map_err(failed)?;
            opened.write_all(script.text.as_bytes()).map_err(failed)?;
            words.extend([place.clone(), script.count.to_string()]);
            words.extend(script.other.map(|other| other.to_string()));
        }
        let (ended, bytes) = self.with_input(program, &words, script.input().map_err(failed)?)?;
        self.pass_on(&bytes);
        if !script.text.is_empty() {
            fs::remove_file(&file).map_err(failed)?;
        }
        Ok(ended)
    }

    /// Runs a script of a package. What runs before a change may forbid it; what runs after may only complain.
    pub(super) fn of_package(&self, package: &Package, phase: Phase, script: Option<Scriptlet>, count: usize) -> Result<(), ApplyError> {
        let Some(script) = script.filter(|_| self.settings.scripts) else { return Ok(()) };
        let pending = Pending::new(&package.nevra.to_string(), phase, script, count);
        let ended = self.script(&pending)?;
        let code = match &ended {
            Ended::Well => return Ok(()),
            Ended::Badly(code) => *code,
            Ended::Missing(_) => None,
        };
        if matches!(phase, Phase::BeforeAll | Phase::BeforeInstall | Phase::BeforeRemoval) {
            return Err(ApplyError::ScriptFailed { package: pending.package, section: phase.section(), code });
        }
        self.complain(&pending, &ended);
        Ok(())
    }

    /// Runs triggers, none of which may forbid anything.
    pub(super) fn fire(&self, fired: &[Fired<'_>]) -> Result<(), ApplyError> {
        for pending in fired.iter().filter_map(Pending::of) {
            let ended = self.script(&pending)?;
            self.complain(&pending, &ended);
        }
        Ok(())
    }

    /// Reports how a script ended, unless that was well.
    pub(super) fn complain(&self, script: &Pending, ended: &Ended) {
        let text = match ended {
            Ended::Well => return,
            Ended::Badly(Some(code)) => format!("failed with exit code {code}"),
            Ended::Badly(None) => "was killed".to_owned(),
            Ended::Missing(error) => format!("cannot be run: {error}"),
        };
        self.settings.observer.report(Event::Warning { text: &format!("{} of {} {text}", script.section, script.package) });
    }

    /// Reports what a program printed.
    pub(super) fn pass_on(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.settings.observer.report(Event::Output { text: &String::from_utf8_lossy(bytes) });
        }
    }

    /// Runs a program of the tree and returns what it prints.
    pub(super) fn quietly(&self, program: &str, arguments: &[String]) -> Result<(Ended, Vec<u8>), ApplyError> {
        self.with_input(program, arguments, Stdio::null())
    }

    fn with_input(&self, program: &str, arguments: &[String], input: Stdio) -> Result<(Ended, Vec<u8>), ApplyError> {
        self.settings.gate.pass("run").map_err(|source| ApplyError::Change { path: program.to_owned(), source })?;
        let missing = |error| Ok((Ended::Missing(error), Vec::new()));
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/").env("LC_ALL", "C.UTF-8");
        command.current_dir("/");
        let pipe = io::pipe().and_then(|(reader, writer)| Ok((reader, writer.try_clone()?, writer)));
        let (mut reader, first, second) = match pipe {
            Ok(pipe) => pipe,
            Err(error) => return missing(error),
        };
        command.stdin(input).stdout(first).stderr(second);
        // SAFETY: one system call.
        unsafe { command.pre_exec(apart) };
        if self.root != Path::new("/") {
            let path = |path: &Path| CString::new(path.as_os_str().as_bytes());
            let (Ok(root), Ok(devices)) = (path(self.root), path(&self.root.join("dev"))) else {
                return missing(io::ErrorKind::InvalidInput.into());
            };
            // SAFETY: between fork and exec only system calls are made; the names were made before.
            unsafe { command.pre_exec(move || enter(&root, &devices)) };
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return missing(error),
        };
        // The command holds the writing ends too; the output ends when the last of them is closed.
        drop(command);
        let mut bytes = Vec::new();
        let ended = match until_it_ends(&mut child, &mut reader, &mut bytes) {
            Ok(status) if status.success() => Ended::Well,
            Ok(status) => Ended::Badly(status.code()),
            Err(error) => Ended::Missing(error),
        };
        Ok((ended, bytes))
    }
}

/// Reads what a program prints until it ends. What it leaves running in the background may keep its output open for ever, so the end of that is
/// not waited for.
fn until_it_ends(child: &mut Child, reader: &mut PipeReader, bytes: &mut Vec<u8>) -> io::Result<ExitStatus> {
    const PAUSE_MS: u16 = 20;
    let mut piece = [0; 4096];
    loop {
        // Whether it had ended is asked before: then what can be read was written by it.
        let ended = child.try_wait()?;
        let wait = PollTimeout::from(if ended.is_some() { 0 } else { PAUSE_MS });
        let ready = match poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], wait) {
            Err(nix::errno::Errno::EINTR) => continue,
            ready => ready? > 0,
        };
        match (ready, ended) {
            (false, Some(status)) => return Ok(status),
            (false, None) => {}
            (true, _) => match reader.read(&mut piece)? {
                0 => return child.wait(),
                read => bytes.extend_from_slice(&piece[..read]),
            },
        }
        if let (Some(status), true) = (ended, bytes.len() > MOST_AFTERWARDS) {
            return Ok(status);
        }
    }
}

/// Puts this process into a session of its own: the terminal's signals, such as that of Ctrl-C, would end it in the middle of its work.
fn apart() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(())
}

/// Makes a tree the root of this process. Programs expect `/proc` and `/dev` to be there; only this process sees them.
fn enter(root: &CStr, devices: &CStr) -> io::Result<()> {
    let none: Option<&CStr> = None;
    let private = unshare(CloneFlags::CLONE_NEWNS).and_then(|()| mount(none, c"/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none));
    if private.is_ok() {
        // A tree without these directories, or a kernel that forbids it, leaves programs to do without.
        let _ = mount(Some(c"/dev"), devices, none, MsFlags::MS_BIND | MsFlags::MS_REC, none);
    }
    nix::unistd::chroot(root)?;
    nix::unistd::chdir(c"/")?;
    if private.is_ok() {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let _ = mount(Some(c"proc"), c"/proc", Some(c"proc"), flags, none);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    use super::*;

    #[test]
    fn what_runs_on_in_the_background_is_not_waited_for() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut child = Command::new("/bin/sh").args(["-c", "sleep 60 & echo $!; exit 3"]).stdout(writer).spawn().unwrap();
        let (mut bytes, since) = (Vec::new(), Instant::now());
        let status = until_it_ends(&mut child, &mut reader, &mut bytes).unwrap();
        let left: i32 = String::from_utf8(bytes).unwrap().trim().parse().unwrap();
        kill(Pid::from_raw(left), Signal::SIGKILL).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(since.elapsed() < Duration::from_secs(30));
    }

    /// A terminal sends its signals to the processes of one session only.
    #[test]
    fn programs_run_in_a_session_of_their_own() {
        let settings = Settings::new(0, "a test");
        let own = tempfile::tempdir().unwrap();
        let stage = Stage { root: Path::new("/"), own: own.path(), settings: &settings };
        let line = "read -r process _ _ _ group session _ < /proc/self/stat; echo $process $group $session";
        let (ended, printed) = stage.quietly("/bin/sh", &["-c".to_owned(), line.to_owned()]).unwrap();
        assert!(matches!(ended, Ended::Well));
        let printed = String::from_utf8(printed).unwrap();
        let numbers: Vec<&str> = printed.split_whitespace().collect();
        assert_eq!(numbers, [numbers[0]; 3]);
    }

    #[test]
    fn all_that_a_program_prints_is_read() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done"]).stdout(writer);
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut bytes = Vec::new();
        assert!(until_it_ends(&mut child, &mut reader, &mut bytes).unwrap().success());
        assert_eq!(bytes.len(), 220_000);
    }
}
