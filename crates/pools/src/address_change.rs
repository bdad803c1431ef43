//! Changing an address: where it serves to sign in, the new one waits until its code came back. The old one is told
//! either way and can take the change back (rule A6).

use crate::Pools;
use crate::account_codes::{AccountCode, Judged, Sending, code_expired, code_mismatch};
use crate::attributes;
use crate::destination::{Destination, Medium};
use crate::identities;
use crate::messages::Occasion;
use crate::names::NameKind;
use crate::operations::tokens::Bearer;
use crate::operations::users::delivery;
use crate::outgoing::Letter;
use crate::pool::Pool;
use crate::sign_in::At;
use crate::step::Subject;
use crate::user::User;
use postern_access::Caller;
use postern_model::cognito_idp::CodeDeliveryDetailsType;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refuse};
use postern_store::undo_links::UndoLinkRow;
use postern_store::{Keys, Purpose, Tx, random};

/// How long an old address can take a change back.
const UNDO_MS: i64 = 7 * 86_400_000;
/// An address is told of changes once in this time: the link it got takes back those that follow, too.
const NOTICE_PAUSE_MS: i64 = 3_600_000;

/// Where a link that takes a change back stands.
#[derive(Debug, PartialEq)]
pub enum Undo {
    /// It works: what it would put back, hidden but for its first letters.
    Ready { address: String },
    /// It was used just now.
    Done { address: String },
    /// Used before, too old, or never ours.
    Dead,
}

impl Pools {
    /// Changes attributes as their user may, and says where codes went.
    pub fn change_own_attributes(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        bearer: &Bearer,
        asked: &[(String, String)],
    ) -> Answer<Vec<CodeDeliveryDetailsType>> {
        let mut user = self.user_to_change(tx, &bearer.user)?;
        let before = user.clone();
        attributes::write_own(&at.pool, &at.client, &mut user, asked)?;
        keep_a_sign_in_name(&at.pool, &user)?;
        keep_for_providers(tx, &at.pool, &before, &user)?;
        if is_moved(&before, &user) {
            self.require_fresh(bearer)?;
        }
        let mut unverified = Vec::new();
        let mut waiting = Vec::new();
        for medium in [Medium::Sms, Medium::Email] {
            let Some(new) = user.destination(medium) else { continue };
            if before.destination(medium).as_ref() == Some(&new) {
                continue;
            }
            if self.address_waits(&at.pool, medium) {
                waiting.push(medium);
                put_back(&mut user, &before, medium);
                unverified.push(new);
            } else if at.pool.verifies(medium) {
                unverified.push(new);
            }
        }
        self.tell_old_addresses(tx, at, &before, &user, &waiting)?;
        user.save(tx, at.now)?;
        attributes::rename(tx, &at.pool, &user)?;
        let subject = subject_of(&at.pool, &user);
        let mut sent = Vec::new();
        for to in &unverified {
            self.send_verification(tx, at, &subject, to, Occasion::UpdateAttribute)?;
            sent.push(delivery(to));
        }
        self.audit(tx, at, &subject, "UpdateUserAttributes", "changed", "")?;
        Ok(sent)
    }

    /// Changes attributes as an administrator may. An address that is not said to be verified gets a code, where the
    /// pool verifies it.
    pub fn change_attributes(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        asked: &[(String, String)],
    ) -> Answer<()> {
        let mut user = self.user_to_change(tx, user)?;
        let before = user.clone();
        attributes::change(&at.pool, &mut user, asked)?;
        keep_for_providers(tx, &at.pool, &before, &user)?;
        user.save(tx, at.now)?;
        attributes::rename(tx, &at.pool, &user)?;
        let subject = subject_of(&at.pool, &user);
        for medium in [Medium::Sms, Medium::Email] {
            let is_unverified = at.pool.verifies(medium) && !user.is_verified(medium.attribute());
            let new = user.destination(medium).filter(|new| before.destination(medium).as_ref() != Some(new));
            if let Some(to) = new.filter(|_| is_unverified) {
                self.send_verification(tx, at, &subject, &to, Occasion::UpdateAttribute)?;
            }
        }
        Ok(())
    }

