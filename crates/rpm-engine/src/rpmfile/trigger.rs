//! Scripts of a package that other packages, or their files, set off: triggers and file triggers.

use rpm::{DependencyFlags as Flags, IndexTag as Tag, PackageMetadata};

use super::scriptlet::{self, Scriptlet};
use crate::dependency::{Capability, Comparison};
use crate::version::Evr;

/// What sets a trigger off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Another package, by its name.
    Package,
    /// Files of a package below a prefix.
    Files,
    /// Files of all packages of a transaction below a prefix.
    Transaction,
}

/// When it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the files of the other package are there.
    BeforeInstall,
    /// When they are there.
    AfterInstall,
    /// Before they go.
    BeforeRemoval,
    /// When they are gone.
    AfterRemoval,
}

/// One trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) cause: Cause,
    pub(crate) when: When,
    /// Each is enough: names of packages with their versions, or prefixes of paths; with their places among those of the package.
    pub(crate) conditions: Vec<(usize, Capability)>,
    /// The larger, the earlier.
    pub(crate) priority: u32,
    pub(crate) script: Scriptlet,
}

impl Trigger {
    /// The section's name in a spec file of RPM, which is what packagers know it by.
    pub(crate) fn section(&self) -> &'static str {
        match (self.cause, self.when) {
            (Cause::Package, When::BeforeInstall) => "%triggerprein",
            (Cause::Package, When::AfterInstall) => "%triggerin",
            (Cause::Package, When::BeforeRemoval) => "%triggerun",
            (Cause::Package, When::AfterRemoval) => "%triggerpostun",
            (Cause::Files, When::BeforeInstall | When::AfterInstall) => "%filetriggerin",
            (Cause::Files, When::BeforeRemoval) => "%filetriggerun",
            (Cause::Files, When::AfterRemoval) => "%filetriggerpostun",
            (Cause::Transaction, When::BeforeInstall | When::AfterInstall) => "%transfiletriggerin",
            (Cause::Transaction, When::BeforeRemoval) => "%transfiletriggerun",
            (Cause::Transaction, When::AfterRemoval) => "%transfiletriggerpostun",
        }
    }
}

/// Where a header keeps one kind.
struct Place {
    cause: Cause,
    scripts: Tag,
    programs: Tag,
    flags: Tag,
    names: Tag,
    versions: Tag,
    senses: Tag,
    indexes: Tag,
    priorities: Option<Tag>,
}

const PLACES: [Place; 3] = [
    Place {
        cause: Cause::Package,
        scripts: Tag::RPMTAG_TRIGGERSCRIPTS,
        programs: Tag::RPMTAG_TRIGGERSCRIPTPROG,
        flags: Tag::RPMTAG_TRIGGERSCRIPTFLAGS,
        names: Tag::RPMTAG_TRIGGERNAME,
        versions: Tag::RPMTAG_TRIGGERVERSION,
        senses: Tag::RPMTAG_TRIGGERFLAGS,
        indexes: Tag::RPMTAG_TRIGGERINDEX,
        priorities: None,
    },
    Place {
        cause: Cause::Files,
        scripts: Tag::RPMTAG_FILETRIGGERSCRIPTS,
        programs: Tag::RPMTAG_FILETRIGGERSCRIPTPROG,
        flags: Tag::RPMTAG_FILETRIGGERSCRIPTFLAGS,
        names: Tag::RPMTAG_FILETRIGGERNAME,
        versions: Tag::RPMTAG_FILETRIGGERVERSION,
        senses: Tag::RPMTAG_FILETRIGGERFLAGS,
        indexes: Tag::RPMTAG_FILETRIGGERINDEX,
        priorities: Some(Tag::RPMTAG_FILETRIGGERPRIORITIES),
    },
    Place {
        cause: Cause::Transaction,
        scripts: Tag::RPMTAG_TRANSFILETRIGGERSCRIPTS,
        programs: Tag::RPMTAG_TRANSFILETRIGGERSCRIPTPROG,
        flags: Tag::RPMTAG_TRANSFILETRIGGERSCRIPTFLAGS,
        names: Tag::RPMTAG_TRANSFILETRIGGERNAME,
        versions: Tag::RPMTAG_TRANSFILETRIGGERVERSION,
        senses: Tag::RPMTAG_TRANSFILETRIGGERFLAGS,
        indexes: Tag::RPMTAG_TRANSFILETRIGGERINDEX,
        priorities: Some(Tag::RPMTAG_TRANSFILETRIGGERPRIORITIES),
    },
];

