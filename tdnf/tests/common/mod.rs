//! Small signed packages for tests.
#![allow(dead_code, missing_docs, reason = "each test binary takes what it needs")]

use std::path::{Path, PathBuf};

use rpm::signature::pgp::Signer;
use rpm::{BuildConfig, CompressionWithLevel, FileOptions, PackageBuilder};
use tdnf::keyring::Keyring;
use tdnf::rpmfile::RpmFile;

pub const TIME: u32 = 1_767_225_600;

pub const KEY: &str = include_str!("../data/test.pub.asc");
pub const OTHER_KEY: &str = include_str!("../data/other.pub.asc");

pub fn keys() -> Keyring {
    Keyring::from_armoured([KEY]).unwrap()
}

pub fn builder(name: &str) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, "1.0", "MIT", "noarch", "a package for tests");
    builder.using_config(BuildConfig::v4().compression(CompressionWithLevel::Zstd(3)).source_date(TIME)).release("1");
    builder
}

pub fn signer() -> Signer {
    Signer::from_asc_bytes(include_bytes!("../data/test.sec.asc")).unwrap()
}

/// Signs what `fill` builds and writes it into `folder`.
pub fn write(folder: &Path, name: &str, fill: impl FnOnce(&mut PackageBuilder)) -> PathBuf {
    let mut builder = builder(name);
    fill(&mut builder);
    let path = folder.join(format!("{name}.rpm"));
    builder.build_and_sign(signer()).unwrap().write_file(&path).unwrap();
    path
}

pub fn package(folder: &Path, name: &str, fill: impl FnOnce(&mut PackageBuilder)) -> RpmFile {
    RpmFile::open(&write(folder, name, fill)).unwrap()
}

pub fn text(builder: &mut PackageBuilder, path: &str, content: &str) {
    builder.with_file_contents(content, FileOptions::new(path).permissions(0o644)).unwrap();
}
