//! The CMS message at the end of a module.

use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos};
use x509_cert::der::asn1::{Null, OctetString, SetOfVec};
use x509_cert::der::oid::db::rfc5911::{ID_DATA, ID_SIGNED_DATA};
use x509_cert::der::oid::db::rfc5912::{ID_SHA_512, RSA_ENCRYPTION};
use x509_cert::der::{Any, Encode as _};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier};

use super::{ModuleKey, SigningError};

/// A signature over `module` without the module, certificates and attributes: the kernel accepts no other form.
pub fn detached(module: &[u8], key: &ModuleKey) -> Result<Vec<u8>, SigningError> {
    let algorithm = |oid: ObjectIdentifier| -> Result<AlgorithmIdentifierOwned, SigningError> {
        Ok(AlgorithmIdentifierOwned { oid, parameters: Some(Any::encode_from(&Null)?) })
    };
    let certificate = &key.certificate().tbs_certificate;
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: certificate.issuer.clone(),
            serial_number: certificate.serial_number.clone(),
        }),
        digest_alg: algorithm(ID_SHA_512)?,
        signed_attrs: None,
        signature_algorithm: algorithm(RSA_ENCRYPTION)?,
        signature: OctetString::new(key.signature(module)?)?,
        unsigned_attrs: None,
    };
    let signed = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![algorithm(ID_SHA_512)?])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: None },
        certificates: None,
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
    };
    Ok(ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&signed)? }.to_der()?)
}
