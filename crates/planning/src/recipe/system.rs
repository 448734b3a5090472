//! The phases of each build system.

use std::collections::BTreeMap;

use super::{Phase, SOURCE_TREE, argument, arguments, python};
use crate::spec::{BuildSystem, Spec};
use text::quote;

const AUTOTOOLS_DEFAULTS: [&str; 8] = [
    "--prefix=/usr",
    "--bindir=/usr/bin",
    "--sbindir=/usr/bin",
    "--libdir=/usr/lib",
    "--libexecdir=/usr/lib",
    "--sysconfdir=/etc",
    "--localstatedir=/var",
    "--build=x86_64-linux-gnu",
];
const MESON_DEFAULTS: [&str; 11] = [
    "--prefix=/usr",
    "--bindir=bin",
    "--sbindir=bin",
    "--libdir=lib",
    "--libexecdir=lib",
    "--sysconfdir=/etc",
    "--localstatedir=/var",
    "--buildtype=plain",
    "--wrap-mode=nodownload",
    "--auto-features=disabled",
    "-Db_lto=false",
];
const CMAKE_DEFAULTS: [&str; 9] = [
    "-DCMAKE_INSTALL_PREFIX=/usr",
    "-DCMAKE_INSTALL_BINDIR=bin",
    "-DCMAKE_INSTALL_SBINDIR=bin",
    "-DCMAKE_INSTALL_LIBDIR=lib",
    "-DCMAKE_INSTALL_LIBEXECDIR=lib",
    "-DCMAKE_INSTALL_SYSCONFDIR=/etc",
    "-DCMAKE_BUILD_TYPE=None",
    "-DCMAKE_SKIP_INSTALL_RPATH=ON",
    "-DCMAKE_POLICY_VERSION_MINIMUM=3.5",
];

/// The install prefix of make, in the two spellings that makefiles use (GNU Coding Standards, 7.2.5).
const MAKE_DEFAULTS: [&str; 2] = ["PREFIX=/usr", "prefix=/usr"];

/// The GOPATH for a tree with an import path; the SDK's Go libraries are in a separate one.
pub const GOPATH: &str = "/build/go";

/// Builds the programs as their `go.mod` requires, and reports what cannot be built.
const GO: &str = include_str!("go.py");

