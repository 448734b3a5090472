//! The container image that guests are given: one statically linked program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// Its name, in every archive.
pub const NAME: &str = "kaon-test:latest";

/// Writes an archive as `docker save` does into `folder`. A container of it runs the program with `words`.
pub fn write(folder: &Path, words: &[&str]) -> PathBuf {
    let layer = archive(&[("payload", &fs::read(payload(folder)).unwrap(), 0o755)]);
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Entrypoint": ["/payload"], "Cmd": words },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(Sha256::digest(&layer)))] },
    });
    let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"] }]);
    let (config, manifest) = (config.to_string(), manifest.to_string());
    let files: [(&str, &[u8], u32); 3] =
        [("config.json", config.as_bytes(), 0o644), ("layer.tar", &layer, 0o644), ("manifest.json", manifest.as_bytes(), 0o644)];
    super::guest::file(folder, "image.tar", &archive(&files))
}

fn archive(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn payload(folder: &Path) -> PathBuf {
    let program = folder.join("payload");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition=2024", "-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"])
        .arg(&program)
        .arg(super::guest::root().join("tests/boot/payload.rs"))
        .status()
        .unwrap();
    assert!(status.success(), "the payload does not compile");
    program
}
