//! Answers that a provider gave, and what attackers make of them.

use super::super::signer::{Says, Signer, Way, sealed};
use super::*;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;

const NOW: Timestamp = Timestamp::from_ms(1_767_323_045_000);
const ISSUER: &str = "https://idp.example.com";
const AUDIENCE: &str = "urn:amazon:cognito:sp:us-east-1_A";
const ANSWER_TO: &str = "https://login.example.com/saml2/idpresponse";

fn says() -> Says {
    Says {
        id: "a1".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        answer_to: ANSWER_TO.to_owned(),
        request_id: Some("_q1".to_owned()),
        subject: "alice".to_owned(),
        session: "s1".to_owned(),
        from: "2026-01-02T03:04:00Z".to_owned(),
        until: "2026-01-02T03:09:00Z".to_owned(),
        attributes: vec![("email".to_owned(), "alice@example.com".to_owned())],
    }
}

fn judged(signer: &Signer, answer: &str) -> Result<Asserted, Fault> {
    judged_by(signer, answer, None)
}

fn judged_by(signer: &Signer, answer: &str, opened_by: Option<&[u8]>) -> Result<Asserted, Fault> {
    let keys = [signer.key()];
    let expected = Expected {
        issuer: ISSUER,
        keys: &keys,
        audience: AUDIENCE,
        answer_to: ANSWER_TO,
        request_id: Some("_q1"),
        opened_by,
        now: NOW,
    };
    judge(answer, &expected)
}

fn subject(signer: &Signer, answer: &str) -> Result<String, Fault> {
    judged(signer, answer).map(|asserted| asserted.subject)
}

#[test]
fn an_answer_is_taken_if_its_assertion_or_all_of_it_is_signed() {
    let signer = Signer::fresh();
    let asserted = judged(&signer, &signer.answer(&says())).expect("an assertion");
    assert_eq!((asserted.subject.as_str(), asserted.id.as_str()), ("alice", "a1"));
    assert_eq!(asserted.attributes["email"], "alice@example.com");
    assert_eq!(subject(&signer, &signer.signed_answer(&says())).as_deref(), Ok("alice"));
    let both = says().response(&signer.signed(&says().assertion(), "a1"));
    assert_eq!(subject(&signer, &signer.signed(&both, "r1")).as_deref(), Ok("alice"));
    // Nobody signed.
    assert_eq!(subject(&signer, &says().response(&says().assertion())), Err(Fault::Signature));
    // Somebody else did.
    assert_eq!(subject(&signer, &Signer::fresh().answer(&says())), Err(Fault::Signature));
    assert_eq!(subject(&signer, &Signer::fresh().signed_answer(&says())), Err(Fault::Signature));
    // One signature is good and the other is not.
    let other = says().response(&Signer::fresh().signed(&says().assertion(), "a1"));
    assert_eq!(subject(&signer, &signer.signed(&other, "r1")), Err(Fault::Signature));
    let other = says().response(&signer.signed(&says().assertion(), "a1"));
    assert_eq!(subject(&signer, &Signer::fresh().signed(&other, "r1")), Err(Fault::Signature));
}

