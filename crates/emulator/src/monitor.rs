//! QEMU's monitor, asked for the state of a guest that stands still.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::{io, str};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the monitor shows when it waits for a command.
const PROMPT: &str = "(qemu) ";

/// Processors whose stacks are shown.
const SHOWN_CPUS: usize = 8;

/// Both ends of a connection to the monitor. It has no name, so that no other user of the host can reach it.
#[derive(Debug)]
pub(super) struct Monitor {
    ours: UnixStream,
    theirs: OwnedFd,
}

impl Monitor {
    /// A connection that is not used yet.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        ours.set_write_timeout(Some(PATIENCE))?;
        let theirs = OwnedFd::from(theirs);
        fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(Self { ours, theirs })
    }

    /// The descriptor that the emulator inherits.
    pub fn descriptor(&self) -> RawFd {
        self.theirs.as_raw_fd()
    }

    /// The state of the guest: registers, and the top of each processor's stack.
    pub fn state(&mut self) -> String {
        let mut text = String::new();
        if let Err(error) = self.add_state(&mut text) {
            let _ = write!(text, "(the emulator's monitor does not answer: {error})");
        }
        text
    }

    fn add_state(&mut self, text: &mut String) -> io::Result<()> {
        // What is there first is the monitor's greeting.
        self.answer()?;
        *text += &self.ask("info status")?;
        let registers = self.ask("info registers -a")?;
        *text += &registers;
        for (cpu, pointer) in stack_pointers(&registers).enumerate().take(SHOWN_CPUS) {
            self.ask(&format!("cpu {cpu}"))?;
            *text += &format!("stack of CPU#{cpu}\n{}", self.ask(&format!("x/32gx 0x{pointer}"))?);
        }
        Ok(())
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        self.ours.write_all(format!("{command}\n").as_bytes())?;
        self.answer()
    }

    /// Everything up to the next prompt, without what the monitor's line editor echoes.
    fn answer(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        while !bytes.ends_with(PROMPT.as_bytes()) {
            match self.ours.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => bytes.extend_from_slice(&part[..count]),
            }
        }
        let text = String::from_utf8_lossy(&bytes).replace('\r', "");
        let text = text.strip_suffix(PROMPT).unwrap_or(&text);
        // The echo of a command is redrawn with escape sequences after each of its letters.
        Ok(text.lines().filter(|line| !line.contains('\x1b')).map(|line| format!("{line}\n")).collect())
    }
}

/// The stack pointer of each processor in what `info registers -a` prints, in hexadecimal digits. Newer monitors know no `$rsp` in an address.
fn stack_pointers(registers: &str) -> impl Iterator<Item = &str> {
    let values = registers.split_ascii_whitespace().filter_map(|word| word.strip_prefix("RSP=").or_else(|| word.strip_prefix("ESP=")));
    values.filter(|value| value.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_pointers_are_those_of_all_processors() {
        let text = "CPU#0\nRSI=0000 RBP=ffffffff8840a940 RSP=ffffffff88403e90\n\nCPU#1\nEAX=00000000 ESP=00006f8c\nRSP=$x\n";
        assert_eq!(stack_pointers(text).collect::<Vec<_>>(), ["ffffffff88403e90", "00006f8c"]);
    }
}
