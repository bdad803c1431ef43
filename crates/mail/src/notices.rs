//! Notices of bounces and complaints, as SES sends them by an SNS topic: believed when they are signed by SNS, fresh, new,
//! and of a topic that the operator named. An address that bounced for good, or whose owner complained, gets no more mail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use postern_store::{Timestamp, Tx};
use serde::Deserialize;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::Mail;
use crate::address::Address;
use crate::suppression::suppress;
use crate::transport::web::{Get, Url, Web};

/// How long after it was written a notice is taken; SNS tries for less than that.
const FRESH_MS: i64 = 3_600_000;
/// How far SNS's clock may be ahead.
const AHEAD_MS: i64 = 5 * 60_000;
/// The longest notice (SNS).
pub const BYTES_MAX: usize = 256 * 1024;
const CERTIFICATE_MAX: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
/// Certificates remembered; SNS has one for each region at a time.
const KEYS_MAX: usize = 16;

/// A topic that is believed, and where SNS keeps its certificates and takes confirmations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub arn: String,
    /// An address that ends with a slash.
    pub sns: String,
}

impl Topic {
    /// Reads the ARN of a topic; SNS is where its region is.
    pub fn parse(arn: &str) -> Result<Topic> {
        let parts: Vec<&str> = arn.split(':').collect();
        let [arn_word, partition, "sns", region, account, name] = parts[..] else {
            anyhow::bail!("{arn} is no ARN of an SNS topic");
        };
        let is_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ensure!(
            arn_word == "arn" && !account.is_empty() && !name.is_empty() && !region.is_empty(),
            "{arn} is no ARN of an SNS topic"
        );
        ensure!(region.bytes().all(is_region), "{arn} names no region");
        let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        Ok(Topic { arn: arn.to_owned(), sns: format!("https://sns.{region}.{domain}/") })
    }
}

/// The door that notices come in by.
#[derive(Clone)]
pub struct Notices {
    web: Web,
    topics: Arc<Vec<Topic>>,
    /// Keys of certificates by their addresses.
    keys: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

/// What came of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    Taken,
    /// Not signed by SNS, or not for us, or too old.
    Refused(&'static str),
}

/// What SNS posts.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate: String,
    subject: Option<String>,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe: Option<String>,
}

/// What SES says in it, as far as it is of use.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// One word for notices of identities, the other for those of configuration sets.
    #[serde(alias = "eventType")]
    notification_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

impl Notices {
    pub fn new(web: Web, topics: Vec<Topic>) -> Notices {
        Notices { web, topics: Arc::new(topics), keys: Arc::default() }
    }

    /// Whether anything is believed at all.
    pub fn are_wanted(&self) -> bool {
        !self.topics.is_empty()
    }

    /// Judges what was posted, and does what it says.
    pub async fn take(&self, mail: &Mail, body: &[u8]) -> Result<Noticed> {
        let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
            return Ok(Noticed::Refused("This is no message of SNS."));
        };
        let Some(topic) = self.topics.iter().find(|topic| topic.arn == envelope.topic_arn) else {
            return Ok(Noticed::Refused("This topic is not known here."));
        };
        let now = mail.clock.now();
        let written = postern_model::Timestamp::parse_iso8601(&envelope.timestamp);
        let age_ms = written.map(|written| now.since(Timestamp::from_ms(written.0)));
        if !age_ms.is_some_and(|age_ms| (-AHEAD_MS..=FRESH_MS).contains(&age_ms)) {
            return Ok(Noticed::Refused("The message is too old."));
        }
        if envelope.signature_version != "2" {
            return Ok(Noticed::Refused("The topic must sign with SHA-256: SignatureVersion 2."));
        }
        let Some(key) = self.key(topic, &envelope.certificate).await else {
            return Ok(Noticed::Refused("The certificate is not one of SNS."));
        };
        if !is_signed(&envelope, &key) {
            return Ok(Noticed::Refused("The signature is wrong."));
        }
        match (envelope.kind.as_str(), &envelope.subscribe) {
            ("SubscriptionConfirmation", Some(address)) => self.confirm(topic, address).await,
            ("Notification", _) => {
                note(mail, &envelope, now).await?;
                Ok(Noticed::Taken)
            }
            _ => Ok(Noticed::Taken),
        }
    }

    /// Fetches the key that a certificate holds, from SNS and nowhere else.
    async fn key(&self, topic: &Topic, address: &str) -> Option<Vec<u8>> {
        let name = address.strip_prefix(&topic.sns)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !name.ends_with(".pem") || !name.bytes().all(is_name) {
            return None;
        }
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(address).cloned();
        if known.is_some() {
            return known;
        }
        let pem = self.get(address).await?;
        let key = key_of(std::str::from_utf8(&pem).ok()?)?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() < KEYS_MAX {
            keys.insert(address.to_owned(), key.clone());
        }
        Some(key)
    }

    /// Says to SNS that the subscription is wanted.
    async fn confirm(&self, topic: &Topic, address: &str) -> Result<Noticed> {
        let is_of_sns = address.strip_prefix(&topic.sns).is_some_and(|rest| rest.starts_with('?'));
        if !is_of_sns || self.get(address).await.is_none() {
            return Ok(Noticed::Refused("The subscription could not be confirmed at SNS."));
        }
        tracing::info!(topic = topic.arn, "notices of bounces and complaints are subscribed to");
        Ok(Noticed::Taken)
    }

    async fn get(&self, address: &str) -> Option<bytes::Bytes> {
        let url = Url::parse(address).ok()?;
        let get = Get { url: &url, headers: HeaderMap::new(), within: PATIENCE, bytes_max: CERTIFICATE_MAX };
        let reply = self.web.get(get).await.ok()?;
        (reply.status == 200).then_some(reply.body)
    }
}

