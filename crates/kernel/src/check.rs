//! Checks a configuration against requests and contracts.

use super::Kernel;
use super::contract::breaches;
use super::dotconfig::DotConfig;
use super::kconfig::{Cause, Resolved};
use super::merge::Request;
use super::symbol::Symbol;
use base::diagnostic::Problem;

/// Every request that `config` does not fulfil, and every contract that it violates. `resolved` explains causes, where known.
pub fn check(kernel: &Kernel<'_>, config: &DotConfig, resolved: Option<&Resolved<'_>>) -> Vec<Problem> {
    let lost = kernel.merged.winners().filter(|request| config.value(&request.setting.symbol) != request.setting.value);
    let mut problems: Vec<Problem> = lost.map(|request| lost_request(&request, config, resolved)).collect();
    problems.extend(kernel.contracts.iter().flat_map(|contract| breaches(contract, config)));
    problems
}

fn lost_request(request: &Request<'_>, config: &DotConfig, resolved: Option<&Resolved<'_>>) -> Problem {
    let setting = request.setting;
    let message = format!("{} is requested as {}, but Kconfig sets it to {}", setting.symbol, setting.value, config.value(&setting.symbol));
    let problem = Problem::new(&request.fragment.source, setting.span.clone(), message);
    match resolved.and_then(|resolved| resolved.cause(&setting.symbol, &setting.value)) {
        Some(cause) => problem.hint(explain(&setting.symbol, &cause)),
        None => problem.hint(format!("`cargo xtask kernel why {}` shows what it depends on", setting.symbol)),
    }
}

/// A cause and what to do about it.
pub fn explain(symbol: &Symbol, cause: &Cause) -> String {
    let list = |symbols: &[Symbol]| symbols.iter().map(Symbol::to_string).collect::<Vec<_>>().join(", ");
    match cause {
        Cause::Undefined => "no Kconfig file of this kernel defines it: it was renamed or removed".into(),
        Cause::WrongKind(kind) => format!("it has another type: {kind}"),
        Cause::Unmet(conditions) => format!("it depends on {}", conditions.join(", and on ")),
        Cause::NoPrompt(selectors) if selectors.is_empty() => "it cannot be set: its value comes only from its defaults".into(),
        Cause::NoPrompt(selectors) => format!("it cannot be set, only selected, by {}", list(selectors)),
        Cause::Selected(selectors) if selectors.is_empty() => format!("the defaults of {symbol} set it"),
        Cause::Selected(selectors) => format!("it is selected by {}", list(selectors)),
        Cause::OtherChosen(other) => format!("{other} was chosen instead; set that to n"),
        Cause::OutOfRange => "its value is outside of the range that Kconfig allows".into(),
    }
}
