//! TOML with places.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Node, Place, Problem, Tree, Value};

/// Reads a whole document.
pub(super) fn parse(text: &str) -> Result<Tree, Problem> {
    let table = DeTable::parse(text).map_err(|error| {
        let place = Place::of(text, error.span().map_or(0, |span| span.start));
        Problem::at(place, error.message().trim().to_owned())
    })?;
    Ok(Tree { node: Node::new(map(text, table.get_ref())?, Place { line: 1, column: 1 }), problems: Vec::new() })
}

fn map(text: &str, table: &DeTable<'_>) -> Result<Value, Problem> {
    let mut entries = Vec::new();
    for (key, value) in table {
        let place = Place::of(text, key.span().start);
        entries.push(Entry { key: key.get_ref().to_string(), place, node: node(text, value)? });
    }
    entries.sort_by_key(|entry| entry.place);
    Ok(Value::Map(entries))
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Result<Node, Problem> {
    let span = value.span();
    let place = Place::of(text, span.start);
    let wrong = |message: &str| Problem::at(place, message);
    let value = match value.get_ref() {
        DeValue::String(string) => Value::String(string.to_string()),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wrong("this number is too large"))?)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().map_err(|_| wrong("not a number"))?),
        DeValue::Array(array) => Value::List(array.iter().map(|item| node(text, item)).collect::<Result<_, _>>()?),
        DeValue::Table(table) => map(text, table)?,
        DeValue::Datetime(_) => return Err(wrong("dates are not supported; put it in quotes")),
    };
    let written = matches!(value, Value::Integer(_) | Value::Float(_) | Value::Bool(_));
    Ok(Node { value, place, written: written.then(|| text[span.clone()].into()) })
}
