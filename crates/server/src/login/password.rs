//! The steps that take a password, and a new one where the first must be replaced. Hashes are computed between two
//! units of work, never inside one.

use super::flow::{Fault, Flow, Page, is_told};
use super::press::{Hand, Pressed, Went};
use super::visit::Visit;
use axum::response::Response;
use postern_model::cognito_idp::errors::{
    InvalidParameterException, NotAuthorizedException, PasswordResetRequiredException,
    UserNotConfirmedException,
};
use postern_model::{Answer, Error, Secret, refusal};
use postern_pools::passwords::{NewPassword, Owner};
use postern_pools::sign_in::{Asked, At, Kind, Step};
use postern_pools::unit::kept;
use postern_store::Tx;

/// The longest password that can be anybody's.
const PASSWORD_MAX: usize = 256;

/// What the first unit of work of a password says.
type Begun = Result<(At, Step<Went>), Pressed>;

/// `POST /login/password`
pub async fn typed_in(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let pressed = match hand.field("password") {
        "" => hand.press(Page::Password, |_, flow| stay(flow, Page::Password, Fault::Empty)).await,
        password if password.chars().count() > PASSWORD_MAX => {
            hand.press(Page::Password, |_, flow| stay(flow, Page::Password, Fault::Wrong)).await
        }
        password => hand.check(Secret::new(password)).await,
    };
    hand.respond(pressed)
}

/// `POST /login/new-password`
pub async fn renewed(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let pressed = hand.renew().await;
    hand.respond(pressed)
}

fn stay(flow: &mut Flow, page: Page, fault: Fault) -> Answer<Went> {
    flow.state.stay(page, fault);
    Ok(Went::To(page))
}

/// What the first password proved is forgotten: it is asked for once more.
fn too_old(flow: &mut Flow) -> Answer<Went> {
    flow.state.forget_session();
    stay(flow, Page::Password, Fault::Expired)
}

/// The password was right and must be another one: the way to it begins with a code.
fn must_reset(_: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
    if !flow.may_recover() {
        return stay(flow, Page::Password, Fault::Wrong);
    }
    flow.state.forget_session();
    Ok(Went::To(Page::Forgot))
}

impl Hand {
    pub async fn check(&self, password: Secret) -> Answer<Pressed> {
        let hand = self.clone();
        let begun: Answer<Begun> = self
            .pools
            .page_unit(&self.visit.caller, move |tx| {
                let flow = match hand.found(tx)? {
                    Ok(flow) => flow,
                    Err(pressed) => return Ok(Err(pressed)),
                };
                if !flow.fits(Page::Password) {
                    return Ok(Err(Pressed::Went { flow: flow.id, went: Went::To(flow.state.page) }));
                }
                let step =
                    hand.pools.begin_with_password(tx, &flow.at, &flow.state.name, password.reveal())?;
                // A password is always checked before anybody is in.
                let step = step.end(|_| Err(anyhow::anyhow!("a password was not checked").into()))?;
                Ok(Ok((flow.at, step)))
            })
            .await;
        let (at, step) = match begun {
            Ok(Ok(begun)) => begun,
            Ok(Err(pressed)) => return Ok(pressed),
            Err(Error::Refused(refused)) => return self.stay(Page::Password, refused).await,
            Err(failed) => return Err(failed),
        };
        let hand = self.clone();
        let checked = self
            .pools
            .check_password(&at, step, move |tx, _, signed_in| {
                let mut flow = match hand.found(tx)? {
                    Ok(flow) => flow,
                    Err(_) => return Err(refusal(super::flow::OVERTAKEN, "")),
                };
                let went = hand.home(tx, &mut flow, signed_in)?;
                flow.save(tx)?;
                Ok(went)
            })
            .await;
        match checked {
            Ok(Step::Done(went)) => Ok(Pressed::Went { flow: self.flow_id.clone(), went }),
            Ok(Step::Ask(asked)) if asked.kind == Kind::NewPasswordRequired => self.ask_for_new(asked).await,
            Ok(Step::Ask(asked)) => {
                let hand = self.clone();
                self.press(Page::Password, move |tx, flow| hand.second(tx, flow, &asked)).await
            }
            Ok(Step::No(error)) if error.kind() == Some(UserNotConfirmedException) => {
                let hand = self.clone();
                self.press(Page::Password, move |tx, flow| hand.send_confirmation_to_maker(tx, flow)).await
            }
            Ok(Step::No(error)) if error.kind() == Some(PasswordResetRequiredException) => {
                self.press(Page::Password, must_reset).await
            }
            Ok(Step::No(Error::Refused(no))) if is_told(&no) => self.stay(Page::Password, no).await,
            Ok(Step::No(Error::Refused(_))) => {
                self.press(Page::Password, |_, flow| stay(flow, Page::Password, Fault::Wrong)).await
            }
            Err(Error::Refused(refused)) => self.stay(Page::Password, refused).await,
            Ok(Step::No(failed)) | Err(failed) => Err(failed),
            Ok(Step::Check(_)) => Err(anyhow::anyhow!("a password check asked for another").into()),
        }
    }

