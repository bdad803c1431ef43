//! Pools, clients and domains as their callers see them: a store in memory and a mail service that sends nothing.

use super::*;
use crate::federation::Outside;
use crate::{
    Rules, TextRules,
    work::{Priority, Workers},
};
use postern_access::{Access, Principal};
use postern_mail::address::Mailbox;
use postern_mail::dns::Dns;
use postern_mail::identity::{Hosts, Identity, Status};
use postern_mail::transport::functions::Functions;
use postern_mail::transport::web::Web;
use postern_mail::transport::{Carrier, Transport};
use postern_mail::{Mail, Settings, Ways};
use postern_model::{Document, Error, ErrorKind};
use postern_store::mail::ConfigurationSetRow;
use postern_store::{Clock, Keys, Store};
use serde_json::json;
use std::sync::Arc;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const START: Timestamp = Timestamp::from_ms(1_700_000_000_123);
const ROLE: &str = "AWSServiceRoleForAmazonCognitoIdpEmailService";

async fn pools() -> Pools {
    let keys = Keys::new(&[[7; 32]]).expect("keys");
    let store = Store::open(&postern_store::Place::Memory, keys).expect("a store");
    let clock = Clock::manual(START);
    let access = Access::new(store.clone(), clock.clone(), ACCOUNT, REGION);
    let settings = Settings {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        public_url: "http://localhost:9320".to_owned(),
        default_sender: Mailbox::parse("no-reply@verificationemail.com").expect("a mailbox"),
        bounces: None,
        report_domains: Vec::new(),
        bounced_days: 14,
        hosts: Hosts::like_aws(REGION),
        exact_identity: false,
        limits: true,
        default_sender_daily: 50,
        production_quota: postern_mail::PRODUCTION_QUOTA,
        production_rate: postern_mail::PRODUCTION_RATE,
        production: true,
        auto_approve: false,
        publishes_records: true,
        text_sandbox: false,
        text_prices: postern_mail::price::Prices::default(),
        text_spend_monthly: 0,
    };
    let dns = Dns::local(store.clone());
    let ways = Ways { transport: Transport::Inbox, carrier: Carrier::Inbox };
    let (mail, _) = Mail::open(store.clone(), clock.clone(), access.clone(), dns, ways, settings)
        .await
        .expect("a mail service");
    Pools {
        store,
        clock,
        access,
        mail,
        functions: Functions::new(Default::default(), Web::open(Vec::new()), Clock::manual(START)),
        outside: Outside::new(Web::open(Vec::new())),
        place: Arc::new(Place {
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            public_url: "http://localhost:9320".to_owned(),
            issuer: "{public_url}/{pool}".to_owned(),
            prefix_url: None,
        }),
        rules: Arc::new(Rules {
            address_limits: true,
            sends_per_source: 0,
            sends_per_client: 0,
            begins_per_source: 0,
            sends_per_pool: 0,
            breaker_after: 0,
            addresses_wait: true,
            rotate_keys_days: 0,
            fresh_sign_in_s: 300,
            device_trust_ms: 0,
            texts: TextRules::default(),
            passkey_offer: crate::PasskeyOffer::Never,
            known_passwords: Arc::default(),
            pkce_required: true,
            log_groups: None,
            sliding_sessions: false,
            user_info_flags: false,
        }),
        key_source: crate::keys::KeySource::fresh(),
        signers: Workers::start("signing", 1, 8, Priority::Usual).expect("threads"),
        hashers: Workers::start("hashing", 1, 8, Priority::Low).expect("threads"),
    }
}

fn caller(principal: Principal) -> Caller {
    Caller {
        principal,
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        source: None,
        is_secure: true,
        user_agent: String::new(),
        request_id: "r".to_owned(),
    }
}

fn root() -> Caller {
    caller(Principal::Root)
}

/// A user whom no policy allows anything.
fn nobody() -> Caller {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/nobody");
    caller(Principal::User { name: "nobody".into(), id: "AIDANOBODY".into(), arn })
}

