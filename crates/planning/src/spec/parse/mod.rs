//! From the text of a `package.toml` to a checked [`Spec`].

mod build;
mod caps;
mod content;
mod files;
mod license;
mod source;

pub use caps::CAPABILITIES;
pub use source::is_file_address;

use super::{Arch, Spec};
use base::diagnostic::Problem;
use base::document::{Document, Spanned, Table};
use base::name::{PackageName, check_version};
use text::nearest;

/// Reads a spec. `path` is the file's path as shown to the user.
///
/// # Errors
/// All problems of the file.
pub fn parse(name: &PackageName, path: &str, text: &str) -> Result<Spec, Vec<Problem>> {
    Document::new(path, text).read_whole(|top| read(name, top))
}

/// The whole file. `None` only if a problem was reported.
fn read(name: &PackageName, top: &Table<'_>) -> Option<Spec> {
    let package = top.required_table("package");
    let version = package.as_ref().and_then(version);
    let substitution = version.as_deref().unwrap_or("0");
    let sources = source::sources(top, substitution);
    let patches = source::patches(top, substitution);
    let build = build::read(top, substitution);
    let install = files::install(top);
    let directories = files::directories(top);
    let symlinks = files::symlinks(top);
    files::check_destinations(top);
    let attributes = files::attributes(top);
    let requires = top.table("requires");
    let build_requires = requires.as_ref().map(build_requires).unwrap_or_default();
    let package = package?;
    let release = package.required_integer("release", 1..=u64::from(u32::MAX));
    let epoch = package.integer("epoch", 0..=u64::from(u32::MAX)).map_or(0, |epoch| epoch.value);
    let license = license::expression(&package);
    let homepage = package.string("homepage").map(|text| text.value);
    let arch = if package.boolean("noarch", false) { Arch::Noarch } else { Arch::X86_64 };
    let sdk = values(package.strings("sdk"));
    let toolchain = package.boolean("toolchain", false);
    let drop = files::globs(&package, "drop");
    let build_paths = files::globs(&package, "build-paths");
    let license_files = license::files(&package);
    let main = content::main(name, &package, requires.as_ref(), top);
    let subpackages = content::subpackages(name, main.as_ref(), top);
    package.finish();
    if let Some(requires) = requires {
        requires.finish();
    }
    Some(Spec {
        name: name.clone(),
        version: version?,
        release: u32::try_from(release?.value).ok()?,
        epoch: u32::try_from(epoch).ok()?,
        license: license?,
        homepage,
        arch,
        sdk,
        toolchain,
        drop,
        build_paths,
        license_files,
        sources,
        patches,
        build_requires,
        build: build?,
        install,
        directories,
        symlinks,
        attributes,
        main: main?,
        subpackages,
    })
}

/// Upstream's version.
fn version(package: &Table<'_>) -> Option<String> {
    let text = package.required_string("version")?;
    match check_version(&text.value) {
        Ok(()) => Some(text.value),
        Err(error) => {
            package.problem_with_hint(text.span, error.to_string(), version_hint(&text.value));
            None
        }
    }
}

/// The hint for a version that RPM does not accept.
fn version_hint(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.len() < text.len() && check_version(trimmed).is_ok() {
        return format!("remove the blanks around it: `version = \"{trimmed}\"`");
    }
    if let Some((epoch, version)) = trimmed.split_once(':')
        && epoch.parse::<u32>().is_ok()
        && check_version(version).is_ok()
    {
        return format!("the epoch has its own key: `epoch = {epoch}` and `version = \"{version}\"`");
    }
    "write a pre-release as `1.0~rc1`, and the revision of the package in `release`".into()
}

/// `requires.build`: names without versions, because the sandbox gets the version of the project's spec.
fn build_requires(requires: &Table<'_>) -> Vec<PackageName> {
    let mut names = Vec::new();
    for text in requires.strings("build") {
        match (text.value.parse::<PackageName>(), text.value.split(['<', '>', '=', ' ', '(']).next().map(str::parse::<PackageName>)) {
            (Ok(name), _) => names.push(name),
            (Err(_), Some(Ok(name))) => {
                let message = format!("`{}` is not a package name: `build` is a list of names without versions", text.value);
                requires.problem_with_hint(text.span, message, format!("write `{name}`: its version is that of the spec that builds it"));
            }
            (Err(error), _) => requires.problem(text.span, error.to_string()),
        }
    }
    names
}

/// The values without their spans.
fn values<T>(items: Vec<Spanned<T>>) -> Vec<T> {
    items.into_iter().map(|item| item.value).collect()
}

/// Replaces `{version}` with the version; reports any other placeholder.
fn substitute(table: &Table<'_>, text: Spanned<String>, version: &str) -> String {
    let result = text.value.replace(VERSION, version);
    if let Some(name) = placeholder(&result) {
        let hint = match nearest(&name.to_ascii_lowercase(), [VERSION]) {
            Some(version) => format!("did you mean `{version}`? it is the only placeholder"),
            None => format!("`{VERSION}` is the only placeholder"),
        };
        table.problem_with_hint(text.span, format!("unknown placeholder `{name}`"), hint);
    }
    result
}

/// Reports placeholders of make, RPM or the shell in a text that none of them reads.
fn refuse_foreign(table: &Table<'_>, text: &Spanned<String>) {
    let opening = ["${", "%{"].iter().find_map(|opening| text.value.find(opening));
    let Some(name) = opening.and_then(|at| Some(&text.value[at..=at + text.value[at..].find('}')?])) else { return };
    let hint = if name[2..].eq_ignore_ascii_case("version}") {
        "write `{version}`"
    } else {
        "`{version}` is the only placeholder; write the value itself"
    };
    table.problem_with_hint(text.span.clone(), format!("`{name}` is not replaced here"), hint);
}

/// Reports a placeholder in a text where none is allowed.
fn refuse_placeholder(table: &Table<'_>, text: &Spanned<String>) {
    if let Some(name) = placeholder(&text.value) {
        let hint = format!("`{VERSION}` is replaced in sources, patches, `subdir`, `env` and arguments; write the value itself here");
        table.problem_with_hint(text.span.clone(), format!("`{name}` is not replaced here"), hint);
    }
}

/// The only substitution.
const VERSION: &str = "{version}";

/// The first `{name}` in a text. `${…}` and `%{…}` belong to the shell or to make.
fn placeholder(text: &str) -> Option<&str> {
    let opening = text.match_indices('{').filter(|(at, _)| !text[..*at].ends_with(['$', '%', '{']));
    opening.filter_map(|(at, _)| Some(&text[at..=at + text[at..].find('}')?])).find(|name| is_word(&name[1..name.len() - 1]))
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests;
