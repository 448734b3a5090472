//! QEMU's monitor, used to get the state of a guest that has hung.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::{io, str};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The monitor's prompt.
const PROMPT: &str = "(qemu) ";

/// Processors whose stacks are shown.
const SHOWN_CPUS: usize = 8;

/// Both ends of a connection to the monitor. The socket has no name, so no other user of the host can connect.
#[derive(Debug)]
pub(super) struct Monitor {
    ours: UnixStream,
    theirs: OwnedFd,
}

impl Monitor {
    /// Creates an unused connection.
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
        // The first output is the monitor's greeting.
        self.answer()?;
        *text += &self.ask("info status")?;
        let registers = self.ask("info registers -a")?;
        *text += &registers;
        for (cpu, pointer) in stack_pointers(&registers).enumerate().take(SHOWN_CPUS) {
            self.ask(&format!("cpu {cpu}"))?;
            *text += &self.ask("info lapic")?;
            *text += &format!("stack of CPU#{cpu}\n{}", self.ask(&format!("x/32gx 0x{pointer}"))?);
        }
        Ok(())
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        self.ours.write_all(format!("{command}\n").as_bytes())?;
        self.answer()
    }

    /// Everything up to the next prompt, without the echo of the monitor's line editor.
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

/// The stack pointer of each processor in the output of `info registers -a`, in hexadecimal digits. Newer monitors do not accept `$rsp` in
/// an address.
fn stack_pointers(registers: &str) -> impl Iterator<Item = &str> {
    let values = registers.split_ascii_whitespace().filter_map(|word| word.strip_prefix("RSP=").or_else(|| word.strip_prefix("ESP=")));
    values.filter(|value| value.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The first processor that is halted while its local APIC has an interrupt in service, in a state that [`Monitor::state`] returned. Linux
/// acknowledges each interrupt before its processor halts, so the emulator has lost the acknowledgement, and less urgent interrupts wait
/// forever. Seen with QEMU 10.0 without KVM, with the timer interrupt of a second processor, when a busy machine started a guest with UEFI.
pub(super) fn lost_interrupt(state: &str) -> Option<usize> {
    let (mut halted, mut cpu) = (Vec::new(), 0);
    for line in state.lines() {
        if let Some(number) = line.strip_prefix("CPU#").or_else(|| line.strip_prefix("dumping local APIC state for CPU ")) {
            cpu = number.trim().parse().ok()?;
        } else if line.contains(" HLT=1") {
            halted.push(cpu);
        } else if let Some(vectors) = line.strip_prefix("ISR")
            && vectors.trim_start().starts_with(|first: char| first.is_ascii_digit())
            && halted.contains(&cpu)
        {
            return Some(cpu);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halted_processor_with_an_interrupt_in_service_is_found() {
        let state = |hlt: u8, isr: &str| {
            format!(
                "VM status: running\n\nCPU#0\nRIP=ffff RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\nCPU#1\nRIP=ffff A20=1 SMM=0 HLT={hlt}\n\
                 dumping local APIC state for CPU 0 \n\nISR\t (none)\nIRR\t (none)\ndumping local APIC state for CPU 1 \n\nISR\t {isr}\nIRR\t 33 236 \n"
            )
        };
        assert_eq!(lost_interrupt(&state(1, "236 ")), Some(1));
        assert_eq!(lost_interrupt(&state(0, "236 ")), None, "it is being handled");
        assert_eq!(lost_interrupt(&state(1, "(none)")), None);
    }

    #[test]
    fn stack_pointers_are_those_of_all_processors() {
        let text = "CPU#0\nRSI=0000 RBP=ffffffff8840a940 RSP=ffffffff88403e90\n\nCPU#1\nEAX=00000000 ESP=00006f8c\nRSP=$x\n";
        assert_eq!(stack_pointers(text).collect::<Vec<_>>(), ["ffffffff88403e90", "00006f8c"]);
    }
}
