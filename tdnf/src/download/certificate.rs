//! X.509 certificates as far as rustls does not show them (RFC 5280, section 4.1): those without names of hosts, and old ones.

use crate::calendar::Civil;

/// What is looked at of a certificate.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// 1 for those without extensions, 3 for today's.
    pub(super) version: u8,
    /// The part that is signed.
    pub(super) signed: &'a [u8],
    /// With what, as rustls names algorithms.
    pub(super) algorithm: &'a [u8],
    /// The signature.
    pub(super) signature: &'a [u8],
    /// Who issued it.
    pub(super) issuer: &'a [u8],
    /// Whose it is.
    pub(super) subject: &'a [u8],
    /// The key with its algorithm.
    pub(super) key_info: &'a [u8],
    /// The key's algorithm, as rustls names it.
    pub(super) key_algorithm: &'a [u8],
    /// The key.
    pub(super) key: &'a [u8],
    /// Whether it says for which hosts it is (`subjectAltName`).
    pub(super) has_names: bool,
    not_before: String,
    not_after: String,
}

/// DER's tags (X.690, section 8).
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// `2.5.4.3`, `commonName`.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// `2.5.29.17`, `subjectAltName`.
const NAMES: &[u8] = &[0x55, 0x1d, 17];

/// An element: its tag, its content, and both.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

/// Takes the first element.
fn next<'a>(input: &mut &'a [u8]) -> Option<Element<'a>> {
    let all = *input;
    let (tag, first) = (*all.first()?, *all.get(1)?);
    let (start, length) = match first {
        0..=0x7f => (2, usize::from(first)),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let length = all.get(2..2 + count)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            (2 + count, length)
        }
        _ => return None,
    };
    let end = start.checked_add(length)?;
    let element = Element { tag, content: all.get(start..end)?, whole: &all[..end] };
    *input = &all[end..];
    Some(element)
}

/// Takes the first element, which has this tag.
fn tagged<'a>(input: &mut &'a [u8], tag: u8) -> Option<Element<'a>> {
    next(input).filter(|element| element.tag == tag)
}

/// A string of whole bytes.
fn bits(element: &Element<'_>) -> Option<usize> {
    (element.content.first() == Some(&0)).then_some(1)
}

/// A time as `YYYYMMDDhhmmss`; two digits of a year are those from 1950 to 2049.
fn time(element: &Element<'_>) -> Option<String> {
    let digits = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let whole = match element.tag {
        UTC_TIME if digits.len() == 12 => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
        GENERAL_TIME if digits.len() == 14 => digits.to_owned(),
        _ => return None,
    };
    whole.bytes().all(|byte| byte.is_ascii_digit()).then_some(whole)
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; none where it is malformed.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = tagged(&mut &*der, SEQUENCE)?.content;
        let signed = tagged(&mut outer, SEQUENCE)?;
        let algorithm = tagged(&mut outer, SEQUENCE)?;
        let signature = tagged(&mut outer, BIT_STRING)?;
        let mut inner = signed.content;
        let version = match inner.first() {
            Some(&VERSION) => next(&mut inner)?.content.last()?.checked_add(1)?,
            _ => 1,
        };
        let _serial = next(&mut inner)?;
        let _algorithm = tagged(&mut inner, SEQUENCE)?;
        let issuer = tagged(&mut inner, SEQUENCE)?;
        let mut validity = tagged(&mut inner, SEQUENCE)?.content;
        let (not_before, not_after) = (time(&next(&mut validity)?)?, time(&next(&mut validity)?)?);
        let subject = tagged(&mut inner, SEQUENCE)?;
        let key_info = tagged(&mut inner, SEQUENCE)?;
        let mut of_key = key_info.content;
        let key_algorithm = tagged(&mut of_key, SEQUENCE)?;
        let key = tagged(&mut of_key, BIT_STRING)?;
        let mut has_names = false;
        while let Some(element) = next(&mut inner) {
            has_names |= element.tag == EXTENSIONS && names_hosts(element.content);
        }
        Some(Self {
            version,
            signed: signed.whole,
            algorithm: algorithm.content,
            signature: &signature.content[bits(&signature)?..],
            issuer: issuer.whole,
            subject: subject.whole,
            key_info: key_info.whole,
            key_algorithm: key_algorithm.content,
            key: &key.content[bits(&key)?..],
            has_names,
            not_before,
            not_after,
        })
    }

    /// Whether it is valid at a time in seconds since 1970.
    pub(super) fn is_valid_at(&self, seconds: u64) -> bool {
        let now = Civil::of(seconds).digits();
        self.not_before <= now && now <= self.not_after
    }

    /// Whether the last common name of its owner is a host's, or stands for all in a domain (`*.example.org`).
    pub(super) fn is_named(&self, host: &str) -> bool {
        let Some(name) = self.common_name() else { return false };
        let name = name.to_ascii_lowercase();
        let host = host.to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(domain) => domain.contains('.') && host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest == domain),
            None => name == host,
        }
    }

    fn common_name(&self) -> Option<String> {
        let mut names = tagged(&mut &*self.subject, SEQUENCE)?.content;
        let mut found = None;
        while let Some(set) = tagged(&mut names, SET) {
            let mut pair = tagged(&mut &*set.content, SEQUENCE)?.content;
            if tagged(&mut pair, OBJECT)?.content == COMMON_NAME {
                found = String::from_utf8(next(&mut pair)?.content.to_vec()).ok();
            }
        }
        found
    }
}

fn names_hosts(extensions: &[u8]) -> bool {
    let Some(list) = tagged(&mut &*extensions, SEQUENCE) else { return false };
    let mut list = list.content;
    while let Some(extension) = tagged(&mut list, SEQUENCE) {
        if tagged(&mut &*extension.content, OBJECT).is_some_and(|object| object.content == NAMES) {
            return true;
        }
    }
    false
}
