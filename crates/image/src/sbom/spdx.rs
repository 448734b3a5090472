//! SPDX 2.3, as JSON.

use std::collections::BTreeMap;

use disk_layout::Guid;
use serde_json::{Value, json};

use super::{Bill, CREATED, Component, SUPPLIER, SourceFile};

/// The bill as an SPDX document.
pub fn spdx(bill: &Bill) -> Value {
    let mut packages = vec![image(bill)];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)];
    for component in &bill.components {
        let id = id("Package", &component.name);
        packages.push(package(component, &id));
        relationships.push(relationship(IMAGE, "CONTAINS", &id));
        relationships.extend(component.needs.iter().map(|needed| relationship(&id, "DEPENDS_ON", &self::id("Package", needed))));
        relationships.extend(component.sources.iter().map(|source| relationship(&id, "GENERATED_FROM", &source_id(source))));
    }
    packages.extend(bill.sources().map(source));
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": bill.name,
        "documentNamespace": format!("urn:uuid:{}", uuid(bill)),
        "creationInfo": { "created": CREATED, "creators": [organization(SUPPLIER), format!("Tool: kaon-xtask-{}", env!("CARGO_PKG_VERSION"))] },
        "packages": packages,
        "relationships": relationships,
    });
    let own = own_licenses(bill);
    if !own.is_empty() {
        document["hasExtractedLicensingInfos"] = own.into();
    }
    document
}

/// Licences that are not on SPDX's list, each with the location of its text (SPDX 2.3, 10.1 and 10.2).
fn own_licenses(bill: &Bill) -> Vec<Value> {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for component in &bill.components {
        let words =
            component.license.iter().flat_map(|license| license.split([' ', '(', ')'])).filter(|word| word.starts_with("LicenseRef-"));
        words.for_each(|word| users.entry(word).or_default().push(&component.name));
    }
    let info = |(id, names): (&str, Vec<&str>)| json!({ "licenseId": id, "name": id.trim_start_matches("LicenseRef-"), "extractedText": format!("As the sources of {} state it.", names.join(", ")) });
    users.into_iter().map(info).collect()
}

const IMAGE: &str = "SPDXRef-Image";

/// The document's identity, derived from the identity of the image.
pub(super) fn uuid(bill: &Bill) -> Guid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&bill.identity.bytes()[..16]);
    Guid::from_digest(bytes)
}

fn image(bill: &Bill) -> Value {
    json!({
        "SPDXID": IMAGE,
        "name": bill.name,
        "summary": bill.summary,
        "versionInfo": bill.version(),
        "supplier": organization(SUPPLIER),
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": identified_by(&bill.purl()),
    })
}

fn package(component: &Component, id: &str) -> Value {
    let license = component.license.as_deref().unwrap_or("NOASSERTION");
    let mut package = json!({
        "SPDXID": id,
        "name": component.name,
        "versionInfo": component.version,
        "supplier": organization(SUPPLIER),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license,
        "copyrightText": "NOASSERTION",
        "externalRefs": identified_by(&component.purl()),
    });
    if let Some(homepage) = &component.homepage {
        package["homepage"] = json!(homepage);
    }
    if let Some(digest) = &component.digest {
        package["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": digest }]);
    }
    package
}

fn source(source: &SourceFile) -> Value {
    let mut package = json!({
        "SPDXID": source_id(source),
        "name": source.name,
        "supplier": source.supplier().map_or_else(|| "NOASSERTION".to_owned(), organization),
        "packageFileName": source.name,
        "primaryPackagePurpose": "SOURCE",
        "downloadLocation": if source.has_address() { &source.uri } else { "NOASSERTION" },
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": source.sha256 }],
        "externalRefs": identified_by(&source.purl()),
    });
    if !source.version.is_empty() {
        package["versionInfo"] = json!(source.version);
    }
    package
}

/// An organisation in the document's notation (SPDX 2.3, 6.8 and 7.5).
fn organization(name: &str) -> String {
    format!("Organization: {name}")
}

fn identified_by(purl: &str) -> Value {
    json!([{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl }])
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// Sources of one name may come from several origins, with different bytes.
fn source_id(source: &SourceFile) -> String {
    let origin = if source.has_address() { "upstream" } else { "archive" };
    id("Source", &format!("{}-{}-{origin}", source.name, source.sha256.short()))
}

/// Identifiers contain letters, digits, `.` and `-` (SPDX 2.3, 3.2). Other characters are written as their codes, so that names stay distinct.
fn id(kind: &str, name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let name: String = name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("-{byte:02x}-") }).collect();
    format!("SPDXRef-{kind}-{name}")
}
