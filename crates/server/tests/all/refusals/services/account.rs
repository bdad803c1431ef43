//! An account in which every operation of IAM, STS, SES and SNS has something to work on.

use crate::story::{newest_mail, own_sender, text};
use crate::support::{Answer, Key, TestServer, allowing};
use postern_model::Service;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::Index;

pub const SENDER: &str = "no-reply@example.com";
/// Numbers: one that was verified, one that waits for its code, one that waits since yesterday, one that wants no texts.
pub const VERIFIED: &str = "+15555550101";
pub const WAITING: &str = "+15555550102";
pub const OLD: &str = "+15555550103";
pub const STOPPED: &str = "+15555550104";
pub const EMAIL_ROLE: &str = "AWSServiceRoleForAmazonCognitoIdpEmailService";
pub const EMAIL_POLICY: &str =
    "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy";

/// The server, what things in it are called, and the key of Ann, who may take the role `worker`.
pub struct Account {
    pub server: TestServer,
    ann: Key,
    known: HashMap<&'static str, String>,
}

impl Index<&str> for Account {
    type Output = str;

    fn index(&self, name: &str) -> &str {
        self.known.get(name).unwrap_or_else(|| panic!("the account has no {name}"))
    }
}

/// A policy of so many characters.
pub fn policy_of(size: usize) -> String {
    let bare = allowing(&["s3:GetObject"], &["arn:aws:s3:::"]).to_string();
    let resource = format!("arn:aws:s3:::{}", "x".repeat(size - bare.len()));
    allowing(&["s3:GetObject"], &[&resource]).to_string()
}

/// A trust policy; with a long condition where it is to be large.
pub fn trusting(principal: &str, external_id: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "sts:AssumeRole",
        "Condition": { "StringNotEquals": { "sts:ExternalId": external_id } },
    }] })
    .to_string()
}

impl Account {
    pub async fn new() -> Account {
        let server = TestServer::with(|settings| {
            settings.ses.auto_approve = false;
            settings.text_sandbox = true;
        });
        let server = server.await;
        let ann = server.user_with_policy("ann", &allowing(&["*"], &["*"])).await;
        let mut account = Account { server, ann, known: HashMap::new() };
        account.users_roles_and_policies().await;
        account.identities().await;
        account.numbers().await;
        account
    }

    fn is(&mut self, name: &'static str, value: impl Into<String>) {
        self.known.insert(name, value.into());
    }

    /// Words with what `$name` stands for.
    pub fn filled(&self, words: &str) -> String {
        self.known
            .iter()
            .fold(words.to_owned(), |words, (name, value)| words.replace(&format!("${name}"), value))
    }

    /// Calls an operation as the administrator; roles are taken by Ann, since the administrator takes none.
    pub async fn call(&self, service: Service, operation: &str, input: Value) -> Answer {
        self.server.clock.advance(1);
        let key = if service == Service::Sts { &self.ann } else { &self.server.key };
        self.server.client.call(service, operation, &input, Some(key)).await
    }

    async fn does(&self, service: Service, operation: &str, input: Value) -> Answer {
        self.call(service, operation, input).await.ok()
    }

