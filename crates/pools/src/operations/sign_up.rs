//! Signing up, by oneself: SignUp, ConfirmSignUp, ResendConfirmationCode. Where existence is hidden, an address that
//! has an account is answered like a new one, and its owner is told.

use crate::Pools;
use crate::account_codes::{AccountCode, Judged, Sending, code_expired, code_mismatch};
use crate::attributes;
use crate::auth::code::{CodeKind, Stage};
use crate::destination::Destination;
use crate::identities;
use crate::messages::Occasion;
use crate::operations::users::delivery;
use crate::outgoing::Letter;
use crate::passwords::{NewPassword, Owner};
use crate::sign_in::{At, Kind, Says, Step, Subject};
use crate::triggers::Welcome;
use crate::unit::kept;
use crate::user::{Status, User, blank, fresh_id};
use crate::watch::Watch;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    CodeDeliveryDetailsType, ConfirmSignUpRequest, ConfirmSignUpResponse, ExplicitAuthFlowsType,
    ResendConfirmationCodeRequest, ResendConfirmationCodeResponse, SignUpRequest, SignUpResponse, op,
};
use postern_model::{Answer, Secret, refuse};
use postern_store::Tx;

/// The ledger of accounts whose name was signed up with again before they were confirmed, and how long it is known.
const SIGNED_UP_AGAIN: &str = "signed up again";
const SIGNED_UP_AGAIN_MS: i64 = 90 * 86_400_000;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::SignUp, Pools::sign_up)
        .on(op::ConfirmSignUp, Pools::confirm_sign_up)
        .on(op::ResendConfirmationCode, Pools::resend_confirmation_code)
}

/// What somebody signs up with.
#[derive(Clone)]
pub struct NewAccount {
    pub username: String,
    pub attributes: Vec<(String, String)>,
    /// The password, if there is one; made outside of the unit of work, for `Owner::new` of this name.
    pub password: Option<NewPassword>,
}

/// What signing up gave.
pub struct SignedUp {
    pub user_sub: String,
    /// By the pool's own function: no code is needed.
    pub confirmed: bool,
    pub destination: Option<Destination>,
    pub session: Option<String>,
}

/// What the right code of a sign-up gave.
pub struct Confirmed {
    pub user: User,
    /// What the code stands for in the sign-in that follows at once.
    pub proven: CodeKind,
    pub session: Option<String>,
}

