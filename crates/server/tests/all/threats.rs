//! Threat protection as administrators and people meet it: what people did is remembered, each sign-in is judged by it,
//! and what the pool wants done about a risk is done.

use crate::import::comes_with_hash;
use crate::mfa::{PASSWORD, sets_up};
use crate::story::{App, Reply, challenge, claims, newest_mail, own_sender, text};
use crate::support::{TestServer, secret_hash};
use postern_model::Error;
use postern_pools::auth::known_passwords::KnownPasswords;
use serde_json::{Value, json};
use std::net::IpAddr;

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const HOME: (&str, &str) = ("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0");
const CAFE: (&str, &str) = ("198.51.100.9", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0");
const STRANGE: (&str, &str) = ("198.51.100.9", "Mozilla/5.0 (Windows NT 10.0) Chrome/126.0");
const BLOCKED: (&str, &str) = ("NotAuthorizedException", "Unable to login because of security reasons.");
const HOUR_MS: i64 = 3_600_000;
const NO: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");

/// A pool that watches, with Alice and Bob, who have passwords.
async fn pool<'a>(server: &'a TestServer, mode: &str) -> App<'a> {
    let watches = json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": mode } });
    let flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"];
    let app = App::with(server, watches, json!({ "ExplicitAuthFlows": flows })).await;
    for person in [ALICE, BOB] {
        app.person(person).await;
        app.password(person, PASSWORD).await;
    }
    app
}

/// Gives a password, where the app's server says where from.
async fn gives(app: &App<'_>, name: &str, password: &str, (address, agent): (&str, &str)) -> Reply {
    app.server.clock.advance(1_000);
    let context = json!({
        "IpAddress": address, "ServerName": "shop.example", "ServerPath": "/login",
        "HttpHeaders": [{ "headerName": "User-Agent", "headerValue": agent }],
    });
    let begin = json!({
        "ClientId": app.client_id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "ContextData": context,
        "AuthParameters": { "USERNAME": name, "PASSWORD": password },
    });
    app.signed("AdminInitiateAuth", begin).await
}

async fn signs_in(app: &App<'_>, from: (&str, &str)) -> Reply {
    gives(app, ALICE, PASSWORD, from).await
}

async fn events(app: &App<'_>, name: &str) -> Vec<Value> {
    let listed = app.signed("AdminListUserAuthEvents", json!({ "Username": name })).await.ok();
    listed["AuthEvents"].as_array().expect("a list").clone()
}

async fn newest(app: &App<'_>) -> Value {
    events(app, ALICE).await.remove(0)
}

fn takeover(low: Value, medium: Value) -> Value {
    json!({ "Actions": { "LowAction": low, "MediumAction": medium } })
}

fn does(action: &str, notify: bool) -> Value {
    json!({ "EventAction": action, "Notify": notify })
}

