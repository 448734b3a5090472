//! From power-on to the first program of the kernel, compared with Debian's cloud kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::usage::median;
use super::{Bench, BenchError, Figure, Goal, clock, guest};
use emulator::{Accelerator, Boot, Emulator, Ended, Idle, Limits, Machine, Serial, kernel_of};
use image::initramfs::Archive;

/// The time limit of a kernel, emulated on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The first program is process 1: when it ends, the kernel panics, and a machine without restart ends.
const ARGUMENTS: &str = "console=ttyS0 quiet panic=-1";

/// Starts both kernels with the same tiny initramfs in the same machine.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let iso = bench.iso()?;
    let emulator = guest::emulator(bench)?;
    let theirs = peer_kernel(&guest::trees(bench, "peer")?)?;
    let scratch = bench.builder.store.scratch("bench-kernel").map_err(BenchError::around)?;
    let ours = kernel_of(&iso, scratch.path()).map_err(BenchError::around)?;
    let initramfs = scratch.path().join("clock.cpio");
    fs::write(&initramfs, archive()).map_err(BenchError::io("write", &initramfs))?;
    let (mut mine, mut other) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        mine.push(to_init_s(bench, &emulator, &ours, &initramfs)?);
        other.push(to_init_s(bench, &emulator, &theirs, &initramfs)?);
    }
    let (mine, other) = (median(mine), median(other));
    Ok(vec![
        Figure::plain("kernel: to init", mine, "s"),
        Figure::plain("kernel: to init, Debian's for clouds", other, "s"),
        Figure::with_goal("kernel: share of Debian's", mine / other, "times", Goal::AtMost(0.4)),
    ])
}

/// Debian's kernel in the trees of the SDK.
pub fn peer_kernel(trees: &[PathBuf]) -> Result<PathBuf, BenchError> {
    let files = trees.iter().filter_map(|tree| fs::read_dir(tree.join("boot")).ok()).flatten().flatten().map(|entry| entry.path());
    let kernel = files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))).max();
    kernel.ok_or_else(|| BenchError::Broken { what: "the SDK's `peer` layer contains no kernel".into(), next: None })
}

/// The clock as `/init`, and a console for its output.
fn archive() -> Vec<u8> {
    let mut archive = Archive::new();
    archive.character_device("dev/console", 0o600, 5, 1);
    archive.file("init", 0o755, clock::program());
    archive.finish()
}

/// The kernel's own clock when its first program begins, in seconds.
fn to_init_s(bench: &Bench<'_>, emulator: &Emulator, kernel: &Path, initramfs: &Path) -> Result<f64, BenchError> {
    let text = console(bench, emulator, kernel, initramfs, TIMEOUT)?;
    kernel_ns(&text).map(|ns| ns / 1e9).ok_or_else(|| BenchError::Broken {
        what: format!("`{}` did not start its first program: {}", kernel.display(), text.lines().last().unwrap_or("it printed nothing")),
        next: None,
    })
}

/// What stood on the console of a machine with one processor that counts instructions, when its first program had ended.
pub fn console(bench: &Bench<'_>, emulator: &Emulator, kernel: &Path, initramfs: &Path, timeout: Duration) -> Result<String, BenchError> {
    let scratch = bench.builder.store.scratch("bench-kernel").map_err(BenchError::around)?;
    let serial = scratch.path().join("serial");
    let boot = Boot::Kernel { kernel: kernel.to_owned(), initramfs: Some(initramfs.to_owned()), arguments: ARGUMENTS.into() };
    let machine = Machine {
        accelerator: Accelerator::Counted(Idle::Skipped),
        serial: Serial::File(serial.clone()),
        memory_mib: 512,
        cpus: 1,
        ..Machine::new(boot)
    };
    if emulator.run(&machine, &[], Limits { total: Some(timeout), standstill: None }, &bench.builder.cancel).map_err(BenchError::around)?
        == Ended::Stopped
    {
        return Err(BenchError::Interrupted);
    }
    let text = fs::read(&serial).map_err(BenchError::io("read", &serial))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The second number on a line that consists of two numbers.
fn kernel_ns(text: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let (ticks, ns) = line.trim().split_once(' ')?;
        ticks.parse::<u64>().ok()?;
        ns.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_found_among_messages() {
        assert_eq!(kernel_ns("SeaBIOS 1.16\r\n[    0.1] a warning\r\n900000000 500000000\r\nKernel panic"), Some(5e8));
        assert_eq!(kernel_ns("Kernel panic - not syncing"), None);
    }
}