    /// Removes attributes as their user may. An address that goes is told.
    pub fn remove_own_attributes(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        bearer: &Bearer,
        names: &[String],
    ) -> Answer<()> {
        let mut user = self.user_to_change(tx, &bearer.user)?;
        let before = user.clone();
        attributes::may_write_own(&at.client, names)?;
        attributes::remove(&at.pool, &mut user, names)?;
        keep_a_sign_in_name(&at.pool, &user)?;
        if is_moved(&before, &user) {
            self.require_fresh(bearer)?;
        }
        self.tell_old_addresses(tx, at, &before, &user, &[])?;
        user.save(tx, at.now)?;
        attributes::rename(tx, &at.pool, &user)?;
        self.audit(tx, at, &subject_of(&at.pool, &user), "DeleteUserAttributes", "removed", "")
    }

    /// Sends a code to the address that waits, or else to the one that is there.
    pub fn send_own_verification(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        bearer: &Bearer,
        attribute: &str,
    ) -> Answer<CodeDeliveryDetailsType> {
        let medium = verifiable(attribute)?;
        let subject = subject_of(&at.pool, &bearer.user);
        let waiting = self.waiting_address(tx, at, &subject, medium)?;
        let Some(to) = waiting.or_else(|| bearer.user.destination(medium)) else {
            return refuse(InvalidParameterException, format!("The user has no {attribute} to verify."));
        };
        self.send_verification(tx, at, &subject, &to, Occasion::VerifyAttribute)?;
        self.audit(tx, at, &subject, "GetUserAttributeVerificationCode", "sent", "")?;
        Ok(delivery(&to))
    }

    /// Judges the code of an address. A right one makes it verified, lets it in if it waited, and makes it a name
    /// where the pool has it so; all other sign-ins end when it is another address than before. What a wrong one
    /// cost stays written: its refusal is the inner one.
    pub fn verify_own_attribute(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        bearer: &Bearer,
        attribute: &str,
        code: &str,
    ) -> Answer<Result<(), Error>> {
        let medium = verifiable(attribute)?;
        let subject = subject_of(&at.pool, &bearer.user);
        let destination = match self.judge_account_code(tx, at, &subject, verifying(medium), code)? {
            Judged::Right { destination } => destination,
            Judged::Wrong => {
                self.audit(tx, at, &subject, "VerifyUserAttribute", "wrong code", "")?;
                return Ok(Err(code_mismatch()));
            }
            Judged::Late | Judged::Spent | Judged::NoCode => {
                self.audit(tx, at, &subject, "VerifyUserAttribute", "late code", "")?;
                return Ok(Err(code_expired()));
            }
        };
        let mut user = self.user_to_change(tx, &bearer.user)?;
        let is_new = user.destination(medium).as_ref() != Some(&destination);
        if is_new && !self.address_waits(&at.pool, medium) {
            // The address was changed again since; that code is worth nothing for another one.
            return Ok(Err(code_expired()));
        }
        if is_new {
            user.attributes.insert(attribute.to_owned(), destination.address);
            if at.pool.signs_in_by(medium) {
                user.sign_out_up_to(at.now);
                if let Some(id) = &bearer.claims.sign_in {
                    tx.count_sign_in_from(id, user.signed_out.plus_ms(1))?;
                }
            }
        }
        user.set_verified(attribute, true);
        user.save(tx, at.now)?;
        attributes::rename(tx, &at.pool, &user)?;
        self.audit(tx, at, &subject, "VerifyUserAttribute", "verified", "")?;
        Ok(Ok(()))
    }

    /// Sends a code that verifies a destination of somebody.
    pub fn send_verification(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        to: &Destination,
        occasion: Occasion,
    ) -> Answer<()> {
        let sending = Sending { code: verifying(to.medium), subject, to, occasion, counts: true };
        self.send_account_code(tx, at, &sending)
    }

