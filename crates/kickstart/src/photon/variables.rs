//! `$NAME` as a whole value: what `environment` sets, or the scripts of `preinstall` export.

use std::collections::BTreeMap;

use super::{Told, joined};
use crate::document::{Entry, Node, Value};

/// What is known of the variables of `preinstall`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Variables {
    /// Its scripts have not run.
    #[default]
    Unknown,
    /// They have exported these.
    Known(BTreeMap<String, String>),
}

/// Keys whose values are scripts, files and names that are not replaced.
const VERBATIM: [&str; 4] = ["environment", "additional_files", "archives", "services"];

/// Puts values in the place of variables.
pub(super) fn fill(node: &mut Node, variables: &Variables, told: &mut Told) {
    let own: BTreeMap<String, String> =
        node.entry("environment").map_or(&[][..], |own| own.node.entries()).iter().filter_map(own_value).collect();
    let has_scripts = ["preinstall", "preinstallscripts"].iter().any(|key| node.entry(key).is_some());
    let filler = Filler { own, has_scripts, variables };
    filler.walk(node, "", told);
}

fn own_value(entry: &Entry) -> Option<(String, String)> {
    Some((entry.key.clone(), entry.node.text()?.to_owned()))
}

struct Filler<'a> {
    own: BTreeMap<String, String>,
    has_scripts: bool,
    variables: &'a Variables,
}

/// What becomes of a value.
enum Found {
    /// It is this.
    Value(String),
    /// It is not known yet.
    Pending,
    /// No script exports it.
    Missing,
    /// It is not a variable.
    Plain,
}

impl Filler<'_> {
    fn find(&self, name: &str) -> Found {
        let known = if let Variables::Known(known) = self.variables { known.get(name) } else { None };
        match (known.or_else(|| self.own.get(name)), self.has_scripts, self.variables) {
            (Some(value), ..) => Found::Value(value.clone()),
            (None, true, Variables::Unknown) => Found::Pending,
            (None, true, Variables::Known(_)) => Found::Missing,
            (None, false, _) => Found::Plain,
        }
    }

    fn walk(&self, node: &mut Node, path: &str, told: &mut Told) {
        match &mut node.value {
            Value::Map(entries) => {
                entries.retain_mut(|entry| VERBATIM.contains(&entry.key.as_str()) || self.entry(entry, path, told));
            }
            Value::List(nodes) => {
                nodes.iter_mut().enumerate().for_each(|(index, node)| self.walk(node, &format!("{path}[{index}]"), told));
            }
            _ => {}
        }
    }

    /// Fills in an entry; whether it stays.
    fn entry(&self, entry: &mut Entry, path: &str, told: &mut Told) -> bool {
        let at = joined(path, &entry.key);
        let Some(name) = entry.node.text().and_then(variable).map(str::to_owned) else {
            self.walk(&mut entry.node, &at, told);
            // What is left of a disk whose device is not known yet.
            return !(path == "disks" && matches!(&entry.node.value, Value::Map(entries) if entries.is_empty()));
        };
        match self.find(&name) {
            Found::Plain => true,
            Found::Value(value) => {
                entry.node = Node::new(Value::String(value), entry.node.place);
                true
            }
            Found::Missing => {
                let hint = format!("let it say `export {name}=…`");
                told.wrong(at, entry.node.place, format!("no script of `preinstall` exports `{name}`"), &hint);
                false
            }
            Found::Pending => {
                told.awaits_disk |= matches!(at.as_str(), "disk" | "disks.default" | "disks.default.device");
                told.note(at, entry.node.place, format!("`${name}` is known once `preinstall` has run; the file is checked again then"));
                told.pending.push(name);
                let is_password = entry.key == "text" || entry.key == "shadow_password";
                if is_password {
                    // It is one whatever it is; this one nobody gets in with.
                    entry.node.value = Value::String("*".into());
                }
                is_password
            }
        }
    }
}

/// The name in `$NAME`.
fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(name)
}
