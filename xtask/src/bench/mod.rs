//! The benchmarks: each returns figures, and each figure has a goal.

mod boot;
mod child;
mod clock;
mod cold;
mod comment;
mod compose;
mod copy;
mod debian;
mod dnf;
mod error;
mod farm;
mod figure;
mod first;
mod folder;
mod guest;
mod install;
mod kernel;
mod latency;
mod leaf;
mod peer;
mod plan;
mod size;
mod synthetic;
mod tdnf;
mod usage;
mod warm;

use std::path::{Path, PathBuf};

use builder::Builder;
use image::description::Image;

pub use error::BenchError;
pub use figure::{Figure, Goal, table};
pub use peer::COPY_ROOT;

/// The context of benchmarks.
pub struct Bench<'a> {
    /// The project's top folder.
    pub root: &'a Path,
    /// This program, for what is measured as a separate process.
    pub program: PathBuf,
    /// This machine as a builder.
    pub builder: Builder<'a>,
    /// The image that is measured.
    pub image: &'a Image,
    /// A signed repository to measure package managers with, instead of the image's own.
    pub repository: Option<PathBuf>,
    /// The directory for installed roots; the store by default.
    pub scratch: Option<PathBuf>,
    /// The number of runs; figures are medians.
    pub runs: usize,
    /// The number of builds of `farm` and `farm-client`, instead of their own.
    pub steps: Option<usize>,
}

impl Bench<'_> {
    /// The image's ISO where `build-iso` puts it.
    fn iso(&self) -> Result<PathBuf, BenchError> {
        let name = self.image.name.as_str();
        let iso = self.root.join(format!("out/kaon-{name}.iso"));
        if iso.is_file() {
            return Ok(iso);
        }
        Err(BenchError::NotBuilt { what: format!("`{}`", iso.display()), next: format!("cargo xtask build-iso {name}") })
    }
}

/// A thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Benchmark {
    /// `plan` over 10,000 made-up specs
    Plan,
    /// `build-iso` when nothing has changed
    Warm,
    /// Packages rebuilt for a changed comment in a spec
    Comment,
    /// From a changed patch of a leaf package to the new ISO; half a minute per run
    Leaf,
    /// Composing the image's root file system, compared with `dnf --installroot`
    Compose,
    /// tdnf compared with dnf: fetching metadata, planning, installing, removing; and with 20,000 packages
    Tdnf,
    /// The installer, into a directory and into a disk image
    Install,
    /// The size of the image
    Size,
    /// From the kernel's start to its first program, compared with Debian's cloud kernel; a minute per run
    Kernel,
    /// The longest wait of a real-time task under load, with the kernel `rt` and with `esx`; minutes per run
    Latency,
    /// Starting the image's ISO in the emulator, phase by phase; minutes per run
    Boot,
    /// Starting the image's disk in the emulator, compared with Debian and its Docker; minutes per run
    Debian,
    /// The first image of somebody who takes all packages from a cache, the builder's compilation included; minutes
    First,
    /// Builds that sleep, on the workers of a server on this machine: how busy they are kept; ten minutes per run
    Farm,
    /// Ten thousand builds on a server that is done with each at once: what they cost this machine; minutes per run
    FarmClient,
    /// A full build from an empty store to the ISO; takes as long as a first build
    Cold,
}

impl Benchmark {
    /// The default benchmarks: those that take a minute at most.
    pub const QUICK: [Self; 6] = [Self::Plan, Self::Warm, Self::Comment, Self::Compose, Self::Tdnf, Self::Size];

    /// Measures.
    ///
    /// # Errors
    /// When there is nothing to measure yet, or what is measured fails.
    pub fn run(self, bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
        match self {
            Self::Plan => plan::run(bench),
            Self::Warm => warm::run(bench),
            Self::Comment => comment::run(bench),
            Self::Leaf => leaf::run(bench),
            Self::Compose => compose::run(bench),
            Self::Tdnf => tdnf::run(bench),
            Self::Install => install::run(bench),
            Self::Size => size::run(bench),
            Self::Kernel => kernel::run(bench),
            Self::Latency => latency::run(bench),
            Self::Boot => boot::run(bench),
            Self::Debian => debian::run(bench),
            Self::First => first::run(bench),
            Self::Farm => farm::run(bench),
            Self::FarmClient => farm::run_client(bench),
            Self::Cold => cold::run(bench),
        }
    }
}
