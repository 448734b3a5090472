//! The costs of building specs, recorded once and committed with them: for estimates and the build order on a machine that has not built
//! anything yet. Costs are never part of a key.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use base::diagnostic::Problems;
use base::document::{Document, Table};
use base::name::PackageName;

/// The path of the recorded costs, relative to the project's top folder.
pub const COSTS_FILE: &str = "specs/costs.toml";

/// The expected cost of one build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Wall time, in milliseconds.
    #[serde(rename = "estimate_ms")]
    pub elapsed_ms: u64,
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// Where the figures come from.
    pub basis: Basis,
}

/// Where an estimate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The spec's last build on this machine.
    LastBuild,
    /// The project's recorded costs, adapted to this machine.
    RecordedCosts,
}

/// Recorded costs of a project's specs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// The time of [`sample_work`] on the machine where the costs were recorded, in microseconds.
    pub sample_us: Option<u64>,
    /// Spec → processor time of its build, in seconds.
    pub cpu_seconds: BTreeMap<PackageName, u64>,
}

impl Costs {
    /// Reads the text of [`COSTS_FILE`].
    ///
    /// # Errors
    /// All problems of the file.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let read = |top: &Table<'_>| {
            let sample_us = top.integer("sample-us", 1..=u64::from(u32::MAX)).map(|number| number.value);
            let mut cpu_seconds = BTreeMap::new();
            if let Some(table) = top.table("cpu-seconds") {
                for entry in table.entries() {
                    let name = table.parse::<PackageName>(entry.key.clone());
                    let seconds = table.integer(&entry.key.value, 1..=u64::from(u32::MAX));
                    cpu_seconds.extend(name.zip(seconds).map(|(name, seconds)| (name.value, seconds.value)));
                }
            }
            Self { sample_us, cpu_seconds }
        };
        Document::new(COSTS_FILE, text).read(read).map_err(Problems::new)
    }

    /// The text of [`COSTS_FILE`], specs sorted by name.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Processor time of each spec's build, in seconds, for estimates and the order of a first build; it takes part in no key.\n\
             # Written by `cargo xtask plan --record-costs`.\n",
        );
        if let Some(sample_us) = self.sample_us {
            let _ = writeln!(text, "\n# What a small piece of work took on the same machine, in microseconds.\nsample-us = {sample_us}");
        }
        text.push_str("\n[cpu-seconds]\n");
        for (spec, seconds) in &self.cpu_seconds {
            let is_bare = spec.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            let _ = if is_bare { writeln!(text, "{spec} = {seconds}") } else { writeln!(text, "\"{spec}\" = {seconds}") };
        }
        text
    }

    /// Processor time of a spec's build in seconds; for one that is not recorded, the median of all; `None` if nothing is recorded.
    pub fn cpu_seconds(&self, spec: &PackageName) -> Option<u64> {
        self.cpu_seconds.get(spec).copied().or_else(|| {
            let mut all: Vec<u64> = self.cpu_seconds.values().copied().collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied()
        })
    }

    /// The estimate for a spec on a machine that takes `pace` times as long as the one where the costs were recorded, with `jobs` processors.
    pub fn estimate(&self, spec: &PackageName, pace: f64, jobs: usize) -> Option<Estimate> {
        let cpu_ms = (self.cpu_seconds(spec)? as f64 * 1000.0 * pace) as u64;
        Some(Estimate { elapsed_ms: wall_ms(cpu_ms, jobs), cpu_ms, basis: Basis::RecordedCosts })
    }
}

/// Wall time of a build. Unpacking, configuring and installing use one processor for about ten seconds; the rest runs on all.
fn wall_ms(cpu_ms: u64, jobs: usize) -> u64 {
    const ALONE_MS: u64 = 10_000;
    cpu_ms.min(ALONE_MS) + cpu_ms.saturating_sub(ALONE_MS) / jobs.max(1) as u64
}

/// A fixed piece of work of a few milliseconds that, like a compiler, mostly compares and follows pointers. Its times on two machines show
/// their relative speed. The result depends on all of the work, so that none of it is optimised away.
pub fn sample_work() -> u64 {
    let mut state: u64 = 1;
    let mut tree = BTreeMap::new();
    for number in 0..20_000_u64 {
        // The constants of Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *tree.entry(state >> 44).or_insert(0_u64) += number;
    }
    tree.iter().fold(0, |sum: u64, (key, value)| sum.rotate_left(5) ^ key.wrapping_mul(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PackageName {
        text.parse().unwrap()
    }

    fn costs() -> Costs {
        let cpu_seconds = [("c++", 3), ("a", 1), ("linux", 1841)].map(|(spec, seconds)| (name(spec), seconds)).into();
        Costs { sample_us: Some(2500), cpu_seconds }
    }

    #[test]
    fn what_is_written_is_read_again_and_sorted() {
        let text = costs().to_toml();
        assert!(text.ends_with("sample-us = 2500\n\n[cpu-seconds]\na = 1\n\"c++\" = 3\nlinux = 1841\n"), "{text}");
        assert_eq!(Costs::parse(&text).unwrap(), costs());
        assert_eq!(Costs::parse("").unwrap(), Costs::default());
    }

    #[test]
    fn mistakes_are_told() {
        for (text, expected) in [
            ("[cpu-seconds]\nzlib = 0", "`zlib` must be an integer from 1 to 4294967295"),
            ("[cpu-seconds]\nzlib = 1.5", "`zlib` must be an integer"),
            ("[cpu-second]\nzlib = 1", "unknown key `cpu-second` at the top of this file"),
            ("[cpu-seconds]\n\"a b\" = 1", "`a b` is not a package name"),
        ] {
            let problems = Costs::parse(text).unwrap_err();
            assert!(problems.iter().any(|problem| problem.message.starts_with(expected)), "{text}: {problems}");
        }
    }

    #[test]
    fn estimates_follow_the_machine() {
        let estimate = |spec: &str, pace, jobs| costs().estimate(&name(spec), pace, jobs).map(|it| (it.cpu_ms, it.elapsed_ms));
        assert_eq!(estimate("a", 1.0, 8), Some((1000, 1000)));
        assert_eq!(estimate("linux", 1.0, 2), Some((1_841_000, 10_000 + 1_831_000 / 2)));
        assert_eq!(estimate("linux", 0.5, 1), Some((920_500, 920_500)));
        assert_eq!(estimate("unheard-of", 1.0, 1), Some((3000, 3000)), "the median");
        assert_eq!(Costs::default().estimate(&name("a"), 1.0, 1), None);
    }

    #[test]
    fn the_sample_is_the_same_work_each_time() {
        assert_eq!(sample_work(), sample_work());
        assert_ne!(sample_work(), 0);
    }
}
