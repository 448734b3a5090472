//! Steps that run once after all files are installed, for caches and links that packages do not contain.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rpm_engine::manifest::Kind;
use rpm_engine::manifest::Manifest;
use rpm_engine::rpmfile::{Moment, Script};
use rpm_engine::transaction::Installed;

use super::{Rootfs, RootfsError, extra};
use base::epoch::SOURCE_DATE_EPOCH;
use runtime::cancel::Cancel;
use runtime::sandbox::{self, Job, Launcher, Root, Step, StepsEnded};

/// Runs programs of a tree in that tree.
pub trait Runner {
    /// Runs `steps` in this order with the tree in `root` as `/`, and the directory `build` at [`sandbox::BUILD_DIR`].
    ///
    /// # Errors
    /// When they cannot be run or one fails.
    fn run(&self, root: &Path, build: Option<&Path>, steps: Vec<Step>) -> Result<(), RootfsError>;
}

/// Runs them in the sandbox.
pub struct InSandbox<'a> {
    /// The launcher of sandboxes.
    pub launcher: Launcher,
    /// The file for the steps' output.
    pub log: PathBuf,
    /// Raised when the user wants to stop.
    pub cancel: &'a Cancel,
}

impl Runner for InSandbox<'_> {
    fn run(&self, root: &Path, build: Option<&Path>, steps: Vec<Step>) -> Result<(), RootfsError> {
        let job = Job {
            name: "rootfs".into(),
            root: Root::Directory(root.to_owned()),
            build_dir: build.map(Path::to_owned),
            inputs: Vec::new(),
            env: environment(),
            steps,
        };
        match self.launcher.run(&job, None, &self.log, self.cancel, &|_| {})?.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => Err(RootfsError::Step { step: phase, end: end.to_string(), log: self.log.clone() }),
        }
    }
}

