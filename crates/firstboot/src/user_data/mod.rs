//! User data: cloud-config, scripts, and what contains several of them.

mod mime;
mod template;

use kickstart::document::{Document, Language, Parsed};
use system::guestinfo;

use super::cloud::{self, CloudConfig, Merge, Places, WebAddress, Word, disk_name, entry_name, place_name};
use super::load::without_password;

pub(super) use template::facts;

/// What user data asks for.
#[derive(Debug, Default)]
pub(super) struct UserData {
    /// All cloud-config in it.
    pub cloud: CloudConfig,
    /// Scripts, to be run when the network is up.
    pub scripts: Vec<String>,
    /// Scripts, to be run before anything else.
    pub boothooks: Vec<String>,
    /// Addresses of further user data.
    pub includes: Vec<String>,
    /// Where what is in `cloud` is described.
    pub places: Places,
    /// Whether anything of it was understood.
    pub is_read: bool,
}

/// What is read, and what is found on the way.
pub(super) struct Reader<'a> {
    /// What templates may ask for.
    pub facts: &'a serde_json::Value,
    /// What could not be understood.
    pub complaints: &'a mut Vec<String>,
    /// What was.
    pub found: UserData,
    depth: usize,
}

/// How deep parts may contain parts.
const DEEPEST: usize = 8;

/// A kind of user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cloud,
    Archive,
    Script,
    Boothook,
    Include,
    Template,
    Mime,
    Empty,
    /// It is known, but not done, and why.
    Refused(&'static str),
}

/// Beginnings of first lines; longer ones before those they begin with.
const BEGINNINGS: [(&str, Kind); 12] = [
    ("## template:", Kind::Template),
    ("#cloud-config-archive", Kind::Archive),
    ("#cloud-config-jsonp", Kind::Refused("JSON patches are not supported: write cloud-config")),
    ("#cloud-config", Kind::Cloud),
    ("#!", Kind::Script),
    ("#cloud-boothook", Kind::Boothook),
    ("#include", Kind::Include),
    ("#part-handler", Kind::Refused("programs of cloud-init are not run: write a script")),
    ("#upstart-job", Kind::Refused("there is no upstart: write a unit with `write_files`")),
    ("{", Kind::Cloud),
    ("Content-Type:", Kind::Mime),
    ("MIME-Version:", Kind::Mime),
];

/// Kinds of parts by their type (cloud-init's "user-data formats"); others are known by their beginning.
const TYPES: [(&str, Kind); 13] = [
    ("text/cloud-config", Kind::Cloud),
    ("text/cloud-config-archive", Kind::Archive),
    ("text/cloud-config-jsonp", Kind::Refused("JSON patches are not supported: write cloud-config")),
    ("text/x-shellscript", Kind::Script),
    ("text/x-shellscript-per-instance", Kind::Script),
    ("text/x-shellscript-per-once", Kind::Script),
    ("text/x-shellscript-per-boot", Kind::Refused("it would run at every start: write a unit with `write_files`")),
    ("text/cloud-boothook", Kind::Boothook),
    ("text/x-include-url", Kind::Include),
    ("text/x-include-once-url", Kind::Include),
    ("text/jinja2", Kind::Template),
    ("text/part-handler", Kind::Refused("programs of cloud-init are not run: write a script")),
    ("text/upstart-job", Kind::Refused("there is no upstart: write a unit with `write_files`")),
];

impl<'a> Reader<'a> {
    /// One that has read nothing yet.
    pub fn new(facts: &'a serde_json::Value, complaints: &'a mut Vec<String>) -> Self {
        Self { facts, complaints, found: UserData::default(), depth: 0 }
    }

    /// Reads a document, or a part of one. `name` is for messages.
    pub fn read(&mut self, name: &str, text: &str) {
        let kind = kind(text);
        self.part(name, text, kind, Merge::default());
    }

    fn part(&mut self, name: &str, text: &str, kind: Kind, how: Merge) {
        if self.depth > DEEPEST {
            return self.complain(name, &format!("parts are nested more than {DEEPEST} deep"));
        }
        self.depth += 1;
        match kind {
            Kind::Cloud => self.cloud(name, text, how),
            Kind::Archive => self.archive(name, text),
            Kind::Script => self.script(name, text),
            Kind::Boothook => self.boothook(name, text),
            Kind::Include => self.include(name, text),
            Kind::Template => self.template(name, text, how),
            Kind::Mime => self.mime(name, text),
            Kind::Empty => self.found.is_read = true,
            Kind::Refused(reason) => self.complain(name, reason),
        }
        self.depth -= 1;
    }

