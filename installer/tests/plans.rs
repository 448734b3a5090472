//! Kickstart files and what is planned for them, or why not.
//!
//! `tests/cases/MACHINE/NAME.{json,yaml,toml}` is a kickstart file for the machine in `tests/cases/MACHINE/facts.json`; `NAME.out` next to it is
//! what `kaon-installer --plan` says. With `KAON_UPDATE_CASES=1` in the environment these are written again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use installer::plan::{Facts, Note, Request, plan};
use kickstart::{Kickstart, Parsed};

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn answer(path: &Path, facts: &Facts) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let Parsed { document, notes, .. } = match Kickstart::parse(name, &fs::read_to_string(path).unwrap()) {
        Ok(parsed) => parsed,
        Err(problems) => return format!("error: {problems}\n"),
    };
    let request =
        Request { kickstart: &document.value, lists: &[], facts, directory: false, offered: None, prepared: false, seed: [7; 32] };
    match plan(&request) {
        Ok(mut plan) => {
            plan.notes.splice(0..0, notes.iter().map(|note| Note::of(name, note)));
            let json = serde_json::to_string(&plan).unwrap();
            for secret in ["sesame", "$6$", "TOKEN"] {
                assert!(!json.contains(secret) && !plan.to_string().contains(secret), "{name} shows a secret");
            }
            plan.to_string()
        }
        Err(refusals) => {
            let problems = refusals.into_iter().map(|refusal| document.problem(&refusal.path, refusal.message, refusal.hint)).collect();
            format!("error: {}\n", document.problems(problems))
        }
    }
}

#[test]
fn every_case_gives_its_answer() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let update = std::env::var_os("KAON_UPDATE_CASES").is_some();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for machine in sorted(&cases) {
        let facts: Facts = serde_json::from_str(&fs::read_to_string(machine.join("facts.json")).unwrap()).unwrap();
        for path in sorted(&machine).into_iter().filter(|path| {
            path.file_name().is_some_and(|name| name != "facts.json") && path.extension().is_some_and(|ending| ending != "out")
        }) {
            let answer = answer(&path, &facts);
            let expected = path.with_extension("out");
            assert!(seen.insert(expected.clone()), "{expected:?} belongs to two cases");
            if update {
                fs::write(&expected, &answer).unwrap();
            } else if fs::read_to_string(&expected).ok().as_deref() != Some(answer.as_str()) {
                wrong.push(format!("{}:\n{answer}", path.display()));
            }
        }
    }
    assert!(seen.len() >= 40, "only {} cases were found", seen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reference_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/kickstart.md");
    let text = fs::read_to_string(&page).unwrap();
    const MARK: &str = "<!-- The rest is generated from the types by `kaon-installer --reference`. -->\n\n";
    let (before, after) = text.split_once(MARK).expect("the page has lost its mark");
    let reference = kickstart::reference();
    if std::env::var_os("KAON_UPDATE_CASES").is_some() {
        fs::write(&page, format!("{before}{MARK}{reference}")).unwrap();
    } else {
        assert_eq!(after, reference, "run the test with KAON_UPDATE_CASES=1");
    }
}
