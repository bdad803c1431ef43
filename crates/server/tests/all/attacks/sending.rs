//! Who can be made to get mail, how much of it, and how much a stranger can make us remember (attack cases 21 to 23 and
//! 82).

use super::{ALICE, behind_a_proxy, sent};
use crate::pages::browser::Browser;
use crate::story::{App, Reply, challenge, mail_settles, own_sender};
use crate::support::TestServer;
use postern_pools::oauth::pairs::query;
use postern_server::seed;
use postern_server::settings::Settings;
use serde_json::json;

/// Codes that one address gets: no more than `.1` in any `.0` milliseconds (rule S1).
const PACE: [(i64, usize); 4] = [(30_000, 1), (900_000, 5), (3_600_000, 10), (86_400_000, 20)];

fn from(source: &str) -> Vec<(String, String)> {
    vec![("x-forwarded-for".to_owned(), source.to_owned())]
}

async fn asks_from(app: &App<'_>, source: &str, name: &str) -> Reply {
    app.server.clock.advance(1);
    let body = json!({
        "ClientId": app.client_id,
        "AuthFlow": "USER_AUTH",
        "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
    });
    sent(app.server, "InitiateAuth", &body, &from(source)).await
}

#[tokio::test]
async fn case_21_nobody_is_drowned_in_mail() {
    let server = TestServer::strict_with(behind_a_proxy).await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let mut times = Vec::new();
    for round in 0..1000 {
        let source = format!("203.0.113.{}", round % 200);
        let reply = asks_from(&app, &source, ALICE).await;
        match reply.status {
            // The clock must not run ahead of the mail.
            200 => {
                times.push(server.clock.now().ms());
                mail_settles(&server).await;
            }
            _ => reply.refused_as("LimitExceededException"),
        }
        server.clock.advance(3_999);
    }
    assert_eq!(server.mails_to(ALICE).await.len(), times.len(), "who is not refused is sent a code");
    for (window_ms, most) in PACE {
        for time in &times {
            let within = times.iter().filter(|other| (0..window_ms).contains(&(*other - time))).count();
            assert!(within <= most, "{within} in {window_ms} ms");
        }
    }
    // The pace is kept, not the door shut: in its 67 minutes the hour's ten and what follows were sent.
    assert!((10..=20).contains(&times.len()), "{}", times.len());
}

#[tokio::test]
async fn case_22_spellings_of_a_mailbox_share_its_pace() {
    let server = TestServer::strict().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    for (name, spellings) in [
        (ALICE, ["Alice@Example.COM", "alice+1@example.com", "ALICE+news@example.com", "alice@EXAMPLE.com"]),
        (
            "jo@b\u{FC}cher.example",
            [
                "jo@xn--bcher-kva.example",
                "JO@B\u{DC}CHER.example",
                "jo+x@bu\u{308}cher.example",
                "Jo@XN--BCHER-KVA.example",
            ],
        ),
    ] {
        app.asks(name).await.ok();
        for spelling in spellings {
            app.asks(spelling).await.refused_as("LimitExceededException");
        }
        // What is no address of anybody's gets nothing at all.
        for odd in ["alice@example.com.", "alice.@example.com", "alice@example..com"] {
            app.asks(odd).await;
        }
    }
    mail_settles(&server).await;
    let all = server.client.get("/inbox/api/messages").await.ok();
    assert_eq!(all.body.as_array().map(Vec::len), Some(1), "{}", all.text);
}

#[tokio::test]
async fn case_23_who_sprays_addresses_is_held_up_by_source_network_and_client() {
    let server = TestServer::strict_with(|settings| {
        behind_a_proxy(settings);
        settings.rules.sends_per_source = 20;
        settings.rules.sends_per_client = 320;
        settings.ses.limits = false;
        // Only what pools count is looked at here.
        settings.pace = None;
    })
    .await;
    let app = App::new(&server).await;
    let tries = async |source: &dyn Fn(usize) -> String, tag: &str| {
        let mut good = 0;
        for number in 0..100 {
            let name = format!("{tag}{number}@example.com");
            let reply = asks_from(&app, &source(number), &name).await;
            match reply.status {
                200 => good += 1,
                _ => reply.refused_as("LimitExceededException"),
            }
        }
        good
    };
    assert_eq!(tries(&|_| "203.0.113.7".to_owned(), "one").await, 20);
    // Eighty were held back, and the audit says so once.
    let all = server.app.store.read(|tx| tx.newest_audit(1000)).await.expect("the audit");
    let told: Vec<_> = all.iter().filter(|record| record.action == "Throttle").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].resource.as_str(), told[0].source.as_str()), ("sends/source", "203.0.113.7"));
    assert_eq!(tries(&|number| format!("2001:db8:1:2::{number:x}"), "net").await, 20);
    assert_eq!(tries(&|number| format!("::ffff:203.0.{number}.9"), "many").await, 100);
    // The client's number is spread over rows, so it may be reached a little early, and is never passed.
    let rest = tries(&|number| format!("198.51.{number}.9"), "more").await
        + tries(&|number| format!("192.0.{number}.9"), "most").await;
    assert!((20..=180).contains(&rest), "{rest}");
    assert!(tries(&|number| format!("100.64.{number}.9"), "last").await < 100);
}

/// The names of people, and as many that nobody has.
fn names(count: usize, domain: &str) -> Vec<String> {
    (0..count).map(|number| format!("p{number}@{domain}")).collect()
}

