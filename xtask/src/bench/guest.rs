//! A guest that measures its own time: its script, its report, and the evaluation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Bench, BenchError, clock};
use emulator::{Accelerator, Boot, Credential, Disk, Emulator, Ended, Idle, Limits, Machine, Port, Serial, credential};
use sdk::LayerName;

/// The time limit of a guest, emulated on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(2400);

/// How often the guest's output is checked.
const PAUSE: Duration = Duration::from_millis(5);

/// The guest's port for its measurements.
const PORT: &str = "kaon.result";

const UNIT: &str = "[Unit]\nDescription=Benchmark\nAfter=docker.service\n[Service]\nType=exec\nImportCredential=kaon-bench.*\n\
                    ExecStart=/usr/bin/bash -c '. \"$CREDENTIALS_DIRECTORY/kaon-bench.script\"'\nStandardOutput=journal\n";
const DROP_IN: &str = "[Unit]\nWants=kaon-bench.service\n";

/// What runs in the guest once the engine is up. Memory is read when the system is idle.
const SCRIPT: &str = r#"
exec 3>/dev/virtio-ports/kaon.result
trap 'exec 3>&-; systemctl poweroff --no-block' EXIT
# /run may be mounted noexec, as Debian does it.
cp "$CREDENTIALS_DIRECTORY/kaon-bench.clock" /tmp/kaon-bench-clock
chmod 755 /tmp/kaon-bench-clock
docker version >/dev/null || exit
echo "answers $(/tmp/kaon-bench-clock)" >&3
stamp() { systemctl show -p "$1" --value $2; }
echo "userspace-us $(stamp UserspaceTimestampMonotonic)" >&3
echo "engine-us $(stamp ExecMainStartTimestampMonotonic docker.service)" >&3
systemctl is-system-running --wait >/dev/null
sleep 5
while read -r key value _; do
    case $key in MemTotal:) echo "total-kib $value" >&3 ;; MemAvailable:) echo "available-kib $value" >&3 ;; esac
done </proc/meminfo
docker load -q -i /dev/disk/by-id/virtio-disk0 >/dev/null
echo "ask $(/tmp/kaon-bench-clock)" >&3
echo "container $(docker run --rm kaon:bench-clock)" >&3
"#;

/// One start, in seconds from power-on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// The first output of the boot loader on the serial line; only as accurate as the emulator's speed is constant.
    pub loader_s: f64,
    /// The start of the kernel's clock.
    pub kernel_s: f64,
    /// The start of process 1 on the root file system.
    pub userspace_s: f64,
    /// The start of the container engine.
    pub engine_s: f64,
    /// Its first answer.
    pub answers_s: f64,
    /// From the request for the first container until its program ran.
    pub container_s: f64,
    /// Memory in use with the engine idle, in MiB.
    pub used_mib: f64,
}

/// The emulator from the SDK's `test` layer.
pub fn emulator(bench: &mut Bench<'_>) -> Result<Emulator, BenchError> {
    Emulator::new(&trees(bench, "test")?).map_err(BenchError::around)
}

/// The trees of a layer of the SDK and of all layers below it, lowest first.
pub fn trees(bench: &mut Bench<'_>, layer: &str) -> Result<Vec<PathBuf>, BenchError> {
    let layer: Vec<LayerName> = layer.parse().into_iter().collect();
    let builder = &mut bench.builder;
    let trees = builder.sdk.ensure(builder.store, &builder.settings, &layer, builder.reporter, &builder.cancel);
    Ok(trees.map_err(BenchError::around)?.into_iter().map(|tree| tree.path).collect())
}

/// Starts a system with systemd and Docker in a machine that counts instructions, with 1 GiB and two processors.
pub fn start(bench: &Bench<'_>, emulator: &Emulator, boot: Boot) -> Result<Start, BenchError> {
    let scratch = bench.builder.store.scratch("bench-guest").map_err(BenchError::around)?;
    let folder = scratch.path();
    let (results, serial, container) = (folder.join("results"), folder.join("serial"), folder.join("clock.tar"));
    clock::write_image(folder, &container)?;
    let machine = Machine {
        accelerator: Accelerator::Counted(Idle::Passes),
        serial: Serial::File(serial.clone()),
        disks: vec![Disk::read_only(container)],
        ports: vec![Port { name: PORT.into(), file: results.clone() }],
        credentials: credentials(folder)?,
        ..Machine::new(boot)
    };
    let over = AtomicBool::new(false);
    let (ended, seen) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&serial, &results, &over));
        let ended = emulator.run(&machine, &[], Limits { total: Some(TIMEOUT), standstill: None }, &bench.builder.cancel);
        over.store(true, Ordering::Relaxed);
        (ended, watcher.join().unwrap_or_default())
    });
    match ended.map_err(BenchError::around)? {
        Ended::ByItself => read(&results, &seen),
        Ended::Stopped => Err(BenchError::Interrupted),
    }
}

