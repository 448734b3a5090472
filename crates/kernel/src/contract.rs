//! Contracts: assertions on the final configuration that users rely on.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use super::dotconfig::DotConfig;
use super::symbol::{Symbol, Value};
use base::diagnostic::{Problem, SourceText};
use base::document::{Document, Table};

/// Assertions that belong together, `kernel-config/contracts/<name>.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The file's name without `.toml`.
    pub name: String,
    /// Who relies on it.
    pub summary: String,
    /// The text it was read from.
    pub source: Arc<SourceText>,
    /// The assertions, in the order written.
    pub assertions: Vec<Assertion>,
}

/// One assertion on the final configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The option.
    pub symbol: Symbol,
    /// Its allowed values.
    pub allowed: Allowed,
    /// Why.
    pub reason: String,
    /// The position of the option in the contract.
    pub span: Range<usize>,
}

/// The allowed values of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Built in.
    Yes,
    /// A module, so that it costs nothing if it is not used.
    Module,
    /// Built in or a module.
    YesOrModule,
    /// Absent.
    No,
    /// Exactly this string or number.
    Exactly(Value),
}

impl Allowed {
    /// Whether `value` is allowed.
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Yes => *value == Value::Yes,
            Self::Module => *value == Value::Module,
            Self::YesOrModule => matches!(value, Value::Yes | Value::Module),
            Self::No => *value == Value::No,
            Self::Exactly(wanted) => value == wanted,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("y"),
            Self::Module => f.write_str("m"),
            Self::YesOrModule => f.write_str("y-or-m"),
            Self::No => f.write_str("n"),
            Self::Exactly(value) => write!(f, "{value}"),
        }
    }
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "y" => Ok(Self::Yes),
            "m" => Ok(Self::Module),
            "y-or-m" => Ok(Self::YesOrModule),
            "n" => Ok(Self::No),
            other => other
                .parse()
                .map(Self::Exactly)
                .map_err(|_| format!("`{other}` is not an assertion: write y, m, y-or-m, n, a number or a string in double quotes")),
        }
    }
}

/// Reads a contract. Its assertions come in groups that share a reason and a value:
///
/// ```toml
/// [[assert]]
/// reason = "docker's bridge network"
/// value = "y-or-m"
/// options = ["CONFIG_BRIDGE", "CONFIG_VETH"]
/// ```
///
/// # Errors
/// Every problem in it.
pub fn parse(name: &str, document: Document) -> Result<Contract, Vec<Problem>> {
    let source = Arc::clone(document.source());
    document.read(|table| {
        let summary = table.required_string("summary").map(|text| text.value).unwrap_or_default();
        let mut seen = BTreeSet::new();
        let groups = table.tables("assert");
        if groups.is_empty() {
            table.problem(0..0, "a contract needs assertions");
        }
        let assertions = groups.iter().flat_map(|group| read_group(group, &mut seen)).collect();
        Contract { name: name.to_owned(), summary, source, assertions }
    })
}

fn read_group(group: &Table<'_>, seen: &mut BTreeSet<Symbol>) -> Vec<Assertion> {
    let reason = group.required_string("reason").map(|text| text.value).unwrap_or_default();
    let allowed = group.required_parsed::<Allowed>("value");
    let options = group.parsed_list::<Symbol>("options");
    group.finish();
    let mut assertions = Vec::new();
    for option in options {
        if !seen.insert(option.value.clone()) {
            group.problem(option.span, format!("{} is asserted twice in this contract", option.value));
        } else if let Some(allowed) = &allowed {
            assertions.push(Assertion { symbol: option.value, allowed: allowed.value.clone(), reason: reason.clone(), span: option.span });
        }
    }
    assertions
}

/// Every assertion of `contract` that `config` violates.
pub fn breaches(contract: &Contract, config: &DotConfig) -> Vec<Problem> {
    let broken = contract.assertions.iter().filter(|assertion| !assertion.allowed.accepts(&config.value(&assertion.symbol)));
    broken
        .map(|Assertion { symbol, allowed, reason, span }| {
            let message = format!("contract `{}` requires {symbol} to be {allowed}, but it is {}", contract.name, config.value(symbol));
            Problem::new(&contract.source, span.clone(), message).hint(format!("reason: {reason}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        "summary = \"s\"\n",
        "[[assert]]\nreason = \"r\"\nvalue = \"y-or-m\"\noptions = [\"CONFIG_A\"]\n",
        "[[assert]]\nreason = \"s\"\nvalue = \"n\"\noptions = [\"CONFIG_B\"]\n",
        "[[assert]]\nreason = \"t\"\nvalue = \"128\"\noptions = [\"CONFIG_N\"]\n",
    );

    #[test]
    fn violations_are_reported_with_position_and_reason() {
        let contract = parse("c", Document::new("c.toml", TEXT)).unwrap();
        assert!(breaches(&contract, &DotConfig::parse("CONFIG_A=m\nCONFIG_N=128\n")).is_empty());
        let found = breaches(&contract, &DotConfig::parse("CONFIG_B=y\nCONFIG_N=64\n"));
        let told: Vec<_> = found.iter().map(|problem| (&*problem.message, &TEXT[problem.span.clone()])).collect();
        assert_eq!(
            told,
            [
                ("contract `c` requires CONFIG_A to be y-or-m, but it is n", "\"CONFIG_A\""),
                ("contract `c` requires CONFIG_B to be n, but it is y", "\"CONFIG_B\""),
                ("contract `c` requires CONFIG_N to be 128, but it is 64", "\"CONFIG_N\""),
            ]
        );
        assert_eq!(found[0].hint.as_deref(), Some("reason: r"));
    }

    #[test]
    fn mistakes_are_found() {
        let text = "summary = \"s\"\n[[assert]]\nreason = \"r\"\nvalue = \"yes\"\noptions = [\"CONFIG_A\", \"b-c\", \"CONFIG_A\"]\n";
        assert_eq!(parse("c", Document::new("c.toml", text)).unwrap_err().len(), 3);
    }
}
