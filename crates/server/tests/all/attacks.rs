//! The attack cases of the security specification that concern codes and challenges, by their numbers there. Each runs
//! over HTTP against a server whose mail is caught; those about races run on one node and on two that share a store.

mod account_codes;
mod addresses;
mod codes;
mod connections;
mod notices;
mod restored;
mod sending;
mod strangers;

use crate::story::{App, Challenge, Folder, Reply, another, challenge, mail_settles, text};
use crate::support::{Client, START, TestServer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use postern_mail::transport::Network;
use postern_server::master_key::MasterKey;
use postern_server::settings::Settings;
use postern_store::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";

/// Wrong guesses that an account bears in a day.
const BUDGET: usize = 50;
const ATTEMPTS: usize = 5;

/// How one answer to a challenge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    SignedIn,
    /// The code was looked at and was wrong.
    Wrong,
    /// Nothing was looked at.
    Refused,
}

fn ended(reply: &Reply) -> Ended {
    assert!(reply.status < 500, "{}", reply.body);
    match (reply.status, reply.body["__type"].as_str()) {
        (200, _) => Ended::SignedIn,
        (_, Some("CodeMismatchException")) => Ended::Wrong,
        _ => Ended::Refused,
    }
}

/// Sends many answers at once, spread over the nodes, and tells how each ended.
async fn at_once(nodes: &[&App<'_>], challenge: &Challenge, codes: Vec<String>) -> Vec<Ended> {
    let mut running = JoinSet::new();
    for (number, code) in codes.into_iter().enumerate() {
        let app = nodes[number % nodes.len()];
        let body = json!({
            "ClientId": app.client_id,
            "ChallengeName": challenge.name,
            "Session": challenge.session,
            "ChallengeResponses": { "USERNAME": ALICE, "EMAIL_OTP_CODE": code },
        });
        let client = Client::new(&app.server.url, app.server.clock.clone());
        running.spawn(async move { client.json("RespondToAuthChallenge", &body, None).await });
    }
    let mut all = Vec::new();
    while let Some(reply) = running.join_next().await {
        all.push(ended(&reply.expect("the request ends").into()));
    }
    all
}

/// Starts a server on the database of a folder, always with the same master key.
async fn on(folder: &Folder, now: Timestamp) -> TestServer {
    let place = folder.place();
    TestServer::at(now, |settings| {
        settings.place = place;
        settings.master_key = MasterKey::Text(STANDARD.encode([7; 32]));
    })
    .await
}

fn how_many(all: &[Ended], one: Ended) -> usize {
    all.iter().filter(|ended| **ended == one).count()
}

#[tokio::test]
async fn case_1_a_used_code_is_worth_nothing() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    app.answers(ALICE, &asked, &code).await.ok();
    app.answers(ALICE, &asked, &code).await.refused_as("NotAuthorizedException");
    let fresh = app.asked(ALICE).await;
    app.answers(ALICE, &fresh, &code).await.refused_as("CodeMismatchException");
}

