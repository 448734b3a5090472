use pgp::composed::{ArmorOptions, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey, SubkeyParamsBuilder};
use pgp::packet::{KeyFlags, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{Duration, Password, SigningKey, Timestamp};

use super::super::{KeyError, Keyring};

/// When the key of these tests was made, in seconds since 1970.
const MADE: u32 = 1_767_225_600;
const DAY: u32 = 86_400;

/// What the newest binding of the subkey says.
#[derive(Clone, Copy)]
struct Binding {
    flags: Option<Use>,
    days: Option<u32>,
    agreed: bool,
    made: u32,
}

#[derive(Clone, Copy)]
enum Use {
    Signing,
    Authentication,
}

const GOOD: Binding = Binding { flags: Some(Use::Signing), days: None, agreed: true, made: MADE };

fn key() -> SignedSecretKey {
    let mut subkey = SubkeyParamsBuilder::default();
    subkey.key_type(KeyType::Ed25519Legacy).can_sign(true).created_at(Timestamp::from_secs(MADE));
    let mut builder = SecretKeyParamsBuilder::default();
    builder.key_type(KeyType::Ed25519Legacy).can_certify(true).primary_user_id("Test".into()).subkey(subkey.build().unwrap());
    builder.created_at(Timestamp::from_secs(MADE));
    builder.build().unwrap().generate(rand::rngs::OsRng).unwrap()
}

fn config(typ: SignatureType, by: &impl SigningKey, made: u32, more: Vec<SubpacketData>) -> SignatureConfig {
    let mut config = SignatureConfig::v4(typ, by.algorithm(), by.hash_alg());
    let always = [SubpacketData::SignatureCreationTime(Timestamp::from_secs(made)), SubpacketData::IssuerFingerprint(by.fingerprint())];
    config.hashed_subpackets = always.into_iter().chain(more).map(|data| Subpacket::regular(data).unwrap()).collect();
    config
}

fn bound(key: &SignedSecretKey, binding: Binding) -> Signature {
    let (primary, subkey) = (&key.primary_key, &key.secret_subkeys[0].key);
    let mut flags = KeyFlags::default();
    match binding.flags {
        Some(Use::Signing) => flags.set_sign(true),
        Some(Use::Authentication) => flags.set_authentication(true),
        None => {}
    }
    let mut more: Vec<_> = binding.flags.map(|_| SubpacketData::KeyFlags(flags)).into_iter().collect();
    more.extend(binding.days.map(|days| SubpacketData::KeyExpirationTime(Duration::from_secs(days * DAY))));
    if binding.agreed {
        let back = config(SignatureType::KeyBinding, subkey, binding.made, vec![]);
        let back = back.sign_primary_key_binding(subkey, subkey.public_key(), &Password::empty(), primary.public_key()).unwrap();
        more.push(SubpacketData::EmbeddedSignature(Box::new(back)));
    }
    let config = config(SignatureType::SubkeyBinding, primary, binding.made, more);
    config.sign_subkey_binding(primary, primary.public_key(), &Password::empty(), subkey.public_key()).unwrap()
}

fn revocation(key: &SignedSecretKey) -> Signature {
    let config = config(SignatureType::SubkeyRevocation, &key.primary_key, MADE + DAY, vec![]);
    let subkey = key.secret_subkeys[0].key.public_key();
    config.sign_subkey_binding(&key.primary_key, key.primary_key.public_key(), &Password::empty(), subkey).unwrap()
}

/// The public key whose subkey has these signatures.
fn public(key: &SignedSecretKey, signatures: Vec<Signature>) -> String {
    let mut public: SignedPublicKey = key.to_public_key();
    public.public_subkeys[0].signatures = signatures;
    public.to_armored_string(ArmorOptions::default()).unwrap()
}

/// A signature by the subkey over `data`, so many days after the key was made; binary and in armour.
fn signed(key: &SignedSecretKey, data: &[u8], day: u32) -> (Vec<u8>, String) {
    use base64::Engine as _;
    let subkey = &key.secret_subkeys[0].key;
    let signature = config(SignatureType::Binary, subkey, MADE + day * DAY, vec![]).sign(subkey, &Password::empty(), data).unwrap();
    let bytes = pgp::packet::Packet::from(signature).to_bytes().unwrap();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
    (bytes, format!("-----BEGIN PGP SIGNATURE-----\n\n{base64}\n-----END PGP SIGNATURE-----\n"))
}

fn kind(result: Result<(), KeyError>) -> &'static str {
    match result {
        Ok(()) => "good",
        Err(KeyError::SubkeyRevoked { .. }) => "revoked",
        Err(KeyError::SubkeyExpired { .. }) => "expired",
        Err(KeyError::SubkeyNotForSigning { .. }) => "not for signing",
        Err(other) => panic!("{other}: {:?}", std::error::Error::source(&other)),
    }
}

#[test]
fn subkeys_that_must_not_sign() {
    let key = key();
    let (early, _) = signed(&key, b"data", 5);
    let (late, armoured) = signed(&key, b"data", 20);
    let now = u64::from(MADE + 30 * DAY);
    let bound = |binding| bound(&key, binding);
    let short = Binding { days: Some(10), ..GOOD };
    let longer = Binding { days: Some(100), made: MADE + DAY, ..GOOD };
    let other = Binding { flags: Some(Use::Authentication), made: MADE + DAY, ..GOOD };
    let unflagged = Binding { flags: None, ..GOOD };
    // The public keys; what becomes of a package signed on day 5 and one on day 20, and of an index on day 30.
    let table = [
        (vec![public(&key, vec![bound(GOOD)])], ["good", "good", "good"]),
        (vec![public(&key, vec![revocation(&key), bound(GOOD)])], ["revoked"; 3]),
        (vec![public(&key, vec![bound(short)])], ["good", "expired", "expired"]),
        (vec![public(&key, vec![bound(short), bound(longer)])], ["good"; 3]),
        (vec![public(&key, vec![bound(longer), bound(short)])], ["good"; 3]),
        (vec![public(&key, vec![bound(GOOD), bound(other)])], ["not for signing"; 3]),
        (vec![public(&key, vec![bound(unflagged)])], ["good"; 3]),
        (vec![public(&key, vec![bound(Binding { agreed: false, ..unflagged })])], ["not for signing"; 3]),
        // Several states of one key.
        (vec![public(&key, vec![bound(short)]), public(&key, vec![bound(longer)])], ["good"; 3]),
        (vec![public(&key, vec![revocation(&key), bound(GOOD)]), public(&key, vec![bound(GOOD)])], ["revoked"; 3]),
    ];
    for (at, (keys, expected)) in table.into_iter().enumerate() {
        let keyring = Keyring::from_armoured(keys).unwrap();
        let found = [keyring.check(b"data", &early), keyring.check(b"data", &late), keyring.at(now).check_armoured(b"data", &armoured)];
        assert_eq!(found.map(kind), expected, "row {at}");
        assert!(matches!(keyring.check(b"other", &early), Err(KeyError::Changed)), "row {at}");
    }
    let unagreed = public(&key, vec![bound(Binding { agreed: false, ..GOOD })]);
    assert!(matches!(Keyring::from_armoured([unagreed]), Err(KeyError::BadKey { .. })));
}
