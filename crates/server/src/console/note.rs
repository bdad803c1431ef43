//! What became of a form, kept for the page after it: saved and how else that could be done, or refused and what was
//! typed. Kept sealed, for its session and a short time; never with a password in it.

use super::command;
use crate::api::Call;
use crate::pages::console::form::{Clash, Form, Notice};
use postern_model::{Document, Refusal};
use postern_pools::oauth::pairs::Pairs;
use serde::{Deserialize, Serialize};

/// Fields whose content is never kept.
const NEVER_KEPT: [&str; 7] = ["csrf", "secret", "private", "password", "seen", "code", "credential"];

/// A note.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Note {
    /// What was done, such as "Email settings saved".
    #[serde(default)]
    pub done: String,
    #[serde(default)]
    commands: Vec<String>,
    #[serde(default)]
    requests: Vec<String>,
    /// A secret that was made, and what it is.
    #[serde(default)]
    pub secret: Option<(String, String)>,
    /// Kind and words of a refusal.
    #[serde(default)]
    pub refused: Option<(String, String)>,
    #[serde(default)]
    typed: Vec<(String, String)>,
    /// What was typed is to be looked at, and is not saved.
    #[serde(default)]
    is_draft: bool,
    /// What a call gave that changed nothing.
    #[serde(default)]
    pub shown: Option<Shown>,
    /// Somebody else changed meanwhile what the form was filled with.
    #[serde(default)]
    is_clash: bool,
}

/// What a call gave: in words, and texts with their titles.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    pub is_good: bool,
    pub words: String,
    pub texts: Vec<(String, String)>,
}

impl Note {
    pub fn done(words: &str) -> Note {
        Note { done: words.to_owned(), ..Note::default() }
    }

    /// What a call gave that changed nothing.
    pub fn shown(shown: Shown) -> Note {
        Note { shown: Some(shown), ..Note::default() }
    }

    /// Tells how else this could have been done.
    #[must_use]
    pub fn by(mut self, call: Call, input: &Document) -> Note {
        self.commands.push(command::command(call, input));
        self.requests.push(command::request(call, input));
        self
    }

    pub fn refused(refusal: &Refusal, typed: &Pairs) -> Note {
        let refused = Some((refusal.kind.code.to_owned(), refusal.message.to_string()));
        Note { refused, typed: kept(typed), ..Note::default() }
    }

    pub fn clash(typed: &Pairs) -> Note {
        Note { is_clash: true, typed: kept(typed), ..Note::default() }
    }

    /// What was typed, to be looked at before it is saved.
    pub fn drafted(typed: &Pairs) -> Note {
        Note { is_draft: true, typed: kept(typed), ..Note::default() }
    }

    /// What was typed and is not saved yet.
    pub fn draft(&self) -> Option<Pairs> {
        (self.is_draft || self.is_trouble()).then(|| self.typed.iter().cloned().collect())
    }

    /// What is said above the page.
    pub fn notice(&self) -> Option<Notice> {
        (!self.done.is_empty()).then(|| Notice {
            words: self.done.clone(),
            commands: self.commands.join("\n\n"),
            requests: self.requests.join("\n\n"),
            secret: self.secret.clone(),
        })
    }

    pub fn is_trouble(&self) -> bool {
        self.refused.is_some() || self.is_clash
    }

    /// What was refused, in the API's words.
    pub fn problem(&self) -> Option<String> {
        self.refused.as_ref().map(|(_, message)| message.clone())
    }

    /// Gives a form back what was typed into it, and says beside a field why it was refused. Tells whether this is the
    /// form that it was.
    pub fn apply(&self, form: &mut Form) -> bool {
        // A page may have several forms; each says by "do" which it is.
        let which = |pairs: &[(String, String)]| {
            pairs.iter().find(|(name, _)| name == "do").map(|(_, value)| value.clone())
        };
        if !(self.is_trouble() || self.is_draft) || which(&self.typed) != which(&form.hidden) {
            return false;
        }
        let typed = |name: &str| -> Vec<String> {
            self.typed.iter().filter(|(each, _)| each == name).map(|(_, value)| value.clone()).collect()
        };
        let mut differences = Vec::new();
        for field in &mut form.fields {
            let theirs = field.words().join(", ");
            field.refill(&typed);
            let ours = field.words().join(", ");
            if theirs != ours {
                differences.push((field.label.clone(), theirs, ours));
            }
        }
        if let Some((kind, message)) = &self.refused {
            form.refuse(kind, message);
        }
        form.clash = self.is_clash.then_some(Clash { rows: differences });
        true
    }
}

fn kept(typed: &Pairs) -> Vec<(String, String)> {
    let pairs = typed.iter().filter(|(name, _)| !NEVER_KEPT.contains(name));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::console::field::Field;

    #[test]
    fn a_refused_form_comes_back_with_what_was_typed_and_without_the_password() {
        let typed = Pairs::from([("name", "<b>"), ("password", "Secret-1"), ("csrf", "x")]);
        let refusal = match postern_model::refusal(
            postern_model::cognito_idp::errors::InvalidParameterException,
            "PoolName is taken.",
        ) {
            postern_model::Error::Refused(refusal) => refusal,
            postern_model::Error::Failed(_) => unreachable!("a refusal was made"),
        };
        let note = Note::refused(&refusal, &typed);
        let text = serde_json::to_string(&note).expect("a note is JSON");
        assert!(text.contains("<b>") && !text.contains("Secret-1"));
        let mut form = Form::new("/x", "c", "Save", vec![Field::line("name", "Name", "").api("PoolName")]);
        note.apply(&mut form);
        assert_eq!(form.fields[0].words(), ["<b>"]);
        assert_eq!(form.fields[0].error.as_deref(), Some("PoolName is taken."));
        assert_eq!(form.problem, None);
    }
}
