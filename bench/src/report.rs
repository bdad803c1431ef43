//! What was measured, as a table for people or as JSON for programs.

use crate::lists::Listed;
use crate::load::{Done, Seen};
use crate::machine::TwoSignatures;
use crate::timing::Compared;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Cores that the rest of a quiet machine may take.
const OTHER_CORES_QUIET: f64 = 0.1;

/// The whole run.
#[derive(Serialize)]
pub struct Report {
    pub database: &'static str,
    pub people: u32,
    pub workers: usize,
    pub machine: TwoSignatures,
    pub people_created_per_s: f64,
    /// From the start of the process to `/readyz`, with all the people stored: the median of several.
    pub start_ms: f64,
    pub resident_idle_mib: f64,
    pub resident_peak_mib: f64,
    pub rush: Stretch,
    pub half: Stretch,
    /// The same once more beside password hashes, where that was asked for.
    pub hashing: Option<WhileHashing>,
    /// Known names beside unknown ones, where that was asked for.
    pub timing: Option<Vec<Compared>>,
    /// Lists and searches of the people, where that was asked for.
    pub lists: Option<Vec<Listed>>,
    /// The pages, from the app's request to its tokens; and an app's refreshes, each with a new refresh token.
    pub pages: Stretch,
    pub refresh: Stretch,
    /// Programs that get tokens for themselves, and the share of what all cores could sign that this is.
    pub machines: Stretch,
    pub machines_share: f64,
    /// Server processor time of a sign-in over that of its two signatures alone.
    pub ratio: f64,
    /// The same over what the server's signing threads took meanwhile: of one stretch, so fair on a busy machine.
    pub ratio_to_signing: f64,
}

/// A stretch of sign-ins beside password hashes that wait.
#[derive(Serialize)]
pub struct WhileHashing {
    pub waiting: usize,
    pub hashes_per_s: f64,
    /// Checks that found the queue full.
    pub turned_away: u64,
    pub stretch: Stretch,
}

/// One stretch of sign-ins.
#[derive(Serialize)]
pub struct Stretch {
    pub seconds: f64,
    pub sign_ins: usize,
    pub per_s: f64,
    pub whole: Spread,
    pub initiate_auth: Spread,
    pub mail: Spread,
    pub respond: Spread,
    pub server_cpu_ms: f64,
    pub signing_cpu_ms: f64,
    pub client_cpu_ms: f64,
    /// Cores that somebody else kept busy; much above 0.1, the numbers are too bad.
    pub other_cores: f64,
    pub failures: BTreeMap<String, u64>,
    pub people_ran_out: bool,
}

/// Milliseconds that half, 99 in a hundred, and all stayed within.
#[derive(Serialize)]
pub struct Spread {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Stretch {
    pub fn of(seen: &Seen) -> Stretch {
        let count = seen.done.len();
        let each_ms = |cpu: Duration| cpu.as_secs_f64() * 1e3 / count.max(1) as f64;
        let spread = |part: fn(&Done) -> Duration| Spread::of(seen.done.iter().map(part).collect());
        let seconds = seen.took.as_secs_f64();
        Stretch {
            seconds,
            sign_ins: count,
            per_s: count as f64 / seconds,
            whole: spread(|done| done.whole),
            initiate_auth: spread(|done| done.begin),
            mail: spread(|done| done.mail),
            respond: spread(|done| done.answer),
            server_cpu_ms: each_ms(seen.server_cpu),
            signing_cpu_ms: each_ms(seen.signing_cpu),
            client_cpu_ms: each_ms(seen.client_cpu),
            other_cores: seen.other_cpu.as_secs_f64() / seconds,
            failures: seen.failures.clone(),
            people_ran_out: seen.short,
        }
    }
}

impl Spread {
    pub fn of(mut times: Vec<Duration>) -> Spread {
        times.sort_unstable();
        let at = |share: f64| {
            let place = (times.len() as f64 * share).ceil() as usize;
            times.get(place.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Spread { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) }
    }
}

impl Report {
    /// Tells whether everything succeeded.
    pub fn is_clean(&self) -> bool {
        let beside = self.hashing.as_ref().map(|hashing| &hashing.stretch);
        let stretches =
            [&self.rush, &self.half, &self.pages, &self.refresh, &self.machines].into_iter().chain(beside);
        stretches.into_iter().all(|stretch| stretch.failures.is_empty())
    }

