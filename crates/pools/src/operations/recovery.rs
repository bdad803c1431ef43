//! A new password for who forgot theirs, or wants another: ForgotPassword, ConfirmForgotPassword, ChangePassword, and
//! an administrator's AdminResetUserPassword. Nothing here signs in: whoever sets a new password signs in with it, past
//! whatever further factor is asked for (rule F7).

use crate::Pools;
use crate::account_codes::{AccountCode, Judged, RightCode, Sending, code_expired, code_mismatch};
use crate::auth::recovery::{Recovery, recovery};
use crate::destination::{Destination, Medium};
use crate::messages::Occasion;
use crate::operations::tokens::Bearer;
use crate::operations::users::delivery;
use crate::passwords::{NewPassword, Owner, reset_required, wrong};
use crate::sign_in::{At, Says, Step, Subject};
use crate::unit::kept;
use crate::user::{Status, User};
use crate::watch::Watch;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminResetUserPasswordRequest, AdminResetUserPasswordResponse, ChangePasswordRequest,
    ChangePasswordResponse, ConfirmForgotPasswordRequest, ConfirmForgotPasswordResponse,
    ForgotPasswordRequest, ForgotPasswordResponse, RecoveryOptionNameType, op,
};
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::Tx;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::ForgotPassword, Pools::forgot_password)
        .on(op::ConfirmForgotPassword, Pools::confirm_forgot_password)
        .on(op::ChangePassword, Pools::change_password)
        .on(op::AdminResetUserPassword, Pools::admin_reset_user_password)
}

/// Somebody who gave the right code and may set a new password.
#[derive(Clone)]
pub struct Reset {
    subject: Subject,
    right: RightCode,
    /// Whose the new password will be.
    pub owner: Owner,
}

