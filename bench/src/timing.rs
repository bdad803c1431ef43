//! Whether time tells who has an account (rule E3): known and unknown names asked for in turn at every door, on an idle
//! server.

use crate::prepare::{self, Door, username};
use crate::site::{Key, Site};
use crate::wire::{Connection, cognito};
use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::Range;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::macros::format_description;

/// What the comparison shows of one door.
#[derive(Serialize)]
pub struct Compared {
    pub door: &'static str,
    pub pairs: usize,
    pub known_median_ms: f64,
    pub unknown_median_ms: f64,
    /// The difference of the medians over the larger; the rule allows 0.05.
    pub apart: f64,
    /// How often the best threshold, found on one half, is right on the other; the rule allows 0.55.
    pub guessed: f64,
}

/// A question that tells nobody who is there.
struct Question {
    door: &'static str,
    operation: &'static str,
    body: fn(&str, &str) -> Value,
    /// What the answer says to known and unknown alike.
    says: &'static str,
    /// The question whose answer's session is answered, where this is the second step of a sign-in.
    after: Option<fn(&str, &str) -> Value>,
    /// Which people are asked for: an address gets one code at a time.
    group: u32,
}

/// How many groups of people the questions take.
const GROUPS: u32 = 3;

const PASSWORD: &str = "Right-horse-1";
/// Any value of the client's half of SRP will do.
const SRP_A: &str = "2f1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b";

const QUESTIONS: [Question; 6] = [
    Question {
        door: "mailed code",
        operation: "InitiateAuth",
        body: begin_by_code,
        says: "EMAIL_OTP",
        after: None,
        group: 0,
    },
    Question {
        door: "mailed code, wrong answer",
        operation: "RespondToAuthChallenge",
        body: |client, name| {
            json!({
                "ChallengeName": "EMAIL_OTP",
                "ClientId": client,
                "ChallengeResponses": { "USERNAME": name, "EMAIL_OTP_CODE": "00000000" },
            })
        },
        says: "CodeMismatchException",
        after: Some(begin_by_code),
        group: 1,
    },
    Question {
        door: "wrong password",
        operation: "InitiateAuth",
        body: |client, name| {
            json!({
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": client,
                "AuthParameters": { "USERNAME": name, "PASSWORD": "Wrong-horse-1" },
            })
        },
        says: "Incorrect username or password.",
        after: None,
        group: 0,
    },
    Question {
        door: "SRP, question",
        operation: "InitiateAuth",
        body: begin_srp,
        says: "PASSWORD_VERIFIER",
        after: None,
        group: 0,
    },
    Question {
        door: "SRP, wrong proof",
        operation: "RespondToAuthChallenge",
        body: |client, name| {
            json!({
                "ChallengeName": "PASSWORD_VERIFIER",
                "ClientId": client,
                "ChallengeResponses": {
                    "USERNAME": name,
                    "PASSWORD_CLAIM_SIGNATURE": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                },
            })
        },
        says: "Incorrect username or password.",
        after: Some(begin_srp),
        group: 0,
    },
    Question {
        door: "forgotten password",
        operation: "ForgotPassword",
        body: |client, name| json!({ "ClientId": client, "Username": name }),
        says: "CodeDeliveryDetails",
        after: None,
        group: 2,
    },
];

fn begin_by_code(client: &str, name: &str) -> Value {
    json!({
        "AuthFlow": "USER_AUTH",
        "ClientId": client,
        "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
    })
}

fn begin_srp(client: &str, name: &str) -> Value {
    json!({
        "AuthFlow": "USER_SRP_AUTH",
        "ClientId": client,
        "AuthParameters": { "USERNAME": name, "SRP_A": SRP_A },
    })
}

/// Asks at every door for people who are there and for names that are not, in pairs whose order changes.
pub async fn compare(site: &Site, key: &Key, door: &Door, people: u32, pairs: u32) -> Result<Vec<Compared>> {
    // The last people: those who sign in later begin with the first.
    let pairs = pairs.min(people / GROUPS);
    let group = |number: u32| people - (number + 1) * pairs..people - number * pairs;
    prepare::passwords(site, key, door, group(0), PASSWORD).await?;
    let mut all = Vec::new();
    for question in &QUESTIONS {
        all.push(compare_at(site, door, question, group(question.group)).await.context(question.door)?);
    }
    Ok(all)
}

