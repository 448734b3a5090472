//! A medium for one container: the machine runs its command, and ends with it.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;

use super::{UNITS, VariantError, add, medium, named};
use crate::description::{Image, MediumFile};
use runtime::regular;

/// The archive on the medium.
const ARCHIVE: &str = "container/image.tar";

/// The unit that runs it.
const UNIT: &str = "kaon-container.service";

/// The program that the unit starts.
const PROGRAM: &str = "/usr/lib/kaon/container";

/// The image on a medium that runs the container in the archive at `path` and nothing else.
///
/// # Errors
/// When the image has no medium, or the file is not a container image with a command.
pub fn container(mut image: Image, path: &Path) -> Result<Image, VariantError> {
    let reference = check(path)?;
    named(&mut image, path)?;
    let digest = regular::digest(path).map_err(VariantError::read(path))?;
    let iso = medium(&mut image)?;
    // The machine runs nothing else.
    iso.install.clear();
    iso.live.clear();
    iso.files.push(MediumFile { at: ARCHIVE.into(), from: path.canonicalize().map_err(VariantError::read(path))?, digest });
    image.enable.push(UNIT.into());
    add(&mut image, format!("{UNITS}/{UNIT}"), 0o644, &unit());
    add(&mut image, PROGRAM.into(), 0o755, &program(&reference));
    Ok(image)
}

