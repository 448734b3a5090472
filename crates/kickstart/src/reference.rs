//! The schema and the reference of kickstart files, made from the types.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Kickstart, photon, unsupported};

/// The JSON Schema (draft 2020-12) of kickstart files.
pub fn schema() -> Value {
    schemars::schema_for!(Kickstart).to_value()
}

/// The reference of all keys, in Markdown: a table for each kind of table.
pub fn reference() -> String {
    let schema = schema();
    let mut text = String::new();
    section("", &schema, &schema, &mut text);
    let definitions = schema.get("$defs").and_then(Value::as_object).into_iter().flatten();
    for (name, definition) in definitions.filter(|(_, definition)| definition.get("properties").is_some()) {
        section(name, definition, &schema, &mut text);
    }
    text.push_str(
        "## Photon's keys\n\nThe keys of the reference installer, and what becomes of each. A note is printed with the plan, and before the \
         installation begins.\n\n| in | key | here | how |\n|---|---|---|---|\n",
    );
    for key in photon::keys() {
        let of = if key.of == "Kickstart" { "the file".to_owned() } else { format!("`{}`", key.of) };
        let _ = writeln!(text, "| {of} | `{}` | {} | {} |", key.name, key.treatment.words(), key.words);
    }
    text.push_str("\n## Other keys\n\nKeys of netplan and cloud-init that are refused.\n\n| in | key | why |\n|---|---|---|\n");
    for (of, key, reason) in unsupported::all() {
        let _ = writeln!(text, "| `{of}` | `{key}` | {reason} |");
    }
    text
}

fn section(name: &str, definition: &Value, root: &Value, text: &mut String) {
    let title = if name.is_empty() { "The file".to_owned() } else { format!("`{name}`") };
    let about = definition.get("description").and_then(Value::as_str).unwrap_or_default();
    let _ = write!(text, "## {title}\n\n{about}\n\n| key | value | default | meaning |\n|---|---|---|---|\n");
    let required: Vec<&str> =
        definition.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in definition.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let default = match property.get("default") {
            _ if required.contains(&key.as_str()) => "required".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::Object(_)) => String::new(),
            Some(Value::Array(list)) if list.is_empty() => String::new(),
            Some(value) => format!("`{value}`"),
        };
        let meaning = property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let _ = writeln!(text, "| `{key}` | {} | {default} | {meaning} |", kind(property, root));
    }
    text.push('\n');
}

/// A property's type in words.
fn kind(property: &Value, root: &Value) -> String {
    if let Some(name) = property.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return named(name, root);
    }
    if let Some(kinds) = property.get("anyOf").and_then(Value::as_array) {
        return kinds
            .iter()
            .filter(|kind| kind.get("type") != Some(&"null".into()))
            .map(|each| kind(each, root))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let types: Vec<&str> = match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    let words: Vec<String> = types
        .iter()
        .map(|name| match *name {
            "string" => match property.get("format").and_then(Value::as_str) {
                Some("ip") => "an address".to_owned(),
                Some("ipv4") => "an address of IPv4".to_owned(),
                Some("ipv6") => "an address of IPv6".to_owned(),
                _ => "text".to_owned(),
            },
            "boolean" => "`true` or `false`".to_owned(),
            "integer" => "a number".to_owned(),
            "array" => format!("a list of: {}", property.get("items").map_or_else(String::new, |items| kind(items, root))),
            "object" => match property.get("additionalProperties").filter(|value| value.is_object()) {
                Some(values) => format!("a table with keys of your choice; each value: {}", kind(values, root)),
                None => "a table".to_owned(),
            },
            other => other.to_owned(),
        })
        .collect();
    words.join(" or ")
}

/// A type by its name: its words where it is a choice, else a link to its section.
fn named(name: &str, root: &Value) -> String {
    let definition = root.pointer(&format!("/$defs/{name}")).unwrap_or(&Value::Null);
    if definition.get("properties").is_some() {
        return format!("[`{name}`](#{})", name.to_lowercase());
    }
    let words = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect()
    };
    if let Some(list) = definition.get("enum") {
        return words(list).join(", ");
    }
    if let Some(choices) = definition.get("oneOf").and_then(Value::as_array) {
        let each = |choice: &Value| -> Vec<String> {
            match (choice.get("const").and_then(Value::as_str), choice.get("enum")) {
                (Some(word), _) => {
                    let meaning = choice.get("description").and_then(Value::as_str).unwrap_or_default().trim_end_matches('.');
                    vec![if meaning.is_empty() { format!("`{word}`") } else { format!("`{word}` ({meaning})") }]
                }
                (None, Some(list)) => words(list),
                (None, None) => Vec::new(),
            }
        };
        return choices.iter().flat_map(each).collect::<Vec<_>>().join(", ");
    }
    kind(definition, root)
}
