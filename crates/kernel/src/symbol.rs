//! Names and values of configuration options.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An option's name as in Kconfig, without `CONFIG_`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol(String);

/// A text that is not an option's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a kernel option: write `CONFIG_` and capital letters, digits or `_`")]
pub struct InvalidSymbol {
    text: String,
}

impl Symbol {
    /// `CONFIG_LOCALVERSION`: what follows the version in a kernel's release.
    pub fn local_version() -> Self {
        Self("LOCALVERSION".into())
    }

    /// The name without `CONFIG_`.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = InvalidSymbol;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix("CONFIG_").unwrap_or(text);
        // Small letters exist: CONFIG_FONT_8x16, CONFIG_PHYSICAL_START_Bool.
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !name.is_empty() && name.bytes().all(good) { Ok(Self(name.to_owned())) } else { Err(InvalidSymbol { text: text.to_owned() }) }
    }
}

impl TryFrom<String> for Symbol {
    type Error = InvalidSymbol;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.to_string()
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CONFIG_{}", self.0)
    }
}

/// An option's value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(into = "String")]
pub enum Value {
    /// Off or missing, which Kconfig does not distinguish.
    No,
    /// Built as a module.
    Module,
    /// On, or built in.
    Yes,
    /// A string, without its quotes and escapes.
    Text(String),
    /// A number, decimal or `0x…`, as written.
    Number(String),
}

/// A text that is not an option's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a value: write `y`, `m`, `n`, a number, or a string in double quotes")]
pub struct InvalidValue {
    text: String,
}

impl Value {
    /// Kconfig's order of the three states: 0, 1, 2. Strings and numbers count as set.
    pub fn state(&self) -> u8 {
        match self {
            Self::No => 0,
            Self::Module => 1,
            Self::Yes | Self::Text(_) | Self::Number(_) => 2,
        }
    }
}

impl FromStr for Value {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidValue { text: text.to_owned() };
        match text {
            "y" => return Ok(Self::Yes),
            "m" => return Ok(Self::Module),
            "n" => return Ok(Self::No),
            _ => {}
        }
        if let Some(inner) = text.strip_prefix('"') {
            return unquote(inner).map(Self::Text).ok_or_else(invalid);
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let number = match digits.strip_prefix("0x") {
            Some(hex) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        };
        if number { Ok(Self::Number(text.to_owned())) } else { Err(invalid()) }
    }
}

/// The text of a quoted string without its opening quote; `None` if the closing quote is missing or not at the end.
fn unquote(inner: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = inner.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(text),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

impl From<Value> for String {
    fn from(value: Value) -> Self {
        value.to_string()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("n"),
            Self::Module => f.write_str("m"),
            Self::Yes => f.write_str("y"),
            Self::Text(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::Number(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        for text in ["y", "m", "n", "17", "-3", "0x01b6", "\"\"", "\"iso8859-1\"", r#""a \"b\" \\c""#] {
            assert_eq!(text.parse::<Value>().unwrap().to_string(), text);
        }
        for text in ["", "Y", "yes", "0x", "\"open", "\"a\" b", "1.5"] {
            assert!(text.parse::<Value>().is_err(), "{text}");
        }
    }

    #[test]
    fn symbols_are_read_with_and_without_prefix() {
        assert_eq!("CONFIG_FONT_8x16".parse::<Symbol>().unwrap(), "FONT_8x16".parse().unwrap());
        for text in ["", "CONFIG_", "CONFIG_A-B", "config a"] {
            assert!(text.parse::<Symbol>().is_err(), "{text}");
        }
    }
}
