//! The statement that a builder signs: which packages the build with a key produced.
//!
//! The statement contains nothing that differs between two builders with the same result: no times, no log, no machine. So the signatures
//! of several
//! builders are over the same bytes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use base::digest::Digest;
use base::name::PackageName;
use planning::action::BuiltPackage;
use planning::spec::Spec;

/// The kind of an in-toto statement (in-toto Attestation Framework, version 1).
const KIND: &str = "https://in-toto.io/Statement/v1";

/// The type of its predicate.
const PREDICATE: &str = "urn:kaon:build-result:1";

/// A build's result, as its builder signs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The key of the build.
    pub key: Digest,
    /// The spec.
    pub spec: PackageName,
    /// Its packages, sorted by name.
    pub packages: Vec<SharedPackage>,
}

/// A package of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedPackage {
    /// The package.
    #[serde(flatten)]
    pub package: BuiltPackage,
    /// The size of its file, in bytes.
    pub size_bytes: u64,
}

/// Why a statement is not accepted although a trusted builder signed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not a statement about a result.
    #[error("it is not a statement about a build")]
    Unreadable,
    /// It is about another build.
    #[error("it is signed for another build: key {found}")]
    OtherKey {
        /// The key it names.
        found: Digest,
    },
    /// It names no packages, or packages that the spec does not have.
    #[error("it names other packages than the spec has: {}", found.join(", "))]
    OtherPackages {
        /// Their names or files.
        found: Vec<String>,
    },
    /// A package without content.
    #[error("it says that `{file}` is empty")]
    Empty {
        /// The package's file.
        file: String,
    },
}

impl Statement {
    /// The statement as it is signed: the same bytes each time.
    pub fn to_json(&self) -> Vec<u8> {
        let subject = |shared: &SharedPackage| json!({ "name": shared.package.file_name, "digest": { "sha256": shared.package.object } });
        let subjects: Vec<Value> = self.packages.iter().map(subject).collect();
        json!({ "_type": KIND, "subject": subjects, "predicateType": PREDICATE, "predicate": self }).to_string().into_bytes()
    }

    /// Reads a statement, and checks that it is about the build of `spec` with this key.
    ///
    /// # Errors
    /// When it is not.
    pub fn parse(bytes: &[u8], spec: &Spec, key: &Digest) -> Result<Self, Unfit> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| Unfit::Unreadable)?;
        if value["_type"] != KIND || value["predicateType"] != PREDICATE {
            return Err(Unfit::Unreadable);
        }
        let statement: Self = serde_json::from_value(value["predicate"].clone()).map_err(|_| Unfit::Unreadable)?;
        statement.check(spec, key).map(|()| statement)
    }

    /// The key of the build that a statement is about, whatever else it says.
    pub fn key_of(bytes: &[u8]) -> Option<Digest> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        value["predicate"]["key"].as_str()?.parse().ok()
    }

    fn check(&self, spec: &Spec, key: &Digest) -> Result<(), Unfit> {
        if self.key != *key {
            return Err(Unfit::OtherKey { found: self.key });
        }
        if self.spec != spec.name {
            return Err(Unfit::OtherPackages { found: vec![format!("those of `{}`", self.spec)] });
        }
        named_as(spec, &self.packages)
    }
}

/// Checks that packages are named as those of a spec, and are not empty.
///
/// # Errors
/// When they are not.
pub fn named_as(spec: &Spec, packages: &[SharedPackage]) -> Result<(), Unfit> {
    let mut expected: BTreeSet<(&str, String)> =
        spec.packages().map(|content| (content.name.as_str(), file_name(spec, &content.name))).collect();
    let mut found = Vec::new();
    for SharedPackage { package, size_bytes } in packages {
        if !expected.remove(&(package.name.as_str(), package.file_name.clone())) {
            found.push(package.file_name.clone());
        } else if *size_bytes == 0 {
            return Err(Unfit::Empty { file: package.file_name.clone() });
        }
    }
    // A main package without files is not built, so not all of a spec's packages must be listed, but at least one.
    if packages.is_empty() {
        found.push("none at all".to_owned());
    }
    if found.is_empty() { Ok(()) } else { Err(Unfit::OtherPackages { found }) }
}

/// The file name of a package of a spec.
pub fn file_name(spec: &Spec, package: &PackageName) -> String {
    format!("{package}-{}-{}.{}.rpm", spec.version, spec.rpm_release(), spec.arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        let text = "[package]\nversion = \"1.2\"\nrelease = 3\nsummary = \"x\"\nlicense = \"MIT\"\n[build.none]\n[subpackage.devel]\nsummary = \"y\"\nfiles = [\"/x\"]\n";
        planning::spec::parse(&"demo".parse().unwrap(), "x", text).unwrap()
    }

    fn package(name: &str) -> SharedPackage {
        let package = BuiltPackage {
            name: name.parse().unwrap(),
            file_name: file_name(&spec(), &name.parse().unwrap()),
            object: Digest::of_bytes(name),
            provides: vec![format!("{name} = 1.2-3")],
            requires: vec![],
            files: 1,
            installed_bytes: 2,
        };
        SharedPackage { package, size_bytes: 3 }
    }

    fn statement() -> Statement {
        Statement { key: Digest::of_bytes("key"), spec: spec().name, packages: vec![package("demo"), package("demo-devel")] }
    }

    fn reread(statement: &Statement) -> Result<Statement, Unfit> {
        Statement::parse(&statement.to_json(), &spec(), &Digest::of_bytes("key"))
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(reread(&statement()), Ok(statement()));
        assert_eq!(statement().to_json(), statement().to_json());
        let value: Value = serde_json::from_slice(&statement().to_json()).unwrap();
        assert_eq!(value["subject"][0]["name"], package("demo").package.file_name);
        assert_eq!(value["subject"][1]["digest"]["sha256"], Digest::of_bytes("demo-devel").hex());
    }

    #[test]
    fn statements_about_other_builds_are_refused() {
        let changed = |change: &dyn Fn(&mut Statement)| {
            let mut statement = statement();
            change(&mut statement);
            reread(&statement).map(drop)
        };
        let other = Digest::of_bytes("other");
        assert_eq!(changed(&|one| one.key = other), Err(Unfit::OtherKey { found: other }));
        for (what, change) in [
            ("another spec", Box::new(|one: &mut Statement| one.spec = "other".parse().unwrap()) as Box<dyn Fn(&mut Statement)>),
            ("none", Box::new(|one| one.packages.clear())),
            ("one too many", Box::new(|one| one.packages.push(package("demo-doc")))),
            ("one twice", Box::new(|one| one.packages.push(package("demo")))),
            ("a path", Box::new(|one| one.packages[0].package.file_name = "../demo.rpm".into())),
            ("another version", Box::new(|one| one.packages[0].package.file_name = "demo-1.3-3.x86_64.rpm".into())),
        ] {
            assert!(matches!(changed(&*change), Err(Unfit::OtherPackages { .. })), "{what}");
        }
        assert_eq!(changed(&|one| drop(one.packages.remove(0))), Ok(()), "a main package without files is none");
        assert!(matches!(changed(&|one| one.packages[0].size_bytes = 0), Err(Unfit::Empty { .. })));
        for text in ["", "{}", "[1]", "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"x\"}"] {
            assert_eq!(Statement::parse(text.as_bytes(), &spec(), &other), Err(Unfit::Unreadable), "{text}");
        }
    }
}
