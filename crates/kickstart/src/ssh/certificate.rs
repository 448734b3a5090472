//! What a certificate of OpenSSH says of itself (PROTOCOL.certkeys of OpenSSH).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Somebody who logs in.
    User,
    /// A server.
    Host,
}

/// Whom a certificate is for; none if it is damaged.
pub(super) fn usage(line: &str) -> Option<Usage> {
    let mut words = line.split_ascii_whitespace();
    let (kind, body) = (words.next()?, words.next()?);
    let bytes = STANDARD.decode(body).ok()?;
    let mut rest = bytes.as_slice();
    if field(&mut rest)? != kind.as_bytes() {
        return None;
    }
    // A random number, and the key: one field, or two.
    for _ in 0..=key_fields(kind) {
        field(&mut rest)?;
    }
    let (_serial, after) = rest.split_first_chunk::<8>()?;
    let (usage, after) = after.split_first_chunk::<4>()?;
    rest = after;
    // Identity, names, begin and end in 8 bytes each, options, extensions, nothing, the authority's key, its signature.
    field(&mut rest)?;
    field(&mut rest)?;
    rest = rest.get(16..)?;
    for _ in 0..5 {
        field(&mut rest)?;
    }
    match u32::from_be_bytes(*usage) {
        1 if rest.is_empty() => Some(Usage::User),
        2 if rest.is_empty() => Some(Usage::Host),
        _ => None,
    }
}

/// How many fields the key of a certificate has: the point of a curve, or a curve and a point, or the two numbers of RSA.
fn key_fields(kind: &str) -> usize {
    if kind.starts_with("ssh-ed25519-") { 1 } else { 2 }
}

/// The next field, which has its length before it.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (field, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by ssh-keygen of OpenSSH 10.
    const USER: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIFTneRGAHOmHsjQvn/94wm3OONXLdv3QkR9BmupVCdodAAAAIJ8lQXK6jFnOhFYvL+xwOXQr8ozhkRzGFLfdVc5ce+mJAAAAAAAAAAAAAAABAAAAAXgAAAAHAAAAA29wcwAAAAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACAnZBASXyA1cHq4oiSe7qLPSlWcVNFq8HKWzQqGut2fzgAAAFMAAAALc3NoLWVkMjU1MTkAAABAEdKLEcE6mWtUxfZbUg4BHQWwJbOdT8vQEr5UqMLRCBL+T7CeyKAY8P9EpkbdL0IRx2P0tDEEvK9sEI+N2W8wCg== me";
    const RSA: &str = "ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg5dt3Mh15pZ41KXvIMvW/oXOL/4oJqAEt6PHRFuedF14AAAADAQABAAABgQDhiTOpmcgtVK6458o4qOormXlFw25mpTSQR25YXxW/dcxeWe+FeFw2L0QBqFltufjcnfWGubVJSOfb5mwR7a8lTwXkLE5EkgiQKH7z2sZOR9DqwxCXuzikvpj639fQFKWTe/WyA+NlkIeL5XLeC7VhQQFZnJhD3QNJs5tXTyglfXYIuWSjaEobuLQjRUhlVBpqLNpILCx4BIamdKUn/Dvn5INrq9KjWzYOrJNV5sfL1nJlYRPloOgYLAPDcUX5JTS8kC2K4t02ko88+Iwhdv9LXksXk9zkPhUls+KZ+QnuSmx0OHnjpjVl3m9tkAsU8Qx60Lh9m3EF71Nnz6zINSmm97AUMlOVJz7Jjz2Jsr3JNrkQOqARZBkAsnxxCsvxWSxrvwE6byD/rs1nzaVL+ZUKsbP7coTvdvua4qNEmSpxfIK3xAfiFXcbseb34bkBrlg52qBhiV8TncNcdu8O3N9clxlCSGnafTHxTNTXBY3nvUd2aSpiYA6z4REiH+C1hh0AAAAAAAAAAAAAAAIAAAABeAAAAAAAAAAAAAAAAP//////////AAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACAnZBASXyA1cHq4oiSe7qLPSlWcVNFq8HKWzQqGut2fzgAAAFMAAAALc3NoLWVkMjU1MTkAAABAkEIph6o+EB472HJDeofv9YJKE1bbb9xNzos/Cy7/rvAnu0o6RHSjskFlYLfiTla+m1Ao0aBPBZOVCWydQc1+AA== host";
    const ECDSA: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg0eTW721QU9p+jbpNYObsqUlTQ3AUWXDdacOUedC7H98AAAAIbmlzdHAyNTYAAABBBP4Y6lMsInVJwnYO7LQb2/wi2RcTjKleJyCo42vYCuI7R+CN4U6xN9H/5LmhFaPhtoUHVGQ78l/KGB8H8izHVl0AAAAAAAAAAAAAAAIAAAABeAAAAAAAAAAAAAAAAP//////////AAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACAnZBASXyA1cHq4oiSe7qLPSlWcVNFq8HKWzQqGut2fzgAAAFMAAAALc3NoLWVkMjU1MTkAAABAt3z9YrgFAjW3F/ojvs55AeG94UJPt0Ib7Tvtl+g80T2iXmdgeRyIkCSf9ZdSbdDc4rD71grbCyKNlfGBwwGKDw== host";

    #[test]
    fn a_certificate_says_whom_it_is_for() {
        assert_eq!([USER, RSA, ECDSA].map(usage), [Some(Usage::User), Some(Usage::Host), Some(Usage::Host)]);
        for whole in [USER, RSA, ECDSA] {
            for cut in [60, 120, 200] {
                assert_eq!(usage(&whole[..cut]), None);
            }
            assert_eq!(usage(&whole.replacen("-cert-", "-crt-", 1)), None);
        }
    }
}