    fn complain(&mut self, name: &str, what: &str) {
        self.complaints.push(format!("{name}: {what}"));
    }

    fn cloud(&mut self, name: &str, text: &str, how: Merge) {
        if is_blank(text) {
            self.found.is_read = true;
            return;
        }
        let parsed = match Parsed::new(name, text, Language::of("", text)) {
            Ok(parsed) => parsed,
            Err(problems) => return self.complaints.push(format!("{problems}; nothing of it is done")),
        };
        let own = ["merge_how", "merge_type"].into_iter().find_map(|key| Some((key, parsed.inner(key)?)));
        let how = own.map_or(how, |(key, value)| {
            let (how, told) = Merge::of(&value);
            let place = value.place();
            self.complaints.extend(told.into_iter().map(|line| format!("{name}:{}:{}: {key}: {line}", place.line, place.column)));
            how
        });
        let (document, problems) = parsed.listed("users", "name").known(cloud::DIALECT, CloudConfig::complaints);
        self.complaints.extend(problems.map(|problems| problems.to_string()));
        let Some(document) = document else { return self.complain(name, "nothing of it is done") };
        self.places(&document);
        for key in self.found.cloud.merge(document.value, how) {
            self.complain(
                name,
                &format!("{key}: it takes the place of an earlier part's; for lists, `merge_how: list(append)` keeps both"),
            );
        }
        self.found.is_read = true;
    }

    /// Notes where what may be wrong with others is described.
    fn places(&mut self, document: &Document<CloudConfig>) {
        let CloudConfig { users, disk_setup, fs_setup, mounts, kaon, .. } = &document.value;
        let users = users.iter().enumerate().map(|(index, user)| (place_name(&user.name.0), format!("users[{index}]")));
        let disks = disk_setup.keys().map(|disk| (disk_name(disk), format!("disk_setup.{disk}")));
        let file_systems = fs_setup.iter().enumerate().map(|(index, setup)| (entry_name(setup), format!("fs_setup[{index}]")));
        let mounts = mounts.iter().enumerate().map(|(index, mount)| (entry_name(mount), format!("mounts[{index}]")));
        let containers = kaon.containers.iter().enumerate();
        let containers = containers.map(|(index, container)| (entry_name(container), format!("kaon.containers[{index}]")));
        let settings = ["timezone", "disable_root", "swap"].map(|key| (key.to_owned(), key.to_owned()));
        let all = users.chain(disks).chain(file_systems).chain(mounts).chain(containers).chain(settings);
        let places = all.filter_map(|(what, path)| Some((what, document.at(&path)?)));
        self.found.places.0.extend(places);
    }

    fn script(&mut self, name: &str, text: &str) {
        if text.trim_start().starts_with("#!") {
            let script = self.unix_lines(name, text.trim_start());
            self.found.scripts.push(script);
            self.found.is_read = true;
        } else {
            self.complain(name, "a script must begin with its interpreter: `#!/bin/sh`");
        }
    }