    /// Looks where a link stands that takes a change back; changes nothing.
    pub async fn peek_undo(&self, token: &str) -> anyhow::Result<Undo> {
        let (now, token) = (self.clock.now(), token.to_owned());
        self.store
            .read(move |tx| {
                let found = tx.find_undo_link(&undo_mac(tx.keys(), &token), now)?;
                Ok(found.map_or(Undo::Dead, |link| Undo::Ready { address: masked(&link.old_value) }))
            })
            .await
    }

    /// Takes a change of an address back: the old one is there again and verified, codes to the other are void, and
    /// all sign-ins end, for who asked for the change may be somebody else.
    pub async fn undo_address_change(&self, caller: &Caller, token: &str) -> Answer<Undo> {
        let (pools, caller, token) = (self.clone(), caller.clone(), token.to_owned());
        self.store
            .write(move |tx| {
                let now = pools.clock.now();
                let mac = undo_mac(tx.keys(), &token);
                let Some(link) = tx.find_undo_link(&mac, now)? else { return Ok(Undo::Dead) };
                let Some(row) = tx.user_to_change(&link.pool_id, &link.user_id)? else {
                    return Ok(Undo::Dead);
                };
                if !tx.consume_undo_link(&mac, now)? {
                    return Ok(Undo::Dead);
                }
                let at = pools.at_pool(tx, &caller, &link.pool_id)?;
                let mut user = User::from_row(row)?;
                let medium = Destination::read(&link.old_value).medium;
                for purpose in [verifying(medium), AccountCode::Reset] {
                    tx.drop_user_code(&link.pool_id, &link.user_id, purpose.purpose())?;
                }
                user.attributes.insert(link.attribute.clone(), link.old_value.clone());
                user.set_verified(&link.attribute, true);
                user.sign_out_up_to(now);
                user.save(tx, now)?;
                attributes::rename(tx, &at.pool, &user)?;
                pools.audit(tx, &at, &subject_of(&at.pool, &user), "UndoAddressChange", "undone", "")?;
                Ok(Undo::Done { address: masked(&link.old_value) })
            })
            .await
    }

    /// Tells whether a new address has to wait for its code: where the pool says so, and where it would serve to
    /// sign in.
    fn address_waits(&self, pool: &Pool, medium: Medium) -> bool {
        pool.verified_before_update.contains(&medium)
            || (self.rules.addresses_wait && pool.signs_in_by(medium))
    }

    /// The address that a code went to and that is not the user's yet.
    fn waiting_address(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        medium: Medium,
    ) -> Answer<Option<Destination>> {
        let code = tx.find_user_code(&at.pool.id, subject.bound(), verifying(medium).purpose())?;
        let current = subject.user.as_ref().and_then(|user| user.destination(medium));
        Ok(code
            .filter(|row| at.now < row.expires && self.address_waits(&at.pool, medium))
            .map(|row| Destination::read(&row.destination))
            .filter(|destination| current.as_ref() != Some(destination)))
    }

    /// Tells each verified address and number that is about to be replaced or was taken away, with a link that undoes
    /// it. A number is told by a text where the pool sends some, or else in the mailbox of its owner.
    fn tell_old_addresses(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        before: &User,
        after: &User,
        waiting: &[Medium],
    ) -> Answer<()> {
        for medium in [Medium::Email, Medium::Sms] {
            let attribute = medium.attribute();
            let Some(old) = before.destination(medium).filter(|_| before.is_verified(attribute)) else {
                continue;
            };
            let stays = after.attribute(attribute) == before.attribute(attribute);
            if stays && !waiting.contains(&medium) {
                continue;
            }
            let mailbox = || before.destination(Medium::Email).filter(|_| before.is_verified("email"));
            let told = match medium {
                Medium::Sms if !self.may_text_to(at, &old.address) => mailbox(),
                Medium::Email | Medium::Sms => Some(old.clone()),
            };
            if let Some(told) = told {
                self.tell_of_change(tx, at, before, &old, &told)?;
            }
        }
        Ok(())
    }

