//! Managed login branding in the console, without a script.

use crate::console::{closed, pool, sign_in};
use crate::pages::browser::Browser;
use crate::support::{TestServer, allowing};
use serde_json::{Value, json};

async fn client(server: &TestServer, pool_id: &str) -> String {
    let client = json!({
        "UserPoolId": pool_id, "ClientName": "Web", "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid"],
        "CallbackURLs": ["https://shop.example/callback"], "SupportedIdentityProviders": ["COGNITO"],
    });
    server.signed("CreateUserPoolClient", client).await.ok().text_at("UserPoolClient.ClientId")
}

async fn settings(server: &TestServer, pool_id: &str, client_id: &str) -> Value {
    let asked = json!({ "UserPoolId": pool_id, "ClientId": client_id });
    let told = server.signed("DescribeManagedLoginBrandingByClient", asked).await.ok();
    told.body["ManagedLoginBranding"]["Settings"].clone()
}

#[tokio::test]
async fn colours_are_looked_at_on_the_real_pages_before_they_are_saved() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let client_id = client(&server, &pool_id).await;
    let browser = Browser::new(&server.url);
    let list = browser.visit(&format!("/console/pools/{pool_id}/branding")).await;
    let path = list.link("Web");
    let form = browser.visit(&path).await;
    form.says("Sign in, light, on a phone").says("Check your email, dark, on a phone");
    assert!(form.header("content-security-policy").contains("frame-src 'self'"));
    assert!(form.header("content-security-policy").contains("frame-ancestors 'none'"));

    // White words on a yellow button: shown in another shade, and told so; nothing is saved.
    let typed = [
        ("scheme", "DYNAMIC"),
        ("light-brand", "#FFD200"),
        ("light-on-brand", "#ffffff"),
        ("heading", "<i>Shop</i>"),
    ];
    let mut preview = typed.to_vec();
    preview.push(("preview", "yes"));
    let shown = browser.press(&form, &path, &preview).await;
    shown.says("Button text, light: #ffffff could not be read where it stands.").says("value=\"#FFD200\"");
    let (_, frame) = shown.html.split_once("<iframe").expect("a preview");
    let src = frame.split_once("src=\"").expect("it has an address").1.split_once('"').expect("it ends").0;
    let page = browser.open(&src.replace("&#38;", "&").replace("&amp;", "&")).await;
    page.says("&#60;i&#62;Shop&#60;/i&#62;").says("id=\"username\"").says_not("<i>Shop");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'self'") && policy.contains("script-src 'none'"), "{policy}");
    let css =
        page.html.split_once("style.css?").expect("a sheet of its own").1.split_once('"').expect("it ends").0;
    let css =
        browser.open(&format!("{path}/style.css?{}", css.replace("&#38;", "&").replace("&amp;", "&"))).await;
    css.says("--brand:#").says("color-scheme:light");
    let asked = json!({ "UserPoolId": pool_id, "ClientId": client_id });
    server
        .signed("DescribeManagedLoginBrandingByClient", asked.clone())
        .await
        .refused("ResourceNotFoundException");

    // Saved as it was looked at; what is no colour is named, and the rest stays typed.
    browser.press(&shown, &path, &typed).await.says("Branding saved");
    let kept = settings(&server, &pool_id, &client_id).await;
    assert_eq!(kept["components"]["primaryButton"]["lightMode"]["defaults"]["backgroundColor"], "ffd200ff");
    assert_eq!(kept["texts"]["default"]["heading"], "<i>Shop</i>");
    let form = browser.visit(&path).await;
    let refused =
        browser.press(&form, &path, &[("scheme", "DYNAMIC"), ("dark-link", "bluish"), ("card", "7")]).await;
    refused.says("Link, dark: bluish is not a colour like #1d6b62.").says("value=\"7\"");
    assert_eq!(settings(&server, &pool_id, &client_id).await, kept);

    // The later of two is told, at a preview as well as at a save.
    let (late, early) = (browser.visit(&path).await, browser.visit(&path).await);
    browser.press(&early, &path, &[("scheme", "DARK")]).await.says("Branding saved");
    browser.press(&late, &path, &preview).await.says("Somebody else changed these settings");
    let gone = browser.visit(&path).await;
    gone.says_not("Sign in, light");
    let delete = gone.link("Back to Postern&#39;s own look");
    let asked_first = browser.visit(&delete).await;
    browser.press(&asked_first, &delete, &[("confirm", "Web")]).await.says("Postern's own look again");
    server.signed("DescribeManagedLoginBrandingByClient", asked).await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn who_may_only_view_changes_no_look() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    let client_id = client(&server, &pool_id).await;
    let read = allowing(&["cognito-idp:Describe*", "cognito-idp:List*", "cognito-idp:Get*"], &["*"]);
    let viewer = server.user_with_policy("viewer", &read).await;
    let (browser, _) = sign_in(&server, &viewer).await;
    let path = format!("/console/pools/{pool_id}/branding/{client_id}");
    let form = browser.visit(&path).await;
    browser
        .press(&form, &path, &[("scheme", "DARK")])
        .await
        .says("is not authorized to perform: cognito-idp:CreateManagedLoginBranding");
    // A preview is of a session's own, and of a client that the pool has.
    let stranger = Browser::new(&server.url);
    assert_eq!(stranger.open(&format!("{path}/page")).await.status, 303);
    assert_eq!(browser.visit(&format!("/console/pools/{pool_id}/branding/nobody/page")).await.status, 404);
}
