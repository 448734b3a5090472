//! Compressed documents, unpacked within bounds.

use std::io::{self, BufRead, Read};

/// Unpacks zstd, gzip, bzip2 or xz, recognised by their magic numbers; anything else is used unchanged. One byte more than `limit` is an error.
pub(super) fn unpack<'a>(mut packed: impl BufRead + 'a, limit: u64) -> io::Result<Box<dyn Read + 'a>> {
    let inner: Box<dyn Read + 'a> = match packed.fill_buf()? {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Box::new(lzma_rust2::XzReader::new(packed, true)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(packed)?),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        _ => Box::new(packed),
    };
    Ok(Box::new(Bounded { inner, left: limit }))
}

/// Lets no more through than it may.
struct Bounded<T> {
    inner: T,
    left: u64,
}

impl<T> Bounded<T> {
    fn count(&mut self, bytes: usize) -> io::Result<usize> {
        let too_much = || io::Error::new(io::ErrorKind::InvalidData, "its unpacked size is larger than the index states");
        self.left = self.left.checked_sub(bytes as u64).ok_or_else(too_much)?;
        Ok(bytes)
    }
}

impl<T: Read> Read for Bounded<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn all(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        unpack(packed, limit)?.read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn all_formats_and_their_bounds() {
        let text = b"<metadata>".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let mut xz = Vec::new();
        lzma_rs::xz_compress(&mut &text[..], &mut xz).unwrap();
        let mut xz_in_parts = Vec::new();
        lzma_rs::xz_compress(&mut &text[..5000], &mut xz_in_parts).unwrap();
        lzma_rs::xz_compress(&mut &text[5000..], &mut xz_in_parts).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&text).unwrap();
        let packed =
            [text.clone(), gzip.finish().unwrap(), bzip2.finish().unwrap(), xz, xz_in_parts, zstd::encode_all(&text[..], 1).unwrap()];
        for packed in packed {
            assert_eq!(all(&packed, text.len() as u64).unwrap(), text);
            assert!(all(&packed, text.len() as u64 - 1).is_err());
        }
        for cut in [&[0xfd, b'7', b'z', b'X', b'Z', 0][..], &[0x1f, 0x8b, 8], b"BZh9", &[0x28, 0xb5, 0x2f, 0xfd, 1]] {
            assert!(all(cut, 100).is_err(), "{cut:?}");
        }
    }
}
