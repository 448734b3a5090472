//! The signed form of a statement: DSSE ("Dead Simple Signing Envelope", version 1), which in-toto and similar tools verify.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PublicKey, SignError, StatementKey};

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The envelope with an in-toto `statement`, byte for byte, and its signature by `key`: one line of JSON.
///
/// # Errors
/// When signing fails.
pub fn seal(statement: &[u8], key: &StatementKey) -> Result<String, SignError> {
    let signature = key.sign(&encoded(IN_TOTO, statement))?;
    let signatures = [json!({ "keyid": key.id(), "sig": STANDARD.encode(signature) })];
    let envelope = json!({ "payloadType": IN_TOTO, "payload": STANDARD.encode(statement), "signatures": signatures });
    Ok(format!("{envelope}\n"))
}

/// A parsed envelope; its content is not trusted until a signature is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    kind: String,
    statement: Vec<u8>,
    signatures: Vec<KeySignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeySignature {
    key: String,
    signature: Vec<u8>,
}

/// The JSON form of an envelope.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    payload_type: String,
    payload: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Deserialize, Serialize)]
struct WrittenSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Reads an envelope; `None` if the bytes are not one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let signature =
            |written: WrittenSignature| Some(KeySignature { key: written.keyid, signature: STANDARD.decode(written.sig).ok()? });
        Some(Self {
            kind: written.payload_type,
            statement: STANDARD.decode(written.payload).ok()?,
            signatures: written.signatures.into_iter().map(signature).collect::<Option<_>>()?,
        })
    }

    /// Its content, not verified.
    pub fn statement(&self) -> &[u8] {
        &self.statement
    }

    /// The key names in the signatures.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| signature.key.as_str())
    }

    /// The statement, if it is one of in-toto and `key` signed it.
    pub fn signed_by(&self, key: &PublicKey) -> Option<&[u8]> {
        let signed = encoded(&self.kind, &self.statement);
        let is_signed = self.kind == IN_TOTO && self.signatures.iter().any(|one| key.verifies(&signed, &one.signature));
        is_signed.then_some(&*self.statement)
    }
}

/// The envelope `own` with the signatures of the envelope `others` before its own; `None` if one of them is not an envelope, or they
/// contain different statements.
pub fn with_signatures_of(own: &str, others: &[u8]) -> Option<String> {
    let (mut written, others): (Written, Written) = (serde_json::from_str(own).ok()?, serde_json::from_slice(others).ok()?);
    if written.payload != others.payload || written.payload_type != others.payload_type {
        return None;
    }
    written.signatures.splice(0..0, others.signatures);
    serde_json::to_string(&written).ok().map(|text| text + "\n")
}

/// The signed bytes: the body with its type, so that neither can be replaced ("PAE" in DSSE's protocol).
pub fn encoded(kind: &str, body: &[u8]) -> Vec<u8> {
    [format!("DSSEv1 {} {kind} {} ", kind.len(), body.len()).as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn key() -> StatementKey {
        StatementKey::open_or_create(tempfile::tempdir().unwrap().path()).unwrap()
    }

    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        let encoding = encoded("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoding, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn the_envelope_holds_the_statement_and_its_signature() {
        let key = key();
        let text = seal(b"{}\n", &key).unwrap();
        assert_eq!((text.lines().count(), text.as_str()), (1, seal(b"{}\n", &key).unwrap().as_str()));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["payloadType"].as_str(), value["payload"].as_str()), (Some(IN_TOTO), Some("e30K")));
        assert_eq!(value["signatures"][0]["keyid"], key.id());
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        assert_eq!(envelope.signed_by(key.public()), Some(&b"{}\n"[..]));
        assert_eq!(envelope.key_names().collect::<Vec<_>>(), [key.id()]);
    }

    #[test]
    fn a_changed_envelope_has_no_valid_signature() {
        let (key, other) = (key(), key());
        let text = seal(b"{}\n", &key).unwrap();
        let opened = |text: &str| Envelope::parse(text.as_bytes()).is_some_and(|envelope| envelope.signed_by(key.public()).is_some());
        assert!(opened(&text));
        assert!(Envelope::parse(text.as_bytes()).unwrap().signed_by(other.public()).is_none());
        for (what, changed) in [
            ("another statement", text.replace("e30K", "e31K")),
            ("another kind", text.replace("in-toto+json", "in-toto+text")),
            ("no signature", format!("{}\"signatures\":[]}}", &text[..text.find("\"signatures\"").unwrap()])),
            ("cut", text[..text.len() / 2].to_owned()),
            ("no JSON", "x".to_owned()),
        ] {
            assert!(!opened(&changed), "{what}: {changed}");
        }
    }
}
