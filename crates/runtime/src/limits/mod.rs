//! Resource limits of this process: open files, processes, file sizes and memory (getrlimit(2)).

mod processes;
mod threads;

use std::io;

use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::{Mode, umask};

use base::diagnostic::{ExitCode, Failure};

pub use processes::most_processes;
pub use threads::{MORE_PROCESSES, TooFewThreads, start_pool};

/// The most files that the builder ever opens. Not simply the hard limit, which may be a billion: older programs, such as apt, close every
/// number up to the limit before they start another program.
const OPEN_FILES_WANTED: u64 = 8192;

/// The address space needed for the builder's threads, for each of which the allocator reserves 64 MiB, and for packing.
pub const LEAST_MEMORY_BYTES: u64 = 2 << 30;

/// With less data than this, packing runs out of memory.
pub const LEAST_DATA_BYTES: u64 = 256 << 20;

/// Raises soft limits as far as the hard limits allow. From now on, writing beyond the hard limit of file sizes fails (`EFBIG`) instead of
/// ending the process with a signal.
pub fn raise() {
    // A sandbox opens each of its layers, and shells are often limited to 256 or 1024 files.
    raise_to(Resource::RLIMIT_NOFILE, OPEN_FILES_WANTED);
    raise_to(Resource::RLIMIT_NPROC, RLIM_INFINITY);
    raise_to(Resource::RLIMIT_FSIZE, RLIM_INFINITY);
    raise_to(Resource::RLIMIT_CPU, RLIM_INFINITY);
    // SAFETY: no handler is installed, and nothing relied on the default. The sandbox's worker restores it for the steps.
    let _: Result<SigHandler, Errno> = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}

/// Clears the owner's bits of the umask: with them the builder could not use its own files.
pub fn own_files_are_open() {
    let mask = umask(Mode::empty());
    umask(mask & (Mode::S_IRWXG | Mode::S_IRWXO));
}

fn raise_to(resource: Resource, wanted: u64) {
    if let Ok((soft, hard)) = getrlimit(resource)
        && soft < wanted.min(hard)
    {
        // If this fails, the limit stays as it was; reaching it is reported later.
        let _: Result<(), Errno> = setrlimit(resource, wanted.min(hard), hard);
    }
}

/// Whether a process could not be started because the host allows no more.
pub fn is_no_process(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EAGAIN as i32)
}

/// How many files this process may have open.
pub fn open_files() -> u64 {
    soft(Resource::RLIMIT_NOFILE)
}

/// The largest file this process may write, in bytes; `None` if there is no limit.
pub fn file_bytes() -> Option<u64> {
    Some(soft(Resource::RLIMIT_FSIZE)).filter(|bytes| *bytes != RLIM_INFINITY)
}

/// The address space this process may have, in bytes; `None` if there is no limit.
pub fn memory_bytes() -> Option<u64> {
    Some(soft(Resource::RLIMIT_AS)).filter(|bytes| *bytes != RLIM_INFINITY)
}

/// The processor time each process may use, in seconds; `None` if there is no limit. The kernel kills a process that reaches it.
pub fn processor_time_s() -> Option<u64> {
    Some(soft(Resource::RLIMIT_CPU)).filter(|seconds| *seconds != RLIM_INFINITY)
}

/// How to raise the limit of processor time.
pub const MORE_PROCESSOR_TIME: &str =
    "lift the limit: `ulimit -t unlimited` in this shell (above its hard limit as root), `LimitCPU=infinity` of a service";

fn soft(resource: Resource) -> u64 {
    getrlimit(resource).map_or(RLIM_INFINITY, |(soft, _)| soft)
}

/// This process is limited to less memory than it needs.
#[derive(Debug, thiserror::Error)]
pub enum TooLittleMemory {
    /// Too little address space (`RLIMIT_AS` in getrlimit(2)).
    #[error("this process may use only {} MiB of address space, but building needs at least {} MiB", bytes >> 20, LEAST_MEMORY_BYTES >> 20)]
    AddressSpace {
        /// The limit.
        bytes: u64,
    },
    /// Too little private memory (`RLIMIT_DATA` in getrlimit(2)).
    #[error("this process may use only {} MiB of data, but building needs at least {} MiB", bytes >> 20, LEAST_DATA_BYTES >> 20)]
    Data {
        /// The limit.
        bytes: u64,
    },
}

impl Failure for TooLittleMemory {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::AddressSpace { .. } => MORE_MEMORY.into(),
            Self::Data { .. } => "lift the limit: `ulimit -d unlimited` in this shell, `LimitDATA=infinity` of a service".into(),
        })
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Host
    }
}

/// How to raise the limit of address space.
pub const MORE_MEMORY: &str = "lift the limit: `ulimit -v unlimited` in this shell, `LimitAS=infinity` of a service";

/// Checks that there is enough memory: a failing allocation would end the process at once.
///
/// # Errors
/// When there is too little.
pub fn check_memory() -> Result<(), TooLittleMemory> {
    let data = Some(soft(Resource::RLIMIT_DATA)).filter(|bytes| *bytes < LEAST_DATA_BYTES);
    match (memory_bytes(), data) {
        (Some(bytes), _) if bytes < LEAST_MEMORY_BYTES => Err(TooLittleMemory::AddressSpace { bytes }),
        (_, Some(bytes)) => Err(TooLittleMemory::Data { bytes }),
        (Some(_) | None, None) => Ok(()),
    }
}
