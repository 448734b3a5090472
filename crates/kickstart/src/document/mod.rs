//! Documents as people write them: JSON, YAML or TOML, with the place of every key and value, so that whatever is wrong is shown where it
//! stands.

mod de;
mod json;
mod problem;
mod toml;
mod yaml;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

pub use problem::{Place, Problem, Problems};

/// The languages a document may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// RFC 8259.
    Json,
    /// YAML 1.2.
    Yaml,
    /// TOML 1.0.
    Toml,
}

impl Language {
    /// By the name's ending; a document without a known one is JSON where it begins with a brace, else YAML.
    pub fn of(name: &str, text: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            Some("toml") => Self::Toml,
            _ if text.trim_start().starts_with('{') => Self::Json,
            _ => Self::Yaml,
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub place: Place,
}

/// What all three languages can say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key, its value, and where the key stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

/// How deep lists and maps may be nested.
pub(crate) const DEEPEST: usize = 64;

/// Keys that are understood, but that nothing here can do: by the Rust name of the struct and the key, the reason and what to do instead.
pub type Unsupported = fn(&str, &str) -> Option<&'static str>;

/// Longer documents are not read, in bytes.
const LONGEST_BYTES: usize = 1 << 20;

/// A document's content, and where each part of it stands.
#[derive(Clone, Debug)]
pub struct Document<T> {
    /// Its name, for messages.
    pub name: String,
    /// What it says.
    pub value: T,
    places: BTreeMap<String, Place>,
}

impl<T> Document<T> {
    /// A problem with the value at `path`, at the place of the nearest part that was written down.
    pub fn problem(&self, path: &str, message: impl Into<String>, hint: Option<String>) -> Problem {
        let mut known = path;
        while !self.places.contains_key(known) && !known.is_empty() {
            known = &known[..known.rfind(['.', '[']).unwrap_or(0)];
        }
        let place = self.places.get(known).copied().unwrap_or(Place { line: 1, column: 1 });
        Problem { path: path.to_owned(), place, message: message.into(), hint }
    }

    /// All problems, in the order of their places.
    pub fn problems(&self, mut problems: Vec<Problem>) -> Problems {
        problems.sort_by_key(|problem| problem.place);
        Problems { name: self.name.clone(), problems }
    }
}

/// The place of every value, by path.
fn places(node: &Node, path: String, into: &mut BTreeMap<String, Place>) {
    match &node.value {
        Value::List(nodes) => nodes.iter().enumerate().for_each(|(index, node)| places(node, format!("{path}[{index}]"), into)),
        Value::Map(entries) => {
            let dot = if path.is_empty() { "" } else { "." };
            entries.iter().for_each(|entry| places(&entry.node, format!("{path}{dot}{}", entry.key), into));
        }
        _ => {}
    }
    into.insert(path, node.place);
}

/// Reads a document into a type. Keys the type does not have are all reported; of values that do not fit, the first.
///
/// # Errors
/// All problems found, with their places.
pub fn read<T: DeserializeOwned>(name: &str, text: &str, language: Language, unsupported: Unsupported) -> Result<Document<T>, Problems> {
    let (document, unknown) = read_known(name, text, language, unsupported)?;
    if unknown.is_empty() { Ok(document) } else { Err(document.problems(unknown)) }
}

/// As [`read`], but keys that the type does not have are returned separately: for files that others write, where all that is known is
/// better done than nothing.
///
/// # Errors
/// When it cannot be read at all, or a known key has a value that does not fit.
pub fn read_known<T: DeserializeOwned>(
    name: &str,
    text: &str,
    language: Language,
    unsupported: Unsupported,
) -> Result<(Document<T>, Vec<Problem>), Problems> {
    if text.len() > LONGEST_BYTES {
        let problem = Problem::at(Place { line: 1, column: 1 }, format!("it is larger than {LONGEST_BYTES} bytes"));
        return Err(Problems { name: name.to_owned(), problems: vec![problem] });
    }
    let parsed = match language {
        Language::Json => json::parse(text),
        Language::Yaml => yaml::parse(text),
        Language::Toml => toml::parse(text),
    };
    let problems = |problems| Problems { name: name.to_owned(), problems };
    let node = parsed.map_err(|problem| problems(vec![problem]))?;
    let (value, unknown) = de::read(&node, unsupported).map_err(problems)?;
    let mut known = BTreeMap::new();
    places(&node, String::new(), &mut known);
    Ok((Document { name: name.to_owned(), value, places: known }, unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same content in all languages produces the same tree, places aside.
    #[test]
    fn languages_agree() {
        fn bare(node: &Node) -> String {
            match &node.value {
                Value::List(list) => format!("[{}]", list.iter().map(bare).collect::<Vec<_>>().join(",")),
                Value::Map(map) => {
                    let mut parts: Vec<String> = map.iter().map(|entry| format!("{}:{}", entry.key, bare(&entry.node))).collect();
                    parts.sort();
                    format!("{{{}}}", parts.join(","))
                }
                other => format!("{other:?}"),
            }
        }
        let json = json::parse("{\"a\": [1, -2.5, true], \"b\": {\"c\": \"x\\u00e4\\ud83d\\ude00\\n\"}, \"d\": \"1\"}").unwrap();
        let yaml = yaml::parse("a: [1, -2.5, true]\nb:\n  c: \"xä😀\\n\"\nd: '1'\n").unwrap();
        let toml = toml::parse("a = [1, -2.5, true]\nd = '1'\n[b]\nc = \"xä😀\\n\"\n").unwrap();
        assert_eq!(bare(&json), bare(&yaml));
        assert_eq!(bare(&json), bare(&toml));
    }

    #[test]
    fn broken_documents_are_told_with_their_place() {
        let table = [
            (Language::Json, "{\n  \"a\": 1,\n}", 3),
            (Language::Json, "{\"a\": 1, \"a\": 2}", 1),
            (Language::Json, "{\"a\": tru}", 1),
            (Language::Json, "{} x", 1),
            (Language::Json, "[\"a\nb\"]", 1),
            (Language::Json, "", 1),
            (Language::Yaml, "a: [1\nb: 2\n", 2),
            (Language::Yaml, "a: 1\na: 2\n", 2),
            (Language::Yaml, "a: &x 1\nb: *x\n", 1),
            (Language::Yaml, "? [a]\n: 1\n", 1),
            (Language::Yaml, "a: 1\n---\nb: 2\n", 2),
            (Language::Toml, "a = 1\nb = \n", 2),
            (Language::Toml, "a = 1979-05-27\n", 1),
        ];
        for (language, text, line) in table {
            let parsed = match language {
                Language::Json => json::parse(text),
                Language::Yaml => yaml::parse(text),
                Language::Toml => toml::parse(text),
            };
            let problem = parsed.expect_err(text);
            assert_eq!(problem.place.line, line, "{text}: {problem:?}");
        }
        let deep = "[".repeat(5000);
        for language in [Language::Json, Language::Yaml, Language::Toml] {
            let text = if language == Language::Toml { format!("a = {deep}") } else { deep.clone() };
            assert!(read::<Vec<String>>("x", &text, language, |_, _| None).is_err());
        }
    }
}
