//! Users taken over from elsewhere (UserMigration): whoever signs in with a password, or has forgotten it, and is not
//! here is looked up by the pool's function, and becomes a user if it knows them. The attempt at a password is spent
//! before the function is asked, as any other.

use crate::Pools;
use crate::attributes;
use crate::auth::second_factor::SecondFactor;
use crate::destination::Medium;
use crate::functions::{self, Event, Trigger, Whom};
use crate::identities;
use crate::names::NameKind;
use crate::passwords::{reset_required, wrong};
use crate::step::{At, By, Check, Proof, SignedIn, Step, Subject};
use crate::triggers::with_metadata;
use crate::unit::kept;
use crate::user::{Password, Status, User, blank};
use postern_model::cognito_idp::DeliveryMediumType;
use postern_model::cognito_idp::errors::{TooManyRequestsException, UserNotFoundException};
use postern_model::{Answer, Error, Secret, refusal};
use postern_store::Tx;
use postern_store::users::UserName;
use serde_json::{Value, json};

/// A user as the function describes one.
#[derive(Clone, Debug, PartialEq)]
struct Migrant {
    /// The name here, where it is not the one that was typed.
    username: Option<String>,
    attributes: Vec<(String, String)>,
    status: Status,
    /// The media by which they are welcomed.
    invited_by: Vec<DeliveryMediumType>,
    /// An alias that somebody has here becomes theirs.
    takes_alias: bool,
    /// A texted code is asked for after the password from now on.
    by_text: bool,
}

impl Migrant {
    /// Reads an answer; nothing when it knows nobody.
    fn read(response: &Value) -> Option<Migrant> {
        let given = response["userAttributes"].as_object().filter(|given| !given.is_empty())?;
        let mut migrant = Migrant {
            username: None,
            attributes: Vec::new(),
            status: match response["finalUserStatus"].as_str() {
                Some("CONFIRMED") => Status::Confirmed,
                _ => Status::ResetRequired,
            },
            invited_by: invited_by(response),
            takes_alias: response["forceAliasCreation"] == true,
            by_text: response["enableSMSMFA"] == true,
        };
        for (name, value) in given {
            let value = match value {
                Value::String(value) => value.clone(),
                Value::Bool(value) => value.to_string(),
                Value::Number(value) => value.to_string(),
                _ => continue,
            };
            match name.as_str() {
                "username" => migrant.username = Some(value),
                // Everybody gets one of ours.
                "sub" => {}
                _ => migrant.attributes.push((name.clone(), value)),
            }
        }
        Some(migrant)
    }
}

/// The media of a welcome: by text where the function names none.
fn invited_by(response: &Value) -> Vec<DeliveryMediumType> {
    if response["messageAction"] == "SUPPRESS" {
        return Vec::new();
    }
    match response["desiredDeliveryMediums"].as_array() {
        Some(media) => {
            media.iter().filter_map(|medium| DeliveryMediumType::parse(medium.as_str()?)).collect()
        }
        None => vec![DeliveryMediumType::Sms],
    }
}

impl Pools {
    /// Tells whether somebody who is not here may be elsewhere.
    pub(crate) fn migrates(&self, at: &At) -> bool {
        let config = at.pool.config.lambda_config.as_ref();
        config.is_some_and(|config| Trigger::UserMigration.function(config).is_some())
    }

    /// Has the password of somebody who is not here judged elsewhere. Whoever it is right for is a user from then on,
    /// and `finish` does what is to be done with them.
    pub(crate) async fn migrate<T: Send + 'static>(
        &self,
        at: &At,
        check: Check,
        finish: impl Fn(&mut Tx<'_>, &At, SignedIn) -> Answer<T> + Send + 'static,
    ) -> Answer<Step<T>> {
        let migrated = match &check.by {
            By::Password(password) => self.ask_elsewhere(at, &check.subject, password).await?,
            By::Functions(_) | By::Srp(_) | By::Device(_) => None,
        };
        let (pools, at, caller) = (self.clone(), at.clone(), at.caller.clone());
        self.sign_in_unit(&caller, move |tx| {
            let step = pools.migration_ended(tx, &at, &check, migrated.as_ref());
            kept(step.and_then(|step| step.end(|signed_in| finish(tx, &at, signed_in))))
        })
        .await
    }

