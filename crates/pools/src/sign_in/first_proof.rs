//! The first right code at an address: it verifies the address and confirms the account. Whoever made the account may be
//! somebody else, so nothing that was set before opens it any more (rule A7).

use crate::Pools;
use crate::auth::code::{CodeKind, Stage};
use crate::messages::Occasion;
use crate::step::{At, Subject};
use crate::user::{Status, User};
use postern_model::Answer;
use postern_store::Tx;

impl Pools {
    /// Writes down that a right code has proven an address of somebody.
    pub(super) fn address_proven(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: &User,
        kind: CodeKind,
    ) -> Answer<User> {
        let mut user = self.user_to_change(tx, user)?;
        // Who gives a second factor has proven the first one as well, and so that both are theirs.
        let is_first_proof =
            kind.stage == Stage::First && !user.is_verified("email") && !user.is_verified("phone_number");
        let lost_passkeys = match is_first_proof || user.status == Status::Unconfirmed {
            true => self.forget_strangers(tx, at, subject, &mut user)?,
            false => false,
        };
        let is_confirmed_by_it = user.status == Status::Unconfirmed;
        if is_confirmed_by_it {
            user.status = Status::Confirmed;
        }
        user.set_verified(kind.medium.attribute(), true);
        user.save(tx, at.now)?;
        self.settle_alias(tx, &at.pool, &user, kind.medium)?;
        if lost_passkeys {
            self.tell(tx, at, &user, Occasion::PasskeyRemoved)?;
        }
        if is_confirmed_by_it {
            self.post_confirmation(tx, at, &user, "ConfirmSignUp")?;
        }
        Ok(user)
    }

    /// Takes away all that opens an account beside the address that was just proven, and ends its sign-ins; tells whether
    /// passkeys were among it. A temporary password is the administrator's, and stays.
    fn forget_strangers(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject, user: &mut User) -> Answer<bool> {
        user.sign_out_up_to(at.now.minus_ms(1));
        let mut lost = Vec::new();
        if user.status != Status::ForceChangePassword && user.password.take().is_some() {
            user.password_expires = None;
            lost.push("password");
        }
        let passkeys = tx.delete_passkeys_of_user(&user.pool_id, &user.id)?;
        if passkeys > 0 {
            lost.push("passkeys");
        }
        if !self.second_factors(tx, user)?.enabled.is_empty() {
            self.choose_second_factors(tx, user, &[], None)?;
            lost.push("second factors");
        }
        if tx.drop_seeds(&user.pool_id, &user.id)? {
            lost.push("authenticator");
        }
        if tx.delete_devices_of_user(&user.pool_id, &user.id)? > 0 {
            lost.push("devices");
        }
        if !lost.is_empty() {
            self.audit(tx, at, subject, "SignIn", "set before the address was proven", &lost.join(", "))?;
        }
        Ok(passkeys > 0)
    }
}
