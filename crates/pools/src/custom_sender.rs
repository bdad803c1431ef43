//! Messages that a function sends in our place (CustomEmailSender, CustomSMSSender): what it is told, with the code
//! encrypted under a key that the operator shares with it. It is called by the worker that delivers messages.

use crate::Pools;
use crate::destination::Medium;
use crate::functions::{Event, sealed_code};
use crate::messages::{Occasion, escape};
use crate::outgoing::Letter;
use crate::step::At;
use crate::triggers::with_metadata;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_mail::Handover;
use postern_model::Answer;
use postern_store::Tx;
use serde_json::{Value, json};

impl Pools {
    /// Prepares a message for the function that sends it, if there is one. What the house says in its own words it
    /// sends itself.
    pub(crate) fn custom_sender(
        &self,
        tx: &Tx<'_>,
        at: &At,
        letter: &Letter<'_>,
    ) -> Answer<Option<Handover>> {
        let Some(config) = &at.pool.config.lambda_config else { return Ok(None) };
        let (name, kind, function) = match letter.to.medium {
            Medium::Email => (
                "CustomEmailSender",
                "customEmailSenderRequestV1",
                config.custom_email_sender.as_ref().map(|sender| &sender.lambda_arn),
            ),
            Medium::Sms => (
                "CustomSMSSender",
                "customSMSSenderRequestV1",
                config.custom_sms_sender.as_ref().map(|sender| &sender.lambda_arn),
            ),
        };
        let (Some(function), Some(key_name)) = (function, &config.kms_key_id) else {
            return Ok(None);
        };
        let occasion = letter.occasion.trigger().filter(|_| letter.occasion != Occasion::AccountExists);
        let Some(occasion) = occasion else { return Ok(None) };
        let key = self
            .functions
            .code_key(key_name)
            .ok_or_else(|| anyhow::anyhow!("the key {key_name} for codes is not configured any more"))?;
        let code = match letter.code {
            Some(code) => {
                // A temporary password travels as it stands in an HTML mail.
                let text =
                    if letter.occasion == Occasion::Invitation { escape(code) } else { code.to_owned() };
                let context = [("userpool-id", at.pool.id.as_str())];
                Value::from(STANDARD.encode(sealed_code::seal(key, key_name, &context, &text)?))
            }
            None => Value::Null,
        };
        let event = Event {
            occasion,
            version: "1",
            whom: self.whom_of(tx, at, letter),
            request: with_metadata(at, [("type", kind.into()), ("code", code)]),
            response: json!({}),
        };
        let event = event.write(name, &self.place.region, &at.pool.id, &at.client.id);
        Ok(Some(Handover { function: function.clone(), event }))
    }
}
