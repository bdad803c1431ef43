//! A new account: its fields, and the code that confirms it and signs in at once.

use super::flow::{Fault, Flow, Made, Notice, Page, is_told};
use super::press::{Hand, Pressed, Went};
use super::typed;
use super::visit::Visit;
use axum::response::Response;
use postern_mail::address::Address;
use postern_model::cognito_idp::ExplicitAuthFlowsType;
use postern_model::cognito_idp::errors::{CodeMismatchException, ExpiredCodeException};
use postern_model::{Answer, Error};
use postern_pools::account_codes::AccountCode;
use postern_pools::attributes;
use postern_pools::destination::Medium;
use postern_pools::limits::SEND_PAUSE_MS;
use postern_pools::names::{NameKind, is_phone_number};
use postern_pools::operations::sign_up::NewAccount;
use postern_pools::passwords::{NewPassword, Owner};
use postern_pools::sign_in::Step;
use postern_pools::unit::kept;
use postern_store::Tx;

/// `POST /signup`
pub async fn created(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let pressed = hand.create().await;
    hand.respond(pressed)
}

/// `POST /confirm`
pub async fn confirmed(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let unit = hand.clone();
    hand.respond(hand.press(Page::Confirm, move |tx, flow| unit.confirm(tx, flow)).await)
}

/// The field whose value is the name that the person will sign in with.
pub fn name_field(flow: &Flow) -> &'static str {
    let names = &flow.at.pool.username_attributes;
    if names.contains(&NameKind::Email) {
        NameKind::Email.as_str()
    } else if names.contains(&NameKind::PhoneNumber) {
        NameKind::PhoneNumber.as_str()
    } else {
        NameKind::Username.as_str()
    }
}

/// What a new account is asked for: its name, the address that codes go to, and what the pool requires.
pub fn fields(flow: &Flow) -> Vec<String> {
    let mut fields = vec![name_field(flow).to_owned()];
    let required = attributes::required(&flow.at.pool).map(str::to_owned);
    let reached = match flow.at.pool.auto_verified.as_slice() {
        [only] => only.attribute(),
        _ => Medium::Email.attribute(),
    };
    for field in [reached.to_owned()].into_iter().chain(required) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    // Where the code goes comes first, whatever the name is.
    fields.sort_by_key(|field| field != reached);
    fields
}

/// What is known of a field before anything is typed into it: the name that was given elsewhere, where it is of that kind.
pub fn known(flow: &Flow, field: &str) -> String {
    let name = &flow.state.name;
    let fits = match field {
        "email" => Address::parse(name).is_ok(),
        "phone_number" => is_phone_number(name),
        "username" => Address::parse(name).is_err() && !is_phone_number(name),
        _ => false,
    };
    if fits { name.clone() } else { String::new() }
}

/// Tells whether somebody may sign up without a password: if codes alone will let them in again.
pub fn needs_password(flow: &Flow) -> bool {
    !(flow.at.pool.allows_codes() && flow.at.client.allows(ExplicitAuthFlowsType::AllowUserAuth))
}

fn fault_in(field: &str, value: &str) -> Option<Fault> {
    match field {
        _ if value.is_empty() => Some(Fault::Empty),
        "email" => Address::parse(value).is_err().then_some(Fault::Wrong),
        "phone_number" => (!is_phone_number(value)).then_some(Fault::Wrong),
        _ => None,
    }
}