    async fn ask_elsewhere(
        &self,
        at: &At,
        subject: &Subject,
        password: &Secret,
    ) -> Answer<Option<(Migrant, Password)>> {
        let config = at.pool.config.lambda_config.clone().unwrap_or_default();
        let Some(function) = Trigger::UserMigration.function(&config) else { return Ok(None) };
        let event = migration(at, &subject.name_key, "Authentication", Some(password));
        let question = self.question(at, Trigger::UserMigration, function, event);
        let answer = self.functions.invoke(&question.function, &question.event).await;
        let migrant = match functions::judge(Trigger::UserMigration.name(), answer) {
            Ok(response) => Migrant::read(&response),
            Err(refused) => {
                tracing::warn!(pool = at.pool.id, kind = refused.kind.code, "nobody was migrated");
                None
            }
        };
        let Some(migrant) = migrant else { return Ok(None) };
        let new = self.password_from_elsewhere(password).await?;
        Ok(Some((migrant, new)))
    }

    /// Looks for somebody elsewhere who has forgotten their password and is not here; whom the function knows is a user
    /// from then on, without a password until they set one. A function that fails knows nobody.
    pub(crate) fn migrate_forgetful(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
    ) -> Answer<Option<User>> {
        let event = || migration(at, &subject.name_key, "ForgotPassword", None);
        let migrant = match self.ask_function(tx, at, Trigger::UserMigration, event) {
            Ok(response) => response.as_ref().and_then(Migrant::read),
            Err(Error::Refused(refused)) => {
                tracing::warn!(pool = at.pool.id, kind = refused.kind.code, "nobody was migrated");
                None
            }
            unanswered => return unanswered.map(|_| None),
        };
        match migrant {
            Some(migrant) => self.add_migrant(tx, at, subject, &migrant, None),
            None => Ok(None),
        }
    }

    fn migration_ended(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        check: &Check,
        migrated: Option<&(Migrant, Password)>,
    ) -> Answer<Step<SignedIn>> {
        let subject = &check.subject;
        let user = match migrated {
            Some((migrant, new)) => self.add_migrant(tx, at, subject, migrant, Some(new))?,
            None => None,
        };
        let Some(user) = user else {
            self.audit(tx, at, subject, "SignIn", "wrong password", "nobody was migrated")?;
            return Ok(Step::No(match at.client.hides_existence {
                true => wrong(),
                false => refusal(
                    UserNotFoundException,
                    format!("Exception migrating user in app client {}", at.client.id),
                ),
            }));
        };
        self.forget_failures(tx, at, subject)?;
        if let Some((kind, challenge)) = &check.challenge {
            self.consume(tx, challenge, *kind, at.now)?;
        }
        if user.status == Status::ResetRequired {
            return Ok(Step::No(reset_required()));
        }
        let subject = Subject { user: Some(user.clone()), ..subject.clone() };
        self.pre_authentication(tx, at, &subject)?;
        let proof = Proof { amr: vec!["pwd".into()], told: "by a password from elsewhere" };
        self.proven(tx, at, &subject, user, proof)
    }

