//! Which servers are believed to be who they say.
//!
//! Certificates are checked by rustls. What an administrator names in `sslcacert` is trusted a little further, as OpenSSL does: a server's own
//! certificate, as `openssl req -x509` makes it; certificates that name their host only as owner (`CN`); and those of X.509 version 1, which
//! `openssl x509 -req` makes without further options, if an authority in that file signed them directly.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate::Certificate;

/// Who is trusted.
#[derive(Debug)]
pub(super) enum Trusted {
    /// Everybody: `sslverify=0`.
    Anybody,
    /// Those with a certificate of the system's authorities.
    Authorities(Vec<CertificateDer<'static>>),
    /// Those whose certificates, or whose authorities', are in `sslcacert`.
    Named(Vec<CertificateDer<'static>>),
}

/// Checks certificates.
#[derive(Debug)]
pub(super) struct Trust {
    trusted: Trusted,
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    pub(super) fn new(trusted: Trusted, algorithms: WebPkiSupportedAlgorithms) -> Self {
        let mut roots = RootCertStore::empty();
        if let Trusted::Authorities(all) | Trusted::Named(all) = &trusted {
            roots.add_parsable_certificates(all.iter().cloned());
        }
        Self { trusted, roots, algorithms }
    }

    /// As rustls has it.
    fn by_authority(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(end)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, between, now, self.algorithms.all)?;
        match verify_server_name(&parsed, name) {
            Err(_) if matches!(self.trusted, Trusted::Named(_)) && is_owner(end, name) => Ok(()),
            checked => checked,
        }
    }

    /// Whether the administrator named this certificate, or the authority of one that is too old for rustls.
    fn by_name(&self, end: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let (Trusted::Named(listed), Some(found)) = (&self.trusted, Certificate::read(end)) else { return false };
        let is_old = found.version < 3;
        let signed = || listed.iter().filter_map(|issuer| Certificate::read(issuer)).any(|issuer| self.has_signed(&issuer, &found));
        let by_host = || ParsedCertificate::try_from(end).is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok());
        found.is_valid_at(now.as_secs()) && (listed.contains(end) || (is_old && signed())) && (by_host() || is_owner(end, name))
    }

    fn has_signed(&self, issuer: &Certificate<'_>, found: &Certificate<'_>) -> bool {
        let fits = |algorithm: &&&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            algorithm.signature_alg_id().as_ref() == found.algorithm && algorithm.public_key_alg_id().as_ref() == issuer.key_algorithm
        };
        let mut algorithms = self.algorithms.all.iter().filter(fits);
        issuer.subject == found.issuer
            && algorithms.any(|algorithm| algorithm.verify_signature(issuer.key, found.signed, found.signature).is_ok())
    }
}

/// Whether a certificate that does not say for which hosts it is belongs to this one.
fn is_owner(end: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    Certificate::read(end).is_some_and(|found| !found.has_names && found.is_named(&name.to_str()))
}

