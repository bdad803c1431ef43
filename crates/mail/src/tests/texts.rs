//! How accepted text messages reach their carrier: signed, again while it is of use, and once.

use super::*;
use crate::Ways;
use crate::text::{Text, TextKind};
use crate::texting::{TextDraft, Untexted};
use crate::transport::web::{Url, Web};
use crate::transport::{Carrier, Network, SnsEndpoint, TextWebhook};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_access::sigv4;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const NUMBER: &str = "+15555550123";
const SECRET: &[u8] = b"a secret of more than 24 bytes";

/// What a gateway heard: the request line, its headers in lower case, its body.
#[derive(Clone)]
struct Heard {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// A gateway that answers each call with the next of these statuses.
async fn gateway(statuses: &[u16]) -> (Url, Arc<Mutex<Vec<Heard>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://127.0.0.1:{}/texts", listener.local_addr().expect("an address").port());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (notes, statuses) = (heard.clone(), statuses.to_vec());
    tokio::spawn(async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut bytes = Vec::new();
            let request = loop {
                let mut piece = [0; 4096];
                let length = stream.read(&mut piece).await.expect("a request");
                bytes.extend_from_slice(&piece[..length]);
                if let Some(whole) = read(&bytes) {
                    break whole;
                }
            };
            notes.lock().expect("notes").push(request);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
        }
    });
    (Url::parse(&url).expect("a URL"), heard)
}

fn read(bytes: &[u8]) -> Option<Heard> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    (body.len() == length).then(|| Heard { line, headers, body: body.to_owned() })
}

async fn bench(carrier: Carrier) -> Bench {
    Bench::by(settings(), Ways { transport: Transport::Inbox, carrier }, Memory::default()).await
}

fn web(listed: &[&str]) -> Web {
    Web::open(listed.iter().map(|text| Network::parse(text).expect("a network")).collect())
}

fn text(bench: &Bench) -> TextDraft {
    TextDraft {
        text: Text {
            to: NUMBER.to_owned(),
            text: "Your authentication code is 12345678. ".to_owned(),
            sender_id: Some("Acme".to_owned()),
            kind: TextKind::Transactional,
        },
        purpose: "Sign-in code".to_owned(),
        expires: Some(bench.clock.now().plus_ms(180_000)),
        urgent: true,
        pool_id: Some("us-east-1_a".to_owned()),
        user_id: None,
        code: Some("12345678".to_owned()),
        facts: BTreeMap::new(),
        decoy: false,
        price_max: None,
        handover: None,
    }
}

async fn send(bench: &Bench, draft: TextDraft) -> Result<String, Untexted> {
    let (mail, now) = (bench.mail.clone(), bench.clock.now());
    bench.store.write(move |tx| mail.write_down_text(tx, &draft, now)).await.map(|queued| queued.message_id)
}

