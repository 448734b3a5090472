//! The scripts that packages of others bring.

use rpm::PackageMetadata;

/// When in a transaction a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before anything is changed (`%pretrans`).
    BeforeAll,
    /// Before the package's files are there (`%pre`).
    BeforeInstall,
    /// When they are there (`%post`).
    AfterInstall,
    /// Before the package's files go (`%preun`).
    BeforeRemoval,
    /// When they are gone (`%postun`).
    AfterRemoval,
    /// When all is done (`%posttrans`).
    AfterAll,
}

impl Phase {
    /// The section's name in a spec file of RPM, which is what packagers know it by.
    pub fn section(self) -> &'static str {
        match self {
            Self::BeforeAll => "%pretrans",
            Self::BeforeInstall => "%pre",
            Self::AfterInstall => "%post",
            Self::BeforeRemoval => "%preun",
            Self::AfterRemoval => "%postun",
            Self::AfterAll => "%posttrans",
        }
    }
}

/// A script and what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scriptlet {
    /// The interpreter and its arguments; never empty.
    pub interpreter: Vec<String>,
    /// Its text; empty where the interpreter alone is the script (`%post -p /sbin/ldconfig`).
    pub text: String,
}

impl Scriptlet {
    /// Whether it is written in RPM's built-in Lua, which this engine does not have.
    pub fn is_lua(&self) -> bool {
        self.interpreter[0] == "<lua>"
    }
}

/// All scripts of a package.
pub(crate) fn all(metadata: &PackageMetadata) -> Vec<(Phase, Scriptlet)> {
    use Phase::{AfterAll, AfterInstall, AfterRemoval, BeforeAll, BeforeInstall, BeforeRemoval};
    let phases = [BeforeAll, BeforeInstall, AfterInstall, BeforeRemoval, AfterRemoval, AfterAll];
    phases.into_iter().filter_map(|phase| Some((phase, of(metadata, phase)?))).collect()
}

/// The script of a phase.
pub(crate) fn find(scripts: &[(Phase, Scriptlet)], phase: Phase) -> Option<Scriptlet> {
    scripts.iter().find(|(other, _)| *other == phase).map(|(_, script)| script.clone())
}

/// `RPMSCRIPT_FLAG_EXPAND` of `%post -e`: the text contains macros, which are put in when it runs.
const EXPAND_MACROS: u32 = 1;

/// The macros every system of RPM has with these values (`platform` and `macros` of RPM). Those of distributions are not known here.
const MACROS: [(&str, &str); 26] = [
    ("_prefix", "/usr"),
    ("_usr", "/usr"),
    ("_exec_prefix", "/usr"),
    ("_bindir", "/usr/bin"),
    ("_sbindir", "/usr/sbin"),
    ("_libexecdir", "/usr/libexec"),
    ("_datadir", "/usr/share"),
    ("_datarootdir", "/usr/share"),
    ("_sysconfdir", "/etc"),
    ("_sharedstatedir", "/var/lib"),
    ("_localstatedir", "/var"),
    ("_var", "/var"),
    ("_rundir", "/run"),
    ("_lib", "lib64"),
    ("_libdir", "/usr/lib64"),
    ("_includedir", "/usr/include"),
    ("_infodir", "/usr/share/info"),
    ("_mandir", "/usr/share/man"),
    ("_docdir", "/usr/share/doc"),
    ("_defaultdocdir", "/usr/share/doc"),
    ("_defaultlicensedir", "/usr/share/licenses"),
    ("_fontconfig_confdir", "/etc/fonts/conf.d"),
    ("_initddir", "/etc/rc.d/init.d"),
    ("_tmppath", "/var/tmp"),
    ("_unitdir", "/usr/lib/systemd/system"),
    ("nil", ""),
];

/// A text with the values of macros in place of `%name`, `%{name}` and `%{?name}`; what is not known stays as it is, but for `%{?name}`, which
/// is nothing then.
fn with_macros(text: &str) -> String {
    let value = |name: &str| MACROS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('%') {
            expanded.push('%');
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let bare = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let found = match braced {
            Some((name, after)) => match name.strip_prefix('?') {
                Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                    Some((value(name).unwrap_or_default(), after))
                }
                _ => value(name).map(|value| (value, after)),
            },
            None => value(&rest[..bare]).map(|value| (value, &rest[bare..])),
        };
        match found {
            Some((value, after)) => {
                expanded.push_str(value);
                rest = after;
            }
            None => expanded.push('%'),
        }
    }
    expanded + rest
}

/// `RPMSCRIPT_FLAG_QFORMAT` of `%post -q`: the text names tags of the header, which are put in when it runs.
const EXPAND_TAGS: u32 = 2;

