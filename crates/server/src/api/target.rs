//! What a call is about, as policies name it: the action and the resource that the request names.

use crate::app::App;
use anyhow::Result;
use postern_access::{Caller, Context, Target};
use postern_model::{Document, Service};
use postern_store::Tx;

/// Says what a call is about; nothing where the operation itself asks the policies, because what it is about shows
/// only inside (a mail's From, a role's trust), or where everybody may.
pub(super) fn of(
    app: &App,
    tx: &mut Tx<'_>,
    caller: &Caller,
    service: Service,
    operation: &str,
    input: &Document,
) -> Result<Option<Target>> {
    let resource = match (service, operation) {
        (Service::Sts, _) | (Service::SesV2, "SendEmail") => return Ok(None),
        (Service::Iam, _) => return app.access.iam_target(tx, caller, operation, input).map(Some),
        (Service::Postern | Service::CognitoIdp, _) => pool_resource(&app.access.region, &app.account, input),
        (Service::SesV2, _) => mail_resource(&app.access.region, &app.account, input),
        (Service::Sns, _) => text_resource(input),
    };
    // SNS writes its own name in capitals in what it refuses; policies do not mind.
    let vendor = match service {
        Service::Sns => "SNS",
        other => other.signing_name(),
    };
    Ok(Some(Target {
        action: format!("{vendor}:{operation}"),
        arn: resource.clone(),
        shown: resource,
        context: Context::new(),
    }))
}

fn pool_resource(region: &str, account: &str, input: &Document) -> String {
    let text = |name: &str| input.get(name).and_then(Document::as_str);
    match (text("UserPoolId"), text("ResourceArn")) {
        (Some(pool), _) => format!("arn:aws:cognito-idp:{region}:{account}:userpool/{pool}"),
        (None, Some(arn)) => arn.to_owned(),
        (None, None) => "*".to_owned(),
    }
}

/// A number has no ARN: it stands for itself, and only a statement on every resource covers it.
fn text_resource(input: &Document) -> String {
    let text = |name: &str| input.get(name).and_then(Document::as_str).filter(|text| !text.is_empty());
    let named = ["PhoneNumber", "phoneNumber", "TopicArn", "TargetArn"].into_iter().find_map(text);
    named.unwrap_or("*").to_owned()
}

fn mail_resource(region: &str, account: &str, input: &Document) -> String {
    let text = |name: &str| input.get(name).and_then(Document::as_str);
    match (text("EmailIdentity"), text("ConfigurationSetName")) {
        (Some(name), _) => format!("arn:aws:ses:{region}:{account}:identity/{name}"),
        (None, Some(name)) => format!("arn:aws:ses:{region}:{account}:configuration-set/{name}"),
        (None, None) => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_about_the_resource_that_it_names() {
        let pool = |input| pool_resource("eu-west-1", "123456789012", &input);
        let arn = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_aB3";
        assert_eq!(pool(json!({ "UserPoolId": "eu-west-1_aB3", "Username": "alice" })), arn);
        assert_eq!(pool(json!({ "ResourceArn": arn, "TagKeys": [] })), arn);
        assert_eq!(pool(json!({ "PoolName": "demo" })), "*");
        assert_eq!(pool(json!({ "UserPoolId": 7 })), "*");
        let mail = |input| mail_resource("eu-west-1", "123456789012", &input);
        let identity = "arn:aws:ses:eu-west-1:123456789012:identity/example.com";
        assert_eq!(mail(json!({ "EmailIdentity": "example.com", "ConfigurationSetName": "s" })), identity);
        assert_eq!(
            mail(json!({ "ConfigurationSetName": "s" })),
            "arn:aws:ses:eu-west-1:123456789012:configuration-set/s"
        );
        assert_eq!(mail(json!({})), "*");
    }
}
