//! Where an image's files come from: an in-toto statement (v1) with SLSA's provenance (v1).

use serde_json::{Value, json};

use super::Bill;
use base::digest::Digest;

/// A file that the statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// The file's SHA-256 digest.
    pub sha256: Digest,
}

/// The statement about `subjects`, made of `bill` and `others`: SDK layers, files of the user.
pub fn provenance(bill: &Bill, subjects: &[Subject], others: &[(String, Digest)]) -> Value {
    let packages = bill.components.iter().filter_map(|component| Some((component.purl(), component.digest?)));
    let inputs = packages
        .map(|(uri, digest)| json!({ "uri": uri, "digest": { "sha256": digest } }))
        .chain(bill.sources().map(|source| json!({ "name": source.name, "uri": source.uri, "digest": { "sha256": source.sha256 } })))
        .chain(others.iter().map(|(name, digest)| json!({ "name": name, "digest": { "sha256": digest } })));
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects.iter().map(|subject| json!({ "name": subject.name, "digest": { "sha256": subject.sha256 } })).collect::<Vec<_>>(),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:kaon:build-image:1",
                "externalParameters": { "image": bill.name },
                "internalParameters": {},
                "resolvedDependencies": inputs.collect::<Vec<_>>(),
            },
            "runDetails": { "builder": { "id": format!("urn:kaon:xtask:{}", env!("CARGO_PKG_VERSION")) } },
        },
    })
}
