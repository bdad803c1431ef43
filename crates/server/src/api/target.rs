//! What a call is about, as policies name it: the action and the resource that the request names.

use crate::app::App;
use anyhow::Result;
use postern_access::{Caller, Context, Target};
use postern_model::{Document, Service};
use postern_pools::pool::Pool;
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
        (Service::Sts, _) => return Ok(None),
        (Service::Iam, _) => return app.access.iam_target(tx, caller, operation, input).map(Some),
        (Service::Postern, _) if input.get("EmailIdentity").is_some_and(Document::is_string) => {
            let given = input["EmailIdentity"].as_str().unwrap_or_default();
            app.mail.settings().named_identity_arn(given)
        }
        (Service::Postern | Service::CognitoIdp, _) => pool_resource(&app.access.region, &app.account, input),
        (Service::SesV2, _) => return Ok(app.mail.target(operation, input)),
        (Service::Sns, _) => text_resource(input),
    };
    let mut context = Context::new();
    if service == Service::CognitoIdp {
        tags_asked_for(&mut context, input);
        if let Some(pool_id) = resource.rsplit_once(":userpool/").map(|(_, id)| id)
            && let Some(pool) = Pool::find(tx, &app.pools.place, pool_id)?
        {
            for (key, value) in pool.config.user_pool_tags.iter().flatten() {
                context.set(&format!("aws:ResourceTag/{key}"), value.clone());
            }
        }
    }
    // SNS writes its own name in capitals in what it refuses; policies do not mind.
    let vendor = match service {
        Service::Sns => "SNS",
        other => other.signing_name(),
    };
    Ok(Some(Target {
        action: format!("{vendor}:{operation}"),
        arn: resource.clone(),
        shown: resource,
        context,
    }))
}

/// The tags that a call brings along or names.
fn tags_asked_for(context: &mut Context, input: &Document) {
    let mut keys = Vec::new();
    for tags in ["UserPoolTags", "Tags"].iter().filter_map(|name| input.get(name)?.as_object()) {
        for (key, value) in tags {
            context.set(&format!("aws:RequestTag/{key}"), value.as_str().unwrap_or_default());
            keys.push(key.clone());
        }
    }
    let named = input.get("TagKeys").and_then(Document::as_array).into_iter().flatten();
    keys.extend(named.filter_map(|key| key.as_str().map(str::to_owned)));
    context.set_many("aws:TagKeys", keys);
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
    }
}
