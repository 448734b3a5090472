//! A package file on disk: its header, its signature, its payload.

mod compressor;
pub(crate) mod header;
mod headers;
mod hollow;
pub(crate) mod scriptlet;
pub(crate) mod shape;
mod stripped;
pub(crate) mod tags;
pub(crate) mod trigger;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rpm::{IndexTag, PackageMetadata};
use zstd::zstd_safe::DCtx;

use crate::checksum::{Checksum, Hasher};
use crate::keyring::{KeyError, Keyring};
use crate::package::{Package, PackageFile};

use compressor::Compressor;
pub use header::{HeaderError, details};
pub(crate) use headers::Headers;
pub use scriptlet::{Phase, Scriptlet};
pub(crate) use stripped::stripped_size;
pub(crate) use trigger::Trigger;

/// Packed bytes are read so many at a time.
const PACKED_BYTES: usize = 64 << 10;

/// Unpacked bytes are kept so many at a time; who asks for more gets them without a copy.
const UNPACKED_BYTES: usize = 16 << 10;

/// `xz -9` needs an eighth of it.
const LZMA_MEMORY_KIB: u32 = 512 << 10;

/// The memory that unpacking takes, kept from package to package.
#[derive(Default)]
pub struct Unpacker(Option<DCtx<'static>>);

/// A package file whose header was read. Its content is not trusted before [`RpmFile::verify`].
#[derive(Debug)]
pub struct RpmFile {
    path: PathBuf,
    /// None once they were checked: then they are read again when they are needed, which is once.
    headers: Option<Headers>,
    /// What they were, whoever reads them again.
    headers_sha256: [u8; 32],
    /// Where the headers end and the payload begins.
    header_size_bytes: u64,
    compressor: Result<Compressor, String>,
    scriptlets: Vec<(Phase, Scriptlet)>,
    pub(crate) triggers: Vec<Trigger>,
    /// Where the content is instead of in a payload, if it does.
    trees: Option<Vec<PathBuf>>,
    /// What the header says of the package.
    pub package: Package,
    /// Its files, in the header's order, ghosts included.
    pub files: Vec<PackageFile>,
}

/// A script that a package contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// When it runs.
    pub moment: Moment,
    /// The interpreter and its arguments: `/bin/sh`, `<lua>`.
    pub interpreter: Vec<String>,
    /// Its text.
    pub text: String,
}

/// A package file whose signature and payload were checked, or whose user said that only the digests matter.
#[derive(Debug)]
pub struct Verified(RpmFile);

impl Verified {
    /// The package.
    pub fn file(&self) -> &RpmFile {
        &self.0
    }
}

impl std::ops::Deref for Verified {
    type Target = RpmFile;

    fn deref(&self) -> &RpmFile {
        &self.0
    }
}

/// When a script runs in an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the package's files are there (`%pre`).
    Before,
    /// When they are there (`%post`).
    After,
    /// When all packages are there (`%posttrans`).
    AfterAll,
}

/// Why a package file is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RpmFileError {
    /// It cannot be read.
    #[error("cannot read the package `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not an RPM package.
    #[error("`{path}` is not an RPM package")]
    NotRpm {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<rpm::Error>,
    },
    /// It contains what packages are built from.
    #[error("`{path}` is a source package, which cannot be installed")]
    Source {
        /// The file.
        path: PathBuf,
    },
    /// Its header makes no sense.
    #[error("the header of `{path}` is invalid")]
    Header {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HeaderError,
    },
    /// Its signature is missing or wrong.
    #[error("the package `{path}` is not trusted")]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// Its payload is not what its header says.
    #[error("the payload of `{path}` is damaged: its digest is not the one in the header")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Its header says nothing of its payload, as those of RPM before 4.14.
    #[error("`{path}` cannot be checked: its header contains no digest of its payload")]
    Unsealed {
        /// The file.
        path: PathBuf,
    },
    /// Somebody changed it after it was checked.
    #[error("the package `{path}` was changed after it had been checked")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It needs what later versions of RPM can do.
    #[error("`{path}` needs {feature}, which is not supported")]
    Feature {
        /// The file.
        path: PathBuf,
        /// The feature, as `rpmlib(…)`.
        feature: String,
    },
    /// Its payload is compressed in a way not supported.
    #[error("the payload of `{path}` is compressed with {compressor}, which is not supported")]
    Compressor {
        /// The file.
        path: PathBuf,
        /// The compressor.
        compressor: String,
    },
}

