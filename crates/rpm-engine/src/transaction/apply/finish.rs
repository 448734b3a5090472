//! What is done once at the end for all packages together: caches renewed, users and directories made, units enabled.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read as _;

use rayon::prelude::*;

use super::error::ApplyError;
use super::op::Op;
use super::scripts::{Ended, Stage};
use crate::transaction::beneath::Beneath;
use crate::transaction::step::Event;

/// One program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    program: &'static str,
    arguments: Vec<String>,
}

impl Task {
    fn new(program: &'static str, arguments: impl IntoIterator<Item = String>) -> Self {
        Self { program, arguments: arguments.into_iter().collect() }
    }
}

/// What is run, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tasks {
    /// Before all else: every program needs libraries.
    pub(super) libraries: Vec<Task>,
    /// Before files are given to their users.
    pub(super) users: Vec<Task>,
    /// What needs users.
    pub(super) files: Vec<Task>,
    /// What needs neither users nor each other.
    pub(super) others: Vec<Task>,
    /// When all else is done.
    pub(super) last: Vec<Task>,
}

/// The programs the changes call for. `installable` says whether the unit at a path can be enabled at all.
pub(super) fn tasks(ops: &[Cow<'_, Op>], running: bool, installable: &mut dyn FnMut(&str) -> bool) -> Tasks {
    let ops = || ops.iter().map(AsRef::as_ref);
    let changed = || ops().filter(|op| !matches!(op, Op::Adjust { .. })).map(Op::path);
    let put = || ops().filter(|op| matches!(op, Op::Put { .. })).map(Op::path);
    let within = |path: &str, directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    let put_in = |directory: &str, suffix: &str| put().any(|path| within(path, directory) && path.ends_with(suffix));
    let mut tasks = Tasks::default();
    if changed().any(is_library) {
        tasks.libraries.push(Task::new("ldconfig", []));
    }
    if put_in("/usr/lib/sysusers.d", ".conf") {
        tasks.users.push(Task::new("systemd-sysusers", []));
    }
    let templates: BTreeSet<&str> = put().filter(|path| within(path, "/usr/lib/tmpfiles.d") && path.ends_with(".conf")).collect();
    if !templates.is_empty() {
        let names = templates.into_iter().filter_map(|path| path.rsplit('/').next()).map(str::to_owned);
        // Programs of a tree see this machine's devices, which are not the tree's to change.
        let devices = (!running).then(|| "--exclude-prefix=/dev".to_owned());
        tasks.files.push(Task::new("systemd-tmpfiles", ["--create".to_owned()].into_iter().chain(devices).chain(names)));
    }
    // It takes the longest, so it begins first.
    let versions: BTreeSet<&str> =
        changed().filter_map(|path| path.strip_prefix("/usr/lib/modules/")?.split_once('/').map(|(version, _)| version)).collect();
    tasks.others.extend(versions.into_iter().map(|version| Task::new("depmod", ["-a".to_owned(), version.to_owned()])));
    let units: BTreeSet<&str> = ops().filter_map(new_unit).filter(|(path, _)| installable(path)).map(|(_, name)| name).collect();
    if !units.is_empty() {
        let words = ["preset".to_owned(), "--no-reload".to_owned()].into_iter();
        tasks.others.push(Task::new("systemctl", words.chain(units.into_iter().map(str::to_owned))));
    }
    if changed().any(|path| within(path, "/usr/lib/udev/hwdb.d")) {
        tasks.others.push(Task::new("systemd-hwdb", ["update".to_owned(), "--usr".to_owned()]));
    }
    if running && changed().any(|path| within(path, "/usr/lib/systemd/system")) {
        tasks.last.push(Task::new("systemctl", ["daemon-reload".to_owned()]));
    }
    tasks
}

/// Whether the dynamic linker finds another set of libraries after a change of `path`.
fn is_library(path: &str) -> bool {
    let within = ["/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/", "/etc/ld.so.conf.d/"].iter().any(|directory| path.starts_with(directory));
    let name = path.rsplit('/').next().unwrap_or(path);
    within && (name.ends_with(".so") || name.contains(".so.") || path.starts_with("/etc/ld.so.conf.d/"))
}

/// No unit file is larger.
const LARGEST_UNIT_BYTES: u64 = 1 << 20;

/// Whether a unit says what it is enabled for: presets leave all others alone, and asking after each of them takes long. What cannot be read
/// counts as one.
pub(super) fn is_installable(path: &str, disk: &mut Beneath<'_>) -> bool {
    let mut text = Vec::new();
    let read = disk.read(path).and_then(|file| file.take(LARGEST_UNIT_BYTES).read_to_end(&mut text));
    read.is_err() || String::from_utf8_lossy(&text).lines().any(|line| line.trim() == "[Install]")
}

/// The path and name of a unit that was not there before. Presets know services and what starts them; templates have no preset of their own.
fn new_unit(op: &Op) -> Option<(&str, &str)> {
    let Op::Put { path, aside: None, .. } = op else { return None };
    let name = path.strip_prefix("/usr/lib/systemd/system/").filter(|name| !name.contains('/') && !name.contains('@'))?;
    let kinds = [".service", ".socket", ".timer", ".path", ".target", ".mount"];
    kinds.iter().any(|kind| name.ends_with(kind)).then_some((path, name))
}

/// A task that has ended, and what it printed.
pub(super) type Done<'t> = (&'t Task, Result<(Ended, Vec<u8>), ApplyError>);

