//! `builder.toml` of a cache: the builders whose results are in it, for `cargo xtask cache trust`.

use base::diagnostic::Problems;
use signing::PublicKey;

use super::export::{BUILDER_FILE, ExportError, Publisher};
use super::settings::{Settings, TrustedBuilder, builder_text};

/// How a builder is called in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuilderName<'a> {
    /// By this name, which the user chose.
    Chosen(&'a str),
    /// As until now, or by this name if it is new there.
    Usual(&'a str),
}

/// A cache's list of builders, with one added or renamed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The text of the list.
    pub text: String,
    /// The name of the builder in it.
    pub name: String,
    /// The name that the builder had until now, if that was another.
    pub renamed: Option<String>,
}

/// Adds a builder to the list `existing`, the text of the file that people see as `shown`.
///
/// # Errors
/// When `existing` has mistakes, or another builder has the same name: the key would be replaced for everybody who trusts the cache anew.
pub(super) fn with_builder(existing: Option<&[u8]>, shown: &str, publisher: &Publisher<'_>) -> Result<Listed, ExportError> {
    let own: &PublicKey = publisher.key.public();
    let existing = existing.map(String::from_utf8_lossy).unwrap_or_default();
    let damaged = |problems| ExportError::Builders { file: shown.to_owned(), problems: Problems::new(problems) };
    let mut builders = Settings::parse(BUILDER_FILE, &existing).map_err(damaged)?.builders;
    let before = builders.iter().find(|(_, builder)| builder.key == *own).map(|(name, _)| name.clone());
    builders.retain(|_, builder| builder.key != *own);
    let name = match (publisher.name, &before) {
        (BuilderName::Usual(_), Some(before)) => before.clone(),
        (BuilderName::Chosen(name) | BuilderName::Usual(name), _) => name.to_owned(),
    };
    if builders.contains_key(&name) {
        return Err(ExportError::NameTaken { name });
    }
    builders.insert(name.clone(), TrustedBuilder { key: own.clone(), modules: publisher.modules.map(str::to_owned) });
    let texts: Vec<String> = builders.iter().map(|(name, builder)| builder_text(name, &builder.key, builder.modules.as_deref())).collect();
    Ok(Listed { text: texts.join("\n"), renamed: before.filter(|before| *before != name), name })
}

#[cfg(test)]
mod tests {
    use base::diagnostic::Failure as _;
    use signing::StatementKey;

    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn builders_stand_beside_each_other_and_none_takes_the_name_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str| StatementKey::open_or_create(&folder.path().join(name)).unwrap();
        let (one, other) = (key("one"), key("other"));
        let publisher = |name, key, modules| Publisher { name: BuilderName::Chosen(name), key, modules };
        let listed = |existing: Option<&str>, publisher| with_builder(existing.map(str::as_bytes), "x", &publisher);
        let first = listed(None, publisher("b", &one, Some(CERTIFICATE))).unwrap().text;
        let both = listed(Some(&first), publisher("a", &other, None)).unwrap().text;
        let builders = Settings::parse("builder.toml", &both).unwrap().builders;
        assert_eq!(builders.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((&builders["a"].key, &builders["b"].key), (other.public(), one.public()));
        assert_eq!(builders["b"].modules.as_deref(), Some(CERTIFICATE));
        assert_eq!(listed(Some(&both), publisher("a", &other, None)).unwrap().text, both);

        let renamed = listed(Some(&both), publisher("c", &other, None)).unwrap();
        assert_eq!(Settings::parse("builder.toml", &renamed.text).unwrap().builders.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!((&renamed.name[..], renamed.renamed.as_deref()), ("c", Some("a")));
        let taken = listed(Some(&both), publisher("b", &other, None));
        assert!(matches!(taken, Err(ExportError::NameTaken { name }) if name == "b"));
    }

    #[test]
    fn a_builder_keeps_its_name_unless_another_is_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let key = StatementKey::open_or_create(folder.path()).unwrap();
        let chosen = Publisher { name: BuilderName::Chosen("ci"), key: &key, modules: None };
        let usual = Publisher { name: BuilderName::Usual("kaon-1"), ..chosen };
        let first = with_builder(None, "x", &chosen).unwrap();
        let again = with_builder(Some(first.text.as_bytes()), "x", &usual).unwrap();
        assert_eq!(again, Listed { text: first.text, name: "ci".into(), renamed: None });
        assert_eq!(with_builder(None, "x", &usual).unwrap().name, "kaon-1");
    }

    #[test]
    fn a_damaged_list_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let key = StatementKey::open_or_create(folder.path()).unwrap();
        let publisher = Publisher { name: BuilderName::Usual("b"), key: &key, modules: None };
        let error = with_builder(Some(b"[builder"), "http://a.test/builder.toml", &publisher).unwrap_err();
        assert!(error.to_string().starts_with("the list of builders `http://a.test/builder.toml` is damaged"), "{error}");
        assert!(error.hint().unwrap().contains("remove"));
        assert_eq!(error.exit(), base::diagnostic::ExitCode::Failed);
    }
}