async fn race_on_the_right_code(nodes: &[&App<'_>], rounds: usize) {
    for _ in 0..rounds {
        let asked = nodes[0].asked(ALICE).await;
        let code = nodes[0].code(ALICE).await;
        // Five attempts are all that a challenge has; some of the fifty find it used, the others spent.
        let all = at_once(nodes, &asked, vec![code; 50]).await;
        assert_eq!(how_many(&all, Ended::SignedIn), 1, "{all:?}");
        assert_eq!(how_many(&all, Ended::Wrong), 0, "{all:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_2_of_fifty_who_use_a_code_at_once_one_gets_in() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    race_on_the_right_code(&[&app], 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_2_and_so_it_is_on_two_nodes() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    app.person(ALICE).await;
    race_on_the_right_code(&[&app, &app.on(&two)], 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_3_no_more_guesses_are_looked_at_than_a_code_has_attempts() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    let other = app.on(&two);
    app.person(ALICE).await;
    for nodes in [vec![&app], vec![&app, &other]] {
        let asked = app.asked(ALICE).await;
        let code = app.code(ALICE).await;
        let all = at_once(&nodes, &asked, vec![another(&code); 100]).await;
        assert_eq!(how_many(&all, Ended::Wrong), ATTEMPTS, "{all:?}");
        app.answers(ALICE, &asked, &code).await.refused_as("NotAuthorizedException");
    }
}

/// Calls a public operation with headers of the caller's own making.
async fn sent(server: &TestServer, operation: &str, body: &Value, headers: &[(String, String)]) -> Reply {
    let mut request = Request::post(format!("{}/", server.url))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("AWSCognitoIdentityProviderService.{operation}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    server.client.send(request.body(body.to_string().into()).expect("a request")).await.into()
}

/// Asks and guesses over and over; counts the guesses that met a code that was really sent.
async fn guess_and_ask_again(
    app: &App<'_>,
    rounds: usize,
    headers: impl Fn(usize) -> Vec<(String, String)>,
) -> usize {
    let mut met_a_code = 0;
    for round in 0..rounds {
        app.server.clock.advance(1);
        let before = app.server.mails_to(ALICE).await.len();
        let body = json!({
            "ClientId": app.client_id,
            "AuthFlow": "USER_AUTH",
            "AuthParameters": { "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
        });
        let asked = challenge(&sent(app.server, "InitiateAuth", &body, &headers(round)).await.ok());
        mail_settles(app.server).await;
        let mails = app.server.mails_to(ALICE).await;
        let was_sent = mails.len() > before && mails[0]["code"].is_string();
        for guess in 0..ATTEMPTS {
            let number = round * ATTEMPTS + guess;
            let body = json!({
                "ClientId": app.client_id, "ChallengeName": asked.name, "Session": asked.session,
                "ChallengeResponses": { "USERNAME": ALICE, "EMAIL_OTP_CODE": format!("{number:08}") },
            });
            // Each guess comes from somewhere else than its question, and than the other guesses.
            let headers = headers(rounds + number);
            let reply = sent(app.server, "RespondToAuthChallenge", &body, &headers).await;
            assert_ne!(ended(&reply), Ended::SignedIn);
            met_a_code += usize::from(was_sent && ended(&reply) == Ended::Wrong);
        }
    }
    met_a_code
}

#[tokio::test]
async fn case_4_guessing_and_asking_again_stays_within_the_days_budget() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let guesses = guess_and_ask_again(&app, 40, |_| Vec::new()).await;
    assert_eq!(guesses, BUDGET);
    // From here on codes are withheld, and the answers look as they did.
    let asked = app.asks(ALICE).await.ok();
    assert_eq!(asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "a***@e***");
    // Alice was told, once.
    mail_settles(&server).await;
    let told = server.mails_to(ALICE).await;
    let told = told.iter().filter(|mail| text(mail, "/subject").contains("Wrong codes")).count();
    assert_eq!(told, 1);
    // The next day she can sign in again.
    server.clock.advance(86_400_000);
    app.signs_in(ALICE).await;
}

#[tokio::test]
async fn case_5_and_so_it_does_from_many_addresses() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let forged = |round: usize| {
        let source = format!("198.51.{}.{}", round / 250, round % 250 + 1);
        vec![
            ("x-forwarded-for".to_owned(), source.clone()),
            ("forwarded".to_owned(), format!("for={source}")),
        ]
    };
    assert_eq!(guess_and_ask_again(&app, 20, forged).await, BUDGET);
}

/// The same where the addresses are true: a proxy that is believed says so.
#[tokio::test]
async fn case_5_and_so_it_does_where_each_address_is_true() {
    let server = TestServer::with(behind_a_proxy).await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let each = |round: usize| vec![("x-forwarded-for".to_owned(), format!("203.0.113.{}", round + 1))];
    assert_eq!(guess_and_ask_again(&app, 20, each).await, BUDGET);
}

/// Lets this machine be a proxy that says where requests come from.
fn behind_a_proxy(settings: &mut Settings) {
    settings.trusted_proxies =
        ["127.0.0.0/8", "::1"].map(|text| Network::parse(text).expect("a network")).into();
}

#[tokio::test]
async fn case_6_and_so_it_does_across_a_restart() {
    let folder = Folder::new();
    let server = on(&folder, START).await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let before = guess_and_ask_again(&app, 6, |_| Vec::new()).await;
    let (pool_id, client_id) = (app.pool_id.clone(), app.client_id.clone());
    let now = server.clock.now();
    drop(server);
    let server = on(&folder, now).await;
    let app = App { server: &server, pool_id, client_id };
    let after = guess_and_ask_again(&app, 10, |_| Vec::new()).await;
    assert_eq!(before + after, BUDGET);
}

#[tokio::test]
async fn case_7_each_door_has_its_budget() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let attributes = json!([{ "Name": "email", "Value": ALICE }]);
    app.public("SignUp", json!({ "Username": ALICE, "UserAttributes": attributes })).await.ok();
    let code = app.code(ALICE).await;
    let mut looked_at = 0;
    for guess in 0..40 {
        if guess % 5 == 4 {
            // A code that could not be answered any more is not sent.
            let again = app.public("ResendConfirmationCode", json!({ "Username": ALICE })).await;
            assert!(
                again.status == 200 || again.body["__type"] == "LimitExceededException",
                "{}",
                again.body
            );
        }
        let wrong = if guess % 2 == 0 { another(&code) } else { format!("{guess:06}") };
        let reply =
            app.public("ConfirmSignUp", json!({ "Username": ALICE, "ConfirmationCode": wrong })).await;
        match ended(&reply) {
            Ended::Wrong => looked_at += 1,
            // The code has had all its attempts, or the account its tries.
            Ended::Refused => assert!(
                ["ExpiredCodeException", "LimitExceededException"]
                    .map(Into::into)
                    .contains(&reply.body["__type"])
            ),
            Ended::SignedIn => panic!("a guess was right"),
        }
    }
    assert!(looked_at <= 10, "{looked_at} guesses at a code of six digits");
    // The other door is not shut by it.
    app.signs_in(ALICE).await;
}

#[tokio::test]
async fn case_8_a_stranger_cannot_burn_a_code_that_somebody_holds() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let hers = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    let mut guesses = 0;
    for _ in 0..20 {
        let strangers = app.asked(ALICE).await;
        for _ in 0..ATTEMPTS {
            app.answers(ALICE, &strangers, &another(&code)).await;
            guesses += 1;
        }
    }
    assert_eq!(guesses, 100);
    app.answers(ALICE, &hers, &code).await.ok();
}

#[tokio::test]
async fn case_10_a_session_of_somebody_else_is_no_use() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.person(BOB).await;
    let alices = app.asked(ALICE).await;
    let alices_code = app.code(ALICE).await;
    let bobs = app.asked(BOB).await;
    let elsewhere = app.asked(ALICE).await;
    for _ in 0..10 {
        app.answers(ALICE, &bobs, &alices_code)
            .await
            .refused("NotAuthorizedException", "Invalid session for the user.");
        app.answers(BOB, &alices, &alices_code)
            .await
            .refused("NotAuthorizedException", "Invalid session for the user.");
    }
    app.answers(ALICE, &elsewhere, &alices_code).await.refused_as("CodeMismatchException");
    // Nothing of hers was spent.
    app.answers(ALICE, &alices, &alices_code).await.ok();
}

#[tokio::test]
async fn case_12_a_code_is_no_use_at_another_client_or_in_another_pool() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let other_client = app.second_client().await;
    let other_pool = App::new(&server).await;
    for app in [&app, &other_pool] {
        app.person(ALICE).await;
    }
    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    for stranger in [&other_client, &other_pool] {
        stranger
            .answers(ALICE, &asked, &code)
            .await
            .refused("NotAuthorizedException", "Invalid session for the user.");
    }
    app.answers(ALICE, &asked, &code).await.ok();
}

