//! Signs RPM files.

use std::fs::{File, Permissions};
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pgp::packet::PacketTrait as _;
use rpm::{PackageMetadata, SignatureHeaderBuilder};

use super::{Keys, SignError};

impl Keys {
    /// Writes a signed copy of the RPM file `unsigned` to `out`. The signature covers the header, which contains the digest of the payload;
    /// existing signatures are replaced. The payload is copied without loading it into memory.
    ///
    /// # Errors
    /// When `unsigned` cannot be read as a package, or `out` cannot be written.
    pub fn sign_rpm(&self, unsigned: &Path, out: &Path) -> Result<(), SignError> {
        let not_rpm = |source| SignError::NotRpm { path: unsigned.to_owned(), source: Box::new(source) };
        let file = File::open(unsigned).map_err(|source| SignError::io("read", unsigned, source))?;
        let mut input = BufReader::new(file);
        let mut metadata = PackageMetadata::parse(&mut input).map_err(not_rpm)?;
        let payload = metadata.get_package_segment_offsets().payload;

        let header = metadata.header_bytes().map_err(not_rpm)?;
        let mut signature = Vec::new();
        self.signature(&header)?.to_writer_with_header(&mut signature).map_err(SignError::Sign)?;
        metadata.signature = SignatureHeaderBuilder::from_existing(&metadata.signature)
            .and_then(|builder| builder.clear_signatures().add_openpgp_signature(signature).build())
            .map_err(not_rpm)?;

        let mut signed = Vec::new();
        metadata.write(&mut signed).map_err(not_rpm)?;
        let mut copy = || -> io::Result<()> {
            let mut output = BufWriter::new(File::create(out)?);
            output.write_all(&signed)?;
            input.seek(SeekFrom::Start(payload))?;
            io::copy(&mut input, &mut output)?;
            output.flush()?;
            // Packages are readable by everybody, whatever the caller's umask.
            output.get_ref().set_permissions(Permissions::from_mode(0o644))
        };
        copy().map_err(|source| SignError::io("write", out, source))
    }
}
