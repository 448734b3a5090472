//! Keys of the SSH server as documents bring them. One that sshd cannot read is missing, and without any it does not start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kickstart::HostCertificate;

/// What a key of `ssh_keys` is: `ed25519_private` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The key itself.
    Private,
    /// Its public half.
    Public,
    /// What an authority says of it.
    Certificate,
}

/// The kinds of keys that sshd has, and how public keys of each begin. It has none of DSA any more (OpenSSH 10.0).
const KINDS: [(&str, &str); 3] = [("ed25519", "ssh-ed25519"), ("ecdsa", "ecdsa-sha2-"), ("rsa", "ssh-rsa")];

/// Kind and part by a name.
///
/// # Errors
/// What to write instead.
pub(crate) fn named(name: &str) -> Result<(&str, Part), String> {
    let known = name.rsplit_once('_').and_then(|(kind, part)| {
        let part = match part {
            "private" => Part::Private,
            "public" => Part::Public,
            "certificate" => Part::Certificate,
            _ => return None,
        };
        Some((kind, part))
    });
    match known {
        Some((kind, part)) if KINDS.iter().any(|(known, _)| *known == kind) => Ok((kind, part)),
        Some(("dsa", _)) => Err("the SSH server has no keys of this kind any more: write `ed25519_private`".to_owned()),
        Some(_) | None => Err("unknown: write `ed25519_private` and the like".to_owned()),
    }
}

/// Checks a text that is to be a part of a key of this kind.
///
/// # Errors
/// What is wrong, without the text.
pub(crate) fn check(kind: &str, part: Part, text: &str) -> Result<(), String> {
    let found = match part {
        Part::Private => private(text)?,
        Part::Public => {
            kickstart::check_key(text.trim()).map_err(|error| error.line())?;
            kind_of(text)
        }
        Part::Certificate => HostCertificate::try_from(text.to_owned())?.key(),
    };
    match found {
        Some(found) if found != kind => Err(format!("this is of the kind {found}: write `{found}_…`")),
        Some(_) | None => Ok(()),
    }
}

/// The kind of a public key by its first word.
fn kind_of(line: &str) -> Option<&'static str> {
    KINDS.iter().find(|(_, begin)| line.trim().starts_with(begin)).map(|(kind, _)| *kind)
}

const LOCKED: &str = "this key has a passphrase, which nobody would give the server: `ssh-keygen -p -N \"\" -f KEY` removes it";
const CUT: &str = "this private key is damaged or cut off: copy the whole file";

/// The kind of a private key, if its form tells.
fn private(text: &str) -> Result<Option<&'static str>, String> {
    let label = text.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----"));
    let Some((label, rest)) = label.filter(|(label, _)| label.ends_with("PRIVATE KEY")) else {
        return Err("not a private key: the server makes its own".to_owned());
    };
    let Some((body, _)) = rest.split_once("-----END ") else { return Err(CUT.to_owned()) };
    if label.starts_with("ENCRYPTED") || body.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(LOCKED.to_owned());
    }
    match label {
        "OPENSSH PRIVATE KEY" => openssh(body).map(Some),
        "RSA PRIVATE KEY" => Ok(Some("rsa")),
        "EC PRIVATE KEY" => Ok(Some("ecdsa")),
        _ => Ok(None),
    }
}

/// The kind of a key in OpenSSH's own form (PROTOCOL.key of OpenSSH), whose public half is not encrypted.
fn openssh(body: &str) -> Result<&'static str, String> {
    let packed: String = body.split_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| CUT)?;
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0").ok_or(CUT)?;
    let cipher = field(&mut rest).ok_or(CUT)?;
    if cipher != b"none" {
        return Err(LOCKED.to_owned());
    }
    // The function that makes a key of a passphrase, and its options; how many keys there are.
    field(&mut rest).and_then(|_| field(&mut rest)).ok_or(CUT)?;
    rest = rest.get(4..).ok_or(CUT)?;
    let mut public = field(&mut rest).ok_or(CUT)?;
    // The private half is the last field.
    field(&mut rest).filter(|_| rest.is_empty()).ok_or(CUT)?;
    let kind = field(&mut public).and_then(|kind| std::str::from_utf8(kind).ok()).and_then(kind_of);
    kind.ok_or_else(|| "the SSH server has no keys of this kind".to_owned())
}

