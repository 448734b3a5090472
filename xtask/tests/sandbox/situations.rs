//! Hosts with low limits or unusual directories.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base::diagnostic::{Style, render};
use nix::sys::resource::{Resource, setrlimit};
use runtime::sandbox::{Root, StepsEnded};

use super::bench::{Bench, scratch};

/// The build directory, for the process in the situation.
const FOLDER_VARIABLE: &str = "KAON_TEST_SITUATION";
/// How many layers to add.
const LAYERS_VARIABLE: &str = "KAON_TEST_LAYERS";

/// The output of a builder with `layers` additional layers, these soft and hard limits of open files, and a directory for temporary files
/// that does not exist.
fn told_with(open_files: (u64, u64), layers: usize) -> String {
    let folder = scratch();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "--nocapture", "sandbox::situations::plays_a_builder"])
        .env(FOLDER_VARIABLE, folder.path())
        .env(LAYERS_VARIABLE, layers.to_string())
        .env("TMPDIR", folder.path().join("missing"))
        .stderr(Stdio::inherit());
    let limit = move || Ok(setrlimit(Resource::RLIMIT_NOFILE, open_files.0, open_files.1)?);
    // SAFETY: what runs between fork and exec makes one system call.
    unsafe { command.pre_exec(limit) };
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// Not a test by itself: started by the others.
#[test]
#[ignore = "is a process another test starts"]
fn plays_a_builder() {
    let Ok(folder) = std::env::var(FOLDER_VARIABLE) else { return };
    let count: usize = std::env::var(LAYERS_VARIABLE).unwrap().parse().unwrap();
    runtime::limits::raise();
    let mut bench = Bench::within(folder.as_ref(), "cd /layers && set -- * && echo $#; cat /layers/who");
    add_layers(&mut bench, Path::new(&folder), count);
    let text = match bench.run() {
        Ok(outcome) if outcome.status == StepsEnded::Done => bench.log(),
        Ok(_) => panic!("{}", bench.log()),
        Err(error) => render(&error, Style::Plain),
    };
    writeln!(std::io::stdout(), "{text}").unwrap();
}

/// Adds layers, each with its own file and a common one, the first uppermost.
fn add_layers(bench: &mut Bench, folder: &Path, count: usize) {
    let added: Vec<_> = (0..count)
        .map(|number| {
            let layer = folder.join(format!("layer-{number}"));
            fs::create_dir_all(layer.join("layers")).unwrap();
            fs::write(layer.join("layers").join(number.to_string()), "").unwrap();
            fs::write(layer.join("layers/who"), format!("layer {number}\n")).unwrap();
            layer
        })
        .collect();
    let Root::Overlay { layers, .. } = &mut bench.job.root else { unreachable!() };
    layers.splice(0..0, added);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_missing_directory_for_temporary_files_does_not_matter() {
    assert!(told_with((1024, 4096), 2).contains("\n3\nlayer 0\n"));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_low_soft_limit_of_open_files_is_raised() {
    assert!(told_with((256, 4096), 300).contains("\n301\nlayer 0\n"));
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_low_hard_limit_of_open_files_is_named() {
    let text = told_with((256, 256), 300);
    assert!(text.contains("error: a sandbox needs more open files than the 256 that this process is allowed"), "{text}");
    assert!(text.contains("hint: raise the hard limit"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn more_layers_than_an_overlay_takes_are_merged() {
    assert!(told_with((1024, 4096), 1000).contains("\n1001\nlayer 0\n"));
}
