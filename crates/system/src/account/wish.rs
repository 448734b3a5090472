//! What accounts are to be.

use kickstart::Secret;
use serde::Serialize;

/// Root's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootAccount {
    /// The password; locked without one.
    pub password: Option<Credential>,
    /// Lines of `authorized_keys`.
    pub ssh_keys: Vec<String>,
}

/// Another account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserAccount {
    /// The login name.
    pub name: String,
    /// The full name.
    pub gecos: String,
    /// The number, where one is asked for.
    pub uid: Option<u32>,
    /// Further groups.
    pub groups: Vec<String>,
    /// The login shell.
    pub shell: String,
    /// The password; without one, none fits.
    pub password: Option<Credential>,
    /// Lines of `authorized_keys`.
    pub ssh_keys: Vec<String>,
}

/// A password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// The password or its hash.
    pub text: Secret,
    /// Whether it is a hash.
    pub crypted: bool,
    /// Days until it must be changed; 0: at the first login; -1: never.
    pub age: Option<i32>,
}