impl Hand {
    async fn create(&self) -> Answer<Pressed> {
        let flow = match self.look().await? {
            Ok(flow) if flow.may_sign_up() => flow,
            Ok(flow) => return Ok(Pressed::Went { flow: flow.id, went: Went::To(Page::Identify) }),
            Err(pressed) => return Ok(pressed),
        };
        let given: Vec<(String, String)> = fields(&flow)
            .into_iter()
            .map(|field| {
                let value = typed::name(self.field(&field)).to_owned();
                (field, value)
            })
            .collect();
        let with_password = needs_password(&flow) || self.visit.form.has("password");
        let password = self.field("password");
        let is_complete = given.iter().all(|(field, value)| fault_in(field, value).is_none())
            && !(with_password && password.is_empty());
        let mut hashed = Ok(None);
        if is_complete && with_password {
            let name = name_field(&flow);
            let typed = given.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value);
            let owner = Owner::new(&flow.at.pool, typed);
            hashed = self.pools.new_password(&flow.at.pool, owner, password).await.map(Some);
        }
        let has_password = !password.is_empty();
        let (hand, keep, passkeys) = (self.clone(), given.clone(), self.passkey_browser());
        // What was typed is kept first: a refusal of what follows undoes nothing of it.
        let kept = self
            .press(Page::SignUp, move |_, flow| {
                flow.state.fields = keep.iter().cloned().collect();
                flow.state.with_password = with_password;
                flow.state.passkeys = passkeys;
                for (field, value) in &keep {
                    if let Some(fault) = fault_in(field, value) {
                        flow.state.field_faults.insert(field.clone(), fault);
                    }
                }
                if with_password && !has_password {
                    flow.state.fault = Some((Page::SignUp, Fault::Empty));
                }
                Ok(Went::To(Page::SignUp))
            })
            .await?;
        if !is_complete || !matches!(kept, Pressed::Went { .. }) {
            return Ok(kept);
        }
        let new = match hashed {
            Ok(new) => new,
            Err(Error::Refused(refused)) => return self.stay(Page::SignUp, refused).await,
            Err(failed) => return Err(failed),
        };
        self.press(Page::SignUp, move |tx, flow| hand.sign_up(tx, flow, &given, new.clone())).await
    }

    fn sign_up(
        &self,
        tx: &mut Tx<'_>,
        flow: &mut Flow,
        given: &[(String, String)],
        password: Option<NewPassword>,
    ) -> Answer<Went> {
        let name_field = name_field(flow);
        let value = |field: &str| {
            given.iter().find(|(each, _)| each == field).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let account = NewAccount {
            username: value(name_field),
            attributes: given.iter().filter(|(field, _)| field != "username").cloned().collect(),
            password,
        };
        let signed_up = self.pools.sign_up_in_unit(tx, &flow.at, &account)?;
        flow.state.made = Some(Made { name: account.username.clone(), account: signed_up.user_sub });
        flow.state.name = account.username;
        flow.state.destination = signed_up.destination.map(|to| to.masked()).unwrap_or_default();
        flow.state.sent_ms = flow.at.now.ms();
        flow.state.forget_session();
        if signed_up.confirmed {
            return self.ask(tx, flow);
        }
        Ok(Went::To(Page::Confirm))
    }

    fn confirm(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        if flow.state.page != Page::Confirm {
            return Ok(Went::To(flow.state.page));
        }
        let code = typed::code(self.field("code"));
        if code.is_empty() && flow.waits_for_link() {
            // The link may have been opened anywhere; signing in shows whether it was.
            return self.ask(tx, flow);
        }
        if code.is_empty() {
            flow.state.stay(Page::Confirm, Fault::Empty);
            return Ok(Went::To(Page::Confirm));
        }
        let name = flow.state.name.clone();
        let made = flow.state.made.as_ref().filter(|made| made.name == name);
        let made = made.map(|made| made.account.as_str());
        match kept(self.pools.confirm_in_unit(tx, &flow.at, &name, &code, false, made))? {
            Step::Done(confirmed) => {
                let step = self.pools.signed_up(tx, &flow.at, confirmed.user, confirmed.proven)?;
                self.go_on(tx, flow, step)
            }
            Step::No(Error::Refused(no)) if is_told(&no) => {
                flow.state.stay_told(Page::Confirm, &no);
                Ok(Went::To(Page::Confirm))
            }
            Step::No(error) => {
                let fault = match error.kind() {
                    Some(kind) if kind == CodeMismatchException => {
                        self.wrong_account_code(tx, flow, AccountCode::SignUp)?
                    }
                    Some(kind) if kind == ExpiredCodeException => Fault::Expired,
                    _ => return Err(error),
                };
                flow.state.stay(Page::Confirm, fault);
                Ok(Went::To(Page::Confirm))
            }
            Step::Ask(_) | Step::Check(_) => Err(anyhow::anyhow!("confirming asked for more").into()),
        }
    }

    /// Sends a new code for a sign-up, when the last one had its time to arrive.
    pub fn send_confirmation_again(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        if flow.at.now.ms() < flow.state.sent_ms + SEND_PAUSE_MS {
            flow.state.notice = Some(Notice::TooSoon);
            return Ok(Went::To(Page::Confirm));
        }
        let went = self.send_confirmation(tx, flow)?;
        flow.state.notice = Some(Notice::Sent);
        Ok(went)
    }

    /// Sends a code to somebody who signed up and went away before it was used, and who has just shown to know the
    /// password of that sign-up.
    pub fn send_confirmation_to_maker(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let user = self.pools.find_user(tx, &flow.at.pool, &flow.state.name)?;
        flow.state.made = user.map(|user| Made { name: flow.state.name.clone(), account: user.id });
        self.send_confirmation(tx, flow)
    }

    fn send_confirmation(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<Went> {
        let name = flow.state.name.clone();
        let details = self.pools.resend_in_unit(tx, &flow.at, &name)?;
        flow.state.destination = details.destination.unwrap_or_default();
        flow.state.sent_ms = flow.at.now.ms();
        flow.state.forget_session();
        Ok(Went::To(Page::Confirm))
    }
}
