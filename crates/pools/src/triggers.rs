//! The steps of the story at which functions are called, one method for each.

pub mod custom;

use crate::Pools;
use crate::functions::claims::{self, Version};
use crate::functions::message::{CODE, Chosen, LINK, USERNAME};
use crate::functions::{self, Answers, Event, Question, Trigger, Whom};
use crate::messages::Occasion;
use crate::outgoing::Letter;
use crate::step::{At, Subject};
use crate::tokens::Grant;
use crate::user::{Status, User, fresh_id, uuid_text};
use postern_model::cognito_idp::errors::InvalidLambdaResponseException;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::{Purpose, Tx};
use serde_json::{Map, Value, json};

/// What a function says about somebody who signs up.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Welcome {
    pub confirmed: bool,
    pub email_verified: bool,
    pub phone_verified: bool,
}

impl Welcome {
    /// Writes down what the function says; an address that is not there cannot be verified.
    pub fn write(self, user: &mut User) -> Answer<()> {
        for (name, is_verified) in [("email", self.email_verified), ("phone_number", self.phone_verified)] {
            if !is_verified {
                continue;
            }
            if user.attribute(name).is_none() {
                return refuse(
                    InvalidLambdaResponseException,
                    format!("The {name} cannot be verified automatically, for there is none."),
                );
            }
            user.set_verified(name, true);
        }
        if self.confirmed {
            user.status = Status::Confirmed;
        }
        Ok(())
    }
}

impl Pools {
    /// Asks a function, if the pool has one for this step; the unit of work stops here while the answer is not known.
    pub(crate) fn ask_function(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        trigger: Trigger,
        event: impl FnOnce() -> Event,
    ) -> Answer<Option<Value>> {
        let Some(config) = &at.pool.config.lambda_config else { return Ok(None) };
        let Some(function) = trigger.function(config) else { return Ok(None) };
        let question = self.question(at, trigger, function, event());
        let Some(answers) = tx.known::<Answers>() else {
            return Err(anyhow::anyhow!("{} is asked where nobody makes calls", trigger.name()).into());
        };
        answers.take(question).map(Some)
    }

    pub(crate) fn question(&self, at: &At, trigger: Trigger, function: &str, event: Event) -> Question {
        let event = event.write(trigger.source(), &self.place.region, &at.pool.id, &at.client.id);
        Question { trigger, function: function.to_owned(), event }
    }

    /// The id of a user that this unit of work makes: the same in all its runs, for functions are told.
    pub(crate) fn id_of_new_user(&self, tx: &mut Tx<'_>) -> String {
        tx.known::<Answers>().map_or_else(fresh_id, |answers| answers.fresh_id.clone())
    }

