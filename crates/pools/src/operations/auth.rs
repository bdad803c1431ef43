//! InitiateAuth, RespondToAuthChallenge and their twins for administrators: one sign-in behind four doors.

mod device;
mod flows;
mod step_up;

use crate::Pools;
use crate::auth::code::CodeKind;
use crate::auth::factors::Factor;
use crate::client::Client;
use crate::passwords::NewPassword;
use crate::pool::Pool;
use crate::sign_in::{Asked, At, Device, Given, Hello, Kind, Says, SignedIn, Step};
use crate::tokens::{self, Grant, SignInFacts, Tokens};
use crate::unit::kept;
use crate::watch::Context;
use flows::require_flow;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminInitiateAuthRequest, AdminInitiateAuthResponse, AdminRespondToAuthChallengeRequest,
    AdminRespondToAuthChallengeResponse, AuthFlowType, AuthenticationResultType, ChallengeNameType,
    InitiateAuthRequest, InitiateAuthResponse, NewDeviceMetadataType, RespondToAuthChallengeRequest,
    RespondToAuthChallengeResponse, op,
};
use postern_model::{Answer, Secret, Secrets, refusal, refuse};
use postern_store::Tx;
use serde_json::json;
use std::collections::BTreeMap;

/// The usual occasion of `TokenGeneration_…` events.
const SIGN_IN: &str = "Authentication";

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::InitiateAuth, Pools::initiate_auth)
        .on(op::AdminInitiateAuth, Pools::admin_initiate_auth)
        .on(op::RespondToAuthChallenge, Pools::respond_to_auth_challenge)
        .on(op::AdminRespondToAuthChallenge, Pools::admin_respond_to_auth_challenge)
}

/// What either way of beginning asks.
#[derive(Clone)]
struct Begin {
    /// Given by administrators only.
    pool_id: Option<String>,
    client_id: String,
    flow: AuthFlowType,
    parameters: Secrets,
    session: Option<Secret>,
    says: Says,
    context: Context,
}

/// What either way of answering says.
#[derive(Clone)]
struct Reply {
    pool_id: Option<String>,
    client_id: String,
    challenge: ChallengeNameType,
    session: Option<Secret>,
    responses: Secrets,
    says: Says,
    context: Context,
}

impl Begin {
    /// The client's opening of SRP, where this way of beginning takes one.
    fn opening(&self) -> Option<&str> {
        let takes_one = match self.flow {
            AuthFlowType::UserSrpAuth => true,
            AuthFlowType::CustomAuth => self.parameters.get("CHALLENGE_NAME") == Some("SRP_A"),
            AuthFlowType::UserAuth => self.parameters.get("PREFERRED_CHALLENGE") == Some("PASSWORD_SRP"),
            _ => false,
        };
        self.parameters.get("SRP_A").filter(|_| takes_one)
    }
}

impl Reply {
    /// The same in an answer.
    fn opening(&self) -> Option<&str> {
        let takes_one = match self.challenge {
            ChallengeNameType::PasswordSrp | ChallengeNameType::DeviceSrpAuth => true,
            ChallengeNameType::SelectChallenge => self.responses.get("ANSWER") == Some("PASSWORD_SRP"),
            _ => false,
        };
        self.responses.get("SRP_A").filter(|_| takes_one)
    }
}

/// What came along with the choice of a factor.
fn given<'a>(password: Option<&'a str>, hello: Option<&'a Hello>) -> Given<'a> {
    match (hello, password) {
        (Some(hello), _) => Given::Srp(hello),
        (None, Some(password)) => Given::Password(password),
        (None, None) => Given::Nothing,
    }
}

/// The answer that all four operations share.
#[derive(Default)]
struct Envelope {
    challenge_name: Option<ChallengeNameType>,
    session: Option<Secret>,
    challenge_parameters: BTreeMap<String, String>,
    available_challenges: Option<Vec<ChallengeNameType>>,
    result: Option<AuthenticationResultType>,
}

