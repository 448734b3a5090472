//! Scripts, and what those that run before everything else export.

use std::collections::BTreeMap;
use std::path::Path;

use kickstart::Kickstart;
use system::program;
use system::script::Executable;

use super::{ApplyError, Observer, Sources};
use crate::plan::Script;

/// A script that is ready to run.
pub(super) fn executable(script: &Script, sources: &Sources) -> Result<Executable, ApplyError> {
    Ok(kept(&text(script, sources)?)?.with(&sources.environment))
}

fn text(script: &Script, sources: &Sources) -> Result<Vec<u8>, ApplyError> {
    Ok(match script {
        Script::Text(text) => text.reveal().as_bytes().to_vec(),
        Script::File(name) => system::files::read(&sources.search.find(name)?)?,
    })
}

fn kept(text: &[u8]) -> Result<Executable, ApplyError> {
    Executable::new(text).map_err(ApplyError::io("keep", Path::new("a script")))
}

/// Runs the scripts of `preinstall`, and returns the variables they export. They see what those before them exported.
///
/// # Errors
/// When one fails.
pub fn exported(kickstart: &Kickstart, sources: &Sources, observer: &dyn Observer) -> Result<BTreeMap<String, String>, ApplyError> {
    let lines = (!kickstart.preinstall.is_empty()).then(|| kickstart::Secret::new(kickstart.preinstall.join("\n") + "\n"));
    let scripts = lines.map(|lines| ("preinstall", Script::Text(lines))).into_iter();
    let scripts = scripts.chain(kickstart.preinstallscripts.iter().map(|name| ("preinstallscripts", Script::File(name.clone()))));
    let mut variables = sources.environment.clone();
    for (name, script) in scripts {
        observer.begins(0, 0, &format!("run {name}{script} on the live system"));
        let text = text(&script, sources)?;
        let own = kept(&text)?;
        let Some(shell) = shell(&text) else {
            // What a program of another kind exports, only it sees.
            observer.says(&program::run_script(name, &own.with(&variables))?);
            continue;
        };
        // A script that begins like one is not changed.
        let found = kept(b"#!")?;
        let around = format!("#!{shell}\ntrap 'code=$?; env -0 >{}; exit $code' EXIT\n. {}\n", found.path(), own.path());
        observer.says(&program::run_script(name, &kept(around.as_bytes())?.with(&variables))?);
        let path = found.path();
        let said = system::files::read(Path::new(&path))?;
        let lines = String::from_utf8_lossy(&said);
        let found = lines.split('\0').filter_map(|line| line.split_once('=')).filter(|(name, _)| !NOT_EXPORTED.contains(name));
        variables.extend(found.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    Ok(variables)
}

/// What every program has, and shells set by themselves.
const NOT_EXPORTED: [&str; 8] = ["HOME", "LC_ALL", "OLDPWD", "PATH", "PWD", "SHLVL", "SYSTEMD_OFFLINE", "_"];

/// The shell that runs a script, if one does.
fn shell(text: &[u8]) -> Option<String> {
    let first = String::from_utf8_lossy(text).lines().next().unwrap_or_default().to_owned();
    let Some(line) = first.strip_prefix("#!") else { return Some("/bin/sh".to_owned()) };
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_shell = |word: &&str| ["sh", "bash", "dash"].contains(&word.rsplit('/').next().unwrap_or_default());
    words.iter().take(2).any(is_shell).then(|| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Quiet;

    impl Observer for Quiet {
        fn begins(&self, _: usize, _: usize, _: &str) {}
        fn progress(&self, _: u64, _: u64) {}
        fn says(&self, _: &str) {}
    }

    fn run(text: &str) -> Result<BTreeMap<String, String>, ApplyError> {
        let kickstart = Kickstart { preinstall: text.lines().map(str::to_owned).collect(), ..Kickstart::default() };
        let sources = Sources {
            repository: "x".into(),
            keys: "x".into(),
            search: kickstart::medium::Search::default(),
            environment: BTreeMap::from([("GIVEN".to_owned(), "1".to_owned())]),
        };
        exported(&kickstart, &sources, &Quiet)
    }

    #[test]
    fn what_scripts_export_is_known_afterwards() {
        for text in [
            "#!/bin/sh\nexport DISK=\"/dev/sd$GIVEN\"\nOTHER=2",
            "#!/bin/bash -e\nexport DISK=/dev/sd1\nexit 0\nexport DISK=no",
            "export DISK=/dev/sd1",
        ] {
            let found = run(text).unwrap();
            assert_eq!(found.get("DISK").map(String::as_str), Some("/dev/sd1"), "{text}");
            assert_eq!(found.get("OTHER"), None, "{text}");
        }
        assert!(run("#!/bin/sh\nexport DISK=x\nexit 3").is_err());
        assert_eq!(run("#!/usr/bin/env cat\nexport DISK=x").unwrap().get("DISK"), None);
    }
}
