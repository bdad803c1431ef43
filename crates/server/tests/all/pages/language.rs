//! Which language the pages speak.

use super::scene::Scene;
use postern_server::seed::ALICE;
use serde_json::json;

#[tokio::test]
async fn pages_speak_the_language_that_was_asked_for_then_chosen_then_accepted() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let german = [("accept-language", "nl, de-AT;q=0.9, fr;q=0.3")];
    let page = browser.send("GET", &scene.authorize(&[]), "", &german).await;
    let flow = page.leads_to().expect("a redirect");
    let page = browser.send("GET", &flow, "", &german).await;
    assert_eq!(page.heading(), "Anmelden");
    page.says("<html lang=\"de\">").says("Weiter").says_not("Next");
    // A choice on the page is remembered, whatever the browser likes.
    let french = browser.open(&page.link("Français")).await;
    assert_eq!(french.heading(), "Se connecter");
    let page = browser.send("GET", &flow, "", &german).await;
    assert_eq!(page.heading(), "Se connecter");
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    assert_eq!(page.heading(), "Consultez vos e-mails");
    page.says("Il est valable 3 minutes.");
    // So does the mail; one that an app asks for by itself is in English.
    let mail = scene.server.wait_mail(ALICE).await;
    assert_eq!(mail["subject"], "Votre code de connexion");
    let shown = browser.open(&format!("/inbox/{}?view=source", mail["id"].as_str().expect("an id"))).await;
    shown.says("Content-Language: fr");
    scene.server.clock.advance(60_000);
    let asked = json!({
        "ClientId": scene.demo.client_id, "AuthFlow": "USER_AUTH",
        "AuthParameters": { "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
    });
    scene.server.api("InitiateAuth", asked).await.ok();
    assert_eq!(scene.server.wait_mail(ALICE).await["subject"], "Your authentication code");
    // What the app asks for comes first, by either name, and is remembered, too.
    for (more, heading) in [
        (("ui_locales", "xx ja en"), "サインイン"),
        (("lang", "pt-BR"), "Entrar"),
        (("lang", "zh-TW"), "登入"),
    ] {
        let page = browser.visit(&scene.authorize(&[more])).await;
        assert_eq!(page.heading(), heading);
    }
    assert_eq!(browser.visit(&scene.authorize(&[])).await.heading(), "登入");
    // So is a refusal of what cannot be read at all.
    let json = [("accept-language", "de"), ("content-type", "application/json")];
    let page = scene.browser().send("POST", "/login", "{}", &json).await;
    page.says("<html lang=\"de\">").says("Die Anfrage der App ist nicht vollständig.");
    // A language that nobody speaks here is no error.
    let page = scene.browser().visit(&scene.authorize(&[("lang", "tlh")])).await;
    assert_eq!(page.heading(), "Sign in");
    let wrong = browser.open("/oauth2/authorize?client_id=unknown&lang=es").await;
    assert_eq!((wrong.status, wrong.heading().as_str()), (400, "Esta aplicación no está configurada aquí."));
}

#[tokio::test]
async fn the_pages_of_a_sign_out_can_be_read_in_another_language() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let tokens = scene.tokens(&browser, ALICE).await;
    let asked = browser.open("/logout").await;
    let asked = browser.open(&asked.link("Français")).await;
    asked.says("<html lang=\"fr\">").says("action=\"/logout/confirm\"");
    let hint = tokens["id_token"].as_str().expect("an ID token");
    let out = browser.open(&format!("/logout?id_token_hint={hint}")).await;
    assert_eq!(out.heading(), "Vous êtes déconnecté");
    let out = browser.open(&out.link("Deutsch")).await;
    assert_eq!(out.heading(), "Sie sind abgemeldet");
    out.says("Demo app");
}
