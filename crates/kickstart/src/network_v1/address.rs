//! Addresses of version 1, with masks beside them and several in one text.

use std::net::IpAddr;

use crate::document::Complaint;
use crate::network::Cidr;

/// The prefix length that cloud-init takes for an address without one.
pub(super) fn usual_prefix(address: &str) -> Option<&'static str> {
    address.parse().ok().map(|address: IpAddr| if address.is_ipv4() { "24" } else { "64" })
}

/// The words of texts, which may be several with blanks or commas between them; with the text's number.
pub(super) fn words(list: &[String]) -> Vec<(usize, String)> {
    let of = |(index, text): (usize, &String)| {
        let words = text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty());
        words.map(|word| (index, word.to_owned())).collect::<Vec<_>>()
    };
    list.iter().enumerate().flat_map(of).collect()
}

/// As [`words`], of addresses; those that are none are reported.
pub(super) fn addresses(path: &str, list: &[String], wrong: &mut Vec<Complaint>) -> Vec<(usize, IpAddr)> {
    let mut read = |(index, word): (usize, String)| match word.parse() {
        Ok(address) => Some((index, address)),
        Err(_) => {
            wrong
                .push(Complaint::value(format!("{path}[{index}]"), format!("`{word}` is not an address such as 192.0.2.7 or 2001:db8::7")));
            None
        }
    };
    words(list).into_iter().filter_map(&mut read).collect()
}

/// An address with its prefix, or with its network's mask apart.
pub(crate) fn cidr(address: &str, mask: Option<&str>) -> Result<Cidr, String> {
    if address.contains('/') {
        return address.parse();
    }
    let wrong = || format!("`{address}` needs a `netmask`, or a prefix length: `{address}/24`");
    let parsed: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
    let prefix = match mask {
        Some(mask) => prefix(mask).ok_or_else(|| format!("`{mask}` is not a `netmask`"))?,
        None => return Err(wrong()),
    };
    format!("{parsed}/{prefix}").parse()
}

/// The length of a mask: `255.255.255.0`, `ffff::`, or `24`.
fn prefix(mask: &str) -> Option<u8> {
    if let Ok(length) = mask.trim_start_matches('/').parse() {
        return Some(length);
    }
    let (bits, width) = match mask.parse().ok()? {
        IpAddr::V4(mask) => (u128::from(u32::from(mask)) << 96, 32),
        IpAddr::V6(mask) => (u128::from(mask), 128),
    };
    let length = bits.leading_ones();
    let is_mask = bits.checked_shl(length).unwrap_or(0) == 0 && length <= width;
    u8::try_from(length).ok().filter(|_| is_mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_lengths() {
        let table = [
            ("255.255.255.0", Some(24)),
            ("24", Some(24)),
            ("255.255.0.255", None),
            ("ffff:ffff::", Some(32)),
            ("0.0.0.0", Some(0)),
            ("x", None),
        ];
        for (mask, length) in table {
            assert_eq!(prefix(mask), length, "{mask}");
        }
    }
}
