//! Forms that edit what is there. Such a form carries a mark of what it was filled with; when somebody else has saved
//! meanwhile, the later of the two is told and shown the difference, and may then save over it.

use super::desk::{Answered, Change, Desk, Stopped};
use super::note::Note;
use crate::pages::console::Html;
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use aws_lc_rs::digest::{SHA256, digest};
use axum::response::Response;
use postern_store::standing::Standing;

/// What fields say now, in short.
fn mark(fields: &[Field]) -> String {
    let mut said = String::new();
    for field in fields {
        said.push_str(&format!("{}={}\u{1e}{}\n", field.name, field.words().join("\u{1f}"), field.unseen));
    }
    hex::encode(&digest(&SHA256, said.as_bytes()).as_ref()[..8])
}

impl Desk {
    /// Makes the block of a form that edits what is there, filled with it.
    pub fn put_edit(&self, form: Form) -> Html {
        let mark = mark(&form.fields);
        self.put(form.with("seen", mark))
    }

    /// Leads back to the form at `form` where somebody else has saved since it was filled; `now` are its fields as they
    /// would be filled at this moment.
    pub async fn overtaken(&self, now: &[Field], form: &str) -> Result<Option<Response>, Stopped> {
        if self.typed("seen") == mark(now) {
            return Ok(None);
        }
        let note = Note::clash(self.form());
        self.go(form, &note).await.map(Some)
    }

    /// Makes a change by a form that edits what is there: `standing` was read first, and `now` and the change from what
    /// was read then. Who saves in between is noticed by the write itself.
    pub async fn edit(&self, standing: Standing, now: &[Field], change: Change<'_>) -> Answered {
        match self.overtaken(now, &change.form).await? {
            Some(told) => Ok(told),
            None => self.change_while(standing, change).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::console::field::Input;

    #[test]
    fn a_change_of_any_field_is_noticed_and_so_is_one_of_a_secret() {
        let fields = |name: &str, changed: &str| {
            vec![
                Field::line("name", "Name", name),
                Field::check("on", "On", "On", true),
                Field::new("secret", "Secret", Input::Secret).unseen(changed),
            ]
        };
        assert_eq!(mark(&fields("a", "1")), mark(&fields("a", "1")));
        assert_ne!(mark(&fields("a", "1")), mark(&fields("b", "1")));
        assert_ne!(mark(&fields("a", "1")), mark(&fields("a", "2")));
    }
}