/// Asks as the account itself, and gives the answer as a client reads it.
async fn ask(pools: &Pools, operation: &str, input: Document) -> Result<Document, Error> {
    ask_as(pools, &root(), operation, input).await
}

async fn ask_as(pools: &Pools, caller: &Caller, operation: &str, input: Document) -> Result<Document, Error> {
    let operations = crate::operations::operations();
    operations.call(operation, pools, caller, &input).expect("an operation that is written").await
}

async fn made(pools: &Pools, operation: &str, input: Document) -> Document {
    match ask(pools, operation, input).await {
        Ok(answer) => answer,
        Err(error) => panic!("{operation} was refused: {error}"),
    }
}

async fn refused(pools: &Pools, operation: &str, input: Document, kind: ErrorKind, words: &str) {
    let error = ask(pools, operation, input).await.expect_err("a refusal");
    assert_eq!(error.to_string(), format!("{}: {words}", kind.code));
}

async fn new_pool(pools: &Pools) -> String {
    let answer = made(pools, "CreateUserPool", json!({"PoolName": "demo"})).await;
    answer["UserPool"]["Id"].as_str().expect("an id").to_owned()
}

/// Adds an identity that may send, or one that still waits.
async fn identity(pools: &Pools, name: &'static str, status: Status) {
    let (name, kind) = postern_mail::identity::identity_name(name).expect("an identity's name");
    let mut identity = Identity::address(name, START);
    identity.kind = kind;
    identity.status = status;
    let row = identity.row().expect("a row");
    assert!(pools.store.write(move |tx| tx.add_identity(&row)).await.expect("added"));
}

async fn has_email_role(pools: &Pools) -> bool {
    pools.store.read(|tx| tx.find_iam_role(ROLE)).await.expect("read").is_some()
}

fn developer(identity: &str) -> Document {
    let arn = format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{identity}");
    json!({"EmailSendingAccount": "DEVELOPER", "SourceArn": arn})
}

#[tokio::test]
async fn a_bare_pool_is_made_and_shown_alike() {
    let pools = pools().await;
    let answer = made(&pools, "CreateUserPool", json!({"PoolName": "demo"})).await;
    let pool = &answer["UserPool"];
    let id = pool["Id"].as_str().expect("an id");
    assert_eq!(id.len(), "us-east-1_".len() + 9);
    assert!(id.starts_with("us-east-1_"));
    assert_eq!(pool["Arn"], json!(format!("arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{id}")));
    assert_eq!(pool["Name"], json!("demo"));
    assert_eq!(pool["CreationDate"], json!(1_700_000_000.123));
    assert_eq!(pool["MfaConfiguration"], json!("OFF"));
    assert_eq!(pool["EstimatedNumberOfUsers"], json!(0));
    for absent in ["Status", "Domain", "AutoVerifiedAttributes", "UsernameConfiguration"] {
        assert_eq!(pool.get(absent), None, "{absent}");
    }
    assert_eq!(made(&pools, "DescribeUserPool", json!({"UserPoolId": id})).await, answer);
    let mfa = made(&pools, "GetUserPoolMfaConfig", json!({"UserPoolId": id})).await;
    assert_eq!(mfa, json!({"MfaConfiguration": "OFF"}));
    let pool_id = id.to_owned();
    let keys = pools.store.read(move |tx| tx.signing_keys(&pool_id)).await.expect("keys");
    let mut uses: Vec<_> = keys.iter().map(|key| key.token_use.as_str()).collect();
    uses.sort_unstable();
    assert_eq!(uses, ["access", "id"]);
}

