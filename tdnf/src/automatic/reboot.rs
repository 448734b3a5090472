//! Whether and when the machine restarts after updates.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rpm_engine::dependency::Capability;
use rpm_engine::package::{Nevra, Package};

/// Packages that run until the machine stops, or that everything which runs has loaded.
const RUNNING: [&str; 6] = ["dbus", "dbus-broker", "glibc", "linux-firmware", "openssl", "systemd"];

/// How long users have to finish, in minutes.
const GRACE_MINUTES: u16 = 5;

/// After which updates the machine restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// None.
    Never,
    /// Any.
    Changed,
    /// Those that have an effect only then.
    Needed,
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "never" => Ok(Self::Never),
            "when-changed" => Ok(Self::Changed),
            "when-needed" => Ok(Self::Needed),
            _ => Err(format!("`{text}` is none of `never`, `when-changed` and `when-needed`")),
        }
    }
}

/// A part of the day, in minutes from midnight: from the first on, and before the second. It may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: u16,
    to: u16,
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let minute = |time: &str| {
            let (hour, minute) = time.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let both = text.split_once('-').and_then(|(from, to)| Some(Self { from: minute(from)?, to: minute(to)? }));
        both.filter(|window| window.from != window.to).ok_or_else(|| format!("`{text}` is not a part of the day such as `02:00-05:00`"))
    }
}

impl Window {
    fn contains(self, minute: u16) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

/// When the machine restarts, in the words of shutdown(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// In a few minutes.
    Soon,
    /// At this minute of the day.
    At(u16),
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Soon => write!(f, "+{GRACE_MINUTES}"),
            Self::At(minute) => write!(f, "{:02}:{:02}", minute / 60, minute % 60),
        }
    }
}

/// When the machine restarts, at the `minute` of the day: soon, or when its window opens next.
pub fn time(window: Option<Window>, minute: u16) -> Time {
    match window {
        Some(window) if !window.contains(minute) => Time::At(window.from),
        Some(_) | None => Time::Soon,
    }
}

/// Whether packages that came have an effect only after a restart: several versions of them are kept side by side (`install_only`), an
/// advisory says so (`advised`), or what they replace runs until then.
pub fn is_needed(came: &[&Package], install_only: &[String], advised: &BTreeSet<Nevra>) -> bool {
    came.iter().any(|package| {
        let kept = |name: &String| package.nevra.name == *name || package.satisfies(&Capability::any(name));
        RUNNING.contains(&package.nevra.name.as_str()) || install_only.iter().any(kept) || advised.contains(&package.nevra)
    })
}

/// The command that restarts the machine, with the time and a message for those who are logged in.
pub fn command(words: &[String], time: Time) -> Vec<String> {
    let message = "restart after updates; `shutdown -c` cancels it";
    words.iter().cloned().chain([time.to_string(), message.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let table = [
            ("02:00-05:00", 120, "+5"),
            ("02:00-05:00", 299, "+5"),
            ("02:00-05:00", 300, "02:00"),
            ("02:00-05:00", 0, "02:00"),
            ("22:30-01:00", 1439, "+5"),
            ("22:30-01:00", 59, "+5"),
            ("22:30-01:00", 60, "22:30"),
        ];
        for (window, minute, expected) in table {
            assert_eq!(time(Some(window.parse().unwrap()), minute).to_string(), expected, "{window} {minute}");
        }
        assert_eq!(time(None, 700).to_string(), "+5");
        for text in ["", "2-5", "02:00", "24:00-05:00", "02:60-03:00", "02:00-02:00", "a:b-c:d"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_gets_the_time_and_a_message() {
        let words = ["shutdown", "-r"].map(str::to_owned);
        assert_eq!(command(&words, Time::At(125)), ["shutdown", "-r", "02:05", "restart after updates; `shutdown -c` cancels it"]);
        assert_eq!(command(&words, Time::Soon)[2], "+5");
    }
}
