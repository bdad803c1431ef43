//! Remembered devices in a sign-in: named by a request, asked for after the password, and judged by SRP over a secret that
//! the app made. What was proven before goes along in the challenge.

use super::asking::{Facts, invalid_session};
use super::proven::may_need_more;
use super::second::{Halfway, StandIn};
use super::srp::Proven;
use crate::Pools;
use crate::auth::acr::Goal;
use crate::auth::challenge::Handle;
use crate::auth::code::CodeKind;
use crate::auth::device::group_key;
use crate::auth::srp::{Claim, Identity};
use crate::devices::{no_such_device, open};
use crate::outgoing::source_bucket;
use crate::passwords::wrong;
use crate::sessions::source_text;
use crate::step::{At, By, Check, Device, Hello, Kind, SignedIn, Step, Subject};
use crate::user::User;
use crate::watch::Watch;
use postern_model::Answer;
use postern_model::cognito_idp::errors::*;
use postern_model::refuse;
use postern_store::Tx;
use postern_store::devices::DeviceRow;

impl Pools {
    /// The device that a request names by its key. Where the request has something judged, a key that is not the named
    /// user's is refused, for everybody alike, before anything is spent; apps then go on without it.
    pub(crate) fn device_named(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        key: &str,
        is_judged: bool,
    ) -> Answer<Option<Device>> {
        if !at.pool.devices.on {
            return Ok(None);
        }
        let device = match self.find_user(tx, &at.pool, username)? {
            Some(user) => tx.find_device(&at.pool.id, &user.id, key)?,
            None => None,
        };
        match device {
            Some(device) => Ok(Some(Device::Key(device.key))),
            None if is_judged => Err(no_such_device()),
            None => Ok(None),
        }
    }

    /// What a sign-in carries from step to step: the device that was named, if it is still there; the level that is to be
    /// reached; and the event that it is remembered as.
    pub fn carried(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        session: &str,
    ) -> Answer<(Option<Device>, Option<Goal>, Watch)> {
        let challenge = tx.find_challenge(&Handle::macs(tx.keys(), session))?;
        let Some(challenge) = challenge.filter(|row| row.client_id == at.client.id) else {
            return Ok((None, None, at.watch.clone()));
        };
        let facts = Facts::of(&challenge)?;
        let device = match (facts.device.filter(|_| at.pool.devices.on), &challenge.user_id) {
            (Some(key), Some(user)) => tx.find_device(&at.pool.id, user, &key)?,
            _ => None,
        };
        let second = [
            Kind::SoftwareTokenMfa,
            Kind::MfaSetup,
            Kind::Code(CodeKind::SMS_MFA),
            Kind::Code(CodeKind::EMAIL_MFA),
        ];
        let watch = Watch {
            event: facts.event,
            goal: facts.risk_goal,
            is_second: second.iter().any(|kind| kind.as_str() == challenge.kind),
            ..at.watch.clone()
        };
        Ok((device.map(|device| Device::Key(device.key)), facts.goal, watch))
    }

    /// Asks for the secret of a device.
    pub(super) fn ask_for_device(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: &User,
        device: &DeviceRow,
        amr: &[String],
    ) -> Answer<Step<SignedIn>> {
        let subject = Subject { name_key: subject.name_key.clone(), user: Some(user.clone()) };
        let source = source_bucket(at.caller.source);
        let facts = Facts { amr: amr.to_vec(), source: Some(source), ..Facts::default() };
        let asked = self.remember(tx, at, &subject, Kind::DeviceSrp, &facts)?;
        if let Some(mac) = Handle::macs(tx.keys(), &asked.session).first() {
            tx.note_device_asked(device, mac)?;
        }
        self.audit(tx, at, &subject, "SignIn", "device asked for", "")?;
        Ok(Step::Ask(asked))
    }

    /// Goes on from a DEVICE_SRP_AUTH challenge with the client's opening.
    pub fn answer_device(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: Option<&str>,
        key: &str,
        hello: &Hello,
    ) -> Answer<Step<SignedIn>> {
        let own = match session {
            Some(session) if !self.was_answered(tx, session)? => Some(session),
            _ => None,
        };
        let halfway = match own {
            Some(session) => self.halfway(tx, at, username, session, Kind::DeviceSrp)?,
            None => self.halfway_by_device(tx, at, username, key)?,
        };
        let device = self.device_asked_for(tx, at, &halfway, key)?;
        self.consume(tx, &halfway.challenge, Kind::DeviceSrp, at.now)?;
        let verifier = open(tx.keys(), &device)?;
        let facts = Facts { amr: halfway.facts.amr.clone(), ..Facts::default() };
        let subject = halfway.subject();
        let asked = self.open_exchange(tx, at, &subject, Kind::DeviceVerifier, &facts, &verifier, hello)?;
        Ok(Step::Ask(asked.with("DEVICE_KEY", key).with("USERNAME", &halfway.user.username)))
    }

