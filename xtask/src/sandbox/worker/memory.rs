//! How much memory the sandbox's processes hold together.

use std::fs;

use nix::unistd::{SysconfVar, sysconf};

/// Bytes of pages that are the processes' own, summed over all but process 1. Shared pages are left out rather than counted
/// once for each process.
pub(super) fn held_bytes() -> u64 {
    let page_bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(4096);
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "1" && name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|name| own_pages(&fs::read_to_string(format!("/proc/{name}/statm")).ok()?))
        .sum::<u64>()
        .saturating_mul(page_bytes)
}

/// Resident pages without the shared ones, from a line of `/proc/PID/statm`.
fn own_pages(statm: &str) -> Option<u64> {
    let mut fields = statm.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(resident.saturating_sub(shared))
}
