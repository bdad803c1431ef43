//! How a unit of work of a sign-in is run. When it comes to a function whose answer is not known, it stops, and what
//! it wrote is undone; the function is called, outside of any transaction; and the unit is run again with the answer
//! at hand. So nothing is awaited inside one, and what may happen once only happens in its last run.

use crate::Pools;
use crate::functions::{self, Answers, Unanswered};
use crate::outgoing::{source_bucket, window};
use crate::step::Step;
use postern_access::Caller;
use postern_mail::log_undelivered;
use postern_model::{Answer, Error};
use postern_store::Tx;
use postern_store::audit::AuditRecord;
use std::sync::{Arc, Mutex, PoisonError};

/// Calls that one unit of work may need; a unit that asks for more asks in circles.
const CALLS_MAX: usize = 16;
/// For how long it is not told again that a source is held to a limit.
const THROTTLED_MS: i64 = 10 * 60_000;

impl Pools {
    /// Runs a unit of work of a sign-in. What it refuses is undone; where there is a reason that the caller is not
    /// told, such as a policy that forbids the mail, that reason is kept in the audit. The pool's log hears of a message
    /// that was not sent.
    pub(crate) async fn sign_in_unit<T: Send + 'static>(
        &self,
        caller: &Caller,
        unit: impl FnMut(&mut Tx<'_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let result = self.run_to_its_end(unit).await;
        let Err(Error::Refused(refused)) = &result else { return result };
        let refused = refused.clone();
        if let Some(limit) = refused.limit {
            self.note_throttled(caller, limit).await?;
        }
        if refused.unsent.is_none() && refused.reason.is_none() {
            return result;
        }
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                if let Some(pool_id) = &refused.unsent {
                    let details = refused.reason.as_deref().unwrap_or(&refused.message);
                    log_undelivered(tx, pool_id, details, now)?;
                }
                let Some(reason) = &refused.reason else { return Ok(()) };
                tx.add_audit(&AuditRecord {
                    time: now,
                    request_id: caller.request_id.clone(),
                    who: caller.arn(),
                    action: "SendMail".into(),
                    resource: String::new(),
                    source: caller.source.map(|ip| ip.to_string()).unwrap_or_default(),
                    outcome: refused.kind.code.into(),
                    detail: reason.clone(),
                })
            })
            .await?;
        result
    }

    /// Keeps in the audit that a source is held to a limit: once in a while for each, so that nobody fills the audit by
    /// being refused.
    pub async fn note_throttled(&self, caller: &Caller, limit: &'static str) -> Answer<()> {
        const TOPIC: &str = "throttled";
        let now = self.clock.now();
        let start = window(now, THROTTLED_MS);
        let subject = format!("{limit} {}", source_bucket(caller.source));
        let known = subject.clone();
        let told: Answer<i64> = self.store.read(move |tx| Ok(tx.counted(TOPIC, &known, start)?)).await;
        if told? > 0 {
            return Ok(());
        }
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                if tx.count(TOPIC, &subject, start, start.plus_ms(2 * THROTTLED_MS))? > 1 {
                    return Ok(());
                }
                tx.add_audit(&AuditRecord {
                    time: now,
                    request_id: caller.request_id.clone(),
                    who: caller.arn(),
                    action: "Throttle".into(),
                    resource: limit.into(),
                    source: caller.source.map(|ip| ip.to_string()).unwrap_or_default(),
                    outcome: "held back".into(),
                    detail: String::new(),
                })?;
                Ok(())
            })
            .await
    }

    async fn run_to_its_end<T: Send + 'static>(
        &self,
        unit: impl FnMut(&mut Tx<'_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let unit = Arc::new(Mutex::new(unit));
        let mut answers = Answers::none();
        loop {
            let (unit, known) = (unit.clone(), answers.clone());
            let result = self
                .store
                .write(move |tx| {
                    tx.know(known.clone());
                    let mut unit = unit.lock().unwrap_or_else(PoisonError::into_inner);
                    (*unit)(tx)
                })
                .await;
            let unanswered = match result {
                Err(Error::Failed(cause)) if answers.calls() < CALLS_MAX => cause.downcast::<Unanswered>()?,
                result => return result,
            };
            let question = &unanswered.question;
            let answer = self.functions.invoke(&question.function, &question.event).await;
            let answer = functions::judge(question.trigger.name(), answer);
            answers.note(unanswered, answer);
        }
    }
}

/// Keeps what was written although a function refused in the end: attempts, counts, codes that are used up. Other
/// refusals stay what they are, and undo.
pub fn kept<T>(result: Answer<Step<T>>) -> Answer<Step<T>> {
    match result {
        Err(Error::Refused(no)) if functions::refused(no.kind) => Ok(Step::No(Error::Refused(no))),
        result => result,
    }
}
