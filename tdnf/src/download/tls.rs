//! TLS: certificates from files, and connections secured with them.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, StreamOwned};
use ureq::Error;
use ureq::http::Uri;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, LazyBuffers, NextTimeout, Transport, TransportAdapter};

use super::DownloadError;
use super::trust::{Trust, Trusted};
use rpm_engine::config;

/// Where distributions keep the certificates of authorities.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// What connections are secured with.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// As a repository is configured.
    pub(super) fn of(transport: &config::Transport) -> Result<Self, DownloadError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trusted = match (&transport.ssl_ca, transport.ssl_verify) {
            (_, false) => Trusted::Anybody,
            (Some(path), true) => Trusted::Named(certificates(path)?),
            (None, true) => {
                let bundle = AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
                Trusted::Authorities(bundle.map(certificates).transpose()?.unwrap_or_default())
            }
        };
        let trust = Trust::new(trusted, provider.signature_verification_algorithms);
        let wrong = |path: &Path, error: rustls::Error| unusable(path, &error.to_string());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(ALL_VERSIONS)
            .map_err(|error| wrong(Path::new("TLS"), error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust));
        let config = match &transport.ssl_client_certificate {
            Some(path) => {
                let key = transport.ssl_client_key.as_deref().unwrap_or(path);
                builder.with_client_auth_cert(certificates(path)?, private_key(key)?).map_err(|error| wrong(key, error))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self(Arc::new(config)))
    }

    /// Secures a connection to the server of `uri`.
    pub(super) fn connect(
        &self,
        inner: Box<dyn Transport>,
        uri: &Uri,
        details: &ConnectionDetails<'_>,
    ) -> Result<Box<dyn Transport>, Error> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::BadUri(format!("`{host}` is not the name of a server")))?;
        let mut connection = ClientConnection::new(Arc::clone(&self.0), name)?;
        let mut socket = TransportAdapter::new(inner, details.current_time.clone());
        socket.set_timeout(details.timeout);
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).map_err(reason)?;
        }
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Box::new(Secured { buffers, stream: StreamOwned { conn: connection, sock: socket } }))
    }
}

/// What rustls says of a handshake is wrapped in what a stream says.
fn reason(error: io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => Error::Rustls(inner.clone()),
        None => error.into(),
    }
}

/// A secured connection.
struct Secured {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secured").finish_non_exhaustive()
    }
}

impl Transport for Secured {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf()).map_err(reason)?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, DownloadError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem(path)?).filter_map(Result::ok).collect();
    if found.is_empty() { Err(unusable(path, "it contains no certificate")) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, DownloadError> {
    PrivateKeyDer::from_pem_slice(&pem(path)?).map_err(|error| unusable(path, &format!("it contains no key without a password ({error})")))
}

fn pem(path: &Path) -> Result<Vec<u8>, DownloadError> {
    fs::read(path).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> DownloadError {
    DownloadError::Certificate { path: path.to_owned(), reason: reason.to_owned() }
}
