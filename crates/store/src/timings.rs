//! How long things took, counted under bounds. Counts are gathered in memory, so that nobody waits for one, and added to
//! the database every few seconds. What a node has gathered when it dies is missing in the plots and nowhere else.

use crate::{Timestamp, Tx, values};
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const HOUR_MS: i64 = 3_600_000;
/// Hours are kept as long as they can be asked for.
pub(crate) const KEPT_MS: i64 = 31 * 24 * HOUR_MS;
/// The bound that everything stays under.
pub const BEYOND: i64 = i64::MAX;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Calls of operations, from the request to the answer.
    Calls,
    /// Codes, from their sending to their use.
    Codes,
}

impl Series {
    pub const ALL: [Series; 2] = [Series::Calls, Series::Codes];

    pub fn name(self) -> &'static str {
        match self {
            Series::Calls => "call",
            Series::Codes => "code",
        }
    }

    /// The bounds in milliseconds, apart from [`BEYOND`].
    pub fn bounds_ms(self) -> &'static [i64] {
        match self {
            Series::Calls => &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
            Series::Codes => {
                &[5_000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 600_000]
            }
        }
    }

    fn bound_ms(self, took_ms: i64) -> i64 {
        self.bounds_ms().iter().copied().find(|bound| took_ms <= *bound).unwrap_or(BEYOND)
    }
}

/// How many of a name stayed under a bound and over the one below it, and how long they took together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// The beginning of the hour; 0 is all hours.
    pub hour: Timestamp,
    pub series: String,
    pub name: String,
    pub bound_ms: i64,
    pub count: i64,
    pub total_ms: i64,
}

type Key = (Series, String, i64, i64);

/// What has been gathered. Clones share it.
#[derive(Clone, Default)]
pub struct Timings(Arc<Mutex<BTreeMap<Key, (i64, i64)>>>);

impl Timings {
    pub fn note(&self, series: Series, name: &str, now: Timestamp, took_ms: i64) {
        let took_ms = took_ms.max(0);
        let hour = now.ms() - now.ms().rem_euclid(HOUR_MS);
        self.add((series, name.to_owned(), hour, series.bound_ms(took_ms)), (1, took_ms));
    }

    fn add(&self, key: Key, (count, total): (i64, i64)) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = gathered.entry(key).or_default();
        entry.0 += count;
        entry.1 += total;
    }

    /// Takes what has been gathered, to be added to the database.
    pub fn take(&self) -> Gathered {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Gathered(taken.into_iter().collect())
    }

    /// Takes back what could not be added.
    pub fn give_back(&self, gathered: Gathered) {
        for (key, counts) in gathered.0 {
            self.add(key, counts);
        }
    }
}

/// Counts on their way to the database.
#[derive(Clone)]
pub struct Gathered(Vec<(Key, (i64, i64))>);

impl Gathered {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Tx<'_> {
    /// Notes how long something took, once this unit of work is durable.
    pub fn timed(&mut self, series: Series, name: &'static str, now: Timestamp, took_ms: i64) {
        let timings = self.cache.timings.clone();
        self.after_commit(move || timings.note(series, name, now, took_ms));
    }

    /// Adds counts to those of their hour, and to the sums.
    pub fn add_timings(&mut self, gathered: &Gathered, now: Timestamp) -> Result<()> {
        // In one order on all nodes, so that none waits for another that waits for it.
        for ((series, name, hour, bound), (count, total)) in &gathered.0 {
            for hour in [0, *hour] {
                self.run(
                    "insert into timings (hour_ms, series, name, bound_ms, count, total_ms) \
                     values ($1, $2, $3, $4, $5, $6) on conflict (hour_ms, series, name, bound_ms) \
                     do update set count = timings.count + excluded.count, \
                     total_ms = timings.total_ms + excluded.total_ms",
                    values![hour, series.name(), name, *bound, *count, *total],
                )?;
            }
        }
        self.run("delete from timings where hour_ms > 0 and hour_ms < $1", values![now.minus_ms(KEPT_MS)])?;
        Ok(())
    }

    /// How long what took: in each hour from one on, and the sums.
    pub fn timings(&mut self, from: Timestamp) -> Result<Vec<Timed>> {
        self.rows(
            "select hour_ms, series, name, bound_ms, count, total_ms from timings \
             where hour_ms = 0 or hour_ms >= $1 order by hour_ms, series, name, bound_ms",
            values![from],
            |row| {
                Ok(Timed {
                    hour: row.time(0)?,
                    series: row.text(1)?,
                    name: row.text(2)?,
                    bound_ms: row.int(3)?,
                    count: row.int(4)?,
                    total_ms: row.int(5)?,
                })
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_under_its_bound_and_none_is_lost_on_the_way() {
        let timings = Timings::default();
        let now = Timestamp::from_ms(2 * HOUR_MS + 5);
        for took in [0, 1, 2, 3, 9_000, -4] {
            timings.note(Series::Calls, "a", now, took);
        }
        let taken = timings.take();
        assert!(timings.take().is_empty());
        timings.give_back(taken);
        timings.note(Series::Calls, "a", now, 1);
        let counts: Vec<(i64, i64, i64)> = timings
            .take()
            .0
            .into_iter()
            .map(|((_, _, _, bound), (count, total))| (bound, count, total))
            .collect();
        assert_eq!(counts, [(1, 4, 2), (2, 1, 2), (5, 1, 3), (BEYOND, 1, 9_000)]);
    }
}
