//! What is done once at the end for all packages together: caches renewed, users and directories made, units enabled.

use std::collections::BTreeSet;

use super::op::Op;
use super::scripts::{Ended, Stage};
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

/// The programs the changes call for: those that must run before files are given to their users, and the others. Libraries come first of
/// all: every program needs them.
pub(super) fn tasks(ops: &[Op], running: bool) -> [Vec<Task>; 2] {
    let changed = || ops.iter().filter(|op| !matches!(op, Op::Adjust { .. })).map(Op::path);
    let put = || ops.iter().filter(|op| matches!(op, Op::Put { .. })).map(Op::path);
    let within = |path: &str, directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    let put_in = |directory: &str, suffix: &str| put().any(|path| within(path, directory) && path.ends_with(suffix));
    let mut users = Vec::new();
    if changed().any(is_library) {
        users.push(Task::new("ldconfig", []));
    }
    if put_in("/usr/lib/sysusers.d", ".conf") {
        users.push(Task::new("systemd-sysusers", []));
    }
    let mut others = Vec::new();
    let templates: BTreeSet<&str> = put().filter(|path| within(path, "/usr/lib/tmpfiles.d") && path.ends_with(".conf")).collect();
    if !templates.is_empty() {
        let names = templates.into_iter().filter_map(|path| path.rsplit('/').next()).map(str::to_owned);
        // Programs of a tree see this machine's devices, which are not the tree's to change.
        let devices = (!running).then(|| "--exclude-prefix=/dev".to_owned());
        others.push(Task::new("systemd-tmpfiles", ["--create".to_owned()].into_iter().chain(devices).chain(names)));
    }
    let versions: BTreeSet<&str> =
        changed().filter_map(|path| path.strip_prefix("/usr/lib/modules/")?.split_once('/').map(|(version, _)| version)).collect();
    others.extend(versions.into_iter().map(|version| Task::new("depmod", ["-a".to_owned(), version.to_owned()])));
    if changed().any(|path| within(path, "/usr/lib/udev/hwdb.d")) {
        others.push(Task::new("systemd-hwdb", ["update".to_owned(), "--usr".to_owned()]));
    }
    let units: BTreeSet<&str> = ops.iter().filter_map(new_unit).collect();
    if !units.is_empty() {
        let words = ["preset".to_owned(), "--no-reload".to_owned()].into_iter();
        others.push(Task::new("systemctl", words.chain(units.into_iter().map(str::to_owned))));
    }
    if running && changed().any(|path| within(path, "/usr/lib/systemd/system")) {
        others.push(Task::new("systemctl", ["daemon-reload".to_owned()]));
    }
    [users, others]
}

/// Whether the dynamic linker finds another set of libraries after a change of `path`.
fn is_library(path: &str) -> bool {
    let within = ["/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/", "/etc/ld.so.conf.d/"].iter().any(|directory| path.starts_with(directory));
    let name = path.rsplit('/').next().unwrap_or(path);
    within && (name.ends_with(".so") || name.contains(".so.") || path.starts_with("/etc/ld.so.conf.d/"))
}

/// The name of a unit that was not there before. Presets know services and what starts them; templates have no preset of their own.
fn new_unit(op: &Op) -> Option<&str> {
    let Op::Put { path, aside: None, .. } = op else { return None };
    let name = path.strip_prefix("/usr/lib/systemd/system/").filter(|name| !name.contains('/') && !name.contains('@'))?;
    let kinds = [".service", ".socket", ".timer", ".path", ".target", ".mount"];
    kinds.iter().any(|kind| name.ends_with(kind)).then_some(name)
}

/// Runs them. A tree that does not have a program does not need it; whatever else goes wrong is told and does not stop the rest.
pub(super) fn run(tasks: &[Task], stage: Stage<'_>, privileged: bool) {
    let observer = stage.settings.observer;
    for task in tasks {
        if !has(stage, task.program) {
            continue;
        }
        if !privileged && stage.root != std::path::Path::new("/") {
            observer.tell(Event::Warning { text: &format!("only root can run {} of the tree; it was not run", task.program) });
            continue;
        }
        observer.tell(Event::Running { what: task.program });
        let text = match stage.run(task.program, &task.arguments) {
            Ok(Ended::Well) => continue,
            Ok(Ended::Badly(Some(code))) => format!("{} failed with exit code {code}", task.program),
            Ok(Ended::Badly(None)) => format!("{} was killed", task.program),
            Ok(Ended::Missing(error)) => format!("{} cannot be run: {error}", task.program),
            Err(error) => format!("{} was not run: {error}", task.program),
        };
        observer.tell(Event::Warning { text: &text });
    }
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
            let line = |task: &Task| [vec![task.program.to_owned()], task.arguments.clone()].concat().join(" ");
            tasks(ops, running).iter().flatten().map(line).collect::<Vec<_>>()
        };
        let ops = [
            put("/usr/lib/libz.so.1", true),
            put("/usr/lib/sysusers.d/a.conf", true),
            put("/usr/lib/tmpfiles.d/a.conf", false),
            put("/usr/lib/modules/6.12/kernel/x.ko", true),
            put("/usr/lib/systemd/system/a.service", true),
            put("/usr/lib/systemd/system/a@.service", true),
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
