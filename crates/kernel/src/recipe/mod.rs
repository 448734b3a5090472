//! The scripts that build a kernel, in two steps.
//!
//! [`compile()`] takes nearly all the time and contains nothing of the builder's own, so its result is the same everywhere. [`certify()`] inserts
//! the certificate of the builder's module key into the compiled kernel and links the boot image again.

mod certify;
mod compile;

pub use certify::certify;
pub use compile::compile;

use planning::recipe::Phase;

/// What the second step needs of the first, below the install root: an archive of the kernel's tree, in `src`, and of the unsigned modules
/// with their index, in `out`.
fn archive(flavour: &str) -> String {
    format!("/usr/lib/kernel-objects/{flavour}.tar")
}

/// Compiler flags for programs must not apply to the kernel, in either step.
const NO_FLAGS: &str = "unset CFLAGS CXXFLAGS LDFLAGS PKG_CONFIG_LIBDIR\n";

/// Links the boot image from `vmlinux` with the commands that Kbuild recorded.
const LINK: &str = include_str!("link.py");

fn phase(name: &'static str, script: String, cwd: &str) -> Phase {
    Phase { name, script: format!("{NO_FLAGS}{script}"), cwd: cwd.into() }
}

/// Writes `text` to `path`. No line of the texts begins with the end mark.
fn document(path: &str, text: &str) -> String {
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("cat >{path} <<'__KAON_END__'\n{text}{newline}__KAON_END__\n")
}
