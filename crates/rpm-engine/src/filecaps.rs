//! File capabilities: from their text to the `security.capability` attribute.

use well_known::CAPABILITIES;

/// `VFS_CAP_REVISION_2` and its flag for the effective set.
const REVISION_2: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// `VFS_CAP_REVISION_3`: revision 2 followed by the user whom the user namespace's root is.
const REVISION_3: u32 = 0x0300_0000;

/// A text that names no file capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` are not file capabilities, such as `cap_net_raw=ep`")]
pub struct InvalidCaps {
    text: String,
}

/// The value of the extended attribute `security.capability` (`struct vfs_cap_data`) for a text such as `cap_net_raw,cap_net_admin=ep`.
///
/// # Errors
/// When the text is not understood. The kernel knows one effective bit for all capabilities of a file, so clauses must agree on it.
pub fn to_xattr(text: &str) -> Result<[u8; 20], InvalidCaps> {
    parse(text).ok_or_else(|| InvalidCaps { text: text.to_owned() })
}

fn parse(text: &str) -> Option<[u8; 20]> {
    let (mut permitted, mut inheritable, mut effective) = (0_u64, 0_u64, 0_u64);
    let mut any = false;
    for clause in text.split_whitespace() {
        any = true;
        let at = clause.find(['=', '+', '-'])?;
        let (names, actions) = clause.split_at(at);
        let mask = mask(names)?;
        let mut operator = '=';
        for (index, action) in actions.char_indices() {
            match action {
                '=' if index == 0 => [&mut permitted, &mut inheritable, &mut effective].into_iter().for_each(|set| *set &= !mask),
                '+' | '-' => operator = action,
                'e' | 'i' | 'p' => {
                    let set = match action {
                        'e' => &mut effective,
                        'i' => &mut inheritable,
                        _ => &mut permitted,
                    };
                    if operator == '-' { *set &= !mask } else { *set |= mask }
                }
                _ => return None,
            }
        }
    }
    // Either none is effective, or all that the file gives are.
    if !any || (effective != 0 && effective != permitted | inheritable) {
        return None;
    }
    let flags = REVISION_2 | if effective == 0 { 0 } else { EFFECTIVE };
    let words = [flags, permitted as u32, inheritable as u32, (permitted >> 32) as u32, (inheritable >> 32) as u32];
    let mut value = [0; 20];
    for (bytes, word) in value.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    Some(value)
}

/// The text of a value of `security.capability`: the inverse of [`to_xattr`]. The namespace that a value of revision 3 is for, which is
/// how a process inside a user namespace writes it, is left out. Nothing when the value is of neither revision 2 nor 3, or names
/// capabilities that are not known.
pub fn from_xattr(value: &[u8]) -> Option<String> {
    let words: Vec<u32> = value.chunks_exact(4).map(|bytes| bytes.try_into().map(u32::from_le_bytes)).collect::<Result<_, _>>().ok()?;
    let (flags, sets) = match words[..] {
        [flags, p, i, p_high, i_high] if flags & !EFFECTIVE == REVISION_2 => (flags, [(p, p_high), (i, i_high)]),
        [flags, p, i, p_high, i_high, _] if flags & !EFFECTIVE == REVISION_3 => (flags, [(p, p_high), (i, i_high)]),
        _ => return None,
    };
    let [permitted, inheritable] = sets.map(|(low, high)| u64::from(high) << 32 | u64::from(low));
    if (permitted | inheritable) >> CAPABILITIES.len() != 0 {
        return None;
    }
    let effective = if flags & EFFECTIVE == 0 { "" } else { "e" };
    let clauses = [(permitted & inheritable, "ip"), (permitted & !inheritable, "p"), (inheritable & !permitted, "i")];
    let clauses = clauses.into_iter().filter(|(mask, _)| *mask != 0);
    let texts: Vec<String> = clauses.map(|(mask, letters)| format!("{}={effective}{letters}", names(mask))).collect();
    Some(if texts.is_empty() { "=".to_owned() } else { texts.join(" ") })
}

fn names(mask: u64) -> String {
    let named: Vec<String> =
        CAPABILITIES.iter().enumerate().filter(|(number, _)| mask >> number & 1 == 1).map(|(_, name)| format!("cap_{name}")).collect();
    if named.len() == CAPABILITIES.len() { "all".to_owned() } else { named.join(",") }
}

fn mask(names: &str) -> Option<u64> {
    if names.is_empty() || names.eq_ignore_ascii_case("all") {
        return Some((1 << CAPABILITIES.len()) - 1);
    }
    names.split(',').try_fold(0, |mask, name| {
        let name = name.to_ascii_lowercase();
        let number = CAPABILITIES.iter().position(|known| name.strip_prefix("cap_") == Some(known))?;
        Some(mask | 1 << number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in the order of their numbers, and `=`.
    fn normal(text: &str) -> String {
        text.replace("cap_net_raw,cap_net_admin+", "cap_net_admin,cap_net_raw=")
    }

    #[test]
    fn values_become_texts() {
        for text in ["cap_chown=eip cap_kill=ep cap_bpf=ei", "all=ep", "cap_setuid=i"] {
            assert_eq!(from_xattr(&to_xattr(text).unwrap()).unwrap(), text);
        }
        // As written inside of a user namespace whose root is user 1001.
        let value = hex::decode("0100000300200000000000000000000000000000e9030000").unwrap();
        assert_eq!(from_xattr(&value).unwrap(), "cap_net_raw=ep");
        for value in ["", "01000002", "01000004002000000000000000000000000000", "0100000200000000000000000000ffff00000000"] {
            assert_eq!(from_xattr(&hex::decode(value).unwrap()), None, "{value}");
        }
    }

    #[test]
    fn known_answers() {
        // As setcap(8) and getxattr give them.
        let table = [
            ("cap_net_raw=ep", "0100000200200000000000000000000000000000"),
            ("cap_net_raw,cap_net_admin+ep", "0100000200300000000000000000000000000000"),
            ("cap_setuid=p", "0000000280000000000000000000000000000000"),
            ("cap_bpf=ei", "0100000200000000000000000000000080000000"),
        ];
        for (text, expected) in table {
            assert_eq!(hex::encode(to_xattr(text).unwrap()), expected, "{text}");
        }
        for (text, value) in table {
            assert_eq!(from_xattr(&hex::decode(value).unwrap()).unwrap(), normal(text), "{text}");
        }
        for text in ["", "cap_nothing=ep", "net_raw=ep", "cap_net_raw", "cap_net_raw=x", "cap_net_raw=ep cap_kill=p"] {
            assert!(to_xattr(text).is_err(), "{text}");
        }
    }
}