impl Pools {
    pub async fn initiate_auth(
        &self,
        caller: &Caller,
        request: InitiateAuthRequest,
    ) -> Answer<InitiateAuthResponse> {
        let begin = Begin {
            pool_id: None,
            client_id: request.client_id,
            flow: request.auth_flow,
            parameters: request.auth_parameters.unwrap_or_default(),
            session: request.session,
            says: beginning(request.client_metadata),
            context: Context::OfUser(request.user_context_data),
        };
        let envelope = self.begin_flow(caller, begin).await?;
        Ok(InitiateAuthResponse {
            challenge_name: envelope.challenge_name,
            session: envelope.session,
            challenge_parameters: Some(envelope.challenge_parameters),
            authentication_result: envelope.result,
            available_challenges: envelope.available_challenges,
        })
    }

    pub async fn admin_initiate_auth(
        &self,
        caller: &Caller,
        request: AdminInitiateAuthRequest,
    ) -> Answer<AdminInitiateAuthResponse> {
        let begin = Begin {
            pool_id: Some(request.user_pool_id),
            client_id: request.client_id,
            flow: request.auth_flow,
            parameters: request.auth_parameters.unwrap_or_default(),
            session: request.session,
            says: beginning(request.client_metadata),
            context: Context::OfServer(request.context_data),
        };
        let envelope = self.begin_flow(caller, begin).await?;
        Ok(AdminInitiateAuthResponse {
            challenge_name: envelope.challenge_name,
            session: envelope.session,
            challenge_parameters: Some(envelope.challenge_parameters),
            authentication_result: envelope.result,
            available_challenges: envelope.available_challenges,
        })
    }

    pub async fn respond_to_auth_challenge(
        &self,
        caller: &Caller,
        request: RespondToAuthChallengeRequest,
    ) -> Answer<RespondToAuthChallengeResponse> {
        let reply = Reply {
            pool_id: None,
            client_id: request.client_id,
            challenge: request.challenge_name,
            session: request.session,
            responses: request.challenge_responses.unwrap_or_default(),
            says: Says::metadata(request.client_metadata),
            context: Context::OfUser(request.user_context_data),
        };
        let envelope = self.answer_challenge(caller, reply).await?;
        Ok(RespondToAuthChallengeResponse {
            challenge_name: envelope.challenge_name,
            session: envelope.session,
            challenge_parameters: Some(envelope.challenge_parameters),
            authentication_result: envelope.result,
            ..RespondToAuthChallengeResponse::default()
        })
    }

    pub async fn admin_respond_to_auth_challenge(
        &self,
        caller: &Caller,
        request: AdminRespondToAuthChallengeRequest,
    ) -> Answer<AdminRespondToAuthChallengeResponse> {
        let reply = Reply {
            pool_id: Some(request.user_pool_id),
            client_id: request.client_id,
            challenge: request.challenge_name,
            session: request.session,
            responses: request.challenge_responses.unwrap_or_default(),
            says: Says::metadata(request.client_metadata),
            context: Context::OfServer(request.context_data),
        };
        let envelope = self.answer_challenge(caller, reply).await?;
        Ok(AdminRespondToAuthChallengeResponse {
            challenge_name: envelope.challenge_name,
            session: envelope.session,
            challenge_parameters: Some(envelope.challenge_parameters),
            authentication_result: envelope.result,
            ..AdminRespondToAuthChallengeResponse::default()
        })
    }

