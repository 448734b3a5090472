//! What differs between two kernels.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::Kernel;
use super::dotconfig::DotConfig;
use super::merge::Merged;
use super::symbol::{Symbol, Value};

/// Options that differ between two configurations, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The first flavour.
    pub left: String,
    /// The second flavour.
    pub right: String,
    /// What differs.
    pub changes: Vec<Change>,
}

/// One option that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The option.
    pub symbol: Symbol,
    /// Its value in the first.
    pub left: Value,
    /// Its value in the second.
    pub right: Value,
    /// The lines of fragments that set it, of the first and the second; empty if only Kconfig's defaults and selections did.
    pub because: Vec<String>,
}

/// Compares two kernels and their final configurations.
pub fn diff(left: (&Kernel<'_>, &DotConfig), right: (&Kernel<'_>, &DotConfig)) -> Difference {
    let symbols: BTreeSet<&Symbol> = left.1.iter().chain(right.1.iter()).map(|(symbol, _)| symbol).collect();
    let changes = symbols
        .into_iter()
        .map(|symbol| (symbol, left.1.value(symbol), right.1.value(symbol)))
        .filter(|(_, left, right)| left != right)
        .map(|(symbol, before, after)| {
            let mut because: Vec<String> =
                [&left.0.merged, &right.0.merged].into_iter().filter_map(|merged| deciding_place(merged, symbol)).collect();
            because.dedup();
            Change { symbol: symbol.clone(), left: before, right: after, because }
        })
        .collect();
    Difference { left: left.0.flavour.name.clone(), right: right.0.flavour.name.clone(), changes }
}

fn deciding_place(merged: &Merged<'_>, symbol: &Symbol) -> Option<String> {
    merged.requests(symbol).last().map(|request| format!("{}.config:{}", request.fragment.name, request.setting.line))
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.changes.iter().map(|change| change.symbol.to_string().len()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:>8}  {:>8}  set in", "option", self.left, self.right)?;
        for change in &self.changes {
            let because = if change.because.is_empty() { "-".to_owned() } else { change.because.join(", ") };
            let (symbol, left, right) = (change.symbol.to_string(), change.left.to_string(), change.right.to_string());
            writeln!(f, "{symbol:width$}  {left:>8}  {right:>8}  {because}")?;
        }
        writeln!(f, "{} options differ", self.changes.len())
    }
}
