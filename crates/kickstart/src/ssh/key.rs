//! Public keys as OpenSSH writes them: what is one, and what only looks like one.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why sshd would let nobody in by a line of `authorized_keys`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not look like a key.
    #[error("not a public key")]
    NotAKey,
    /// It looks like a key, but is not all of one.
    #[error("this public key is damaged or cut off")]
    Damaged,
    /// The word before the key is not that of the key itself.
    #[error("this key is of the type `{found}`, not `{said}`")]
    OtherType {
        /// The word before it.
        said: String,
        /// What it is.
        found: String,
    },
    /// sshd has no keys of this type, or none any more.
    #[error("the SSH server takes no keys of the type `{kind}`")]
    UnknownType {
        /// The word before the key.
        kind: String,
    },
    /// A key of RSA that is too short for sshd.
    #[error("this key has {bits} bits, and the SSH server takes none of RSA with fewer than 1024")]
    TooShort {
        /// The length of its modulus.
        bits: usize,
    },
    /// A certificate, by which nobody is let in where a key is meant.
    #[error("this is a certificate")]
    Certificate,
}

impl KeyError {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAKey => "write a line as in ~/.ssh/id_ed25519.pub",
            Self::Damaged | Self::OtherType { .. } => "copy the whole line of its `.pub` file",
            Self::UnknownType { .. } | Self::TooShort { .. } => "`ssh-keygen -t ed25519` makes one that it takes",
            Self::Certificate => "write the public key itself",
        }
    }

    /// What is wrong and what to do, in one line.
    pub fn line(&self) -> String {
        format!("{self}: {}", self.hint())
    }
}

/// The types of keys that sshd takes, and how many bytes each field has that follows the type (RFC 4253, section 6.6, and OpenSSH's
/// PROTOCOL.u2f).
const TYPES: [(&str, &[RangeInclusive<usize>]); 7] = [
    ("ssh-ed25519", &[32..=32]),
    (RSA, &[1..=LONGEST, RSA_SHORTEST..=LONGEST]),
    ("ecdsa-sha2-nistp256", &[8..=8, 65..=65]),
    ("ecdsa-sha2-nistp384", &[8..=8, 97..=97]),
    ("ecdsa-sha2-nistp521", &[8..=8, 133..=133]),
    ("sk-ssh-ed25519@openssh.com", &[32..=32, 1..=LONGEST]),
    ("sk-ecdsa-sha2-nistp256@openssh.com", &[8..=8, 65..=65, 1..=LONGEST]),
];

const RSA: &str = "ssh-rsa";
/// 1024 bits, below which sshd takes none.
const RSA_SHORTEST: usize = 128;
/// Numbers of 16384 bits, with a zero before them.
const LONGEST: usize = 2049;

/// Whether this looks like a public key without options: whether it is whole, [`check_key`] tells.
pub fn is_ssh_key(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let kind = words.next().unwrap_or_default();
    let known = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|prefix| kind.starts_with(prefix));
    known && words.next().is_some_and(|body| body.starts_with("AAAA")) && !line.contains(char::is_control)
}

/// Checks a public key without options before it.
///
/// # Errors
/// Why sshd would not take it.
pub fn check_key(line: &str) -> Result<(), KeyError> {
    let mut words = line.split_ascii_whitespace();
    let (Some(kind), Some(body), true) = (words.next(), words.next(), is_ssh_key(line)) else { return Err(KeyError::NotAKey) };
    if kind.contains("-cert-") {
        return Err(KeyError::Certificate);
    }
    let (_, lengths) = TYPES.iter().find(|(known, _)| *known == kind).ok_or_else(|| KeyError::UnknownType { kind: kind.to_owned() })?;
    let bytes = STANDARD.decode(body).map_err(|_| KeyError::Damaged)?;
    let fields = fields(&bytes).ok_or(KeyError::Damaged)?;
    let Some((found, fields)) = fields.split_first() else { return Err(KeyError::Damaged) };
    if *found != kind.as_bytes() {
        let other = TYPES.iter().find(|(known, _)| *found == known.as_bytes()).ok_or(KeyError::Damaged)?;
        return Err(KeyError::OtherType { said: kind.to_owned(), found: other.0.to_owned() });
    }
    match fields {
        [_, modulus] if kind == RSA && modulus.len() < RSA_SHORTEST => Err(KeyError::TooShort { bits: modulus.len() * 8 }),
        _ if fields.len() == lengths.len() && fields.iter().zip(*lengths).all(|(field, length)| length.contains(&field.len())) => Ok(()),
        _ => Err(KeyError::Damaged),
    }
}

