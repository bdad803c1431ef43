//! Passwords that come as hashes of another system (`PasswordHashingAlgorithm` of an import): which are taken, in which
//! form they are kept, and how a password is held against one. Forms are those of the modular crypt format and of PHC
//! strings, as libraries write them; those of passlib and Django as well.

use argon2::Params;
use argon2::password_hash::{PasswordHash, Salt};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use postern_model::cognito_idp::PasswordHashingAlgorithmType as Algorithm;
use std::num::NonZeroU32;

/// What holding a password against a hash may cost: nobody's file makes our threads slow, or short of memory.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;
const MEMORY_KIB_MAX: u32 = 128 * 1024;
/// Memory times passes.
const ARGON2_WORK_MAX: u32 = 512 * 1024;
/// Blocks of 128 bytes, times lanes.
const SCRYPT_WORK_MAX: u64 = 1 << 21;
const PBKDF2_ROUNDS_MAX: u32 = 2_000_000;
/// No hash is longer; 64 bytes are 86 letters.
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

const NOT_OF_ITS_KIND: &str = "the password hash is not of the job's algorithm";
const TOO_COSTLY: &str = "the password hash asks for more work than is done here";

/// bcrypt's own alphabet and order of letters.
const BCRYPT64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));
/// Base64 with or without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a hash of an algorithm into the form in which it is kept, or says why it is not taken.
pub fn taken(algorithm: Algorithm, text: &str) -> Result<String, &'static str> {
    match algorithm {
        Algorithm::Bcrypt => {
            let bcrypt = Bcrypt::read(text).ok_or(NOT_OF_ITS_KIND)?;
            BCRYPT_COST.contains(&bcrypt.cost).then(|| text.to_owned()).ok_or(TOO_COSTLY)
        }
        Algorithm::Argon2id => argon2id(text),
        Algorithm::Scrypt => {
            let scrypt = Scrypt::read(text).ok_or(NOT_OF_ITS_KIND)?;
            if scrypt.is_affordable() { Ok(text.to_owned()) } else { Err(TOO_COSTLY) }
        }
        Algorithm::Pbkdf2Sha256 => {
            let pbkdf2 = Pbkdf2::read(text).ok_or(NOT_OF_ITS_KIND)?;
            if pbkdf2.rounds.get() > PBKDF2_ROUNDS_MAX {
                return Err(TOO_COSTLY);
            }
            Ok(pbkdf2.write())
        }
    }
}

/// Holds a password against a hash of one of these forms; nothing when it is of none of them. Argon2id is our own, too.
pub fn matches(kept: &str, password: &str) -> Option<bool> {
    if kept.starts_with("$2") {
        return Some(Bcrypt::read(kept)?.matches(password));
    }
    if kept.starts_with("$scrypt$") {
        return Some(Scrypt::read(kept)?.matches(password));
    }
    if kept.starts_with("$pbkdf2-sha256$") {
        return Some(Pbkdf2::read(kept)?.matches(password));
    }
    None
}

/// A hash that no password has and that costs what this one does: with its settings, and nothing of its salt.
pub fn like(kept: &str) -> String {
    let settings = |end: usize| kept.split('$').take(end).collect::<Vec<_>>().join("$");
    let (salt, hash) = ("bm9ib2R5bm9ib2R5bm9ib2R5", "A".repeat(43));
    match kept {
        bcrypt if bcrypt.starts_with("$2") => format!("{}${}", settings(3), ".".repeat(53)),
        argon2 if argon2.starts_with("$argon2") => format!("{}${salt}${hash}", settings(4)),
        scrypt if scrypt.starts_with("$scrypt$") => format!("{}${salt}${hash}", settings(3)),
        pbkdf2 => {
            let rounds = setting(pbkdf2.split('$').nth(2).unwrap_or_default(), "i").unwrap_or(1);
            format!("$pbkdf2-sha256$i={rounds},l=32${salt}${hash}")
        }
    }
}