#[tokio::test]
async fn nothing_is_done_to_a_pool_that_does_not_exist() {
    let pools = pools().await;
    let words = "User pool us-east-1_none does not exist.";
    for operation in [
        "DescribeUserPool",
        "UpdateUserPool",
        "DeleteUserPool",
        "GetUserPoolMfaConfig",
        "SetUserPoolMfaConfig",
        "ListUserPoolClients",
    ] {
        let input = json!({"UserPoolId": "us-east-1_none"});
        refused(&pools, operation, input, ResourceNotFoundException, words).await;
    }
    let client = json!({"UserPoolId": "us-east-1_none", "ClientId": "x", "ClientName": "x"});
    for operation in
        ["CreateUserPoolClient", "DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"]
    {
        refused(&pools, operation, client.clone(), ResourceNotFoundException, words).await;
    }
    let domain = json!({"UserPoolId": "us-east-1_none", "Domain": "shop"});
    for operation in ["CreateUserPoolDomain", "UpdateUserPoolDomain", "DeleteUserPoolDomain"] {
        refused(&pools, operation, domain.clone(), ResourceNotFoundException, words).await;
    }
}

#[tokio::test]
async fn saving_a_verified_sender_makes_the_role_and_an_update_without_it_returns_to_the_default() {
    let pools = pools().await;
    identity(&pools, "shop.example", Status::Success).await;
    let mut email = developer("shop.example");
    email["From"] = json!("John Doe <no-reply@shop.example>");
    let input = json!({"PoolName": "demo", "EmailConfiguration": email});
    let answer = made(&pools, "CreateUserPool", input).await;
    assert_eq!(answer["UserPool"]["EmailConfiguration"], email);
    assert!(has_email_role(&pools).await);
    let id = answer["UserPool"]["Id"].as_str().expect("an id").to_owned();
    let using = || pools.store.read(|tx| tx.pools_using_email_role());
    assert_eq!(using().await.expect("pools"), [id.as_str()]);
    made(&pools, "UpdateUserPool", json!({"UserPoolId": id, "PoolName": "other"})).await;
    assert!(using().await.expect("pools").is_empty());
    let pool = made(&pools, "DescribeUserPool", json!({"UserPoolId": id})).await["UserPool"].clone();
    assert_eq!(pool["EmailConfiguration"], json!({"EmailSendingAccount": "COGNITO_DEFAULT"}));
    assert_eq!(pool["Name"], json!("other"));
    // The role is there now, so that nobody needs the right to make it.
    let input = json!({"UserPoolId": id, "EmailConfiguration": email});
    ask_as(&pools, &nobody(), "UpdateUserPool", input).await.expect("saved");
}

#[tokio::test]
async fn a_sender_that_may_not_send_is_refused_and_nothing_is_saved() {
    let pools = pools().await;
    identity(&pools, "waiting@a.test", Status::Pending).await;
    identity(&pools, "shop.example", Status::Success).await;
    let foreign = json!({
        "EmailSendingAccount": "DEVELOPER", "SourceArn": "arn:aws:ses:us-east-1:999999999999:identity/a@b.test",
    });
    let unverified = "Cognito received the following error from Amazon SES when attempting to send email: Email \
                      address is not verified. The following identities failed the check in region US-EAST-1: \
                      arn:aws:ses:us-east-1:111122223333:identity/waiting@a.test";
    let mut set = developer("shop.example");
    set["From"] = json!("a@shop.example");
    set["ConfigurationSet"] = json!("none");
    for (email, kind, words) in [
        (developer("waiting@a.test"), InvalidParameterException, unverified),
        (foreign, NotAuthorizedException, "Email arn does not belong to your account."),
        (
            developer("shop.example"),
            InvalidParameterException,
            "From is required when SourceArn is the identity of a domain.",
        ),
        (set.clone(), InvalidParameterException, "Configuration set <none> does not exist."),
    ] {
        let input = json!({"PoolName": "demo", "EmailConfiguration": email});
        refused(&pools, "CreateUserPool", input, kind, words).await;
    }
    assert!(!has_email_role(&pools).await);
    let listed = made(&pools, "ListUserPools", json!({"MaxResults": 60})).await;
    assert_eq!(listed, json!({"UserPools": []}));

    let row = ConfigurationSetRow { name: "none".into(), config: "{}".into(), created: START };
    pools.store.write(move |tx| tx.add_configuration_set(&row)).await.expect("a configuration set");
    made(&pools, "CreateUserPool", json!({"PoolName": "demo", "EmailConfiguration": set})).await;
}

