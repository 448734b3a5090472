//! An installation on a disk of a machine, cut off at every write that reached the disk; and what a disk says that was left like that.
//!
//! Run only when asked for: `cargo test -p xtask --test interop_cut -- --ignored`. The notice takes the SDK; installing takes the image.
#![allow(clippy::print_stderr, reason = "it tells how much was judged")]

mod tools;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use disk_layout::{BOOT_CODE_BYTES, Guid, Layout, MIB, NOTICE_OFFSET_BYTES, Purpose, SECTOR_BYTES, Size, Wish, plan};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testing::disk::replay::{Data, Known, Write, replay};

/// An installation that fails ends its machine at once, with its record on the console.
const FAILS: &str = "[Unit]\nFailureAction=poweroff\n[Service]\nExecStopPost=-/usr/bin/bash -c 'cat /run/kaon/installer.json'\n";

/// How long an emulated machine may take on a busy host.
const PATIENCE: Duration = Duration::from_secs(1800);

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A machine in the emulator, which ends with this.
struct Machine {
    process: Child,
    serial: PathBuf,
}

impl Machine {
    fn start(folder: &Path, image: &Path, options: &[&str], extra: &[&str]) -> Self {
        let serial = folder.join("serial.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("qemu").arg(image).args(options).args(["--timeout", &PATIENCE.as_secs().to_string()]).arg("--serial").arg(&serial);
        Self { process: command.arg("--").args(extra).current_dir(project()).spawn().unwrap(), serial }
    }

    fn said(&self) -> String {
        fs::read(&self.serial).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until it says this.
    fn wait_for(&mut self, text: &str) {
        let start = Instant::now();
        while !self.said().contains(text) {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "it does not say `{text}` ({ended:?}):\n{}", self.said());
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            let _ = kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGTERM);
            let _ = self.process.wait();
        }
    }
}

fn layout(size_bytes: u64) -> Layout {
    let wish = |purpose, size| Wish { purpose, size, label: "old".into(), guid: Guid::new(9) };
    let wishes = [wish(Purpose::Esp, Size::Bytes(MIB)), wish(Purpose::Root, Size::Rest { at_least_bytes: 1 })];
    plan(size_bytes, Guid::new(7), &wishes).unwrap()
}

fn new_disk(path: &Path, size_bytes: u64) -> File {
    let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
    file.set_len(size_bytes).unwrap();
    file
}

#[test]
#[ignore = "needs the SDK"]
fn an_unfinished_disk_says_so() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("unfinished.raw");
    let file = new_disk(&path, 64 * MIB);
    let state = layout(64 * MIB).unfinished(0, false);
    let parts = [
        (0, &state.first),
        (SECTOR_BYTES, &state.header),
        (state.entries_offset_bytes, &state.entries),
        (NOTICE_OFFSET_BYTES, &state.notice),
        (state.end_offset_bytes, &state.end),
    ];
    parts.iter().for_each(|(at, bytes)| file.write_all_at(bytes, *at).unwrap());
    for options in [&["--bus", "nvme"][..], &["--uefi", "--bus", "nvme"]] {
        // A BIOS without a screen speaks to the serial line.
        let mut machine = Machine::start(folder.path(), &path, options, &["-machine", "graphics=off"]);
        machine.wait_for("the installation on this disk was not finished. Install again.");
        fs::remove_file(&machine.serial).unwrap();
    }
}

/// A disk with something that starts by both firmwares, as far as those look.
fn old_system(path: &Path, size_bytes: u64) -> File {
    let file = new_disk(path, size_bytes);
    let layout = layout(size_bytes);
    let tables = layout.tables(&[0x90; BOOT_CODE_BYTES]);
    file.write_all_at(&tables.start, 0).unwrap();
    file.write_all_at(&tables.end, tables.end_offset_bytes).unwrap();
    let mut esp = layout.unfinished(0, true).notice;
    let program = disk_layout::notice_program();
    let at = esp.windows(program.len()).position(|part| part == program).unwrap();
    esp[at..at + 3].copy_from_slice(b"old");
    file.write_all_at(&esp, layout.partitions[0].offset_bytes).unwrap();
    file.write_all_at(&[0xaa; 4096], layout.partitions[1].offset_bytes).unwrap();
    file
}

