//! Signed-in browsers: who came through the pages is not asked again by any app of the same pool, for as
//! long as the app that they came by says.

use super::authorize::AuthorizeRequest;
use crate::Pools;
use crate::auth::acr::{self, Level};
use crate::auth::challenge::Handle;
use crate::auth::code::CodeKind;
use crate::client::Client;
use crate::keys::TokenUse;
use crate::pool::Pool;
use crate::step::{At, Proof, SignedIn, Step, Subject};
use crate::tokens::SignInFacts;
use crate::user::{User, fresh_id};
use crate::vouched::Vouched;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::Caller;
use postern_model::cognito_idp::errors::NotAuthorizedException;
use postern_model::{Answer, refuse};
use postern_store::login::BrowserSessionRow;
use postern_store::{Keys, Purpose, Timestamp, Tx};
use serde::{Deserialize, Serialize};

/// The longest that a session can last by being used: the longest that a client's setting can be.
const SLIDING_MAX_MS: i64 = 129_600 * 60_000;

/// For how long somebody who could not reach a level is not asked for it once more: the browser is still on its way home.
const TRIED_MS: i64 = 30_000;

/// Somebody who has proved in a browser who they are.
pub struct Person {
    pub user: User,
    pub auth: Timestamp,
    pub amr: Vec<String>,
    /// The outside provider that vouched for them, and what it said.
    pub vouched: Option<Vouched>,
    /// The level of authentication that was asked of them then.
    pub tried: Option<Level>,
}

#[derive(Serialize, Deserialize)]
struct Facts {
    amr: Vec<String>,
    #[serde(flatten)]
    vouched: Option<Vouched>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tried: Option<Level>,
}

impl Person {
    /// The outside provider that vouched for them.
    pub fn provider(&self) -> Option<&str> {
        self.vouched.as_ref().map(|vouched| vouched.provider.as_str())
    }

    /// The level that they have reached: by what was proven here, or as their provider says.
    fn level(&self) -> Option<Level> {
        match &self.vouched {
            Some(vouched) => vouched.level,
            None => acr::reached(&self.amr),
        }
    }

    /// Tells whether somebody need not be asked for a level: they have reached it, or have just now shown how far they can
    /// come, since it is a wish (OpenID Connect Core §3.1.2.1).
    pub fn is_at(&self, level: Level, now: Timestamp) -> bool {
        self.level() >= Some(level) || (self.tried >= Some(level) && now.since(self.auth) < TRIED_MS)
    }

    /// What the tokens of one authorization say.
    pub(super) fn facts(&self, pool: &Pool, request: &AuthorizeRequest) -> SignInFacts {
        let names = pool.levels.as_ref().filter(|_| request.acr_values.is_some());
        SignInFacts {
            acr: names.and_then(|names| Some(names.name(self.level()?).to_owned())),
            auth_time: self.auth.seconds(),
            event_id: fresh_id(),
            scope: request.scope.clone(),
            amr: self.amr.clone(),
            oauth: true,
            nonce: request.nonce.clone(),
            resource: request.resource.clone(),
            device: None,
            revocable: false,
        }
    }
}

impl Pools {
    /// The level that an app wishes for (`acr_values`): the first one to which the ways lead that its request leaves open, of
    /// the pool's own and the client's providers.
    pub fn level_wished(&self, at: &At, request: &AuthorizeRequest, provider: Option<&str>) -> Option<Level> {
        let leads = |level: &Level| match provider {
            Some(name) => at.pool.provider_leads_to(name, *level),
            None => {
                (at.client.supports(None) && at.pool.leads_to(*level))
                    || at.client.providers().any(|name| at.pool.provider_leads_to(name, *level))
            }
        };
        request.levels(&at.pool).into_iter().find(leads)
    }

