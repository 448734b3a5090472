//! Why an option has its value.

use std::fmt;

use serde::Serialize;

use super::check::explain;
use super::kconfig::{Kconfig, Resolved};
use super::symbol::{Symbol, Value};
use super::{Kernel, KernelError};
use text::nearest;

/// Everything known about one option of one kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The option.
    pub symbol: Symbol,
    /// The flavour.
    pub flavour: String,
    /// Its value.
    pub value: Value,
    /// Its prompt in Kconfig, if it has one.
    pub prompt: Option<String>,
    /// Where Kconfig defines it: `file:line`.
    pub defined: Vec<String>,
    /// A similar name, if nothing defines it.
    pub did_you_mean: Option<String>,
    /// The requests for it, in order; the last wins.
    pub requests: Vec<Asked>,
    /// Options that select it and are on.
    pub selected_by: Vec<String>,
    /// Options that could select it and are off.
    pub selectable_by: Vec<String>,
    /// What it depends on, part by part, with the values of the options named.
    pub depends: Vec<Condition>,
    /// Why it is not as requested, if it is not.
    pub lost: Option<String>,
    /// The contracts that name it.
    pub contracts: Vec<Promise>,
}

/// A fragment's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// `file:line`
    pub place: String,
    /// The value.
    pub value: Value,
    /// The reason given.
    pub reason: String,
}

/// A part of an option's dependencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The expression and the values in it.
    pub text: String,
    /// Whether it is true.
    pub holds: bool,
}

/// A contract's assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// The contract.
    pub contract: String,
    /// What it allows.
    pub allowed: String,
    /// Why.
    pub reason: String,
    /// Whether it is fulfilled.
    pub kept: bool,
}

/// Collects everything known about `symbol`.
///
/// # Errors
/// When nothing is known: no Kconfig file defines it, no fragment requests it and no contract names it.
pub fn why(kernel: &Kernel<'_>, kconfig: &Kconfig, resolved: &Resolved<'_>, symbol: &Symbol) -> Result<Why, KernelError> {
    let option = kconfig.option(symbol);
    let definitions = option.map_or(&[][..], |option| &option.definitions);
    let requests = kernel.merged.requests(symbol);
    let value = resolved.value(symbol);
    let lost = requests.last().and_then(|request| resolved.cause(symbol, &request.setting.value)).map(|cause| explain(symbol, &cause));
    let selected_by: Vec<Symbol> = option.map(|option| resolved.selectors(option)).unwrap_or_default();
    let selectors = option.map_or(&[][..], |option| &option.selected_by);
    let selectable = selectors.iter().map(|(by, _)| by).filter(|by| !selected_by.contains(by));
    let near =
        || nearest(&symbol.name().to_uppercase(), kconfig.options().map(|(known, _)| known.name())).map(|name| format!("CONFIG_{name}"));
    let contracts = promises(kernel, symbol, &value);
    if definitions.is_empty() && requests.is_empty() && contracts.is_empty() {
        return Err(KernelError::NoOption { symbol: symbol.clone(), flavour: kernel.flavour.name.clone(), near: near() });
    }
    Ok(Why {
        symbol: symbol.clone(),
        flavour: kernel.flavour.name.clone(),
        prompt: definitions.iter().find_map(|definition| definition.prompt.as_ref()).map(|(text, _)| text.clone()),
        defined: definitions.iter().map(|definition| format!("{}:{}", definition.file, definition.line)).collect(),
        did_you_mean: if definitions.is_empty() { near() } else { None },
        requests: requests
            .iter()
            .map(|request| Asked { place: request.place(), value: request.setting.value.clone(), reason: request.setting.reason.clone() })
            .collect(),
        selected_by: selected_by.iter().map(|by| format!("{by}={}", resolved.value(by))).collect(),
        selectable_by: selectable.map(Symbol::to_string).collect(),
        depends: conditions(definitions.iter().map(|definition| &definition.depends), resolved),
        lost,
        contracts,
        value,
    })
}

fn conditions<'a>(
    depends: impl Iterator<Item = &'a std::sync::Arc<super::kconfig::Expression>>,
    resolved: &Resolved<'_>,
) -> Vec<Condition> {
    let parts = depends.flat_map(|depends| depends.conjuncts());
    parts.map(|part| Condition { text: resolved.with_values(&part), holds: resolved.evaluate(&part) > 0 }).collect()
}

fn promises(kernel: &Kernel<'_>, symbol: &Symbol, value: &Value) -> Vec<Promise> {
    let named = kernel.contracts.iter().flat_map(|contract| contract.assertions.iter().map(move |assertion| (contract, assertion)));
    named
        .filter(|(_, assertion)| assertion.symbol == *symbol)
        .map(|(contract, assertion)| Promise {
            contract: contract.name.clone(),
            allowed: assertion.allowed.to_string(),
            reason: assertion.reason.clone(),
            kept: assertion.allowed.accepts(value),
        })
        .collect()
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}={} in the {} kernel", self.symbol, self.value, self.flavour)?;
        match (&self.prompt, &self.did_you_mean) {
            (_, Some(near)) => writeln!(f, "  no Kconfig file defines it; did you mean {near}?")?,
            (Some(prompt), None) => writeln!(f, "  \"{prompt}\", defined in {}", self.defined.join(", "))?,
            (None, None) if self.defined.is_empty() => writeln!(f, "  no Kconfig file defines it")?,
            (None, None) => writeln!(f, "  cannot be set directly, defined in {}", self.defined.join(", "))?,
        }
        for asked in &self.requests {
            writeln!(f, "  requested as {} in {}\n      {}", asked.value, asked.place, asked.reason)?;
        }
        if self.requests.is_empty() && !self.defined.is_empty() {
            writeln!(f, "  no fragment requests it")?;
        }
        if let Some(lost) = &self.lost {
            writeln!(f, "  not granted: {lost}")?;
        }
        for condition in &self.depends {
            writeln!(f, "  depends on {}{}", condition.text, if condition.holds { "" } else { "  <- not satisfied" })?;
        }
        if !self.selected_by.is_empty() {
            writeln!(f, "  selected by {}", shorten(&self.selected_by))?;
        }
        if !self.selectable_by.is_empty() {
            writeln!(f, "  would be selected by {}", shorten(&self.selectable_by))?;
        }
        for promise in &self.contracts {
            let kept = if promise.kept { "" } else { ", which is BROKEN" };
            writeln!(f, "  required to be {} by contract {}{kept}\n      {}", promise.allowed, promise.contract, promise.reason)?;
        }
        Ok(())
    }
}

/// The first eight, and how many more there are.
fn shorten(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}
