//! The attack cases of the security specification that concern remembered devices, by their numbers there.

use crate::devices::{NO_DEVICE, WRONG, always, begins_on, confirms, opens, pool, proves, with_device};
use crate::mfa::{ALICE, BOB, PASSWORD};
use crate::story::{App, another, challenge, mail_settles};
use crate::support::{SrpClient, TestServer};
use serde_json::{Value, json};

/// F5: what is stolen of a device is of no use to anybody else, and of none once it is forgotten.
#[tokio::test]
async fn case_57_a_stolen_device_opens_nothing() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL", always()).await;
    let (_, device) = with_device(&app, ALICE).await;
    let (_, own) = with_device(&app, BOB).await;

    // Her keys are not his, at no step of his sign-in.
    begins_on(&app, BOB, Some(&device.key)).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    let asked = challenge(&begins_on(&app, BOB, Some(&own.key)).await.ok());
    let client = SrpClient::new();
    opens(&app, BOB, &asked, &client, &device.key).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    let her_name = opens(&app, ALICE, &asked, &client, &device.key).await;
    her_name.refused("NotAuthorizedException", "Invalid session for the user.");

    // Her key without its secret proves nothing, has one try, and takes nothing from the next.
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let next = opens(&app, ALICE, &challenge(&asked), &client, &device.key).await.ok();
    let now = server.clock.now();
    let forged = client.proves_device(&device.forged(), &next["ChallengeParameters"], now);
    let right = client.proves_device(&device, &next["ChallengeParameters"], now);
    app.replies(&challenge(&next), forged).await.refused(WRONG.0, WRONG.1);
    let spent = "Invalid session for the user, session is expired.";
    app.replies(&challenge(&next), right).await.refused("NotAuthorizedException", spent);

    // A whole proof, seen on its way: once, at its client, in its time.
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let other = app.second_client().await;
    opens(&other, ALICE, &challenge(&asked), &client, &device.key)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    let next = opens(&app, ALICE, &challenge(&asked), &client, &device.key).await.ok();
    let proof = client.proves_device(&device, &next["ChallengeParameters"], server.clock.now());
    other.replies(&challenge(&next), proof.clone()).await.refused_as("NotAuthorizedException");
    app.replies(&challenge(&next), proof.clone()).await.ok();
    app.replies(&challenge(&next), proof).await.refused_as("NotAuthorizedException");
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    server.clock.advance(181_000);
    opens(&app, ALICE, &challenge(&asked), &client, &device.key)
        .await
        .refused("NotAuthorizedException", spent);

    // The device without the password begins nothing.
    let wrong = json!({ "USERNAME": ALICE, "PASSWORD": "Wrong-horse-1", "DEVICE_KEY": device.key });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": wrong }))
        .await
        .refused(WRONG.0, WRONG.1);

    // What was begun before it is forgotten does not end after.
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let next = opens(&app, ALICE, &challenge(&asked), &client, &device.key).await.ok();
    let proof = client.proves_device(&device, &next["ChallengeParameters"], server.clock.now());
    app.signed("AdminForgetDevice", json!({ "Username": ALICE, "DeviceKey": device.key })).await.ok();
    app.replies(&challenge(&next), proof).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    begins_on(&app, ALICE, Some(&device.key)).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    assert_eq!(begins_on(&app, ALICE, None).await.ok()["ChallengeName"], "SOFTWARE_TOKEN_MFA");
}

/// B4: a password that changes, and signing out everywhere, end what was half done on a device.
#[tokio::test]
async fn case_57_what_is_half_done_ends_with_the_sign_ins() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL", always()).await;
    let (_, device) = with_device(&app, ALICE).await;
    for ends in ["AdminUserGlobalSignOut", "AdminDisableUser"] {
        let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
        app.signed(ends, json!({ "Username": ALICE })).await.ok();
        opens(&app, ALICE, &challenge(&asked), &SrpClient::new(), &device.key)
            .await
            .refused_as("NotAuthorizedException");
    }
    app.signed("AdminEnableUser", json!({ "Username": ALICE })).await.ok();
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    proves(&app, ALICE, &asked, &device).await.ok();
}

/// The verifier of a device is not in the database as it was given, and not in the audit.
#[tokio::test]
async fn case_57_a_stolen_database_does_not_prove_a_device() {
    let folder = crate::story::Folder::new();
    let server = TestServer::with(|settings| settings.place = folder.place()).await;
    let app = pool(&server, "OFF", always()).await;
    let signed_in = begins_on(&app, ALICE, None).await.ok();
    let device = crate::support::DeviceSecret::new(&signed_in["AuthenticationResult"]);
    let given = device.verifier();
    let confirm = json!({
        "AccessToken": signed_in["AuthenticationResult"]["AccessToken"], "DeviceKey": device.key,
        "DeviceSecretVerifierConfig": given,
    });
    server.api("ConfirmDevice", confirm).await.ok();
    let kept = folder.bytes();
    let text = given["PasswordVerifier"].as_str().expect("a text");
    let bytes = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
    };
    let holds = |part: &[u8]| kept.windows(part.len()).any(|window| window == part);
    assert!(holds(device.key.as_bytes()) && !holds(&bytes[100..164]) && !holds(&text.as_bytes()[100..164]));
}

/// C10: a stranger who uses up an account's guesses does not keep a known device from its codes.
#[tokio::test]
async fn case_9_a_known_device_gets_codes_when_strangers_used_up_the_guesses() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let (device, answer) = confirms(&app, &begins_on(&app, ALICE, None).await.ok()).await;
    answer.ok();
    let (others, answer) = confirms(&app, &begins_on(&app, BOB, None).await.ok()).await;
    answer.ok();
    for _ in 0..10 {
        let asked = app.asked(ALICE).await;
        for _ in 0..5 {
            app.answers(ALICE, &asked, "00000000").await.refused_as("CodeMismatchException");
        }
    }
    let sent = codes(&app).await.len();
    for key in [None, Some(others.key.as_str())] {
        asks_on(&app, key).await;
        assert_eq!(codes(&app).await.len(), sent, "strangers get none");
    }
    let asked = asks_on(&app, Some(&device.key)).await;
    let code = codes(&app).await.remove(0);
    assert_eq!(codes(&app).await.len(), sent + 1);
    app.answers(ALICE, &challenge(&asked), &another(&code)).await.refused_as("CodeMismatchException");
    app.answers(ALICE, &challenge(&asked), &code).await.ok();
    // By password she comes in as ever.
    let parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    app.public("InitiateAuth", begin).await.ok();
}

async fn asks_on(app: &App<'_>, key: Option<&str>) -> Value {
    app.server.clock.advance(1);
    let mut parameters = json!({ "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    if let Some(key) = key {
        parameters["DEVICE_KEY"] = key.into();
    }
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })).await.ok()
}

/// The mails to Alice that carry a code.
async fn codes(app: &App<'_>) -> Vec<String> {
    mail_settles(app.server).await;
    let mails = app.server.mails_to(ALICE).await;
    mails.iter().filter_map(|mail| mail["code"].as_str().map(str::to_owned)).collect()
}
