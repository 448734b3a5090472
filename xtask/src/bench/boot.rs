//! From power-on until the container engine answers, phase by phase.

use super::guest::{self, Start};
use super::usage::median;
use super::{Bench, BenchError, Figure, Goal};
use emulator::Boot;

/// Starts the ISO with BIOS from a disc. The machine counts instructions, so that figures of different hosts are comparable.
pub fn run(bench: &mut Bench<'_>) -> Result<Vec<Figure>, BenchError> {
    let iso = bench.iso()?;
    let emulator = guest::emulator(bench)?;
    let starts =
        (0..bench.runs).map(|_| guest::start(bench, &emulator, Boot::Disc(iso.clone()))).collect::<Result<Vec<Start>, BenchError>>()?;
    let middle = |part: fn(&Start) -> f64| median(starts.iter().map(part));
    Ok(vec![
        Figure::plain("boot: firmware", middle(|start| start.loader_s), "s"),
        Figure::plain("boot: loader", middle(|start| start.kernel_s - start.loader_s), "s"),
        Figure::plain("boot: kernel", middle(|start| start.userspace_s - start.kernel_s), "s"),
        Figure::plain("boot: userspace up to the engine", middle(|start| start.engine_s - start.userspace_s), "s"),
        Figure::plain("boot: engine", middle(|start| start.answers_s - start.engine_s), "s"),
        Figure::plain("boot: from power-on to an engine that answers", middle(|start| start.answers_s), "s"),
        Figure::plain("boot: first container", middle(|start| start.container_s), "s"),
        Figure::with_goal("boot: memory in use", middle(|start| start.used_mib), "MiB", Goal::AtMost(120.0)),
    ])
}
