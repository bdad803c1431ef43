//! Where messages go: a mailbox or a telephone.

use crate::names::{is_phone_number, masked_phone};
use postern_mail::address::Address;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    Email,
    Sms,
}

impl Medium {
    /// The medium as the API names it (`DeliveryMediumType`).
    pub fn as_str(self) -> &'static str {
        match self {
            Medium::Email => "EMAIL",
            Medium::Sms => "SMS",
        }
    }

    /// The one beside it.
    pub fn other(self) -> Self {
        match self {
            Medium::Email => Medium::Sms,
            Medium::Sms => Medium::Email,
        }
    }

    /// The attribute of a user that holds the destination.
    pub fn attribute(self) -> &'static str {
        match self {
            Medium::Email => "email",
            Medium::Sms => "phone_number",
        }
    }
}

/// An address or a number, and so the medium that leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub medium: Medium,
    /// A mailbox, or a number as E.164 writes it.
    pub address: String,
}

impl Destination {
    pub fn email(address: &Address) -> Self {
        Destination { medium: Medium::Email, address: address.spelling() }
    }

    pub fn phone(number: &str) -> Self {
        Destination { medium: Medium::Sms, address: number.to_owned() }
    }

    /// Reads a destination that was written down: no address looks like a number.
    pub fn read(address: &str) -> Self {
        let medium = if is_phone_number(address) { Medium::Sms } else { Medium::Email };
        Destination { medium, address: address.to_owned() }
    }

    /// Hides all but what its owner knows it by.
    pub fn masked(&self) -> String {
        match self.medium {
            Medium::Email => {
                Address::parse(&self.address).map_or_else(|_| "***".to_owned(), |address| address.masked())
            }
            Medium::Sms => masked_phone(&self.address),
        }
    }

    /// What sends to it are counted by: all spellings that reach one person (rule S2).
    pub fn limit_key(&self) -> String {
        match self.medium {
            Medium::Email => Address::parse(&self.address)
                .map_or_else(|_| self.address.clone(), |address| address.limit_key()),
            Medium::Sms => self.address.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_shown_masked() {
        let address = Address::parse("alice@example.com").expect("an address");
        assert_eq!(Destination::email(&address).masked(), "a***@e***");
        assert_eq!(Destination::phone("+15555559934").masked(), "+*******9934");
    }

    #[test]
    fn tagged_addresses_share_their_limit_and_numbers_have_their_own() {
        let key = |text: &str| Destination::email(&Address::parse(text).expect("an address")).limit_key();
        assert_eq!(key("alice+1@example.com"), key("Alice@example.com"));
        assert_eq!(Destination::phone("+15555559934").limit_key(), "+15555559934");
    }
}
