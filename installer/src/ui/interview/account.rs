//! Passwords, keys and the user.

use super::super::Answer;
use super::{Ask, Entry, Interview, NO_ANSWER, State, accepted, entry};
use kickstart::{Password, PublicKey, Secret, User};

/// The password, if it was typed twice.
fn password(typed: Option<Secret>, again: &str) -> Result<Option<Password>, String> {
    let text = typed.filter(|typed| typed.reveal() == again).ok_or("the two differ; go back to type it again")?;
    Ok(Some(Password { text, crypted: false, age: None }))
}

impl Interview {
    /// Takes an answer about root or the user.
    pub(super) fn account(&self, state: &mut State, answer: &Answer) -> Result<Ask, String> {
        let kickstart = &mut state.kickstart;
        if self.at == Ask::UserKeys {
            return self.user_key(state, answer);
        }
        let Answer::Text(text) = answer else { return Err(NO_ANSWER.into()) };
        Ok(match self.at {
            Ask::RootPassword if text.is_empty() => Ask::RootKey,
            Ask::UserPassword if text.is_empty() => Ask::UserKeys,
            Ask::RootPassword | Ask::UserPassword => {
                state.typed = Some(Secret::new(text));
                self.at.again().ok_or(NO_ANSWER)?
            }
            Ask::RootPasswordAgain => {
                kickstart.password = password(state.typed.take(), text)?;
                accepted(kickstart, "password")?;
                Ask::RootKey
            }
            Ask::UserPasswordAgain => {
                let password = password(state.typed.take(), text)?;
                kickstart.users.iter_mut().for_each(|user| user.password.clone_from(&password));
                accepted(kickstart, "users")?;
                Ask::UserKeys
            }
            Ask::RootKey if text.trim().is_empty() => Ask::User,
            Ask::RootKey => {
                let key = self.text_or_file(text.trim())?.trim().to_owned();
                kickstart.public_key = Some(PublicKey { key, reason: None });
                accepted(kickstart, "public_key")?;
                Ask::User
            }
            Ask::User if text.trim().is_empty() => Ask::Certificates,
            Ask::User => {
                kickstart.users = vec![user(text.trim())];
                accepted(kickstart, "users")?;
                Ask::UserPassword
            }
            _ => return Err(NO_ANSWER.into()),
        })
    }

    fn user_key(&self, state: &mut State, answer: &Answer) -> Result<Ask, String> {
        let user = state.kickstart.users.first_mut().ok_or(NO_ANSWER)?;
        let next = match entry(&mut user.ssh_keys, answer)? {
            Entry::End => Ask::Certificates,
            Entry::Removed => Ask::UserKeys,
            Entry::Add(given) => {
                let text = self.text_or_file(given)?;
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                user.ssh_keys.extend(lines.map(str::to_owned));
                Ask::UserKeys
            }
        };
        accepted(&state.kickstart, "users").map(|()| next)
    }
}

/// A user who may do everything with sudo, and use Docker.
fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        gecos: String::new(),
        uid: None,
        groups: vec!["docker".to_owned()],
        shell: "/usr/bin/bash".to_owned(),
        password: None,
        ssh_keys: Vec::new(),
        sudo: true,
    }
}
