//! `cargo xtask show PKG --files`

use std::fmt::Write as _;

use rpm_engine::package::{FileKind, PackageFile};
use serde::Serialize;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Failure, Report};
use base::name::PackageName;
use planning::action::{BuildResult, BuiltPackage};
use runtime::store::Store;

/// The package is not built from its current spec.
#[derive(Debug, thiserror::Error)]
#[error("package `{package}` is not built from its current spec, so its files are not known")]
struct NotBuilt {
    package: PackageName,
    spec: PackageName,
}

impl Failure for NotBuilt {
    fn hint(&self) -> Option<String> {
        Some(format!("run `cargo xtask build {}` first", self.spec))
    }
}

/// A package and its files.
#[derive(Serialize)]
struct Listed<'a> {
    package: &'a PackageName,
    file: &'a str,
    files: Vec<Line>,
}

/// A file of a package.
#[derive(Serialize)]
struct Line {
    path: String,
    kind: &'static str,
    /// Four octal digits.
    mode: String,
    user: String,
    group: String,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caps: Option<String>,
    config: bool,
}

/// Prints the files of the package `named`; for the name of a spec, those of all its packages.
pub(super) fn run(
    context: &Context<'_>,
    store: &Store,
    spec: &PackageName,
    named: &PackageName,
    built: Option<&BuildResult>,
) -> Result<ExitCode, Report> {
    let packages = built.map(|result| result.packages.iter().filter(|built| named == spec || built.name == *named));
    let packages: Vec<&BuiltPackage> = packages.into_iter().flatten().collect();
    if packages.is_empty() {
        return Err(NotBuilt { package: named.clone(), spec: spec.clone() }.into());
    }
    let listed = packages.into_iter().map(|package| list(store, package)).collect::<Result<Vec<_>, _>>()?;
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "spec": spec, "packages": listed }));
    } else {
        context.output.text(&table(&listed));
    }
    Ok(ExitCode::Done)
}

fn list<'a>(store: &Store, package: &'a BuiltPackage) -> Result<Listed<'a>, builder::FilesError> {
    let files = builder::files(store, package)?.into_iter().map(Line::of).collect();
    Ok(Listed { package: &package.name, file: &package.file_name, files })
}

impl Line {
    fn of(file: PackageFile) -> Self {
        let (kind, size_bytes, target) = match file.kind {
            FileKind::Directory => ("directory", 0, None),
            FileKind::Regular { .. } if file.flags.ghost => ("ghost", 0, None),
            FileKind::Regular { size, .. } => ("file", size, None),
            FileKind::Symlink { target } => ("symlink", 0, Some(target)),
        };
        let PackageFile { path, mode, user, group, caps, flags, .. } = file;
        Self { path, kind, mode: format!("{mode:04o}"), user, group, size_bytes, target, caps, config: flags.config }
    }

    /// The path, with further details.
    fn described(&self) -> String {
        let mut text = self.path.clone();
        match self.kind {
            "directory" => text.push('/'),
            "ghost" => text.push_str("  (not in the package)"),
            _ => {}
        }
        if let Some(target) = &self.target {
            let _ = write!(text, " -> {target}");
        }
        if let Some(caps) = &self.caps {
            let _ = write!(text, "  {caps}");
        }
        text
    }
}

fn table(packages: &[Listed<'_>]) -> String {
    let owner = |line: &Line| format!("{}:{}", line.user, line.group);
    let lines = || packages.iter().flat_map(|package| &package.files);
    let owner_width = lines().map(|line| owner(line).len()).max().unwrap_or(0);
    let size_width = lines().map(|line| line.size_bytes.to_string().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (number, package) in packages.iter().enumerate() {
        let _ = writeln!(text, "{}package {}", if number == 0 { "" } else { "\n" }, package.package);
        for line in &package.files {
            let _ = writeln!(text, "{}  {:owner_width$}  {:>size_width$}  {}", line.mode, owner(line), line.size_bytes, line.described());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rpm_engine::package::FileFlags;

    use super::*;

    fn file(path: &str, mode: u16, kind: FileKind) -> Line {
        let flags = FileFlags::default();
        let caps = (mode == 0o755).then(|| "cap_net_raw=ep".to_owned()).filter(|_| path.ends_with("ping"));
        Line::of(PackageFile { path: path.into(), kind, mode, user: "root".into(), group: "wheel".into(), mtime: 1, caps, flags })
    }

    #[test]
    fn each_kind_of_file_has_its_line() {
        let regular = |size| FileKind::Regular { size, digest: None, hardlink: None };
        let name: PackageName = "iputils".parse().unwrap();
        let files = vec![
            file("/etc/ping.d", 0o750, FileKind::Directory),
            file("/usr/bin/ping", 0o755, regular(12345)),
            file("/usr/bin/ping4", 0o777, FileKind::Symlink { target: "ping".into() }),
            file("/usr/bin/su", 0o4755, regular(1)),
        ];
        let text = table(&[Listed { package: &name, file: "iputils.rpm", files }]);
        assert_eq!(
            text,
            "package iputils\n\
             0750  root:wheel      0  /etc/ping.d/\n\
             0755  root:wheel  12345  /usr/bin/ping  cap_net_raw=ep\n\
             0777  root:wheel      0  /usr/bin/ping4 -> ping\n\
             4755  root:wheel      1  /usr/bin/su\n"
        );
    }
}
