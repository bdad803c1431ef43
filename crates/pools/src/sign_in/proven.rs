//! What follows once somebody has proven who they are: the one place where further questions come in before a sign-in
//! ends.

use crate::Pools;
use crate::auth::second_factor::Mode;
use crate::step::{At, Proof, SignedIn, Step, Subject, facts_of};
use crate::user::User;
use postern_model::Answer;
use postern_store::Tx;

impl Pools {
    /// Goes on with a sign-in whose first factor is proven, for a user who may sign in by it.
    pub(crate) fn proven(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        proof: Proof,
    ) -> Answer<Step<SignedIn>> {
        // A passkey that verified the person may be worth two factors already.
        let is_enough = proof.amr.iter().any(|way| way == "mfa");
        if !is_enough
            && at.pool.second.mode != Mode::Off
            && let Some(step) = self.ask_for_second(tx, at, subject, &user, &proof.amr)?
        {
            return Ok(step);
        }
        self.proven_enough(tx, at, subject, user, proof)
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
        self.proven_enough(tx, at, subject, user, Proof { amr, ..proof })
    }

    /// Ends a sign-in for which all is proven.
    fn proven_enough(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        proof: Proof,
    ) -> Answer<Step<SignedIn>> {
        self.post_authentication(tx, at, &user)?;
        self.audit(tx, at, subject, "SignIn", "signed in", proof.told)?;
        Ok(Step::Done(SignedIn { user, facts: facts_of(at, proof.amr) }))
    }
}
