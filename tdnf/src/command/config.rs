//! `tdnf config`, also as `tdnf-config`: reads and changes configuration files, and leaves every other line of them as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cli::args::{Common, Configure, ConfigureAction, Settings};
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::session::io_at;
use rpm_engine::config::beneath;

/// The reference's exit codes.
const NO_SECTION: u8 = 3;
const NO_KEY: u8 = 4;
const EXISTS: u8 = 5;

/// A configuration file as lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Text(Vec<String>);

/// Where the files are.
struct Files {
    main: PathBuf,
    root: PathBuf,
}

/// Does what is asked for. The configuration need not make sense as a whole: it is what is being mended.
///
/// # Errors
/// When a file cannot be read or written, or a repository or key is not there, or is there already.
pub fn run(common: &Common, asked: &Configure) -> Result<(), CliError> {
    let root = common.install_root.clone().unwrap_or_else(|| "/".into());
    let main = common.config.clone().unwrap_or_else(|| root.join("etc/tdnf/tdnf.conf"));
    let files = Files { main, root };
    let console = Console::new(common);
    match &asked.action {
        ConfigureAction::Edit(Settings { section, settings }) => {
            let (path, mut text) = files.find(section)?;
            settings.iter().try_for_each(|setting| text.set(section, setting))?;
            text.write(&path)
        }
        ConfigureAction::Create(Settings { section, settings }) => {
            if section == "main" || files.find(section).is_ok() {
                return Err(CliError::Setting { code: EXISTS, text: format!("`{section}` exists already") });
            }
            let path = asked.file.clone().map_or_else(|| Ok(files.directory()?.join(format!("{section}.repo"))), Ok::<_, CliError>)?;
            let mut text = Text::read(&path)?.unwrap_or_default();
            text.add(section);
            settings.iter().try_for_each(|setting| text.set(section, setting))?;
            text.write(&path)
        }
        ConfigureAction::Get { section, key } => {
            let (_, text) = files.find(section)?;
            let value = text.get(section, key).ok_or_else(|| no_key(section, key))?;
            match console.json {
                true => console.value(&json!(value)),
                false => console.line(value),
            }
            Ok(())
        }
        ConfigureAction::Remove { section, keys } => {
            let (path, mut text) = files.find(section)?;
            for key in keys {
                let lines = text.key(section, key).ok_or_else(|| no_key(section, key))?;
                text.0.drain(lines);
            }
            text.write(&path)
        }
        ConfigureAction::Removerepo { section } => {
            let (path, mut text) = files.find(section)?;
            text.0.drain(text.section(section).unwrap_or_default());
            match text.0.iter().any(|line| name_of(line).is_some()) {
                true => text.write(&path),
                false => fs::remove_file(&path).map_err(io_at(&path)),
            }
        }
        ConfigureAction::Dump { section } => {
            let (_, text) = files.find(section)?;
            let lines = text.0[text.section(section).unwrap_or_default()].to_vec();
            if console.json {
                let keys = lines.iter().filter_map(|line| key_of(line));
                let pairs = keys.filter_map(|key| Some((key.to_owned(), json!(text.get(section, key)?))));
                console.value(&Value::Object(pairs.collect::<Map<_, _>>()));
            } else {
                lines.iter().for_each(|line| console.line(line));
            }
            Ok(())
        }
    }
}

fn no_key(section: &str, key: &str) -> CliError {
    CliError::Setting { code: NO_KEY, text: format!("`{section}` has no key `{key}`") }
}

impl Files {
    /// The file that has a section.
    fn find(&self, section: &str) -> Result<(PathBuf, Text), CliError> {
        let missing = || CliError::Setting { code: NO_SECTION, text: format!("there is no `{section}` in the configuration") };
        let paths = if section == "main" { vec![self.main.clone()] } else { self.repositories()? };
        for path in paths {
            if let Some(text) = Text::read(&path)?.filter(|text| text.section(section).is_some()) {
                return Ok((path, text));
            }
        }
        Err(missing())
    }

    /// The first directory of repositories.
    fn directory(&self) -> Result<PathBuf, CliError> {
        let text = Text::read(&self.main)?.unwrap_or_default();
        let named = text.get("main", "reposdir").or_else(|| text.get("main", "repodir")).unwrap_or_default();
        let first = named.split([' ', ',']).find(|word| !word.is_empty()).unwrap_or("/etc/yum.repos.d").to_owned();
        Ok(beneath(&self.root, Path::new(&first)))
    }

    fn repositories(&self) -> Result<Vec<PathBuf>, CliError> {
        let directory = self.directory()?;
        let entries = fs::read_dir(&directory).map_err(io_at(&directory))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "repo"));
        paths.sort();
        Ok(paths)
    }
}