fn credentials(folder: &Path) -> Result<Vec<Credential>, BenchError> {
    let program = clock::program();
    let files: [(&str, &[u8]); 4] = [
        ("systemd.extra-unit.kaon-bench.service", UNIT.as_bytes()),
        ("systemd.unit-dropin.multi-user.target~kaon-bench", DROP_IN.as_bytes()),
        ("kaon-bench.script", SCRIPT.as_bytes()),
        ("kaon-bench.clock", &program),
    ];
    let all = files.iter().enumerate().map(|(number, (name, content))| credential(name, content, number, folder));
    all.collect::<Result<_, _>>().map_err(BenchError::around)
}

/// When output first appeared, in seconds of the host.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    serial_s: Option<f64>,
    results_s: Option<f64>,
}

fn watch(serial: &Path, results: &Path, over: &AtomicBool) -> Seen {
    let (begun, mut seen) = (Instant::now(), Seen::default());
    let has_text = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
    while !over.load(Ordering::Relaxed) && (seen.serial_s.is_none() || seen.results_s.is_none()) {
        for (moment, path) in [(&mut seen.serial_s, serial), (&mut seen.results_s, results)] {
            if moment.is_none() && has_text(path) {
                *moment = Some(begun.elapsed().as_secs_f64());
            }
        }
        thread::sleep(PAUSE);
    }
    seen
}

/// Combines the machine's clock, which starts at power-on, and the kernel's clock.
fn read(results: &Path, seen: &Seen) -> Result<Start, BenchError> {
    let text = fs::read_to_string(results).map_err(BenchError::io("read", results))?;
    let facts: BTreeMap<&str, Vec<f64>> = text.lines().filter_map(fact).collect();
    let fact = |key: &str, place: usize| {
        let value = facts.get(key).and_then(|values| values.get(place)).copied();
        value.ok_or_else(|| BenchError::Broken {
            what: format!("the guest did not say `{key}`"),
            next: Some("`cargo xtask qemu` shows its console".into()),
        })
    };
    let answers_s = fact("answers", 0)? / 1e9;
    // The kernel calibrates its clock itself, with an error of less than 1 %.
    let kernel_s = (answers_s - fact("answers", 1)? / 1e9).max(0.0);
    // The time before the kernel is divided in proportion to the host's clock.
    let share = seen.serial_s.zip(seen.results_s).map_or(1.0, |(serial, results)| serial / results);
    Ok(Start {
        loader_s: (share * answers_s).min(kernel_s),
        kernel_s,
        userspace_s: kernel_s + fact("userspace-us", 0)? / 1e6,
        engine_s: kernel_s + fact("engine-us", 0)? / 1e6,
        answers_s,
        container_s: (fact("container", 0)? - fact("ask", 0)?) / 1e9,
        used_mib: (fact("total-kib", 0)? - fact("available-kib", 0)?) / 1024.0,
    })
}

/// Parses a word and numbers.
fn fact(line: &str) -> Option<(&str, Vec<f64>)> {
    let (key, values) = line.split_once(' ')?;
    Some((key, values.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_combined() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("results");
        let said = "answers 25000000000 20000000000\nuserspace-us 3000000\nengine-us 12000000\ntotal-kib 1000000\n\
                    available-kib 897600\nask 40000000000 35000000000\ncontainer 42000000000 37000000000\n";
        fs::write(&results, said).unwrap();
        let seen = Seen { serial_s: Some(3.0), results_s: Some(50.0) };
        let expected =
            Start { loader_s: 1.5, kernel_s: 5.0, userspace_s: 8.0, engine_s: 17.0, answers_s: 25.0, container_s: 2.0, used_mib: 100.0 };
        assert_eq!(read(&results, &seen).unwrap(), expected);
        fs::write(&results, "answers 20.0\n").unwrap();
        assert!(read(&results, &seen).is_err());
    }
}