/// Of a file trigger that states none, as `rpmbuild` has it.
const DEFAULT_PRIORITY: u32 = 1_000_000;

/// All triggers of a package, in the header's order. What makes no sense is left out, as RPM does.
pub(crate) fn all(metadata: &PackageMetadata) -> Vec<Trigger> {
    PLACES.iter().flat_map(|place| of(metadata, place)).collect()
}

fn of(metadata: &PackageMetadata, place: &Place) -> Vec<Trigger> {
    let texts = |tag| metadata.header.get_entry_data_as_string_array(tag).unwrap_or_default();
    let numbers = |tag| metadata.header.get_entry_data_as_u32_array(tag).unwrap_or_default();
    // Hardly any package has one.
    if !metadata.header.entry_is_present(place.names) {
        return Vec::new();
    }
    let (scripts, programs) = (texts(place.scripts), texts(place.programs));
    let (flags, priorities) = (numbers(place.flags), place.priorities.map(numbers).unwrap_or_default());
    let conditions: Vec<_> = texts(place.names)
        .into_iter()
        .zip(texts(place.versions))
        .zip(numbers(place.senses).into_iter().map(Flags::from_bits_retain))
        .zip(numbers(place.indexes))
        .map(|(((name, version), sense), index)| (name, version, sense, index as usize))
        .collect();
    let trigger = |(index, text): (usize, &str)| {
        let own = || conditions.iter().enumerate().filter(|(_, condition)| condition.3 == index);
        let when = own().find_map(|(_, (_, _, sense, _))| when(*sense))?;
        let condition = |(at, (name, version, sense, _)): (usize, &(&str, &str, Flags, usize))| {
            let range = Comparison::parse(sense.comparator_str()).filter(|_| !version.is_empty());
            (at, Capability { name: (*name).to_owned(), range: range.map(|comparison| (comparison, Evr::parse(version))) })
        };
        let program = programs.get(index).filter(|program| !program.is_empty()).unwrap_or(&"/bin/sh");
        let text = scriptlet::expanded(text, flags.get(index).copied().unwrap_or(0), metadata);
        Some(Trigger {
            cause: place.cause,
            when,
            conditions: own().map(condition).collect(),
            priority: priorities.get(index).copied().unwrap_or(DEFAULT_PRIORITY),
            script: Scriptlet { interpreter: vec![(*program).to_owned()], text },
        })
    };
    scripts.iter().map(AsRef::as_ref).enumerate().filter_map(trigger).collect()
}

fn when(sense: Flags) -> Option<When> {
    let table = [
        (Flags::TRIGGERPREIN, When::BeforeInstall),
        (Flags::TRIGGERIN, When::AfterInstall),
        (Flags::TRIGGERUN, When::BeforeRemoval),
        (Flags::TRIGGERPOSTUN, When::AfterRemoval),
    ];
    table.into_iter().find(|(flag, _)| sense.contains(*flag)).map(|(_, when)| when)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_header() {
        let mut builder = rpm::PackageBuilder::new("app", "1.2", "MIT", "noarch", "An application");
        builder.trigger_un("old", Some((Flags::LESS, "2.0")), "echo un");
        builder.trans_file_trigger_in("/usr/share/x", None, rpm::Scriptlet::new("ldconfig"));
        let found = all(&builder.build().unwrap().metadata);
        let shown: Vec<_> =
            found.iter().map(|trigger| (trigger.section(), trigger.conditions[0].1.to_string(), &*trigger.script.text)).collect();
        let expected = [("%triggerun", "old < 2.0".to_owned(), "echo un"), ("%transfiletriggerin", "/usr/share/x".to_owned(), "ldconfig")];
        assert_eq!(shown, expected);
        assert_eq!((found[1].priority, &*found[1].script.interpreter[0]), (DEFAULT_PRIORITY, "/bin/sh"));
    }
}
