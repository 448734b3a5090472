//! Our disk compared with one with Debian, its cloud kernel and its Docker: from power-on until the container engine answers.

use std::path::Path;

use super::guest::{self, Start};
use super::usage::median;
use super::{Bench, BenchError, Figure, Goal, peer};
use builder::cached_image;
use emulator::{Boot, Bus, Disk, DiskLayout, kernel_of};
use image::description::Format;

/// Starts both alternately in the same machine that counts instructions. Both kernels are started without a boot loader, because the
/// timeouts of boot menus differ.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let emulator = guest::emulator(bench)?;
    let scratch = bench.builder.store.scratch("bench-debian").map_err(BenchError::around)?;
    let mine = ours(bench, scratch.path())?;
    let other = peer::make(bench, scratch.path())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        ours.push(guest::start(bench, &emulator, mine.clone())?);
        theirs.push(guest::start(bench, &emulator, other.clone())?);
    }
    let mut figures = phases("disk", &ours);
    figures.extend(phases("Debian", &theirs));
    let share = answers_s(&ours) / answers_s(&theirs);
    figures.push(Figure::with_goal("disk: share of Debian's time to an engine that answers", share, "times", Goal::AtMost(0.6)));
    Ok(figures)
}

fn answers_s(starts: &[Start]) -> f64 {
    median(starts.iter().map(|start| start.answers_s))
}

fn phases(name: &str, starts: &[Start]) -> Vec<Figure> {
    let middle = |part: fn(&Start) -> f64| median(starts.iter().map(part));
    vec![
        Figure::plain(format!("{name}: kernel"), middle(|start| start.userspace_s - start.kernel_s), "s"),
        Figure::plain(format!("{name}: userspace up to the engine"), middle(|start| start.engine_s - start.userspace_s), "s"),
        Figure::plain(format!("{name}: engine"), middle(|start| start.answers_s - start.engine_s), "s"),
        Figure::plain(format!("{name}: from power-on to an engine that answers"), answers_s(starts), "s"),
        Figure::plain(format!("{name}: first container"), middle(|start| start.container_s), "s"),
        Figure::plain(format!("{name}: memory in use"), middle(|start| start.used_mib), "MiB"),
    ]
}

/// The image's disk, with the kernel from its ISO.
fn ours(bench: &Bench<'_>, folder: &Path) -> Result<Boot, BenchError> {
    let kernel = kernel_of(&bench.iso()?, folder).map_err(BenchError::around)?;
    let known = cached_image(&bench.builder, bench.image, &[Format::Raw].into()).map_err(BenchError::around)?;
    let artifact = known.and_then(|image| image.artifacts.get(&Format::Raw).map(|artifact| artifact.object));
    let file = artifact.and_then(|digest| bench.builder.store.object(&digest)).ok_or_else(|| BenchError::NotBuilt {
        what: format!("the disk of image `{}`", bench.image.name),
        next: format!("cargo xtask build-image {} --format raw", bench.image.name),
    })?;
    Ok(Boot::Direct {
        kernel,
        initramfs: None,
        arguments: "root=/dev/vda3 rw quiet console=ttyS0".into(),
        root: Disk::scratch(file, DiskLayout::Raw, Bus::Virtio),
    })
}
