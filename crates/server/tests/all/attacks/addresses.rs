//! Addresses that are two, or another's, or carry something into a mail; and mails that say what a stranger wants (attack
//! cases 33 to 41).

use super::{ALICE, sent};
use crate::story::{App, Reply, call, mail_settles, newest_mail, text};
use crate::support::TestServer;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// What is no single mailbox: two recipients, split by different readers, or a header of its own.
const NOT_ONE_MAILBOX: [&str; 26] = [
    "a@x.test,b@y.test",
    "a@x.test;b@y.test",
    "a@x.test b@y.test",
    "a@x.test, b@y.test",
    "\"a@evil.test x\"@ok.test",
    "a@ok.test@evil.test",
    "a@evil.test%ok.test@ok.test@x",
    "<a@x.test>",
    "A <a@x.test>",
    "a(c)@x.test",
    "a@x.test(c)",
    "@x.test:a@y.test",
    "=?utf-8?q?a?=@x.test=20",
    "=?utf-8?q?a=40evil.test=3e?=@",
    "a@[127.0.0.1]",
    "a@x.test\r\nBcc: b@y.test",
    "a@x.test\nBcc: b@y.test",
    "a\r\nBcc: b@y.test\r\n@x.test",
    "a@x.test\u{0}",
    "a\u{0}@x.test",
    "a@x.test\u{2028}Bcc: b@y.test",
    "group: a@x.test;",
    "a..b@x.test",
    ".a@x.test",
    " a@x.test",
    "a@x.test ",
];

/// All mails there are.
async fn mails(server: &TestServer) -> Vec<Value> {
    mail_settles(server).await;
    server.client.get("/inbox/api/messages").await.ok().body.as_array().expect("a list").clone()
}

fn with_email(address: &str) -> Value {
    json!([{ "Name": "email", "Value": address }, { "Name": "email_verified", "Value": "true" }])
}

#[tokio::test]
async fn cases_33_to_35_what_is_not_one_mailbox_is_refused_and_nothing_is_sent() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let named = App::with(&server, json!({ "UsernameAttributes": [] }), json!({})).await;
    app.person(ALICE).await;
    let token = app.signs_in(ALICE).await["AuthenticationResult"]["AccessToken"].clone();
    let before = mails(&server).await.len();
    for odd in NOT_ONE_MAILBOX {
        let own = json!([{ "Name": "email", "Value": odd }]);
        for reply in [
            app.public("SignUp", json!({ "Username": odd, "UserAttributes": own })).await,
            app.public("SignUp", json!({ "Username": "new@example.com", "UserAttributes": own })).await,
            named
                .public(
                    "SignUp",
                    json!({ "Username": "new", "Password": "Correct-horse-1", "UserAttributes": own }),
                )
                .await,
            app.signed("AdminCreateUser", json!({ "Username": odd, "UserAttributes": with_email(odd) }))
                .await,
            named
                .signed("AdminCreateUser", json!({ "Username": "new", "UserAttributes": with_email(odd) }))
                .await,
            app.signed(
                "AdminUpdateUserAttributes",
                json!({ "Username": ALICE, "UserAttributes": with_email(odd) }),
            )
            .await,
            call(&server, "UpdateUserAttributes", json!({ "AccessToken": token, "UserAttributes": own }))
                .await,
        ] {
            assert_eq!(reply.status, 400, "{odd:?}: {}", reply.text);
            reply.refused_as("InvalidParameterException");
        }
        for reply in [
            app.asks(odd).await,
            app.public("ForgotPassword", json!({ "Username": odd })).await,
            app.public("ResendConfirmationCode", json!({ "Username": odd })).await,
        ] {
            assert!(reply.status < 500, "{odd:?}: {}", reply.text);
        }
    }
    let two = json!([{ "Name": "email", "Value": ["a@x.test", "b@y.test"] }]);
    app.public("SignUp", json!({ "Username": "a@x.test", "UserAttributes": two }))
        .await
        .refused_as("SerializationException");
    let all = mails(&server).await;
    assert_eq!(all.len(), before, "{all:?}");
}

