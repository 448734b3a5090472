//! How documents are merged into those before them, in cloud-init's words.

use kickstart::document::Parsed;
use serde::Serialize;

use super::CloudConfig;

/// How a document is merged into those before it, as its `merge_how` or the headers of its part say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Merge {
    lists: Lists,
    others: Others,
}

/// What becomes of two lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
enum Lists {
    /// As with other values.
    #[default]
    AsOthers,
    /// The later one comes behind the earlier one.
    Append,
    /// The later one comes before the earlier one.
    Prepend,
}

/// What becomes of two values that are no lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
enum Others {
    /// The later one counts.
    #[default]
    Replace,
    /// The earlier one counts.
    Keep,
}

/// Kinds of values, and what can be said of each.
const KNOWN: [(&str, &[&str]); 3] = [
    ("list", &["append", "prepend", "replace", "no_replace", "recurse_array", "recurse_dict", "recurse_list", "recurse_str"]),
    ("dict", &["replace", "no_replace", "allow_delete", "recurse_array", "recurse_dict", "recurse_list", "recurse_str"]),
    ("str", &["append", "replace", "no_replace", "recurse_array", "recurse_dict", "recurse_list", "recurse_str"]),
];

impl Merge {
    /// By words such as `list(append)+dict(recurse_array)+str()`; words that say nothing are reported.
    pub fn of_text(text: &str) -> (Self, Vec<String>) {
        let parts = text.split('+').map(str::trim).filter(|part| !part.is_empty());
        let rules = parts.map(|part| {
            let (name, settings) = part.split_once('(').unwrap_or((part, ""));
            let settings = settings.trim_end().trim_end_matches(')').split(',').map(|word| word.trim().to_owned());
            (name.trim().to_owned(), settings.filter(|word| !word.is_empty()).collect())
        });
        Self::of_rules(&rules.collect::<Vec<_>>())
    }

    /// By the value of `merge_how`: such words, or a list of tables with `name` and `settings`.
    pub fn of(value: &Parsed) -> (Self, Vec<String>) {
        if let Some(text) = value.text() {
            return Self::of_text(text);
        }
        let Some(items) = value.items() else {
            return (Self::default(), vec!["write `list(append)` and the like, or a list of tables with `name` and `settings`".to_owned()]);
        };
        let words = |settings: &Parsed| match settings.items() {
            Some(items) => items.iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
            None => settings.text().map(str::to_owned).into_iter().collect(),
        };
        let rule = |item: &Parsed| {
            let name = item.word("name").or_else(|| item.text()).unwrap_or_default().to_owned();
            (name, item.inner("settings").map(|settings| words(&settings)).unwrap_or_default())
        };
        Self::of_rules(&items.iter().map(rule).collect::<Vec<_>>())
    }

    fn of_rules(rules: &[(String, Vec<String>)]) -> (Self, Vec<String>) {
        let mut complaints = Vec::new();
        let has = |kind: &str, word: &str| rules.iter().any(|(name, settings)| name == kind && settings.iter().any(|own| own == word));
        for (name, settings) in rules {
            match KNOWN.iter().find(|(known, _)| known == name) {
                Some((_, known)) => {
                    let unknown = settings.iter().filter(|word| !known.contains(&word.as_str()));
                    complaints.extend(unknown.map(|word| misspelt(word, known)));
                }
                None => complaints.push(misspelt(name, &KNOWN.map(|(known, _)| known))),
            }
        }
        let lists = if has("list", "append") {
            Lists::Append
        } else if has("list", "prepend") {
            Lists::Prepend
        } else {
            Lists::AsOthers
        };
        let others = if has("dict", "no_replace") { Others::Keep } else { Others::Replace };
        (Self { lists, others }, complaints)
    }

    /// Joins two lists, and leaves both where the rest of the merge finds them.
    fn join<T>(self, before: &mut Vec<T>, after: &mut Vec<T>) {
        match self.lists {
            Lists::AsOthers => return,
            Lists::Append => before.append(after),
            Lists::Prepend => {
                after.append(before);
                std::mem::swap(before, after);
            }
        }
        // The later table takes the place of the earlier one, with all that is in it.
        if self.others == Others::Replace {
            std::mem::swap(before, after);
        }
    }
}

/// What is said of a word that is none.
fn misspelt(word: &str, known: &[&str]) -> String {
    let near = text::did_you_mean(word, known.iter().copied());
    let known = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    format!("`{word}` is unknown: {}", near.unwrap_or_else(|| format!("write {known}")))
}

impl CloudConfig {
    /// Takes in a later document; the keys of which something was lost that was not asked to be.
    pub(crate) fn merge(&mut self, mut other: Self, how: Merge) -> Vec<&'static str> {
        how.join(&mut self.users, &mut other.users);
        how.join(&mut self.ssh_authorized_keys, &mut other.ssh_authorized_keys);
        how.join(&mut self.write_files, &mut other.write_files);
        how.join(&mut self.bootcmd, &mut other.bootcmd);
        how.join(&mut self.runcmd, &mut other.runcmd);
        how.join(&mut self.packages, &mut other.packages);
        how.join(&mut self.mounts, &mut other.mounts);
        how.join(&mut self.fs_setup, &mut other.fs_setup);
        how.join(&mut self.ca_certs.trusted, &mut other.ca_certs.trusted);
        how.join(&mut self.kaon.images, &mut other.kaon.images);
        how.join(&mut self.kaon.containers, &mut other.kaon.containers);
        how.join(&mut self.kaon.ssh.trusted_user_ca, &mut other.kaon.ssh.trusted_user_ca);
        how.join(&mut self.kaon.ssh.revoked_keys, &mut other.kaon.ssh.revoked_keys);
        how.join(&mut self.chpasswd.users, &mut other.chpasswd.users);
        match how.others {
            Others::Replace => self.replace(other),
            Others::Keep => {
                self.fill(other);
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kickstart::document::Language;

    #[test]
    fn both_forms_say_the_same_and_slips_are_named() {
        let table = [
            (
                "list(append)+dict(no_replace, recurse_list)+str()",
                r#"[{"name": "list", "settings": ["append"]}, {"name": "dict", "settings": ["no_replace", "recurse_list"]}]"#,
                0,
            ),
            ("list(prepend)", r#"[{"name": "list", "settings": "prepend"}]"#, 0),
            ("list(apend)", r#"[{"name": "list", "settings": ["apend"]}]"#, 1),
            ("lst(append)", r#"[{"name": "lst", "settings": ["append"]}]"#, 1),
        ];
        for (text, list, told) in table {
            let list = Parsed::new("x", list, Language::Json).unwrap();
            assert_eq!(Merge::of_text(text), Merge::of(&list), "{text}");
            assert_eq!(Merge::of_text(text).1.len(), told, "{text}");
        }
        assert!(Merge::of_text("list(apend)").1[0].contains("did you mean `append`?"));
    }
}
