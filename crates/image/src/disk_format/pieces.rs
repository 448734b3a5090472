//! Processes the pieces of a disk in parallel, with results in order.

use rayon::prelude::*;

use super::{FormatError, VirtualDisk};

/// Bytes read before the results are taken: enough to keep many processors busy, little enough for small machines.
const BATCH_BYTES: u64 = 64 << 20;

/// Calls `work` on all processors for each piece of `piece_bytes` that contains more than zeros, and `take` with its results in order of
/// offset. Pieces without a result are skipped.
pub(super) fn each<T: Send>(
    disk: &VirtualDisk,
    piece_bytes: u64,
    work: impl Fn(&[u8]) -> Result<T, FormatError> + Sync,
    mut take: impl FnMut(u64, T) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let length = usize::try_from(piece_bytes).unwrap_or(usize::MAX);
    let batch = usize::try_from(BATCH_BYTES / piece_bytes).unwrap_or(1).max(1);
    for numbers in disk.pieces(piece_bytes).chunks(batch) {
        let results: Vec<Option<T>> = numbers
            .par_iter()
            .map_init(
                || vec![0; length],
                |buffer, number| {
                    disk.read_at(number * piece_bytes, buffer)?;
                    if is_zero(buffer) { Ok(None) } else { work(buffer).map(Some) }
                },
            )
            .collect::<Result<_, FormatError>>()?;
        for (number, result) in numbers.iter().zip(results) {
            result.map_or(Ok(()), |result| take(*number, result))?;
        }
    }
    Ok(())
}

/// Whether all bytes are 0.
fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}
