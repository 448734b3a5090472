//! The licence texts that a build collected, and where packages contain them.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::PackageError;
use super::tree::Entry;
use super::walk::walk;
use planning::spec::{SourceUsage, Spec};
use runtime::install_root::InstallRootError;

/// Where packages contain licence texts, as RPM's `%_defaultlicensedir`.
const DIRECTORY: &str = "/usr/share/licenses";

/// Licence texts by their paths in the image. All packages of a spec contain the same ones, which RPM permits of equal files, so that
/// each can be installed by itself and the texts are on the disk once.
#[derive(Debug, Default)]
pub struct LicenceTexts(BTreeMap<String, Entry>);

impl LicenceTexts {
    /// The texts in the directory `collected`, which a build of `spec` filled.
    ///
    /// # Errors
    /// When they cannot be read, or when there is none though the spec has sources and installs no text of its own.
    pub fn read(spec: &Spec, collected: &Path) -> Result<Self, PackageError> {
        let tree = match walk(collected) {
            Err(PackageError::InstallRoot(InstallRootError::Removed)) => Default::default(),
            walked => walked?,
        };
        tree.check()?;
        let texts: BTreeMap<_, _> = tree.iter().map(|(path, entry)| (format!("{DIRECTORY}/{}{path}", spec.name), entry.clone())).collect();
        let has_sources = spec.sources.iter().any(|source| !matches!(source.usage, SourceUsage::Patches { .. }));
        if texts.is_empty() && has_sources && !spec.install.values().any(|target| is_licence_text(target)) {
            return Err(PackageError::NoLicence { spec: spec.name.clone() });
        }
        Ok(Self(texts))
    }

    /// All of them, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = (String, Entry)> + '_ {
        self.0.iter().map(|(path, entry)| (path.clone(), entry.clone()))
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
        let build = Build::new(&[("usr/bin/a", "", 0o755), ("usr/lib/l", "", 0o644), ("usr/include/a.h", "", 0o644)]);
        let collected = build.path("licences");
        fs::create_dir(&collected).unwrap();
        fs::write(collected.join("COPYING"), "text").unwrap();
        let spec = spec(&format!("drop = [\"/usr/share/**\"]\n{REST}"));
        let texts = LicenceTexts::read(&spec, &collected).unwrap();
        let built = assemble(&spec, &build.path("spec"), &build.path("out"), &texts, &Available::default(), &build.path("into")).unwrap();
        let licences = |at: usize| -> Vec<String> {
            let metadata = PackageMetadata::open(&built[at].file).unwrap();
            let files = metadata.get_file_entries().unwrap();
            let marked = files.iter().filter(|file| file.flags().contains(FileFlags::LICENSE));
            marked.map(|file| file.path().display().to_string()).collect()
        };
        let expected = ["/usr/share/licenses/sample/COPYING"];
        assert_eq!((licences(0), licences(1)), (expected.map(str::to_owned).to_vec(), expected.map(str::to_owned).to_vec()));
        assert!(licences(2).is_empty(), "{:?}", built[2]);
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
