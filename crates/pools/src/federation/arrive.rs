//! Somebody whom a provider vouches for becomes a user: their own, made at the first sign-in, or the one that an
//! administrator linked them to. Nothing but issuer and subject says who they are (rule H3).

use crate::Pools;
use crate::attributes::{self, is_flag};
use crate::auth::acr::Level;
use crate::auth::saml::logout::Session;
use crate::identities::{self, Identity};
use crate::provider::Provider;
use crate::step::{At, SignedIn, Step, Subject, facts_of};
use crate::triggers::Welcome;
use crate::user::{Status, User, blank};
use crate::vouched::Vouched;
use postern_model::cognito_idp::errors::{InvalidParameterException, NotAuthorizedException};
use postern_model::{Answer, refusal, refuse};
use postern_store::Tx;
use postern_store::groups::GroupRow;
use serde::{Deserialize, Serialize};

/// How somebody who was vouched for has proven who they are, in the words of `amr`.
const FEDERATED: &str = "fed";

/// Somebody whom a provider vouches for, with what its mapping makes of what it tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    pub subject: String,
    pub attributes: Vec<(String, String)>,
    /// The level of authentication that the provider says they have reached.
    #[serde(default)]
    pub level: Option<Level>,
    /// Their session there, if it can be ended from here.
    #[serde(default)]
    pub session: Option<Session>,
}

impl Arrived {
    /// What is kept of a provider's word for them.
    pub fn vouched_by(&self, provider: &Provider) -> Vouched {
        Vouched { provider: provider.name.clone(), level: self.level, session: self.session.clone() }
    }
}

impl Pools {
    /// Signs in who has arrived. No second factor is asked for: that is the provider's affair.
    pub fn arrive(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        provider: &Provider,
        arrived: &Arrived,
    ) -> Answer<Step<SignedIn>> {
        let identity = provider.identity(&arrived.subject);
        let user = match tx.user_of_outside(&at.pool.id, &identity)? {
            Some(id) => {
                let row = tx.user_to_change(&at.pool.id, &id)?;
                let user = row.map(User::from_row).transpose()?;
                user.ok_or_else(|| anyhow::anyhow!("an identity leads to no user"))?
            }
            None => return self.arrive_first(tx, at, provider, arrived).map(Step::Done),
        };
        let subject = Subject { name_key: at.pool.name_key(&user.username), user: Some(user.clone()) };
        if !user.enabled {
            self.audit(tx, at, &subject, "SignIn", "refused", "disabled")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "User is disabled.")));
        }
        self.pre_authentication(tx, at, &subject)?;
        let user = refreshed(tx, at, user, arrived)?;
        self.post_authentication(tx, at, &user, false)?;
        self.end_arrival(tx, at, provider, user).map(Step::Done)
    }

    /// Makes a user of somebody who has never been here.
    fn arrive_first(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        provider: &Provider,
        arrived: &Arrived,
    ) -> Answer<SignedIn> {
        let mut user = blank(&at.pool.id, at.now);
        user.id = self.id_of_new_user(tx);
        user.username = format!("{}_{}", provider.name, arrived.subject);
        attributes::write_new(&at.pool, &mut user, &arrived.attributes)?;
        attributes::complete(&at.pool, &user)?;
        user.status = Status::ExternalProvider;
        for address in ["email", "phone_number"] {
            if user.attribute(address).is_some() && !user.is_verified(address) {
                user.set_verified(address, false);
            }
        }
        let welcome = self.pre_sign_up(tx, at, &user, "ExternalProvider")?;
        Welcome { confirmed: false, ..welcome }.write(&mut user)?;
        identities::put(&mut user, &[Identity::new(provider, &arrived.subject, true, at.now)])?;
        if !tx.add_user(&user.to_row()?, &attributes::names(&at.pool, &user))? {
            return refuse(
                InvalidParameterException,
                format!("Already found an entry for username {}", user.username),
            );
        }
        let identity = provider.identity(&arrived.subject);
        if !tx.add_outside_identity(&at.pool.id, &identity, &user.id)? {
            return Err(anyhow::anyhow!("somebody arrived twice in the same moment").into());
        }
        join(tx, at, provider, &user)?;
        self.post_confirmation(tx, at, &user, "ConfirmSignUp")?;
        self.end_arrival(tx, at, provider, user)
    }

    fn end_arrival(&self, tx: &mut Tx<'_>, at: &At, provider: &Provider, user: User) -> Answer<SignedIn> {
        let subject = Subject { name_key: at.pool.name_key(&user.username), user: Some(user.clone()) };
        self.audit(tx, at, &subject, "SignIn", "signed in", &format!("by the provider {}", provider.name))?;
        Ok(SignedIn { user, facts: facts_of(at, vec![FEDERATED.to_owned()]) })
    }
}

/// Takes over what the provider tells now. Who can also sign in here keeps their own addresses: those are their ways in,
/// and a provider's word does not move them (rules A6 and H3).
fn refreshed(tx: &mut Tx<'_>, at: &At, mut user: User, arrived: &Arrived) -> Answer<User> {
    let is_outside = user.status == Status::ExternalProvider;
    let is_way_in =
        |name: &str| is_flag(name) || ["email", "phone_number", "preferred_username"].contains(&name);
    // A provider that has no value any more empties nothing that the pool requires.
    let is_kept = |name: &str, value: &str| {
        value.is_empty() && attributes::required(&at.pool).any(|required| required == name)
    };
    let told: Vec<(String, String)> = arrived
        .attributes
        .iter()
        .filter(|(name, value)| (is_outside || !is_way_in(name)) && !is_kept(name, value))
        .cloned()
        .collect();
    let before = user.attributes.clone();
    attributes::change(&at.pool, &mut user, &told)?;
    if user.attributes != before && !user.save(tx, at.now)? {
        return Err(anyhow::anyhow!("a user went while they signed in").into());
    }
    Ok(user)
}

/// Puts a new user into the group of all who come from their provider.
fn join(tx: &mut Tx<'_>, at: &At, provider: &Provider, user: &User) -> Answer<()> {
    let group = GroupRow {
        pool_id: at.pool.id.clone(),
        name: format!("{}_{}", at.pool.id, provider.name),
        description: Some(format!("Autogenerated group for users who sign in using {}", provider.name)),
        role_arn: None,
        precedence: None,
        created: at.now,
        modified: at.now,
    };
    if tx.find_group(&at.pool.id, &group.name)?.is_none() {
        tx.lock_pool(&at.pool.id)?;
        if tx.add_group(&group)? {
            tx.touch_pool(&at.pool.id)?;
        }
    }
    tx.add_member(&at.pool.id, &user.id, &group.name)?;
    Ok(())
}
