//! Keeps mails in memory and plays a relay's moods, for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Delivery, Parcel, Shown};

/// A sink that tests read, and whose next answers they can choose.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    delivered: Vec<Delivered>,
    answers: VecDeque<Delivery>,
    attempts: usize,
}

/// A mail as it was accepted.
#[derive(Clone)]
pub struct Delivered {
    pub id: String,
    pub from: String,
    pub to: String,
    pub shown: Shown,
}

impl Memory {
    /// Answers the next attempts so, one after the other, before accepting again.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Delivery>) {
        self.state().answers.extend(answers);
    }

    /// The mails accepted so far, oldest first.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.state().delivered.clone()
    }

    /// How often delivery was attempted.
    pub fn attempts(&self) -> usize {
        self.state().attempts
    }

    pub(super) fn deliver(&self, parcel: &Parcel<'_>) -> Delivery {
        let mut state = self.state();
        state.attempts += 1;
        let answer = state.answers.pop_front().unwrap_or(Delivery::Accepted { reply: "250 Ok".to_owned() });
        if let Delivery::Accepted { .. } = answer {
            state.delivered.push(Delivered {
                id: parcel.id.to_owned(),
                from: parcel.from.spelling(),
                to: parcel.to.spelling(),
                shown: parcel.shown.clone(),
            });
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
