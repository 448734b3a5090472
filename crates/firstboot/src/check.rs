//! What a first start would say of documents, before there is one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::cloud::TimeZone;
use super::source::{Bundle, META_DATA, NETWORK_CONFIG, OVF, USER_DATA, VENDOR_DATA};
use super::{config_drive, report, understand};
use system::guestinfo;

/// The exit code where something was reported.
const REPORTED: u8 = 3;

/// Reports what is wrong with files.
pub(super) fn run(files: &[PathBuf]) -> ExitCode {
    let bundle = match bundle(files) {
        Ok(bundle) => bundle,
        Err(error) => {
            report(&format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let wishes = understand(&bundle);
    let mut complaints = wishes.complaints;
    let zone = wishes.cloud.timezone.and_then(|TimeZone(zone)| unknown_zone(&zone, Path::new(ZONES)));
    complaints.extend(zone.map(|reason| format!("{}: {reason}", wishes.places.of("timezone"))));
    complaints.iter().for_each(|complaint| report(complaint));
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REPORTED) }
}

/// Where tzdata is.
const ZONES: &str = "/usr/share/zoneinfo";

/// Whether tzdata of the system that checks does not have a time zone; a system without tzdata cannot tell.
fn unknown_zone(zone: &str, folder: &Path) -> Option<String> {
    (folder.is_dir() && !folder.join(zone).is_file()).then(|| format!("`{zone}` is not a time zone that this system knows"))
}

/// The files as one platform's documents.
fn bundle(files: &[PathBuf]) -> Result<Bundle, String> {
    let mut bundle = Bundle::default();
    let mut names = BTreeMap::new();
    for file in files {
        let shown = file.display();
        let bytes = std::fs::read(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        let kind = kind(file);
        if let Some(other) = names.insert(kind, shown.to_string()) {
            return Err(format!("`{other}` and `{shown}` are both {kind}: check one at a time"));
        }
        match guestinfo::text_of(&bytes) {
            Ok(text) if kind == OVF => bundle.take_ovf(&text),
            Ok(text) if kind == VENDOR_DATA && is_json(file) => {
                bundle.vendor_data = config_drive::vendor_file(&shown.to_string(), &text, &mut bundle.complaints);
            }
            Ok(text) => *place(&mut bundle, kind) = Some(text),
            Err(error) => bundle.complaints.push(format!("{shown}: {error}")),
        }
    }
    bundle.names.extend(names);
    Ok(bundle)
}

/// Whether a file has the form of OpenStack's config drives.
fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "json")
}

fn place<'a>(bundle: &'a mut Bundle, kind: &str) -> &'a mut Option<String> {
    match kind {
        META_DATA => &mut bundle.meta_data,
        NETWORK_CONFIG => &mut bundle.network_config,
        VENDOR_DATA => &mut bundle.vendor_data,
        _ => &mut bundle.user_data,
    }
}

/// What a file is, by its name.
fn kind(file: &Path) -> &'static str {
    let name = file.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase().replace(['-', '_'], "")).unwrap_or_default();
    let kinds =
        [("metadata", META_DATA), ("network", NETWORK_CONFIG), ("netplan", NETWORK_CONFIG), ("vendor", VENDOR_DATA), ("ovfenv", OVF)];
    kinds.into_iter().find(|(word, _)| name.contains(word)).map_or(USER_DATA, |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        let table = [
            ("user-data", USER_DATA),
            ("cloud.yaml", USER_DATA),
            ("x/meta-data", META_DATA),
            ("metadata.yaml", META_DATA),
            ("network-config", NETWORK_CONFIG),
            ("gi.vendordata", VENDOR_DATA),
            ("ovfEnv.xml", OVF),
        ];
        for (name, expected) in table {
            assert_eq!(kind(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn everything_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = [
            write("user-data", "#cloud-config\nhostname: a_b\nusers: [{name: d@v}, {name: x, passwd: sesame}]\nwrite_files: [{path: a}]\n"),
            write("network-config", "ethernets: {a: {dhcp4: maybe, mtu: 9}}\n"),
            write("meta-data", "instance-id: 5\nlocal-hostname: [x]\n"),
        ];
        let told = understand(&bundle(&files).unwrap()).complaints.join("\n");
        for place in [
            "user-data:2:11: ",
            "user-data:3:16: ",
            "user-data:3:40: ",
            "user-data:4:22: ",
            "network-config:1:24: ",
            "network-config:1:36: ",
            "meta-data:2:17: ",
        ] {
            assert!(told.contains(place), "{place}\n{told}");
        }
        assert!(!told.contains("sesame"));
        assert!(bundle(&[files[0].clone(), files[0].clone()]).is_err());
    }
}