#[test]
fn an_encrypted_assertion_opens_by_its_key_and_all_else_is_told_alike() {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let private: Pkcs8V1Der<'_> = pair.as_der().expect("DER");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("DER");
    let (signer, key) = (Signer::fresh(), Some(private.as_ref()));
    let name = |answer: &str| judged_by(&signer, answer, key).map(|asserted| asserted.subject);
    let enveloped = |assertion: &str, way| says().response(&sealed(assertion, way, public.as_ref()));
    for way in [Way::Cbc, Way::Gcm] {
        let good = signer.sealed_answer(&says(), way, public.as_ref());
        assert_eq!(name(&good).as_deref(), Ok("alice"), "{way:?}");
        // Signed as a whole, what is in it needs no signature of its own.
        let whole = signer.signed(&enveloped(&says().assertion(), way), "r1");
        assert_eq!(name(&whole).as_deref(), Ok("alice"));
        // Signed by nobody, by somebody else, no assertion, no XML, another key, bent.
        let other = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let other: PublicKeyX509Der<'_> = other.public_key().as_der().expect("DER");
        let (start, end) = good.rsplit_once("</xenc:CipherValue>").expect("a value");
        let bent = format!("{}AAAA</xenc:CipherValue>{end}", &start[..start.len() - 4]);
        for answer in [
            enveloped(&says().assertion(), way),
            enveloped(&Signer::fresh().signed(&says().assertion(), "a1"), way),
            enveloped("<a/>", way),
            enveloped("a", way),
            signer.sealed_answer(&says(), way, other.as_ref()),
            bent,
            good.replace("xmlenc#aes256-cbc", "xmlenc#aes128-cbc").replace("aes256-gcm", "aes128-gcm"),
            good.replace("rsa-oaep-mgf1p", "rsa-1_5").replace("xmlenc11#rsa-oaep", "xmlenc#rsa-1_5"),
        ] {
            assert_eq!(name(&answer), Err(Fault::Sealed), "{way:?} {answer}");
        }
        // What is signed well is told what is wrong with it.
        let elsewhere = Says { audience: "urn:other".to_owned(), ..says() };
        assert_eq!(name(&signer.sealed_answer(&elsewhere, way, public.as_ref())), Err(Fault::Audience));
        assert_eq!(subject(&signer, &good), Err(Fault::Encrypted));
    }
    assert_eq!(name(&signer.answer(&says())), Err(Fault::NotEncrypted));
}

#[test]
fn an_answer_is_for_this_service_this_request_and_now() {
    let signer = Signer::fresh();
    type Change = fn(&mut Says);
    let cases: [(Change, Fault); 9] = [
        (|says| says.issuer = "https://evil.example".into(), Fault::Issuer),
        (|says| says.audience = "urn:amazon:cognito:sp:us-east-1_B".into(), Fault::Audience),
        (|says| says.answer_to = "https://evil.example/acs".into(), Fault::Destination),
        (|says| says.request_id = Some("_q2".into()), Fault::InResponseTo),
        (|says| says.request_id = None, Fault::InResponseTo),
        (|says| says.until = "2026-01-02T03:03:05Z".into(), Fault::Time),
        (|says| says.until = "soon".into(), Fault::Time),
        (|says| says.from = "2026-01-02T03:05:06Z".into(), Fault::Time),
        (|says| says.subject = " ".into(), Fault::Subject),
    ];
    for (at, (change, fault)) in cases.into_iter().enumerate() {
        let mut says = says();
        change(&mut says);
        assert_eq!(subject(&signer, &signer.answer(&says)), Err(fault), "case {at}");
        assert_eq!(
            subject(&signer, &signer.signed_answer(&says)),
            Err(fault),
            "case {at}, signed as a whole"
        );
    }
    // An answer that was asked for does not come unasked, and the reverse.
    let keys = [signer.key()];
    let unasked = Expected {
        issuer: ISSUER,
        keys: &keys,
        audience: AUDIENCE,
        answer_to: ANSWER_TO,
        request_id: None,
        opened_by: None,
        now: NOW,
    };
    assert_eq!(judge(&signer.answer(&says()), &unasked).err(), Some(Fault::InResponseTo));
    let said = Says { request_id: None, ..says() };
    assert!(judge(&signer.answer(&said), &unasked).is_ok());
    let refused = signer.answer(&says()).replace("status:Success", "status:Responder");
    assert_eq!(subject(&signer, &refused), Err(Fault::Status));
}

