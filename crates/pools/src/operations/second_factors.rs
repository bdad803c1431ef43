//! A user's second factors: authenticators set up and taken away, which factors are asked for and which is preferred;
//! and which ways of signing in somebody has.

use crate::Pools;
use crate::auth::factors::{self, Factor, Has};
use crate::auth::second_factor::{Fault, SecondFactor, Wish, granted};
use crate::limits::Tries;
use crate::limits::is_fresh;
use crate::operations::tokens::Bearer;
use crate::outgoing::{too_many, too_often};
use crate::pool::Pool;
use crate::second_factors::SecondFactors;
use crate::sign_in::{At, Subject};
use crate::user::User;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminDeleteSoftwareTokenRequest, AdminDeleteSoftwareTokenResponse, AdminGetUserAuthFactorsRequest,
    AdminGetUserAuthFactorsResponse, AdminSetUserMFAPreferenceRequest, AdminSetUserMFAPreferenceResponse,
    AdminSetUserSettingsRequest, AdminSetUserSettingsResponse, AssociateSoftwareTokenRequest,
    AssociateSoftwareTokenResponse, AuthFactorType, DeliveryMediumType, EmailMfaSettingsType,
    GetUserAuthFactorsRequest, GetUserAuthFactorsResponse, MFAOptionType, SMSMfaSettingsType,
    SetUserMFAPreferenceRequest, SetUserMFAPreferenceResponse, SetUserSettingsRequest,
    SetUserSettingsResponse, SoftwareTokenMfaSettingsType, VerifySoftwareTokenRequest,
    VerifySoftwareTokenResponse, VerifySoftwareTokenResponseType, WebAuthnMfaSettingsType, op,
};
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::Tx;
use postern_store::auth::ChallengeRow;

/// First codes of a new authenticator that may be tried in a day.
const SET_UP_TRIES: usize = 50;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::AssociateSoftwareToken, Pools::associate_software_token)
        .on(op::VerifySoftwareToken, Pools::verify_software_token)
        .on(op::AdminDeleteSoftwareToken, Pools::admin_delete_software_token)
        .on(op::SetUserMFAPreference, Pools::set_user_mfa_preference)
        .on(op::AdminSetUserMFAPreference, Pools::admin_set_user_mfa_preference)
        .on(op::SetUserSettings, Pools::set_user_settings)
        .on(op::AdminSetUserSettings, Pools::admin_set_user_settings)
        .on(op::GetUserAuthFactors, Pools::get_user_auth_factors)
        .on(op::AdminGetUserAuthFactors, Pools::admin_get_user_auth_factors)
}

