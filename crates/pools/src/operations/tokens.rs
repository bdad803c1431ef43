//! Refreshing, revoking, signing out: what becomes of a sign-in's tokens. (Also GetUser, the first thing an app
//! does with one.)

use crate::Pools;
use crate::client::Client;
use crate::functions;
use crate::keys::TokenUse;
use crate::oauth::errors::INVALID_SCOPE;
use crate::oauth::token::narrowed;
use crate::operations::auth::authentication_result;
use crate::operations::users::wire_attributes;
use crate::pool::Pool;
use crate::sessions::not_linked;
use crate::sign_in::{At, Device, Says, Subject};
use crate::tokens::{
    AccessClaims, Grant, RefreshToken, Refreshing, SignInFacts, USER_ADMIN_SCOPE, access_token, prepare,
};
use crate::user::{Acting, User};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminUserGlobalSignOutRequest, AdminUserGlobalSignOutResponse, ClientAuthenticationResultType,
    DeleteUserRequest, GetClientTokenRequest, GetClientTokenResponse, GetTokensFromRefreshTokenRequest,
    GetTokensFromRefreshTokenResponse, GetUserRequest, GetUserResponse, GlobalSignOutRequest,
    GlobalSignOutResponse, RevokeTokenRequest, RevokeTokenResponse, op,
};
use postern_model::shape::Nothing;
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::auth::SignInRow;
use postern_store::{Timestamp, Tx};
use std::sync::Arc;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::GetTokensFromRefreshToken, Pools::get_tokens_from_refresh_token)
        .on(op::GetClientToken, Pools::get_client_token)
        .on(op::RevokeToken, Pools::revoke_token)
        .on(op::GlobalSignOut, Pools::global_sign_out)
        .on(op::AdminUserGlobalSignOut, Pools::admin_user_global_sign_out)
        .on(op::GetUser, Pools::get_user)
        .on(op::DeleteUser, Pools::delete_user)
}

/// Whoever an access token stands for.
pub struct Bearer {
    pub pool: Arc<Pool>,
    pub client: Arc<Client>,
    pub user: User,
    pub claims: AccessClaims,
}

impl Bearer {
    pub fn acting(&self) -> Acting {
        Acting { sign_in: self.claims.sign_in, since: Timestamp::from_ms(self.claims.auth_time * 1000) }
    }

    /// Where the bearer acts on their own user.
    pub fn at(&self, caller: &Caller, now: Timestamp) -> At {
        let (pool, client, caller) = (self.pool.clone(), self.client.clone(), caller.clone());
        At::new(pool, client, caller, now)
    }
}

