//! The forms of a bill: what refers to something refers to something that is there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::{CYCLONEDX, PROVENANCE, SPDX, faults};
use super::*;
use base::digest::Digest;

fn sample() -> Bill {
    let source = |uri: &str| SourceFile { name: "zlib_1.tar.gz".into(), uri: uri.into(), sha256: Digest::of_bytes(uri) };
    let component = |name: &str, needs: &[&str]| Component {
        name: name.into(),
        version: "1:2~rc1-3.kn1".into(),
        arch: "x86_64".into(),
        license: "(Zlib OR LicenseRef-Own)".into(),
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
}

#[test]
fn cyclonedx_depends_on_what_it_lists() {
    let document = cyclonedx(&sample());
    let refs: BTreeSet<&str> = strings(&document["components"], "bom-ref").into_iter().collect();
    assert!(refs.contains("pkg:rpm/kaon/libstdc%2B%2B@2~rc1-3.kn1?arch=x86_64&epoch=1"), "{refs:?}");
    for dependency in document["dependencies"].as_array().unwrap() {
        assert!(dependency["dependsOn"].as_array().unwrap().iter().all(|needed| refs.contains(needed.as_str().unwrap())));
    }
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
fn the_forms_are_as_their_schemas_ask() {
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
