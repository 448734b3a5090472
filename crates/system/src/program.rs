//! The one place that runs programs.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::inside;
use super::script::Executable;

/// Why a program did not do what it should. Its arguments are not shown: they may be long, and the step says what was done.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be started.
    #[error("cannot run `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It failed.
    #[error("`{program}` failed with {status}{}", if output.is_empty() { String::new() } else { format!(", saying:\n{output}") })]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        output: String,
    },
}

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// On this system.
    Here,
    /// In the installed system, where no systemd runs that it could ask for anything.
    Inside,
}

/// Where the programs of an installed system are.
const INSIDE_PATH: &str = "/usr/bin:/usr/sbin";

/// Of a program's output, so many characters at the end are shown.
const SHOWN: usize = 2000;

/// Runs a program of this system with nothing but a path, a locale, the way through proxies and what it is given, and returns what it says.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(program: &str, arguments: &[impl AsRef<str>], input: Option<&str>) -> Result<String, ProgramError> {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(AsRef::as_ref));
    wait(program, &mut command, Where::Here, input)
}

/// As [`run`]; who is not root is root of a user namespace, so that its files are root's there.
pub fn run_as_owner(program: &str, arguments: &[String]) -> Result<String, ProgramError> {
    let command = inside::as_root(program);
    let mut command = command.map_err(|source| ProgramError::Start { program: program.to_owned(), source })?;
    wait(program, command.args(arguments), Where::Here, None)
}

/// Runs a script on this system.
pub fn run_script(name: &str, script: &Executable) -> Result<String, ProgramError> {
    wait(name, Command::new(script.path()).envs(script.environment()), Where::Here, None)
}

/// Where programs of this system are looked for: where the caller does, and in the usual places, which are not all on the path of a user.
pub fn program_path() -> String {
    with_usual(&std::env::var("PATH").unwrap_or_default())
}

/// A path with the usual places behind what it has.
fn with_usual(path: &str) -> String {
    const USUAL: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
    let mut folders: Vec<&str> = path.split(':').filter(|folder| !folder.is_empty()).collect();
    for folder in USUAL {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}

/// Where a program is.
pub fn find_program(name: &str) -> Option<PathBuf> {
    program_path().split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// Whoever needs a proxy here to reach others, needs it in programs too.
fn proxies() -> impl Iterator<Item = (&'static str, OsString)> {
    const NAMES: [&str; 6] = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
    NAMES.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// Runs what was prepared to its end, with the variables that were set for it and a few more.
pub(super) fn wait(program: &str, command: &mut Command, at: Where, input: Option<&str>) -> Result<String, ProgramError> {
    let start = |source| ProgramError::Start { program: program.to_owned(), source };
    let own: Vec<(OsString, OsString)> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command.env_clear().envs([("LC_ALL", "C.UTF-8"), ("HOME", "/root")]);
    match at {
        Where::Here => command.env("PATH", program_path()).envs(proxies()),
        // Without it, systemctl would speak to this system's systemd; with it here, it would restart nothing.
        Where::Inside => command.env("PATH", INSIDE_PATH).env("SYSTEMD_OFFLINE", "1"),
    };
    command.envs(own);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(start)?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        // A program that does not read to the end says why by itself.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().map_err(start)?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim_end().to_owned();
    if output.status.success() {
        return Ok(said);
    }
    let skipped = said.chars().count().saturating_sub(SHOWN);
    let end = said.chars().skip(skipped).collect();
    Err(ProgramError::Failed { program: program.to_owned(), status: output.status, output: end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_system_are_found_without_its_path() {
        let table = [
            ("", "/usr/bin:/usr/sbin:/bin:/sbin"),
            ("/home/me/bin:/usr/bin", "/home/me/bin:/usr/bin:/usr/sbin:/bin:/sbin"),
            ("/sbin:/usr/sbin:/bin:/usr/bin", "/sbin:/usr/sbin:/bin:/usr/bin"),
        ];
        for (path, expected) in table {
            assert_eq!(with_usual(path), expected);
        }
    }
}
