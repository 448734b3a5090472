//! Hints for packaging errors that need more than a line.

use super::buildpath::{BuildPath, Place};
use super::error::{Hidden, Undeclared};
use super::obstacle::glob_of;
use super::script::{BadInterpreter, Fault};
use super::units::UnknownUnit;
use super::usrmerge::parent;
use base::name::PackageName;

/// The hint for paths of the sandbox.
pub fn build_paths(found: &[BuildPath]) -> String {
    let is_location = |one: &BuildPath| matches!(one.place, Place::Location { .. });
    let allow = |one: &BuildPath| format!("if it is harmless, allow it in the spec: build-paths = [\"{}\"]", glob_of(&one.path));
    match found.iter().find(|one| !is_location(one)) {
        Some(one) => format!("configure the build with the final path, or correct the file in `finish`; {}", allow(one)),
        None => "set the right path in the build's options (is $DESTDIR in it twice?), remove the file in `finish`, or exclude it with `drop`; create what a service needs in /run or /tmp with tmpfiles.d"
            .into(),
    }
}

/// The hint for a script that cannot be run.
pub fn interpreter(found: &BadInterpreter) -> String {
    let BadInterpreter { path, fault, .. } = found;
    let change = match fault {
        Fault::CarriageReturn => r"s/\r$//",
        Fault::ByteOrderMark
        | Fault::TooLong
        | Fault::NotText
        | Fault::Control
        | Fault::Missing
        | Fault::Template
        | Fault::Relative
        | Fault::EnvArguments
        | Fault::OddName => "1s|.*|#!/usr/bin/sh|",
    };
    let glob = glob_of(path);
    format!(
        "correct it in `finish`: `sed -i '{change}' $DESTDIR{glob}`; if it is sample data: `chmod -x $DESTDIR{glob}`, or drop = [\"{glob}\"]"
    )
}

/// The hint for unknown units; `has_units` is whether the spec's packages have any.
pub fn units(found: &[UnknownUnit], has_units: bool) -> String {
    let similar: Vec<String> = found.iter().filter_map(|one| one.similar.as_ref()).map(|name| format!("`{name}`")).collect();
    let own = if !similar.is_empty() {
        format!("did you mean {}?", similar.join(", "))
    } else if has_units {
        "the spec's units are the files in /usr/lib/systemd/system.".to_owned()
    } else {
        "the spec's packages have no units in /usr/lib/systemd/system: is the build's option for them on?".to_owned()
    };
    format!("{own} Units of other packages belong in their own specs, or in a preset file of `[install]`")
}

fn found_in_vain(spec: &PackageName, path: &str, hidden: &Hidden) -> String {
    match hidden {
        Hidden::OtherVersion(library) => {
            format!("`{path}` finds `{library}`, which does not define that version: build both with the same headers")
        }
        Hidden::Elsewhere(library) if library.starts_with("/usr/lib/") => {
            let directory = parent(library);
            format!(
                "`{path}` does not find `{library}`: link it with `-Wl,-rpath,{directory}`, or install a file /etc/ld.so.conf.d/{spec}.conf that \
                 contains the line `{directory}`"
            )
        }
        Hidden::Elsewhere(library) => format!("`{path}` does not find `{library}`: install the library into /usr/lib"),
    }
}

/// The hint for libraries that nothing declared provides.
pub fn undeclared(spec: &PackageName, missing: &[Undeclared]) -> String {
    let mut givers: Vec<String> = missing.iter().filter_map(|one| one.giver.as_ref()).map(|name| format!("\"{name}\"")).collect();
    givers.sort();
    givers.dedup();
    if let Some(one) = missing.iter().find(|one| one.needs.starts_with("pkgconfig(") && one.needs.contains(['<', '=', '>'])) {
        return format!("correct `{}` in `finish`: pkg-config wants blanks around a comparison, as in `name >= 1.0`", one.path);
    }
    if givers.is_empty() {
        let hidden = missing.iter().find_map(|one| Some((&one.path, one.hidden.as_ref()?)));
        return hidden.map_or_else(
            || "the build took it from the SDK: turn the feature off in the build's options, or add a spec for it".into(),
            |(path, hidden)| found_in_vain(spec, path, hidden),
        );
    }
    format!("add {} to `requires.build` in specs/{spec}/package.toml, or turn the feature off in the build's options", givers.join(", "))
}