    async fn users_roles_and_policies(&mut self) {
        let iam = Service::Iam;
        let arn = format!("arn:aws:iam::{}", self.server.app.account);
        let ann = format!("{arn}:user/ann");
        for user in ["full", "bare", "doomed"] {
            self.does(iam, "CreateUser", json!({ "UserName": user })).await;
        }
        for _ in 0..2 {
            self.does(iam, "CreateAccessKey", json!({ "UserName": "full" })).await;
        }
        let made = self.does(iam, "CreateAccessKey", json!({ "UserName": "ann" })).await;
        self.is("doomed_key", made.xml("AccessKeyId"));
        let first = self.ann.id.clone();
        self.is("key", first);
        for role in ["worker", "full", "bare", "doomed"] {
            let trust = trusting(&ann, "nobody");
            self.does(iam, "CreateRole", json!({ "RoleName": role, "AssumeRolePolicyDocument": trust }))
                .await;
        }
        self.is("worker", format!("{arn}:role/worker"));
        self.is("policy", format!("{arn}:policy/p10"));
        self.is("attached", format!("{arn}:policy/p0"));
        self.is("doomed_policy", format!("{arn}:policy/p11"));
        for number in 0..12 {
            let policy = json!({ "PolicyName": format!("p{number}"), "PolicyDocument": policy_of(200) });
            self.does(iam, "CreatePolicy", policy).await;
        }
        for number in 0..10 {
            let policy = format!("{arn}:policy/p{number}");
            self.does(iam, "AttachUserPolicy", json!({ "UserName": "full", "PolicyArn": policy })).await;
            self.does(iam, "AttachRolePolicy", json!({ "RoleName": "full", "PolicyArn": policy })).await;
        }
        let inline = json!({ "RoleName": "full", "PolicyName": "own", "PolicyDocument": policy_of(200) });
        self.does(iam, "PutRolePolicy", inline).await;
        let service = json!({ "AWSServiceName": "email.cognito-idp.amazonaws.com" });
        self.does(iam, "CreateServiceLinkedRole", service.clone()).await;
        let gone = self.does(iam, "DeleteServiceLinkedRole", json!({ "RoleName": EMAIL_ROLE })).await;
        self.is("task", gone.xml("DeletionTaskId"));
        self.does(iam, "CreateServiceLinkedRole", service).await;
    }

    async fn identities(&mut self) {
        let ses = Service::SesV2;
        own_sender(&self.server, SENDER).await;
        for name in ["strict@example.org", "doomed@example.com"] {
            own_sender(&self.server, name).await;
        }
        let mail_from = json!({
            "EmailIdentity": "strict@example.org", "MailFromDomain": "bounce.example.org",
            "BehaviorOnMxFailure": "REJECT_MESSAGE",
        });
        self.does(ses, "PutEmailIdentityMailFromAttributes", mail_from).await;
        let arn = format!("arn:aws:ses:us-east-1:{}:identity", self.server.app.account);
        self.is("sender_policy", sending(&format!("{arn}/{SENDER}")));
        for (identity, number) in
            (0..20).map(|number| ("strict@example.org", number)).chain([(SENDER, 0), (SENDER, 1)])
        {
            let policy = json!({
                "EmailIdentity": identity, "PolicyName": format!("p{number}"),
                "Policy": sending(&format!("{arn}/{identity}")),
            });
            self.does(ses, "CreateEmailIdentityPolicy", policy).await;
        }
        self.is("strict_policy", sending(&format!("{arn}/strict@example.org")));
        for (set, on) in [("set", true), ("paused", false), ("doomed", true)] {
            let set = json!({ "ConfigurationSetName": set, "SendingOptions": { "SendingEnabled": on } });
            self.does(ses, "CreateConfigurationSet", set).await;
        }
        for address in ["gone@example.com", "back@example.com"] {
            let entry = json!({ "EmailAddress": address, "Reason": "BOUNCE" });
            self.does(ses, "PutSuppressedDestination", entry).await;
        }
        // Back in the sandbox, and a review is under way.
        for production in [false, true] {
            let asks = json!({
                "MailType": "TRANSACTIONAL", "WebsiteURL": "https://example.com",
                "ProductionAccessEnabled": production,
            });
            self.does(ses, "PutAccountDetails", asks).await;
        }
    }

    async fn numbers(&mut self) {
        let sns = Service::Sns;
        for number in [OLD, VERIFIED, WAITING] {
            self.does(sns, "CreateSMSSandboxPhoneNumber", json!({ "PhoneNumber": number })).await;
            if number == OLD {
                self.server.clock.advance(25 * 3_600_000);
                continue;
            }
            let code = text(&newest_mail(&self.server, number).await, "/code");
            if number == VERIFIED {
                let code = json!({ "PhoneNumber": number, "OneTimePassword": code });
                self.does(sns, "VerifySMSSandboxPhoneNumber", code).await;
            } else {
                self.is("code", code);
            }
        }
        let reply = json!({ "from": STOPPED, "text": "STOP" }).to_string();
        self.server.client.post("/inbox/api/replies", &reply).await.ok();
    }
}

/// A policy that lets another account send as an identity.
fn sending(identity: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "210987654321" }, "Action": "ses:SendEmail", "Resource": identity,
    }] })
    .to_string()
}
