//! `cargo xtask test`

use std::io::{self, Write as _};

use clap::Args;

use super::build_image;
use crate::cli::Context;
use crate::testing::{self, Binary, Host, Scope, Selection, Stage, StageResult, Summary};
use base::diagnostic::{ExitCode, Report};
use builder::{plan_with, project};
use image::description::Format;
use runtime::progress::Event;

/// Options of `test`.
#[derive(Args, Debug)]
pub struct Options {
    /// Run only the tests whose names, as printed by `--list`, contain one of these: `boot::`, `store::`
    filters: Vec<String>,
    /// Run only the tests that need neither the SDK nor a store
    #[arg(long)]
    quick: bool,
    /// Start the image in every possible way, not only in the selection that covers firmware, media and devices
    #[arg(long, conflicts_with = "quick")]
    all_boots: bool,
    /// Instead, build and test the project in minimal roots of distributions, as `tests/bare/run` describes
    #[arg(long, conflicts_with_all = ["quick", "all_boots", "list", "filters"])]
    bare: bool,
    /// Print the names of the tests that would run, by stage, without running them
    #[arg(long)]
    list: bool,
}

/// The image that is started, and its formats.
const IMAGE: &str = well_known::MINIMAL;
const FORMATS: [Format; 5] = [Format::Iso, Format::Pxe, Format::Raw, Format::Qcow2, Format::Ova];

/// Runs the tests, stage by stage; every stage runs to its end despite failures. Finally prints a table of all stages.
///
/// # Errors
/// When the tests do not compile, the image cannot be built, or tests failed.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    if options.bare {
        return end(context, &Summary { stages: vec![testing::run_bare(&context.root)?] });
    }
    let binaries = testing::discover(&context.root)?;
    let selection = options.select(&binaries)?;
    if options.list {
        list(context, &selection);
        return Ok(ExitCode::Done);
    }
    announce(context, &selection)?;
    let mut summary = Summary::default();
    for stage in Stage::OF_TESTS {
        let mut result = StageResult::new(stage);
        if let Some(chosen) = selection.stages.get(&stage) {
            result = match prepare(context, stage) {
                Ok(()) => testing::run_stage(stage, chosen, &mut |bytes| write(context, bytes))?,
                Err(report) => {
                    context.output.failure(report.failure());
                    StageResult { failed: vec![format!("(image {IMAGE} could not be built)")], ..StageResult::new(stage) }
                }
            };
        }
        let left_out = selection.left_out.iter().filter(|((of, _), _)| *of == stage);
        result.skipped = left_out.map(|((_, reason), count)| ((*reason).to_owned(), *count)).collect();
        if selection.has(stage) || !result.skipped.is_empty() {
            summary.stages.push(result);
        }
    }
    end(context, &summary)
}

/// Prints the table, and fails if tests failed.
fn end(context: &Context<'_>, summary: &Summary) -> Result<ExitCode, Report> {
    if context.output.is_json() {
        context.output.document(summary);
    } else {
        context.output.text(&format!("\n{summary}"));
    }
    summary.verdict()?;
    Ok(ExitCode::Done)
}

/// Builds what the tests of a stage need, if they need something built.
fn prepare(context: &Context<'_>, stage: Stage) -> Result<(), Report> {
    match stage {
        Stage::Code | Stage::Sdk | Stage::Bare => Ok(()),
        Stage::System => build_image::run(context, &build_image::Options::of(IMAGE, &FORMATS)).map(drop),
    }
}

impl Options {
    fn select<'a>(&self, binaries: &'a [Binary]) -> Result<Selection<'a>, Report> {
        let scope = match (self.quick, self.all_boots) {
            (true, _) => Scope::Quick,
            (false, true) => Scope::AllBoots,
            (false, false) => Scope::Usual,
        };
        Ok(Selection::new(binaries, &self.filters, scope, Host::this())?)
    }
}

/// Prints the harness's output: with `--json` on standard error, separate from the results.
fn write(context: &Context<'_>, bytes: &[u8]) {
    if context.output.is_json() {
        // Tests continue even if the output is closed; the exit code still shows the result.
        let _ = io::stderr().write_all(bytes);
    } else {
        context.output.file(bytes);
    }
}

fn list(context: &Context<'_>, selection: &Selection<'_>) {
    let names = |stage: &Stage| -> Vec<String> {
        let chosen = selection.stages.get(stage).into_iter().flatten();
        chosen.flat_map(|chosen| chosen.tests.iter().map(|test| chosen.binary.full_name(test))).collect()
    };
    if context.output.is_json() {
        let stages: std::collections::BTreeMap<Stage, Vec<String>> = Stage::OF_TESTS.iter().map(|stage| (*stage, names(stage))).collect();
        return context.output.document(&stages);
    }
    for stage in &Stage::OF_TESTS {
        let text: String = names(stage).iter().map(|name| format!("{stage}  {name}\n")).collect();
        context.output.text(&text);
    }
}

/// Announces before the first test what the stage `system` will build, and how long that takes: it may be an hour.
fn announce(context: &Context<'_>, selection: &Selection<'_>) -> Result<(), Report> {
    if !selection.has(Stage::System) {
        return Ok(());
    }
    let graph = context.graph()?;
    let store = context.store()?;
    let builder = context.builder(&graph, &store)?;
    let image = project::load_image(&context.root, IMAGE)?;
    let (plan, _) = plan_with(&builder, &builder::image_candidates(&builder, &image)?)?;
    let message = match plan.work() {
        0 => format!("the stage `system` starts the image `{IMAGE}`; all of its packages are built"),
        packages => {
            let minutes = plan.estimate_ms(builder.jobs).map(|ms| ms.div_ceil(60_000));
            let time = minutes.map_or_else(|| "about an hour on two processors".to_owned(), |minutes| format!("about {minutes} min"));
            format!("the stage `system` first builds {packages} packages and the image `{IMAGE}`, which takes {time}")
        }
    };
    context.reporter.event(Event::Note { message });
    Ok(())
}