/// The key in a certificate, DER. Who issued it says nothing here: it came from SNS, by TLS.
fn key_of(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (base64, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let base64: String = base64.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let certificate = Certificate::from_der(&STANDARD.decode(base64).ok()?).ok()?;
    certificate.tbs_certificate.subject_public_key_info.to_der().ok()
}

/// Judges the signature over the fields that SNS signs, each on two lines, in the order of their names.
fn is_signed(envelope: &Envelope, key: &[u8]) -> bool {
    let is_notification = envelope.kind == "Notification";
    let fields = [
        ("Message", Some(&envelope.message)),
        ("MessageId", Some(&envelope.message_id)),
        ("Subject", envelope.subject.as_ref().filter(|_| is_notification)),
        ("SubscribeURL", envelope.subscribe.as_ref().filter(|_| !is_notification)),
        ("Timestamp", Some(&envelope.timestamp)),
        ("Token", envelope.token.as_ref().filter(|_| !is_notification)),
        ("TopicArn", Some(&envelope.topic_arn)),
        ("Type", Some(&envelope.kind)),
    ];
    let signed: String = fields
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}\n{value}\n")))
        .collect();
    STANDARD.decode(&envelope.signature).is_ok_and(|signature| {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(signed.as_bytes(), &signature).is_ok()
    })
}

/// Puts the addresses that a notice names on the suppression list, once for each notice.
async fn note(mail: &Mail, envelope: &Envelope, now: Timestamp) -> Result<()> {
    let Ok(event) = serde_json::from_str::<Event>(&envelope.message) else { return Ok(()) };
    let (reason, recipients) = match (event.notification_type.as_str(), event.bounce, event.complaint) {
        ("Bounce", Some(bounce), _) if bounce.bounce_type == "Permanent" => {
            ("BOUNCE", bounce.bounced_recipients)
        }
        ("Complaint", _, Some(complaint)) => ("COMPLAINT", complaint.complained_recipients),
        _ => return Ok(()),
    };
    let addresses: Vec<Address> =
        recipients.iter().filter_map(|recipient| Address::parse(&recipient.email_address).ok()).collect();
    let listing = mail.clone();
    let (message_id, topic) = (envelope.message_id.clone(), envelope.topic_arn.clone());
    mail.store
        .write(move |tx: &mut Tx<'_>| {
            let day = Timestamp::from_ms(0);
            if tx.count("notices of SNS", &message_id, day, now.plus_ms(2 * FRESH_MS))? > 1 {
                return Ok(());
            }
            for address in &addresses {
                suppress(&listing, tx, address, reason, &topic, now)?;
            }
            anyhow::Ok(())
        })
        .await
        .context("a notice could not be written down")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_tells_where_its_sns_is() {
        let topic = Topic::parse("arn:aws:sns:eu-west-1:123456789012:bounces").expect("a topic");
        assert_eq!(topic.sns, "https://sns.eu-west-1.amazonaws.com/");
        let topic = Topic::parse("arn:aws-cn:sns:cn-north-1:123456789012:bounces").expect("a topic");
        assert_eq!(topic.sns, "https://sns.cn-north-1.amazonaws.com.cn/");
        for wrong in [
            "",
            "arn:aws:sqs:eu-west-1:123456789012:bounces",
            "arn:aws:sns:eu-west-1:123456789012",
            "arn:aws:sns:evil.test/x:123456789012:bounces",
            "arn:aws:sns::123456789012:bounces",
        ] {
            assert!(Topic::parse(wrong).is_err(), "{wrong}");
        }
    }
}