impl Pools {
    pub async fn forgot_password(
        &self,
        caller: &Caller,
        request: ForgotPasswordRequest,
    ) -> Answer<ForgotPasswordResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let says = Says::metadata(request.client_metadata);
        let to = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &request.client_id, None)?;
                let watch = Watch::of_app(&at.client, request.user_context_data.as_ref());
                let at = At { says: says.clone(), watch, ..at };
                let username = request.username.as_str();
                pools.prove_secret(tx, &at, request.secret_hash.as_ref().map(Secret::reveal), username)?;
                pools.forgot_password_in_unit(tx, &at, username)
            })
            .await?;
        Ok(ForgotPasswordResponse { code_delivery_details: Some(delivery(&to)) })
    }

    /// Sends the code for a new password and tells where it went. Where existence is hidden, all who cannot have one are
    /// answered alike, and nothing is sent.
    pub fn forgot_password_in_unit(&self, tx: &mut Tx<'_>, at: &At, username: &str) -> Answer<Destination> {
        self.note_begin(tx, at)?;
        // What the pool says holds for everybody.
        if recovery(&at.pool.recovery, |_| true) == Recovery::AdminOnly {
            return refuse(NotAuthorizedException, "Contact administrator to reset password.");
        }
        let user = self.find_user(tx, &at.pool, username)?;
        let mut subject = Subject { name_key: at.pool.name_key(username), user };
        if subject.user.is_none() && self.migrates(at) {
            subject.user = self.migrate_forgetful(tx, at, &subject)?;
        }
        let found = self.reset_destination(tx, at, subject.user.as_ref())?;
        let (to, counts) = match found {
            Ok(to) => (to, true),
            Err(no) if !at.client.hides_existence => return Err(no),
            Err(_) => (self.seeming_reset_destination(tx, at, &subject)?, false),
        };
        let occasion = Occasion::ForgotPassword;
        let code = AccountCode::Reset;
        self.send_account_code(tx, at, &Sending { code, subject: &subject, to: &to, occasion, counts })?;
        self.audit(tx, at, &subject, "ForgotPassword", if counts { "sent" } else { "withheld" }, "")?;
        Ok(to)
    }

    pub async fn confirm_forgot_password(
        &self,
        caller: &Caller,
        request: ConfirmForgotPasswordRequest,
    ) -> Answer<ConfirmForgotPasswordResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let password = request.password.clone();
        let says = Says::metadata(request.client_metadata);
        let (at, step) = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.at(tx, &caller_of_unit, &request.client_id, None)?;
                let watch = Watch::of_app(&at.client, request.user_context_data.as_ref());
                let at = At { says: says.clone(), watch, ..at };
                let username = request.username.as_str();
                pools.prove_secret(tx, &at, request.secret_hash.as_ref().map(Secret::reveal), username)?;
                pools.accepts(&at.pool, request.password.reveal())?;
                let step = pools.answer_reset_code(tx, &at, username, request.confirmation_code.reveal())?;
                Ok((at, step))
            })
            .await?;
        let reset = match step {
            Step::Done(reset) => reset,
            Step::No(error) => return Err(error),
            Step::Ask(_) | Step::Check(_) => {
                return Err(anyhow::anyhow!("a reset asked for more").into());
            }
        };
        let new = self.new_password(&at.pool, reset.owner.clone(), password.reveal()).await?;
        let pools = self.clone();
        let set = self.sign_in_unit(caller, move |tx| pools.reset_in_unit(tx, &at, &reset, &new)).await?;
        match set {
            Step::No(error) => Err(error),
            _ => Ok(ConfirmForgotPasswordResponse {}),
        }
    }

    /// Judges the code for a new password. A right one is not used up yet: the password it is for is made between this
    /// unit and that of [`Pools::reset_in_unit`].
    pub fn answer_reset_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        code: &str,
    ) -> Answer<Step<Reset>> {
        let user = self.find_user(tx, &at.pool, username)?;
        if user.is_none() && !at.client.hides_existence {
            return refuse(UserNotFoundException, "Username/client id combination not found.");
        }
        let subject = Subject { name_key: at.pool.name_key(username), user };
        let no = match self.try_account_code(tx, at, &subject, AccountCode::Reset, code)? {
            Ok(right) => match subject.user.clone().filter(|user| user.enabled && user.status.may_reset()) {
                Some(user) => {
                    let owner = Owner::of(tx, &at.pool, &user)?;
                    return Ok(Step::Done(Reset { subject, right, owner }));
                }
                None => code_mismatch(),
            },
            Err(Judged::Wrong | Judged::Right { .. }) => code_mismatch(),
            Err(Judged::Late | Judged::Spent | Judged::NoCode) => code_expired(),
        };
        self.audit(tx, at, &subject, "ConfirmForgotPassword", "wrong code", "")?;
        Ok(Step::No(no))
    }

    /// Sets the new password of whoever gave the right code, which is used up by that. All sign-ins so far end. What the
    /// pool's function says afterwards undoes nothing.
    pub fn reset_in_unit(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        reset: &Reset,
        new: &NewPassword,
    ) -> Answer<Step<()>> {
        if !self.use_account_code(tx, at, &reset.right)? {
            return Err(code_expired());
        }
        let Some(user) = &reset.subject.user else { return Err(code_mismatch()) };
        let mut user = self.user_to_change(tx, user)?;
        if !user.enabled || !user.status.may_reset() {
            return Err(code_mismatch());
        }
        self.give_password(tx, at, &mut user, new)?;
        user.status = Status::Confirmed;
        let medium = reset.right.destination.medium;
        if user.destination(medium).as_ref() == Some(&reset.right.destination) {
            user.set_verified(medium.attribute(), true);
        }
        user.save(tx, at.now)?;
        self.settle_alias(tx, &at.pool, &user, medium)?;
        self.forget_failures(tx, at, &reset.subject)?;
        self.audit(tx, at, &reset.subject, "ConfirmForgotPassword", "password set", "")?;
        kept(self.post_confirmation(tx, at, &user, "ConfirmForgotPassword").map(Step::Done))
    }

    pub async fn change_password(
        &self,
        caller: &Caller,
        request: ChangePasswordRequest,
    ) -> Answer<ChangePasswordResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let token = request.access_token.clone();
        let previous = request.previous_password;
        let gives_one = previous.is_some();
        let proposed = request.proposed_password.clone();
        let (at, bearer, owner) = self
            .sign_in_unit(caller, move |tx| {
                let (at, bearer) = pools.bearer_at(tx, &caller_of_unit, &token)?;
                pools.accepts(&at.pool, proposed.reveal())?;
                let owner = pools.begin_change(tx, &at, &bearer, gives_one)?;
                Ok((at, bearer, owner))
            })
            .await?;
        if let Some(previous) = &previous
            && !self.has_password(&bearer.user, previous).await?
        {
            return Err(wrong());
        }
        let new = match self.new_password(&at.pool, owner, request.proposed_password.reveal()).await {
            Ok(new) => new,
            Err(no) => {
                // The previous password was right, whatever is the matter with the new one.
                let (pools, user) = (self.clone(), bearer.user);
                let subject = Subject { name_key: at.pool.name_key(&user.username), user: Some(user) };
                self.sign_in_unit(caller, move |tx| pools.forget_failures(tx, &at, &subject)).await?;
                return Err(no);
            }
        };
        let (pools, sign_in) = (self.clone(), bearer.claims.sign_in);
        self.sign_in_unit(caller, move |tx| {
            let mut user = pools.user_to_change(tx, &bearer.user)?;
            if user.password != bearer.user.password || !user.enabled {
                return Err(wrong());
            }
            pools.give_password(tx, &at, &mut user, &new)?;
            user.save(tx, at.now)?;
            // The sign-in that made the change stays: it has just shown that it knows the password.
            if let Some(id) = &sign_in {
                tx.count_sign_in_from(id, user.signed_out.plus_ms(1))?;
            }
            let subject = Subject { name_key: at.pool.name_key(&user.username), user: Some(user) };
            pools.forget_failures(tx, &at, &subject)?;
            pools.audit(tx, &at, &subject, "ChangePassword", "changed", "")?;
            Ok(ChangePasswordResponse {})
        })
        .await
    }

    /// Spends an attempt at the previous password, which only who has none may leave out.
    fn begin_change(&self, tx: &mut Tx<'_>, at: &At, bearer: &Bearer, gives_one: bool) -> Answer<Owner> {
        let user = &bearer.user;
        if user.status == Status::ResetRequired {
            return Err(reset_required());
        }
        if user.password.is_some() && !gives_one {
            return refuse(InvalidParameterException, "Missing required parameter PreviousPassword");
        }
        self.note_password_change(tx, at, &user.id)?;
        if gives_one {
            let subject = Subject { name_key: at.pool.name_key(&user.username), user: Some(user.clone()) };
            self.spend_password_attempt(tx, at, &subject, None)?;
        }
        Owner::of(tx, &at.pool, user)
    }

    /// Makes somebody's password useless and sends them a code for a new one. All their sign-ins end.
    pub async fn admin_reset_user_password(
        &self,
        caller: &Caller,
        request: AdminResetUserPasswordRequest,
    ) -> Answer<AdminResetUserPasswordResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let says = Says::metadata(request.client_metadata);
        self.sign_in_unit(caller, move |tx| {
            let at = pools.at_pool(tx, &caller_of_unit, &request.user_pool_id)?;
            let at = At { says: says.clone(), ..at };
            let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
            let to = pools.reset_destination(tx, &at, Some(&user))??;
            let mut user = pools.user_to_change(tx, &user)?;
            user.status = Status::ResetRequired;
            user.sign_out_up_to(at.now);
            user.save(tx, at.now)?;
            let subject = Subject { name_key: at.pool.name_key(&request.username), user: Some(user) };
            let occasion = Occasion::ForgotPassword;
            let code = AccountCode::Reset;
            let sending = Sending { code, subject: &subject, to: &to, occasion, counts: true };
            pools.send_account_code(tx, &at, &sending)?;
            pools.audit(tx, &at, &subject, "AdminResetUserPassword", "sent", "")?;
            Ok(AdminResetUserPasswordResponse {})
        })
        .await
    }
}

