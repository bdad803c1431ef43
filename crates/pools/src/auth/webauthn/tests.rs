//! Right and wrong answers to both ceremonies, made by an authenticator in software.

use super::authenticator::{Attested, BACKED_UP, BACKUP_ELIGIBLE, Ceremony, PRESENT, Passkey, VERIFIED};
use super::*;
use proptest::prelude::*;
use serde_json::json;

const PARTY: &str = "login.example.com";
const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn party() -> RelyingParty {
    RelyingParty {
        id: PARTY.into(),
        own_origin: "https://login.example.com:8443".into(),
        verifies_user: true,
    }
}

fn registered(credential: &Value) -> Result<Registered, Fault> {
    Registration::read(credential)?.judge(&party(), CHALLENGE)
}

#[test]
fn only_pages_of_the_partys_hosts_are_its_origins() {
    let local = RelyingParty {
        id: "localhost".into(),
        own_origin: "http://localhost:9320".into(),
        verifies_user: false,
    };
    for (party, origin, allowed) in [
        (&party(), "https://login.example.com", true),
        (&party(), "https://eu.login.example.com", true),
        (&party(), "https://login.example.com:8443", true),
        (&party(), "https://login.example.com:444", false),
        (&party(), "http://login.example.com", false),
        (&party(), "https://example.com", false),
        (&party(), "https://evil-login.example.com", false),
        (&party(), "https://.login.example.com", false),
        (&party(), "https://evil.example/.login.example.com", false),
        (&party(), "https://evil.example#.login.example.com", false),
        (&party(), "https://user@login.example.com", false),
        (&party(), "https://login.example.com/", false),
        (&party(), "https://LOGIN.example.com", false),
        (&party(), "https://login.example.com.evil.example", false),
        (&party(), "null", false),
        (&party(), "", false),
        (&party(), "http://localhost", false),
        (&local, "http://localhost", true),
        (&local, "http://localhost:9320", true),
        (&local, "http://localhost:3000", true),
        (&local, "https://localhost", true),
        (&local, "http://localhost:", false),
        (&local, "http://localhost:99999", false),
        (&local, "http://localhost:3000/", false),
        (&local, "http://localhost.evil.example:3000", false),
        (&local, "http://127.0.0.1:9320", false),
    ] {
        assert_eq!(party.allows(origin), allowed, "{} {origin}", party.id);
    }
}

#[test]
fn a_passkey_is_registered_however_it_is_attested() {
    for passkey in [Passkey::fresh(), Passkey::rsa()] {
        let by_certificate = Attested::ByCertificate { model: passkey.model, is_authority: false };
        for attested in [Attested::No, Attested::ByItself, by_certificate] {
            let mut ceremony = Ceremony::create(CHALLENGE, PARTY);
            ceremony.flags |= BACKUP_ELIGIBLE;
            ceremony.count = 5;
            let registered = registered(&passkey.registers(&ceremony, attested)).expect("a registration");
            assert_eq!(registered.id, passkey.id);
            assert_eq!(registered.public_key, passkey.public_key());
            assert_eq!((registered.sign_count, registered.model), (5, [7; 16]));
            assert!(registered.may_be_backed_up && !registered.is_backed_up && registered.verified_user);
            assert_eq!(registered.attachment.as_deref(), Some("platform"));
            assert_eq!(registered.transports, ["internal", "hybrid"]);
        }
    }
}

#[test]
fn a_registration_with_anything_wrong_is_refused() {
    type Spoil = fn(&mut Ceremony);
    let spoils: [(Spoil, Fault); 11] = [
        (|ceremony| ceremony.kind = "webauthn.get", Fault::Ceremony),
        (|ceremony| ceremony.challenge = "AAECAw".into(), Fault::Challenge),
        (|ceremony| ceremony.challenge.push('='), Fault::Challenge),
        (|ceremony| ceremony.origin = "https://example.com".into(), Fault::Origin),
        (|ceremony| ceremony.is_framed = true, Fault::Framed),
        (|ceremony| ceremony.party = "eu.login.example.com".into(), Fault::RelyingParty),
        (|ceremony| ceremony.flags = VERIFIED, Fault::NotPresent),
        (|ceremony| ceremony.flags = PRESENT, Fault::NotVerified),
        (|ceremony| ceremony.flags |= BACKED_UP, Fault::BackupFlags),
        (|ceremony| ceremony.behind = vec![0], Fault::Malformed),
        (|ceremony| ceremony.flags |= 0x80, Fault::Malformed),
    ];
    let passkey = Passkey::fresh();
    for (spoil, fault) in spoils {
        let mut ceremony = Ceremony::create(CHALLENGE, PARTY);
        spoil(&mut ceremony);
        assert_eq!(registered(&passkey.registers(&ceremony, Attested::No)), Err(fault), "{ceremony:?}");
    }
}