/// Runs them one after the other, and reports what they print.
pub(super) fn run(tasks: &[Task], stage: Stage<'_>, privileged: bool) {
    for task in able(tasks, stage, privileged) {
        report(stage, (task, begin(task, stage)));
    }
}

/// Runs them all at once, without reporting anything yet.
pub(super) fn run_together<'t>(tasks: &'t [Task], stage: Stage<'_>, privileged: bool) -> Vec<Done<'t>> {
    able(tasks, stage, privileged).into_par_iter().with_max_len(1).map(|task| (task, begin(task, stage))).collect()
}

fn begin(task: &Task, stage: Stage<'_>) -> Result<(Ended, Vec<u8>), ApplyError> {
    stage.settings.observer.report(Event::Running { what: task.program });
    stage.quietly(task.program, &task.arguments)
}

/// Those that can be run. A tree that does not have a program does not need it.
fn able<'t>(tasks: &'t [Task], stage: Stage<'_>, privileged: bool) -> Vec<&'t Task> {
    let (able, unable): (Vec<&Task>, Vec<&Task>) =
        tasks.iter().filter(|task| has(stage, task.program)).partition(|_| privileged || stage.root == std::path::Path::new("/"));
    for task in unable {
        let text = format!("only root can run {} of another root; it was not run", task.program);
        stage.settings.observer.report(Event::Warning { text: &text });
    }
    able
}

/// Reports what a task printed, and how it ended unless that was well: whatever goes wrong does not stop the rest.
pub(super) fn report(stage: Stage<'_>, (task, ended): Done<'_>) {
    let ended = ended.map(|(ended, bytes)| {
        stage.pass_on(&bytes);
        ended
    });
    let text = match ended {
        Ok(Ended::Well) => return,
        Ok(Ended::Badly(Some(code))) => format!("{} failed with exit code {code}", task.program),
        Ok(Ended::Badly(None)) => format!("{} was killed", task.program),
        Ok(Ended::Missing(error)) => format!("{} cannot be run: {error}", task.program),
        Err(error) => format!("{} was not run: {error}", task.program),
    };
    stage.settings.observer.report(Event::Warning { text: &text });
}

fn has(stage: Stage<'_>, program: &str) -> bool {
    ["usr/sbin", "usr/bin", "sbin", "bin"].iter().any(|directory| stage.root.join(directory).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_call_for() {
        let put = |path: &str, new: bool| Op::Put { path: path.into(), new: "n".into(), aside: (!new).then(|| "o".into()) };
        let shown = |ops: &[Op], running| {
            let ops: Vec<_> = ops.iter().map(Cow::Borrowed).collect();
            let line = |task: &Task| [vec![task.program.to_owned()], task.arguments.clone()].concat().join(" ");
            let mut installable = |path: &str| !path.ends_with("/static.service");
            let Tasks { libraries, users, files, others, last } = tasks(&ops, running, &mut installable);
            [libraries, users, files, others, last].iter().flatten().map(line).collect::<Vec<_>>()
        };
        let ops = [
            put("/usr/lib/libz.so.1", true),
            put("/usr/lib/sysusers.d/a.conf", true),
            put("/usr/lib/tmpfiles.d/a.conf", false),
            put("/usr/lib/modules/6.12/kernel/x.ko", true),
            put("/usr/lib/systemd/system/a.service", true),
            put("/usr/lib/systemd/system/a@.service", true),
            put("/usr/lib/systemd/system/static.service", true),
            put("/usr/lib/systemd/system/old.service", false),
            put("/usr/lib/systemd/system/a.service.d/x.conf", true),
        ];
        let expected = [
            "ldconfig",
            "systemd-sysusers",
            "systemd-tmpfiles --create --exclude-prefix=/dev a.conf",
            "depmod -a 6.12",
            "systemctl preset --no-reload a.service",
        ];
        assert_eq!(shown(&ops, false), expected);
        assert_eq!(shown(&ops, true).last().unwrap(), "systemctl daemon-reload");
        assert!(shown(&ops, true).contains(&"systemd-tmpfiles --create a.conf".to_owned()));
        assert!(shown(&[put("/usr/share/doc/x", true)], true).is_empty());
        assert_eq!(shown(&[Op::Remove { path: "/usr/lib/libz.so.1".into(), aside: "o".into() }], false), ["ldconfig"]);
    }
}
