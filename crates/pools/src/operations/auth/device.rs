//! The device that a request says it comes from (`DEVICE_KEY`), and the answers that come without a session.

use super::{Begin, Reply, missing};
use crate::Pools;
use crate::sign_in::{At, Device, Hello, Proven, SignedIn, Step};
use postern_model::cognito_idp::{AuthFlowType, ChallengeNameType};
use postern_model::{Answer, Secret};
use postern_store::Tx;

const KEY: &str = "DEVICE_KEY";

impl Pools {
    /// The device on which a sign-in begins.
    pub(super) fn device_of_begin(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        begin: &Begin,
        username: &str,
    ) -> Answer<Option<Device>> {
        let is_judged = match begin.flow {
            AuthFlowType::UserAuth => begin.parameters.get("PASSWORD").is_some(),
            AuthFlowType::UserPasswordAuth
            | AuthFlowType::AdminUserPasswordAuth
            | AuthFlowType::AdminNoSrpAuth => true,
            _ => false,
        };
        match begin.parameters.get(KEY) {
            Some(key) => self.device_named(tx, at, username, key, is_judged),
            None => Ok(None),
        }
    }

    /// Takes in what a sign-in has carried as far as this answer; the device may also be named now.
    pub(super) fn carry_on(&self, tx: &mut Tx<'_>, at: &mut At, reply: &Reply, username: &str) -> Answer<()> {
        let named = match reply.responses.get(KEY) {
            Some(key) => self.device_named(tx, at, username, key, true)?,
            None => None,
        };
        let handle = match (&reply.session, reply.responses.get("PASSWORD_CLAIM_SECRET_BLOCK")) {
            (Some(session), _) => Some(session.reveal().to_owned()),
            (None, Some(block)) => self.handle_in_block(tx.keys(), block),
            (None, None) => None,
        };
        if let Some(handle) = handle {
            (at.device, at.goal, at.watch) = self.carried(tx, at, &handle)?;
        }
        at.device = named.or(at.device.take());
        Ok(())
    }

    /// Judges the answers that may come without a session, for some clients keep none; nothing for all others.
    pub(super) fn answer_without_session(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        reply: &Reply,
        username: &str,
        hello: Option<&Hello>,
    ) -> Answer<Option<Step<SignedIn>>> {
        let needed = |name: &'static str| reply.responses.get(name).ok_or_else(|| missing(name));
        let session = reply.session.as_ref().map(Secret::reveal);
        let proven = || {
            Ok::<_, postern_model::Error>(Proven {
                block: needed("PASSWORD_CLAIM_SECRET_BLOCK")?,
                signature: needed("PASSWORD_CLAIM_SIGNATURE")?,
                timestamp: needed("TIMESTAMP")?,
            })
        };
        let step = match reply.challenge {
            ChallengeNameType::PasswordVerifier => {
                self.answer_proof(tx, at, username, session, &proven()?)?
            }
            ChallengeNameType::DeviceSrpAuth => {
                let hello = hello.ok_or_else(|| missing("SRP_A"))?;
                self.answer_device(tx, at, username, session, needed(KEY)?, hello)?
            }
            ChallengeNameType::DevicePasswordVerifier => {
                self.answer_device_proof(tx, at, username, session, needed(KEY)?, &proven()?)?
            }
            _ => return Ok(None),
        };
        Ok(Some(step))
    }
}
