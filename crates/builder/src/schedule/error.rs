//! Why a build failed.

use std::path::PathBuf;

use base::diagnostic::{ExitCode, Failure, LARGER_FILES};
use base::name::PackageName;
use planning::action::By;
use planning::missing::Advice;
use runtime::limits::{self, MORE_PROCESSOR_TIME};

/// The phase in which installed files are packaged.
pub const PACKAGE: &str = "package";

/// The end of a failed step's output, and advice.
#[derive(Debug)]
pub struct Said {
    /// The last lines of the log.
    pub last_lines: Vec<String>,
    /// What provides the things that are missing according to the log.
    pub advice: Option<Advice>,
    /// Where the step ran.
    pub by: By,
}

/// Why one spec was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A step of its recipe failed.
    #[error("package `{spec}` failed in its {phase} phase ({end})")]
    Failed {
        /// The spec.
        spec: PackageName,
        /// The phase.
        phase: String,
        /// `exit code 2`, `signal SIGKILL`.
        end: String,
        /// The whole log.
        log: PathBuf,
        /// The end of its output.
        said: Box<Said>,
    },
    /// Its recipe succeeded, but packaging what it installed failed.
    #[error("package `{spec}` was built, but cannot be packaged")]
    Unpackaged {
        /// The spec.
        spec: PackageName,
        /// The whole log of the build.
        log: PathBuf,
        /// Why.
        source: Box<dyn Failure>,
    },
    /// Something around the build failed: a source, the SDK, the sandbox, the store.
    #[error("package `{spec}` could not be built")]
    Around {
        /// The spec.
        spec: PackageName,
        /// Why.
        source: Box<dyn Failure>,
    },
    /// The user asked to stop.
    #[error("package `{spec}` was interrupted")]
    Cancelled {
        /// The spec.
        spec: PackageName,
    },
}

impl BuildError {
    /// The spec that was not built.
    pub fn spec(&self) -> &PackageName {
        match self {
            Self::Failed { spec, .. } | Self::Unpackaged { spec, .. } | Self::Around { spec, .. } | Self::Cancelled { spec } => spec,
        }
    }

    /// An error around the build of `spec`.
    pub fn around(spec: &PackageName, source: impl Failure) -> Self {
        Self::Around { spec: spec.clone(), source: Box::new(source) }
    }
}

