//! Times in the format of `Release` files: `Sat, 21 Nov 2026 09:15:44 UTC` (RFC 5322 with a named zone).

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970. `Release` files use only universal time; other zones are not parsed.
pub fn parse(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace().skip(1);
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = words.next()?;
    let month = 1 + MONTHS.iter().position(|name| *name == month)? as u64;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let time = words.next()?;
    let clock: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let &[hours, minutes, seconds] = &clock[..] else { return None };
    let is_time = hours < 24 && minutes < 60 && seconds <= 60;
    let is_universal = matches!(words.next()?, "UTC" | "GMT" | "Z" | "+0000");
    (is_time && is_universal).then(|| days(year, month, day) * 86_400 + hours * 3600 + minutes * 60 + seconds)
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that a leap day comes last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_1970 = 719_468;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - before_1970
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// Expected values are from `date -u -d TEXT +%s`.
    #[test]
    fn times() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 UTC", Some(0)),
            ("Tue, 29 Feb 2000 23:59:59 GMT", Some(951_868_799)),
            ("Sat, 21 Nov 2026 09:15:44 UTC", Some(1_795_252_544)),
            ("Thu, 31 Dec 2099 00:00:00 +0000", Some(4_102_358_400)),
            ("Sat, 1 Mar 2025 1:02:03 UTC", Some(1_740_790_923)),
            ("Sat, 21 Nov 2026 09:15:44 CET", None),
            ("Sat, 21 Nov 2026 24:15:44 UTC", None),
            ("2026-11-21T09:15:44Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), seconds, "{text}");
        }
    }
}
