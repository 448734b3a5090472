//! A medium that installs unattended from a kickstart file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use kickstart::LinuxFlavor;
use kickstart::document::Problem;
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

/// A medium that installs by itself.
#[derive(Debug)]
pub struct Unattended {
    /// The image.
    pub image: Image,
    /// What is done otherwise than the kickstart file says, each with its place.
    pub notes: Vec<String>,
}

/// The image on a medium that installs what the kickstart file at `path` says. The file is read as the installer reads it, and it and all that
/// it names goes onto the medium.
///
/// # Errors
/// All that is wrong with the kickstart file, or when a file it names is missing.
pub fn kickstart(mut image: Image, path: &Path) -> Result<Unattended, VariantError> {
    regular::open(path).map_err(VariantError::read(path))?;
    let loaded = medium::load(path)?;
    named(&mut image, path)?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("json");
    let at = format!("kickstart/kickstart.{ending}");
    let flavour = image.kernel.clone();
    // What the file asks for is not the image's, whose bound is that of the image alone.
    image.budget.iso_mib = None;
    let iso = medium(&mut image)?;
    iso.files.push(file(at.clone(), path)?);
    for name in loaded.files.iter().filter(|name| !name.starts_with('/')) {
        iso.files.push(file(format!("kickstart/{name}"), &loaded.search.find(name)?)?);
    }
    let mut notes = loaded.notes.clone();
    let wanted = packages(&loaded, flavour.as_deref(), &mut notes)?;
    let missing: Vec<PackageName> = wanted.into_iter().filter(|name| !iso.install.contains(name)).collect();
    iso.install.extend(missing);
    iso.entry = Some((TITLE.into(), format!("ks=cdrom:/{at}")));
    if let Ok(program) = INSTALLER.parse::<PackageName>()
        && !iso.live.contains(&program)
    {
        iso.live.push(program);
    }
    notes.sort_by_key(|note| note.place);
    Ok(Unattended { image, notes: notes.iter().map(|note| note.line(&loaded.kickstart.name)).collect() })
}

/// All that it installs and that the medium may lack.
fn packages(loaded: &Loaded, flavour: Option<&str>, notes: &mut Vec<Problem>) -> Result<Vec<PackageName>, VariantError> {
    let kickstart = &loaded.kickstart.value;
    let mut names = listed(loaded, notes)?;
    if !kickstart.docker.images.is_empty() {
        names.extend("docker".parse::<PackageName>());
    }
    if names.is_empty() {
        names.extend(MINIMAL.parse::<PackageName>());
    }
    let programs = kickstart.partitions.iter().filter_map(|partition| partition.filesystem.package());
    names.extend(programs.chain(kernel(kickstart.linux_flavor, flavour)).filter_map(|name| name.parse().ok()));
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

/// The package of a kernel that is not the image's own. Photon's names stand for whichever there is.
fn kernel(wanted: LinuxFlavor, own: Option<&str>) -> Option<&'static str> {
    match (wanted, own) {
        (LinuxFlavor::LinuxEsx, Some("esx"))
        | (LinuxFlavor::LinuxGeneric, Some("generic"))
        | (LinuxFlavor::LinuxRt, Some("rt"))
        | (LinuxFlavor::LinuxSecure, Some("secure"))
        | (LinuxFlavor::Linux | LinuxFlavor::LinuxAws, _) => None,
        (LinuxFlavor::LinuxEsx, _) => Some("linux"),
        (LinuxFlavor::LinuxGeneric, _) => Some("linux-generic"),
        (LinuxFlavor::LinuxRt, _) => Some("linux-rt"),
        (LinuxFlavor::LinuxSecure, _) => Some("linux-secure"),
    }
}