/// Checks a line of `authorized_keys`: a key, with or without options before it (sshd(8)).
///
/// # Errors
/// Why sshd would let nobody in by it.
pub fn check_authorized_key(line: &str) -> Result<(), KeyError> {
    if is_ssh_key(line) { check_key(line) } else { check_key(without_options(line).unwrap_or(line)) }
}

/// What follows the options, if the line begins with any.
fn without_options(line: &str) -> Option<&str> {
    // A quote in quotes has a backslash before it.
    let (mut in_quotes, mut is_escaped) = (false, false);
    let end = line.find(|letter: char| {
        in_quotes ^= letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        letter.is_ascii_whitespace() && !in_quotes
    })?;
    let names =
        ["command=", "environment=", "from=", "expiry-time=", "principals=", "tunnel=", "permit", "no-", "restrict", "cert-authority"];
    let known = names.iter().chain(&["agent-forwarding", "port-forwarding", "pty", "user-rc", "X11-forwarding", "verify-required"]);
    let has_options = known.into_iter().any(|name| line.to_ascii_lowercase().starts_with(&name.to_ascii_lowercase()));
    (has_options && !line.contains(char::is_control)).then(|| line[end..].trim_start())
}

/// Fields of which each has its length before it.
fn fields(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (field, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        fields.push(field);
        bytes = rest;
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY924Aj me";

    /// A key of fields of so many bytes.
    fn key(kind: &str, lengths: &[usize]) -> String {
        let mut bytes = Vec::new();
        let fields = [kind.as_bytes().to_vec()].into_iter().chain(lengths.iter().map(|length| vec![7; *length]));
        for field in fields {
            bytes.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            bytes.extend(field);
        }
        format!("{kind} {} me", STANDARD.encode(bytes))
    }

    #[test]
    fn keys_are_whole() {
        let unknown = |kind: &str| Err(KeyError::UnknownType { kind: kind.to_owned() });
        let table = [
            (KEY.to_owned(), Ok(())),
            (key(RSA, &[3, 257]), Ok(())),
            (key(RSA, &[3, 65]), Err(KeyError::TooShort { bits: 520 })),
            (key("ecdsa-sha2-nistp384", &[8, 97]), Ok(())),
            (key("sk-ssh-ed25519@openssh.com", &[32, 4]), Ok(())),
            (key("sk-ecdsa-sha2-nistp256@openssh.com", &[8, 65, 4]), Ok(())),
            (key("ssh-ed25519", &[31]), Err(KeyError::Damaged)),
            (key("ssh-ed25519", &[]), Err(KeyError::Damaged)),
            (KEY.replace("924Aj", ""), Err(KeyError::Damaged)),
            (KEY.replace("924Aj", "924A="), Err(KeyError::Damaged)),
            ("ssh-rsa AAAA".to_owned(), Err(KeyError::Damaged)),
            ("ssh-rsa AAAA... me".to_owned(), Err(KeyError::Damaged)),
            (key("ssh-dss", &[129, 21, 129, 128]), unknown("ssh-dss")),
            ("ssh-ed25519-cert-v01@openssh.com AAAA me".to_owned(), Err(KeyError::Certificate)),
            (KEY.replace("ssh-ed25519", RSA), Err(KeyError::OtherType { said: RSA.to_owned(), found: "ssh-ed25519".to_owned() })),
        ];
        for (line, expected) in table {
            assert_eq!(check_key(&line), expected, "{line}");
        }
    }

    #[test]
    fn keys_may_have_options() {
        for (line, expected) in [
            (KEY.to_owned(), Ok(())),
            (format!("no-port-forwarding,command=\"/bin/echo \\\"a b\" {KEY}"), Ok(())),
            (format!("from=\"192.0.2.0/24\" {KEY}"), Ok(())),
            (format!("restrict {KEY}"), Ok(())),
            (format!("restrict {}", KEY.replace("924Aj", "")), Err(KeyError::Damaged)),
            (format!("sesame {KEY}"), Err(KeyError::NotAKey)),
            (format!("{KEY}\n{KEY}"), Err(KeyError::NotAKey)),
            ("from=\"x\" ssh-rsa BBBB".to_owned(), Err(KeyError::NotAKey)),
            ("12=x ssh-rsa AAAA".to_owned(), Err(KeyError::NotAKey)),
            ("<ssh-key-here>".to_owned(), Err(KeyError::NotAKey)),
            ("me@example".to_owned(), Err(KeyError::NotAKey)),
            ("a b c".to_owned(), Err(KeyError::NotAKey)),
            ("ssh-ed25519".to_owned(), Err(KeyError::NotAKey)),
            (String::new(), Err(KeyError::NotAKey)),
        ] {
            assert_eq!(check_authorized_key(&line), expected, "{line}");
        }
    }
}