    /// Tells whether a session is one of the step before, which some clients send instead of the one that they were given.
    fn was_answered(&self, tx: &mut Tx<'_>, session: &str) -> Answer<bool> {
        let challenge = tx.find_challenge(&Handle::macs(tx.keys(), session))?;
        Ok(challenge.is_some_and(|row| row.spent && row.kind != Kind::DeviceSrp.as_str()))
    }

    /// Finds the challenge that last asked for a device, for clients that keep no session: only from where it was asked.
    fn halfway_by_device(&self, tx: &mut Tx<'_>, at: &At, username: &str, key: &str) -> Answer<Halfway> {
        let user = self.find_user(tx, &at.pool, username)?.ok_or_else(invalid_session)?;
        let device = tx.find_device(&at.pool.id, &user.id, key)?;
        let asked: Option<[u8; 32]> = device.and_then(|device| device.asked?.try_into().ok());
        let Some(mac) = asked else { return Err(invalid_session()) };
        let source = source_bucket(at.caller.source);
        let challenge = tx
            .find_challenge(&[mac])?
            .filter(|row| row.kind == Kind::DeviceSrp.as_str() && row.client_id == at.client.id)
            .filter(|row| row.user_id.as_ref() == Some(&user.id))
            .ok_or_else(invalid_session)?;
        if Facts::of(&challenge)?.source.as_ref() != Some(&source) {
            return Err(invalid_session());
        }
        self.halfway_of(tx, at, challenge, Kind::DeviceSrp)
    }

    /// The device that a challenge asks for, if it is the named one and still remembered.
    fn device_asked_for(&self, tx: &mut Tx<'_>, at: &At, halfway: &Halfway, key: &str) -> Answer<DeviceRow> {
        if halfway.facts.device.as_deref() != Some(key) {
            return Err(invalid_session());
        }
        let device = tx.find_device(&at.pool.id, &halfway.user.id, key)?;
        device.filter(|device| device.remembered).ok_or_else(no_such_device)
    }

    /// Has the proof of a device's secret checked.
    pub fn answer_device_proof(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: Option<&str>,
        key: &str,
        proven: &Proven<'_>,
    ) -> Answer<Step<SignedIn>> {
        let claimed = self.claimed(tx, at, username, session, proven, Kind::DeviceVerifier)?;
        let halfway = self.halfway_of(tx, at, claimed.challenge.clone(), Kind::DeviceVerifier)?;
        let device = self.device_asked_for(tx, at, &halfway, key)?;
        if !tx.spend_attempt(&claimed.challenge.handle_mac, at.now)? {
            return refuse(NotAuthorizedException, "Invalid session for the user, session is expired.");
        }
        let group = group_key(&at.pool.id, &halfway.user.id);
        let claim = claimed.claim(Identity::of_device(&group, key), open(tx.keys(), &device)?);
        let challenge = Some((Kind::DeviceVerifier, claimed.challenge));
        let (subject, by) = (halfway.subject(), By::Device(Box::new(claim)));
        Ok(Step::Check(Box::new(Check { subject, by, challenge, hash_like: None })))
    }

    /// Goes on after the proof of a device was checked, as things stand now.
    pub(crate) fn device_checked(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        check: &Check,
        claim: &Claim,
        right: bool,
    ) -> Answer<Step<SignedIn>> {
        let Some((kind, challenge)) = &check.challenge else {
            return Err(anyhow::anyhow!("the proof of a device without its challenge").into());
        };
        if !right {
            self.audit(tx, at, &check.subject, "SignIn", "wrong device proof", "")?;
            return Ok(Step::No(wrong()));
        }
        let halfway = self.halfway_of(tx, at, challenge.clone(), *kind)?;
        let key = halfway.facts.device.clone().unwrap_or_default();
        let device = self.device_asked_for(tx, at, &halfway, &key)?;
        if open(tx.keys(), &device)? != claim.verifier {
            return Err(no_such_device());
        }
        self.consume(tx, &halfway.challenge, *kind, at.now)?;
        let (subject, amr) = (halfway.subject(), halfway.facts.amr.clone());
        let all_given = amr.iter().any(|way| way == "mfa");
        let stand_in = if at.watch.goal.is_none() && self.stands_in(at, &device, &amr) {
            StandIn::Proven
        } else {
            StandIn::None
        };
        if may_need_more(at, &amr)
            && let Some(step) = self.ask_for_second(tx, at, &subject, &halfway.user, &amr, stand_in)?
        {
            return Ok(step);
        }
        let trusted = if all_given { Some(at.now) } else { device.trusted };
        tx.note_device_use(&device, trusted, &source_text(at), at.now)?;
        self.proven_device(tx, at, &subject, halfway.user, amr, &key)
    }
}