impl RpmFile {
    /// Reads the header of the package at `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not a well-formed binary package.
    pub fn open(path: &Path) -> Result<Self, RpmFileError> {
        let io = |source| RpmFileError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let headers = Headers::new(shape::read(BufReader::new(file)).map_err(io)?);
        let metadata = headers.read().map_err(|source| RpmFileError::NotRpm { path: path.to_owned(), source: Box::new(source) })?;
        // Its files are named without a directory: nothing else of its header is worth a look.
        if metadata.is_source_package() {
            return Err(RpmFileError::Source { path: path.to_owned() });
        }
        let wrong = |source| RpmFileError::Header { path: path.to_owned(), source };
        let files = header::files(headers.tags(), header::Origin::File).map_err(wrong)?;
        let package = header::package(&metadata, &files, size, header::Origin::File).map_err(wrong)?;
        Ok(Self {
            path: path.to_owned(),
            headers_sha256: headers.sha256(),
            headers: Some(headers),
            header_size_bytes: metadata.get_package_segment_offsets().payload,
            compressor: Compressor::of(&metadata),
            scriptlets: scriptlet::all(&metadata),
            triggers: trigger::all(&metadata),
            trees: None,
            package,
            files,
        })
    }

    /// As [`RpmFile::open`]; where the package ends before its payload, its content is looked for in `trees`, the first one first, each a
    /// root like the one it is installed to.
    ///
    /// # Errors
    /// As there.
    pub fn open_beside(path: &Path, trees: &[PathBuf]) -> Result<Self, RpmFileError> {
        let mut file = Self::open(path)?;
        let is_weak = |file: &&PackageFile| file.kind.digest().and_then(Checksum::of).is_some_and(|kind| !kind.is_strong());
        if hollow::is_hollow(path, file.header_size_bytes()).map_err(|source| file.io(source))? {
            // Nothing but the checksums of its files says what they contain.
            if let Some(weak) = file.files.iter().find(is_weak) {
                let source = HeaderError::Weak { path: weak.path.clone() };
                return Err(RpmFileError::Header { path: path.to_owned(), source });
            }
            file.trees = Some(trees.to_vec());
        }
        Ok(file)
    }

    /// Where the headers end and the payload begins, in bytes. A file that ends here is hollow.
    pub fn header_size_bytes(&self) -> u64 {
        self.header_size_bytes
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The header and the signature header, as they were checked.
    ///
    /// # Errors
    /// When the file cannot be read any more, or others are in it now.
    pub fn metadata(&self) -> Result<PackageMetadata, RpmFileError> {
        self.headers()?.read().map_err(|source| RpmFileError::NotRpm { path: self.path.clone(), source: Box::new(source) })
    }

    /// The headers as bytes.
    pub(crate) fn headers(&self) -> Result<Cow<'_, Headers>, RpmFileError> {
        match &self.headers {
            Some(headers) => Ok(Cow::Borrowed(headers)),
            None => self.headers_again().map(Cow::Owned),
        }
    }

    fn headers_again(&self) -> Result<Headers, RpmFileError> {
        let file = File::open(&self.path).map_err(|source| self.io(source))?;
        let headers = shape::read(BufReader::new(file)).map(Headers::new).map_err(|source| self.io(source))?;
        if headers.sha256() == self.headers_sha256 { Ok(headers) } else { Err(RpmFileError::Changed { path: self.path.clone() }) }
    }

    /// [`RpmFile::verify`], remembered by the type.
    ///
    /// # Errors
    /// As there, and when it cannot be unpacked.
    pub fn verified(self, keys: &Keyring) -> Result<Verified, RpmFileError> {
        self.verify(keys)?;
        self.checked()
    }

    /// Of many packages that wait for their turn, the headers would take the most memory.
    fn checked(mut self) -> Result<Verified, RpmFileError> {
        if let Some(feature) = header::unsupported_feature(&self.metadata()?) {
            return Err(RpmFileError::Feature { path: self.path, feature });
        }
        if let Err(compressor) = self.compressor {
            return Err(RpmFileError::Compressor { path: self.path, compressor });
        }
        self.headers = None;
        Ok(Verified(self))
    }

    /// For `--nogpgcheck`: whoever made the package, it must be whole.
    ///
    /// # Errors
    /// When the payload is not the one the header names.
    pub fn unsigned(self) -> Result<Verified, RpmFileError> {
        self.verify_payload(&self.metadata()?)?;
        self.checked()
    }

