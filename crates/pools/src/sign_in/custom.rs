//! Signing in by challenges of the pool's own (`CUSTOM_AUTH`), alone or behind a password that is proven by SRP: functions
//! define which comes next, make it, and judge its answer. An answer uses its challenge up before any function sees it, so that no challenge is answered twice, however
//! long a function takes.

use super::asking::Facts;
use crate::Pools;
use crate::functions::{self, Trigger};
use crate::passwords::wrong;
use crate::step::{At, By, Check, Hello, Kind, Proof, SignedIn, Step, Subject};
use crate::triggers::custom::{Next, Past};
use crate::user::{Status, User};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Keys, Purpose, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The challenge's name on the wire, and in the history that functions are told.
const NAME: &str = "CUSTOM_CHALLENGE";
/// How the history names the opening of SRP, and the proof that follows it (Developer Guide, "Use SRP password
/// verification in a custom authentication flow").
const OPENING: &str = "SRP_A";
const PROOF: &str = "PASSWORD_VERIFIER";

/// What is remembered of a challenge until it is answered; sealed, for the right answer may stand in it.
#[derive(Serialize, Deserialize)]
struct Kept {
    past: Vec<Past>,
    private: Map<String, Value>,
    metadata: Option<String>,
}

impl Kept {
    fn seal(&self, keys: &Keys) -> Answer<String> {
        let text = serde_json::to_vec(self).map_err(anyhow::Error::from)?;
        Ok(STANDARD.encode(keys.seal(Purpose::Handle, &text)))
    }

    fn open(keys: &Keys, sealed: Option<&str>) -> Answer<Kept> {
        let sealed = sealed.ok_or_else(|| anyhow::anyhow!("a custom challenge has nothing to go on from"))?;
        let text = keys.open(Purpose::Handle, &STANDARD.decode(sealed).map_err(anyhow::Error::from)?)?;
        Ok(serde_json::from_slice(&text).map_err(anyhow::Error::from)?)
    }
}

impl Pools {
    /// Begins a sign-in by challenges of the pool's own.
    pub fn begin_custom(&self, tx: &mut Tx<'_>, at: &At, username: &str) -> Answer<Step<SignedIn>> {
        require_functions(at)?;
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        self.next_custom(tx, at, &subject, Vec::new(), None)
    }

    /// The same behind a password: the functions are told of the opening, and ask for its proof first.
    pub fn begin_custom_with_srp(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        hello: &Hello,
    ) -> Answer<Step<SignedIn>> {
        require_functions(at)?;
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        self.next_custom(tx, at, &subject, vec![Past::new(OPENING, true, None)], Some(hello))
    }

    /// Goes on with a sign-in whose password is proven: with the pool's own challenges where it was asked for among
    /// them. A wrong password ends those like any other sign-in, and no function is asked.
    pub(crate) fn password_proven(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        challenge: Option<&ChallengeRow>,
        proof: Proof,
    ) -> Answer<Step<SignedIn>> {
        let facts = challenge.map(Facts::of).transpose()?.unwrap_or_default();
        let Some(sealed) = facts.custom else { return self.proven(tx, at, subject, user, proof) };
        let mut kept = Kept::open(tx.keys(), Some(&sealed))?;
        kept.past.push(Past::new(PROOF, true, None));
        let subject = Subject { user: Some(user), ..subject.clone() };
        self.next_custom(tx, at, &subject, kept.past, None)
    }

