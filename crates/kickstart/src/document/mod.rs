//! Documents as people write them: JSON, YAML or TOML, with the place of every key and value, so that whatever is wrong is shown where it
//! stands.

mod base64;
mod de;
mod error;
mod json;
mod problem;
mod scalar;
#[cfg(test)]
mod tests;
mod toml;
mod tree;
mod yaml;

use serde::de::DeserializeOwned;

pub use problem::{Complaint, Lost, Place, Problem, Problems};
use tree::Tree;
pub(crate) use tree::{Entry, Node, SET_TWICE, Value};

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
    /// By the name's ending; a document without a known one is JSON where it begins as JSON does, else YAML.
    pub fn of(name: &str, text: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            Some("toml") => Self::Toml,
            _ if is_json(text) => Self::Json,
            _ => Self::Yaml,
        }
    }
}

/// Base64 (RFC 4648, 4), without blanks; nothing if it is not that.
pub fn unpack_base64(text: &str) -> Option<Vec<u8>> {
    base64::decode(text)
}

/// Whether a text begins as JSON does: a brace, and a key in quotes, which YAML may have too.
fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

/// Whether a path is that of something, or of a part of it.
pub(crate) fn is_within(path: &str, whole: &str) -> bool {
    whole.is_empty() || path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The name of newtype structs for which a whole number that is written with a zero before it is text: it is octal, and its value does not
/// tell whether it was.
pub const NUMERAL: &str = "Numeral";

/// How deep lists and maps may be nested.
const DEEPEST: usize = 64;

/// Keys that are understood, but that nothing here can do: by the Rust name of the struct and the key, the reason and what to do instead.
pub type Unsupported = fn(&str, &str) -> Option<&'static str>;

/// What a key that is not known leaves out besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing.
    Alone,
    /// All of the struct, which would mean more without the key.
    Whole,
    /// All of the struct if no other key is set, for an empty one means everything.
    WholeIfEmpty,
}

/// What is peculiar to a kind of document. Structs are named as Rust does.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// Keys that nothing here can do, by struct and key.
    pub unsupported: Unsupported,
    /// Keys that ask for nothing that is not so anyway, by struct and key: they are not reported.
    pub needless: fn(&str, &str) -> bool,
    /// Where a key belongs that is known in another place only, by struct, key, and the keys in it.
    pub elsewhere: fn(&str, &str, &[&str]) -> Option<&'static str>,
    /// Keys without whose right value the whole they are in must not be used, by struct and key: what is left out.
    pub vital: fn(&str, &str) -> Option<&'static str>,
    /// What an unknown key leaves out besides itself, by struct.
    pub unknown: fn(&str) -> Unknown,
    /// The key that a text in place of a struct stands for.
    pub short: fn(&str) -> Option<&'static str>,
    /// Whether keys may be written with hyphens in place of underscores.
    pub hyphens: bool,
}

impl Dialect {
    /// One that has nothing peculiar but keys that cannot be done.
    pub fn plain(unsupported: Unsupported) -> Self {
        Self {
            unsupported,
            needless: |_, _| false,
            elsewhere: |_, _, _| None,
            vital: |_, _| None,
            unknown: |_| Unknown::Alone,
            short: |_| None,
            hyphens: false,
        }
    }
}

/// Longer documents are not read, in bytes.
const LONGEST_BYTES: usize = 1 << 20;

/// A document's content, and where each part of it stands.
#[derive(Clone, Debug)]
pub struct Document<T> {
    /// Its name, for messages.
    pub name: String,
    /// What it says.
    pub value: T,
    node: Node,
    cut: de::Cut,
}

impl<T> Document<T> {
    /// A problem with the value at `path`, at the place of the nearest part that was written down.
    pub fn problem(&self, path: &str, message: impl Into<String>, hint: Option<String>) -> Problem {
        let (path, place) = self.spelt(path);
        Problem { path, place, message: message.into(), hint }
    }

    /// The path in the document of a path in the value, and the place of the nearest part that was written down.
    pub(crate) fn spelt(&self, path: &str) -> (String, Place) {
        self.node.spelt(&self.cut.original(path))
    }

    /// The nearest part of a path in the value that was written down, and its place.
    pub(crate) fn nearest(&self, path: &str) -> (String, Place) {
        self.node.nearest(&self.cut.original(path))
    }

    /// The path in the document of a path in the value, where what did not fit is not counted.
    pub(crate) fn original(&self, path: &str) -> String {
        self.cut.original(path)
    }

    /// Where the value at `path` stands, in words: `name:line:column: path`; nothing if it was not written down.
    pub fn at(&self, path: &str) -> Option<String> {
        let wanted = self.cut.original(path);
        let (found, Place { line, column }) = self.node.nearest(&wanted);
        (found.len() == wanted.len()).then(|| format!("{}:{line}:{column}: {found}", self.name))
    }

    /// All problems, in the order of their places.
    pub fn problems(&self, mut problems: Vec<Problem>) -> Problems {
        problems.sort_by_key(|problem| problem.place);
        Problems { name: self.name.clone(), problems }
    }
}

/// A document that was read, but not yet understood.
#[derive(Clone, Debug)]
pub struct Parsed {
    name: String,
    tree: Tree,
}

