//! The steps of a second factor: the code of an authenticator, the choice of a way, and setting one up. Codes by mail or
//! text are typed in where all codes are (`code.rs`).

use super::flow::{Fault, Flow, Page, is_told};
use super::press::{Hand, Went};
use super::typed;
use super::visit::Visit;
use axum::response::Response;
use postern_model::cognito_idp::errors::{
    CodeMismatchException, ExpiredCodeException, NotAuthorizedException,
};
use postern_model::{Answer, Error};
use postern_pools::auth::factors::Factor;
use postern_pools::auth::second_factor::SecondFactor;
use postern_pools::sign_in::{Asked, Kind, SignedIn, Step};
use postern_pools::unit::kept;
use postern_store::Tx;

/// `POST /login/authenticator`
pub async fn typed_in(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::Authenticator, move |tx, flow| unit.authenticator(tx, flow)).await)
}

/// `POST /login/second`: a way was chosen.
pub async fn chosen(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::ChooseSecond, move |tx, flow| unit.choose_second(tx, flow)).await)
}

/// `POST /login/set-up`: the first code of a new authenticator.
pub async fn set_up(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::SetUp, move |tx, flow| unit.set_up(tx, flow)).await)
}

/// `POST /login/set-up-email`: an address to send codes to.
pub async fn set_up_email(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::SetUp, move |tx, flow| unit.set_up_email(tx, flow)).await)
}

impl Hand {
    /// Goes on with a step that ends the sign-in or asks for a second factor.
    pub fn go_on(&self, tx: &mut Tx<'_>, flow: &mut Flow, step: Step<SignedIn>) -> Answer<Went> {
        match step {
            Step::Done(signed_in) => self.home(tx, flow, signed_in),
            Step::Ask(asked) => self.second(tx, flow, &asked),
            // What was judged stays judged, although a function of the pool refuses the person.
            Step::No(Error::Refused(no)) if is_told(&no) => {
                let page = flow.state.page;
                flow.state.stay_told(page, &no);
                Ok(Went::To(page))
            }
            Step::No(error) => Err(error),
            Step::Check(_) => Err(anyhow::anyhow!("a second factor asked for a password").into()),
        }
    }

    /// Leads to the page that asks for a second factor.
    pub fn second(&self, tx: &mut Tx<'_>, flow: &mut Flow, asked: &Asked) -> Answer<Went> {
        flow.state.fields.clear();
        let factor = match asked.kind {
            Kind::Code(code) => Some(SecondFactor::of(code.medium)),
            Kind::SoftwareTokenMfa => Some(SecondFactor::Totp),
            _ => None,
        };
        if let Some(factor) = factor {
            flow.keep_second(tx.keys(), asked, factor);
            return Ok(Went::To(page_of(factor)));
        }
        flow.keep(tx.keys(), asked);
        Ok(Went::To(match asked.kind {
            Kind::SelectMfaType => Page::ChooseSecond,
            Kind::MfaSetup => {
                if asked.second.contains(&SecondFactor::Totp) {
                    let name = flow.state.name.clone();
                    let (_, asked) = self.pools.set_up_authenticator(tx, &flow.at, &name, &asked.session)?;
                    flow.keep(tx.keys(), &asked);
                }
                Page::SetUp
            }
            other => return Err(anyhow::anyhow!("{other:?} is no second factor").into()),
        }))
    }

    fn authenticator(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let code = typed::code(self.field("code"));
        let Some(session) = flow.session(tx.keys()) else { return Ok(start_over(flow)) };
        if code.is_empty() {
            return Ok(stay(flow, Page::Authenticator, Fault::Empty));
        }
        let name = flow.state.name.clone();
        match kept(self.pools.answer_authenticator(tx, &flow.at, &name, &session, &code)) {
            Ok(Step::No(error)) if error.kind() == Some(CodeMismatchException) => {
                Ok(stay(flow, Page::Authenticator, Fault::Wrong))
            }
            Ok(Step::No(error)) if error.kind() == Some(ExpiredCodeException) => {
                Ok(stay(flow, Page::Authenticator, Fault::Used))
            }
            Ok(step) => self.go_on(tx, flow, step),
            Err(error) => over(flow, error),
        }
    }

