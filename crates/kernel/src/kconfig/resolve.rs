//! Predicts a configuration: the result of `make allnoconfig` with `KCONFIG_ALLCONFIG` for a list of requests.
//!
//! The rules are those of `sym_calc_value` and `sym_calc_choice` in the kernel's scripts/kconfig/symbol.c.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::expression::{Comparison, Expression, Operand};
use super::{ConfigOption, Kconfig, Kind, toolchain};
use crate::dotconfig::DotConfig;
use crate::symbol::{Symbol, Value};

/// A predicted configuration, which can explain its values.
pub struct Resolved<'a> {
    kconfig: &'a Kconfig,
    wishes: BTreeMap<&'a Symbol, &'a Value>,
    known: RefCell<HashMap<&'a Symbol, Value>>,
    chosen: RefCell<HashMap<usize, Option<&'a Symbol>>>,
}

/// Why an option does not have the requested value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No Kconfig file defines it.
    Undefined,
    /// Its type does not allow the value, for example a module where only `y` and `n` are possible.
    WrongKind(Kind),
    /// Conditions that are false, each with the values of the options it names.
    Unmet(Vec<String>),
    /// It has no prompt: only defaults and these options set it.
    NoPrompt(Vec<Symbol>),
    /// These options, which are on, select it.
    Selected(Vec<Symbol>),
    /// It is a member of a choice, and another member was chosen.
    OtherChosen(Symbol),
    /// Its value is outside of the range.
    OutOfRange,
}

impl<'a> Resolved<'a> {
    /// The configuration that results from `wishes`.
    pub fn new(kconfig: &'a Kconfig, wishes: impl IntoIterator<Item = (&'a Symbol, &'a Value)>) -> Self {
        let wishes = wishes.into_iter().collect();
        Self { kconfig, wishes, known: RefCell::default(), chosen: RefCell::default() }
    }

    /// All options that are set.
    pub fn config(&self) -> DotConfig {
        self.kconfig.options().map(|(symbol, _)| (symbol.clone(), self.value(symbol))).collect()
    }

    /// The value of an option.
    pub fn value(&self, symbol: &Symbol) -> Value {
        let Some((symbol, option)) = self.kconfig.symbols.get_key_value(symbol) else { return Value::No };
        if let Some(value) = self.known.borrow().get(symbol) {
            return value.clone();
        }
        // Options may depend on each other in cycles; the first one evaluated counts as off for the others.
        self.known.borrow_mut().insert(symbol, Value::No);
        let value = match option.kind {
            None => Value::No,
            Some(Kind::Bool | Kind::Tristate) => state_value(self.state(symbol, option)),
            Some(kind) => self.text(symbol, option, kind),
        };
        self.known.borrow_mut().insert(symbol, value.clone());
        value
    }

    /// Why `symbol` is not `wanted`; `None` if it is.
    pub fn cause(&self, symbol: &Symbol, wanted: &Value) -> Option<Cause> {
        let value = self.value(symbol);
        if value == *wanted {
            return None;
        }
        let Some(option) = self.kconfig.option(symbol).filter(|option| !option.definitions.is_empty()) else {
            return Some(Cause::Undefined);
        };
        let kind = option.kind.unwrap_or(Kind::Bool);
        if !takes(kind, wanted) {
            return Some(Cause::WrongKind(kind));
        }
        if value.state() > wanted.state() {
            return Some(Cause::Selected(self.selectors(option)));
        }
        let prompts: Vec<_> = option.definitions.iter().filter_map(|definition| definition.prompt.as_ref()).collect();
        if prompts.is_empty() {
            return Some(Cause::NoPrompt(option.selected_by.iter().map(|(symbol, _)| symbol.clone()).collect()));
        }
        let unmet: Vec<String> = prompts.iter().flat_map(|(_, condition)| self.unmet(condition, wanted.state())).collect();
        if !unmet.is_empty() {
            return Some(Cause::Unmet(unmet));
        }
        match option.choice.and_then(|at| self.chosen(at)) {
            Some(other) => Some(Cause::OtherChosen(other.clone())),
            None => Some(Cause::OutOfRange),
        }
    }