impl Pools {
    /// Draws a seed for a new authenticator, of whoever is signed in or has yet to set one up to be so.
    pub async fn associate_software_token(
        &self,
        caller: &Caller,
        request: AssociateSoftwareTokenRequest,
    ) -> Answer<AssociateSoftwareTokenResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| match (&request.access_token, &request.session) {
                (Some(token), None) => {
                    let bearer = pools.bearer(tx, token.reveal()).map_err(without_user)?;
                    offers_authenticators(&bearer.pool)?;
                    pools.require_fresh(&bearer)?;
                    let user = pools.user_to_change(tx, &bearer.user).map_err(without_user)?;
                    let seed = pools.draw_seed(tx, &user, pools.clock.now())?;
                    pools.audit_own(tx, &caller, &bearer, "AssociateSoftwareToken", "begun")?;
                    Ok(AssociateSoftwareTokenResponse { secret_code: Some(Secret::new(seed)), session: None })
                }
                (None, Some(session)) => {
                    let (at, challenge) = pools.at_session(tx, &caller, session)?;
                    offers_authenticators(&at.pool)?;
                    let (seed, asked) =
                        pools.set_up_authenticator(tx, &at, &challenge.name_key, session.reveal())?;
                    Ok(AssociateSoftwareTokenResponse {
                        secret_code: Some(Secret::new(seed)),
                        session: Some(Secret::new(asked.session)),
                    })
                }
                _ => Err(one_of_both()),
            })
            .await
    }

    /// Takes a new authenticator into use by its first code.
    pub async fn verify_software_token(
        &self,
        caller: &Caller,
        request: VerifySoftwareTokenRequest,
    ) -> Answer<VerifySoftwareTokenResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        let code = request.user_code.clone();
        let verified: Option<Option<String>> = self
            .store
            .write(move |tx| {
                let (code, device) = (code.reveal(), request.friendly_device_name.as_deref());
                match (&request.access_token, &request.session) {
                    (Some(token), None) => {
                        let bearer = pools.bearer(tx, token.reveal())?;
                        offers_authenticators(&bearer.pool)?;
                        let verified = pools.verify_by_bearer(tx, &caller, bearer, code, device)?;
                        Ok(verified.then_some(None))
                    }
                    (None, Some(session)) => {
                        let (at, challenge) = pools.at_session(tx, &caller, session)?;
                        offers_authenticators(&at.pool)?;
                        let (name, session) = (challenge.name_key, session.reveal());
                        let asked = pools.verify_authenticator(tx, &at, &name, session, code, device)?;
                        Ok(asked.map(|asked| Some(asked.session)))
                    }
                    _ => Err(one_of_both()),
                }
            })
            .await?;
        match verified {
            Some(session) => Ok(VerifySoftwareTokenResponse {
                status: Some(VerifySoftwareTokenResponseType::Success),
                session: session.map(Secret::new),
            }),
            None => {
                refuse(EnableSoftwareTokenMFAException, "Code mismatch and fail enable Software Token MFA")
            }
        }
    }

    fn verify_by_bearer(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        bearer: Bearer,
        code: &str,
        device: Option<&str>,
    ) -> Answer<bool> {
        const TOPIC: &str = "authenticators set up";
        let at = bearer.at(caller, self.clock.now());
        let mut user = self.user_to_change(tx, &bearer.user)?;
        let key = user.id.clone().into_bytes();
        let mut tries = Tries::read(&tx.ledger(&at.pool.id, TOPIC, &key)?);
        tries
            .spend(SET_UP_TRIES, at.now)
            .map_err(|wait_ms| too_many(too_often("guesses/set-up", wait_ms)))?;
        tx.put_ledger(&at.pool.id, TOPIC, &key, &tries.write(), tries.expires())?;
        let before = self.second_factors(tx, &user)?;
        let is_right = self.confirm_seed(tx, &user, code, device, at.now)?;
        let outcome = if is_right { "verified" } else { "wrong code" };
        self.audit(tx, &at, &Subject::of(&user), "VerifySoftwareToken", outcome, "")?;
        if !is_right {
            return Ok(false);
        }
        // One that is asked for already has just become another.
        if before.has_authenticator() && before.enabled.contains(&SecondFactor::Totp) {
            user.sign_out_others(tx, bearer.acting(), at.now)?;
            self.tell_of_second_factors(tx, &at, &user, &[SecondFactor::Totp], &[SecondFactor::Totp])?;
        }
        Ok(true)
    }

    /// Takes a user's authenticator away. All their sign-ins end: it may be in other hands.
    pub async fn admin_delete_software_token(
        &self,
        caller: &Caller,
        request: AdminDeleteSoftwareTokenRequest,
    ) -> Answer<AdminDeleteSoftwareTokenResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let at = pools.at_pool(tx, &caller, &request.user_pool_id)?;
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let mut user = pools.user_to_change(tx, &user)?;
                let before = pools.second_factors(tx, &user)?;
                if !tx.drop_seeds(&user.pool_id, &user.id)? {
                    return refuse(ResourceNotFoundException, "User has not set up software token mfa");
                }
                if !before.has_authenticator() {
                    return Ok(AdminDeleteSoftwareTokenResponse {});
                }
                let enabled: Vec<SecondFactor> =
                    before.enabled.iter().copied().filter(|factor| *factor != SecondFactor::Totp).collect();
                let preferred = before.preferred.filter(|preferred| *preferred != SecondFactor::Totp);
                pools.choose_second_factors(tx, &user, &enabled, preferred)?;
                user.sign_out(tx, at.now)?;
                pools.tell_of_second_factors(tx, &at, &user, &[], &[SecondFactor::Totp])?;
                Ok(AdminDeleteSoftwareTokenResponse {})
            })
            .await
    }

    pub async fn set_user_mfa_preference(
        &self,
        caller: &Caller,
        request: SetUserMFAPreferenceRequest,
    ) -> Answer<SetUserMFAPreferenceResponse> {
        let wishes = wishes(
            request.sms_mfa_settings.as_ref(),
            request.software_token_mfa_settings.as_ref(),
            request.email_mfa_settings.as_ref(),
            request.web_authn_mfa_settings.as_ref(),
        )?;
        self.prefer_by_token(caller, request.access_token, wishes).await?;
        Ok(SetUserMFAPreferenceResponse {})
    }

    pub async fn admin_set_user_mfa_preference(
        &self,
        caller: &Caller,
        request: AdminSetUserMFAPreferenceRequest,
    ) -> Answer<AdminSetUserMFAPreferenceResponse> {
        let wishes = wishes(
            request.sms_mfa_settings.as_ref(),
            request.software_token_mfa_settings.as_ref(),
            request.email_mfa_settings.as_ref(),
            request.web_authn_mfa_settings.as_ref(),
        )?;
        self.prefer_by_administrator(caller, request.user_pool_id, request.username, wishes).await?;
        Ok(AdminSetUserMFAPreferenceResponse {})
    }

    /// The switch of old for texts, which knows nothing else.
    pub async fn set_user_settings(
        &self,
        caller: &Caller,
        request: SetUserSettingsRequest,
    ) -> Answer<SetUserSettingsResponse> {
        let wishes = wishes_of_old(&request.mfa_options)?;
        self.prefer_by_token(caller, request.access_token, wishes).await?;
        Ok(SetUserSettingsResponse {})
    }

    pub async fn admin_set_user_settings(
        &self,
        caller: &Caller,
        request: AdminSetUserSettingsRequest,
    ) -> Answer<AdminSetUserSettingsResponse> {
        let wishes = wishes_of_old(&request.mfa_options)?;
        self.prefer_by_administrator(caller, request.user_pool_id, request.username, wishes).await?;
        Ok(AdminSetUserSettingsResponse {})
    }

    async fn prefer_by_token(&self, caller: &Caller, token: Secret, wishes: Vec<Wish>) -> Answer<()> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.bearer(tx, token.reveal())?;
                let at = bearer.at(&caller, pools.clock.now());
                let mut user = pools.user_to_change(tx, &bearer.user)?;
                let before = pools.second_factors(tx, &user)?;
                let (added, removed) = pools.prefer(tx, &at, &user, &before, &wishes, words_to_user)?;
                if added.is_empty() && removed.is_empty() {
                    return pools.audit_own(tx, &caller, &bearer, "SecondFactor", "preferred");
                }
                pools.require_fresh(&bearer)?;
                user.sign_out_others(tx, bearer.acting(), at.now)?;
                pools.tell_of_second_factors(tx, &at, &user, &added, &removed)
            })
            .await
    }

    async fn prefer_by_administrator(
        &self,
        caller: &Caller,
        pool_id: String,
        username: String,
        wishes: Vec<Wish>,
    ) -> Answer<()> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let at = pools.at_pool(tx, &caller, &pool_id)?;
                let (_, user) = pools.user_of_pool(tx, &pool_id, &username)?;
                let mut user = pools.user_to_change(tx, &user)?;
                let before = pools.second_factors(tx, &user)?;
                let (added, removed) =
                    pools.prefer(tx, &at, &user, &before, &wishes, words_to_administrator)?;
                if !removed.is_empty() {
                    user.sign_out(tx, at.now)?;
                }
                pools.tell_of_second_factors(tx, &at, &user, &added, &removed)
            })
            .await
    }

    /// Writes granted wishes down; tells which factors are asked for now that were not, and the reverse.
    fn prefer(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        before: &SecondFactors,
        wishes: &[Wish],
        words: fn(Fault, &SecondFactors) -> String,
    ) -> Answer<(Vec<SecondFactor>, Vec<SecondFactor>)> {
        let (enabled, preferred) = granted(&at.pool.second, &before.held(user), wishes)
            .map_err(|fault| refusal(InvalidParameterException, words(fault, before)))?;
        let not_in = |all: &[SecondFactor], others: &[SecondFactor]| -> Vec<SecondFactor> {
            all.iter().copied().filter(|factor| !others.contains(factor)).collect()
        };
        let (added, removed) = (not_in(&enabled, &before.enabled), not_in(&before.enabled, &enabled));
        if !added.is_empty() && user.password.is_none() {
            // Codes alone are no first factor beside a second one: nothing would be left to sign in with.
            return refuse(InvalidParameterException, "A user without a password cannot have an MFA method.");
        }
        self.choose_second_factors(tx, user, &enabled, preferred)?;
        Ok((added, removed))
    }

    /// Refuses a change of factors or addresses by a sign-in that is too old (rules A6 and F6): tokens that were left lying
    /// about do not take a factor away, and lead no codes elsewhere.
    pub(crate) fn require_fresh(&self, bearer: &Bearer) -> Answer<()> {
        if !is_fresh(bearer.claims.auth_time, self.rules.fresh_sign_in_s, self.clock.now()) {
            return refuse(NotAuthorizedException, "Sign in again to change how you sign in.");
        }
        Ok(())
    }

    /// Stands where a session was given out.
    fn at_session(&self, tx: &mut Tx<'_>, caller: &Caller, session: &Secret) -> Answer<(At, ChallengeRow)> {
        let macs = crate::auth::challenge::Handle::macs(tx.keys(), session.reveal());
        let challenge = tx
            .find_challenge(&macs)?
            .ok_or_else(|| refusal(NotAuthorizedException, "Invalid session for the user."))?;
        let at = self.at(tx, caller, &challenge.client_id, None)?;
        Ok((at, challenge))
    }

    pub async fn get_user_auth_factors(
        &self,
        _: &Caller,
        request: GetUserAuthFactorsRequest,
    ) -> Answer<GetUserAuthFactorsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                let factors = pools.second_factors(tx, &bearer.user)?;
                Ok(GetUserAuthFactorsResponse {
                    preferred_mfa_setting: factors.shown_preferred(),
                    user_mfa_setting_list: factors.shown(),
                    configured_user_auth_factors: Some(pools.first_factors(
                        tx,
                        &bearer.pool,
                        &bearer.user,
                    )?),
                    username: bearer.user.username,
                })
            })
            .await
    }

    pub async fn admin_get_user_auth_factors(
        &self,
        _: &Caller,
        request: AdminGetUserAuthFactorsRequest,
    ) -> Answer<AdminGetUserAuthFactorsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let factors = pools.second_factors(tx, &user)?;
                Ok(AdminGetUserAuthFactorsResponse {
                    preferred_mfa_setting: factors.shown_preferred(),
                    user_mfa_setting_list: factors.shown(),
                    configured_user_auth_factors: Some(pools.first_factors(tx, &pool, &user)?),
                    username: user.username,
                })
            })
            .await
    }

    /// The first factors that a user has for certain: codes only by an address that is verified.
    fn first_factors(&self, tx: &mut Tx<'_>, pool: &Pool, user: &User) -> Answer<Vec<AuthFactorType>> {
        let subject = Subject { name_key: pool.name_key(&user.username), user: Some(user.clone()) };
        let has = Has { passkey: self.has_passkey(tx, pool, &subject)?, ..user.has() };
        Ok(factors::available(&pool.allowed_factors, has, false)
            .into_iter()
            .filter(|factor| match factor {
                Factor::EmailOtp => user.is_verified("email"),
                Factor::SmsOtp => user.is_verified("phone_number"),
                _ => true,
            })
            .filter_map(|factor| AuthFactorType::parse(factor.as_str()))
            .collect())
    }
}

