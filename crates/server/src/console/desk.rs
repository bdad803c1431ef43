//! An administrator at work: one request of a session that holds. Whatever the console shows or changes is an operation,
//! called here in the administrator's name, by the way that every call goes.

use super::command;
use super::menu::{self, Place};
use super::note::Note;
pub use super::session::redirect;
use super::session::{self, Session};
use crate::api::{Call, look_again, perform, perform_while};
use crate::app::App;
use crate::login::visit::{Knock, Visit};
use crate::pages::Page as _;
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Live, Tone};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts, Said};
use crate::pages::console::{Block, ConsolePage, Html, Shell};
use crate::pages::problem::Trouble;
use crate::respond::{PAGE_POLICY, page, page_under};
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use postern_access::Caller;
use postern_model::{Answer, Document, Error, Refusal, Service};
use postern_pools::oauth::pairs::Pairs;
use postern_store::random;
use postern_store::standing::{Kept, Overtaken, Standing};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// The header by which a page says that it was opened before.
const WATCH: &str = "x-postern-watch";

/// One request of an administrator.
pub struct Desk {
    pub app: App,
    pub caller: Caller,
    pub session: Session,
    pub visit: Visit,
    /// What became of the form that led here.
    pub note: Note,
    /// A page that was opened before keeps itself up to date.
    is_watching: bool,
    /// It is asked for to be looked at, and can be again.
    is_page: bool,
    /// A form on the page says what was refused.
    is_told: AtomicBool,
}

/// A request that is answered already: refused, failed, or not from our pages.
pub struct Stopped(Box<Response>);

impl IntoResponse for Stopped {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// What a page's handler gives.
pub type Answered = Result<Response, Stopped>;

impl FromRequest<App> for Desk {
    type Rejection = Stopped;

    async fn from_request(request: Request, app: &App) -> Result<Self, Stopped> {
        let stop = |trouble| Stopped(Box::new(session::turned_away(app, trouble)));
        let Some(session) = request.extensions().get::<Session>().cloned() else {
            return Err(stop(Trouble::Expired { back_href: Some("/console/pools".to_owned()) }));
        };
        let is_change = request.method() == Method::POST;
        let Ok(Knock(visit)) = Knock::from_request(request, app).await;
        let visit = visit.map_err(|unread| Stopped(Box::new(session::unread(app, unread))))?;
        if is_change {
            let own_url = app.console_url().unwrap_or_default();
            let csrf = visit.form.first("csrf").unwrap_or_default();
            if !visit.is_from(own_url) || !session.csrf_matches(app, csrf) {
                return Err(stop(Trouble::Expired { back_href: Some("/console/pools".to_owned()) }));
            }
        }
        let watch = visit.headers.get(WATCH).and_then(|watch| watch.to_str().ok());
        let is_watching = !is_change && watch.is_some_and(|watch| session.watches(app, &visit.path, watch));
        let caller = Caller { principal: session.principal.clone(), ..visit.caller.clone() };
        let mut desk = Desk {
            app: app.clone(),
            caller,
            session,
            visit,
            note: Note::default(),
            is_watching,
            is_page: !is_change,
            is_told: AtomicBool::new(false),
        };
        desk.note = desk.find_note().await?;
        Ok(desk)
    }
}

impl Desk {
    /// A parameter of the address.
    pub fn asked(&self, name: &str) -> &str {
        self.visit.query.first(name).unwrap_or_default().trim()
    }

    /// A field of the form that was sent.
    pub fn typed(&self, name: &str) -> &str {
        self.visit.form.first(name).unwrap_or_default().trim()
    }

    /// A file of the form that was sent.
    pub fn file(&self, field: &str) -> Option<&Bytes> {
        self.visit.files.iter().find(|file| file.field == field).map(|file| &file.content)
    }

    pub fn form(&self) -> &Pairs {
        &self.visit.form
    }

    pub fn csrf(&self) -> String {
        self.session.csrf(&self.app)
    }

    /// Calls an operation in the administrator's name.
    pub async fn call(&self, call: Call, input: &Document) -> Answer<Document> {
        match self.is_watching {
            true => look_again(&self.app, &self.caller, call, input).await,
            false => perform(&self.app, &self.caller, call, input).await,
        }
    }

    /// Lets a table on this page keep itself up to date.
    pub fn live(&self, every_s: u32) -> Live {
        let path = self.visit.path.clone();
        let watch = self.session.watch(&self.app, &path);
        Live { href: path, watch, every_s }
    }

