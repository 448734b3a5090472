//! The licence texts that a build collected, and their places in packages.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::PackageError;
use super::tree::{Entry, Kind};
use super::walk::walk;
use base::digest::Digest;
use base::name::PackageName;
use planning::spec::{SourceUsage, Spec};
use runtime::install_root::InstallRootError;

/// The directory of licence texts, RPM's `%_defaultlicensedir`.
pub const DIRECTORY: &str = "/usr/share/licenses";

/// The directory below it with the texts, each named by its digest. Packages with the same text contain the same file, which RPM permits,
/// and which is stored on a disk once. Two versions of a text have different names, so packages of two releases never conflict.
pub const TEXTS: &str = "by-digest";

/// How many hexadecimal digits of the digest a text's name has.
const NAME_DIGITS: usize = 16;

/// More than the size of any text, in bytes.
const LIMIT_BYTES: u64 = 1 << 30;

/// Licence texts, and links between them, by their names below a package's directory.
#[derive(Debug, Default)]
pub struct LicenceTexts(BTreeMap<String, Text>);

/// What is at a name.
#[derive(Debug)]
enum Text {
    /// A text with this digest.
    File(Digest, Entry),
    /// A link to another name.
    Link(Entry),
}

impl LicenceTexts {
    /// The texts in the directory `collected`, which a build of `spec` filled.
    ///
    /// # Errors
    /// When they cannot be read, or when there is none although the spec has sources and does not install a text itself.
    pub fn read(spec: &Spec, collected: &Path) -> Result<Self, PackageError> {
        let tree = match walk(collected) {
            Err(PackageError::InstallRoot(InstallRootError::Removed)) => Default::default(),
            walked => walked?,
        };
        tree.check()?;
        let texts = tree.iter().map(|(path, entry)| Ok((path.to_owned(), Text::of(entry)?)));
        let texts = texts.collect::<Result<BTreeMap<_, _>, PackageError>>()?;
        let has_sources = spec.sources.iter().any(|source| !matches!(source.usage, SourceUsage::Patches { .. }));
        if texts.is_empty() && has_sources && !spec.install.values().any(|target| is_licence_text(target)) {
            return Err(PackageError::NoLicence { spec: spec.name.clone() });
        }
        Ok(Self(texts))
    }

    /// The entries of `package`, by path in the image: the texts, and links to them under their original names.
    pub fn entries_of<'a>(&'a self, package: &'a PackageName) -> impl Iterator<Item = (String, Entry)> + 'a {
        self.0.iter().flat_map(move |(name, text)| {
            let path = format!("{DIRECTORY}/{package}{name}");
            match text {
                Text::Link(entry) => vec![(path, entry.clone())],
                Text::File(digest, entry) => {
                    let file = format!("{TEXTS}/{}", &digest.hex()[..NAME_DIGITS]);
                    let link = format!("{}{file}", "../".repeat(name.matches('/').count()));
                    vec![(path, Entry { kind: Kind::Link(link), mode: 0o777 }), (format!("{DIRECTORY}/{file}"), entry.clone())]
                }
            }
        })
    }
}

impl Text {
    fn of(entry: &Entry) -> Result<Self, PackageError> {
        Ok(match &entry.kind {
            Kind::File(content) => Self::File(Digest::of_bytes(content.read(LIMIT_BYTES)?), Entry { mode: 0o644, ..entry.clone() }),
            Kind::Link(_) | Kind::Directory | Kind::Ghost | Kind::Unpackageable(_) => Self::Link(entry.clone()),
        })
    }
}

/// Whether a path of the image is that of a licence text.
pub fn is_licence_text(path: &str) -> bool {
    path.strip_prefix(DIRECTORY).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rpm::{FileFlags, PackageMetadata};

    use super::super::tests::{Build, spec};
    use super::super::{Available, assemble};
    use super::*;

    const REST: &str =
        "[subpackage.libs]\nsummary = \"L\"\nfiles = [\"/usr/lib/*\"]\n[subpackage.devel]\nsummary = \"D\"\nfiles = [\"/usr/include/*\"]\n";

    #[test]
    fn packages_that_can_be_alone_contain_the_texts() {
        let build =
            Build::new(&[("usr/bin/a", "", 0o755), ("usr/lib/l", "", 0o644), ("usr/include/a.h", "", 0o644), ("usr/share/a", "", 0o644)]);
        let collected = build.path("licences");
        fs::create_dir_all(collected.join("LICENSES")).unwrap();
        fs::write(collected.join("COPYING"), "text").unwrap();
        fs::write(collected.join("LICENSES/MIT"), "text").unwrap();
        let spec = spec(&format!("drop = [\"/usr/share/**\"]\n{REST}"));
        let texts = LicenceTexts::read(&spec, &collected).unwrap();
        let built = assemble(&spec, &build.path("spec"), &build.path("out"), &texts, &Available::default(), &build.path("into")).unwrap();
        let licences = |at: usize| -> Vec<String> {
            let metadata = PackageMetadata::open(&built[at].file).unwrap();
            let files = metadata.get_file_entries().unwrap();
            let marked = files.iter().filter(|file| file.flags().contains(FileFlags::LICENSE));
            marked.map(|file| file.path().display().to_string()).collect()
        };
        let text = "/usr/share/licenses/by-digest/982d9e3eb996f559";
        assert_eq!(licences(0), [text, "/usr/share/licenses/sample/COPYING", "/usr/share/licenses/sample/LICENSES/MIT"]);
        assert_eq!(licences(1), [text, "/usr/share/licenses/sample-libs/COPYING", "/usr/share/licenses/sample-libs/LICENSES/MIT"]);
        assert!(licences(2).is_empty(), "{:?}", built[2]);
        let metadata = PackageMetadata::open(&built[0].file).unwrap();
        let files = metadata.get_file_entries().unwrap();
        let targets: Vec<_> = files.iter().filter_map(|file| file.linkto().filter(|target| !target.is_empty())).collect();
        assert_eq!(targets, ["../by-digest/982d9e3eb996f559", "../../by-digest/982d9e3eb996f559"]);
    }

    #[test]
    fn sources_without_a_text_are_refused_unless_the_spec_has_one() {
        let build = Build::new(&[]);
        let none = build.path("licences");
        let error = LicenceTexts::read(&spec(""), &none).unwrap_err();
        assert_eq!(error.to_string(), "no licence text was found in the sources of `sample`, and its packages must contain it");
        let own = spec("[install]\n\"LICENSE\" = \"/usr/share/licenses/sample/LICENSE\"\n");
        assert!(LicenceTexts::read(&own, &none).is_ok());
        assert!(LicenceTexts::read(&spec("[build.none]"), &none).is_ok());
    }
}
