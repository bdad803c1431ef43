//! What every press of a button shares: the form is ours, one unit of work moves the flow, and the answer is a redirect
//! to a page that can be opened again, or leads away from our pages.

use super::back::Away;
use super::cookies::Setting;
use super::flow::{Fault, Flow, OVERTAKEN, Page, csrf_matches};
use super::problem;
use super::typed::{self, CODE};
use super::visit::Visit;
use crate::pages::problem::Trouble;
use crate::respond::{response, with_header};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use postern_mail::DEFAULT_SENDER_LIMIT;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, Refusal};
use postern_pools::Pools;
use postern_pools::auth::risk::Guard;
use postern_pools::functions;
use postern_pools::messages::Catalogue;
use postern_pools::oauth::browser::Person;
use postern_pools::settings::sms::is_about_text;
use postern_pools::sign_in::{Device, SignedIn};
use postern_pools::threats::BLOCKED;
use postern_store::Tx;

/// How long somebody is signed in at least, where the answer is posted by a page that comes after.
pub(super) const POSTING_MS: i64 = 30_000;
/// The same while a person thinks about an offer.
pub(super) const OFFERING_MS: i64 = 10 * 60_000;

/// How long a person waits when it is not known for how long.
const WAIT_S: u32 = 60;

/// Where a press leads.
pub enum Went {
    To(Page),
    /// Back to the app, signed in in this browser under a new handle.
    Home {
        away: Away,
        pool_id: String,
        session: String,
        session_s: i64,
        /// By which the browser is recognised from now on.
        mark: String,
        by_password: bool,
    },
    /// Back to the app, which expects somebody else; signed in nowhere.
    Refused(Away),
}

/// How a press ended.
pub enum Pressed {
    Went {
        flow: String,
        went: Went,
    },
    /// The sign-in was over already; the same request shows where it stands.
    Over(Away),
    /// Too late; the flow's pages say so.
    Expired(String),
    Gone,
}

/// What a unit of work of a press needs, whole, so that it can be run again.
#[derive(Clone)]
pub struct Hand {
    pub pools: Pools,
    pub visit: Visit,
    pub flow_id: String,
}

impl Hand {
    /// Takes the press of a button of a form of ours; anything else is answered here.
    pub fn of(visit: &Visit) -> Result<Hand, Box<Response>> {
        let flow_id = visit.form.first("flow").unwrap_or_default().to_owned();
        let csrf = visit.form.first("csrf").unwrap_or_default();
        if !visit.is_from_here() || !csrf_matches(&visit.app, &visit.cookies, &flow_id, csrf) {
            return Err(Box::new(gone(visit)));
        }
        Ok(Hand { pools: visit.app.pools.clone(), visit: visit.clone(), flow_id })
    }

    /// A field of the form.
    pub fn field(&self, name: &str) -> &str {
        self.visit.form.first(name).unwrap_or_default()
    }

    /// The flow of this press, if it can go on.
    pub fn found(&self, tx: &mut Tx<'_>) -> Answer<Result<Flow, Pressed>> {
        let browser = self.visit.cookies.browser();
        let found = Flow::find(tx, &self.pools, &self.visit.caller, &self.flow_id, browser)?;
        let Some(mut flow) = found else { return Ok(Err(Pressed::Gone)) };
        flow.at.device =
            self.visit.cookies.mark(&flow.at.pool.id).map(|mark| Device::Browser(mark.to_owned()));
        flow.at.words = Catalogue::of(self.visit.language().tag());
        if flow.state.done {
            return Ok(Err(Pressed::Over(Away::of_flow(&flow, flow.state.request.href(true)))));
        }
        if flow.is_expired {
            return Ok(Err(Pressed::Expired(flow.href(Page::Identify))));
        }
        Ok(Ok(flow))
    }

    /// The flow as it stands, to prepare something that must not happen inside a unit of work.
    pub async fn look(&self) -> Answer<Result<Flow, Pressed>> {
        let hand = self.clone();
        self.visit.app.store.read(move |tx| hand.found(tx)).await
    }

