//! Administrators without their keys: an address and a passkey of one's own, what they open, and what does not open.

use crate::console::{audit, closed, sign_in};
use crate::pages::browser::{Browser, Shown};
use crate::support::passkey::{Attested, Ceremony, PRESENT, Passkey};
use crate::support::{Key, TestServer, allowing};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const ALEX: &str = "alex@example.com";
const YOU: &str = "/console/you";
const OVER: &str = "That code doesn't work any more. Send a new one.";
const WRONG: &str = "That code isn't right. Check the newest email and try again.";

/// The newest code that went to an address.
async fn code(server: &TestServer, address: &str) -> String {
    server.wait_mail(address).await["code"].as_str().expect("a code").to_owned()
}

fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

/// Asks for a code at the door.
async fn asked(server: &TestServer, address: &str) -> (Browser, Shown) {
    let browser = Browser::new(&server.url);
    let page = browser.visit("/console").await;
    let page = browser.press(&page, "/console/sign-in/code", &[("email", address)]).await;
    (browser, page)
}

async fn answered(browser: &Browser, page: &Shown, code: &str) -> Shown {
    browser.press(page, "/console/sign-in/answer", &[("code", code)]).await
}

/// Gives whoever is signed in an address.
async fn with_address(server: &TestServer, browser: &Browser, address: &str) -> Shown {
    let page = browser.visit(YOU).await;
    let page = browser.press(&page, "/console/you/email", &[("email", address)]).await;
    assert_eq!(page.heading(), "Check your email");
    let code = code(server, address).await;
    browser.press(&page, "/console/you/email/answer", &[("code", &code)]).await
}

/// A server with an administrator who has an address; signed in by a session that the proof of it began.
async fn scene() -> (TestServer, Browser) {
    let server = closed().await;
    let (browser, _) = sign_in(&server, &server.key).await;
    with_address(&server, &browser, ALEX).await.says("Email address saved");
    (server, browser)
}

/// What the browser's script is told to ask of passkeys.
async fn options(browser: &Browser, path: &str) -> Value {
    let answer = browser.open(path).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.html);
    serde_json::from_str(&answer.html).expect("JSON")
}

fn at(server: &TestServer, ceremony: Ceremony) -> Ceremony {
    Ceremony { origin: server.app.public_url.clone(), ..ceremony }
}

/// Makes a passkey on the page of one's own sign-in.
async fn with_passkey(server: &TestServer, browser: &Browser) -> (Passkey, Shown) {
    let page = browser.visit(YOU).await;
    let options = options(browser, "/console/you/passkeys/options").await;
    let text = |pointer: &str| options.pointer(pointer).and_then(Value::as_str).expect("a text").to_owned();
    let handle = BASE64URL.decode(text("/user/id")).expect("base64url");
    let passkey = Passkey { user_handle: Some(handle), ..Passkey::fresh() };
    let ceremony = at(server, Ceremony::create(&text("/challenge"), "localhost"));
    let credential = passkey.registers(&ceremony, Attested::No).to_string();
    let shown = browser.press(&page, "/console/you/passkeys", &[("credential", &credential)]).await;
    (passkey, shown)
}

/// The door, and the ceremony that its script would begin.
async fn ceremony(server: &TestServer, browser: &Browser) -> (Shown, Ceremony) {
    let page = browser.visit("/console").await;
    let options = options(browser, "/console/sign-in/passkey").await;
    assert_eq!(options["allowCredentials"], json!([]));
    let challenge = options["challenge"].as_str().expect("a challenge");
    (page, at(server, Ceremony::get(challenge, "localhost")))
}

async fn used(browser: &Browser, page: &Shown, credential: &Value) -> Shown {
    browser.press(page, "/console/sign-in/passkey", &[("credential", &credential.to_string())]).await
}