/// The writes of a log that QEMU's `blklogwrites` made, in the format of the kernel's dm-log-writes.
fn logged(log: &Path) -> Vec<Write> {
    const DISCARD: u64 = 4;
    let mut file = File::open(log).unwrap();
    let mut sector = [0; 512];
    file.read_exact(&mut sector).unwrap();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    assert_eq!((number(&sector[..8]), number(&sector[8..16])), (0x006a_7366_7773_6872, 1), "no log of writes");
    let (count, unit) = (number(&sector[16..24]), u64::from(u32::from_le_bytes(sector[24..28].try_into().unwrap())));
    assert_eq!(unit, 512);
    let mut writes = Vec::new();
    for _ in 0..count {
        file.read_exact(&mut sector).unwrap();
        let [at, sectors, flags] = [0, 8, 16].map(|from| number(&sector[from..from + 8]));
        if flags & DISCARD == 0 && sectors > 0 {
            let mut bytes = vec![0; usize::try_from(sectors * unit).unwrap()];
            file.read_exact(&mut bytes).unwrap();
            writes.push(Write { at: at * unit, data: Data::Bytes(bytes) });
        }
    }
    writes
}

/// Only with `--all-boots`.
mod all_boots {
    use super::*;

    #[test]
    #[ignore = "needs the built image"]
    fn cut_off_at_every_write_to_a_disk() {
        const DISK_BYTES: u64 = 2 << 30;
        let world = tools::World::new();
        let path = |name: &str| world.path(name);
        let [kickstart, iso, target, log] = ["ks.json", "ks.iso", "target.raw", "writes.log"].map(path);
        fs::write(&kickstart, r#"{"packages": ["minimal"], "eject_cdrom": false, "finish": "poweroff"}"#).unwrap();
        let words: [&OsStr; 5] = ["build-iso".as_ref(), "--kickstart".as_ref(), kickstart.as_ref(), "--output".as_ref(), iso.as_ref()];
        assert!(Command::new(env!("CARGO_BIN_EXE_xtask")).args(words).current_dir(project()).status().unwrap().success());
        drop(old_system(&target, DISK_BYTES));
        let replica = old_system(&path("replica.raw"), DISK_BYTES);
        File::create(&log).unwrap();
        let drive = format!(
            "driver=blklogwrites,node-name=target,file.driver=file,file.filename={},log.driver=file,log.filename={}",
            target.display(),
            log.display()
        );
        fs::write(path("fails"), FAILS).unwrap();
        let credential = format!("systemd.unit-dropin.kaon-installer.service={}", path("fails").display());
        let options = ["--credential", &credential];
        let mut machine = Machine::start(&path(""), &iso, &options, &["-blockdev", &drive, "-device", "virtio-blk-pci,drive=target"]);
        let status = machine.process.wait().unwrap();
        let said = machine.said();
        assert!(status.success() && said.contains("Installed. What took longest:"), "{status}:\n{said}");
        said.lines().filter(|line| line.contains(" % ") && line.contains(" ms  ")).for_each(|line| eprintln!("{line}"));
        let (writes, finished) = (logged(&log), File::open(&target).unwrap());
        let known = Known::new(&replica, &finished);
        let found = replay(&replica, &writes, &known, &finished);
        eprintln!("{} writes, {} states judged: {}", writes.len(), found.states, found.verdicts.join(" "));
        let end = ["Notice/Notice", "Notice/NewNotice", "Notice/New", "New/New"];
        assert_eq!(found.verdicts, [&["Old/Old", "Notice/Old"], &end[..]].concat());
        assert!(found.before > 300, "{}", found.before);
        // What was whole when it could first be started is what is there now.
        world.run("sfdisk", &["--verify", &world.inside(&target)]);
        let root = testing::disk::firmware::partitions(&replica).into_iter().find(|partition| partition.name == "root").unwrap();
        world.run("e2fsck", &["-fn", &format!("{}?offset={}", world.inside(&path("replica.raw")), root.at)]);
    }
}
