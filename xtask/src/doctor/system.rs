//! What the kernel and the installed programs give.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use super::Subject;
use super::finding::{Finding, FindingState};
use runtime::open_files;
use runtime::sandbox::{self, Isolation};

/// Memory the largest link of a build takes.
const MEMORY_WANTED_MIB: u64 = 2048;
/// A sandbox opens each package it is made of, and an image tool each file it hands on.
const OPEN_FILES_WANTED: u64 = 1024;

/// Whether sandboxes with their scratch in `folder` can be made.
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

/// Memory for the largest single step of a build.
pub(super) fn memory() -> Finding {
    let available_mib = builder::available_memory_bytes() >> 20;
    let detail = format!("{available_mib} MiB available");
    if available_mib >= MEMORY_WANTED_MIB {
        return Finding::good("memory", detail);
    }
    Finding::bad("memory", FindingState::Poor, detail, "build with fewer jobs: `--jobs 1`".to_owned())
}

/// The limit of open files, as far as the builder can raise it by itself.
pub(super) fn open_files() -> Finding {
    let limit = open_files::limit();
    let detail = format!("{limit} at a time");
    if limit >= OPEN_FILES_WANTED {
        return Finding::good("open files", detail);
    }
    let remedy = format!(
        "raise the hard limit to {OPEN_FILES_WANTED} or more (`ulimit -Hn` as root, `LimitNOFILE=` of a service, `--ulimit nofile=` of a container)"
    );
    Finding::bad("open files", FindingState::Poor, detail, remedy)
}

/// The loopback interface, over which tests talk to servers of their own.
pub(super) fn loopback() -> Finding {
    let connect = || -> io::Result<()> { TcpStream::connect(TcpListener::bind("127.0.0.1:0")?.local_addr()?).map(drop) };
    match connect() {
        Ok(()) => Finding::good("loopback", "127.0.0.1 answers"),
        Err(error) => Finding::bad(
            "loopback",
            FindingState::Poor,
            format!("127.0.0.1 cannot be connected to, which tests do: {error}"),
            "raise the interface: `sudo ip link set lo up`".to_owned(),
        ),
    }
}