#[tokio::test]
async fn case_14_a_code_dies_by_the_clock_that_does_not_step() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    server.clock.advance(179_000);
    app.answers(ALICE, &asked, &code).await.ok();

    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    server.clock.advance(181_000);
    app.answers(ALICE, &asked, &code).await.refused_as("NotAuthorizedException");

    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    server.clock.step_wall(-86_400_000);
    server.clock.advance(180_000 + 60_000);
    app.answers(ALICE, &asked, &code).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn case_15_a_stolen_database_does_not_tell_a_code() {
    let folder = Folder::new();
    let server = on(&folder, START).await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    let stolen = folder.bytes();
    let holds = |bytes: &[u8]| stolen.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(app.client_id.as_bytes()), "the test looks at the right bytes");
    assert!(!holds(code.as_bytes()), "the code is in the file");
    assert!(!holds(asked.session.as_bytes()), "the session is in the file");
    // No plain hash of the code either, alone or with what else the file tells.
    let known = ["", ALICE, &app.pool_id, &app.client_id, "EMAIL_OTP"];
    for before in known {
        for after in known {
            let guess = [before.as_bytes(), code.as_bytes(), after.as_bytes()].concat();
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &guess);
            assert!(!holds(digest.as_ref()));
        }
    }
    app.answers(ALICE, &asked, &code).await.ok();
}

