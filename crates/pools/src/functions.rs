//! Functions of the operator's own that a pool calls at certain steps, Cognito's Lambda triggers: which there are, what
//! they are asked, and what their answers mean. Rules only; `triggers` puts them into the story and `unit` makes the
//! calls.

mod answers;
pub mod claims;
mod event;
pub mod message;
pub mod sealed_code;

pub use answers::{Answers, Question, Unanswered};
pub use event::{Event, Whom};

use claims::Version;
use postern_mail::transport::functions::NoAnswer;
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{LambdaConfigType, PreTokenGenerationLambdaVersionType};
use postern_model::{ErrorKind, Refusal};
use serde_json::Value;

/// A step at which a function may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    PreSignUp,
    PostConfirmation,
    PreAuthentication,
    PostAuthentication,
    DefineAuthChallenge,
    CreateAuthChallenge,
    VerifyAuthChallengeResponse,
    UserMigration,
    CustomMessage,
    PreTokenGeneration,
}

impl Trigger {
    /// The name in events and errors.
    pub fn name(self) -> &'static str {
        match self {
            Trigger::PreSignUp => "PreSignUp",
            Trigger::PostConfirmation => "PostConfirmation",
            Trigger::PreAuthentication => "PreAuthentication",
            Trigger::PostAuthentication => "PostAuthentication",
            Trigger::DefineAuthChallenge => "DefineAuthChallenge",
            Trigger::CreateAuthChallenge => "CreateAuthChallenge",
            Trigger::VerifyAuthChallengeResponse => "VerifyAuthChallengeResponse",
            Trigger::UserMigration => "UserMigration",
            Trigger::CustomMessage => "CustomMessage",
            Trigger::PreTokenGeneration => "PreTokenGeneration",
        }
    }

    /// The name that `triggerSource` begins with.
    pub fn source(self) -> &'static str {
        match self {
            Trigger::PreTokenGeneration => "TokenGeneration",
            other => other.name(),
        }
    }

    /// The function that a pool has for it.
    pub fn function(self, config: &LambdaConfigType) -> Option<&str> {
        let function = match self {
            Trigger::PreSignUp => &config.pre_sign_up,
            Trigger::PostConfirmation => &config.post_confirmation,
            Trigger::PreAuthentication => &config.pre_authentication,
            Trigger::PostAuthentication => &config.post_authentication,
            Trigger::DefineAuthChallenge => &config.define_auth_challenge,
            Trigger::CreateAuthChallenge => &config.create_auth_challenge,
            Trigger::VerifyAuthChallengeResponse => &config.verify_auth_challenge_response,
            Trigger::UserMigration => &config.user_migration,
            Trigger::CustomMessage => &config.custom_message,
            Trigger::PreTokenGeneration => match &config.pre_token_generation_config {
                Some(versioned) => return Some(&versioned.lambda_arn),
                None => &config.pre_token_generation,
            },
        };
        function.as_deref().filter(|function| !function.is_empty())
    }
}

/// The version in which tokens are customised.
pub fn token_version(config: &LambdaConfigType) -> Version {
    match config.pre_token_generation_config.as_ref().map(|versioned| versioned.lambda_version) {
        Some(PreTokenGenerationLambdaVersionType::V20) => Version::V2,
        Some(PreTokenGenerationLambdaVersionType::V30) => Version::V3,
        _ => Version::V1,
    }
}

/// All functions that a pool's settings name.
pub fn named(config: &LambdaConfigType) -> impl Iterator<Item = &str> {
    let versioned = [
        config.pre_token_generation_config.as_ref().map(|versioned| &versioned.lambda_arn),
        config.custom_email_sender.as_ref().map(|versioned| &versioned.lambda_arn),
        config.custom_sms_sender.as_ref().map(|versioned| &versioned.lambda_arn),
    ];
    [
        config.pre_sign_up.as_ref(),
        config.custom_message.as_ref(),
        config.post_confirmation.as_ref(),
        config.pre_authentication.as_ref(),
        config.post_authentication.as_ref(),
        config.define_auth_challenge.as_ref(),
        config.create_auth_challenge.as_ref(),
        config.verify_auth_challenge_response.as_ref(),
        config.pre_token_generation.as_ref(),
        config.user_migration.as_ref(),
    ]
    .into_iter()
    .chain(versioned)
    .flatten()
    .map(String::as_str)
    .filter(|function| !function.is_empty())
}

/// What the answer of a trigger's function says, or the refusal that the caller gets instead of it.
pub fn judge(name: &str, answer: Result<Value, NoAnswer>) -> Result<Value, Refusal> {
    match answer {
        Ok(mut answer) => match answer.get_mut("response").map(Value::take) {
            Some(response @ Value::Object(_)) => Ok(response),
            _ => Err(unrecognizable()),
        },
        Err(NoAnswer::Failed(words)) => {
            Err(Refusal::new(UserLambdaValidationException, format!("{name} failed with error {words}.")))
        }
        Err(NoAnswer::NotInvoked(fault)) => Err(Refusal::new(
            UnexpectedLambdaException,
            format!("{name} invocation failed due to error {fault}."),
        )),
        Err(NoAnswer::Unreadable) => Err(unrecognizable()),
    }
}

/// Says that an answer makes no sense.
pub fn unrecognizable() -> Refusal {
    Refusal::new(InvalidLambdaResponseException, "Unrecognizable lambda output")
}

/// The words that a function itself chose to refuse by, for a page; empty where it chose none.
pub fn words_of(refusal: &Refusal) -> &str {
    if refusal.kind != UserLambdaValidationException {
        return "";
    }
    let words = refusal.message.split_once(" failed with error ").map_or("", |(_, words)| words);
    words.strip_suffix('.').unwrap_or(words)
}

/// Tells whether it was a function that refused, or that could not be asked.
pub fn refused(kind: ErrorKind) -> bool {
    [UserLambdaValidationException, UnexpectedLambdaException, InvalidLambdaResponseException].contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_function_did_is_told_in_cognitos_words() {
        let told = |answer: Result<Value, NoAnswer>| match judge(Trigger::PreSignUp.name(), answer) {
            Ok(response) => response.to_string(),
            Err(refusal) => format!("{}: {}", refusal.kind.code, refusal.message),
        };
        let event = json!({"triggerSource": "PreSignUp_SignUp", "response": {"autoConfirmUser": true}});
        assert_eq!(told(Ok(event)), r#"{"autoConfirmUser":true}"#);
        for nonsense in [json!(null), json!([]), json!({}), json!({"response": null}), json!({"response": 1})]
        {
            let words = "InvalidLambdaResponseException: Unrecognizable lambda output";
            assert_eq!(told(Ok(nonsense)), words);
        }
        assert_eq!(
            told(Err(NoAnswer::Failed("No guests".into()))),
            "UserLambdaValidationException: PreSignUp failed with error No guests."
        );
        assert_eq!(
            told(Err(NoAnswer::NotInvoked("AccessDeniedException".into()))),
            "UnexpectedLambdaException: PreSignUp invocation failed due to error AccessDeniedException."
        );
    }
}
