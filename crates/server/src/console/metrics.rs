//! Numbers: sign-ins, codes and failures, drawn for people and exported for Prometheus, both from the counts that
//! GetMetrics gives.

use super::desk::{Answered, Desk, found, items, text};
use super::durations::{self, Spread};
use super::menu::Place;
use super::outcomes::{Meaning, meaning};
use super::pools::counted;
use super::session;
use crate::api::perform;
use crate::app::App;
use crate::login::visit::Knock;
use crate::pages::console::list::{Cell, Table};
use crate::pages::console::parts::{Numbers, Plot};
use crate::pages::console::{Block, Html, moment};
use crate::pages::problem::Trouble;
use crate::respond::{response, with_header};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_access::Caller;
use postern_model::{Document, Error, Service};
use postern_store::timings::Series;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HERE: &str = "/console/metrics";
/// What Prometheus calls each series: name, help, label.
const HISTOGRAMS: [(&str, &str, &str); 2] = [
    ("postern_call_duration_seconds", "How long calls of operations took.", "call"),
    ("postern_code_use_seconds", "How long after its sending a code was used.", "kind"),
];
const HOURS: i64 = 24;
const HOUR_MS: i64 = 3_600_000;

/// Sums what a series of the audit counted.
fn sum(counts: &[Document], is_of: impl Fn(&str, &str) -> bool) -> i64 {
    let of = counts.iter().filter(|count| is_of(text(count, "Action"), text(count, "Outcome")));
    of.map(|count| count["Count"].as_i64().unwrap_or_default()).sum()
}

fn is_sign_in(action: &str, outcome: &str) -> bool {
    action == "SignIn" && outcome == "signed in"
}

fn is_code_sent(action: &str, outcome: &str) -> bool {
    action == "SendCode" && outcome.starts_with("sent")
}

/// A sign-in or its beginning that went no further.
fn is_failure(action: &str, outcome: &str) -> bool {
    action == "SignIn" && meaning(outcome) == Meaning::Failed
}

/// `GET /console/metrics`
pub async fn page(desk: Desk) -> Answered {
    let answer = desk.read(Service::Postern, "GetMetrics", json!({ "Hours": HOURS })).await?;
    let (counts, durations) = (items(&answer, "Counts"), items(&answer, "Durations"));
    let numbers = [
        (sum(counts, is_sign_in), "sign-ins in 24 hours"),
        (sum(counts, is_code_sent), "codes sent"),
        (sum(counts, is_failure), "sign-ins that failed"),
        (sum(counts, |action, _| action.contains(':')), "signed API calls"),
    ];
    let numbers = numbers.map(|(number, what)| (counted(number), what.to_owned()));
    let now = desk.app.clock.now().ms();
    let plot = |id: &str, title: &str, is_of: fn(&str, &str) -> bool| {
        let bars = bars(counts, now, is_of);
        Plot { id: id.to_owned(), title: title.to_owned(), hint: String::new(), head: "When", bars }.html()
    };
    let mut failures: BTreeMap<&str, i64> = BTreeMap::new();
    for count in counts.iter().filter(|count| is_failure(text(count, "Action"), text(count, "Outcome"))) {
        *failures.entry(text(count, "Outcome")).or_default() += count["Count"].as_i64().unwrap_or_default();
    }
    let rows = failures.into_iter().map(|(why, count)| vec![Cell::words(why), Cell::words(counted(count))]);
    let blocks = vec![
        Numbers { numbers: numbers.into() }.html(),
        plot("sign-ins", "Sign-ins by hour", is_sign_in),
        plot("codes", "Codes sent by hour", is_code_sent),
        plot("failures", "Failed sign-ins by hour", is_failure),
        Table::new("Why sign-ins failed", vec!["Reason", "How often"], rows.collect())
            .or_empty("None failed in the last 24 hours.", None, "")
            .html(),
        times(durations, Series::Codes, "uses", "From a code's sending to its use"),
        times(durations, Series::Calls, "calls", "How long calls took"),
        calls(durations),
    ];
    let lead = "Counted from the audit every few seconds. Prometheus reads the same numbers at /metrics, with an access key as its user and password.";
    desk.show(&Place::Top(HERE), "Metrics", lead, blocks)
}

/// How long things of a series took in all.
fn times(durations: &[Document], series: Series, id: &str, title: &str) -> Html {
    let mut all = Spread::default();
    for duration in durations.iter().filter(|duration| text(duration, "Series") == series.name()) {
        all.add(duration);
    }
    let hint = match all.count() {
        0 => String::new(),
        _ => format!("Half took up to {}, 95 in 100 up to {}.", all.within(50), all.within(95)),
    };
    let bars = all.bars(series.bounds_ms());
    Plot { id: id.to_owned(), title: title.to_owned(), hint, head: "How long", bars }.html()
}

