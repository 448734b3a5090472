//! What the builder and `kaon-remote` say to each other: one JSON document a line.

use std::path::PathBuf;
use std::str::FromStr as _;

use base::digest::Digest;
use serde::{Deserialize, Serialize};

use super::Server;
use super::execution::{Executed, Execution, NotExecuted, Stage};

/// From the builder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Begin something. Several may be under way.
    Begin {
        /// Names it in replies.
        id: u64,
        /// What.
        call: Call,
    },
    /// Stop it. No reply follows.
    Stop {
        /// What.
        id: u64,
    },
}

/// To the builder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reply {
    /// What it is about.
    pub id: u64,
    /// The news.
    pub news: News,
}

/// How something goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// So many more bytes were transferred.
    Moved(u64),
    /// A program that runs on a worker got so far.
    Reached(Stage),
    /// It is over.
    Done(Answer),
}

/// What `kaon-remote` can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Write files of the server to paths of this machine.
    Fetch {
        /// The server.
        server: Server,
        /// The files.
        files: Vec<Wanted>,
        /// How long it is waited for.
        patience: Patience,
    },
    /// Ask which blobs the server lacks.
    Missing {
        /// The server.
        server: Server,
        /// The blobs.
        blobs: Vec<Blob>,
        /// How long it is waited for.
        patience: Patience,
    },
    /// Send a file to the server.
    Store {
        /// The server.
        server: Server,
        /// Its name there: an entry, or a blob of known size.
        name: Name,
        /// The file.
        path: PathBuf,
        /// How long it is waited for.
        patience: Patience,
    },
    /// Let those find a blob who know only a name for it.
    Point {
        /// The server.
        server: Server,
        /// The name.
        name: String,
        /// What it stands for.
        blob: Blob,
        /// How long it is waited for.
        patience: Patience,
    },
    /// Ask whether the server runs programs.
    Runs {
        /// The server.
        server: Server,
        /// How long it is waited for.
        patience: Patience,
    },
    /// Run a program on a worker of the server.
    Execute {
        /// The server.
        server: Server,
        /// The program.
        execution: Box<Execution>,
        /// How long it is waited for; the program has its own times.
        patience: Patience,
    },
}

impl Call {
    /// The server that is asked.
    pub fn server(&self) -> &Server {
        match self {
            Self::Fetch { server, .. }
            | Self::Missing { server, .. }
            | Self::Store { server, .. }
            | Self::Point { server, .. }
            | Self::Runs { server, .. }
            | Self::Execute { server, .. } => server,
        }
    }
}

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Wanted {
    /// Its name on the server.
    pub name: Name,
    /// Where it is written.
    pub target: PathBuf,
    /// A longer one is not fetched.
    pub most_bytes: u64,
}

/// The name of a file on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// The entry of a result, by its key.
    Entry(Digest),
    /// A blob.
    Blob(Blob),
    /// A blob that something points to ([`Call::Point`]).
    Pointer(String),
}

impl Name {
    /// The name of the file that folders and HTTP servers have at `path`: `ac/KEY`, `cas/SHA256` or any other.
    pub fn of_path(path: &str) -> Self {
        let hex = |folder: &str| path.strip_prefix(folder).and_then(|hex| Digest::from_str(hex).ok());
        hex("ac/").map_or_else(|| Self::Pointer(path.to_owned()), Self::Entry)
    }
}

/// Some bytes by their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Blob {
    /// Their SHA-256.
    pub sha256: Digest,
    /// How many there are.
    pub size_bytes: u64,
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Patience {
    /// How often what may pass is tried again.
    pub retries: u32,
    /// Seconds of silence after which a server counts as dead. A transfer may take any time as long as something arrives.
    pub silence_s: u32,
}

/// The end of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// For each of the files, in their order: whether it is there.
    Fetched(Vec<Result<(), Trouble>>),
    /// The blobs that the server lacks.
    Missing(Vec<Digest>),
    /// The server has it.
    Stored,
    /// Whether the server runs programs.
    Runs(Runs),
    /// What became of a program.
    Executed(Result<Executed, NotExecuted>),
    /// It cannot be done.
    Failed(Trouble),
}

/// Whether a server runs programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runs {
    /// It says so.
    Yes,
    /// It is only a cache, or does so for others.
    No,
    /// It does not say.
    Unsaid,
}

/// Why a server does not do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// It has no such thing.
    #[error("the server does not have it")]
    NotFound,
    /// It wants to know who asks, or does not let them.
    #[error("{0}")]
    Locked(String),
    /// It cannot be reached, or is silent.
    #[error("{0}")]
    Unreachable(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_lines() {
        let server: Server = "grpc://a.test:1/x".parse().unwrap();
        let blob = Blob { sha256: Digest::of_bytes("x"), size_bytes: 1 };
        let patience = Patience { retries: 1, silence_s: 2 };
        let wanted = Wanted { name: Name::Blob(blob), target: "/a\nb".into(), most_bytes: u64::MAX };
        let call = Call::Fetch { server, files: vec![wanted], patience };
        let request = Request::Begin { id: 7, call };
        let line = serde_json::to_string(&request).unwrap();
        assert_eq!((line.lines().count(), serde_json::from_str::<Request>(&line).unwrap()), (1, request));
        let answer = Answer::Fetched(vec![Ok(()), Err(Trouble::NotFound), Err(Trouble::Locked("no".into()))]);
        let reply = Reply { id: 7, news: News::Done(answer) };
        assert_eq!(serde_json::from_str::<Reply>(&serde_json::to_string(&reply).unwrap()).unwrap(), reply);
    }

    #[test]
    fn names_of_paths() {
        let hex = Digest::of_bytes("x").hex();
        assert_eq!(Name::of_path(&format!("ac/{hex}")), Name::Entry(Digest::of_bytes("x")));
        assert_eq!(Name::of_path(&format!("cas/{hex}")), Name::Pointer(super::super::pointer_of(&Digest::of_bytes("x"))));
        assert_eq!(Name::of_path("ac/x"), Name::Pointer("ac/x".into()));
    }
}