/// A certificate that rustls cannot read and that is nevertheless trusted.
fn old<'a>(end: &'a CertificateDer<'_>) -> Option<Certificate<'a>> {
    Certificate::read(end).filter(|found| found.version < 3)
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !matches!(self.trusted, Trusted::Anybody) {
            let checked = self.by_authority(end, between, name, now);
            if checked.is_err() && !self.by_name(end, name, now) {
                checked?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        end: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(found) = old(end) else { return verify_tls12_signature(message, end, signed, &self.algorithms) };
        let possible = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme).flat_map(|(_, all)| *all);
        let mut possible = possible.filter(|algorithm| algorithm.public_key_alg_id().as_ref() == found.key_algorithm);
        match possible.any(|algorithm| algorithm.verify_signature(found.key, message, signed.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        end: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match old(end) {
            Some(found) => {
                let key = SubjectPublicKeyInfoDer::from(found.key_info);
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            None => verify_tls13_signature(message, end, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// 2026-12-01 and 2126-12-01; the certificates of `certificates` are valid from 2026-11-29 to 2126-11-05.
    const INSIDE: u64 = 1_796_083_200;
    const AFTER: u64 = 4_951_843_200;

    fn certificate(name: &str) -> CertificateDer<'static> {
        let pem = match name {
            "self" => include_str!("certificates/self.pem"),
            "own" => include_str!("certificates/own.pem"),
            "old" => include_str!("certificates/old.pem"),
            "ca" => include_str!("certificates/ca.pem"),
            "leaf" => include_str!("certificates/leaf.pem"),
            "oldleaf" => include_str!("certificates/oldleaf.pem"),
            _ => include_str!("certificates/other.pem"),
        };
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn is_trusted(trusted: Trusted, shown: &str, host: &str, now: u64) -> bool {
        let trust = Trust::new(trusted, rustls::crypto::ring::default_provider().signature_verification_algorithms);
        let (name, now) = (ServerName::try_from(host.to_owned()).unwrap(), UnixTime::since_unix_epoch(Duration::from_secs(now)));
        trust.verify_server_cert(&certificate(shown), &[], &name, &[], now).is_ok()
    }

    #[test]
    fn what_is_named_in_sslcacert_is_trusted_by_name_and_time() {
        // What is in `sslcacert`, what the server shows, its name, when.
        let table = [
            (&["self"][..], "self", "host.example", INSIDE, true),
            (&["self"], "self", "elsewhere.example", INSIDE, false),
            (&["self"], "self", "host.example", AFTER, false),
            (&["own"], "self", "host.example", INSIDE, false),
            // The host is only its owner's name.
            (&["own"], "own", "host.example", INSIDE, true),
            (&["own"], "own", "elsewhere.example", INSIDE, false),
            (&["ca"], "leaf", "host.example", INSIDE, true),
            (&["ca"], "leaf", "a.host.example", INSIDE, false),
            (&["own"], "leaf", "host.example", INSIDE, false),
            // Version 1.
            (&["old"], "old", "host.example", INSIDE, true),
            (&["old"], "old", "host.example", AFTER, false),
            (&["ca"], "old", "host.example", INSIDE, false),
            (&["ca"], "oldleaf", "a.host.example", INSIDE, true),
            (&["ca"], "oldleaf", "host.example", INSIDE, false),
            (&["ca"], "oldleaf", "a.host.example", AFTER, false),
            (&["own"], "oldleaf", "a.host.example", INSIDE, false),
            // Names of hosts go before the owner's.
            (&["ca"], "other", "elsewhere.example", INSIDE, true),
            (&["ca"], "other", "host.example", INSIDE, false),
            (&["self", "ca"], "other", "elsewhere.example", INSIDE, true),
        ];
        for (listed, shown, host, now, expected) in table {
            let named = Trusted::Named(listed.iter().map(|name| certificate(name)).collect());
            assert_eq!(is_trusted(named, shown, host, now), expected, "{listed:?} {shown} {host} {now}");
        }
    }

    #[test]
    fn the_systems_authorities_are_trusted_as_rustls_has_it() {
        let table = [("self", "host.example", false), ("leaf", "host.example", false), ("oldleaf", "a.host.example", false)];
        for (shown, host, expected) in table.into_iter().chain([("other", "elsewhere.example", true)]) {
            let all = ["self", "ca", "old"].map(certificate).to_vec();
            assert_eq!(is_trusted(Trusted::Authorities(all), shown, host, INSIDE), expected, "{shown}");
            assert!(is_trusted(Trusted::Anybody, shown, host, AFTER));
        }
    }

    #[test]
    fn damaged_certificates_are_no_certificates() {
        let good = certificate("oldleaf");
        for at in 0..good.len() {
            assert!(Certificate::read(&good[..at]).is_none(), "{at}");
            let mut bad = good.to_vec();
            bad[at] ^= 0xff;
            // It may be read, but its signature is wrong then.
            let named = Trusted::Named(vec![certificate("ca")]);
            let trust = Trust::new(named, rustls::crypto::ring::default_provider().signature_verification_algorithms);
            let (name, now) = (ServerName::try_from("a.host.example").unwrap(), UnixTime::since_unix_epoch(Duration::from_secs(INSIDE)));
            assert!(trust.verify_server_cert(&CertificateDer::from(bad), &[], &name, &[], now).is_err(), "{at}");
        }
    }
}
