//! Kconfig's expressions.

use std::fmt;
use std::sync::Arc;

use crate::symbol::Symbol;

/// A condition over options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// An option, or a constant.
    Operand(Operand),
    /// `!a`
    Not(Arc<Expression>),
    /// `a && b`
    And(Arc<Expression>, Arc<Expression>),
    /// `a || b`
    Or(Arc<Expression>, Arc<Expression>),
    /// `a = b`, `a < b` …
    Compare(Operand, Comparison, Operand),
}

/// An operand of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// An option's value.
    Symbol(Symbol),
    /// `y`, `m`, `n`, a number or a string.
    Constant(String),
    /// A compiler test, as written: `$(cc-option,-mtune=…)`.
    Probe(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Expression {
    /// The condition that is always true.
    pub fn yes() -> Arc<Self> {
        Arc::new(Self::Operand(Operand::Constant("y".into())))
    }

    fn is_yes(&self) -> bool {
        matches!(self, Self::Operand(Operand::Constant(text)) if text == "y")
    }

    /// The conjunction of both, without parts that are always true.
    pub fn and(left: &Arc<Self>, right: &Arc<Self>) -> Arc<Self> {
        if left.is_yes() {
            Arc::clone(right)
        } else if right.is_yes() || left == right {
            Arc::clone(left)
        } else {
            Arc::new(Self::And(Arc::clone(left), Arc::clone(right)))
        }
    }

    /// The parts that must all be true, in the order written, each once.
    pub fn conjuncts(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut parts = Vec::new();
        let mut open = vec![Arc::clone(self)];
        while let Some(part) = open.pop() {
            match &*part {
                Self::And(left, right) => open.extend([Arc::clone(right), Arc::clone(left)]),
                _ if part.is_yes() || parts.contains(&part) => {}
                _ => parts.push(part),
            }
        }
        parts
    }

    /// The options that it names, in the order written, each once.
    pub fn symbols(&self) -> Vec<&Symbol> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Symbol>) {
        let mut note = |operand: &'a Operand| match operand {
            Operand::Symbol(symbol) if !found.contains(&symbol) => found.push(symbol),
            _ => {}
        };
        match self {
            Self::Operand(operand) => note(operand),
            Self::Compare(left, _, right) => {
                note(left);
                note(right);
            }
            Self::Not(inner) => inner.collect(found),
            Self::And(left, right) | Self::Or(left, right) => {
                left.collect(found);
                right.collect(found);
            }
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(symbol) => f.write_str(symbol.name()),
            Self::Constant(text) | Self::Probe(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operand(operand) => write!(f, "{operand}"),
            Self::Not(inner) if matches!(**inner, Self::Operand(_)) => write!(f, "!{inner}"),
            Self::Not(inner) => write!(f, "!({inner})"),
            Self::And(left, right) => {
                let side = |side: &Arc<Self>| if matches!(**side, Self::Or(..)) { format!("({side})") } else { side.to_string() };
                write!(f, "{} && {}", side(left), side(right))
            }
            Self::Or(left, right) => write!(f, "{left} || {right}"),
            Self::Compare(left, comparison, right) => {
                let sign = match comparison {
                    Comparison::Equal => "=",
                    Comparison::Unequal => "!=",
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                };
                write!(f, "{left} {sign} {right}")
            }
        }
    }
}