#[tokio::test]
async fn case_17_only_the_exact_code_passes_and_nothing_breaks() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    let number: u64 = code.parse().expect("digits");
    let full_width: String =
        code.chars().map(|c| char::from_u32(c as u32 - 0x30 + 0xFF10).unwrap_or(c)).collect();
    let arabic: String =
        code.chars().map(|c| char::from_u32(c as u32 - 0x30 + 0x0660).unwrap_or(c)).collect();
    let odd: Vec<Value> = vec![
        json!(number),
        json!([code]),
        json!({ "code": code }),
        json!(null),
        json!(""),
        json!(true),
        json!(full_width),
        json!(arabic),
        json!(format!("{}-{}", &code[..4], &code[4..])),
        json!(format!(" {code}")),
        json!("9".repeat(1_000_000)),
        json!("9".repeat(20_000)),
        json!(format!("{code}\u{0}")),
    ];
    for value in odd {
        // Each in a challenge of its own, so that none fails for want of attempts.
        let asked = app.asked(ALICE).await;
        let reply = app.replies(&asked, json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": value })).await;
        assert!((400..500).contains(&reply.status), "{}", reply.status);
    }
    app.answers(ALICE, &asked, &code).await.ok();
}

#[tokio::test]
async fn case_18_a_session_opens_its_own_step_only() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.password(ALICE, "Correct-horse-1").await;
    let choice = challenge(&app.begins(ALICE).await.ok());
    let by_code = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    let with = |name: &str, session: &str| Challenge { name: name.into(), session: session.into() };
    let responses = json!({
        "USERNAME": ALICE, "EMAIL_OTP_CODE": code, "SMS_OTP_CODE": code, "PASSWORD": "Correct-horse-1",
        "ANSWER": "EMAIL_OTP", "NEW_PASSWORD": "Brand-new-1",
    });
    for (name, session) in [
        ("EMAIL_OTP", &choice.session),
        ("PASSWORD", &choice.session),
        ("NEW_PASSWORD_REQUIRED", &choice.session),
        ("PASSWORD", &by_code.session),
        ("SELECT_CHALLENGE", &by_code.session),
        ("NEW_PASSWORD_REQUIRED", &by_code.session),
        ("SMS_OTP", &by_code.session),
        ("MFA_SETUP", &by_code.session),
    ] {
        app.replies(&with(name, session), responses.clone())
            .await
            .refused("NotAuthorizedException", "Invalid session for the user.");
    }
    let session = &by_code.session;
    for broken in [
        session[..session.len() - 1].to_owned(),
        format!("{session}A"),
        session.to_uppercase(),
        session.chars().rev().collect(),
        "A".repeat(43),
    ] {
        app.replies(&with("EMAIL_OTP", &broken), responses.clone())
            .await
            .refused("NotAuthorizedException", "Invalid session for the user.");
    }
    // A session of a challenge does not stand in for that of a sign-up either.
    let begin =
        json!({ "AuthFlow": "USER_AUTH", "Session": session, "AuthParameters": { "USERNAME": ALICE } });
    app.public("InitiateAuth", begin).await.refused_as("NotAuthorizedException");
    app.answers(ALICE, &by_code, &code).await.ok();
}

#[tokio::test]
async fn case_20_what_a_client_keeps_brings_nothing_back() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let kept = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    for _ in 0..ATTEMPTS - 1 {
        // The session from before the first guess is sent each time.
        app.answers(ALICE, &kept.clone(), &another(&code)).await.refused_as("CodeMismatchException");
    }
    app.answers(ALICE, &kept, &code).await.ok();
    app.answers(ALICE, &kept, &code).await.refused_as("NotAuthorizedException");
}