#[tokio::test]
async fn an_administrator_proves_an_address_once_and_then_signs_in_by_codes_alone() {
    let server = closed().await;
    let (browser, _) = sign_in(&server, &server.key).await;
    let page = browser.visit(YOU).await;
    page.says("With an access key");
    let refused = browser.press(&page, "/console/you/email", &[("email", "nobody")]).await;
    refused.says("id=\"email-error\" role=\"alert\">Enter an email address like name@example.com.");

    let page = browser.press(&refused, "/console/you/email", &[("email", ALEX)]).await;
    page.says("We sent a code to a***@e***");
    let first = code(&server, ALEX).await;
    let page = browser.press(&page, "/console/you/email/answer", &[("code", &wrong(&first))]).await;
    page.says(WRONG).says_not(&wrong(&first));
    let before = browser.copy();
    let saved = browser.press(&page, "/console/you/email/answer", &[("code", &first)]).await;
    saved.says("Email address saved").says(ALEX).says("By a mailed code");
    // The session that the proof began took the place of the one before.
    assert_eq!(before.visit(YOU).await.heading(), "Sign in");

    let (browser, page) = asked(&server, " Alex@EXAMPLE.com ").await;
    assert_eq!(page.heading(), "Check your email");
    page.says("We sent a code to <strong>A***@e***</strong>");
    let second = code(&server, ALEX).await;
    // Looking again sends nothing.
    browser.visit("/console/sign-in/code").await.says("We sent a code");
    let used = async || -> Vec<Value> {
        server.mails_to(ALEX).await.iter().map(|mail| mail["used"].clone()).collect()
    };
    assert_eq!(used().await, [false, true]);
    answered(&browser, &page, &wrong(&second)).await.says(WRONG);
    let tab = browser.copy();
    let spaced = format!(" {} {} ", &second[..4], &second[4..]);
    assert_eq!(answered(&browser, &page, &spaced).await.heading(), "User pools");
    answered(&tab, &page, &second).await.says(OVER);
    assert_eq!(used().await, [true, true]);

    // The proof of another address ends sessions of the one before, and its owner is told.
    let other = asked(&server, ALEX).await;
    assert_eq!(answered(&other.0, &other.1, &code(&server, ALEX).await).await.heading(), "User pools");
    server.clock.advance(1000);
    with_address(&server, &browser, "ada@example.com").await.says("ada@example.com");
    assert_eq!(other.0.visit(YOU).await.heading(), "Sign in");
    let told = server.wait_mail(ALEX).await;
    assert_eq!(told["subject"], "The email address of your account changed");
    assert_eq!(browser.visit(YOU).await.heading(), "Your sign-in");

    let records = audit(&server).await;
    let signed_in =
        records.iter().filter(|record| record.action == "postern:SignIn" && record.outcome == "ok");
    assert!(
        signed_in
            .clone()
            .any(|record| record.detail == "by e-mailed code" && record.who.ends_with("user/test"))
    );
    assert!(records.iter().all(|record| !record.detail.contains('@') && !record.detail.contains(&second)));
}

#[tokio::test]
async fn a_code_at_the_door_is_good_for_its_own_asking_in_time_and_five_tries() {
    let (server, _) = scene().await;
    // Who is not known is answered alike, and gets nothing.
    let (stranger, page) = asked(&server, "eve@example.com").await;
    assert_eq!(page.heading(), "Check your email");
    page.says("We sent a code to <strong>e***@e***</strong>");
    assert!(server.mails_to("eve@example.com").await.is_empty());

    let (browser, own) = asked(&server, ALEX).await;
    let right = code(&server, ALEX).await;
    answered(&stranger, &page, &right).await.says(WRONG);
    // A code for a new address does not sign in, nor the reverse.
    let (inside, _) = sign_in(&server, &server.key).await;
    let proof =
        inside.press(&inside.visit(YOU).await, "/console/you/email", &[("email", "new@example.com")]).await;
    answered(&browser, &own, &code(&server, "new@example.com").await).await.says(WRONG);
    inside.press(&proof, "/console/you/email/answer", &[("code", &right)]).await.says(WRONG);
    // From another site, or without the browser that asked.
    let forged = browser.post("/console/sign-in/answer", &[("code", &right)], &[]).await;
    assert_eq!(forged.status, 403);
    let csrf = own.field("csrf");
    let fields = [("code", right.as_str()), ("csrf", csrf.as_str())];
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "cross-site")]] {
        assert_eq!(browser.post("/console/sign-in/answer", &fields, &headers).await.status, 403);
    }
    assert_eq!(Browser::new(&server.url).post("/console/sign-in/answer", &fields, &[]).await.status, 403);
    // Tries are spent, and the last one is said to be it.
    for _ in 0..3 {
        answered(&browser, &own, &wrong(&right)).await.says(WRONG);
    }
    browser.visit("/console/sign-in/code?said=wrong").await.says("1 try left.");
    answered(&browser, &own, &wrong(&right)).await.says(OVER);
    answered(&browser, &own, &right).await.says(OVER);

    let (browser, page) = asked(&server, ALEX).await;
    let late = code(&server, ALEX).await;
    server.clock.advance(5 * MINUTE_MS);
    answered(&browser, &page, &late).await.says(OVER);
    assert_eq!(browser.visit("/console/pools").await.heading(), "Sign in");
}

