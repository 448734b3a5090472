//! Which licence texts a package contains.

use std::collections::BTreeMap;

use packaging::{LICENCES, is_licence_text};
use rpm_engine::links::follow_known;
use rpm_engine::package::{FileKind, PackageFile};

/// The licence texts among the files of a package: paths below [`LICENCES`], and the path in the package whose content each has. A link
/// stands for the text it leads to; one that leads out of the package's texts has none.
pub fn texts(files: &[PackageFile]) -> BTreeMap<String, String> {
    let kinds: BTreeMap<&str, &FileKind> =
        files.iter().filter(|file| is_licence_text(&file.path) && !file.flags.ghost).map(|file| (file.path.as_str(), &file.kind)).collect();
    let target = |path: &str| match kinds.get(path) {
        Some(FileKind::Symlink { target }) => Some(target.clone()),
        Some(FileKind::Regular { .. } | FileKind::Directory) | None => None,
    };
    let text = |path: &str| {
        let place = follow_known(path, target)?;
        let is_regular = matches!(kinds.get(place.as_str()), Some(FileKind::Regular { .. }));
        is_regular.then(|| (path.trim_start_matches(LICENCES).trim_start_matches('/').to_owned(), place))
    };
    kinds.keys().filter_map(|path| text(path)).collect()
}

#[cfg(test)]
mod tests {
    use rpm_engine::package::FileFlags;

    use super::*;

    #[test]
    fn links_stand_for_the_texts_they_lead_to() {
        let file = |path: &str, kind: FileKind| PackageFile {
            path: path.into(),
            kind,
            mode: 0o644,
            user: "root".into(),
            group: "root".into(),
            mtime: 0,
            caps: None,
            flags: FileFlags::default(),
        };
        let regular = |path| file(path, FileKind::Regular { size: 1, sha256: Some("x".into()), hardlink: None });
        let link = |path, target: &str| file(path, FileKind::Symlink { target: target.into() });
        let files = [
            regular("/usr/bin/a"),
            file("/usr/share/licenses/a", FileKind::Directory),
            regular("/usr/share/licenses/a/COPYING"),
            regular("/usr/share/licenses/a/lib/COPYING.LIB"),
            link("/usr/share/licenses/a/doc/COPYING", "../COPYING"),
            link("/usr/share/licenses/a/out", "/etc/passwd"),
            link("/usr/share/licenses/a/program", "../../../bin/a"),
            link("/usr/share/licenses/a/circle", "circle"),
            regular("/usr/share/licenses-of-others"),
        ];
        let found = texts(&files);
        let expected = [
            ("a/COPYING", "/usr/share/licenses/a/COPYING"),
            ("a/doc/COPYING", "/usr/share/licenses/a/COPYING"),
            ("a/lib/COPYING.LIB", "/usr/share/licenses/a/lib/COPYING.LIB"),
        ];
        assert_eq!(found.iter().map(|(path, place)| (path.as_str(), place.as_str())).collect::<Vec<_>>(), expected);
    }
}