    /// Checks the signature of the header with `keys`, and the payload with the SHA-256 in that header.
    ///
    /// # Errors
    /// When either does not fit, or one of them is missing.
    pub fn verify(&self, keys: &Keyring) -> Result<(), RpmFileError> {
        let metadata = self.metadata()?;
        verify_signature(&metadata, keys).map_err(|source| RpmFileError::Untrusted { path: self.path.clone(), source })?;
        self.verify_payload(&metadata)
    }

    /// Of a hollow package, what the files contain is checked against the header when they are read.
    fn verify_payload(&self, metadata: &PackageMetadata) -> Result<(), RpmFileError> {
        if let Some(trees) = &self.trees {
            return hollow::check(&self.files, trees).map_err(|source| self.io(source));
        }
        let expected = metadata.header.get_entry_data_as_string_array(IndexTag::RPMTAG_PAYLOADSHA256);
        let expected = expected.ok().and_then(|all| all.first().map(|text| text.to_ascii_lowercase())).unwrap_or_default();
        if !Checksum::of(&expected).is_some_and(Checksum::is_strong) {
            return Err(RpmFileError::Unsealed { path: self.path.clone() });
        }
        let hasher = Hasher::like(&expected).read(&mut self.raw_payload()?).map_err(|source| self.io(source))?;
        if hasher.hex() == expected { Ok(()) } else { Err(RpmFileError::Damaged { path: self.path.clone() }) }
    }

    /// The scripts that an installation would run, in the order of their moments.
    pub fn scripts(&self) -> Vec<Script> {
        let moments = [(Moment::Before, Phase::BeforeInstall), (Moment::After, Phase::AfterInstall), (Moment::AfterAll, Phase::AfterAll)];
        let script = |(moment, phase)| {
            let Scriptlet { interpreter, text } = self.scriptlet(phase)?;
            Some(Script { moment, interpreter, text })
        };
        moments.into_iter().filter_map(script).collect()
    }

    /// The script of a phase, if the package contains one.
    pub fn scriptlet(&self, phase: Phase) -> Option<Scriptlet> {
        scriptlet::find(&self.scriptlets, phase)
    }

    /// The unpacked payload: a cpio archive.
    ///
    /// # Errors
    /// When the file cannot be read or the compressor is not supported.
    pub fn payload<'a>(&'a self, unpacker: &'a mut Unpacker) -> Result<Box<dyn BufRead + 'a>, RpmFileError> {
        let buffered = |from: Box<dyn Read + 'a>| -> Box<dyn BufRead + 'a> { Box::new(BufReader::with_capacity(UNPACKED_BYTES, from)) };
        if let Some(trees) = &self.trees {
            return Ok(buffered(Box::new(hollow::Payload::new(&self.files, trees))));
        }
        let raw = self.raw_payload()?;
        let unsupported = |compressor: String| RpmFileError::Compressor { path: self.path.clone(), compressor };
        let packed = |raw| BufReader::with_capacity(PACKED_BYTES, raw);
        Ok(buffered(match self.compressor.as_ref().map_err(|name| unsupported(name.clone()))? {
            Compressor::Zstd => {
                let context = unpacker.0.get_or_insert_with(DCtx::create);
                Box::new(zstd::Decoder::with_context(packed(raw), context))
            }
            Compressor::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed(raw))),
            Compressor::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed(raw))),
            Compressor::Xz => Box::new(lzma_rust2::XzReader::new(packed(raw), true)),
            Compressor::Lzma => {
                let reader = lzma_rust2::LzmaReader::new_mem_limit(packed(raw), LZMA_MEMORY_KIB, None);
                Box::new(reader.map_err(|source| self.io(source))?)
            }
            Compressor::None => Box::new(raw),
        }))
    }

    /// The payload as it is in the file.
    fn raw_payload(&self) -> Result<File, RpmFileError> {
        let mut file = File::open(&self.path).map_err(|source| self.io(source))?;
        file.seek(SeekFrom::Start(self.header_size_bytes())).map_err(|source| self.io(source))?;
        Ok(file)
    }

    fn io(&self, source: io::Error) -> RpmFileError {
        RpmFileError::Io { path: self.path.clone(), source }
    }
}

fn verify_signature(metadata: &PackageMetadata, keys: &Keyring) -> Result<(), KeyError> {
    let refused = |source| KeyError::Refused { source: Box::new(source) };
    let header = metadata.header_bytes().map_err(refused)?;
    let signatures = metadata.raw_signatures().map_err(refused)?;
    let mut last = KeyError::Unsigned;
    for signature in &signatures {
        match keys.check(&header, signature) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
