//! Figures: measured values and goals.

use std::fmt;

use serde::Serialize;

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The value, in `unit`.
    pub value: f64,
    /// `s`, `%`, `times`, `packages`.
    pub unit: &'static str,
    /// The goal, if there is one.
    pub goal: Option<Goal>,
    /// Whether the goal is met.
    pub met: Option<bool>,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Figure {
    /// A figure without a goal.
    pub fn plain(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, goal: None, met: None }
    }

    /// A figure with a goal.
    pub fn with_goal(name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self { goal: Some(goal), met: Some(goal.holds(value)), ..Self::plain(name, value, unit) }
    }
}

impl Goal {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "at most {}", number(*bound)),
            Self::AtLeast(bound) => write!(f, "at least {}", number(*bound)),
        }
    }
}

/// Figures as lines with columns.
pub fn table(figures: &[Figure]) -> String {
    let rows: Vec<[String; 4]> = figures
        .iter()
        .map(|figure| {
            let verdict = match figure.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            let goal = figure.goal.map(|goal| format!("{goal} {}", figure.unit)).unwrap_or_default();
            [figure.name.clone(), format!("{} {}", number(figure.value), figure.unit), goal, verdict.to_owned()]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (names, values, goals) = (width(0), width(1), width(2));
    rows.iter()
        .map(|[name, value, goal, verdict]| {
            let line = format!("{name:names$}  {value:>values$}  {goal:goals$}  {verdict}");
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// Three significant digits: `0.123`, `12.3`, `1234`.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value.fract() == 0.0 || value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let figures = [
            Figure::with_goal("warm", 0.51234, "s", Goal::AtMost(1.0)),
            Figure::with_goal("composing", 2.5, "times", Goal::AtLeast(3.0)),
            Figure::plain("cold", 3599.7, "s"),
        ];
        let expected =
            ["warm          0.512 s  at most 1 s       met", "composing  2.50 times  at least 3 times  MISSED", "cold           3600 s"];
        assert_eq!(table(&figures).lines().collect::<Vec<_>>(), expected);
        assert_eq!(table(&figures[2..]), "cold  3600 s\n");
    }

    #[test]
    fn limits_are_inclusive() {
        assert_eq!(Figure::with_goal("x", 1.0, "s", Goal::AtMost(1.0)).met, Some(true));
        assert_eq!(Figure::with_goal("x", 2.99, "s", Goal::AtLeast(3.0)).met, Some(false));
    }
}
