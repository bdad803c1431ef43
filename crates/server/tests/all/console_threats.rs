//! Threat protection in the console: its settings, and what users did.

use crate::console::{closed, pool, sign_in};
use crate::pages::browser::Browser;
use crate::story::own_sender;
use crate::support::{Key, TestServer};
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const PASSWORD: &str = "Correct-horse-1";

async fn risk(server: &TestServer, pool_id: &str) -> Value {
    let asked = json!({ "UserPoolId": pool_id });
    server.signed("DescribeRiskConfiguration", asked).await.ok().body["RiskConfiguration"].clone()
}

#[tokio::test]
async fn threat_protection_is_set_area_by_area() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    own_sender(&server, "alerts@example.com").await;
    let browser = Browser::new(&server.url);
    let at = |path: &str| format!("/console/pools/{pool_id}{path}");
    let save = async |area: &str, fields: &[(&str, &str)]| {
        let path = at(&format!("/edit/{area}"));
        let form = browser.visit(&path).await;
        browser.press(&form, &path, fields).await
    };
    // The plan is said before it is chosen, and what is refused stands beside its field.
    let gate = "Threat protection needs the Plus feature plan. This pool is in the Essentials plan.";
    browser.visit(&at("/threats")).await.says(gate).says("Change the feature plan");
    browser.visit(&at("/edit/threat-mode")).await.says(gate);
    let refused = save("threat-mode", &[("mode", "ENFORCED"), ("custom", "")]).await;
    refused.says("id=\"mode-error\"").says("ESSENTIALS pricing tier configured: Threat Protection");
    save("general", &[("name", "Shop"), ("tier", "PLUS")]).await.says("Pool settings saved");
    save("threat-mode", &[("mode", "ENFORCED"), ("custom", "AUDIT")])
        .await
        .says("Enforcement saved")
        .says_not(gate);
    let described = server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok().body;
    assert_eq!(
        described["UserPool"]["UserPoolAddOns"],
        json!({
            "AdvancedSecurityMode": "ENFORCED", "AdvancedSecurityAdditionalFlows": { "CustomAuthMode": "AUDIT" },
        })
    );
    let back = save("general", &[("name", "Shop"), ("tier", "ESSENTIALS")]).await;
    back.says("id=\"tier-error\"");

    // A level with notices needs a sender; each area leaves the others alone.
    let levels =
        [("low", "NO_ACTION"), ("medium", "MFA_REQUIRED"), ("high", "BLOCK"), ("high-notify", "yes")];
    save("account-takeover", &levels).await.says("NotifyConfiguration is required");
    let blocked = [("block-subject", "Blocked"), ("block-text", "From {ip-address}")];
    let notices = [("identity", "alerts@example.com"), ("sender", "Shop"), blocked[0], blocked[1]];
    save("risk-notices", &notices).await.says("Notices saved").says("From {ip-address}");
    save("account-takeover", &levels).await.says("Adaptive authentication saved").says("Block sign-in");
    save("compromised-credentials", &[("action", "BLOCK"), ("events", "SIGN_IN")])
        .await
        .says("Compromised credentials saved");
    let refused = save("ip-exceptions", &[("blocked", "192.0.2.0/24"), ("skipped", "10.0.0.0/33")]).await;
    refused.says("id=\"skipped-error\"").says("10.0.0.0/33 is not an IP address range.");
    save("ip-exceptions", &[("blocked", "192.0.2.0/24\n2001:db8::/32"), ("skipped", "")])
        .await
        .says("IP address exceptions saved");
    let set = risk(&server, &pool_id).await;
    let takeover = &set["AccountTakeoverRiskConfiguration"];
    assert_eq!(takeover["Actions"]["HighAction"], json!({ "EventAction": "BLOCK", "Notify": true }));
    assert_eq!(takeover["NotifyConfiguration"]["From"], "Shop <alerts@example.com>");
    assert_eq!(takeover["NotifyConfiguration"]["BlockEmail"]["Subject"], "Blocked");
    assert_eq!(set["CompromisedCredentialsRiskConfiguration"]["EventFilter"], json!(["SIGN_IN"]));
    assert_eq!(
        set["RiskExceptionConfiguration"],
        json!({ "BlockedIPRangeList": ["192.0.2.0/24", "2001:db8::/32"] })
    );
    // The later of two is told.
    let path = at("/edit/ip-exceptions");
    let late = browser.visit(&path).await;
    save("ip-exceptions", &[("blocked", "")]).await.says("IP address exceptions saved");
    browser
        .press(&late, &path, &[("blocked", "203.0.113.0/24")])
        .await
        .says("Somebody else changed these settings");
    assert_eq!(risk(&server, &pool_id).await.get("RiskExceptionConfiguration"), None);
}