#[tokio::test]
async fn case_35_what_people_say_makes_no_header_and_no_recipient() {
    let server = TestServer::start().await;
    let words = json!({
        "UsernameAttributes": [],
        "AdminCreateUserConfig": { "InviteMessageTemplate": {
            "EmailSubject": "Hello {username}", "EmailMessage": "{username} has {####}", "SMSMessage": "{username} {####}",
        } },
    });
    let app = App::with(&server, words, json!({})).await;
    let breaks =
        ["Bo\r\nBcc: b@y.test", "Bo\u{0}", "Bo\u{2028}Bcc: b@y.test", "=?utf-8?q?Bo=0d=0aBcc:_b=40y.test?="];
    for (number, name) in breaks.into_iter().enumerate() {
        let address = format!("bo{number}@example.com");
        let body = json!({
            "Username": format!("bo{number}"), "Password": "Correct-horse-1",
            "UserAttributes": [{ "Name": "email", "Value": address }, { "Name": "name", "Value": name }],
            "ClientMetadata": { "name": name, name: "x" },
        });
        let reply = app.public("SignUp", body).await;
        assert!(reply.status == 200 || reply.body["__type"] == "InvalidParameterException", "{}", reply.text);
        let invited =
            json!({ "Username": name, "UserAttributes": with_email(&format!("in{number}@example.com")) });
        let reply = app.signed("AdminCreateUser", invited).await;
        assert!(reply.status == 200 || reply.body["__type"] == "InvalidParameterException", "{}", reply.text);
    }
    let all = mails(&server).await;
    assert!(all.len() >= breaks.len() - 1, "{all:?}");
    for mail in all {
        let to = text(&mail, "/to");
        assert!(to.ends_with("@example.com") && !to.contains(','), "{to}");
        let source = source_of(&server, &mail).await;
        let head = source.split("\r\n\r\n").next().expect("a head").to_lowercase();
        assert!(!head.lines().any(|line| line.starts_with("bcc")), "{head}");
        assert!(!text(&mail, "/subject").contains(['\r', '\n', '\u{0}', '\u{2028}']), "{mail}");
    }
}

/// A mail as it would travel.
async fn source_of(server: &TestServer, mail: &Value) -> String {
    let caught = server.app.mail.open_in_inbox(&text(mail, "/id")).await.expect("the store answers");
    caught.expect("the mail is there").source()
}

#[tokio::test]
async fn cases_36_and_37_a_mail_does_not_carry_a_strangers_message() {
    let server = TestServer::start().await;
    let markup = "<a/href=\"https://evil.test\">Pay-now</a><img/src=x>";
    let invite =
        json!({ "EmailSubject": "Hello {username}", "EmailMessage": "<b>{username}</b> has {####}" });
    let own =
        json!({ "UsernameAttributes": [], "AdminCreateUserConfig": { "InviteMessageTemplate": invite } });
    let app = App::with(&server, own, json!({})).await;
    let phishing = "Pay now at evil.test";
    let body = json!({
        "Username": "victim", "Password": "Correct-horse-1", "ClientMetadata": { "name": phishing },
        "UserAttributes": [
            { "Name": "email", "Value": ALICE }, { "Name": "name", "Value": phishing },
            { "Name": "given_name", "Value": markup }, { "Name": "website", "Value": "javascript:alert(1)" },
        ],
    });
    app.public("SignUp", body).await.ok();
    let mail = newest_mail(&server, ALICE).await;
    for part in ["/subject", "/text", "/html"] {
        let said = text(&mail, part);
        for word in ["evil.test", "Pay", "javascript:", "<img/"] {
            assert!(!said.contains(word), "{part} says {word}: {said}");
        }
    }
    // One that people chose themselves brings no link, and nothing long.
    let words = json!({ "UsernameAttributes": [],
        "EmailVerificationSubject": "Hi {username}", "EmailVerificationMessage": "Hi {username}, {####}" });
    let chosen = App::with(&server, words, json!({})).await;
    for (number, name) in ["WIN-https://evil.test/claim", "www.evil.test", &"x".repeat(90)].iter().enumerate()
    {
        server.clock.advance(1);
        let address = format!("victim{number}@example.com");
        let own = json!([{ "Name": "email", "Value": address }]);
        let body = json!({ "Username": name, "Password": "Correct-horse-1", "UserAttributes": own });
        chosen.public("SignUp", body).await.ok();
        let mail = newest_mail(&server, &address).await;
        for part in ["/subject", "/text", "/html"] {
            let said = text(&mail, part);
            assert!(!said.contains("evil.test") && !said.contains(&"x".repeat(65)), "{part}: {said}");
        }
    }
    // A template that names the user shows the name as text.
    let invited = json!({ "Username": markup, "UserAttributes": with_email("bo@example.com") });
    app.signed("AdminCreateUser", invited).await.ok();
    let html = text(&newest_mail(&server, "bo@example.com").await, "/html");
    assert!(!html.contains("<a/href") && !html.contains("<img/"), "{html}");
    assert!(html.contains("&lt;a/href"), "{html}");
}

#[tokio::test]
async fn case_38_letters_that_fold_into_others_are_not_those() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    for name in ["mike@example.com", "kelly@example.com", "susan@example.com", "jose@example.com"] {
        app.person(name).await;
        app.password(name, "Correct-horse-1").await;
    }
    let twins = [
        "m\u{131}ke@example.com",
        "M\u{130}KE@example.com",
        "\u{212A}elly@example.com",
        "su\u{17F}an@example.com",
        "\u{FF4D}ike@example.com",
        "mike@\u{FF45}xample.com",
        "mike@example\u{3002}com",
        "jose\u{301}@example.com",
        "mike@examp\u{2113}e.com",
    ];
    for twin in twins {
        // Known or not, the answer is that of a stranger; what counts is the mail.
        app.asks(twin).await;
        app.public("ForgotPassword", json!({ "Username": twin })).await;
        let reply = app.public(
            "SignUp",
            json!({ "Username": twin, "UserAttributes": [{ "Name": "email", "Value": twin }] }),
        );
        reply.await.refused_as("InvalidParameterException");
        let password = json!({ "USERNAME": twin, "PASSWORD": "Correct-horse-1" });
        app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": password }))
            .await
            .refused_as("NotAuthorizedException");
    }
    let all = mails(&server).await;
    assert!(all.is_empty(), "{all:?}");
}

