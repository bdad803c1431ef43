//! What a sign-in gives: ID, access and refresh tokens. Claims follow the Developer Guide's pages on each token;
//! signing happens outside of any unit of work.

use crate::client::Client;
use crate::groups::GroupClaims;
use crate::identities;
use crate::keys::{PoolKeys, TokenUse};
use crate::pool::Pool;
use crate::user::{IDENTITIES, User, uuid_text};
use anyhow::Result;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_store::auth::SignInRow;
use postern_store::{Keys, Purpose, Timestamp, Tx, random};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The scope of every sign-in through the API, and what lets a token act on its own user.
pub const USER_ADMIN_SCOPE: &str = "aws.cognito.signin.user.admin";

/// What is remembered of a sign-in for all its tokens.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct SignInFacts {
    /// Seconds; stays through refreshes.
    pub auth_time: i64,
    pub event_id: String,
    pub scope: String,
    pub amr: Vec<String>,
    /// The name of the level that was reached, for an app that asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Came through the OAuth endpoints.
    #[serde(default)]
    pub oauth: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What the access tokens are good for (RFC 8707).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The key of the device it is on: one that was proven, or one that may yet be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Its client could revoke it when it was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revocable: bool,
}

/// A device that is not known yet, as its app is told of it (`NewDeviceMetadata`).
#[derive(Clone, Debug)]
pub struct NewDevice {
    pub key: String,
    pub group_key: String,
}

/// A sign-in whose tokens are still to be signed.
pub struct Grant {
    pub id: [u8; 16],
    pub refresh_token: Option<String>,
    /// The scopes that were granted, whatever a function makes of them.
    pub scope: String,
    pub id_claims: Option<Value>,
    pub access_claims: Value,
    pub expires_in_s: i64,
    pub made: Timestamp,
    pub keys: Arc<PoolKeys>,
    pub new_device: Option<NewDevice>,
}

/// Signed tokens.
pub struct Tokens {
    pub new_device: Option<NewDevice>,
    pub id_token: Option<String>,
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in_s: i64,
}

/// A refresh token that is used, and what for.
pub struct Refreshing<'a> {
    pub token: &'a str,
    /// Some of the scopes that were granted; all of them where none is named.
    pub scope: Option<&'a str>,
    pub may_rotate: bool,
}

/// A refresh token as it was presented. The second half of its secret is a keyed hash of the first: it tells that the
/// token was ours once, however long ago it was rotated away.
pub struct RefreshToken {
    pub id: [u8; 16],
    secret: [u8; 32],
}

impl RefreshToken {
    pub fn fresh(id: [u8; 16], keys: &Keys) -> Self {
        let drawn: [u8; 16] = random::bytes();
        let mark = keys.mac(Purpose::Token, &[b"refresh mark", &id, &drawn]);
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&drawn);
        secret[16..].copy_from_slice(&mark[..16]);
        RefreshToken { id, secret }
    }

    /// Tells whether we made this token, whatever became of it.
    pub fn is_ours(&self, keys: &Keys) -> bool {
        let (drawn, mark) = self.secret.split_at(16);
        let marks = keys.macs(Purpose::Token, &[b"refresh mark", &self.id, drawn]);
        marks.iter().any(|made| verify_slices_are_equal(&made[..16], mark).is_ok())
    }

    /// Reads a presented token; nothing when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL.decode(text).ok()?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(RefreshToken { id: *id, secret: secret.try_into().ok()? })
    }

    pub fn text(&self) -> String {
        BASE64URL.encode([&self.id[..], &self.secret[..]].concat())
    }

    pub fn mac(&self, keys: &Keys) -> [u8; 32] {
        keys.mac(Purpose::Token, &self.parts())
    }

    pub fn matches(&self, keys: &Keys, stored: &[u8]) -> bool {
        keys.mac_matches(Purpose::Token, &self.parts(), stored)
    }

    fn parts(&self) -> [&[u8]; 3] {
        [b"refresh", &self.id, &self.secret]
    }
}

/// Remembers a fresh sign-in and prepares its tokens.
pub fn grant(
    tx: &mut Tx<'_>,
    pool: &Pool,
    client: &Client,
    user: &User,
    facts: &SignInFacts,
    now: Timestamp,
) -> Result<Grant> {
    let (refresh, mut grant) = remember(tx, pool, client, user, facts, now, client.lifetimes.refresh_s)?;
    grant.refresh_token = Some(refresh.text());
    Ok(grant)
}

/// The same for a sign-in that cannot be refreshed, and is forgotten once its tokens have ended.
pub fn grant_once(
    tx: &mut Tx<'_>,
    pool: &Pool,
    client: &Client,
    user: &User,
    facts: &SignInFacts,
    now: Timestamp,
) -> Result<Grant> {
    Ok(remember(tx, pool, client, user, facts, now, client.lifetimes.longest_s())?.1)
}

