//! Risky sign-ins on the pages.

use super::browser::Shown;
use super::scene::Scene;
use postern_server::seed::{ALICE, BOB, BOBS_PASSWORD};
use serde_json::json;

/// The demo pool, which acts on what is risky; Bob was in once, from elsewhere.
async fn watchful_scene(action: &str, factor: &str) -> Scene {
    let scene = Scene::new().await;
    let mut factors = vec!["PASSWORD"];
    factors.extend((factor != "PASSWORD").then_some(factor));
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": factors } });
    let pool = json!({
        "Policies": factors, "AutoVerifiedAttributes": ["email"], "UserPoolTier": "PLUS",
        "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
    });
    scene.admin("UpdateUserPool", pool).await;
    let low = json!({ "LowAction": { "EventAction": action, "Notify": false } });
    let set = json!({ "AccountTakeoverRiskConfiguration": { "Actions": low } });
    scene.admin("SetRiskConfiguration", set).await;
    let client = json!({ "ClientName": "till", "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] });
    let client = scene.server.signed("CreateUserPoolClient", {
        let mut client = client;
        client["UserPoolId"] = scene.demo.pool_id.clone().into();
        client
    });
    let client_id = client.await.ok().text_at("UserPoolClient.ClientId");
    let context = json!({ "IpAddress": "192.0.2.7", "ServerName": "till.example", "ServerPath": "/", "HttpHeaders": [] });
    let begin = json!({
        "ClientId": client_id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "ContextData": context,
        "AuthParameters": { "USERNAME": BOB, "PASSWORD": BOBS_PASSWORD },
    });
    scene.admin("AdminInitiateAuth", begin).await;
    scene.server.clock.advance(1_000);
    scene
}

fn is_blocked(page: &Shown) {
    assert_eq!((page.status, page.heading()), (403, "This sign-in was blocked.".to_owned()));
    page.says("sign_in_blocked").says_not("role=\"alert\"");
}

#[tokio::test]
async fn a_blocked_sign_in_says_so_and_leads_back_to_the_app() {
    let scene = watchful_scene("BLOCK", "PASSWORD").await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    // Who gives a wrong password is told nothing of it.
    let page = browser.press(&page, "/login/password", &[("password", "Wrong-horse-1")]).await;
    page.says("Incorrect username or password.");
    let blocked = browser.press(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    is_blocked(&blocked);
    // The page can be opened again, and its way leads to a sign-in that begins anew.
    is_blocked(&browser.open(&blocked.path).await);
    let anew = browser.visit(&blocked.link("Back to Demo app")).await;
    assert_eq!(anew.heading(), "Sign in");
}

#[tokio::test]
async fn a_right_code_is_blocked_alike_and_a_blocked_address_begins_nothing() {
    let scene = watchful_scene("BLOCK", "EMAIL_OTP").await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let code = scene.code(BOB).await;
    is_blocked(&browser.press(&page, "/login/code", &[("code", &code)]).await);
    // Who comes for the first time differs from nothing.
    scene.signed_in(&scene.browser(), ALICE).await;

    let nowhere = json!({ "BlockedIPRangeList": ["127.0.0.0/8", "::1/128"] });
    scene.admin("SetRiskConfiguration", json!({ "RiskExceptionConfiguration": nowhere })).await;
    for name in [ALICE, "nobody@example.com"] {
        is_blocked(&scene.named(&scene.browser(), name).await);
    }
}

#[tokio::test]
async fn a_risky_sign_in_goes_on_with_a_second_factor() {
    let scene = watchful_scene("MFA_REQUIRED", "PASSWORD").await;
    let sender = crate::story::own_sender(&scene.server, "no-reply@example.com").await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let pool = json!({
        "Policies": factors, "AutoVerifiedAttributes": ["email"], "UserPoolTier": "PLUS",
        "EmailConfiguration": sender, "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
    });
    scene.admin("UpdateUserPool", pool).await;
    let mfa =
        json!({ "MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": { "Message": "Code {####}" } });
    scene.admin("SetUserPoolMfaConfig", mfa).await;
    let browser = scene.browser();
    let page = scene.named(&browser, BOB).await;
    let page = browser.press(&page, "/login/password", &[("password", BOBS_PASSWORD)]).await;
    assert_eq!(page.heading(), "Check your email");
    let code = scene.code(BOB).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
}
