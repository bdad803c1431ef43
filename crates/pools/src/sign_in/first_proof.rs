//! The first right code at an address: it verifies the address and confirms the account. Whoever made the account may be
//! somebody else, so nothing that was set before opens it any more (rule A7).

use crate::Pools;
use crate::account_codes::AccountCode;
use crate::attributes;
use crate::auth::code::{CodeKind, Stage};
use crate::destination::Medium;
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
        let is_first_proof = kind.stage == Stage::First && self.is_first_proof(tx, at, &user, kind.medium)?;
        let lost_passkeys = match is_first_proof || user.status == Status::Unconfirmed {
            true => self.forget_strangers(tx, at, subject, &mut user, kind.medium)?,
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

    /// Tells whether nobody has shown before that an account is theirs. Where the address is the name that people sign in
    /// with and the other one is not, it says whose the account is: a telephone that was proven before may be that of
    /// whoever took the name, unless the device is known to have signed in.
    fn is_first_proof(&self, tx: &mut Tx<'_>, at: &At, user: &User, medium: Medium) -> Answer<bool> {
        if user.is_verified(medium.attribute()) {
            return Ok(false);
        }
        let other = medium.other();
        if !user.is_verified(other.attribute()) {
            return Ok(true);
        }
        let is_made_here = user.status != Status::ForceChangePassword;
        let names_it = at.pool.is_named_by(medium) && !at.pool.is_named_by(other);
        Ok(is_made_here && names_it && !self.recognises(tx, at, user)?)
    }

    /// Takes away all that opens an account beside the address that was just proven, and ends its sign-ins; tells whether
    /// passkeys were among it. What an administrator gave, a temporary password and addresses, stays.
    pub(crate) fn forget_strangers(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: &mut User,
        proven: Medium,
    ) -> Answer<bool> {
        user.sign_out_up_to(at.now.minus_ms(1));
        let mut lost = Vec::new();
        if user.status != Status::ForceChangePassword {
            if user.password.take().is_some() {
                user.password_expires = None;
                lost.push("password");
            }
            if self.forget_address(tx, at, user, proven.other())? {
                lost.push("address");
            }
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

    /// Nobody has proven an address together with the account's name: it is unverified, it goes where it would lead in,
    /// and neither a code for a new password nor a link that takes a change back outlives it. Tells whether it is gone.
    fn forget_address(&self, tx: &mut Tx<'_>, at: &At, user: &mut User, medium: Medium) -> Answer<bool> {
        tx.drop_user_code(&user.pool_id, &user.id, AccountCode::Reset.purpose())?;
        tx.drop_undo_links(&user.pool_id, &user.id)?;
        if user.destination(medium).is_none() {
            return Ok(false);
        }
        user.set_verified(medium.attribute(), false);
        let leads_in = at.pool.signs_in_by(medium);
        if leads_in {
            user.attributes.remove(medium.attribute());
            user.attributes.remove(&format!("{}_verified", medium.attribute()));
        }
        attributes::rename(tx, &at.pool, user)?;
        Ok(leads_in)
    }
}
