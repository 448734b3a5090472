//! Names of SDK layers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A layer's name: lowercase letters, digits and `-`, beginning with a letter, at most 30 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerName(String);

/// A text that cannot be a layer's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of an SDK layer: use lowercase letters, digits and `-`, beginning with a letter, at most 30")]
pub struct InvalidLayerName {
    text: String,
}

impl LayerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LayerName {
    type Err = InvalidLayerName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first_ok = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest_ok = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if first_ok && rest_ok && text.len() <= 30 { Ok(Self(text.to_owned())) } else { Err(InvalidLayerName { text: text.to_owned() }) }
    }
}

impl TryFrom<String> for LayerName {
    type Error = InvalidLayerName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LayerName> for String {
    fn from(name: LayerName) -> Self {
        name.0
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