    /// Uses a challenge up and has its answer judged.
    pub fn answer_custom(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        answer: &str,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::Custom, username)?;
        self.live(&challenge, at.now)?;
        let subject = self.subject_of(tx, &challenge)?;
        self.consume(tx, &challenge, Kind::Custom, at.now)?;
        let by = By::Functions(Secret::new(answer));
        Ok(Step::Check(Box::new(Check {
            subject,
            by,
            challenge: Some((Kind::Custom, challenge)),
            hash_like: None,
        })))
    }

    /// Has an answer judged by the pool's function, and goes on as the next says.
    pub(crate) fn judge_custom(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        check: &Check,
        answer: &Secret,
    ) -> Answer<Step<SignedIn>> {
        let Some((_, challenge)) = &check.challenge else {
            return Err(anyhow::anyhow!("an answer without its challenge").into());
        };
        // Read again: the account may have changed meanwhile.
        let subject = self.subject_of(tx, challenge)?;
        let facts = Facts::of(challenge)?;
        let mut kept = Kept::open(tx.keys(), facts.custom.as_deref())?;
        let right = self.verify_auth_challenge(tx, at, &subject, &kept.private, answer.reveal())?;
        kept.past.push(Past::new(NAME, right, kept.metadata));
        self.next_custom(tx, at, &subject, kept.past, None)
    }

    /// Goes on as the function says that defines challenges. The proof of a password can be asked for right after its
    /// opening.
    pub(crate) fn next_custom(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        past: Vec<Past>,
        hello: Option<&Hello>,
    ) -> Answer<Step<SignedIn>> {
        match (self.define_auth_challenge(tx, at, subject, &past)?, hello) {
            (Next::Fail, _) => {
                self.audit(tx, at, subject, "SignIn", "refused", "by custom challenges")?;
                Ok(Step::No(wrong()))
            }
            (Next::Tokens, _) => self.custom_passed(tx, at, subject, &past),
            (Next::Challenge(name), _) if name == NAME => self.ask_custom(tx, at, subject, past),
            (Next::Challenge(name), Some(hello)) if name == PROOF => {
                let kept = Kept { past, private: Map::new(), metadata: None };
                let facts = Facts { custom: Some(kept.seal(tx.keys())?), ..Facts::default() };
                self.ask_for_proof(tx, at, subject, hello, &facts).map(Step::Ask)
            }
            // Nothing else is asked in between.
            (Next::Challenge(_), _) => Err(Error::Refused(functions::unrecognizable())),
        }
    }

    fn ask_custom(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        past: Vec<Past>,
    ) -> Answer<Step<SignedIn>> {
        let made = self.create_auth_challenge(tx, at, subject, NAME, &past)?;
        let kept = Kept { past, private: made.private, metadata: made.metadata };
        let facts = Facts { custom: Some(kept.seal(tx.keys())?), ..Facts::default() };
        let mut asked = self.remember(tx, at, subject, Kind::Custom, &facts)?;
        let name = subject.user.as_ref().map_or(&subject.name_key, |user| &user.username);
        asked.parameters = made.public;
        asked.parameters.push(("USERNAME".into(), name.clone()));
        self.audit(tx, at, subject, "SignIn", "custom challenge asked", "")?;
        Ok(Step::Ask(asked))
    }

    fn custom_passed(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        past: &[Past],
    ) -> Answer<Step<SignedIn>> {
        let Some(user) = subject.user.clone() else {
            self.audit(tx, at, subject, "SignIn", "refused", "nobody has this name")?;
            return Ok(Step::No(wrong()));
        };
        if !user.enabled {
            return Ok(Step::No(refusal(NotAuthorizedException, "User is disabled.")));
        }
        if user.status == Status::Unconfirmed {
            return Ok(Step::No(refusal(UserNotConfirmedException, "User is not confirmed.")));
        }
        let ways = past.iter().any(|past| past.is(PROOF)).then_some("pwd").into_iter().chain(["custom"]);
        let proof = Proof { amr: ways.map(str::to_owned).collect(), told: "by custom challenges" };
        self.proven(tx, at, subject, user, proof)
    }
}

fn require_functions(at: &At) -> Answer<()> {
    let config = at.pool.config.lambda_config.clone().unwrap_or_default();
    let needed =
        [Trigger::DefineAuthChallenge, Trigger::CreateAuthChallenge, Trigger::VerifyAuthChallengeResponse];
    if needed.iter().all(|trigger| trigger.function(&config).is_some()) {
        return Ok(());
    }
    refuse(InvalidParameterException, "Custom auth lambda trigger is not configured for the user pool.")
}
