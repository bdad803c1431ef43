//! The rules of signing in: pure, from values to verdicts. What they decide is written down by `sign_in.rs`.

pub mod acr;
pub mod challenge;
pub mod code;
pub mod device;
pub mod factors;
pub mod foreign_password;
pub mod id_token;
pub mod known_passwords;
pub mod password;
pub mod recovery;
pub mod risk;
pub mod saml;
pub mod second_factor;
pub mod srp;
pub mod totp;
pub mod webauthn;
