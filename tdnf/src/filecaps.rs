//! File capabilities: from their text to the `security.capability` attribute.

/// Names in the order of their numbers (`linux/capability.h`).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// `VFS_CAP_REVISION_2` and its flag for the effective set.
const REVISION_2: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// A text that names no file capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no file capabilities, such as `cap_net_raw=ep`")]
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

fn mask(names: &str) -> Option<u64> {
    if names.is_empty() || names.eq_ignore_ascii_case("all") {
        return Some((1 << NAMES.len()) - 1);
    }
    names.split(',').try_fold(0, |mask, name| {
        let name = name.to_ascii_lowercase();
        let number = NAMES.iter().position(|known| name.strip_prefix("cap_") == Some(known))?;
        Some(mask | 1 << number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in ["", "cap_nothing=ep", "net_raw=ep", "cap_net_raw", "cap_net_raw=x", "cap_net_raw=ep cap_kill=p"] {
            assert!(to_xattr(text).is_err(), "{text}");
        }
    }
}
