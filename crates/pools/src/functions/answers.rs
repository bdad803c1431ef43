//! What a unit of work asks functions, and what they have answered so far. A unit that needs an answer which is not
//! there stops; it is run again once there is one, and finds it by its place and by its question, word for word: an
//! answer never serves for anything but what was asked.

use super::Trigger;
use crate::user::fresh_id;
use postern_model::{Answer, Error, Refusal};
use serde_json::Value;
use std::fmt;

/// What a function is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub trigger: Trigger,
    /// The ARN of the function.
    pub function: String,
    pub event: Value,
}

/// Why a unit of work stops: a question has no answer yet.
#[derive(Debug)]
pub struct Unanswered {
    place: usize,
    pub question: Question,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer of {} is not known yet", self.question.trigger.name())
    }
}

impl std::error::Error for Unanswered {}

/// The answers that a run of a unit of work knows, and how many it has taken.
#[derive(Clone)]
pub struct Answers {
    given: Vec<(Question, Result<Value, Refusal>)>,
    taken: usize,
    /// What a user that the unit makes is called by functions, the same in all its runs.
    pub fresh_id: String,
}

impl Answers {
    pub fn none() -> Answers {
        Answers { given: Vec::new(), taken: 0, fresh_id: fresh_id() }
    }

    /// How many calls have been made.
    pub fn calls(&self) -> usize {
        self.given.len()
    }

    /// Takes the next answer, or stops the unit of work.
    pub fn take(&mut self, question: Question) -> Answer<Value> {
        let place = self.taken;
        match self.given.get(place).filter(|(asked, _)| *asked == question) {
            Some((_, answer)) => {
                self.taken += 1;
                answer.clone().map_err(Error::Refused)
            }
            None => Err(anyhow::Error::new(Unanswered { place, question }).into()),
        }
    }

    /// Notes an answer to the question that a run stopped at; what was answered to later ones counts no more.
    pub fn note(&mut self, unanswered: Unanswered, answer: Result<Value, Refusal>) {
        self.given.truncate(unanswered.place);
        self.given.push((unanswered.question, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn question(trigger: Trigger, event: Value) -> Question {
        Question { trigger, function: "arn".into(), event }
    }

    fn unanswered(answer: Answer<Value>) -> Unanswered {
        match answer {
            Err(Error::Failed(cause)) => cause.downcast().expect("a question without an answer"),
            _ => panic!("answered"),
        }
    }

    #[test]
    fn a_unit_goes_on_by_one_answer_in_each_run() {
        let (first, second) =
            (question(Trigger::PreSignUp, json!(1)), question(Trigger::PostConfirmation, json!(2)));
        let mut known = Answers::none();
        let stopped = unanswered(known.clone().take(first.clone()));
        known.note(stopped, Ok(json!("one")));
        let mut run = known.clone();
        assert_eq!(run.take(first.clone()).expect("known"), json!("one"));
        let stopped = unanswered(run.take(second.clone()));
        known.note(stopped, Ok(json!("two")));
        let mut run = known.clone();
        assert_eq!(run.take(first).expect("known"), json!("one"));
        assert_eq!(run.take(second).expect("known"), json!("two"));
    }

    #[test]
    fn an_answer_serves_for_its_own_question_only() {
        let mut known = Answers::none();
        let asked = question(Trigger::PreSignUp, json!({"userName": "a"}));
        let later = question(Trigger::PostConfirmation, json!({}));
        let stopped = unanswered(known.clone().take(asked.clone()));
        known.note(stopped, Ok(json!("a")));
        let mut run = known.clone();
        run.take(asked).expect("known");
        let stopped = unanswered(run.take(later));
        known.note(stopped, Ok(json!({})));
        // The next run finds things changed: it asks anew, and what came after is forgotten.
        let changed = question(Trigger::PreSignUp, json!({"userName": "b"}));
        let stopped = unanswered(known.clone().take(changed.clone()));
        known.note(stopped, Ok(json!("b")));
        assert_eq!(known.calls(), 1);
        assert_eq!(known.clone().take(changed).expect("known"), json!("b"));
    }
}