fn remember(
    tx: &mut Tx<'_>,
    pool: &Pool,
    client: &Client,
    user: &User,
    facts: &SignInFacts,
    now: Timestamp,
    life_s: i64,
) -> Result<(RefreshToken, Grant)> {
    let facts = &SignInFacts { revocable: client.revocable, ..facts.clone() };
    let refresh = RefreshToken::fresh(random::ordered(now), tx.keys());
    tx.add_sign_in(&SignInRow {
        id: refresh.id,
        pool_id: pool.id.clone(),
        client_id: client.id.clone(),
        user_id: user.id.clone(),
        refresh_mac: refresh.mac(tx.keys()).to_vec(),
        previous: Vec::new(),
        revoked: false,
        facts: serde_json::to_string(facts)?,
        created: now,
        expires: now.plus_ms(life_s * 1000),
    })?;
    let grant = prepare(tx, pool, client, user, refresh.id, facts, now)?;
    Ok((refresh, grant))
}

/// Prepares an ID and an access token of a sign-in.
pub fn prepare(
    tx: &mut Tx<'_>,
    pool: &Pool,
    client: &Client,
    user: &User,
    id: [u8; 16],
    facts: &SignInFacts,
    now: Timestamp,
) -> Result<Grant> {
    let has_id_token = !facts.oauth || facts.scope.split(' ').any(|scope| scope == "openid");
    let groups = GroupClaims::of_user(tx, pool, &user.id)?;
    let facts = &SignInFacts { scope: crate::scopes::live(tx, &pool.id, &facts.scope)?, ..facts.clone() };
    Ok(Grant {
        id,
        refresh_token: None,
        scope: facts.scope.clone(),
        id_claims: has_id_token.then(|| id_claims(pool, client, user, &groups, id, facts, now)),
        access_claims: access_claims(pool, client, user, &groups, id, facts, now),
        expires_in_s: client.lifetimes.access_s,
        made: now,
        keys: crate::keys::of_version(tx, &pool.id, pool.version)?,
        new_device: None,
    })
}

/// Prepares an access token that stands for an app itself.
pub fn of_client(
    tx: &mut Tx<'_>,
    pool: &Pool,
    client: &Client,
    scope: &str,
    now: Timestamp,
) -> Result<Grant> {
    let access_claims = json!({
        "sub": client.id,
        "token_use": "access",
        "scope": scope,
        "auth_time": now.seconds(),
        "iss": pool.issuer,
        "exp": now.seconds() + client.lifetimes.access_s,
        "iat": now.seconds(),
        "version": 2,
        "jti": crate::user::fresh_id(),
        "client_id": client.id,
    });
    Ok(Grant {
        id: random::bytes(),
        refresh_token: None,
        scope: scope.to_owned(),
        id_claims: None,
        access_claims,
        expires_in_s: client.lifetimes.access_s,
        made: now,
        keys: crate::keys::of_version(tx, &pool.id, pool.version)?,
        new_device: None,
    })
}

impl Grant {
    /// Signs the tokens: about 0.6 ms of one core, so never on an async thread.
    pub fn sign(self) -> Result<Tokens> {
        let access_token = self.keys.signing(TokenUse::Access, self.made)?.sign(&self.access_claims)?;
        let id_token = match self.id_claims {
            Some(mut claims) => {
                if let Some(Value::Bool(true)) = claims.get("at_hash") {
                    claims["at_hash"] = at_hash(&access_token).into();
                }
                Some(self.keys.signing(TokenUse::Id, self.made)?.sign(&claims)?)
            }
            None => None,
        };
        Ok(Tokens {
            id_token,
            access_token,
            refresh_token: self.refresh_token,
            expires_in_s: self.expires_in_s,
            new_device: self.new_device,
        })
    }
}

/// The left half of the access token's hash (OpenID Connect Core 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    BASE64URL.encode(&digest.as_ref()[..16])
}

