use std::fs;
use std::os::unix::fs::MetadataExt as _;

use pgp::composed::SignedPublicKey;

use super::*;

fn small_key(folder: &Path) -> Keys {
    let file = KeyFile::new(folder, KEY_FILE);
    let generate = || generate::key(2048).unwrap().to_armored_string(ArmorOptions::default()).map_err(SignError::Generate);
    file.open_or_create(|text| Keys::parse(text, &file), generate).unwrap()
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
fn unusable_key_files_are_never_overwritten() {
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

#[test]
fn builders_that_come_at_once_make_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new");
    let fingerprints: Vec<String> = std::thread::scope(|scope| {
        let open = || Keys::open_or_create(&place).unwrap().fingerprint();
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(fingerprints.iter().all(|one| *one == fingerprints[0]), "{fingerprints:?}");
    assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o700);
    let mut names: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["lock", KEY_FILE]);
}