fn environment() -> BTreeMap<String, String> {
    let epoch = SOURCE_DATE_EPOCH.to_string();
    let variables = [
        ("PATH", "/usr/bin:/usr/sbin"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("SOURCE_DATE_EPOCH", epoch.as_str()),
        ("SYSTEMD_OFFLINE", "1"),
        ("SYSTEMD_LOG_LEVEL", "warning"),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The preset file for the image's choice of units; first boot and `systemctl preset-all` follow it as well.
const PRESET: &str = "/etc/systemd/system-preset/10-image.preset";

/// Writes the image's presets.
pub(super) fn switch_units(rootfs: &mut Rootfs, enable: &[String], disable: &[String]) -> Result<(), RootfsError> {
    let mut text = String::new();
    for (word, units) in [("disable", disable), ("enable", enable)] {
        for unit in units {
            if !has_unit(rootfs, unit) {
                return Err(RootfsError::NoUnit { unit: unit.clone() });
            }
            text.push_str(&format!("{word} {unit}\n"));
        }
    }
    if text.is_empty() { Ok(()) } else { extra::put(rootfs, PRESET, 0o644, text.as_bytes()) }
}

/// Whether the unit, or for `name@instance.kind` its template, is installed.
fn has_unit(rootfs: &Rootfs, unit: &str) -> bool {
    let template = unit.split_once('@').and_then(|(name, rest)| Some(format!("{name}@.{}", rest.rsplit_once('.')?.1)));
    let names = [Some(unit.to_owned()), template];
    let folders = ["/usr/lib/systemd/system", "/etc/systemd/system"];
    names.iter().flatten().any(|name| folders.iter().any(|folder| rootfs.manifest.get(&format!("{folder}/{name}")).is_some()))
}

/// Runs packages' own scripts, then the steps that the files need.
pub(super) fn run(rootfs: &mut Rootfs, packages: &[Installed], runner: &dyn Runner) -> Result<(), RootfsError> {
    // Next to the tree, because the system's directory for temporary files may be missing, full or on another disk.
    let beside = rootfs.dir.parent().unwrap_or(Path::new("."));
    let build = tempfile::Builder::new().prefix("scripts-").tempdir_in(beside).map_err(RootfsError::io("make", beside))?;
    let mut steps = Vec::new();
    for moment in [Moment::Before, Moment::After, Moment::AfterAll] {
        for package in packages {
            for script in package.scripts.iter().filter(|script| script.moment == moment) {
                steps.push(script_step(&package.nevra.name, script, steps.len(), build.path())?);
            }
        }
    }
    let has_scripts = !steps.is_empty();
    steps.extend(wanted(rootfs));
    if steps.is_empty() { Ok(()) } else { runner.run(&rootfs.dir, has_scripts.then(|| build.path()), steps) }
}

/// A script's argument is the number of installed packages of its name: 1 (RPM's scriptlet arguments).
fn script_step(package: &str, script: &Script, number: usize, build: &Path) -> Result<Step, RootfsError> {
    if let Some(interpreter) = script.interpreter.first().filter(|interpreter| interpreter.starts_with('<')) {
        return Err(RootfsError::Interpreter { package: package.to_owned(), interpreter: interpreter.clone() });
    }
    let file = format!("{number}-{package}");
    let path = build.join(&file);
    fs::write(&path, &script.text).map_err(RootfsError::io("write", &path))?;
    let argv = script.interpreter.iter().cloned().chain([format!("{}/{file}", sandbox::BUILD_DIR), "1".to_owned()]).collect();
    Ok(Step { phase: format!("script of {package}"), argv, cwd: "/".into() })
}

/// The steps that this tree needs and has the programs for.
fn wanted(rootfs: &Rootfs) -> Vec<Step> {
    let holds = |folder: &str| rootfs.manifest.below(folder).next().is_some();
    let mut steps = Vec::new();
    let mut step = |argv: &[&str]| {
        let found = ["/usr/bin", "/usr/sbin"].iter().any(|folder| rootfs.manifest.get(&format!("{folder}/{}", argv[0])).is_some());
        if found {
            steps.push(Step { phase: argv.join(" "), argv: argv.iter().map(|word| (*word).to_owned()).collect(), cwd: "/".into() });
        }
    };
    // -X: packages contain the links from sonames to libraries.
    step(&["ldconfig", "-X"]);
    if holds("/usr/lib/udev/hwdb.d") {
        step(&["systemd-hwdb", "update", "--usr", "--strict"]);
    }
    if holds("/usr/lib/systemd/catalog") {
        step(&["journalctl", "--update-catalog"]);
    }
    for kernel in kernels(&rootfs.manifest) {
        step(&["depmod", "-a", &kernel]);
    }
    if holds("/etc/pki/anchors") || holds("/usr/share/pki/anchors") {
        step(&["update-ca-trust"]);
    }
    step(&["systemctl", "preset-all"]);
    step(&["systemctl", "--global", "preset-all"]);
    steps
}

/// The kernels whose modules are in the tree.
pub(super) fn kernels(manifest: &Manifest) -> Vec<String> {
    const FOLDER: &str = "/usr/lib/modules";
    let names = manifest.below(FOLDER).filter_map(|path| path[FOLDER.len() + 1..].split_once('/'));
    let mut kernels: Vec<String> = names.map(|(kernel, _)| kernel.to_owned()).collect();
    kernels.dedup();
    kernels
}

/// Removes what must not be in an image, and marks that nothing is left to update at boot.
pub(super) fn tidy(rootfs: &mut Rootfs) -> Result<(), RootfsError> {
    // Compiled into hwdb.bin, and not read if that exists.
    if rootfs.manifest.get("/usr/lib/udev/hwdb.bin").is_some() {
        drop_tree(rootfs, "/usr/lib/udev/hwdb.d")?;
    }
    // Contains inode numbers and times of this machine.
    drop_tree(rootfs, "/var/cache/ldconfig")?;
    for volatile in ["/run", "/tmp", "/var/tmp"] {
        let made_here: Vec<String> = rootfs.manifest.below(volatile).map(str::to_owned).collect();
        for path in made_here {
            if rootfs.manifest.get(&path).is_some_and(|entry| entry.package.is_none()) {
                drop_tree(rootfs, &path)?;
            }
        }
    }
    if rootfs.manifest.get("/usr/lib/systemd/systemd").is_some() {
        // First boot creates the machine's identity (machine-id(5)).
        extra::put(rootfs, "/etc/machine-id", 0o444, b"uninitialized\n")?;
        // As systemd-update-done.service writes them: caches are no older than /usr (systemd.unit(5), ConditionNeedsUpdate=).
        let stamp = format!(
            "# This file was created by systemd-update-done. The timestamp below is the\n# modification time of /usr/ for which the most recent updates of {{}} have\n# been applied. See man:systemd-update-done.service(8) for details.\nTIMESTAMP_NSEC={SOURCE_DATE_EPOCH}000000000\n"
        );
        for folder in ["/etc", "/var"] {
            extra::put(rootfs, &format!("{folder}/.updated"), 0o644, stamp.replace("{}", &format!("{folder}/")).as_bytes())?;
        }
    }
    Ok(())
}

/// Removes a path and everything below it from the tree and the disk.
fn drop_tree(rootfs: &mut Rootfs, path: &str) -> Result<(), RootfsError> {
    let Some(entry) = rootfs.manifest.remove(path) else { return Ok(()) };
    let on_disk = rootfs.on_disk(path);
    match entry.kind {
        Kind::Directory => fs::remove_dir_all(&on_disk),
        _ => fs::remove_file(&on_disk),
    }
    .map_err(RootfsError::io("remove", &on_disk))
}
