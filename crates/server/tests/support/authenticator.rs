//! An authenticator app in a test's hand.

use super::TestServer;
use postern_pools::auth::totp;

/// How an authenticator counts time.
pub const STEP_MS: i64 = 30_000;

/// An authenticator app: a seed, typed in from a page.
pub struct Authenticator(Vec<u8>);

impl Authenticator {
    pub fn new(secret: &str) -> Authenticator {
        let (mut seed, mut bits, mut held) = (Vec::new(), 0_u32, 0);
        for letter in secret.bytes().filter(|letter| *letter != b' ') {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'2'..=b'7' => letter - b'2' + 26,
                _ => panic!("{secret} is not base32"),
            };
            bits = (bits << 5 | u32::from(value)) & 0xfff;
            held += 5;
            if held >= 8 {
                held -= 8;
                seed.push((bits >> held) as u8);
            }
        }
        Authenticator(seed)
    }

    /// The code it shows now.
    pub fn code(&self, server: &TestServer) -> String {
        self.code_at(server.clock.now().seconds())
    }

    /// The code it shows at a moment.
    pub fn code_at(&self, now_s: i64) -> String {
        totp::code_at(&self.0, now_s)
    }

    /// The code it shows once the one before has gone.
    pub fn next_code(&self, server: &TestServer) -> String {
        server.clock.advance(STEP_MS);
        self.code(server)
    }
}
