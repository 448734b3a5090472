//! tdnf's plans compared with dnf's: random repositories, systems and requests, answered by both.
//!
//! Needs the SDK's `test` layer and the program itself (`cargo build -p tdnf`), so it runs only when asked for:
//! `cargo test -p xtask --test interop_solver -- --ignored`. `KAON_SOLVER_CASES` says how many cases there are, `KAON_SOLVER_SEED` which.
//!
//! Both may be right and differ: what a requirement can be met with by several packages, each may meet with another. docs/src/tdnf.md has
//! the table of such differences. An answer that only one of them has, or one that does not fit together, is a fault.
#![allow(clippy::print_stderr, reason = "it counts")]

mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rpm_engine::keyring::Keyring;
use rpm_engine::package::Package;
use rpm_engine::repo::Offer;
use rpm_engine::rpmfile::RpmFile;
use rpm_engine::transaction::{Options, install};
use serde_json::{Value, json};
use testing::packages::TIME;
use testing::packages::repository::{Recipe, World, build, write_metadata};

/// What dnf is asked for each line of `cases`.
const ORACLE: &str = r#"
import json, os, dnf, dnf.exceptions, dnf.repo
for line in open('/build/cases'):
    case = json.loads(line)
    base = dnf.Base()
    conf = base.conf
    conf.installroot = case['root']
    conf.cachedir = case['root'] + '/dnfcache'
    conf.persistdir = case['root'] + '/dnfstate'
    conf.logdir = case['root'] + '/dnflog'
    os.makedirs(conf.logdir, exist_ok=True)
    conf.reposdir = []
    conf.plugins = False
    conf.gpgcheck = False
    conf.best = False
    if hasattr(conf, 'allow_downgrade'):
        conf.allow_downgrade = False
    conf.protected_packages = []
    conf.clean_requirements_on_remove = False
    conf.substitutions['releasever'] = '1'
    repo = dnf.repo.Repo('base', conf)
    repo.baseurl = ['file://' + case['repo']]
    base.repos.add(repo)
    result = None
    try:
        base.fill_sack(load_system_repo=True)
        if case['security']:
            base.add_security_filters('gte', types=('security',))
        for word in case['words']:
            if case['action'] == 'install':
                base.install(word)
                if base.sack.query().installed().filterm(name=word):
                    base.upgrade(word)
            elif case['action'] == 'erase':
                base.remove(word)
            else:
                base.upgrade(word)
        if case['action'] == 'update' and not case['words']:
            base.upgrade_all()
        base.resolve(allow_erasing=case['action'] == 'erase')
        after = set(str(p) for p in base.sack.query().installed() if p.name != 'gpg-pubkey')
        after -= set(str(p) for p in base.transaction.remove_set)
        after |= set(str(p) for p in base.transaction.install_set)
        result = sorted(after)
    except dnf.exceptions.Error as error:
        result = None
    base.close()
    print(json.dumps(result))
"#;

/// xorshift64*: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 20) as usize % limit.max(1)
    }

    fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

/// A repository, what of it is installed, and what is asked for.
struct Case {
    world: World,
    installed: Vec<String>,
    action: &'static str,
    words: Vec<String>,
    /// Packages whose advisories call them security updates; whether only those are asked for.
    advised: Vec<String>,
    security: bool,
    /// Whether a key was imported with `rpm --import`, which is a package without an architecture.
    key: bool,
}

impl Case {
    fn nevra(&self, id: &str) -> String {
        format!("{id}.{}", self.world[id].arch.as_deref().unwrap_or("noarch"))
    }

    /// What is installed before.
    fn before(&self) -> BTreeSet<String> {
        self.installed.iter().map(|id| self.nevra(id)).collect()
    }

