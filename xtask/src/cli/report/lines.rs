//! Plain lines, for logs and pipes.

use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Instant;

use super::activity::{Activity, Running};
use super::duration;
use super::heartbeat::{self, Beat, SILENCE};
use crate::cli::stream::Stream;
use base::address::without_passwords;
use base::diagnostic::{Style, visible_line};
use runtime::progress::{Event, Outcome, Reporter};

/// Writes the begin and end of units to standard error.
pub struct Lines {
    me: Weak<Self>,
    err: Arc<Stream>,
    quiet: bool,
    style: Style,
    once: Once,
    state: Mutex<(Activity, Instant)>,
}

impl Lines {
    /// Writes to `err`; if `quiet`, only results, warnings and failures.
    pub fn new(err: Arc<Stream>, quiet: bool, style: Style) -> Arc<Self> {
        let state = Mutex::new((Activity::default(), Instant::now()));
        Arc::new_cyclic(|me| Self { me: Weak::clone(me), err, quiet, style, once: Once::new(), state })
    }
}

/// The text for an event, if any, as lines that end with a newline. If `now` is given, other running packages are listed.
pub(super) fn lines(event: &Event, activity: &Activity, style: Style, now: Option<Instant>) -> Option<String> {
    let line = match event {
        // There are many, and most exist already: one line each is enough.
        Event::Started { unit } if unit.starts_with("source ") => return None,
        Event::Started { unit } => format!("{unit}: started"),
        Event::Waiting { unit } => format!("{unit}: waiting for another builder"),
        Event::Finished { unit, outcome: Outcome::Built, elapsed_ms } => finished(unit, *elapsed_ms, activity, now),
        Event::Finished { outcome: Outcome::Cached, .. } | Event::Phase { .. } | Event::Amount { .. } => return None,
        Event::Failed { failure, .. } => return failure.as_ref().map(|failure| failure.render(style)),
        // The error at the end names them.
        Event::Skipped { .. } => return None,
        Event::Warning { message } => format!("warning: {message}"),
        Event::Note { message } => message.clone(),
        Event::Planned { units: 0, cached, .. } => format!("nothing to build, {cached} cached"),
        Event::Planned { units, cached, estimate_ms } => {
            let estimate = estimate_ms.map(|ms| format!(", about {}", duration(ms))).unwrap_or_default();
            format!("{units} to build, {cached} cached{estimate}")
        }
        Event::Ended { built: 0, .. } => return None,
        Event::Ended { built, elapsed_ms, cpu_ms, .. } => ended(*built, *elapsed_ms, *cpu_ms, activity),
    };
    Some(format!("{}\n", visible_line(&without_passwords(&line))))
}

/// `[12/60] package zlib: built in 4.7 s, 2 running: linux (build, 12 min 05 s), glibc (install, 3 min 10 s)`
fn finished(unit: &str, elapsed_ms: u64, activity: &Activity, now: Option<Instant>) -> String {
    let others = now.map(|now| others(activity, now)).unwrap_or_default();
    match activity.position().filter(|_| unit.starts_with(PACKAGE)) {
        Some((ended, all)) => format!("[{ended}/{all}] {unit}: built in {}{others}", duration(elapsed_ms)),
        None => format!("{unit}: done in {}", duration(elapsed_ms)),
    }
}

/// The prefix of units for packages.
const PACKAGE: &str = "package ";

/// The number of packages being built, with the names of the first ones.
fn others(activity: &Activity, now: Instant) -> String {
    const NAMED: usize = 3;
    let packages: Vec<String> = activity
        .running(now)
        .iter()
        .filter_map(|running| Some(format!("{} ({})", running.unit.strip_prefix(PACKAGE)?, phase_and_time(running))))
        .collect();
    let more = if packages.len() > NAMED { ", …" } else { "" };
    match packages.len() {
        0 => String::new(),
        count => format!(", {count} running: {}{more}", packages[..count.min(NAMED)].join(", ")),
    }
}

/// `build, 12 min 05 s`
fn phase_and_time(running: &Running) -> String {
    let time = duration(running.elapsed_ms);
    if running.phase.is_empty() { time } else { format!("{}, {time}", running.phase) }
}

/// `12 built in 9 min 10 s, 1.8 cores busy on average; slowest: linux 8 min 02 s, zlib 4.7 s`
fn ended(built: usize, elapsed_ms: u64, cpu_ms: u64, activity: &Activity) -> String {
    let slowest: Vec<String> = activity.slowest().iter().map(|(ms, package)| format!("{package} {}", duration(*ms))).collect();
    let slowest = if built > 1 && !slowest.is_empty() { format!("; slowest: {}", slowest.join(", ")) } else { String::new() };
    let tenths = (10 * cpu_ms).checked_div(elapsed_ms).unwrap_or(0);
    format!("{built} built in {}, {}.{} cores busy on average{slowest}", duration(elapsed_ms), tenths / 10, tenths % 10)
}

/// `still running: package linux (build, 12 min 05 s), …`
fn still_at_work(activity: &Activity, now: Instant) -> Option<String> {
    let running = activity.running(now);
    let units: Vec<String> = running.iter().map(|running| format!("{} ({})", running.unit, phase_and_time(running))).collect();
    (!units.is_empty()).then(|| format!("still running: {}\n", visible_line(&units.join(", "))))
}

