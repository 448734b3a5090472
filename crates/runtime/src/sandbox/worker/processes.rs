//! The processes of the sandbox, as `/proc` shows them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// The pause between checks for killed processes.
const PAUSE: Duration = Duration::from_millis(2);

/// Bytes of private pages of all processes that descend from this one. Shared pages are left out rather than counted once per process.
pub(super) fn held_bytes() -> u64 {
    let page_bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(4096);
    let pages = |process: i32| own_pages(&fs::read_to_string(format!("/proc/{process}/statm")).ok()?);
    descendants().into_iter().filter_map(pages).sum::<u64>().saturating_mul(page_bytes)
}

/// Kills all descendants of this process, and reaps them. It must be their reaper (`PR_SET_CHILD_SUBREAPER`), and `/proc` must be that of
/// its process namespace: then none can escape by leaving its parent.
pub(super) fn end_descendants() {
    loop {
        for process in descendants() {
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return,
            Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
            Ok(_) | Err(_) => {}
        }
    }
}

/// The process numbers of all descendants according to `/proc`. They are valid in this process's namespace only if `/proc` belongs to it.
fn descendants() -> Vec<i32> {
    let Some(own) = fs::read_link("/proc/self").ok().and_then(|target| target.to_str()?.parse().ok()) else { return Vec::new() };
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    for process in numbers {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        if let Some(parent) = parent(&text) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = children.remove(&own).unwrap_or_default();
    let mut at = 0;
    while at < found.len() {
        found.extend(children.remove(&found[at]).unwrap_or_default());
        at += 1;
    }
    found
}

/// The parent's number in a line of `/proc/PID/stat` (proc_pid_stat(5)). The program's name before it may contain blanks and brackets.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(") ")?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Resident pages without the shared ones, from a line of `/proc/PID/statm`.
fn own_pages(statm: &str) -> Option<u64> {
    let mut fields = statm.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(resident.saturating_sub(shared))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[test]
    fn lines_of_proc_are_read() {
        assert_eq!(parent("12 (a) b (c)) S 7 12 12 0 -1"), Some(7));
        assert_eq!(parent(""), None);
        assert_eq!(own_pages("100 30 10 1 0 5 0"), Some(20));
    }

    /// How many generations of descendants a test process starts.
    const GENERATIONS_VARIABLE: &str = "KAON_TEST_GENERATIONS";

    fn start(generations: u32) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "sandbox::worker::processes::tests::plays_a_family"]);
        command.env(GENERATIONS_VARIABLE, generations.to_string()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    #[ignore = "is a process another test starts"]
    fn plays_a_family() {
        match std::env::var(GENERATIONS_VARIABLE).as_deref() {
            Ok("0") => std::thread::sleep(Duration::from_secs(60)),
            Ok(_) => drop(start(0).wait()),
            Err(_) => {}
        }
    }

    #[test]
    fn children_and_theirs_descend_from_this_process() {
        let mut child = start(1);
        let own = i32::try_from(child.id()).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let grandchild = loop {
            let all = descendants();
            assert!(all.contains(&own));
            let text = |process: &i32| fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            if let Some(found) = all.iter().find(|process| parent(&text(process)) == Some(own)) {
                break *found;
            }
            assert!(std::time::Instant::now() < deadline, "no process below the shell");
            std::thread::sleep(PAUSE);
        };
        kill(Pid::from_raw(grandchild), Signal::SIGKILL).unwrap();
        child.wait().unwrap();
        assert!(!descendants().contains(&own));
    }
}
