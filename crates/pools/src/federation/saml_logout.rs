//! Single sign-out with providers that speak SAML 2.0 and take part in it (`IDPSignout`): who signs out here is sent on to end
//! the session there, too, and comes back; and a provider may end the sessions that it vouched for.

use super::Trouble;
use super::saml::{ANSWER, Message, REQUEST, moment, unsigned};
use crate::Pools;
use crate::auth::challenge::Handle;
use crate::auth::saml::logout::{self, Expected, Proof, Session};
use crate::auth::saml::{self, Head, Metadata};
use crate::oauth::browser;
use crate::oauth::pairs::Pairs;
use crate::provider::Provider;
use crate::vouched::Vouched;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use postern_model::Answer;
use postern_store::audit::AuditRecord;
use postern_store::login::SignOutRow;
use postern_store::{Purpose, Tx, random};
use serde::{Deserialize, Serialize};

/// How long a provider may keep somebody who signs out.
const LIFE_MS: i64 = 15 * 60_000;

/// A sign-out that goes on at a provider.
pub struct Leaving {
    provider: Provider,
    session: Session,
    request_id: String,
    /// What the provider gives back.
    relay: String,
}

/// What is remembered of one until the browser comes back.
#[derive(Serialize, Deserialize)]
struct Facts {
    provider: String,
    request_id: String,
    /// Where the browser goes then.
    then: String,
}

/// A message that a browser brings from a provider.
pub struct Carried {
    /// It asks to end sessions, rather than tells that one has ended.
    pub asks: bool,
    message: String,
    relay: String,
    proof: Proof,
}

impl Carried {
    /// Reads a message that was posted (SAML Bindings §3.5).
    pub fn posted(form: &Pairs) -> Option<Carried> {
        let (asks, message) = one_of(form)?;
        let message: String = message.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        Some(Carried {
            asks,
            message: String::from_utf8(STANDARD.decode(message).ok()?).ok()?,
            relay: form.once("RelayState").ok()?.unwrap_or_default().to_owned(),
            proof: Proof::Within,
        })
    }

    /// Reads a message that an address carries (SAML Bindings §3.4): its signature is over the parameters as they were
    /// written.
    pub fn in_address(query: &str) -> Option<Carried> {
        let pairs = Pairs::parse(query)?;
        let (asks, message) = one_of(&pairs)?;
        let once = |name: &str| pairs.once(name).ok().flatten();
        let written = |name: &str| query.split('&').find(|pair| pair.split('=').next() == Some(name));
        let signed = [if asks { REQUEST } else { ANSWER }, "RelayState", "SigAlg"];
        let proof = Proof::Beside {
            method: once("SigAlg")?.to_owned(),
            signed: signed.into_iter().filter_map(written).collect::<Vec<_>>().join("&"),
            signature: STANDARD.decode(once("Signature")?).ok()?,
        };
        Some(Carried {
            asks,
            message: saml::inflated(&STANDARD.decode(message).ok()?)?,
            relay: pairs.once("RelayState").ok()?.unwrap_or_default().to_owned(),
            proof,
        })
    }
}

/// The one message there is, and whether it asks.
fn one_of(pairs: &Pairs) -> Option<(bool, &str)> {
    match (pairs.once(REQUEST).ok()?, pairs.once(ANSWER).ok()?) {
        (Some(request), None) => Some((true, request)),
        (None, Some(answer)) => Some((false, answer)),
        _ => None,
    }
}

/// Tells whether a provider takes part in single sign-out.
fn takes_part(provider: &Provider) -> bool {
    provider.says("IDPSignout")
}

