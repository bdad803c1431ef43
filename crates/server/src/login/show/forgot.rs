//! The pages of a forgotten password, out of what a flow says.

use super::{View, minutes, rules};
use crate::login::flow::{Fault, Notice, Page};
use crate::login::forgot::PASSWORD;
use crate::login::typed;
use crate::pages::forgot::{Forgot, Reset};
use crate::pages::login::{CodeNotice, NewPasswordError, PasswordField};
use postern_pools::account_codes::AccountCode;
use postern_pools::limits::SEND_PAUSE_MS;

impl View<'_> {
    pub(super) fn forgot(&self) -> Forgot {
        let state = &self.flow.state;
        let back_href = match self.flow.fits(Page::Password) {
            true => self.flow.href(Page::Password),
            false => self.different_href(),
        };
        Forgot {
            frame: self.frame(),
            form: self.form(),
            kind: typed::name_kind(&self.flow.at.pool),
            value: state.name.clone(),
            error: state.fault_on(Page::Forgot).map(|fault| self.name_error(fault)),
            back_href,
        }
    }

    pub(super) fn reset(&self) -> Reset {
        let state = &self.flow.state;
        let fault = state.fault_on(Page::Reset);
        let wait_s = self.flow.seconds_until(state.sent_ms + SEND_PAUSE_MS);
        Reset {
            frame: self.frame(),
            form: self.form(),
            destination: state.destination.clone(),
            name: state.name.clone(),
            different_href: self.different_href(),
            minutes: minutes(AccountCode::Reset.life_ms()),
            error: self.account_code_error(Page::Reset),
            notice: match (state.notice, fault) {
                (_, Some(Fault::TooMany { until_ms })) => self.refused_send(until_ms, 1),
                (Some(Notice::Sent), _) => Some(CodeNotice::Sent),
                (Some(Notice::TooSoon), _) => self.too_soon(wait_s),
                (Some(Notice::NoneLeft) | None, _) => None,
            },
            resend_wait_s: wait_s,
            password: PasswordField {
                rules: rules(self.flow.at.pool.password_policy),
                error: state.field_faults.get(PASSWORD).map(|fault| match fault {
                    Fault::Empty => NewPasswordError::Empty,
                    Fault::Reused => NewPasswordError::Reused,
                    _ => NewPasswordError::RulesUnmet,
                }),
            },
            from: self.from(),
        }
    }
}