    async fn ask_for_new(&self, asked: Asked) -> Answer<Pressed> {
        self.press(Page::Password, move |tx, flow| {
            flow.keep(tx.keys(), &asked);
            flow.state.fields.clear();
            Ok(Went::To(Page::NewPassword))
        })
        .await
    }

    async fn renew(&self) -> Answer<Pressed> {
        let flow = match self.look().await? {
            Ok(flow) if flow.state.page == Page::NewPassword => flow,
            Ok(flow) => {
                let page = flow.state.page;
                return Ok(Pressed::Went { flow: flow.id, went: Went::To(page) });
            }
            Err(pressed) => return Ok(pressed),
        };
        let given: Vec<(String, String)> = flow
            .state
            .missing
            .iter()
            .map(|name| (name.clone(), self.field(name).trim().to_owned()))
            .collect();
        let password = self.field("password");
        let lacks = given.iter().any(|(_, value)| value.is_empty());
        let new = match password {
            "" => None,
            _ if lacks => None,
            password => match self.renewed(flow, password).await {
                Ok(new) => Some(new),
                // The question is too old: the first password asks it again.
                Err(Error::Refused(refused)) if refused.kind == NotAuthorizedException => {
                    return self.press(Page::NewPassword, |_, flow| too_old(flow)).await;
                }
                Err(Error::Refused(refused)) => return self.stay(Page::NewPassword, refused).await,
                Err(failed) => return Err(failed),
            },
        };
        let has_password = !password.is_empty();
        let hand = self.clone();
        self.press(Page::NewPassword, move |tx, flow| {
            flow.state.fields = given.iter().cloned().collect();
            let Some(new) = &new else {
                for (name, _) in given.iter().filter(|(_, value)| value.is_empty()) {
                    flow.state.field_faults.insert(name.clone(), Fault::Empty);
                }
                if !has_password {
                    flow.state.stay(Page::NewPassword, Fault::Empty);
                }
                return Ok(Went::To(Page::NewPassword));
            };
            hand.answer_new(tx, flow, new, &given)
        })
        .await
    }

    /// Makes the new password for whoever was asked for it.
    async fn renewed(&self, flow: Flow, password: &str) -> Answer<NewPassword> {
        let (pools, at) = (self.pools.clone(), flow.at.clone());
        let owner: Owner = self
            .pools
            .store
            .read(move |tx| {
                let session = flow.session(tx.keys()).unwrap_or_default();
                pools.owner_renewing(tx, &flow.at, &flow.state.name, &session)
            })
            .await?;
        self.pools.new_password(&at.pool, owner, password).await
    }

    fn answer_new(
        &self,
        tx: &mut Tx<'_>,
        flow: &mut Flow,
        new: &NewPassword,
        attributes: &[(String, String)],
    ) -> Answer<Went> {
        let Some(session) = flow.session(tx.keys()) else { return too_old(flow) };
        let name = flow.state.name.clone();
        match kept(self.pools.answer_new_password(tx, &flow.at, &name, &session, new, attributes)) {
            Ok(Step::Done(signed_in)) => self.home(tx, flow, signed_in),
            Ok(Step::Ask(asked)) => self.second(tx, flow, &asked),
            // The password is set; only who signs in by it is refused.
            Ok(Step::No(Error::Refused(no))) if is_told(&no) => {
                flow.state.forget_session();
                flow.state.stay_told(Page::Password, &no);
                Ok(Went::To(Page::Password))
            }
            // The question is too old: the first password asks it again.
            Err(Error::Refused(refused)) if refused.kind == NotAuthorizedException => too_old(flow),
            Err(Error::Refused(refused)) if refused.kind == InvalidParameterException => {
                for (name, _) in attributes {
                    flow.state.field_faults.insert(name.clone(), Fault::Wrong);
                }
                Ok(Went::To(Page::NewPassword))
            }
            Err(error) | Ok(Step::No(error)) => Err(error),
            Ok(Step::Check(_)) => Err(anyhow::anyhow!("a new password asked for another").into()),
        }
    }
}
