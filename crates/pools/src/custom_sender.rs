//! Messages that a function sends in our place (CustomEmailSender, CustomSMSSender): what it is told, with the code
//! encrypted under a key that the operator shares with it. It is called by the worker that delivers messages.

use crate::Pools;
use crate::destination::Medium;
use crate::functions::{Event, Whom, sealed_code};
use crate::messages::{Occasion, escape};
use crate::outgoing::Letter;
use crate::step::At;
use crate::triggers::with_metadata;
use crate::user::User;
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
        let occasion = letter.occasion.trigger().filter(|_| letter.occasion != Occasion::AccountExists);
        let Some(occasion) = occasion else { return Ok(None) };
        // A temporary password travels as it stands in an HTML mail.
        let code = letter.code.map(|code| match letter.occasion {
            Occasion::Invitation => escape(code),
            _ => code.to_owned(),
        });
        self.handed_over(at, letter.to.medium, occasion, || self.whom_of(tx, at, letter), code.as_deref())
    }

    /// The same of what a person is told of a risky sign-in.
    pub(crate) fn custom_notice(&self, at: &At, user: &User) -> Answer<Option<Handover>> {
        self.handed_over(at, Medium::Email, "AccountTakeOverNotification", || Whom::of(user), None)
    }

    fn handed_over(
        &self,
        at: &At,
        medium: Medium,
        occasion: &'static str,
        whom: impl FnOnce() -> Whom,
        code: Option<&str>,
    ) -> Answer<Option<Handover>> {
        let Some(config) = &at.pool.config.lambda_config else { return Ok(None) };
        let (name, kind, function) = match medium {
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
        let key = self
            .functions
            .code_key(key_name)
            .ok_or_else(|| anyhow::anyhow!("the key {key_name} for codes is not configured any more"))?;
        let code = match code {
            Some(code) => {
                let context = [("userpool-id", at.pool.id.as_str())];
                Value::from(STANDARD.encode(sealed_code::seal(key, key_name, &context, code)?))
            }
            None => Value::Null,
        };
        let event = Event {
            occasion,
            version: "1",
            whom: whom(),
            request: with_metadata(at, [("type", kind.into()), ("code", code)]),
            response: json!({}),
        };
        let event = event.write(name, &self.place.region, &at.pool.id, &at.client.id);
        Ok(Some(Handover { function: function.clone(), event }))
    }
}