impl Pools {
    pub async fn sign_up(&self, caller: &Caller, request: SignUpRequest) -> Answer<SignUpResponse> {
        let password = request.password.as_ref().map(|password| password.reveal()).filter(|p| !p.is_empty());
        let (pools, caller_of_unit, client_id) = (self.clone(), caller.clone(), request.client_id.clone());
        let (hash_of_secret, username) = (request.secret_hash.clone(), request.username.clone());
        // A password is hashed for nobody who may not sign up.
        let at = self
            .store
            .write(move |tx| {
                let at = pools.at(tx, &caller_of_unit, &client_id, None)?;
                pools.prove_secret(tx, &at, hash_of_secret.as_ref().map(Secret::reveal), &username)?;
                pools.may_sign_up(tx, &at).map(|()| at)
            })
            .await?;
        let password = match password {
            Some(password) => {
                let owner = Owner::new(&at.pool, &request.username);
                Some(self.new_password(&at.pool, owner, password).await?)
            }
            None => None,
        };
        let account = NewAccount {
            attributes: attributes::pairs(request.user_attributes.as_ref()),
            password,
            username: request.username,
        };
        let says = Says {
            validation: request
                .validation_data
                .as_ref()
                .map(|data| attributes::pairs(Some(data)).into_iter().collect()),
            metadata: request.client_metadata,
        };
        let (pools, caller_of_unit, client_id) = (self.clone(), caller.clone(), request.client_id);
        let signed_up = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &client_id, None)?;
                let watch = Watch::of_app(&at.client, request.user_context_data.as_ref());
                let at = At { says: says.clone(), watch, ..at };
                pools.create_account(tx, &at, &account)
            })
            .await?;
        Ok(SignUpResponse {
            user_confirmed: signed_up.confirmed,
            code_delivery_details: signed_up.destination.as_ref().map(delivery),
            user_sub: signed_up.user_sub,
            session: signed_up.session.map(Secret::new),
        })
    }

    /// Lets somebody sign up, where and as often as that is permitted.
    fn may_sign_up(&self, tx: &mut Tx<'_>, at: &At) -> Answer<()> {
        if at.pool.admin_only {
            return refuse(NotAuthorizedException, "SignUp is not permitted for this user pool");
        }
        self.note_begin(tx, at)
    }

    /// Signs somebody up whose password, if there is one, is made already.
    pub fn sign_up_in_unit(&self, tx: &mut Tx<'_>, at: &At, account: &NewAccount) -> Answer<SignedUp> {
        self.may_sign_up(tx, at)?;
        self.create_account(tx, at, account)
    }

    /// Creates an account that waits for its confirmation, and sends the code.
    fn create_account(&self, tx: &mut Tx<'_>, at: &At, account: &NewAccount) -> Answer<SignedUp> {
        let pool = &at.pool;
        let mut user = blank(&pool.id, at.now);
        user.id = match &account.password {
            Some(password) => password.user_id().to_owned(),
            None => self.id_of_new_user(tx),
        };
        attributes::new_username(pool, &account.username, &mut user, &account.attributes)?;
        attributes::write_signing_up(pool, &at.client, &mut user, &account.attributes)?;
        identities::keep_for_providers(tx, pool, &user)?;
        match &account.password {
            Some(password) => user.take_password(password)?,
            None => self.allow_no_password(at, &user)?,
        }
        // Whether there is such a user already makes no difference to the function, nor to how long it takes.
        let welcome = self.pre_sign_up(tx, at, &user, "SignUp")?;
        welcome.write(&mut user)?;
        let names = attributes::names(pool, &user);
        if tx.are_names_taken(&pool.id, &names)? {
            return self.sign_up_of_taken_name(tx, at, account, &user, welcome);
        }
        if !tx.add_user(&user.to_row()?, &names)? {
            return refuse(UsernameExistsException, "User already exists");
        }
        let subject = Subject { name_key: pool.name_key(&account.username), user: Some(user.clone()) };
        if welcome.confirmed {
            self.post_confirmation(tx, at, &user, "ConfirmSignUp")?;
            self.audit(tx, at, &subject, "SignUp", "created and confirmed", "")?;
            return Ok(SignedUp { user_sub: user.id, confirmed: true, destination: None, session: None });
        }
        let destination = confirmed_by(at, &user);
        if let Some(to) = &destination {
            self.send_sign_up_code(tx, at, &subject, to, Occasion::SignUp)?;
        }
        let session = self.session_of_sign_up_begun(tx, at, &subject)?;
        self.audit(tx, at, &subject, "SignUp", "created", "")?;
        Ok(SignedUp { user_sub: user.id, confirmed: false, destination, session })
    }

    /// An address that has an account, where existence is hidden: the answer is that of a new account, and the
    /// message says that there is one already (rule E4). A taken user name that is no address can only be refused.
    fn sign_up_of_taken_name(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        account: &NewAccount,
        asked_for: &User,
        welcome: Welcome,
    ) -> Answer<SignedUp> {
        if at.pool.username_attributes.is_empty() || !at.client.hides_existence {
            return refuse(UsernameExistsException, "User already exists");
        }
        let owner = self.find_user(tx, &at.pool, &account.username)?;
        let subject = Subject { name_key: at.pool.name_key(&account.username), user: None };
        let key = Subject { user: owner.clone(), ..subject.clone() }.ledger_key();
        tx.put_ledger(&at.pool.id, SIGNED_UP_AGAIN, &key, b"1", at.now.plus_ms(SIGNED_UP_AGAIN_MS))?;
        if welcome.confirmed {
            self.audit(tx, at, &subject, "SignUp", "exists", "")?;
            return Ok(SignedUp { user_sub: fresh_id(), confirmed: true, destination: None, session: None });
        }
        // A new account's code would go where this goes; only the stored spelling of it gets anything (rule A5).
        let destination = confirmed_by(at, asked_for).map(|asked| {
            let stored = owner.as_ref().and_then(|owner| owner.destination(asked.medium));
            stored.filter(|stored| stored.limit_key() == asked.limit_key()).unwrap_or(asked)
        });
        if let Some(to) = &destination {
            self.note_send(tx, at, to, true)?;
            // As for a new account, it is remembered who asked.
            let known = Subject { user: owner.clone(), ..subject.clone() };
            let (code, occasion) = (AccountCode::SignUp, Occasion::AccountExists);
            let asked = Sending { code, subject: &known, to, occasion, counts: false };
            self.note_asker(tx, at, &asked)?;
            self.send(
                tx,
                at,
                Letter {
                    occasion: Occasion::AccountExists,
                    to,
                    code: None,
                    user: owner.as_ref(),
                    not_after: at.now.plus_ms(AccountCode::SignUp.life_ms()),
                    decoy: false,
                },
            )?;
        }
        let session = self.session_of_sign_up_begun(tx, at, &subject)?;
        self.audit(tx, at, &subject, "SignUp", "exists", "")?;
        Ok(SignedUp { user_sub: fresh_id(), confirmed: false, destination, session })
    }

    /// No password is needed where its owner can sign in by codes that go where confirmation proves them to be.
    fn allow_no_password(&self, at: &At, user: &User) -> Answer<()> {
        let may = at.client.allows(ExplicitAuthFlowsType::AllowUserAuth)
            && confirmed_by(at, user)
                .is_some_and(|to| at.pool.code_media().any(|medium| medium == to.medium));
        if may { Ok(()) } else { refuse(InvalidParameterException, "Password is required") }
    }

    /// The `Session` of SignUp, which ConfirmSignUp may carry on.
    fn session_of_sign_up_begun(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
    ) -> Answer<Option<String>> {
        if !at.client.allows(ExplicitAuthFlowsType::AllowUserAuth) {
            return Ok(None);
        }
        Ok(Some(self.session_of(tx, at, subject, Kind::SigningUp, &[])?))
    }

    pub async fn confirm_sign_up(
        &self,
        caller: &Caller,
        request: ConfirmSignUpRequest,
    ) -> Answer<ConfirmSignUpResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let step = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &request.client_id, None)?;
                let watch = Watch::of_app(&at.client, request.user_context_data.as_ref());
                let at = At { says: Says::metadata(request.client_metadata.clone()), watch, ..at };
                let username = request.username.as_str();
                pools.prove_secret(tx, &at, request.secret_hash.as_ref().map(Secret::reveal), username)?;
                let mut made = None;
                if let Some(session) = &request.session {
                    let challenge = pools.challenge(tx, &at, session.reveal(), Kind::SigningUp, username)?;
                    pools.live(&challenge, at.now)?;
                    made = Some(challenge.user_id.unwrap_or_default());
                }
                let takes_alias = request.force_alias_creation == Some(true);
                let code = request.confirmation_code.reveal();
                kept(pools.confirm_in_unit(tx, &at, username, code, takes_alias, made.as_deref()))
            })
            .await?;
        match step {
            Step::Done(confirmed) => {
                Ok(ConfirmSignUpResponse { session: confirmed.session.map(Secret::new) })
            }
            Step::No(error) => Err(error),
            Step::Ask(_) | Step::Check(_) => Err(anyhow::anyhow!("confirming asked a question").into()),
        }
    }

    /// Judges the code of a sign-up. A wrong one is remembered; a right one confirms the user, verifies the
    /// address, and gives the session that signs in at once. An alias that somebody else has may be taken from them.
    /// Which account the caller's own sign-up made is said where it is known: if it is another one, or the name was signed
    /// up with again by who knows whom, what was set on this one opens it no more (rule A7).
    pub fn confirm_in_unit(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        code: &str,
        takes_alias: bool,
        made: Option<&str>,
    ) -> Answer<Step<Confirmed>> {
        let subject = self.subject_signing_up(tx, at, username)?;
        if !at.client.hides_existence {
            match &subject.user {
                None => return refuse(UserNotFoundException, "Username/client id combination not found."),
                Some(user) if user.status != Status::Unconfirmed => {
                    return refuse(
                        NotAuthorizedException,
                        format!("User cannot be confirmed. Current status is {}", user.status.as_str()),
                    );
                }
                Some(_) => {}
            }
        }
        let judged = self.judge_account_code(tx, at, &subject, AccountCode::SignUp, code)?;
        let waiting = subject.user.clone().filter(|user| user.status == Status::Unconfirmed);
        let (mut user, medium) = match (judged, waiting) {
            // A code that went to an address before says nothing of the one that is there now.
            (Judged::Right { destination }, Some(user))
                if user.destination(destination.medium).as_ref() == Some(&destination) =>
            {
                (user, destination.medium)
            }
            (Judged::Late | Judged::Spent, _) | (Judged::Right { .. }, Some(_)) => {
                self.audit(tx, at, &subject, "ConfirmSignUp", "late code", "")?;
                return Ok(Step::No(code_expired()));
            }
            (Judged::NoCode, _) if !at.client.hides_existence => {
                self.audit(tx, at, &subject, "ConfirmSignUp", "no code", "")?;
                return Ok(Step::No(code_expired()));
            }
            // That a sign-up waits is not told to who lacks its code.
            (Judged::Right { .. }, None) | (Judged::Wrong | Judged::NoCode, _) => {
                self.audit(tx, at, &subject, "ConfirmSignUp", "wrong code", "")?;
                return Ok(Step::No(code_mismatch()));
            }
        };
        user = self.user_to_change(tx, &user)?;
        let is_anothers = match made {
            Some(made) => made != user.id,
            None => !tx.ledger(&at.pool.id, SIGNED_UP_AGAIN, &subject.ledger_key())?.is_empty(),
        };
        if is_anothers {
            self.forget_strangers(tx, at, &subject, &mut user, medium)?;
        }
        user.status = Status::Confirmed;
        let attribute = medium.attribute();
        user.set_verified(attribute, true);
        user.save(tx, at.now)?;
        if takes_alias {
            self.free_alias(tx, at, &user, medium)?;
        }
        if !self.settle_alias(tx, &at.pool, &user, medium)? {
            return refuse(AliasExistsException, format!("An account with the {attribute} already exists."));
        }
        let subject = Subject { user: Some(user.clone()), ..subject };
        self.post_confirmation(tx, at, &user, "ConfirmSignUp")?;
        let proven = CodeKind { medium, stage: Stage::First };
        let session = match at.client.allows(ExplicitAuthFlowsType::AllowUserAuth) {
            true => Some(self.session_of(tx, at, &subject, Kind::SignedUp, &proven.amr())?),
            false => None,
        };
        self.audit(tx, at, &subject, "ConfirmSignUp", "confirmed", "")?;
        Ok(Step::Done(Confirmed { user, proven, session }))
    }

    pub async fn resend_confirmation_code(
        &self,
        caller: &Caller,
        request: ResendConfirmationCodeRequest,
    ) -> Answer<ResendConfirmationCodeResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let details = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &request.client_id, None)?;
                let watch = Watch::of_app(&at.client, request.user_context_data.as_ref());
                let at = At { says: Says::metadata(request.client_metadata.clone()), watch, ..at };
                let username = request.username.as_str();
                pools.prove_secret(tx, &at, request.secret_hash.as_ref().map(Secret::reveal), username)?;
                pools.resend_in_unit(tx, &at, username)
            })
            .await?;
        Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(details) })
    }

    /// Sends a new code for a sign-up; the one before stays good.
    pub fn resend_in_unit(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
    ) -> Answer<CodeDeliveryDetailsType> {
        if at.pool.auto_verified.is_empty() {
            return refuse(InvalidParameterException, "Auto verification not turned on.");
        }
        let subject = self.subject_signing_up(tx, at, username)?;
        if !at.client.hides_existence {
            match &subject.user {
                None => return refuse(UserNotFoundException, "Username/client id combination not found."),
                Some(user) if user.status != Status::Unconfirmed => {
                    return refuse(InvalidParameterException, "User is already confirmed.");
                }
                Some(_) => {}
            }
        }
        let known = subject.user.as_ref().and_then(|user| confirmed_by(at, user));
        if known.is_none() && !at.client.hides_existence {
            return refuse(InvalidParameterException, "The user has no address that a code can go to.");
        }
        let order = at.pool.auto_verified.iter().copied();
        let to = match known {
            Some(to) => to,
            None => self.seeming_destination(tx, at, &subject, order)?,
        };
        self.send_sign_up_code(tx, at, &subject, &to, Occasion::ResendCode)?;
        self.audit(tx, at, &subject, "ResendConfirmationCode", "sent", "")?;
        Ok(delivery(&to))
    }

    fn subject_signing_up(&self, tx: &mut Tx<'_>, at: &At, username: &str) -> Answer<Subject> {
        let user = self.find_user(tx, &at.pool, username)?;
        Ok(Subject { name_key: at.pool.name_key(username), user })
    }

    /// Sends a code to an account that waits for its confirmation. For any other the same is done, and nothing is
    /// sent.
    fn send_sign_up_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        to: &Destination,
        occasion: Occasion,
    ) -> Answer<()> {
        // What a stand-in seems to have is nobody's: no code goes there, and none that did would be right.
        let counts = subject.user.as_ref().is_some_and(|user| {
            user.status == Status::Unconfirmed
                && user.enabled
                && user.destination(to.medium).as_ref() == Some(to)
        });
        self.send_account_code(tx, at, &Sending { code: AccountCode::SignUp, subject, to, occasion, counts })
    }
}

/// Where the code goes that confirms a new account: to the first of what the pool verifies that the user has.
fn confirmed_by(at: &At, user: &User) -> Option<Destination> {
    at.pool.auto_verified.iter().find_map(|medium| user.destination(*medium))
}