    pub fn table(&self) -> String {
        let Report { machine, rush, half, .. } = self;
        let mut out = format!(
            "sign-ins by mailed code: {} people in {}, {} at a time, client on the same {} cores\n\n",
            self.people, self.database, self.workers, machine.cores
        );
        let mut line = |name: &str, value: String| out.push_str(&format!("{name:<36}{value}\n"));
        line("sign-ins a second", format!("{:8.0}", rush.per_s));
        line("server CPU a sign-in", format!("{:8.3} ms", rush.server_cpu_ms));
        line("two RSA-2048 signatures", format!("{:8.3} ms", machine.alone_ms));
        line("  while all cores sign", format!("{:8.3} ms", machine.all_busy_ms));
        line("ratio", format!("{:8.2}", self.ratio));
        let signing = format!("{:8.2}    ({:.3} ms)", self.ratio_to_signing, rush.signing_cpu_ms);
        line("  to its own signing threads", signing);
        line("client CPU a sign-in", format!("{:8.3} ms", rush.client_cpu_ms));
        line("memory idle, all people stored", format!("{:8.1} MiB", self.resident_idle_mib));
        line("memory at most, under load", format!("{:8.1} MiB", self.resident_peak_mib));
        line("start with existing data", format!("{:8.1} ms", self.start_ms));
        line("people created a second", format!("{:8.0}", self.people_created_per_s));
        let calls = ["InitiateAuth", "from its answer to the mail", "RespondToAuthChallenge"];
        let steps = ["authorize to the code's page", "from there to the mail", "code to tokens"];
        for (title, stretch, parts) in [
            ("as fast as it goes", rush, calls),
            ("at half that rate", half, calls),
            ("on the pages", &self.pages, steps),
            ("refreshing with rotation", &self.refresh, [""; 3]),
            ("tokens for programs", &self.machines, [""; 3]),
        ] {
            out.push_str(&stretch.lines(title, parts));
        }
        out.push_str(&format!("  {:.0} % of what all cores could sign\n", self.machines_share * 100.0));
        if let Some(hashing) = &self.hashing {
            let title = format!("at half that rate beside {} waiting hashes", hashing.waiting);
            out.push_str(&hashing.stretch.lines(&title, calls));
            let (done, away) = (hashing.hashes_per_s, hashing.turned_away);
            out.push_str(&format!("  hashes: {done:.0} a second, {away} turned away\n"));
        }
        if self.lists.is_some() {
            out.push_str(&format!("\nlists of {} people, one at a time\n", self.people));
            out.push_str(&format!("{:<36}{:>8}{:>9}{:>9}\n", "  milliseconds", "p50", "p99", "max"));
        }
        for Listed { what, times } in self.lists.iter().flatten() {
            let Spread { p50_ms, p99_ms, max_ms } = times;
            out.push_str(&format!("  {what:<34}{p50_ms:8.2}{p99_ms:9.2}{max_ms:9.2}\n"));
        }
        if self.timing.is_some() {
            out.push_str("\nknown and unknown names\n");
        }
        for timing in self.timing.iter().flatten() {
            out.push_str(&format!(
                "  {}, {} pairs: medians {:.3} and {:.3} ms, {:.1} % apart; the best threshold is right in {:.1} %\n",
                timing.door,
                timing.pairs,
                timing.known_median_ms,
                timing.unknown_median_ms,
                timing.apart * 100.0,
                timing.guessed * 100.0
            ));
        }
        out
    }
}

impl Stretch {
    fn lines(&self, title: &str, [begin, mail, answer]: [&str; 3]) -> String {
        let mut out = format!(
            "\n{title}: {} in {:.1} s, {:.0} a second, server CPU {:.3} ms each\n",
            self.sign_ins, self.seconds, self.per_s, self.server_cpu_ms
        );
        if self.other_cores > OTHER_CORES_QUIET {
            out.push_str(&format!("  NOT QUIET: others kept {:.2} cores busy\n", self.other_cores));
        }
        out.push_str(&format!("{:<36}{:>8}{:>9}{:>9}\n", "  milliseconds", "p50", "p99", "max"));
        for (name, spread) in [
            ("  whole".to_owned(), &self.whole),
            (format!("    {begin}"), &self.initiate_auth),
            (format!("    {mail}"), &self.mail),
            (format!("    {answer}"), &self.respond),
        ] {
            // What has no parts has one line.
            if name.trim().is_empty() {
                continue;
            }
            let Spread { p50_ms, p99_ms, max_ms } = spread;
            out.push_str(&format!("{name:<36}{p50_ms:8.2}{p99_ms:9.2}{max_ms:9.2}\n"));
        }
        for (what, count) in &self.failures {
            out.push_str(&format!("  FAILED {count} times: {what}\n"));
        }
        if self.people_ran_out {
            out.push_str("  people ran out: take --users higher or --seconds lower\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_times_that_were_seen() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((spread.p50_ms, spread.p99_ms, spread.max_ms), (100.0, 198.0, 200.0));
        assert_eq!(Spread::of(Vec::new()).max_ms, 0.0);
    }
}
