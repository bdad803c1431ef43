//! Codes by text message on the pages: asked for where a mail is not wanted, or where the name is a number.

use super::scene::{Scene, another};
use postern_server::seed::ALICE;
use serde_json::json;

const NUMBER: &str = "+15555550123";

/// The demo pool, set to send texts; Alice has a telephone.
async fn scene_with_texts() -> Scene {
    let scene = Scene::new().await;
    let server = &scene.server;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "cognito-idp.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string();
    let made = server.iam("CreateRole", &[("RoleName", "texts"), ("AssumeRolePolicyDocument", &trust)]).await;
    let policy = crate::support::allowing(&["sns:Publish"], &["*"]).to_string();
    let parameters = [("RoleName", "texts"), ("PolicyName", "publish"), ("PolicyDocument", policy.as_str())];
    server.iam("PutRolePolicy", &parameters).await.ok();
    let settings = json!({
        "AutoVerifiedAttributes": ["email"],
        "SmsConfiguration": { "SnsCallerArn": made.xml("Arn") },
        "Policies": {
            "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "SMS_OTP"] },
        },
    });
    scene.admin("UpdateUserPool", settings).await;
    let attributes = json!([{ "Name": "phone_number", "Value": NUMBER }]);
    scene
        .admin("AdminUpdateUserAttributes", json!({ "Username": ALICE, "UserAttributes": attributes }))
        .await;
    scene
}

#[tokio::test]
async fn who_has_no_mail_at_hand_has_the_code_texted_instead() {
    let scene = scene_with_texts().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    assert_eq!(page.heading(), "Check your email");
    let by_mail = scene.code(ALICE).await;
    let choose = browser.visit(&page.link("Try another way")).await;
    choose.says("Email a code").says("Text a code").says_not("Enter your password");

    let page = browser.press(&choose, "/login/choose", &[("factor", "SMS_OTP")]).await;
    assert_eq!(page.heading(), "Check your phone");
    page.says("+*******0123").says_not("spam folder");
    let code = scene.code(NUMBER).await;
    // The code of the other way is none for this one.
    let wrong = browser.press(&page, "/login/code", &[("code", &by_mail)]).await;
    wrong.says("Check the newest text message and try again.");
    let wrong = browser.press(&wrong, "/login/code", &[("code", &another(&code))]).await;
    let home = browser.press_once(&wrong, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}

#[tokio::test]
async fn asking_for_a_text_again_sends_a_text() {
    let scene = scene_with_texts().await;
    let browser = scene.browser();
    let page = scene.named(&browser, ALICE).await;
    scene.code(ALICE).await;
    let choose = browser.visit(&page.link("Try another way")).await;
    let page = browser.press(&choose, "/login/choose", &[("factor", "SMS_OTP")]).await;
    scene.code(NUMBER).await;
    scene.server.clock.advance(31_000);
    let page = browser.press(&page, "/login/resend", &[]).await;
    assert_eq!(page.heading(), "Check your phone");
    let code = scene.code(NUMBER).await;
    assert_eq!(scene.server.mails_to(ALICE).await.len(), 1);
    let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
    assert_eq!(scene.redeem(&home.parameter("code")).await.0, 200);
}
