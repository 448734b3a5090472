//! Values of configuration keys, as the reference and dnf write them.

use std::time::Duration;

/// `1`, `true`, `yes`, `on`, and their opposites.
///
/// # Errors
/// When it is something else, which the text says.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

/// A whole number that is not negative.
///
/// # Errors
/// When it is not, which the text says.
pub fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number in range"))
}

/// Words parted by blanks or commas.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(|character: char| character.is_whitespace() || character == ',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Seconds, or a number with `m`, `h`, `d` or `w`; `never` and `-1` are no time at all.
pub(super) fn expiry(text: &str) -> Result<Option<Duration>, String> {
    if text.eq_ignore_ascii_case("never") || text == "-1" {
        return Ok(None);
    }
    seconds(text).map(|seconds| Some(Duration::from_secs(seconds)))
}

/// Seconds, or a number with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    seconds(text).map(Duration::from_secs)
}

fn seconds(text: &str) -> Result<u64, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    scaled(text, &units).ok_or_else(|| format!("`{text}` is not a time such as `3600`, `90m`, `48h` or `2d`"))
}

/// Bytes, or a number with `k`, `M` or `G` (powers of 1024).
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let units = [('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30)];
    scaled(text, &units).ok_or_else(|| format!("`{text}` is not a size such as `4096`, `512k` or `2M`"))
}

fn scaled(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let last = text.chars().last()?.to_ascii_lowercase();
    let (digits, scale) = match units.iter().find(|(unit, _)| *unit == last) {
        Some((_, scale)) => (&text[..text.len() - 1], *scale),
        None => (text, 1),
    };
    let (whole, fraction) = digits.trim().split_once('.').unwrap_or((digits.trim(), ""));
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(share(fraction, scale)?)
}

/// The part of `scale` that the decimals after the point are, rounded down: 1800 of `5` and 3600. More than nine decimals are refused.
fn share(decimals: &str, scale: u64) -> Option<u64> {
    if decimals.is_empty() {
        return Some(0);
    }
    let places = u32::try_from(decimals.len()).ok().filter(|places| *places <= 9 && decimals.bytes().all(|byte| byte.is_ascii_digit()))?;
    let numerator = decimals.parse::<u32>().ok()?;
    u64::try_from(u128::from(numerator) * u128::from(scale) / 10_u128.pow(places)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes() {
        let table = [
            ("90", Some(90)),
            ("2m", Some(120)),
            ("48h", Some(172_800)),
            ("1W", Some(604_800)),
            ("1.5h", Some(5_400)),
            ("0.25m", Some(15)),
            ("2.9", Some(2)),
            ("1.x", None),
            (".5h", None),
            ("1.+5h", None),
            ("h", None),
            ("", None),
            ("-3", None),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
        assert_eq!(expiry("never"), Ok(None));
        let table = [("512", Some(512)), ("2k", Some(2048)), ("1M", Some(1 << 20)), ("99999999999999999G", None), ("é", None)];
        for (text, expected) in table {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }
}
