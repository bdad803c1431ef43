//! Functions that pools call (Lambda triggers): what they are told, what their answers do, and what becomes of a call
//! when they refuse, are late, or talk nonsense.

mod custom;
mod messages;
mod migration;
mod recovery;
mod senders;
mod tokens;

use crate::story::{App, Reply, another, call, challenge, text};
use crate::support::{Does, Lambda, TestServer, answering};
use serde_json::{Value, json};

/// A server with a place for functions.
pub async fn house() -> (Lambda, TestServer) {
    let lambda = Lambda::start().await;
    let server = TestServer::with(|settings| lambda.serve(settings)).await;
    (lambda, server)
}

/// A pool whose triggers are functions of these names.
pub async fn app<'a>(server: &'a TestServer, lambda: &Lambda, triggers: &[(&str, &str)]) -> App<'a> {
    App::with(server, json!({ "LambdaConfig": config(lambda, triggers) }), json!({})).await
}

pub fn config(lambda: &Lambda, triggers: &[(&str, &str)]) -> Value {
    let triggers =
        triggers.iter().map(|(trigger, function)| ((*trigger).to_owned(), lambda.arn(function).into()));
    Value::Object(triggers.collect())
}

async fn signs_up(app: &App<'_>, email: &str) -> Reply {
    app.server.clock.advance(1);
    let body = json!({
        "Username": email,
        "Password": "Correct1!",
        "UserAttributes": [{ "Name": "email", "Value": email }],
        "ValidationData": [{ "Name": "invitation", "Value": "42" }],
        "ClientMetadata": { "shop": "north" },
    });
    app.public("SignUp", body).await
}

pub async fn by_password(app: &App<'_>, email: &str, password: &str) -> Reply {
    let body = json!({
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": email, "PASSWORD": password },
        "ClientMetadata": { "shop": "north" },
    });
    app.public("InitiateAuth", body).await
}

#[tokio::test]
async fn a_function_sees_a_sign_up_before_it_happens() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreSignUp", "gate"), ("PostConfirmation", "after")]).await;
    let signed_up = signs_up(&app, "ann@example.com").await.ok();
    assert_eq!(signed_up["UserConfirmed"], false);
    let sub = text(&signed_up, "/UserSub");
    let events = lambda.events("gate");
    assert_eq!(
        events,
        [json!({
            "version": "1",
            "triggerSource": "PreSignUp_SignUp",
            "region": "us-east-1",
            "userPoolId": app.pool_id,
            "userName": sub,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": app.client_id },
            "request": {
                "userAttributes": { "email": "ann@example.com" },
                "validationData": { "invitation": "42" },
                "clientMetadata": { "shop": "north" },
            },
            "response": { "autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false },
        })]
    );

    let code = app.code("ann@example.com").await;
    let confirm = |code: &str| json!({ "Username": "ann@example.com", "ConfirmationCode": code });
    app.public("ConfirmSignUp", confirm(&another(&code))).await.refused_as("CodeMismatchException");
    assert!(lambda.events("after").is_empty());
    app.public("ConfirmSignUp", confirm(&code)).await.ok();
    let events = lambda.events("after");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["triggerSource"], "PostConfirmation_ConfirmSignUp");
    assert_eq!(events[0]["userName"], sub);
    assert_eq!(
        events[0]["request"]["userAttributes"],
        json!({
            "sub": sub, "email": "ann@example.com", "email_verified": "true",
            "cognito:user_status": "CONFIRMED",
        })
    );
}

#[tokio::test]
async fn a_function_confirms_a_sign_up_at_once() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreSignUp", "gate"), ("PostConfirmation", "after")]).await;
    lambda.fills("gate", json!({ "autoConfirmUser": true, "autoVerifyEmail": true }));
    let signed_up = signs_up(&app, "ann@example.com").await.ok();
    assert_eq!(signed_up["UserConfirmed"], true);
    assert_eq!(signed_up.get("CodeDeliveryDetails"), None);
    assert!(server.mails_to("ann@example.com").await.is_empty());
    assert_eq!(lambda.sources(), ["PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"]);
    // Both functions were told of the user that there is now.
    let sub = text(&signed_up, "/UserSub");
    assert!(lambda.calls().iter().all(|call| call.event["userName"] == sub.as_str()));
    let user = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(user["UserStatus"], "CONFIRMED");
    assert_eq!(text(&user, "/Username"), sub);
    by_password(&app, "ann@example.com", "Correct1!").await.ok();

    // Somebody who is there already is answered alike, and stays as they are.
    let again = signs_up(&app, "ann@example.com").await.ok();
    assert_eq!(again["UserConfirmed"], true);
    assert_ne!(again["UserSub"], signed_up["UserSub"]);
}

