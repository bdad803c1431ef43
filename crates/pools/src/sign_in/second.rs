//! The second factor of a sign-in: asked for where the pool demands one, chosen, judged, or set up on the way. What the
//! first factor proved goes along in the challenge, and opens nothing by itself (rule F3).

use super::asking::{Facts, invalid_session};
use super::proven::no_method;
use crate::Pools;
use crate::auth::code::CodeKind;
use crate::auth::second_factor::{self, Demand, Held, Next, SecondFactor};
use crate::auth::totp::{self, Verdict};
use crate::destination::Medium;
use crate::limits::{Tries, guesses_per_day};
use crate::outgoing::too_often;
use crate::step::{Asked, At, Kind, Proof, SignedIn, Step, Subject};
use crate::user::User;
use postern_mail::address::Address;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::Tx;
use postern_store::auth::ChallengeRow;
use postern_store::devices::DeviceRow;

/// A sign-in between its two factors: the challenge that waits, whose it is, and what was proven.
pub(super) struct Halfway {
    pub(super) challenge: ChallengeRow,
    pub(super) user: User,
    pub(super) facts: Facts,
    kind: Kind,
}

/// What there is in the stead of a second factor.
pub(super) enum StandIn<'a> {
    None,
    /// A trusted device, which is to be proven.
    Asked(&'a DeviceRow),
    /// A trusted device that was proven.
    Proven,
}

impl Halfway {
    pub(super) fn subject(&self) -> Subject {
        Subject { name_key: self.challenge.name_key.clone(), user: Some(self.user.clone()) }
    }
}

impl Pools {
    /// Asks for a second factor, if one is to follow what was proven, or for what stands in for one. Nothing stands in for
    /// a factor that is still to be set up.
    pub(super) fn ask_for_second(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: &User,
        amr: &[String],
        stand_in: StandIn<'_>,
    ) -> Answer<Option<Step<SignedIn>>> {
        let factors = self.second_factors(tx, user)?;
        let subject = Subject { name_key: subject.name_key.clone(), user: Some(user.clone()) };
        let (kind, offered) = match second_factor::next(&at.demand(), &factors.held(user), amr) {
            Next::Enough => return Ok(None),
            Next::Ask(_) | Next::Choose(_) if matches!(stand_in, StandIn::Proven) => return Ok(None),
            Next::Ask(_) | Next::Choose(_) if let StandIn::Asked(device) = stand_in => {
                return self.ask_for_device(tx, at, &subject, user, device, amr).map(Some);
            }
            Next::Ask(factor) => return Ok(Some(Step::Ask(self.ask_second(tx, at, &subject, factor, amr)?))),
            Next::Choose(offered) => (Kind::SelectMfaType, offered),
            Next::SetUp(offered) => (Kind::MfaSetup, offered),
            Next::Nothing => {
                self.audit(tx, at, &subject, "SignIn", "refused", "no second factor can be asked for")?;
                return Ok(Some(Step::No(no_method())));
            }
        };
        let facts = Facts { offered: names(&offered), amr: amr.to_vec(), ..Facts::default() };
        let asked = self.remember(tx, at, &subject, kind, &facts)?;
        self.audit(tx, at, &subject, "SignIn", "second factor asked for", kind.as_str())?;
        Ok(Some(Step::Ask(Asked { second: offered, user: subject.user.map(Box::new), ..asked })))
    }

    /// Asks for one second factor.
    fn ask_second(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        factor: SecondFactor,
        amr: &[String],
    ) -> Answer<Asked> {
        let facts = Facts { amr: amr.to_vec(), ..Facts::default() };
        let asked = match factor {
            SecondFactor::Totp => {
                let device = subject.user.as_ref().map(|user| self.second_factors(tx, user)).transpose()?;
                let asked = self.remember(tx, at, subject, Kind::SoftwareTokenMfa, &facts)?;
                Asked { device: device.and_then(|factors| factors.device), ..asked }
            }
            SecondFactor::Sms => self.ask_for_code(tx, at, subject, CodeKind::SMS_MFA, &facts)?,
            SecondFactor::Email => self.ask_for_code(tx, at, subject, CodeKind::EMAIL_MFA, &facts)?,
        };
        self.audit(tx, at, subject, "SignIn", "second factor asked for", factor.as_str())?;
        let held = match &subject.user {
            Some(user) => self.second_factors(tx, user)?.held(user),
            None => Held::default(),
        };
        let demand = at.demand();
        let second =
            SecondFactor::ALL.into_iter().filter(|other| second_factor::accepts(&demand, &held, amr, *other));
        Ok(Asked { second: second.collect(), user: subject.user.clone().map(Box::new), ..asked })
    }