    /// The parts of a condition that are below `wanted`, with the values of the options in them.
    pub fn unmet(&self, condition: &Arc<Expression>, wanted: u8) -> Vec<String> {
        let failing = condition.conjuncts().into_iter().filter(|part| self.evaluate(part) < wanted);
        failing.map(|part| self.with_values(&part)).collect()
    }

    /// An expression and, in brackets, the values of its options.
    pub fn with_values(&self, expression: &Expression) -> String {
        let values: Vec<String> =
            expression.symbols().into_iter().map(|symbol| format!("{}={}", symbol.name(), self.value(symbol))).collect();
        if values.is_empty() { expression.to_string() } else { format!("{expression} [{}]", values.join(", ")) }
    }

    /// The options that are on and select `option`.
    pub fn selectors(&self, option: &ConfigOption) -> Vec<Symbol> {
        let active = option.selected_by.iter().filter(|(by, condition)| self.selecting(by, condition) > 0);
        active.map(|(symbol, _)| symbol.clone()).collect()
    }

    fn state(&self, symbol: &'a Symbol, option: &'a ConfigOption) -> u8 {
        let tristate = option.kind == Some(Kind::Tristate);
        let lift = |state: u8| if state == 1 && !tristate { 2 } else { state };
        if let Some(choice) = option.choice {
            return if self.chosen(choice) == Some(symbol) { 2 } else { 0 };
        }
        let depends = lift(self.depends(option));
        let visible = lift(self.visible(option));
        let mut state = 0;
        if visible > 0 {
            let wish = self.wishes.get(symbol).filter(|wish| takes(option.kind.unwrap_or(Kind::Bool), wish));
            state = wish.map_or(0, |wish| wish.state()).min(visible);
        } else {
            if let Some((value, condition)) = self.default(option) {
                state = self.evaluate(value).min(self.evaluate(condition));
            }
            let implied = option.implied_by.iter().map(|(by, condition)| self.selecting(by, condition)).max().unwrap_or(0);
            if implied > 0 {
                state = state.max(lift(implied)).min(depends);
            }
        }
        let selected = option.selected_by.iter().map(|(by, condition)| self.selecting(by, condition)).max().unwrap_or(0);
        lift(state.max(lift(selected)))
    }

    fn text(&self, symbol: &'a Symbol, option: &'a ConfigOption, kind: Kind) -> Value {
        let visible = self.visible(option) > 0;
        let wish = self.wishes.get(symbol).filter(|wish| visible && takes(kind, wish));
        let value = match wish {
            Some(wish) => (*wish).clone(),
            None => match self.default(option) {
                Some((value, _)) => self.constant(value, kind),
                None if visible => typed(kind, ""),
                None => return Value::No,
            },
        };
        self.within_range(option, value)
    }

    /// The value of a string's or number's default, which is always a single operand.
    fn constant(&self, expression: &Expression, kind: Kind) -> Value {
        match expression {
            Expression::Operand(Operand::Symbol(symbol)) => self.value(symbol),
            Expression::Operand(Operand::Constant(text)) => typed(kind, text),
            Expression::Operand(Operand::Probe(probe)) => typed(kind, toolchain::answer(probe)),
            _ => Value::No,
        }
    }

    fn within_range(&self, option: &ConfigOption, value: Value) -> Value {
        let Some(number) = as_number(&value) else { return value };
        let ranges = option.definitions.iter().flat_map(|definition| &definition.ranges);
        let Some((low, high, _)) = ranges.into_iter().find(|(_, _, condition)| self.evaluate(condition) > 0) else { return value };
        let bound = |operand: &Operand| as_number(&Value::Number(self.operand(operand))).map(|bound| (bound, self.operand(operand)));
        match (bound(low), bound(high)) {
            (Some((low, text)), _) if number < low => Value::Number(text),
            (_, Some((high, text))) if number > high => Value::Number(text),
            _ => value,
        }
    }

