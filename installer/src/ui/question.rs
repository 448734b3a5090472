//! Questions and answers, whatever shows them.

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// A few words.
    pub title: String,
    /// What must be known to answer; perhaps several lines.
    pub text: String,
    /// More, for who asks for help.
    pub help: &'static str,
    /// What an answer looks like.
    pub kind: Kind,
}

/// What an answer looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these.
    Choose {
        /// All there are.
        choices: Vec<Choice>,
        /// The one that is taken if nothing is said.
        default: usize,
    },
    /// A line.
    Text {
        /// What is taken if nothing is said.
        default: String,
    },
    /// A line that is not shown.
    Secret,
    /// Exactly this word, or nothing happens.
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

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The choice with this index.
    Index(usize),
    /// This line.
    Text(String),
}
