//! gzip on all processors: one member of independently compressed blocks, so that the bytes do not depend on the number of processors.

use std::io::{self, Read, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use rayon::prelude::*;

/// Bytes that are compressed together, independently of earlier ones.
const BLOCK_BYTES: usize = 512 << 10;

/// Blocks read before they are compressed.
const BATCH: usize = 64;

/// Compresses all of `input` (RFC 1952; no name, no time).
///
/// # Errors
/// When the input cannot be read or the output cannot be written.
pub fn gzip(mut input: impl Read, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
    let mut sum = Crc::new();
    let mut batch = vec![0; BLOCK_BYTES * BATCH];
    loop {
        let read = fill(&mut input, &mut batch)?;
        let blocks: Vec<(Vec<u8>, Crc)> = batch[..read].par_chunks(BLOCK_BYTES).map(block).collect::<io::Result<_>>()?;
        for (compressed, block_sum) in blocks {
            sum.combine(&block_sum);
            out.write_all(&compressed)?;
        }
        if read < batch.len() {
            break;
        }
    }
    // An empty last block: final, fixed codes, end of block (RFC 1951, 3.2.3).
    out.write_all(&[3, 0])?;
    out.write_all(&sum.sum().to_le_bytes())?;
    out.write_all(&sum.amount().to_le_bytes())
}

/// One block, ended at a byte boundary.
fn block(plain: &[u8]) -> io::Result<(Vec<u8>, Crc)> {
    let mut sum = Crc::new();
    sum.update(plain);
    let mut compress = Compress::new(Compression::new(6), false);
    let mut out = Vec::with_capacity(plain.len() / 2 + 1024);
    loop {
        let rest = usize::try_from(compress.total_in()).map_or(&[][..], |done| &plain[done..]);
        let status = compress.compress_vec(rest, &mut out, FlushCompress::Sync).map_err(io::Error::other)?;
        // Spare capacity means that everything was flushed.
        if out.len() < out.capacity() || matches!(status, Status::StreamEnd) {
            return Ok((out, sum));
        }
        out.reserve(plain.len() / 2 + 1024);
    }
}

fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_data_round_trips() {
        let noise: Vec<u8> = (0_u32..700_000).flat_map(|number| number.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
        for plain in [Vec::new(), b"x".to_vec(), vec![0; BLOCK_BYTES], noise] {
            let mut packed = Vec::new();
            gzip(&plain[..], &mut packed).unwrap();
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut back).unwrap();
            assert!(back == plain, "{} bytes", plain.len());
        }
    }
}