    fn choose_second(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let chosen = SecondFactor::parse(self.field("factor")).filter(|way| flow.state.offers_second(*way));
        let Some(chosen) = chosen else { return Ok(Went::To(Page::ChooseSecond)) };
        let Some(session) = flow.session(tx.keys()) else { return Ok(start_over(flow)) };
        let name = flow.state.name.clone();
        let asked = match flow.state.second_asked() {
            None => self.pools.answer_second_choice(tx, &flow.at, &name, &session, chosen.as_str()),
            Some(waiting) if waiting == chosen => return Ok(Went::To(page_of(chosen))),
            Some(waiting) => {
                // Who comes back to a code that was sent needs no other one.
                if let Some(before) = flow.session_of_second(tx.keys(), chosen)
                    && self.pools.still_waits(tx, &flow.at, &name, &before, chosen)?
                {
                    flow.resume_second(chosen);
                    return Ok(Went::To(page_of(chosen)));
                }
                self.pools.change_second(tx, &flow.at, &name, &session, [waiting, chosen])
            }
        };
        match kept(asked) {
            Ok(step) => self.go_on(tx, flow, step),
            Err(error) => over(flow, error),
        }
    }

    fn set_up(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let code = typed::code(self.field("code"));
        let Some(session) = flow.session(tx.keys()) else { return Ok(start_over(flow)) };
        if code.is_empty() {
            return Ok(stay(flow, Page::SetUp, Fault::Empty));
        }
        let name = flow.state.name.clone();
        let asked = match self.pools.verify_authenticator(tx, &flow.at, &name, &session, &code, None) {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(stay(flow, Page::SetUp, Fault::Wrong)),
            Err(error) => return over(flow, error),
        };
        let step = kept(self.pools.answer_set_up(tx, &flow.at, &name, &asked.session))?;
        self.go_on(tx, flow, step)
    }

    fn set_up_email(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let address = typed::name(self.field("email")).to_owned();
        let Some(session) = flow.session(tx.keys()) else { return Ok(start_over(flow)) };
        flow.state.fields.insert("email".to_owned(), address.clone());
        if postern_mail::address::Address::parse(&address).is_err() {
            let fault = if address.is_empty() { Fault::Empty } else { Fault::NotAnAddress };
            flow.state.field_faults.insert("email".to_owned(), fault);
            return Ok(Went::To(Page::SetUp));
        }
        let name = flow.state.name.clone();
        match kept(self.pools.answer_set_up_by_email(tx, &flow.at, &name, &session, &address)) {
            Ok(step) => self.go_on(tx, flow, step),
            Err(error) => over(flow, error),
        }
    }
}

/// The page that asks for a second factor.
pub(super) fn page_of(factor: SecondFactor) -> Page {
    match factor {
        SecondFactor::Totp => Page::Authenticator,
        SecondFactor::Sms | SecondFactor::Email => Page::Code,
    }
}

fn stay(flow: &mut Flow, page: Page, fault: Fault) -> Went {
    flow.state.stay(page, fault);
    Went::To(page)
}

/// A challenge that is over is begun again by the first factor.
fn over(flow: &mut Flow, error: Error) -> Answer<Went> {
    match error.kind() {
        Some(kind) if kind == NotAuthorizedException => Ok(start_over(flow)),
        _ => Err(error),
    }
}

fn start_over(flow: &mut Flow) -> Went {
    flow.state.forget_session();
    let has_password = flow.state.offers(Factor::Password);
    let page = if has_password { Page::Password } else { Page::Identify };
    stay(flow, page, Fault::Expired)
}