    /// The advisories, as a document.
    fn updateinfo(&self) -> String {
        let one = |(number, id): (usize, &String)| {
            let mut parts = id.split('-');
            let (name, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            format!(
                "<update type=\"security\" status=\"final\" from=\"x\" version=\"1\"><id>A-{number}</id><title>t</title><issued date=\"2026-01-02 00:00:00\"/>\
                 <pkglist><collection short=\"c\"><name>c</name><package name=\"{name}\" epoch=\"0\" version=\"{version}\" release=\"1\" arch=\"noarch\">\
                 <filename>{id}.noarch.rpm</filename></package></collection></pkglist></update>"
            )
        };
        let all: String = self.advised.iter().enumerate().map(one).collect();
        if all.is_empty() { all } else { format!("<updates>{all}</updates>") }
    }
}

/// An architecture of no machine that tests run on.
const FOREIGN: &str = "s390x";

fn name(number: usize) -> String {
    format!("p{number:02}")
}

/// Up to 24 names in up to three versions; a few capabilities that several of them provide. In one world of three, several packages replace
/// another.
fn case(numbers: &mut Numbers) -> Case {
    let names = 8 + numbers.below(17);
    let mut world = World::new();
    let replaced = numbers.chance(3).then(|| numbers.below(names));
    for number in 0..names {
        for version in 1..=1 + numbers.below(3) {
            let mut recipe = recipe(numbers, number, names);
            if let Some(replaced) = replaced.filter(|replaced| *replaced != number && numbers.chance(6)) {
                recipe.obsoletes.push(format!("{} < 3", name(replaced)));
            }
            world.insert(format!("{}-{version}-1", name(number)), recipe);
        }
    }
    let (action, installed) = match numbers.below(4) {
        0 => ("install", Vec::new()),
        1 => ("install", some_installed(numbers, &world)),
        2 => ("update", some_installed(numbers, &world)),
        _ => ("erase", some_installed(numbers, &world)),
    };
    let words = match action {
        "update" if numbers.chance(2) => Vec::new(),
        "update" | "erase" if installed.is_empty() => vec![name(0)],
        "update" | "erase" => vec![bare(&installed[numbers.below(installed.len())]).to_owned()],
        _ => (0..=numbers.below(3)).map(|_| name(numbers.below(names))).collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let advised = world.keys().filter(|id| world[*id].arch.is_none() && numbers.chance(3)).cloned().collect();
    let (security, key) = (action == "update" && numbers.chance(4), numbers.chance(12));
    Case { world, installed, action, words, advised, security, key }
}

fn bare(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

fn recipe(numbers: &mut Numbers, number: usize, names: usize) -> Recipe {
    let mut recipe = Recipe::default();
    let other = |numbers: &mut Numbers| {
        let found = numbers.below(names);
        name(if found == number { (found + 1) % names } else { found })
    };
    for _ in 0..numbers.below(3) {
        let wanted = other(numbers);
        recipe.requires.push(match numbers.below(12) {
            0 | 1 => format!("{wanted} >= 2"),
            2 => format!("{wanted} < 3"),
            3 => format!("({wanted} or {})", other(numbers)),
            4 => format!("({wanted} if {})", other(numbers)),
            5 => format!("/usr/libexec/{wanted}"),
            6 | 7 => format!("virtual{}", numbers.below(3)),
            _ => wanted,
        });
    }
    if numbers.chance(4) {
        recipe.provides.push(format!("virtual{}", numbers.below(3)));
    }
    if numbers.chance(8) {
        recipe.conflicts.push(format!("{} < 2", other(numbers)));
    }
    if numbers.chance(14) {
        recipe.obsoletes.push(format!("{} < 2", other(numbers)));
    }
    if numbers.chance(6) {
        recipe.recommends.push(other(numbers));
    }
    if numbers.chance(2) {
        recipe.files.push(format!("/usr/libexec/{}", name(number)));
    }
    if numbers.chance(25) {
        recipe.arch = Some(FOREIGN.to_owned());
    }
    recipe
}

/// Of each name one version at most, whether or not they fit together: as after `rpm --nodeps`, or a broken transaction.
fn anything_installed(numbers: &mut Numbers, world: &World) -> Vec<String> {
    let mut chosen: BTreeMap<&str, &String> = BTreeMap::new();
    for id in world.keys() {
        if numbers.chance(3) {
            chosen.insert(bare(id), id);
        }
    }
    chosen.into_values().cloned().collect()
}

/// Packages that fit together: those of a random list, each added where all of them still do. One system in four is broken instead.
fn some_installed(numbers: &mut Numbers, world: &World) -> Vec<String> {
    if numbers.chance(4) {
        return anything_installed(numbers, world);
    }
    let ids: Vec<&String> = world.keys().collect();
    let packages: Vec<Package> = offers(world).into_iter().map(|offer| offer.package).collect();
    let mut best = BTreeSet::new();
    for _ in 0..40 {
        let mut there: BTreeSet<usize> = best.clone();
        for _ in 0..=numbers.below(5) {
            let new = numbers.below(ids.len());
            if !there.iter().any(|old| bare(ids[*old]) == bare(ids[new])) {
                there.insert(new);
            }
        }
        if rpm_engine::solver::problems(&packages, &there, "x86_64").is_empty() {
            best = there;
        }
    }
    best.into_iter().map(|index| ids[index].clone()).collect()
}

/// What metadata would say of a world, without any package being built.
fn offers(world: &World) -> Vec<Offer> {
    world.iter().map(|(id, recipe)| testing::packages::repository::made_up(id, recipe)).collect()
}

fn program() -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let path = target.parent().unwrap().parent().unwrap().join("tdnf");
    assert!(path.is_file(), "`cargo build -p tdnf` makes {}", path.display());
    path
}

/// What is there afterwards, as tdnf plans it.
fn ours(program: &Path, root: &Path, case: &Case) -> Option<BTreeSet<String>> {
    let mut command = Command::new(program);
    command.arg(format!("--installroot={}", root.display())).args(["--json", "--assumeno", "--noautoremove", case.action]);
    command.args(case.security.then_some("--security"));
    let output = command.args(&case.words).env_clear().output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let values: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {text}"))).collect();
    let error = values.iter().find_map(|value| value["Error"].as_u64());
    // 1032 is the answer no; without an error there was nothing to do.
    if !matches!(error, None | Some(1032)) {
        return None;
    }
    let mut after = case.before();
    let listed = |key: &str| -> Vec<(String, String)> {
        let all = values.iter().filter_map(|value| value[key].as_array()).flatten();
        let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
        all.map(|value| (text(value, "Name"), format!("{}-{}.{}", text(value, "Name"), text(value, "Evr"), text(value, "Arch")))).collect()
    };
    for key in ["Remove", "Unneeded", "Obsolete"] {
        for (_, nevra) in listed(key) {
            after.remove(&nevra);
        }
    }
    for key in ["Install", "Upgrade", "Downgrade"] {
        for (name, nevra) in listed(key) {
            after.retain(|old| bare(old) != name);
            after.insert(nevra);
        }
    }
    Some(after)
}

/// How two answers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Same,
    BothRefuse,
    /// Both fit together: what several packages can be chosen for was chosen differently, or weak dependencies were.
    OtherChoice,
    OnlyOurs,
    OnlyTheirs,
    OursDoesNotFit,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "the same",
            Self::BothRefuse => "both refuse",
            Self::OtherChoice => "another choice",
            Self::OnlyOurs => "only tdnf finds an answer",
            Self::OnlyTheirs => "only dnf finds an answer",
            Self::OursDoesNotFit => "tdnf's answer does not fit together",
        })
    }
}