    /// A script without the carriage returns of Windows: Linux looks for an interpreter that has one in its name.
    fn unix_lines(&mut self, name: &str, script: &str) -> String {
        if !script.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r')) {
            return script.to_owned();
        }
        self.complain(name, "the script has line ends of Windows, with which it could not run: it is run without the carriage returns");
        script.replace("\r\n", "\n")
    }

    fn boothook(&mut self, name: &str, text: &str) {
        let script =
            text.trim_start().strip_prefix("#cloud-boothook").map_or(text, |rest| rest.split_once('\n').map_or("", |(_, rest)| rest));
        let script = self.unix_lines(name, script);
        self.found.boothooks.push(script);
        self.found.is_read = true;
    }

    fn include(&mut self, name: &str, text: &str) {
        let lines = text.lines().map(|line| behind_include(line.trim())).enumerate();
        let addresses: Vec<_> = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect();
        if addresses.is_empty() {
            self.complain(name, "`#include` names no address: write one behind it, or one in each line below");
        }
        for (index, line) in addresses {
            match WebAddress::try_from(Word(line.to_owned())) {
                Ok(WebAddress(address)) if address.starts_with("https://") => self.found.includes.push(address),
                Ok(WebAddress(_)) | Err(_) => {
                    let (number, address) = (index + 1, without_password(line));
                    const WHY: &str = "only addresses that begin with https:// are included, so that nobody can replace them on the way";
                    self.complain(name, &format!("line {number}: `{address}`: {WHY}"));
                }
            }
        }
        self.found.is_read = true;
    }

    fn template(&mut self, name: &str, text: &str, how: Merge) {
        match template::render(text, self.facts) {
            Ok((text, missing)) => {
                missing.iter().for_each(|line| self.complain(name, line));
                let kind = kind(&text);
                if kind == Kind::Template {
                    self.complain(name, "a template cannot contain a template")
                } else {
                    self.part(name, &text, kind, how)
                }
            }
            Err(reason) => self.complain(name, &reason),
        }
    }

    fn archive(&mut self, name: &str, text: &str) {
        let parsed = match Parsed::new(name, text, Language::Yaml) {
            Ok(parsed) => parsed,
            Err(problems) => return self.complaints.push(problems.to_string()),
        };
        let Some(items) = parsed.items() else {
            return self.complain(name, "an archive is a list of parts: `- {type: …, content: …}`");
        };
        for (index, item) in items.iter().enumerate() {
            let title = item.word("filename").map_or_else(|| (index + 1).to_string(), str::to_owned);
            let name = format!("{name}: part {title}");
            match item.text().or_else(|| item.word("content")) {
                Some(content) => {
                    self.typed(&name, content, item.word("type").unwrap_or_default(), item.word("merge_type").unwrap_or_default())
                }
                None => self.complain(&name, "it has no `content`"),
            }
        }
    }

    fn mime(&mut self, name: &str, text: &str) {
        match mime::parts(text) {
            Ok(parts) => {
                for (index, part) in parts.into_iter().enumerate() {
                    let title = part.file_name.unwrap_or_else(|| (index + 1).to_string());
                    let name = format!("{name}: part {title}");
                    match part.body.as_deref().map(guestinfo::text_of) {
                        Ok(Ok(text)) => self.typed(&name, &text, &part.kind, &part.merge),
                        Ok(Err(error)) => self.complain(&name, &error.to_string()),
                        Err(reason) => self.complain(&name, reason),
                    }
                }
            }
            Err(reason) => self.complain(name, reason),
        }
    }

    fn typed(&mut self, name: &str, text: &str, kind_name: &str, merge: &str) {
        let by_type = TYPES.iter().find(|(known, _)| kind_name.eq_ignore_ascii_case(known)).map(|(_, kind)| *kind);
        let kind = by_type.unwrap_or_else(|| kind(text));
        let is_plain = kind_name.is_empty() || kind_name.eq_ignore_ascii_case("text/plain");
        if matches!(kind, Kind::Refused(_)) && by_type.is_none() && !is_plain {
            return self.complain(name, &format!("the type `{kind_name}` is unknown: write `text/cloud-config` or `text/x-shellscript`"));
        }
        let (how, told) = Merge::of_text(merge);
        told.into_iter().for_each(|line| self.complain(name, &format!("how it is merged: {line}")));
        self.part(name, text, kind, how);
    }
}

/// What follows `#include` in its line, as cloud-init reads it; other lines as they are.
fn behind_include(line: &str) -> &str {
    let behind = |word: &str| {
        let (start, rest) = line.split_at_checked(word.len())?;
        (start.eq_ignore_ascii_case(word) && (rest.is_empty() || rest.starts_with(char::is_whitespace))).then(|| rest.trim_start())
    };
    behind("#include-once").or_else(|| behind("#include")).unwrap_or(line)
}

/// The kind of a document by its beginning.
fn kind(text: &str) -> Kind {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_end);
    // A mark of YAML may stand before the line that says what it is.
    let Some(first) = lines.find(|line| !line.trim().is_empty() && *line != "---") else { return Kind::Empty };
    let first = first.trim_start();
    let begins = |beginning: &str| first.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning));
    if first.starts_with('{') && text.contains("\"ignition\"") {
        return Kind::Refused(IGNITION);
    }
    let known = BEGINNINGS.iter().find(|(beginning, _)| begins(beginning)).map(|(_, kind)| *kind);
    known.unwrap_or_else(|| Kind::Refused(foreign(text)))
}

/// Shorter texts are words, not Base64 of a document: so long is that of `#cloud-config`.
const LEAST_PACKED: usize = 20;

const IGNITION: &str = "this is a document of Ignition, which is not supported: write cloud-config, with `#cloud-config` as its first line";

/// Whether a document says nothing: it has empty lines and comments only.
pub(super) fn is_blank(text: &str) -> bool {
    let says_nothing = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    text.trim_start_matches('\u{feff}').lines().map(str::trim).all(says_nothing)
}

