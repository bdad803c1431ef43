//! The client's side of SRP, written apart from the server's: plain numbers, no care for time.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use postern_store::Timestamp;
use serde_json::{Value, json};

/// The 15th group of RFC 3526.
const PRIME: [&str; 12] = [
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74",
    "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437",
    "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed",
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05",
    "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb",
    "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b",
    "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718",
    "3995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33",
    "a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7",
    "abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864",
    "d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e2",
    "08e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
];

/// Somebody who proves a password.
pub struct SrpClient {
    params: BoxedMontyParams,
    secret: [u8; 32],
    /// `SRP_A`.
    pub value: String,
}

impl SrpClient {
    pub fn new() -> SrpClient {
        let prime = uint(&prime());
        let params = BoxedMontyParams::new(Odd::new(prime).into_option().expect("odd"));
        let secret = postern_store::random::bytes();
        let value = BoxedMontyForm::new(uint(&[2]), &params).pow(&exponent(&secret));
        let value = hex::encode(value.retrieve().to_be_bytes());
        SrpClient { params, secret, value: value.trim_start_matches('0').to_owned() }
    }

    /// A value that no client may send.
    pub fn prime_text() -> String {
        PRIME.concat()
    }

    /// Answers a PASSWORD_VERIFIER challenge at a moment of January or February 2026.
    pub fn proves(&self, pool_id: &str, parameters: &Value, password: &str, now: Timestamp) -> Value {
        let user = parameters["USER_ID_FOR_SRP"].as_str().expect("a parameter");
        let pool = pool_id.split_once('_').expect("a pool's id").1;
        self.signed(pool, user, password, parameters, now)
    }

    /// Answers a DEVICE_PASSWORD_VERIFIER challenge.
    pub fn proves_device(&self, device: &DeviceSecret, parameters: &Value, now: Timestamp) -> Value {
        let mut answer = self.signed(&device.group_key, &device.key, &device.password, parameters, now);
        answer["DEVICE_KEY"] = device.key.clone().into();
        answer
    }

    fn signed(&self, pool: &str, user: &str, password: &str, parameters: &Value, now: Timestamp) -> Value {
        let text = |name: &str| parameters[name].as_str().expect("a parameter").to_owned();
        let timestamp = timestamp(now);
        let block = text("SECRET_BLOCK");
        let key = self.key(&format!("{pool}{user}:{password}"), &text("SALT"), &text("SRP_B"));
        let said = [
            pool.as_bytes(),
            user.as_bytes(),
            &STANDARD.decode(&block).expect("base64"),
            timestamp.as_bytes(),
        ]
        .concat();
        json!({
            "USERNAME": text("USERNAME"),
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": STANDARD.encode(hmac_of(&key, &said)),
            "TIMESTAMP": timestamp,
        })
    }

    fn key(&self, who: &str, salt: &str, public: &str) -> [u8; 16] {
        let public = bytes(public);
        let scramble = hash(&[padded(&bytes(&self.value)), padded(&public)].concat());
        let x = hash(&[padded(&bytes(salt)), hash(who.as_bytes()).to_vec()].concat());
        let k = hash(&[padded(&prime()), vec![2]].concat());
        let form = |bytes: &[u8]| BoxedMontyForm::new(uint(bytes), &self.params);
        let base = form(&public) - form(&k) * form(&[2]).pow(&exponent(&x));
        // base^(a + u·x), in two powers.
        let shared = base.pow(&exponent(&self.secret)) * base.pow(&exponent(&scramble)).pow(&exponent(&x));
        let extracted = hmac_of(&padded(&scramble), &padded(&shared.retrieve().to_be_bytes()));
        let expanded = hmac_of(&extracted, b"Caldera Derived Key\x01");
        expanded[..16].try_into().expect("16 bytes")
    }
}

/// What an app keeps of a device that it remembers.
#[derive(Clone)]
pub struct DeviceSecret {
    pub key: String,
    pub group_key: String,
    password: String,
}

impl DeviceSecret {
    /// Draws a secret for a device that an `AuthenticationResult` gives a key to.
    pub fn new(result: &Value) -> DeviceSecret {
        let told = |name: &str| result["NewDeviceMetadata"][name].as_str().expect("a key").to_owned();
        let password = STANDARD.encode(postern_store::random::bytes::<40>());
        DeviceSecret { key: told("DeviceKey"), group_key: told("DeviceGroupKey"), password }
    }

    /// The same device with another secret.
    pub fn forged(&self) -> DeviceSecret {
        DeviceSecret { password: "guessed".into(), ..self.clone() }
    }

    /// `DeviceSecretVerifierConfig`.
    pub fn verifier(&self) -> Value {
        let salt = padded(&postern_store::random::bytes::<16>());
        let who = hash(format!("{}{}:{}", self.group_key, self.key, self.password).as_bytes());
        let x = hash(&[salt.clone(), who.to_vec()].concat());
        let params = BoxedMontyParams::new(Odd::new(uint(&prime())).into_option().expect("odd"));
        let value = BoxedMontyForm::new(uint(&[2]), &params).pow(&exponent(&x)).retrieve().to_be_bytes();
        json!({ "PasswordVerifier": STANDARD.encode(padded(&value)), "Salt": STANDARD.encode(salt) })
    }
}

/// The text of a moment as clients write it.
pub fn timestamp(now: Timestamp) -> String {
    const JANUARY_S: i64 = 1_767_225_600;
    let into = now.seconds() - JANUARY_S;
    let (day, second) = (into / 86_400, into % 86_400);
    let (month, date) = if day < 31 { ("Jan", day + 1) } else { ("Feb", day - 30) };
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(day % 7) as usize];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {date} {hour:02}:{minute:02}:{second:02} UTC 2026")
}

fn prime() -> Vec<u8> {
    bytes(&PRIME.concat())
}

fn bytes(text: &str) -> Vec<u8> {
    let even = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    hex::decode(even).expect("hex")
}

fn uint(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice(bytes, 3072).expect("3072 bits")
}

fn exponent(bytes: &[u8; 32]) -> BoxedUint {
    BoxedUint::from_be_slice(bytes, 256).expect("256 bits")
}

/// A number as two's complement writes a positive one.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut out = bytes[start..].to_vec();
    if out[0] > 0x7f {
        out.insert(0, 0);
    }
    out
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("32 bytes")
}

fn hmac_of(key: &[u8], said: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, said).as_ref().try_into().expect("32 bytes")
}
