//! Runs apt's programs so that the user can stop them.

use std::io::{self, Read as _, Seek as _};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use super::AptError;
use runtime::cancel::Cancel;
use runtime::nameless;
use runtime::tool::{Tool, ToolError};

/// How a program ended and what it wrote.
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Why it was killed, if it was.
    pub given_up: Option<String>,
}

/// How often a running program is checked.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a program to its end, calling `look` from time to time, or kills it when that returns a reason or the user asks to stop.
///
/// # Errors
/// When it cannot be run, or the user asked to stop. Its exit status is left to the caller.
pub fn run(name: &'static str, tool: Tool, cancel: &Cancel, look: &mut dyn FnMut() -> Result<(), String>) -> Result<Ended, AptError> {
    let start = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ToolError::Missing { program: name.into() },
        _ => ToolError::Start { program: name.into(), source },
    };
    let mut outputs = [nameless::file(name).map_err(start)?, nameless::file(name).map_err(start)?];
    let mut command = tool.into_command();
    command.stdout(Stdio::from(outputs[0].try_clone().map_err(start)?)).stderr(Stdio::from(outputs[1].try_clone().map_err(start)?));
    let mut child = command.spawn().map_err(start)?;
    let mut given_up = None;
    let status = loop {
        let ended = child.try_wait().map_err(start)?;
        if cancel.is_raised() {
            // The signal that asks to stop may have reached the program as well.
            if ended.is_none() {
                child.kill().map_err(start)?;
                child.wait().map_err(start)?;
            }
            return Err(AptError::Interrupted);
        }
        if let Some(status) = ended {
            break status;
        }
        if let Err(reason) = look() {
            given_up = Some(reason);
            child.kill().map_err(start)?;
            break child.wait().map_err(start)?;
        }
        std::thread::sleep(LOOK);
    };
    let mut texts = outputs.iter_mut().map(|file| -> io::Result<String> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    });
    let mut next = || texts.next().unwrap_or(Ok(String::new())).map_err(start);
    Ok(Ended { status, stdout: next()?, stderr: next()?, given_up })
}

/// The text of apt's error lines (`E: …`), joined.
pub fn complaints(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix("E: ")).map(str::trim).collect();
    if lines.is_empty() { stderr.trim().lines().last().unwrap_or("no reason given").to_owned() } else { lines.join("; ") }
}
