//! The envelope of an image's provenance, verified with OpenSSL as described in the guide.
//!
//! It needs the SDK's layers, so it runs only when asked for: `cargo test -p xtask --test interop_provenance -- --ignored`.

mod tools;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use signing::StatementKey;
use signing::{encoded, seal};

use tools::World;

#[test]
#[ignore = "needs the SDK"]
fn openssl_verifies_envelopes() {
    let world = World::new();
    let statement = b"{\"_type\": \"https://in-toto.io/Statement/v1\"}\n";
    let key = StatementKey::open_or_create(&world.make("keys")).unwrap();
    let other = StatementKey::open_or_create(&world.make("others")).unwrap();
    let envelope: Value = serde_json::from_str(&seal(statement, &key).unwrap()).unwrap();
    let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    assert_eq!(bytes(&envelope["payload"]), statement);
    let signed = encoded(envelope["payloadType"].as_str().unwrap(), statement);
    let files = [
        ("kaon.pub", key.public_pem().as_bytes().to_vec()),
        ("other.pub", other.public_pem().as_bytes().to_vec()),
        ("signature", bytes(&envelope["signatures"][0]["sig"])),
        ("signed", signed.clone()),
        ("changed", [&signed[..signed.len() - 2], b" }"].concat()),
    ];
    for (name, content) in &files {
        fs::write(world.path(name), content).unwrap();
    }
    let verifies = |key: &str, file: &str| {
        let [key, signature, file] = [key, "signature", file].map(|name| world.inside(&world.path(name)));
        world.try_run("openssl", &["dgst", "-sha256", "-verify", &key, "-signature", &signature, &file])
    };
    let said = verifies("kaon.pub", "signed");
    assert!(said.is_success, "{said:?}");
    assert!(said.stdout.contains("Verified OK"), "{said:?}");
    for (key, file) in [("kaon.pub", "changed"), ("other.pub", "signed")] {
        assert!(!verifies(key, file).is_success, "{key} {file}");
    }
    let key = world.inside(&world.path("kaon.pub"));
    assert!(world.run("openssl", &["pkey", "-pubin", "-in", &key, "-noout", "-text"]).contains("NIST CURVE: P-256"));
}
