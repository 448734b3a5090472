//! A result that a cache offers, and how an entry becomes one.

use std::collections::{BTreeMap, BTreeSet};

use base::digest::Digest;
use planning::action::{BuildResult, By, Fields, SharedFrom};
use planning::spec::Spec;
use signing::Envelope;

use super::entry;
use super::place::{encoding, is_page};
use super::settings::TrustedBuilder;
use super::statement::{Statement, Unfit};

/// The file of an entry that contains the signed statement.
pub const ENVELOPE: &str = "result.dsse.json";

/// A result that trusted builders signed. Its packages are still in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The cache's name.
    pub cache: String,
    /// The packages of the build.
    pub statement: Statement,
    /// The names of the trusted builders that signed it, sorted.
    pub builders: Vec<String>,
    /// The statement with its signatures, as received.
    pub envelope: Vec<u8>,
}

/// Why an entry is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not an entry, or contains no statement.
    #[error("its entry is damaged")]
    Unreadable,
    /// It is a page for people: of a proxy, or of a network that wants a login.
    #[error("it answers with a web page")]
    Page,
    /// The server, or a proxy before it, compressed it unasked.
    #[error(
        "it sends files compressed (`Content-Encoding: {encoding}`), which it was not asked for: turn that off in the server, or in the proxy \
         before it, for all below this address (nginx: `gzip off;`)"
    )]
    Compressed {
        /// The content encoding.
        encoding: &'static str,
    },
    /// No trusted builder signed it.
    #[error("no trusted builder signed it, but {}", shown(keys))]
    Strangers {
        /// The keys that its signatures name.
        keys: Vec<String>,
    },
    /// A signature that names a trusted builder is wrong.
    #[error("the signature of `{builder}` is wrong")]
    BadSignature {
        /// The builder's name.
        builder: String,
    },
    /// Too few builders agree.
    #[error("{} of the {wanted} builders that must agree signed it", builders.len())]
    TooFew {
        /// The builders that signed it.
        builders: Vec<String>,
        /// How many are required.
        wanted: usize,
    },
    /// It is signed, but about something else.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

fn shown(keys: &[String]) -> String {
    match keys {
        [] => "nobody".to_owned(),
        keys => keys.iter().map(|key| key.chars().take(16).collect::<String>()).collect::<Vec<_>>().join(", "),
    }
}

impl Offer {
    /// Reads the entry of the build of `spec` with this key, and verifies it.
    ///
    /// # Errors
    /// When it is not trusted.
    pub fn read(
        bytes: &[u8],
        cache: (&str, usize),
        spec: &Spec,
        key: &Digest,
        trusted: &BTreeMap<String, TrustedBuilder>,
    ) -> Result<Self, Refused> {
        let (cache, wanted) = cache;
        if is_page(bytes) {
            return Err(Refused::Page);
        }
        if let Some(encoding) = encoding(bytes) {
            return Err(Refused::Compressed { encoding });
        }
        let files = entry::decode(bytes).ok_or(Refused::Unreadable)?;
        let written = files.into_iter().find(|file| file.path == ENVELOPE).and_then(|file| file.contents).ok_or(Refused::Unreadable)?;
        let envelope = Envelope::parse(&written).ok_or(Refused::Unreadable)?;
        let mut builders = Vec::new();
        let mut signed = None;
        // A key that has two names is still one builder.
        let mut counted = BTreeSet::new();
        for (name, builder) in trusted {
            if let Some(statement) = envelope.signed_by(&builder.key) {
                if counted.insert(builder.key.id()) {
                    builders.push(name.clone());
                }
                signed = Some(statement);
            } else if envelope.key_names().any(|key| key == builder.key.id().hex()) {
                return Err(Refused::BadSignature { builder: name.clone() });
            }
        }
        let Some(signed) = signed else {
            return Err(Refused::Strangers { keys: envelope.key_names().map(str::to_owned).collect() });
        };
        let statement = Statement::parse(signed, spec, key)?;
        if builders.len() < wanted {
            return Err(Refused::TooFew { builders, wanted });
        }
        Ok(Self { cache: cache.to_owned(), statement, builders, envelope: written })
    }

    /// As a build result. `fields` are those of its key; times are unknown, so they are 0.
    pub fn result(&self, fields: Fields) -> BuildResult {
        BuildResult {
            spec: self.statement.spec.clone(),
            key: self.statement.key,
            fields,
            packages: self.statement.packages.iter().map(|shared| shared.package.clone()).collect(),
            elapsed_ms: 0,
            cpu_ms: 0,
            peak_memory_bytes: 0,
            by: By::Here,
            shared: Some(SharedFrom {
                cache: self.cache.clone(),
                builders: self.builders.clone(),
                envelope: Digest::of_bytes(&self.envelope),
            }),
        }
    }

    /// The size of those of its packages' files whose digests are meant, in bytes.
    pub fn size_bytes(&self, is_meant: impl Fn(&Digest) -> bool) -> u64 {
        let packages = self.statement.packages.iter().filter(|shared| is_meant(&shared.package.object));
        packages.map(|shared| shared.size_bytes).sum()
    }
}
