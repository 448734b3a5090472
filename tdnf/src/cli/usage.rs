//! Arguments that stand in another place than where they are looked for.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _};

use super::args::Cli;

/// What is said where a group of packages is asked for.
pub const GROUPS: &str = "groups of packages are not supported; name the packages, or a package that requires them";

/// What to say of a word that is no command here, but one of dnf.
pub(super) fn advice(words: &[String]) -> Option<&'static str> {
    let groups = ["group", "groups", "grouplist", "groupinfo", "groupinstall", "groupremove", "groupupdate"];
    words.iter().any(|word| groups.contains(&word.as_str())).then_some(GROUPS)
}

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

/// Options may be written before the command. They are put behind it: the command's own because only the command knows them, and those of all
/// commands because values before and after the command would else not be added up.
pub fn reordered(arguments: Vec<OsString>) -> Vec<OsString> {
    let cli = Cli::command();
    let everywhere = |word: &str| option(cli.get_arguments(), word);
    let anywhere = |word: &str| cli.get_subcommands().find_map(|command| option(command.get_arguments(), word));
    let mut at = 1;
    let (mut own, mut general): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    while let Some(word) = arguments.get(at).and_then(|word| word.to_str()) {
        if let Some(name) = known(&cli, word) {
            return behind(&arguments, at, cli.find_subcommand(&name), &own, &general);
        }
        if word == "--" || !word.starts_with('-') {
            return arguments;
        }
        let (list, takes) = match (everywhere(word), anywhere(word)) {
            (Some(takes), _) => (Some(&mut general), takes),
            (None, Some(takes)) => (Some(&mut own), takes),
            (None, None) => (None, false),
        };
        let next = at + 1 + usize::from(takes);
        if let Some(list) = list {
            list.extend(at..next);
        }
        at = next;
    }
    arguments
}

/// Puts the words at `own`, as far as the command at `at` knows them, behind it, and those at `general` behind its own command, if one follows.
fn behind(arguments: &[OsString], at: usize, command: Option<&Command>, own: &[usize], general: &[usize]) -> Vec<OsString> {
    let knows = |word: &OsString| word.to_str().zip(command).is_some_and(|(word, command)| option(command.get_arguments(), word).is_some());
    // A value belongs to the option before it.
    let is_known = |place: &usize| knows(&arguments[*place]) || (own.contains(&(place - 1)) && knows(&arguments[place - 1]));
    let own: Vec<usize> = own.iter().copied().filter(is_known).collect();
    let after = arguments.get(at + 1).and_then(|word| word.to_str());
    let is_nested = after.zip(command).is_some_and(|(word, command)| known(command, word).is_some());
    let end = at + 1 + usize::from(is_nested);
    let stays = (0..=at).filter(|place| !own.contains(place) && !general.contains(place));
    let places = stays.chain(own.iter().copied()).chain(at + 1..end).chain(general.iter().copied()).chain(end..arguments.len());
    places.filter_map(|place| arguments.get(place).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::console::Console;

    fn words(text: &str) -> Vec<OsString> {
        std::iter::once("tdnf").chain(text.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn options_before_their_command() {
        let table = [
            ("--download-metadata reposync base", "reposync --download-metadata base"),
            ("-y --download-path /x --newest-only reposync", "reposync --download-path /x --newest-only -y"),
            ("--info history", "history --info"),
            ("--from 2 history undo", "history --from 2 undo"),
            ("--installroot /x -y install a", "install --installroot /x -y a"),
            ("-y history undo 3", "history undo -y 3"),
            ("-x a -y --setopt=b=1 update -x c", "update -x a -y --setopt=b=1 -x c"),
            ("--installroot reposync list", "list --installroot reposync"),
            ("--nonsense install a", "--nonsense install a"),
            ("install --nogpgcheck a", "install --nogpgcheck a"),
            ("--all list", "list --all"),
        ];
        for (written, meant) in table {
            assert_eq!(reordered(words(written)), words(meant), "{written}");
        }
    }

    #[test]
    fn values_before_and_after_the_command_add_up() {
        let read = |text: &str| Cli::try_parse_from(reordered(words(text)));
        let cli = read("-x a --setopt=keepcache=1 --repofrompath=m,/m update -x b --setopt=best=1 --repofrompath=n,/n").unwrap();
        assert_eq!(cli.common.exclude, ["a", "b"]);
        assert_eq!(cli.common.set, ["keepcache=1", "best=1"]);
        assert_eq!(cli.common.from_path, ["m,/m", "n,/n"]);
        for text in ["-y update a --assumeno", "-y history undo 3 --assumeno", "update -y --assumeno a"] {
            assert_eq!(Console::new(&read(text).unwrap().common).answer, Some(false), "{text}");
        }
        let error = read("-4 update a --ipv6").unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::ArgumentConflict);
    }
}