    /// Finds who is signed in in a browser, unless the session, the account or its sign-ins have ended (rule B4).
    pub fn person_in_browser(&self, tx: &mut Tx<'_>, at: &At, handle: &str) -> Answer<Option<Person>> {
        let macs = Handle::macs(tx.keys(), handle);
        let Some(row) = tx.find_browser_session(&macs)? else { return Ok(None) };
        if row.pool_id != at.pool.id || at.now >= row.expires {
            return Ok(None);
        }
        let user = tx.user_by_id(&row.pool_id, &row.user_id)?.map(User::from_row).transpose()?;
        let facts = facts_of(&row)?;
        Ok(user.filter(|user| user.enabled && row.auth > user.signed_out).map(|user| Person {
            user,
            auth: row.auth,
            amr: facts.amr,
            vouched: facts.vouched,
            tried: facts.tried,
        }))
    }

    /// Signs a person in in a browser, under a new handle; the session that was there before ends (rule B1).
    pub fn sign_browser_in(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        person: &Person,
        before: Option<&str>,
        life_ms: i64,
    ) -> Answer<String> {
        let macs = before.map(|before| Handle::macs(tx.keys(), before));
        if let Some(row) = macs.map(|macs| tx.find_browser_session(&macs)).transpose()?.flatten() {
            tx.end_browser_session(&row.handle_mac)?;
        }
        let handle = Handle::fresh(tx.keys(), at.now);
        let facts = Facts { amr: person.amr.clone(), vouched: person.vouched.clone(), tried: person.tried };
        tx.add_browser_session(&BrowserSessionRow {
            handle_mac: handle.mac.to_vec(),
            pool_id: at.pool.id.clone(),
            user_id: person.user.id.clone(),
            facts: serde_json::to_string(&facts).map_err(anyhow::Error::from)?,
            auth: person.auth,
            expires: at.now.plus_ms(life_ms),
        })?;
        Ok(handle.text)
    }

    /// Lets a session that is used last longer, where the settings say so; tells whether it does now.
    pub fn keep_browser_in(&self, tx: &mut Tx<'_>, at: &At, handle: &str) -> Answer<bool> {
        if !self.rules.sliding_sessions {
            return Ok(false);
        }
        let macs = Handle::macs(tx.keys(), handle);
        let Some(row) = tx.find_browser_session(&macs)? else { return Ok(false) };
        let last = row.auth.plus_ms(SLIDING_MAX_MS);
        let expires = at.now.plus_ms(at.client.sso_ms).min(last);
        // A row is not written for a few seconds.
        if expires.since(row.expires) < at.client.sso_ms / 10 {
            return Ok(false);
        }
        tx.extend_browser_session(&row.handle_mac, expires)?;
        Ok(true)
    }

    /// Ends a session that only lasted for a question after the sign-in, but for the way home; one that its app lets last
    /// stays.
    pub fn end_question(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        handle: &str,
        lasted_ms: i64,
        way_home_ms: i64,
    ) -> Answer<()> {
        let macs = Handle::macs(tx.keys(), handle);
        let Some(row) = tx.find_browser_session(&macs)? else { return Ok(()) };
        let expires = row.auth.plus_ms(at.client.sso_ms).max(at.now.plus_ms(way_home_ms));
        if row.expires.since(row.auth) <= lasted_ms && expires < row.expires {
            tx.extend_browser_session(&row.handle_mac, expires)?;
        }
        Ok(())
    }

    /// Ends the session that a handle names, because its person wishes so; an unknown one is no error. Tells who vouched
    /// for them.
    pub fn sign_browser_out(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        handle: &str,
    ) -> Answer<Option<Vouched>> {
        let macs = Handle::macs(tx.keys(), handle);
        let Some(row) = tx.find_browser_session(&macs)? else { return Ok(None) };
        tx.end_browser_session(&row.handle_mac)?;
        let at = self.at_pool(tx, caller, &row.pool_id)?;
        let user = tx.user_by_id(&row.pool_id, &row.user_id)?.map(User::from_row).transpose()?;
        let subject = Subject { name_key: row.user_id.clone(), user };
        self.audit(tx, &at, &subject, "SignOut", "signed out", "in a browser")?;
        Ok(facts_of(&row)?.vouched)
    }

