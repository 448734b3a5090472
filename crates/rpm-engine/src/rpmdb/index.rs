//! The rows of the tables that find packages: `tag2index` of librpm.

use rpm::{DependencyFlags, IndexData, IndexSignatureTag, IndexTag, PackageMetadata};
use rusqlite::types::Value;

use crate::dependency::Rich;
use crate::rpmfile::tags::Tags;

/// One row: a key, and which of the header's values it is.
pub(super) struct Row {
    pub(super) table: &'static str,
    pub(super) key: Value,
    pub(super) index: u32,
    /// Whether the key is a text, be it written as bytes here.
    pub(super) is_text: bool,
}

/// Tables whose keys are all the strings of a tag, each with its place.
const STRINGS: [(&str, IndexTag); 8] = [
    ("Name", IndexTag::RPMTAG_NAME),
    ("Group", IndexTag::RPMTAG_GROUP),
    ("Providename", IndexTag::RPMTAG_PROVIDENAME),
    ("Obsoletename", IndexTag::RPMTAG_OBSOLETENAME),
    ("Recommendname", IndexTag::RPMTAG_RECOMMENDNAME),
    ("Suggestname", IndexTag::RPMTAG_SUGGESTNAME),
    ("Supplementname", IndexTag::RPMTAG_SUPPLEMENTNAME),
    ("Enhancename", IndexTag::RPMTAG_ENHANCENAME),
];

/// Those of names of files, which need not be UTF-8.
const NAMES: [(&str, IndexTag); 2] = [("Basenames", IndexTag::RPMTAG_BASENAMES), ("Dirnames", IndexTag::RPMTAG_DIRNAMES)];

/// All rows of one package.
pub(super) fn rows(metadata: &PackageMetadata, tags: Option<Tags<'_>>, time: u32) -> Result<Vec<Row>, rpm::Error> {
    let mut rows = Vec::new();
    for (table, tag) in NAMES {
        let names = tags.map(|tags| tags.strings(tag as u32)).unwrap_or_default();
        let key = |name: &[u8]| match str::from_utf8(name) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(name.to_vec()),
        };
        rows.extend(names.into_iter().zip(0..).map(|(name, index)| Row { table, key: key(name), index, is_text: true }));
    }
    for (table, tag) in STRINGS {
        rows.extend(plain(table, strings(metadata, tag)?.into_iter().zip(0..).collect()));
    }
    rows.extend(requires(metadata)?);
    let conflicts: Vec<_> = strings(metadata, IndexTag::RPMTAG_CONFLICTNAME)?.into_iter().zip(0..).collect();
    rows.extend(rich("Conflictname", &conflicts).into_iter().chain(plain("Conflictname", conflicts)));
    rows.extend(triggers(metadata)?);
    rows.push(Row { table: "Installtid", key: Value::Blob(time.to_le_bytes().to_vec()), index: 0, is_text: false });
    if let Ok(md5) = metadata.signature.get_entry_data_as_binary(IndexSignatureTag::RPMSIGTAG_MD5) {
        rows.push(Row { table: "Sigmd5", key: Value::Blob(md5.to_vec()), index: 0, is_text: false });
    }
    if let Ok(sha1) = metadata.signature.get_entry_data_as_string(IndexSignatureTag::RPMSIGTAG_SHA1) {
        rows.push(Row { table: "Sha1header", key: Value::Text(sha1.to_owned()), index: 0, is_text: false });
    }
    Ok(rows)
}

/// The strings of a tag; none where the header does not have it.
fn strings(metadata: &PackageMetadata, tag: IndexTag) -> Result<Vec<String>, rpm::Error> {
    if !metadata.header.entry_is_present(tag) {
        return Ok(Vec::new());
    }
    Ok(match metadata.header.entry(tag)? {
        IndexData::StringTag(text) => vec![text],
        IndexData::StringArray(all) => all,
        IndexData::I18NString(all) => all.into_iter().take(1).collect(),
        _ => Vec::new(),
    })
}

/// What is needed only while installing is of no interest afterwards, unless it is needed for removing too.
fn requires(metadata: &PackageMetadata) -> Result<Vec<Row>, rpm::Error> {
    const INSTALLING: DependencyFlags = DependencyFlags::SCRIPT_PRE
        .union(DependencyFlags::SCRIPT_POST)
        .union(DependencyFlags::RPMLIB)
        .union(DependencyFlags::KEYRING)
        .union(DependencyFlags::PRETRANS)
        .union(DependencyFlags::POSTTRANS);
    const REMOVING: DependencyFlags = DependencyFlags::SCRIPT_PREUN.union(DependencyFlags::SCRIPT_POSTUN);
    let lasting = |flags: DependencyFlags| !flags.intersects(INSTALLING) || flags.intersects(REMOVING);
    let all: Vec<_> = metadata.get_requires()?.into_iter().zip(0..).filter(|(dependency, _)| lasting(dependency.flags)).collect();
    let names: Vec<(String, u32)> = all.into_iter().map(|(dependency, index)| (dependency.name, index)).collect();
    Ok(rich("Requirename", &names).into_iter().chain(plain("Requirename", names)).collect())
}

fn plain(table: &'static str, names: Vec<(String, u32)>) -> impl Iterator<Item = Row> {
    names.into_iter().map(move |(name, index)| Row { table, key: Value::Text(name), index, is_text: true })
}

/// A boolean dependency is found by every name in it too; what is tested bears a `!`.
fn rich(table: &'static str, names: &[(String, u32)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (text, index) in names.iter().filter(|(text, _)| text.starts_with('(')) {
        for (capability, tested) in Rich::parse(text).iter().flat_map(Rich::leaves) {
            let key = Value::Text(format!("{}{}", if tested { "!" } else { "" }, capability.name));
            rows.push(Row { table, key, index: *index, is_text: true });
        }
    }
    rows
}

/// A package trigger is found once by each name; a file trigger by each path prefix, with the number of its script.
fn triggers(metadata: &PackageMetadata) -> Result<Vec<Row>, rpm::Error> {
    let mut rows = Vec::new();
    let names = strings(metadata, IndexTag::RPMTAG_TRIGGERNAME)?;
    for (index, name) in names.iter().enumerate().filter(|(index, name)| !names[..*index].contains(name)) {
        rows.push(Row { table: "Triggername", key: Value::Text(name.clone()), index: index as u32, is_text: true });
    }
    let by_path = [
        ("Filetriggername", IndexTag::RPMTAG_FILETRIGGERNAME, IndexTag::RPMTAG_FILETRIGGERINDEX),
        ("Transfiletriggername", IndexTag::RPMTAG_TRANSFILETRIGGERNAME, IndexTag::RPMTAG_TRANSFILETRIGGERINDEX),
    ];
    for (table, names, scripts) in by_path {
        let names = strings(metadata, names)?;
        if names.is_empty() {
            continue;
        }
        let scripts = metadata.header.get_entry_data_as_u32_array(scripts)?;
        rows.extend(names.into_iter().zip(scripts).map(|(name, index)| Row { table, key: Value::Text(name), index, is_text: true }));
    }
    Ok(rows)
}
