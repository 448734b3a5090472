//! A repository of made-up packages with dependencies like real ones: metadata only, and deterministic.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, GzBuilder};

use crate::bench::BenchError;
use base::digest::Digest;

/// One in this many packages is a library that others require.
const LIBRARY_OF: usize = 10;

/// The name of a package.
pub fn name(number: usize) -> String {
    if number.is_multiple_of(LIBRARY_OF) { format!("lib-{number:05}") } else { format!("program-{number:05}") }
}

/// Writes the repository of `size` packages into `folder`.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, size: usize) -> Result<(), BenchError> {
    let data = folder.join("repodata");
    fs::create_dir_all(&data).map_err(BenchError::io("make", &data))?;
    let mut index = "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1</revision>".to_owned();
    for (kind, text) in [("primary", primary(size)), ("filelists", filelists(size))] {
        let path = data.join(format!("{kind}.xml.gz"));
        let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).map_err(BenchError::io("compress", &path))?;
        let bytes = encoder.finish().map_err(BenchError::io("compress", &path))?;
        let (packed, open) = (Digest::of_bytes(&bytes), Digest::of_bytes(&text));
        let _ = write!(
            index,
            "<data type=\"{kind}\"><checksum type=\"sha256\">{packed}</checksum><open-checksum type=\"sha256\">{open}</open-checksum>\
             <location href=\"repodata/{kind}.xml.gz\"/><timestamp>1</timestamp><size>{}</size><open-size>{}</open-size></data>",
            bytes.len(),
            text.len()
        );
        fs::write(&path, bytes).map_err(BenchError::io("write", &path))?;
    }
    let path = data.join("repomd.xml");
    fs::write(&path, index + "</repomd>").map_err(BenchError::io("write", &path))
}

/// Libraries that a package requires, fewer at lower levels: with all their dependencies they are some dozens, as for real programs.
fn required(number: usize) -> impl Iterator<Item = usize> {
    let library = number / LIBRARY_OF;
    [2, 3, 5, 11].into_iter().map(move |part| library / part).filter(move |needed| *needed < library).map(|library| library * LIBRARY_OF)
}

fn primary(size: usize) -> String {
    let mut xml = format!(
        "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{size}\">\n"
    );
    for number in 0..size {
        let (name, digest) = (name(number), Digest::of_bytes(number.to_string()));
        let _ = write!(
            xml,
            "<package type=\"rpm\"><name>{name}</name><arch>x86_64</arch><version epoch=\"0\" ver=\"1.{number}\" rel=\"1\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{digest}</checksum><summary>Made-up package {number}</summary>\
             <description>One of {size} packages that nobody made.</description><url>https://example.invalid/{name}</url>\
             <time file=\"1\" build=\"1\"/><size package=\"{}\" installed=\"{}\" archive=\"0\"/>\
             <location href=\"Packages/{name}-1.{number}-1.x86_64.rpm\"/><format><rpm:license>MIT</rpm:license>\
             <rpm:sourcerpm>{name}-1.{number}-1.src.rpm</rpm:sourcerpm><rpm:provides>\
             <rpm:entry name=\"{name}\" flags=\"EQ\" epoch=\"0\" ver=\"1.{number}\" rel=\"1\"/>\
             <rpm:entry name=\"{name}.so.1()(64bit)\"/></rpm:provides><rpm:requires>",
            1000 + number,
            2000 + number
        );
        for library in required(number) {
            let _ = write!(xml, "<rpm:entry name=\"lib-{library:05}.so.1()(64bit)\"/>");
        }
        let _ = writeln!(xml, "</rpm:requires><file>/usr/bin/{name}</file></format></package>");
    }
    xml + "</metadata>\n"
}

fn filelists(size: usize) -> String {
    let mut xml = format!("<filelists xmlns=\"http://linux.duke.edu/metadata/filelists\" packages=\"{size}\">\n");
    for number in 0..size {
        let (name, digest) = (name(number), Digest::of_bytes(number.to_string()));
        let _ =
            write!(xml, "<package pkgid=\"{digest}\" name=\"{name}\" arch=\"x86_64\"><version epoch=\"0\" ver=\"1.{number}\" rel=\"1\"/>");
        let _ = write!(xml, "<file>/usr/bin/{name}</file>");
        for file in 0..12 {
            let _ = write!(xml, "<file>/usr/share/{name}/part-{file}</file>");
        }
        xml.push_str("</package>\n");
    }
    xml + "</filelists>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_on_earlier_libraries() {
        for number in 0..20_000 {
            assert!(required(number).all(|library| library < number && library % LIBRARY_OF == 0), "{number}");
        }
        assert_eq!(required(20_000 - 1).count(), 4);
        let (mut all, mut left) = (std::collections::BTreeSet::new(), vec![20_000 - 1]);
        while let Some(number) = left.pop() {
            left.extend(required(number).filter(|library| all.insert(*library)));
        }
        assert!((20..200).contains(&all.len()), "{}", all.len());
        assert_eq!(name(20), "lib-00020");
    }
}
