//! The signed form of a statement: DSSE ("Dead Simple Signing Envelope", version 1), which in-toto and its like verify.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use signing::{SignError, StatementKey};

/// What an in-toto statement calls itself.
const STATEMENT: &str = "application/vnd.in-toto+json";

/// The envelope with `statement`, byte for byte, and its signature by `key`: one line of JSON.
///
/// # Errors
/// When the key refuses.
pub fn envelope(statement: &[u8], key: &StatementKey) -> Result<String, SignError> {
    let signature = key.sign(&encoded(STATEMENT, statement))?;
    let signatures = [json!({ "keyid": key.id(), "sig": STANDARD.encode(signature) })];
    let envelope = json!({ "payloadType": STATEMENT, "payload": STANDARD.encode(statement), "signatures": signatures });
    Ok(format!("{envelope}\n"))
}

/// What is signed: the body with its kind, so that neither passes for another ("PAE" in DSSE's protocol).
pub fn encoded(kind: &str, body: &[u8]) -> Vec<u8> {
    [format!("DSSEv1 {} {kind} {} ", kind.len(), body.len()).as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        let encoding = encoded("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoding, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn the_envelope_holds_the_statement_and_its_signature() {
        let folder = tempfile::tempdir().unwrap();
        let key = StatementKey::open_or_create(folder.path()).unwrap();
        let text = envelope(b"{}\n", &key).unwrap();
        assert_eq!((text.lines().count(), text.as_str()), (1, envelope(b"{}\n", &key).unwrap().as_str()));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["payloadType"].as_str(), value["payload"].as_str()), (Some(STATEMENT), Some("e30K")));
        assert_eq!(value["signatures"][0]["keyid"], key.id());
        let signature = STANDARD.decode(value["signatures"][0]["sig"].as_str().unwrap()).unwrap();
        assert!(key.verifies(&encoded(STATEMENT, b"{}\n"), &signature));
        assert!(!key.verifies(&encoded(STATEMENT, b"{ }\n"), &signature));
        assert!(!key.verifies(&encoded("text/plain", b"{}\n"), &signature));
    }
}
