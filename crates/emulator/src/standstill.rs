//! Detects a hung guest: its processors are idle, and it writes nothing.
//!
//! A slow guest still uses its processors. One that waits for an event that never comes does not, and would otherwise run until the time
//! limit of the whole run.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Share of one host processor below which a guest counts as idle. Timers of an idle Linux take about 0.03.
const IDLE_SHARE: f64 = 0.05;

/// The interval in which files and processor time are checked.
const INTERVAL: Duration = Duration::from_secs(1);

/// The last observed activity of a guest, and its time.
#[derive(Debug)]
pub(super) struct Standstill {
    limit: Duration,
    process: u32,
    files: Vec<PathBuf>,
    looked: Instant,
    since: Instant,
    written_bytes: u64,
    cpu_s: f64,
}

impl Standstill {
    /// Watches the emulator `process`, whose guest writes to `files`.
    pub fn new(limit: Duration, process: u32, files: Vec<PathBuf>) -> Self {
        let now = Instant::now();
        Self { limit, process, files, looked: now, since: now, written_bytes: 0, cpu_s: 0.0 }
    }

    /// Whether the guest has been hung for longer than the limit.
    pub fn is_reached(&mut self) -> bool {
        if self.looked.elapsed() < INTERVAL {
            return false;
        }
        self.looked = Instant::now();
        let written_bytes = self.files.iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum();
        let cpu_s = cpu_s(self.process).unwrap_or(self.cpu_s);
        self.note(written_bytes, cpu_s, self.since.elapsed())
    }

    /// Records an observation made `after` the last sign of life.
    fn note(&mut self, written_bytes: u64, cpu_s: f64, after: Duration) -> bool {
        let is_busy = cpu_s - self.cpu_s > IDLE_SHARE * after.as_secs_f64().max(INTERVAL.as_secs_f64() * 10.0);
        if written_bytes != self.written_bytes || is_busy {
            (self.written_bytes, self.cpu_s, self.since) = (written_bytes, cpu_s, Instant::now());
            return false;
        }
        after >= self.limit
    }
}

/// Processor time of a process, user and system, in seconds (`utime` and `stime` of proc_pid_stat(5)).
fn cpu_s(process: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may contain anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten()?;
    Some((ticks(11)? + ticks(12)?) / per_second as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Standstill {
        Standstill::new(Duration::from_secs(300), std::process::id(), Vec::new())
    }

    #[test]
    fn an_idle_and_silent_guest_stands_still() {
        let mut watch = watch();
        assert!(!watch.note(0, 3.0, Duration::from_secs(100)), "its timers alone take 3 %");
        assert!(watch.note(0, 9.0, Duration::from_secs(300)));
    }

    #[test]
    fn processor_time_and_output_are_signs_of_life() {
        let mut watch = watch();
        assert!(!watch.note(0, 60.0, Duration::from_secs(300)), "it was busy");
        assert!(!watch.note(80, 60.0, Duration::from_secs(300)), "it wrote");
        assert!(watch.note(80, 61.0, Duration::from_secs(301)));
    }

    #[test]
    fn processor_time_is_read() {
        // On a busy machine it may take long until the first tick of processor time is counted.
        let (begun, used) = (Instant::now(), || cpu_s(std::process::id()).unwrap());
        while used() == 0.0 && begun.elapsed() < Duration::from_secs(60) {}
        assert!(used() > 0.0);
    }
}