#[tokio::test]
async fn who_may_not_make_the_role_cannot_save_a_sender() {
    let pools = pools().await;
    identity(&pools, "a@b.test", Status::Success).await;
    let id = new_pool(&pools).await;
    let before = made(&pools, "DescribeUserPool", json!({"UserPoolId": id})).await;
    let input = json!({
        "UserPoolId": id, "EmailConfiguration": developer("a@b.test"), "AutoVerifiedAttributes": ["email"],
    });
    let error = ask_as(&pools, &nobody(), "UpdateUserPool", input).await.expect_err("a refusal");
    assert_eq!(error.kind(), Some(AccessDeniedException));
    assert!(error.to_string().contains("iam:CreateServiceLinkedRole"), "{error}");
    assert_eq!(made(&pools, "DescribeUserPool", json!({"UserPoolId": id})).await, before);
    assert!(!has_email_role(&pools).await);
}

#[tokio::test]
async fn pools_are_listed_by_pages_and_a_token_of_another_list_is_refused() {
    let pools = pools().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(new_pool(&pools).await);
    }
    ids.sort_unstable();
    let first = made(&pools, "ListUserPools", json!({"MaxResults": 2})).await;
    let id_of = |item: &Document| item["Id"].as_str().expect("an id").to_owned();
    let on_page = |page: &Document| -> Vec<String> {
        page["UserPools"].as_array().expect("a list").iter().map(id_of).collect()
    };
    assert_eq!(on_page(&first), ids[..2]);
    let next = made(&pools, "ListUserPools", json!({"MaxResults": 2, "NextToken": first["NextToken"]})).await;
    assert_eq!(on_page(&next), ids[2..]);
    assert_eq!(next.get("NextToken"), None);
    assert_eq!(first["UserPools"][0]["LambdaConfig"], json!({}));
    for (operation, input) in [
        ("ListUserPools", json!({"MaxResults": 2, "NextToken": "nonsense"})),
        ("ListUserPoolClients", json!({"UserPoolId": ids[0], "NextToken": first["NextToken"]})),
    ] {
        refused(&pools, operation, input, InvalidParameterException, "Invalid pagination token.").await;
    }
}

#[tokio::test]
async fn a_pool_with_a_domain_or_under_protection_stays() {
    let pools = pools().await;
    let id = new_pool(&pools).await;
    let this = json!({"UserPoolId": id});
    let protection = |state: &str| json!({"UserPoolId": id, "DeletionProtection": state});
    made(&pools, "UpdateUserPool", protection("ACTIVE")).await;
    refused(
        &pools,
        "DeleteUserPool",
        this.clone(),
        InvalidParameterException,
        "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be \
         inactivated first.",
    )
    .await;
    made(&pools, "UpdateUserPool", protection("INACTIVE")).await;
    let domain = json!({"UserPoolId": id, "Domain": "shop"});
    made(&pools, "CreateUserPoolDomain", domain.clone()).await;
    refused(
        &pools,
        "DeleteUserPool",
        this.clone(),
        InvalidParameterException,
        "User pool cannot be deleted. It has a domain configured that should be deleted first.",
    )
    .await;
    made(&pools, "DeleteUserPoolDomain", domain).await;
    made(&pools, "DeleteUserPool", this.clone()).await;
    let words = format!("User pool {id} does not exist.");
    refused(&pools, "DescribeUserPool", this, ResourceNotFoundException, &words).await;
}

