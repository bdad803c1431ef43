//! How risky a sign-in is, by what its user did before (Developer Guide, "Working with adaptive authentication"): how far
//! it differs from their own, how many failed just now, and what its user disowned. `docs/threats.md` tells it in words.

use postern_store::Timestamp;
use std::net::IpAddr;

/// As many of a user's own sign-ins are looked at, the newest, as long as they are not too old.
pub const OWN_MAX: i64 = 50;
pub const MEMORY_MS: i64 = 90 * 86_400_000;
/// So many failed attempts in so long a time make what is new more risky.
pub const FAILURES: usize = 3;
pub const FAILURES_MS: i64 = 3_600_000;

/// What a pool does about threats (`AdvancedSecurityMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    #[default]
    Off,
    /// Remembers and judges.
    Audit,
    /// Does something about it, too.
    Enforced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    Low,
    Medium,
    High,
}

impl Risk {
    pub fn as_str(self) -> &'static str {
        match self {
            Risk::Low => "Low",
            Risk::Medium => "Medium",
            Risk::High => "High",
        }
    }
}

/// Where a sign-in comes from, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub source: Option<IpAddr>,
    /// What the device is known by.
    pub device: Option<String>,
}

impl Origin {
    fn is_from_network_of(&self, other: &Origin) -> bool {
        self.source.zip(other.source).is_some_and(|(one, other)| network(one) == network(other))
    }

    fn is_on_device_of(&self, other: &Origin) -> bool {
        self.device.is_some() && self.device == other.device
    }
}

/// A sign-in from before.
#[derive(Clone, Debug)]
pub struct Past {
    pub origin: Origin,
    pub at: Timestamp,
    /// Nothing: it was never ended.
    pub passed: Option<bool>,
    /// Whether its user said that it was theirs.
    pub owned: Option<bool>,
}

/// Judges a sign-in. Who signs in for the first time differs from nothing. Failed attempts are anybody's: they make a
/// sign-in more risky that is new in another way, and keep nobody out of where they have been before.
pub fn judge(origin: &Origin, is_recognised: bool, before: &[Past], now: Timestamp) -> Option<Risk> {
    let recent = || before.iter().filter(|past| now.since(past.at) < MEMORY_MS);
    let is_like =
        |past: &Past| origin.is_from_network_of(&past.origin) || origin.is_on_device_of(&past.origin);
    if recent().any(|past| past.owned == Some(false) && is_like(past)) {
        return Some(Risk::High);
    }
    let own: Vec<&Past> =
        recent().filter(|past| past.owned == Some(true) || past.passed == Some(true)).collect();
    let is_new = |is_same: &dyn Fn(&Past) -> bool| !own.is_empty() && !own.iter().any(|past| is_same(past));
    let new_network = origin.source.is_some() && is_new(&|past| origin.is_from_network_of(&past.origin));
    let new_device =
        origin.device.is_some() && !is_recognised && is_new(&|past| origin.is_on_device_of(&past.origin));
    if !new_network && !new_device {
        return None;
    }
    let failed = recent().filter(|past| {
        past.passed == Some(false) && past.owned.is_none() && now.since(past.at) < FAILURES_MS
    });
    let many_failed = failed.count() >= FAILURES;
    match [new_network, new_device, many_failed].into_iter().filter(|sign| *sign).count() {
        1 => Some(Risk::Low),
        2 => Some(Risk::Medium),
        _ => Some(Risk::High),
    }
}

/// What addresses of one place have in common: an IPv4 /24, an IPv6 /64.
fn network(address: IpAddr) -> [u8; 8] {
    let mut network = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(address) => network[..3].copy_from_slice(&address.octets()[..3]),
        IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_767_323_045_000);
    const HOME: &str = "192.0.2.7";
    const AWAY: &str = "198.51.100.9";

    fn origin(source: &str, device: &str) -> Origin {
        Origin { source: source.parse().ok(), device: Some(device.to_owned()) }
    }

    fn past(source: &str, device: &str, hours_ago: i64, passed: bool) -> Past {
        let at = NOW.minus_ms(hours_ago * 3_600_000 + 1);
        Past { origin: origin(source, device), at, passed: Some(passed), owned: None }
    }

    #[test]
    fn what_is_new_is_risky_and_more_so_the_more_is_new() {
        let before = [past(HOME, "laptop", 24, true)];
        let judged = |source: &str, device: &str| judge(&origin(source, device), false, &before, NOW);
        assert_eq!(judged(HOME, "laptop"), None);
        assert_eq!(judged("192.0.2.200", "laptop"), None, "of the same network");
        assert_eq!(judged(AWAY, "laptop"), Some(Risk::Low));
        assert_eq!(judged(HOME, "phone"), Some(Risk::Low));
        assert_eq!(judged(AWAY, "phone"), Some(Risk::Medium));
        assert_eq!(
            judge(&origin(AWAY, "phone"), true, &before, NOW),
            Some(Risk::Low),
            "a recognised browser"
        );
        assert_eq!(judge(&Origin::default(), false, &before, NOW), None, "nothing is known of it");
    }

    #[test]
    fn the_first_sign_in_differs_from_nothing_and_old_ones_are_forgotten() {
        assert_eq!(judge(&origin(HOME, "laptop"), false, &[], NOW), None);
        let failed = [past(AWAY, "phone", 24, false)];
        assert_eq!(judge(&origin(HOME, "laptop"), false, &failed, NOW), None);
        let old = [past(HOME, "laptop", 91 * 24, true)];
        assert_eq!(judge(&origin(AWAY, "phone"), false, &old, NOW), None);
    }

    #[test]
    fn failed_attempts_count_for_an_hour() {
        let mut before = vec![past(HOME, "laptop", 24, true)];
        before.extend([0, 0].map(|hours| past(AWAY, "phone", hours, false)));
        assert_eq!(judge(&origin(HOME, "laptop"), false, &before, NOW), None);
        assert_eq!(judge(&origin(AWAY, "phone"), false, &before, NOW), Some(Risk::Medium));
        before.push(past(AWAY, "phone", 0, false));
        assert_eq!(judge(&origin(HOME, "phone"), false, &before, NOW), Some(Risk::Medium));
        assert_eq!(judge(&origin(AWAY, "phone"), false, &before, NOW), Some(Risk::High));
        assert_eq!(judge(&origin(HOME, "laptop"), false, &before, NOW), None, "a stranger keeps nobody out");
        let mut owned = before.clone();
        owned[3].owned = Some(true);
        assert_eq!(judge(&origin(AWAY, "phone"), false, &owned, NOW), None, "it was theirs");
        for failed in &mut before[1..] {
            failed.at = failed.at.minus_ms(3_600_000);
        }
        assert_eq!(judge(&origin(AWAY, "phone"), false, &before, NOW), Some(Risk::Medium));
    }

    #[test]
    fn what_was_disowned_is_risky_and_what_was_owned_is_known() {
        let mut before = [past(HOME, "laptop", 24, true), past(AWAY, "phone", 12, true)];
        before[1].owned = Some(false);
        assert_eq!(judge(&origin(AWAY, "tablet"), false, &before, NOW), Some(Risk::High));
        assert_eq!(judge(&origin("203.0.113.1", "phone"), false, &before, NOW), Some(Risk::High));
        assert_eq!(judge(&origin(HOME, "laptop"), false, &before, NOW), None);
        let mut blocked = [past(HOME, "laptop", 24, true), past(AWAY, "phone", 12, false)];
        blocked[1].owned = Some(true);
        assert_eq!(judge(&origin(AWAY, "phone"), false, &blocked, NOW), None);
    }
}
