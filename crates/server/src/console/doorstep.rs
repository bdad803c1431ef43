//! The console's door: an administrator signs in by a code mailed to their address, by a passkey, or with an access key,
//! which is the way in for the first time and when the others are lost. Its forms are bound to a cookie of the browser.

use super::session::{
    SIGN_IN, Session, begin, begin_by_key, cookies, failed, form_token, form_token_matches, held, own_path,
    redirect, turned_away, unread,
};
use crate::app::App;
use crate::login::cookies::Cookies;
use crate::login::typed;
use crate::login::visit::{Knock, Visit};
use crate::pages::console::{ConsoleCode, ConsoleSignIn, rendered};
use crate::pages::problem::Trouble;
use crate::respond::{json, page};
use anyhow::Result;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use postern_access::{Principal, Unproved};
use postern_model::{Answer, Error};
use postern_pools::administrators::{CODE_LIFE_MS, CodeFor, Doorstep, Judged, Opened, SIGN_IN as ACTION};
use postern_pools::oauth::pairs::{encoded, query};
use postern_pools::recognised::MARK_MS;
use postern_pools::step::Resent;
use serde_json::json as value;

/// The cookie that the forms are bound to, before there is a session.
const DOOR: &str = "postern-console-door";
const DOOR_S: i64 = 12 * 3_600;
/// The cookie that holds the handle of a code that was asked for.
const CODE: &str = "postern-console-code";
/// The cookie by which a browser is recognised in which somebody signed in.
const KNOWN: &str = "postern-console-known";
const CODE_PAGE: &str = "/console/sign-in/code";

/// What is said of what went wrong before: the word that the address bar has for it, the field or way it is about, and
/// the sentence.
const SAID: [(&str, &str, &str); 5] = [
    ("key", "key", "That access key isn't right, or is no longer active."),
    ("address", "email", "Enter an email address like name@example.com."),
    ("pace", "email", "Too many codes were asked for. Wait a while, or sign in another way."),
    ("over", "email", "That code doesn't work any more. Send a new one."),
    ("passkey", "passkey", "That passkey doesn't open this console. Try another, or sign in another way."),
];

/// A form of the door, or what is said to whoever brings something else.
struct Knocked {
    app: App,
    visit: Visit,
    cookies: Cookies,
}

impl Knocked {
    /// Takes a form that was sent from our own page (rule B3).
    fn form(app: App, knock: Knock) -> Result<Knocked, Box<Response>> {
        let knocked = Knocked::read(app, knock)?;
        let own_url = knocked.app.console_url().unwrap_or_default();
        let is_bound = |door| form_token_matches(&knocked.app, door, knocked.typed("csrf"));
        if knocked.visit.is_from(own_url) && knocked.cookies.get(DOOR).is_some_and(is_bound) {
            return Ok(knocked);
        }
        let back = Trouble::Expired { back_href: Some(SIGN_IN.to_owned()) };
        Err(Box::new(turned_away(&knocked.app, back)))
    }

    fn read(app: App, Knock(visit): Knock) -> Result<Knocked, Box<Response>> {
        let visit = visit.map_err(|fault| Box::new(unread(&app, fault)))?;
        let cookies = cookies(&app, &visit.headers);
        Ok(Knocked { app, visit, cookies })
    }

    fn typed(&self, name: &str) -> &str {
        self.visit.form.first(name).unwrap_or_default().trim()
    }

    fn doorstep(&self) -> Doorstep {
        Doorstep {
            caller: self.visit.caller.clone(),
            url: self.app.console_url().unwrap_or_default().to_owned(),
            browser: self.cookies.get(DOOR).unwrap_or_default().to_owned(),
            mark: self.cookies.get(KNOWN).map(str::to_owned),
            now: self.app.clock.now(),
        }
    }

    /// To a page of the door, which says what went wrong.
    fn back(&self, to: &str, said: &str) -> Response {
        let goal = own_path(self.typed("to"));
        redirect(&format!("{to}?{}", query(&[("said", said), ("to", &goal)])))
    }

    /// Goes in. The door's own cookies are of no more use; the browser is recognised from now on.
    fn enter(&self, session: &Session) -> Response {
        let (app, user_id) = (&self.app, session.principal.user_id(&self.app.account));
        let mark = app.pools.mark_console_browser(app.store.keys(), &user_id, app.clock.now());
        let response = held(&self.cookies, session).on(redirect(&own_path(self.typed("to"))));
        let response = self.cookies.set(KNOWN, &mark, MARK_MS / 1000).on(response);
        let response = self.cookies.set(DOOR, "", 0).on(response);
        self.cookies.set(CODE, "", 0).on(response)
    }
}

