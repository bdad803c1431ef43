//! Notices of bounces and complaints that nobody sent (attack case 32), by SNS and by mail. A house beside the server stands for SNS: it has a
//! certificate, and counts what it is asked.

use crate::support::TestServer;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_mail::notices::Topic;
use postern_store::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:bounces";
const VICTIM: &str = "victim@example.com";

/// What stands for SNS.
struct Sns {
    url: String,
    key: KeyPair,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Sns {
    async fn start() -> Sns {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(certificate(&key))
        );
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = asked.clone();
        let router = Router::new().fallback(move |uri: Uri| {
            notes.lock().expect("notes").push(uri.to_string());
            let pem = pem.clone();
            async move { pem }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Sns { url, key, asked }
    }

    /// A notice about somebody, as SNS signs it.
    fn notice(&self, now: Timestamp, id: &str, event: &Value) -> Value {
        let notice = json!({
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": TOPIC,
            "Message": event.to_string(),
            "Timestamp": postern_model::Timestamp(now.ms()).iso8601(),
            "SignatureVersion": "2",
            "SigningCertURL": format!("{}SimpleNotificationService-1.pem", self.url),
        });
        self.signed(notice)
    }

    fn signed(&self, mut notice: Value) -> Value {
        let names: &[&str] = match notice["Type"].as_str() {
            Some("Notification") => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
            _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
        };
        let said = |name: &&str| notice[*name].as_str().map(|value| format!("{name}\n{value}\n"));
        let text: String = names.iter().filter_map(said).collect();
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .expect("a signature");
        notice["Signature"] = STANDARD.encode(signature).into();
        notice
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("notes").clone()
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u16::try_from(body.len()).expect("a short body").to_be_bytes();
    let head = match body.len() {
        0..128 => vec![tag, length[1]],
        128..256 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, body].concat()
}

fn certificate(key: &KeyPair) -> Vec<u8> {
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a public key");
    // sha256WithRSAEncryption
    let algorithm = tlv(0x30, &[&hex::decode("06092a864886f70d01010b0500").expect("hex")]);
    let validity = tlv(0x30, &[&tlv(0x17, &[b"250101000000Z"]), &tlv(0x17, &[b"350101000000Z"])]);
    let name = tlv(0x30, &[]);
    let version = tlv(0xa0, &[&[2, 1, 2]]);
    let parts: [&[u8]; 7] = [&version, &[2, 1, 1], &algorithm, &name, &validity, &name, public.as_ref()];
    let certified = tlv(0x30, &parts);
    tlv(0x30, &[&certified, &algorithm, &tlv(3, &[&[0, 0]])])
}

fn bounce(kind: &str) -> Value {
    json!({ "notificationType": "Bounce", "bounce": {
        "bounceType": kind, "bounceSubType": "General", "bouncedRecipients": [{ "emailAddress": VICTIM }],
    } })
}

async fn house(sns: &Sns) -> TestServer {
    let topic = Topic { arn: TOPIC.to_owned(), sns: sns.url.clone() };
    TestServer::with(|settings| settings.notice_topics = vec![topic]).await
}

async fn posted(server: &TestServer, notice: &Value) -> u16 {
    server.client.post("/notices/sns", &notice.to_string()).await.status
}

async fn reason(server: &TestServer) -> Option<String> {
    let path = format!("/suppression/addresses/{VICTIM}");
    let answer = server.ses("GET", &path, Value::Null).await;
    answer.body["SuppressedDestination"]["Reason"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn case_32_a_notice_that_sns_signed_stops_the_mail_and_no_other_does() {
    let sns = Sns::start().await;
    let server = house(&sns).await;
    let now = server.clock.now();
    let good = sns.notice(now, "1", &bounce("Permanent"));
    let with = |name: &str, value: Value| {
        let mut notice = good.clone();
        notice[name] = value;
        notice
    };
    let foreign = Sns::start().await;
    let hour_ago = now.minus_ms(2 * 3_600_000);
    let mut elsewhere = good.clone();
    elsewhere["SigningCertURL"] = format!("{}SimpleNotificationService-1.pem", foreign.url).into();
    for (what, notice) in [
        (
            "another message",
            with("Message", bounce("Permanent").to_string().replace("victim", "other").into()),
        ),
        ("no signature", with("Signature", "".into())),
        ("a signature of nobody", with("Signature", STANDARD.encode([7; 256]).into())),
        ("a topic of somebody else", sns.signed(with("TopicArn", format!("{TOPIC}-2").into()))),
        ("an old one", sns.notice(hour_ago, "1", &bounce("Permanent"))),
        ("the older signature", with("SignatureVersion", "1".into())),
        ("another time", with("Timestamp", postern_model::Timestamp(now.ms() + 1).iso8601().into())),
        ("a certificate elsewhere", foreign.signed(elsewhere)),
        ("a way out of the address", with("SigningCertURL", format!("{}../x.pem", sns.url).into())),
        ("no certificate", with("SigningCertURL", format!("{}x.html", sns.url).into())),
        (
            "a host that only begins so",
            with("SigningCertURL", format!("{}@evil.test/x.pem", &sns.url[..sns.url.len() - 1]).into()),
        ),
        ("nothing of SNS", json!({ "notificationType": "Bounce" })),
    ] {
        assert_eq!(posted(&server, &notice).await, 403, "{what}");
        assert_eq!(reason(&server).await, None, "{what}");
    }
    assert_eq!(foreign.asked(), Vec::<String>::new(), "nothing is fetched from elsewhere");

    // What passes by itself stops nothing; what is for good does.
    assert_eq!(posted(&server, &sns.notice(now, "0", &bounce("Transient"))).await, 200);
    assert_eq!(reason(&server).await, None);
    assert_eq!(posted(&server, &good).await, 200);
    assert_eq!(reason(&server).await.as_deref(), Some("BOUNCE"));

    // Somebody mends the mailbox; the same notice again does nothing.
    server.ses("DELETE", &format!("/suppression/addresses/{VICTIM}"), Value::Null).await.ok();
    assert_eq!(posted(&server, &good).await, 200);
    assert_eq!(reason(&server).await, None);
    let complaint = json!({ "eventType": "Complaint",
        "complaint": { "complainedRecipients": [{ "emailAddress": VICTIM }] } });
    assert_eq!(posted(&server, &sns.notice(now, "2", &complaint)).await, 200);
    assert_eq!(reason(&server).await.as_deref(), Some("COMPLAINT"));
}

#[tokio::test]
async fn case_32_a_subscription_is_confirmed_at_sns_and_nowhere_else() {
    let sns = Sns::start().await;
    let server = house(&sns).await;
    let confirmation = |address: String| {
        sns.signed(json!({
            "Type": "SubscriptionConfirmation", "MessageId": "1", "TopicArn": TOPIC, "Token": "token",
            "Message": "You have chosen to subscribe", "SubscribeURL": address,
            "Timestamp": postern_model::Timestamp(server.clock.now().ms()).iso8601(),
            "SignatureVersion": "2", "SigningCertURL": format!("{}cert.pem", sns.url),
        }))
    };
    let elsewhere = Sns::start().await;
    assert_eq!(posted(&server, &confirmation(format!("{}?Action=x", elsewhere.url))).await, 403);
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
    let address = format!("{}?Action=ConfirmSubscription&Token=token", sns.url);
    assert_eq!(posted(&server, &confirmation(address)).await, 200);
    assert!(sns.asked().contains(&"/?Action=ConfirmSubscription&Token=token".to_owned()));
}

#[tokio::test]
async fn case_32_without_a_topic_there_is_no_door() {
    let server = TestServer::start().await;
    let sns = Sns::start().await;
    assert_eq!(posted(&server, &sns.notice(server.clock.now(), "1", &bounce("Permanent"))).await, 404);
}

#[tokio::test]
async fn case_32_a_report_without_the_tag_of_its_mail_stops_nobodys_mail() {
    let server =
        TestServer::with(|settings| settings.ses.report_domains = vec!["mail.test".to_owned()]).await;
    let report = |to: &str| {
        format!(
            "To: <{to}>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n\r\n\
             Final-Recipient: rfc822; {VICTIM}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
        )
    };
    let forged = format!("bounces+{}@mail.test", "7f".repeat(18));
    for to in ["bounces@mail.test", &forged] {
        assert_eq!(server.client.post("/notices/dsn", &report(to)).await.status, 403, "{to}");
        assert_eq!(reason(&server).await, None);
    }
    let elsewhere = TestServer::start().await;
    assert_eq!(elsewhere.client.post("/notices/dsn", &report(&forged)).await.status, 404);
}