impl Pools {
    /// Remembers that somebody who was vouched for signs out, if their provider takes part in that; `then` is where the
    /// browser goes in the end.
    pub fn leave_provider(
        &self,
        tx: &mut Tx<'_>,
        pool_id: &str,
        vouched: Option<Vouched>,
        then: &str,
    ) -> Answer<Option<Leaving>> {
        let Some((name, session)) = vouched.and_then(|vouched| Some((vouched.provider, vouched.session?)))
        else {
            return Ok(None);
        };
        let Some(provider) = Provider::find(tx, pool_id, &name)?.filter(takes_part) else { return Ok(None) };
        let now = self.clock.now();
        let handle = Handle::fresh(tx.keys(), now);
        let request_id = format!("_{}", BASE64URL.encode(random::bytes::<16>()));
        let facts = Facts { provider: name, request_id: request_id.clone(), then: then.to_owned() };
        tx.add_sign_out(&SignOutRow {
            handle_mac: handle.mac.to_vec(),
            pool_id: pool_id.to_owned(),
            facts: serde_json::to_string(&facts).map_err(anyhow::Error::from)?,
            expires: now.plus_ms(LIFE_MS),
        })?;
        Ok(Some(Leaving { provider, session, request_id, relay: handle.text }))
    }

    /// The address at which a provider is asked to end a session.
    pub async fn leaving_href(&self, leaving: &Leaving) -> Result<String, Trouble> {
        let metadata = self.saml_metadata(&leaving.provider).await?;
        let to = metadata.sign_out.as_deref().ok_or_else(nowhere)?;
        let (provider, session) = (&leaving.provider, &leaving.session);
        let write = |head: &Head<'_>| logout::request(head, session);
        self.logout_href(provider, to, (REQUEST, &leaving.request_id), &leaving.relay, write).await
    }