#[tokio::test]
async fn a_function_that_refuses_is_late_or_talks_nonsense_stops_a_sign_up() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreSignUp", "gate")]).await;
    let timed_out = "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function.";
    /// What a function does, the refusal's kind and words, and how often it was called.
    type Row = (fn() -> Does, &'static str, &'static str, usize);
    let table: [Row; 6] = [
        (
            || Does::Throws("No guests"),
            "UserLambdaValidationException",
            "PreSignUp failed with error No guests.",
            1,
        ),
        (|| Does::Sleeps, "UnexpectedLambdaException", timed_out, 3),
        (
            || Does::Says(200, &[], "hello"),
            "InvalidLambdaResponseException",
            "Unrecognizable lambda output",
            1,
        ),
        (|| Does::Answers(json!(null)), "InvalidLambdaResponseException", "Unrecognizable lambda output", 1),
        (
            || Does::Says(403, &[("x-amzn-errortype", "AccessDeniedException")], "{}"),
            "UnexpectedLambdaException",
            "PreSignUp invocation failed due to error AccessDeniedException.",
            1,
        ),
        (
            || Does::Says(302, &[("location", "http://169.254.169.254/")], ""),
            "UnexpectedLambdaException",
            "PreSignUp invocation failed due to error ServiceException.",
            1,
        ),
    ];
    for (does, kind, words, calls) in table {
        lambda.forget();
        lambda.on("gate", move |_| does());
        signs_up(&app, "ann@example.com").await.refused(kind, words);
        assert_eq!(lambda.calls().len(), calls, "{words}");
        app.signed("AdminGetUser", json!({ "Username": "ann@example.com" }))
            .await
            .refused_as("UserNotFoundException");
    }
    assert!(server.mails_to("ann@example.com").await.is_empty());
    lambda.on("gate", Does::Answers);
    signs_up(&app, "ann@example.com").await.ok();
}

#[tokio::test]
async fn a_function_judges_who_may_begin_to_sign_in() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreAuthentication", "door")]).await;
    let ann = app.person("ann@example.com").await;
    app.password("ann@example.com", "Correct1!").await;
    lambda.on("door", |event| match event["request"]["userAttributes"]["email"].as_str() {
        Some("ann@example.com") => Does::Throws("Closed on Sundays"),
        _ => Does::Answers(event),
    });
    let words = "PreAuthentication failed with error Closed on Sundays.";
    app.asks("ann@example.com").await.refused("UserLambdaValidationException", words);
    by_password(&app, "ann@example.com", "Correct1!").await.refused("UserLambdaValidationException", words);
    assert!(server.mails_to("ann@example.com").await.is_empty());
    let events = lambda.events("door");
    assert_eq!(events[1]["userName"], ann.as_str());
    assert_eq!(
        events[1]["request"],
        json!({
            "userAttributes": {
                "sub": ann, "email": "ann@example.com", "email_verified": "true",
                "cognito:user_status": "CONFIRMED",
            },
            "validationData": { "shop": "north" },
            "userNotFound": false,
        })
    );

    // Nobody begins like somebody, and the function is told.
    lambda.forget();
    challenge(&app.asks("nobody@example.com").await.ok());
    let events = lambda.events("door");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["request"]["userNotFound"], true);
}

#[tokio::test]
async fn a_function_hears_of_a_sign_in_and_can_still_refuse_it() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PostAuthentication", "bell")]).await;
    app.person("ann@example.com").await;
    let challenge = app.asked("ann@example.com").await;
    let code = app.code("ann@example.com").await;
    app.answers("ann@example.com", &challenge, &another(&code)).await.refused_as("CodeMismatchException");
    assert!(lambda.calls().is_empty());

    lambda.on("bell", |_| Does::Throws("Not today"));
    let words = "PostAuthentication failed with error Not today.";
    app.answers("ann@example.com", &challenge, &code).await.refused("UserLambdaValidationException", words);
    // The code was right, and is used up all the same.
    lambda.on("bell", Does::Answers);
    app.answers("ann@example.com", &challenge, &code)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");
    assert_eq!(lambda.calls().len(), 1);

    app.signs_in("ann@example.com").await;
    let events = lambda.events("bell");
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["triggerSource"], "PostAuthentication_Authentication");
    assert_eq!(events[1]["request"]["newDeviceUsed"], false);
}

#[tokio::test]
async fn a_function_hears_of_a_sign_up_that_a_first_code_confirms() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PostConfirmation", "after"), ("PostAuthentication", "bell")]).await;
    let sub = text(&signs_up(&app, "ann@example.com").await.ok(), "/UserSub");
    app.signs_in("ann@example.com").await;
    assert_eq!(lambda.sources(), ["PostConfirmation_ConfirmSignUp", "PostAuthentication_Authentication"]);
    let told = &lambda.events("after")[0];
    assert_eq!(told["userName"], sub.as_str());
    assert_eq!(told["request"]["userAttributes"]["cognito:user_status"], "CONFIRMED");
    assert_eq!(told["request"]["userAttributes"]["email_verified"], "true");
    // Once: the next sign-in confirms nothing.
    app.signs_in("ann@example.com").await;
    assert_eq!(lambda.events("after").len(), 1);
}