impl Pools {
    pub async fn get_tokens_from_refresh_token(
        &self,
        caller: &Caller,
        request: GetTokensFromRefreshTokenRequest,
    ) -> Answer<GetTokensFromRefreshTokenResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let grant = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &request.client_id, None)?;
                let says = Says::metadata(request.client_metadata.clone());
                let at = At { says, device: request.device_key.clone().map(Device::Key), ..at };
                prove_client(&at.client, request.client_secret.as_ref().map(|secret| secret.reveal()))?;
                let token = request.refresh_token.reveal();
                pools.refresh_or_note(tx, &at, &Refreshing { token, scope: None, may_rotate: true })
            })
            .await??;
        let tokens = self.sign(grant).await?;
        Ok(GetTokensFromRefreshTokenResponse { authentication_result: Some(authentication_result(tokens)) })
    }

    /// Gives an app a token of its own, as the token endpoint does for `client_credentials`.
    pub async fn get_client_token(
        &self,
        caller: &Caller,
        request: GetClientTokenRequest,
    ) -> Answer<GetClientTokenResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let grant = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &request.client_id, None)?;
                let at = At { says: Says::metadata(request.client_metadata.clone()), ..at };
                if !at.client.secret_matches(request.secret.reveal()) {
                    return refuse(
                        NotAuthorizedException,
                        format!("Unable to verify secret for client {}", at.client.id),
                    );
                }
                let asked =
                    request.scopes.as_ref().map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
                pools.client_token(tx, &at, asked.as_deref(), None)
            })
            .await
            .map_err(in_the_apis_words)?;
        let tokens = self.sign(grant).await?;
        Ok(GetClientTokenResponse {
            client_authentication_result: Some(ClientAuthenticationResultType {
                access_token: Some(Secret::new(tokens.access_token)),
                expires_in: Some(tokens.expires_in_s),
                token_type: Some("Bearer".into()),
            }),
        })
    }

    /// Makes new tokens of a sign-in, for the flows that never rotate.
    pub fn refresh(&self, tx: &mut Tx<'_>, at: &At, token: &str, may_rotate: bool) -> Answer<Grant> {
        self.refresh_or_note(tx, at, &Refreshing { token, scope: None, may_rotate })?
    }

    /// Makes new tokens of a sign-in. A refusal that must be remembered (a rotated token came back) is the inner
    /// one, so that what it wrote stays.
    pub fn refresh_or_note(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        refreshing: &Refreshing<'_>,
    ) -> Answer<Result<Grant, Error>> {
        let presented = RefreshToken::parse(refreshing.token).ok_or_else(|| no("Invalid Refresh Token"))?;
        let rotates = at.client.rotation_grace_s;
        let found = match rotates {
            Some(_) => tx.sign_in_to_change(&presented.id)?,
            None => tx.find_sign_in(&presented.id)?,
        };
        let sign_in =
            found.filter(|row| row.client_id == at.client.id).ok_or_else(|| no("Invalid Refresh Token"))?;
        if rotates.is_some() && !refreshing.may_rotate {
            return refuse(
                InvalidParameterException,
                "REFRESH_TOKEN_AUTH flow is not available for this client because refresh token rotation is enabled",
            );
        }
        if sign_in.revoked {
            return Err(no("Refresh Token has been revoked"));
        }
        let is_current = presented.matches(tx.keys(), &sign_in.refresh_mac);
        if !is_current {
            let was_rotated_ms = sign_in
                .previous
                .iter()
                .rev()
                .find(|rotated| presented.matches(tx.keys(), &rotated.mac))
                .map(|rotated| at.now.since(rotated.at))
                // One that is no longer remembered was rotated away long ago.
                .or_else(|| presented.is_ours(tx.keys()).then_some(i64::MAX));
            match was_rotated_ms {
                None => return Err(no("Invalid Refresh Token")),
                Some(ago_ms) if ago_ms >= rotates.unwrap_or(0) * 1000 => {
                    tx.revoke_sign_in(&sign_in.id)?;
                    let subject = owner_of(tx, &sign_in)?;
                    self.audit(
                        tx,
                        at,
                        &subject,
                        "Refresh",
                        "reused",
                        "all tokens of the sign-in are revoked",
                    )?;
                    return Ok(Err(refusal(
                        RefreshTokenReuseException,
                        "Refresh token was used before; the sign-in has been revoked.",
                    )));
                }
                Some(_) => {}
            }
        }
        let user = self.user_of_sign_in(tx, &sign_in, at.now)?;
        let mut facts: SignInFacts = serde_json::from_str(&sign_in.facts).map_err(anyhow::Error::from)?;
        self.is_on_its_device(tx, at, &user, &facts)?;
        // A nonce is the first ID token's only (OpenID Connect Core 12.2).
        facts.nonce = None;
        if let Some(asked) = refreshing.scope {
            let Some(scope) = narrowed(&facts.scope, asked) else {
                return refuse(INVALID_SCOPE, "a scope was not granted");
            };
            facts.scope = scope;
        }
        let mut grant = prepare(tx, &at.pool, &at.client, &user, sign_in.id, &facts, at.now)?;
        // A refreshed ID token has no hash of its access token, as on AWS.
        if let Some(claims) = grant.id_claims.as_mut().and_then(serde_json::Value::as_object_mut) {
            claims.remove("at_hash");
        }
        self.pre_token_generation(tx, at, &user, "RefreshTokens", &mut grant)?;
        if rotates.is_some() {
            let fresh = RefreshToken::fresh(sign_in.id, tx.keys());
            if !tx.rotate_refresh(&sign_in, &fresh.mac(tx.keys()), at.now)? {
                return Err(no("Invalid Refresh Token"));
            }
            grant.refresh_token = Some(fresh.text());
        }
        crate::sessions::track_use(tx, at, &sign_in.id)?;
        self.audit(tx, at, &Subject::of(&user), "Refresh", "refreshed", "")?;
        Ok(Ok(grant))
    }

    /// Refuses to refresh a sign-in that is on a device of its user's unless the device is named; another is never its.
    fn is_on_its_device(&self, tx: &mut Tx<'_>, at: &At, user: &User, facts: &SignInFacts) -> Answer<()> {
        let Some(key) = &facts.device else { return Ok(()) };
        let is_its = match at.device_key() {
            Some(named) => named == key,
            None => !at.pool.devices.on || tx.find_device(&user.pool_id, &user.id, key)?.is_none(),
        };
        if is_its { Ok(()) } else { Err(no("Invalid Refresh Token")) }
    }

    /// The user of a sign-in, if neither has ended since.
    fn user_of_sign_in(&self, tx: &mut Tx<'_>, sign_in: &SignInRow, now: Timestamp) -> Answer<User> {
        if now >= sign_in.expires {
            return Err(no("Refresh Token has expired"));
        }
        let user = tx
            .user_by_id(&sign_in.pool_id, &sign_in.user_id)?
            .map(User::from_row)
            .transpose()?
            .ok_or_else(|| no("Invalid Refresh Token"))?;
        if sign_in.created <= user.signed_out {
            return Err(no("Refresh Token has been revoked"));
        }
        if !user.enabled {
            return Err(no("User is disabled."));
        }
        Ok(user)
    }

    pub async fn revoke_token(
        &self,
        caller: &Caller,
        request: RevokeTokenRequest,
    ) -> Answer<RevokeTokenResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let at = pools.at(tx, &caller, &request.client_id, None).map_err(|error| {
                    // This operation's model has no other word for a client that is not there.
                    match error {
                        Error::Refused(no) => refusal(InvalidParameterException, no.message),
                        failed => failed,
                    }
                })?;
                if at.client.has_secret()
                    && !request
                        .client_secret
                        .as_ref()
                        .is_some_and(|secret| at.client.secret_matches(secret.reveal()))
                {
                    return refuse(UnauthorizedException, "Unable to verify the client secret");
                }
                not_linked(request.revoke_associated_sessions)?;
                let token = request.token.reveal();
                if !pools.may_revoke(tx, &at, token)? {
                    return refuse(
                        UnsupportedOperationException,
                        "Token revocation is not enabled for this client",
                    );
                }
                if token.matches('.').count() == 2 {
                    return refuse(UnsupportedTokenTypeException, "Unsupported token type");
                }
                pools.revoke(tx, &at, token)?;
                Ok(RevokeTokenResponse {})
            })
            .await
    }

    /// Ends the sign-in that a refresh token belongs to, or belonged to before it was rotated; an unknown token is no error
    /// (RFC 7009 §2.2).
    pub fn revoke(&self, tx: &mut Tx<'_>, at: &At, token: &str) -> Answer<()> {
        if let Some(sign_in) = sign_in_of(tx, at, token)?
            && tx.revoke_sign_in(&sign_in.id)?
        {
            let subject = owner_of(tx, &sign_in)?;
            self.audit(tx, at, &subject, "RevokeToken", "revoked", "")?;
        }
        Ok(())
    }

    /// Tells whether a client may revoke a token: its settings say so, or said so when the token was made.
    pub fn may_revoke(&self, tx: &mut Tx<'_>, at: &At, token: &str) -> Answer<bool> {
        if at.client.revocable {
            return Ok(true);
        }
        let Some(sign_in) = sign_in_of(tx, at, token)? else { return Ok(false) };
        let facts: SignInFacts = serde_json::from_str(&sign_in.facts).map_err(anyhow::Error::from)?;
        Ok(facts.revocable)
    }

    pub async fn global_sign_out(
        &self,
        caller: &Caller,
        request: GlobalSignOutRequest,
    ) -> Answer<GlobalSignOutResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal()).map_err(|error| {
                    // This operation's model has no word for a user that is gone.
                    let is_gone = error.kind() == Some(UserNotFoundException);
                    if is_gone { no("Access Token has been revoked") } else { error }
                })?;
                let mut user = pools.user_to_change(tx, &bearer.user)?;
                user.sign_out(tx, pools.clock.now())?;
                pools.audit_own(tx, &caller, &bearer, "GlobalSignOut", "signed out")?;
                Ok(GlobalSignOutResponse {})
            })
            .await
    }

    pub async fn admin_user_global_sign_out(
        &self,
        _: &Caller,
        request: AdminUserGlobalSignOutRequest,
    ) -> Answer<AdminUserGlobalSignOutResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let mut user = pools.user_to_change(tx, &user)?;
                user.sign_out(tx, pools.clock.now())?;
                Ok(AdminUserGlobalSignOutResponse {})
            })
            .await
    }

    pub async fn get_user(&self, _: &Caller, request: GetUserRequest) -> Answer<GetUserResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                let readable = |name: &str| name == "sub" || bearer.client.can_read(name);
                let factors = pools.second_factors(tx, &bearer.user)?;
                Ok(GetUserResponse {
                    username: bearer.user.username.clone(),
                    user_attributes: wire_attributes(&bearer.user, readable),
                    mfa_options: factors.shown_options(),
                    preferred_mfa_setting: factors.shown_preferred(),
                    user_mfa_setting_list: factors.shown(),
                })
            })
            .await
    }

    pub async fn delete_user(&self, caller: &Caller, request: DeleteUserRequest) -> Answer<Nothing> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                tx.delete_user(&bearer.pool.id, &bearer.user.id)?;
                pools.audit_own(tx, &caller, &bearer, "DeleteUser", "deleted")?;
                Ok(Nothing::default())
            })
            .await
    }

    /// Tells for whom an access token stands, if it may act on its own user. Checks in this order: shape and signature,
    /// expiry, scope, user, revocation.
    pub fn bearer(&self, tx: &mut Tx<'_>, token: &str) -> Answer<Bearer> {
        self.bearer_with(tx, token, Some(USER_ADMIN_SCOPE))
    }

    /// Writes down what somebody did with their own account.
    pub(crate) fn audit_own(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        bearer: &Bearer,
        action: &str,
        outcome: &str,
    ) -> Answer<()> {
        let at = self.at_bearer(bearer, caller);
        self.audit(tx, &at, &Subject::of(&bearer.user), action, outcome, "")
    }

    /// Stands where a bearer's token was made for.
    pub fn at_bearer(&self, bearer: &Bearer, caller: &Caller) -> At {
        At::new(bearer.pool.clone(), bearer.client.clone(), caller.clone(), self.clock.now())
    }

    pub fn bearer_of_any_scope(&self, tx: &mut Tx<'_>, token: &str) -> Answer<Bearer> {
        self.bearer_with(tx, token, None)
    }

    fn bearer_with(&self, tx: &mut Tx<'_>, token: &str, needed: Option<&str>) -> Answer<Bearer> {
        let invalid = || no("Invalid Access Token");
        let pool_id = pool_named_in(token).ok_or_else(invalid)?;
        let pool = Pool::find(tx, &self.place, &pool_id)?.ok_or_else(invalid)?;
        let keys = crate::keys::of_version(tx, &pool.id, pool.version)?;
        let claims = keys.verified(token, TokenUse::Access).ok_or_else(invalid)?;
        let claims =
            access_token(&claims).filter(|claims| pool.is_issuer(&claims.issuer)).ok_or_else(invalid)?;
        let client = Client::find(tx, &claims.client_id)?
            .filter(|client| client.pool_id == pool.id)
            .ok_or_else(invalid)?;
        let now = self.clock.now();
        if now.seconds() >= claims.expires_s {
            return Err(no("Access Token has expired"));
        }
        // Before the user is looked for: an app's own token stands for none.
        if needed.is_some_and(|needed| !claims.scope.split(' ').any(|scope| scope == needed)) {
            return Err(no("Access Token does not have required scopes"));
        }
        let user = tx
            .user_by_id(&pool.id, &claims.sub)?
            .map(User::from_row)
            .transpose()?
            .ok_or_else(|| refusal(UserNotFoundException, "User does not exist."))?;
        let ended = match claims.sign_in {
            Some(id) => tx
                .find_sign_in(&id)?
                .is_none_or(|sign_in| sign_in.revoked || sign_in.created <= user.signed_out),
            // It tells its moment in whole seconds.
            None => claims.auth_time < user.signed_out.seconds(),
        };
        if ended {
            return Err(no("Access Token has been revoked"));
        }
        if !user.enabled {
            return Err(no("User is disabled."));
        }
        Ok(Bearer { pool, client, user, claims })
    }
}

