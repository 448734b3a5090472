//! `cargo xtask show PKG`

mod files;

use std::fmt::Write as _;

use clap::Args;

use super::select;
use crate::cli::Context;
use base::diagnostic::{ExitCode, Report};
use base::name::Dependency;
use builder::plan_with;
use planning::action::BuiltPackage;
use planning::spec::{Content, Spec};

/// Options of `show`.
#[derive(Args, Debug)]
pub struct Options {
    /// The package
    package: String,
    /// List the files of the built package with mode, owner and size; for the name of a spec, those of all its packages
    #[arg(long)]
    files: bool,
}

/// Shows a package's spec and, if it is built, the result.
///
/// # Errors
/// Mistakes in the specs, unknown names.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let package = select::package(&graph, &options.package)?;
    let spec_name = graph.index().owner(&package).cloned().unwrap_or_else(|| package.clone());
    let store = context.store()?;
    let builder = context.builder(&graph, &store)?;
    let (_, results) = plan_with(&builder, [&spec_name])?;
    let built = results.get(&spec_name).filter(|result| builder.is_whole(result));
    if options.files {
        return files::run(context, &store, &spec_name, &package, built.map(|built| &**built));
    }
    let Some(folder) = graph.spec(&spec_name) else { return Ok(ExitCode::Failed) };
    if context.output.is_json() {
        context.output.document(&serde_json::json!({ "spec": folder.spec, "result": built }));
        return Ok(ExitCode::Done);
    }
    let spec = &folder.spec;
    let mut text = format!("{}  {}\n{}\n\nlicense     {}\n", spec.name, spec.evr(), spec.main.summary, spec.license);
    if let Some(homepage) = &spec.homepage {
        let _ = writeln!(text, "homepage    {homepage}");
    }
    line(&mut text, "builds on", &spec.build_requires);
    for content in spec.packages() {
        let _ = writeln!(text, "\npackage {}", content.name);
        let needs = needs(spec, content);
        line(&mut text, "needs", &needs);
        line(&mut text, "recommends", &content.recommends);
        if let Some(built) = built.and_then(|result| result.packages.iter().find(|built| built.name == content.name)) {
            write_built(&mut text, built, &needs);
        }
    }
    if let Some(result) = built {
        let _ = writeln!(
            text,
            "\nbuilt in {:.1} s ({:.1} s of processor time), key {}",
            result.elapsed_ms as f64 / 1e3,
            result.cpu_ms as f64 / 1e3,
            result.key.short()
        );
    } else {
        let _ = writeln!(text, "\nnot built: `cargo xtask build {}`", spec.name);
    }
    context.output.text(&text);
    Ok(ExitCode::Done)
}

fn line<T: ToString>(text: &mut String, title: &str, items: &[T]) {
    if !items.is_empty() {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "{title:11} {}", items.join(", "));
    }
}

/// What a package needs at run time according to its spec: a `devel` subpackage implicitly needs its main package.
fn needs(spec: &Spec, content: &Content) -> Vec<Dependency> {
    let is_devel = spec.subpackages.iter().any(|subpackage| subpackage.is_devel && subpackage.content.name == content.name);
    let main = is_devel.then(|| Dependency::equal(spec.main.name.as_str(), spec.evr()));
    main.into_iter().chain(content.requires.iter().cloned()).collect()
}

/// What was found in a package's files when it was built, without `needs`, which are in its spec.
fn write_built(text: &mut String, built: &BuiltPackage, needs: &[Dependency]) {
    let _ = writeln!(text, "{:11} {}, {} files, {} KiB installed", "file", built.file_name, built.files, built.installed_bytes / 1024);
    let provides: Vec<&String> = built.provides.iter().filter(|item| item.contains('(')).collect();
    line(text, "provides", &provides);
    let needs: Vec<String> = needs.iter().map(Dependency::to_string).collect();
    let requires: Vec<&String> = built.requires.iter().filter(|item| !needs.contains(item)).collect();
    line(text, "requires", &requires);
}
