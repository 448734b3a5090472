//! `tdnf`: the package manager's command line; called as `tdnf-automatic`, updates without anybody asking.

use std::env::args_os;
use std::process::ExitCode;

fn main() -> ExitCode {
    tdnf::main(args_os().collect())
}
