//! Hosts whose limits are small or whose directories are not as usual.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use xtask::diagnostic::{Style, render};
use xtask::sandbox::{Root, StepsEnded};

use super::bench::{Bench, scratch};

/// Tells the process in the situation where to build.
const FOLDER_VARIABLE: &str = "KAON_TEST_SITUATION";
/// Tells it how many layers to add.
const LAYERS_VARIABLE: &str = "KAON_TEST_LAYERS";

/// What a builder with `layers` further layers prints after `setting`, a command of the shell.
fn told_in(setting: &str, layers: usize) -> String {
    let folder = scratch();
    let script = format!("{setting}; exec \"$0\" --ignored --exact --nocapture sandbox::situations::plays_a_builder");
    let output = Command::new("sh")
        .args(["-ec", &script])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER_VARIABLE, folder.path())
        .env(LAYERS_VARIABLE, layers.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
#[ignore = "is a process other tests start"]
fn plays_a_builder() {
    let folder = std::env::var(FOLDER_VARIABLE).expect("started by another test");
    let count: usize = std::env::var(LAYERS_VARIABLE).unwrap().parse().unwrap();
    xtask::open_files::allow_all();
    let mut bench = Bench::within(folder.as_ref(), "cd /layers && set -- * && echo $#; cat /layers/who");
    add_layers(&mut bench, Path::new(&folder), count);
    let text = match bench.run() {
        Ok(outcome) if outcome.status == StepsEnded::Done => bench.log(),
        Ok(_) => panic!("{}", bench.log()),
        Err(error) => render(&error, Style::Plain),
    };
    writeln!(std::io::stdout(), "{text}").unwrap();
}

/// Layers with a file of their own each and one in common, the first uppermost.
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
fn a_missing_directory_for_temporary_files_does_not_matter() {
    assert!(told_in("export TMPDIR=/nonexistent", 2).contains("\n3\nlayer 0\n"));
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised() {
    assert!(told_in("ulimit -Sn 256", 300).contains("\n301\nlayer 0\n"));
}

#[test]
fn a_low_hard_limit_of_open_files_is_named() {
    let text = told_in("ulimit -Sn 256; ulimit -Hn 256", 300);
    assert!(text.contains("error: a sandbox takes more open files than the 256 this process is allowed"), "{text}");
    assert!(text.contains("hint: raise the hard limit"), "{text}");
}

#[test]
fn more_layers_than_an_overlay_takes_are_merged() {
    assert!(told_in("true", 1000).contains("\n1001\nlayer 0\n"));
}
