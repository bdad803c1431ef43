//! Signing in by a SAML provider: what it posts, what strangers post in its name, and what comes twice.

use super::browser::{Browser, Shown};
use super::federation::{attribute, is_there, takes, told, user};
use super::scene::{Scene, text};
use crate::support::saml::{Says, Signer, Way};
use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_pools::auth::saml::deflated;
use postern_pools::keys::TokenUse;
use postern_pools::oauth::pairs::query;
use postern_server::seed::ALICE;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

const ENTITY: &str = "https://idp.corp.example";
const SIGN_IN: &str = "https://idp.corp.example/sso";

/// A provider, and an app that sends people there.
struct Play {
    signer: Signer,
    scene: Scene,
}

/// What a browser was sent out with.
struct Sent {
    relay: String,
    request: String,
}

impl Play {
    async fn new() -> Play {
        Play::with(json!({})).await
    }

    async fn with(more: Value) -> Play {
        let (signer, scene) = (Signer::fresh(), Scene::new().await);
        let mut details = json!({ "MetadataFile": signer.metadata(ENTITY, SIGN_IN) });
        for (key, value) in more.as_object().expect("an object") {
            details[key] = value.clone();
        }
        scene.admin("CreateIdentityProvider", corp(details)).await;
        takes(&scene, &["COGNITO", "Corp"]).await;
        Play { signer, scene }
    }

    /// Sends a browser out.
    async fn sent(&self, browser: &Browser) -> Sent {
        let page = browser.visit(&self.scene.authorize(&[])).await;
        let out = browser.open(&page.link("Continue with Corp")).await;
        assert!(out.to().starts_with(&format!("{SIGN_IN}?SAMLRequest=")), "{out:?}");
        let packed = STANDARD.decode(out.parameter("SAMLRequest")).expect("base64");
        // One block that is stored as it is.
        let request = String::from_utf8(packed[5..].to_vec()).expect("UTF-8");
        Sent { relay: out.parameter("RelayState"), request }
    }

    fn answer_to(&self) -> String {
        format!("{}/saml2/idpresponse", self.scene.server.app.public_url)
    }

    fn says(&self, id: &str, request_id: Option<&str>) -> Says {
        Says {
            id: id.to_owned(),
            issuer: ENTITY.to_owned(),
            audience: format!("urn:amazon:cognito:sp:{}", self.scene.demo.pool_id),
            answer_to: self.answer_to(),
            request_id: request_id.map(str::to_owned),
            subject: "alice".to_owned(),
            session: "s1".to_owned(),
            from: "2026-01-02T03:04:00Z".to_owned(),
            until: "2026-01-02T03:09:00Z".to_owned(),
            attributes: vec![
                ("mail".to_owned(), "alice@corp.example".to_owned()),
                ("givenName".to_owned(), "Alice".to_owned()),
            ],
        }
    }

    /// Has some browser post an answer, as another site does: without cookies.
    async fn posts(&self, answer: &str, relay: &str) -> Shown {
        let fields = [("SAMLResponse", STANDARD.encode(answer)), ("RelayState", relay.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.scene.browser().post("/saml2/idpresponse", &fields, &[("sec-fetch-site", "cross-site")]).await
    }

    async fn claims_of(&self, home: &Shown) -> Value {
        let (status, tokens) = self.scene.redeem(&home.parameter("code")).await;
        assert_eq!(status, 200, "{tokens}");
        self.scene.verified(text(&tokens, "id_token"), TokenUse::Id).await
    }
}

fn corp(details: Value) -> Value {
    json!({
        "ProviderName": "Corp", "ProviderType": "SAML", "ProviderDetails": details,
        "AttributeMapping": { "email": "mail", "given_name": "givenName" },
    })
}

impl Sent {
    fn id(&self) -> &str {
        self.value("ID")
    }

    fn value(&self, attribute: &str) -> &str {
        let (_, rest) = self.request.split_once(&format!(" {attribute}=\"")).expect("an attribute");
        rest.split_once('"').expect("a value").0
    }
}

#[tokio::test]
async fn a_person_signs_in_by_saml_and_is_somebody_here() {
    let play = Play::new().await;
    let browser = play.scene.browser();
    let sent = play.sent(&browser).await;
    assert_eq!(sent.value("AssertionConsumerServiceURL"), play.answer_to());
    assert_eq!(sent.value("Destination"), SIGN_IN);
    assert_eq!(sent.value("IssueInstant"), "2026-01-02T03:04:05Z");
    assert!(
        sent.request.contains(&format!(
            "<saml:Issuer>urn:amazon:cognito:sp:{}</saml:Issuer>",
            play.scene.demo.pool_id
        ))
    );
    let answer = play.signer.answer(&play.says("a1", Some(sent.id())));
    let posted = play.posts(&answer, &sent.relay).await;
    let to = posted.leads_to().expect("the way on");
    // Only the browser that was sent out goes on, and once.
    assert_eq!(play.scene.browser().open(&to).await.status, 400);
    let home = browser.open(&to).await;
    let claims = play.claims_of(&home).await;
    assert_eq!(claims["cognito:username"], "Corp_alice");
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("alice@corp.example"), &json!(false)));
    assert_eq!(claims["identities"][0]["providerType"], "SAML");
    assert_eq!(claims["identities"][0]["issuer"], ENTITY);
    assert_eq!(play.posts(&answer, &sent.relay).await.status, 400);
    let again = browser.copy();
    again.lose("postern-session-");
    assert_eq!(again.follow(again.open(&to).await).await.heading(), "Sign in");

