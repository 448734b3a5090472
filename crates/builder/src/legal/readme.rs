//! The text that explains the directory.

use super::layout::Sources;

/// The README about the image with this name; `copies` are its packages that contain copied files of the SDK.
pub fn readme(image: &str, sources: &Sources, copies: &[&str]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let (listed, rebuild) = match sources {
        Sources::Included(_) => (WITH_SOURCES, REBUILD),
        Sources::Named => (WITHOUT_SOURCES, ""),
    };
    let copies = match copies {
        [] => String::new(),
        names => format!("These packages are copies of files of Debian's packages: {}.\n", names.join(", ")),
    };
    format!(
        "Licences and sources of the Kaon image `{image}`\n\
         \n\
         This directory lists the software in the image, and what its licences ask to be handed out with it. It was written by `cargo xtask\n\
         legal-info` of Kaon {version}. It covers every package that a form of the image contains: those of its root file system, boot\n\
         loaders, the live system, and what can be installed from its medium.\n\
         \n\
         manifest.csv, manifest.json  each package with its version, licence (an SPDX expression), sources, patches and licence texts\n\
         licenses/PACKAGE/            the licence texts in the package, under the names that they have there in /usr/share/licenses/PACKAGE\n\
         {listed}\
         specs/SPEC/                  how it is built: the spec, its patches, scripts and other files\n\
         specs/sdk.*                  the compilers, tools and libraries that builds used: Debian packages with versions and digests\n\
         kernel-config/               the configuration of the kernel, where one is in the image\n\
         workspaces/SPEC/             the part of Kaon's own programs that a spec is built from\n\
         {rebuild}\
         \n\
         What is not here: files that the image's description adds, and the sources of Debian's packages in specs/sdk.lock. Programs contain\n\
         code of those where they are linked statically: their compilers' libraries, the libraries of the layer `go` where a spec of Go programs\n\
         has an `import-path`, and the C library where a spec says `static = true`.\n\
         {copies}\
         Debian has their sources under the versions named there.\n"
    )
}

const WITH_SOURCES: &str =
    "sources/SPEC/                all files the packages were built from, unchanged: archives, archives of patches, crates\n";

const WITHOUT_SOURCES: &str = "(no sources)                 they were left out; the manifest names them with their SHA-256\n";

const REBUILD: &str = "\n\
    To build a package again, on a machine that builds Kaon: take a checkout of Kaon of this version, copy `specs` and `kernel-config` over\n\
    it, and run in it, with DIR for this directory:\n\
    \n    \
    cargo xtask $(printf -- '--source-mirror %s ' DIR/sources/*) build PACKAGE\n\
    \n\
    Sources are then taken from DIR where their own addresses do not answer. Packages that are built from the same files have the same bytes;\n\
    kernel modules are signed with your own key.\n";