/// The name in `[name]`.
fn name_of(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

/// The key of `key = value`. A line that begins with a blank continues another.
fn key_of(line: &str) -> Option<&str> {
    let is_other = line.starts_with([' ', '\t', '#', ';', '[']);
    line.split_once('=').map(|(key, _)| key.trim()).filter(|key| !is_other && !key.is_empty())
}

impl Text {
    fn read(path: &Path) -> Result<Option<Self>, CliError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Self(text.lines().map(str::to_owned).collect()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_at(path)(error)),
        }
    }

    /// Writes it in place of the file, which is there as a whole at any time.
    fn write(&self, path: &Path) -> Result<(), CliError> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let text: String = self.0.iter().map(|line| format!("{line}\n")).collect();
        let publish = || {
            fs::write(&new, text)?;
            if let Ok(about) = fs::metadata(path) {
                fs::set_permissions(&new, about.permissions())?;
            }
            fs::rename(&new, path)
        };
        publish().map_err(io_at(path))
    }

    /// The lines of a section, its name included.
    fn section(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let begin = self.0.iter().position(|line| name_of(line) == Some(name))?;
        let length = self.0[begin + 1..].iter().position(|line| name_of(line).is_some());
        Some(begin..length.map_or(self.0.len(), |length| begin + 1 + length))
    }

    /// The lines of a key.
    fn key(&self, section: &str, key: &str) -> Option<std::ops::Range<usize>> {
        let lines = self.section(section)?;
        let is_it = |line: &String| key_of(line).is_some_and(|found| found.eq_ignore_ascii_case(key));
        let begin = lines.start + self.0[lines.clone()].iter().position(is_it)?;
        let more = self.0[begin + 1..lines.end].iter().take_while(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
        Some(begin..begin + 1 + more.count())
    }

    fn get(&self, section: &str, key: &str) -> Option<String> {
        let lines = &self.0[self.key(section, key)?];
        let first = lines.first()?.split_once('=')?.1.trim();
        Some(std::iter::once(first).chain(lines[1..].iter().map(|line| line.trim())).collect::<Vec<_>>().join(" "))
    }

    /// Sets a key from `key=value`: in its place, or at the end of the section.
    fn set(&mut self, section: &str, setting: &str) -> Result<(), CliError> {
        let (key, value) = setting.split_once('=').ok_or_else(|| CliError::Usage(format!("`{setting}` must be written as `key=value`")))?;
        let line = format!("{}={}", key.trim(), value.trim());
        match self.key(section, key.trim()) {
            Some(lines) => drop(self.0.splice(lines, [line])),
            None => {
                let lines = self.section(section).unwrap_or_default();
                let last = self.0[lines.clone()].iter().rposition(|line| !line.trim().is_empty()).unwrap_or(0);
                self.0.insert(lines.start + last + 1, line);
            }
        }
        Ok(())
    }

    fn add(&mut self, section: &str) {
        if self.0.last().is_some_and(|line| !line.trim().is_empty()) {
            self.0.push(String::new());
        }
        self.0.push(format!("[{section}]"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::number;

    const REPO: &str = "# mine\n[a]\nname = A\nbaseurl=http://h/a\n  http://i/a\n\n[b]\nEnabled=1\n";

    fn text() -> Text {
        Text(REPO.lines().map(str::to_owned).collect())
    }

    #[test]
    fn only_what_is_asked_for_changes() {
        let mut changed = text();
        changed.set("a", "enabled = 0").unwrap();
        changed.set("b", "enabled=0").unwrap();
        changed.set("a", "baseurl=http://j").unwrap();
        assert_eq!(changed.0.join("\n"), "# mine\n[a]\nname = A\nbaseurl=http://j\nenabled=0\n\n[b]\nenabled=0");
        assert!(changed.set("a", "enabled").is_err());
        changed.add("c");
        changed.set("c", "name=C").unwrap();
        assert!(changed.0.join("\n").ends_with("[b]\nenabled=0\n\n[c]\nname=C"));
    }

    #[test]
    fn values() {
        let text = text();
        assert_eq!(text.get("a", "BASEURL").unwrap(), "http://h/a http://i/a");
        assert_eq!(text.get("b", "enabled").unwrap(), "1");
        assert_eq!(text.get("b", "name"), None);
        assert_eq!(text.section("a"), Some(1..6));
        assert_eq!(text.section("none"), None);
    }

    #[test]
    fn files_are_found_changed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("etc/tdnf")).unwrap();
        fs::create_dir_all(root.join("etc/yum.repos.d")).unwrap();
        fs::write(root.join("etc/tdnf/tdnf.conf"), "[main]\ngpgcheck=1\n").unwrap();
        fs::write(root.join("etc/yum.repos.d/ab.repo"), REPO).unwrap();
        let common = Common { install_root: Some(root.to_owned()), ..Common::default() };
        let act = |action| run(&common, &Configure { file: None, action });
        let settings =
            |section: &str, all: &[&str]| Settings { section: section.into(), settings: all.iter().map(ToString::to_string).collect() };
        act(ConfigureAction::Edit(settings("main", &["keepcache=1"]))).unwrap();
        assert_eq!(fs::read_to_string(root.join("etc/tdnf/tdnf.conf")).unwrap(), "[main]\ngpgcheck=1\nkeepcache=1\n");
        act(ConfigureAction::Create(settings("c", &["name=C", "baseurl=http://c"]))).unwrap();
        assert_eq!(fs::read_to_string(root.join("etc/yum.repos.d/c.repo")).unwrap(), "[c]\nname=C\nbaseurl=http://c\n");
        act(ConfigureAction::Removerepo { section: "c".into() }).unwrap();
        assert!(!root.join("etc/yum.repos.d/c.repo").exists());
        act(ConfigureAction::Removerepo { section: "a".into() }).unwrap();
        assert_eq!(fs::read_to_string(root.join("etc/yum.repos.d/ab.repo")).unwrap(), "# mine\n[b]\nEnabled=1\n");
        let codes = [
            (act(ConfigureAction::Edit(settings("none", &["a=b"]))), 3),
            (act(ConfigureAction::Remove { section: "b".into(), keys: vec!["none".into()] }), 4),
            (act(ConfigureAction::Create(settings("b", &["a=b"]))), 5),
        ];
        for (done, code) in codes {
            assert_eq!(number::of(&done.unwrap_err()), code);
        }
    }
}
