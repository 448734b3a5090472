//! Days and times for people.

/// Seconds in a day.
const DAY: u64 = 86_400;

/// A time as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year.
    pub year: u64,
    /// The month, from 1.
    pub month: u64,
    /// The day of the month, from 1.
    pub day: u64,
    /// The day of the week, from 0, Sunday.
    pub weekday: usize,
    /// The hour.
    pub hour: u64,
    /// The minute.
    pub minute: u64,
    /// The second.
    pub second: u64,
}

impl Civil {
    /// Seconds since 1970, in universal time (days from civil, proleptic Gregorian).
    pub fn of(time: u64) -> Self {
        let (days, rest) = (time / DAY, time % DAY);
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = (from_march + 2) % 12 + 1;
        Self {
            year: year_of_era + era * 400 + u64::from(month < 3),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            weekday: ((days + 4) % 7) as usize,
            hour: rest / 3_600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    /// `YYYYMMDDhhmmss`
    pub fn digits(&self) -> String {
        format!("{:04}{:02}{:02}{:02}{:02}{:02}", self.year, self.month, self.day, self.hour, self.minute, self.second)
    }

    /// A day as change logs write it: `Thu Jan 01 1970`.
    pub fn log_day(&self) -> String {
        const WEEK: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        format!("{} {} {:02} {}", WEEK[self.weekday], MONTHS[self.month as usize - 1], self.day, self.year)
    }
}

/// A time on the wall of this machine, with the name of its zone: `2026-01-01 01:00 CET`. Zones are those of the C library: `TZ`, else
/// `/etc/localtime`.
pub fn local(time: u64) -> String {
    let Some(broken) = broken_down(time) else {
        let utc = Civil::of(time);
        return format!("{:04}-{:02}-{:02} {:02}:{:02} UTC", utc.year, utc.month, utc.day, utc.hour, utc.minute);
    };
    let zone = match broken.tm_zone.is_null() {
        true => "UTC".into(),
        // SAFETY: names of zones are strings of the C library that stay.
        false => unsafe { std::ffi::CStr::from_ptr(broken.tm_zone) }.to_string_lossy(),
    };
    let (year, month) = (broken.tm_year + 1900, broken.tm_mon + 1);
    format!("{year:04}-{month:02}-{:02} {:02}:{:02} {zone}", broken.tm_mday, broken.tm_hour, broken.tm_min)
}

/// The minute of the day on the wall of this machine, from 0 at midnight.
pub fn minute_of_day(time: u64) -> u16 {
    let (hour, minute) = match broken_down(time) {
        Some(broken) => (broken.tm_hour.unsigned_abs(), broken.tm_min.unsigned_abs()),
        None => ((time % DAY / 3_600) as u32, (time / 60 % 60) as u32),
    };
    (hour * 60 + minute) as u16
}

/// A time in the zone of this machine; none where its year is none.
fn broken_down(time: u64) -> Option<nix::libc::tm> {
    let (seconds, mut broken) = (time as nix::libc::time_t, std::mem::MaybeUninit::<nix::libc::tm>::zeroed());
    // SAFETY: both are what the function says, and it fills the second or returns null.
    let found = unsafe { nix::libc::localtime_r(&raw const seconds, broken.as_mut_ptr()) };
    // SAFETY: all bytes were zero, which is a value of it, and the function filled it.
    (!found.is_null()).then(|| unsafe { broken.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let table = [
            (0, "Thu Jan 01 1970"),
            (951_782_400, "Tue Feb 29 2000"),
            (1_767_225_599, "Wed Dec 31 2025"),
            (1_767_225_600, "Thu Jan 01 2026"),
            (4_107_542_400, "Mon Mar 01 2100"),
        ];
        for (time, expected) in table {
            assert_eq!(Civil::of(time).log_day(), expected);
        }
        assert_eq!(Civil::of(1_767_225_599).digits(), "20251231235959");
    }
}
