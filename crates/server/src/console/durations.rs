//! How long things took, made of the counts that GetMetrics gives: how many stayed under each bound, and within what time
//! most of them were done. Pure.

use super::desk::text;
use postern_model::Document;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Counts under bounds; nothing is over the last, which has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    counts: BTreeMap<Bound, i64>,
    total_ms: i64,
}

/// A bound in milliseconds; none sorts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Ms(i64),
    None,
}

impl Spread {
    pub fn add(&mut self, duration: &Document) {
        let bound = duration["UpToMilliseconds"].as_i64().map_or(Bound::None, Bound::Ms);
        *self.counts.entry(bound).or_default() += duration["Count"].as_i64().unwrap_or_default();
        self.total_ms += duration["TotalMilliseconds"].as_i64().unwrap_or_default();
    }

    pub fn count(&self) -> i64 {
        self.counts.values().sum()
    }

    /// The bound that so many of a hundred stayed under, in words.
    pub fn within(&self, percent: i64) -> String {
        let wanted = self.count() * percent;
        let mut so_far = 0;
        for (bound, count) in &self.counts {
            so_far += count * 100;
            if so_far >= wanted && self.count() > 0 {
                return match bound {
                    Bound::Ms(ms) => words(*ms),
                    Bound::None => "longer".to_owned(),
                };
            }
        }
        String::new()
    }

    /// A bar for each of these bounds, and one for what took longer.
    pub fn bars(&self, bounds_ms: &[i64]) -> Vec<(String, u64)> {
        let of = |bound: Bound| {
            u64::try_from(self.counts.get(&bound).copied().unwrap_or_default()).unwrap_or_default()
        };
        let bars = bounds_ms.iter().map(|ms| (format!("up to {}", words(*ms)), of(Bound::Ms(*ms))));
        bars.chain([("longer".to_owned(), of(Bound::None))]).collect()
    }
}

/// The spreads of a series, by name.
pub fn spreads<'a>(
    durations: impl IntoIterator<Item = &'a Document>,
    series: &str,
) -> BTreeMap<String, Spread> {
    let mut all: BTreeMap<String, Spread> = BTreeMap::new();
    for duration in durations {
        if text(duration, "Series") == series {
            all.entry(text(duration, "Name").to_owned()).or_default().add(duration);
        }
    }
    all
}

/// A time in words.
pub fn words(ms: i64) -> String {
    match ms {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms < 60_000 || ms % 60_000 != 0 => format!("{} s", ms / 1000),
        ms => format!("{} min", ms / 60_000),
    }
}

/// Writes a series as a histogram of Prometheus.
pub fn histogram(
    out: &mut String,
    (name, help, label): (&str, &str, &str),
    bounds_ms: &[i64],
    spreads: &BTreeMap<String, Spread>,
) {
    // Writing into memory does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
    for (of, spread) in spreads {
        let mut so_far = 0;
        for ms in bounds_ms {
            so_far += spread.counts.get(&Bound::Ms(*ms)).copied().unwrap_or_default();
            let le = *ms as f64 / 1000.0;
            let _ = writeln!(out, "{name}_bucket{{{label}=\"{of}\",le=\"{le}\"}} {so_far}");
        }
        let (count, seconds) = (spread.count(), spread.total_ms as f64 / 1000.0);
        let _ = writeln!(out, "{name}_bucket{{{label}=\"{of}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum{{{label}=\"{of}\"}} {seconds}");
        let _ = writeln!(out, "{name}_count{{{label}=\"{of}\"}} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn duration(name: &str, bound: Option<i64>, count: i64, total: i64) -> Document {
        let mut document =
            json!({ "Series": "call", "Name": name, "Count": count, "TotalMilliseconds": total });
        if let Some(bound) = bound {
            document["UpToMilliseconds"] = bound.into();
        }
        document
    }

    #[test]
    fn most_stay_within_the_bound_that_is_told() {
        let all = [
            duration("a", Some(5), 50, 100),
            duration("a", Some(20), 45, 500),
            duration("a", None, 5, 60_000),
            duration("b", Some(1), 1, 1),
        ];
        let spreads = spreads(&all, "call");
        let a = &spreads["a"];
        assert_eq!(
            (a.count(), a.within(50), a.within(95), a.within(99)),
            (100, "5 ms".into(), "20 ms".into(), "longer".into())
        );
        assert_eq!(
            a.bars(&[5, 10, 20])[1..],
            [("up to 10 ms".into(), 0), ("up to 20 ms".into(), 45), ("longer".into(), 5)]
        );
        assert_eq!(Spread::default().within(50), "");
        assert_eq!(
            (words(500), words(45_000), words(90_000), words(180_000)),
            ("500 ms".into(), "45 s".into(), "90 s".into(), "3 min".into())
        );
    }

    #[test]
    fn a_histogram_adds_up_as_prometheus_wants_it() {
        let all = [duration("a", Some(5), 2, 6), duration("a", None, 1, 9000)];
        let mut out = String::new();
        histogram(&mut out, ("t_seconds", "Time.", "call"), &[5, 10], &spreads(&all, "call"));
        assert_eq!(
            out,
            "# HELP t_seconds Time.\n# TYPE t_seconds histogram\n\
             t_seconds_bucket{call=\"a\",le=\"0.005\"} 2\nt_seconds_bucket{call=\"a\",le=\"0.01\"} 2\n\
             t_seconds_bucket{call=\"a\",le=\"+Inf\"} 3\nt_seconds_sum{call=\"a\"} 9.006\nt_seconds_count{call=\"a\"} 3\n"
        );
    }
}
