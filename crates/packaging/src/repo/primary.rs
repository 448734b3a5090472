//! `primary.xml`: everything that a solver needs.

use rpm::{Dependency, DependencyFlags};

use super::record::{ListedFile, Record};
use base::epoch::SOURCE_DATE_EPOCH;
use base::xml::Xml;

/// The document with all packages.
pub(super) fn document(records: &[Record]) -> String {
    let mut xml = Xml::new();
    xml.open(
        "metadata",
        &[
            ("xmlns", "http://linux.duke.edu/metadata/common"),
            ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm"),
            ("packages", &records.len().to_string()),
        ],
    );
    for record in records {
        package(&mut xml, record);
    }
    xml.finish()
}

fn package(xml: &mut Xml, record: &Record) {
    let file_time = SOURCE_DATE_EPOCH.to_string();
    xml.open("package", &[("type", "rpm")])
        .text("name", &[], &record.name)
        .text("arch", &[], &record.arch)
        .empty(
            "version",
            &[("epoch", &record.version.epoch.to_string()), ("ver", &record.version.version), ("rel", &record.version.release)],
        )
        .text("checksum", &[("type", "sha256"), ("pkgid", "YES")], &record.sha256.hex())
        .text("summary", &[], &record.summary)
        .text("description", &[], &record.description)
        .text("packager", &[], "")
        .text("url", &[], &record.url)
        .empty("time", &[("file", &file_time), ("build", &record.build_time.to_string())])
        .empty(
            "size",
            &[("package", &record.package_bytes.to_string()), ("installed", &record.installed_bytes.to_string()), ("archive", "0")],
        )
        .empty("location", &[("href", &format!("Packages/{}", record.file_name))]);
    xml.open("format", &[])
        .text("rpm:license", &[], &record.license)
        .text("rpm:vendor", &[], &record.vendor)
        .text("rpm:group", &[], &record.group)
        .text("rpm:buildhost", &[], &record.build_host)
        .text("rpm:sourcerpm", &[], &record.source_rpm)
        .empty("rpm:header-range", &[("start", &record.header_range.0.to_string()), ("end", &record.header_range.1.to_string())]);
    for relations in &record.relations {
        xml.open(element(relations.element), &[]);
        for entry in &relations.entries {
            dependency(xml, entry, relations.element == "requires");
        }
        xml.close();
    }
    for file in record.files.iter().filter(|file| is_primary(&file.path)) {
        listed(xml, file);
    }
    xml.close().close();
}

fn element(relation: &'static str) -> &'static str {
    match relation {
        "provides" => "rpm:provides",
        "requires" => "rpm:requires",
        "conflicts" => "rpm:conflicts",
        "obsoletes" => "rpm:obsoletes",
        "suggests" => "rpm:suggests",
        "enhances" => "rpm:enhances",
        "recommends" => "rpm:recommends",
        _ => "rpm:supplements",
    }
}

fn dependency(xml: &mut Xml, entry: &Dependency, may_precede: bool) {
    let comparison = entry.flags & (DependencyFlags::LESS | DependencyFlags::GREATER | DependencyFlags::EQUAL);
    let symbol = match comparison {
        flags if flags == DependencyFlags::EQUAL => Some("EQ"),
        flags if flags == DependencyFlags::LESS => Some("LT"),
        flags if flags == DependencyFlags::GREATER => Some("GT"),
        flags if flags == DependencyFlags::LE => Some("LE"),
        flags if flags == DependencyFlags::GE => Some("GE"),
        _ => None,
    };
    let mut attributes = vec![("name", entry.name.as_str())];
    let (epoch, version, release) = parts(&entry.version);
    if let Some(symbol) = symbol {
        attributes.extend([("flags", symbol), ("epoch", epoch), ("ver", version)]);
        attributes.extend(release.map(|release| ("rel", release)));
    }
    let before = DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST | DependencyFlags::PREREQ;
    if may_precede && entry.flags.intersects(before) {
        attributes.push(("pre", "1"));
    }
    xml.empty("rpm:entry", &attributes);
}

/// Epoch, version and release of `[epoch:]version[-release]`.
fn parts(text: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Whether other packages are expected to require the path, so that solvers need not fetch the full list: the rule of `createrepo_c`.
fn is_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

/// A `file` element, as in `filelists.xml`.
pub(super) fn listed(xml: &mut Xml, file: &ListedFile) {
    match file.kind {
        Some(kind) => xml.text("file", &[("type", kind)], &file.path),
        None => xml.text("file", &[], &file.path),
    };
}
