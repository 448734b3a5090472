//! The certificate of the module key, a function of the key alone.

use std::str::FromStr as _;
use std::time::Duration;

use rsa::RsaPublicKey;
use rsa::pkcs8::EncodePublicKey as _;
use sha2::{Digest as _, Sha256};
use x509_cert::der::asn1::{BitString, GeneralizedTime, Null, OctetString, UtcTime};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::oid::db::rfc5912::SHA_512_WITH_RSA_ENCRYPTION;
use x509_cert::der::{self, Any, DateTime, Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

use super::SigningError;
use base::epoch::SOURCE_DATE_EPOCH;

/// The name of the key in the kernel's `/proc/keys`.
const SUBJECT: &str = "CN=Kaon kernel modules";

/// A self-signed certificate. Its serial number is derived from the key, its dates are fixed: from the distribution's epoch to the end of
/// year 9999, which means "no end" in X.509.
pub fn certificate(key: &RsaPublicKey, sign: impl Fn(&[u8]) -> Result<Vec<u8>, SigningError>) -> Result<Certificate, SigningError> {
    let public = key.to_public_key_der().map_err(SigningError::PublicKey)?;
    let subject_public_key_info = SubjectPublicKeyInfoOwned::from_der(public.as_bytes())?;
    let digest = Sha256::digest(public.as_bytes());
    // A positive serial number: its first bit must be 0, and its first byte must not be 0.
    let mut number = digest[..16].to_vec();
    number[0] = number[0] & 0x7f | 0x40;
    let name = Name::from_str(SUBJECT)?;
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&number)?,
        signature: algorithm()?,
        issuer: name.clone(),
        validity: Validity {
            not_before: Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(SOURCE_DATE_EPOCH.into()))?),
            not_after: Time::GeneralTime(GeneralizedTime::from_date_time(DateTime::new(9999, 12, 31, 23, 59, 59)?)),
        },
        subject: name,
        subject_public_key_info,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions(&digest[..20])?),
    };
    let signature = sign(&tbs_certificate.to_der()?)?;
    Ok(Certificate { tbs_certificate, signature_algorithm: algorithm()?, signature: BitString::from_bytes(&signature)? })
}

fn algorithm() -> der::Result<AlgorithmIdentifierOwned> {
    Ok(AlgorithmIdentifierOwned { oid: SHA_512_WITH_RSA_ENCRYPTION, parameters: Some(Any::encode_from(&Null)?) })
}

/// Not a certificate authority; for signatures only.
fn extensions(identifier: &[u8]) -> der::Result<Vec<Extension>> {
    let extension = |extn_id, critical, value: Vec<u8>| -> der::Result<Extension> {
        Ok(Extension { extn_id, critical, extn_value: OctetString::new(value)? })
    };
    Ok(vec![
        extension(BasicConstraints::OID, true, BasicConstraints { ca: false, path_len_constraint: None }.to_der()?)?,
        extension(KeyUsage::OID, false, KeyUsage(KeyUsages::DigitalSignature.into()).to_der()?)?,
        extension(SubjectKeyIdentifier::OID, false, SubjectKeyIdentifier(OctetString::new(identifier)?).to_der()?)?,
    ])
}
