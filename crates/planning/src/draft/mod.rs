//! The first version of a spec, drafted from an address and the content of its archive. The user edits it afterwards, so it is as short as
//! possible: unknown values are left to the defaults.

mod address;
mod licence;
mod system;

use std::fmt::Write as _;

use base::digest::Digest;
use base::name::PackageName;

pub use address::{VersionedAddress, homepage};
pub use licence::{FoundLicence, Licence, is_licence_file, licence, licence_of};
pub use system::{Archive, Guess, System, guess, is_read, top_of};

/// The content of a drafted spec.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The spec's name.
    pub name: &'a PackageName,
    /// Upstream's version, in RPM's notation.
    pub version: &'a str,
    /// One line about the package.
    pub summary: &'a str,
    /// SPDX expression.
    pub license: &'a str,
    /// Upstream's page.
    pub homepage: Option<&'a str>,
    /// The source's address, with `{version}` where the version is.
    pub url: &'a str,
    /// The digest of the file there.
    pub sha256: Digest,
    /// How it is built.
    pub guess: &'a Guess,
}

/// The text of the drafted `package.toml`.
pub fn draft(draft: &Draft<'_>) -> String {
    let Guess { system, strip, subdir, is_library } = draft.guess;
    let mut text = String::new();
    table(&mut text, "[package]", &package(draft, system, *is_library));
    let mut source = vec![("url", quoted(draft.url)), ("sha256", quoted(&draft.sha256.hex()))];
    if *strip != 1 {
        source.push(("strip", strip.to_string()));
    }
    table(&mut text, "\n[[source]]", &source);
    let mut build = build(system, *is_library);
    if !subdir.is_empty() {
        build.push(("subdir", quoted(subdir)));
    }
    table(&mut text, &format!("\n[build.{}]", system.name()), &build);
    if *is_library {
        let devel = [
            ("summary", quoted(&format!("Headers and link files of {}", draft.name))),
            ("files", list(["/usr/include/**", "/usr/lib/*.so", "/usr/lib/pkgconfig/**"])),
        ];
        table(&mut text, "\n[subpackage.devel]", &devel);
    }
    text
}

fn package(draft: &Draft<'_>, system: &System, is_library: bool) -> Vec<(&'static str, String)> {
    let mut keys = vec![
        ("version", quoted(draft.version)),
        ("release", "1".to_owned()),
        ("summary", quoted(draft.summary)),
        ("license", quoted(draft.license)),
    ];
    keys.extend(draft.homepage.map(|homepage| ("homepage", quoted(homepage))));
    keys.extend(system.layer().map(|layer| ("sdk", list([layer]))));
    if is_library {
        keys.push(("drop", list(["/usr/lib/*.a"])));
    }
    keys
}

fn build(system: &System, is_library: bool) -> Vec<(&'static str, String)> {
    match system {
        System::Autotools { is_generated: true, .. } if is_library => vec![("configure", list(["--disable-static"]))],
        // CMake builds static libraries by default.
        System::Cmake if is_library => vec![("options", list(["-DBUILD_SHARED_LIBS=ON"]))],
        // A handwritten configure script rejects options that autoconf's accepts.
        System::Autotools { is_generated: false, .. } => {
            vec![("defaults", "false".to_owned()), ("configure", list(["--prefix=/usr", "--libdir=/usr/lib"]))]
        }
        System::Bootstrap => vec![("prepare", quoted("autoreconf -fi"))],
        System::Go { import_path, programs } => {
            let programs: Vec<String> = programs.iter().map(|(name, path)| format!("{} = {}", quoted(name), quoted(path))).collect();
            let place = import_path.as_ref().map(|path| ("import-path", quoted(path)));
            place.into_iter().chain([("programs", format!("{{ {} }}", programs.join(", ")))]).collect()
        }
        System::Cargo { programs } => vec![("programs", list(programs))],
        System::Autotools { .. } | System::Meson | System::Cmake | System::Make => Vec::new(),
    }
}

/// A table with aligned values.
fn table(text: &mut String, header: &str, keys: &[(&'static str, String)]) {
    let width = keys.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let _ = writeln!(text, "{header}");
    for (key, value) in keys {
        let _ = writeln!(text, "{key:width$} = {value}");
    }
}

fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    format!("[{}]", items.into_iter().map(|item| quoted(item.as_ref())).collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{BuildSystem, parse};

    fn drafted(guess: &Guess) -> String {
        draft(&Draft {
            name: &"demo".parse().unwrap(),
            version: "1.2",
            summary: "A \"demo\"\u{1b}\\",
            license: "MIT",
            homepage: Some("https://demo.test/"),
            url: "https://demo.test/demo-{version}.tar.gz",
            sha256: Digest::of_bytes("demo"),
            guess,
        })
    }

    fn of(system: System) -> Guess {
        Guess { system, strip: 1, subdir: String::new(), is_library: false }
    }

    #[test]
    fn a_draft_of_every_system_is_a_valid_spec() {
        let go = |import_path: Option<&str>| System::Go {
            import_path: import_path.map(str::to_owned),
            programs: [("x".to_owned(), "./cmd/x".to_owned())].into(),
        };
        for system in [
            System::Autotools { is_generated: true },
            System::Autotools { is_generated: false },
            System::Bootstrap,
            System::Meson,
            System::Cmake,
            System::Make,
            System::Cargo { programs: vec!["x".into()] },
            go(Some("demo.test/x")),
            go(None),
        ] {
            for guess in [of(system.clone()), Guess { strip: 0, subdir: "a/b".into(), is_library: true, ..of(system.clone()) }] {
                let text = drafted(&guess);
                let spec = parse(&"demo".parse().unwrap(), "x", &text).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"));
                assert_eq!((&*spec.version, spec.release, &*spec.main.summary), ("1.2", 1, "A \"demo\"\u{1b}\\"));
                assert_eq!((spec.build.subdir == "a/b", spec.subpackages.len()), (guess.is_library, usize::from(guess.is_library)));
            }
        }
    }

    #[test]
    fn the_text_is_the_one_a_person_would_write() {
        let guess = Guess { is_library: true, ..of(System::Autotools { is_generated: false }) };
        let text = drafted(&guess).replace("\"A \\\"demo\\\"\\u001b\\\\\"", "\"A demo\"");
        let expected = format!(
            r#"[package]
version  = "1.2"
release  = 1
summary  = "A demo"
license  = "MIT"
homepage = "https://demo.test/"
drop     = ["/usr/lib/*.a"]

[[source]]
url    = "https://demo.test/demo-{{version}}.tar.gz"
sha256 = "{}"

[build.autotools]
defaults  = false
configure = ["--prefix=/usr", "--libdir=/usr/lib"]

[subpackage.devel]
summary = "Headers and link files of demo"
files   = ["/usr/include/**", "/usr/lib/*.so", "/usr/lib/pkgconfig/**"]
"#,
            Digest::of_bytes("demo")
        );
        assert_eq!(text, expected);
        let spec = parse(&"demo".parse().unwrap(), "x", &text).unwrap();
        assert!(matches!(spec.build.system, BuildSystem::Autotools { defaults: false, .. }));
    }
}
