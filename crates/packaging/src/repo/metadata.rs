//! The files of metadata, and `repomd.xml`, which names them.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use super::error::RepoError;
use super::record::Record;
use super::{Advisories, advisory, lists, primary};
use base::digest::Digest;
use base::epoch::SOURCE_DATE_EPOCH;
use base::xml::Xml;

/// One compressed file of metadata.
pub(super) struct MetadataFile {
    /// Its kind, as in `repomd.xml`.
    kind: &'static str,
    /// `<sha256>-<kind>.xml.gz`
    pub name: String,
    pub bytes: Vec<u8>,
    digest: Digest,
    open_digest: Digest,
    open_bytes: usize,
}

/// All metadata files: for the packages, and for the advisories if there are any.
pub(super) fn files(records: &[Record], advisories: &Advisories) -> Result<Vec<MetadataFile>, RepoError> {
    let mut documents =
        vec![("primary", primary::document(records)), ("filelists", lists::filelists(records)), ("other", lists::other(records))];
    if !advisories.is_empty() {
        documents.push(("updateinfo", advisory::document(advisories, records)));
    }
    documents.into_iter().map(|(kind, text)| MetadataFile::new(kind, &text)).collect()
}

impl MetadataFile {
    fn new(kind: &'static str, text: &str) -> Result<Self, RepoError> {
        let compress = || {
            let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
            encoder.write_all(text.as_bytes())?;
            encoder.finish()
        };
        let bytes = compress().map_err(|source| RepoError::io("compress", kind.as_ref(), source))?;
        let digest = Digest::of_bytes(&bytes);
        let name = format!("{digest}-{kind}.xml.gz");
        Ok(Self { kind, name, bytes, digest, open_digest: Digest::of_bytes(text), open_bytes: text.len() })
    }
}

/// The text of `repomd.xml`. Its expiry time, if it has one, is in an element that only our own clients read.
pub(super) fn repomd(files: &[MetadataFile], revision: u64, expires: Option<u64>) -> String {
    let time = SOURCE_DATE_EPOCH.to_string();
    let mut xml = Xml::new();
    xml.open("repomd", &[("xmlns", "http://linux.duke.edu/metadata/repo"), ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm")]).text(
        "revision",
        &[],
        &revision.to_string(),
    );
    if let Some(expires) = expires {
        xml.text("expires", &[], &expires.to_string());
    }
    for file in files {
        xml.open("data", &[("type", file.kind)])
            .text("checksum", &[("type", "sha256")], &file.digest.hex())
            .text("open-checksum", &[("type", "sha256")], &file.open_digest.hex())
            .empty("location", &[("href", &format!("repodata/{}", file.name))])
            .text("timestamp", &[], &time)
            .text("size", &[], &file.bytes.len().to_string())
            .text("open-size", &[], &file.open_bytes.to_string())
            .close();
    }
    xml.finish()
}