/// A text with the values of tags in place of `%{NAME}` and the like, as far as scripts use them, and `%` in place of `%%`. What has no value is
/// `(none)`, as in RPM's query formats.
fn with_tags(text: &str, metadata: &PackageMetadata) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('%') {
            expanded.push('%');
            rest = after;
        } else if let Some((tag, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            expanded.push_str(&value(tag, metadata));
            rest = after;
        } else {
            expanded.push('%');
        }
    }
    expanded + rest
}

fn value(tag: &str, metadata: &PackageMetadata) -> String {
    let text = |found: Result<&str, rpm::Error>| found.ok().map(str::to_owned);
    let tag = tag.to_ascii_uppercase();
    let found = match tag.strip_prefix("RPMTAG_").unwrap_or(&tag) {
        "NAME" => text(metadata.get_name()),
        "VERSION" => text(metadata.get_version()),
        "RELEASE" => text(metadata.get_release()),
        "ARCH" => text(metadata.get_arch()),
        "EPOCH" => metadata.get_epoch().ok().map(|epoch| epoch.to_string()),
        "SUMMARY" => text(metadata.get_summary()),
        "LICENSE" => text(metadata.get_license()),
        "URL" => text(metadata.get_url()),
        "VENDOR" => text(metadata.get_vendor()),
        "SOURCERPM" => text(metadata.get_source_rpm()),
        _ => None,
    };
    found.unwrap_or_else(|| "(none)".to_owned())
}

/// The text of a script as it runs, with what its flags ask for put in.
pub(super) fn expanded(text: &str, flags: u32, metadata: &PackageMetadata) -> String {
    let text = if flags & EXPAND_MACROS == 0 { text.to_owned() } else { with_macros(text) };
    if flags & EXPAND_TAGS == 0 { text } else { with_tags(&text, metadata) }
}

/// The script of a phase. A header may name only the interpreter.
fn of(metadata: &PackageMetadata, phase: Phase) -> Option<Scriptlet> {
    use rpm::IndexTag as Tag;
    let (text, program, flags) = match phase {
        Phase::BeforeAll => (Tag::RPMTAG_PRETRANS, Tag::RPMTAG_PRETRANSPROG, Tag::RPMTAG_PRETRANSFLAGS),
        Phase::BeforeInstall => (Tag::RPMTAG_PREIN, Tag::RPMTAG_PREINPROG, Tag::RPMTAG_PREINFLAGS),
        Phase::AfterInstall => (Tag::RPMTAG_POSTIN, Tag::RPMTAG_POSTINPROG, Tag::RPMTAG_POSTINFLAGS),
        Phase::BeforeRemoval => (Tag::RPMTAG_PREUN, Tag::RPMTAG_PREUNPROG, Tag::RPMTAG_PREUNFLAGS),
        Phase::AfterRemoval => (Tag::RPMTAG_POSTUN, Tag::RPMTAG_POSTUNPROG, Tag::RPMTAG_POSTUNFLAGS),
        Phase::AfterAll => (Tag::RPMTAG_POSTTRANS, Tag::RPMTAG_POSTTRANSPROG, Tag::RPMTAG_POSTTRANSFLAGS),
    };
    let text = metadata.header.get_entry_data_as_string(text).ok();
    let flags = metadata.header.get_entry_data_as_u32(flags).unwrap_or(0);
    let text = text.map(|text| expanded(text, flags, metadata));
    // One program is a string, a program with arguments an array.
    let program: Vec<String> = match metadata.header.get_entry_data_as_string_array(program) {
        Ok(words) => words.into_iter().map(str::to_owned).collect(),
        Err(_) => metadata.header.get_entry_data_as_string(program).map(|word| vec![word.to_owned()]).unwrap_or_default(),
    };
    match (text, program.is_empty()) {
        (None, true) => None,
        (text, true) => Some(Scriptlet { interpreter: vec!["/bin/sh".to_owned()], text: text.unwrap_or_default() }),
        (text, false) => Some(Scriptlet { interpreter: program, text: text.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_put_in() {
        let table = [
            ("cp a %{_sysconfdir}/a", "cp a /etc/a"),
            ("%_bindir/x %{?_libdir}:%{?nobody}", "/usr/bin/x /usr/lib64:"),
            ("date +%%s %{unknown} %unknown ${x%.*} 5%", "date +%s %{unknown} %unknown ${x%.*} 5%"),
            ("%{_bindir", "%{_bindir"),
        ];
        for (text, expected) in table {
            assert_eq!(with_macros(text), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_put_in() {
        let package = rpm::PackageBuilder::new("app", "1.2", "MIT", "noarch", "An application").build().unwrap();
        let table = [
            ("v=%{VERSION}", "v=1.2"),
            ("%{name} %{RPMTAG_ARCH}", "app noarch"),
            ("100%% of %{SOURCEURL}", "100% of (none)"),
            ("date +%s; echo ${x%.*}", "date +%s; echo ${x%.*}"),
            ("%{VERSION", "%{VERSION"),
        ];
        for (text, expected) in table {
            assert_eq!(with_tags(text, &package.metadata), expected, "{text}");
        }
    }
}
