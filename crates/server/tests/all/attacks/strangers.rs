//! What a stranger can learn about who has an account: nothing (attack cases 24 to 29).

use super::{ALICE, ATTEMPTS};
use crate::story::{App, Reply, challenge, mail_settles, newest_mail, text};
use crate::support::{SrpClient, TestServer};
use crate::texts::{good_role, sms};
use serde_json::{Value, json};
use std::collections::HashSet;

#[tokio::test]
async fn case_26_an_unknown_name_is_answered_like_a_known_one_to_the_end() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let disabled = "dora@example.com";
    app.person(disabled).await;
    app.signed("AdminDisableUser", json!({ "Username": disabled })).await.ok();
    let known = transcript(&app, ALICE).await;
    assert_eq!(known, transcript(&app, "anna@example.com").await);
    assert_eq!(
        known,
        transcript(&app, disabled)
            .await
            .into_iter()
            .map(|line| line.replace("d***", "a***"))
            .collect::<Vec<_>>()
    );
    mail_settles(&server).await;
    assert!(server.mails_to("anna@example.com").await.is_empty());
    assert!(server.mails_to(disabled).await.is_empty());
}

/// Writes down all that somebody sees who asks for a code and guesses until the end, without what is random.
async fn transcript(app: &App<'_>, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let asked = app.asks(name).await;
    let mut shown = asked.body.clone();
    // What is on offer differs between people, and steadily so for strangers.
    shown.as_object_mut().expect("an object").remove("AvailableChallenges");
    shown["Session"] = shown["Session"].as_str().map(str::len).into();
    lines.push(format!("{} {shown}", asked.status));
    let asked = challenge(&asked.ok());
    for _ in 0..=ATTEMPTS {
        let reply = app.answers(name, &asked, "00000000").await;
        let mut headers: Vec<_> = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
        headers.sort();
        lines.push(format!("{} {} {headers:?}", reply.status, reply.body));
    }
    lines
}