#[tokio::test]
async fn what_people_did_is_remembered_and_judged_and_in_audit_mode_that_is_all() {
    let server = TestServer::start().await;
    let app = pool(&server, "AUDIT").await;
    let block = takeover(does("BLOCK", false), does("BLOCK", false));
    app.signed("SetRiskConfiguration", json!({ "AccountTakeoverRiskConfiguration": block })).await.ok();

    signs_in(&app, HOME).await.ok();
    gives(&app, ALICE, "Wrong-horse-1", HOME).await.refused(NO.0, NO.1);
    gives(&app, "nobody@example.com", "Wrong-horse-1", HOME).await.refused_as("NotAuthorizedException");
    let tokens = signs_in(&app, STRANGE).await.ok();
    let token = text(&tokens, "/AuthenticationResult/AccessToken");
    let listed = events(&app, ALICE).await;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0]["EventId"], claims(&token)["event_id"]);
    assert_eq!(listed[0]["EventType"], "SignIn");
    assert_eq!(listed[0]["EventResponse"], "Pass");
    assert_eq!(
        listed[0]["EventRisk"],
        json!({ "RiskDecision": "NoRisk", "RiskLevel": "Medium", "CompromisedCredentialsDetected": false })
    );
    assert_eq!(
        listed[0]["EventContextData"],
        json!({ "IpAddress": "198.51.100.9", "DeviceName": "Chrome on Windows" })
    );
    let steps = |response: &str| json!([{ "ChallengeName": "Password", "ChallengeResponse": response }]);
    assert_eq!(listed[0]["ChallengeResponses"], steps("Success"));
    assert_eq!(
        (&listed[1]["EventResponse"], &listed[1]["ChallengeResponses"]),
        (&json!("Fail"), &steps("Failure"))
    );
    assert_eq!(listed[2]["EventRisk"].get("RiskLevel"), None, "the first is like none");
    assert!(events(&app, BOB).await.is_empty());

    // Other things that people do.
    server.clock.advance(1_000);
    let change =
        json!({ "AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": "Battery-staple-2" });
    server.api("ChangePassword", change).await.ok();
    server.clock.advance(1_000);
    app.public("ForgotPassword", json!({ "Username": ALICE })).await.ok();
    let code = app.code(ALICE).await;
    server.clock.advance(1_000);
    let reset = json!({ "Username": ALICE, "ConfirmationCode": code, "Password": "Staple-battery-3" });
    app.public("ConfirmForgotPassword", reset).await.ok();
    let listed = events(&app, ALICE).await;
    let told: Vec<String> = listed[..3]
        .iter()
        .map(|event| format!("{} {}", text(event, "/EventType"), text(event, "/EventResponse")))
        .collect();
    assert_eq!(told, ["ForgotPassword Pass", "ForgotPassword InProgress", "PasswordChange Pass"]);

    // Page by page.
    let first =
        app.signed("AdminListUserAuthEvents", json!({ "Username": ALICE, "MaxResults": 4 })).await.ok();
    let next = json!({ "Username": ALICE, "MaxResults": 4, "NextToken": first["NextToken"] });
    let last = app.signed("AdminListUserAuthEvents", next.clone()).await.ok();
    let pages = [&first, &last].map(|page| page["AuthEvents"].as_array().expect("a list").clone());
    assert_eq!(pages.concat(), listed);
    assert_eq!(last.get("NextToken"), None);
    let bobs = json!({ "Username": BOB, "NextToken": first["NextToken"] });
    app.signed("AdminListUserAuthEvents", bobs).await.refused_as("InvalidParameterException");

    // Who comes later under the same name has done nothing yet.
    app.signed("AdminDeleteUser", json!({ "Username": ALICE })).await.ok();
    app.person(ALICE).await;
    assert!(events(&app, ALICE).await.is_empty());
}

#[tokio::test]
async fn a_risky_sign_in_is_blocked_and_its_owner_is_told_and_asked() {
    let server = TestServer::start().await;
    let app = pool(&server, "ENFORCED").await;
    let sender = own_sender(&server, "alerts@example.com").await;
    let mut takeover = takeover(does("NO_ACTION", true), does("BLOCK", true));
    takeover["NotifyConfiguration"] = json!({
        "SourceArn": sender["SourceArn"], "From": "Shop <alerts@example.com>",
        "BlockEmail": {
            "Subject": "Blocked", "TextBody": "{username} from {ip-address} on {device-name}: {event-id} {feedback-token}.",
        },
    });
    let set = json!({ "AccountTakeoverRiskConfiguration": takeover });
    let answer = app.signed("SetRiskConfiguration", set).await.ok();
    let shown = app.signed("DescribeRiskConfiguration", json!({})).await.ok();
    assert_eq!(shown, answer);
    assert_eq!(shown["RiskConfiguration"]["AccountTakeoverRiskConfiguration"], takeover);

    signs_in(&app, HOME).await.ok();
    assert!(server.mails_to(ALICE).await.is_empty());
    // From another network: told, no more.
    signs_in(&app, CAFE).await.ok();
    let mail = newest_mail(&server, ALICE).await;
    assert_eq!(text(&mail, "/subject"), "An unusual sign-in to your account");
    assert!(text(&mail, "/text").contains("Address: 198.51.100.9\r\nDevice: Firefox on Linux"), "{mail}");
    // From a third, and on another device.
    let strange = ("203.0.113.5", STRANGE.1);
    gives(&app, ALICE, "Wrong-horse-1", strange).await.refused(NO.0, NO.1);
    signs_in(&app, strange).await.refused(BLOCKED.0, BLOCKED.1);
    let event = newest(&app).await;
    assert_eq!(
        (&event["EventResponse"], &event["EventRisk"]["RiskDecision"]),
        (&json!("Fail"), &json!("Block"))
    );
    let mail = newest_mail(&server, ALICE).await;
    assert_eq!(text(&mail, "/subject"), "Blocked");
    let words = text(&mail, "/text");
    let start = format!("{ALICE} from 203.0.113.5 on Chrome on Windows: {} ", text(&event, "/EventId"));
    let token = words.strip_prefix(&start).and_then(|rest| rest.split_once('.')).expect("a token").0;

    // It was her: the token says so for this event of hers alone.
    let says = |event: &Value, name: &str, token: &str, value: &str| {
        json!({
            "UserPoolId": app.pool_id, "EventId": event["EventId"], "Username": name, "FeedbackToken": token,
            "FeedbackValue": value,
        })
    };
    let other = events(&app, ALICE).await.pop().expect("an event");
    for (event, name, token, kind) in [
        (&event, ALICE, "00ff", "NotAuthorizedException"),
        (&other, ALICE, token, "NotAuthorizedException"),
        (&event, BOB, token, "UserNotFoundException"),
        (&event, "nobody@example.com", token, "UserNotFoundException"),
    ] {
        server.api("UpdateAuthEventFeedback", says(event, name, token, "Valid")).await.refused(kind);
    }
    signs_in(&app, strange).await.refused(BLOCKED.0, BLOCKED.1);
    server.api("UpdateAuthEventFeedback", says(&event, ALICE, token, "Valid")).await.ok();
    signs_in(&app, strange).await.ok();
    server.clock.advance(7 * 24 * HOUR_MS);
    let late = server.api("UpdateAuthEventFeedback", says(&event, ALICE, token, "Invalid")).await;
    assert_eq!(late.refused("NotAuthorizedException"), "Invalid feedback token.");
    let marked = events(&app, ALICE).await.into_iter().find(|one| one["EventId"] == event["EventId"]);
    let feedback = &marked.expect("the event")["EventFeedback"];
    assert_eq!((&feedback["FeedbackValue"], &feedback["Provider"]), (&json!("Valid"), &json!("User")));

    // An administrator knows better; what was disowned is as risky as can be.
    let high =
        json!({ "AccountTakeoverRiskConfiguration": { "Actions": { "HighAction": does("BLOCK", false) } } });
    app.signed("SetRiskConfiguration", high).await.ok();
    let knows = json!({ "Username": ALICE, "EventId": event["EventId"], "FeedbackValue": "Invalid" });
    app.signed("AdminUpdateAuthEventFeedback", knows).await.ok();
    signs_in(&app, strange).await.refused(BLOCKED.0, BLOCKED.1);
    signs_in(&app, HOME).await.ok();
    let bobs = json!({ "Username": BOB, "EventId": event["EventId"], "FeedbackValue": "Valid" });
    app.signed("AdminUpdateAuthEventFeedback", bobs)
        .await
        .refused("ResourceNotFoundException", "Auth event does not exist.");
}