    /// The member of a choice that is on.
    fn chosen(&self, at: usize) -> Option<&'a Symbol> {
        if let Some(chosen) = self.chosen.borrow().get(&at) {
            return *chosen;
        }
        self.chosen.borrow_mut().insert(at, None);
        let choice = self.kconfig.choices.get(at)?;
        let visible: Vec<&Symbol> =
            choice.members.iter().filter(|member| self.kconfig.option(member).is_some_and(|option| self.visible(option) > 0)).collect();
        let wish = |member: &Symbol| self.wishes.get(member).map(|wish| wish.state());
        let by_default = choice.defaults.iter().find(|(member, condition)| self.evaluate(condition) > 0 && visible.contains(&member));
        let chosen = visible
            .iter()
            .find(|member| wish(member) == Some(2))
            .copied()
            .or_else(|| by_default.map(|(member, _)| member).or_else(|| visible.first().copied()).filter(|member| wish(member) != Some(0)))
            .or_else(|| visible.iter().find(|member| wish(member).is_none()).copied())
            .or_else(|| visible.last().copied());
        self.chosen.borrow_mut().insert(at, chosen);
        chosen
    }

    fn default(&self, option: &'a ConfigOption) -> Option<&'a (Arc<Expression>, Arc<Expression>)> {
        option.definitions.iter().flat_map(|definition| &definition.defaults).find(|(_, condition)| self.evaluate(condition) > 0)
    }

    fn visible(&self, option: &ConfigOption) -> u8 {
        let prompts = option.definitions.iter().filter_map(|definition| definition.prompt.as_ref());
        prompts.map(|(_, condition)| self.evaluate(condition)).max().unwrap_or(0)
    }

    fn depends(&self, option: &ConfigOption) -> u8 {
        option.definitions.iter().map(|definition| self.evaluate(&definition.depends)).max().unwrap_or(0)
    }

    fn selecting(&self, by: &Symbol, condition: &Expression) -> u8 {
        self.value(by).state().min(self.evaluate(condition))
    }

    /// The value of an expression: 0, 1, 2 for `n`, `m`, `y`.
    pub fn evaluate(&self, expression: &Expression) -> u8 {
        match expression {
            Expression::Operand(Operand::Symbol(symbol)) => match self.value(symbol) {
                Value::Text(_) | Value::Number(_) => 0,
                value => value.state(),
            },
            Expression::Operand(operand) => match &*self.operand(operand) {
                "y" => 2,
                "m" => 1,
                _ => 0,
            },
            Expression::Not(inner) => 2 - self.evaluate(inner),
            Expression::And(left, right) => self.evaluate(left).min(self.evaluate(right)),
            Expression::Or(left, right) => self.evaluate(left).max(self.evaluate(right)),
            Expression::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left), self.operand(right));
                let order = match (parse_number(&left), parse_number(&right)) {
                    (Some(left), Some(right)) => left.cmp(&right),
                    _ => left.cmp(&right),
                };
                let holds = match comparison {
                    Comparison::Equal => order.is_eq(),
                    Comparison::Unequal => order.is_ne(),
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                };
                if holds { 2 } else { 0 }
            }
        }
    }

    /// An operand as text; an undefined option evaluates to its name.
    fn operand(&self, operand: &Operand) -> String {
        match operand {
            Operand::Symbol(symbol) if self.kconfig.option(symbol).is_none_or(|option| option.kind.is_none()) => symbol.name().to_owned(),
            Operand::Symbol(symbol) => match self.value(symbol) {
                Value::Text(text) => text,
                Value::No if self.kconfig.option(symbol).is_some_and(|option| option.kind == Some(Kind::String)) => String::new(),
                other => other.to_string(),
            },
            Operand::Constant(text) => text.clone(),
            Operand::Probe(probe) => toolchain::answer(probe).to_owned(),
        }
    }
}

fn state_value(state: u8) -> Value {
    match state {
        0 => Value::No,
        1 => Value::Module,
        _ => Value::Yes,
    }
}

fn takes(kind: Kind, value: &Value) -> bool {
    match value {
        Value::No | Value::Yes => matches!(kind, Kind::Bool | Kind::Tristate),
        Value::Module => kind == Kind::Tristate,
        Value::Text(_) => kind == Kind::String,
        Value::Number(_) => matches!(kind, Kind::Int | Kind::Hex),
    }
}

fn typed(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Int | Kind::Hex => Value::Number(text.to_owned()),
        Kind::Bool | Kind::Tristate | Kind::String => Value::Text(text.to_owned()),
    }
}

fn as_number(value: &Value) -> Option<i128> {
    match value {
        Value::Number(text) => parse_number(text),
        _ => None,
    }
}

fn parse_number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
