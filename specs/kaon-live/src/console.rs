//! What the live system says before there is a system, and what it asks when it cannot go on.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};

use crate::device;
use crate::sys::{self, Power};

/// The kernel's log, which every console shows.
pub struct Console {
    debug: bool,
}

/// What the person at the console chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Try again with the same arguments.
    Retry,
    /// Try again with these words added to the kernel's command line.
    With(String),
    /// Restart or switch off.
    End(Power),
}

const HELP: &str = "\
  retry             look again
  devices           show the block devices
  log               show the kernel's messages
  kaon.WORD=VALUE   set an argument (kaon.medium=/dev/sdb, kaon.timeout=120 ...) and look again
  reboot, poweroff\n";

impl Console {
    /// A console that tells every step if `debug`.
    pub fn new(debug: bool) -> Self {
        Self { debug }
    }

    /// Tells a step, if steps are told.
    pub fn debug(&self, text: &str) {
        if self.debug {
            log(5, text);
        }
    }

    /// Tells what went otherwise than asked, and stops nothing.
    pub fn warn(&self, text: &str) {
        log(3, text);
    }

    /// Says why the boot cannot go on, and asks on every console until somebody chooses. Answers that leave things as they are
    /// (`devices`, `log`) are given here.
    pub fn ask(&self, problem: &str) -> Choice {
        let mut terminals = terminals();
        say(&mut terminals, &format!("\nkaon: the live system cannot start: {problem}\n\n{HELP}"));
        loop {
            say(&mut terminals, "kaon> ");
            let Some(line) = read_line(&mut terminals) else {
                // No console can be read: nobody will ever answer, and a restart may find what was missing.
                std::thread::sleep(std::time::Duration::from_secs(60));
                return Choice::End(Power::Restart);
            };
            match answer(&line) {
                Answer::Choice(choice) => return choice,
                Answer::Show(text) => say(&mut terminals, &text),
                Answer::Nothing => {}
            }
        }
    }
}

enum Answer {
    Choice(Choice),
    Show(String),
    Nothing,
}

fn answer(line: &str) -> Answer {
    match line.trim() {
        "" => Answer::Nothing,
        "retry" => Answer::Choice(Choice::Retry),
        "reboot" => Answer::Choice(Choice::End(Power::Restart)),
        "poweroff" => Answer::Choice(Choice::End(Power::Off)),
        "devices" => Answer::Show(device::describe_all().join("\n") + "\n"),
        "log" => Answer::Show(kernel_log()),
        words if words.starts_with("kaon.") => Answer::Choice(Choice::With(words.into())),
        _ => Answer::Show(HELP.into()),
    }
}

/// Writes a line to the kernel's log; the level is the kernel's, and `quiet` shows 3 and below.
fn log(level: u8, text: &str) {
    // A message nobody can be shown is not worth a boot.
    let _ =
        OpenOptions::new().write(true).open("/dev/kmsg").and_then(|mut log| log.write_all(format!("<{level}>kaon: {text}\n").as_bytes()));
}

/// Every console the kernel writes to.
fn terminals() -> Vec<File> {
    let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
    let open = |name: &str| OpenOptions::new().read(true).write(true).open(format!("/dev/{name}")).ok();
    let found: Vec<File> = active.split_whitespace().filter_map(open).collect();
    if found.is_empty() { open("console").into_iter().collect() } else { found }
}

fn say(terminals: &mut [File], text: &str) {
    for terminal in terminals {
        let _ = terminal.write_all(text.as_bytes());
    }
}

/// A line typed at any of the consoles; `None` when none is left.
fn read_line(terminals: &mut Vec<File>) -> Option<String> {
    while !terminals.is_empty() {
        let ready = sys::wait_readable(terminals, -1).ok()??;
        let mut buffer = [0; 1024];
        match terminals[ready].read(&mut buffer) {
            Ok(length) if length > 0 => return Some(String::from_utf8_lossy(&buffer[..length]).into_owned()),
            _ => drop(terminals.remove(ready)),
        }
    }
    None
}

/// The last 200 lines of the kernel's log.
fn kernel_log() -> String {
    use std::os::unix::fs::OpenOptionsExt as _;
    const O_NONBLOCK: i32 = 0o4000;
    let Ok(mut log) = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open("/dev/kmsg") else { return String::new() };
    let mut lines = Vec::new();
    let mut record = [0; 8192];
    while let Ok(length) = log.read(&mut record) {
        let text = String::from_utf8_lossy(&record[..length]);
        let message = text.split_once(';').map_or("", |(_, message)| message).lines().next().unwrap_or_default();
        lines.push(message.to_owned());
    }
    lines[lines.len().saturating_sub(200)..].join("\n") + "\n"
}
