//! Strips installed files.

use super::{Phase, python};
use base::glob::Glob;
use text::quote;

/// Strips symbol tables from programs, everything but dynamic symbols from libraries, and debug information from objects and archives.
/// Other files than ELF files of this machine are recognised by their first bytes, so that scripts, data and firmware are never changed.
const SCRIPT: &str = include_str!("strip.py");

/// The phase after installing. Files that a glob of `keep` matches are left unchanged.
pub fn phase(keep: &[String]) -> Phase {
    let kept = keep.iter().filter_map(|text| Glob::new(text).ok());
    let kept = kept.map(|glob| format!(" {} {}", quote(glob.text()), quote(&glob.regex()))).collect::<String>();
    Phase { name: "strip", script: python(SCRIPT, &format!("\"$DESTDIR\"{kept}")), cwd: "/build".into() }
}