    /// Finds a sign-in that waits between its factors. It ends with the sign-ins of its user (rule B4).
    pub(super) fn halfway(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        kind: Kind,
    ) -> Answer<Halfway> {
        let challenge = self.challenge(tx, at, session, kind, username)?;
        self.halfway_of(tx, at, challenge, kind)
    }

    pub(super) fn halfway_of(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        challenge: ChallengeRow,
        kind: Kind,
    ) -> Answer<Halfway> {
        self.live(&challenge, at.now)?;
        let facts = Facts::of(&challenge)?;
        let user = self
            .subject_of(tx, &challenge)?
            .user
            .filter(|user| challenge.created > user.signed_out)
            .ok_or_else(invalid_session)?;
        if !user.enabled {
            return refuse(NotAuthorizedException, "User is disabled.");
        }
        Ok(Halfway { challenge, user, facts, kind })
    }

    /// Judges the choice of a second factor.
    pub fn answer_second_choice(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        answer: &str,
    ) -> Answer<Step<SignedIn>> {
        let halfway = self.halfway(tx, at, username, session, Kind::SelectMfaType)?;
        let factor = SecondFactor::parse(answer)
            .filter(|factor| halfway.facts.offered.iter().any(|offered| offered == factor.as_str()))
            .ok_or_else(|| refusal(InvalidParameterException, "Selected MFA type is not available."))?;
        self.still_accepts(tx, at, &halfway.user, &halfway.facts.amr, factor)?;
        self.consume(tx, &halfway.challenge, halfway.kind, at.now)?;
        Ok(Step::Ask(self.ask_second(tx, at, &halfway.subject(), factor, &halfway.facts.amr)?))
    }

    /// Asks for another second factor than the one that waits for its answer. What waits goes on waiting, so that who comes
    /// back to it needs no second message; whoever has no tries left there changes to nothing.
    pub fn change_second(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        [waiting, wanted]: [SecondFactor; 2],
    ) -> Answer<Step<SignedIn>> {
        let halfway = self.halfway(tx, at, username, session, kind_of(waiting))?;
        self.still_accepts(tx, at, &halfway.user, &halfway.facts.amr, wanted)?;
        Ok(Step::Ask(self.ask_second(tx, at, &halfway.subject(), wanted, &halfway.facts.amr)?))
    }

    /// Tells whether a second factor that was asked for still waits for its answer.
    pub fn still_waits(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        factor: SecondFactor,
    ) -> Answer<bool> {
        match self.halfway(tx, at, username, session, kind_of(factor)) {
            Ok(_) => Ok(true),
            Err(Error::Refused(_)) => Ok(false),
            Err(failed) => Err(failed),
        }
    }