#[tokio::test]
async fn a_risky_sign_in_takes_a_second_factor() {
    let server = TestServer::start().await;
    let app = pool(&server, "ENFORCED").await;
    let set = json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    app.signed("SetUserPoolMfaConfig", set).await.ok();
    let tokens = signs_in(&app, HOME).await.ok();
    let authenticator = sets_up(&app, &text(&tokens, "/AuthenticationResult/AccessToken")).await;
    // Set up, and not asked for otherwise.
    let off = json!({ "Username": ALICE, "SoftwareTokenMfaSettings": { "Enabled": false } });
    app.signed("AdminSetUserMFAPreference", off).await.ok();
    let second = takeover(does("MFA_IF_CONFIGURED", false), does("MFA_REQUIRED", false));
    app.signed("SetRiskConfiguration", json!({ "AccountTakeoverRiskConfiguration": second })).await.ok();

    assert!(signs_in(&app, HOME).await.ok()["AuthenticationResult"].is_object());
    let asked = signs_in(&app, CAFE).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(newest(&app).await["EventResponse"], "InProgress");
    let answer = |code: String| json!({ "USERNAME": ALICE, "SOFTWARE_TOKEN_MFA_CODE": code });
    let asked = challenge(&asked);
    app.replies(&asked, answer("000000".into())).await.refused_as("CodeMismatchException");
    let steps = |second: &str| {
        json!([
            { "ChallengeName": "Password", "ChallengeResponse": "Success" },
            { "ChallengeName": "Mfa", "ChallengeResponse": second },
        ])
    };
    assert_eq!(newest(&app).await["ChallengeResponses"], steps("Failure"));
    let tokens = app.replies(&asked, answer(authenticator.next_code(&server))).await.ok();
    let event = newest(&app).await;
    assert_eq!((&event["EventResponse"], &event["ChallengeResponses"]), (&json!("Pass"), &steps("Success")));
    assert_eq!(event["EventRisk"]["RiskDecision"], "AccountTakeover");
    let token = text(&tokens, "/AuthenticationResult/AccessToken");
    assert_eq!(claims(&token)["event_id"], event["EventId"]);
    assert_eq!(claims(&token).get("acr"), None, "nobody asked for a level");

    // Who has none is let in where it is not required, and kept out where it is.
    gives(&app, BOB, PASSWORD, HOME).await.ok();
    gives(&app, BOB, PASSWORD, ("203.0.113.5", STRANGE.1)).await.refused(BLOCKED.0, BLOCKED.1);
    gives(&app, BOB, PASSWORD, CAFE).await.ok();
}

