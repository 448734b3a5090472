//! Loading images into the container engine. What is still to be loaded is kept on the disk, so that a start that was cut off, or had no
//! network, is made up for by the next one.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::container::{Image, Place};
use super::disks;
use system::{SystemError, Target};

/// What is still to be done. An address may contain a password.
const LEFT: &str = "/var/lib/kaon/containers.json";

/// Where an image from an address is kept until it is loaded.
const DOWNLOAD: &str = "/var/lib/kaon/image.download";

/// How curl(1) is called: it tries for a minute, and gives up on a server that sends nothing for a minute.
const PATIENCE: [&str; 12] = [
    "--disable",
    "--fail",
    "--silent",
    "--show-error",
    "--location",
    "--retry=5",
    "--retry-all-errors",
    "--retry-delay=10",
    "--connect-timeout=15",
    "--speed-limit=1",
    "--speed-time=60",
    "--max-time=7200",
];

/// The words with which curl(1) fetches an address into a file. `protocols` are those that are spoken, and no others.
pub(super) fn curl_words<'a>(protocols: &'a str, to: &'a str, address: &'a str) -> Vec<&'a str> {
    let patience = PATIENCE.iter().flat_map(|word| word.split('='));
    patience.chain(["--proto", protocols, "--proto-redir", protocols, "--output", to, "--", address]).collect()
}

/// Images to load, and units to start when they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Left {
    images: Vec<Image>,
    units: Vec<String>,
}

/// Keeps in mind what is to be loaded and started when the container engine is up; with `is_added`, besides what already is.
pub(super) fn prepare(images: &[Image], units: Vec<String>, is_added: bool, target: &Target) -> Result<(), SystemError> {
    if images.is_empty() && units.is_empty() {
        return Ok(());
    }
    let before = if is_added { serde_json::from_str(&target.read(LEFT)?).unwrap_or_default() } else { Left::default() };
    let images = before.images.into_iter().chain(images.iter().cloned()).collect();
    let units = before.units.into_iter().chain(units).collect();
    Left { images, units }.keep(target)
}

/// Whether there is something to load or start.
pub(super) fn is_left(target: &Target) -> Result<bool, SystemError> {
    Ok(target.place(LEFT)?.exists())
}

/// Loads and starts what is left to; gives what could not be.
pub(super) fn run(target: &Target) -> Result<Vec<String>, SystemError> {
    let text = target.read(LEFT)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut complaints = Vec::new();
    let mut left: Left = serde_json::from_str(&text).unwrap_or_else(|error| {
        complaints.push(format!("{LEFT}: {error}"));
        Left::default()
    });
    let mut failed = Vec::new();
    while !left.images.is_empty() {
        let image = left.images.remove(0);
        if let Err(error) = load(&image, target) {
            complaints.push(format!("images: {}: {}; it is tried again at the next start", name(&image), text::with_causes(&error)));
            failed.push(image);
        }
    }
    let units = std::mem::take(&mut left.units);
    complaints.extend(start(&units, target).err().map(|error| format!("containers: {}", text::with_causes(&error))));
    // At the next start containers are started by themselves.
    left.images = failed;
    left.keep(target)?;
    Ok(complaints)
}

impl Left {
    fn keep(&self, target: &Target) -> Result<(), SystemError> {
        if *self == Self::default() {
            return target.remove(LEFT);
        }
        let text = serde_json::to_vec(self).map_err(|error| SystemError::io("write", Path::new(LEFT))(error.into()))?;
        target.write(LEFT, 0o600, &text)
    }
}

/// An image's place, without a password that an address may contain.
fn name(image: &Image) -> String {
    match image.place() {
        Ok(Place::Here(path)) => path.to_owned(),
        Ok(Place::Cidata(name)) => format!("cidata: {name}"),
        Ok(Place::Url(url)) => without_password(url),
        Err(_) => "an image".to_owned(),
    }
}

