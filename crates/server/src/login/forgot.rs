//! A forgotten password: a code is sent, and with it a new one is chosen. Whoever chose it signs in with it at once, by
//! the same steps as with any other (rule F7).

use super::flow::{Fault, Flow, Notice, Page, is_told};
use super::press::{Hand, Pressed, Went, fault_of};
use super::typed::{self, CODE};
use super::visit::Visit;
use axum::response::Response;
use postern_model::cognito_idp::errors::{
    CodeMismatchException, InvalidPasswordException, PasswordHistoryPolicyViolationException,
};
use postern_model::{Answer, Error, Secret};
use postern_pools::account_codes::AccountCode;
use postern_pools::auth::factors::Factor;
use postern_pools::limits::SEND_PAUSE_MS;
use postern_pools::operations::recovery::Reset;
use postern_pools::sign_in::{At, Step};
use postern_store::Tx;

/// The field of a new password, under which its faults are kept.
pub const PASSWORD: &str = "password";

/// What judging a code comes to, where the flow can go on at all.
type Judged = Result<(At, Step<Reset>), Pressed>;

/// `POST /forgotPassword`
pub async fn asked(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::Forgot, move |tx, flow| unit.forgot(tx, flow)).await)
}

/// `POST /confirmforgotPassword`
pub async fn chosen(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let pressed = hand.choose_new().await;
    hand.respond(pressed)
}

impl Hand {
    fn forgot(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let name = typed::name(self.field("username")).to_owned();
        // What was offered to another name says nothing of this one.
        if name != flow.state.name {
            flow.state.offered.clear();
        }
        if !flow.state.offers(Factor::Password) {
            flow.state.offered.push(Factor::Password.as_str().to_owned());
        }
        flow.state.name.clone_from(&name);
        flow.state.forget_session();
        if let Some(fault) = typed::name_fault(typed::name_kind(&flow.at.pool), &name) {
            flow.state.stay(Page::Forgot, Fault::from(fault));
            return Ok(Went::To(Page::Forgot));
        }
        self.send_reset(tx, flow)
    }

    fn send_reset(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let to = self.pools.forgot_password_in_unit(tx, &flow.at, &flow.state.name)?;
        flow.state.destination = to.masked();
        flow.state.sent_ms = flow.at.now.ms();
        Ok(Went::To(Page::Reset))
    }

    /// Sends a new code, when the last one had its time to arrive.
    pub fn send_reset_again(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        if flow.at.now.ms() < flow.state.sent_ms + SEND_PAUSE_MS {
            flow.state.notice = Some(Notice::TooSoon);
            return Ok(Went::To(Page::Reset));
        }
        let went = self.send_reset(tx, flow)?;
        flow.state.notice = Some(Notice::Sent);
        Ok(went)
    }

    /// Judges the code, makes the new password between two units of work, sets it, and signs in with it.
    async fn choose_new(&self) -> Answer<Pressed> {
        let code = typed::code(self.field(CODE));
        let password = Secret::new(self.field(PASSWORD));
        if code.is_empty() || password.reveal().is_empty() {
            return self.lack(&[(CODE, code.is_empty()), (PASSWORD, password.reveal().is_empty())]).await;
        }
        let (at, step) = match self.judged(code, password.clone()).await {
            Ok(Ok(judged)) => judged,
            Ok(Err(pressed)) => return Ok(pressed),
            Err(error) => return self.not_reset(error).await,
        };
        let reset = match step {
            Step::Done(reset) => reset,
            Step::No(error) => return self.not_reset(error).await,
            Step::Ask(_) | Step::Check(_) => return Err(anyhow::anyhow!("a reset asked for more").into()),
        };
        let new = match self.pools.new_password(&at.pool, reset.owner.clone(), password.reveal()).await {
            Ok(new) => new,
            Err(error) => return self.not_reset(error).await,
        };
        let hand = self.clone();
        let set = self
            .press(Page::Reset, move |tx, flow| {
                match hand.pools.reset_in_unit(tx, &flow.at, &reset, &new)? {
                    Step::Done(()) => {}
                    // The password is set, whatever a function says of it.
                    Step::No(Error::Refused(no)) if is_told(&no) => {
                        flow.state.stay_told(Page::Password, &no);
                    }
                    Step::No(error) => return Err(error),
                    Step::Ask(_) | Step::Check(_) => {
                        return Err(anyhow::anyhow!("a reset asked for more").into());
                    }
                }
                Ok(Went::To(Page::Password))
            })
            .await?;
        match self.look().await? {
            Ok(flow) if flow.state.page == Page::Password && flow.state.said.is_none() => {
                self.check(password).await
            }
            _ => Ok(set),
        }
    }

    /// Says which fields were left empty.
    async fn lack(&self, fields: &[(&'static str, bool)]) -> Answer<Pressed> {
        let empty: Vec<&str> = fields.iter().filter(|(_, lacks)| *lacks).map(|(field, _)| *field).collect();
        self.press(Page::Reset, move |_, flow| {
            let faults = empty.iter().map(|field| ((*field).to_owned(), Fault::Empty));
            flow.state.field_faults.extend(faults);
            Ok(Went::To(Page::Reset))
        })
        .await
    }

    async fn judged(&self, code: String, password: Secret) -> Answer<Judged> {
        let hand = self.clone();
        self.pools
            .page_unit(&self.visit.caller, move |tx| {
                let flow = match hand.found(tx)? {
                    Ok(flow) => flow,
                    Err(pressed) => return Ok(Err(pressed)),
                };
                if !flow.fits(Page::Reset) {
                    return Ok(Err(Pressed::Went { flow: flow.id, went: Went::To(flow.state.page) }));
                }
                // A password that cannot be taken costs no attempt at the code.
                hand.pools.accepts(&flow.at.pool, password.reveal())?;
                let step = hand.pools.answer_reset_code(tx, &flow.at, &flow.state.name, &code)?;
                Ok(Ok((flow.at, step)))
            })
            .await
    }

    /// Says at the field that it is about why no new password was set.
    async fn not_reset(&self, error: Error) -> Answer<Pressed> {
        let Error::Refused(refused) = error else { return Err(error) };
        if is_told(&refused) {
            return self.stay(Page::Reset, refused).await;
        }
        let about_password =
            [InvalidPasswordException, PasswordHistoryPolicyViolationException].contains(&refused.kind);
        let field = if about_password { PASSWORD } else { CODE };
        let hand = self.clone();
        self.press(Page::Reset, move |tx, flow| {
            let fault = match refused.kind {
                kind if kind == CodeMismatchException => {
                    hand.wrong_account_code(tx, flow, AccountCode::Reset)?
                }
                _ => fault_of(&refused, flow.at.now.ms()),
            };
            flow.state.field_faults.insert(field.to_owned(), fault);
            Ok(Went::To(Page::Reset))
        })
        .await
    }
}