fn wishes(
    sms: Option<&SMSMfaSettingsType>,
    totp: Option<&SoftwareTokenMfaSettingsType>,
    email: Option<&EmailMfaSettingsType>,
    passkey: Option<&WebAuthnMfaSettingsType>,
) -> Answer<Vec<Wish>> {
    if passkey.is_some_and(|passkey| passkey.enabled == Some(true)) {
        return refuse(
            InvalidParameterException,
            "WEB_AUTHN is not enabled as an MFA method of the user pool.",
        );
    }
    let wish = |factor, enabled: Option<bool>, preferred: Option<bool>| Wish {
        factor,
        enabled: enabled.unwrap_or(false),
        preferred: preferred.unwrap_or(false),
    };
    Ok([
        sms.map(|sms| wish(SecondFactor::Sms, sms.enabled, sms.preferred_mfa)),
        totp.map(|totp| wish(SecondFactor::Totp, totp.enabled, totp.preferred_mfa)),
        email.map(|email| wish(SecondFactor::Email, email.enabled, email.preferred_mfa)),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// Reads a list of old: one entry, texts to the phone number, switches them on; none switches them off.
fn wishes_of_old(options: &[MFAOptionType]) -> Answer<Vec<Wish>> {
    let is_by_text = |option: &MFAOptionType| {
        option.delivery_medium == Some(DeliveryMediumType::Sms)
            && option.attribute_name.as_deref() == Some("phone_number")
    };
    if !options.iter().all(is_by_text) {
        return refuse(InvalidParameterException, "Only SMS to phone_number can be set as an MFA option.");
    }
    Ok(vec![Wish { factor: SecondFactor::Sms, enabled: !options.is_empty(), preferred: false }])
}

fn words_to_user(fault: Fault, factors: &SecondFactors) -> String {
    match fault {
        Fault::NotUsable(SecondFactor::Totp) if factors.is_being_set_up() => {
            "User has not verified software token mfa".into()
        }
        Fault::NotUsable(SecondFactor::Totp) => "User has not set up software token mfa".into(),
        fault => words_to_administrator(fault, factors),
    }
}

fn words_to_administrator(fault: Fault, _: &SecondFactors) -> String {
    match fault {
        Fault::NotOffered(factor) => {
            format!("{} is not enabled as an MFA method of the user pool.", factor.as_str())
        }
        Fault::NotUsable(factor) => {
            format!("User does not have delivery config set to turn on {}", factor.as_str())
        }
        Fault::PreferredButNotEnabled(factor) => {
            format!("{} cannot be preferred without being enabled.", factor.as_str())
        }
        Fault::TwoPreferred => "Only one MFA method can be preferred.".into(),
    }
}

fn offers_authenticators(pool: &Pool) -> Answer<()> {
    if pool.second.allows(SecondFactor::Totp) {
        return Ok(());
    }
    refuse(SoftwareTokenMFANotFoundException, "Software Token MFA has not been enabled by the userPool")
}

fn one_of_both() -> Error {
    refusal(InvalidParameterException, "Either AccessToken or Session must be given, and not both.")
}

/// This operation's model has no word for a user that is gone.
fn without_user(error: Error) -> Error {
    let is_gone = error.kind() == Some(UserNotFoundException);
    if is_gone { refusal(NotAuthorizedException, "Access Token has been revoked") } else { error }
}
