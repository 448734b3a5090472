//! Ports of this machine that are forwarded to guests.

use std::net::{Ipv4Addr, TcpListener};

use emulator::QemuError;

/// Checks that nobody uses these ports: QEMU's own words name neither the port's option nor a way out.
///
/// # Errors
/// The ports that are in use, and the first from which on as many are free.
pub(super) fn check(ports: impl IntoIterator<Item = u16>) -> Result<(), QemuError> {
    let wanted: Vec<u16> = ports.into_iter().collect();
    let taken: Vec<u16> = wanted.iter().copied().filter(|port| !is_free(*port)).collect();
    let Some(first) = wanted.first().filter(|_| !taken.is_empty()) else { return Ok(()) };
    Err(QemuError::PortsTaken { ports: taken, free: first_free(*first, wanted.len()) })
}

/// The first port from `first` on that is followed by `count - 1` free ones.
fn first_free(first: u16, count: usize) -> Option<u16> {
    let is_row = |begin: &u16| (0..count).all(|at| u16::try_from(at).ok().and_then(|at| begin.checked_add(at)).is_some_and(is_free));
    /// So many are tried: each takes two system calls.
    const TRIED: usize = 2000;
    (first..=u16::MAX).take(TRIED).find(is_row)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::diagnostic::Failure as _;

    #[test]
    fn ports_in_use_are_named_with_free_ones() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = check([port]).unwrap_err();
        let expected = format!("port {port} of this machine is in use, so it cannot be forwarded to a guest's SSH server");
        assert_eq!(error.to_string(), expected);
        let hint = error.hint().unwrap();
        assert!(hint.contains("--ssh"), "{hint}");
        drop(held);
        assert!(check([port]).is_ok());
    }
}
