//! The formats of a bill of materials: references are to existing elements.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::{CYCLONEDX, PROVENANCE, SPDX, faults};
use super::*;
use base::digest::Digest;

fn sample() -> Bill {
    let source =
        |uri: &str| SourceFile { name: "zlib_1.tar.gz".into(), version: "1".into(), uri: uri.into(), sha256: Digest::of_bytes(uri) };
    let component = |name: &str, needs: &[&str]| Component {
        name: name.into(),
        version: "1:2~rc1-3.kn1".into(),
        arch: "x86_64".into(),
        license: Some("(Zlib OR LicenseRef-Own)".into()),
        homepage: Some("https://example.org".into()),
        digest: Some(Digest::of_bytes(name)),
        sources: vec![source("https://example.org/zlib_1.tar.gz"), source("pkg:deb/debian/zlib@1%3A1?arch=source")],
        needs: needs.iter().map(|name| (*name).to_owned()).collect(),
    };
    let components = vec![component("libstdc++", &[]), component("tool", &["libstdc++"])];
    Bill { name: "kaon-x".into(), summary: "x".into(), identity: Digest::of_bytes("x"), components }
}

fn strings<'a>(values: &'a Value, key: &str) -> Vec<&'a str> {
    values.as_array().unwrap().iter().map(|value| value[key].as_str().unwrap()).collect()
}

/// Elements that no chain of relationships connects to the document.
fn loose(document: &Value) -> BTreeSet<&str> {
    let relations: Vec<(&str, &str)> = strings(&document["relationships"], "spdxElementId")
        .into_iter()
        .zip(strings(&document["relationships"], "relatedSpdxElement"))
        .collect();
    let mut reached: BTreeSet<&str> = ["SPDXRef-DOCUMENT"].into();
    let mut waiting = vec!["SPDXRef-DOCUMENT"];
    while let Some(from) = waiting.pop() {
        waiting.extend(relations.iter().filter(|(one, _)| *one == from).map(|(_, other)| *other).filter(|other| reached.insert(other)));
    }
    strings(&document["packages"], "SPDXID").into_iter().filter(|id| !reached.contains(id)).collect()
}

#[test]
fn spdx_relates_what_it_lists() {
    let document = spdx(&sample());
    let ids = strings(&document["packages"], "SPDXID");
    let known: BTreeSet<&str> = ids.iter().copied().chain(["SPDXRef-DOCUMENT"]).collect();
    assert_eq!(known.len(), ids.len() + 1, "{ids:?}");
    assert_eq!(ids.len(), 5);
    assert_eq!(document["hasExtractedLicensingInfos"][0]["licenseId"], "LicenseRef-Own");
    assert_eq!(document["hasExtractedLicensingInfos"].as_array().unwrap().len(), 1);
    assert!(known.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))), "{known:?}");
    for key in ["spdxElementId", "relatedSpdxElement"] {
        assert!(strings(&document["relationships"], key).iter().all(|id| known.contains(id)));
    }
    assert_eq!(strings(&document["relationships"], "relationshipType").iter().filter(|kind| **kind == "GENERATED_FROM").count(), 4);
    assert_eq!(loose(&document), BTreeSet::new());
    let mut broken = document.clone();
    let relations = broken["relationships"].as_array_mut().unwrap();
    relations.retain(|relation| relation["relationshipType"] != "GENERATED_FROM");
    assert_eq!(loose(&broken).len(), 2);
}

#[test]
fn spdx_names_suppliers_licences_and_the_author() {
    let document = spdx(&sample());
    let suppliers = strings(&document["packages"], "supplier");
    let debian = "Organization: Debian";
    assert_eq!(suppliers, ["Organization: Kaon", "Organization: Kaon", "Organization: Kaon", "NOASSERTION", debian]);
    let licence = "(Zlib OR LicenseRef-Own)";
    for (at, expected) in [(0, "NOASSERTION"), (1, licence), (2, licence), (3, "NOASSERTION")] {
        let package = &document["packages"][at];
        assert_eq!((&package["licenseDeclared"], &package["licenseConcluded"]), (&expected.into(), &"NOASSERTION".into()), "{package}");
    }
    assert_eq!(document["creationInfo"]["creators"][0], "Organization: Kaon");
}

#[test]
fn a_source_of_two_versions_is_one_element() {
    let mut bill = sample();
    bill.components[1].sources[0].version = "2".into();
    assert_eq!(spdx(&bill)["packages"].as_array().unwrap().len(), 5);
}

#[test]
fn packages_without_a_spec_have_no_licence() {
    let mut bill = sample();
    bill.components[0].license = None;
    assert_eq!(spdx(&bill)["packages"][1]["licenseDeclared"], "NOASSERTION");
    assert_eq!(cyclonedx(&bill)["components"][0].get("licenses"), None);
}

#[test]
fn cyclonedx_depends_on_what_it_lists() {
    let document = cyclonedx(&sample());
    let refs: BTreeSet<&str> = strings(&document["components"], "bom-ref").into_iter().collect();
    assert!(refs.contains("pkg:rpm/kaon/libstdc%2B%2B@2~rc1-3.kn1?arch=x86_64&epoch=1"), "{refs:?}");
    let dependents: BTreeSet<&str> = strings(&document["dependencies"], "ref").into_iter().collect();
    assert_eq!(dependents, refs.iter().copied().chain(["kaon-x"]).collect());
    for dependency in document["dependencies"].as_array().unwrap() {
        assert!(dependency["dependsOn"].as_array().unwrap().iter().all(|needed| refs.contains(needed.as_str().unwrap())));
    }
    assert_eq!(document["dependencies"][0]["dependsOn"].as_array().unwrap().len(), refs.len());
    assert_eq!(document["dependencies"][2]["dependsOn"].as_array().unwrap().len(), 1);
}

#[test]
fn provenance_names_every_input() {
    let subject = Subject { name: "kaon-x.iso".into(), sha256: Digest::of_bytes("iso") };
    let statement = provenance(&sample(), &[subject], &[("sdk layer base".into(), Digest::of_bytes("base"))]);
    assert_eq!(statement["subject"][0]["digest"]["sha256"], Digest::of_bytes("iso").hex());
    assert_eq!(statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap().len(), 2 + 2 + 1);
}

#[test]
fn documents_follow_their_schemas() {
    let subject = Subject { name: "kaon-x.iso".into(), sha256: Digest::of_bytes("iso") };
    let layers = [("base".to_owned(), Digest::of_bytes("base"))];
    let documents = [(spdx(&sample()), SPDX), (cyclonedx(&sample()), CYCLONEDX), (provenance(&sample(), &[subject], &layers), PROVENANCE)];
    for (document, rules) in documents {
        assert_eq!(faults(&document, rules), Vec::<String>::new());
    }
    let mut broken = spdx(&sample());
    broken["packages"][1].as_object_mut().unwrap().remove("name");
    broken["creationInfo"]["by"] = "x".into();
    assert_eq!(faults(&broken, SPDX), ["`creationInfo` has `by`", "`packages/*` lacks `name`"]);
}

#[test]
fn equal_bills_give_equal_bytes() {
    for form in [spdx, cyclonedx] {
        assert_eq!(form(&sample()).to_string(), form(&sample()).to_string());
    }
    assert_ne!(spdx(&sample()), spdx(&Bill { identity: Digest::of_bytes("y"), ..sample() }));
}
