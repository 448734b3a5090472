//! A package's header as the database keeps it: without its magic, and with what was learnt by installing appended.

use rpm::{IndexData, PackageMetadata};

/// `RPM_CHAR_TYPE`, in which file states are kept.
const CHAR: u32 = 1;
const INT32: u32 = 4;
const STRING: u32 = 6;
const BINARY: u32 = 7;

const TAG_INSTALL_TIME: u32 = 1008;
const TAG_FILE_STATES: u32 = 1029;
const TAG_INSTALL_COLOUR: u32 = 1127;
const TAG_INSTALL_TRANSACTION: u32 = 1128;

/// An index entry outside of the signed region.
struct Extra {
    tag: u32,
    kind: u32,
    count: u32,
    data: Vec<u8>,
}

impl Extra {
    fn int32(tag: u32, values: &[u32]) -> Self {
        Self { tag, kind: INT32, count: values.len() as u32, data: values.iter().flat_map(|value| value.to_be_bytes()).collect() }
    }
}

/// The blob of `Packages`. The signed region is kept byte for byte, so that the header's signature can still be checked.
pub(super) fn installed_header(metadata: &PackageMetadata, files: usize, time: u32) -> Result<Vec<u8>, rpm::Error> {
    let bytes = metadata.header_bytes()?;
    let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    // 8 bytes of magic, the count of index entries, the length of the data, 16 bytes an entry, the data.
    let (entries, length) = (word(8), word(12) as usize);
    let (index, data) = bytes[16..].split_at(entries as usize * 16);
    let (mut index, mut data) = (index.to_vec(), data[..length].to_vec());
    let extras = extras(metadata, files, time)?;
    for extra in &extras {
        let alignment = if extra.kind == INT32 { 4 } else { 1 };
        data.resize(data.len().next_multiple_of(alignment), 0);
        for word in [extra.tag, extra.kind, data.len() as u32, extra.count] {
            index.extend(word.to_be_bytes());
        }
        data.extend(&extra.data);
    }
    let mut blob = Vec::with_capacity(8 + index.len() + data.len());
    blob.extend((entries + extras.len() as u32).to_be_bytes());
    blob.extend((data.len() as u32).to_be_bytes());
    blob.extend(index);
    blob.extend(data);
    Ok(blob)
}

/// Signatures and digests of the signature header, under the tags they have in a main header, then the facts of the installation.
fn extras(metadata: &PackageMetadata, files: usize, time: u32) -> Result<Vec<Extra>, rpm::Error> {
    let mut extras: Vec<Extra> =
        metadata.signature.get_all_entries()?.into_iter().filter_map(|(tag, data)| taken_over(tag, data)).collect();
    extras.sort_by_key(|extra| extra.tag);
    extras.push(Extra::int32(TAG_INSTALL_TIME, &[time]));
    if files > 0 {
        // RPMFILE_STATE_NORMAL is 0.
        extras.push(Extra { tag: TAG_FILE_STATES, kind: CHAR, count: files as u32, data: vec![0; files] });
    }
    extras.push(Extra::int32(TAG_INSTALL_COLOUR, &[0]));
    extras.push(Extra::int32(TAG_INSTALL_TRANSACTION, &[time]));
    Ok(extras)
}

/// `headerMergeLegacySigs` of librpm.
fn taken_over(tag: u32, data: IndexData) -> Option<Extra> {
    let tag = match tag {
        1000 => 257,
        1002 => 259,
        1004 => 261,
        1005 => 262,
        1007 => 1046,
        267..=271 | 273..=276 | 278 => tag,
        _ => return None,
    };
    match data {
        IndexData::Bin(data) => Some(Extra { tag, kind: BINARY, count: data.len() as u32, data }),
        IndexData::Int32(values) => Some(Extra::int32(tag, &values)),
        IndexData::StringTag(text) => Some(Extra { tag, kind: STRING, count: 1, data: [text.as_bytes(), b"\0"].concat() }),
        _ => None,
    }
}
