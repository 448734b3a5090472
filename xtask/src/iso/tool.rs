//! The SDK's writers of file systems, run in the sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::IsoError;
use crate::cancel::Cancel;
use crate::progress::Reporter;
use crate::sandbox::{self, BUILD_DIR, Input, Job, Root, Step, StepsEnded};
use crate::spec::SOURCE_DATE_EPOCH;
use crate::store::StoreError;

/// The tools and where they work.
pub struct Tools<'a> {
    /// Layers, lowest first.
    pub layers: &'a [PathBuf],
    /// Work in progress; `build` in it is the sandbox's writable directory.
    pub folder: PathBuf,
    /// Takes what the tools say.
    pub log: &'a Path,
    /// Stops a run.
    pub cancel: &'a Cancel,
    /// Hears of phases.
    pub reporter: &'a dyn Reporter,
    /// The unit of work the phases belong to.
    pub unit: &'a str,
}

/// Where the root's archive appears.
const ARCHIVE: &str = "/in/rootfs.tar";

/// A FAT file system that holds `efi`, a little larger than that. FAT12 does up to 32 MiB, and firmware reads it.
/// mtools takes the times of what it makes from SOURCE_DATE_EPOCH, of what it copies from the files.
const EFI_IMAGE: &str = r#"find efi -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
kib=$(( ($(du --apparent-size -sk efi | cut -f1) + 256 + 127) / 128 * 128 ))
mkfs.vfat --invariant -F 12 -S 512 -s 4 -n KAON-EFI -C efi.img "$kib"
mmd -i efi.img ::/EFI ::/EFI/BOOT
mcopy -m -i efi.img efi/EFI/BOOT/BOOTX64.EFI efi/EFI/BOOT/grub.cfg ::/EFI/BOOT/
"#;

impl Tools<'_> {
    /// The sandbox's writable directory.
    pub fn build(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Turns an archive into a SquashFS image, without the files `left_out`.
    ///
    /// SquashFS because its writer takes a whole archive with owners and extended attributes from its standard input.
    pub fn root_image(&self, archive: &Path, left_out: &[String], image: &Path) -> Result<(), IsoError> {
        let excluded: String = left_out.iter().map(|path| format!(" {path}")).collect();
        let script = format!(
            "exec sqfstar -quiet -no-progress -reproducible -comp zstd -Xcompression-level 15 -b 256K \
             {BUILD_DIR}/root.img{excluded} <{ARCHIVE}"
        );
        let input = Input { host: archive.to_owned(), at: ARCHIVE.into() };
        self.run(vec![input], vec![bash("root image", &script)])?;
        let made = self.build().join("root.img");
        fs::rename(&made, image).map_err(|source| StoreError::io("move", &made, source).into())
    }

    /// Writes the medium of what lies in `build/medium`, `build/efi` and `build/hybrid.img`.
    pub fn medium(&self, label: &str, date: &str, out: &Path) -> Result<(), IsoError> {
        let arguments = [
            "-as mkisofs -quiet -o medium.iso -r -iso-level 3",
            &format!("-V {label} --modification-date={date} --set_all_file_dates {date}"),
            // BIOS: from a disc by El Torito, from a stick by the code in the first sector.
            "-b boot/grub/cdboot.img -c boot/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info",
            "--grub2-mbr hybrid.img --mbr-force-bootable -partition_offset 16",
            // UEFI: both from the appended partition.
            "-appended_part_as_gpt -append_partition 2 0xef efi.img",
            "-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot",
            "medium",
        ];
        let argv = std::iter::once("xorriso").chain(arguments.iter().flat_map(|line| line.split(' '))).map(str::to_owned).collect();
        let medium = Step { phase: "medium".into(), argv, cwd: BUILD_DIR.into() };
        self.run(Vec::new(), vec![bash("boot image", EFI_IMAGE), medium])?;
        let made = self.build().join("medium.iso");
        fs::rename(&made, out).map_err(|source| StoreError::io("move", &made, source).into())
    }

    fn run(&self, inputs: Vec<Input>, steps: Vec<Step>) -> Result<(), IsoError> {
        for name in ["build", "upper", "work"] {
            let path = self.folder.join(name);
            fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
        }
        let epoch = SOURCE_DATE_EPOCH.to_string();
        let env =
            [("PATH", "/usr/bin:/usr/sbin"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("HOME", BUILD_DIR), ("SOURCE_DATE_EPOCH", &epoch)];
        let job = Job {
            name: "medium".into(),
            root: Root::Overlay {
                layers: self.layers.iter().rev().cloned().collect(),
                upper: self.folder.join("upper"),
                work: self.folder.join("work"),
            },
            build_dir: Some(self.build()),
            inputs,
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
            steps,
        };
        let outcome = sandbox::run(&job, None, self.log, self.cancel, &|phase| self.reporter.phase(self.unit, phase))?;
        match outcome.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => Err(IsoError::Tool { phase, end: end.to_string(), log: self.log.to_owned() }),
        }
    }
}

fn bash(phase: &str, script: &str) -> Step {
    let argv = ["bash", "-euo", "pipefail", "-c", script].map(str::to_owned).to_vec();
    Step { phase: phase.into(), argv, cwd: BUILD_DIR.into() }
}
