//! Arguments that make no sense, and those that only stand in another place.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _};

use super::args::Cli;

/// The reference's numbers for wrong usage (`tdnfclierror.h` and `tdnferror.h`); the exit code is the lowest byte.
pub fn number(error: &clap::Error, words: &[String]) -> u32 {
    let command = words.iter().find_map(|word| known(&Cli::command(), word));
    match (error.kind(), command.as_deref()) {
        (ErrorKind::MissingRequiredArgument, Some("install" | "erase" | "reinstall")) => 1001,
        (ErrorKind::MissingRequiredArgument, Some("clean")) => 903,
        (ErrorKind::MissingRequiredArgument, Some("check-local")) => 906,
        (ErrorKind::MissingRequiredArgument, Some("provides")) => 907,
        (ErrorKind::MissingRequiredArgument, Some("search")) => 1599,
        (ErrorKind::InvalidValue, Some("clean")) if !is_without_value(error) => 1016,
        (ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand, None) => 904,
        (ErrorKind::InvalidSubcommand, _) => 912,
        (ErrorKind::UnknownArgument, _) => 908,
        (ErrorKind::InvalidValue | ErrorKind::NoEquals, _) if is_without_value(error) => 909,
        (ErrorKind::TooManyValues, _) => 910,
        _ => 902,
    }
}

/// Whether an option lacks its value.
fn is_without_value(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), None | Some(ContextValue::None))
        || matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

/// The name of the command that a word is, be it an alias.
fn known(cli: &Command, word: &str) -> Option<String> {
    cli.get_subcommands()
        .find(|command| command.get_name() == word || command.get_all_aliases().any(|alias| alias == word))
        .map(|command| command.get_name().to_owned())
}

/// Whether an option is written so, and whether the next word is its value.
fn option<'a>(arguments: impl Iterator<Item = &'a Arg>, word: &str) -> Option<bool> {
    let (name, has_value) = word.split_once('=').map_or((word, false), |(name, _)| (name, true));
    let mut arguments = arguments;
    let arg = match name.strip_prefix("--") {
        Some(long) => arguments.find(|arg| arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|all| all.contains(&long)))?,
        None => {
            let short = name.strip_prefix('-')?.chars().next()?;
            arguments.find(|arg| arg.get_short() == Some(short))?
        }
    };
    let is_joined = has_value || (!name.starts_with("--") && name.len() > 2);
    Some(arg.get_action().takes_values() && !is_joined)
}

/// Options of a command may stand before it, as the reference has it: they are put behind it.
pub fn reordered(arguments: Vec<OsString>) -> Vec<OsString> {
    let cli = Cli::command();
    let everywhere = |word: &str| option(cli.get_arguments(), word);
    let anywhere = |word: &str| cli.get_subcommands().find_map(|command| option(command.get_arguments(), word));
    let mut at = 1;
    let mut own: Vec<(usize, usize)> = Vec::new();
    while let Some(word) = arguments.get(at).and_then(|word| word.to_str()) {
        if let Some(name) = known(&cli, word) {
            let command = cli.find_subcommand(&name);
            let belongs = |word: &str| command.and_then(|command| option(command.get_arguments(), word)).is_some();
            let moved: Vec<(usize, usize)> = own.into_iter().filter(|(from, _)| arguments[*from].to_str().is_some_and(belongs)).collect();
            let is_moved = |at: usize| moved.iter().any(|(from, to)| (*from..*to).contains(&at));
            let mut all: Vec<OsString> = (0..=at).filter(|at| !is_moved(*at)).map(|at| arguments[at].clone()).collect();
            all.extend((1..at).filter(|at| is_moved(*at)).map(|at| arguments[at].clone()));
            all.extend(arguments[at + 1..].iter().cloned());
            return all;
        }
        if word == "--" || !word.starts_with('-') {
            return arguments;
        }
        at += match (everywhere(word), anywhere(word)) {
            (Some(takes), _) => 1 + usize::from(takes),
            (None, Some(takes)) => {
                own.push((at, at + 1 + usize::from(takes)));
                1 + usize::from(takes)
            }
            (None, None) => 1,
        };
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        std::iter::once("tdnf").chain(text.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn options_before_their_command() {
        let table = [
            ("--download-metadata reposync base", "reposync --download-metadata base"),
            ("-y --download-path /x --newest-only reposync", "-y reposync --download-path /x --newest-only"),
            ("--info history", "history --info"),
            ("--from 2 history undo", "history --from 2 undo"),
            ("--installroot /x -y install a", "--installroot /x -y install a"),
            ("--installroot reposync list", "--installroot reposync list"),
            ("--nonsense install a", "--nonsense install a"),
            ("install --nogpgcheck a", "install --nogpgcheck a"),
            ("--all list", "list --all"),
        ];
        for (written, meant) in table {
            assert_eq!(reordered(words(written)), words(meant), "{written}");
        }
    }

    #[test]
    fn numbers_of_wrong_usage() {
        let table = [
            ("install", 1001),
            ("erase", 1001),
            ("remove", 1001),
            ("reinstall", 1001),
            ("clean", 903),
            ("clean nonsense", 1016),
            ("check-local", 906),
            ("provides", 907),
            ("whatprovides", 907),
            ("search", 1599),
            ("nonsense", 912),
            ("list --nonsense", 908),
            ("--nonsense list", 908),
            ("list --installroot", 909),
            ("--assumeyes --assumeno list", 902),
            ("repolist nonsense", 902),
        ];
        for (written, expected) in table {
            let error = Cli::try_parse_from(words(written)).unwrap_err();
            let said: Vec<String> = written.split(' ').map(str::to_owned).collect();
            assert_eq!(number(&error, &said), expected, "{written}: {:?} {error}", error.kind());
        }
    }
}
