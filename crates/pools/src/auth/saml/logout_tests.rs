//! Requests and answers of sign-outs: read by their words, and refused when they are not the provider's.

use super::super::signer::Signer;
use super::*;

const NOW: Timestamp = Timestamp::from_ms(1_767_323_045_000);
const ISSUER: &str = "https://idp.example.com";
const HERE: &str = "https://login.example.com/saml2/logout";

fn expecting<T>(signer: &Signer, judge: impl FnOnce(&Expected<'_>) -> T) -> T {
    judge(&Expected { issuer: ISSUER, keys: &[signer.key()], destination: HERE, now: NOW })
}

fn judged(signer: &Signer, message: &str) -> Result<Ends, Fault> {
    expecting(signer, |expected| asked(message, &Proof::Within, expected))
}

#[test]
fn a_provider_ends_the_sessions_it_names() {
    let signer = Signer::fresh();
    let session = |index: Option<&str>| Session {
        name: Name { text: "alice".to_owned(), format: None, qualifier: None, service: None },
        index: index.map(str::to_owned),
    };
    let one = signer.logout_request(HERE, "alice", &["s1"]);
    assert_eq!(named_in(&one), Some((ISSUER.to_owned(), "alice".to_owned())));
    let ends = judged(&signer, &one).expect("a request");
    assert_eq!(ends.id, "q1");
    assert!(ends.includes(&session(Some("s1"))) && !ends.includes(&session(Some("s2"))));
    assert!(ends.includes(&session(None)), "a session that has no name of its own");
    let all = judged(&signer, &signer.logout_request(HERE, "alice", &[])).expect("a request");
    assert!(all.includes(&session(Some("s2"))));
}

#[test]
fn what_the_provider_did_not_ask_here_and_now_ends_nothing() {
    let signer = Signer::fresh();
    let good = signer.logout_request(HERE, "alice", &["s1"]);
    assert_eq!(judged(&Signer::fresh(), &good), Err(Fault::Signature));
    assert_eq!(judged(&signer, &good.replace(">alice<", ">bob<")), Err(Fault::Signature));
    let unsigned = Signer::unsigned_logout_request(HERE, "alice", &[]);
    assert_eq!(judged(&signer, &unsigned), Err(Fault::Signature));
    let changed = |was: &str, is: &str| judged(&signer, &signer.signed(&unsigned.replace(was, is), "q1"));
    assert_eq!(changed(ISSUER, "https://evil.example"), Err(Fault::Issuer));
    assert_eq!(changed(HERE, "https://evil.example/slo"), Err(Fault::Destination));
    assert_eq!(changed("03:04:00Z", "02:57:00Z"), Err(Fault::Time));
    assert_eq!(changed("03:04:00Z", "03:06:00Z"), Err(Fault::Time));
    assert_eq!(changed("LogoutRequest", "AuthnRequest"), Err(Fault::Unreadable));
    // A proof beside the message is one of the message's own parameters, or none.
    let beside = |signed: &str, signature| Proof::Beside {
        method: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(),
        signed: signed.to_owned(),
        signature,
    };
    let judge = |proof: Proof| expecting(&signer, |expected| asked(&unsigned, &proof, expected));
    assert!(judge(beside("SAMLRequest=x", signer.sign(b"SAMLRequest=x"))).is_ok());
    assert_eq!(judge(beside("SAMLRequest=y", signer.sign(b"SAMLRequest=x"))), Err(Fault::Signature));
}

#[test]
fn an_answer_is_to_the_request_and_tells_whether_all_has_ended() {
    let signer = Signer::fresh();
    let judge =
        |message: &str| expecting(&signer, |expected| answered(message, &Proof::Within, expected, "_q1"));
    let answer = |to: &str, status: &str| signer.logout_answer(HERE, to, status);
    assert_eq!(judge(&answer("_q1", "Success")), Ok(true));
    assert_eq!(judge(&answer("_q1", "Responder")), Ok(false));
    assert_eq!(judge(&answer("_q2", "Success")), Err(Fault::InResponseTo));
    assert_eq!(judge(&answer("_q1", "Success").replace("Success", "Responder")), Err(Fault::Signature));
}

#[test]
fn what_is_written_says_who_and_which_session() {
    let head = Head {
        id: "_1",
        issuer: "urn:us",
        destination: "https://idp/slo?a=1&b=2",
        now: "2026-01-02T03:04:05Z",
    };
    let name =
        "<n xmlns='urn:oasis:names:tc:SAML:2.0:assertion' Format='f' SPNameQualifier='&lt;s'> a&amp;b </n>";
    let document = read(name).expect("XML");
    let session = Session { name: Name::read(document.root_element()), index: Some("s1".to_owned()) };
    let request = request(&head, &session);
    assert!(request.contains("Destination=\"https://idp/slo?a=1&amp;b=2\""), "{request}");
    assert!(
        request.contains("<saml:NameID Format=\"f\" SPNameQualifier=\"&lt;s\">a&amp;b</saml:NameID>"),
        "{request}"
    );
    assert!(request.contains("<samlp:SessionIndex>s1</samlp:SessionIndex>"), "{request}");
    assert_eq!(named_in(&request), Some(("urn:us".to_owned(), "a&b".to_owned())));
    assert!(read(&answer(&head, "_q")).is_some() && answer(&head, "_q").contains(" InResponseTo=\"_q\""));
}