#[tokio::test]
async fn some_addresses_are_always_let_in_and_some_never() {
    let server = TestServer::start().await;
    let app = pool(&server, "ENFORCED").await;
    let set = json!({
        "AccountTakeoverRiskConfiguration": takeover(does("BLOCK", false), does("BLOCK", false)),
        "RiskExceptionConfiguration": {
            "BlockedIPRangeList": ["203.0.113.0/24"], "SkippedIPRangeList": ["198.51.100.9/32"],
        },
    });
    app.signed("SetRiskConfiguration", set).await.ok();
    signs_in(&app, HOME).await.ok();
    signs_in(&app, STRANGE).await.ok();
    let from = ("203.0.113.5", HOME.1);
    for (name, password) in [(ALICE, PASSWORD), (ALICE, "Wrong-horse-1"), ("nobody@example.com", PASSWORD)] {
        gives(&app, name, password, from).await.refused(BLOCKED.0, BLOCKED.1);
    }
    let shown = app.signed("DescribeRiskConfiguration", json!({})).await.ok();
    let ranges = &shown["RiskConfiguration"]["RiskExceptionConfiguration"];
    assert_eq!(ranges["BlockedIPRangeList"], json!(["203.0.113.0/24"]));

    // An app may do as it likes, and other apps do as their pool.
    let own = json!({ "ClientId": app.client_id, "RiskExceptionConfiguration": {} });
    app.signed("SetRiskConfiguration", own).await.ok();
    signs_in(&app, from).await.ok();
    let other = app.second_client().await;
    let flows =
        json!({ "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"], "ClientId": other.client_id });
    app.signed("UpdateUserPoolClient", flows).await.ok();
    signs_in(&other, from).await.refused(BLOCKED.0, BLOCKED.1);
    // With nothing of its own it does as its pool again, and so does who stops watching: as nobody.
    app.signed("SetRiskConfiguration", json!({ "ClientId": app.client_id })).await.ok();
    signs_in(&app, from).await.refused(BLOCKED.0, BLOCKED.1);
    app.signed("UpdateUserPool", json!({ "UserPoolTier": "PLUS" })).await.ok();
    signs_in(&app, from).await.ok();
    app.signed("AdminListUserAuthEvents", json!({ "Username": ALICE }))
        .await
        .refused_as("UserPoolAddOnNotEnabledException");
}

#[tokio::test]
async fn a_pool_watches_in_the_plus_tier_only() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let watches = json!({ "AdvancedSecurityMode": "AUDIT" });
    let words = "The following features need to be disabled for the ESSENTIALS pricing tier configured: Threat Protection";
    app.signed("UpdateUserPool", json!({ "UserPoolTier": "ESSENTIALS", "UserPoolAddOns": watches }))
        .await
        .refused("FeatureUnavailableInTierException", words);
    app.signed("UpdateUserPool", json!({ "UserPoolAddOns": watches }))
        .await
        .refused_as("FeatureUnavailableInTierException");
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    app.signed("AdminListUserAuthEvents", json!({ "Username": ALICE }))
        .await
        .refused_as("UserPoolAddOnNotEnabledException");
    app.signed("UpdateUserPool", json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": watches })).await.ok();
    assert!(events(&app, ALICE).await.is_empty());
}

#[tokio::test]
async fn guesses_of_a_stranger_tell_against_the_stranger_alone_on_every_node() {
    let (one, two) = TestServer::two_nodes().await;
    let here = pool(&one, "ENFORCED").await;
    let there = here.on(&two);
    let block = json!({ "Actions": { "HighAction": does("BLOCK", false) } });
    here.signed("SetRiskConfiguration", json!({ "AccountTakeoverRiskConfiguration": block })).await.ok();
    signs_in(&here, HOME).await.ok();
    for password in ["Wrong-horse-1", "Wrong-horse-2", "Wrong-horse-3"] {
        let hers = gives(&there, ALICE, password, STRANGE).await;
        let nobodys = gives(&there, "nobody@example.com", password, STRANGE).await;
        assert_eq!((hers.status, &hers.body), (nobodys.status, &nobodys.body));
    }
    signs_in(&here, STRANGE).await.refused(BLOCKED.0, BLOCKED.1);
    assert_eq!(newest(&there).await["EventRisk"]["RiskLevel"], "High");
    signs_in(&there, HOME).await.ok();
    assert_eq!(newest(&here).await["EventRisk"].get("RiskLevel"), None);
    // After an hour they are forgotten.
    one.clock.advance(HOUR_MS);
    signs_in(&there, STRANGE).await.ok();
    assert_eq!(newest(&here).await["EventRisk"]["RiskLevel"], "Medium");
}