    // An answer that is signed as a whole does, too; the profile is taken over.
    let browser = play.scene.browser();
    let sent = play.sent(&browser).await;
    let mut says = play.says("a2", Some(sent.id()));
    says.attributes[1].1 = "Alicia".to_owned();
    let posted = play.posts(&play.signer.signed_answer(&says), &sent.relay).await;
    let home = browser.open(&posted.leads_to().expect("the way on")).await;
    assert_eq!(play.claims_of(&home).await["sub"], claims["sub"]);
    let shown = user(&play.scene, "Corp_alice").await;
    assert_eq!(attribute(&shown, "given_name").as_deref(), Some("Alicia"));
}

#[tokio::test]
async fn what_the_provider_did_not_say_to_this_pool_about_this_request_signs_nobody_in() {
    let play = Play::new().await;
    let browser = play.scene.browser();
    let sent = play.sent(&browser).await;
    let good = || play.says("a1", Some(sent.id()));
    let unsigned = good().response(&good().assertion());
    let other_pool = Says { audience: "urn:amazon:cognito:sp:us-east-1_Another".to_owned(), ..good() };
    let other_request = Says { request_id: Some("_another".to_owned()), ..good() };
    let old = Says { until: "2026-01-02T03:03:00Z".to_owned(), ..good() };
    let elsewhere = Says { answer_to: "https://other.example/acs".to_owned(), ..good() };
    let cases = [
        (unsigned, "the signature is not valid"),
        (Signer::fresh().answer(&good()), "the signature is not valid"),
        (play.signer.answer(&good()).replace(">alice<", ">admin<"), "the signature is not valid"),
        (play.signer.answer(&other_pool), "the audience is another"),
        (play.signer.answer(&other_request), "InResponseTo is not the request"),
        (play.signer.answer(&old), "the assertion is not valid now"),
        (play.signer.answer(&elsewhere), "the destination is another"),
        ("<x/>".to_owned(), "the response cannot be read"),
    ];
    for (answer, words) in cases {
        told(
            &play.posts(&answer, &sent.relay).await,
            "invalid_request",
            &format!("Error in SAML response processing: {words}"),
        );
    }
    assert!(!is_there(&play.scene, "Corp_admin").await && !is_there(&play.scene, "Corp_alice").await);
    // Nobody waits there.
    for relay in ["", "made-up"] {
        assert_eq!(play.posts(&play.signer.answer(&good()), relay).await.status, 400, "{relay}");
    }
    // No code of another protocol does instead.
    let code = format!("/oauth2/idpresponse?code=c&state={}.x", sent.relay);
    assert_eq!(browser.open(&code).await.status, 400);
    // And what is good still is.
    let posted = play.posts(&play.signer.answer(&good()), &sent.relay).await;
    let home = browser.open(&posted.leads_to().expect("the way on")).await;
    assert!(home.answer().first("code").is_some());
}

