//! Refusals of operations that send something, when it cannot be sent: the role for texts is not trusted or may not
//! publish, the sender's policy denies, or SES is in its sandbox.

use super::{differs, lists, no_differences};
use crate::story::{App, mail_settles, newest_mail, own_sender, text};
use crate::support::{TestServer, allowing};
use serde_json::{Value, json};

const PASSWORD: &str = "Correct-horse-1";
const SENDER: &str = "no-reply@example.com";
const TRUST: &str = "InvalidSmsRoleTrustRelationshipException";
const TRUST_WORDS: &str = "Role does not have a trust relationship allowing Cognito to assume the role";
const ACCESS: &str = "InvalidSmsRoleAccessPolicyException";
const ACCESS_WORDS: &str = "Role does not have permission to publish with SNS";
const EMAIL: &str = "InvalidEmailRoleAccessPolicyException";
const EMAIL_WORDS: &str = "Amazon Cognito is not allowed to use your email identity.";
const SANDBOX: &str = "CodeDeliveryFailureException";
const SANDBOX_WORDS: &str =
    "Amazon SES account is in Sandbox. Verify Send-to email address or Amazon SES Account";

/// What sends something to somebody.
const SENDING: [&str; 12] = [
    "AdminCreateUser",
    "AdminInitiateAuth",
    "AdminResetUserPassword",
    "AdminRespondToAuthChallenge",
    "AdminUpdateUserAttributes",
    "ForgotPassword",
    "GetUserAttributeVerificationCode",
    "InitiateAuth",
    "ResendConfirmationCode",
    "RespondToAuthChallenge",
    "SignUp",
    "UpdateUserAttributes",
];

/// What saves the role that sends texts.
const SAVING: [&str; 3] = ["CreateUserPool", "SetUserPoolMfaConfig", "UpdateUserPool"];

/// The pairs that the tests below provoke.
pub fn provoked() -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    for operation in SENDING {
        let errors = [TRUST, ACCESS, EMAIL, SANDBOX];
        all.extend(
            errors.into_iter().filter(|error| lists(operation, error)).map(|error| (operation, error)),
        );
    }
    all.extend(SAVING.iter().flat_map(|operation| [(*operation, TRUST), (*operation, ACCESS)]));
    all
}

/// How a message goes, and where the next one goes.
#[derive(Clone, Copy)]
pub enum Way {
    Mail,
    Text,
}

impl Way {
    pub fn address(self, number: usize) -> String {
        match self {
            Way::Mail => format!("person{number}@example.com"),
            Way::Text => format!("+1555555{number:04}"),
        }
    }

    fn attribute(self) -> &'static str {
        match self {
            Way::Mail => "email",
            Way::Text => "phone_number",
        }
    }

    fn factor(self) -> &'static str {
        match self {
            Way::Mail => "EMAIL_OTP",
            Way::Text => "SMS_OTP",
        }
    }
}

/// Makes ready what an operation needs to send a message to somebody new, and gives its input.
pub async fn about_to_send(app: &App<'_>, operation: &str, way: Way, number: usize) -> Value {
    let (address, attribute) = (way.address(number), way.attribute());
    let own = json!([{ "Name": attribute, "Value": address }]);
    let other = json!([{ "Name": attribute, "Value": way.address(number + 5000) }]);
    let pool = |mut input: Value| {
        input["UserPoolId"] = app.pool_id.clone().into();
        input
    };
    let client = |mut input: Value| {
        input["ClientId"] = app.client_id.clone().into();
        input
    };
    let account = json!({ "Username": address, "Password": PASSWORD, "UserAttributes": own });
    match operation {
        "SignUp" => return client(account),
        "AdminCreateUser" => {
            let medium = if matches!(way, Way::Mail) { "EMAIL" } else { "SMS" };
            let input =
                json!({ "Username": address, "UserAttributes": own, "DesiredDeliveryMediums": [medium] });
            return pool(input);
        }
        "ResendConfirmationCode" => {
            app.public("SignUp", account).await.ok();
            return client(json!({ "Username": address }));
        }
        _ => {}
    }
    let verified = format!("{attribute}_verified");
    let attributes = json!([own[0], { "Name": verified, "Value": "true" }]);
    let person = json!({ "Username": address, "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    app.signed("AdminCreateUser", person).await.ok();
    app.password(&address, PASSWORD).await;
    let token = async || {
        let parameters = json!({ "USERNAME": address, "PASSWORD": PASSWORD });
        let input = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        text(&app.public("InitiateAuth", input).await.ok(), "/AuthenticationResult/AccessToken")
    };
    let begin = |parameters: Value| json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
    match operation {
        "InitiateAuth" => client(begin(json!({ "USERNAME": address, "PREFERRED_CHALLENGE": way.factor() }))),
        "AdminInitiateAuth" => {
            pool(client(begin(json!({ "USERNAME": address, "PREFERRED_CHALLENGE": way.factor() }))))
        }
        "RespondToAuthChallenge" | "AdminRespondToAuthChallenge" => {
            let choice = app.public("InitiateAuth", begin(json!({ "USERNAME": address }))).await.ok();
            let responses = json!({ "USERNAME": address, "ANSWER": way.factor() });
            let input = client(json!({
                "ChallengeName": "SELECT_CHALLENGE", "Session": choice["Session"], "ChallengeResponses": responses,
            }));
            if operation == "RespondToAuthChallenge" { input } else { pool(input) }
        }
        "AdminResetUserPassword" => pool(json!({ "Username": address })),
        "ForgotPassword" => client(json!({ "Username": address })),
        "AdminUpdateUserAttributes" => pool(json!({ "Username": address, "UserAttributes": other })),
        "UpdateUserAttributes" => json!({ "AccessToken": token().await, "UserAttributes": other }),
        "GetUserAttributeVerificationCode" => {
            json!({ "AccessToken": token().await, "AttributeName": attribute })
        }
        other => panic!("{other} sends nothing"),
    }
}

/// Calls every operation that sends, once something is broken, and compares.
async fn all_refuse(app: &App<'_>, ready: Vec<(&'static str, Value)>, error: &str, words: &str) {
    let mut differences = Vec::new();
    for (operation, input) in ready {
        if lists(operation, error) {
            let answer = match super::model(operation).public {
                true => app.server.api(operation, input).await,
                false => app.server.signed(operation, input).await,
            };
            differences.extend(differs(operation, error, words, &answer));
        }
    }
    no_differences(differences);
}

async fn all_ready(app: &App<'_>, way: Way, first: usize) -> Vec<(&'static str, Value)> {
    let mut ready = Vec::new();
    for (number, operation) in (first..).zip(SENDING) {
        ready.push((operation, about_to_send(app, operation, way, number).await));
    }
    mail_settles(app.server).await;
    ready
}

fn trust(service: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": "codes" } },
        }],
    })
    .to_string()
}