    /// Judges a code of an authenticator. A wrong one is remembered, in the challenge and for the day, and leaves the
    /// session usable until its attempts are spent.
    pub fn answer_authenticator(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        code: &str,
    ) -> Answer<Step<SignedIn>> {
        const TOPIC: &str = "guesses/authenticator";
        const TRIES: usize = guesses_per_day(totp::DIGITS) as usize;
        let halfway = self.halfway(tx, at, username, session, Kind::SoftwareTokenMfa)?;
        self.still_accepts(tx, at, &halfway.user, &halfway.facts.amr, SecondFactor::Totp)?;
        if !tx.spend_attempt(&halfway.challenge.handle_mac, at.now)? {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        let subject = halfway.subject();
        let key = subject.ledger_key();
        let mut tries = Tries::read(&tx.ledger(&at.pool.id, TOPIC, &key)?);
        if let Err(wait_ms) = tries.spend(TRIES, at.now) {
            self.audit(tx, at, &subject, "SignIn", "refused", "the day's authenticator codes are used up")?;
            return Ok(Step::No(too_often("guesses/authenticator", wait_ms)));
        }
        let verdict = self.use_authenticator(tx, &halfway.user, code, at.now)?;
        if verdict != Verdict::Wrong {
            tries.give_back();
        }
        tx.put_ledger(&at.pool.id, TOPIC, &key, &tries.write(), tries.expires())?;
        let no = match verdict {
            Verdict::Right { .. } => return self.end_halfway(tx, at, halfway, SecondFactor::Totp),
            Verdict::Used => refusal(ExpiredCodeException, "Your software token has already been used once."),
            Verdict::Wrong => refusal(CodeMismatchException, "Invalid code received for user"),
        };
        self.audit(tx, at, &subject, "SignIn", "wrong code", "of an authenticator")?;
        if tries.wait_ms(TRIES, at.now).is_some() {
            self.tell_of_guesses(tx, at, &subject)?;
        }
        Ok(Step::No(no))
    }

    /// Ends a sign-in during which a second factor was set up.
    pub fn answer_set_up(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
    ) -> Answer<Step<SignedIn>> {
        let halfway = self.halfway(tx, at, username, session, Kind::MfaSetup)?;
        if halfway.facts.set_up.as_deref() != Some(SecondFactor::Totp.as_str()) {
            return refuse(InvalidParameterException, "User has not set up software token mfa");
        }
        self.still_accepts(tx, at, &halfway.user, &halfway.facts.amr, SecondFactor::Totp)?;
        self.end_halfway(tx, at, halfway, SecondFactor::Totp)
    }

    /// Sends the first code to an address that is to become a second factor.
    pub fn answer_set_up_by_email(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        address: &str,
    ) -> Answer<Step<SignedIn>> {
        let halfway = self.halfway(tx, at, username, session, Kind::MfaSetup)?;
        let address = Address::parse(address)
            .map_err(|_| refusal(InvalidParameterException, "Invalid email address format."))?;
        self.may_set_up(tx, at, &halfway.user, &halfway.facts, SecondFactor::Email)?;
        self.consume(tx, &halfway.challenge, halfway.kind, at.now)?;
        let facts = Facts { address: Some(address.spelling()), ..halfway.facts.clone() };
        let subject = halfway.subject();
        let asked = self.ask_for_code(tx, at, &subject, CodeKind::EMAIL_MFA, &facts)?;
        Ok(Step::Ask(Asked { user: subject.user.map(Box::new), ..asked }))
    }

    /// Tells whether a right code of a second factor ends its sign-in, as things stand now.
    pub(super) fn may_end_by(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        kind: CodeKind,
        challenge: &ChallengeRow,
        facts: &Facts,
    ) -> Answer<bool> {
        let factor = SecondFactor::of(kind.medium);
        let held = self.second_factors(tx, user)?.held(user);
        let is_asked_for = match facts.address {
            Some(_) => can_set_up(&at.demand(), &held, &facts.amr, factor),
            None => second_factor::accepts(&at.demand(), &held, &facts.amr, factor),
        };
        Ok(is_asked_for && challenge.created > user.signed_out)
    }

    /// Makes an address whose code was given the user's own, and a second factor of theirs.
    pub(super) fn set_up_address(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        medium: Medium,
        challenge: &ChallengeRow,
    ) -> Answer<User> {
        let mut user = self.user_to_change(tx, user)?;
        let address = challenge.destination.clone().unwrap_or_default();
        user.attributes.insert(medium.attribute().to_owned(), address);
        user.set_verified(medium.attribute(), true);
        // What begins in this very moment counts.
        user.sign_out_up_to(at.now.minus_ms(1));
        user.save(tx, at.now)?;
        self.settle_alias(tx, &at.pool, &user, medium)?;
        self.choose_second_factors(tx, &user, &[SecondFactor::Email], Some(SecondFactor::Email))?;
        self.tell_of_second_factors(tx, at, &user, &[SecondFactor::Email], &[])?;
        Ok(user)
    }

    /// Draws a seed for a sign-in that is to set an authenticator up; gives it as text, with the session to go on.
    pub fn set_up_authenticator(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
    ) -> Answer<(String, Asked)> {
        let halfway = self.halfway(tx, at, username, session, Kind::MfaSetup)?;
        self.may_set_up(tx, at, &halfway.user, &halfway.facts, SecondFactor::Totp)?;
        self.consume(tx, &halfway.challenge, halfway.kind, at.now)?;
        let seed = self.draw_seed(tx, &halfway.user, at.now)?;
        self.audit(tx, at, &halfway.subject(), "AssociateSoftwareToken", "begun", "")?;
        let asked = self.remember(tx, at, &halfway.subject(), Kind::MfaSetup, &halfway.facts)?;
        let second = halfway.facts.offered.iter().filter_map(|name| SecondFactor::parse(name)).collect();
        Ok((seed, Asked { second, user: Some(Box::new(halfway.user)), ..asked }))
    }

    /// Takes an authenticator into use that was set up during a sign-in; gives the session to end it with. A wrong
    /// code spends an attempt and nothing else.
    pub fn verify_authenticator(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        code: &str,
        device: Option<&str>,
    ) -> Answer<Option<Asked>> {
        let halfway = self.halfway(tx, at, username, session, Kind::MfaSetup)?;
        self.may_set_up(tx, at, &halfway.user, &halfway.facts, SecondFactor::Totp)?;
        if !tx.spend_attempt(&halfway.challenge.handle_mac, at.now)? {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        if !self.confirm_seed(tx, &halfway.user, code, device, at.now)? {
            self.audit(tx, at, &halfway.subject(), "VerifySoftwareToken", "wrong code", "")?;
            return Ok(None);
        }
        self.consume(tx, &halfway.challenge, halfway.kind, at.now)?;
        let mut user = self.user_to_change(tx, &halfway.user)?;
        // A factor was changed (rule B4); what goes on from this very moment counts.
        user.sign_out_up_to(at.now.minus_ms(1));
        user.save(tx, at.now)?;
        self.choose_second_factors(tx, &user, &[SecondFactor::Totp], Some(SecondFactor::Totp))?;
        self.tell_of_second_factors(tx, at, &user, &[SecondFactor::Totp], &[])?;
        let facts = Facts { set_up: Some(SecondFactor::Totp.as_str().to_owned()), ..halfway.facts.clone() };
        let asked = self.remember(tx, at, &halfway.subject(), Kind::MfaSetup, &facts)?;
        Ok(Some(Asked { user: Some(Box::new(user)), ..asked }))
    }

    /// Refuses to set a factor up for whoever has a second factor by now: that one is to be answered.
    fn may_set_up(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        facts: &Facts,
        factor: SecondFactor,
    ) -> Answer<()> {
        // Of two who set one up at once, one is first, and the other sees it here.
        let user = self.user_to_change(tx, user)?;
        let held = self.second_factors(tx, &user)?.held(&user);
        if can_set_up(&at.demand(), &held, &facts.amr, factor) {
            return Ok(());
        }
        Err(invalid_session())
    }

    /// Refuses an answer by a factor that would not be asked for any more.
    fn still_accepts(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        amr: &[String],
        factor: SecondFactor,
    ) -> Answer<()> {
        let held = self.second_factors(tx, user)?.held(user);
        if second_factor::accepts(&at.demand(), &held, amr, factor) {
            return Ok(());
        }
        Err(invalid_session())
    }

    fn end_halfway(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        halfway: Halfway,
        factor: SecondFactor,
    ) -> Answer<Step<SignedIn>> {
        self.consume(tx, &halfway.challenge, halfway.kind, at.now)?;
        let subject = halfway.subject();
        let mut amr = halfway.facts.amr;
        amr.push(factor.amr().to_owned());
        let proof = Proof { amr, told: "with an authenticator" };
        self.proven_second(tx, at, &subject, halfway.user, proof)
    }
}

/// Tells whether a factor is one that is to be set up before a sign-in ends.
fn can_set_up(demand: &Demand, held: &Held, amr: &[String], factor: SecondFactor) -> bool {
    matches!(second_factor::next(demand, held, amr), Next::SetUp(offered) if offered.contains(&factor))
}

/// The question that asks for a factor.
fn kind_of(factor: SecondFactor) -> Kind {
    match factor {
        SecondFactor::Totp => Kind::SoftwareTokenMfa,
        SecondFactor::Sms => Kind::Code(CodeKind::SMS_MFA),
        SecondFactor::Email => Kind::Code(CodeKind::EMAIL_MFA),
    }
}

fn names(factors: &[SecondFactor]) -> Vec<String> {
    factors.iter().map(|factor| factor.as_str().to_owned()).collect()
}
