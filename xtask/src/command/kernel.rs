//! `cargo xtask kernel …`

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::Context;
use base::diagnostic::{ExitCode, Problems, Report};
use kernel::check::check;
use kernel::diff::diff;
use kernel::kconfig::{Kconfig, Resolved};
use kernel::symbol::Symbol;
use kernel::why::why;
use kernel::{Description, Kernel, KernelError};
use planning::graph::Graph;
use planning::project::SpecFolder;
use planning::spec::KernelStep;

/// Options of `kernel`.
#[derive(Args, Debug)]
pub struct Options {
    /// What to do
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Check that every requested option takes effect, and that every contract is met
    Check {
        /// Flavours [default: all]
        flavours: Vec<String>,
    },
    /// Explain the value of an option
    Why {
        /// The option, with or without `CONFIG_`
        symbol: Symbol,
        /// The flavour
        #[arg(long, default_value = "esx")]
        flavour: String,
    },
    /// Show the options that differ between two flavours, and the fragments that set them
    Diff {
        /// The first flavour
        left: String,
        /// The second flavour
        right: String,
    },
    /// Print the merged fragments of a flavour
    Config {
        /// The flavour
        flavour: String,
    },
}

/// Inspects kernel configurations without building kernels.
///
/// # Errors
/// Mistakes in the descriptions, options that do not take effect, contracts that are not met.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let description = Description::load(&context.root)?;
    match &options.action {
        Action::Config { flavour } => {
            let merged = &description.kernel(flavour)?.merged;
            if context.output.is_json() {
                let options = merged.wishes().map(|(symbol, value)| (symbol.to_string(), value.to_string()));
                context.output.document(&options.collect::<BTreeMap<_, _>>());
            } else {
                context.output.text(&merged.to_config());
            }
        }
        Action::Check { flavours } => {
            let all = || description.flavours.keys().cloned().collect();
            let names: Vec<String> = if flavours.is_empty() { all() } else { flavours.clone() };
            check_all(context, &description, &names)?;
        }
        Action::Why { symbol, flavour } => {
            let kernel = description.kernel(flavour)?;
            let kconfig = options_of(context, flavour)?;
            let resolved = resolve(&kernel, &kconfig);
            let told = why(&kernel, &kconfig, &resolved, symbol)?;
            if context.output.is_json() { context.output.document(&told) } else { context.output.text(&told.to_string()) }
        }
        Action::Diff { left, right } => {
            let (first, second) = (description.kernel(left)?, description.kernel(right)?);
            let (one, other) = (options_of(context, left)?, options_of(context, right)?);
            let (before, after) = (resolve(&first, &one).config(), resolve(&second, &other).config());
            let told = diff((&first, &before), (&second, &after));
            if context.output.is_json() { context.output.document(&told) } else { context.output.text(&told.to_string()) }
        }
    }
    Ok(ExitCode::Done)
}

fn check_all(context: &Context<'_>, description: &Description, names: &[String]) -> Result<(), Report> {
    let mut problems = Vec::new();
    let mut checked = Vec::new();
    for name in names {
        let kernel = description.kernel(name)?;
        let kconfig = options_of(context, name)?;
        let resolved = resolve(&kernel, &kconfig);
        let config = resolved.config();
        problems.extend(check(&kernel, &config, Some(&resolved)));
        let promises: usize = kernel.contracts.iter().map(|contract| contract.assertions.len()).sum();
        let asked = kernel.merged.winners().count();
        checked.push(Checked { flavour: name.clone(), asked, promises, set: config.iter().count() });
    }
    Problems::none_or(problems, ())?;
    if context.output.is_json() {
        context.output.document(&checked);
    } else {
        let line = |Checked { flavour, asked, promises, set }: &Checked| {
            format!("{flavour}: {asked} options requested, {promises} required by contracts, {set} set in total\n")
        };
        context.output.text(&checked.iter().map(line).collect::<String>());
    }
    Ok(())
}

/// A flavour that meets all its contracts, with numbers of options.
#[derive(Serialize)]
struct Checked {
    flavour: String,
    asked: usize,
    promises: usize,
    set: usize,
}

fn resolve<'a>(kernel: &'a Kernel<'a>, kconfig: &'a Kconfig) -> Resolved<'a> {
    Resolved::new(kconfig, kernel.merged.wishes())
}

/// The options of the kernel that the spec of this flavour compiles; of any kernel if no spec compiles this one.
fn options_of(context: &Context<'_>, flavour: &str) -> Result<Kconfig, Report> {
    let graph = context.graph()?;
    let store = context.store()?;
    let folder = spec_of(&graph, flavour).ok_or(KernelError::NoSources)?;
    let mut builder = context.builder(&graph, &store)?;
    Ok(builder::kconfig(&mut builder, folder)?)
}

fn spec_of<'a>(graph: &'a Graph, flavour: &str) -> Option<&'a SpecFolder> {
    let kernels: BTreeMap<&str, &SpecFolder> =
        graph.specs().filter_map(|(_, folder)| Some((folder.spec.build.system.flavour_for(KernelStep::Compile)?, folder))).collect();
    kernels.get(flavour).or_else(|| kernels.values().next()).copied()
}