impl Reporter for Lines {
    fn event(&self, event: Event) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.take(&event, now);
        let is_wanted = !self.quiet || matches!(event, Event::Warning { .. } | Event::Note { .. } | Event::Failed { .. });
        if let Some(text) = lines(&event, &state.0, self.style, Some(now)).filter(|_| is_wanted) {
            state.1 = now;
            self.err.write(text.as_bytes());
        }
        drop(state);
        if !self.quiet {
            heartbeat::start(&self.once, &self.me);
        }
    }
}

impl Beat for Lines {
    fn beat(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.1) < SILENCE {
            return;
        }
        if let Some(text) = still_at_work(&state.0, now) {
            state.1 = now;
            self.err.write(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, pipe};
    use std::time::Duration;

    use super::*;
    use crate::cli::stream::Content;
    use base::diagnostic::Explanation;
    use runtime::cancel::Cancel;

    fn started(unit: &str) -> Event {
        Event::Started { unit: unit.into() }
    }

    fn finished(unit: &str, outcome: Outcome, elapsed_ms: u64) -> Event {
        Event::Finished { unit: unit.into(), outcome, elapsed_ms }
    }

    fn printed(quiet: bool, work: impl FnOnce(&Lines)) -> String {
        let (mut reader, writer) = pipe().unwrap();
        let lines = Lines::new(Arc::new(Stream::new(Content::Messages, writer, &Cancel::new())), quiet, Style::Plain);
        work(&lines);
        drop(lines);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    fn build(lines: &Lines) {
        let failure = Explanation { message: "package `c` failed".into(), causes: vec![], last_lines: vec!["oh\x07".into()], hint: None };
        for event in [
            Event::Planned { units: 4, cached: 56, estimate_ms: Some(90_000) },
            finished("package z", Outcome::Cached, 0),
            started("package a"),
            started("package \x1b[2Jb"),
            Event::Phase { unit: "package \x1b[2Jb".into(), phase: "build".into() },
            started("image x"),
            finished("package a", Outcome::Built, 4_700),
            finished("package \x1b[2Jb", Outcome::Built, 3_725_000),
            Event::Failed {
                unit: "package c".into(),
                message: "package `c` failed".into(),
                phase: Some("build".into()),
                log: None,
                failure: Some(Box::new(failure)),
            },
            Event::Failed { unit: "source x".into(), message: "told by its package".into(), phase: None, log: None, failure: None },
            Event::Skipped { unit: "package d".into(), because: "package c".into() },
            Event::Ended { built: 2, cached: 56, failed: 1, skipped: 1, cpu_ms: 109_999, elapsed_ms: 61_000 },
        ] {
            lines.event(event);
        }
    }

    #[test]
    fn lines_show_the_position_and_the_slowest_packages() {
        assert_eq!(
            printed(false, build),
            "4 to build, 56 cached, about 1 min 30 s\npackage a: started\npackage \\x1b[2Jb: started\nimage x: started\n[2/60] package a: built in \
             4.7 s, 1 running: \\x1b[2Jb (build, 0.0 s)\n[3/60] package \\x1b[2Jb: built in 1 h 02 min\nerror: package `c` failed\n  | oh\\x07\n2 \
             built in 1 min 01 s, 1.8 cores busy on average; slowest: \\x1b[2Jb 1 h 02 min, a 4.7 s\n"
        );
        assert_eq!(printed(true, build), "error: package `c` failed\n  | oh\\x07\n");
    }

    #[test]
    fn a_finished_package_names_a_few_others() {
        let (begun, mut activity) = (Instant::now(), Activity::default());
        activity.take(&Event::Planned { units: 6, cached: 0, estimate_ms: None }, begun);
        for (seconds, name) in ["linux", "glibc", "xz", "tar", "sed"].iter().enumerate() {
            activity.take(&started(&format!("package {name}")), begun + Duration::from_secs(seconds as u64));
        }
        let line = finished("package a", Outcome::Built, 100);
        activity.take(&line, begun);
        let text = lines(&line, &activity, Style::Plain, Some(begun + Duration::from_secs(90))).unwrap();
        let expected = "[1/6] package a: built in 0.1 s, 5 running: linux (1 min 30 s), glibc (1 min 29 s), xz (1 min 28 s), …\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn warnings_have_no_passwords() {
        let text = printed(true, |lines| lines.event(Event::Warning { message: "https://user:s3cret@host/ is slow".into() }));
        assert_eq!(text, "warning: https://***@host/ is slow\n");
    }

    #[test]
    fn running_units_are_reported_after_a_silence() {
        let text = printed(false, |lines| {
            let begun = Instant::now();
            lines.event(started("package linux"));
            lines.event(Event::Phase { unit: "package linux".into(), phase: "build".into() });
            lines.event(started("sdk packages"));
            lines.event(Event::Amount { unit: "sdk packages".into(), done: 1 << 20, total: Some(2 << 20) });
            for seconds in [10, 60, 61, 700] {
                lines.beat(begun + Duration::from_secs(seconds) + Duration::from_millis(50));
            }
            lines.event(finished("package linux", Outcome::Built, 700_000));
            lines.event(finished("sdk packages", Outcome::Built, 700_000));
            lines.beat(begun + Duration::from_secs(2_000));
        });
        let beats: Vec<&str> = text.lines().filter(|line| line.starts_with("still")).collect();
        assert_eq!(beats.len(), 2, "{text}");
        assert!(
            beats[0].contains("package linux (build, 1 min 00 s)") && beats[0].contains("sdk packages (1.00 MiB of 2.00 MiB, "),
            "{text}"
        );
    }
}