#[tokio::test]
async fn guesses_are_counted_while_a_function_is_asked() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PostAuthentication", "bell")]).await;
    app.person("ann@example.com").await;
    let challenge = app.asked("ann@example.com").await;
    let code = app.code("ann@example.com").await;
    // The right code many times side by side: each is judged, one signs in.
    let tries = (0..6).map(|_| app.answers("ann@example.com", &challenge, &code));
    let replies = futures_of(tries).await;
    let signed_in = replies.into_iter().filter(|reply| reply.status == 200).count();
    assert_eq!(signed_in, 1);
}

/// Waits for all, side by side.
pub async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (place, slot) in running.iter_mut().enumerate() {
            if let Some(future) = slot
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                done[place] = Some(output);
                *slot = None;
            }
        }
        if running.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn what_an_administrator_does_is_told_to_functions() {
    let (lambda, server) = house().await;
    let app = app(&server, &lambda, &[("PreSignUp", "gate"), ("PostConfirmation", "after")]).await;
    app.person("ann@example.com").await;
    let events = lambda.events("gate");
    assert_eq!(events[0]["triggerSource"], "PreSignUp_AdminCreateUser");
    assert_eq!(events[0]["callerContext"]["clientId"], "CLIENT_ID_NOT_APPLICABLE");

    signs_up(&app, "ben@example.com").await.ok();
    app.signed("AdminConfirmSignUp", json!({ "Username": "ben@example.com" })).await.ok();
    assert_eq!(lambda.events("after")[0]["triggerSource"], "PostConfirmation_ConfirmSignUp");
}

#[tokio::test]
async fn a_function_that_is_nowhere_is_refused_when_the_pool_is_saved() {
    let server = TestServer::start().await;
    let settings = json!({
        "PoolName": "people",
        "LambdaConfig": { "PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:gate" },
    });
    let answer: Reply = server.signed("CreateUserPool", settings).await.into();
    answer.refused(
        "InvalidParameterException",
        "No place is known for the function arn:aws:lambda:us-east-1:123456789012:function:gate: see the setting \
         functions.",
    );
}

#[tokio::test]
async fn a_function_in_a_private_network_is_not_called_unless_it_is_listed() {
    let lambda = Lambda::start().await;
    let server = TestServer::with(|settings| {
        lambda.serve(settings);
        settings.reachable.clear();
    })
    .await;
    let app = app(&server, &lambda, &[("PreSignUp", "gate")]).await;
    signs_up(&app, "ann@example.com")
        .await
        .refused("UnexpectedLambdaException", "PreSignUp invocation failed due to error ServiceException.");
    assert!(lambda.calls().is_empty());
}

#[tokio::test]
async fn invocations_are_signed_and_so_are_webhooks() {
    use postern_mail::transport::{functions, web::Url, webhook};
    use postern_model::Secret;

    let lambda = Lambda::start().await;
    let server = TestServer::with(|settings| {
        lambda.serve(settings);
        let secret = Secret::new("shared secret");
        settings.functions.key =
            Some(functions::Key { id: "AKID".into(), secret: secret.clone(), region: "eu-west-1".into() });
        let url = Url::parse(&format!("{}/hooks/after", lambda.url)).expect("a URL");
        settings.functions.places.insert("after".into(), functions::Place::Webhook { url, secret });
    })
    .await;
    let app = app(&server, &lambda, &[("PreSignUp", "gate"), ("PostConfirmation", "after")]).await;
    lambda.on("gate", |event| answering(event, &json!({ "autoConfirmUser": true })));
    signs_up(&app, "ann@example.com").await.ok();

    let calls = lambda.calls();
    let header = |place: usize, name: &str| calls[place].headers[name].to_str().expect("text").to_owned();
    assert_eq!(calls[0].path, "/2015-03-31/functions/gate/invocations");
    assert!(header(0, "authorization").starts_with(
        "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/lambda/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, Signature="
    ));
    assert_eq!(calls[1].path, "/hooks/after");
    let expected =
        webhook::signature(b"shared secret", &header(1, "webhook-id"), server.clock.now(), &calls[1].body);
    assert_eq!(calls[1].headers["webhook-signature"], expected["webhook-signature"]);
    assert_eq!(header(1, "webhook-timestamp"), server.clock.now().seconds().to_string());

    // A webhook refuses by a status and its words.
    lambda.on("after", |_| Does::Says(403, &[], r#"{"errorMessage":"No more"}"#));
    let words = "PostConfirmation failed with error No more.";
    signs_up(&app, "ben@example.com").await.refused("UserLambdaValidationException", words);
    let gone: Reply = call(&server, "SignUp", json!({ "ClientId": app.client_id, "Username": "x" })).await;
    gone.refused_as("InvalidParameterException");
}