/// The packages by the names they have here. The installer takes Photon's names in the same way.
fn listed(loaded: &Loaded, notes: &mut Vec<Problem>) -> Result<Vec<PackageName>, VariantError> {
    let (document, kickstart) = (&loaded.kickstart, &loaded.kickstart.value);
    let of_key = |key: &'static str, list: &[String]| -> Vec<(String, String)> {
        list.iter().enumerate().map(|(index, name)| (format!("{key}[{index}]"), name.clone())).collect()
    };
    let of_lists = loaded.lists.iter().flat_map(|list| &list.packages).map(|name| ("packagelist_file".to_owned(), name.clone()));
    let all = of_key("packages", &kickstart.packages).into_iter().chain(of_lists);
    let (mut names, mut problems) = (Vec::new(), Vec::new());
    for (path, text) in all.chain(of_key("additional_packages", &kickstart.additional_packages)) {
        // A package may be named with a version; what is on the medium has the one there is.
        let word = text.split_whitespace().next().unwrap_or_default();
        let name = match photon::taken(word) {
            _ if photon::is_kernel(word) => continue,
            Some(Taken::Needless(why)) => {
                notes.push(document.problem(&path, format!("`{word}` is left out: {why}"), None));
                continue;
            }
            Some(Taken::Refused(why)) => {
                problems.push(document.problem(&path, format!("`{word}` is not available: {why}"), Some("leave it out".into())));
                continue;
            }
            Some(Taken::Instead(other, why)) => {
                notes.push(document.problem(&path, format!("`{word}` is `{other}` here: {why}"), None));
                other
            }
            None => word,
        };
        names.push(name.parse::<PackageName>().map_err(|_| VariantError::NoPackage { text: text.clone() })?);
    }
    if problems.is_empty() { Ok(names) } else { Err(VariantError::Kickstart(document.problems(problems).into())) }
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
        let made = kickstart(image(), &path).unwrap().image;
        let iso = made.iso.unwrap();
        assert_eq!(made.name.as_str(), "base-my-site");
        let at: Vec<&str> = iso.files.iter().map(|file| file.at.as_str()).collect();
        assert_eq!(at, ["kickstart/kickstart.json", "kickstart/after.sh", "kickstart/etc"]);
        assert_eq!(iso.install.iter().map(PackageName::as_str).collect::<Vec<_>>(), ["minimal", "vim"]);
        assert_eq!(iso.live.iter().map(PackageName::as_str).collect::<Vec<_>>(), ["kaon-installer"]);
        assert_eq!(iso.entry.as_ref().map(|entry| entry.1.as_str()), Some("ks=cdrom:/kickstart/kickstart.json"));
        let before = iso.files[2].digest;
        fs::write(folder.path().join("etc/motd"), "other").unwrap();
        assert_ne!(kickstart(image(), &path).unwrap().image.iso.unwrap().files[2].digest, before);
    }

    #[test]
    fn the_medium_has_what_its_file_needs_and_says_what_is_done_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ks.json");
        let made = |text: &str| {
            fs::write(&path, text).unwrap();
            let Unattended { image, notes } = kickstart(image(), &path).unwrap();
            let names = image.iso.unwrap().install.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ");
            (names, notes.iter().map(|note| note.replace(&path.display().to_string(), "ks.json")).collect::<Vec<_>>())
        };
        let (names, notes) = made(
            r#"{"linux_flavor": "linux-generic", "packages": ["minimal", "initramfs", "cloud-init"],
                "partitions": [{"mountpoint": "/", "size": 0}, {"mountpoint": "/srv", "size": 9, "filesystem": "xfs"}]}"#,
        );
        assert_eq!(names, "minimal kaon-firstboot xfsprogs linux-generic");
        assert_eq!(
            notes,
            [
                "ks.json:1:59: packages[1]: `initramfs` is left out: there is no initramfs: the kernel has the drivers it needs",
                "ks.json:1:72: packages[2]: `cloud-init` is `kaon-firstboot` here: it does what cloud-init documents say",
            ]
        );
        assert_eq!(made(r#"{"linux_flavor": "linux", "packages": ["minimal"]}"#).0, "minimal");
        fs::write(&path, r#"{"packages": ["minimal", "lvm2"]}"#).unwrap();
        let told = text::with_causes(&kickstart(image(), &path).unwrap_err());
        assert!(told.contains("ks.json:1:26: packages[1]: `lvm2` is not available"), "{told}");
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
