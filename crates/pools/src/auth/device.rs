//! Remembered devices: how their keys look, whether a pool tracks them, and what one stands for (Developer Guide, "Working
//! with user devices in your user pool").

use aws_lc_rs::digest;
use postern_model::cognito_idp::DeviceConfigurationType;
use postern_store::Timestamp;

/// What a pool does about devices (`DeviceConfiguration`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// Devices get keys, and are known by them.
    pub on: bool,
    /// A trusted device stands in for the second factor (`ChallengeRequiredOnNewDevice`).
    pub stands_in: bool,
    /// A device is remembered only once its owner says so (`DeviceOnlyRememberedOnUserPrompt`).
    pub on_prompt: bool,
}

impl Tracking {
    pub fn of(settings: Option<&DeviceConfigurationType>) -> Tracking {
        match settings {
            None => Tracking::default(),
            Some(settings) => Tracking {
                on: true,
                stands_in: settings.challenge_required_on_new_device == Some(true),
                on_prompt: settings.device_only_remembered_on_user_prompt == Some(true),
            },
        }
    }
}

/// Tells whether a device may stand in for a second factor now: all factors were given on it once, not too long ago (rule
/// F5). Zero is any age.
pub fn is_trusted(trusted: Option<Timestamp>, life_ms: i64, now: Timestamp) -> bool {
    trusted.is_some_and(|since| life_ms == 0 || now.since(since) < life_ms)
}

/// The group that a user's devices are in: no secret, and always the same, for clients keep it with the key.
pub fn group_key(pool_id: &str, user_id: &str) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let hash = digest::digest(&digest::SHA256, format!("device group\n{pool_id}\n{user_id}").as_bytes());
    let letters = hash.as_ref()[..8].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % 62]));
    std::iter::once('-').chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_setting_has_devices_tracked_and_none_does_not() {
        let set = |challenge, prompt| DeviceConfigurationType {
            challenge_required_on_new_device: challenge,
            device_only_remembered_on_user_prompt: prompt,
        };
        assert_eq!(Tracking::of(None), Tracking::default());
        let plain = Tracking { on: true, stands_in: false, on_prompt: false };
        assert_eq!(Tracking::of(Some(&set(Some(false), None))), plain);
        assert_eq!(Tracking::of(Some(&set(Some(true), None))), Tracking { stands_in: true, ..plain });
        assert_eq!(Tracking::of(Some(&set(None, Some(true)))), Tracking { on_prompt: true, ..plain });
    }

    #[test]
    fn trust_is_earned_and_ends() {
        let at = Timestamp::from_ms;
        assert!(!is_trusted(None, 0, at(5)) && !is_trusted(None, 10, at(5)));
        assert!(is_trusted(Some(at(5)), 10, at(14)) && !is_trusted(Some(at(5)), 10, at(15)));
        assert!(is_trusted(Some(at(5)), 0, at(1_000_000)));
    }

    #[test]
    fn a_group_is_a_users_own_and_stays() {
        let group = group_key("us-east-1_a", "alice");
        assert!(group.len() == 9 && group.starts_with('-'), "{group}");
        assert_eq!(group, group_key("us-east-1_a", "alice"));
        assert!(group != group_key("us-east-1_b", "alice") && group != group_key("us-east-1_a", "bob"));
    }
}
