//! `cargo xtask cache verify`

use std::hash::{BuildHasher as _, RandomState};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::command::select;
use base::diagnostic::{ExitCode, Failure, Report};
use base::name::PackageName;
use builder::{Verdict, verify};

/// Options of `cache verify`.
#[derive(Args, Debug)]
pub struct Options {
    /// Packages whose results are verified, with everything they need [default: all]
    packages: Vec<String>,
    /// Build only so many of them again, picked at random
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
}

/// What was found.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error("no result of another builder is among these")]
    Nothing,
    #[error("{} of {all} results are not what a build here makes: {}", wrong.len(), names(wrong))]
    Differs { wrong: Vec<PackageName>, all: usize },
    #[error("{} of {all} results could not be built again: {}", failed.len(), names(failed))]
    Failed { failed: Vec<PackageName>, all: usize },
}

fn names(specs: &[PackageName]) -> String {
    specs.iter().map(|spec| format!("`{spec}`")).collect::<Vec<_>>().join(", ")
}

impl Failure for VerifyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Nothing => Some("name a cache with --cache; what was built here needs no verification".into()),
            Self::Differs { .. } => Some(
                "either the build is not reproducible or a builder lies; `cargo xtask cache forget NAME` drops what only that builder vouched for".into(),
            ),
            Self::Failed { .. } => None,
        }
    }
}

/// Builds results of others again and compares.
///
/// # Errors
/// Mistakes in the specs, unknown names, no results of others; a result that is not what a build here makes.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, Report> {
    let graph = context.graph()?;
    let packages = select::packages(&graph, &options.packages)?;
    let store = context.store()?;
    let mut builder = context.caching_builder(&graph, &store)?;
    let verdicts = verify(&mut builder, &packages, |shared| sample(shared, options.sample))?;
    if verdicts.is_empty() {
        return Err(VerifyError::Nothing.into());
    }
    if context.output.is_json() {
        context.output.document(&verdicts.iter().map(document).collect::<Vec<_>>());
    } else {
        context.output.text(&verdicts.iter().map(line).collect::<String>());
    }
    let with = |is_wanted: fn(&Verdict) -> bool| -> Vec<PackageName> {
        verdicts.iter().filter(|(_, verdict)| is_wanted(verdict)).map(|(spec, _)| spec.clone()).collect()
    };
    let (wrong, all) = (with(|verdict| matches!(verdict, Verdict::Differs(_))), verdicts.len());
    if !wrong.is_empty() {
        return Err(VerifyError::Differs { wrong, all }.into());
    }
    let failed = with(|verdict| matches!(verdict, Verdict::Failed(_)));
    if failed.is_empty() { Ok(ExitCode::Done) } else { Err(VerifyError::Failed { failed, all }.into()) }
}

fn sample(mut shared: Vec<PackageName>, count: Option<u32>) -> Vec<PackageName> {
    if let Some(count) = count {
        let state = RandomState::new();
        shared.sort_by_cached_key(|spec| state.hash_one(spec));
        shared.truncate(count as usize);
        shared.sort();
    }
    shared
}

fn line((spec, verdict): &(PackageName, Verdict)) -> String {
    match verdict {
        Verdict::Same => format!("{spec}: the same\n"),
        Verdict::OwnKey => format!("{spec}: not verified: its modules are signed with a key that only its builder has\n"),
        Verdict::Failed(error) => format!("{spec}: not verified: {error}\n"),
        Verdict::Differs(packages) => {
            let shown = |digest: Option<base::digest::Digest>| digest.map_or_else(|| "no such package".to_owned(), |digest| digest.hex());
            let one = |(name, (theirs, ours)): (&String, &(Option<_>, Option<_>))| {
                format!("  {name}: {} in the cache, {} here\n", shown(*theirs), shown(*ours))
            };
            format!("{spec}: different\n{}", packages.iter().map(one).collect::<String>())
        }
    }
}

fn document((spec, verdict): &(PackageName, Verdict)) -> Value {
    match verdict {
        Verdict::Same => json!({ "spec": spec, "verdict": "same" }),
        Verdict::OwnKey => json!({ "spec": spec, "verdict": "own-key" }),
        Verdict::Failed(error) => json!({ "spec": spec, "verdict": "failed", "message": error.to_string() }),
        Verdict::Differs(packages) => {
            let one = |(name, (theirs, ours)): (&String, &(Option<base::digest::Digest>, Option<base::digest::Digest>))| json!({ "file": name, "cache": theirs, "here": ours });
            json!({ "spec": spec, "verdict": "different", "packages": packages.iter().map(one).collect::<Vec<_>>() })
        }
    }
}