#[tokio::test]
async fn what_a_user_did_is_shown_and_an_administrator_says_whose_it_was() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    let of_pool = |mut input: Value| {
        input["UserPoolId"] = pool_id.clone().into();
        input
    };
    let (browser, _) = sign_in(&server, &server.key).await;
    let made = server.signed("AdminCreateUser", of_pool(json!({ "Username": ALICE }))).await.ok().body;
    let attributes = made["User"]["Attributes"].as_array().expect("attributes");
    let sub =
        attributes.iter().find(|one| one["Name"] == "sub").expect("a sub")["Value"].as_str().expect("text");
    let here = format!("/console/pools/{pool_id}/users/{sub}");
    browser.visit(&here).await.says_not("Sign-in events");
    let watches = json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } });
    server.signed("UpdateUserPool", of_pool(watches)).await.ok();
    browser.visit(&here).await.says("Nothing has happened since this pool is watched.");

    let set = json!({ "Username": ALICE, "Password": PASSWORD, "Permanent": true });
    server.signed("AdminSetUserPassword", of_pool(set)).await.ok();
    let client = json!({ "ClientName": "till", "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] });
    let client = server.signed("CreateUserPoolClient", of_pool(client)).await.ok();
    let client_id = client.text_at("UserPoolClient.ClientId");
    let signs_in = async |address: &str| {
        server.clock.advance(1_000);
        let context =
            json!({ "IpAddress": address, "ServerName": "till", "ServerPath": "/", "HttpHeaders": [] });
        let begin = json!({
            "ClientId": client_id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "ContextData": context,
            "AuthParameters": { "USERNAME": ALICE, "PASSWORD": PASSWORD },
        });
        server.signed("AdminInitiateAuth", of_pool(begin)).await.ok();
    };
    for last in 0..51 {
        signs_in(&format!("192.0.{last}.7")).await;
    }
    let user = browser.visit(&here).await;
    user.says("192.0.50.7").says("Low").says("This was not the user").says_not("192.0.45.7");
    let events = format!("{here}/events");
    let first = browser.visit(&user.link("All events of this user")).await;
    first.says("192.0.1.7").says_not("192.0.0.7");
    browser.visit(&first.link("Next page")).await.says("192.0.0.7").says_not("192.0.1.7");

    // The first button of the page is of the newest event.
    let noted = browser.press(&user, &events, &[("value", "Invalid")]).await;
    noted.says("Noted.").says("Not the user's, says an administrator");
    let listed =
        server.signed("AdminListUserAuthEvents", of_pool(json!({ "Username": ALICE }))).await.ok().body;
    assert_eq!(listed["AuthEvents"][0]["EventFeedback"]["FeedbackValue"], "Invalid");

    // Who may only view says nothing of it.
    server.iam("CreateUser", &[("UserName", "viewer")]).await.ok();
    let policy = [("UserName", "viewer"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    server.iam("AttachUserPolicy", &policy).await.ok();
    let key = server.iam("CreateAccessKey", &[("UserName", "viewer")]).await.ok();
    let key = Key::new(&key.xml("AccessKeyId"), &key.xml("SecretAccessKey"));
    let (viewer, _) = sign_in(&server, &key).await;
    let shown = viewer.visit(&here).await;
    shown.says("192.0.50.7");
    viewer
        .press(&shown, &events, &[("value", "Valid")])
        .await
        .says("is not authorized to perform")
        .says("cognito-idp:AdminUpdateAuthEventFeedback");
}
