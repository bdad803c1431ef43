//! Users taken over from elsewhere (UserMigration): whoever signs in with a password and is not here is judged
//! by the pool's function, and becomes a user if it knows them. The attempt at a password is spent before
//! the function is asked, as any other.

use crate::Pools;
use crate::attributes;
use crate::functions::{self, Event, Trigger, Whom};
use crate::operations::users::blank;
use crate::passwords::{reset_required, wrong};
use crate::step::{At, By, Check, Proof, SignedIn, Step, Subject};
use crate::triggers::with_metadata;
use crate::unit::kept;
use crate::user::{Password, Status, User};
use postern_model::cognito_idp::errors::UserNotFoundException;
use postern_model::{Answer, Error, Secret, refusal};
use postern_store::Tx;
use serde_json::{Value, json};

/// A user as the function describes one.
#[derive(Clone, Debug, PartialEq)]
struct Migrant {
    /// The name here, where it is not the one that was typed.
    username: Option<String>,
    attributes: Vec<(String, String)>,
    status: Status,
    /// Whether a welcome is mailed.
    is_invited: bool,
}

impl Migrant {
    /// Reads an answer; nothing when it knows nobody, or asks for what is not done here.
    fn read(response: &Value) -> Option<Migrant> {
        if response["forceAliasCreation"] == true || response["enableSMSMFA"] == true {
            tracing::warn!("a user was not migrated: forceAliasCreation and enableSMSMFA are not available");
            return None;
        }
        let given = response["userAttributes"].as_object().filter(|given| !given.is_empty())?;
        let mut migrant = Migrant {
            username: None,
            attributes: Vec::new(),
            status: match response["finalUserStatus"].as_str() {
                Some("CONFIRMED") => Status::Confirmed,
                _ => Status::ResetRequired,
            },
            is_invited: response["messageAction"] != "SUPPRESS"
                && response["desiredDeliveryMediums"]
                    .as_array()
                    .is_some_and(|media| media.iter().any(|medium| medium == "EMAIL")),
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
            By::Functions(_) | By::Srp(_) => None,
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
        let migrant = match functions::judge(Trigger::UserMigration, answer) {
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
        let described = attributes::new_username(&at.pool, name, &mut user)
            .and_then(|()| attributes::write_new(&at.pool, &mut user, &migrant.attributes));
        if let Err(Error::Refused(no)) = described {
            tracing::warn!(pool = at.pool.id, "nobody was migrated: {}", no.message.trim());
            return Ok(None);
        }
        user.status = migrant.status;
        user.password = new.cloned();
        if !tx.add_user(&user.to_row()?, &attributes::names(&at.pool, &user))? {
            return Ok(None);
        }
        let subject = Subject { user: Some(user.clone()), ..subject.clone() };
        self.audit(tx, at, &subject, "MigrateUser", "created", "")?;
        if migrant.is_invited {
            self.invite(tx, at, &user, None, None)?;
        }
        Ok(Some(user))
    }
}

fn migration(at: &At, name: &str, occasion: &'static str, password: Option<&Secret>) -> Event {
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
        for nobody in [
            json!({}),
            json!({ "userAttributes": null }),
            json!({ "userAttributes": {} }),
            json!({ "userAttributes": { "email": "a@b.c" }, "forceAliasCreation": true }),
        ] {
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
            is_invited: false,
        };
        assert_eq!(migrant, Some(expected));
        let plain = Migrant::read(&json!({ "userAttributes": { "email": "a@b.c" } })).expect("somebody");
        assert_eq!(plain.status, Status::ResetRequired);
    }
}