impl Pools {
    /// Where the code of somebody who cannot have one seems to go.
    fn seeming_reset_destination(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Destination> {
        let order = at.pool.recovery.iter().filter_map(|way| match way {
            RecoveryOptionNameType::VerifiedEmail => Some(Medium::Email),
            RecoveryOptionNameType::VerifiedPhoneNumber => Some(Medium::Sms),
            _ => None,
        });
        self.seeming_destination(tx, at, subject, order)
    }

    /// Where somebody's code for a new password goes, or why they cannot have one.
    fn reset_destination(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: Option<&User>,
    ) -> Answer<Result<Destination, Error>> {
        let Some(user) = user else {
            return Ok(Err(refusal(UserNotFoundException, "Username/client id combination not found.")));
        };
        if !user.enabled {
            return Ok(Err(refusal(NotAuthorizedException, "User is disabled.")));
        }
        let mut usable = Vec::new();
        for medium in [Medium::Email, Medium::Sms] {
            // What is asked for as a second factor does not bring back the first one (rule F7).
            if user.is_verified(medium.attribute())
                && user.destination(medium).is_some()
                && self.may_recover_by(tx, &at.pool, user, medium)?
            {
                usable.push(medium);
            }
        }
        // A number that no text may go to comes last.
        let is_reached = |medium: &Medium| {
            let to = user.destination(*medium);
            *medium == Medium::Email || to.is_some_and(|to| self.may_text(at, &to.address))
        };
        if usable.iter().any(is_reached) {
            usable.retain(is_reached);
        }
        let may_use = |medium: Medium| usable.contains(&medium);
        let to = match recovery(&at.pool.recovery, may_use) {
            Recovery::By(medium) => user.destination(medium),
            Recovery::AdminOnly => {
                return Ok(Err(refusal(NotAuthorizedException, "Contact administrator to reset password.")));
            }
            Recovery::Nowhere => None,
        };
        if user.status == Status::ForceChangePassword || (to.is_some() && !user.status.may_reset()) {
            return Ok(Err(refusal(
                NotAuthorizedException,
                "User password cannot be reset in the current state.",
            )));
        }
        Ok(to.ok_or_else(|| {
            refusal(
                InvalidParameterException,
                "Cannot reset password for the user as there is no registered/verified email or phone_number",
            )
        }))
    }
}
