//! A small Debian archive in a folder, signed by a key made for it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, CleartextSignedMessage, DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::Password;

use base::digest::Digest;

/// The archive's folder, its key and its keyring.
pub struct TestArchive {
    /// The folder that contains `dists`.
    pub folder: PathBuf,
    key: SignedSecretKey,
}

/// A key for signing.
pub fn key() -> SignedSecretKey {
    let mut builder = SecretKeyParamsBuilder::default();
    builder.key_type(KeyType::Ed25519Legacy).can_sign(true).can_certify(true).primary_user_id("Test <test@example.invalid>".into());
    builder.build().unwrap().generate(rand::rngs::OsRng).unwrap()
}

/// An index of packages, each `NAME VERSION | further lines`.
pub fn packages(entries: &[(&str, &str, &str)]) -> String {
    let mut text = String::new();
    for (name, version, more) in entries {
        let (hash, more) = (Digest::of_bytes(name), if more.is_empty() { String::new() } else { format!("{more}\n") });
        let _ = write!(
            text,
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Test <test@example.invalid>\nPriority: optional\n{more}\
             Filename: pool/main/{name}_{version}_amd64.deb\nSize: 1\nSHA256: {hash}\nDescription: a test\n\n"
        );
    }
    text
}

impl TestArchive {
    /// An archive in `folder` without suites.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let key = key();
        let public = key.to_public_key().to_armored_string(ArmorOptions::default()).unwrap();
        fs::write(folder.join("keyring.asc"), public).unwrap();
        Self { folder: folder.to_owned(), key }
    }

    /// The file with the archive's key.
    pub fn keyring(&self) -> PathBuf {
        self.folder.join("keyring.asc")
    }

    /// The path of a file of a suite.
    pub fn file(&self, suite: &str, path: &str) -> PathBuf {
        self.folder.join("dists").join(suite).join(path)
    }

    /// Adds a suite whose `Release` file has the lines `fields` as well, with an index of binary packages.
    pub fn add(&self, suite: &str, fields: &str, packages: &str) {
        self.add_indexes(suite, fields, &[("main/binary-amd64/Packages", packages)]);
    }

    /// Adds a suite with indexes compressed with gzip, also available by digest.
    pub fn add_indexes(&self, suite: &str, fields: &str, indexes: &[(&str, &str)]) {
        let mut release = format!(
            "Origin: Debian\nLabel: Debian\nSuite: {suite}\nCodename: {suite}\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n{fields}Acquire-By-Hash: yes\n\
             Architectures: amd64\nComponents: main\nDescription: a test\nSHA256:\n"
        );
        for (path, text) in indexes {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            let packed = gzip.finish().unwrap();
            let (plain, hash) = (Digest::of_bytes(text), Digest::of_bytes(&packed));
            let file = self.file(suite, &format!("{path}.gz"));
            let by_hash = file.parent().unwrap().join("by-hash/SHA256");
            fs::create_dir_all(&by_hash).unwrap();
            fs::write(&file, &packed).unwrap();
            fs::write(by_hash.join(hash.hex()), &packed).unwrap();
            let _ = write!(release, " {plain} {} {path}\n {hash} {} {path}.gz\n", text.len(), packed.len());
        }
        self.sign(suite, &release, &self.key);
    }

    /// Writes the `Release` file of a suite and its signatures by `key`.
    pub fn sign(&self, suite: &str, release: &str, key: &SignedSecretKey) {
        let clear = CleartextSignedMessage::sign(rand::rngs::OsRng, release, &key.primary_key, &Password::empty()).unwrap();
        fs::write(self.file(suite, "InRelease"), clear.to_armored_string(ArmorOptions::default()).unwrap()).unwrap();
        let detached = DetachedSignature::sign_binary_data(
            rand::rngs::OsRng,
            &key.primary_key,
            &Password::empty(),
            HashAlgorithm::Sha512,
            release.as_bytes(),
        );
        fs::write(self.file(suite, "Release"), release).unwrap();
        fs::write(self.file(suite, "Release.gpg"), detached.unwrap().to_armored_string(ArmorOptions::default()).unwrap()).unwrap();
    }
}
