//! How text messages leave: by a signed webhook, by an endpoint that speaks SNS, or not at all because the local inbox
//! keeps them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postern_access::sigv4::{Request, SigningKey, signature};
use postern_store::Timestamp;
use serde_json::json;

use super::web::{Post, Reply, Unreached, Url, Web, headers};
use super::{ANSWER, Delivery, webhook};
use crate::text::Text;

/// The longest answer of a carrier that is read.
const ANSWER_MAX: usize = 64 * 1024;

/// How text messages leave.
#[derive(Clone)]
pub enum Carrier {
    /// There is no way.
    None,
    /// Nowhere: the worker keeps them in the store's inbox, for development and tests.
    Inbox,
    Webhook(Arc<TextWebhook>),
    Sns(Arc<SnsEndpoint>),
}

/// A webhook that sends what is posted to it.
pub struct TextWebhook {
    pub web: Web,
    pub url: Url,
    pub secret: Vec<u8>,
}

/// An endpoint that speaks SNS, and the key to it.
pub struct SnsEndpoint {
    pub web: Web,
    pub url: Url,
    pub region: String,
    pub access_key_id: String,
    pub secret: String,
}

/// One message, ready to go.
pub struct TextParcel<'a> {
    pub id: &'a str,
    pub pool_id: Option<&'a str>,
    pub text: &'a Text,
    pub now: Timestamp,
    /// How long this attempt may take before the message is worthless.
    pub patience: Duration,
}

impl Carrier {
    /// Makes one attempt.
    pub async fn deliver(&self, parcel: &TextParcel<'_>) -> Delivery {
        match self {
            Carrier::None => Delivery::Refused { reply: "no carrier is configured".to_owned() },
            Carrier::Inbox => Delivery::Accepted { reply: "kept in the inbox".to_owned() },
            Carrier::Webhook(hook) => hook.deliver(parcel).await,
            Carrier::Sns(endpoint) => endpoint.deliver(parcel).await,
        }
    }
}

impl TextWebhook {
    async fn deliver(&self, parcel: &TextParcel<'_>) -> Delivery {
        let text = parcel.text;
        let body = json!({
            "to": text.to,
            "text": text.text,
            "senderId": text.sender_id,
            "type": text.kind.as_str(),
            "messageId": parcel.id,
            "pool": parcel.pool_id,
        })
        .to_string();
        // The id is the same at each attempt: whoever sends can tell a second one from a second message.
        let mut sent = webhook::signature(&self.secret, parcel.id, parcel.now, body.as_bytes());
        sent.extend(headers([("content-type", "application/json")]));
        let reply = self
            .web
            .post(Post {
                url: &self.url,
                headers: sent,
                body: Bytes::from(body),
                within: parcel.patience.min(ANSWER),
                bytes_max: ANSWER_MAX,
            })
            .await;
        judged(reply, |_| String::new())
    }
}

impl SnsEndpoint {
    async fn deliver(&self, parcel: &TextParcel<'_>) -> Delivery {
        let body = self.form(parcel.text);
        let own = [
            ("host", self.url.authority()),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ];
        let path = self.url.path();
        let request = Request {
            method: "POST",
            path: if path.is_empty() { "/" } else { path },
            query: self.url.query(),
            headers: &own,
            body: body.as_bytes(),
        };
        let key = SigningKey {
            access_key_id: &self.access_key_id,
            secret: &self.secret,
            region: &self.region,
            service: "sns",
        };
        let Ok(signed) = signature(&request, key, parcel.now) else {
            return Delivery::Refused { reply: "the call could not be signed".to_owned() };
        };
        let mut sent = headers(own);
        sent.extend(headers(signed.iter().map(|(name, value)| (*name, value.as_str()))));
        let reply = self
            .web
            .post(Post {
                url: &self.url,
                headers: sent,
                body: Bytes::from(body.clone()),
                within: parcel.patience.min(ANSWER),
                bytes_max: ANSWER_MAX,
            })
            .await;
        judged(reply, |answer| element(answer, "MessageId").or(element(answer, "Code")).unwrap_or_default())
    }

    /// `Publish` in the Query protocol.
    fn form(&self, text: &Text) -> String {
        let mut pairs = vec![
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("PhoneNumber", text.to.as_str()),
            ("Message", text.text.as_str()),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", text.kind.as_str()),
        ];
        if let Some(sender_id) = &text.sender_id {
            pairs.extend([
                ("MessageAttributes.entry.2.Name", "AWS.SNS.SMS.SenderID"),
                ("MessageAttributes.entry.2.Value.DataType", "String"),
                ("MessageAttributes.entry.2.Value.StringValue", sender_id.as_str()),
            ]);
        }
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.join("&")
    }
}

/// What an answer means: accepted; worth another attempt (429, 5xx, nobody there); or no.
fn judged(reply: Result<Reply, Unreached>, told: impl Fn(&str) -> String) -> Delivery {
    match reply {
        Ok(reply) => {
            let words = told(&String::from_utf8_lossy(&reply.body));
            let words = format!("{} {words}", reply.status).trim_end().to_owned();
            match reply.status {
                200..=299 => Delivery::Accepted { reply: words },
                408 | 429 | 500..=599 => Delivery::Later { reply: words },
                _ if words.contains("Throttl") => Delivery::Later { reply: words },
                _ => Delivery::Refused { reply: words },
            }
        }
        Err(Unreached::Forbidden) => {
            Delivery::Refused { reply: "the address of the carrier is not a public one".to_owned() }
        }
        Err(other) => Delivery::Later { reply: format!("the carrier was not reached: {other:?}") },
    }
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once("</")?;
    Some(value.to_owned())
}
