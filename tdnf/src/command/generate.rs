//! `tdnf generate`

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::automatic::Arguments;
use crate::cli::args::{Cli, Generated};
use crate::cli::error::CliError;
use crate::cli::session::io_at;

/// Writes manual pages into `directory`, or completions to where answers go.
///
/// # Errors
/// When a file cannot be written.
pub fn run(what: Generated, directory: &Path) -> Result<(), CliError> {
    let mut command = Cli::command();
    let shell = match what {
        Generated::Man => return pages(command, directory),
        Generated::Bash => Shell::Bash,
        Generated::Zsh => Shell::Zsh,
        Generated::Fish => Shell::Fish,
        Generated::Elvish => Shell::Elvish,
    };
    clap_complete::generate(shell, &mut command, "tdnf", &mut io::stdout());
    Ok(())
}

/// `tdnf.8`, `tdnf-COMMAND.8` and `tdnf-automatic.8`: commands of the administrator are in section 8.
fn pages(mut command: clap::Command, directory: &Path) -> Result<(), CliError> {
    fs::create_dir_all(directory).map_err(io_at(directory))?;
    command.build();
    let shown: Vec<clap::Command> =
        command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help").cloned().collect();
    page(command, "tdnf".to_owned(), directory)?;
    for subcommand in shown {
        let name = format!("tdnf-{}", subcommand.get_name());
        page(subcommand, name, directory)?;
    }
    page(Arguments::command(), "tdnf-automatic".to_owned(), directory)
}

fn page(command: clap::Command, name: String, directory: &Path) -> Result<(), CliError> {
    let path = directory.join(format!("{name}.8"));
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command)
        .title(name.to_uppercase())
        .section("8")
        .manual("Kaon")
        .source(concat!("tdnf ", env!("CARGO_PKG_VERSION")));
    man.render(&mut text).map_err(io_at(&path))?;
    fs::write(&path, text).map_err(io_at(&path))
}
