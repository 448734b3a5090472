//! When a server wants to be asked again (RFC 9110, 10.2.3).

use std::time::Duration;

use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;

use super::date;
use super::release::now;

/// How long from now, by the header `Retry-After` of an answer.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get(RETRY_AFTER)?.to_str().ok()?, now())
}

/// A number of seconds, or a time, which may have passed.
fn parse(value: &str, now: u64) -> Option<Duration> {
    let seconds = value.trim().parse().ok().or_else(|| date::parse(value).map(|then| then.saturating_sub(now)))?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_times_are_known() {
        let now = 1_795_252_544;
        for (value, seconds) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Sat, 21 Nov 2026 09:16:44 GMT", Some(60)),
            ("Sat, 21 Nov 2026 09:14:44 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
