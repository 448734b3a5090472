//! Arguments of the command line.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ColorChoice, Parser, Subcommand};

use crate::command;
use cache::settings::MOST_JOBS_ON_WORKERS;
use runtime::sandbox::Isolation;
use sdk::apt::ClientChoice;

/// Build Kaon: packages from specs, bootable images from packages.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 success, 1 failure, 2 invalid command line, 3 errors in specs or images, 4 the host lacks something, 130 interrupted."
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
    /// Print JSON: one event per line, then the result as one document
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only results, warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Use colours and animated progress: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto, hide_default_value = true, hide_possible_values = true)]
    pub color: ColorChoice,
    /// Directory of the store [default: ~/.cache/kaon]
    #[arg(long, global = true, value_name = "DIR", env = "KAON_STORE", hide_env_values = true)]
    pub store: Option<PathBuf>,
    /// Signing keys [default: ~/.local/share/kaon/keys]
    #[arg(long, global = true, value_name = "DIR", env = "KAON_KEYS", hide_env_values = true)]
    pub keys: Option<PathBuf>,
    /// How builds are isolated: namespaces or chroot [env: KAON_SANDBOX]
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
    /// Fail if `specs/sdk.lock` would have to change
    #[arg(long, global = true)]
    pub locked: bool,
    /// Debian archive [default: apt's]
    #[arg(long, global = true, value_name = "URL", env = "KAON_DEBIAN_MIRROR", hide_env_values = true)]
    pub debian_mirror: Option<String>,
    /// Archive client: apt, builtin or auto
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
    /// Take signed results from this cache; repeatable
    #[arg(long, global = true, value_name = "CACHE", env = "KAON_CACHE", hide_env_values = true)]
    pub cache: Vec<String>,
    /// Use no cache, whatever --cache and cache.toml say
    #[arg(long, global = true, conflicts_with = "cache_only")]
    pub no_cache: bool,
    /// Fail instead of building what no cache has
    #[arg(long, global = true)]
    pub cache_only: bool,
    /// Build on the workers of this server
    #[arg(long, global = true, value_name = "URL", env = "KAON_REMOTE", hide_env_values = true)]
    pub remote: Option<String>,
    /// Builds on workers at once [default: 16]
    #[arg(long, global = true, value_name = "N", env = "KAON_REMOTE_JOBS", hide_env_values = true, value_parser = remote_jobs())]
    pub remote_jobs: Option<usize>,
    /// Build on this machine, whatever --remote and cache.toml say
    #[arg(long, global = true, conflicts_with = "remote_only")]
    pub no_remote: bool,
    /// Fail instead of building what no worker can run
    #[arg(long, global = true)]
    pub remote_only: bool,
    /// Additional source mirror; repeatable
    #[arg(long, global = true, value_name = "URL", env = "KAON_SOURCE_MIRROR", hide_env_values = true)]
    pub source_mirror: Vec<String>,
}

/// The largest number of jobs, far below the capacity of the pipe of make's jobserver: 65536 tokens (pipe(7)).
pub const MOST_JOBS: usize = 4096;

/// Reads a number of jobs; 0 means all processors.
fn jobs() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(0..=MOST_JOBS as u64)
}

/// Reads a number of builds on workers.
fn remote_jobs() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MOST_JOBS_ON_WORKERS as u64)
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Build an image and everything it needs, and write it as a bootable ISO
    BuildIso(command::build_iso::Options),
    /// Build an image and everything it needs, and write it as an OVA for ESXi, vCenter, Workstation and VirtualBox
    BuildOva(command::build_ova::Options),
    /// Build an image and everything it needs, and write it as disks for hypervisors and clouds, or as a container image
    BuildImage(command::build_image::Options),
    /// Show the contents of an image, by size
    Inspect(command::inspect::Options),
    /// Show the differences between two images
    Diff(command::diff::Options),
    /// Write the licences, licence texts and sources of an image's packages
    LegalInfo(command::legal_info::Options),
    /// Start an image in QEMU
    Qemu(command::qemu::Options),
    /// Build packages and everything they build on; without a name, all packages
    Build(command::build::Options),
    /// Write packages as a signed repository for tdnf and dnf
    Repo(command::repo::Options),
    /// Write the spec of a new package: fetch its archive, pin its digest and guess how it is built
    New(command::new::Options),
    /// Raise a spec to a new version, or to the newest in the Debian archive, with the digests of its files, and show the difference
    Bump(command::bump::Options),
    /// Compare the sources of specs with the versions in the Debian archive
    Outdated(command::outdated::Options),
    /// Fetch the sources and SDK layers that builds of packages need, without building
    Fetch(command::fetch::Options),
    /// Show what is cached and what a build would do
    Plan(command::plan::Options),
    /// Explain why a package is in an image, and why it is rebuilt
    Why(command::why::Options),
    /// List all packages
    List,
    /// Show the details of a package
    Show(command::show::Options),
    /// Print the dependency graph of packages in DOT
    Graph(command::graph::Options),
    /// Print the log of a package's last build
    Log(command::log::Options),
    /// Open the sandbox in which a package's build failed, or in which it would be built
    Shell(command::shell::Options),
    /// Inspect kernel configurations
    Kernel(command::kernel::Options),
    /// Manage the SDK: the compilers and tools that builds use
    Sdk(command::sdk::Options),
    /// Write a cache of built packages for others, check one, and trust its builder
    Cache(command::cache::Options),
    /// Check that this machine has what the builder needs
    Doctor,
    /// Remove objects from the store that nothing needs
    Gc(command::gc::Options),
    /// Run the tests
    Test(command::test::Options),
    /// Run the benchmarks
    Bench(command::bench::Options),
    /// Print a completion script for a shell
    Completions(command::completions::Options),
}
