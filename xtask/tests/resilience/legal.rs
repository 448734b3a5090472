//! Legal information about an image: complete, deterministic, and sufficient to get its sources.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::damage::object;
use super::project::{LICENCE, Project, files, text};
use super::sameness::with_umask;
use base::digest::Digest;

/// What the directory about an image with the packages `app` and `lib` contains.
const EXPECTED: [&str; 12] = [
    ".kaon-legal-info",
    "README",
    "licenses/lib/COPYING",
    "manifest.csv",
    "manifest.json",
    "sources/lib/lib-1.tar",
    "specs/app/package.toml",
    "specs/lib/package.toml",
    "specs/more/package.toml",
    "specs/sdk-keyring.asc",
    "specs/sdk.lock",
    "specs/sdk.toml",
];

struct Small {
    project: Project,
    store: PathBuf,
}

impl Small {
    fn new() -> Self {
        let project = Project::new();
        fs::create_dir(project.path("images")).unwrap();
        fs::write(project.path("images/small.toml"), "summary = \"Two packages\"\npackages = [\"app\", \"lib\"]\n").unwrap();
        let store = project.store("store");
        Self { project, store }
    }

    fn run(&self, options: &[&str], mask: u32) -> Output {
        let words: Vec<&str> = ["--quiet", "legal-info", "small"].into_iter().chain(options.iter().copied()).collect();
        with_umask(&mut self.project.command(&self.store, &words), mask).output().unwrap()
    }

    fn write(&self, options: &[&str], mask: u32) {
        let output = self.run(options, mask);
        assert!(output.status.success(), "{options:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn legal_info_is_complete_and_the_same_every_time() {
    let small = Small::new();
    small.write(&[], 0o022);
    let first = small.project.path("out/kaon-small-legal-info");
    let found = files(&first);
    assert_eq!(found.keys().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), EXPECTED);
    assert_eq!(found[Path::new("licenses/lib/COPYING")], LICENCE.as_bytes());
    assert_eq!(found[Path::new("sources/lib/lib-1.tar")], fs::read(small.project.path("mirror/lib-1.tar")).unwrap());
    let manifest = text(&found[Path::new("manifest.csv")]);
    assert!(manifest.contains("\nlib,1-1.kn1,lib,MIT,lib-1.tar sha256:") && manifest.ends_with(",licenses/lib/COPYING\n"), "{manifest}");
    small.write(&["--output", "other"], 0o077);
    let second = small.project.path("other");
    assert!(files(&second) == found);
    let mode = |folder: &Path, path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode();
    for path in EXPECTED.into_iter().chain(["", "licenses/lib"]) {
        assert_eq!(mode(&first, path), mode(&second, path), "{path}");
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_source_that_is_lost_is_named_and_found_again_in_an_earlier_directory() {
    let small = Small::new();
    small.write(&["--output", "legal"], 0o022);
    let before = files(&small.project.path("legal"));
    let mirror = small.project.path("mirror/lib-1.tar");
    let digest = Digest::of_bytes(fs::read(&mirror).unwrap());
    fs::remove_file(mirror).unwrap();
    let lose = || fs::remove_file(object(&small.store, &digest.hex())).unwrap();
    lose();
    let output = small.run(&["--output", "legal"], 0o022);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: no origin has the source `lib-1.tar`:"), "{said}");
    assert!(said.contains("error: a source that the image is built from cannot be fetched\nhint: "), "{said}");
    assert!(files(&small.project.path("legal")) == before);

    small.write(&["--output", "without", "--no-sources"], 0o022);
    let without: Vec<PathBuf> = files(&small.project.path("without")).into_keys().collect();
    assert!(
        EXPECTED
            .iter()
            .filter(|path| !path.starts_with("sources/"))
            .eq(&without.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>())
    );

    small.write(&["--output", "legal", "--source-mirror", "legal/sources/lib"], 0o022);
    assert!(files(&small.project.path("legal")) == before);
}