/// The next field, which has its length before it.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (field, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    // Made by ssh-keygen for this test; nobody uses them.
    pub(crate) const ED25519: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\n\
         b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n\
         QyNTUxOQAAACBuUGnCxCl9QCHJxR/j3XtGDe6zPqD3AwVQ1w+foo+i6QAAAIhr5fg5a+X4\n\
         OQAAAAtzc2gtZWQyNTUxOQAAACBuUGnCxCl9QCHJxR/j3XtGDe6zPqD3AwVQ1w+foo+i6Q\n\
         AAAEARR4Vpg5toDv0hmLJ7WJSzqFc4WAEgFvx92d+lH63RAW5QacLEKX1AIcnFH+Pde0YN\n\
         7rM+oPcDBVDXD5+ij6LpAAAABGhvc3QB\n\
         -----END OPENSSH PRIVATE KEY-----";
    const ECDSA: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\n\
         b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n\
         1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQRLtN82dG4iqCIf5INaFILjgSdT3o/r\n\
         UtzM1xhEHOQql1ZRfilAP9xCnKNqFsDotluHp2qUPn5gCsgn8TfN2AyfAAAAoLKvNoqyrz\n\
         aKAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEu03zZ0biKoIh/k\n\
         g1oUguOBJ1Pej+tS3MzXGEQc5CqXVlF+KUA/3EKco2oWwOi2W4enapQ+fmAKyCfxN83YDJ\n\
         8AAAAhALvj8MqfjbjjAvz4yPiDGEGHv7GyLgmK33YqntAHD1vMAAAABGhvc3QBAgM=\n\
         -----END OPENSSH PRIVATE KEY-----";
    const LOCKED_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\n\
         b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDRSrod6c\n\
         +L0UpGwtW3wvR6AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIB5CuOAk1lKpyfuD\n\
         aVwRaiEQzMwxmltTbn9V5Wym1Hq+AAAAkCN/ZV433mr7QHoiMb+uZUXGWlKT4PVfq6AlTh\n\
         boDwk6UY/Y1t0gAI8nZPXrDW2IVBwJMsKMHyO1QrTpLIoMf5R0rVOGnxzJwDbFMc5SBSkV\n\
         tY5iCjcDUkgS/Nl7Uz6JRXFgpvfYW4mcJjNog821N9+t9AWpdS2PPxRK+gv1qx45DWDDU7\n\
         tMMxjcIfUfKeT/2Q==\n\
         -----END OPENSSH PRIVATE KEY-----";

    #[test]
    fn a_key_is_what_its_name_says() {
        let cut = &ED25519[..ED25519.len() - 80];
        let short = format!("{cut}\n-----END OPENSSH PRIVATE KEY-----");
        let table = [
            ("ed25519_private", ED25519, ""),
            ("ecdsa_private", ECDSA, ""),
            ("rsa_private", "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----", ""),
            ("rsa_private", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----", ""),
            ("rsa_private", ED25519, "this is of the kind ed25519"),
            ("ed25519_private", LOCKED_KEY, "this key has a passphrase"),
            (
                "rsa_private",
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n-----END RSA PRIVATE KEY-----",
                "this key has a passphrase",
            ),
            ("ed25519_private", cut, "damaged or cut off"),
            ("ed25519_private", &short, "damaged or cut off"),
            ("ed25519_private", "ssh-ed25519 AAAA", "not a private key"),
            ("ed25519_public", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me", ""),
            (
                "rsa_public",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me",
                "this is of the kind ed25519",
            ),
            ("ed25519_public", ED25519, "not a public key"),
            (
                "ed25519_certificate",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me",
                "write a certificate",
            ),
            ("dsa_private", "", "no keys of this kind any more"),
            ("ed25519", "", "unknown"),
        ];
        for (name, text, expected) in table {
            let said = named(name).and_then(|(kind, part)| check(kind, part, text)).err().unwrap_or_default();
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{name} {expected}: {said}");
        }
    }
}
