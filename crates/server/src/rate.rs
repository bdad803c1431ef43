//! A coarse limit on what one source may ask of one process without a signature. The limits that all nodes share,
//! on mails and guesses, are counted in the store.

use postern_store::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Sources remembered at one time. The oldest quiet ones are forgotten first; when all are busy, newcomers share
/// one bucket, so nobody can push out somebody else's.
const SOURCES_MAX: usize = 50_000;
/// How often it is told that a source is held to its pace.
const TOLD_MS: i64 = 10 * 60_000;

/// So many calls at once, and so many a second after that.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub burst: u32,
    pub per_second: u32,
}

/// The buckets of all sources; without a pace there is no limit.
pub struct Limiter {
    pace: Option<Pace>,
    buckets: Mutex<HashMap<Option<IpAddr>, Bucket>>,
    sources_max: usize,
}

/// When a bucket will be full again: what is taken moves it into the future.
#[derive(Clone, Copy)]
struct Bucket {
    full_ms: i64,
    /// Until when it need not be told again that the source is held to its pace.
    told_ms: i64,
}

impl Limiter {
    pub fn new(pace: Option<Pace>) -> Limiter {
        let pace = pace.filter(|pace| pace.burst > 0 && pace.per_second > 0);
        Limiter { pace, buckets: Mutex::default(), sources_max: SOURCES_MAX }
    }

    /// Takes one call from a source's bucket, or says in how many seconds there will be one.
    pub fn take(&self, source: IpAddr, now: Timestamp) -> Result<(), u32> {
        let Some(pace) = self.pace else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Some(source);
        if !buckets.contains_key(&key) && buckets.len() >= self.sources_max {
            buckets.retain(|_, bucket| bucket.full_ms > now.ms());
        }
        let key = if buckets.contains_key(&key) || buckets.len() < self.sources_max { key } else { None };
        let cost_ms = 1000 / i64::from(pace.per_second).max(1);
        let cost_ms = cost_ms.max(1);
        let bucket = buckets.entry(key).or_insert(Bucket { full_ms: now.ms(), told_ms: now.ms() });
        let full_ms = bucket.full_ms.max(now.ms()) + cost_ms;
        let over_ms = full_ms - now.ms() - cost_ms * i64::from(pace.burst);
        if over_ms > 0 {
            return Err(u32::try_from((over_ms + 999) / 1000).unwrap_or(1));
        }
        bucket.full_ms = full_ms;
        Ok(())
    }

    /// Tells whether it is news that a source is held to its pace; for a while, it is no more.
    pub fn is_news(&self, source: IpAddr, now: Timestamp) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if buckets.contains_key(&Some(source)) { Some(source) } else { None };
        match buckets.get_mut(&key) {
            Some(bucket) if bucket.told_ms <= now.ms() => {
                bucket.told_ms = now.ms() + TOLD_MS;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);

    fn limiter() -> Limiter {
        Limiter::new(Some(Pace { burst: 3, per_second: 2 }))
    }

    fn source(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_source_gets_its_burst_and_then_its_pace() {
        let limiter = limiter();
        for _ in 0..3 {
            assert_eq!(limiter.take(source(1), NOW), Ok(()));
        }
        assert_eq!(limiter.take(source(1), NOW), Err(1));
        assert_eq!(limiter.take(source(2), NOW), Ok(()));
        let later = NOW.plus_ms(500);
        assert_eq!(limiter.take(source(1), later), Ok(()));
        assert_eq!(limiter.take(source(1), later), Err(1));
        for _ in 0..3 {
            assert_eq!(limiter.take(source(1), NOW.plus_ms(60_000)), Ok(()));
        }
    }

    #[test]
    fn that_a_source_is_held_back_is_news_once_in_a_while() {
        let limiter = limiter();
        assert!(!limiter.is_news(source(1), NOW), "nothing is known of it");
        while limiter.take(source(1), NOW).is_ok() {}
        assert!(limiter.is_news(source(1), NOW) && !limiter.is_news(source(1), NOW));
        assert!(!limiter.is_news(source(2), NOW));
        assert!(limiter.is_news(source(1), NOW.plus_ms(TOLD_MS)));
    }

    #[test]
    fn many_sources_cannot_push_one_out() {
        let limiter = Limiter { sources_max: 10, ..limiter() };
        for _ in 0..3 {
            assert_eq!(limiter.take(source(1), NOW), Ok(()));
        }
        for other in 2..200 {
            let _ = limiter.take(source(other), NOW);
        }
        assert!(limiter.take(source(1), NOW).is_err());
        assert!(limiter.buckets.lock().expect("not poisoned").len() <= 11);
        // Once the crowd is quiet, there is room again.
        assert_eq!(limiter.take(source(250), NOW.plus_ms(60_000)), Ok(()));
    }

    #[test]
    fn without_a_pace_there_is_no_limit() {
        let limiter = Limiter::new(None);
        for _ in 0..1000 {
            assert_eq!(limiter.take(source(1), NOW), Ok(()));
        }
    }
}