#[tokio::test]
async fn without_a_role_that_may_text_no_operation_that_texts_goes_on() {
    let server = TestServer::start().await;
    let cognito = trust("cognito-idp.amazonaws.com");
    let role = [("RoleName", "texts"), ("AssumeRolePolicyDocument", cognito.as_str())];
    let arn = server.iam("CreateRole", &role).await.ok().xml("Arn");
    let publish = allowing(&["sns:Publish"], &["*"]).to_string();
    let policy = [("RoleName", "texts"), ("PolicyName", "publish"), ("PolicyDocument", publish.as_str())];
    server.iam("PutRolePolicy", &policy).await.ok();
    let sms = json!({ "SnsCallerArn": arn, "ExternalId": "codes", "SnsRegion": "us-east-1" });
    let settings = json!({
        "UsernameAttributes": ["phone_number"], "AutoVerifiedAttributes": ["phone_number"], "SmsConfiguration": sms,
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"] } },
    });
    let app = App::with(&server, settings, json!({})).await;
    let pool = app.pool_id.clone();
    let saving = || {
        vec![
            ("CreateUserPool", json!({ "PoolName": "x", "SmsConfiguration": sms })),
            ("UpdateUserPool", json!({ "UserPoolId": pool, "SmsConfiguration": sms })),
            (
                "SetUserPoolMfaConfig",
                json!({
                    "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
                    "SmsMfaConfiguration": { "SmsConfiguration": sms },
                }),
            ),
        ]
    };
    let mut ready = all_ready(&app, Way::Text, 100).await;
    ready.extend(saving());
    server.iam("DeleteRolePolicy", &policy[..2]).await.ok();
    all_refuse(&app, ready, ACCESS, ACCESS_WORDS).await;

    server.iam("PutRolePolicy", &policy).await.ok();
    let mut ready = all_ready(&app, Way::Text, 200).await;
    ready.extend(saving());
    let other = trust("lambda.amazonaws.com");
    server.iam("UpdateAssumeRolePolicy", &[("RoleName", "texts"), ("PolicyDocument", &other)]).await.ok();
    all_refuse(&app, ready, TRUST, TRUST_WORDS).await;
    assert_eq!(newest_mail(&server, "+15555550108").await["medium"], "SMS", "it worked before");
}

#[tokio::test]
async fn without_leave_to_send_no_operation_that_mails_goes_on() {
    let server = TestServer::start().await;
    let sender = own_sender(&server, SENDER).await;
    let app = App::with(&server, json!({ "EmailConfiguration": sender }), json!({})).await;
    let ready = all_ready(&app, Way::Mail, 100).await;
    let account = &server.app.account;
    let deny = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Principal": { "AWS": format!(
                "arn:aws:iam::{account}:role/aws-service-role/email.cognito-idp.amazonaws.com/\
                 AWSServiceRoleForAmazonCognitoIdpEmailService"
            ) },
            "Action": "ses:SendEmail",
            "Resource": format!("arn:aws:ses:us-east-1:{account}:identity/{SENDER}"),
        }],
    });
    let path = format!("/identities/{}/policies/no-codes", SENDER.replace('@', "%40"));
    server.ses("POST", &path, json!({ "Policy": deny.to_string() })).await.ok();
    all_refuse(&app, ready, EMAIL, EMAIL_WORDS).await;
}

#[tokio::test]
async fn in_the_sandbox_nobody_unverified_is_mailed() {
    let server = TestServer::start().await;
    let sender = own_sender(&server, SENDER).await;
    let app = App::with(&server, json!({ "EmailConfiguration": sender }), json!({})).await;
    let ready = all_ready(&app, Way::Mail, 100).await;
    server
        .app
        .store
        .write(|tx| {
            let mut account = tx.ses_account()?.expect("an account");
            account.production = false;
            tx.change_ses_account(&account)
        })
        .await
        .expect("the store answers");
    all_refuse(&app, ready, SANDBOX, SANDBOX_WORDS).await;
}
