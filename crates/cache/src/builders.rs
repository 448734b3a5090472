//! `builder.toml` of a cache: the builders whose results are in it, for `cargo xtask cache trust`.

use std::collections::BTreeMap;

use base::diagnostic::Problems;
use signing::PublicKey;

use super::export::{BUILDER_FILE, ExportError, Publisher};
use super::settings::{Settings, TrustedBuilder, builder_text};

/// The text of `builder.toml` with a builder added to those of `existing`, or renamed there.
///
/// # Errors
/// When `existing` has mistakes, or another builder has the same name: the key would be replaced for everybody who trusts the cache anew.
pub(super) fn with_builder(existing: Option<&[u8]>, publisher: &Publisher<'_>) -> Result<String, ExportError> {
    let own: &PublicKey = publisher.key.public();
    let existing = existing.map(String::from_utf8_lossy).unwrap_or_default();
    let read = Settings::parse(BUILDER_FILE, &existing).map_err(Problems::new)?;
    let mut builders: BTreeMap<String, TrustedBuilder> = read.builders.into_iter().filter(|(_, builder)| builder.key != *own).collect();
    if builders.contains_key(publisher.name) {
        return Err(ExportError::NameTaken { name: publisher.name.to_owned() });
    }
    builders.insert(publisher.name.to_owned(), TrustedBuilder { key: own.clone(), modules: publisher.modules.map(str::to_owned) });
    let texts: Vec<String> = builders.iter().map(|(name, builder)| builder_text(name, &builder.key, builder.modules.as_deref())).collect();
    Ok(texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use signing::StatementKey;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn builders_stand_beside_each_other_and_none_takes_the_name_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str| StatementKey::open_or_create(&folder.path().join(name)).unwrap();
        let (one, other) = (key("one"), key("other"));
        let publisher = |name, key, modules| Publisher { name, key, modules };
        let first = with_builder(None, &publisher("b", &one, Some(CERTIFICATE))).unwrap();
        let both = with_builder(Some(first.as_bytes()), &publisher("a", &other, None)).unwrap();
        let builders = Settings::parse("builder.toml", &both).unwrap().builders;
        assert_eq!(builders.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((&builders["a"].key, &builders["b"].key), (other.public(), one.public()));
        assert_eq!(builders["b"].modules.as_deref(), Some(CERTIFICATE));
        assert_eq!(with_builder(Some(both.as_bytes()), &publisher("a", &other, None)).unwrap(), both);

        let renamed = with_builder(Some(both.as_bytes()), &publisher("c", &other, None)).unwrap();
        assert_eq!(Settings::parse("builder.toml", &renamed).unwrap().builders.keys().collect::<Vec<_>>(), ["b", "c"]);
        let taken = with_builder(Some(both.as_bytes()), &publisher("b", &other, None));
        assert!(matches!(taken, Err(ExportError::NameTaken { name }) if name == "b"));
        assert!(matches!(with_builder(Some(b"[builder"), &publisher("b", &one, None)), Err(ExportError::Builders(_))));
    }
}
