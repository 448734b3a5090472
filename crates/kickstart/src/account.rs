//! Who may log in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Root's password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// The password, or its hash if `crypted` is true. A hash of `*` locks the account.
    pub text: Secret,
    /// Whether `text` is a hash in the format of crypt(5) (`openssl passwd -6`) instead of the password itself.
    pub crypted: bool,
    /// Days until the password must be changed; 0: at the first login; -1: never.
    #[serde(default)]
    pub age: Option<i32>,
}

/// A key that may log in as root over SSH.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// The key, as in `authorized_keys` (sshd(8)); or several, each on its line. Each must be whole, and of a type that sshd takes.
    pub key: String,
    /// Why the key is there; becomes a comment next to it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A user in addition to root.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The login name: at most 31 letters, digits, `-`, `_` and dots within, and not digits only.
    pub name: String,
    /// The full name.
    #[serde(default)]
    pub gecos: String,
    /// The uid; default: the first free one from 1000.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Additional groups, such as `docker` and `wheel`. They must exist in the installed system.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The login shell.
    #[serde(default = "bash")]
    pub shell: String,
    /// The password; without one, the user cannot log in with a password.
    #[serde(default)]
    pub password: Option<Password>,
    /// Keys that may log in over SSH, as in `authorized_keys` (sshd(8)). Each must be whole, and of a type that sshd takes.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
    /// Whether the user may run everything with sudo(8), without a password if the account has none.
    #[serde(default)]
    pub sudo: bool,
}

fn bash() -> String {
    "/usr/bin/bash".to_owned()
}

/// Whether this can be the name of a user or group, as shadow's tools see it: letters of either case, digits, `_`, and `-` and `.` within,
/// but not digits only. systemd takes no longer ones.
pub fn is_account_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    first
        && name.len() <= 31
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !name.bytes().all(|byte| byte.is_ascii_digit())
        && !name.ends_with('.')
}

/// A user's name in rules of sudo(8), where words in capitals are names of aliases, or `ALL`.
pub fn sudoers_name(name: &str) -> String {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) { format!("\"{name}\"") } else { name.to_owned() }
}

/// The file of a user's rules for sudo(8), which passes over files with a dot in their names.
pub fn sudoers_file(name: &str) -> String {
    format!("/etc/sudoers.d/50-{}", name.replace('.', "+"))
}

/// Whether this can be a machine's name (RFC 1123, and the kernel's limit of 64 bytes).
pub fn is_hostname(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 64 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_useradd_takes() {
        let right = ["dev", "Admin", "JohnDoe", "first.last", "1st", "_svc", "a-b", "ALL"];
        let wrong = ["", "1000", "me@example", "DOM\\me", "-a", ".a", "a.", "a b", "a:b", "a/b", "ä", "a$", &"a".repeat(32)];
        right.iter().for_each(|name| assert!(is_account_name(name), "{name}"));
        wrong.iter().for_each(|name| assert!(!is_account_name(name), "{name}"));
        assert_eq!((sudoers_name("dev"), sudoers_name("ALL")), ("dev".into(), "\"ALL\"".into()));
    }
}
