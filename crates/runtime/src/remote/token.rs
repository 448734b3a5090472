//! The token for servers whose addresses have no user.

use std::env;

use base::diagnostic::{ExitCode, Failure};

/// The variable with a token that is sent to servers whose addresses have no user (RFC 6750, "Bearer").
pub const TOKEN_VARIABLE: &str = "KAON_CACHE_TOKEN";

/// The variable contains what no token has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token in {TOKEN_VARIABLE} contains {character:?}, which no token has")]
pub struct InvalidToken {
    character: char,
}

impl Failure for InvalidToken {
    fn hint(&self) -> Option<String> {
        Some(format!("set {TOKEN_VARIABLE} to the token alone: letters, digits and punctuation, without a word such as `Bearer` before it"))
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// The token of the environment, if there is one, without white space around it: files of secrets end with a line feed.
///
/// # Errors
/// When it contains what a header cannot.
pub fn token() -> Result<Option<String>, InvalidToken> {
    // What is not UTF-8 becomes a character that is none of a token's.
    env::var_os(TOKEN_VARIABLE).map_or(Ok(None), |text| read(&text.to_string_lossy()))
}

fn read(text: &str) -> Result<Option<String>, InvalidToken> {
    let token = text.trim();
    match token.chars().find(|character| !character.is_ascii_graphic()) {
        Some(character) => Err(InvalidToken { character }),
        None => Ok(Some(token.to_owned()).filter(|token| !token.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_files_of_secrets_contain_them() {
        for (text, expected) in [("s3cret", Some("s3cret")), ("s3cret\r\n", Some("s3cret")), ("  ", None), ("", None)] {
            assert_eq!(read(text), Ok(expected.map(str::to_owned)), "{text:?}");
        }
        for (text, character) in [("Bearer s3cret", ' '), ("s\u{e9}cret", '\u{e9}'), ("a\nb", '\n')] {
            assert_eq!(read(text), Err(InvalidToken { character }), "{text:?}");
        }
    }
}
