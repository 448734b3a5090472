//! The network of the sandbox: the loopback interface and nothing else.

use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::libc;

use super::super::message::{Refusal, Stage};

/// Enables `lo`, which test suites use. There is no other interface and no route.
pub(super) fn raise_loopback() -> Result<(), Refusal> {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(Stage::Loopback.refused(""))?;
    // SAFETY: all-zero bytes are a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is the kernel's own structure for this call and outlives it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) };
    Errno::result(result).map(drop).map_err(Stage::Loopback.refused(""))
}
