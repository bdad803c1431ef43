//! Your sign-in: how the administrator who is signed in gets into the console. An address counts once a code mailed to it
//! came back; a passkey is made by the browser.

use super::desk::{Answered, Desk, Stopped, redirect};
use super::menu::Place;
use super::note::Note;
use super::session;
use crate::login::cookies::Cookies;
use crate::login::typed;
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Fact, Facts, PasskeyLine, Passkeys};
use crate::pages::console::{Block as _, Html};
use crate::pages::moment::Moment;
use crate::respond::json;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::cognito_idp::errors::{CodeMismatchException, ExpiredCodeException};
use postern_model::{Answer, Error, refusal};
use postern_pools::Pools;
use postern_pools::administrators::{CODE_LIFE_MS, CodeFor, Doorstep, Judged, Opened};
use postern_store::Tx;
use serde_json::json as value;

const HERE: &str = "/console/you";
const EMAIL: &str = "/console/you/email";
const TITLE: &str = "Your sign-in";
/// The cookie that holds the handle of a code for a new address.
const CODE: &str = "postern-console-address";

impl Desk {
    fn doorstep(&self) -> Doorstep {
        Doorstep {
            caller: self.caller.clone(),
            url: self.app.console_url().unwrap_or_default().to_owned(),
            browser: self.session.handle.clone(),
            mark: None,
            now: self.app.clock.now(),
        }
    }

    fn user_id(&self) -> String {
        self.session.principal.user_id(&self.app.account)
    }

    fn cookies(&self) -> Cookies {
        session::cookies(&self.app, &self.visit.headers)
    }

    fn failed(&self, cause: anyhow::Error) -> Stopped {
        self.stopped(Error::Failed(cause))
    }
}

/// `GET /console/you`
pub async fn page(desk: Desk) -> Answered {
    let (pools, id, door) = (desk.app.pools.clone(), desk.user_id(), desk.doorstep());
    let signed_in = desk.session.signed_in;
    let read: anyhow::Result<_> = desk
        .app
        .store
        .read(move |tx| {
            let may = match pools.may_change_own_sign_in(tx, &door, signed_in) {
                Ok(()) => None,
                Err(Error::Refused(refusal)) => Some(refusal),
                Err(Error::Failed(cause)) => return Err(cause),
            };
            Ok((may, tx.administrator_email(&id)?, tx.passkeys_of_administrator(&id)?))
        })
        .await;
    let (refused, email, passkeys) = read.map_err(|cause| desk.failed(cause))?;
    let way = match &desk.session.opened {
        Opened::Key(_) => "With an access key",
        Opened::Code => "By a mailed code",
        Opened::Passkey(_) => "By a passkey",
    };
    let facts = vec![
        Fact::new("Signed in as", "", vec![Cell::Code(desk.caller.arn())]),
        Fact::words(
            "How",
            "",
            if desk.session.is_open { "The console is open on this machine" } else { way },
        ),
    ];
    let who = Facts { title: "Who you are".to_owned(), hint: String::new(), facts, edit_href: None };
    let address = email.map(|email| email.email).unwrap_or_default();
    let rows = passkeys.iter().map(|row| PasskeyLine {
        id: BASE64URL.encode(&row.id),
        name: Pools::name_of_passkey(row),
        created: Moment(row.created),
        used: row.used.map(Moment),
    });
    let passkeys = Passkeys { csrf: desk.csrf(), rows: rows.collect(), may_change: refused.is_none() };
    let mut blocks = vec![who.html(), address_form(&desk, address), passkeys.html()];
    if let Some(refusal) = refused {
        blocks.insert(1, desk.unseen(&refusal));
    }
    let lead = "An access key opens the console at first, and when nothing else does. From then on a code mailed to \
                you, or a passkey, is quicker and never leaves a secret lying about.";
    desk.show(&Place::Top(HERE), TITLE, lead, blocks)
}

fn address_form(desk: &Desk, address: String) -> Html {
    let hint = "A code mailed to it signs you in. It counts once you typed the code that goes to it now.";
    let field = Field::line_of("email", "email", "Email address", address).hint(hint);
    let form = Form::new(EMAIL, &desk.csrf(), "Send a code", vec![field]).with("do", "address");
    beside(desk, form.titled("Email"))
}

/// Makes the block of a form with one field: whatever is refused is about that.
fn beside(desk: &Desk, mut form: Form) -> Html {
    desk.fill(&mut form);
    if let Some(problem) = form.problem.take() {
        form.fields[0].error = Some(problem);
    }
    form.html()
}

/// Makes a change of one's own in one unit of work.
async fn unit<T: Send + 'static>(
    desk: &Desk,
    mut change: impl FnMut(&mut Tx<'_>, &Doorstep) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let door = desk.doorstep();
    desk.app.store.write(move |tx| change(tx, &door)).await
}