    /// Takes a provider's word that a session has ended there, once; gives where the browser goes on to.
    pub async fn has_left(&self, carried: &Carried, destination: &str) -> Answer<Result<String, Trouble>> {
        let (relay, now) = (carried.relay.clone(), self.clock.now());
        let found: Answer<Option<(SignOutRow, Provider, Facts)>> = self
            .store
            .read(move |tx| {
                let macs = Handle::macs(tx.keys(), &relay);
                let Some(row) = tx.find_sign_out(&macs)?.filter(|row| now < row.expires) else {
                    return Ok(None);
                };
                let facts: Facts = serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?;
                let provider = Provider::find(tx, &row.pool_id, &facts.provider)?;
                Ok(provider.map(|provider| (row, provider, facts)))
            })
            .await;
        let Some((row, provider, facts)) = found? else { return Ok(Err(unknown())) };
        let judge = |expected: &Expected<'_>| {
            logout::answered(&carried.message, &carried.proof, expected, &facts.request_id)
        };
        let ended_everywhere = match self.judged_of(&provider, destination, judge).await {
            Ok((_, ended)) => ended,
            Err(trouble) => return Ok(Err(trouble)),
        };
        if !ended_everywhere {
            tracing::warn!(provider = provider.name, "a provider could not end all of somebody's sessions");
        }
        let is_first: Answer<bool> = self.store.write(move |tx| Ok(tx.end_sign_out(&row.handle_mac)?)).await;
        Ok(if is_first? { Ok(facts.then) } else { Err(unknown()) })
    }

    /// Ends the sessions that a provider asks to end, once; gives the address that takes the answer there. Where the request
    /// came by a pool's own domain, only that pool is meant.
    pub async fn end_as_asked(
        &self,
        carried: &Carried,
        destination: &str,
        pool_id: Option<&str>,
    ) -> Answer<Result<String, Trouble>> {
        let Some((issuer, name)) = logout::named_in(&carried.message) else { return Ok(Err(unknown())) };
        let only = pool_id.map(str::to_owned);
        let known: Answer<Vec<(Provider, String)>> = self
            .store
            .read(move |tx| {
                let mut known = Vec::new();
                for (pool_id, provider, user_id) in tx.users_of_outside(&issuer, &name)? {
                    if only.as_ref().is_some_and(|only| *only != pool_id) {
                        continue;
                    }
                    let provider = Provider::find(tx, &pool_id, &provider)?.filter(takes_part);
                    known.extend(provider.map(|provider| (provider, user_id)));
                }
                Ok(known)
            })
            .await;
        let judge = |expected: &Expected<'_>| logout::asked(&carried.message, &carried.proof, expected);
        let (mut meant, mut no) = (Vec::new(), unknown());
        for (provider, user_id) in known? {
            match self.judged_of(&provider, destination, judge).await {
                Ok((metadata, ends)) => meant.push((provider, metadata, user_id, ends)),
                Err(trouble) => no = trouble,
            }
        }
        let Some((provider, metadata, _, ends)) = meant.first() else { return Ok(Err(no)) };
        let (provider, metadata, request) = (provider.clone(), metadata.clone(), ends.clone());
        let (issuer, request_id) = (metadata.entity_id.clone(), ends.id.clone());
        let (now, place) = (self.clock.now(), self.place.clone());
        let is_first: Answer<bool> = self
            .store
            .write(move |tx| {
                let parts: [&[u8]; 3] = [b"logout", issuer.as_bytes(), request.id.as_bytes()];
                let mac = tx.keys().mac(Purpose::Handle, &parts);
                if !tx.use_assertion(&mac, request.expires)? {
                    return Ok(false);
                }
                for (provider, _, user_id, ends) in &meant {
                    browser::end_sessions(tx, &provider.pool_id, user_id, |vouched| {
                        vouched.provider == provider.name
                            && vouched.session.as_ref().is_some_and(|session| ends.includes(session))
                    })?;
                    tx.add_audit(&AuditRecord {
                        time: now,
                        who: format!("user {user_id}"),
                        action: "SignOut".to_owned(),
                        resource: place.pool_arn(&provider.pool_id),
                        outcome: "signed out".to_owned(),
                        detail: format!("by the provider {}", provider.name),
                        ..AuditRecord::default()
                    })?;
                }
                Ok(true)
            })
            .await;
        if !is_first? {
            return Ok(Err(unknown()));
        }
        let Some(to) = metadata.signed_out.as_deref() else { return Ok(Err(nowhere())) };
        let id = format!("_{}", BASE64URL.encode(random::bytes::<16>()));
        let write = |head: &Head<'_>| logout::answer(head, &request_id);
        Ok(self.logout_href(&provider, to, (ANSWER, &id), &carried.relay, write).await)
    }

    /// Judges a message by the keys of the provider that it says it is from.
    async fn judged_of<T>(
        &self,
        provider: &Provider,
        destination: &str,
        judge: impl FnOnce(&Expected<'_>) -> Result<T, saml::Fault>,
    ) -> Result<(Metadata, T), Trouble> {
        let metadata = self.saml_metadata(provider).await?;
        let now = self.clock.now();
        let expected = Expected { issuer: &metadata.entity_id, keys: &metadata.keys, destination, now };
        let judged = judge(&expected);
        let judged =
            judged.map_err(|no| Trouble(format!("Error in SAML logout processing: {}", no.words())))?;
        Ok((metadata, judged))
    }

    /// The address that takes a message about a sign-out to a provider. They are always signed.
    async fn logout_href(
        &self,
        provider: &Provider,
        to: &str,
        (name, id): (&'static str, &str),
        relay: &str,
        write: impl FnOnce(&Head<'_>) -> String,
    ) -> Result<String, Trouble> {
        let key = self.request_key(&provider.pool_id).await.map_err(|_| unsigned())?;
        let now = moment(self.clock.now());
        let issuer = saml::entity_id(&provider.pool_id);
        let text = write(&Head { id, issuer: &issuer, destination: to, now: &now });
        Message { name, text: &text, relay }.href(&self.signers, Some(&key), to).await
    }
}

fn unknown() -> Trouble {
    Trouble::new("Nobody is known to sign out like that")
}

fn nowhere() -> Trouble {
    Trouble::new("The IdP metadata names no place to sign out")
}