/// An address without what only its owner should know.
pub(super) fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

fn load(image: &Image, target: &Target) -> Result<(), SystemError> {
    let wanted = image.sha256.as_deref();
    match image.place()? {
        Place::Here(path) => load_file(&target.folder(path)?, wanted, target),
        Place::Cidata(name) => disks::with_disk(disks::CIDATA, |folder| load_file(&folder.join(name), wanted, target))
            .unwrap_or_else(|| Err(SystemError::refused("no disk labelled `cidata` can be mounted"))),
        Place::Url(url) => {
            let file = target.place(DOWNLOAD)?;
            let to = file.display().to_string();
            let result = system::program::run("curl", &curl_words("=http,https", &to, url), None).map_err(SystemError::from);
            let result = result.and_then(|_| load_file(&file, wanted, target));
            target.remove(DOWNLOAD)?;
            result
        }
    }
}

fn load_file(file: &Path, wanted: Option<&str>, target: &Target) -> Result<(), SystemError> {
    if let Some(wanted) = wanted {
        let found = sha256(file)?;
        if !found.eq_ignore_ascii_case(wanted) {
            return Err(SystemError::refused(&format!("its SHA-256 is {found}, not {wanted}: it is not loaded")));
        }
    }
    fs::metadata(file).map_err(SystemError::io("read", file))?;
    target.run("docker", &["load", "--quiet", "--input", &file.display().to_string()], None).map(drop)
}

fn sha256(file: &Path) -> Result<String, SystemError> {
    let mut hash = Sha256::new();
    let mut read = || io::copy(&mut File::open(file)?, &mut hash);
    read().map_err(SystemError::io("read", file))?;
    Ok(hex::encode(hash.finalize()))
}

fn start(units: &[String], target: &Target) -> Result<(), SystemError> {
    if units.is_empty() || target.root() != Path::new("/") {
        return Ok(());
    }
    target.run("systemctl", &["daemon-reload"], None)?;
    let words: Vec<&str> = ["start", "--no-block"].into_iter().chain(units.iter().map(String::as_str)).collect();
    target.run("systemctl", &words, None).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(path: Option<&str>, url: Option<&str>, sha256: Option<String>) -> Image {
        let own = |text: &str| text.to_owned();
        Image { path: path.map(own), cidata: None, url: url.map(own), sha256 }
    }

    #[test]
    fn what_cannot_be_loaded_is_told_and_kept_for_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write("/a.tar", 0o600, b"x").unwrap();
        let images = [
            image(Some("/a.tar"), None, Some("0".repeat(64))),
            image(Some("/none.tar"), None, None),
            image(None, Some("http://user:sesame@127.0.0.1:9/a?token=sesame"), None),
        ];
        prepare(&images[..1], Vec::new(), false, &target).unwrap();
        prepare(&images[1..], Vec::new(), true, &target).unwrap();
        assert!(is_left(&target).unwrap());
        let complaints = run(&target).unwrap();
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(
            complaints[0].contains("its SHA-256 is 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
            "{complaints:?}"
        );
        assert!(complaints[1].contains("none.tar") && complaints[2].contains("`sha256`"), "{complaints:?}");
        assert!(complaints.iter().all(|line| !line.contains("sesame")));
        let left: Left = serde_json::from_str(&target.read(LEFT).unwrap()).unwrap();
        assert_eq!(left, Left { images: images.to_vec(), units: Vec::new() });
        Left::default().keep(&target).unwrap();
        assert!(!is_left(&target).unwrap() && run(&target).unwrap().is_empty());
    }

    #[test]
    fn names_hide_passwords() {
        let url = |url: &str| name(&image(None, Some(url), Some("0".repeat(64))));
        assert_eq!(url("https://u:p@x.example/a.tar?key=1"), "https://x.example/a.tar");
        assert_eq!(url("https://x.example/a@1.tar"), "https://x.example/a@1.tar");
    }
}