    /// Reads something a page cannot do without.
    pub async fn read(
        &self,
        service: Service,
        operation: &str,
        input: Document,
    ) -> Result<Document, Stopped> {
        match self.call(found(service, operation), &input).await {
            Ok(output) => Ok(output),
            Err(error) => Err(self.stopped(error)),
        }
    }

    /// Reads something that a page can do without: the words of a refusal stand in its place.
    pub async fn look(
        &self,
        service: Service,
        operation: &str,
        input: Document,
    ) -> Result<Result<Document, Refusal>, Stopped> {
        match self.call(found(service, operation), &input).await {
            Ok(output) => Ok(Ok(output)),
            Err(Error::Refused(refusal)) => Ok(Err(refusal)),
            Err(failed) => Err(self.stopped(failed)),
        }
    }

    /// Reads of the user pools.
    pub async fn pools(&self, operation: &str, input: Document) -> Result<Document, Stopped> {
        self.read(Service::CognitoIdp, operation, input).await
    }

    /// Answers with what went wrong, in the frame of the console.
    pub fn stopped(&self, error: Error) -> Stopped {
        let refusal = match error {
            Error::Refused(refusal) => refusal,
            Error::Failed(cause) => return Stopped(Box::new(session::failed(&self.app, &cause))),
        };
        let status = match refusal.kind.code {
            "ResourceNotFoundException" | "UserNotFoundException" | "NotFoundException" | "NoSuchEntity" => {
                StatusCode::NOT_FOUND
            }
            "AccessDeniedException" | "AccessDenied" => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let title = match status {
            StatusCode::NOT_FOUND => "That is not here",
            StatusCode::FORBIDDEN => "You may not see this",
            _ => "This could not be shown",
        };
        let reference =
            Fact::new("Request ID", "RequestId", vec![Cell::Code(self.caller.request_id.clone())]);
        let mut blocks = vec![
            Facts {
                title: "Reference".to_owned(),
                hint: String::new(),
                facts: vec![reference],
                edit_href: None,
            }
            .html(),
        ];
        if self.is_page {
            let buttons = vec![Button::link(&self.visit.path, "Try again")];
            blocks.push(Buttons { csrf: self.csrf(), buttons }.html());
        }
        let shown = ConsolePage {
            shell: self.shell(&Place::Nowhere),
            title: title.to_owned(),
            lead: format!("{} ({})", refusal.message, refusal.kind.code),
            blocks,
            wrong: true,
        };
        Stopped(Box::new(page(status, shown.render())))
    }

    fn shell(&self, place: &Place<'_>) -> Shell {
        Shell {
            who: self.session.name().to_owned(),
            is_open: self.session.is_open,
            mail_caught: self.app.settings.development.inbox,
            csrf: self.csrf(),
            menu: menu::groups(place, self.app.settings.development.inbox),
            crumbs: menu::crumbs(place),
            notice: self.note.notice(),
            problem: self.note.problem().filter(|_| !self.is_told.load(Ordering::Relaxed)),
        }
    }

    /// Shows a page.
    pub fn show(&self, place: &Place<'_>, title: &str, lead: &str, blocks: Vec<Html>) -> Answered {
        self.show_under(PAGE_POLICY, place, title, lead, blocks)
    }

    /// Shows a page under a policy of its own.
    pub fn show_under(
        &self,
        policy: &str,
        place: &Place<'_>,
        title: &str,
        lead: &str,
        blocks: Vec<Html>,
    ) -> Answered {
        let shown = ConsolePage {
            shell: self.shell(place),
            title: title.to_owned(),
            lead: lead.to_owned(),
            blocks,
            wrong: self.note.is_trouble(),
        };
        Ok(page_under(policy, StatusCode::OK, shown.render()))
    }

    /// Makes a form's block, with what was typed and refused before.
    pub fn put(&self, mut form: Form) -> Html {
        self.fill(&mut form);
        form.html()
    }

    /// Gives a form back what was typed into it before, and says what was refused of it.
    pub fn fill(&self, form: &mut Form) {
        if self.note.apply(form) {
            self.is_told.store(true, Ordering::Relaxed);
        }
    }

    /// Says why a part of a page cannot be seen.
    pub fn unseen(&self, refusal: &Refusal) -> Html {
        Said { tone: Tone::Waiting, words: refusal.message.to_string(), way: None }.html()
    }

    async fn find_note(&self) -> Result<Note, Stopped> {
        let id = self.asked("note").to_owned();
        if id.is_empty() {
            return Ok(Note::default());
        }
        let (mac, now) = (self.session.mac.clone(), self.app.clock.now());
        let found: anyhow::Result<Option<String>> =
            self.app.store.read(move |tx| tx.find_console_note(&id, &mac, now)).await;
        match found.map(|text| text.map(|text| serde_json::from_str(&text).unwrap_or_default())) {
            Ok(note) => Ok(note.unwrap_or_default()),
            Err(cause) => Err(Stopped(Box::new(session::failed(&self.app, &cause)))),
        }
    }

    /// Leads on to a page that says what became of a form, and can be opened again.
    pub async fn go(&self, to: &str, note: &Note) -> Answered {
        let id = BASE64URL.encode(random::bytes::<16>());
        let content = serde_json::to_string(note).unwrap_or_default();
        let until = session::note_until(self.app.clock.now());
        let (mac, kept) = (self.session.mac.clone(), id.clone());
        let written: anyhow::Result<()> =
            self.app.store.write(move |tx| tx.add_console_note(&kept, &mac, &content, until)).await;
        if let Err(cause) = written {
            return Err(Stopped(Box::new(session::failed(&self.app, &cause))));
        }
        let joint = if to.contains('?') { '&' } else { '?' };
        let mut to = to.to_owned();
        // Writing into memory does not fail.
        let _ = write!(to, "{joint}note={id}");
        Ok(redirect(&to))
    }

    /// Goes back to a form with the API's refusal.
    pub async fn back(&self, to: &str, error: Error) -> Answered {
        match error {
            Error::Refused(refusal) => self.go(to, &Note::refused(&refusal, self.form())).await,
            failed => Err(self.stopped(failed)),
        }
    }

    /// Makes one change and says so at `done`; what is refused is said at `form`.
    pub async fn change(&self, change: Change<'_>) -> Answered {
        let call = found(change.service, change.operation);
        let made = self.call(call, &change.input).await;
        self.made(call, change, made).await
    }

    /// What stands in a row, read before anything else of it, for a change that is to hold only while it does.
    pub async fn standing(&self, kept: Kept) -> Result<Standing, Stopped> {
        let found: anyhow::Result<Standing> = self.app.store.read(move |tx| tx.standing(kept.clone())).await;
        found.map_err(|cause| self.stopped(Error::Failed(cause)))
    }

    /// Makes one change while what was read stands; whoever comes too late is told at `form`.
    pub async fn change_while(&self, standing: Standing, change: Change<'_>) -> Answered {
        let call = found(change.service, change.operation);
        match perform_while(&self.app, standing, &self.caller, call, &change.input).await {
            Err(Error::Failed(cause)) if cause.is::<Overtaken>() => {
                self.go(&change.form, &Note::clash(self.form())).await
            }
            made => self.made(call, change, made).await,
        }
    }

    /// Says what became of a change.
    async fn made(&self, call: Call, change: Change<'_>, made: Answer<Document>) -> Answered {
        match made {
            Ok(_) => self.go(&change.done, &Note::done(change.words).by(call, &change.input)).await,
            Err(error) => self.back(&change.form, error).await,
        }
    }
}

/// A change: one operation, and where to go afterwards.
pub struct Change<'a> {
    pub service: Service,
    pub operation: &'a str,
    pub input: Document,
    /// What is said when it is done.
    pub words: &'a str,
    pub done: String,
    pub form: String,
}

/// An operation by its name. The console names only operations of the models.
pub fn found(service: Service, operation: &str) -> Call {
    Call::find(service, operation).expect("the console calls operations of the models")
}

/// Keeps of a described thing what an update takes.
pub fn settings_for(service: Service, operation: &str, described: &Document) -> Document {
    command::settings_for(found(service, operation), described)
}

/// A text of a document; empty where there is none.
pub fn text<'a>(document: &'a Document, way: &str) -> &'a str {
    at(document, way).as_str().unwrap_or_default()
}

/// The value at a way such as `UserPool.Policies`.
pub fn at<'a>(document: &'a Document, way: &str) -> &'a Document {
    way.split('.').fold(document, |value, name| &value[name])
}

/// The items of a list; none where there is no list.
pub fn items<'a>(document: &'a Document, way: &str) -> &'a [Document] {
    at(document, way).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a list.
pub fn texts(document: &Document, way: &str) -> Vec<String> {
    items(document, way).iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The lines of a text area that say something.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