fn id_claims(
    pool: &Pool,
    client: &Client,
    user: &User,
    groups: &GroupClaims,
    id: [u8; 16],
    facts: &SignInFacts,
    now: Timestamp,
) -> Value {
    let mut claims = Map::new();
    for (name, value) in user.shown_attributes() {
        if name != "sub" && (!client.can_read(name) || !scope_covers(facts, name)) {
            continue;
        }
        claims.insert(
            name.into(),
            match name {
                _ if is_flag(name) => (value == "true").into(),
                IDENTITIES => identities::claim(value),
                _ => standard_claim(name, value),
            },
        );
    }
    claims.insert("iss".into(), pool.issuer.clone().into());
    claims.insert("cognito:username".into(), user.username.clone().into());
    groups.write_groups(&mut claims);
    groups.write_roles(&mut claims);
    if client.revocable {
        claims.insert("origin_jti".into(), uuid_text(id).into());
    }
    claims.insert("aud".into(), client.id.clone().into());
    claims.insert("event_id".into(), facts.event_id.clone().into());
    claims.insert("token_use".into(), "id".into());
    claims.insert("auth_time".into(), facts.auth_time.into());
    if let Some(nonce) = &facts.nonce {
        claims.insert("nonce".into(), nonce.clone().into());
    }
    if facts.oauth {
        // Known once the access token is signed.
        claims.insert("at_hash".into(), true.into());
    }
    claims.insert("amr".into(), facts.amr.clone().into());
    if let Some(acr) = &facts.acr {
        claims.insert("acr".into(), acr.clone().into());
    }
    claims.insert("exp".into(), (now.seconds() + client.lifetimes.id_s).into());
    claims.insert("iat".into(), now.seconds().into());
    claims.insert("jti".into(), crate::user::fresh_id().into());
    Value::Object(claims)
}

/// Tells whether a claim is true or false, where attributes are texts.
pub fn is_flag(name: &str) -> bool {
    matches!(name, "email_verified" | "phone_number_verified")
}

/// The value of an attribute as its claim has it (OpenID Connect Core §5.1).
pub fn standard_claim(name: &str, value: &str) -> Value {
    match name {
        "updated_at" => value.parse::<i64>().map_or_else(|_| value.into(), Value::from),
        "address" => json!({ "formatted": value }),
        _ => value.into(),
    }
}

fn access_claims(
    pool: &Pool,
    client: &Client,
    user: &User,
    groups: &GroupClaims,
    id: [u8; 16],
    facts: &SignInFacts,
    now: Timestamp,
) -> Value {
    let mut claims = Map::new();
    claims.insert("sub".into(), user.id.clone().into());
    if let Some(device) = &facts.device {
        claims.insert("device_key".into(), device.clone().into());
    }
    groups.write_groups(&mut claims);
    claims.insert("iss".into(), pool.issuer.clone().into());
    if facts.oauth {
        claims.insert("version".into(), 2.into());
    }
    claims.insert("client_id".into(), client.id.clone().into());
    if let Some(resource) = &facts.resource {
        claims.insert("aud".into(), resource.clone().into());
    }
    if client.revocable {
        claims.insert("origin_jti".into(), uuid_text(id).into());
    }
    claims.insert("event_id".into(), facts.event_id.clone().into());
    if let Some(acr) = &facts.acr {
        claims.insert("acr".into(), acr.clone().into());
        claims.insert("amr".into(), facts.amr.clone().into());
    }
    claims.insert("token_use".into(), "access".into());
    claims.insert("scope".into(), facts.scope.clone().into());
    claims.insert("auth_time".into(), facts.auth_time.into());
    claims.insert("exp".into(), (now.seconds() + client.lifetimes.access_s).into());
    claims.insert("iat".into(), now.seconds().into());
    claims.insert("jti".into(), crate::user::fresh_id().into());
    claims.insert("username".into(), user.username.clone().into());
    Value::Object(claims)
}

/// Tells whether the scopes of an OAuth sign-in let an attribute into its ID token (OpenID Connect Core 5.4).
/// Sign-ins through the API show all that the client may read, and so does `openid` on its own.
pub fn scope_covers(facts: &SignInFacts, attribute: &str) -> bool {
    if !facts.oauth || attribute == IDENTITIES {
        return true;
    }
    let asked = |scope: &str| facts.scope.split(' ').any(|each| each == scope);
    if !["email", "phone", "profile"].into_iter().any(asked) {
        return true;
    }
    match attribute {
        "email" | "email_verified" => asked("email"),
        "phone_number" | "phone_number_verified" => asked("phone"),
        _ => asked("profile"),
    }
}

/// What an access token says, once its signature, use and time are good.
pub struct AccessClaims {
    pub sub: String,
    pub client_id: String,
    pub scope: String,
    pub auth_time: i64,
    pub expires_s: i64,
    pub issuer: String,
    pub sign_in: Option<[u8; 16]>,
    pub device_key: Option<String>,
}

/// Reads the claims of a verified access token.
pub fn access_token(claims: &Value) -> Option<AccessClaims> {
    let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
    Some(AccessClaims {
        sub: text("sub")?,
        client_id: text("client_id")?,
        scope: text("scope")?,
        issuer: text("iss")?,
        device_key: text("device_key"),
        auth_time: claims.get("auth_time")?.as_i64()?,
        expires_s: claims.get("exp")?.as_i64()?,
        sign_in: text("origin_jti")
            .and_then(|id| uuid::Uuid::parse_str(&id).ok())
            .map(uuid::Uuid::into_bytes),
    })
}