/// The sign-in of a client that a refresh token belongs to, or belonged to before it was rotated.
fn sign_in_of(tx: &mut Tx<'_>, at: &At, token: &str) -> Answer<Option<SignInRow>> {
    let Some(presented) = RefreshToken::parse(token) else { return Ok(None) };
    let found = tx.find_sign_in(&presented.id)?.filter(|sign_in| sign_in.client_id == at.client.id);
    Ok(found.filter(|sign_in| {
        presented.matches(tx.keys(), &sign_in.refresh_mac)
            || sign_in.previous.iter().any(|rotated| presented.matches(tx.keys(), &rotated.mac))
            || presented.is_ours(tx.keys())
    }))
}

/// Whose a sign-in is, or was.
fn owner_of(tx: &mut Tx<'_>, sign_in: &SignInRow) -> Answer<Subject> {
    let user = tx.user_by_id(&sign_in.pool_id, &sign_in.user_id)?.map(User::from_row).transpose()?;
    Ok(Subject { name_key: sign_in.user_id.clone(), user })
}

/// Checks the raw secret where a client has one.
fn prove_client(client: &Client, presented: Option<&str>) -> Answer<()> {
    match (client.has_secret(), presented) {
        (false, None) => Ok(()),
        (true, Some(presented)) if client.secret_matches(presented) => Ok(()),
        _ => refuse(NotAuthorizedException, format!("Unable to verify secret for client {}", client.id)),
    }
}

/// Says a refusal of OAuth in the words of the API.
fn in_the_apis_words(error: Error) -> Error {
    use crate::oauth::errors::{INVALID_SCOPE, UNAUTHORIZED_CLIENT};
    match error.kind() {
        Some(UNAUTHORIZED_CLIENT) => {
            refusal(NotAuthorizedException, "Client is not enabled for the client_credentials flow.")
        }
        Some(INVALID_SCOPE) => refusal(InvalidParameterException, "Invalid scope requested."),
        // This operation's model has no words of functions.
        Some(kind) if functions::refused(kind) => {
            refusal(NotAuthorizedException, "The token was refused by a function of the user pool.")
        }
        _ => error,
    }
}

/// Reads which pool a token says it is of, before anything about it is known to be true.
fn pool_named_in(token: &str) -> Option<String> {
    let payload = BASE64URL.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("iss")?.as_str()?.rsplit('/').next()?.to_owned())
}

fn no(words: &'static str) -> Error {
    refusal(NotAuthorizedException, words)
}
