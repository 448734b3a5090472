//! Which licence texts a package contains.

use std::collections::BTreeMap;

use packaging::{LICENCE_TEXTS, LICENCES, is_licence_text};
use rpm_engine::links::follow_known;
use rpm_engine::package::{FileKind, PackageFile};

/// The licence texts among the files of `package`: names, each with the path of its content in the package. A name is the path below
/// [`LICENCES`], without the package's own directory there. A link counts as the text it points to, unless that is outside of the package's
/// texts. Texts named by their digests are not listed themselves: links point to them.
pub fn texts(package: &str, files: &[PackageFile]) -> BTreeMap<String, String> {
    let kinds: BTreeMap<&str, &FileKind> =
        files.iter().filter(|file| is_licence_text(&file.path) && !file.flags.ghost).map(|file| (file.path.as_str(), &file.kind)).collect();
    let target = |path: &str| match kinds.get(path) {
        Some(FileKind::Symlink { target }) => Some(target.clone()),
        Some(FileKind::Regular { .. } | FileKind::Directory) | None => None,
    };
    let is_regular = |path: &str| matches!(kinds.get(path), Some(FileKind::Regular { .. }));
    let texts = kinds.keys().filter_map(|path| {
        let name = path.strip_prefix(LICENCES)?.strip_prefix('/')?;
        let place = follow_known(path, target).filter(|place| is_regular(place))?;
        (!is_below(name, LICENCE_TEXTS)).then_some((name, place))
    });
    let texts: BTreeMap<&str, String> = texts.collect();
    let short = |name: &str| {
        let short = name.strip_prefix(package)?.strip_prefix('/')?;
        (!texts.contains_key(short)).then(|| short.to_owned())
    };
    texts.iter().map(|(name, place)| (short(name).unwrap_or_else(|| (*name).to_owned()), place.clone())).collect()
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
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
        let regular = |path| file(path, FileKind::Regular { size: 1, digest: Some("x".into()), hardlink: None });
        let link = |path, target: &str| file(path, FileKind::Symlink { target: target.into() });
        let files = [
            regular("/usr/bin/a"),
            file("/usr/share/licenses/a", FileKind::Directory),
            regular("/usr/share/licenses/by-digest/0123"),
            link("/usr/share/licenses/a/COPYING", "../by-digest/0123"),
            link("/usr/share/licenses/a/LICENSES/MIT", "../../by-digest/0123"),
            link("/usr/share/licenses/a/doc/COPYING", "../COPYING"),
            link("/usr/share/licenses/a/out", "/etc/passwd"),
            link("/usr/share/licenses/a/program", "../../../bin/a"),
            link("/usr/share/licenses/a/circle", "circle"),
            regular("/usr/share/licenses/a/own/TERMS"),
            regular("/usr/share/licenses/own/TERMS"),
            regular("/usr/share/licenses/other/COPYING.LIB"),
            regular("/usr/share/licenses-of-others"),
        ];
        let found = texts("a", &files);
        let expected = [
            ("COPYING", "by-digest/0123"),
            ("LICENSES/MIT", "by-digest/0123"),
            ("a/own/TERMS", "a/own/TERMS"),
            ("doc/COPYING", "by-digest/0123"),
            ("other/COPYING.LIB", "other/COPYING.LIB"),
            ("own/TERMS", "own/TERMS"),
        ];
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, place)| (name.as_str(), place.trim_start_matches("/usr/share/licenses/"))).collect();
        assert_eq!(found, expected);
    }
}
