//! Container images: a root file system in layers, as an OCI layout (image-spec 1.1) or as an archive for `docker load` (image v1.2).

mod archive;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use archive::TarArchive;

use crate::disk_format::gzip;
use base::digest::Digest;
use base::file_error::FileError;

/// Increment when a change here changes a container image's bytes.
pub const CONTRACT: u32 = 2;

/// [`SOURCE_DATE_EPOCH`](base::epoch::SOURCE_DATE_EPOCH) in the format of RFC 3339.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// The inputs of a container image.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The container is `kaon:<tag>`.
    pub tag: &'a str,
    /// The image's name.
    pub name: &'a str,
    /// What it is, in one line.
    pub summary: &'a str,
    /// The default program and its arguments.
    pub command: &'a [String],
    /// Its layers, lowest first.
    pub layers: &'a [Layer],
}

/// A layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What it adds, as a tar archive.
    pub tar: PathBuf,
    /// What it contains, in a word.
    pub title: String,
}

/// Writes an OCI layout, as one archive.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_layout(request: &Request<'_>, out: &Path) -> Result<(), FileError> {
    let config = config(request)?.to_string();
    let packed = request.layers.iter().map(|layer| pack(&layer.tar, out)).collect::<Result<Vec<_>, _>>()?;
    let layers: Vec<Value> =
        packed.iter().map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer.digest, layer.size_bytes)).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &Digest::of_bytes(&config), config.len() as u64),
        "layers": layers,
        "annotations": { "org.opencontainers.image.title": "Kaon", "org.opencontainers.image.description": request.summary },
    })
    .to_string();
    let mut entry = descriptor(MANIFEST, &Digest::of_bytes(&manifest), manifest.len() as u64);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": request.tag });
    entry["platform"] = json!({ "architecture": "amd64", "os": "linux" });
    let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry] });
    let mut archive = TarArchive::create(out)?;
    archive.bytes("oci-layout", json!({ "imageLayoutVersion": "1.0.0" }).to_string().as_bytes())?;
    archive.bytes("index.json", index.to_string().as_bytes())?;
    archive.directory("blobs/")?;
    archive.directory("blobs/sha256/")?;
    for blob in [&config, &manifest] {
        archive.bytes(&format!("blobs/sha256/{}", Digest::of_bytes(blob)), blob.as_bytes())?;
    }
    for layer in &packed {
        archive.file(&format!("blobs/sha256/{}", layer.digest), layer.file.path())?;
    }
    archive.finish()
}

/// Writes an archive for `docker load`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_docker(request: &Request<'_>, out: &Path) -> Result<(), FileError> {
    let config = config(request)?.to_string();
    let config_name = format!("{}.json", Digest::of_bytes(&config));
    let folders = request.layers.iter().map(|layer| digest(&layer.tar).map(|digest| digest.to_string())).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = folders.iter().map(|folder| format!("{folder}/layer.tar")).collect();
    let tag = format!("kaon:{}", request.tag);
    let mut archive = TarArchive::create(out)?;
    archive.bytes("manifest.json", json!([{ "Config": config_name, "RepoTags": [tag], "Layers": names }]).to_string().as_bytes())?;
    archive.bytes(&config_name, config.as_bytes())?;
    for (layer, folder) in request.layers.iter().zip(&folders) {
        archive.directory(&format!("{folder}/"))?;
        archive.file(&format!("{folder}/layer.tar"), &layer.tar)?;
    }
    archive.finish()
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A compressed layer.
struct Packed {
    file: tempfile::NamedTempFile,
    digest: Digest,
    size_bytes: u64,
}

/// Compresses a layer into a file next to `out`.
fn pack(tar: &Path, out: &Path) -> Result<Packed, FileError> {
    let folder = out.parent().unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix("layer-").tempfile_in(folder).map_err(FileError::of("write", out))?;
    let compress = || {
        let mut packed = BufWriter::with_capacity(1 << 20, file.as_file());
        gzip(File::open(tar)?, &mut packed)?;
        packed.flush()
    };
    compress().map_err(FileError::of("write", file.path()))?;
    let size_bytes = file.as_file().metadata().map_err(FileError::of("read", file.path()))?.len();
    Ok(Packed { digest: digest(file.path())?, size_bytes, file })
}

fn digest(path: &Path) -> Result<Digest, FileError> {
    Digest::of_file(path).map_err(FileError::of("read", path))
}

fn descriptor(media_type: &str, digest: &Digest, size_bytes: u64) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size_bytes })
}

/// Maps come sorted, so equal values produce equal text.
fn config(request: &Request<'_>) -> Result<Value, FileError> {
    let layers = request.layers.iter().map(|layer| digest(&layer.tar).map(|digest| format!("sha256:{digest}")));
    let mut run = json!({ "Env": ["PATH=/usr/local/bin:/usr/bin"], "WorkingDir": "/" });
    if !request.command.is_empty() {
        run["Cmd"] = json!(request.command);
    }
    let history = |layer: &Layer| json!({ "created": CREATED, "created_by": format!("kaon image {}, {}", request.name, layer.title) });
    Ok(json!({
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": run,
        "rootfs": { "type": "layers", "diff_ids": layers.collect::<Result<Vec<_>, _>>()? },
        "history": request.layers.iter().map(history).collect::<Vec<_>>(),
    }))
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

    fn layers(folder: &Path) -> Vec<Layer> {
        let layer = |number: u8| {
            let tar = folder.join(format!("layer-{number}"));
            std::fs::write(&tar, vec![number; 3000]).unwrap();
            Layer { tar, title: number.to_string() }
        };
        vec![layer(1), layer(2)]
    }

    #[test]
    fn every_digest_is_that_of_a_blob() {
        let folder = tempfile::tempdir().unwrap();
        let (layers, out) = (layers(folder.path()), folder.path().join("out"));
        let command = ["bash".to_owned()];
        let request = Request { tag: "latest", name: "base", summary: "x", command: &command, layers: &layers };
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
        for (at, layer) in layers.iter().enumerate() {
            let packed = blob(&manifest["layers"][at]["digest"]);
            assert_eq!(manifest["layers"][at]["size"], packed.len());
            assert_eq!(config["rootfs"]["diff_ids"][at], format!("sha256:{}", Digest::of_file(&layer.tar).unwrap()));
        }
        assert_eq!(config["history"].as_array().unwrap().len(), 2);
        assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "latest");
    }

    #[test]
    fn docker_finds_config_and_layer() {
        let folder = tempfile::tempdir().unwrap();
        let (layers, out) = (layers(folder.path()), folder.path().join("out"));
        write_docker(&Request { tag: "latest", name: "base", summary: "x", command: &[], layers: &layers }, &out).unwrap();
        let files = files(&out);
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "kaon:latest");
        for (at, layer) in layers.iter().enumerate() {
            assert_eq!(files[manifest[0]["Layers"][at].as_str().unwrap()], std::fs::read(&layer.tar).unwrap());
        }
        assert!(files.contains_key(manifest[0]["Config"].as_str().unwrap()));
    }
}