fn argon2id(text: &str) -> Result<String, &'static str> {
    let hash = PasswordHash::new(text).map_err(|_| NOT_OF_ITS_KIND)?;
    let is_whole = hash.hash.is_some_and(|output| OUTPUT.contains(&output.len()))
        && hash.salt.is_some_and(|salt| salt.len() >= Salt::MIN_LENGTH);
    let params = Params::try_from(&hash).map_err(|_| NOT_OF_ITS_KIND)?;
    // A key or data that the other system had beside it is not in the file.
    let is_alone = params.keyid().is_empty() && params.data().is_empty();
    if hash.algorithm != argon2::ARGON2ID_IDENT || !is_whole || !is_alone {
        return Err(NOT_OF_ITS_KIND);
    }
    let work = params.m_cost().checked_mul(params.t_cost());
    if params.m_cost() > MEMORY_KIB_MAX || work.is_none_or(|work| work > ARGON2_WORK_MAX) {
        return Err(TOO_COSTLY);
    }
    Ok(text.to_owned())
}

/// `$2b$cost$` and 53 letters: 16 bytes of salt and 23 of hash.
struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    hash: Vec<u8>,
}

impl Bcrypt {
    fn read(text: &str) -> Option<Bcrypt> {
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|start| text.strip_prefix(start))?;
        let (cost, letters) = rest.split_once('$')?;
        if cost.len() != 2 || letters.len() != 53 || !letters.is_ascii() {
            return None;
        }
        let (salt, hash) = letters.split_at(22);
        Some(Bcrypt {
            cost: cost.parse().ok()?,
            salt: BCRYPT64.decode(salt).ok()?.try_into().ok()?,
            hash: BCRYPT64.decode(hash).ok()?,
        })
    }

    /// bcrypt reads a password up to its end and no further than 72 bytes.
    fn matches(&self, password: &str) -> bool {
        let mut bytes = [password.as_bytes(), &[0]].concat();
        bytes.truncate(72);
        let made = bcrypt::bcrypt(self.cost, self.salt, &bytes);
        verify_slices_are_equal(&made[..self.hash.len().min(made.len())], &self.hash).is_ok()
    }
}

