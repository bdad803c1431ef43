//! The Secure Remote Password protocol as Cognito's clients speak it: SRP-6a over the 3072-bit group of RFC 3526 with
//! SHA-256, a key drawn by HKDF, and a proof over a timestamp. Pure mathematics in constant time; a whole exponentiation
//! takes one to two milliseconds of one core.

use aws_lc_rs::{digest, hmac};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, Odd};
use postern_store::{Timestamp, random};
use std::sync::LazyLock;
use time::{Date, Month, Time};

/// The prime of 3072 bits (RFC 3526 §4); the generator is 2.
const PRIME: &str = "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
                     ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
                     ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f\
                     83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b\
                     e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510\
                     15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7\
                     abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c\
                     bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff";
const BITS: u32 = 3072;
const BYTES: usize = BITS as usize / 8;
const INFO: &[u8] = b"Caldera Derived Key";

/// What the mathematics share.
struct Group {
    params: BoxedMontyParams,
    prime: NonZero<BoxedUint>,
    generator: BoxedMontyForm,
    multiplier: BoxedMontyForm,
}

static GROUP: LazyLock<Group> = LazyLock::new(|| {
    let bytes = hex::decode(PRIME).expect("the prime is written in hex");
    let prime = uint(&bytes);
    let params =
        BoxedMontyParams::new(Odd::new(prime.clone()).into_option().expect("a prime other than two is odd"));
    let multiplier = sha256(&[&pad(&bytes), &[2]]);
    Group {
        generator: BoxedMontyForm::new(uint(&[2]), &params),
        multiplier: BoxedMontyForm::new(uint(&multiplier), &params),
        prime: NonZero::new(prime).into_option().expect("a prime is not zero"),
        params,
    }
});

/// Whose password it is, as it goes into the hashes: the pool's name without its region, and the stored user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pool: String,
    user: String,
}

impl Identity {
    pub fn new(pool_id: &str, username: &str) -> Self {
        let pool = pool_id.split_once('_').map_or(pool_id, |(_, name)| name);
        Identity { pool: pool.to_owned(), user: username.to_owned() }
    }

    /// Whose secret a device's is: its group stands for the pool, and its key for the user.
    pub fn of_device(group_key: &str, device_key: &str) -> Self {
        Identity { pool: group_key.to_owned(), user: device_key.to_owned() }
    }
}

/// What a password is proven against. It is no password, but who has it can play the server and guess offline, so it is
/// kept sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    salt: Vec<u8>,
    value: Vec<u8>,
}

/// The longest salt that a client may choose.
const SALT_MAX: usize = 64;

impl Verifier {
    /// Makes the verifier of a password: one exponentiation.
    pub fn of(identity: &Identity, password: &str) -> Self {
        Verifier::salted(identity, password, salt(random::bytes()))
    }

    fn salted(identity: &Identity, password: &str, salt: [u8; 16]) -> Self {
        let inner = sha256(&[identity.pool.as_bytes(), identity.user.as_bytes(), b":", password.as_bytes()]);
        let exponent = sha256(&[&pad(&salt), &inner]);
        let value = power(&GROUP.generator, &exponent).retrieve().to_be_bytes().into_vec();
        Verifier { salt: salt.to_vec(), value }
    }

    /// Reads a verifier that a client made. Not one of the numbers for which anybody would know the shared secret: zero,
    /// one, and one less than the prime.
    pub fn chosen(salt: &[u8], value: &[u8]) -> Option<Self> {
        let (salt, value) = (trimmed(salt), trimmed(value));
        if salt.is_empty() || salt.len() > SALT_MAX || value.is_empty() || value.len() > BYTES {
            return None;
        }
        let number = uint(value);
        let (one, prime) = (uint(&[1]), uint(&hex::decode(PRIME).ok()?));
        let (least, most) = (number > one, &number + &one < prime);
        (least && most).then(|| Verifier { salt: salt.to_vec(), value: number.to_be_bytes().into_vec() })
    }

    /// What stands for the verifier of somebody who has none: steady in its salt, and no password's.
    pub fn stand_in(drawn: [u8; 32]) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&drawn[..16]);
        Verifier { salt: salt(first).to_vec(), value: drawn.to_vec() }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.salt[..], &self.value].concat()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (salt, value) = bytes.split_at_checked(bytes.len().checked_sub(BYTES)?)?;
        (!salt.is_empty()).then(|| Verifier { salt: salt.to_vec(), value: value.to_vec() })
    }

    /// The salt in hex, as clients read it.
    pub fn salt_text(&self) -> String {
        hex::encode(&self.salt)
    }
}

/// Shapes a salt so that its hex is read alike as a text and as a number: no leading zero, no leading one bit.
fn salt(mut drawn: [u8; 16]) -> [u8; 16] {
    drawn[0] = drawn[0] & 0x7f | 0x40;
    drawn
}

/// The client's public value `A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientValue(Vec<u8>);