#[tokio::test]
async fn guesses_at_an_administrators_codes_end_with_the_days_budget_and_sends_have_a_pace() {
    let (server, _) = scene().await;
    let (known, page) = asked(&server, ALEX).await;
    assert_eq!(answered(&known, &page, &code(&server, ALEX).await).await.heading(), "User pools");
    for address in [ALEX, "eve@example.com"] {
        for _ in 0..10 {
            let (browser, page) = asked(&server, address).await;
            for _ in 0..5 {
                answered(&browser, &page, "00000000").await;
            }
        }
        let sent = server.mails_to(address).await.len();
        let (browser, page) = asked(&server, address).await;
        page.says("We sent a code to");
        answered(&browser, &page, "00000000").await.says(WRONG);
        let since = server.mails_to(address).await;
        match address {
            // The one mail more says why there is no code.
            ALEX => assert_eq!((since.len() - sent, since[0]["code"].is_null()), (1, true)),
            _ => assert!(since.is_empty()),
        }
    }
    // A browser that somebody signed in with has guesses of its own.
    server.clock.advance(1);
    let page = known.visit("/console/sign-in").await;
    let page = known.press(&page, "/console/sign-in/code", &[("email", ALEX)]).await;
    assert_eq!(answered(&known, &page, &code(&server, ALEX).await).await.heading(), "User pools");
    // The key opens still, and a day later so does a code.
    assert_eq!(sign_in(&server, &server.key).await.1.heading(), "User pools");
    server.clock.advance(24 * 60 * MINUTE_MS + 5 * MINUTE_MS);
    let (browser, page) = asked(&server, ALEX).await;
    assert_eq!(answered(&browser, &page, &code(&server, ALEX).await).await.heading(), "User pools");

    let strict = TestServer::strict_with(|settings| settings.development.open_console = false).await;
    let (browser, _) = sign_in(&strict, &strict.key).await;
    with_address(&strict, &browser, ALEX).await.says("Email address saved");
    strict.clock.advance(MINUTE_MS);
    for address in [ALEX, "eve@example.com"] {
        asked(&strict, address).await.1.says("We sent a code to");
        asked(&strict, address).await.1.says("Too many codes were asked for.");
    }
}

#[tokio::test]
async fn a_passkey_opens_the_console_once_for_each_asking_and_ends_with_its_removal() {
    let (server, browser) = scene().await;
    let (passkey, page) = with_passkey(&server, &browser).await;
    page.says("Passkey added").says("Platform passkey");
    assert_eq!(server.wait_mail(ALEX).await["subject"], "A passkey was added to your account");

    let door = Browser::new(&server.url);
    let (page, asked) = ceremony(&server, &door).await;
    let credential = passkey.asserts(&asked);
    // In another browser the same answer is worth nothing.
    let other = Browser::new(&server.url);
    let (others, _) = ceremony(&server, &other).await;
    let refused = "That passkey doesn't open this console.";
    used(&other, &others, &credential).await.says(refused);
    let spy = door.copy();
    assert_eq!(used(&door, &page, &credential).await.heading(), "User pools");
    used(&spy, &page, &credential).await.says(refused);
    door.visit(YOU).await.says("By a passkey");

    // Somebody else's, an unverified person's, a late one, and no passkey at all.
    let at_door = Browser::new(&server.url);
    let (page, asked) = ceremony(&server, &at_door).await;
    let strange = Passkey { user_handle: passkey.user_handle.clone(), ..Passkey::fresh() };
    used(&at_door, &page, &strange.asserts(&asked)).await.says(refused);
    let (page, asked) = ceremony(&server, &at_door).await;
    used(&at_door, &page, &passkey.asserts(&Ceremony { flags: PRESENT, ..asked })).await.says(refused);
    let (page, asked) = ceremony(&server, &at_door).await;
    let evil = Ceremony { origin: "https://evil.example".to_owned(), ..asked };
    used(&at_door, &page, &passkey.asserts(&evil)).await.says(refused);
    let (page, asked) = ceremony(&server, &at_door).await;
    server.clock.advance(5 * MINUTE_MS + 1000);
    used(&at_door, &page, &passkey.asserts(&asked)).await.says(refused);
    used(&at_door, &page, &json!({ "id": "<b>" })).await.says(refused).says_not("<b>");

    // Only who has signed in of late takes it away; its sessions end.
    let again = Browser::new(&server.url);
    let (page, asked) = ceremony(&server, &again).await;
    assert_eq!(used(&again, &page, &passkey.asserts(&asked)).await.heading(), "User pools");
    let page = again.visit(YOU).await;
    let id = [("id", BASE64URL.encode(&passkey.id))];
    let id: Vec<(&str, &str)> = id.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.visit(YOU).await.says("Sign out and in again").says_not("Add a passkey");
    let csrf = browser.visit(YOU).await.field("csrf");
    let stale = [("csrf", csrf.as_str()), id[0]];
    let told = browser.post("/console/you/passkeys/remove", &stale, &[]).await;
    browser.follow(told).await.says("Sign out and in again to change how you sign in");
    let foreign = again.post("/console/you/passkeys/remove", &id, &[]).await;
    assert_eq!(foreign.status, 403);
    again.press_once(&page, "/console/you/passkeys/remove", &id).await;
    assert_eq!(again.visit(YOU).await.heading(), "Sign in");
    assert_eq!(server.wait_mail(ALEX).await["subject"], "A passkey was removed from your account");
    let (page, asked) = ceremony(&server, &again).await;
    used(&again, &page, &passkey.asserts(&asked)).await.says(refused);
}