#[tokio::test]
async fn a_domain_belongs_to_one_pool_and_one_pool_has_one() {
    let pools = pools().await;
    let (one, other) = (new_pool(&pools).await, new_pool(&pools).await);
    let domain = |pool: &str, name: &str| json!({"UserPoolId": pool, "Domain": name});
    let mut asked = domain(&one, "shop");
    asked["ManagedLoginVersion"] = json!(2);
    let created = made(&pools, "CreateUserPoolDomain", asked).await;
    assert_eq!(created, json!({"ManagedLoginVersion": 2}));
    let shown = made(&pools, "DescribeUserPoolDomain", json!({"Domain": "shop"})).await;
    let shown = &shown["DomainDescription"];
    assert_eq!(shown["UserPoolId"], json!(one));
    assert_eq!(shown["AWSAccountId"], json!(ACCOUNT));
    assert_eq!(shown["Status"], json!("ACTIVE"));
    assert_eq!(shown["ManagedLoginVersion"], json!(2));
    let pool = made(&pools, "DescribeUserPool", json!({"UserPoolId": one})).await;
    assert_eq!(pool["UserPool"]["Domain"], json!("shop"));
    for (input, words) in [
        (domain(&other, "shop"), "Domain already associated with another user pool."),
        (domain(&one, "second"), "User pool already has a domain configured."),
        (domain(&other, "my-cognito"), "Domain cannot contain reserved word: cognito"),
    ] {
        refused(&pools, "CreateUserPoolDomain", input, InvalidParameterException, words).await;
    }
    let lite = json!({"UserPoolId": one, "UserPoolTier": "LITE"});
    let words = "A domain of the user pool uses managed login, which is not available in the Lite tier.";
    refused(&pools, "UpdateUserPool", lite.clone(), TierChangeNotAllowedException, words).await;
    let version = json!({"UserPoolId": one, "Domain": "shop", "ManagedLoginVersion": 1});
    made(&pools, "UpdateUserPoolDomain", version).await;
    made(&pools, "UpdateUserPool", lite).await;
    let words = "No such domain or user pool exist.";
    for operation in ["UpdateUserPoolDomain", "DeleteUserPoolDomain"] {
        refused(&pools, operation, domain(&other, "shop"), InvalidParameterException, words).await;
    }
    made(&pools, "DeleteUserPoolDomain", domain(&one, "shop")).await;
    let gone = made(&pools, "DescribeUserPoolDomain", json!({"Domain": "shop"})).await;
    assert_eq!(gone, json!({"DomainDescription": {}}));
}

#[tokio::test]
async fn a_client_keeps_its_id_and_secret_while_its_settings_are_replaced() {
    let pools = pools().await;
    let id = new_pool(&pools).await;
    let input = json!({
        "UserPoolId": id, "ClientName": "web", "GenerateSecret": true, "AuthSessionValidity": 15,
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
    });
    let created = made(&pools, "CreateUserPoolClient", input).await["UserPoolClient"].clone();
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let (client_id, secret) = (created["ClientId"].as_str(), created["ClientSecret"].as_str());
    assert!(client_id.is_some_and(|client_id| client_id.len() == 26 && is_plain(client_id)));
    assert!(secret.is_some_and(|secret| secret.len() == 52 && is_plain(secret)));
    let this = json!({"UserPoolId": id, "ClientId": client_id});
    let shown = || made(&pools, "DescribeUserPoolClient", this.clone());
    assert_eq!(shown().await["UserPoolClient"], created);
    let updated = made(&pools, "UpdateUserPoolClient", this.clone()).await["UserPoolClient"].clone();
    assert_eq!(
        updated,
        json!({
            "UserPoolId": id, "ClientName": "web", "ClientId": client_id, "ClientSecret": secret,
            "CreationDate": created["CreationDate"], "LastModifiedDate": created["LastModifiedDate"],
            "RefreshTokenValidity": 30, "TokenValidityUnits": {}, "AllowedOAuthFlowsUserPoolClient": false,
            "EnableTokenRevocation": true, "EnablePropagateAdditionalUserContextData": false,
            "AuthSessionValidity": 3,
        })
    );
    let listed = made(&pools, "ListUserPoolClients", json!({"UserPoolId": id})).await;
    let item = json!({"ClientId": client_id, "UserPoolId": id, "ClientName": "web"});
    assert_eq!(listed, json!({"UserPoolClients": [item]}));
    // In another pool it is not to be found.
    let other = new_pool(&pools).await;
    let elsewhere = json!({"UserPoolId": other, "ClientId": client_id});
    let words = format!("User pool client {} does not exist.", client_id.unwrap_or_default());
    for operation in ["DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"] {
        refused(&pools, operation, elsewhere.clone(), ResourceNotFoundException, &words).await;
    }
    made(&pools, "DeleteUserPoolClient", this.clone()).await;
    refused(&pools, "DescribeUserPoolClient", this.clone(), ResourceNotFoundException, &words).await;
}

