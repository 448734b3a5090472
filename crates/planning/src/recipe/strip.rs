//! Stripping what was installed.

use super::{Phase, python};
use base::glob::Glob;
use text::quote;

/// Programs lose their symbol tables, libraries all but their dynamic symbols, objects and archives their debug information.
/// Files that are not ELF files of this machine are recognised by their first bytes, so that scripts, data and firmware are never touched.
const SCRIPT: &str = include_str!("strip.py");

/// The phase after installing. Files that a glob of `keep` matches are left as they are.
pub fn phase(keep: &[String]) -> Phase {
    let kept = keep.iter().filter_map(|text| Glob::new(text).ok());
    let kept = kept.map(|glob| format!(" {} {}", quote(glob.text()), quote(&glob.regex()))).collect::<String>();
    Phase { name: "strip", script: python(SCRIPT, &format!("\"$DESTDIR\"{kept}")), cwd: "/build".into() }
}
