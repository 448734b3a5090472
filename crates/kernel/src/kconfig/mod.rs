//! Kconfig: the language of the kernel's option descriptions, implemented well enough to predict and explain a configuration.
//!
//! Tests of the compiler (`$(cc-option,…)`) are answered by [`toolchain`] as the SDK's compiler would. The build checks the configuration
//! that Kconfig's own program makes, so a wrong answer here is detected and never shipped.

mod expression;
mod parse;
mod resolve;
mod scan;
mod toolchain;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::symbol::Symbol;

pub use expression::{Comparison, Expression, Operand};
pub use parse::{KconfigError, parse};
pub use resolve::{Cause, Resolved};

/// Every option of a kernel.
#[derive(Debug, Default)]
pub struct Kconfig {
    symbols: BTreeMap<Symbol, ConfigOption>,
    choices: Vec<Choice>,
}

/// One option; it may be defined in several places.
#[derive(Debug, Default)]
pub struct ConfigOption {
    /// What kind of value it takes, if any definition declares it.
    pub kind: Option<Kind>,
    /// Its definitions, in the order read.
    pub definitions: Vec<Definition>,
    /// Options that select it, with the condition.
    pub selected_by: Vec<(Symbol, Arc<Expression>)>,
    /// Options that imply it, with the condition.
    pub implied_by: Vec<(Symbol, Arc<Expression>)>,
    /// The choice it is a member of.
    pub choice: Option<usize>,
}

/// What kind of value an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `y` or `n`.
    Bool,
    /// `y`, `m` or `n`.
    Tristate,
    /// Text.
    String,
    /// A decimal number.
    Int,
    /// A hexadecimal number.
    Hex,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Tristate => "tristate",
            Self::String => "string",
            Self::Int => "int",
            Self::Hex => "hex",
        })
    }
}

/// One definition of an option.
#[derive(Debug)]
pub struct Definition {
    /// The file, relative to the kernel's tree.
    pub file: Arc<str>,
    /// The line of `config`.
    pub line: usize,
    /// What the user is asked, and when; without it only defaults and other options set it.
    pub prompt: Option<(String, Arc<Expression>)>,
    /// Its own `depends on` and those of the blocks around it.
    pub depends: Arc<Expression>,
    /// Defaults, each with its condition, including dependencies.
    pub defaults: Vec<(Arc<Expression>, Arc<Expression>)>,
    /// Lowest and highest value, with the condition.
    pub ranges: Vec<(Operand, Operand, Arc<Expression>)>,
}

/// Options of which exactly one is on.
#[derive(Debug, Default)]
pub struct Choice {
    /// Members, in the order read.
    pub members: Vec<Symbol>,
    /// Defaults, each with its condition.
    pub defaults: Vec<(Symbol, Arc<Expression>)>,
}

impl Kconfig {
    /// An option by name.
    pub fn option(&self, symbol: &Symbol) -> Option<&ConfigOption> {
        self.symbols.get(symbol)
    }

    /// All options that are defined somewhere, by name.
    pub fn options(&self) -> impl Iterator<Item = (&Symbol, &ConfigOption)> {
        self.symbols.iter().filter(|(_, option)| !option.definitions.is_empty())
    }
}