    /// PreSignUp: somebody is about to become a user.
    pub(crate) fn pre_sign_up(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        occasion: &'static str,
    ) -> Answer<Welcome> {
        let response = self.ask_function(tx, at, Trigger::PreSignUp, || Event {
            occasion,
            version: "1",
            whom: Whom::to_be(user),
            request: with_metadata(at, [("validationData", json!(at.says.validation))]),
            response: json!({ "autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false }),
        })?;
        let Some(response) = response else { return Ok(Welcome::default()) };
        let said = |name: &str| response[name] == true;
        Ok(Welcome {
            confirmed: said("autoConfirmUser"),
            email_verified: said("autoVerifyEmail"),
            phone_verified: said("autoVerifyPhone"),
        })
    }

    /// PostConfirmation: somebody has confirmed a sign-up, or a new password.
    pub(crate) fn post_confirmation(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        occasion: &'static str,
    ) -> Answer<()> {
        self.ask_function(tx, at, Trigger::PostConfirmation, || Event {
            occasion,
            version: "1",
            whom: Whom::of(user),
            request: with_metadata(at, []),
            response: json!({}),
        })?;
        Ok(())
    }

    /// PreAuthentication: somebody, or nobody, begins to sign in.
    pub(crate) fn pre_authentication(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<()> {
        self.ask_function(tx, at, Trigger::PreAuthentication, || Event {
            occasion: "Authentication",
            version: "1",
            whom: whom(subject),
            request: with_not_found(at, subject, [("validationData", json!(at.says.validation))]),
            response: json!({}),
        })?;
        Ok(())
    }

    /// CustomMessage: the words of a message, where it may have words of the function's own. Messages that go to
    /// nobody are asked about like all others.
    pub(crate) fn custom_message(&self, tx: &mut Tx<'_>, at: &At, letter: &Letter<'_>) -> Answer<Chosen> {
        let Some(occasion) = letter.occasion.trigger() else { return Ok(Chosen::default()) };
        let user = letter.user.filter(|_| letter.occasion != Occasion::AccountExists);
        let parts: &[&str] = match letter.occasion {
            Occasion::Invitation => &[USERNAME, CODE],
            Occasion::InvitationWithoutPassword => &[USERNAME],
            _ if letter.carries_link(&at.pool) => &[LINK],
            _ => &[CODE],
        };
        let whom = match user {
            Some(user) => Whom::of(user),
            None => self.nobody_at(tx, at, letter),
        };
        let response = self.ask_function(tx, at, Trigger::CustomMessage, || {
            let name = parts.contains(&USERNAME).then_some(USERNAME);
            let mut request = with_metadata(
                at,
                [
                    ("codeParameter", CODE.into()),
                    ("linkParameter", LINK.into()),
                    ("usernameParameter", json!(name)),
                ],
            );
            if user.is_none() {
                request.insert("userNotFound".into(), true.into());
            }
            let response = json!({ "smsMessage": null, "emailMessage": null, "emailSubject": null });
            Event { occasion, version: "1", whom, request, response }
        })?;
        let Some(response) = response else { return Ok(Chosen::default()) };
        let chosen = Chosen::read(&response, parts)
            .map_err(|fault| refusal(InvalidLambdaResponseException, format!("CustomMessage: {fault}.")))?;
        // What is said to the owner of an account that is there already is the house's own.
        Ok(if letter.occasion == Occasion::AccountExists { Chosen::default() } else { chosen })
    }

    /// Whom a message is for.
    pub(crate) fn whom_of(&self, tx: &Tx<'_>, at: &At, letter: &Letter<'_>) -> Whom {
        letter.user.map_or_else(|| self.nobody_at(tx, at, letter), Whom::of)
    }

    fn nobody_at(&self, tx: &Tx<'_>, at: &At, letter: &Letter<'_>) -> Whom {
        let address = letter.to.address.as_bytes();
        let drawn = tx.keys().mac(Purpose::Decoy, &[b"function", at.pool.id.as_bytes(), address]);
        let sub = drawn.first_chunk::<16>().map_or_else(fresh_id, |bytes| uuid_text(*bytes));
        Whom::stand_in(sub, letter.to.medium.attribute(), &letter.to.address)
    }

    /// PreTokenGeneration: what the tokens of a sign-in say.
    pub(crate) fn pre_token_generation(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        occasion: &'static str,
        grant: &mut Grant,
    ) -> Answer<()> {
        let Some(config) = &at.pool.config.lambda_config else { return Ok(()) };
        let version = functions::token_version(config);
        let claims = grant.id_claims.as_ref().unwrap_or(&grant.access_claims);
        let of_claim = |name: &str| claims.get(name).cloned();
        let response = self.ask_function(tx, at, Trigger::PreTokenGeneration, || {
            let groups = json!({
                "groupsToOverride": of_claim("cognito:groups").unwrap_or_else(|| json!([])),
                "iamRolesToOverride": of_claim("cognito:roles").unwrap_or_else(|| json!([])),
                "preferredRole": of_claim("cognito:preferred_role"),
            });
            let mut request = with_metadata(at, [("groupConfiguration", groups)]);
            if version != Version::V1 {
                let scope = grant.access_claims["scope"].as_str().unwrap_or_default();
                request.insert("scopes".into(), scope.split(' ').collect::<Vec<_>>().into());
            }
            let response = json!({ version.member(): null });
            Event { occasion, version: version.as_str(), whom: Whom::of(user), request, response }
        })?;
        let Some(response) = response else { return Ok(()) };
        claims::apply(version, &response, grant.id_claims.as_mut(), &mut grant.access_claims)
            .map_err(|claims::Unreadable| Error::Refused(functions::unrecognizable()))
    }

    /// The same for a token that stands for an app itself, in the version that speaks of apps.
    pub(crate) fn pre_token_generation_of_client(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        grant: &mut Grant,
    ) -> Answer<()> {
        let Some(config) = &at.pool.config.lambda_config else { return Ok(()) };
        let version = functions::token_version(config);
        if version != Version::V3 {
            return Ok(());
        }
        let response = self.ask_function(tx, at, Trigger::PreTokenGeneration, || {
            let scopes: Vec<&str> = grant.scope.split(' ').collect();
            let request = with_metadata(at, [("groupConfiguration", Value::Null), ("scopes", json!(scopes))]);
            let response = json!({ version.member(): null });
            let whom = Whom::nobody("ClientCredentials");
            Event { occasion: "ClientCredentials", version: version.as_str(), whom, request, response }
        })?;
        let Some(response) = response else { return Ok(()) };
        claims::apply(version, &response, None, &mut grant.access_claims)
            .map_err(|claims::Unreadable| Error::Refused(functions::unrecognizable()))
    }

    /// PostAuthentication: somebody has given all that was asked.
    pub(crate) fn post_authentication(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        new_device: bool,
    ) -> Answer<()> {
        self.ask_function(tx, at, Trigger::PostAuthentication, || Event {
            occasion: "Authentication",
            version: "1",
            whom: Whom::of(user),
            request: with_metadata(at, [("newDeviceUsed", json!(new_device))]),
            response: json!({}),
        })?;
        Ok(())
    }
}

pub(crate) fn whom(subject: &Subject) -> Whom {
    match &subject.user {
        Some(user) => Whom::of(user),
        None => Whom::nobody(&subject.name_key),
    }
}

/// What is asked, with the app's `ClientMetadata` where it gave some.
pub(crate) fn with_metadata<const N: usize>(at: &At, asked: [(&str, Value); N]) -> Map<String, Value> {
    let mut request: Map<String, Value> =
        asked.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if let Some(metadata) = &at.says.metadata {
        request.insert("clientMetadata".into(), json!(metadata));
    }
    request
}

/// What is asked, with whether there is such a user where existence is hidden from the app.
pub(crate) fn with_not_found<const N: usize>(
    at: &At,
    subject: &Subject,
    asked: [(&str, Value); N],
) -> Map<String, Value> {
    let mut request = with_metadata(at, asked);
    if at.client.hides_existence {
        request.insert("userNotFound".into(), subject.user.is_none().into());
    }
    request
}
