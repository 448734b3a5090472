//! `filelists.xml` with all files of all packages, and `other.xml` with their changelogs.

use super::primary::listed;
use super::record::Record;
use base::xml::Xml;

/// The document with all files.
pub(super) fn filelists(records: &[Record]) -> String {
    document("filelists", "http://linux.duke.edu/metadata/filelists", records, |xml, record| {
        for file in &record.files {
            listed(xml, file);
        }
    })
}

/// The document with changelogs. Our packages have none; their history is that of the specs.
pub(super) fn other(records: &[Record]) -> String {
    document("otherdata", "http://linux.duke.edu/metadata/other", records, |_, _| {})
}

fn document(root: &'static str, namespace: &str, records: &[Record], body: impl Fn(&mut Xml, &Record)) -> String {
    let mut xml = Xml::new();
    xml.open(root, &[("xmlns", namespace), ("packages", &records.len().to_string())]);
    for record in records {
        xml.open("package", &[("pkgid", &record.sha256.hex()), ("name", &record.name), ("arch", &record.arch)]).empty(
            "version",
            &[("epoch", &record.version.epoch.to_string()), ("ver", &record.version.version), ("rel", &record.version.release)],
        );
        body(&mut xml, record);
        xml.close();
    }
    xml.finish()
}
