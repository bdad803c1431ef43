//! Signing in by a password that is proven and never sent. What the server must remember between the two steps is sealed
//! into the `SECRET_BLOCK`, since many clients send nothing else back; that it is answered once only is remembered by
//! the challenge that the block names.

use super::asking::Facts;
use crate::Pools;
use crate::auth::challenge::Handle;
use crate::auth::srp::{Claim, ClientValue, Ephemeral, Exchange, Identity, Verifier, timestamp};
use crate::names::NameKind;
use crate::passwords::{too_busy, wrong};
use crate::step::{Asked, At, By, Check, Hello, Kind, SignedIn, Step, Subject};
use crate::user::uuid_text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Keys, Purpose, Tx};

/// How far a client's clock may be from ours.
const SKEW_MAX_MS: i64 = 5 * 60_000;

/// What a client says to prove a password.
pub struct Proven<'a> {
    pub block: &'a str,
    pub signature: &'a str,
    pub timestamp: &'a str,
}

/// A proof with the challenge that it answers.
pub(super) struct Claimed {
    pub(super) challenge: ChallengeRow,
    exchange: Exchange,
    block: Vec<u8>,
    timestamp: String,
    signature: Vec<u8>,
}

impl Claimed {
    /// What is to be checked, once it is known whose secret it must be.
    pub(super) fn claim(&self, identity: Identity, verifier: Verifier) -> Claim {
        Claim {
            identity,
            verifier,
            exchange: self.exchange.clone(),
            block: self.block.clone(),
            timestamp: self.timestamp.clone(),
            signature: self.signature.clone(),
        }
    }
}

impl Pools {
    /// Reads the client's opening and draws the server's secret for it, off the async threads.
    pub async fn hello(&self, value: &str) -> Answer<Hello> {
        let client = ClientValue::parse(value)
            .ok_or_else(|| refusal(InvalidParameterException, "SRP_A is not a valid value."))?;
        let ephemeral = self.hashers.run(Ephemeral::fresh).await.map_err(too_busy)?;
        Ok(Hello { client, ephemeral })
    }

    /// Begins a sign-in by SRP (`USER_SRP_AUTH`): its answer comes without a session.
    pub fn begin_with_srp(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        hello: &Hello,
    ) -> Answer<Step<SignedIn>> {
        self.note_begin(tx, at)?;
        let subject = self.subject(tx, at, username)?;
        let asked = self.ask_for_proof(tx, at, &subject, hello, &Facts::default())?;
        Ok(Step::Ask(Asked { session: String::new(), ..asked }))
    }

    /// Goes on from a PASSWORD_SRP challenge with the client's opening.
    pub fn answer_srp(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: &str,
        hello: &Hello,
    ) -> Answer<Step<SignedIn>> {
        let challenge = self.challenge(tx, at, session, Kind::PasswordSrp, username)?;
        self.live(&challenge, at.now)?;
        let subject = self.subject_of(tx, &challenge)?;
        self.consume(tx, &challenge, Kind::PasswordSrp, at.now)?;
        Ok(Step::Ask(self.ask_for_proof(tx, at, &subject, hello, &Facts::default())?))
    }

    /// Asks for the proof of a password. Who has none, or does not exist, is asked alike.
    pub(super) fn ask_for_proof(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        hello: &Hello,
        facts: &Facts,
    ) -> Answer<Asked> {
        self.admits_passwords(at, subject)?;
        self.is_not_locked(tx, at, subject)?;
        let verifier = verifier_of(tx.keys(), at, subject)?;
        let asked = self.open_exchange(tx, at, subject, Kind::PasswordVerifier, facts, &verifier, hello)?;
        let username = srp_username(tx.keys(), at, subject);
        Ok(asked.with("USER_ID_FOR_SRP", &username).with("USERNAME", &username))
    }

