//! `tdnf`, `kaon-installer` and `kaon-firstboot` in one file, which runs the program that it is called as.
//!
//! What they share is optimised and stored once. Packages contain links to the file by the programs' names.

use std::env::args_os;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// A program of the file, by a name that it is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Tdnf,
    Installer,
    Firstboot,
}

impl Program {
    fn of(called_as: &str) -> Option<Self> {
        match called_as {
            // tdnf itself looks at the other names that it has.
            "tdnf" | "tdnf-automatic" | "tdnf-config" | "tdnfj" => Some(Self::Tdnf),
            "kaon-installer" => Some(Self::Installer),
            "kaon-firstboot" => Some(Self::Firstboot),
            _ => None,
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = args_os().collect();
    let name = arguments.first().and_then(|path| Path::new(path).file_name()).unwrap_or_default().to_string_lossy();
    match Program::of(&name) {
        Some(Program::Tdnf) => tdnf::main(arguments),
        Some(Program::Installer) => installer::main(arguments),
        Some(Program::Firstboot) => firstboot::main(arguments),
        None => unknown(&name),
    }
}

#[expect(clippy::print_stderr, reason = "no program's own way of reporting applies")]
fn unknown(name: &str) -> ExitCode {
    eprintln!("error: `{name}` is none of the programs in this file: tdnf, kaon-installer, kaon-firstboot");
    eprintln!("hint: call it by a link with the program's name");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_the_packages_is_a_program() {
        let spec = include_str!("../../../specs/kaon-tools/package.toml");
        let link = |line: &'static str| line.strip_prefix("\"/usr/bin/")?.strip_suffix("\" = \"../lib/kaon/tools\"");
        let links: Vec<&str> = spec.lines().filter_map(link).collect();
        assert_eq!(links, ["kaon-firstboot", "kaon-installer", "tdnf", "tdnf-automatic", "tdnf-config", "tdnfj"]);
        assert!(links.iter().all(|name| Program::of(name).is_some()));
        assert_eq!(Program::of("tools"), None);
    }
}