#[tokio::test]
async fn case_23_who_asks_for_nobody_uses_up_nothing_of_the_default_senders_day() {
    let server = TestServer::strict_with(|settings| {
        behind_a_proxy(settings);
        settings.pace = None;
        settings.ses.default_sender_daily = 5;
    })
    .await;
    let app = App::new(&server).await;
    let people = names(6, "example.com");
    for name in &people {
        app.person(name).await;
    }
    for (number, name) in names(40, "nowhere.example").iter().enumerate() {
        asks_from(&app, &format!("203.0.113.{number}"), name).await.ok();
    }
    for name in &people[..5] {
        asks_from(&app, "198.51.100.1", name).await.ok();
        assert!(server.wait_mail(name).await["code"].is_string());
    }
    // Now it is used up, for those who are there and those who are not.
    for name in [&people[5], "nobody@nowhere.example"] {
        asks_from(&app, "198.51.100.2", name).await.refused(
            "LimitExceededException",
            "Exceeded daily email limit for the operation or the account. If a higher limit is required, please \
             configure your user pool to use your own Amazon SES configuration for sending email.",
        );
    }
}

#[tokio::test]
async fn case_23_nor_of_what_ses_lets_a_pool_send_nor_of_its_breaker() {
    let server = TestServer::strict_with(|settings| {
        behind_a_proxy(settings);
        settings.pace = None;
        settings.ses.quota = 3;
        settings.rules.breaker_after = 32;
    })
    .await;
    let sender = own_sender(&server, "no-reply@example.org").await;
    let app = App::with(&server, json!({ "EmailConfiguration": sender }), json!({})).await;
    let people = names(4, "example.com");
    for name in &people {
        app.person(name).await;
    }
    for (number, name) in names(200, "nowhere.example").iter().enumerate() {
        asks_from(&app, &format!("203.0.113.{number}"), name).await.ok();
        server.clock.advance(500);
    }
    for name in &people[..3] {
        asks_from(&app, "198.51.100.1", name).await.ok();
        assert!(server.wait_mail(name).await["code"].is_string());
    }
    for name in [&people[3], "nobody@nowhere.example"] {
        let refused = asks_from(&app, "198.51.100.2", name).await;
        refused.refused("CodeDeliveryFailureException", "Daily message quota exceeded.");
    }
}

#[tokio::test]
async fn case_23_a_pool_whose_codes_nobody_uses_sends_no_more_for_a_while_and_none_more_than_its_number() {
    const MOST: usize = 32;
    let breaker: fn(&mut Settings) = |settings| settings.rules.breaker_after = 32;
    let number: fn(&mut Settings) = |settings| settings.rules.sends_per_pool = 32;
    for limit in [breaker, number] {
        let server = TestServer::strict_with(|settings| {
            behind_a_proxy(settings);
            settings.pace = None;
            settings.ses.default_sender_daily = 500;
            limit(settings);
        })
        .await;
        let app = App::new(&server).await;
        let people = names(80, "example.com");
        let mut sent = 0;
        for (number, name) in people.iter().enumerate() {
            app.person(name).await;
            let reply = asks_from(&app, &format!("203.0.113.{number}"), name).await;
            if reply.status == 200 {
                sent += 1;
                continue;
            }
            assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
            reply.refused_as("LimitExceededException");
        }
        // The number is spread over rows: it may be reached a little early, and is never passed.
        assert!((MOST / 4..=MOST).contains(&sent), "{sent}");
        server.clock.advance(10 * 60_000);
        asks_from(&app, "198.51.100.1", &people[0]).await.ok();
    }
}

#[tokio::test]
async fn case_82_a_flood_of_challenges_pushes_nobodys_out() {
    let server = TestServer::strict_with(|settings| {
        behind_a_proxy(settings);
        settings.rules.begins_per_source = 50;
        settings.pace = None;
    })
    .await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let hers = challenge(&asks_from(&app, "198.51.100.1", ALICE).await.ok());
    let code = app.code(ALICE).await;
    let mut begun = 0;
    for number in 0..500 {
        let parameters = json!({ "USERNAME": format!("{number}@example.com") });
        let body =
            json!({ "ClientId": app.client_id, "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
        let reply = sent(&server, "InitiateAuth", &body, &from("203.0.113.7")).await;
        match reply.status {
            200 => begun += 1,
            _ => reply.refused_as("LimitExceededException"),
        }
    }
    assert_eq!(begun, 50);
    app.answers(ALICE, &hers, &code).await.ok();
}

#[tokio::test]
async fn case_82_a_flood_of_pages_that_nobody_signs_in_on_is_dammed_at_its_source() {
    let server = TestServer::strict_with(|settings| {
        behind_a_proxy(settings);
        settings.development.demo = true;
        settings.rules.begins_per_source = 50;
        settings.pace = None;
    })
    .await;
    let demo = seed::demo(&server.app).await.expect("the demo can be made");
    let callback = format!("{}/demo/callback", server.app.public_url);
    let begins = async |source: &str, state: &str| {
        let pairs = [
            ("redirect_uri", callback.as_str()),
            ("response_type", "code"),
            ("client_id", demo.client_id.as_str()),
            ("state", state),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        let path = format!("/oauth2/authorize?{}", query(&pairs));
        Browser::new(&server.url).send("GET", &path, "", &[("x-forwarded-for", source)]).await
    };
    let mut begun = 0;
    for _ in 0..100 {
        let shown = begins("203.0.113.7", "s").await;
        match shown.status {
            302 => begun += 1,
            status => assert_eq!(status, 429, "{}", shown.html),
        }
    }
    assert_eq!(begun, 50);
    assert!(begins("198.51.100.1", "s").await.to().starts_with("/login?flow="));
    // An app has only so much kept for it meanwhile.
    let refused = begins("198.51.100.1", &"s".repeat(4097)).await;
    assert_eq!(refused.parameter("error"), "invalid_request");
    server.clock.advance(10 * 60_000);
    assert!(begins("203.0.113.7", &"s".repeat(4096)).await.to().starts_with("/login?flow="));
}