#[tokio::test]
async fn a_webhook_gets_a_message_until_it_takes_it_and_then_never_again() {
    let (url, heard) = gateway(&[500, 429, 200, 200]).await;
    let hook = TextWebhook { web: web(&["127.0.0.1"]), url, secret: SECRET.to_vec() };
    let mut bench = bench(Carrier::Webhook(Arc::new(hook))).await;
    let id = send(&bench, text(&bench)).await.expect("accepted");
    for _ in 0..20 {
        bench.worker.run_due().await;
        bench.clock.advance(1_000);
    }
    assert_eq!(bench.states().await, ["sent"]);
    let heard = heard.lock().expect("notes").clone();
    assert_eq!(heard.len(), 3);
    for request in &heard {
        assert!(request.line.starts_with("POST /texts "), "{}", request.line);
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!((body["to"].as_str(), body["type"].as_str()), (Some(NUMBER), Some("Transactional")));
        assert_eq!((body["senderId"].as_str(), body["pool"].as_str()), (Some("Acme"), Some("us-east-1_a")));
        assert_eq!(body["messageId"].as_str(), Some(id.as_str()));
        assert_eq!(request.headers["webhook-id"], id);
        let signed = format!("{id}.{}.{}", request.headers["webhook-timestamp"], request.body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed.as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
        assert_eq!(request.headers["webhook-signature"], signature);
    }
}

#[tokio::test]
async fn a_message_whose_code_has_died_is_not_sent() {
    let (url, heard) = gateway(&[500]).await;
    let hook = TextWebhook { web: web(&["127.0.0.1"]), url, secret: SECRET.to_vec() };
    let mut bench = bench(Carrier::Webhook(Arc::new(hook))).await;
    send(&bench, text(&bench)).await.expect("accepted");
    bench.worker.run_due().await;
    bench.clock.advance(170_000);
    bench.worker.run_due().await;
    assert_eq!(bench.states().await, ["expired"]);
    assert_eq!(heard.lock().expect("notes").len(), 1);
}

#[tokio::test]
async fn a_no_is_final_and_so_is_an_address_that_may_not_be_called() {
    let (url, heard) = gateway(&[400]).await;
    for listed in [&["127.0.0.1"][..], &[]] {
        let hook = TextWebhook { web: web(listed), url: url.clone(), secret: SECRET.to_vec() };
        let mut bench = bench(Carrier::Webhook(Arc::new(hook))).await;
        send(&bench, text(&bench)).await.expect("accepted");
        bench.worker.run_due().await;
        assert_eq!(bench.states().await, ["failed"]);
    }
    assert_eq!(heard.lock().expect("notes").len(), 1, "nothing was called that is not listed");
}

#[tokio::test]
async fn an_endpoint_that_speaks_sns_is_asked_to_publish_by_a_signed_call() {
    let (url, heard) = gateway(&[200]).await;
    let endpoint = SnsEndpoint {
        web: web(&["127.0.0.1"]),
        url,
        region: "eu-west-1".to_owned(),
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: "a secret key".to_owned(),
    };
    let mut bench = bench(Carrier::Sns(Arc::new(endpoint))).await;
    send(&bench, text(&bench)).await.expect("accepted");
    bench.worker.run_due().await;
    assert_eq!(bench.states().await, ["sent"]);
    let heard = heard.lock().expect("notes").clone();
    let Heard { headers, body, .. } = &heard[0];
    for part in [
        "Action=Publish",
        "PhoneNumber=%2B15555550123",
        "Message=Your%20authentication%20code%20is%2012345678%2E%20",
        "Value.StringValue=Transactional",
        "Value.StringValue=Acme",
    ] {
        let part = part.replace("Value.StringValue", "Value%2EStringValue");
        assert!(body.contains(&part), "{part} in {body}");
    }
    let pairs: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request =
        sigv4::Request { method: "POST", path: "/texts", query: "", headers: &pairs, body: body.as_bytes() };
    let presented = sigv4::parse(&request).expect("a signature");
    assert_eq!((presented.region.as_str(), presented.service.as_str()), ("eu-west-1", "sns"));
    sigv4::verify(&presented, "a secret key", "sns", bench.clock.now()).expect("the right signature");
}

#[tokio::test]
async fn the_inbox_keeps_texts_beside_mails_and_a_decoy_goes_nowhere() {
    let mut bench = bench(Carrier::Inbox).await;
    send(&bench, text(&bench)).await.expect("accepted");
    send(&bench, TextDraft { decoy: true, ..text(&bench) }).await.expect("accepted");
    bench.worker.run_due().await;
    let caught = bench.mail.inbox_of_number(NUMBER, 10).await.expect("the inbox");
    assert_eq!(caught.len(), 1);
    assert_eq!(
        (caught[0].letter.to(), caught[0].letter.code.as_deref()),
        (NUMBER.to_owned(), Some("12345678"))
    );
    let mut states = bench.states().await;
    states.sort();
    assert_eq!(states, ["dropped", "sent"]);
}

#[tokio::test]
async fn without_a_carrier_no_text_is_accepted() {
    let bench = bench(Carrier::None).await;
    assert!(matches!(send(&bench, text(&bench)).await, Err(Untexted::NoCarrier)));
    let long = Text { text: "a".repeat(1601), ..text(&bench).text };
    let with_inbox = self::bench(Carrier::Inbox).await;
    let sent = send(&with_inbox, TextDraft { text: long, ..text(&with_inbox) }).await;
    assert!(matches!(sent, Err(Untexted::TooLong)));
}