#[tokio::test]
async fn ways_in_are_ones_own_and_give_nobody_more_than_policies_do() {
    let (server, _) = scene().await;
    let viewer = role(&server, "viewer", "ReadOnlyAccess").await;
    let (browser, _) = sign_in(&server, &viewer).await;
    // An address is one administrator's.
    with_address(&server, &browser, ALEX).await.says("Another administrator signs in by this address.");
    with_address(&server, &browser, "vera@example.com").await.says("Email address saved");
    let (passkey, page) = with_passkey(&server, &browser).await;
    page.says("Passkey added");

    let door = Browser::new(&server.url);
    let (page, asked) = ceremony(&server, &door).await;
    assert_eq!(used(&door, &page, &passkey.asserts(&asked)).await.heading(), "User pools");
    let page = door.visit("/console/pools/new").await;
    let made = [("name", "Shop"), ("kind", "spa"), ("names", "email"), ("callbacks", "https://a.example/")];
    door.press(&page, "/console/pools/new", &made)
        .await
        .says("not authorized to perform: cognito-idp:CreateUserPool");

    // Whom policies do not let change their ways in, does not; and whoever is gone gets in by none.
    let key = server.user_with_policy("mail", &allowing(&["ses:*"], &["*"])).await;
    let (mail, _) = sign_in(&server, &key).await;
    let page = mail.visit(YOU).await;
    page.says("postern:ChangeOwnSignIn");
    mail.press(&page, "/console/you/email", &[("email", "m@example.com")])
        .await
        .says("not authorized to perform: postern:ChangeOwnSignIn");
    let policy = [("UserName", "viewer"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    server.iam("DetachUserPolicy", &policy).await.ok();
    let ids = [("UserName", "viewer"), ("AccessKeyId", viewer.id.as_str())];
    server.iam("DeleteAccessKey", &ids).await.ok();
    assert_eq!(door.visit("/console/pools").await.heading(), "You may not see this");
    server.iam("DeleteUser", &[("UserName", "viewer")]).await.ok();
    assert_eq!(door.visit("/console/pools").await.heading(), "Sign in");
    let (page, asked) = ceremony(&server, &door).await;
    used(&door, &page, &passkey.asserts(&asked)).await.says("That passkey doesn't open this console.");
}

/// Makes an administrator with a shipped policy, and a key.
async fn role(server: &TestServer, name: &str, policy: &str) -> Key {
    server.iam("CreateUser", &[("UserName", name)]).await.ok();
    let arn = format!("arn:aws:iam::aws:policy/{policy}");
    server.iam("AttachUserPolicy", &[("UserName", name), ("PolicyArn", &arn)]).await.ok();
    let made = server.iam("CreateAccessKey", &[("UserName", name)]).await.ok();
    Key::new(&made.xml("AccessKeyId"), &made.xml("SecretAccessKey"))
}

async fn again(browser: &Browser, page: &Shown) -> Shown {
    browser.press(page, "/console/sign-in/again", &[]).await
}

#[tokio::test]
async fn another_code_at_the_door_belongs_to_the_same_sign_in_and_has_a_pace_and_an_end() {
    let (server, _) = scene().await;
    let (browser, page) = asked(&server, ALEX).await;
    let sent = server.mails_to(ALEX).await.len();
    let first = code(&server, ALEX).await;
    // Too early, nothing is sent; nor by looking at what became of it again.
    let early = again(&browser, &page).await;
    early.says("You can ask again in 30 seconds.").says("<title>Error: ").says("role=\"alert\"");
    server.clock.advance(29_000);
    browser.visit("/console/sign-in/code?said=wait").await.says("You can ask again in 1 second.");
    assert_eq!(server.mails_to(ALEX).await.len(), sent);

    server.clock.advance(1000);
    let renewed = again(&browser, &early).await;
    assert_eq!(renewed.heading(), "Check your email");
    renewed.says("New code sent. Use the newest one.").says_not("role=\"alert\"");
    let second = code(&server, ALEX).await;
    assert!(first != second && server.mails_to(ALEX).await.len() == sent + 1);
    // Each is good for as long as it was said to be.
    let tab = browser.copy();
    assert_eq!(answered(&tab, &renewed, &first).await.heading(), "User pools");
    answered(&browser, &renewed, &second).await.says(OVER);

    let (browser, page) = asked(&server, ALEX).await;
    let first = code(&server, ALEX).await;
    server.clock.advance(4 * MINUTE_MS);
    let page = again(&browser, &page).await;
    let second = code(&server, ALEX).await;
    server.clock.advance(MINUTE_MS);
    answered(&browser, &page, &first).await.says(WRONG);
    let page = again(&browser, &page).await;
    page.says_not("Send a new code").says("Sign in another way");
    let third = code(&server, ALEX).await;
    // Three are all that one sign-in gets, and tries count for all of them.
    let sent = server.mails_to(ALEX).await.len();
    let fields = [("csrf", page.field("csrf"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let no_more = browser.post("/console/sign-in/again", &fields, &[]).await;
    let shown = browser.follow(no_more).await;
    shown.says("No more codes are sent for this sign-in.");
    assert_eq!(server.mails_to(ALEX).await.len(), sent);
    for _ in 0..3 {
        answered(&browser, &page, &wrong(&third)).await.says(WRONG);
    }
    answered(&browser, &page, &wrong(&third)).await.says(OVER);
    for code in [&second, &third] {
        answered(&browser, &page, code).await.says(OVER);
    }
}

#[tokio::test]
async fn asking_again_tells_nothing_of_who_is_known_and_is_nobody_elses() {
    let (server, _) = scene().await;
    let (known, known_page) = asked(&server, ALEX).await;
    let (stranger, page) = asked(&server, "eve@example.com").await;
    let sent = server.mails_to(ALEX).await.len();
    for seconds in [0, 30] {
        server.clock.advance(seconds * 1000);
        let told = |shown: &Shown| shown.html.replace(&shown.field("csrf"), "").replace("a***", "e***");
        let (one, other) = (again(&known, &known_page).await, again(&stranger, &page).await);
        assert_eq!(told(&one), told(&other));
    }
    assert!(server.mails_to("eve@example.com").await.is_empty());
    assert_eq!(server.mails_to(ALEX).await.len(), sent + 1);
    // Without the cookie that the sign-in lies in, or from another site, nothing is sent.
    server.clock.advance(30_000);
    let nobody = Browser::new(&server.url);
    let door = nobody.visit("/console").await;
    let fields = [("csrf", door.field("csrf"))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    nobody.follow(nobody.post("/console/sign-in/again", &fields, &[]).await).await.says(OVER);
    assert_eq!(known.post("/console/sign-in/again", &fields, &[]).await.status, 403);
    // A sign-in that is over gets none.
    server.clock.advance(5 * MINUTE_MS);
    again(&known, &known_page).await.says(OVER);
    assert_eq!(server.mails_to(ALEX).await.len(), sent + 1);
}