impl ClientValue {
    /// Reads `SRP_A`: hex of a number below 2^3072 that is no multiple of the prime; with such a one anybody would know
    /// the shared secret (RFC 5054 §2.5.4).
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 2 * BYTES + 2 {
            return None;
        }
        let even = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
        ClientValue::from_bytes(&hex::decode(even).ok()?)
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = trimmed(bytes);
        if bytes.len() > BYTES {
            return None;
        }
        let rest = uint(bytes).rem_vartime(&GROUP.prime);
        (!bool::from(rest.is_zero())).then(|| ClientValue(bytes.to_vec()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The server's fresh secret `b` and `g^b`: made without knowing whose password it will be for.
#[derive(Clone)]
pub struct Ephemeral {
    secret: [u8; 32],
    power: Vec<u8>,
}

impl Ephemeral {
    /// Draws a secret: one exponentiation.
    pub fn fresh() -> Self {
        Ephemeral::of(random::bytes())
    }

    fn of(secret: [u8; 32]) -> Self {
        let power = power(&GROUP.generator, &secret).retrieve().to_be_bytes().into_vec();
        Ephemeral { secret, power }
    }

    /// Answers a client's value for one verifier: `B = k·v + g^b`.
    pub fn meet(&self, client: &ClientValue, verifier: &Verifier) -> Exchange {
        let value = BoxedMontyForm::new(uint(&verifier.value), &GROUP.params);
        let power = BoxedMontyForm::new(uint(&self.power), &GROUP.params);
        let public = (&GROUP.multiplier * &value) + power;
        Exchange {
            client: client.clone(),
            secret: self.secret,
            public: trimmed(&public.retrieve().to_be_bytes()).to_vec(),
        }
    }
}

/// One run of the protocol from the server's side, until the client has proven itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    client: ClientValue,
    secret: [u8; 32],
    public: Vec<u8>,
}

impl Exchange {
    /// `B` in hex.
    pub fn public_text(&self) -> String {
        let text = hex::encode(&self.public);
        text.strip_prefix('0').map_or(text.clone(), str::to_owned)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.public.len()).unwrap_or_default().to_be_bytes();
        [&self.secret[..], &length, &self.public, &self.client.0].concat()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (secret, rest) = bytes.split_first_chunk::<32>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (public, client) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some(Exchange { client: ClientValue::from_bytes(client)?, secret: *secret, public: public.to_vec() })
    }

    /// The key that both sides come to: two exponentiations. `S = (A·v^u)^b`; the key is the first half of one HKDF
    /// block over it.
    fn key(&self, verifier: &Verifier) -> [u8; 16] {
        let scramble = sha256(&[&pad(&self.client.0), &pad(&self.public)]);
        let value = BoxedMontyForm::new(uint(&verifier.value), &GROUP.params);
        let client = BoxedMontyForm::new(uint(&self.client.0), &GROUP.params);
        let shared = power(&(client * power(&value, &scramble)), &self.secret).retrieve().to_be_bytes();
        let extracted = hmac_sha256(&pad(&scramble), &[&pad(&shared)]);
        let expanded = hmac_sha256(&extracted, &[INFO, &[1]]);
        let mut key = [0; 16];
        key.copy_from_slice(&expanded[..16]);
        key
    }
}

/// What a client says to prove that it knows the password.
#[derive(Clone)]
pub struct Claim {
    pub identity: Identity,
    pub exchange: Exchange,
    pub verifier: Verifier,
    pub block: Vec<u8>,
    pub timestamp: String,
    pub signature: Vec<u8>,
}

impl Claim {
    /// Tells whether the claim is true: two exponentiations, and one comparison in constant time.
    pub fn is_proof(&self) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.exchange.key(&self.verifier));
        let said = [
            self.identity.pool.as_bytes(),
            self.identity.user.as_bytes(),
            &self.block,
            self.timestamp.as_bytes(),
        ]
        .concat();
        hmac::verify(&key, &said, &self.signature).is_ok()
    }
}

/// Reads a claim's `TIMESTAMP`: `Tue Sep 6 00:04:02 UTC 2022`.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    let [weekday, month, day, clock, "UTC", year] = parts.as_slice() else { return None };
    if !DAYS.contains(weekday) {
        return None;
    }
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    let clock: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = clock.as_slice() else { return None };
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    let time = Time::from_hms(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?).ok()?;
    Some(Timestamp::from_ms(date.with_time(time).assume_utc().unix_timestamp() * 1000))
}

fn uint(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice(bytes, BITS).expect("a number of at most 3072 bits")
}

/// Raises to a power of 256 bits in constant time.
fn power(base: &BoxedMontyForm, exponent: &[u8; 32]) -> BoxedMontyForm {
    base.pow(&BoxedUint::from_be_slice(exponent, 256).expect("32 bytes are 256 bits"))
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// Writes a number as the clients hash it: no leading zeros but one that keeps it from looking negative.
fn pad(bytes: &[u8]) -> Vec<u8> {
    let bytes = trimmed(bytes);
    match bytes.first() {
        None => vec![0],
        Some(first) if *first >= 0x80 => [&[0], bytes].concat(),
        Some(_) => bytes.to_vec(),
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

#[cfg(test)]
#[path = "srp_tests.rs"]
mod tests;
