//! The rules of signing in: pure, from values to verdicts. What they decide is written down by `sign_in.rs`.

pub mod challenge;
pub mod code;
pub mod factors;
pub mod password;
pub mod second_factor;
pub mod totp;
pub mod webauthn;
