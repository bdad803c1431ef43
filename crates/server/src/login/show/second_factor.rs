//! What the pages of a second factor show.

use super::View;
use crate::login::flow::{Fault, Page};
use crate::login::second_factor::page_of;
use crate::pages::second_factor::{
    Authenticator, AuthenticatorError, ChooseSecond, EmailError, NewAuthenticator, SecondWay, SetUp,
};
use postern_pools::auth::second_factor::SecondFactor;

impl View<'_> {
    pub(super) fn authenticator(&self) -> Authenticator {
        Authenticator {
            frame: self.frame(),
            form: self.form(),
            name: self.flow.state.name.clone(),
            different_href: self.different_href(),
            error: self.code_error(Page::Authenticator),
            other_way_href: self.other_second_href(),
        }
    }

    /// Where another second factor is chosen, if there is another.
    pub(super) fn other_second_href(&self) -> Option<String> {
        self.flow.fits(Page::ChooseSecond).then(|| self.flow.href(Page::ChooseSecond))
    }

    pub(super) fn choose_second(&self) -> ChooseSecond {
        let state = &self.flow.state;
        let offered = state.second.iter().filter_map(|name| SecondFactor::parse(name));
        ChooseSecond {
            frame: self.frame(),
            form: self.form(),
            name: state.name.clone(),
            different_href: self.different_href(),
            ways: offered
                .map(|factor| match factor {
                    SecondFactor::Totp => SecondWay::Authenticator,
                    SecondFactor::Sms => SecondWay::Text,
                    SecondFactor::Email => SecondWay::Email,
                })
                .collect(),
            error: self.code_error(Page::ChooseSecond),
            back_href: state.second_asked().map(|factor| self.flow.href(page_of(factor))),
        }
    }

    pub(super) fn set_up(&self, seed: Option<&str>) -> SetUp {
        let state = &self.flow.state;
        let authenticator = state.offers_second(SecondFactor::Totp).then(|| {
            let account = format!("{}:{}", self.flow.app_name(), state.name);
            NewAuthenticator::new(seed.unwrap_or_default(), self.flow.app_name(), &account)
        });
        SetUp {
            frame: self.frame(),
            form: self.form(),
            name: state.name.clone(),
            different_href: self.different_href(),
            authenticator,
            again_href: self.different_href(),
            error: self.code_error(Page::SetUp),
            offers_email: state.offers_second(SecondFactor::Email),
            email: state.fields.get("email").cloned().unwrap_or_default(),
            email_error: state.field_faults.get("email").map(|fault| match fault {
                Fault::Empty => EmailError::Empty,
                _ => EmailError::NotAnAddress,
            }),
        }
    }

    fn code_error(&self, page: Page) -> Option<AuthenticatorError> {
        self.flow.state.fault_on(page).map(|fault| match fault {
            Fault::Empty => AuthenticatorError::Empty,
            Fault::Wrong => AuthenticatorError::Wrong,
            Fault::Used => AuthenticatorError::Used,
            other => AuthenticatorError::Unsent(self.unsent(other)),
        })
    }
}
