//! The archive: POSIX ustar, with the descriptor first, so that readers need not read the whole archive for it.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::Path;

use tar::{Builder, Header};

use base::epoch::SOURCE_DATE_EPOCH;

/// Writes `texts` in order, then the file `disk` under its name.
pub(super) fn write(texts: &[(String, String)], disk: (&str, &Path), out: &Path) -> io::Result<()> {
    let mut builder = Builder::new(BufWriter::with_capacity(1 << 20, File::create(out)?));
    for (name, text) in texts {
        append(&mut builder, name, text.len() as u64, text.as_bytes())?;
    }
    let file = File::open(disk.1)?;
    append(&mut builder, disk.0, file.metadata()?.len(), file)?;
    builder.into_inner()?.flush()
}

fn append(builder: &mut Builder<impl io::Write>, name: &str, size_bytes: u64, content: impl Read) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size_bytes);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(SOURCE_DATE_EPOCH.into());
    header.set_cksum();
    builder.append(&header, content)
}
