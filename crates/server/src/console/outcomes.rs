//! What the outcomes of the audit mean: that something was done, that it goes on, or that it failed.

use crate::pages::console::list::Tone;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Done,
    /// A sign-in on its way.
    Step,
    Failed,
}

const DONE: [&str; 27] = [
    "added",
    "changed",
    "confirmed",
    "created",
    "created and confirmed",
    "deleted",
    "ended",
    "forgotten",
    "given",
    "granted",
    "issued",
    "ok",
    "password set",
    "preferred",
    "published",
    "redeemed",
    "refreshed",
    "registered",
    "removed",
    "revoked",
    "sent",
    "sent again",
    "set before the address was proven",
    "signed in",
    "signed out",
    "undone",
    "verified",
];

const STEPS: [&str; 7] = [
    "begun",
    "choice offered",
    "custom challenge asked",
    "device asked for",
    "new password asked for",
    "passkey asked for",
    "second factor asked for",
];

pub fn meaning(outcome: &str) -> Meaning {
    match outcome {
        _ if DONE.contains(&outcome) => Meaning::Done,
        _ if STEPS.contains(&outcome) => Meaning::Step,
        _ => Meaning::Failed,
    }
}

pub fn tone(outcome: &str) -> Tone {
    match meaning(outcome) {
        Meaning::Done => Tone::Good,
        Meaning::Step => Tone::Plain,
        Meaning::Failed => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_has_not_failed() {
        for (outcome, is) in [
            ("signed in", Meaning::Done),
            ("second factor asked for", Meaning::Step),
            ("refreshed", Meaning::Done),
            ("signed out", Meaning::Done),
            ("reused", Meaning::Failed),
            ("wrong code", Meaning::Failed),
            ("AccessDeniedException", Meaning::Failed),
            ("withheld", Meaning::Failed),
        ] {
            assert_eq!(meaning(outcome), is, "{outcome}");
        }
    }
}
