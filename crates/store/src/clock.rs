//! The one place that asks the system for the time. Time here moves with the monotonic clock: a step of the
//! wall clock while the process lives shifts what we read by no more than [`STEP_MAX_MS`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How far a step of the wall clock may move our time.
pub const STEP_MAX_MS: i64 = 30_000;

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_ms(ms: i64) -> Self {
        Timestamp(ms)
    }

    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as tokens carry them.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub const fn plus_ms(self, ms: i64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }

    pub const fn minus_ms(self, ms: i64) -> Self {
        Timestamp(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when this one is the earlier.
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Tells the time. Clones tell the same time.
#[derive(Clone)]
pub struct Clock(Arc<Readings>);

enum Readings {
    System { started: Instant, wall_at_start_ms: i64 },
    Manual { start_ms: i64, monotonic_ms: AtomicI64, wall_ms: AtomicI64 },
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn system() -> Self {
        Clock(Arc::new(Readings::System { started: Instant::now(), wall_at_start_ms: wall_ms() }))
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Clock(Arc::new(Readings::Manual {
            start_ms: start.ms(),
            monotonic_ms: AtomicI64::new(0),
            wall_ms: AtomicI64::new(start.ms()),
        }))
    }

    pub fn now(&self) -> Timestamp {
        let (steady, wall) = match &*self.0 {
            Readings::System { started, wall_at_start_ms } => {
                let elapsed_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
                (wall_at_start_ms.saturating_add(elapsed_ms), wall_ms())
            }
            Readings::Manual { start_ms, monotonic_ms, wall_ms } => {
                (start_ms + monotonic_ms.load(Ordering::SeqCst), wall_ms.load(Ordering::SeqCst))
            }
        };
        Timestamp(steady + (wall - steady).clamp(-STEP_MAX_MS, STEP_MAX_MS))
    }

    /// Tells how far the wall clock has been stepped away from steady time, for the health page.
    pub fn wall_offset_ms(&self) -> i64 {
        match &*self.0 {
            Readings::System { started, wall_at_start_ms } => {
                wall_ms() - wall_at_start_ms - i64::try_from(started.elapsed().as_millis()).unwrap_or(0)
            }
            Readings::Manual { start_ms, monotonic_ms, wall_ms } => {
                wall_ms.load(Ordering::SeqCst) - start_ms - monotonic_ms.load(Ordering::SeqCst)
            }
        }
    }

    /// Lets time pass on a manual clock; does nothing to the system's.
    pub fn advance(&self, by_ms: i64) {
        if let Readings::Manual { monotonic_ms, wall_ms, .. } = &*self.0 {
            monotonic_ms.fetch_add(by_ms, Ordering::SeqCst);
            wall_ms.fetch_add(by_ms, Ordering::SeqCst);
        }
    }

    /// Steps the wall clock of a manual clock while no time passes.
    pub fn step_wall(&self, by_ms: i64) {
        if let Readings::Manual { wall_ms, .. } = &*self.0 {
            wall_ms.fetch_add(by_ms, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn wall_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_moves_time_by_half_a_minute_at_most() {
        const DAY_MS: i64 = 86_400_000;
        for step in [-DAY_MS, DAY_MS] {
            let clock = Clock::manual(Timestamp::from_ms(1_000_000_000));
            let before = clock.now();
            clock.step_wall(step);
            assert_eq!(clock.now().since(before).abs(), STEP_MAX_MS);
            clock.advance(5_000);
            assert_eq!(clock.now().since(before), 5_000 + step.signum() * STEP_MAX_MS);
        }
    }

    #[test]
    fn a_small_correction_is_followed() {
        let clock = Clock::manual(Timestamp::from_ms(0));
        clock.step_wall(1_500);
        assert_eq!(clock.now(), Timestamp::from_ms(1_500));
    }
}