impl Parsed {
    /// Reads a document in one of the languages.
    ///
    /// # Errors
    /// When it is none, with the place.
    pub fn new(name: &str, text: &str, language: Language) -> Result<Self, Problems> {
        let problems = |problem| Problems { name: name.to_owned(), problems: vec![problem] };
        // Programs of Windows write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > LONGEST_BYTES {
            return Err(problems(Problem::at(Place { line: 1, column: 1 }, format!("it is larger than {LONGEST_BYTES} bytes"))));
        }
        let parsed = match language {
            Language::Json => json::parse(text),
            Language::Yaml => yaml::parse(text),
            Language::Toml => toml::parse(text),
        };
        Ok(Self { name: name.to_owned(), tree: parsed.map_err(problems)? })
    }

    /// A tree that was made of other documents.
    pub(crate) fn of_node(name: &str, node: Node) -> Self {
        Self { name: name.to_owned(), tree: Tree { node, problems: Vec::new() } }
    }

    /// The whole, for whoever changes it before it is read into a type.
    pub(crate) fn root(&mut self) -> &mut Node {
        &mut self.tree.node
    }

    /// The keys at the top.
    pub fn keys(&self) -> Vec<&str> {
        self.tree.node.entries().iter().map(|entry| entry.key.as_str()).collect()
    }

    /// The text of a key at the top, if it is one word.
    pub fn word(&self, key: &str) -> Option<&str> {
        self.tree.node.entry(key)?.node.text()
    }

    /// What a key at the top contains, as a document of its own.
    pub fn inner(&self, key: &str) -> Option<Self> {
        let node = self.tree.node.entry(key)?.node.clone();
        Some(Self { name: self.name.clone(), tree: Tree { node, problems: Vec::new() } })
    }

    /// The document with one of its keys only.
    pub fn only(&self, key: &str) -> Self {
        let mut node = self.tree.node.clone();
        if let Some(entries) = node.entries_mut() {
            entries.retain(|entry| entry.key == key);
        }
        Self::of_node(&self.name, node)
    }

    /// Returns a problem for each key at the top that should be below `key`, except those of `allowed`: its indentation is wrong. Returns
    /// nothing if the document does not have `key`.
    pub fn beside(&self, key: &str, allowed: &[&str]) -> Option<Problems> {
        self.tree.node.entry(key)?;
        let others = self.tree.node.entries().iter().filter(|entry| entry.key != key && !allowed.contains(&entry.key.as_str()));
        let told = |other: &Entry| Problem::at(other.place, format!("`{}` stands beside `{key}`; indent it below", other.key));
        let problems: Vec<Problem> = others.map(told).collect();
        (!problems.is_empty()).then(|| Problems { name: self.name.clone(), problems })
    }

    /// Replaces the document by what `key` at its top contains, and keeps the problems of the text. Without `key`, nothing changes.
    pub fn unwrapped(mut self, key: &str) -> Self {
        if let Some(entry) = self.tree.node.take(key) {
            self.tree.node = entry.node;
        }
        self
    }

    /// The document without a key at its top.
    pub fn without(mut self, key: &str) -> Self {
        self.tree.node.remove(key);
        self
    }

    /// The document in which a key at its top is a list, though it was written as a table whose keys are each item's `field`, or as words with
    /// commas between them.
    #[must_use]
    pub fn listed(mut self, key: &str, field: &str) -> Self {
        if let Some(node) = self.tree.node.get_mut(key) {
            node.become_list(field);
        }
        self
    }

    /// Each item of a list, as a document of its own; nothing if it is not a list.
    pub fn items(&self) -> Option<Vec<Self>> {
        let Value::List(nodes) = &self.tree.node.value else { return None };
        let own = |node: &Node| Self { name: self.name.clone(), tree: Tree { node: node.clone(), problems: Vec::new() } };
        Some(nodes.iter().map(own).collect())
    }

    /// The text, if it is nothing else.
    pub fn text(&self) -> Option<&str> {
        self.tree.node.text()
    }

    /// Where it stands in the file it is of.
    pub fn place(&self) -> Place {
        self.tree.node.place
    }

    /// As JSON, for those who know what they look for.
    pub fn to_json(&self) -> serde_json::Value {
        self.tree.node.to_json()
    }

    /// Reads it into a type: everything that fits, and all that does not, with places. `check` tells what is wrong beyond types.
    pub fn known<T: DeserializeOwned>(
        self,
        dialect: Dialect,
        check: impl Fn(&T) -> Vec<Complaint>,
    ) -> (Option<Document<T>>, Option<Problems>) {
        let de::Outcome { value, mut problems, cut } = de::read(&self.tree.node, dialect, check);
        problems.extend(self.tree.problems);
        problems.sort_by_key(|problem| problem.place);
        let problems = (!problems.is_empty()).then(|| Problems { name: self.name.clone(), problems });
        (value.map(|value| Document { name: self.name, value, node: self.tree.node, cut }), problems)
    }
}

/// Reads a document into a type, and nothing if anything is wrong with it.
///
/// # Errors
/// All problems found, with their places: keys the type does not have, values that do not fit.
pub fn read<T: DeserializeOwned>(name: &str, text: &str, language: Language, unsupported: Unsupported) -> Result<Document<T>, Problems> {
    let parsed = Parsed::new(name, text, language)?;
    match parsed.known(Dialect::plain(unsupported), |_| Vec::new()) {
        (Some(document), None) => Ok(document),
        (_, Some(problems)) => Err(problems),
        (None, None) => Err(Problems { name: name.to_owned(), problems: vec![Problem::at(Place { line: 1, column: 1 }, "it is empty")] }),
    }
}
