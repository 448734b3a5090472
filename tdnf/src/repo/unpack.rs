//! Compressed documents, unpacked within bounds.

use std::io::{self, Read, Write};

/// Unpacks zstd, gzip or xz, told by their magic numbers; anything else is taken as it is. One byte more than `limit` is an error.
pub(super) fn unpack(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bounded = Bounded { bytes: Vec::new(), limit };
    match packed {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            let mut input = packed;
            lzma_rs::xz_decompress(&mut input, &mut bounded).map_err(|error| match error {
                lzma_rs::error::Error::IoError(error) => error,
                other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
            })?;
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => copy(zstd::Decoder::new(packed)?, &mut bounded)?,
        [0x1f, 0x8b, ..] => copy(flate2::read::MultiGzDecoder::new(packed), &mut bounded)?,
        _ => bounded.write_all(packed)?,
    }
    Ok(bounded.bytes)
}

fn copy(mut from: impl Read, to: &mut Bounded) -> io::Result<()> {
    io::copy(&mut from, to).map(|_| ())
}

/// Takes no more than it may.
struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + piece.len()) as u64 > self.limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it unpacks to more than the index says"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_and_their_bounds() {
        let text = b"<metadata>".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let mut xz = Vec::new();
        lzma_rs::xz_compress(&mut &text[..], &mut xz).unwrap();
        let packed = [text.clone(), gzip.finish().unwrap(), xz, zstd::encode_all(&text[..], 1).unwrap()];
        for packed in packed {
            assert_eq!(unpack(&packed, text.len() as u64).unwrap(), text);
            assert!(unpack(&packed, text.len() as u64 - 1).is_err());
        }
        for cut in [&[0xfd, b'7', b'z', b'X', b'Z', 0][..], &[0x1f, 0x8b, 8], &[0x28, 0xb5, 0x2f, 0xfd, 1]] {
            assert!(unpack(cut, 100).is_err(), "{cut:?}");
        }
    }
}
