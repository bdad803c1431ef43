//! The codes of a sign-in are one mechanism. Here are the values in which they differ: how a code travels, which factor
//! it is, and what follows from the two.

use crate::destination::Medium;

/// Which factor of a sign-in a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    First,
    Second,
}

/// A kind of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeKind {
    pub medium: Medium,
    pub stage: Stage,
}

impl CodeKind {
    pub const EMAIL_OTP: CodeKind = CodeKind { medium: Medium::Email, stage: Stage::First };
    pub const SMS_OTP: CodeKind = CodeKind { medium: Medium::Sms, stage: Stage::First };
    pub const EMAIL_MFA: CodeKind = CodeKind { medium: Medium::Email, stage: Stage::Second };
    pub const SMS_MFA: CodeKind = CodeKind { medium: Medium::Sms, stage: Stage::Second };
    pub const ALL: [CodeKind; 4] =
        [CodeKind::EMAIL_OTP, CodeKind::SMS_OTP, CodeKind::EMAIL_MFA, CodeKind::SMS_MFA];

    /// The name under which a challenge is remembered, and to which its code is bound: no two kinds share one.
    pub fn as_str(self) -> &'static str {
        match (self.medium, self.stage) {
            (Medium::Email, Stage::First) => "EMAIL_OTP",
            (Medium::Sms, Stage::First) => "SMS_OTP",
            (Medium::Email, Stage::Second) => "EMAIL_MFA",
            (Medium::Sms, Stage::Second) => "SMS_MFA",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        CodeKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The challenge's name on the wire, which e-mailed codes share whichever factor they are.
    pub fn challenge_name(self) -> &'static str {
        match self {
            CodeKind::EMAIL_MFA => CodeKind::EMAIL_OTP.as_str(),
            other => other.as_str(),
        }
    }

    /// Digits of a code: a first factor stands alone and has more.
    pub fn digits(self) -> u32 {
        match self.stage {
            Stage::First => 8,
            Stage::Second => 6,
        }
    }

    /// The ledger of wrong guesses: each kind has its own budget (rule C8).
    pub fn guesses_topic(self) -> &'static str {
        match (self.medium, self.stage) {
            (Medium::Email, Stage::First) => "guesses/email",
            (Medium::Sms, Stage::First) => "guesses/sms",
            (Medium::Email, Stage::Second) => "guesses/email mfa",
            (Medium::Sms, Stage::Second) => "guesses/sms mfa",
        }
    }

    /// What a right code proves, in the words of `amr`.
    pub fn amr(self) -> [&'static str; 2] {
        match self.medium {
            Medium::Email => ["otp", "email_otp"],
            Medium::Sms => ["otp", "sms"],
        }
    }

    /// The same in the words of the audit.
    pub fn told(self) -> &'static str {
        match self.medium {
            Medium::Email => "by e-mailed code",
            Medium::Sms => "by texted code",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ATTEMPTS_MAX, guesses_per_day};

    #[test]
    fn kinds_are_told_apart_where_it_counts() {
        for kind in CodeKind::ALL {
            assert_eq!(CodeKind::parse(kind.as_str()), Some(kind));
            let same = |other: &&CodeKind| other.guesses_topic() == kind.guesses_topic();
            assert_eq!(CodeKind::ALL.iter().filter(same).count(), 1);
        }
        assert_eq!(CodeKind::parse("PASSWORD"), None);
        assert_eq!(CodeKind::EMAIL_MFA.challenge_name(), "EMAIL_OTP");
        assert_eq!(CodeKind::SMS_MFA.challenge_name(), "SMS_MFA");
    }

    #[test]
    fn every_kind_of_code_can_be_asked_for_within_its_budget() {
        for kind in CodeKind::ALL {
            assert!(guesses_per_day(kind.digits()) >= ATTEMPTS_MAX, "{kind:?}");
        }
    }
}