/// How long calls took, operation by operation.
fn calls(durations: &[Document]) -> Html {
    let rows = durations::spreads(durations, Series::Calls.name()).into_iter().map(|(name, spread)| {
        let words = [counted(spread.count()), spread.within(50), spread.within(95), spread.within(99)];
        let mut row = vec![Cell::Code(name)];
        row.extend(words.map(Cell::words));
        row
    });
    let head = vec!["Call", "How many", "Half took up to", "95 in 100", "99 in 100"];
    Table::new("Calls by operation", head, rows.collect())
        .or_empty("Nobody has called in the last 24 hours.", None, "")
        .html()
}

/// A bar for each of the last hours, the newest last.
fn bars(counts: &[Document], now_ms: i64, is_of: fn(&str, &str) -> bool) -> Vec<(String, u64)> {
    let this_hour = now_ms - now_ms.rem_euclid(HOUR_MS);
    (0..HOURS)
        .rev()
        .map(|back| {
            let hour_ms = this_hour - back * HOUR_MS;
            let seconds = (hour_ms / 1000) as f64;
            let of_hour: Vec<Document> =
                counts.iter().filter(|count| count["Hour"].as_f64() == Some(seconds)).cloned().collect();
            (moment(hour_ms).short(), u64::try_from(sum(&of_hour, is_of)).unwrap_or_default())
        })
        .collect()
}

/// `GET /metrics`: the sums since the beginning, for Prometheus. Who asks proves an access key by basic authentication
/// and needs leave for `postern:GetMetrics`.
pub async fn export(State(app): State<App>, Knock(visit): Knock) -> Response {
    let visit = match visit {
        Ok(visit) => visit,
        Err(unread) => return session::unread(&app, unread),
    };
    let proved = match visit.authorization().and_then(basic) {
        Some((key_id, secret)) => app.access.prove_key(&key_id, &secret).await.ok(),
        None => None,
    };
    let Some(principal) = proved else {
        let refused =
            response(StatusCode::UNAUTHORIZED, "text/plain; charset=utf-8", "An access key is needed.\n");
        return with_header(refused, WWW_AUTHENTICATE, "Basic realm=\"postern\", charset=\"UTF-8\"");
    };
    let caller = Caller { principal, ..visit.caller };
    let call = found(Service::Postern, "GetMetrics");
    match perform(&app, &caller, call, &json!({ "Hours": 1 })).await {
        Ok(answer) => {
            let mut text = exposition(items(&answer, "Totals"));
            let sums = items(&answer, "DurationTotals");
            for (series, words) in Series::ALL.into_iter().zip(HISTOGRAMS) {
                let spreads = durations::spreads(sums, series.name());
                durations::histogram(&mut text, words, series.bounds_ms(), &spreads);
            }
            response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
        }
        Err(Error::Refused(refusal)) => {
            response(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", format!("{}\n", refusal.message))
        }
        Err(Error::Failed(cause)) => {
            tracing::error!(cause = format!("{cause:#}"), "the metrics could not be read");
            session::turned_away(&app, Trouble::Fault)
        }
    }
}

/// Reads `Basic …` (RFC 7617).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok())??;
    let text = String::from_utf8(decoded).ok()?;
    let (name, secret) = text.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}

/// Writes counters as Prometheus reads them (text format 0.0.4).
fn exposition(totals: &[Document]) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let mut out = String::from(
        "# HELP postern_events_total What the audit recorded, by action and outcome.\n# TYPE postern_events_total counter\n",
    );
    for total in totals {
        // Writing into memory does not fail.
        let _ = writeln!(
            out,
            "postern_events_total{{action=\"{}\",outcome=\"{}\"}} {}",
            quoted(text(total, "Action")),
            quoted(text(total, "Outcome")),
            total["Count"].as_i64().unwrap_or_default()
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(hour: i64, action: &str, outcome: &str, count: i64) -> Document {
        json!({ "Hour": hour, "Action": action, "Outcome": outcome, "Count": count })
    }

    #[test]
    fn bars_are_the_last_hours_and_failures_are_no_sign_ins() {
        let counts = [
            count(3600, "SignIn", "signed in", 2),
            count(3600, "SignIn", "wrong code", 5),
            count(7200, "SignIn", "signed in", 1),
        ];
        let bars = bars(&counts, 7_300_000, is_sign_in);
        assert_eq!(bars.len(), 24);
        assert_eq!(bars[22..], [("01:00 UTC".to_owned(), 2), ("02:00 UTC".to_owned(), 1)]);
        assert_eq!(sum(&counts, is_failure), 5);
    }

    #[test]
    fn counters_are_written_as_prometheus_reads_them() {
        let text = exposition(&[count(0, "SignIn", "wrong \"code\"", 3)]);
        assert!(
            text.ends_with("postern_events_total{action=\"SignIn\",outcome=\"wrong \\\"code\\\"\"} 3\n"),
            "{text}"
        );
    }

    #[test]
    fn only_basic_authentication_is_read() {
        assert_eq!(basic("Basic dGVzdDphOmI="), Some(("test".to_owned(), "a:b".to_owned())));
        assert_eq!((basic("Bearer x"), basic("Basic !"), basic("Basic dGVzdA==")), (None, None, None));
    }
}
