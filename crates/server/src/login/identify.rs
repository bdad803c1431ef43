//! Who are you, and by which way: the steps that ask for a name and choose a factor.

use super::flow::{Fault, Flow, Notice, Page};
use super::press::{Hand, Went};
use super::typed;
use super::visit::Visit;
use axum::response::Response;
use postern_model::cognito_idp::ExplicitAuthFlowsType;
use postern_model::cognito_idp::errors::NotAuthorizedException;
use postern_model::{Answer, Error};
use postern_pools::auth::factors::Factor;
use postern_pools::names::is_phone_number;
use postern_pools::sign_in::{At, Given, Kind, Resent, Step};
use postern_store::Tx;

/// `POST /login`: a name was typed.
pub async fn named(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    let pressed = hand.press(Page::Identify, move |tx, flow| unit.name(tx, flow)).await;
    hand.respond(pressed)
}

/// `POST /login/choose`: a way was chosen.
pub async fn chosen(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::Choose, move |tx, flow| unit.choose(tx, flow)).await)
}

/// `POST /login/resend`, `POST /resendcode`: a new code is wanted, of a sign-in, a sign-up or a forgotten password.
pub async fn again(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let page = match hand.look().await {
        Ok(Ok(flow)) if matches!(flow.state.page, Page::Confirm | Page::Reset) => flow.state.page,
        _ => Page::Code,
    };
    let unit = hand.clone();
    let pressed = hand
        .press(page, move |tx, flow| match flow.state.page {
            Page::Confirm => unit.send_confirmation_again(tx, flow),
            Page::Reset => unit.send_reset_again(tx, flow),
            _ => unit.send_again(tx, flow),
        })
        .await;
    hand.respond(pressed)
}

impl Hand {
    fn name(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let name = typed::name(self.field("username")).to_owned();
        flow.state.name.clone_from(&name);
        flow.state.offered.clear();
        flow.state.forget_session();
        flow.state.passkeys = self.passkey_browser();
        let fault = typed::name_fault(typed::name_kind(&flow.at.pool), &name).map(Fault::from);
        if let Some(fault) = fault {
            flow.state.stay(Page::Identify, fault);
            return Ok(Went::To(Page::Identify));
        }
        if self.asks_for_passkey(tx, flow)? {
            return Ok(Went::To(Page::Passkey));
        }
        if self.visit.cookies.came_by_password(&flow.at.pool.id) {
            let (ways, _) = self.pools.ways(tx, &flow.at, &name)?;
            if ways.contains(&Factor::Password) {
                flow.state.offer(&ways);
                return Ok(Went::To(Page::Password));
            }
        }
        self.ask(tx, flow)
    }

    /// Asks for the best factor of whoever has the name: a code before a password, and where the name is a number, a
    /// text before a mail.
    pub(super) fn ask(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let allows = |factor| flow.at.pool.allowed_factors.contains(&factor);
        let by_text =
            allows(Factor::SmsOtp) && (is_phone_number(&flow.state.name) || !allows(Factor::EmailOtp));
        self.ask_for(tx, flow, if by_text { Factor::SmsOtp } else { Factor::EmailOtp })
    }

    /// Shows the other ways of whoever has a name that no code could be sent to, if there are any. To look for them may be
    /// refused, too.
    pub(super) fn may_choose(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<bool> {
        let (ways, _) = match self.pools.ways(tx, &flow.at, &flow.state.name) {
            Ok(found) => found,
            Err(Error::Refused(_)) => return Ok(false),
            Err(failed) => return Err(failed),
        };
        flow.state.passkeys = self.passkey_browser();
        flow.state.offer(&ways);
        Ok(flow.state.has_other_ways())
    }

    fn ask_for(&self, tx: &mut Tx<'_>, flow: &mut Flow, preferred: Factor) -> Answer<Went> {
        let at = flow.at.clone();
        if !at.client.allows(ExplicitAuthFlowsType::AllowUserAuth) {
            flow.state.offered = vec![Factor::Password.as_str().to_owned()];
            return Ok(Went::To(Page::Password));
        }
        match self.pools.begin(tx, &at, &flow.state.name, Some(preferred), Given::Nothing) {
            Ok(Step::Ask(asked)) if matches!(asked.kind, Kind::Code(_)) => {
                flow.keep(tx.keys(), &asked);
                Ok(Went::To(Page::Code))
            }
            Ok(Step::Ask(asked)) => {
                // Another code than the one that was thought of is still better than a password.
                if let Some(code) = asked.available.iter().find(|factor| factor.code().is_some()) {
                    return self.ask_for(tx, flow, *code);
                }
                flow.state.offer(&asked.available);
                Ok(Went::To(Page::Password))
            }
            Err(error) => Err(error),
            Ok(Step::Check(_) | Step::Done(_) | Step::No(_)) => {
                Err(anyhow::anyhow!("a sign-in that was begun asked nothing").into())
            }
        }
    }

    fn choose(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let chosen = Factor::parse(self.field("factor")).filter(|factor| flow.state.offers(*factor));
        match chosen {
            Some(factor @ (Factor::EmailOtp | Factor::SmsOtp)) => {
                let went_by_text = flow.state.destination.starts_with('+');
                let is_the_same = flow.state.has_session() && went_by_text == (factor == Factor::SmsOtp);
                if is_the_same { self.send_again(tx, flow) } else { self.ask_for(tx, flow, factor) }
            }
            Some(Factor::Password) => Ok(Went::To(Page::Password)),
            Some(Factor::WebAuthn) => Ok(Went::To(Page::Passkey)),
            // The pages send the password itself.
            Some(Factor::PasswordSrp) | None => Ok(Went::To(Page::Choose)),
        }
    }

    /// Sends a new code in the same challenge, or in a new one when that is over.
    fn send_again(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        if flow.state.name.is_empty() {
            return Ok(Went::To(Page::Identify));
        }
        let at: At = flow.at.clone();
        let resent = match flow.session(tx.keys()) {
            Some(session) => match self.pools.send_again(tx, &at, &session) {
                Ok(resent) => resent,
                // The challenge is so old that it was swept away.
                Err(Error::Refused(refused)) if refused.kind == NotAuthorizedException => Resent::Over,
                Err(error) => return Err(error),
            },
            None => Resent::Over,
        };
        let notice = match resent {
            Resent::Sent { .. } => Notice::Sent,
            Resent::Wait { .. } => Notice::TooSoon,
            Resent::NoMore => Notice::NoneLeft,
            Resent::Over => {
                let is_first = !flow.state.has_session();
                let went = self.ask(tx, flow)?;
                flow.state.notice = (!is_first).then_some(Notice::Sent);
                return Ok(went);
            }
        };
        flow.state.notice = Some(notice);
        Ok(Went::To(Page::Code))
    }
}
