use super::*;
use crate::dependency::Comparison;
use crate::package::Nevra;
use crate::version::Evr;

/// `name-version` and lines such as `provides: a = 1, b`.
pub(crate) fn package(id: &str, lines: &[&str]) -> Package {
    let (name, version) = id.rsplit_once('-').unwrap();
    let evr = Evr::parse(&format!("{version}-1"));
    let mut package = Package {
        nevra: Nevra { name: name.into(), evr: evr.clone(), arch: "x86_64".into() },
        provides: vec![Capability::ranged(name, Comparison::Equal, evr)],
        requires: vec![],
        conflicts: vec![],
        obsoletes: vec![],
        recommends: vec![],
        supplements: vec![],
        paths: vec![],
        installed_size_bytes: 0,
        package_size_bytes: 0,
    };
    for line in lines {
        let (key, values) = line.split_once(": ").unwrap();
        let capabilities = || values.split(", ").map(|text| Capability::parse(text).unwrap());
        let dependencies = || {
            let one = |text: &str| match text.starts_with('(') {
                true => Dependency::new(text, None).unwrap(),
                false => Dependency::Simple(Capability::parse(text).unwrap()),
            };
            values.split(", ").map(one)
        };
        match key {
            "provides" => package.provides.extend(capabilities()),
            "obsoletes" => package.obsoletes.extend(capabilities()),
            "requires" => package.requires.extend(dependencies()),
            "conflicts" => package.conflicts.extend(dependencies()),
            "recommends" => package.recommends.extend(dependencies()),
            "supplements" => package.supplements.extend(dependencies()),
            "paths" => package.paths.extend(values.split(", ").map(str::to_owned)),
            "arch" => package.nevra.arch = values.to_owned(),
            _ => panic!("{key}"),
        }
    }
    package
}

fn world() -> Vec<Package> {
    vec![
        package("glibc-2.40", &["provides: libc.so.6()(64bit)", "paths: /sbin/ldconfig"]),
        package("glibc-2.41", &["provides: libc.so.6()(64bit)", "paths: /sbin/ldconfig"]),
        package("glibc-9.9", &["arch: aarch64"]),
        package("bash-5.2", &["provides: /bin/sh, sh = 5", "requires: libc.so.6()(64bit), /sbin/ldconfig", "recommends: completion"]),
        package("busybox-1.37", &["provides: /bin/sh, sh = 1", "requires: libc.so.6()(64bit)", "conflicts: bash"]),
        package("completion-1", &["requires: bash", "arch: noarch"]),
        package("awk-1", &["requires: libc.so.6()(64bit)"]),
        package("gawk-5", &["provides: awk = 5", "requires: libc.so.6()(64bit)"]),
        package("curl-8", &["requires: libc.so.6()(64bit), sh >= 2, (fips if fips-mode)", "obsoletes: curl-old < 2"]),
        package("curl-old-1", &[]),
        package("curl-old-3", &[]),
        package("fips-1", &[]),
        package("fips-mode-1", &[]),
        package("needs-old-1", &["requires: glibc < 2.41, curl"]),
        package("broken-1", &["requires: nothing >= 3"]),
        package("wants-broken-1", &["recommends: broken, awk"]),
        package("needs-broken-1", &["requires: broken"]),
        package("either-1", &["requires: (broken or awk)"]),
        package("both-1", &["requires: (sh with sh < 2)"]),
        package("not-1", &["requires: (sh without sh < 2)"]),
        package("alternative-1", &["requires: (fips if bash else awk)"]),
        package("pair-1", &["conflicts: (fips and fips-mode)"]),
        package("self-1", &["provides: x", "conflicts: x"]),
        package("other-1", &["provides: x"]),
        package("langpack-1", &["supplements: (curl and fips)"]),
        package("a-1", &["requires: b"]),
        package("b-1", &["requires: a, glibc"]),
    ]
}