    /// Tells whether the house's own words can go to a number: functions send only codes.
    fn may_text_to(&self, at: &At, number: &str) -> bool {
        at.pool.texting.is_some() && self.mail.sends_texts() && self.rules.texts.allow(number)
    }

    fn tell_of_change(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        old: &Destination,
        told: &Destination,
    ) -> Answer<()> {
        let told_after = at.now.plus_ms(UNDO_MS - NOTICE_PAUSE_MS);
        if tx.has_undo_link(&at.pool.id, &user.id, &old.address, told_after)? {
            return Ok(());
        }
        let token = undo_token();
        tx.add_undo_link(&UndoLinkRow {
            token_mac: undo_mac(tx.keys(), &token).to_vec(),
            pool_id: at.pool.id.clone(),
            user_id: user.id.clone(),
            attribute: old.medium.attribute().to_owned(),
            old_value: old.address.clone(),
            expires: at.now.plus_ms(UNDO_MS),
        })?;
        let link = format!("{}/account/undo?token={token}", self.place.public_url);
        let occasion = match old.medium {
            Medium::Email => Occasion::AddressChange,
            Medium::Sms => Occasion::NumberChange,
        };
        self.send(
            tx,
            at,
            Letter {
                occasion,
                to: told,
                code: Some(&link),
                user: Some(user),
                not_after: at.now.plus_ms(UNDO_MS),
                decoy: false,
            },
        )
    }
}

/// Tells whether codes would go elsewhere than before.
fn is_moved(before: &User, user: &User) -> bool {
    [Medium::Email, Medium::Sms].iter().any(|medium| before.destination(*medium) != user.destination(*medium))
}

/// Refuses a new alias that is a provider's to give.
fn keep_for_providers(tx: &mut Tx<'_>, pool: &Pool, before: &User, user: &User) -> Answer<()> {
    let alias = NameKind::PreferredUsername.as_str();
    if user.attribute(alias) == before.attribute(alias) {
        return Ok(());
    }
    identities::keep_alias_for_providers(tx, pool, user)
}

fn subject_of(pool: &Pool, user: &User) -> Subject {
    Subject { name_key: pool.name_key(&user.username), user: Some(user.clone()) }
}

/// The attributes that a code can verify.
fn verifiable(attribute: &str) -> Answer<Medium> {
    match attribute {
        "email" => Ok(Medium::Email),
        "phone_number" => Ok(Medium::Sms),
        _ => refuse(
            InvalidParameterException,
            "Invalid attribute name. Only phone_number and email can be verified.",
        ),
    }
}

/// The code that verifies what a medium leads to.
fn verifying(medium: Medium) -> AccountCode {
    AccountCode::Verify(match medium {
        Medium::Email => NameKind::Email,
        Medium::Sms => NameKind::PhoneNumber,
    })
}

/// Puts an attribute and its flag back to what they were.
fn put_back(user: &mut User, before: &User, medium: Medium) {
    for name in [medium.attribute().to_owned(), format!("{}_verified", medium.attribute())] {
        match before.attributes.get(&name) {
            Some(value) => user.attributes.insert(name, value.clone()),
            None => user.attributes.remove(&name),
        };
    }
}

/// Where addresses are the names, one of them stays.
fn keep_a_sign_in_name(pool: &Pool, user: &User) -> Answer<()> {
    let has_one = pool.username_attributes.iter().any(|kind| user.attribute(kind.as_str()).is_some());
    match pool.username_attributes.first() {
        Some(kind) if !has_one => refuse(
            InvalidParameterException,
            format!("Invalid user attributes: {}: Required attribute cannot be deleted.", kind.as_str()),
        ),
        _ => Ok(()),
    }
}

fn undo_token() -> String {
    hex::encode(random::bytes::<32>())
}

fn undo_mac(keys: &Keys, token: &str) -> [u8; 32] {
    keys.mac(Purpose::Token, &[b"undo", token.as_bytes()])
}

fn masked(address: &str) -> String {
    Destination::read(address).masked()
}
