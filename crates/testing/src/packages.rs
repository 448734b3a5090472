//! Small signed packages for tests.

pub mod repository;

use std::path::{Path, PathBuf};

use rpm::signature::pgp::Signer;
use rpm::{BuildConfig, CompressionWithLevel, FileOptions, PackageBuilder};
use rpm_engine::keyring::Keyring;
use rpm_engine::rpmfile::{RpmFile, Verified};

pub const TIME: u32 = 1_767_225_600;

pub const KEY: &str = include_str!("../data/test.pub.asc");
pub const OTHER_KEY: &str = include_str!("../data/other.pub.asc");

pub fn keys() -> Keyring {
    Keyring::from_armoured([KEY]).unwrap()
}

pub fn builder(name: &str) -> PackageBuilder {
    versioned(name, "1.0")
}

pub fn versioned(name: &str, version: &str) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, version, "MIT", "noarch", "a package for tests");
    builder.using_config(BuildConfig::v4().compression(CompressionWithLevel::Zstd(3)).source_date(TIME)).release("1");
    builder
}

pub fn signer() -> Signer {
    Signer::from_asc_bytes(include_bytes!("../data/test.sec.asc")).unwrap()
}

/// Signs the package that `fill` builds, and writes it to `folder`.
pub fn write(folder: &Path, name: &str, fill: impl FnOnce(&mut PackageBuilder)) -> PathBuf {
    let mut builder = builder(name);
    fill(&mut builder);
    let path = folder.join(format!("{name}.rpm"));
    builder.build_and_sign(signer()).unwrap().write_file(&path).unwrap();
    path
}

/// A package with this version, verified for a transaction.
pub fn verified(folder: &Path, name: &str, version: &str, fill: impl FnOnce(&mut PackageBuilder)) -> Verified {
    let mut builder = versioned(name, version);
    fill(&mut builder);
    let path = folder.join(format!("{name}-{version}.rpm"));
    let _ = std::fs::remove_file(&path);
    builder.build_and_sign(signer()).unwrap().write_file(&path).unwrap();
    RpmFile::open(&path).unwrap().verified(&keys()).unwrap()
}

pub fn package(folder: &Path, name: &str, fill: impl FnOnce(&mut PackageBuilder)) -> RpmFile {
    RpmFile::open(&write(folder, name, fill)).unwrap()
}

pub fn text(builder: &mut PackageBuilder, path: &str, content: &str) {
    builder.with_file_contents(content, FileOptions::new(path).permissions(0o644)).unwrap();
}
