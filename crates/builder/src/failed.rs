//! What failed builds leave, kept for inspection.

use std::fs;
use std::path::{Path, PathBuf};

use super::job;
use base::name::PackageName;
use runtime::sandbox::Job;
use runtime::store::{Scratch, Store, StoreError, Sweeper, remove_tree};

/// The file in a failed build's folder with the job that enters its sandbox again. Its last step is the one that failed; it has no steps if
/// all succeeded and packaging failed.
pub const FAILED_JOB: &str = "job.json";

/// Where the folder of a spec's failed build is kept.
pub fn failed_folder(store: &Store, spec: &PackageName) -> PathBuf {
    store.root().join("scratch").join(store.failed_name(spec.as_str()))
}

/// Keeps the folder of a failed build in place of an earlier one, with the job that enters its sandbox. What is kept is complete or absent.
///
/// # Errors
/// When it cannot be kept; then it is removed.
pub(super) fn keep(store: &Store, spec: &PackageName, scratch: Scratch, job: &Job, sweeper: &Sweeper) -> Result<(), StoreError> {
    let kept = failed_folder(store, spec);
    // The overlay's work directory is closed even to its owner, so that `rm -r` would fail. It is created again when the sandbox is
    // entered.
    let work = scratch.path().join("work");
    remove_tree(&work)?;
    fs::create_dir(&work).map_err(|source| StoreError::io("make", &work, source))?;
    write_job(&scratch.path().join(FAILED_JOB), &job::moved(job, &kept))?;
    forget(store, spec, sweeper)?;
    fs::rename(scratch.path(), &kept).map_err(|source| StoreError::io("keep", &kept, source))?;
    scratch.keep();
    Ok(())
}

/// Removes what is kept of a spec's failed build, if anything is: after a success it would only mislead.
///
/// # Errors
/// When it cannot be moved away.
pub(super) fn forget(store: &Store, spec: &PackageName, sweeper: &Sweeper) -> Result<(), StoreError> {
    let kept = failed_folder(store, spec);
    if fs::symlink_metadata(&kept).is_ok() {
        let old = store.scratch("old")?;
        fs::rename(&kept, old.path().join("failed")).map_err(|source| StoreError::io("replace", &kept, source))?;
        sweeper.sweep(old);
    }
    Ok(())
}

fn write_job(file: &Path, job: &Job) -> Result<(), StoreError> {
    let text = serde_json::to_vec_pretty(job).map_err(|source| StoreError::BadResult { path: file.to_owned(), source })?;
    fs::write(file, text).map_err(|source| StoreError::io("write", file, source))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use runtime::cancel::Cancel;
    use runtime::sandbox::Root;

    fn job(at: &Path) -> Job {
        Job {
            name: "zlib".into(),
            root: Root::Overlay { layers: Vec::new(), upper: at.join("upper"), work: at.join("work") },
            build_dir: Some(at.join("build")),
            inputs: Vec::new(),
            env: BTreeMap::new(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn a_second_failure_takes_the_place_of_the_first_whatever_that_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let spec: PackageName = "zlib".parse().unwrap();
        let kept = failed_folder(&store, &spec);
        let sweeper = Sweeper::new(&Cancel::new());
        for number in ["first", "second", "third"] {
            let scratch = store.scratch("build-zlib").unwrap();
            fs::create_dir_all(scratch.path().join("work/work/incompat")).unwrap();
            fs::write(scratch.path().join(number), "").unwrap();
            for closed in ["work/work/incompat", "work/work"] {
                fs::set_permissions(scratch.path().join(closed), Permissions::from_mode(0o000)).unwrap();
            }
            let job = job(scratch.path());
            keep(&store, &spec, scratch, &job, &sweeper).unwrap();
            assert!(kept.join(number).exists());
            let job: Job = serde_json::from_slice(&fs::read(kept.join(FAILED_JOB)).unwrap()).unwrap();
            assert_eq!(job.build_dir, Some(kept.join("build")));
        }
        drop(sweeper);
        let left: Vec<_> = fs::read_dir(folder.path().join("scratch")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