fn names(install: &[&str], weak: bool) -> Result<Vec<String>, SolveError> {
    let world = world();
    let install = install.iter().map(|text| Capability::parse(text).unwrap()).collect();
    let chosen = solve(&world, &Request { install, weak, arch: "x86_64".into() })?;
    Ok(chosen.into_iter().map(|index| format!("{}-{}", world[index].nevra.name, world[index].nevra.evr.version)).collect())
}

#[test]
fn answers() {
    let table: &[(&[&str], &[&str])] = &[
        (&["glibc"], &["glibc-2.41"]),
        (&["glibc < 2.41"], &["glibc-2.40"]),
        (&["/sbin/ldconfig"], &["glibc-2.41"]),
        (&["bash"], &["glibc-2.41", "bash-5.2"]),
        (&["sh"], &["glibc-2.41", "bash-5.2"]),
        (&["sh < 2"], &["glibc-2.41", "busybox-1.37"]),
        (&["curl"], &["glibc-2.41", "bash-5.2", "curl-8"]),
        (&["curl-old"], &["curl-old-3"]),
        (&["curl-old < 2"], &["glibc-2.41", "bash-5.2", "curl-8"]),
        (&["curl", "curl-old"], &["glibc-2.41", "bash-5.2", "curl-8", "curl-old-3"]),
        (&["awk"], &["glibc-2.41", "awk-1"]),
        (&["awk >= 5"], &["glibc-2.41", "gawk-5"]),
        (&["curl", "fips-mode"], &["glibc-2.41", "bash-5.2", "fips-1", "curl-8", "fips-mode-1"]),
        (&["needs-old"], &["glibc-2.40", "bash-5.2", "curl-8", "needs-old-1"]),
        (&["either"], &["glibc-2.41", "awk-1", "either-1"]),
        (&["both"], &["glibc-2.41", "busybox-1.37", "both-1"]),
        (&["not"], &["glibc-2.41", "bash-5.2", "not-1"]),
        (&["alternative"], &["glibc-2.41", "awk-1", "alternative-1"]),
        (&["alternative", "bash"], &["fips-1", "glibc-2.41", "bash-5.2", "alternative-1"]),
        (&["pair", "fips"], &["fips-1", "pair-1"]),
        (&["self"], &["self-1"]),
        (&["a"], &["glibc-2.41", "b-1", "a-1"]),
    ];
    for (request, expected) in table {
        assert_eq!(names(request, false).unwrap_or_else(|error| panic!("{request:?}: {error}")), *expected, "{request:?}");
    }
}

#[test]
fn weak_dependencies_follow_where_they_can() {
    assert_eq!(names(&["bash"], true).unwrap(), ["glibc-2.41", "bash-5.2", "completion-1"]);
    assert_eq!(names(&["wants-broken"], true).unwrap(), ["glibc-2.41", "awk-1", "wants-broken-1"]);
    assert!(names(&["curl", "fips"], true).unwrap().contains(&"langpack-1".to_owned()));
    assert!(!names(&["curl"], true).unwrap().contains(&"langpack-1".to_owned()));
}

#[test]
fn refusals_explain_themselves() {
    let table: &[(&[&str], &[&str])] = &[
        (&["bash", "busybox"], &["bash", "busybox"]),
        (&["needs-broken"], &["nothing >= 3", "broken"]),
        (&["glibc >= 2.41", "needs-old"], &["needs-old", "glibc < 2.41"]),
        (&["pair", "fips", "fips-mode"], &["pair"]),
        (&["self", "other"], &["self", "other"]),
        (&["curl", "curl-old < 2", "bash", "busybox"], &["busybox"]),
    ];
    for (request, mentioned) in table {
        let Err(SolveError::Conflict { explanation }) = names(request, false) else { panic!("{request:?} was answered") };
        for text in *mentioned {
            assert!(explanation.contains(text), "{request:?}: `{text}` is missing in\n{explanation}");
        }
        assert!(explanation.lines().count() <= 13, "{explanation}");
    }
    let error = names(&["bahs", "nothing", "libc"], false).unwrap_err();
    assert_eq!(error.to_string(), "no package provides `bahs`, `nothing`, `libc`");
    assert!(matches!(error, SolveError::Missing { similar, .. } if similar == ["bash", "glibc", "not"]));
}
