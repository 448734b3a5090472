//! The configurations of all kernels, against the sources that they are compiled from.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs the SDK and the kernel's sources: cargo xtask test"]
fn every_kernel_meets_its_contracts() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["kernel", "check"]).current_dir(project).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for entry in fs::read_dir(project.join("kernel-config/flavours")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(said.contains(&format!("{name}: ")), "{name}: {said}");
    }
}
