//! What is put beside an image's files: what is in it, what it is made of and from what, checksums, and the builder's signature.

use super::{ImageError, ImageResult};
use crate::digest::Digest;
use crate::image::Image;
use crate::repo::PUBLIC_KEY;
use crate::sbom::{self, Subject};
use crate::sign::Keys;
use crate::store::StoreError;
use crate::workshop::Workshop;

/// A document beside an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file's name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The documents of an image: what is in it, the checksums of all files and documents, the signature over those, and the key it is made with.
///
/// # Errors
/// When the contents are lost, or the key refuses.
pub fn documents(workshop: &Workshop<'_>, image: &Image, result: &ImageResult) -> Result<Vec<Document>, ImageError> {
    let bill = sbom::bill(image, result.root.contents, &result.root.packages, workshop.graph, &result.results);
    let name = |end: &str| format!("{}.{end}", bill.name);
    let mut subjects: Vec<Subject> = result
        .recorded
        .iter()
        .map(|(format, artifact)| Subject { name: format.file_name(image.name.as_str()), sha256: artifact.object })
        .collect();
    subjects.sort_by(|a, b| a.name.cmp(&b.name));
    let lock = &workshop.sdk.lock;
    let layers: Vec<(String, Digest)> =
        workshop.sdk.layers().iter().filter_map(|layer| Some((layer.to_string(), lock.layer_digest(layer)?))).collect();
    let contents = workshop.store.verified(&result.root.contents)?;
    let contents = std::fs::read(&contents).map_err(|source| StoreError::io("read", &contents, source))?;
    let json = |end: &str, value: &serde_json::Value| Document { name: name(end), bytes: format!("{value:#}\n").into_bytes() };
    let mut documents = vec![
        Document { name: name("contents.json"), bytes: contents },
        json("cdx.json", &sbom::cyclonedx(&bill)),
        json("spdx.json", &sbom::spdx(&bill)),
        json("provenance.json", &sbom::provenance(&bill, &subjects, &layers)),
    ];
    let listed = documents.iter().map(|document| (document.name.clone(), Digest::of_bytes(&document.bytes)));
    let mut lines: Vec<(String, Digest)> = subjects.into_iter().map(|subject| (subject.name, subject.sha256)).chain(listed).collect();
    lines.sort();
    let sums: String = lines.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    let keys = Keys::open_or_create(&workshop.keys)?;
    let signature = keys.detached(sums.as_bytes())?;
    documents.push(Document { name: name("sha256"), bytes: sums.into_bytes() });
    documents.push(Document { name: name("sha256.asc"), bytes: signature.into_bytes() });
    documents.push(Document { name: PUBLIC_KEY.into(), bytes: keys.public().as_bytes().to_vec() });
    Ok(documents)
}
