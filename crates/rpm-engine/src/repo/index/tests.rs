use super::*;
use crate::dependency::{Capability, Comparison, Dependency};
use crate::package::{Details, Nevra, Package};
use crate::repo::Offer;
use crate::version::Evr;

fn offer(name: &str, version: &str) -> Offer {
    let evr = Evr::parse(version);
    let simple = |text: &str| Dependency::new(text, None).unwrap();
    let package = Package {
        nevra: Nevra { name: name.into(), evr: evr.clone(), arch: "noarch".into() },
        provides: vec![Capability::ranged(name, Comparison::Equal, evr), Capability::any("common")],
        requires: vec![simple("/bin/sh"), simple("(a if (b or c) else d)"), Dependency::Simple(Capability::parse("x >= 2:1.0").unwrap())],
        conflicts: vec![simple("(a unless b)")],
        obsoletes: vec![Capability::parse("old < 2").unwrap()],
        recommends: vec![],
        supplements: vec![simple("(x and y)")],
        paths: vec![format!("/usr/bin/{name}"), "/usr/bin/shared".into()],
        installed_size_bytes: 5_000_000_000,
        package_size_bytes: 7,
    };
    let details = Details { summary: "S".into(), license: "MIT".into(), build_time: 9, suggests: vec![simple("z")], ..Details::default() };
    Offer { package, details, location: format!("Packages/{name}.rpm"), checksum: "0".repeat(64) }
}

#[test]
fn what_was_written_is_read() {
    let offers = [offer("b", "1.0-1"), offer("a", "2:1.0-1"), offer("a", "1.0-1")];
    let index = Index::of(&offers).unwrap();
    assert_eq!(index.len(), 3);
    assert_eq!(
        (0..3).map(|at| index.nevra(at).unwrap().to_string()).collect::<Vec<_>>(),
        ["a-1.0-1.noarch", "a-2:1.0-1.noarch", "b-1.0-1.noarch"]
    );
    assert_eq!(format!("{:?}", index.offer(2).unwrap()), format!("{:?}", offers[0]));
    let table: [(&str, Vec<usize>, &[usize]); 8] = [
        ("called a", index.called("a"), &[0, 1]),
        ("called c", index.called("c"), &[]),
        ("providing common", index.providing("common"), &[0, 1, 2]),
        ("providing b", index.providing("b"), &[2]),
        ("holding", index.holding("/usr/bin/shared"), &[0, 1, 2]),
        ("obsoleting", index.obsoleting("old"), &[0, 1, 2]),
        ("supplementing", index.supplementing("y"), &[0, 1, 2]),
        ("nothing", index.holding(""), &[]),
    ];
    assert_eq!(index.holding_any(|path| path.ends_with("/b") || path == "/none"), [2]);
    assert_eq!(index.holding_any(|path| path.starts_with("/usr/")), [0, 1, 2]);
    for (case, found, expected) in table {
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn damage_is_never_more_than_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let source = [7; 32];
    let good = build(&[offer("a", "1-1"), offer("b", "2-1")], source);
    assert!(Index::open(&path, source).unwrap().is_none());
    std::fs::write(&path, &good).unwrap();
    assert!(Index::open(&path, source).unwrap().is_some_and(|index| index.len() == 2));
    assert!(Index::open(&path, [8; 32]).unwrap().is_none(), "an index of another document");
    for at in (0..good.len()).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        bad.truncate(good.len() - at % 50);
        std::fs::write(&path, &bad).unwrap();
        let Some(index) = Index::open(&path, source).unwrap() else { continue };
        for package in 0..index.len().min(3) {
            index.offer(package);
        }
        index.called("a");
        index.holding("/usr/bin/b");
    }
}
