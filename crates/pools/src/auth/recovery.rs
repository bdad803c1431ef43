//! Where the code goes that lets somebody set a new password.

use crate::destination::Medium;
use postern_model::cognito_idp::RecoveryOptionNameType;

/// What a pool's `AccountRecoverySetting` gives somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    By(Medium),
    /// Only an administrator resets passwords here.
    AdminOnly,
    /// None of the ways leads to an address that is known to be theirs.
    Nowhere,
}

/// Takes the first way, in the pool's order, that leads to an address which may be used.
pub fn recovery(order: &[RecoveryOptionNameType], may_use: impl Fn(Medium) -> bool) -> Recovery {
    for way in order {
        match way {
            RecoveryOptionNameType::AdminOnly => return Recovery::AdminOnly,
            RecoveryOptionNameType::VerifiedEmail if may_use(Medium::Email) => {
                return Recovery::By(Medium::Email);
            }
            RecoveryOptionNameType::VerifiedPhoneNumber if may_use(Medium::Sms) => {
                return Recovery::By(Medium::Sms);
            }
            _ => {}
        }
    }
    Recovery::Nowhere
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecoveryOptionNameType::{AdminOnly, VerifiedEmail, VerifiedPhoneNumber};

    #[test]
    fn the_first_way_that_leads_somewhere_is_taken() {
        let (email, phone) = (Medium::Email, Medium::Sms);
        let both = [VerifiedEmail, VerifiedPhoneNumber];
        let cases: [(&[RecoveryOptionNameType], &[Medium], Recovery); 7] = [
            (&both, &[email, phone], Recovery::By(email)),
            (&both, &[phone], Recovery::By(phone)),
            (&[VerifiedPhoneNumber, VerifiedEmail], &[email, phone], Recovery::By(phone)),
            (&[VerifiedEmail], &[phone], Recovery::Nowhere),
            (&both, &[], Recovery::Nowhere),
            (&[AdminOnly], &[email, phone], Recovery::AdminOnly),
            (&[], &[email], Recovery::Nowhere),
        ];
        for (order, has, expected) in cases {
            assert_eq!(recovery(order, |medium| has.contains(&medium)), expected, "{order:?} {has:?}");
        }
    }
}