    /// Makes a user of somebody from elsewhere; nothing when the name is taken by now, or the pool cannot have them.
    fn add_migrant(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        migrant: &Migrant,
        new: Option<&Password>,
    ) -> Answer<Option<User>> {
        let mut user = blank(&at.pool.id, at.now);
        user.id = self.id_of_new_user(tx);
        let name = migrant.username.as_deref().unwrap_or(&subject.name_key);
        let described = attributes::new_username(&at.pool, name, &mut user, &migrant.attributes)
            .and_then(|()| attributes::write_new(&at.pool, &mut user, &migrant.attributes))
            .and_then(|()| attributes::complete(&at.pool, &user))
            .and_then(|()| identities::keep_for_providers(tx, &at.pool, &user));
        if let Err(Error::Refused(no)) = described {
            tracing::warn!(pool = at.pool.id, "nobody was migrated: {}", no.message.trim());
            return Ok(None);
        }
        user.status = migrant.status;
        user.password = new.cloned();
        let can_be_texted =
            user.destination(Medium::Sms).is_some() && at.pool.second.allows(SecondFactor::Sms);
        if migrant.by_text && !can_be_texted {
            tracing::warn!(pool = at.pool.id, "nobody was migrated: enableSMSMFA needs a number and SMS MFA");
            return Ok(None);
        }
        let names = attributes::names(&at.pool, &user);
        for name in &names {
            let moves = migrant.takes_alias && is_alias_of_address(at, name);
            if !moves && tx.user_named(&at.pool.id, &name.key)?.is_some() {
                tracing::warn!(pool = at.pool.id, kind = name.kind, "nobody was migrated: a name is taken");
                return Ok(None);
            }
        }
        if migrant.takes_alias {
            for medium in [Medium::Sms, Medium::Email] {
                self.free_alias(tx, at, &user, medium)?;
            }
        }
        if !tx.add_user(&user.to_row()?, &names)? {
            // Somebody signs in with it in this very moment: the next try finds them here.
            return Err(refusal(TooManyRequestsException, "Rate exceeded").retry_after(1));
        }
        if migrant.by_text {
            self.choose_second_factors(tx, &user, &[SecondFactor::Sms], Some(SecondFactor::Sms))?;
        }
        let subject = Subject { user: Some(user.clone()), ..subject.clone() };
        self.audit(tx, at, &subject, "MigrateUser", "created", "")?;
        if !migrant.invited_by.is_empty() {
            self.invite(tx, at, &user, None, &migrant.invited_by)?;
        }
        Ok(Some(user))
    }
}

/// An address or a number that is an alias here, and so moves to who has proven it.
fn is_alias_of_address(at: &At, name: &UserName) -> bool {
    let mut moving = [NameKind::Email, NameKind::PhoneNumber].into_iter();
    moving.any(|kind| kind.as_str() == name.kind && at.pool.alias_attributes.contains(&kind))
}

pub(crate) fn migration(at: &At, name: &str, occasion: &'static str, password: Option<&Secret>) -> Event {
    let mut request = with_metadata(at, [("validationData", json!(at.says.validation))]);
    if let Some(password) = password {
        request.insert("password".into(), password.reveal().into());
    }
    Event {
        occasion,
        version: "1",
        whom: Whom::named(name),
        request,
        response: json!({
            "userAttributes": null, "forceAliasCreation": null, "enableSMSMFA": null, "finalUserStatus": null,
            "messageAction": null, "desiredDeliveryMediums": null,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_describes_a_user_or_nobody() {
        for nobody in [json!({}), json!({ "userAttributes": null }), json!({ "userAttributes": {} })] {
            assert_eq!(Migrant::read(&nobody), None);
        }
        let migrant = Migrant::read(&json!({
            "userAttributes": { "username": "ann", "email": "a@b.c", "email_verified": true, "sub": "x" },
            "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS", "desiredDeliveryMediums": ["EMAIL"],
        }));
        let attributes =
            vec![("email".to_owned(), "a@b.c".to_owned()), ("email_verified".to_owned(), "true".to_owned())];
        let expected = Migrant {
            username: Some("ann".into()),
            attributes,
            status: Status::Confirmed,
            invited_by: Vec::new(),
            takes_alias: false,
            by_text: false,
        };
        assert_eq!(migrant, Some(expected));
        let plain = Migrant::read(&json!({ "userAttributes": { "email": "a@b.c" } })).expect("somebody");
        assert_eq!(plain.status, Status::ResetRequired);
        assert_eq!(plain.invited_by, [DeliveryMediumType::Sms]);
        let asked = Migrant::read(&json!({
            "userAttributes": { "email": "a@b.c" }, "desiredDeliveryMediums": ["EMAIL", "PIGEON"],
            "forceAliasCreation": true, "enableSMSMFA": true,
        }));
        let asked = asked.expect("somebody");
        assert_eq!(asked.invited_by, [DeliveryMediumType::Email]);
        assert!(asked.takes_alias && asked.by_text);
    }
}
