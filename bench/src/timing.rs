//! Whether time tells who has an account (rule E3): known and unknown names asked for in turn, on an idle server.

use crate::prepare::{Door, username};
use crate::site::Site;
use crate::wire::{Connection, cognito};
use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// What the comparison shows.
#[derive(Serialize)]
pub struct Compared {
    pub pairs: usize,
    pub known_median_ms: f64,
    pub unknown_median_ms: f64,
    /// The difference of the medians over the larger; the rule allows 0.05.
    pub apart: f64,
    /// How often the best threshold, found on one half, is right on the other; the rule allows 0.55.
    pub guessed: f64,
}

/// Asks for codes for people who are there and for names that are not, in pairs whose order changes.
pub async fn compare(site: &Site, door: &Door, people: u32, pairs: u32) -> Result<Compared> {
    let mut connection = Connection::open(site.address).await?;
    let target = cognito("InitiateAuth")?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    // The last people: those who sign in later begin with the first.
    for number in people.saturating_sub(pairs)..people {
        let stranger = format!("nobody{number:06}");
        let mut both = [(username(number), &mut known), (stranger, &mut unknown)];
        if number % 2 == 1 {
            both.reverse();
        }
        for (name, times) in both {
            let body = json!({
                "AuthFlow": "USER_AUTH",
                "ClientId": door.client,
                "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
            });
            let began = Instant::now();
            let answer = connection.call(&target, body.to_string()).await?;
            times.push(began.elapsed());
            ensure!(
                String::from_utf8_lossy(&answer.body).contains("EMAIL_OTP"),
                "{name} was not asked for a code"
            );
        }
    }
    let half = known.len() / 2;
    let (threshold, known_is_slower) = best_threshold(&known[..half], &unknown[..half]);
    let guessed = right_share(&known[half..], &unknown[half..], threshold, known_is_slower);
    let (known_median, unknown_median) = (median_ms(&known), median_ms(&unknown));
    Ok(Compared {
        pairs: known.len(),
        known_median_ms: known_median,
        unknown_median_ms: unknown_median,
        apart: (known_median - unknown_median).abs() / known_median.max(unknown_median),
        guessed,
    })
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