/// `$scrypt$ln=16,r=8,p=1$salt$hash`
struct Scrypt {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Scrypt {
    fn read(text: &str) -> Option<Scrypt> {
        let mut parts = text.strip_prefix("$scrypt$")?.split('$');
        let (settings, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let of = |name: &str| setting(settings, name);
        let scrypt = Scrypt {
            log_n: u8::try_from(of("ln")?).ok()?,
            r: of("r")?,
            p: of("p")?,
            salt: LENIENT.decode(salt).ok()?,
            hash: LENIENT.decode(hash).ok()?,
        };
        let is_whole = parts.next().is_none() && OUTPUT.contains(&scrypt.hash.len());
        is_whole.then_some(scrypt)
    }

    fn is_affordable(&self) -> bool {
        let Some(blocks) = 1_u64.checked_shl(self.log_n.into()).filter(|_| self.log_n < 32) else {
            return false;
        };
        let work = blocks.checked_mul(u64::from(self.r)).and_then(|work| work.checked_mul(u64::from(self.p)));
        // Within the bound of work, and with a lane at least, the product of the memory fits.
        work.is_some_and(|work| work <= SCRYPT_WORK_MAX)
            && self.params().is_some()
            && blocks * u64::from(self.r) * 128 <= u64::from(MEMORY_KIB_MAX) * 1024
    }

    fn params(&self) -> Option<scrypt::Params> {
        scrypt::Params::new(self.log_n, self.r, self.p, self.hash.len()).ok()
    }

    fn matches(&self, password: &str) -> bool {
        let Some(params) = self.params() else { return false };
        let mut made = vec![0; self.hash.len()];
        scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut made).is_ok()
            && verify_slices_are_equal(&made, &self.hash).is_ok()
    }
}

/// `$pbkdf2-sha256$i=600000,l=32$salt$hash`
struct Pbkdf2 {
    rounds: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Pbkdf2 {
    fn read(text: &str) -> Option<Pbkdf2> {
        let pbkdf2 = match text.strip_prefix("pbkdf2_sha256$") {
            Some(rest) => Pbkdf2::read_django(rest)?,
            None => Pbkdf2::read_phc(text.strip_prefix("$pbkdf2-sha256$")?)?,
        };
        (OUTPUT.contains(&pbkdf2.hash.len()) && !pbkdf2.salt.is_empty()).then_some(pbkdf2)
    }

    /// PHC, and passlib's form: bare rounds, and `.` in the place of `+`.
    fn read_phc(rest: &str) -> Option<Pbkdf2> {
        let mut parts = rest.split('$');
        let (settings, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let rounds = setting(settings, "i").or_else(|| settings.parse().ok())?;
        let decoded = |text: &str| LENIENT.decode(text.replace('.', "+")).ok();
        let pbkdf2 = Pbkdf2 { rounds: NonZeroU32::new(rounds)?, salt: decoded(salt)?, hash: decoded(hash)? };
        let length = setting(settings, "l");
        let is_whole = parts.next().is_none()
            && length.is_none_or(|length| usize::try_from(length) == Ok(pbkdf2.hash.len()));
        is_whole.then_some(pbkdf2)
    }

    /// Django's `rounds$salt$hash`, whose salt is plain text.
    fn read_django(rest: &str) -> Option<Pbkdf2> {
        let mut parts = rest.split('$');
        let (rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let rounds = NonZeroU32::new(rounds.parse().ok()?)?;
        let pbkdf2 = Pbkdf2 { rounds, salt: salt.as_bytes().to_vec(), hash: STANDARD.decode(hash).ok()? };
        parts.next().is_none().then_some(pbkdf2)
    }

    fn write(&self) -> String {
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.hash));
        format!("$pbkdf2-sha256$i={},l={}${salt}${hash}", self.rounds, self.hash.len())
    }

    fn matches(&self, password: &str) -> bool {
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::verify(algorithm, self.rounds, &self.salt, password.as_bytes(), &self.hash).is_ok()
    }
}

/// A number among `name=number,…`.
fn setting(settings: &str, name: &str) -> Option<u32> {
    settings.split(',').find_map(|one| one.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "Correct-horse-1";
    /// Made by python's bcrypt, argon2-cffi, passlib, Django and hashlib.
    const BCRYPT: &str = "$2b$06$xvqeqYFX6Amt5EgWw0IUDuu54XDHk76r23rvX3M8TK3mqqFyQikeO";
    const ARGON2ID: &str =
        "$argon2id$v=19$m=4096,t=3,p=4$KkzwwKZGt/ASuw5s5Z5nYQ$wfj7n8dhZD8kQGt7f0R/oj0ideGBX99fmf7pntkCCfw";
    const SCRYPT: &str =
        "$scrypt$ln=12,r=8,p=1$Y0wJQSgl5Jwzxhjj/F8LQQ$WTvYl+g2NHhMVOH3XG5quSUTv1xDqGU01n3JouSXoMw";
    const PASSLIB: &str =
        "$pbkdf2-sha256$29000$GqN0rlXK.V8rZWyN8X5PSQ$Qa2M7rnkz5biCIYrhczu2a5XwUaw7fZ/sektDQjIZ7s";
    const DJANGO: &str =
        "pbkdf2_sha256$20000$saltOfDjango22chars123$mGBAO3Y1ILjafxnu0HbWegOiH9hE60P/22iNTQdFVqA=";
    const PHC: &str =
        "$pbkdf2-sha256$i=10000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$EizoROBx9oo9U5Y+QP0OoyR0UFYcAEDJGvJkzmeW1J8";

    #[test]
    fn hashes_of_other_libraries_recognise_their_password_and_no_other() {
        for (algorithm, text) in [
            (Algorithm::Bcrypt, BCRYPT),
            (Algorithm::Scrypt, SCRYPT),
            (Algorithm::Pbkdf2Sha256, PASSLIB),
            (Algorithm::Pbkdf2Sha256, DJANGO),
            (Algorithm::Pbkdf2Sha256, PHC),
        ] {
            let kept = taken(algorithm, text).expect("taken");
            assert_eq!(matches(&kept, PASSWORD), Some(true), "{text}");
            for wrong in ["Correct-horse-2", "", "correct-horse-1", "Correct-horse-1\0x"] {
                assert_eq!(matches(&kept, wrong), Some(false), "{text} {wrong:?}");
            }
        }
        // Ours and theirs are checked alike.
        assert_eq!(taken(Algorithm::Argon2id, ARGON2ID).as_deref(), Ok(ARGON2ID));
        assert_eq!(matches(ARGON2ID, PASSWORD), None);
    }

    /// Of the test vectors of crypt_blowfish.
    #[test]
    fn published_vectors_hold() {
        let vectors = [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
            ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
            ("$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"),
        ];
        for (text, password) in vectors {
            assert_eq!(
                matches(&taken(Algorithm::Bcrypt, text).expect("taken"), password),
                Some(true),
                "{text}"
            );
            assert_eq!(matches(text, "U*"), Some(false));
        }
    }

    #[test]
    fn a_hash_like_another_is_of_the_same_kind_and_cost_and_nobodys() {
        for (algorithm, text) in [
            (Algorithm::Bcrypt, BCRYPT),
            (Algorithm::Argon2id, ARGON2ID),
            (Algorithm::Scrypt, SCRYPT),
            (Algorithm::Pbkdf2Sha256, PASSLIB),
        ] {
            let like = like(&taken(algorithm, text).expect("taken"));
            assert_eq!(taken(algorithm, &like).as_ref(), Ok(&like));
            assert_ne!(matches(&like, PASSWORD), Some(true));
        }
        assert!(like(BCRYPT).starts_with("$2b$06$"));
        assert!(like(ARGON2ID).starts_with("$argon2id$v=19$m=4096,t=3,p=4$"));
        assert!(like(SCRYPT).starts_with("$scrypt$ln=12,r=8,p=1$"));
        assert!(like(&taken(Algorithm::Pbkdf2Sha256, DJANGO).expect("taken")).contains("i=20000,"));
    }

    #[test]
    fn what_is_no_hash_of_the_jobs_algorithm_is_not_taken() {
        let hashes = [
            (Algorithm::Bcrypt, BCRYPT),
            (Algorithm::Argon2id, ARGON2ID),
            (Algorithm::Scrypt, SCRYPT),
            (Algorithm::Pbkdf2Sha256, PHC),
        ];
        for (algorithm, _) in hashes {
            for (other, text) in hashes {
                assert_eq!(taken(algorithm, text).is_ok(), algorithm == other, "{algorithm} {text}");
            }
            for bad in [
                "",
                "password",
                "$2b$",
                "$",
                "$argon2id$",
                "$scrypt$ln=12$a$b",
                "5f4dcc3b5aa765d61d8327deb882cf99",
            ] {
                assert_eq!(taken(algorithm, bad), Err(NOT_OF_ITS_KIND), "{algorithm} {bad}");
            }
        }
        let argon2i = ARGON2ID.replace("argon2id", "argon2i");
        assert_eq!(taken(Algorithm::Argon2id, &argon2i), Err(NOT_OF_ITS_KIND));
        assert_eq!(taken(Algorithm::Bcrypt, &BCRYPT.replace("$2b$", "$2x$")), Err(NOT_OF_ITS_KIND));
        assert_eq!(taken(Algorithm::Bcrypt, &BCRYPT[..59]), Err(NOT_OF_ITS_KIND));
        assert_eq!(taken(Algorithm::Pbkdf2Sha256, &PHC.replace("l=32", "l=31")), Err(NOT_OF_ITS_KIND));
    }

    #[test]
    fn a_hash_that_would_cost_too_much_is_not_taken() {
        for (algorithm, text) in [
            (Algorithm::Bcrypt, BCRYPT.replace("$06$", "$31$")),
            (Algorithm::Bcrypt, BCRYPT.replace("$06$", "$03$")),
            (Algorithm::Argon2id, ARGON2ID.replace("m=4096", "m=4194304")),
            (Algorithm::Argon2id, ARGON2ID.replace("t=3", "t=4000000")),
            (Algorithm::Scrypt, SCRYPT.replace("ln=12", "ln=31")),
            (Algorithm::Scrypt, SCRYPT.replace("p=1", "p=1000000")),
            (Algorithm::Scrypt, SCRYPT.replace("ln=12", "ln=200")),
            (Algorithm::Scrypt, SCRYPT.replace("ln=12", "ln=31").replace("r=8", "r=4294967295")),
            (Algorithm::Pbkdf2Sha256, PHC.replace("i=10000", "i=4000000000")),
        ] {
            assert_eq!(taken(algorithm, &text), Err(TOO_COSTLY), "{text}");
        }
    }
}
