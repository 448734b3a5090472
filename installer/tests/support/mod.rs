//! What tests of the program share: a medium's repository, and plans without what chance made.

#![allow(missing_docs, dead_code)]

use std::fs;
use std::path::Path;

use rpm::{Dependency, FileOptions};
use rpm_engine::repo::{Offer, digest_of};
use rpm_engine::rpmfile::{RpmFile, details};
use testing::packages::repository::write_metadata;

/// What `minimal` brings into a system.
const FILES: [(&str, &str); 9] = [
    ("/etc/group", "root:x:0:\n"),
    ("/etc/gshadow", "root:*::\n"),
    ("/etc/passwd", "root:x:0:0:root:/root:/usr/bin/bash\n"),
    ("/etc/shadow", "root:!:20000::::::\n"),
    ("/usr/bin/bash", "x"),
    ("/usr/lib/sysusers.d/minimal.conf", "g docker -\ng wheel 10\nu sshd 74 \"SSH\"\n"),
    ("/usr/lib/systemd/system/sshd.service", "[Service]\n"),
    ("/usr/lib/systemd/system/docker.service", "[Service]\n"),
    ("/usr/lib/systemd/system/getty@.service", "[Service]\n"),
];

/// Writes a signed repository of packages with these names. As on a medium, `linux` is the kernel for virtual machines.
pub fn medium(folder: &Path, names: &[&str]) {
    let packages = folder.join("Packages");
    fs::create_dir_all(&packages).unwrap();
    let offer = |name: &&str| {
        let path = testing::packages::write(&packages, name, |builder| {
            if *name == "linux" {
                builder.provides(Dependency::eq("linux-esx", "6"));
            }
            for (path, content) in FILES.iter().filter(|_| *name == "minimal") {
                builder.with_file_contents(*content, FileOptions::new(*path).permissions(0o644)).unwrap();
            }
        });
        let file = RpmFile::open(&path).unwrap();
        let location = format!("Packages/{name}.rpm");
        Offer { details: details(&file.metadata().unwrap()), checksum: digest_of(&path).unwrap(), package: file.package, location }
    };
    write_metadata(folder, &names.iter().map(offer).collect::<Vec<_>>(), "", 1);
}

/// A plan with its identities, which chance makes, replaced by their number.
pub fn without_chance(plan: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let mut seen: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut rest = plan;
    while let Some(start) = rest.find(is_part) {
        let end = rest[start..].find(|letter| !is_part(letter)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        out.push_str(&rest[..start]);
        if word.len() == 36 && word.matches('-').count() == 4 {
            let known = seen.iter().position(|other| other.eq_ignore_ascii_case(word));
            let number = known.unwrap_or_else(|| {
                seen.push(word.to_owned());
                seen.len() - 1
            });
            out.push_str(&format!("ID{number}"));
        } else {
            out.push_str(word);
        }
        rest = &rest[end..];
    }
    out + rest
}
