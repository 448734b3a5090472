//! Merging the fragments of a flavour.

use std::collections::BTreeMap;

use super::flavour::Flavour;
use super::fragment::{Fragment, Setting};
use super::symbol::{Symbol, Value};

/// What a flavour requests: every option once, with all requests, the last of which wins.
#[derive(Clone, Debug)]
pub struct Merged<'a> {
    suffix: (Symbol, Value),
    requests: BTreeMap<&'a Symbol, Vec<Request<'a>>>,
}

/// One fragment's request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The fragment.
    pub fragment: &'a Fragment,
    /// The line in it.
    pub setting: &'a Setting,
}

impl Request<'_> {
    /// `kernel-config/fragments/base.config:12`
    pub fn place(&self) -> String {
        format!("{}:{}", self.fragment.source.path, self.setting.line)
    }
}

impl<'a> Merged<'a> {
    /// Merges `fragments` in order.
    pub fn new(flavour: &'a Flavour, fragments: impl IntoIterator<Item = &'a Fragment>) -> Self {
        let mut requests: BTreeMap<&Symbol, Vec<Request<'_>>> = BTreeMap::new();
        for fragment in fragments {
            for setting in &fragment.settings {
                requests.entry(&setting.symbol).or_default().push(Request { fragment, setting });
            }
        }
        Self { suffix: (Symbol::local_version(), Value::Text(flavour.suffix.clone())), requests }
    }

    /// All requests for an option, in order; the last one wins.
    pub fn requests(&self, symbol: &Symbol) -> &[Request<'a>] {
        self.requests.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// The winning request of every option, by the option's name.
    pub fn winners(&self) -> impl Iterator<Item = Request<'a>> {
        self.requests.values().filter_map(|all| all.last().copied())
    }

    /// Every option and its value: the flavour's suffix, and the fragments' requests, by name.
    pub fn wishes(&self) -> impl Iterator<Item = (&Symbol, &Value)> {
        let (symbol, value) = &self.suffix;
        std::iter::once((symbol, value)).chain(self.winners().map(|request| (&request.setting.symbol, &request.setting.value)))
    }

    /// The text for Kconfig: one line per option.
    pub fn to_config(&self) -> String {
        self.wishes().map(|(symbol, value)| format!("{symbol}={value}\n")).collect()
    }
}
