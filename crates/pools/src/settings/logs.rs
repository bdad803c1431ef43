//! Where a pool's events are written. Pure: what is asked for in, pairs of a source and a log group out.

use super::invalid;
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::*;
use postern_model::{Answer, refuse};
use postern_store::log_lines::LogSource;

/// CloudWatch Logs, API_CreateLogGroup: the length of a name.
const NAME_MAX: usize = 512;

/// What events of a source count as.
fn level(source: EventSourceName) -> (LogSource, LogLevel) {
    match source {
        EventSourceName::UserNotification => (LogSource::UserNotification, LogLevel::Error),
        EventSourceName::UserAuthEvents => (LogSource::UserAuthEvents, LogLevel::Info),
    }
}

/// Accepts what is asked for: each source once, each to a log group of this account, whose ARN has this beginning.
pub fn accepted(
    asked: &[LogConfigurationType],
    tier: Option<UserPoolTierType>,
    begins: &str,
) -> Answer<Vec<(String, String)>> {
    let mut accepted: Vec<(String, String)> = Vec::new();
    for one in asked {
        let (source, wanted) = level(one.event_source);
        let name = source.as_str();
        if one.log_level != wanted {
            return Err(invalid(format!("{name} can only be exported with LogLevel {}.", wanted.as_str())));
        }
        if source == LogSource::UserAuthEvents && tier != Some(UserPoolTierType::Plus) {
            return refuse(
                FeatureUnavailableInTierException,
                "Exporting userAuthEvents is available in the Plus tier only.",
            );
        }
        if one.s3_configuration.is_some() || one.firehose_configuration.is_some() {
            return Err(invalid(
                "S3Configuration and FirehoseConfiguration are not available on this server: name a log group.",
            ));
        }
        let arn =
            one.cloud_watch_logs_configuration.as_ref().and_then(|group| group.log_group_arn.as_deref());
        let Some(arn) = arn else {
            return Err(invalid(format!("{name} needs the LogGroupArn of a CloudWatchLogsConfiguration.")));
        };
        if group(arn, begins).is_none() {
            return Err(invalid(format!("{arn} is no log group of this account and region.")));
        }
        if accepted.iter().any(|(known, _)| known == name) {
            return Err(invalid(format!("{name} can be exported to one place only.")));
        }
        accepted.push((name.to_owned(), arn.to_owned()));
    }
    Ok(accepted)
}

/// The name of a log group whose ARN has this beginning, in parts that can be parts of a file's name.
pub fn group<'a>(arn: &'a str, begins: &str) -> Option<Vec<&'a str>> {
    let name = arn.strip_prefix(begins)?;
    let parts: Vec<&str> = name.strip_prefix('/').unwrap_or(name).split('/').collect();
    let is_part = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-#".contains(&byte))
    };
    (name.len() <= NAME_MAX && parts.iter().all(is_part)).then_some(parts)
}

/// What is set, as the API shows it.
pub fn shown(deliveries: Vec<(String, String)>) -> Vec<LogConfigurationType> {
    let shown = |(name, arn): (String, String)| {
        let sources = [EventSourceName::UserNotification, EventSourceName::UserAuthEvents];
        let event_source = sources.into_iter().find(|source| source.as_str() == name)?;
        Some(LogConfigurationType {
            log_level: level(event_source).1,
            event_source,
            cloud_watch_logs_configuration: Some(CloudWatchLogsConfigurationType {
                log_group_arn: Some(arn),
            }),
            s3_configuration: None,
            firehose_configuration: None,
        })
    };
    deliveries.into_iter().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_log_group_is_of_this_account_and_never_leads_out_of_its_folder() {
        let group = |rest: &str| {
            let arn = format!("arn:aws:logs:us-east-1:{rest}");
            super::group(&arn, "arn:aws:logs:us-east-1:123456789012:log-group:").map(|parts| parts.join("|"))
        };
        assert_eq!(
            group("123456789012:log-group:/aws/vendedlogs/shop").as_deref(),
            Some("aws|vendedlogs|shop")
        );
        assert_eq!(group("123456789012:log-group:shop").as_deref(), Some("shop"));
        for other in [
            "999999999999:log-group:shop",
            "123456789012:log-group:",
            "123456789012:log-group:/",
            "123456789012:log-group:../shop",
            "123456789012:log-group:/aws/../../shop",
            "123456789012:log-group:a//b",
            "123456789012:log-group:a/.b",
            "123456789012:log-group:a b",
            "123456789012:log-group:a\\b",
            "123456789012:stream:shop",
        ] {
            assert_eq!(group(other), None, "{other}");
        }
        assert_eq!(group(&format!("123456789012:log-group:{}", "a".repeat(513))), None);
    }
}