/// `POST /console/you/email`: sends a code to a new address.
pub async fn send_code(desk: Desk) -> Answered {
    let (pools, id, signed_in) = (desk.app.pools.clone(), desk.user_id(), desk.session.signed_in);
    let email = typed::name(desk.typed("email")).to_owned();
    let sent = unit(&desk, move |tx, door| {
        pools.may_change_own_sign_in(tx, door, signed_in)?;
        pools.ask_new_address(tx, door, &id, &email)
    });
    match sent.await {
        Ok(handle) => {
            let response = redirect(EMAIL);
            Ok(desk.cookies().set(CODE, &handle, CODE_LIFE_MS / 1000).on(response))
        }
        Err(error) => desk.back(HERE, error).await,
    }
}

/// `GET /console/you/email`: where that code is typed.
pub async fn ask_code(desk: Desk) -> Answered {
    let (pools, now) = (desk.app.pools.clone(), desk.app.clock.now());
    let handle = desk.cookies().get(CODE).unwrap_or_default().to_owned();
    let awaited: anyhow::Result<_> =
        desk.app.store.read(move |tx| pools.awaited_code(tx, CodeFor::NewAddress, &handle, now)).await;
    let Some(awaited) = awaited.map_err(|cause| desk.failed(cause))? else {
        return desk.back(HERE, code_over()).await;
    };
    let minutes = CODE_LIFE_MS / 60_000;
    let lead = format!("We sent a code to {}. It works for {minutes} minutes.", awaited.masked);
    let field = Field::line("code", "Code", "");
    let form = Form::new(format!("{EMAIL}/answer"), &desk.csrf(), "Save address", vec![field]).cancel(HERE);
    let form = beside(&desk, form);
    desk.show(&Place::Below(HERE, TITLE), "Check your email", &lead, vec![form])
}

/// `POST /console/you/email/answer`: the code. A session that begins anew with this proof takes the place of this one.
pub async fn answer_code(mut desk: Desk) -> Answered {
    let (app, id, signed_in) = (desk.app.clone(), desk.user_id(), desk.session.signed_in);
    let (cookies, code) = (desk.cookies(), typed::code(desk.typed("code")));
    let handle = cookies.get(CODE).unwrap_or_default().to_owned();
    let (old, is_open) = (desk.session.clone(), desk.session.is_open);
    let judged = unit(&desk, move |tx, door| {
        app.pools.may_change_own_sign_in(tx, door, signed_in)?;
        let judged = app.pools.answer_new_address(tx, door, &id, &handle, &code)?;
        if is_open || !matches!(judged, Judged::Right(_)) {
            return Ok((judged, None));
        }
        tx.end_console_session(&old.mac)?;
        let begun = session::begin(&app, tx, old.principal.clone(), Opened::Code)?;
        Ok((judged, Some(begun)))
    });
    match judged.await {
        Ok((Judged::Right(_), begun)) => {
            let response = match begun {
                Some(begun) => {
                    desk.session = begun;
                    let response = desk.go(HERE, &Note::done("Email address saved")).await?;
                    session::held(&cookies, &desk.session).on(response)
                }
                None => desk.go(HERE, &Note::done("Email address saved")).await?,
            };
            Ok(cookies.set(CODE, "", 0).on(response))
        }
        Ok((Judged::Wrong, _)) => {
            let wrong = "That code isn't right. Check the newest email and try again.";
            desk.back(EMAIL, refusal(CodeMismatchException, wrong)).await
        }
        Ok((Judged::Over, _)) => desk.back(HERE, code_over()).await,
        Err(error) => desk.back(HERE, error).await,
    }
}

fn code_over() -> Error {
    refusal(ExpiredCodeException, "That code doesn't work any more. Send a new one.")
}

/// `GET /console/you/passkeys/options`: what the browser is to make. Nothing is changed by looking.
pub async fn passkey_options(desk: Desk) -> Answered {
    let (pools, door, signed_in) = (desk.app.pools.clone(), desk.doorstep(), desk.session.signed_in);
    let options: Answer<_> =
        desk.app.store.read(move |tx| pools.administrator_creation(tx, &door, signed_in)).await;
    match options {
        Ok(options) => Ok(json(StatusCode::OK, &options)),
        Err(Error::Refused(refused)) => {
            Ok(json(StatusCode::CONFLICT, &value!({ "message": refused.message })))
        }
        Err(failed) => Err(desk.stopped(failed)),
    }
}

/// `POST /console/you/passkeys`: what the browser made.
pub async fn add_passkey(desk: Desk) -> Answered {
    let (pools, signed_in) = (desk.app.pools.clone(), desk.session.signed_in);
    let credential = desk.typed("credential").to_owned();
    let added =
        unit(&desk, move |tx, door| pools.add_administrator_passkey(tx, door, signed_in, &credential));
    match added.await {
        Ok(Ok(())) => desk.go(HERE, &Note::done("Passkey added")).await,
        Ok(Err(error)) | Err(error) => desk.back(HERE, error).await,
    }
}

/// `POST /console/you/passkeys/remove`
pub async fn remove_passkey(desk: Desk) -> Answered {
    let (pools, signed_in) = (desk.app.pools.clone(), desk.session.signed_in);
    let id = desk.typed("id").to_owned();
    let removed = unit(&desk, move |tx, door| pools.remove_administrator_passkey(tx, door, signed_in, &id));
    match removed.await {
        Ok(()) => desk.go(HERE, &Note::done("Passkey removed")).await,
        Err(error) => desk.back(HERE, error).await,
    }
}