fn verdict(case: &Case, ours: Option<&BTreeSet<String>>, theirs: Option<&BTreeSet<String>>) -> Verdict {
    let packages: Vec<Package> = offers(&case.world).into_iter().map(|offer| offer.package).collect();
    let problems = |nevras: &BTreeSet<String>| -> BTreeSet<String> {
        let there = (0..packages.len()).filter(|index| nevras.contains(&packages[*index].nevra.to_string())).collect();
        rpm_engine::solver::problems(&packages, &there, "x86_64").into_iter().collect()
    };
    // What was broken before may stay so.
    let before = problems(&case.before());
    let fits = |after: &BTreeSet<String>| problems(after).is_subset(&before);
    match (ours, theirs) {
        (Some(ours), _) if !fits(ours) => Verdict::OursDoesNotFit,
        (Some(ours), Some(theirs)) if ours == theirs => Verdict::Same,
        // dnf does nothing and says nothing where a named package cannot be updated; tdnf says why.
        (None, Some(theirs)) if *theirs == case.before() => Verdict::BothRefuse,
        (Some(_), Some(_)) => Verdict::OtherChoice,
        (None, None) => Verdict::BothRefuse,
        (Some(_), None) => Verdict::OnlyOurs,
        (None, Some(_)) => Verdict::OnlyTheirs,
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
#[ignore = "needs the SDK"]
fn plans_are_those_of_dnf() {
    let count = setting("KAON_SOLVER_CASES", 400) as usize;
    let mut numbers = Numbers(setting("KAON_SOLVER_SEED", 0x6b61_6f6e));
    let (world, program) = (tools::World::new(), program());
    let keys = Keyring::from_armoured([testing::packages::KEY]).unwrap();
    fs::write(world.path("key.asc"), testing::packages::KEY).unwrap();
    let (mut cases, mut lines, mut answers) = (Vec::new(), String::new(), Vec::new());
    for number in 0..count {
        let case = case(&mut numbers);
        let (repository, root) = (world.make(&format!("{number}/repo")), world.make(&format!("{number}/root")));
        write_metadata(&repository, &offers(&case.world), &case.updateinfo(), 1);
        let recipes: World = case.installed.iter().map(|id| (id.clone(), case.world[id].clone())).collect();
        if !recipes.is_empty() {
            let folder = world.make(&format!("{number}/rpms"));
            let packages = build(&folder, &recipes).iter().map(|offer| RpmFile::open(&folder.join(&offer.location)).unwrap()).collect();
            install(packages, &keys, &root, &Options { time: TIME, progress: &|_| {} }).unwrap();
            fs::remove_dir_all(&folder).unwrap();
        }
        let place = repository.display();
        for (path, text) in [
            ("etc/tdnf/tdnf.conf", "[main]\nprotected_packages=\n".to_owned()),
            ("etc/yum.repos.d/base.repo", format!("[base]\nbaseurl=file://{place}\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=0\n")),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        if case.key {
            let key = world.inside(&world.path("key.asc"));
            world.run("rpmkeys", &["--root", &world.inside(&root), "--dbpath", rpm_engine::rpmdb::DIRECTORY, "--import", &key]);
        }
        answers.push(ours(&program, &root, &case));
        let (root, repo) = (world.inside(&root), world.inside(&repository));
        let (action, words, security) = (case.action, &case.words, case.security);
        lines += &format!("{}\n", json!({ "root": root, "repo": repo, "action": action, "words": words, "security": security }));
        cases.push(case);
    }
    fs::write(world.path("cases"), lines).unwrap();
    fs::write(world.path(".rpmmacros"), format!("%_dbpath {}\n", rpm_engine::rpmdb::DIRECTORY)).unwrap();
    fs::write(world.path("oracle.py"), ORACLE).unwrap();
    let said = world.run("python3", &["/build/oracle.py"]);
    let theirs: Vec<Option<BTreeSet<String>>> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(theirs.len(), count);
    let mut tally: BTreeMap<(Verdict, &str), usize> = BTreeMap::new();
    for (number, ((case, ours), theirs)) in cases.iter().zip(&answers).zip(&theirs).enumerate() {
        let verdict = verdict(case, ours.as_ref(), theirs.as_ref());
        *tally.entry((verdict, case.action)).or_default() += 1;
        if !matches!(verdict, Verdict::Same | Verdict::BothRefuse) {
            let only = if case.security { " --security" } else { "" };
            eprintln!("{number}: {verdict}: {}{only} {:?}, installed {:?}, key {}", case.action, case.words, case.before(), case.key);
            let only = |a: &Option<BTreeSet<String>>, b: &Option<BTreeSet<String>>| {
                let (a, b) = (a.clone().unwrap_or_default(), b.clone().unwrap_or_default());
                a.difference(&b).cloned().collect::<Vec<_>>()
            };
            eprintln!("    only tdnf: {:?}, only dnf: {:?}", only(ours, theirs), only(theirs, ours));
            if std::env::var_os("KAON_SOLVER_WORLDS").is_some() {
                for (id, recipe) in &case.world {
                    let lists =
                        [&recipe.requires, &recipe.provides, &recipe.conflicts, &recipe.obsoletes, &recipe.recommends, &recipe.files];
                    eprintln!(
                        "    {}: requires {:?} provides {:?} conflicts {:?} obsoletes {:?} recommends {:?} files {:?}, advised {}",
                        case.nevra(id),
                        lists[0],
                        lists[1],
                        lists[2],
                        lists[3],
                        lists[4],
                        lists[5],
                        case.advised.contains(id)
                    );
                }
            }
        }
    }
    for ((verdict, action), number) in &tally {
        eprintln!("{number:>5} {action}: {verdict}");
    }
    let of =
        |wanted: &[Verdict]| tally.iter().filter(|((verdict, _), _)| wanted.contains(verdict)).map(|(_, number)| number).sum::<usize>();
    assert_eq!(of(&[Verdict::OursDoesNotFit]), 0);
    let (alone, other) = (of(&[Verdict::OnlyOurs, Verdict::OnlyTheirs]), of(&[Verdict::OtherChoice]));
    assert!(alone * 25 <= count, "{alone} of {count} have one answer only");
    assert!(other * 4 <= count, "{other} of {count} differ");
}