#[tokio::test]
async fn events_are_kept_for_two_years() {
    let server = TestServer::start().await;
    let app = pool(&server, "AUDIT").await;
    signs_in(&app, HOME).await.ok();
    let left = |after_days: i64| {
        server.clock.advance(after_days * 24 * HOUR_MS);
        let (store, now) = (server.app.store.clone(), server.clock.now());
        async move { store.write(move |tx| Ok::<_, Error>(tx.sweep(now)?)).await.expect("swept") }
    };
    left(729).await;
    assert_eq!(events(&app, ALICE).await.len(), 1);
    left(2).await;
    assert!(events(&app, ALICE).await.is_empty());
}

#[tokio::test]
async fn a_password_that_attackers_know_is_to_be_changed() {
    let server =
        TestServer::with(|settings| settings.rules.known_passwords = KnownPasswords::shipped().into()).await;
    let app = pool(&server, "ENFORCED").await;
    let hash = "pbkdf2_sha256$20000$saltOfDjango22chars123$gtFUEhIymhqQpuqc1YZYhjMrBwBeOh7kS1ndcqxNy4s=";
    let name = "carol@example.com";
    comes_with_hash(&app, name, "PBKDF2_SHA256", hash).await;
    gives(&app, name, "Password1!", HOME).await.ok();
    let seen = &events(&app, name).await[0]["EventRisk"];
    assert_eq!(seen["CompromisedCredentialsDetected"], true);

    let known = json!({ "CompromisedCredentialsRiskConfiguration": {
        "EventFilter": ["SIGN_IN"], "Actions": { "EventAction": "BLOCK" },
    } });
    app.signed("SetRiskConfiguration", known).await.ok();
    gives(&app, name, "Password1!", HOME).await.refused(
        "PasswordResetRequiredException",
        "Password reset required for the user due to security reasons",
    );
    gives(&app, name, "Password1?", HOME).await.refused(NO.0, NO.1);
    let event = &events(&app, name).await[1];
    assert_eq!(
        (&event["EventResponse"], &event["EventRisk"]["RiskDecision"]),
        (&json!("Fail"), &json!("Block"))
    );
    // Another one does.
    app.public("ForgotPassword", json!({ "Username": name })).await.ok();
    let reset = json!({ "Username": name, "ConfirmationCode": app.code(name).await, "Password": PASSWORD });
    app.public("ConfirmForgotPassword", reset).await.ok();
    gives(&app, name, PASSWORD, HOME).await.ok();
}

#[tokio::test]
async fn an_app_with_a_secret_says_where_its_people_are() {
    let server = TestServer::start().await;
    let app = pool(&server, "ENFORCED").await;
    let far = json!({ "RiskExceptionConfiguration": { "BlockedIPRangeList": ["203.0.113.0/24"] } });
    app.signed("SetRiskConfiguration", far).await.ok();
    let begin = |app: &App<'_>, hash: Option<String>| {
        let mut parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
        if let Some(hash) = hash {
            parameters["SECRET_HASH"] = hash.into();
        }
        json!({
            "ClientId": app.client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
            "UserContextData": { "IpAddress": "203.0.113.5" },
        })
    };
    // Just anybody could say so.
    server.api("InitiateAuth", begin(&app, None)).await.ok();
    let seen: IpAddr = text(&newest(&app).await, "/EventContextData/IpAddress").parse().expect("an address");
    assert!(seen.is_loopback());

    let believed = json!({
        "ClientName": "server", "GenerateSecret": true, "EnablePropagateAdditionalUserContextData": true,
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
    });
    let made = app.signed("CreateUserPoolClient", believed).await.ok();
    let client = |name: &str| text(&made, &format!("/UserPoolClient/{name}"));
    let secret = secret_hash(&client("ClientSecret"), ALICE, &client("ClientId"));
    let app = App { client_id: client("ClientId"), pool_id: app.pool_id.clone(), server: &server };
    let answer = server.api("InitiateAuth", begin(&app, Some(secret))).await;
    assert_eq!(answer.refused(BLOCKED.0), BLOCKED.1);
}