impl Failure for BuildError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Unpackaged { source, .. } | Self::Around { source, .. } => Some(&**source),
            Self::Failed { .. } | Self::Cancelled { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { end, .. } if end.ends_with("SIGXFSZ") => Some(LARGER_FILES.into()),
            Self::Failed { spec, log, said, .. } => {
                let advice = said.advice.as_ref().map(|advice| format!("{advice} of `specs/{spec}/package.toml`; ")).unwrap_or_default();
                let log = log.display();
                let (time, shell) = match &said.by {
                    By::Here => (time_hint(limits::processor_time_s()), "opens the sandbox where it failed"),
                    By::Remote { .. } => (String::new(), "prepares its sandbox on this machine"),
                };
                Some(format!("{advice}{time}the whole log is `{log}`; `cargo xtask shell {spec}` {shell}"))
            }
            Self::Unpackaged { .. } | Self::Around { .. } => self.inner()?.hint(),
            Self::Cancelled { .. } => Some("run the same command again: packages that are built are kept".into()),
        }
    }

    fn last_lines(&self) -> &[String] {
        match self {
            Self::Failed { said, .. } => &said.last_lines,
            Self::Unpackaged { .. } | Self::Around { .. } | Self::Cancelled { .. } => self.inner().map_or(&[], Failure::last_lines),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Cancelled { .. } => ExitCode::Interrupted,
            Self::Failed { .. } | Self::Unpackaged { .. } | Self::Around { .. } => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}

/// The hint if processes are limited to this many seconds of processor time. Which process was killed for it is unknown: make reports a
/// killed compiler as its own exit code.
fn time_hint(limit_s: Option<u64>) -> String {
    limit_s
        .map(|limit| format!("each process may use {limit} s of processor time and is killed after it, {MORE_PROCESSOR_TIME}; "))
        .unwrap_or_default()
}

/// Why a run did not produce everything that was requested. Each failure was reported when it happened; this only lists them.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.summary())]
pub struct RunError {
    /// The builds that failed, sorted by name.
    pub failures: Vec<BuildError>,
    /// Specs not tried because they build on one that failed, sorted by name.
    pub skipped: Vec<PackageName>,
    /// What was left when the user asked to stop.
    pub stop: Option<Stop>,
}

/// What was left when the user asked to stop.
#[derive(Debug, PartialEq, Eq)]
pub struct Stop {
    /// Specs whose builds were ended, sorted by name.
    pub interrupted: Vec<PackageName>,
    /// How many specs had not begun.
    pub left: usize,
}

/// How many packages are named in one line.
const NAMED: usize = 8;

impl RunError {
    fn summary(&self) -> String {
        let mut parts = Vec::new();
        let failed: Vec<&PackageName> = self.failures.iter().map(BuildError::spec).collect();
        match failed.len() {
            0 => {}
            1 => parts.push(format!("1 package failed: {}", named(&failed))),
            count => parts.push(format!("{count} packages failed: {}", named(&failed))),
        }
        if !self.skipped.is_empty() {
            let (those, were) = if self.skipped.len() == 1 { ("1 that builds", "was") } else { ("those that build", "were") };
            let on = if failed.len() == 1 { "it" } else { "them" };
            parts.push(format!("{those} on {on} {were} not tried: {}", named(&self.skipped.iter().collect::<Vec<_>>())));
        }
        if let Some(stop) = &self.stop {
            let while_building = match &stop.interrupted[..] {
                [] => String::new(),
                specs => format!(" while building {}", named(&specs.iter().collect::<Vec<_>>())),
            };
            let left = if stop.left == 0 { String::new() } else { format!(", {} not begun", stop.left) };
            parts.push(format!("interrupted{while_building}{left}"));
        }
        parts.join("; ")
    }
}

/// `a, b, c and 4 more`
fn named(specs: &[&PackageName]) -> String {
    let names: Vec<&str> = specs.iter().take(NAMED).map(|spec| spec.as_str()).collect();
    match specs.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

impl Failure for RunError {
    fn hint(&self) -> Option<String> {
        self.stop.as_ref().map(|_| "run the same command again: packages that are built are kept".into())
    }

    fn exit(&self) -> ExitCode {
        if self.stop.is_some() {
            return ExitCode::Interrupted;
        }
        self.failures.first().map_or(ExitCode::Failed, Failure::exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<PackageName> {
        (0..count).map(|number| format!("p{number}").parse().unwrap()).collect()
    }

    #[test]
    fn the_summary_names_what_failed_and_what_was_not_tried() {
        let failed = |spec: PackageName| BuildError::Cancelled { spec };
        let one = RunError { failures: names(1).into_iter().map(failed).collect(), skipped: vec![], stop: None };
        assert_eq!(one.to_string(), "1 package failed: p0");
        let many = RunError { failures: names(2).into_iter().map(failed).collect(), skipped: names(10), stop: None };
        assert_eq!(
            many.to_string(),
            "2 packages failed: p0, p1; those that build on them were not tried: p0, p1, p2, p3, p4, p5, p6, p7 and 2 more"
        );
    }

    #[test]
    fn a_limit_of_processor_time_is_named_where_there_is_one() {
        assert_eq!(time_hint(None), "");
        let hint = time_hint(Some(60));
        assert!(hint.starts_with("each process may use 60 s of processor time") && hint.contains("`ulimit -t unlimited`"), "{hint}");
    }

    #[test]
    fn an_interrupt_is_not_a_failure() {
        let stop = |interrupted, left| RunError { failures: vec![], skipped: vec![], stop: Some(Stop { interrupted, left }) };
        assert_eq!(stop(names(2), 3).to_string(), "interrupted while building p0, p1, 3 not begun");
        assert_eq!(stop(names(1), 0).to_string(), "interrupted while building p0");
        assert_eq!(stop(vec![], 3).to_string(), "interrupted, 3 not begun");
        assert_eq!(stop(vec![], 3).exit(), ExitCode::Interrupted);
    }
}
