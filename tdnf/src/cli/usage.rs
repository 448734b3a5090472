//! Arguments that stand in another place than where they are looked for.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _};

use super::args::Cli;

/// The name of the command that a word is, be it an alias.
pub(super) fn known(cli: &Command, word: &str) -> Option<String> {
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
}