#[test]
fn whatever_is_changed_after_signing_is_noticed() {
    let signer = Signer::fresh();
    for answer in [signer.answer(&says()), signer.signed_answer(&says())] {
        for (was, is) in [
            (">alice<", ">admin<"),
            (">alice<", ">ali<!-- x -->ce<"),
            (">alice<", ">admin<!-- x -->alice<"),
            ("alice@example.com", "admin@example.com"),
            ("2026-01-02T03:09:00Z\" Recipient", "2027-01-02T03:09:00Z\" Recipient"),
            ("ID=\"a1\"", "ID=\"a2\""),
            ("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315"),
            ("ecdsa-sha256", "hmac-sha256"),
            ("xmlenc#sha256", "xmldsig#sha1"),
            ("URI=\"#", "URI=\"\" Was=\"#"),
            ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        ] {
            let changed = answer.replacen(was, is, 1);
            assert_ne!(changed, answer, "{was}");
            assert!(subject(&signer, &changed).is_err(), "{was} became {is}");
        }
    }
    let bomb =
        format!("<!DOCTYPE x [<!ENTITY a \"alice\">]>{}", signer.answer(&says()).replace(">alice<", ">&a;<"));
    assert_eq!(subject(&signer, &bomb), Err(Fault::Unreadable));
}

/// The eight ways of "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012), and relatives of theirs: a good
/// signature stays in the document, and another assertion stands where one is read.
#[test]
fn signatures_cannot_be_wrapped() {
    let signer = Signer::fresh();
    let evil = Says { id: "evil".to_owned(), subject: "admin".to_owned(), ..says() };
    let good = signer.signed(&says().assertion(), "a1");
    let (start, rest) = good.split_once("<ds:Signature").expect("a signature");
    let (signature, end) = rest.split_once("</ds:Signature>").expect("a signature");
    let signature = format!("<ds:Signature{signature}</ds:Signature>");
    let bare = format!("{start}{end}");
    let forged = evil.assertion();
    let in_forged = |inside: &str| forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inside}"), 1);
    let with_object = |inside: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"))
    };
    let same_id = Says { id: "a1".to_owned(), ..evil.clone() }.assertion();
    let extensions = |inside: &str, assertion: &str| {
        evil.response(assertion).replace(
            "<samlp:Status>",
            &format!("<samlp:Extensions>{inside}</samlp:Extensions><samlp:Status>"),
        )
    };
    let cases = [
        evil.response(&format!("{forged}{good}")),
        evil.response(&format!("{good}{forged}")),
        evil.response(&in_forged(&good)),
        evil.response(&in_forged(&with_object(&bare))),
        evil.response(&in_forged(&format!("{signature}{bare}"))),
        evil.response(
            &good.replace("</ds:Signature>", &format!("<ds:Object>{forged}</ds:Object></ds:Signature>")),
        ),
        extensions(&good, &forged),
        extensions(&good, &in_forged(&signature)),
        extensions(&bare, &same_id.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)),
        evil.response(&format!("<saml:Advice xmlns:saml=\"{ASSERTION}\">{good}</saml:Advice>{forged}")),
        evil.response(&forged).replace("<samlp:Status>", &format!("{signature}<samlp:Status>")),
        extensions(&signer.answer(&says()), &forged),
        format!("<x>{}{}</x>", evil.response(&forged), signer.answer(&says())),
    ];
    for (at, case) in cases.iter().enumerate() {
        let judged = subject(&signer, case);
        assert_ne!(judged.as_deref(), Ok("admin"), "case {at}: {case}");
    }
    // A whole answer, signed, inside of a forged one with its signature.
    let whole = signer.signed_answer(&says());
    let inside = evil.response(&forged).replacen(
        "</saml:Issuer>",
        &format!("</saml:Issuer>{}", with_object(&whole)),
        1,
    );
    assert!(subject(&signer, &inside).is_err());
}

#[test]
fn no_changed_byte_changes_what_is_read() {
    let signer = Signer::fresh();
    for answer in [signer.answer(&says()), signer.signed_answer(&says())] {
        let good = judged(&signer, &answer).expect("an assertion");
        for at in (0..answer.len()).step_by(3) {
            for with in ["", "<", "x", "\" x=\""] {
                let changed = format!("{}{with}{}", &answer[..at], &answer[at + 1..]);
                if let Ok(read) = judged(&signer, &changed) {
                    assert_eq!(read, good, "{with:?} at {at}");
                }
            }
        }
    }
}
