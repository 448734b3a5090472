//! How long a real-time task waits for its processor under load: the kernel `rt` beside `esx`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::usage::median;
use super::{Bench, BenchError, Figure, Goal, guest, kernel};
use base::name::PackageName;
use builder::package_tree;
use emulator::Emulator;
use image::initramfs::Archive;
use planning::plan::plan;

/// The time limit of a kernel, emulated on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(1800);

/// The specs of both kernels.
const KERNELS: [&str; 2] = ["linux", "linux-rt"];

/// What the guest consists of besides [`INIT`], in the trees of the SDK. Names of libraries are links to versions of them.
const FILES: [&str; 7] = [
    "usr/bin/bash",
    "usr/bin/cyclictest",
    "usr/bin/hackbench",
    "usr/lib64/ld-linux-x86-64.so.2",
    "usr/lib/x86_64-linux-gnu/libc.so.6",
    "usr/lib/x86_64-linux-gnu/libnuma.so.1",
    "usr/lib/x86_64-linux-gnu/libtinfo.so.6",
];

/// The first program: processes that send each other messages, begin and end, and processes that ask for memory, beside a task of the highest
/// priority that sleeps for half a millisecond 10,000 times. The machine ends with it. Before that the task sleeps for two seconds alone: the kernel
/// goes over to its high-resolution timers when it has measured the processor's clock, and until then waits for a tick.
const INIT: &str = "#!/usr/bin/bash
repeat() { while :; do \"$@\"; done; }
grow() { ( printf -v text '%*s' 20000000 '' ); }
sleep_often() { cyclictest --quiet --mlockall --priority 99 --threads 1 --interval 500 --loops \"$1\"; }
sleep_often 4000 >/dev/null 2>&1
repeat hackbench -g 2 -l 100 >/dev/null &
repeat grow &
sleep_often 10000
";

/// What cyclictest says where ticks are all it is woken by.
const COARSE: &str = "High resolution timers not available";

/// Starts both kernels in turns, each alone in the same machine.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let emulator = guest::emulator(bench)?;
    let archive = archive(&guest::trees(bench, "latency")?)?;
    let [esx, rt] = kernels(bench)?;
    let scratch = bench.builder.store.scratch("bench-latency").map_err(BenchError::around)?;
    let initramfs = scratch.path().join("latency.cpio");
    fs::write(&initramfs, archive).map_err(BenchError::io("write", &initramfs))?;
    let (mut usual, mut bounded) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        usual.push(longest_us(bench, &emulator, &esx, &initramfs)?);
        bounded.push(longest_us(bench, &emulator, &rt, &initramfs)?);
    }
    let (usual, bounded) = (median(usual), median(bounded));
    Ok(vec![
        Figure::plain("latency: longest, kernel `esx`", usual, "µs"),
        Figure::plain("latency: longest, kernel `rt`", bounded, "µs"),
        Figure::with_goal("latency: share of that of `esx`", bounded / usual, "times", Goal::AtMost(0.5)),
    ])
}

/// The kernels of [`KERNELS`], out of their packages.
fn kernels(bench: &Bench<'_>) -> Result<[PathBuf; 2], BenchError> {
    let names: Vec<PackageName> = KERNELS.iter().filter_map(|name| name.parse().ok()).collect();
    let (_, results) = plan(bench.builder.graph, &names, &bench.builder);
    let kernel = |name: &str| {
        let missing =
            || BenchError::NotBuilt { what: format!("the kernel `{name}`"), next: format!("cargo xtask build {}", KERNELS.join(" ")) };
        let result = results.iter().find(|(spec, _)| spec.as_str() == name).map(|(_, result)| result).ok_or_else(missing)?;
        let package = result.packages.iter().find(|package| package.name.as_str() == name).ok_or_else(missing)?;
        let tree = package_tree(bench.builder.store, package, || ()).map_err(BenchError::around)?;
        let releases = fs::read_dir(tree.join("usr/lib/modules")).into_iter().flatten().flatten();
        releases.map(|release| release.path().join("vmlinuz")).find(|path| path.is_file()).ok_or_else(missing)
    };
    Ok([kernel(KERNELS[0])?, kernel(KERNELS[1])?])
}

/// The guest's files, each from the uppermost tree that has it.
fn archive(trees: &[PathBuf]) -> Result<Vec<u8>, BenchError> {
    let mut archive = Archive::new();
    archive.character_device("dev/console", 0o600, 5, 1);
    archive.character_device("dev/null", 0o666, 1, 3);
    archive.directory("dev/shm");
    archive.file("init", 0o755, INIT.into());
    for name in FILES {
        let found = trees.iter().rev().map(|tree| tree.join(name)).find(|path| path.exists());
        let path = found.ok_or_else(|| BenchError::Broken { what: format!("the SDK has no `{name}`"), next: None })?;
        // The interpreter is asked for by the name that programs carry.
        let name = if name.starts_with("usr/lib64") { &name["usr/".len()..] } else { name };
        archive.file(name, 0o755, fs::read(&path).map_err(BenchError::io("read", &path))?);
    }
    Ok(archive.finish())
}

/// The longest wait that was measured, in microseconds.
fn longest_us(bench: &Bench<'_>, emulator: &Emulator, vmlinuz: &Path, initramfs: &Path) -> Result<f64, BenchError> {
    let text = kernel::console(bench, emulator, vmlinuz, initramfs, TIMEOUT)?;
    maximum(&text).ok_or_else(|| BenchError::Broken {
        what: format!("`{}` did not measure: {}", vmlinuz.display(), text.lines().last().unwrap_or("it printed nothing")),
        next: None,
    })
}

/// The number behind `Max:` on the last line that has one; none where the timers were too coarse for it.
fn maximum(text: &str) -> Option<f64> {
    if text.contains(COARSE) {
        return None;
    }
    let (_, behind) = text.rsplit_once("Max:")?;
    behind.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maximum_is_found_among_messages() {
        let text = "WARN: stat /dev/cpu_dma_latency failed\r\nT: 0 (   34) P:99 I:500 C:  10000 Min:      3 Act:    5 Avg:    7 Max:      41\r\n[    9.1] panic";
        assert_eq!(maximum(text), Some(41.0));
        assert_eq!(maximum(&format!("WARN: {COARSE}\r\n{text}")), None);
        assert_eq!(maximum("Kernel panic - not syncing"), None);
    }
}