async fn compare_at(site: &Site, door: &Door, question: &Question, numbers: Range<u32>) -> Result<Compared> {
    let mut connection = Connection::open(site.address).await?;
    let target = cognito(question.operation)?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in numbers {
        let stranger = format!("nobody{number:06}");
        let mut both = [(username(number), &mut known), (stranger, &mut unknown)];
        if number % 2 == 1 {
            both.reverse();
        }
        for (name, times) in both {
            let mut body = (question.body)(&door.client, &name);
            if let Some(before) = question.after {
                answer_to(&mut connection, before(&door.client, &name), &mut body).await?;
            }
            let began = Instant::now();
            let answer = connection.call(&target, body.to_string()).await?;
            times.push(began.elapsed());
            let said = String::from_utf8_lossy(&answer.body);
            ensure!(said.contains(question.says), "{name} was answered: {said}");
        }
    }
    let half = known.len() / 2;
    let (threshold, known_is_slower) = best_threshold(&known[..half], &unknown[..half]);
    let guessed = right_share(&known[half..], &unknown[half..], threshold, known_is_slower);
    let (known_median, unknown_median) = (median_ms(&known), median_ms(&unknown));
    Ok(Compared {
        door: question.door,
        pairs: known.len(),
        known_median_ms: known_median,
        unknown_median_ms: unknown_median,
        apart: (known_median - unknown_median).abs() / known_median.max(unknown_median),
        guessed,
    })
}

/// Asks the first question of a sign-in, and has its answer answered.
async fn answer_to(connection: &mut Connection, first: Value, body: &mut Value) -> Result<()> {
    let asked = connection.call(&cognito("InitiateAuth")?, first.to_string()).await?.good()?;
    let asked: Value = serde_json::from_slice(&asked)?;
    let parameters = &asked["ChallengeParameters"];
    body["Session"] = asked["Session"].clone();
    let answers = &mut body["ChallengeResponses"];
    if asked["ChallengeName"] == "PASSWORD_VERIFIER" {
        answers["USERNAME"] = parameters["USER_ID_FOR_SRP"].clone();
        answers["PASSWORD_CLAIM_SECRET_BLOCK"] = parameters["SECRET_BLOCK"].clone();
        answers["TIMESTAMP"] = timestamp().into();
    }
    Ok(())
}

/// A moment as clients of SRP write it: `Fri Jan 2 03:04:05 UTC 2026`.
fn timestamp() -> String {
    let format = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:none] [hour]:[minute]:[second] UTC [year]"
    );
    OffsetDateTime::now_utc().format(format).unwrap_or_default()
}

fn median_ms(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// The threshold that tells these apart best, and which side of it is the known one.
fn best_threshold(known: &[Duration], unknown: &[Duration]) -> (Duration, bool) {
    let candidates = known.iter().chain(unknown).flat_map(|time| [(*time, true), (*time, false)]);
    let share = |(threshold, known_is_slower): &(Duration, bool)| {
        right_share(known, unknown, *threshold, *known_is_slower)
    };
    candidates.max_by(|one, other| share(one).total_cmp(&share(other))).unwrap_or_default()
}

/// How many of these a threshold calls rightly.
fn right_share(known: &[Duration], unknown: &[Duration], threshold: Duration, known_is_slower: bool) -> f64 {
    let is_called_known = |time: &&Duration| (**time > threshold) == known_is_slower;
    let right = known.iter().filter(is_called_known).count()
        + unknown.iter().filter(|time| !is_called_known(time)).count();
    right as f64 / (known.len() + unknown.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(times: &[u64]) -> Vec<Duration> {
        times.iter().map(|ms| Duration::from_millis(*ms)).collect()
    }

    #[test]
    fn times_that_differ_are_told_apart_and_equal_ones_are_not() {
        let (known, unknown) = (ms(&[10, 11, 12]), ms(&[1, 2, 3]));
        let (threshold, known_is_slower) = best_threshold(&known, &unknown);
        assert!(known_is_slower);
        assert!(right_share(&known, &unknown, threshold, known_is_slower) > 0.99);
        let same = ms(&[5, 5, 5]);
        let (threshold, known_is_slower) = best_threshold(&same, &same);
        assert!((right_share(&same, &same, threshold, known_is_slower) - 0.5).abs() < f64::EPSILON);
    }
}