#[tokio::test]
async fn tags_are_added_taken_off_and_listed_by_the_pools_arn() {
    let pools = pools().await;
    let input = json!({"PoolName": "demo", "UserPoolTags": {"a": "1"}});
    let pool = made(&pools, "CreateUserPool", input).await["UserPool"].clone();
    let arn = pool["Arn"].as_str().expect("an ARN");
    made(&pools, "TagResource", json!({"ResourceArn": arn, "Tags": {"a": "2", "b": "3"}})).await;
    let listed = || made(&pools, "ListTagsForResource", json!({"ResourceArn": arn}));
    assert_eq!(listed().await, json!({"Tags": {"a": "2", "b": "3"}}));
    made(&pools, "UntagResource", json!({"ResourceArn": arn, "TagKeys": ["a", "none"]})).await;
    assert_eq!(listed().await, json!({"Tags": {"b": "3"}}));
    let reserved = json!({"ResourceArn": arn, "Tags": {"aws:x": "y"}});
    let words = "Tag keys cannot begin with aws:.";
    refused(&pools, "TagResource", reserved, InvalidParameterException, words).await;
    let foreign = json!({"ResourceArn": arn.replace(ACCOUNT, "999999999999")});
    let words = "ResourceArn is not the ARN of a user pool of this account.";
    refused(&pools, "ListTagsForResource", foreign, InvalidParameterException, words).await;
}

#[tokio::test]
async fn mfa_settings_are_shown_in_both_places_and_survive_an_update() {
    let pools = pools().await;
    let id = new_pool(&pools).await;
    let block = json!({"Enabled": true});
    let set =
        json!({"UserPoolId": id, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": block});
    let expected = json!({"MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": block});
    assert_eq!(made(&pools, "SetUserPoolMfaConfig", set).await, expected);
    made(&pools, "UpdateUserPool", json!({"UserPoolId": id})).await;
    assert_eq!(made(&pools, "GetUserPoolMfaConfig", json!({"UserPoolId": id})).await, expected);
    let pool = made(&pools, "DescribeUserPool", json!({"UserPoolId": id})).await;
    assert_eq!(pool["UserPool"]["MfaConfiguration"], json!("OPTIONAL"));
    for mode in ["OFF", "OPTIONAL"] {
        made(&pools, "UpdateUserPool", json!({"UserPoolId": id, "MfaConfiguration": mode})).await;
        let expected = json!({"MfaConfiguration": mode, "SoftwareTokenMfaConfiguration": block});
        assert_eq!(made(&pools, "GetUserPoolMfaConfig", json!({"UserPoolId": id})).await, expected);
    }
    let words = "SMS configuration and Auto verification for phone_number are required when MFA is \
                 required/optional";
    for mode in ["ON", "OPTIONAL"] {
        let input = json!({"PoolName": "demo", "MfaConfiguration": mode});
        refused(&pools, "CreateUserPool", input, InvalidParameterException, words).await;
    }
}

#[tokio::test]
async fn custom_attributes_are_added_to_a_pool() {
    let pools = pools().await;
    let id = new_pool(&pools).await;
    let attribute = json!({"Name": "plan", "AttributeDataType": "String"});
    let input = json!({"UserPoolId": id, "CustomAttributes": [attribute]});
    made(&pools, "AddCustomAttributes", input.clone()).await;
    let pool = made(&pools, "DescribeUserPool", json!({"UserPoolId": id})).await;
    assert_eq!(pool["UserPool"]["SchemaAttributes"][20]["Name"], json!("custom:plan"));
    let words = "custom:plan: Existing attribute already has name custom:plan.";
    refused(&pools, "AddCustomAttributes", input, InvalidParameterException, words).await;
}
