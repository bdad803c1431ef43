//! The operations of the server's own service that are about user pools: a test call of a trigger's function, and what
//! was the matter with lines of an import.

use super::import_file::FAULTS_MAX;
use crate::Pools;
use crate::destination::Destination;
use crate::functions::{self, Answers, Trigger, Unanswered};
use crate::messages::Occasion;
use crate::migration::migration;
use crate::outgoing::Letter;
use crate::step::{At, Subject};
use crate::tokens::{self, SignInFacts, USER_ADMIN_SCOPE};
use crate::user::{Status, User, blank, fresh_id};
use postern_access::{Caller, Operations};
use postern_mail::transport::functions::NoAnswer;
use postern_model::postern::errors::{InvalidParameterException, ResourceNotFoundException};
use postern_model::postern::{
    ImportFaultType, ListImportFaultsRequest, ListImportFaultsResponse, TestFunctionRequest,
    TestFunctionResponse, TriggerType, op,
};
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::{Tx, random};
use serde_json::{Map, Value, json};

/// Who sample events are about. Addresses at this domain are nobody's (RFC 2606), and so is the number.
const SAMPLE_NAME: &str = "sample";
const SAMPLE_SUB: &str = "00000000-5a3b-4000-8000-000000000000";
const SAMPLE_EMAIL: &str = "sample@example.com";
const SAMPLE_PHONE: &str = "+12065550100";
const SAMPLE_CODE: &str = "12345678";
const SAMPLE_PASSWORD: &str = "Sample-password-1";

pub fn own_operations() -> Operations<Pools> {
    Operations::new()
        .on(op::TestFunction, Pools::test_function)
        .on(op::ListImportFaults, Pools::list_import_faults)
}

/// A function's place in the story.
enum Place {
    /// The story waits for its answer.
    Trigger(Trigger),
    /// It sends messages, and its answer is nothing to the story.
    Sender(Destination),
}

impl Place {
    fn of(trigger: TriggerType) -> Place {
        Place::Trigger(match trigger {
            TriggerType::PreSignUp => Trigger::PreSignUp,
            TriggerType::PostConfirmation => Trigger::PostConfirmation,
            TriggerType::UserMigration => Trigger::UserMigration,
            TriggerType::PreAuthentication => Trigger::PreAuthentication,
            TriggerType::PostAuthentication => Trigger::PostAuthentication,
            TriggerType::PreTokenGeneration => Trigger::PreTokenGeneration,
            TriggerType::DefineAuthChallenge => Trigger::DefineAuthChallenge,
            TriggerType::CreateAuthChallenge => Trigger::CreateAuthChallenge,
            TriggerType::VerifyAuthChallengeResponse => Trigger::VerifyAuthChallengeResponse,
            TriggerType::CustomMessage => Trigger::CustomMessage,
            TriggerType::CustomEmailSender => return Place::Sender(Destination::read(SAMPLE_EMAIL)),
            TriggerType::CustomSMSSender => return Place::Sender(Destination::phone(SAMPLE_PHONE)),
        })
    }
}

/// A call that is to be made.
struct Call {
    function: String,
    event: Value,
    /// Where the story waits for the answer.
    waits: Option<Unanswered>,
}

impl Pools {
    /// Calls the function of a trigger with the event of somebody who does not exist, and tells what it answered and
    /// what the story would make of that. The event is made, and the answer read, where a real one is.
    pub async fn test_function(
        &self,
        caller: &Caller,
        request: TestFunctionRequest,
    ) -> Answer<TestFunctionResponse> {
        let call = match self.try_out(caller, &request, Answers::none()).await {
            Ok(Some(call)) => call,
            Ok(None) => {
                return refuse(
                    InvalidParameterException,
                    format!("The user pool has no function for {}.", request.trigger.as_str()),
                );
            }
            Err(Error::Failed(cause)) => {
                let unanswered = cause.downcast::<Unanswered>()?;
                let asked = &unanswered.question;
                Call { function: asked.function.clone(), event: asked.event.clone(), waits: Some(unanswered) }
            }
            Err(refused) => return Err(refused),
        };
        let began = self.clock.now();
        let answer = self.functions.invoke(&call.function, &call.event).await;
        let took = self.clock.now().since(began);
        let said = answer.as_ref().ok().map(Value::to_string);
        let fault = self.fault(caller, &request, call.waits, answer).await?;
        Ok(TestFunctionResponse {
            function: Some(call.function),
            event: Some(call.event.to_string()),
            answer: said,
            fault,
            milliseconds: Some(took),
        })
    }

    /// What the story has against an answer, if anything.
    async fn fault(
        &self,
        caller: &Caller,
        request: &TestFunctionRequest,
        waits: Option<Unanswered>,
        answer: Result<Value, NoAnswer>,
    ) -> Answer<Option<String>> {
        let Some(unanswered) = waits else {
            let called = answer.map(|_| json!({ "response": {} }));
            let judged = functions::judge(request.trigger.as_str(), called);
            return Ok(judged.err().map(|refused| refused.message.into_owned()));
        };
        let mut known = Answers::none();
        known.note(unanswered, functions::judge(request.trigger.as_str(), answer));
        match self.try_out(caller, request, known).await {
            Ok(_) => Ok(None),
            Err(Error::Refused(refused)) => Ok(Some(refused.message.into_owned())),
            Err(failed) => Err(failed),
        }
    }