#[tokio::test]
async fn an_assertion_is_good_once_whatever_it_answers() {
    let play = Play::new().await;
    let first = play.scene.browser();
    let sent = play.sent(&first).await;
    let posted = play.posts(&play.signer.answer(&play.says("a1", Some(sent.id()))), &sent.relay).await;
    assert!(posted.to().starts_with("/login/provider/back?"));
    let second = play.scene.browser();
    let sent = play.sent(&second).await;
    let again = play.posts(&play.signer.answer(&play.says("a1", Some(sent.id()))), &sent.relay).await;
    assert_eq!(again.status, 400);
    // Somebody else's answer is none to this request.
    let third = play.sent(&play.scene.browser()).await;
    told(
        &play.posts(&play.signer.answer(&play.says("a3", Some(third.id()))), &sent.relay).await,
        "invalid_request",
        "Error in SAML response processing: InResponseTo is not the request",
    );
}

#[tokio::test]
async fn a_provider_begins_by_itself_only_where_it_may() {
    let relay = |play: &Play| {
        let asked = play.scene.authorize(&[("identity_provider", "Corp")]);
        asked.split_once('?').expect("parameters").1.to_owned()
    };
    let play = Play::new().await;
    let answer = play.signer.answer(&play.says("a1", None));
    assert_eq!(play.posts(&answer, &relay(&play)).await.status, 400);

    let play = Play::with(json!({ "IDPInit": "true" })).await;
    let browser = play.scene.browser();
    let answer = play.signer.answer(&play.says("a1", None));
    let fields = [("SAMLResponse", STANDARD.encode(&answer)), ("RelayState", relay(&play))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let posted = browser.post("/saml2/idpresponse", &fields, &[]).await;
    let home = browser.open(&posted.leads_to().expect("the way on")).await;
    assert_eq!(play.claims_of(&home).await["cognito:username"], "Corp_alice");
    // It is used up.
    assert_eq!(play.posts(&answer, &relay(&play)).await.status, 400);
    // An answer to somebody's request is not taken for one that nobody asked for.
    let stolen = play.signer.answer(&play.says("a2", Some("_stolen")));
    told(
        &play.posts(&stolen, &relay(&play)).await,
        "invalid_request",
        "Error in SAML response processing: InResponseTo is not the request",
    );
    assert_eq!(
        play.posts(&play.signer.answer(&play.says("a3", None)), "client_id=unknown").await.status,
        400
    );
}

#[tokio::test]
async fn a_provider_is_known_by_its_metadata() {
    let signer = Signer::fresh();
    let scene = Scene::new().await;
    let metadata = signer.metadata(ENTITY, SIGN_IN);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/metadata", listener.local_addr().expect("an address"));
    let published = metadata.clone();
    let router = Router::new().fallback(move || async move { published });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let make = |details: Value| {
        let mut provider = corp(details);
        provider["UserPoolId"] = scene.demo.pool_id.clone().into();
        scene.server.signed("CreateIdentityProvider", provider)
    };
    for details in [
        json!({}),
        json!({ "MetadataFile": "<x/>" }),
        json!({ "MetadataFile": metadata, "MetadataURL": url }),
        json!({ "MetadataURL": "http://127.0.0.1:9/none" }),
        json!({ "MetadataFile": metadata, "IDPInit": "yes" }),
        json!({ "MetadataFile": metadata, "IDPSignout": "true" }),
        json!({ "MetadataFile": metadata, "EncryptedResponses": "yes" }),
        json!({ "MetadataFile": metadata, "RequestSigningAlgorithm": "rsa-sha1" }),
        json!({ "MetadataFile": metadata.replace("https://idp.corp.example/sso", "http://idp.corp.example/sso") }),
    ] {
        make(details).await.refused("InvalidParameterException");
    }
    let made = make(json!({ "MetadataURL": url })).await.ok().body["IdentityProvider"].clone();
    assert_eq!(made["ProviderDetails"], json!({ "MetadataURL": url, "SSORedirectBindingURI": SIGN_IN }));
    // What was read can be written again.
    let mut again = made.clone();
    again.as_object_mut().expect("a provider").retain(|name, _| {
        ["UserPoolId", "ProviderName", "ProviderDetails", "AttributeMapping"].contains(&name.as_str())
    });
    let changed = scene.server.signed("UpdateIdentityProvider", again).await.ok().body;
    assert_eq!(changed["IdentityProvider"]["ProviderDetails"], made["ProviderDetails"]);
    takes(&scene, &["Corp"]).await;
    let play = Play { signer, scene };
    let browser = play.scene.browser();
    let out = browser.open(&play.scene.authorize(&[("prompt", "login")])).await;
    let packed = STANDARD.decode(out.parameter("SAMLRequest")).expect("base64");
    let sent = Sent {
        relay: out.parameter("RelayState"),
        request: String::from_utf8(packed[5..].to_vec()).expect("UTF-8"),
    };
    assert_eq!(sent.value("ForceAuthn"), "true");
    let aged = play.scene.browser().open(&play.scene.authorize(&[("max_age", "60")])).await;
    let packed = STANDARD.decode(aged.parameter("SAMLRequest")).expect("base64");
    assert!(String::from_utf8_lossy(&packed).contains("ForceAuthn=\"true\""));
    let posted = play.posts(&play.signer.answer(&play.says("a1", Some(sent.id()))), &sent.relay).await;
    let home = browser.open(&posted.leads_to().expect("the way on")).await;
    assert!(home.answer().first("code").is_some());
}

#[tokio::test]
async fn requests_are_signed_where_a_provider_wants_that() {
    let play = Play::with(json!({ "RequestSigningAlgorithm": "rsa-sha256" })).await;
    let out = play.scene.browser().open(&play.scene.authorize(&[("identity_provider", "Corp")])).await;
    assert_eq!(out.parameter("SigAlg"), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    let to = out.to();
    let (signed, _) =
        to.split_once('?').expect("parameters").1.split_once("&Signature=").expect("a signature");
    assert!(signed.starts_with("SAMLRequest=") && signed.contains("&RelayState="), "{signed}");
    assert_eq!(STANDARD.decode(out.parameter("Signature")).expect("base64").len(), 256);
    // The certificate is the pool's, and stays.
    let pool = json!({ "UserPoolId": play.scene.demo.pool_id });
    let first = play.scene.server.signed("GetSigningCertificate", pool.clone()).await.ok().body;
    assert!(STANDARD.decode(text(&first, "Certificate")).expect("base64").starts_with(&[0x30, 0x82]));
    assert_eq!(play.scene.server.signed("GetSigningCertificate", pool).await.ok().body, first);
    let nowhere = json!({ "UserPoolId": "us-east-1_Unknown99" });
    play.scene.server.signed("GetSigningCertificate", nowhere).await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn a_provider_that_has_to_encrypt_is_given_a_key_and_taken_at_nothing_less() {
    let play = Play::with(json!({ "EncryptedResponses": "true" })).await;
    let of_corp = json!({ "UserPoolId": play.scene.demo.pool_id, "ProviderName": "Corp" });
    let certificate = || async {
        let shown = play.scene.server.signed("DescribeIdentityProvider", of_corp.clone()).await.ok().body;
        text(&shown["IdentityProvider"]["ProviderDetails"], "ActiveEncryptionCertificate").to_owned()
    };
    let given = certificate().await;
    let der = STANDARD.decode(&given).expect("Base64");
    let key = Certificate::from_der(&der).expect("a certificate").tbs_certificate.subject_public_key_info;
    let key = key.to_der().expect("DER");
    let browser = play.scene.browser();
    let sent = play.sent(&browser).await;
    let says = play.says("a1", Some(sent.id()));
    told(
        &play.posts(&play.signer.answer(&says), &sent.relay).await,
        "invalid_request",
        "Error in SAML response processing: the assertion is not encrypted",
    );
    let forged =
        play.signer.sealed_answer(&says, Way::Cbc, &key).replace("xmlenc#aes256-cbc", "xmlenc#aes128-cbc");
    let strange = Signer::fresh().sealed_answer(&says, Way::Cbc, &key);
    for answer in [forged, strange] {
        told(
            &play.posts(&answer, &sent.relay).await,
            "invalid_request",
            "Error in SAML response processing: the encrypted assertion is not valid",
        );
    }
    let posted = play.posts(&play.signer.sealed_answer(&says, Way::Gcm, &key), &sent.relay).await;
    let home = browser.open(&posted.leads_to().expect("the way on")).await;
    assert_eq!(play.claims_of(&home).await["cognito:username"], "Corp_alice");
    // The key stays, whatever else is set; and where nothing has to be encrypted, nothing is opened.
    let details = |encrypted: &str| {
        json!({ "ProviderName": "Corp", "ProviderDetails": {
            "MetadataFile": play.signer.metadata(ENTITY, SIGN_IN), "EncryptedResponses": encrypted,
        } })
    };
    play.scene.admin("UpdateIdentityProvider", details("false")).await;
    let sent = play.sent(&play.scene.browser()).await;
    let answer = play.signer.sealed_answer(&play.says("a2", Some(sent.id())), Way::Gcm, &key);
    told(
        &play.posts(&answer, &sent.relay).await,
        "invalid_request",
        "Error in SAML response processing: encrypted assertions are not taken",
    );
    play.scene.admin("UpdateIdentityProvider", details("true")).await;
    assert_eq!(certificate().await, given);
}

const IDP: &str = "https://idp.example.com";
const SIGN_OUT: &str = "https://idp.example.com/slo";

impl Play {
    /// A provider that takes part in single sign-out.
    async fn leaving_together() -> Play {
        let (signer, scene) = (Signer::fresh(), Scene::new().await);
        let metadata = signer.metadata_with_logout(IDP, SIGN_IN, SIGN_OUT);
        let made = corp(json!({ "MetadataFile": metadata, "IDPSignout": "true" }));
        scene.admin("CreateIdentityProvider", made).await;
        takes(&scene, &["COGNITO", "Corp"]).await;
        Play { signer, scene }
    }

    /// Signs somebody in, in a session of the provider.
    async fn signed_in(&self, browser: &Browser, assertion: &str, session: &str) {
        let sent = self.sent(browser).await;
        let says = Says {
            issuer: IDP.to_owned(),
            session: session.to_owned(),
            ..self.says(assertion, Some(sent.id()))
        };
        let posted = self.posts(&self.signer.answer(&says), &sent.relay).await;
        let home = browser.open(&posted.leads_to().expect("the way on")).await;
        assert!(home.answer().first("code").is_some(), "{home:?}");
    }

    async fn is_signed_in(&self, browser: &Browser) -> bool {
        let home = browser.open(&self.scene.authorize(&[("prompt", "none")])).await;
        home.answer().first("code").is_some()
    }

    /// Has a browser leave; gives where it is sent, with what it takes along.
    async fn leaves(&self, browser: &Browser) -> (Sent, Shown) {
        let signed_out = format!("{}/demo/signed-out", self.scene.server.app.public_url);
        let leaving = query(&[("client_id", &self.scene.demo.client_id), ("logout_uri", &signed_out)]);
        let out = browser.open(&format!("/logout?{leaving}")).await;
        let packed = STANDARD.decode(out.parameter("SAMLRequest")).expect("base64");
        let request = String::from_utf8(packed[5..].to_vec()).expect("UTF-8");
        (Sent { relay: out.parameter("RelayState"), request }, out)
    }

    fn logout(&self) -> String {
        format!("{}/saml2/logout", self.scene.server.app.public_url)
    }

    /// Has some browser post a message about a sign-out.
    async fn tells(&self, name: &str, message: &str, relay: &str) -> Shown {
        let message = STANDARD.encode(message);
        self.scene.browser().post("/saml2/logout", &[(name, &message), ("RelayState", relay)], &[]).await
    }
}

#[tokio::test]
async fn who_signs_out_here_signs_out_at_their_provider_and_comes_back() {
    let play = Play::leaving_together().await;
    let browser = play.scene.browser();
    play.signed_in(&browser, "a1", "s1").await;
    let (sent, out) = play.leaves(&browser).await;
    assert!(out.to().starts_with(&format!("{SIGN_OUT}?SAMLRequest=")), "{out:?}");
    assert!(!play.is_signed_in(&browser).await, "whatever the provider says");
    assert_eq!(sent.value("Destination"), SIGN_OUT);
    assert!(
        sent.request.contains("<saml:NameID>alice</saml:NameID><samlp:SessionIndex>s1</samlp:SessionIndex>")
    );
    assert_eq!(STANDARD.decode(out.parameter("Signature")).expect("base64").len(), 256);

    let answer = |to: &str| play.signer.logout_answer(&play.logout(), to, "Success");
    let good = answer(sent.id());
    for (message, relay) in [
        (Signer::fresh().logout_answer(&play.logout(), sent.id(), "Success"), sent.relay.as_str()),
        (good.replace("Success", "Responder"), &sent.relay),
        (answer("_another"), &sent.relay),
        (play.signer.logout_answer("https://elsewhere.example/slo", sent.id(), "Success"), &sent.relay),
        ("<x/>".to_owned(), &sent.relay),
        (good.clone(), "made-up"),
    ] {
        assert_eq!(play.tells("SAMLResponse", &message, relay).await.status, 400, "{message}");
    }
    let back = play.tells("SAMLResponse", &good, &sent.relay).await;
    assert!(back.leads_to().expect("the way on").ends_with("/demo/signed-out"), "{back:?}");
    assert_eq!(play.tells("SAMLResponse", &good, &sent.relay).await.status, 400, "once");

    // The answer may come by an address, signed beside it; a provider that could not end everything keeps nobody.
    play.signed_in(&browser, "a2", "s2").await;
    let (sent, _) = play.leaves(&browser).await;
    let answer = play.signer.logout_answer(&play.logout(), sent.id(), "Responder");
    let (start, rest) = answer.split_once("<ds:Signature").expect("a signature");
    let unsigned = format!("{start}{}", rest.split_once("</ds:Signature>").expect("its end").1);
    let method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let packed = STANDARD.encode(deflated(&unsigned));
    let pairs = query(&[("SAMLResponse", &packed), ("RelayState", &sent.relay), ("SigAlg", method)]);
    let by_address = |signed: &str| {
        let signature = STANDARD.encode(play.signer.sign(signed.as_bytes()));
        format!("/saml2/logout?{pairs}&{}", query(&[("Signature", &signature)]))
    };
    assert_eq!(browser.open(&by_address(&pairs.replace("RelayState", "x"))).await.status, 400);
    assert_eq!(browser.open(&format!("/saml2/logout?{pairs}")).await.status, 400);
    assert!(browser.open(&by_address(&pairs)).await.leads_to().is_some());

    // Who came by no provider, or one that takes no part, goes straight back.
    let own = play.scene.browser();
    play.scene.signed_in(&own, ALICE).await;
    let bye = query(&[("client_id", &play.scene.demo.client_id)]);
    assert_eq!(own.open(&format!("/logout?{bye}")).await.heading(), "Do you want to sign out?");
    let without = play.signer.metadata(IDP, SIGN_IN);
    let refused = json!({ "UserPoolId": play.scene.demo.pool_id, "ProviderName": "Corp", "ProviderDetails": {
        "MetadataFile": without, "IDPSignout": "true",
    } });
    play.scene.server.signed("UpdateIdentityProvider", refused).await.refused("InvalidParameterException");
}

#[tokio::test]
async fn a_provider_ends_the_sessions_that_it_vouched_for() {
    let play = Play::leaving_together().await;
    let (first, second, own) = (play.scene.browser(), play.scene.browser(), play.scene.browser());
    play.signed_in(&first, "a1", "s1").await;
    play.signed_in(&second, "a2", "s2").await;
    play.scene.signed_in(&own, ALICE).await;
    let here = play.logout();
    let request = play.signer.logout_request(&here, "alice", &["s1"]);
    for message in [
        Signer::unsigned_logout_request(&here, "alice", &["s1"]),
        Signer::fresh().logout_request(&here, "alice", &["s1"]),
        request.replace(">s1<", ">s2<"),
        play.signer.logout_request("https://elsewhere.example/slo", "alice", &["s1"]),
        play.signer.logout_request(&here, "bob", &[]),
    ] {
        assert_eq!(play.tells("SAMLRequest", &message, "r").await.status, 400, "{message}");
    }
    assert!(play.is_signed_in(&first).await && play.is_signed_in(&second).await);

    let told = play.tells("SAMLRequest", &request, "r").await;
    assert!(told.to().starts_with(&format!("{SIGN_OUT}/done?SAMLResponse=")), "{told:?}");
    assert_eq!(told.parameter("RelayState"), "r");
    let packed = STANDARD.decode(told.parameter("SAMLResponse")).expect("base64");
    let answer = String::from_utf8(packed[5..].to_vec()).expect("UTF-8");
    assert!(answer.contains(" InResponseTo=\"q1\"") && answer.contains("status:Success"), "{answer}");
    assert!(!play.is_signed_in(&first).await && play.is_signed_in(&second).await);
    assert_eq!(play.tells("SAMLRequest", &request, "r").await.status, 400, "once");
    // Late.
    let all = Signer::unsigned_logout_request(&here, "alice", &[]);
    let late = play.signer.signed(&all.replace("q1", "q2"), "q2");
    play.scene.server.clock.advance(420_000);
    assert_eq!(play.tells("SAMLRequest", &late, "r").await.status, 400);
    assert!(play.is_signed_in(&second).await && play.is_signed_in(&own).await);
}