    async fn begin_flow(&self, caller: &Caller, begin: Begin) -> Answer<Envelope> {
        let hello = match begin.opening() {
            Some(value) => Some(self.hello(value).await?),
            None => None,
        };
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let (at, step) = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &begin.client_id, begin.pool_id.as_deref())?;
                let watch = begin.context.watch(&at.client);
                let mut at = At { says: begin.says.clone(), watch, ..at };
                let step = pools.begin_in_unit(tx, &mut at, &begin, hello.as_ref())?;
                Ok((at, step))
            })
            .await?;
        self.envelope(&at, step).await
    }

    fn begin_in_unit(
        &self,
        tx: &mut Tx<'_>,
        at: &mut At,
        begin: &Begin,
        hello: Option<&Hello>,
    ) -> Answer<Step<Grant>> {
        let is_admin = begin.pool_id.is_some();
        let parameter = |name: &str| begin.parameters.get(name);
        if matches!(begin.flow, AuthFlowType::RefreshToken | AuthFlowType::RefreshTokenAuth) {
            prove_secret_of_refresh(self, tx, at, parameter("SECRET_HASH"), parameter("REFRESH_TOKEN"))?;
            require_flow(at, begin.flow, is_admin)?;
            let token = parameter("REFRESH_TOKEN").ok_or_else(|| missing("REFRESH_TOKEN"))?;
            at.device = parameter("DEVICE_KEY").map(|key| Device::Key(key.to_owned()));
            return Ok(Step::Done(self.refresh(tx, at, token, false)?));
        }
        let username = parameter("USERNAME").ok_or_else(|| missing("USERNAME"))?;
        self.prove_secret(tx, at, parameter("SECRET_HASH"), username)?;
        require_flow(at, begin.flow, is_admin)?;
        at.device = self.device_of_begin(tx, at, begin, username)?;
        at.goal = self.goal_of_begin(tx, at, begin, username)?;
        let at = &*at;
        let step = match begin.flow {
            AuthFlowType::UserAuth => match &begin.session {
                Some(session) => self.begin_signed_up(tx, at, username, session.reveal())?,
                None => {
                    let preferred = preferred(parameter("PREFERRED_CHALLENGE"))?;
                    self.begin(tx, at, username, preferred, given(parameter("PASSWORD"), hello))?
                }
            },
            AuthFlowType::UserSrpAuth => {
                let hello = hello.ok_or_else(|| missing("SRP_A"))?;
                self.begin_with_srp(tx, at, username, hello)?
            }
            AuthFlowType::UserPasswordAuth
            | AuthFlowType::AdminUserPasswordAuth
            | AuthFlowType::AdminNoSrpAuth => {
                let password = parameter("PASSWORD").ok_or_else(|| missing("PASSWORD"))?;
                self.begin_with_password(tx, at, username, password)?
            }
            AuthFlowType::CustomAuth if parameter("CHALLENGE_NAME") == Some("SRP_A") => {
                let hello = hello.ok_or_else(|| missing("SRP_A"))?;
                self.begin_custom_with_srp(tx, at, username, hello)?
            }
            AuthFlowType::CustomAuth => self.begin_custom(tx, at, username)?,
            other => {
                return refuse(
                    InvalidParameterException,
                    format!("{other} flow is not available on this server"),
                );
            }
        };
        step.end(|signed_in| self.grant(tx, at, &signed_in, SIGN_IN))
    }

    async fn answer_challenge(&self, caller: &Caller, reply: Reply) -> Answer<Envelope> {
        let new = match reply.challenge {
            ChallengeNameType::NewPasswordRequired => self.renewing(caller, &reply).await?,
            _ => None,
        };
        let hello = match reply.opening() {
            Some(value) => Some(self.hello(value).await?),
            None => None,
        };
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let (at, step) = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &reply.client_id, reply.pool_id.as_deref())?;
                let watch = reply.context.watch(&at.client);
                let mut at = At { says: reply.says.clone(), watch, ..at };
                let step = kept(pools.answer_in_unit(tx, &mut at, &reply, new.as_ref(), hello.as_ref()))?;
                Ok((at, step))
            })
            .await?;
        self.envelope(&at, step).await
    }

    /// Makes the new password that an answer brings, for whoever was asked for it.
    async fn renewing(&self, caller: &Caller, reply: &Reply) -> Answer<Option<NewPassword>> {
        let (Some(password), Some(session)) = (reply.responses.get("NEW_PASSWORD"), &reply.session) else {
            return Ok(None);
        };
        let username = reply.responses.get("USERNAME").ok_or_else(|| missing("USERNAME"))?.to_owned();
        let (pools, caller, session) = (self.clone(), caller.clone(), session.clone());
        let (client_id, pool_id) = (reply.client_id.clone(), reply.pool_id.clone());
        let (pool, owner) = self
            .store
            .read(move |tx| {
                let at = pools.at(tx, &caller, &client_id, pool_id.as_deref())?;
                pools.owner_renewing(tx, &at, &username, session.reveal()).map(|owner| (at.pool, owner))
            })
            .await?;
        Ok(Some(self.new_password(&pool, owner, password).await?))
    }

    fn answer_in_unit(
        &self,
        tx: &mut Tx<'_>,
        at: &mut At,
        reply: &Reply,
        new: Option<&NewPassword>,
        hello: Option<&Hello>,
    ) -> Answer<Step<Grant>> {
        let response = |name: &str| reply.responses.get(name);
        let needed = |name: &'static str| response(name).ok_or_else(|| missing(name));
        let username = needed("USERNAME")?;
        self.prove_secret(tx, at, response("SECRET_HASH"), username)?;
        let session = reply.session.as_ref().map(Secret::reveal);
        self.carry_on(tx, at, reply, username)?;
        let at = &*at;
        if let Some(step) = self.answer_without_session(tx, at, reply, username, hello)? {
            return step.end(|signed_in| self.grant(tx, at, &signed_in, SIGN_IN));
        }
        let session = session.ok_or_else(|| missing("Session"))?;
        let step = match reply.challenge {
            ChallengeNameType::SelectChallenge => {
                let along = match (given(response("PASSWORD"), hello), response("CREDENTIAL")) {
                    (Given::Nothing, Some(credential)) => Given::Passkey(credential),
                    (along, _) => along,
                };
                self.answer_choice(tx, at, username, session, needed("ANSWER")?, along)?
            }
            ChallengeNameType::PasswordSrp => {
                let hello = hello.ok_or_else(|| missing("SRP_A"))?;
                self.answer_srp(tx, at, username, session, hello)?
            }
            ChallengeNameType::EmailOtp => {
                let code = response("EMAIL_OTP_CODE").or(response("EMAIL_MFA_CODE"));
                let code = code.ok_or_else(|| missing("EMAIL_OTP_CODE"))?;
                let kinds = [CodeKind::EMAIL_OTP, CodeKind::EMAIL_MFA];
                self.answer_code(tx, at, &kinds, username, session, code)?
            }
            ChallengeNameType::SmsOtp => {
                self.answer_code(tx, at, &[CodeKind::SMS_OTP], username, session, needed("SMS_OTP_CODE")?)?
            }
            ChallengeNameType::SmsMfa => {
                self.answer_code(tx, at, &[CodeKind::SMS_MFA], username, session, needed("SMS_MFA_CODE")?)?
            }
            ChallengeNameType::SoftwareTokenMfa => {
                let code = needed("SOFTWARE_TOKEN_MFA_CODE")?;
                self.answer_authenticator(tx, at, username, session, code)?
            }
            ChallengeNameType::SelectMfaType => {
                self.answer_second_choice(tx, at, username, session, needed("ANSWER")?)?
            }
            ChallengeNameType::MfaSetup => match response("EMAIL").or_else(|| response("email")) {
                Some(address) => self.answer_set_up_by_email(tx, at, username, session, address)?,
                None => self.answer_set_up(tx, at, username, session)?,
            },
            ChallengeNameType::Password => {
                self.answer_password(tx, at, username, session, needed("PASSWORD")?)?
            }
            ChallengeNameType::WebAuthn => {
                self.answer_passkey(tx, at, username, session, needed("CREDENTIAL")?)?
            }
            ChallengeNameType::NewPasswordRequired => {
                let new = new.ok_or_else(|| missing("NEW_PASSWORD"))?;
                let attributes: Vec<(String, String)> = reply
                    .responses
                    .names()
                    .filter_map(|name| {
                        let attribute = name.strip_prefix("userAttributes.")?;
                        Some((attribute.to_owned(), response(name)?.to_owned()))
                    })
                    .collect();
                self.answer_new_password(tx, at, username, session, new, &attributes)?
            }
            ChallengeNameType::CustomChallenge => {
                self.answer_custom(tx, at, username, session, needed("ANSWER")?)?
            }
            // No session of another kind is ever given out.
            _ => return refuse(NotAuthorizedException, "Invalid session for the user."),
        };
        let occasion = match reply.challenge {
            ChallengeNameType::NewPasswordRequired => "NewPasswordChallenge",
            _ => SIGN_IN,
        };
        step.end(|signed_in| self.grant(tx, at, &signed_in, occasion))
    }

    /// Carries a step to its end and says it in the words of the API.
    async fn envelope(&self, at: &At, step: Step<Grant>) -> Answer<Envelope> {
        let pools = self.clone();
        let finish =
            move |tx: &mut Tx<'_>, at: &At, signed_in: SignedIn| pools.grant(tx, at, &signed_in, SIGN_IN);
        let step = self.check_password(at, step, finish).await?;
        match step {
            Step::Ask(asked) => Ok(asked_envelope(&at.client, &asked)),
            Step::Done(grant) => {
                let tokens = self.sign(grant).await?;
                Ok(Envelope { result: Some(authentication_result(tokens)), ..Envelope::default() })
            }
            Step::No(error) => Err(error),
            Step::Check(_) => Err(anyhow::anyhow!("a password check asked for another").into()),
        }
    }

    /// Remembers a sign-in and prepares its tokens.
    fn grant(&self, tx: &mut Tx<'_>, at: &At, signed_in: &SignedIn, occasion: &'static str) -> Answer<Grant> {
        let SignedIn { user, facts } = signed_in;
        let occasion = if facts.device.is_some() { "AuthenticateDevice" } else { occasion };
        let new_device = (at.pool.devices.on && at.device.is_none()).then(|| self.new_device(&at.pool, user));
        let device = new_device.as_ref().map(|device| device.key.clone()).or_else(|| facts.device.clone());
        let facts = &SignInFacts { device, ..facts.clone() };
        let mut grant = tokens::grant(tx, &at.pool, &at.client, user, facts, at.now)?;
        grant.new_device = new_device;
        crate::sessions::track(tx, at, user, &grant.id, at.client.lifetimes.refresh_s)?;
        self.pre_token_generation(tx, at, user, occasion, &mut grant)?;
        Ok(grant)
    }

    /// Signs a grant's tokens on the signing threads.
    pub async fn sign(&self, grant: Grant) -> Answer<Tokens> {
        let signed = self.signers.run(move || grant.sign()).await;
        Ok(signed.map_err(|_| refusal(TooManyRequestsException, "Rate exceeded").retry_after(1))??)
    }

    /// Finds the client and its pool; an administrator's pool must be the client's.
    pub fn at(&self, tx: &mut Tx<'_>, caller: &Caller, client_id: &str, pool_id: Option<&str>) -> Answer<At> {
        if let Some(pool_id) = pool_id
            && Pool::find(tx, &self.place, pool_id)?.is_none()
        {
            return refuse(ResourceNotFoundException, format!("User pool {pool_id} does not exist."));
        }
        let client = Client::find(tx, client_id)?
            .filter(|client| pool_id.is_none_or(|pool_id| client.pool_id == pool_id))
            .ok_or_else(|| {
                refusal(ResourceNotFoundException, format!("User pool client {client_id} does not exist."))
            })?;
        let pool = Pool::find(tx, &self.place, &client.pool_id)?
            .ok_or_else(|| anyhow::anyhow!("the pool of client {client_id} is gone"))?;
        Ok(At::new(pool, client, caller.clone(), self.clock.now()))
    }

    /// Checks `SECRET_HASH` where the client has a secret, over any name the caller may mean.
    pub fn prove_secret(&self, tx: &mut Tx<'_>, at: &At, hash: Option<&str>, username: &str) -> Answer<()> {
        let client = &at.client;
        match (client.has_secret(), hash) {
            (false, None) => Ok(()),
            (true, None) => refuse(
                NotAuthorizedException,
                format!("Client {} is configured with secret but SECRET_HASH was not received", client.id),
            ),
            (false, Some(_)) => refuse(
                NotAuthorizedException,
                format!("Unable to verify secret hash for client {}", client.id),
            ),
            (true, Some(hash)) => {
                if client.secret_hash_matches(hash, &[username]) {
                    return Ok(());
                }
                let user = self.find_user(tx, &at.pool, username)?;
                match user {
                    Some(user) if client.secret_hash_matches(hash, &[&user.username, &user.id]) => Ok(()),
                    _ => refuse(
                        NotAuthorizedException,
                        format!("Unable to verify secret hash for client {}", client.id),
                    ),
                }
            }
        }
    }
}