#[test]
fn a_key_that_was_not_asked_for_is_refused() {
    let ceremony = Ceremony::create(CHALLENGE, PARTY);
    for algorithm in [-8, -35, -37, -65535, 7] {
        let passkey = Passkey { algorithm, ..Passkey::fresh() };
        assert_eq!(registered(&passkey.registers(&ceremony, Attested::No)), Err(Fault::Key), "{algorithm}");
    }
    // An RSA key that calls itself one of the curve, and the reverse.
    let confused = Passkey { algorithm: -7, ..Passkey::rsa() };
    assert_eq!(registered(&confused.registers(&ceremony, Attested::No)), Err(Fault::Key));
    let confused = Passkey { algorithm: -257, ..Passkey::fresh() };
    assert_eq!(registered(&confused.registers(&ceremony, Attested::No)), Err(Fault::Key));
}

#[test]
fn an_attestation_that_does_not_hold_is_refused() {
    let passkey = Passkey::fresh();
    let ceremony = Ceremony::create(CHALLENGE, PARTY);
    for attested in [
        Attested::ByCertificate { model: [8; 16], is_authority: false },
        Attested::ByCertificate { model: passkey.model, is_authority: true },
    ] {
        assert_eq!(registered(&passkey.registers(&ceremony, attested)), Err(Fault::Attestation));
    }
    // Each byte of the object, changed: what comes through is never another passkey.
    let good = passkey.registers(&ceremony, Attested::ByItself);
    let object = bytes(&good["response"], "attestationObject").expect("an object");
    for at in 0..object.len() {
        let mut changed = object.clone();
        changed[at] ^= 1;
        let mut credential = good.clone();
        credential["response"]["attestationObject"] = BASE64URL.encode(&changed).into();
        assert!(registered(&credential).is_err(), "byte {at}");
    }
    // Formats that nobody asked for.
    for format in ["fido-u2f", "tpm", "android-key", "apple", ""] {
        let (value, _) = cbor::first(&object).expect("an object");
        let cbor::Value::Map(mut pairs) = value else { panic!("no map") };
        pairs[0].1 = format.into();
        let mut credential = good.clone();
        let object = authenticator::cbor(&cbor::Value::Map(pairs));
        credential["response"]["attestationObject"] = BASE64URL.encode(object).into();
        assert_eq!(registered(&credential), Err(Fault::Attestation), "{format}");
    }
}

#[test]
fn an_object_that_is_cut_short_or_goes_on_is_refused() {
    for attested in [Attested::No, Attested::ByItself] {
        let good = Passkey::fresh().registers(&Ceremony::create(CHALLENGE, PARTY), attested);
        let object = bytes(&good["response"], "attestationObject").expect("an object");
        for length in 0..object.len() {
            let mut credential = good.clone();
            credential["response"]["attestationObject"] = BASE64URL.encode(&object[..length]).into();
            assert_eq!(registered(&credential), Err(Fault::Malformed), "{length} bytes");
        }
        let mut credential = good.clone();
        credential["response"]["attestationObject"] =
            BASE64URL.encode([&object[..], &[0xF6]].concat()).into();
        assert_eq!(registered(&credential), Err(Fault::Malformed));
    }
}

#[test]
fn a_map_with_a_key_twice_is_refused() {
    let key = Passkey::fresh().public_key();
    let (value, _) = cbor::first(&key).expect("a key");
    let cbor::Value::Map(mut pairs) = value else { panic!("no map") };
    pairs.push((3.into(), (-7).into()));
    let twice = authenticator::cbor(&cbor::Value::Map(pairs));
    assert!(matches!(PublicKey::read(&twice), Err(Fault::Malformed)));
    assert!(PublicKey::read(&key).is_ok());
}

#[test]
fn a_point_that_is_not_on_the_curve_is_no_key() {
    let key = Passkey::fresh().public_key();
    let (value, _) = cbor::first(&key).expect("a key");
    let cbor::Value::Map(mut pairs) = value else { panic!("no map") };
    pairs[4].1 = cbor::Value::Bytes(vec![1; 32]);
    let off = authenticator::cbor(&cbor::Value::Map(pairs));
    assert!(matches!(PublicKey::read(&off), Err(Fault::Key)));
}

/// A passkey as it is known, and its user's handle.
fn known<'a>(public_key: &'a [u8], sign_count: u32) -> Known<'a> {
    Known { public_key, sign_count, may_be_backed_up: false, user_handle: b"alice" }
}

fn seen(passkey: &Passkey, ceremony: &Ceremony, sign_count: u32) -> Result<Seen, Fault> {
    let public_key = passkey.public_key();
    Assertion::read(&passkey.asserts(ceremony))?.judge(&party(), CHALLENGE, &known(&public_key, sign_count))
}

#[test]
fn a_passkey_signs_in_and_its_counter_goes_on() {
    for passkey in [Passkey::fresh(), Passkey::rsa()] {
        let ceremony = Ceremony::get(CHALLENGE, PARTY);
        let first = Seen { sign_count: 0, is_backed_up: false, verified_user: true };
        assert_eq!(seen(&passkey, &ceremony, 0), Ok(first));
        let later = Ceremony { count: 9, ..ceremony };
        assert_eq!(seen(&passkey, &later, 8), Ok(Seen { sign_count: 9, ..first }));
    }
}