    /// Opens an exchange over a verifier, and remembers that its proof is awaited.
    #[expect(clippy::too_many_arguments, reason = "what is asked, of whom, and with which numbers")]
    pub(super) fn open_exchange(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: Kind,
        facts: &Facts,
        verifier: &Verifier,
        hello: &Hello,
    ) -> Answer<Asked> {
        let exchange = hello.ephemeral.meet(&hello.client, verifier);
        let handle = Handle::fresh(tx.keys(), at.now);
        let expires = at.now.plus_ms(at.client.session_ms);
        let mut row = self.row(at, subject, kind, &handle, expires, facts)?;
        // One answer, right or wrong.
        row.attempts_max = 1;
        tx.add_challenge(&row)?;
        let parameters = [
            ("SALT", verifier.salt_text()),
            ("SECRET_BLOCK", sealed_block(tx.keys(), &handle, &exchange)),
            ("SRP_B", exchange.public_text()),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Ok(Asked {
            kind,
            session: handle.text,
            available: Vec::new(),
            destination: None,
            expires,
            parameters,
            user: None,
            missing: Vec::new(),
            second: Vec::new(),
            device: None,
        })
    }

    /// Has the proof of a password checked.
    pub fn answer_proof(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: Option<&str>,
        proven: &Proven<'_>,
    ) -> Answer<Step<SignedIn>> {
        let claimed = self.claimed(tx, at, username, session, proven, Kind::PasswordVerifier)?;
        let subject = self.subject_of(tx, &claimed.challenge)?;
        self.spend_password_attempt(tx, at, &subject, Some(&claimed.challenge))?;
        let identity = Identity::new(&at.pool.id, &srp_username(tx.keys(), at, &subject));
        let claim = claimed.claim(identity, verifier_of(tx.keys(), at, &subject)?);
        let challenge = Some((Kind::PasswordVerifier, claimed.challenge));
        Ok(Step::Check(Box::new(Check { subject, by: By::Srp(Box::new(claim)), challenge, hash_like: None })))
    }

    /// Finds the challenge that a proof answers. The block alone says which; a session that comes along must be of the
    /// same.
    pub(super) fn claimed(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        session: Option<&str>,
        proven: &Proven<'_>,
        kind: Kind,
    ) -> Answer<Claimed> {
        let (block, signature) = match (STANDARD.decode(proven.block), STANDARD.decode(proven.signature)) {
            (Ok(block), Ok(signature)) => (block, signature),
            _ => return Err(wrong()),
        };
        let (handle, exchange) = open_block(tx.keys(), &block).ok_or_else(wrong)?;
        if session.is_some_and(|session| session != handle) {
            return refuse(NotAuthorizedException, "Invalid session for the user.");
        }
        let challenge = self.challenge(tx, at, &handle, kind, username)?;
        self.live(&challenge, at.now)?;
        let said = timestamp(proven.timestamp).ok_or_else(|| {
            refusal(InvalidParameterException, "TIMESTAMP is not in format of 'EEE MMM d HH:mm:ss z yyyy'.")
        })?;
        if at.now.since(said).abs() > SKEW_MAX_MS {
            return Err(wrong());
        }
        Ok(Claimed { challenge, exchange, block, timestamp: proven.timestamp.to_owned(), signature })
    }

    /// The handle of the challenge that a block names.
    pub(crate) fn handle_in_block(&self, keys: &Keys, block: &str) -> Option<String> {
        Some(open_block(keys, &STANDARD.decode(block).ok()?)?.0)
    }

    /// Tells whether a name is the one that a stand-in was given in its challenge.
    pub(super) fn is_stand_in_name(
        &self,
        tx: &Tx<'_>,
        at: &At,
        challenge: &ChallengeRow,
        username: &str,
    ) -> bool {
        challenge.user_id.is_none() && username == stand_in_username(tx.keys(), at, &challenge.name_key)
    }
}

/// What somebody's password is proven against, or what stands for it: steady for each name.
fn verifier_of(keys: &Keys, at: &At, subject: &Subject) -> Answer<Verifier> {
    let kept = subject.user.as_ref().and_then(|user| user.password.as_ref()?.verifier.as_deref());
    if let Some(sealed) = kept {
        let opened = keys.open(Purpose::Password, sealed)?;
        return Ok(Verifier::from_bytes(&opened)
            .ok_or_else(|| anyhow::anyhow!("the verifier of a password cannot be read"))?);
    }
    let name = subject.bound().as_bytes();
    Ok(Verifier::stand_in(keys.mac(Purpose::Decoy, &[b"srp", at.pool.id.as_bytes(), name])))
}

/// The stored name, which clients hash into their proof, or what stands for it.
fn srp_username(keys: &Keys, at: &At, subject: &Subject) -> String {
    match &subject.user {
        Some(user) => user.username.clone(),
        None => stand_in_username(keys, at, &subject.name_key),
    }
}

/// The name that somebody who does not exist would be stored under: an id where the typed name is an attribute's value.
fn stand_in_username(keys: &Keys, at: &At, name_key: &str) -> String {
    let by_attribute = !at.pool.username_attributes.is_empty();
    let is_alias = at.pool.alias_attributes.contains(&NameKind::Email) && name_key.contains('@')
        || at.pool.alias_attributes.contains(&NameKind::PhoneNumber) && name_key.starts_with('+');
    if !by_attribute && !is_alias {
        return name_key.to_owned();
    }
    let drawn = keys.mac(Purpose::Decoy, &[b"username", at.pool.id.as_bytes(), name_key.as_bytes()]);
    let mut id = [0; 16];
    id.copy_from_slice(&drawn[..16]);
    uuid_text(id)
}

fn sealed_block(keys: &Keys, handle: &Handle, exchange: &Exchange) -> String {
    let plain = [handle.text.as_bytes(), b"\n", &exchange.to_bytes()].concat();
    STANDARD.encode(keys.seal(Purpose::Password, &plain))
}

fn open_block(keys: &Keys, block: &[u8]) -> Option<(String, Exchange)> {
    let plain = keys.open(Purpose::Password, block).ok()?;
    let end = plain.iter().position(|byte| *byte == b'\n')?;
    let handle = String::from_utf8(plain[..end].to_vec()).ok()?;
    Some((handle, Exchange::from_bytes(&plain[end + 1..])?))
}