/// Checks the hash of a refresh, which names nobody: it is over the user that the token belongs to.
fn prove_secret_of_refresh(
    pools: &Pools,
    tx: &mut Tx<'_>,
    at: &At,
    hash: Option<&str>,
    token: Option<&str>,
) -> Answer<()> {
    let user_id = match token.and_then(tokens::RefreshToken::parse) {
        Some(token) => tx.find_sign_in(&token.id)?.map(|sign_in| sign_in.user_id),
        None => None,
    };
    pools.prove_secret(tx, at, hash, user_id.as_deref().unwrap_or_default())
}

/// What an app says to functions when it begins: some hear it as `validationData`, and only those.
fn beginning(metadata: Option<BTreeMap<String, String>>) -> Says {
    Says { validation: metadata, metadata: None }
}

fn missing(name: &str) -> postern_model::Error {
    refusal(InvalidParameterException, format!("Missing required parameter {name}"))
}

fn preferred(word: Option<&str>) -> Answer<Option<Factor>> {
    match word {
        None => Ok(None),
        // Known words for factors that this person cannot use lead to the choice.
        Some(word) => match Factor::parse(word) {
            Some(factor) => Ok(Some(factor)),
            None => refuse(InvalidParameterException, format!("Invalid PREFERRED_CHALLENGE: {word}")),
        },
    }
}

