//! Passwords in addresses (`https://USER:PASSWORD@host/`), which are never shown or recorded.

use std::borrow::Cow;
use std::ops::Range;

/// `text` with the user and the password of every address replaced by `***`.
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    replaced(text, |_| "***".into())
}

/// The same with one `*` for each byte, so that positions in the text stay valid.
pub fn with_masked_passwords(text: &str) -> Cow<'_, str> {
    replaced(text, |credentials| "*".repeat(credentials.len()))
}

/// The same for a text that is meant to be one address, which may lack its scheme and may contain blanks.
pub fn one_without_password(text: &str) -> Cow<'_, str> {
    let start = text.find("://").map_or(0, |at| at + "://".len());
    match length_of_credentials(&text[start..]) {
        Some(length) => Cow::Owned(format!("{}***{}", &text[..start], &text[start + length..])),
        None => Cow::Borrowed(text),
    }
}

/// The address without user and password, as it may be published.
pub fn public(address: &str) -> String {
    match credentials(address).first() {
        Some(place) => format!("{}{}", &address[..place.start], &address[place.end + 1..]),
        None => address.to_owned(),
    }
}

fn replaced(text: &str, replacement: impl Fn(&str) -> String) -> Cow<'_, str> {
    let places = credentials(text);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for place in places {
        result.push_str(&text[at..place.start]);
        result.push_str(&replacement(&text[place.clone()]));
        at = place.end;
    }
    result.push_str(&text[at..]);
    Cow::Owned(result)
}

/// The ranges of users and passwords: between `://` and the last `@` before the host ends (RFC 3986, 3.2).
fn credentials(text: &str) -> Vec<Range<usize>> {
    let read = |(at, separator): (usize, &str)| {
        let start = at + separator.len();
        let rest = &text[start..];
        length_of_credentials(&rest[..length_of_address(&text[..at], rest)]).map(|length| start..start + length)
    };
    text.match_indices("://").filter_map(read).collect()
}

/// Where the address ends whose scheme `before` ends with: at the quotation mark that it began with, otherwise at a blank or any such mark.
fn length_of_address(before: &str, rest: &str) -> usize {
    let marks = "\"'`<>";
    let mark = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c)).chars().next_back();
    let quoted = mark.filter(|mark| "\"'`".contains(*mark)).and_then(|mark| rest.lines().next()?.find(mark));
    quoted.or_else(|| rest.find(|c: char| c.is_whitespace() || c.is_control() || marks.contains(c))).unwrap_or(rest.len())
}

/// The length of user and password at the beginning of an address without its scheme.
fn length_of_credentials(address: &str) -> Option<usize> {
    let end = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (authority, rest) = address.split_at(end);
    if let Some(length) = authority.rfind('@') {
        return Some(length);
    }
    // A password with such a character should have it encoded. Where it has not, it is a password all the same: no port has letters.
    let (_, port) = authority.split_once(':').filter(|_| !authority.starts_with('['))?;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && !rest.starts_with(['?', '#']);
    address.rfind('@').filter(|_| !is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_replaced_and_nothing_else() {
        for (text, shown) in [
            ("https://user:s3cret@a.test:8/x@y", "https://***@a.test:8/x@y"),
            ("https://t0ken@a.test", "https://***@a.test"),
            ("http://u:p@ss@a.test/", "http://***@a.test/"),
            ("`http://u:p@a.test/x` gave nothing: http://u:p@b.test", "`http://***@a.test/x` gave nothing: http://***@b.test"),
            ("url = \"http://ü:ö@a.test/\"", "url = \"http://***@a.test/\""),
            ("http://a.test/x and mail to me@a.test", "http://a.test/x and mail to me@a.test"),
            ("https://a.test/?mail=me@a.test", "https://a.test/?mail=me@a.test"),
            ("file:///srv/x@y", "file:///srv/x@y"),
            ("http://joe:SEC#RET@a.test/x", "http://***@a.test/x"),
            ("grpc://joe:SEC/RET@a.test:1", "grpc://***@a.test:1"),
            ("http://joe:12?34@a.test/x", "http://***@a.test/x"),
            ("http://a.test:80/x@y", "http://a.test:80/x@y"),
            ("http://[::1]:80/x@y", "http://[::1]:80/x@y"),
            ("`http://joe:SEC RET@a.test/x`: no", "`http://***@a.test/x`: no"),
            ("url = \"http://joe:S'C RET@a.test/x\"", "url = \"http://***@a.test/x\""),
            ("it's http://a.test/x, and that's me@a.test", "it's http://a.test/x, and that's me@a.test"),
            ("", ""),
        ] {
            assert_eq!(without_passwords(text), shown);
            assert_eq!(with_masked_passwords(text).len(), text.len(), "{text}");
            assert_eq!(without_passwords(&with_masked_passwords(text)), shown);
        }
    }

    #[test]
    fn passwords_of_single_addresses_are_replaced() {
        for (text, shown) in [
            ("http://joe:SEC RET@a.test/x", "http://***@a.test/x"),
            ("joe:SEC RET@a.test:80/x", "***@a.test:80/x"),
            ("/srv/joe@home", "/srv/joe@home"),
            ("team", "team"),
        ] {
            assert_eq!(one_without_password(text), shown);
        }
    }

    #[test]
    fn public_addresses() {
        assert_eq!(public("https://user:s3cret@a.test:8/x@y"), "https://a.test:8/x@y");
        assert_eq!(public("https://a.test/x"), "https://a.test/x");
    }
}
