//! Names of suites.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use base::diagnostic::{ExitCode, Failure};

/// The name of a suite in the Debian archive: `trixie`, `trixie-security`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Suite(String);

/// A text that is not the name of a suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of a suite: write one such as `forky`, of letters, digits and `-`")]
pub struct InvalidSuite {
    text: String,
}

impl Failure for InvalidSuite {
    fn hint(&self) -> Option<String> {
        Some("the suite of the SDK is `suite` in `specs/sdk.toml`".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Description
    }
}

impl Suite {
    /// Whether it is one of security updates, which mirrors of their own have.
    pub fn is_security(&self) -> bool {
        self.0.ends_with("-security")
    }

    /// The suite and those with its updates: `trixie`, `trixie-updates` and `trixie-security`.
    pub fn with_updates(&self) -> [Self; 3] {
        [self.clone(), Self(format!("{self}-updates")), Self(format!("{self}-security"))]
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Suite {
    type Err = InvalidSuite;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.+".contains(&byte);
        let is_name = text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(is_part);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidSuite { text: text.to_owned() }) }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let suite: Suite = "trixie".parse().unwrap();
        assert_eq!(suite.with_updates().map(|suite| suite.to_string()), ["trixie", "trixie-updates", "trixie-security"]);
        assert_eq!(suite.with_updates().map(|suite| suite.is_security()), [false, false, true]);
        for bad in ["", "../trixie", "-x", "a/b", "a b"] {
            assert!(bad.parse::<Suite>().is_err(), "{bad}");
        }
    }
}