/// What a document is that nothing here reads.
fn foreign(text: &str) -> &'static str {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    if has("machine:") && has("cluster:") || has("version: v1alpha1") {
        "this is a machine configuration of Talos, which is not supported: write cloud-config, with `#cloud-config` as its first line"
    } else if has("variant:") {
        "this is a document of Butane, which is not supported: write cloud-config, with `#cloud-config` as its first line"
    } else if text.len() >= LEAST_PACKED && text.trim_end().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(&byte)) {
        "it looks like Base64: set its encoding (`guestinfo.userdata.encoding`) to `base64`"
    } else {
        "it is ignored, for its first line does not say what it is: write `#cloud-config`, or `#!/bin/sh` for a script"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_beginning() {
        let table = [
            ("#cloud-config\n", Kind::Cloud),
            ("\u{feff}#cloud-config\r\n", Kind::Cloud),
            ("\n---\n#cloud-config\n", Kind::Cloud),
            ("{\"hostname\": \"a\"}", Kind::Cloud),
            ("#cloud-config-archive\n", Kind::Archive),
            ("#!/bin/sh\n", Kind::Script),
            ("#include-once\n", Kind::Include),
            ("## template: jinja\n", Kind::Template),
            ("content-type: multipart/mixed; boundary=x\n", Kind::Mime),
            ("#cloud-boothook\n", Kind::Boothook),
            (" \n\n", Kind::Empty),
        ];
        for (text, expected) in table {
            assert_eq!(kind(text), expected, "{text}");
        }
        assert!(matches!(kind("hostname: a\n"), Kind::Refused(_)));
    }

    #[test]
    fn hooks_are_left_for_before_anything_else() {
        let mut complaints = Vec::new();
        let facts = serde_json::json!({});
        let mut reader = Reader::new(&facts, &mut complaints);
        reader.read("x", "#cloud-boothook\n#!/bin/sh\necho early\n");
        assert_eq!(reader.found.boothooks, ["#!/bin/sh\necho early\n"]);
    }

    #[test]
    fn addresses_may_stand_behind_the_word() {
        let (facts, mut complaints) = (serde_json::json!({}), Vec::new());
        let mut reader = Reader::new(&facts, &mut complaints);
        reader.read("x", "#include https://a.example/a\n# no address\n#Include-once\thttps://a.example/b\nhttps://a.example/c\n");
        assert_eq!(reader.found.includes, ["https://a.example/a", "https://a.example/b", "https://a.example/c"]);
        assert_eq!(complaints, [""; 0]);
    }

    #[test]
    fn scripts_with_line_ends_of_windows_run_without_them() {
        let table = [
            ("#!/bin/bash\r\necho a\r\n", "#!/bin/bash\necho a\n", true),
            ("#cloud-boothook\r\n#!/bin/sh\r\necho a\r\n", "#!/bin/sh\necho a\n", true),
            ("#!/bin/sh\nprintf 'a\r\n'\n", "#!/bin/sh\nprintf 'a\r\n'\n", false),
        ];
        for (text, expected, is_told) in table {
            let (facts, mut complaints) = (serde_json::json!({}), Vec::new());
            let mut reader = Reader::new(&facts, &mut complaints);
            reader.read("x", text);
            let found = [&reader.found.scripts[..], &reader.found.boothooks].concat();
            assert_eq!((found, complaints.len()), (vec![expected.to_owned()], usize::from(is_told)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let table = [
            ("#cloud-config-archive\n- {type: text/foo, content: x}\n", "x: part 1: the type `text/foo` is unknown: "),
            ("#cloud-config-archive\n- {type: text/plain, content: x}\n", "x: part 1: it is ignored, for its first line "),
            ("#include\n", "x: `#include` names no address: "),
            ("#include-once http://a.example/b\n", "x: line 1: `http://a.example/b`: only addresses "),
            ("#include\n\nhttp://me:sesame@a.example/b\n", "x: line 3: `http://a.example/b`: only addresses "),
        ];
        for (text, expected) in table {
            let (facts, mut complaints) = (serde_json::json!({}), Vec::new());
            Reader::new(&facts, &mut complaints).read("x", text);
            assert!(complaints.len() == 1 && complaints[0].starts_with(expected), "{complaints:?}");
        }
    }

    #[test]
    fn parts_within_parts_end() {
        let mut text = "#cloud-config\nhostname: a\n".to_owned();
        for _ in 0..12 {
            text = format!("#cloud-config-archive\n- {}\n", serde_json::to_string(&text).unwrap());
        }
        let (facts, mut complaints) = (serde_json::json!({}), Vec::new());
        let mut reader = Reader::new(&facts, &mut complaints);
        reader.read("x", &text);
        assert!(!reader.found.is_read && complaints.len() == 1, "{complaints:?}");
    }
}