    /// Moves the flow by one unit of work. What is refused is undone, and said on `page` instead.
    pub async fn press(
        &self,
        page: Page,
        mut unit: impl FnMut(&mut Tx<'_>, &mut Flow) -> Answer<Went> + Send + 'static,
    ) -> Answer<Pressed> {
        let hand = self.clone();
        let pressed = self
            .pools
            .page_unit(&self.visit.caller, move |tx| {
                let mut flow = match hand.found(tx)? {
                    Ok(flow) => flow,
                    Err(pressed) => return Ok(pressed),
                };
                // Whose app takes nobody's own name goes on with a provider.
                if !flow.at.client.supports(None) {
                    return Ok(Pressed::Went { flow: flow.id, went: Went::To(Page::Identify) });
                }
                // Another name may be given at any time; all else belongs to where the person stands.
                if page != Page::Identify && !flow.fits(page) {
                    return Ok(Pressed::Went { flow: flow.id, went: Went::To(flow.state.page) });
                }
                flow.state.clear();
                // Another name begins another sign-in.
                let is_watched = flow.at.pool.guard != Guard::Off && page != Page::Identify;
                if let Some(session) = flow.session(tx.keys()).filter(|_| is_watched) {
                    (_, _, flow.at.watch) = hand.pools.carried(tx, &flow.at, &session)?;
                }
                let went = unit(tx, &mut flow)?;
                if let Went::To(page) = went {
                    flow.state.page = if page == Page::Choose { flow.state.page } else { page };
                }
                flow.save(tx)?;
                Ok(Pressed::Went { flow: flow.id, went })
            })
            .await;
        match pressed {
            Err(Error::Refused(refused)) => self.stay(page, refused).await,
            pressed => pressed,
        }
    }

    /// Notes on a page why something was refused.
    pub async fn stay(&self, page: Page, refused: Refusal) -> Answer<Pressed> {
        if refused.kind == OVERTAKEN {
            return Ok(Pressed::Went { flow: self.flow_id.clone(), went: Went::To(page) });
        }
        let hand = self.clone();
        self.visit
            .app
            .store
            .write(move |tx| {
                let mut flow = match hand.found(tx)? {
                    Ok(flow) => flow,
                    Err(pressed) => return Ok(pressed),
                };
                let fault = fault_of(&refused, flow.at.now.ms());
                flow.state.clear();
                if matches!(page, Page::Identify | Page::Forgot) {
                    // Nobody should have to type it twice.
                    flow.state.name = typed::name(hand.field("username")).to_owned();
                }
                if page == Page::Identify && fault.is_unsent() && hand.may_choose(tx, &mut flow)? {
                    flow.state.stay(Page::Choose, fault);
                    flow.save(tx)?;
                    return Ok(Pressed::Went { flow: flow.id, went: Went::To(Page::Choose) });
                }
                match page {
                    Page::Choose if functions::refused(refused.kind) => {
                        flow.state.said = Some((page, functions::words_of(&refused).to_owned()));
                    }
                    page if functions::refused(refused.kind) => flow.state.stay_told(page, &refused),
                    // Choosing is a side door: where the person stands stays the same.
                    Page::Choose => flow.state.fault = Some((page, fault)),
                    // Why a code was not taken is another thing than why none was sent.
                    Page::Confirm if hand.visit.form.has(CODE) => {
                        flow.state.field_faults.insert(CODE.to_owned(), fault);
                    }
                    page => flow.state.stay(page, fault),
                }
                flow.save(tx)?;
                Ok(Pressed::Went { flow: flow.id, went: Went::To(page) })
            })
            .await
    }

    /// Ends the flow: the browser is signed in, and the app gets its code. All in the unit of work that judged
    /// the last answer.
    pub fn home(&self, tx: &mut Tx<'_>, flow: &mut Flow, signed_in: SignedIn) -> Answer<Went> {
        let at = &flow.at;
        let request = &flow.state.request;
        let person = Person {
            user: signed_in.user,
            auth: at.now,
            amr: signed_in.facts.amr,
            vouched: flow.state.vouched.clone(),
            tried: self.pools.level_wished(at, request, None),
        };
        if let Some(hint) = &request.id_token_hint
            && self.pools.hinted(tx, hint)?.is_none_or(|hinted| hinted.user_id != person.user.id)
        {
            // The same request, asking nobody, has the app told so (OpenID Connect Core §3.1.2.1).
            let href = format!("{}&prompt=none", request.href(true));
            let away = Away::of_flow(flow, href);
            flow.state.forget_session();
            flow.state.page = Page::Identify;
            return Ok(Went::Refused(away));
        }
        let before = self.visit.cookies.session(&at.pool.id);
        let offers_passkey = self.offers_passkey(tx, flow, &person)?;
        // A posted answer is a page of its own, and tokens are signed outside of this unit: both come for who is signed
        // in, by the same request once more. So does an offer.
        let least_ms = match request.takes_code_by_address() {
            _ if offers_passkey => OFFERING_MS,
            true => 0,
            false => POSTING_MS,
        };
        let life_ms = at.client.sso_ms.max(least_ms);
        let session = self.pools.sign_browser_in(tx, at, &person, before, life_ms)?;
        let href = match request.takes_code_by_address() {
            _ if offers_passkey => flow.href(Page::AddPasskey),
            true => self.pools.answer_with_code(tx, at, request, &person)?.href(),
            false => request.href(true),
        };
        let away = Away::of_flow(flow, href);
        let pool_id = at.pool.id.clone();
        let mark = self.pools.mark_browser(tx.keys(), at, &person.user);
        let by_password = person.amr.iter().any(|way| way == "pwd");
        flow.state.done = true;
        flow.state.forget_session();
        flow.state.fields.clear();
        Ok(Went::Home { away, pool_id, session, session_s: life_ms / 1000, mark, by_password })
    }

    /// The response to a press.
    pub fn respond(&self, pressed: Answer<Pressed>) -> Response {
        let visit = &self.visit;
        match pressed {
            Ok(Pressed::Went { flow, went: Went::To(page) }) => {
                redirect(StatusCode::SEE_OTHER, &format!("{}?flow={flow}", page.path()))
            }
            Ok(Pressed::Went {
                went: Went::Home { away, pool_id, session, session_s, mark, by_password },
                ..
            }) => {
                let response = away.response(visit);
                let response = visit.cookies.set_session(&pool_id, &session, session_s).on(response);
                let response = visit.cookies.set_mark(&pool_id, &mark).on(response);
                match visit.cookies.set_by_password(&pool_id, by_password) {
                    Some(cookie) => cookie.on(response),
                    None => response,
                }
            }
            Ok(Pressed::Went { went: Went::Refused(away), .. } | Pressed::Over(away)) => away.response(visit),
            Ok(Pressed::Expired(href)) => redirect(StatusCode::SEE_OTHER, &href),
            Ok(Pressed::Gone) => gone(visit),
            Err(cause) => problem::failed(visit, &cause),
        }
    }
}

/// The page for a flow that is not there, or not this browser's.
pub fn gone(visit: &Visit) -> Response {
    problem::page(visit, "", Trouble::Expired { back_href: None })
}

/// A redirect that nobody keeps.
pub fn redirect(status: StatusCode, to: &str) -> Response {
    with_header(response(status, "text/plain; charset=utf-8", ""), LOCATION, to)
}

/// Sets a cookie on a redirect.
pub fn redirect_with(status: StatusCode, to: &str, cookie: Option<Setting>) -> Response {
    let response = redirect(status, to);
    match cookie {
        Some(cookie) => cookie.on(response),
        None => response,
    }
}

/// What a refusal of the engine means to the person.
pub fn fault_of(refused: &Refusal, now_ms: i64) -> Fault {
    let kind = refused.kind;
    let wait_s = refused.retry_after_s;
    if refused.message == BLOCKED {
        return Fault::Blocked;
    }
    if refused.message == DEFAULT_SENDER_LIMIT {
        return Fault::SendFailed;
    }
    let too_many = |wait_s: u32| Fault::TooMany { until_ms: now_ms + i64::from(wait_s) * 1000 };
    if kind == LimitExceededException || kind == TooManyRequestsException {
        too_many(wait_s.unwrap_or(WAIT_S))
    } else if is_about_text(refused) {
        Fault::TextFailed
    } else if kind == CodeDeliveryFailureException || kind == InvalidEmailRoleAccessPolicyException {
        Fault::SendFailed
    } else if kind == AliasExistsException {
        Fault::Taken
    } else if kind == InvalidPasswordException {
        Fault::RulesUnmet
    } else if kind == PasswordHistoryPolicyViolationException {
        Fault::Reused
    } else if kind == ExpiredCodeException {
        Fault::Expired
    } else if kind == NotAuthorizedException {
        wait_s.map_or(Fault::Wrong, too_many)
    } else if kind == CodeMismatchException {
        Fault::Wrong
    } else {
        Fault::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::refusal;

    #[test]
    fn each_refusal_of_the_engine_has_words_on_the_page() {
        let fault = |error: Error| match error {
            Error::Refused(refused) => fault_of(&refused, 1_000),
            Error::Failed(_) => panic!("a failure"),
        };
        assert_eq!(
            fault(refusal(LimitExceededException, "").retry_after(18)),
            Fault::TooMany { until_ms: 19_000 }
        );
        assert_eq!(fault(refusal(TooManyRequestsException, "")), Fault::TooMany { until_ms: 61_000 });
        assert_eq!(
            fault(refusal(NotAuthorizedException, "").retry_after(4)),
            Fault::TooMany { until_ms: 5_000 }
        );
        assert_eq!(fault(refusal(NotAuthorizedException, "")), Fault::Wrong);
        assert_eq!(fault(refusal(CodeDeliveryFailureException, "")), Fault::SendFailed);
        assert_eq!(fault(refusal(InvalidEmailRoleAccessPolicyException, "")), Fault::SendFailed);
        assert_eq!(fault(refusal(LimitExceededException, DEFAULT_SENDER_LIMIT)), Fault::SendFailed);
        assert_eq!(fault(refusal(InvalidSmsRoleAccessPolicyException, "")), Fault::TextFailed);
        assert_eq!(fault(refusal(AliasExistsException, "")), Fault::Taken);
        assert_eq!(fault(refusal(InvalidPasswordException, "")), Fault::RulesUnmet);
        assert_eq!(fault(refusal(PasswordHistoryPolicyViolationException, "")), Fault::Reused);
        assert_eq!(fault(refusal(UsernameExistsException, "")), Fault::Refused);
        assert_eq!(fault(refusal(NotAuthorizedException, BLOCKED)), Fault::Blocked);
    }
}
