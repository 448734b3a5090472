//! A medium that installs unattended from a kickstart file.

use std::fs;
use std::path::{Component, Path};

use kickstart::medium::{self, Loaded};
use kickstart::photon::{self, Taken};

use super::{VariantError, medium, named};
use crate::description::{Image, MediumFile};
use base::digest::Digest;
use base::name::PackageName;
use runtime::regular;
use well_known::{INSTALLER, MINIMAL};

/// The title of the menu's first entry, which warns somebody who started the wrong disc.
const TITLE: &str = "install as the kickstart file says; the disk it names is lost";

/// The image on a medium that installs from the kickstart file at `path`. The file is read in the same way as by the installer; it and all
/// files that it names go onto the medium.
///
/// # Errors
/// All mistakes in the kickstart file, or when a file that it names is missing.
pub fn kickstart(mut image: Image, path: &Path) -> Result<Image, VariantError> {
    regular::open(path).map_err(VariantError::read(path))?;
    let loaded = medium::load(path)?;
    named(&mut image, path)?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("json");
    let at = format!("kickstart/kickstart.{ending}");
    let iso = medium(&mut image)?;
    iso.files.push(file(at.clone(), path)?);
    for name in loaded.files.iter().filter(|name| !name.starts_with('/')) {
        iso.files.push(file(format!("kickstart/{name}"), &loaded.search.find(name)?)?);
    }
    let wanted = packages(&loaded)?;
    let missing: Vec<PackageName> = wanted.into_iter().filter(|name| !iso.install.contains(name)).collect();
    iso.install.extend(missing);
    iso.entry = Some((TITLE.into(), format!("ks=cdrom:/{at}")));
    if let Ok(program) = INSTALLER.parse::<PackageName>()
        && !iso.live.contains(&program)
    {
        iso.live.push(program);
    }
    Ok(image)
}

/// The packages that it installs, without the kernel.
fn packages(loaded: &Loaded) -> Result<Vec<PackageName>, VariantError> {
    let kickstart = &loaded.kickstart.value;
    let lists = loaded.lists.iter().flat_map(|list| &list.packages);
    let texts: Vec<&String> = kickstart.packages.iter().chain(lists).chain(&kickstart.additional_packages).collect();
    // A package may be named with a version, but the medium has only one. The installer treats Photon's names in the same way.
    let word = |text: &&String| text.split_whitespace().next().unwrap_or_default().to_owned();
    let wanted = texts.iter().map(|text| (text, word(text))).filter(|(_, word)| !photon::is_kernel(word));
    let ours = wanted.filter_map(|(text, word)| match photon::taken(&word) {
        Some(Taken::Needless(_)) => None,
        Some(Taken::Instead(other, _)) => Some((text, other.to_owned())),
        Some(Taken::Refused(_)) | None => Some((text, word)),
    });
    let parsed = ours.map(|(text, word)| word.parse::<PackageName>().map_err(|_| VariantError::NoPackage { text: (*text).clone() }));
    let mut names = parsed.collect::<Result<Vec<_>, _>>()?;
    if !loaded.kickstart.value.docker.images.is_empty() {
        names.extend("docker".parse::<PackageName>());
    }
    if names.is_empty() {
        names.extend(MINIMAL.parse::<PackageName>());
    }
    Ok(names)
}

/// A file or directory that goes onto the medium.
fn file(at: String, from: &Path) -> Result<MediumFile, VariantError> {
    if Path::new(&at).components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(VariantError::Outside { name: at });
    }
    Ok(MediumFile { at, from: fs::canonicalize(from).map_err(VariantError::read(from))?, digest: digest(from)? })
}

/// The digest of a file, or of all names and contents in a directory.
fn digest(path: &Path) -> Result<Digest, VariantError> {
    if !path.is_dir() {
        return regular::digest(path).map_err(VariantError::read(path));
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(VariantError::read(path))?;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.file_name()).collect();
    names.sort();
    let parts = names.iter().map(|name| Ok((name.to_string_lossy().into_owned(), digest(&path.join(name))?)));
    Ok(Digest::of_json(&("directory", parts.collect::<Result<Vec<_>, VariantError>>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        let text = "summary = \"x\"\npackages = [\"minimal\"]\nkernel = \"esx\"\n[iso]\nlabel = \"KAON\"\ninstall = [\"minimal\"]\n";
        crate::description::parse(&"base".parse().unwrap(), "images/base.toml", text, &|_| Err(std::io::ErrorKind::NotFound.into()))
            .unwrap()
    }

    #[test]
    fn all_named_files_are_put_onto_the_medium() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("My_Site.json");
        fs::write(folder.path().join("after.sh"), "true").unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("etc/motd"), "hello").unwrap();
        let text = r#"{"disk": "/dev/sda", "packages": ["minimal"], "additional_packages": ["vim"], "postinstallscripts": ["after.sh"],
                       "additional_files": [{"etc": "/etc"}]}"#;
        fs::write(&path, text).unwrap();
        let made = kickstart(image(), &path).unwrap();
        let iso = made.iso.unwrap();
        assert_eq!(made.name.as_str(), "base-my-site");
        let at: Vec<&str> = iso.files.iter().map(|file| file.at.as_str()).collect();
        assert_eq!(at, ["kickstart/kickstart.json", "kickstart/after.sh", "kickstart/etc"]);
        assert_eq!(iso.install.iter().map(PackageName::as_str).collect::<Vec<_>>(), ["minimal", "vim"]);
        assert_eq!(iso.live.iter().map(PackageName::as_str).collect::<Vec<_>>(), ["kaon-installer"]);
        assert_eq!(iso.entry.as_ref().map(|entry| entry.1.as_str()), Some("ks=cdrom:/kickstart/kickstart.json"));
        let before = iso.files[2].digest;
        fs::write(folder.path().join("etc/motd"), "other").unwrap();
        assert_ne!(kickstart(image(), &path).unwrap().iso.unwrap().files[2].digest, before);
    }

    #[test]
    fn a_fifo_is_refused_wherever_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("etc/fifo");
        fs::create_dir(folder.path().join("etc")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let told = |path: &Path| text::with_causes(&kickstart(image(), path).unwrap_err());
        assert_eq!(told(&fifo), format!("cannot read `{}`: it is a FIFO, not a regular file", fifo.display()));
        let path = folder.path().join("ks.json");
        for (named, expected) in [
            (r#""additional_files": [{"etc": "/etc"}]"#, "etc/fifo`: it is a FIFO, not a regular file"),
            (r#""postinstallscripts": ["etc/fifo"]"#, "etc/fifo` is not a regular file"),
            (r#""packagelist_file": "etc/fifo""#, "etc/fifo` is not a regular file"),
        ] {
            fs::write(&path, format!(r#"{{"disk": "/dev/sda", {named}}}"#)).unwrap();
            assert!(told(&path).ends_with(expected), "{named}: {}", told(&path));
        }
    }

    #[test]
    fn mistakes_are_reported_while_building() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ks.json");
        for (text, expected) in [
            (r#"{"disk": "/dev/sda", "packges": []}"#, "packges"),
            (r#"{"disk": "/dev/sda", "postinstallscripts": ["gone.sh"]}"#, "gone.sh"),
            (r#"{"disk": "/dev/sda", "postinstallscripts": ["../ks.json"]}"#, "../ks.json"),
        ] {
            fs::write(&path, text).unwrap();
            let error = kickstart(image(), &path).unwrap_err();
            let told = format!("{error} {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default());
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
