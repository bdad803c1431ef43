//! A test call of a trigger's function: chosen, made, and shown with what it was asked, what it answered and how long
//! that took.

use super::desk::{Answered, Desk, at, found, text};
use super::menu::Place;
use super::note::{Note, Shown};
use super::pools::{base, counted};
use super::trigger_areas;
use crate::pages::console::Block as _;
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::Tone;
use crate::pages::console::parts::{Said, Snippet, Snippets};
use axum::extract::Path;
use postern_model::{Document, Service};
use serde_json::json;

const PAGE: &str = "/extensions";

pub fn page_of(pool_id: &str) -> String {
    format!("{}{PAGE}/test", base(pool_id))
}

/// The triggers that a pool has functions for: name, and how people call them.
pub fn set(pool: &Document) -> Vec<(&'static str, &'static str)> {
    let is_set = |name: &str| match name {
        "PreTokenGeneration" => {
            !text(pool, "LambdaConfig.PreTokenGeneration").is_empty()
                || at(pool, "LambdaConfig.PreTokenGenerationConfig").is_object()
        }
        name => match at(pool, &format!("LambdaConfig.{name}")) {
            Document::String(arn) => !arn.is_empty(),
            other => other.is_object(),
        },
    };
    trigger_areas::all().map(|(name, label, _)| (*name, *label)).filter(|(name, _)| is_set(name)).collect()
}

/// `GET …/extensions/test`
pub async fn ask(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let above = format!("{}{PAGE}", base(&pool_id));
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: PAGE,
        above: &above,
        above_name: "Extensions",
    };
    let triggers = set(&pool);
    if triggers.is_empty() {
        let way = Some((above.clone(), "Extensions".to_owned()));
        let words = "This pool has no function yet that could be tested.".to_owned();
        let said = Said { tone: Tone::Waiting, words, way };
        return desk.show(&place, "Test a function", "", vec![said.html()]);
    }
    let choices =
        triggers.iter().map(|(name, label)| Choice::new(*name, *label, *name == desk.asked("trigger")));
    let field = Field::new("trigger", "Trigger", Input::Select(choices.collect())).api("Trigger");
    let form = Form::new(page_of(&pool_id), &desk.csrf(), "Send a sample event", vec![field]).cancel(&above);
    let mut blocks = vec![desk.put(form)];
    if let Some(shown) = &desk.note.shown {
        let tone = if shown.is_good { Tone::Good } else { Tone::Bad };
        blocks.push(Said { tone, words: shown.words.clone(), way: None }.html());
        let snippets = (1..).zip(&shown.texts).map(|(number, (title, text))| Snippet {
            id: format!("shown-{number}"),
            title: title.clone(),
            text: text.clone(),
        });
        let hint = "The event as the function gets it, and its answer word for word.".to_owned();
        blocks.push(Snippets { title: "The call".to_owned(), hint, snippets: snippets.collect() }.html());
    }
    let lead = "The function is really called, as at a sign-in, about somebody who does not exist: sample@example.com. What it does itself, it does.";
    desk.show(&place, "Test a function", lead, blocks)
}

/// `POST …/extensions/test`
pub async fn call(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let here = page_of(&pool_id);
    let input = json!({ "UserPoolId": pool_id, "Trigger": desk.typed("trigger") });
    let answer = match desk.call(found(Service::Postern, "TestFunction"), &input).await {
        Ok(answer) => answer,
        Err(error) => return desk.back(&here, error).await,
    };
    let to = format!("{here}?trigger={}", crate::pages::console::part(desk.typed("trigger")));
    desk.go(&to, &Note::shown(shown(&answer))).await
}

/// What came of a call.
fn shown(answer: &Document) -> Shown {
    let fault = text(answer, "Fault");
    let took = counted(answer["Milliseconds"].as_i64().unwrap_or_default());
    let words = match fault.is_empty() {
        true => format!("Answered in {took} ms. The answer can be used as it is."),
        false => format!("After {took} ms: {fault}"),
    };
    let mut texts = vec![("Event".to_owned(), pretty(text(answer, "Event")))];
    let said = text(answer, "Answer");
    texts.push(("Answer".to_owned(), if said.is_empty() { "None.".to_owned() } else { pretty(said) }));
    texts.push(("Function".to_owned(), text(answer, "Function").to_owned()));
    Shown { is_good: fault.is_empty(), words, texts }
}

/// JSON as people read it.
pub fn pretty(text: &str) -> String {
    let parsed: Option<Document> = serde_json::from_str(text).ok();
    parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_offered() {
        let pool = json!({ "LambdaConfig": {
            "PreSignUp": "arn", "CustomMessage": "",
            "PreTokenGenerationConfig": { "LambdaArn": "arn", "LambdaVersion": "V2_0" },
            "CustomEmailSender": { "LambdaArn": "arn", "LambdaVersion": "V1_0" },
        } });
        let names: Vec<&str> = set(&pool).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["PreSignUp", "PreTokenGeneration", "CustomEmailSender"]);
        assert!(set(&json!({})).is_empty());
    }
}
