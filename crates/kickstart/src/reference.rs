//! The schema and the reference of kickstart files, made from the types.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::photon::{self, Treatment};
use super::{Kickstart, unsupported};

/// The JSON Schema (draft 2020-12) of kickstart files, with all spellings of keys.
pub fn schema() -> Value {
    let mut schema = own_schema();
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten();
    definitions.for_each(|(_, definition)| add_aliases(definition));
    for key in photon::keys().filter(|key| key.treatment != Treatment::Refused) {
        let pointer = if key.of == ROOT { "/properties".to_owned() } else { format!("/$defs/{}/properties", key.of) };
        if let Some(properties) = schema.pointer_mut(&pointer).and_then(Value::as_object_mut) {
            let about = if key.words.is_empty() { "A key of Photon OS.".to_owned() } else { format!("A key of Photon OS: {}.", key.words) };
            properties.entry(key.name).or_insert_with(|| json!({ "description": about }));
        }
    }
    schema
}

/// The name of the type of the whole file.
const ROOT: &str = "Kickstart";

/// What the types say, where each key has one spelling.
pub(crate) fn own_schema() -> Value {
    schemars::schema_for!(Kickstart).to_value()
}

/// The other spellings of a key, as types note them next to serde's `alias`.
const ALIASES: &str = "x-aliases";

/// Makes keys of the other spellings.
fn add_aliases(definition: &mut Value) {
    let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let mut added = Vec::new();
    for (key, property) in properties.iter_mut() {
        let aliases = property.as_object_mut().and_then(|property| property.remove(ALIASES));
        for alias in aliases.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
            let mut other = property.clone();
            other["description"] = format!("Another spelling of `{key}`.").into();
            added.push((alias.to_owned(), other));
        }
    }
    properties.extend(added);
}

/// The reference of all keys, in Markdown: a table for each kind of table.
pub fn reference() -> String {
    let schema = own_schema();
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The properties of a type.
    fn properties<'a>(schema: &'a Value, of: &str) -> &'a serde_json::Map<String, Value> {
        schema.pointer(&format!("/$defs/{of}/properties")).unwrap().as_object().unwrap()
    }

    #[test]
    fn the_schema_has_every_spelling() {
        let schema = schema();
        let text = schema.to_string();
        assert!(!text.contains(ALIASES));
        // Only types of these files are in it: network version 1 is another document.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/network");
        let mut found = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let source = fs::read_to_string(entry.unwrap().path()).unwrap();
            for alias in source.split("alias = \"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(text.contains(&format!("\"{alias}\":{{")), "`{alias}` lacks `#[schemars(extend(\"{ALIASES}\" = …))]`");
                found += 1;
            }
        }
        assert!(found >= 6, "{found}");
        let bond = properties(&schema, "BondParameters");
        assert_eq!(bond["all-slaves-active"]["type"], bond["all-members-active"]["type"]);
        let network = properties(&schema, "Network");
        assert!(["type", "ip_addr", "netmask", "gateway", "ethernets"].iter().all(|key| network.contains_key(*key)), "{network:?}");
        assert!(schema["properties"].get("live").is_some() && !reference().contains(ALIASES));
    }
}
