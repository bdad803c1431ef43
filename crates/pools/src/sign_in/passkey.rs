//! Signing in by passkey: asked for under a session, and judged. One session takes one answer, right or wrong.

use super::asking::Facts;
use crate::Pools;
use crate::auth::challenge::Handle;
use crate::auth::factors::Factor;
use crate::auth::webauthn::{Assertion, Fault};
use crate::passkeys::{CHALLENGE_MS, Whose, fresh_challenge};
use crate::step::{Asked, At, Kind, Proof, SignedIn, Step, Subject};
use crate::user::{Status, User};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, refusal, refuse};
use postern_store::Tx;
use postern_store::auth::ChallengeRow;

/// The parameter of a challenge that tells what a browser is to be asked, as JSON.
pub(super) const REQUEST_OPTIONS: &str = "CREDENTIAL_REQUEST_OPTIONS";

impl Pools {
    /// Asks for a passkey of whoever a sign-in was begun for, or of nobody who looks like somebody.
    pub(super) fn ask_for_passkey(&self, tx: &mut Tx<'_>, at: &At, subject: &Subject) -> Answer<Asked> {
        let challenge = fresh_challenge();
        let Some(options) = self.assertion_options(tx, at, Whose::Of(subject), &challenge)? else {
            return refuse(NotAuthorizedException, "Incorrect username or password.");
        };
        let handle = Handle::fresh(tx.keys(), at.now);
        let expires = at.now.plus_ms(at.client.session_ms.min(CHALLENGE_MS));
        let facts = Facts { challenge: Some(challenge), ..Facts::default() };
        tx.add_challenge(&self.row(at, subject, Kind::WebAuthn, &handle, expires, &facts)?)?;
        self.audit(tx, at, subject, "BeginSignIn", "passkey asked for", "")?;
        Ok(Asked {
            kind: Kind::WebAuthn,
            session: handle.text,
            available: Vec::new(),
            destination: None,
            expires,
            parameters: vec![(REQUEST_OPTIONS.to_owned(), options.to_string())],
            user: None,
            missing: Vec::new(),
            second: Vec::new(),
            device: None,
        })
    }

    /// Judges the answer of a browser to the options of a session.
    pub fn answer_passkey(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        credential: &str,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::WebAuthn, username)?;
        self.live(&challenge, at.now)?;
        self.consume(tx, &challenge, Kind::WebAuthn, at.now)?;
        let subject = self.subject_of(tx, &challenge)?;
        self.judge_asked_passkey(tx, at, subject, &challenge, credential)
    }

    /// Judges an answer to the options that a session came with, which is used up by now.
    pub(super) fn judge_asked_passkey(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: Subject,
        challenge: &ChallengeRow,
        credential: &str,
    ) -> Answer<Step<SignedIn>> {
        let facts = Facts::of(challenge)?;
        let in_time = at.now.since(challenge.created) < CHALLENGE_MS;
        let judged = match (facts.challenge.filter(|_| in_time), Assertion::parse(credential)) {
            (Some(asked), Ok(assertion)) => {
                self.judge_passkey(tx, at, &asked, Whose::Of(&subject), &assertion)?
            }
            (None, _) => Err(Fault::Challenge),
            (_, Err(fault)) => Err(fault),
        };
        self.signed_in_by_passkey(tx, at, subject, judged)
    }

    /// Goes on after a passkey was judged, if the pool lets this user sign in by one.
    pub fn signed_in_by_passkey(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: Subject,
        judged: Result<(User, Proof), Fault>,
    ) -> Answer<Step<SignedIn>> {
        let (user, proof) = match judged {
            Ok(right) => right,
            Err(fault) => {
                // A counter that goes backwards may be the sign of a copied key: the audit keeps why.
                self.audit(tx, at, &subject, "SignIn", "wrong passkey", &fault.to_string())?;
                return Ok(Step::No(refusal(NotAuthorizedException, "Incorrect username or password.")));
            }
        };
        let subject = Subject { user: Some(user.clone()), ..subject };
        if !user.enabled {
            self.audit(tx, at, &subject, "SignIn", "refused", "disabled")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "User is disabled.")));
        }
        let is_outside = user.status == Status::ExternalProvider;
        if is_outside || !self.available(tx, at, &subject)?.contains(&Factor::WebAuthn) {
            self.audit(tx, at, &subject, "SignIn", "refused", "passkeys do not do here")?;
            return Ok(Step::No(refusal(NotAuthorizedException, "Incorrect username or password.")));
        }
        self.proven(tx, at, &subject, user, proof)
    }
}
