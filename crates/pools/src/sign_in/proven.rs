//! What follows once somebody has proven who they are: the one place where further questions come in before a sign-in
//! ends.

use super::second::StandIn;
use crate::Pools;
use crate::auth::second_factor::Mode;
use crate::step::{At, Proof, SignedIn, Step, Subject, facts_of};
use crate::threats::Judged;
use crate::user::User;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, Error, refusal};
use postern_store::Tx;

impl Pools {
    /// Goes on with a sign-in whose first factor is proven, for a user who may sign in by it. A second factor comes next
    /// where one is demanded, or a trusted device in its stead; a device that is remembered comes last in any case.
    pub(crate) fn proven(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        proof: Proof,
    ) -> Answer<Step<SignedIn>> {
        let at = &match self.judge_sign_in(tx, at, subject, &user, &proof.amr)? {
            Judged::GoesOn(at) => at,
            Judged::Blocked(no) => return Ok(Step::No(no)),
        };
        // Devices go with passwords: a code or a passkey does not ask for them.
        let by_password = proof.amr.iter().any(|way| way == "pwd");
        let device = if by_password { self.remembered_device(tx, at, &user)? } else { None };
        let stand_in = match &device {
            // What makes a sign-in risky, a device does not make good.
            Some(device) if at.watch.goal.is_none() && self.stands_in(at, device, &proof.amr) => {
                StandIn::Asked(device)
            }
            _ => StandIn::None,
        };
        if may_need_more(at, &proof.amr)
            && let Some(step) = self.ask_for_second(tx, at, subject, &user, &proof.amr, stand_in)?
        {
            return Ok(step);
        }
        match device {
            Some(device) => self.ask_for_device(tx, at, subject, &user, &device, &proof.amr),
            None => self.proven_enough(tx, at, subject, user, proof, None),
        }
    }

    /// Goes on with a sign-in whose second factor is proven; the proof names both.
    pub(crate) fn proven_second(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        proof: Proof,
    ) -> Answer<Step<SignedIn>> {
        let mut amr: Vec<String> = Vec::new();
        for word in proof.amr.into_iter().chain(["mfa".to_owned()]) {
            if !amr.contains(&word) {
                amr.push(word);
            }
        }
        match self.remembered_device(tx, at, &user)? {
            Some(device) => self.ask_for_device(tx, at, subject, &user, &device, &amr),
            None => self.proven_enough(tx, at, subject, user, Proof { amr, ..proof }, None),
        }
    }

    /// Goes on with a sign-in whose remembered device is proven.
    pub(super) fn proven_device(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        amr: Vec<String>,
        device: &str,
    ) -> Answer<Step<SignedIn>> {
        let proof = Proof { amr, told: "on a remembered device" };
        self.proven_enough(tx, at, subject, user, proof, Some(device))
    }

    /// Ends a sign-in for which all is proven.
    fn proven_enough(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        proof: Proof,
        device: Option<&str>,
    ) -> Answer<Step<SignedIn>> {
        if !at.is_goal_met_by(&proof.amr) && at.goal().is_some_and(|goal| !goal.voluntary) {
            self.audit(tx, at, subject, "SignIn", "refused", "the level that was asked for is not reached")?;
            return Ok(Step::No(no_method()));
        }
        self.post_authentication(tx, at, &user, at.pool.devices.on && at.device_key().is_none())?;
        self.audit(tx, at, subject, "SignIn", "signed in", proof.told)?;
        let mut facts = facts_of(at, proof.amr);
        facts.device = device.map(str::to_owned);
        if let Some(event) = &at.watch.event {
            facts.event_id.clone_from(event);
        }
        Ok(Step::Done(SignedIn { user, facts }))
    }
}

/// Tells whether a second factor may have to follow. A passkey that verified the person may be worth two already.
pub(super) fn may_need_more(at: &At, amr: &[String]) -> bool {
    let is_one = !amr.iter().any(|way| way == "mfa");
    !at.is_goal_met_by(amr) || is_one && at.pool.second.mode != Mode::Off
}

/// Says that nothing is left to be asked for.
pub(super) fn no_method() -> Error {
    refusal(InvalidParameterException, "User has no MFA method that can be used.")
}