/// `GET /console/sign-in`
pub async fn ask(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::read(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let (app, visit) = (&knocked.app, &knocked.visit);
    let to = own_path(visit.query.first("to").unwrap_or_default());
    if app.settings.development.open_console {
        return redirect(&to);
    }
    let held = knocked.cookies.get(DOOR).filter(|value| value.len() == 43).map(str::to_owned);
    let door = held.unwrap_or_else(Cookies::fresh_browser);
    let shown = ConsoleSignIn {
        host: host(app),
        to,
        csrf: form_token(app, &door),
        said: visit.query.first("said").and_then(said),
    };
    knocked.cookies.set(DOOR, &door, DOOR_S).on(page(StatusCode::OK, rendered(&shown)))
}

fn said(word: &str) -> Option<(&'static str, &'static str)> {
    SAID.into_iter().find(|(known, ..)| *known == word).map(|(_, place, sentence)| (place, sentence))
}

fn host(app: &App) -> String {
    app.console_url().unwrap_or_default().split("://").last().unwrap_or_default().to_owned()
}

/// `POST /console/sign-in`: with an access key.
pub async fn by_key(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::form(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let app = &knocked.app;
    let key_id = knocked.typed("key");
    let proved = app.access.prove_key(key_id, knocked.typed("secret")).await;
    let (outcome, who) = match &proved {
        Ok(principal) => ("ok", Some(principal.clone())),
        Err(Unproved::Fault(_)) => ("refused", None),
        Err(Unproved::Failed(_)) => ("failed", None),
    };
    let (pools, door) = (app.pools.clone(), knocked.doorstep());
    let told = Opened::Key(String::new()).told();
    let noted: Result<()> =
        app.store.write(move |tx| pools.note_at_door(tx, &door, who.as_ref(), ACTION, outcome, told)).await;
    if let Err(cause) = noted {
        return failed(app, &cause);
    }
    match proved {
        Ok(_) => match begin_by_key(app, key_id).await {
            Ok(Some(session)) => knocked.enter(&session),
            Ok(None) => knocked.back(SIGN_IN, "key"),
            Err(cause) => failed(app, &cause),
        },
        Err(Unproved::Fault(_)) => knocked.back(SIGN_IN, "key"),
        Err(Unproved::Failed(cause)) => failed(app, &cause),
    }
}

/// `POST /console/sign-in/code`: sends one, or seems to.
pub async fn send_code(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::form(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let (pools, door) = (knocked.app.pools.clone(), knocked.doorstep());
    let email = typed::name(knocked.typed("email")).to_owned();
    let caller = door.caller.clone();
    let sent: Answer<String> =
        knocked.app.pools.page_unit(&caller, move |tx| pools.ask_administrator(tx, &door, &email)).await;
    match sent {
        Ok(handle) => {
            let goal = own_path(knocked.typed("to"));
            let page = redirect(&format!("{CODE_PAGE}?to={}", encoded(&goal)));
            knocked.cookies.set(CODE, &handle, CODE_LIFE_MS / 1000).on(page)
        }
        Err(Error::Refused(refused)) if refused.kind.code == "InvalidParameterException" => {
            knocked.back(SIGN_IN, "address")
        }
        Err(Error::Refused(_)) => knocked.back(SIGN_IN, "pace"),
        Err(Error::Failed(cause)) => failed(&knocked.app, &cause),
    }
}

/// `GET /console/sign-in/code`: where the code is typed. Looking at it sends nothing.
pub async fn ask_code(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::read(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let (app, query) = (&knocked.app, &knocked.visit.query);
    let to = own_path(query.first("to").unwrap_or_default());
    let over = || redirect(&format!("{SIGN_IN}?said=over&to={}", encoded(&to)));
    let (Some(door), Some(handle)) = (knocked.cookies.get(DOOR), knocked.cookies.get(CODE)) else {
        return over();
    };
    let (pools, now, asked) = (app.pools.clone(), app.clock.now(), handle.to_owned());
    let awaited: Result<_> =
        app.store.read(move |tx| pools.awaited_code(tx, CodeFor::SignIn, &asked, now)).await;
    match awaited {
        Ok(Some(awaited)) => {
            let shown = ConsoleCode {
                host: host(app),
                csrf: form_token(app, door),
                masked: awaited.masked,
                minutes: CODE_LIFE_MS / 60_000,
                said: query.first("said").unwrap_or_default().to_owned(),
                left: awaited.attempts_left,
                again_s: awaited.again_ms.map(|ms| (ms + 999) / 1000),
                again_href: format!("{SIGN_IN}?to={}", encoded(&to)),
                to,
            };
            page(StatusCode::OK, rendered(&shown))
        }
        Ok(None) => over(),
        Err(cause) => failed(app, &cause),
    }
}

/// `POST /console/sign-in/again`: sends another code for the same sign-in, or seems to.
pub async fn send_again(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::form(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let (pools, door) = (knocked.app.pools.clone(), knocked.doorstep());
    let handle = knocked.cookies.get(CODE).unwrap_or_default().to_owned();
    let asked = handle.clone();
    let sent: Answer<Resent> =
        knocked.app.store.write(move |tx| pools.send_administrator_code_again(tx, &door, &asked)).await;
    match sent {
        Ok(Resent::Sent { .. }) => {
            let page = knocked.back(CODE_PAGE, "sent");
            knocked.cookies.set(CODE, &handle, CODE_LIFE_MS / 1000).on(page)
        }
        Ok(Resent::Wait { .. }) => knocked.back(CODE_PAGE, "wait"),
        Ok(Resent::NoMore) => knocked.back(CODE_PAGE, "enough"),
        Ok(Resent::Over) => knocked.back(SIGN_IN, "over"),
        Err(Error::Refused(_)) => knocked.back(CODE_PAGE, "pace"),
        Err(Error::Failed(cause)) => failed(&knocked.app, &cause),
    }
}

/// `POST /console/sign-in/answer`: the code.
pub async fn answer_code(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::form(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let (door, code) = (knocked.doorstep(), typed::code(knocked.typed("code")));
    let handle = knocked.cookies.get(CODE).unwrap_or_default().to_owned();
    let unit = knocked.app.clone();
    let judged: Answer<_> = knocked
        .app
        .store
        .write(move |tx| match unit.pools.answer_administrator(tx, &door, &handle, &code)? {
            Judged::Right(user_id) => Ok(match unit.access.user(tx, &user_id)? {
                Some(who) => Ok(let_in(&unit, tx, &door, who, Opened::Code)?),
                None => Err((SIGN_IN, "over")),
            }),
            Judged::Wrong => Ok(Err((CODE_PAGE, "wrong"))),
            Judged::Over => Ok(Err((SIGN_IN, "over"))),
        })
        .await;
    settled(&knocked, judged)
}

/// `GET /console/sign-in/passkey`: what the script is to ask. Nothing is changed by looking.
pub async fn passkey_options(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::read(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let door = knocked.doorstep();
    if door.browser.is_empty() {
        return json(StatusCode::CONFLICT, &value!({ "message": "Open the sign-in page first." }));
    }
    let options = knocked.app.pools.administrator_request(knocked.app.store.keys(), &door);
    json(StatusCode::OK, &options)
}

/// `POST /console/sign-in/passkey`: what the browser answered.
pub async fn by_passkey(State(app): State<App>, knock: Knock) -> Response {
    let knocked = match Knocked::form(app, knock) {
        Ok(knocked) => knocked,
        Err(response) => return *response,
    };
    let (door, unit) = (knocked.doorstep(), knocked.app.clone());
    let credential = knocked.typed("credential").to_owned();
    let judged: Answer<_> = knocked
        .app
        .store
        .write(move |tx| {
            let proven = unit.pools.administrator_by_passkey(tx, &door, &credential)?;
            let Ok((user_id, id)) = proven else { return Ok(Err((SIGN_IN, "passkey"))) };
            Ok(match unit.access.user(tx, &user_id)? {
                Some(who) => Ok(let_in(&unit, tx, &door, who, Opened::Passkey(id))?),
                None => Err((SIGN_IN, "passkey")),
            })
        })
        .await;
    settled(&knocked, judged)
}

/// Writes down that somebody proved who they are, and begins their session.
fn let_in(
    app: &App,
    tx: &mut postern_store::Tx<'_>,
    door: &Doorstep,
    who: Principal,
    opened: Opened,
) -> Result<Session> {
    app.pools.note_at_door(tx, door, Some(&who), ACTION, "ok", opened.told())?;
    begin(app, tx, who, opened)
}

fn settled(knocked: &Knocked, judged: Answer<Result<Session, (&str, &str)>>) -> Response {
    match judged {
        Ok(Ok(session)) => knocked.enter(&session),
        Ok(Err((to, said))) => knocked.back(to, said),
        Err(Error::Refused(_)) => knocked.back(SIGN_IN, "over"),
        Err(Error::Failed(cause)) => failed(&knocked.app, &cause),
    }
}