    /// Goes on with a person who has just confirmed a new account by the code that it was sent, as their first factor.
    pub fn signed_up(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: User,
        proven: CodeKind,
    ) -> Answer<Step<SignedIn>> {
        if !user.enabled {
            return refuse(NotAuthorizedException, "User is disabled.");
        }
        let subject = Subject { name_key: at.pool.name_key(&user.username), user: Some(user.clone()) };
        let amr = proven.amr().map(str::to_owned).to_vec();
        let proof = Proof { amr, told: "by the code of sign-up" };
        self.proven(tx, at, &subject, user, proof)
    }

    /// Reads who an ID token of ours was made for, even one that has expired: it is a hint and opens nothing
    /// (OpenID Connect Core §3.1.2.1). So is what it was made short to.
    pub fn hinted(&self, tx: &mut Tx<'_>, hint: &str) -> Answer<Option<Hinted>> {
        if let Some(hinted) = Hinted::open(tx.keys(), hint) {
            return Ok(Some(hinted));
        }
        // What it says of itself tells only whose keys to try.
        let Some(client_id) = client_named_in(hint) else { return Ok(None) };
        let Some(client) = Client::find(tx, &client_id)? else { return Ok(None) };
        let keys = crate::keys::of_pool(tx, &client.pool_id)?;
        let proven = keys.verified(hint, TokenUse::Id);
        let is_proven = proven.is_some();
        let user_id = proven
            .or_else(|| keys.unproven(hint, TokenUse::Id))
            .and_then(|claims| claims.get("sub")?.as_str().map(str::to_owned));
        Ok(user_id.map(|user_id| Hinted { user_id, client_id, is_proven }))
    }

    /// Makes a hint short, for addresses, in which no token should stand (rule O4). One that is none stays as it is.
    pub fn shortened(&self, tx: &mut Tx<'_>, hint: &str) -> Answer<String> {
        match self.hinted(tx, hint)? {
            Some(hinted) => hinted.sealed(tx.keys()),
            None => Ok(hint.to_owned()),
        }
    }
}

fn facts_of(row: &BrowserSessionRow) -> Answer<Facts> {
    Ok(serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?)
}

/// Ends those of somebody's sessions that a provider vouched for in a certain way.
pub fn end_sessions(
    tx: &mut Tx<'_>,
    pool_id: &str,
    user_id: &str,
    is_meant: impl Fn(&Vouched) -> bool,
) -> Answer<()> {
    for row in tx.browser_sessions_of(pool_id, user_id)? {
        if facts_of(&row)?.vouched.is_some_and(|vouched| is_meant(&vouched)) {
            tx.end_browser_session(&row.handle_mac)?;
        }
    }
    Ok(())
}

/// Whom an app expects to be signed in, and which app it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hinted {
    pub user_id: String,
    pub client_id: String,
    /// A key of the pool's signed it. One by a key that is gone says only whom to look for, and speaks for nobody.
    pub is_proven: bool,
}

impl Hinted {
    pub fn sealed(&self, keys: &Keys) -> Answer<String> {
        let text = serde_json::to_vec(self).map_err(anyhow::Error::from)?;
        Ok(BASE64URL.encode(keys.seal(Purpose::Handle, &text)))
    }

    fn open(keys: &Keys, sealed: &str) -> Option<Hinted> {
        let sealed = BASE64URL.decode(sealed).ok()?;
        serde_json::from_slice(&keys.open(Purpose::Handle, &sealed).ok()?).ok()
    }
}

fn client_named_in(id_token: &str) -> Option<String> {
    let payload = BASE64URL.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("aud")?.as_str()?.to_owned())
}
