//! The number of files this process may have open at a time.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// As many as the builder ever opens. Not all that the hard limit allows, which may be a thousand million: older programs, apt among them,
/// close every number up to the limit before they start another.
const WANTED: u64 = 8192;

/// Raises the soft limit as far as the hard one allows: a sandbox opens each of its layers, and shells are often limited to 256 or 1024 files.
pub fn raise_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < WANTED.min(hard)
    {
        // A refusal leaves the limit as it was; running into it is an error of its own.
        let _: Result<(), Errno> = setrlimit(Resource::RLIMIT_NOFILE, WANTED.min(hard), hard);
    }
}

/// How many files this process may have open at a time.
pub fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft)
}
