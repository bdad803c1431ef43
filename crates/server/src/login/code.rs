//! "Check your email": the step that takes a code.

use super::flow::{Fault, Flow, Page, is_told};
use super::press::{Hand, Went};
use super::typed;
use super::visit::Visit;
use axum::response::Response;
use postern_model::cognito_idp::errors::{CodeMismatchException, NotAuthorizedException};
use postern_model::{Answer, Error};
use postern_pools::account_codes::AccountCode;
use postern_pools::auth::code::CodeKind;
use postern_pools::sign_in::Step;
use postern_pools::unit::kept;
use postern_store::Tx;

/// Tries left that are worth telling.
pub const FEW_TRIES: u64 = 2;

/// `POST /login/code`
pub async fn typed_in(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::Code, move |tx, flow| unit.code(tx, flow)).await)
}

impl Hand {
    /// What a wrong code about the account of a flow's name comes to.
    pub(super) fn wrong_account_code(
        &self,
        tx: &mut Tx<'_>,
        flow: &Flow,
        kind: AccountCode,
    ) -> Answer<Fault> {
        Ok(match self.pools.account_code_tries(tx, &flow.at, &flow.state.name, kind)? {
            Some(0) => Fault::Spent,
            Some(tries) if tries <= FEW_TRIES => Fault::WrongLeft { tries },
            _ => Fault::Wrong,
        })
    }

    fn code(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let code = typed::code(self.field("code"));
        let Some(session) = flow.session(tx.keys()) else { return Ok(Went::To(Page::Identify)) };
        if code.is_empty() {
            flow.state.stay(Page::Code, Fault::Empty);
            return Ok(Went::To(Page::Code));
        }
        let answered =
            self.pools.answer_code(tx, &flow.at, &CodeKind::ALL, &flow.state.name, &session, &code);
        match kept(answered) {
            Ok(Step::Done(signed_in)) => self.home(tx, flow, signed_in),
            Ok(Step::No(error)) if error.kind() == Some(CodeMismatchException) => {
                flow.state.stay(Page::Code, Fault::Wrong);
                Ok(Went::To(Page::Code))
            }
            Ok(Step::No(Error::Refused(no))) if is_told(&no) => {
                flow.state.stay_told(Page::Code, &no);
                Ok(Went::To(Page::Code))
            }
            // The code was right, and the account is gone or closed: it opens nothing any more.
            Ok(Step::No(_)) => {
                flow.state.stay(Page::Code, Fault::Expired);
                Ok(Went::To(Page::Code))
            }
            // The challenge is over; the page says how.
            Err(Error::Refused(refused)) if refused.kind == NotAuthorizedException => {
                Ok(Went::To(Page::Code))
            }
            Err(error) => Err(error),
            Ok(Step::Ask(asked)) => self.second(tx, flow, &asked),
            Ok(Step::Check(_)) => Err(anyhow::anyhow!("a code that was judged asked for a password").into()),
        }
    }
}