#[tokio::test]
async fn case_29_strangers_are_not_told_apart_when_they_sign_up_or_confirm() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let mut seen = HashSet::new();
    for name in [ALICE, "anna@example.com"] {
        let attributes = json!([{ "Name": "email", "Value": name }]);
        let reply = app.public("SignUp", json!({ "Username": name, "UserAttributes": attributes })).await;
        let mut body = reply.ok();
        for random in ["UserSub", "Session"] {
            body[random] = body[random].as_str().map(str::len).into();
        }
        seen.insert(body.to_string());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    let mail = newest_mail(&server, ALICE).await;
    assert!(text(&mail, "/text").contains("already have an account"));

    let mut seen = HashSet::new();
    for name in [ALICE, "anna@example.com", "nobody@example.com"] {
        let wrong =
            app.public("ConfirmSignUp", json!({ "Username": name, "ConfirmationCode": "000000" })).await;
        seen.insert(wrong.body.to_string());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn case_24_codes_go_to_an_address_at_a_steady_pace_whether_or_not_it_has_an_account() {
    let server = TestServer::strict().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    for name in [ALICE, "anna@example.com"] {
        app.asks(name).await.ok();
        server.clock.advance(12_000);
        let early = app.asks(name).await;
        assert_eq!(early.headers["retry-after"], "18");
        early.refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
        for _ in 0..4 {
            server.clock.advance(30_000);
            app.asks(name).await.ok();
        }
        server.clock.advance(30_000);
        app.asks(name).await.refused_as("LimitExceededException");
        // Another spelling of the same mailbox gets no bucket of its own.
        app.asks(&name.replace('@', "+tag@").to_uppercase()).await.refused_as("LimitExceededException");
        server.clock.advance(15 * 60_000);
    }
}

/// What everybody sees of an answer: no random values, and one name for all.
fn seen(operation: &str, name: &str, reply: &Reply) -> String {
    let mut body = reply.body.clone();
    for random in ["Session", "UserSub"] {
        if let Some(length) = body[random].as_str().map(str::len) {
            body[random] = length.into();
        }
    }
    if let Some(parameters) = body.get_mut("ChallengeParameters").and_then(Value::as_object_mut) {
        for random in ["SALT", "SRP_B", "SECRET_BLOCK", "USERNAME", "USER_ID_FOR_SRP"] {
            if parameters.contains_key(random) {
                parameters.insert(random.into(), "RANDOM".into());
            }
        }
    }
    // What is on offer differs between people, and steadily so for strangers.
    if let Some(object) = body.as_object_mut() {
        object.remove("AvailableChallenges");
    }
    let mut headers: Vec<_> = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
    headers.sort();
    format!("{operation} {} {headers:?} {body}", reply.status).replace(name, "NAME")
}

/// Knocks at every public door under one name, and writes down what is seen.
async fn knocks(app: &App<'_>, name: &str) -> Vec<String> {
    let srp = SrpClient::new();
    let attributes = json!([{ "Name": "email", "Value": name }]);
    let begin = |flow: &str, parameters: Value| json!({ "AuthFlow": flow, "AuthParameters": parameters });
    let calls = [
        ("InitiateAuth", begin("USER_AUTH", json!({ "USERNAME": name }))),
        ("InitiateAuth", begin("USER_AUTH", json!({ "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" }))),
        (
            "InitiateAuth",
            begin("USER_PASSWORD_AUTH", json!({ "USERNAME": name, "PASSWORD": "Wrong-horse-1" })),
        ),
        ("InitiateAuth", begin("USER_SRP_AUTH", json!({ "USERNAME": name, "SRP_A": srp.value }))),
        ("SignUp", json!({ "Username": name, "Password": "Wrong-horse-1", "UserAttributes": attributes })),
        ("ConfirmSignUp", json!({ "Username": name, "ConfirmationCode": "000000" })),
        ("ResendConfirmationCode", json!({ "Username": name })),
        ("ConfirmSignUp", json!({ "Username": name, "ConfirmationCode": "000000" })),
        ("ForgotPassword", json!({ "Username": name })),
        (
            "ConfirmForgotPassword",
            json!({ "Username": name, "ConfirmationCode": "000000", "Password": "Wrong-horse-2" }),
        ),
    ];
    let mut lines = Vec::new();
    for (operation, body) in calls {
        app.server.clock.advance(1);
        let reply = app.public(operation, body).await;
        lines.push(seen(operation, name, &reply));
        let Some(asked) = reply.body["ChallengeName"].as_str() else { continue };
        let responses = match asked {
            "EMAIL_OTP" => json!({ "USERNAME": name, "EMAIL_OTP_CODE": "00000000" }),
            "SELECT_CHALLENGE" => json!({ "USERNAME": name, "ANSWER": "EMAIL_OTP" }),
            "PASSWORD_VERIFIER" => {
                let (asked, now) = (&reply.body["ChallengeParameters"], app.server.clock.now());
                srp.proves(&app.pool_id, asked, "Wrong-horse-1", now)
            }
            other => panic!("{other} was asked"),
        };
        let mut answer = json!({ "ChallengeName": asked, "ChallengeResponses": responses });
        if let Some(session) = reply.body.get("Session") {
            answer["Session"] = session.clone();
        }
        let answered = app.public("RespondToAuthChallenge", answer).await;
        lines.push(seen(asked, name, &answered));
    }
    lines
}

#[tokio::test]
async fn case_25_no_door_tells_who_is_known_unconfirmed_disabled_or_nobody() {
    let server = TestServer::start().await;
    let flows = json!([
        "ALLOW_USER_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH"
    ]);
    let app = App::with(&server, json!({}), json!({ "ExplicitAuthFlows": flows })).await;
    // All begin alike, so that what is masked is alike.
    let [known, disabled, new, nobody, reset] =
        ["kara@example.com", "kate@example.com", "kent@example.com", "kyle@example.com", "kurt@example.com"];
    for name in [known, disabled, reset] {
        app.person(name).await;
        app.password(name, "Correct-horse-1").await;
    }
    app.signed("AdminDisableUser", json!({ "Username": disabled })).await.ok();
    app.signed("AdminResetUserPassword", json!({ "Username": reset })).await.ok();
    let attributes = json!([{ "Name": "email", "Value": new }]);
    let body = json!({ "Username": new, "Password": "Correct-horse-1", "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    let lines = knocks(&app, nobody).await;
    for name in [known, disabled, new, reset] {
        let others = knocks(&app, name).await;
        for (one, other) in lines.iter().zip(&others) {
            assert_eq!(one, other, "{name}");
        }
        assert_eq!(lines.len(), others.len(), "{name}");
    }
}

#[tokio::test]
async fn case_27_resends_expiry_and_locks_are_alike_for_strangers() {
    let server = TestServer::strict().await;
    let app = App::new(&server).await;
    let [known, new, nobody] = ["kara@example.com", "kent@example.com", "kyle@example.com"];
    app.person(known).await;
    app.password(known, "Correct-horse-1").await;
    let attributes = json!([{ "Name": "email", "Value": new }]);
    app.public("SignUp", json!({ "Username": new, "UserAttributes": attributes })).await.ok();
    server.clock.advance(3_600_000);
    let mut all = HashSet::new();
    for name in [known, new, nobody] {
        let mut lines = Vec::new();
        // So often, and with such pauses, may a code be asked for again.
        for pause_ms in [0, 12_000, 18_000, 30_000, 30_000, 30_000, 30_000] {
            server.clock.advance(pause_ms);
            let reply = app.public("ResendConfirmationCode", json!({ "Username": name })).await;
            lines.push(format!("{:?} {}", reply.headers.get("retry-after"), seen("resend", name, &reply)));
        }
        server.clock.advance(3_600_000);
        // A challenge ends with its time.
        let asked = app.asked(name).await;
        server.clock.advance(180_000);
        lines.push(seen("late", name, &app.answers(name, &asked, "00000000").await));
        // Passwords lock after so many tries, for as long.
        for wait_ms in [0, 0, 0, 0, 0, 0, 900, 100, 0] {
            server.clock.advance(wait_ms);
            let parameters = json!({ "USERNAME": name, "PASSWORD": "Wrong-horse-1" });
            let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
            lines.push(seen("password", name, &app.public("InitiateAuth", body).await));
        }
        assert!(lines.iter().any(|line| line.contains("Password attempts exceeded")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("LimitExceededException")), "{lines:#?}");
        all.insert(lines);
    }
    assert_eq!(all.len(), 1, "{all:#?}");
}

#[tokio::test]
async fn case_29_who_forgot_a_password_is_answered_like_nobody() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person("kara@example.com").await;
    app.password("kara@example.com", "Correct-horse-1").await;
    let mut all = HashSet::new();
    for name in ["kara@example.com", "kyle@example.com"] {
        let reply = app.public("ForgotPassword", json!({ "Username": name })).await;
        all.insert(seen("ForgotPassword", name, &reply));
    }
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(server.mails_to("kara@example.com").await.len(), 1);
    assert!(server.mails_to("kyle@example.com").await.is_empty());
}

/// A pool that sends its codes to the telephone first.
fn telephone_first() -> Value {
    let ways = [("verified_phone_number", 1), ("verified_email", 2)];
    let ways = ways.map(|(name, priority)| json!({ "Name": name, "Priority": priority }));
    json!({
        "AccountRecoverySetting": { "RecoveryMechanisms": ways },
        "AutoVerifiedAttributes": ["phone_number", "email"],
    })
}

#[tokio::test]
async fn case_29_a_way_that_nobody_can_be_reached_by_tells_nobody_apart() {
    let server = TestServer::start().await;
    let app = App::with(&server, telephone_first(), json!({})).await;
    app.person("kara@example.com").await;
    let attributes = json!([{ "Name": "email", "Value": "kent@example.com" }]);
    let new = json!({ "Username": "kent@example.com", "UserAttributes": attributes });
    app.public("SignUp", new).await.ok();
    for operation in ["ForgotPassword", "ResendConfirmationCode"] {
        let mut all = HashSet::new();
        for name in ["kara@example.com", "kent@example.com", "kyle@example.com"] {
            server.clock.advance(1);
            let reply = app.public(operation, json!({ "Username": name })).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            all.insert(seen(operation, name, &reply));
        }
        assert_eq!(all.len(), 1, "{all:#?}");
    }
}

#[tokio::test]
async fn case_29_strangers_seem_to_have_telephones_or_none_as_people_do() {
    let server = TestServer::start().await;
    let pool = telephone_first();
    let app = App::with(&server, pool, json!({})).await;
    let texts = json!({ "AutoVerifiedAttributes": ["phone_number", "email"],
        "AccountRecoverySetting": telephone_first()["AccountRecoverySetting"],
        "SmsConfiguration": sms(&good_role(&server).await) });
    app.signed("UpdateUserPool", texts).await.ok();
    for operation in ["ForgotPassword", "ResendConfirmationCode"] {
        let mut media = HashSet::new();
        for number in 0..64 {
            let body = json!({ "Username": format!("kyle{number}@example.com") });
            let sent = app.public(operation, body.clone()).await.ok();
            let again = app.public(operation, body).await.ok();
            assert_eq!(sent, again, "a stranger's stays where it is");
            media.insert(text(&sent, "/CodeDeliveryDetails/DeliveryMedium"));
        }
        assert_eq!(media.len(), 2, "{operation}: {media:?}");
    }
}

#[tokio::test]
async fn case_25_what_people_with_plain_names_have_on_offer_strangers_have_too() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({ "UsernameAttributes": null }), json!({})).await;
    let password = "Battery-staple-2";
    let person = json!({ "Username": "kara", "MessageAction": "SUPPRESS", "TemporaryPassword": password });
    app.signed("AdminCreateUser", person).await.ok();
    app.password("kara", "Correct-horse-1").await;
    let offered = async |name: &str| app.begins(name).await.ok()["AvailableChallenges"].to_string();
    let hers = offered("kara").await;
    assert!(!hers.contains("EMAIL_OTP"), "{hers}");
    let mut theirs = HashSet::new();
    for number in 0..200 {
        theirs.insert(offered(&format!("kyle{number}")).await);
    }
    assert!(theirs.contains(&hers), "{theirs:?}");

    // Where it is somebody's whose address is not proven, both doors name the same place.
    let attributes = json!([{ "Name": "email", "Value": "kent@example.com" }]);
    let body = json!({ "Username": "kent", "Password": "Correct-horse-1", "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    let asked = app.asks("kent").await.ok();
    let forgot = app.public("ForgotPassword", json!({ "Username": "kent" })).await.ok();
    assert_eq!(
        asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"],
        forgot["CodeDeliveryDetails"]["Destination"]
    );
}
