//! What the kernel and the installed programs provide.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use super::Subject;
use super::finding::{Finding, FindingState};
use base::diagnostic::LARGER_FILES;
use runtime::limits;
use runtime::sandbox::{self, Isolation};

/// Memory for the largest link of a build.
const MEMORY_WANTED_MIB: u64 = 2048;
/// Processes and threads of a build with make and compilers on many processors.
const PROCESSES_WANTED: u64 = 512;
/// The largest file: the disk of an image.
const FILE_WANTED_BYTES: u64 = 8 << 30;
/// Address space of the largest link, with the libraries and the reserves of allocators.
const ADDRESSES_WANTED_BYTES: u64 = 4 << 30;
/// Processor time of the longest process: the builder itself, which packs all images and packages.
const PROCESSOR_TIME_WANTED_S: u64 = 4 * 3600;
/// A sandbox opens each of its packages, and an image tool each file that it passes on.
const OPEN_FILES_WANTED: u64 = 1024;

/// Checks that sandboxes with their scratch directory in `folder` can be created.
pub(super) fn sandboxes(subject: Subject, folder: &Path, state: FindingState) -> Finding {
    match sandbox::probe(folder) {
        Ok(()) => match Isolation::selected() {
            Isolation::Namespaces => {
                Finding::good(subject, format!("namespaces and overlays work for this user in `{}`", folder.display()))
            }
            Isolation::Chroot => Finding::good(subject, format!("chroot works for this user in `{}`", folder.display())),
        },
        Err(error) => Finding::failed(subject, state, &error),
    }
}

/// Checks the memory for the largest single step of a build.
pub(super) fn memory() -> Finding {
    let available_mib = builder::available_memory_bytes() >> 20;
    let detail = format!("{available_mib} MiB available");
    if available_mib >= MEMORY_WANTED_MIB {
        return Finding::good("memory", detail);
    }
    Finding::bad("memory", FindingState::Poor, detail, "build with fewer jobs: `--jobs 1`".to_owned())
}

/// Checks the limit of open files, after the builder has raised it as far as possible.
pub(super) fn open_files() -> Finding {
    let limit = limits::open_files();
    let detail = format!("{limit} at a time");
    if limit >= OPEN_FILES_WANTED {
        return Finding::good("open files", detail);
    }
    let remedy = format!(
        "raise the hard limit to {OPEN_FILES_WANTED} or more (`ulimit -Hn` as root, `LimitNOFILE=` of a service, `--ulimit nofile=` of a container)"
    );
    Finding::bad("open files", FindingState::Poor, detail, remedy)
}

/// Checks the limit of processes and threads.
pub(super) fn processes() -> Finding {
    of_processes(limits::most_processes())
}

fn of_processes(limit: Option<u64>) -> Finding {
    match limit {
        None => Finding::good("processes", "no limit"),
        Some(limit) if limit >= PROCESSES_WANTED => Finding::good("processes", format!("{limit} at a time, including threads")),
        Some(limit) => {
            let detail = format!("{limit} at a time, including threads and other programs; large builds start up to {PROCESSES_WANTED}");
            Finding::bad("processes", FindingState::Poor, detail, limits::MORE_PROCESSES.to_owned())
        }
    }
}

/// Checks the limits of file sizes and of a process's memory and processor time, which the builder cannot raise itself.
pub(super) fn sizes() -> [Finding; 3] {
    [of_file_size(limits::file_bytes()), of_address_space(limits::memory_bytes()), of_processor_time(limits::processor_time_s())]
}

fn of_processor_time(limit: Option<u64>) -> Finding {
    const SUBJECT: Subject = "cpu time";
    match limit {
        None => Finding::good(SUBJECT, "no limit"),
        Some(seconds) if seconds >= PROCESSOR_TIME_WANTED_S => Finding::good(SUBJECT, format!("{seconds} s for a process")),
        Some(seconds) => {
            let detail =
                format!("{seconds} s for a process, after which it is killed; large builds take up to {PROCESSOR_TIME_WANTED_S} s");
            Finding::bad(SUBJECT, FindingState::Poor, detail, limits::MORE_PROCESSOR_TIME.to_owned())
        }
    }
}

fn of_file_size(limit: Option<u64>) -> Finding {
    const SUBJECT: Subject = "file size";
    match limit {
        None => Finding::good(SUBJECT, "no limit"),
        Some(bytes) if bytes >= FILE_WANTED_BYTES => Finding::good(SUBJECT, format!("up to {} MiB", bytes >> 20)),
        Some(bytes) => {
            let detail = format!("up to {} KiB, but the largest image needs {} MiB", bytes >> 10, FILE_WANTED_BYTES >> 20);
            Finding::bad(SUBJECT, FindingState::Poor, detail, LARGER_FILES.to_owned())
        }
    }
}

fn of_address_space(limit: Option<u64>) -> Finding {
    const SUBJECT: Subject = "address room";
    match limit {
        None => Finding::good(SUBJECT, "no limit"),
        Some(bytes) if bytes >= ADDRESSES_WANTED_BYTES => Finding::good(SUBJECT, format!("{} MiB", bytes >> 20)),
        Some(bytes) => {
            let state = if bytes < limits::LEAST_MEMORY_BYTES { FindingState::Lacking } else { FindingState::Poor };
            let detail =
                format!("{} MiB for a process, but linking large programs needs {} MiB", bytes >> 20, ADDRESSES_WANTED_BYTES >> 20);
            Finding::bad(SUBJECT, state, detail, limits::MORE_MEMORY.to_owned())
        }
    }
}

/// Checks the loopback interface, which tests use for their servers.
pub(super) fn loopback() -> Finding {
    let connect = || -> io::Result<()> { TcpStream::connect(TcpListener::bind("127.0.0.1:0")?.local_addr()?).map(drop) };
    match connect() {
        Ok(()) => Finding::good("loopback", "127.0.0.1 answers"),
        Err(error) => Finding::bad(
            "loopback",
            FindingState::Poor,
            format!("cannot connect to 127.0.0.1, which the tests need: {error}"),
            "enable the interface: `sudo ip link set lo up`".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_limits_are_told_with_what_raises_them() {
        use FindingState::{Good, Lacking, Poor};
        for (finding, state, remedy) in [
            (of_processes(None), Good, ""),
            (of_processes(Some(4096)), Good, ""),
            (of_processes(Some(60)), Poor, "ulimit -u"),
            (of_file_size(None), Good, ""),
            (of_file_size(Some(1 << 40)), Good, ""),
            (of_file_size(Some(1000 << 10)), Poor, "ulimit -f"),
            (of_processor_time(None), Good, ""),
            (of_processor_time(Some(1 << 20)), Good, ""),
            (of_processor_time(Some(60)), Poor, "ulimit -t"),
            (of_address_space(None), Good, ""),
            (of_address_space(Some(1 << 40)), Good, ""),
            (of_address_space(Some(3 << 30)), Poor, "ulimit -v"),
            (of_address_space(Some(512 << 20)), Lacking, "ulimit -v"),
        ] {
            assert_eq!(finding.state, state, "{finding}");
            assert_eq!(finding.remedy.is_some(), state != Good, "{finding}");
            assert!(finding.remedy.as_deref().unwrap_or_default().contains(remedy), "{finding}");
        }
    }
}