#[tokio::test]
async fn case_39_one_account_for_a_domain_in_either_spelling_and_others_for_its_twins() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let creates = async |address: &str| -> Reply {
        let body = json!({ "Username": address, "MessageAction": "SUPPRESS", "UserAttributes": with_email(address) });
        app.signed("AdminCreateUser", body).await
    };
    creates("jo@b\u{FC}cher.example").await.ok();
    for same in ["jo@xn--bcher-kva.example", "JO@B\u{DC}CHER.EXAMPLE", "jo@bu\u{308}cher.example"] {
        creates(same).await.refused_as("UsernameExistsException");
    }
    app.person("alice@apple.example").await;
    // In Cyrillic: another domain, so another mailbox. Where both scripts are mixed in one word it is none.
    let twin = "alice@\u{430}\u{440}\u{440}\u{4CF}\u{435}.example";
    let reply = creates(twin).await;
    if reply.status == 200 {
        app.signs_in(twin).await;
        assert!(server.mails_to("alice@apple.example").await.is_empty());
    } else {
        reply.refused_as("InvalidParameterException");
    }
    app.asks("alice@\u{430}pple.example").await;
    assert!(server.mails_to("alice@apple.example").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_40_of_fifty_who_sign_up_with_one_address_there_is_one() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    let other = app.on(&two);
    let spelled = |number: usize| -> String {
        let capitals = |(at, letter): (usize, char)| match number >> (at % 6) & 1 {
            1 => letter.to_ascii_uppercase(),
            _ => letter,
        };
        ALICE.chars().enumerate().map(capitals).collect()
    };
    let mut running = JoinSet::new();
    for number in 0..50 {
        let name = spelled(number);
        let app = if number % 2 == 0 { &app } else { &other };
        let client = crate::support::Client::new(&app.server.url, app.server.clock.clone());
        let body = json!({
            "ClientId": app.client_id, "Username": name,
            "UserAttributes": [{ "Name": "email", "Value": name }],
        });
        running.spawn(async move { client.json("SignUp", &body, None).await });
    }
    while let Some(answer) = running.join_next().await {
        // Whoever came first, all are answered like them.
        assert_eq!(answer.expect("the request ends").ok().body["UserConfirmed"], false);
    }
    let users = app.signed("ListUsers", json!({})).await.ok();
    assert_eq!(users["Users"].as_array().map(Vec::len), Some(1), "{users}");
}

#[tokio::test]
async fn case_41_links_name_the_host_of_the_configuration() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let token = app.signs_in(ALICE).await["AuthenticationResult"]["AccessToken"].clone();
    let headers: Vec<(String, String)> = [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-server", "evil.test"),
        ("forwarded", "for=203.0.113.9;host=evil.test;proto=http"),
        ("x-original-host", "evil.test"),
        ("origin", "https://evil.test"),
        ("referer", "https://evil.test/"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let client = |body: Value| {
        let mut body = body;
        body["ClientId"] = app.client_id.clone().into();
        body
    };
    let new = |address: &str| json!([{ "Name": "email", "Value": address }]);
    let begin = json!({ "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    for (operation, body) in [
        ("InitiateAuth", client(json!({ "AuthFlow": "USER_AUTH", "AuthParameters": begin }))),
        (
            "SignUp",
            client(json!({ "Username": "new@example.com", "UserAttributes": new("new@example.com") })),
        ),
        ("SignUp", client(json!({ "Username": ALICE, "UserAttributes": new(ALICE) }))),
        ("ResendConfirmationCode", client(json!({ "Username": "new@example.com" }))),
        ("ForgotPassword", client(json!({ "Username": ALICE }))),
        ("GetUserAttributeVerificationCode", json!({ "AccessToken": token, "AttributeName": "email" })),
        ("UpdateUserAttributes", json!({ "AccessToken": token, "UserAttributes": new("next@example.com") })),
    ] {
        server.clock.advance(1);
        let reply = sent(&server, operation, &body, &headers).await;
        assert!(reply.status == 200 || reply.status == 421, "{operation}: {}", reply.text);
    }
    let all = mails(&server).await;
    assert!(all.len() >= 8, "{}", all.len());
    let mut links = 0;
    for mail in all {
        let source = source_of(&server, &mail).await;
        assert!(!source.contains("evil.test") && !text(&mail, "/text").contains("evil.test"), "{source}");
        let said = text(&mail, "/text");
        links += said.matches(&format!("{}/", server.app.public_url)).count();
        assert_eq!(said.matches("http").count(), said.matches(&server.app.public_url).count(), "{said}");
    }
    assert!(links > 0, "the old address is told with a link that takes the change back");
}
