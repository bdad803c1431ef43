//! The three functions of custom authentication: what they are told, and what their answers mean.

use super::{whom, with_not_found};
use crate::Pools;
use crate::functions::{self, Event, Trigger};
use crate::step::{At, Subject};
use postern_model::{Answer, Error};
use postern_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A challenge of this sign-in that has been answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    challenge_name: String,
    challenge_result: bool,
    challenge_metadata: Option<String>,
}

impl Past {
    pub fn new(name: &str, right: bool, metadata: Option<String>) -> Past {
        Past { challenge_name: name.to_owned(), challenge_result: right, challenge_metadata: metadata }
    }

    /// Tells whether it was a challenge of this name.
    pub fn is(&self, name: &str) -> bool {
        self.challenge_name == name
    }
}

/// How a sign-in goes on.
pub enum Next {
    Challenge(String),
    Tokens,
    Fail,
}

/// A challenge that a function made.
pub struct Made {
    pub public: Vec<(String, String)>,
    pub private: Map<String, Value>,
    pub metadata: Option<String>,
}

impl Pools {
    /// DefineAuthChallenge: which challenge comes next, if any.
    pub(crate) fn define_auth_challenge(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        past: &[Past],
    ) -> Answer<Next> {
        let response = self.needed(tx, at, Trigger::DefineAuthChallenge, || Event {
            occasion: "Authentication",
            version: "1",
            whom: whom(subject),
            request: with_not_found(at, subject, [("session", json!(past))]),
            response: json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null }),
        })?;
        if response["failAuthentication"] == true {
            return Ok(Next::Fail);
        }
        match (&response["issueTokens"], &response["challengeName"]) {
            (Value::Bool(true), _) => Ok(Next::Tokens),
            (_, Value::String(name)) if !name.is_empty() => Ok(Next::Challenge(name.clone())),
            _ => Err(nonsense()),
        }
    }

    /// CreateAuthChallenge: what the next challenge says, and what its answer is judged by.
    pub(crate) fn create_auth_challenge(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        name: &str,
        past: &[Past],
    ) -> Answer<Made> {
        let response = self.needed(tx, at, Trigger::CreateAuthChallenge, || Event {
            occasion: "Authentication",
            version: "1",
            whom: whom(subject),
            request: with_not_found(at, subject, [("challengeName", name.into()), ("session", json!(past))]),
            response: json!({
                "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
            }),
        })?;
        let parameters = |name: &str| match &response[name] {
            Value::Null => Ok(Map::new()),
            Value::Object(parameters) if parameters.values().all(Value::is_string) => Ok(parameters.clone()),
            _ => Err(nonsense()),
        };
        let metadata = match &response["challengeMetadata"] {
            Value::Null => None,
            Value::String(metadata) => Some(metadata.clone()),
            _ => return Err(nonsense()),
        };
        let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Made {
            public: parameters("publicChallengeParameters")?
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect(),
            private: parameters("privateChallengeParameters")?,
            metadata,
        })
    }

    /// VerifyAuthChallengeResponse: whether an answer is right.
    pub(crate) fn verify_auth_challenge(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        private: &Map<String, Value>,
        answer: &str,
    ) -> Answer<bool> {
        let response = self.needed(tx, at, Trigger::VerifyAuthChallengeResponse, || Event {
            occasion: "Authentication",
            version: "1",
            whom: whom(subject),
            request: with_not_found(
                at,
                subject,
                [
                    ("privateChallengeParameters", Value::Object(private.clone())),
                    ("challengeAnswer", answer.into()),
                ],
            ),
            response: json!({ "answerCorrect": null }),
        })?;
        match &response["answerCorrect"] {
            Value::Bool(right) => Ok(*right),
            Value::Null => Ok(false),
            _ => Err(nonsense()),
        }
    }

    fn needed(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        trigger: Trigger,
        event: impl FnOnce() -> Event,
    ) -> Answer<Value> {
        // It was there when the sign-in began; without it nobody gets in.
        self.ask_function(tx, at, trigger, event)?.ok_or_else(nonsense)
    }
}

fn nonsense() -> Error {
    Error::Refused(functions::unrecognizable())
}
