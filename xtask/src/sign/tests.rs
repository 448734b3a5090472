use std::os::unix::fs::PermissionsExt as _;

use pgp::composed::SignedPublicKey;

use super::*;

fn small_key(folder: &Path) -> Keys {
    let key = generate::key(2048).unwrap();
    publish(folder, &key_path(folder), key.to_armored_string(ArmorOptions::default()).unwrap().as_bytes()).unwrap();
    Keys::open_or_create(folder).unwrap()
}

#[test]
fn a_key_signs_the_same_bytes_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let keys = small_key(folder.path());
    let first = keys.detached(b"text").unwrap();
    let again = Keys::open_or_create(folder.path()).unwrap();
    assert_eq!(again.detached(b"text").unwrap(), first);
    assert_eq!(again.fingerprint(), keys.fingerprint());
    assert_ne!(again.detached(b"other").unwrap(), first);

    let (public, _) = SignedPublicKey::from_string(keys.public()).unwrap();
    let (signature, _) = DetachedSignature::from_string(&first).unwrap();
    signature.verify(&public, b"text").unwrap();
    assert!(signature.verify(&public, b"Text").is_err());
    assert_eq!(signature.signature.created(), Some(Timestamp::from_secs(SOURCE_DATE_EPOCH)));
    assert!(!keys.public().contains("PRIVATE"));
}

#[test]
fn only_the_owner_may_read_a_key() {
    let folder = tempfile::tempdir().unwrap();
    small_key(folder.path());
    let path = key_path(folder.path());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Keys::open_or_create(folder.path()), Err(SignError::Exposed { mode: 0o644, .. })));
}

#[test]
fn what_is_no_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let keys = small_key(folder.path());
    let path = key_path(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let damaged = text.replacen(['Q', 'q'], "R", 400);
    let younger = String::new();
    for (what, content) in
        [("empty", &younger), ("public", &keys.public), ("damaged", &damaged), ("cut off", &text[..text.len() / 2].to_owned())]
    {
        fs::write(&path, content).unwrap();
        let error = Keys::open_or_create(folder.path()).err().unwrap_or_else(|| panic!("{what} was taken for a key"));
        assert!(matches!(error, SignError::Unusable { .. }), "{what}: {error:?}");
        assert_eq!(&fs::read_to_string(&path).unwrap(), content);
    }
}
