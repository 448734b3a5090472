//! Debian's version numbers (deb-version(7)).

use std::cmp::Ordering;

/// Which of two versions is the later one.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    let by_epoch = a.epoch.cmp(&b.epoch);
    by_epoch.then_with(|| compare_part(a.upstream, b.upstream)).then_with(|| compare_part(a.revision, b.revision))
}

struct Parts<'a> {
    epoch: u64,
    upstream: &'a [u8],
    revision: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
            None => (0, text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, upstream: upstream.as_bytes(), revision: revision.as_bytes() }
    }
}

/// Compares parts without digits and numbers alternately. `~` sorts before the end, the end before letters, and letters before everything
/// else.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (words_a, rest_a) = a.split_at(leading(a, |byte| !byte.is_ascii_digit()));
        let (words_b, rest_b) = b.split_at(leading(b, |byte| !byte.is_ascii_digit()));
        for at in 0..words_a.len().max(words_b.len()) {
            match weight(words_a.get(at)).cmp(&weight(words_b.get(at))) {
                Ordering::Equal => {}
                decided => return decided,
            }
        }
        let (digits_a, left_a) = rest_a.split_at(leading(rest_a, |byte| byte.is_ascii_digit()));
        let (digits_b, left_b) = rest_b.split_at(leading(rest_b, |byte| byte.is_ascii_digit()));
        match compare_numbers(digits_a, digits_b) {
            Ordering::Equal => (a, b) = (left_a, left_b),
            decided => return decided,
        }
    }
    Ordering::Equal
}

fn leading(bytes: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is_part(*byte)).unwrap_or(bytes.len())
}

fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// Numbers of any length: without leading zeros, the longer one is larger.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (&a[leading(a, |byte| byte == b'0')..], &b[leading(b, |byte| byte == b'0')..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected results are from `dpkg --compare-versions`.
    #[test]
    fn versions_in_order() {
        let ordered = [
            "0~~",
            "0~",
            "0",
            "0-0.1",
            "0+b1",
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+b10",
            "1.0-1+deb13u1",
            "1.0-1.1",
            "1.0-10",
            "1.0+git-1",
            "1.0.1-1",
            "1.10-1",
            "1.10a-1",
            "2026a-1",
            "2026c-0",
            "99999999999999999999999-1",
            "1:0.1-1",
            "1:1-1",
            "2:0",
        ];
        for (at, a) in ordered.iter().enumerate() {
            for (other, b) in ordered.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a} {b}");
            }
        }
        for (a, b) in [("1.0", "1.0-0"), ("0:1-1", "1-1"), ("1.01", "1.1"), ("1.0-1", "1.0-01")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }
}
