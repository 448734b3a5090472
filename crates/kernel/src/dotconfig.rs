//! A kernel's `.config`, as Kconfig writes it.

use std::collections::BTreeMap;

use super::symbol::{Symbol, Value};

/// The final configuration of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotConfig(BTreeMap<Symbol, Value>);

impl DotConfig {
    /// Reads a `.config`. Lines that are not assignments are comments of Kconfig and are ignored.
    pub fn parse(text: &str) -> Self {
        let assignment = |line: &str| {
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            Some((name.parse().ok()?, value.parse().ok()?))
        };
        Self(text.lines().filter_map(assignment).collect())
    }

    /// The value of an option; `n` if it is missing.
    pub fn value(&self, symbol: &Symbol) -> Value {
        self.0.get(symbol).cloned().unwrap_or(Value::No)
    }

    /// Every option that is set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Symbol, &Value)> {
        self.0.iter()
    }
}

impl FromIterator<(Symbol, Value)> for DotConfig {
    fn from_iter<I: IntoIterator<Item = (Symbol, Value)>>(pairs: I) -> Self {
        Self(pairs.into_iter().filter(|(_, value)| *value != Value::No).collect())
    }
}
