//! Documents next to an image's files: bills of materials, provenance, checksums, and the builder's signature.

use std::collections::BTreeSet;

use super::{ImageError, ImageResult, image_candidates, shipped};
use crate::Builder;
use base::digest::Digest;
use image::description::Image;
use image::sbom::{self, Subject};
use packaging::repo::PUBLIC_KEY;
use planning::plan::World as _;
use runtime::store::StoreError;
use signing::{Keys, StatementKey};

/// A document next to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file's name.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The file with the public key that the provenance is signed with.
const STATEMENT_KEY: &str = "kaon-provenance.pub";

/// The documents of an image: bills of materials, provenance, the checksums of all files and documents, the signature over those, and the
/// public keys of this signature and the provenance's.
///
/// # Errors
/// When the contents are missing, or signing fails.
pub fn documents(builder: &Builder<'_>, image: &Image, result: &ImageResult) -> Result<Vec<Document>, ImageError> {
    let members = shipped(builder, image, result)?;
    let bill = sbom::bill(image, result.root.contents, &members, builder.graph, &result.results);
    let name = |end: &str| format!("{}.{end}", bill.name);
    let mut subjects: Vec<Subject> = result
        .recorded
        .iter()
        .map(|(format, artifact)| Subject { name: format.file_name(image.name.as_str()), sha256: artifact.object })
        .collect();
    subjects.sort_by(|a, b| a.name.cmp(&b.name));
    let candidates = image_candidates(builder, image)?;
    let specs = builder.graph.build_order(&candidates).into_iter().filter_map(|spec| builder.graph.spec(spec));
    let named: BTreeSet<String> = specs.flat_map(|folder| folder.spec.sdk.clone()).chain(["image".to_owned()]).collect();
    let named: Vec<String> = named.into_iter().collect();
    let layers = builder.layers(&named).into_iter().map(|(layer, digest)| (format!("sdk layer {layer}"), digest));
    let files = image.files.iter().map(|file| (format!("file {}", file.path), file.digest));
    let carried = image.iso.iter().flat_map(|iso| &iso.files).map(|file| (format!("file {} of the medium", file.at), file.digest));
    let others: Vec<(String, Digest)> = layers.chain(files).chain(carried).collect();
    let contents = builder.store.verified(&result.root.contents)?;
    let contents = std::fs::read(&contents).map_err(|source| StoreError::io("read", &contents, source))?;
    let json = |end: &str, value: &serde_json::Value| Document { name: name(end), bytes: format!("{value:#}\n").into_bytes() };
    let statement = json("provenance.json", &sbom::provenance(&bill, &subjects, &others));
    let statement_key = StatementKey::open_or_create(&builder.keys)?;
    let envelope = signing::seal(&statement.bytes, &statement_key)?;
    let mut documents = vec![
        Document { name: name("contents.json"), bytes: contents },
        json("cdx.json", &sbom::cyclonedx(&bill)),
        json("spdx.json", &sbom::spdx(&bill)),
        statement,
        Document { name: name("intoto.jsonl"), bytes: envelope.into_bytes() },
    ];
    let listed = documents.iter().map(|document| (document.name.clone(), Digest::of_bytes(&document.bytes)));
    let mut lines: Vec<(String, Digest)> = subjects.into_iter().map(|subject| (subject.name, subject.sha256)).chain(listed).collect();
    lines.sort();
    let sums: String = lines.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    let keys = Keys::open_or_create(&builder.keys)?;
    let signature = keys.detached(sums.as_bytes())?;
    documents.push(Document { name: name("sha256"), bytes: sums.into_bytes() });
    documents.push(Document { name: name("sha256.asc"), bytes: signature.into_bytes() });
    documents.push(Document { name: PUBLIC_KEY.into(), bytes: keys.public().as_bytes().to_vec() });
    documents.push(Document { name: STATEMENT_KEY.into(), bytes: statement_key.public_pem().as_bytes().to_vec() });
    Ok(documents)
}
