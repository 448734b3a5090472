//! The words of the command line.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ColorChoice, Parser, Subcommand};

use crate::command;
use runtime::sandbox::Isolation;
use sdk::apt::ClientChoice;

/// Builds Kaon: package specs to packages, packages to bootable images.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 mistakes in specs or images, 4 the host lacks something, 130 interrupted."
)]
pub struct Arguments {
    /// Options of all commands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of all commands.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Print JSON: events one a line, then the result as one document
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results, warnings and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colours and moving progress: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto, hide_default_value = true, hide_possible_values = true)]
    pub color: ColorChoice,
    /// Where everything is kept [default: ~/.cache/kaon]
    #[arg(long, global = true, value_name = "DIR", env = "KAON_STORE", hide_env_values = true)]
    pub store: Option<PathBuf>,
    /// Signing keys [default: ~/.local/share/kaon/keys]
    #[arg(long, global = true, value_name = "DIR", env = "KAON_KEYS", hide_env_values = true)]
    pub keys: Option<PathBuf>,
    /// Isolation of builds: namespaces or chroot [env: KAON_SANDBOX]
    #[arg(
        long,
        global = true,
        value_name = "KIND",
        env = "KAON_SANDBOX",
        hide_env = true,
        default_value = "namespaces",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub sandbox: Isolation,
    /// Processors to use, at most 4096 [default: all]
    #[arg(long, short, global = true, value_name = "N", env = "KAON_JOBS", hide_env_values = true, value_parser = jobs())]
    pub jobs: Option<usize>,
    /// Refuse SDK packages other than those of `specs/sdk.lock`
    #[arg(long, global = true)]
    pub locked: bool,
    /// Debian archive [default: as apt has it]
    #[arg(long, global = true, value_name = "URL", env = "KAON_DEBIAN_MIRROR", hide_env_values = true)]
    pub debian_mirror: Option<String>,
    /// What fetches it: apt, builtin or auto
    #[arg(
        long,
        global = true,
        value_name = "CLIENT",
        env = "KAON_DEBIAN_CLIENT",
        hide_env_values = true,
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub debian_client: ClientChoice,
    /// Another place of sources; repeatable
    #[arg(long, global = true, value_name = "URL", env = "KAON_SOURCE_MIRROR", hide_env_values = true)]
    pub source_mirror: Vec<String>,
}

/// The largest number of jobs. It is far below what the pipe of make's jobserver holds: 65536 tokens (pipe(7)).
pub const MOST_JOBS: usize = 4096;

/// Reads a number of jobs; 0 stands for all processors.
fn jobs() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(0..=MOST_JOBS as u64)
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Build an image and all it needs, and write its bootable ISO
    BuildIso(command::build_iso::Options),
    /// Build an image and all it needs, and write it as a virtual machine for ESXi, vCenter, Workstation and VirtualBox
    BuildOva(command::build_ova::Options),
    /// Build an image and all it needs, and write it as disks for hypervisors and clouds, or as a container image
    BuildImage(command::build_image::Options),
    /// Show what is in an image, by size
    Inspect(command::inspect::Options),
    /// Show what differs between two images
    Diff(command::diff::Options),
    /// Start an image in the emulator
    Qemu(command::qemu::Options),
    /// Build packages, and all they build on; without a name, all packages
    Build(command::build::Options),
    /// Write packages as a signed repository for tdnf and dnf
    Repo(command::repo::Options),
    /// Fetch the sources and SDK layers that builds of packages need, and build nothing
    Fetch(command::fetch::Options),
    /// Show what is cached and what a build would do
    Plan(command::plan::Options),
    /// Say why a package is in an image, and why it is built again
    Why(command::why::Options),
    /// List all packages
    List,
    /// Show all that is known of a package
    Show(command::show::Options),
    /// Print the graph of packages in DOT
    Graph(command::graph::Options),
    /// Print the log of a package's last build
    Log(command::log::Options),
    /// Open the sandbox in which a package's build failed, or would be built
    Shell(command::shell::Options),
    /// Tell about kernels: what they hold, why, and how they differ
    Kernel(command::kernel::Options),
    /// Look after the compilers and tools builds use
    Sdk(command::sdk::Options),
    /// Say what this machine lacks, and how to mend it
    Doctor,
    /// Remove from the store what nothing needs
    Gc(command::gc::Options),
    /// Run every test
    Test(command::test::Options),
    /// Measure what this builder promises
    Bench(command::bench::Options),
    /// Print a completion script for a shell
    Completions(command::completions::Options),
}