#[test]
fn an_assertion_with_anything_wrong_is_refused() {
    type Spoil = fn(&mut Ceremony);
    let spoils: [(Spoil, Fault); 11] = [
        (|ceremony| ceremony.kind = "webauthn.create", Fault::Ceremony),
        (|ceremony| ceremony.challenge = "AAECAw".into(), Fault::Challenge),
        (|ceremony| ceremony.origin = "https://evil.example".into(), Fault::Origin),
        (|ceremony| ceremony.origin = "http://login.example.com".into(), Fault::Origin),
        (|ceremony| ceremony.is_framed = true, Fault::Framed),
        (|ceremony| ceremony.party = "example.com".into(), Fault::RelyingParty),
        (|ceremony| ceremony.flags = VERIFIED, Fault::NotPresent),
        (|ceremony| ceremony.flags = PRESENT, Fault::NotVerified),
        (|ceremony| ceremony.flags |= BACKED_UP, Fault::BackupFlags),
        (|ceremony| ceremony.flags |= BACKUP_ELIGIBLE, Fault::BackupFlags),
        (|ceremony| ceremony.behind = vec![0], Fault::Malformed),
    ];
    let passkey = Passkey::fresh();
    for (spoil, fault) in spoils {
        let mut ceremony = Ceremony::get(CHALLENGE, PARTY);
        spoil(&mut ceremony);
        assert_eq!(seen(&passkey, &ceremony, 0), Err(fault), "{ceremony:?}");
    }
    for (before, now) in [(9, 9), (9, 8), (1, 0), (u32::MAX, 0)] {
        let ceremony = Ceremony { count: now, ..Ceremony::get(CHALLENGE, PARTY) };
        assert_eq!(seen(&passkey, &ceremony, before), Err(Fault::Counter), "{before} {now}");
    }
    let bobs = Passkey { user_handle: Some(b"bob".to_vec()), ..Passkey::fresh() };
    assert_eq!(seen(&bobs, &Ceremony::get(CHALLENGE, PARTY), 0), Err(Fault::Owner));
}

#[test]
fn a_signature_of_another_key_or_over_other_words_is_refused() {
    let (passkey, other) = (Passkey::fresh(), Passkey::fresh());
    let ceremony = Ceremony::get(CHALLENGE, PARTY);
    let good = passkey.asserts(&ceremony);
    let key = passkey.public_key();
    let judge = |credential: &Value, key: &[u8]| {
        Assertion::read(credential)?.judge(&party(), CHALLENGE, &known(key, 0)).map(|_| ())
    };
    assert_eq!(judge(&good, &key), Ok(()));
    assert_eq!(judge(&good, &other.public_key()), Err(Fault::Signature));
    let later = passkey.asserts(&Ceremony { count: 3, ..ceremony });
    for part in ["authenticatorData", "signature"] {
        let mut mixed = good.clone();
        mixed["response"][part] = later["response"][part].clone();
        assert_eq!(judge(&mixed, &key), Err(Fault::Signature), "{part}");
    }
    let mut empty = good.clone();
    empty["response"]["signature"] = "".into();
    assert_eq!(judge(&empty, &key), Err(Fault::Signature));
}

#[test]
fn an_answer_of_another_shape_is_refused() {
    let passkey = Passkey { user_handle: Some(b"alice".to_vec()), ..Passkey::fresh() };
    let good = passkey.asserts(&Ceremony::get(CHALLENGE, PARTY));
    assert!(Assertion::read(&good).is_ok());
    for (pointer, values) in [
        ("/type", vec![json!("password"), json!(null), json!(1)]),
        ("/id", vec![json!("other"), json!(null), json!([1])]),
        ("/rawId", vec![json!(""), json!("*"), json!("AAAA"), json!(null)]),
        ("/response", vec![json!(null), json!("text"), json!([])]),
        ("/response/userHandle", vec![json!(""), json!(5), json!("*"), json!("A".repeat(100))]),
        ("/response/authenticatorData", vec![json!(null), json!("*"), json!({})]),
        ("/response/signature", vec![json!(null), json!("**"), json!(true)]),
        ("/response/clientDataJSON", vec![json!(""), json!("e30"), json!("bnVsbA"), json!(null)]),
    ] {
        for value in values {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).expect("a member") = value.clone();
            assert!(matches!(Assertion::read(&bad), Err(Fault::Malformed)), "{pointer} {value}");
        }
    }
    for bad in [json!(null), json!("text"), json!([]), json!({})] {
        assert!(matches!(Assertion::read(&bad), Err(Fault::Malformed)), "{bad}");
        assert!(matches!(Registration::read(&bad), Err(Fault::Malformed)), "{bad}");
    }
}

proptest! {
    /// Whatever bytes come: a verdict, never a panic.
    #[test]
    fn any_bytes_get_a_verdict(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(PublicKey::read(&noise).is_err());
        prop_assert!(attestation::Statement::read(&noise).is_err());
        let _ = AuthenticatorData::read(&noise);
        let _ = cbor::first(&noise);
    }
}
