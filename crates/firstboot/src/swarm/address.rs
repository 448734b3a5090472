//! Addresses and tokens of swarms, as the engine takes them.

use std::net::{IpAddr, Ipv6Addr};

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A manager that is asked: the name or address of a machine, and maybe a port.
    Manager,
    /// The address that this machine announces to the others: an IP address or the name of a network card, with an optional port.
    Advertised,
    /// Where this machine listens: the same, or all addresses.
    Listening,
    /// What containers' traffic goes over: an address or a network card.
    Traffic,
}

impl Reach {
    /// Checks a text.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn check(self, text: &str) -> Result<(), String> {
        let (is, such_as) = match self {
            Self::Manager => ("the address of a manager", "`10.9.0.1`, `10.9.0.1:2377` or `manager.example`"),
            Self::Advertised => ("an address of this machine or the name of a network card", "`10.9.0.2` or `enp0s4`"),
            Self::Listening => ("an address to listen at", "`0.0.0.0:2377`, `10.9.0.2` or `enp0s4`"),
            Self::Traffic => ("an address of this machine or the name of a network card, without a port", "`10.9.0.2` or `enp0s4`"),
        };
        let is_right = split(text).is_some_and(|(host, port)| self.takes(host, port));
        if is_right { Ok(()) } else { Err(format!("`{text}` is not {is}: write one such as {such_as}")) }
    }

    fn takes(self, host: &str, port: Option<&str>) -> bool {
        // The engine itself picks none for 0.
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with('+'));
        let address = host.split('%').next().and_then(|host| host.parse::<IpAddr>().ok());
        let is_host = match (self, address) {
            (Self::Listening, Some(_)) => true,
            (_, Some(address)) => !address.is_unspecified(),
            (Self::Manager, None) => kickstart::is_hostname(host) && !looks_like_an_address(host),
            (Self::Advertised | Self::Listening | Self::Traffic, None) => is_card(host) && !looks_like_an_address(host),
        };
        is_host && is_port && (self != Self::Traffic || port.is_none())
    }
}

/// Host and port, as Go's `net.SplitHostPort` and the engine divide them; an address of IPv6 has brackets if a port follows.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let is_v6 = host.split('%').next().is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
        return is_v6.then_some((host, port));
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// Whether a text that is not a valid address looks like one.
fn looks_like_an_address(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether the kernel takes it as the name of a network card.
fn is_card(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with(['-', '.'])
}

const PREFIX: &str = "SWMTKN-";

/// How long the digest of the authority and the secret are (SwarmKit, `ca.ParseJoinToken`).
const LENGTHS: [usize; 2] = [50, 25];

/// Checks what lets a machine join. The token itself is never shown.
///
/// # Errors
/// What is wrong.
pub(super) fn check_token(token: &str) -> Result<(), &'static str> {
    if token.trim() != token || token.contains(char::is_whitespace) {
        return Err(
            "write the token only, without blanks and without the command around it: `docker swarm join-token -q worker` prints it",
        );
    }
    let Some(rest) = token.strip_prefix(PREFIX) else {
        return Err("a join token begins with `SWMTKN-`: `docker swarm join-token -q worker` prints it on a manager");
    };
    let parts: Vec<&str> = rest.split('-').collect();
    let fields = match &*parts {
        ["1", fields @ ..] | ["2", "0" | "1", fields @ ..] => fields,
        _ => &[],
    };
    let is_field = |(field, length): (&&str, usize)| field.len() == length && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fields.len() == LENGTHS.len() && fields.iter().zip(LENGTHS).all(is_field) {
        return Ok(());
    }
    Err("this join token is damaged or cut off: copy the whole line that `docker swarm join-token -q worker` prints on a manager")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_the_engine_takes() {
        use Reach::{Advertised, Listening, Manager, Traffic};
        let table: [(&str, &[Reach]); 24] = [
            ("10.9.0.1", &[Manager, Advertised, Listening, Traffic]),
            ("10.9.0.1:2377", &[Manager, Advertised, Listening]),
            ("fd00::1", &[Manager, Advertised, Listening, Traffic]),
            ("[fd00::1]:99", &[Manager, Advertised, Listening]),
            ("fe80::1%enp0s4", &[Manager, Advertised, Listening, Traffic]),
            ("enp0s4", &[Manager, Advertised, Listening, Traffic]),
            ("enp0s4:2377", &[Manager, Advertised, Listening]),
            ("eth0.100", &[Manager, Advertised, Listening, Traffic]),
            ("br_lan", &[Advertised, Listening, Traffic]),
            ("manager.example.com", &[Manager]),
            ("0.0.0.0", &[Listening]),
            ("[::]:2377", &[Listening]),
            ("0.0.0.0:0", &[]),
            ("10.9.0.999", &[]),
            ("10.9.0", &[]),
            ("10.9.0.1:99999", &[]),
            ("10.9.0.1:", &[]),
            ("10.9.0.1/24", &[]),
            ("[fd00::1", &[]),
            ("[enp0s4]:1", &[]),
            ("-v", &[]),
            ("", &[]),
            ("a b", &[]),
            ("tcp://10.9.0.1:2377", &[]),
        ];
        for (text, expected) in table {
            for reach in [Manager, Advertised, Listening, Traffic] {
                assert_eq!(reach.check(text).is_ok(), expected.contains(&reach), "{text} {reach:?}");
            }
        }
    }

    #[test]
    fn tokens_have_a_digest_and_a_secret() {
        let (digest, secret) = ("a".repeat(50), "b".repeat(25));
        let table = [
            (format!("SWMTKN-1-{digest}-{secret}"), ""),
            (format!("SWMTKN-2-1-{digest}-{secret}"), ""),
            (format!("SWMTKN-1-{digest}"), "damaged or cut off"),
            (format!("SWMTKN-1-{digest}-{}", &secret[1..]), "damaged or cut off"),
            (format!("SWMTKN-3-{digest}-{secret}"), "damaged or cut off"),
            (format!("--token SWMTKN-1-{digest}-{secret}"), "write the token only"),
            ("swmtkn-1-a-b".to_owned(), "begins with"),
        ];
        for (token, expected) in table {
            let said = check_token(&token).err().unwrap_or_default();
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{token}: {said}");
        }
    }
}
