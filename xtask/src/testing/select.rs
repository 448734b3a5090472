//! Selects the tests that run, by stage, and counts those left out, by reason.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use super::discover::{Binary, Test};
use super::{Need, Stage, TestError};

/// The requested scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only the stage `code`.
    Quick,
    /// All stages, with a choice of boots that covers firmware, media and devices.
    Usual,
    /// All stages, and every way to boot.
    AllBoots,
}

/// What this machine offers to tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Whether root runs them.
    pub is_root: bool,
    /// Whether there is buildbox.
    pub has_buildbox: bool,
    /// Whether there is nginx.
    pub has_nginx: bool,
}

impl Host {
    /// This machine.
    pub fn this() -> Self {
        Self { is_root: nix::unistd::geteuid().is_root(), has_buildbox: has_buildbox(), has_nginx: has_nginx() }
    }
}

/// Whether `buildbox-casd` is in the directory `KAON_TEST_BUILDBOX` or on `PATH`, and bubblewrap, in which it runs builds, on `PATH`.
fn has_buildbox() -> bool {
    let given = env::var_os("KAON_TEST_BUILDBOX").map(PathBuf::from);
    let path: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let has = |folders: &[PathBuf], program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    has(&given.map_or_else(|| path.clone(), |folder| vec![folder]), "buildbox-casd") && has(&path, "bwrap")
}

/// Whether there is nginx, on `PATH` or where distributions put it for root.
fn has_nginx() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join("nginx").is_file())
}

/// The module of tests that run with [`Scope::AllBoots`] only.
const ALL_BOOTS: &str = "all_boots::";

/// The tests of one binary that run in one stage.
#[derive(Debug)]
pub struct Chosen<'a> {
    /// The binary.
    pub binary: &'a Binary,
    /// Its chosen tests.
    pub tests: Vec<&'a Test>,
}

/// The selected tests, and those left out.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// The tests of each stage, by binary.
    pub stages: BTreeMap<Stage, Vec<Chosen<'a>>>,
    /// Tests left out: stage and reason → number.
    pub left_out: BTreeMap<(Stage, &'static str), usize>,
}

impl<'a> Selection<'a> {
    /// Selects from `binaries` the tests whose full names contain one of `filters`, or all if there are none, as far as `host` can run them.
    ///
    /// # Errors
    /// [`TestError::NothingMatches`].
    pub fn new(binaries: &'a [Binary], filters: &[String], scope: Scope, host: Host) -> Result<Self, TestError> {
        let mut selection = Self::default();
        let mut unused: Vec<&String> = filters.iter().collect();
        for binary in binaries {
            for test in &binary.tests {
                let Some(stage) = test.need.stage() else { continue };
                let name = binary.full_name(test);
                if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
                    continue;
                }
                unused.retain(|filter| !name.contains(filter.as_str()));
                // A test that is selected by a filter runs in every scope.
                let scope = if filters.is_empty() { scope } else { Scope::AllBoots };
                match why_not(test, stage, scope, host) {
                    Some(reason) => *selection.left_out.entry((stage, reason)).or_default() += 1,
                    None => selection.add(stage, binary, test),
                }
            }
        }
        match unused.first() {
            Some(filter) => Err(TestError::NothingMatches { filter: (*filter).clone() }),
            None => Ok(selection),
        }
    }

    fn add(&mut self, stage: Stage, binary: &'a Binary, test: &'a Test) {
        let chosen = self.stages.entry(stage).or_default();
        match chosen.last_mut().filter(|last| std::ptr::eq(last.binary, binary)) {
            Some(last) => last.tests.push(test),
            None => chosen.push(Chosen { binary, tests: vec![test] }),
        }
    }

    /// Whether any test of a stage is selected.
    pub fn has(&self, stage: Stage) -> bool {
        self.stages.contains_key(&stage)
    }
}

/// Why a test does not run, if it does not.
fn why_not(test: &Test, stage: Stage, scope: Scope, host: Host) -> Option<&'static str> {
    if scope == Scope::Quick && stage != Stage::Code {
        return Some("skipped by --quick");
    }
    if test.need.is_for_root() && !host.is_root {
        return Some("needs root");
    }
    if test.need == Need::Buildbox && !host.has_buildbox {
        return Some("needs buildbox");
    }
    if test.need == Need::Nginx && !host.has_nginx {
        return Some("needs nginx");
    }
    let is_rare_boot = test.need == Need::Built && test.name.contains(ALL_BOOTS);
    (is_rare_boot && scope == Scope::Usual).then_some("runs with --all-boots")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries() -> Vec<Binary> {
        let test = |name: &str, need| Test { name: name.into(), need };
        let boot = vec![test("by_bios", Need::Built), test("all_boots::by_uefi", Need::Built), test("child", Need::Parent)];
        let code =
            vec![test("a", Need::Nothing), test("b", Need::Root), test("c", Need::Sdk), test("d", Need::Buildbox), test("e", Need::Nginx)];
        [("boot", boot), ("xtask", code)]
            .map(|(name, tests)| Binary { name: name.into(), executable: name.into(), package: "x".into(), tests })
            .into()
    }

    fn names(selection: &Selection<'_>) -> Vec<String> {
        let chosen = selection.stages.values().flatten();
        chosen.flat_map(|chosen| chosen.tests.iter().map(|test| chosen.binary.full_name(test))).collect()
    }

    #[test]
    fn scopes() {
        let binaries = binaries();
        let of = |scope, is_root, has_servers| {
            let host = Host { is_root, has_buildbox: has_servers, has_nginx: has_servers };
            names(&Selection::new(&binaries, &[], scope, host).unwrap())
        };
        assert_eq!(of(Scope::Quick, false, true), ["xtask::a"]);
        assert_eq!(of(Scope::Quick, true, true), ["xtask::a", "xtask::b"]);
        assert_eq!(of(Scope::Usual, false, true), ["xtask::a", "xtask::c", "xtask::d", "xtask::e", "boot::by_bios"]);
        assert_eq!(of(Scope::AllBoots, false, false), ["xtask::a", "xtask::c", "boot::by_bios", "boot::all_boots::by_uefi"]);
    }

    #[test]
    fn what_is_left_out_is_counted_with_its_reason() {
        let binaries = binaries();
        let left_out = |scope| Selection::new(&binaries, &[], scope, Host::default()).unwrap().left_out;
        let expected =
            [((Stage::Code, "needs root"), 1), ((Stage::Sdk, "skipped by --quick"), 3), ((Stage::System, "skipped by --quick"), 2)];
        assert_eq!(left_out(Scope::Quick), expected.into());
        assert_eq!(left_out(Scope::AllBoots).get(&(Stage::Sdk, "needs buildbox")), Some(&1));
        assert_eq!(left_out(Scope::AllBoots).get(&(Stage::Sdk, "needs nginx")), Some(&1));
    }

    #[test]
    fn filters_are_parts_of_full_names() {
        let binaries = binaries();
        let selection = Selection::new(&binaries, &["boot::".into()], Scope::Usual, Host::default()).unwrap();
        assert_eq!(names(&selection), ["boot::by_bios", "boot::all_boots::by_uefi"]);
        let error = Selection::new(&binaries, &["boot::".into(), "bot".into()], Scope::Usual, Host::default()).unwrap_err();
        assert!(matches!(error, TestError::NothingMatches { filter } if filter == "bot"));
    }
}
