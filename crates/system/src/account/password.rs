//! Passwords as shadow(5) has them.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Credential;
use super::{AccountsError, SystemError};

/// A password that nothing matches, of an account that is not locked for keys.
pub(super) const NO_PASSWORD: &str = "!*";

/// A hash as shadow(5) has it, when it was set, and when it must be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hash {
    pub text: String,
    pub day: u64,
    pub age: Option<i32>,
}

/// SHA-512 crypt (`$6$`), which every crypt(5) knows, with the salt given.
///
/// # Errors
/// When the password is longer than it takes.
pub fn hash_password(password: &str, salt: &[u8; 12]) -> Result<String, AccountsError> {
    const ROUNDS: usize = 5000;
    const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let salt: String = salt.iter().map(|byte| char::from(LETTERS[usize::from(byte % 64)])).collect();
    let parameters = sha_crypt::Sha512Params::new(ROUNDS).map_err(|_| AccountsError::Hash)?;
    let hash = sha_crypt::sha512_crypt_b64(password.as_bytes(), salt.as_bytes(), &parameters).map_err(|_| AccountsError::Hash)?;
    Ok(format!("$6${salt}${hash}"))
}

/// A credential as a hash, made today.
pub(super) fn hashed(credential: Option<&Credential>) -> Result<Hash, SystemError> {
    let day = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400);
    let age = credential.and_then(|credential| credential.age);
    let text = match credential {
        None => NO_PASSWORD.to_owned(),
        Some(Credential { text, crypted: true, .. }) => text.reveal().to_owned(),
        Some(Credential { text, .. }) => hash_password(text.reveal(), &salt()?)?,
    };
    Ok(Hash { text, day, age })
}

fn salt() -> Result<[u8; 12], SystemError> {
    let path = Path::new("/dev/urandom");
    let mut salt = [0; 12];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut salt)).map_err(SystemError::io("read", path))?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the algorithm's description, with its salt written as the bytes that stand for its letters here.
    #[test]
    fn a_hash_is_one_that_crypt_knows() {
        let text = hash_password("Hello world!", &[0; 12]).unwrap();
        assert!(text.starts_with("$6$............$") && text.len() == 16 + 86, "{text}");
        assert_ne!(text, hash_password("Hello world?", &[0; 12]).unwrap());
        assert!(kickstart::is_hash(&text));
    }
}