    /// Tells the part of the story in which a function is asked, about a sample user. It changes nothing.
    async fn try_out(
        &self,
        caller: &Caller,
        request: &TestFunctionRequest,
        known: Answers,
    ) -> Answer<Option<Call>> {
        let (pools, caller, request) = (self.clone(), caller.clone(), request.clone());
        self.store
            .read(move |tx| {
                tx.know(known.clone());
                let at = pools.at_pool(tx, &caller, &request.user_pool_id).map_err(|error| match error {
                    Error::Refused(no) => refusal(ResourceNotFoundException, no.message),
                    failed => failed,
                })?;
                match Place::of(request.trigger) {
                    Place::Trigger(trigger) => pools.ask_about_sample(tx, &at, trigger),
                    Place::Sender(to) => pools.hand_sample_over(tx, &at, &to),
                }
            })
            .await
    }

    /// Stops where the function is asked; with its answer at hand, goes as far as that is read.
    fn ask_about_sample(&self, tx: &mut Tx<'_>, at: &At, trigger: Trigger) -> Answer<Option<Call>> {
        let config = at.pool.config.lambda_config.as_ref();
        if config.is_none_or(|config| trigger.function(config).is_none()) {
            return Ok(None);
        }
        let user = sample(at);
        let subject = Subject { name_key: SAMPLE_NAME.to_owned(), user: Some(user.clone()) };
        match trigger {
            Trigger::PreSignUp => {
                self.pre_sign_up(tx, at, &user, "SignUp")?.write(&mut user.clone())?;
            }
            Trigger::PostConfirmation => self.post_confirmation(tx, at, &user, "ConfirmSignUp")?,
            Trigger::PreAuthentication => self.pre_authentication(tx, at, &subject)?,
            Trigger::PostAuthentication => self.post_authentication(tx, at, &user, false)?,
            Trigger::DefineAuthChallenge => {
                self.define_auth_challenge(tx, at, &subject, &[])?;
            }
            Trigger::CreateAuthChallenge => {
                self.create_auth_challenge(tx, at, &subject, "CUSTOM_CHALLENGE", &[])?;
            }
            Trigger::VerifyAuthChallengeResponse => {
                let private = Map::from_iter([("answer".to_owned(), Value::from(SAMPLE_NAME))]);
                self.verify_auth_challenge(tx, at, &subject, &private, SAMPLE_NAME)?;
            }
            Trigger::UserMigration => {
                let password = Secret::new(SAMPLE_PASSWORD);
                self.ask_function(tx, at, trigger, || {
                    migration(at, SAMPLE_EMAIL, "Authentication", Some(&password))
                })?;
            }
            Trigger::CustomMessage => {
                self.custom_message(tx, at, &letter(at, &Destination::read(SAMPLE_EMAIL), &user))?;
            }
            Trigger::PreTokenGeneration => {
                let facts = facts(at);
                let mut grant =
                    tokens::prepare(tx, &at.pool, &at.client, &user, random::bytes(), &facts, at.now)?;
                self.pre_token_generation(tx, at, &user, "Authentication", &mut grant)?;
            }
        }
        Ok(None)
    }

    fn hand_sample_over(&self, tx: &Tx<'_>, at: &At, to: &Destination) -> Answer<Option<Call>> {
        let handover = self.custom_sender(tx, at, &letter(at, to, &sample(at)))?;
        Ok(handover.map(|it| Call { function: it.function, event: it.event, waits: None }))
    }

    /// Tells what was the matter with lines of an import's file, in their order.
    pub async fn list_import_faults(
        &self,
        _: &Caller,
        request: ListImportFaultsRequest,
    ) -> Answer<ListImportFaultsResponse> {
        self.store
            .read(move |tx| {
                let job = tx.find_import_job(&request.job_id)?;
                if job.is_none_or(|job| job.pool_id != request.user_pool_id) {
                    return refuse(
                        ResourceNotFoundException,
                        format!("Import job {} does not exist.", request.job_id),
                    );
                }
                let faults = tx.import_faults(&request.job_id, FAULTS_MAX)?.into_iter();
                let shown =
                    faults.map(|(line, fault)| ImportFaultType { line: Some(line), fault: Some(fault) });
                Ok(ListImportFaultsResponse { faults: Some(shown.collect()) })
            })
            .await
    }
}

/// Somebody who does not exist.
fn sample(at: &At) -> User {
    let mut user = blank(&at.pool.id, at.now);
    user.id = SAMPLE_SUB.to_owned();
    user.username = SAMPLE_NAME.to_owned();
    user.status = Status::Confirmed;
    for (name, value) in [("email", SAMPLE_EMAIL), ("phone_number", SAMPLE_PHONE)] {
        user.attributes.insert(name.to_owned(), value.to_owned());
        user.set_verified(name, true);
    }
    user
}

fn letter<'a>(at: &At, to: &'a Destination, user: &'a User) -> Letter<'a> {
    Letter {
        occasion: Occasion::SignIn,
        to,
        code: Some(SAMPLE_CODE),
        user: Some(user),
        not_after: at.now,
        decoy: true,
    }
}

fn facts(at: &At) -> SignInFacts {
    SignInFacts {
        auth_time: at.now.seconds(),
        event_id: fresh_id(),
        scope: USER_ADMIN_SCOPE.to_owned(),
        amr: Vec::new(),
        acr: None,
        oauth: false,
        nonce: None,
        resource: None,
        device: None,
        revocable: false,
    }
}
