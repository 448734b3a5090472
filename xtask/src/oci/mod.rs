//! Container images: the root file system as one layer, as an OCI layout (image-spec 1.1) or as `docker load` takes it (image v1.2).

mod archive;
mod error;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::{Value, json};

pub use error::OciError;

use crate::digest::Digest;
use crate::formats::gzip;
use archive::Archive;

/// Raised when a change here changes a container image's bytes.
pub const CONTRACT: u32 = 1;

/// [`SOURCE_DATE_EPOCH`](crate::spec::SOURCE_DATE_EPOCH) as RFC 3339 writes it.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// What a container image is made of.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The image's name: the container is `kaon:<name>`.
    pub name: &'a str,
    /// What it is, in one line.
    pub summary: &'a str,
    /// The program it runs and its arguments, unless others are given.
    pub command: &'a [String],
    /// The root file system as a tar archive.
    pub layer: &'a Path,
}

/// Writes an OCI layout, as one archive.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_layout(request: &Request<'_>, out: &Path) -> Result<(), OciError> {
    let config = text(&config(request)?);
    let folder = out.parent().unwrap_or(Path::new("."));
    let layer = tempfile::Builder::new().prefix("layer-").tempfile_in(folder).map_err(OciError::write(out))?;
    let compress = || {
        let mut packed = BufWriter::with_capacity(1 << 20, layer.as_file());
        gzip(File::open(request.layer)?, &mut packed)?;
        packed.flush()
    };
    compress().map_err(OciError::write(layer.path()))?;
    let layer_digest = Digest::of_file(layer.path()).map_err(OciError::read(layer.path()))?;
    let layer_bytes = layer.as_file().metadata().map_err(OciError::read(layer.path()))?.len();
    let manifest = text(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &Digest::of_bytes(&config), config.len() as u64),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer_digest, layer_bytes)],
        "annotations": { "org.opencontainers.image.title": "Kaon", "org.opencontainers.image.description": request.summary },
    }));
    let mut entry = descriptor(MANIFEST, &Digest::of_bytes(&manifest), manifest.len() as u64);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": request.name });
    entry["platform"] = json!({ "architecture": "amd64", "os": "linux" });
    let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry] });
    let mut archive = Archive::create(out)?;
    archive.text("oci-layout", &text(&json!({ "imageLayoutVersion": "1.0.0" })))?;
    archive.text("index.json", &text(&index))?;
    archive.directory("blobs/")?;
    archive.directory("blobs/sha256/")?;
    for blob in [&config, &manifest] {
        archive.text(&format!("blobs/sha256/{}", Digest::of_bytes(blob)), blob)?;
    }
    archive.file(&format!("blobs/sha256/{layer_digest}"), layer.path())?;
    archive.finish()
}

/// Writes what `docker load` takes.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_docker(request: &Request<'_>, out: &Path) -> Result<(), OciError> {
    let config = text(&config(request)?);
    let config_name = format!("{}.json", Digest::of_bytes(&config));
    let layer_name = format!("{}/layer.tar", Digest::of_file(request.layer).map_err(OciError::read(request.layer))?);
    let tag = format!("kaon:{}", request.name);
    let mut archive = Archive::create(out)?;
    archive.text("manifest.json", &text(&json!([{ "Config": config_name, "RepoTags": [tag], "Layers": [layer_name] }])))?;
    archive.text(&config_name, &config)?;
    archive.directory(layer_name.trim_end_matches("layer.tar"))?;
    archive.file(&layer_name, request.layer)?;
    archive.finish()
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn descriptor(media_type: &str, digest: &Digest, size_bytes: u64) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size_bytes })
}

fn config(request: &Request<'_>) -> Result<Value, OciError> {
    let layer = Digest::of_file(request.layer).map_err(OciError::read(request.layer))?;
    let mut run = json!({ "Env": ["PATH=/usr/local/bin:/usr/bin"], "WorkingDir": "/" });
    if !request.command.is_empty() {
        run["Cmd"] = json!(request.command);
    }
    Ok(json!({
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": run,
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        "history": [{ "created": CREATED, "created_by": format!("kaon image {}", request.name) }],
    }))
}

/// Maps come sorted, so equal values give equal text.
fn text(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::*;

    /// The files of an archive.
    fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(File::open(path).unwrap());
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), bytes);
        }
        files
    }

    #[test]
    fn every_digest_is_that_of_a_blob() {
        let folder = tempfile::tempdir().unwrap();
        let (layer, out) = (folder.path().join("layer"), folder.path().join("out"));
        std::fs::write(&layer, vec![7; 3000]).unwrap();
        let command = ["bash".to_owned()];
        let request = Request { name: "base", summary: "x", command: &command, layer: &layer };
        write_layout(&request, &out).unwrap();
        let files = files(&out);
        let blob = |digest: &Value| {
            let name = digest.as_str().unwrap().replace("sha256:", "blobs/sha256/");
            assert!(name.ends_with(&Digest::of_bytes(&files[&name]).hex()));
            &files[&name]
        };
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let manifest: Value = serde_json::from_slice(blob(&index["manifests"][0]["digest"])).unwrap();
        let config: Value = serde_json::from_slice(blob(&manifest["config"]["digest"])).unwrap();
        assert_eq!(config["config"]["Cmd"][0], "bash");
        let packed = blob(&manifest["layers"][0]["digest"]);
        assert_eq!(manifest["layers"][0]["size"], packed.len());
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", Digest::of_file(&layer).unwrap()));
    }

    #[test]
    fn docker_finds_config_and_layer() {
        let folder = tempfile::tempdir().unwrap();
        let (layer, out) = (folder.path().join("layer"), folder.path().join("out"));
        std::fs::write(&layer, b"layer").unwrap();
        write_docker(&Request { name: "base", summary: "x", command: &[], layer: &layer }, &out).unwrap();
        let files = files(&out);
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(files[manifest[0]["Layers"][0].as_str().unwrap()], b"layer");
        assert!(files.contains_key(manifest[0]["Config"].as_str().unwrap()));
    }
}
