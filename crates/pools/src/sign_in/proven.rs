//! What follows once somebody has proven who they are: the one place where further questions come in before a sign-in
//! ends.

use crate::Pools;
use crate::step::{At, Proof, SignedIn, Step, Subject, facts_of};
use crate::user::User;
use postern_model::Answer;
use postern_store::Tx;

impl Pools {
    /// Ends a sign-in whose first factor is proven, for a user who may sign in by it.
    pub(crate) fn proven(
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

    /// Ends a sign-in whose second factor is proven; the proof names both.
    pub(crate) fn proven_second(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        mut proof: Proof,
    ) -> Answer<Step<SignedIn>> {
        proof.amr.push("mfa".into());
        self.audit(tx, at, subject, "SignIn", "signed in", proof.told)?;
        Ok(Step::Done(SignedIn { user, facts: facts_of(at, proof.amr) }))
    }
}
