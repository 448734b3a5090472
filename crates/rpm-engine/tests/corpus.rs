//! The committed corpus of the fuzz targets, replayed: what is good is accepted, what is bad is refused, nothing panics.
//!
//! In `fuzz/corpus/TARGET`, files called `good-*` must be accepted and those called `bad-*` refused; others, which a fuzzer found, may be
//! either.
#![allow(clippy::print_stderr, reason = "it counts")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// As many malformed inputs there must be.
const MALFORMED: usize = 300;

fn corpus() -> BTreeMap<String, Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let sorted = |folder: &Path| {
        let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    };
    sorted(&folder).into_iter().map(|target| (name(&target), sorted(&target))).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_input_gets_its_verdict() {
    let corpus = corpus();
    let named: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(corpus.keys().collect::<Vec<_>>(), named.iter().collect::<Vec<_>>(), "each target has a folder");
    let (mut malformed, mut wrong) = (0, Vec::new());
    for (target, check) in targets::ALL {
        let (mut good, mut bad) = (0, 0);
        for path in &corpus[*target] {
            let verdict = check(&fs::read(path).unwrap());
            let file = name(path);
            match verdict {
                Ok(()) if file.starts_with("bad-") => wrong.push(format!("{target}/{file} is accepted")),
                Err(why) if file.starts_with("good-") => wrong.push(format!("{target}/{file} is refused: {why}")),
                verdict => {
                    good += usize::from(verdict.is_ok());
                    bad += usize::from(verdict.is_err());
                }
            }
        }
        eprintln!("{target:>12}: {bad:>3} refused, {good:>3} accepted");
        malformed += bad;
        assert!(good > 0, "{target} accepts nothing");
    }
    eprintln!("{malformed} malformed inputs in all");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(malformed >= MALFORMED, "only {malformed} malformed inputs");
}

/// Every input of the corpus, cut off, flipped and doubled here and there: nothing panics, whatever the verdict.
#[test]
fn nothing_near_the_corpus_panics() {
    let mut number = 0x6b61_6f6e_u64;
    let mut next = |below: usize| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        (number % below.max(1) as u64) as usize
    };
    for (target, paths) in corpus() {
        let (_, check) = targets::ALL.iter().find(|(name, _)| *name == target).unwrap();
        for path in paths {
            let whole = fs::read(&path).unwrap();
            for _ in 0..4 {
                let mut bytes = whole.clone();
                for _ in 0..=next(4) {
                    let (at, length) = (next(bytes.len()), bytes.len());
                    match next(5) {
                        0 => bytes.truncate(at),
                        1 if length > 0 => bytes[at] ^= 1 << next(8),
                        2 if length > 0 => bytes[at] = [0, 0xff, b'<', b'(', b'\n'][next(5)],
                        3 if length > 8 => bytes.copy_within(at.min(length - 8)..at.min(length - 8) + 8, next(length - 8)),
                        _ => bytes.extend_from_within(at..length.min(at + 16)),
                    }
                }
                let _ = check(&bytes);
            }
        }
    }
}
