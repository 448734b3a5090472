//! Finds out whether the host's processor can run guests.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use super::{Accelerator, Boot, Emulator, Machine, Serial};
use runtime::cancel::Cancel;

/// The message of a kernel without a root file system at the end of its own start.
const ARRIVED: &[u8] = b"Unable to mount root fs";

/// How long a kernel may take to print it; a tenth of that is usual.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whether KVM runs this kernel. Opening `/dev/kvm` proves little: nested virtualisation often fails at the first unusual register, with an
/// assertion of the emulator, so a guest is really started.
pub fn kvm_works(emulator: &Emulator, kernel: &Path, folder: &Path, cancel: &Cancel) -> bool {
    if OpenOptions::new().read(true).write(true).open("/dev/kvm").is_err() {
        return false;
    }
    let log = folder.join("kvm.log");
    let boot = Boot::Kernel { kernel: kernel.to_owned(), initramfs: None, arguments: "console=ttyS0 panic=-1 root=/dev/none".into() };
    let machine =
        Machine { accelerator: Accelerator::Kvm, serial: Serial::File(log.clone()), memory_mib: 256, cpus: 1, ..Machine::new(boot) };
    emulator.survives(&machine, TIMEOUT, cancel)
        && fs::read(&log).is_ok_and(|text| text.windows(ARRIVED.len()).any(|window| window == ARRIVED))
}
