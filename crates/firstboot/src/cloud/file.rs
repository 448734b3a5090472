//! Files of cloud-config.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use serde::Deserialize;

use super::permissions::{Owner, Permissions};
use super::value::{AbsolutePath, Content, Line, WebAddress};

/// A file is not made larger than this, in bytes: a small document must not fill the disk.
const LONGEST_BYTES: u64 = 64 << 20;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawFile")]
pub struct WriteFile {
    /// Where.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
    /// Where its content is fetched from when the network is up; `content` is used if that fails.
    pub source: Option<Source>,
    /// Permission bits.
    pub permissions: Option<Permissions>,
    /// `user:group`.
    pub owner: Option<String>,
    /// Whether the content goes to the end of what is there.
    pub append: bool,
}

/// Where a file's content is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Source {
    /// The address.
    pub uri: WebAddress,
    /// Headers of the request.
    #[serde(default)]
    pub headers: BTreeMap<String, Line>,
}

#[derive(Deserialize)]
#[serde(rename = "WriteFile")]
struct RawFile {
    path: AbsolutePath,
    #[serde(default)]
    content: Content,
    #[serde(default)]
    source: Option<Source>,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    permissions: Option<Permissions>,
    #[serde(default)]
    owner: Option<Owner>,
    #[serde(default)]
    append: bool,
}

/// How a file's content is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Encoding {
    #[default]
    #[serde(rename = "text/plain", alias = "plain")]
    Plain,
    #[serde(rename = "b64", alias = "base64")]
    Base64,
    #[serde(rename = "gzip", alias = "gz")]
    Gzip,
    #[serde(rename = "gz+b64", alias = "gzip+base64", alias = "gz+base64", alias = "gzip+b64")]
    GzipBase64,
}

impl TryFrom<RawFile> for WriteFile {
    type Error = String;

    fn try_from(raw: RawFile) -> Result<Self, String> {
        let AbsolutePath(path) = raw.path;
        let content = decode(raw.content.0, raw.encoding).map_err(|reason| format!("`{path}`: {reason}"))?;
        let owner = raw.owner.map(|Owner(owner)| owner).filter(|owner| !owner.is_empty());
        Ok(Self { path, content, source: raw.source, permissions: raw.permissions, owner, append: raw.append })
    }
}

fn decode(bytes: Vec<u8>, encoding: Encoding) -> Result<Vec<u8>, String> {
    match encoding {
        Encoding::Plain => Ok(bytes),
        Encoding::Base64 => unpack(&bytes),
        Encoding::Gzip => gunzip(&bytes),
        Encoding::GzipBase64 => gunzip(&unpack(&bytes)?),
    }
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let packed: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(packed).map_err(|_| "the content is not Base64".to_owned())
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    // One byte more shows that it is too long.
    let read = flate2::read::MultiGzDecoder::new(bytes).take(LONGEST_BYTES + 1).read_to_end(&mut plain);
    match read {
        Err(_) => Err("the content is not what gzip writes".to_owned()),
        Ok(_) if plain.len() as u64 > LONGEST_BYTES => {
            Err(format!("the content is larger than {} MiB: fetch it in `runcmd`, or use `source`", LONGEST_BYTES >> 20))
        }
        Ok(_) => Ok(plain),
    }
}