fn asked_envelope(client: &Client, asked: &Asked) -> Envelope {
    let mut parameters = BTreeMap::new();
    match asked.kind {
        Kind::Code(kind) => {
            parameters.insert("CODE_DELIVERY_DELIVERY_MEDIUM".into(), kind.medium.as_str().into());
            parameters
                .insert("CODE_DELIVERY_DESTINATION".into(), asked.destination.clone().unwrap_or_default());
            parameters.extend(user_id_for_srp(asked));
        }
        Kind::NewPasswordRequired => {
            if let Some(user) = &asked.user {
                let attributes: BTreeMap<&str, &str> = user
                    .shown_attributes()
                    .filter(|(name, _)| *name != "sub" && client.can_read(name))
                    .collect();
                let required: Vec<String> =
                    asked.missing.iter().map(|name| format!("userAttributes.{name}")).collect();
                parameters.insert("USER_ID_FOR_SRP".into(), user.username.clone());
                parameters.insert("requiredAttributes".into(), json!(required).to_string());
                parameters.insert("userAttributes".into(), json!(attributes).to_string());
            }
        }
        Kind::SoftwareTokenMfa => {
            // The name is the person's own and may be missing; the parameter may not.
            let device = asked.device.clone().unwrap_or_default();
            parameters.insert("FRIENDLY_DEVICE_NAME".into(), device);
            parameters.extend(user_id_for_srp(asked));
        }
        Kind::SelectMfaType | Kind::MfaSetup => {
            let names: Vec<&str> = asked.second.iter().map(|factor| factor.as_str()).collect();
            let name = if asked.kind == Kind::MfaSetup { "MFAS_CAN_SETUP" } else { "MFAS_CAN_CHOOSE" };
            parameters.insert(name.into(), json!(names).to_string());
            parameters.extend(user_id_for_srp(asked));
        }
        Kind::SelectChallenge
        | Kind::DeviceSrp
        | Kind::DeviceVerifier
        | Kind::Password
        | Kind::PasswordSrp
        | Kind::PasswordVerifier
        | Kind::Custom
        | Kind::WebAuthn
        | Kind::RegisteringPasskey
        | Kind::SigningUp
        | Kind::SignedUp => {}
    }
    parameters.extend(asked.parameters.iter().cloned());
    let available = asked.available.iter().filter_map(|factor| ChallengeNameType::parse(factor.as_str()));
    Envelope {
        challenge_name: ChallengeNameType::parse(asked.kind.challenge_name()),
        session: (!asked.session.is_empty()).then(|| Secret::new(asked.session.clone())),
        challenge_parameters: parameters,
        available_challenges: (!asked.available.is_empty()).then(|| available.collect()),
        result: None,
    }
}

/// The stored name, by which some clients go on.
fn user_id_for_srp(asked: &Asked) -> Option<(String, String)> {
    asked.user.as_ref().map(|user| ("USER_ID_FOR_SRP".to_owned(), user.username.clone()))
}

/// Says tokens in the words of the API.
pub fn authentication_result(tokens: Tokens) -> AuthenticationResultType {
    AuthenticationResultType {
        access_token: Some(Secret::new(tokens.access_token)),
        expires_in: Some(tokens.expires_in_s),
        token_type: Some("Bearer".into()),
        refresh_token: tokens.refresh_token.map(Secret::new),
        id_token: tokens.id_token.map(Secret::new),
        new_device_metadata: tokens.new_device.map(|device| NewDeviceMetadataType {
            device_key: Some(device.key),
            device_group_key: Some(device.group_key),
        }),
    }
}
