//! How payloads are compressed.

use rpm::{IndexTag, PackageMetadata};

/// What a payload is compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compressor {
    None,
    Gzip,
    Bzip2,
    Xz,
    Lzma,
    Zstd,
}

impl Compressor {
    /// As the header says; where it says nothing, the payload is not compressed.
    ///
    /// # Errors
    /// The name of one that is not supported.
    pub(super) fn of(metadata: &PackageMetadata) -> Result<Self, String> {
        match metadata.header.get_entry_data_as_string(IndexTag::RPMTAG_PAYLOADCOMPRESSOR) {
            Ok(name) => Self::named(name).ok_or_else(|| name.to_owned()),
            Err(rpm::Error::TagNotFound(_)) => Ok(Self::None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "gzip" => Self::Gzip,
            "bzip2" => Self::Bzip2,
            "xz" => Self::Xz,
            "lzma" => Self::Lzma,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }
}
