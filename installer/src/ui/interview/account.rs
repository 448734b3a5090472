//! Passwords, keys and the user.

use super::{Ask, State};
use crate::kickstart::{Password, PublicKey, Secret, User, is_account_name, is_ssh_key};

/// Takes an answer about root or the user.
pub(super) fn account(at: Ask, state: &mut State, text: &str) -> Result<Ask, String> {
    let kickstart = &mut state.kickstart;
    let key = || if is_ssh_key(text.trim()) { Ok(text.trim().to_owned()) } else { Err(String::from("this is no public key")) };
    let password = |typed: Option<Secret>| {
        let text = typed.filter(|typed| typed.reveal() == text).ok_or_else(|| String::from("the two differ; go back to type it again"))?;
        Ok::<_, String>(Some(Password { text, crypted: false, age: None }))
    };
    Ok(match at {
        Ask::RootPassword if text.is_empty() => {
            kickstart.password = None;
            Ask::RootKey
        }
        Ask::RootPassword => {
            state.typed = Some(Secret::new(text));
            Ask::RootPasswordAgain
        }
        Ask::RootPasswordAgain => {
            kickstart.password = password(state.typed.take())?;
            Ask::RootKey
        }
        Ask::RootKey => {
            kickstart.public_key = if text.is_empty() { None } else { Some(PublicKey { key: key()?, reason: None }) };
            Ask::User
        }
        Ask::User if text.is_empty() => Ask::Confirm,
        Ask::User => {
            if !is_account_name(text) || text == "root" {
                return Err(format!("`{text}` cannot be a login name"));
            }
            let groups = vec!["docker".to_owned()];
            let (gecos, uid, shell) = (String::new(), None, "/usr/bin/bash".to_owned());
            kickstart.users =
                vec![User { name: text.to_owned(), gecos, uid, groups, shell, password: None, ssh_keys: Vec::new(), sudo: true }];
            Ask::UserPassword
        }
        Ask::UserPassword if text.is_empty() => Ask::UserKey,
        Ask::UserPassword => {
            state.typed = Some(Secret::new(text));
            Ask::UserPasswordAgain
        }
        Ask::UserPasswordAgain => {
            let password = password(state.typed.take())?;
            kickstart.users.iter_mut().for_each(|user| user.password.clone_from(&password));
            Ask::UserKey
        }
        Ask::UserKey => {
            let keys = if text.is_empty() { Vec::new() } else { vec![key()?] };
            kickstart.users.iter_mut().for_each(|user| user.ssh_keys.clone_from(&keys));
            Ask::Confirm
        }
        _ => return Err("that is no answer to this question".into()),
    })
}
