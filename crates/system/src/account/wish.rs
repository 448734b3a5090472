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

/// What is seldom said of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The first group, if it is not one of the user's name.
    pub primary_group: Option<String>,
    /// The home directory, if it is not /home/NAME.
    pub home: Option<String>,
    /// Whether the account is a service's.
    pub is_system: bool,
    /// The day from which it is closed, in days since 1970.
    pub expires: Option<i64>,
    /// Days after the password's end in which it still fits.
    pub inactive: Option<u32>,
    /// Whether the home directory is not made.
    pub is_homeless: bool,
    /// Whether the password is kept, but does not fit.
    pub is_locked: bool,
}
