//! Questions and answers, whatever shows them.

use kickstart::Secret;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is about.
    pub section: Section,
    /// A few words.
    pub title: &'static str,
    /// What must be known to answer; perhaps several lines.
    pub text: String,
    /// More, for who asks for help.
    pub help: &'static str,
    /// What an answer looks like.
    pub kind: Kind,
}

/// Parts of an interview, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The licence.
    Licence,
    /// The disk.
    Disk,
    /// What becomes of it.
    Partitions,
    /// What is installed.
    Packages,
    /// Which kernel.
    Kernel,
    /// Addresses and routes.
    Network,
    /// The machine's name.
    HostName,
    /// Who may log in.
    Accounts,
    /// Who is trusted.
    Certificates,
    /// What happens at the end.
    End,
    /// All of it once more.
    Summary,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Licence,
        Self::Disk,
        Self::Partitions,
        Self::Packages,
        Self::Kernel,
        Self::Network,
        Self::HostName,
        Self::Accounts,
        Self::Certificates,
        Self::End,
        Self::Summary,
    ];

    /// One or two words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Licence => "Licence",
            Self::Disk => "Disk",
            Self::Partitions => "Partitions",
            Self::Packages => "Packages",
            Self::Kernel => "Kernel",
            Self::Network => "Network",
            Self::HostName => "Host name",
            Self::Accounts => "Accounts",
            Self::Certificates => "Certificates",
            Self::End => "At the end",
            Self::Summary => "Summary",
        }
    }
}

/// What an answer looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these: [`Answer::Index`].
    Choose {
        /// All there are.
        choices: Vec<Choice>,
        /// The one that is taken if nothing is said.
        default: usize,
    },
    /// A line: [`Answer::Text`].
    Text {
        /// What is taken if nothing is said.
        default: String,
    },
    /// A line that is not shown: [`Answer::Text`].
    Secret {
        /// What was typed before, and is taken if nothing is said.
        default: Secret,
    },
    /// Some of these, by name and apart by blanks: [`Answer::Text`].
    Pick {
        /// All there are.
        items: Vec<Item>,
        /// Those that are taken if nothing is said.
        default: Vec<String>,
    },
    /// As many lines as there are, each an [`Answer::Text`], or [`Answer::Remove`]; an empty one ends the list.
    List {
        /// What was given so far.
        entries: Vec<String>,
        /// The words a line consists of.
        fields: Vec<Field>,
    },
    /// Exactly this word, or nothing happens: [`Answer::Text`].
    Confirm {
        /// The word.
        word: String,
    },
}

/// One of several answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// A few words.
    pub label: String,
    /// Why it cannot be taken, if it cannot.
    pub refusal: Option<String>,
}

impl Choice {
    pub(super) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), refusal: None }
    }
}

/// Something that may be picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What it is, in one line.
    pub summary: String,
}

impl Item {
    /// Whether a search finds it: every word is in its name or in what it is.
    pub fn matches(&self, search: &str) -> bool {
        let text = format!("{} {}", self.name, self.summary).to_lowercase();
        search.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
    }
}

/// A word of a line, or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub label: &'static str,
    /// What it may look like.
    pub example: &'static str,
    /// All it can be; any text if there are none.
    pub choices: Vec<Choice>,
}

impl Field {
    pub(super) fn new(label: &'static str, example: &'static str) -> Self {
        Self { label, example, choices: Vec::new() }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The choice with this index.
    Index(usize),
    /// This line.
    Text(String),
    /// The entry with this index is taken out of the list.
    Remove(usize),
}

/// Whether a line that was given is only the beginning of an entry: PEM text has several.
pub fn goes_on(text: &str) -> bool {
    text.contains("-----BEGIN ") && !text.contains("-----END ")
}