/// Variables a build system needs beyond the common ones.
pub fn environment(system: &BuildSystem) -> BTreeMap<String, String> {
    let pairs: Vec<(&str, &str)> = match system {
        // By default, `configure` prefers bash, which then also runs make's commands and libtool. The smaller shell forks faster, and make
        // runs simple commands without a shell if its shell is this one (GNU make manual, 5.3.2).
        BuildSystem::Autotools { .. } => vec![("CONFIG_SHELL", "/bin/sh")],
        BuildSystem::Go { import_path, cgo, .. } => vec![
            ("GO111MODULE", if import_path.is_some() { "off" } else { "on" }),
            ("GOPROXY", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOFLAGS", "-trimpath -buildvcs=false"),
            ("GOPATH", "/build/go:/usr/share/gocode"),
            ("GOCACHE", "/build/go-cache"),
            ("CGO_ENABLED", if *cgo { "1" } else { "0" }),
            // Compilers end before garbage collection pays off; with the memory limit, a process that grows large still collects.
            ("GOGC", "off"),
            ("GOMEMLIMIT", "1GiB"),
        ],
        BuildSystem::Cargo { is_static, .. } => vec![
            ("CARGO_HOME", "/build/cargo"),
            ("CARGO_TARGET_DIR", "/build/target"),
            (
                "RUSTFLAGS",
                if *is_static { "-C target-feature=+crt-static --remap-path-prefix=/build=." } else { "--remap-path-prefix=/build=." },
            ),
        ],
        BuildSystem::Meson { .. }
        | BuildSystem::Cmake { .. }
        | BuildSystem::Make { .. }
        | BuildSystem::Kernel { .. }
        | BuildSystem::KernelObjects { .. }
        | BuildSystem::Script { .. }
        | BuildSystem::None => Vec::new(),
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Configure, build and install.
pub fn phases(spec: &Spec, tree: &str) -> Vec<Phase> {
    let phase = |name, script: String| Phase { name, script, cwd: tree.to_owned() };
    match &spec.build.system {
        BuildSystem::Autotools { configure, make, install, out_of_tree, defaults } => {
            let directory = if *out_of_tree { "/build/obj" } else { tree };
            let program = if *out_of_tree { format!("{tree}/configure") } else { "./configure".into() };
            let given = if *defaults { arguments(AUTOTOOLS_DEFAULTS) } else { String::new() };
            vec![
                phase("configure", format!("mkdir -p {directory}\ncd {directory}\n{program} {given} {}", arguments(configure))),
                phase("build", format!("cd {directory}\nmake {}", arguments(make))),
                phase("install", format!("cd {directory}\nmake install DESTDIR=\"$DESTDIR\" {}", arguments(install))),
            ]
        }
        BuildSystem::Meson { options } => vec![
            phase("configure", format!("meson setup /build/obj . {} {}", arguments(MESON_DEFAULTS), arguments(options))),
            phase("build", "ninja -C /build/obj -j \"$JOBS\"".into()),
            phase("install", "meson install -C /build/obj --no-rebuild --quiet".into()),
        ],
        BuildSystem::Cmake { options, targets } => {
            let build = targets.iter().map(|target| format!("--target {} ", quote(target))).collect::<String>();
            vec![
                phase("configure", format!("cmake -S . -B /build/obj -G Ninja {} {}", arguments(CMAKE_DEFAULTS), arguments(options))),
                phase("build", format!("cmake --build /build/obj -j \"$JOBS\" {build}")),
                phase("install", if targets.is_empty() { "cmake --install /build/obj".into() } else { ":".into() }),
            ]
        }
        BuildSystem::Make { make, install } => vec![
            phase("build", format!("make {}", make_arguments(make))),
            phase("install", format!("make install DESTDIR=\"$DESTDIR\" {}", make_arguments(install))),
        ],
        BuildSystem::Go { import_path, programs, tags, ldflags, pie, .. } => {
            let mode = if import_path.is_some() { GOPATH } else { "module" };
            let buildmode = if *pie { "pie" } else { "exe" };
            // The build id is a hash over the toolchain's inputs and useless in a package.
            let link = format!("-s -w -buildid= {ldflags}");
            let mut given = format!("{mode} {buildmode} {} {}", quote(&tags.join(" ")), argument(link.trim_end()));
            given.extend(programs.iter().map(|(name, package)| format!(" {} {}", quote(name), quote(package))));
            // In GOPATH mode, packages are not found through links.
            let enter = format!("cd -P {}", quote(if spec.build.subdir.is_empty() { "." } else { &spec.build.subdir }));
            vec![Phase { name: "build", script: format!("{enter}\n{}", python(GO, &given)), cwd: SOURCE_TREE.into() }]
        }
        BuildSystem::Cargo { programs, members, .. } => {
            let install = programs.iter().map(|name| {
                let name = quote(name);
                format!(
                    "if [ ! -f /build/target/release/{name} ]; then\n  echo \"error: cargo built no program \"{name}\n  echo 'hint: correct `programs`; a crate that sets \
                     `build.target` in its .cargo/config.toml needs a patch'\n  exit 1\nfi\ninstall -D -m 755 /build/target/release/{name} \"$DESTDIR\"/usr/bin/{name}\n"
                )
            });
            // A lock reduced to some members may still contain crates that only features of other members use; cargo removes those.
            let build = match &members[..] {
                [] => "cargo build --release --offline --locked -j \"$JOBS\"".to_owned(),
                _ => format!(
                    "cargo build --release --offline -j \"$JOBS\"{}",
                    programs.iter().map(|name| format!(" --bin {}", quote(name))).collect::<String>()
                ),
            };
            vec![phase("build", build), phase("install", install.collect())]
        }
        BuildSystem::Script { run } => vec![phase("build", run.clone())],
        BuildSystem::Kernel { .. } | BuildSystem::KernelObjects { .. } | BuildSystem::None => Vec::new(),
    }
}

/// The arguments of make, after the default prefix unless they set one.
fn make_arguments(given: &[String]) -> String {
    let sets_prefix = given.iter().any(|word| ["PREFIX=", "prefix="].iter().any(|name| word.starts_with(name)));
    let defaults: &[&str] = if sets_prefix { &[] } else { &MAKE_DEFAULTS };
    arguments(defaults.iter().copied().chain(given.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_is_told_the_prefix_unless_the_spec_does() {
        for (given, expected) in [
            (&[][..], "PREFIX=/usr prefix=/usr"),
            (&["CC=cc"], "PREFIX=/usr prefix=/usr CC=cc"),
            (&["CC=cc", "PREFIX=/opt/x"], "CC=cc PREFIX=/opt/x"),
            (&["prefix=/usr"], "prefix=/usr"),
        ] {
            let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(make_arguments(&given), expected);
        }
    }
}
