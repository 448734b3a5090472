//! Limits of processes and threads.

use std::fs;
use std::path::Path;

use nix::sys::resource::{RLIM_INFINITY, Resource};

/// How many processes and threads this user or container may have: the lower of the user's limit and those of this process's control groups
/// (`pids.max`, in the kernel's cgroup-v2 documentation). `None` if there is no limit.
pub fn most_processes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_user = Some(super::soft(Resource::RLIMIT_NPROC)).filter(|limit| *limit != RLIM_INFINITY);
    of_user.into_iter().chain(of_groups(&groups, &|path| fs::read_to_string(path).ok())).min()
}

/// The lowest limit of the control group in `groups`, the text of `/proc/self/cgroup`, and of its parents.
fn of_groups(groups: &str, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = |group: &Path| read(&Path::new("/sys/fs/cgroup").join(group).join("pids.max"))?.trim().parse().ok();
    Path::new(own).ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_all_groups_counts() {
        let read = |path: &Path| match path.to_str()? {
            "/sys/fs/cgroup/a/pids.max" => Some("70\n".to_owned()),
            "/sys/fs/cgroup/a/b/pids.max" => Some("max\n".to_owned()),
            "/sys/fs/cgroup/c/pids.max" => Some("20\n".to_owned()),
            _ => None,
        };
        for (groups, limit) in
            [("0::/a/b\n", Some(70)), ("1:cpu:/c\n0::/c/d\n", Some(20)), ("0::/\n", None), ("1:cpu:/c\n", None), ("", None)]
        {
            assert_eq!(of_groups(groups, &read), limit, "{groups}");
        }
    }
}