fn unit() -> String {
    format!(
        "[Unit]\nDescription=The container this machine is for\nRequires=docker.service\nAfter=docker.service systemd-networkd.service\n\
         RequiresMountsFor=/run/kaon/medium\nSuccessAction=poweroff\nFailureAction=poweroff\n\n\
         [Service]\nType=exec\nExecStart={PROGRAM}\nStandardOutput=journal+console\nStandardError=journal+console\n\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

/// Loads the image, runs it on the machine's own network, and reports how it ended: on the console, to VMware, and to a virtio port of that
/// name if the machine has one.
fn program(reference: &str) -> String {
    format!(
        r#"#!/usr/bin/bash
set -uo pipefail
# A job may need no network, but one that does is not to start without an address.
/usr/lib/systemd/systemd-networkd-wait-online --any --timeout=30 || true
docker load --quiet --input /run/kaon/medium/{ARCHIVE} || exit 125
docker run --rm --name machine --network host '{reference}'
code=$?
echo "container ended with exit code $code"
if [ "$(systemd-detect-virt)" = vmware ]; then
    vmtoolsd --cmd "info-set guestinfo.kaon.exit-code $code" || true
fi
port=/dev/virtio-ports/kaon.exit-code
[ ! -e "$port" ] || echo "$code" >"$port"
exit "$code"
"#
    )
}

/// An item of an archive's `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The image's configuration, as far as it is used here.
#[derive(Deserialize)]
struct Configuration {
    architecture: String,
    os: String,
    #[serde(default)]
    config: Run,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Run {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
}

/// Checks that the archive contains one image that can be run, and returns its name.
fn check(path: &Path) -> Result<String, VariantError> {
    let wrong = |reason: String| VariantError::NotContainer { path: path.to_owned(), reason };
    let found = Found::read(path)?;
    let manifest = found.documents.get("manifest.json").ok_or_else(|| wrong("it has no `manifest.json`".into()))?;
    let mut images: Vec<Listed> = serde_json::from_slice(manifest).map_err(|error| wrong(format!("`manifest.json`: {error}")))?;
    let (Some(image), true) = (images.pop(), images.is_empty()) else {
        return Err(wrong("it must contain one image".into()));
    };
    if let Some(layer) = image.layers.iter().find(|layer| !found.names.contains(layer)) {
        return Err(wrong(format!("the layer `{layer}` is missing")));
    }
    let config = found.documents.get(&image.config).ok_or_else(|| wrong(format!("`{}` is missing", image.config)))?;
    let config: Configuration = serde_json::from_slice(config).map_err(|error| wrong(format!("`{}`: {error}", image.config)))?;
    if (config.os.as_str(), config.architecture.as_str()) != ("linux", "amd64") {
        return Err(wrong(format!("it is for {} on {}", config.os, config.architecture)));
    }
    let words = config.config.entrypoint.into_iter().flatten().chain(config.config.cmd.into_iter().flatten());
    if words.count() == 0 {
        return Err(wrong("it has no command".into()));
    }
    let tag = image.repo_tags.into_iter().flatten().next().ok_or_else(|| wrong("its image has no name and tag".into()))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
    if tag.bytes().all(is_plain) { Ok(tag) } else { Err(wrong(format!("`{tag}` is not a name and tag"))) }
}

/// The largest document that is read from an archive.
const LARGEST_DOCUMENT_BYTES: u64 = 1 << 20;

/// What is in an archive.
struct Found {
    names: Vec<String>,
    /// The content of its small files.
    documents: BTreeMap<String, Vec<u8>>,
}

impl Found {
    fn read(path: &Path) -> Result<Self, VariantError> {
        let broken = VariantError::read(path);
        let mut head = [0; 2];
        let length = regular::open(path).and_then(|mut file| file.read(&mut head)).map_err(&broken)?;
        let file = BufReader::with_capacity(1 << 20, regular::open(path).map_err(&broken)?);
        let is_packed = length == 2 && head == [0x1f, 0x8b];
        let content: Box<dyn Read> = if is_packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
        Self::unpack(content).map_err(|error| VariantError::NotContainer { path: path.to_owned(), reason: error.to_string() })
    }

    fn unpack(content: impl Read) -> io::Result<Self> {
        let mut found = Self { names: Vec::new(), documents: BTreeMap::new() };
        for entry in tar::Archive::new(content).entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
            if entry.header().entry_type().is_file() && entry.size() <= LARGEST_DOCUMENT_BYTES {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                found.documents.insert(name.clone(), bytes);
            }
            found.names.push(name);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Layer, Request, TarArchive, write_docker};

    fn archive(folder: &Path, command: &[String]) -> std::path::PathBuf {
        let (tar, out) = (folder.join("layer"), folder.join("job.tar"));
        std::fs::write(&tar, b"layer").unwrap();
        let layers = [Layer { tar, title: "x".into() }];
        write_docker(&Request { tag: "latest", name: "base", summary: "x", command, layers: &layers }, &out).unwrap();
        out
    }

    #[test]
    fn a_container_becomes_the_machine_s_job() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), &["/bin/job".into()]);
        assert_eq!(check(&path).unwrap(), "kaon:latest");
        let text = "summary = \"x\"\npackages = [\"minimal\"]\nkernel = \"esx\"\n[iso]\nlabel = \"KAON\"\ninstall = [\"minimal\"]\n";
        let image = crate::description::parse(&"base".parse().unwrap(), "x", text, &|_| Err(io::ErrorKind::NotFound.into())).unwrap();
        let made = container(image, &path).unwrap();
        assert_eq!(made.name.as_str(), "base-job");
        assert_eq!(made.enable, [UNIT]);
        assert!(made.iso.unwrap().install.is_empty());
        let program = made.files.iter().find(|file| file.path == PROGRAM).unwrap();
        assert!(String::from_utf8_lossy(&program.content).contains("--network host 'kaon:latest'\n"));
    }

    #[test]
    fn files_that_are_not_container_images_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let reason = |path: &Path| check(path).unwrap_err().to_string();
        assert!(reason(&archive(folder.path(), &[])).contains("has no command"));
        let path = folder.path().join("other.tar");
        let mut other = TarArchive::create(&path).unwrap();
        other.bytes("x", b"y").unwrap();
        other.finish().unwrap();
        assert!(reason(&path).contains("has no `manifest.json`"));
        std::fs::write(&path, "no archive at all").unwrap();
        assert!(reason(&path).contains("is not a container image"));
    }
}
